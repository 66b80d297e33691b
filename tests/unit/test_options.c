/* test_options.c - one table parses, explains itself and tells its defaults; errors name option,
 * value, cause, fix. */
#include "../lib/unit.h"
#include "options.h"
#include "options_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- a program with one option of every type ------------------------------------------------- */

struct values {
    struct {
        unsigned level;
        bool json;
    } shared; /* first, as programs embed what they all have */
    uint64_t count, size;
    el_duration interval;
    bool quiet, connect_only;
    const char *message;
    unsigned allow;
    struct el_address source;
    struct el_endpoint_list listen;
};

static const char *const levels[] = {"error", "warn", "info", NULL};
static const char *const sources[] = {"low-port", "own-port", "multicast", NULL};

static const struct el_option shared_table[] = {
    {.help = "Diagnostics"},
    {.name = "log-level",
     .type = EL_OPT_CHOICE,
     .value = "L",
     .help = "how much to say",
     .offset = offsetof(struct values, shared.level),
     .preset = "warn",
     .choices = levels},
    {.name = "json",
     .type = EL_OPT_FLAG,
     .help = "one JSON document",
     .offset = offsetof(struct values, shared.json)},
    {0},
};

static const struct el_option table[] = {
    {.help = "Probes"},
    {.letter = 'c',
     .name = "count",
     .type = EL_OPT_NUMBER,
     .value = "N",
     .help = "how many probes to send before the summary; 0 = until the end of the whole run comes",
     .offset = offsetof(struct values, count),
     .preset = "4",
     .max = 1000},
    {.letter = 's',
     .name = "size",
     .type = EL_OPT_SIZE,
     .value = "N",
     .help = "bytes of payload",
     .offset = offsetof(struct values, size),
     .preset = "64",
     .max = 65536},
    {.letter = 'i',
     .name = "interval",
     .type = EL_OPT_DURATION,
     .value = "D",
     .help = "between probes",
     .offset = offsetof(struct values, interval),
     .preset = "1s",
     .min = EL_MS,
     .max = 3600 * EL_S},
    {.letter = 'q',
     .type = EL_OPT_FLAG,
     .help = "only the summary",
     .offset = offsetof(struct values, quiet)},
    {.name = "connect-only",
     .type = EL_OPT_FLAG,
     .help = "send nothing",
     .offset = offsetof(struct values, connect_only)},
    {.letter = 'm',
     .name = "message",
     .type = EL_OPT_TEXT,
     .value = "TEXT",
     .help = "send this",
     .offset = offsetof(struct values, message)},
    {.name = "allow-source",
     .type = EL_OPT_CHOICES,
     .value = "KIND",
     .help = "answer these too",
     .offset = offsetof(struct values, allow),
     .preset = "multicast",
     .choices = sources},
    {.name = "source",
     .type = EL_OPT_LITERAL,
     .value = "ADDR",
     .help = "local address",
     .offset = offsetof(struct values, source)},
    {.name = "listen",
     .type = EL_OPT_ENDPOINTS,
     .value = "HOST[:PORT]",
     .help = "serve here; repeatable",
     .offset = offsetof(struct values, listen),
     .preset = "127.0.0.1:7007",
     .max = 7007},
    {0},
};

static const struct el_program demo = {
    .name = "demo",
    .usage = "[options] HOST[:PORT]",
    .about =
        "Sends probes and tells of each what came back, so that this sentence is longer than a "
        "line.",
    .epilog =
        "Exit: 0 all is well, 2 usage; and so many more words that they do not fit on a line.\n"
        "Example:\n  demo   -c 1 server.lab",
    .options = table,
    .more = shared_table,
    .min_operands = 1,
    .max_operands = 1,
};

static struct values values;
static int first_operand;
static char *argv[24];
static char output[8192], errors[1024];

/* Runs the parser on words separated by '|' (values may have spaces in them). */
static int parse(const char *words)
{
    static char copy[512];
    int argc = 0;
    FILE *out = fmemopen(output, sizeof output, "w"), *err = fmemopen(errors, sizeof errors, "w");

    snprintf(copy, sizeof copy, "demo|%s", words);
    char *rest = copy;
    while (rest != NULL && *rest != '\0')
        argv[argc++] = strsep(&rest, "|");
    argv[argc] = NULL;
    output[0] = errors[0] = '\0';
    memset(&values, 0xa5, sizeof values); /* the parser must set every field itself */
    int code = el_options_parse(&demo, argc, argv, &values, &first_operand, out, err);
    fclose(out);
    fclose(err);
    return code;
}

/* ---- what is accepted ------------------------------------------------------------------------ */

START_TEST(without_options_every_field_has_its_default)
{
    ck_assert_int_eq(parse("server.lab"), -1);
    ck_assert_str_eq(argv[first_operand], "server.lab");
    ck_assert_uint_eq(values.count, 4);
    ck_assert_uint_eq(values.size, 64);
    ck_assert_int_eq(values.interval, EL_S);
    ck_assert(!values.quiet && !values.connect_only && !values.shared.json);
    ck_assert_ptr_null(values.message);
    ck_assert_uint_eq(values.allow, 4);
    ck_assert_uint_eq(values.source.length, 0);
    ck_assert_uint_eq(values.listen.count, 1);
    ck_assert_str_eq(values.listen.item[0].host, "127.0.0.1");
    ck_assert_uint_eq(values.shared.level, 1);
}
END_TEST

START_TEST(options_of_every_type_are_read_in_every_spelling)
{
    ck_assert_int_eq(parse("-c|7|--size=4k|-i250ms|-q|--connect-only|--message|a b|"
                           "--source|fd77::1|--log-level|info|--json|server.lab"),
                     -1);
    ck_assert_uint_eq(values.count, 7);
    ck_assert_uint_eq(values.size, 4096);
    ck_assert_int_eq(values.interval, 250 * EL_MS);
    ck_assert(values.quiet && values.connect_only && values.shared.json);
    ck_assert_str_eq(values.message, "a b");
    ck_assert_int_eq(el_address_family(&values.source), AF_INET6);
    ck_assert_uint_eq(values.shared.level, 2);
}
END_TEST

START_TEST(operands_may_stand_before_options)
{
    ck_assert_int_eq(parse("server.lab|-c|7"), -1);
    ck_assert_str_eq(argv[first_operand], "server.lab");
    ck_assert_uint_eq(values.count, 7);
}
END_TEST

START_TEST(after_two_dashes_everything_is_an_operand)
{
    ck_assert_int_eq(parse("-q|--|-c"), -1);
    ck_assert_str_eq(argv[first_operand], "-c");
}
END_TEST

START_TEST(the_last_of_two_values_counts)
{
    ck_assert_int_eq(parse("-c|1|--count|2|h"), -1);
    ck_assert_uint_eq(values.count, 2);
}
END_TEST

START_TEST(repeatable_options_collect_and_replace_their_default)
{
    ck_assert_int_eq(parse("--listen|[::1]:0|--listen|*|--allow-source|low-port|"
                           "--allow-source=own-port,low-port|h"),
                     -1);
    ck_assert_uint_eq(values.listen.count, 2);
    ck_assert_str_eq(values.listen.item[0].host, "::1");
    ck_assert_uint_eq(values.listen.item[0].port, 0);
    ck_assert(values.listen.item[1].wildcard);
    ck_assert_uint_eq(values.listen.item[1].port, 7007);
    ck_assert_uint_eq(values.allow, 3);
}
END_TEST

START_TEST(an_unambiguous_beginning_of_a_name_is_enough)
{
    ck_assert_int_eq(parse("--cou|9|h"), -1);
    ck_assert_uint_eq(values.count, 9);
}
END_TEST

START_TEST(a_second_parse_forgets_the_first)
{
    ck_assert_int_eq(parse("-c|9|a"), -1);
    ck_assert_int_eq(parse("-q|b"), -1);
    ck_assert_uint_eq(values.count, 4);
    ck_assert_str_eq(argv[first_operand], "b");
}
END_TEST

/* ---- what is refused, and how it is said ----------------------------------------------------- */

static const struct {
    const char *words, *message;
} refusals[] = {
    {"-c|x|h", "demo: --count: 'x' is not a number (try --count 4)\n"},
    {"--count=-1|h", "demo: --count: '-1' is not a number (try --count 4)\n"},
    {"--count=|h", "demo: --count: '' is not a number (try --count 4)\n"},
    {"--count|4x|h", "demo: --count: '4x' is not a number (try --count 4)\n"},
    {"--count|1001|h", "demo: --count: '1001' is too large (allowed: 0 to 1000)\n"},
    {"-c|99999999999999999999|h",
     "demo: --count: '99999999999999999999' is too large (try --count 4)\n"},
    {"-c", "demo: --count: its value is missing (try --count 4)\n"},
    {"h|--source", "demo: --source: its value is missing (try --source 127.0.0.1)\n"},
    {"-s|65537|h", "demo: --size: '65537' is too large (allowed: 0 to 64k)\n"},
    {"-s|4q|h", "demo: --size: '4q' is not a size: the units are k, M, G and T (try --size 64)\n"},
    {"-i|1d|h", "demo: --interval: '1d' is not a duration: the units are ns, us, ms, s, m and h "
                "(try --interval 1s)\n"},
    {"-i|1us|h", "demo: --interval: '1us' is too short (allowed: 1ms to 1h)\n"},
    {"-i|2h|h", "demo: --interval: '2h' is too long (allowed: 1ms to 1h)\n"},
    {"--log-level|loud|h",
     "demo: --log-level: 'loud' is not a choice (one of error, warn, info)\n"},
    {"--allow-source|low-port,|h", "demo: --allow-source: 'low-port,' is not a choice (one of "
                                   "low-port, own-port, multicast)\n"},
    {"--source|server.lab|h",
     "demo: --source: 'server.lab' is not an IP address (try --source 127.0.0.1)\n"},
    {"--source|fe80::1%nosuchif0|h", "demo: --source: 'fe80::1%nosuchif0' names an interface that "
                                     "is not here (ip link shows those that are)\n"},
    {"--listen|[::1|h",
     "demo: --listen: '[::1': the ']' after the IPv6 address is missing: write [ADDRESS]:PORT\n"},
    {"--connect-only=yes|h", "demo: --connect-only: takes no value (write --connect-only alone)\n"},
    {"--cuont|3|h", "demo: --cuont: unknown option (did you mean --count?)\n"},
    {"--helo", "demo: --helo: unknown option (did you mean --help?)\n"},
    {"--zzzzzzzz=1|h", "demo: --zzzzzzzz: unknown option (try demo --help)\n"},
    {"--co|3|h", "demo: --co: ambiguous option: it could be --count or --connect-only (write the "
                 "whole name)\n"},
    {"--=1|h", "demo: --: unknown option (try demo --help)\n"},
    {"-z|h", "demo: -z: unknown option (try demo --help)\n"},
    {"-qz|h", "demo: -z: unknown option (try demo --help)\n"},
    {"-q\n|h", "demo: -\\x0a: unknown option (try demo --help)\n"},
    {"--a\x1b[2J|h", "demo: --a\\x1b[2J: unknown option (try demo --help)\n"},
    {"-c|\x1b[2J|h", "demo: --count: '\\x1b[2J' is not a number (try --count 4)\n"},
    {"-q", "demo: HOST[:PORT] is missing (usage: demo [options] HOST[:PORT])\n"},
    {"a|-q|b", "demo: 'b' is one operand too many (usage: demo [options] HOST[:PORT])\n"},
};

START_TEST(a_refusal_names_option_value_cause_and_fix)
{
    ck_assert_int_eq(parse(refusals[_i].words), 2);
    ck_assert_str_eq(errors, refusals[_i].message);
    ck_assert_str_eq(output, "");
}
END_TEST

/* Neither a default nor a bound to take an example from: each type has one of its own. */
static const struct {
    enum el_option_type type;
    const char *example;
} examples[] = {
    {EL_OPT_NUMBER, "4"},          {EL_OPT_SIZE, "4"},
    {EL_OPT_DURATION, "1.5s"},     {EL_OPT_CHOICE, "error"},
    {EL_OPT_LITERAL, "127.0.0.1"},
};

START_TEST(each_type_has_an_example_of_its_own)
{
    const struct el_option bare = {.name = "bare", .type = examples[_i].type, .choices = levels};
    char text[64];
    ck_assert_str_eq(el_option_example(&bare, text, sizeof text), examples[_i].example);
}
END_TEST

START_TEST(more_endpoints_than_are_kept_are_refused)
{
    char words[512];
    size_t used = 0;
    for (int i = 0; i <= EL_ENDPOINTS_MAX; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, "--listen=:1|");
    ck_assert_int_eq(parse(words), 2);
    ck_assert_str_eq(errors, "demo: --listen: ':1' is one too many (at most 16 are kept)\n");
}
END_TEST

START_TEST(a_wrong_default_in_the_table_is_seen_at_once)
{
    static const struct el_option wrong[] = {{.name = "n", .type = EL_OPT_NUMBER, .preset = "four"},
                                             {0}};
    struct el_program program = {.name = "demo", .usage = "", .about = "", .options = wrong};
    char *words[] = {(char[]){"demo"}, NULL};
    FILE *err = fmemopen(errors, sizeof errors, "w");
    uint64_t number;
    ck_assert_int_eq(el_options_parse(&program, 1, words, &number, &first_operand, stdout, err), 2);
    fclose(err);
}
END_TEST

/* ---- --help and --version -------------------------------------------------------------------- */

static const char help_text[] =
    "usage: demo [options] HOST[:PORT]\n"
    "\n"
    "Sends probes and tells of each what came back, so that this sentence is longer\n"
    "than a line.\n"
    "\n"
    "Probes:\n"
    "  -c, --count N             how many probes to send before the summary; 0 =\n"
    "                            until the end of the whole run comes (default 4)\n"
    "  -s, --size N              bytes of payload (default 64)\n"
    "  -i, --interval D          between probes (default 1s)\n"
    "  -q                        only the summary\n"
    "      --connect-only        send nothing\n"
    "  -m, --message TEXT        send this\n"
    "      --allow-source KIND   answer these too: low-port, own-port, multicast\n"
    "                            (default multicast)\n"
    "      --source ADDR         local address\n"
    "      --listen HOST[:PORT]  serve here; repeatable (default 127.0.0.1:7007)\n"
    "\n"
    "Diagnostics:\n"
    "      --log-level L         how much to say: error, warn, info (default warn)\n"
    "      --json                one JSON document\n"
    "\n"
    "Help:\n"
    "      --help                print this and exit\n"
    "      --version             print the version and exit\n"
    "\n"
    "Exit: 0 all is well, 2 usage; and so many more words that they do not fit on a\n"
    "line.\n"
    "Example:\n"
    "  demo   -c 1 server.lab\n";

START_TEST(help_is_grouped_aligned_and_shows_defaults)
{
    ck_assert_int_eq(parse("--help"), 0);
    ck_assert_msg(strcmp(output, help_text) == 0, "%s", output);
    ck_assert_str_eq(errors, "");
}
END_TEST

START_TEST(version_is_one_line)
{
    ck_assert_int_eq(parse("--version"), 0);
    ck_assert_str_eq(output, "demo (echolab) " EL_VERSION "\n");
}
END_TEST

START_TEST(help_that_cannot_be_written_is_a_failure)
{
    char *words[] = {(char[]){"demo"}, (char[]){"--help"}, NULL};
    FILE *full = fopen("/dev/full", "w"), *err = fmemopen(errors, sizeof errors, "w");
    ck_assert_int_eq(el_options_parse(&demo, 2, words, &values, &first_operand, full, err), 1);
    fclose(full);
    fclose(err);
    ck_assert_str_eq(errors, "demo: stdout: write: No space left on device\n");
}
END_TEST

/* ---- the parsers by themselves --------------------------------------------------------------- */

START_TEST(durations)
{
    static const struct {
        const char *text;
        int error;
        el_duration length;
    } cases[] = {
        {"250ms", 0, 250 * EL_MS},
        {"1.5s", 0, 1500 * EL_MS},
        {"2m", 0, 120 * EL_S},
        {"1h", 0, 3600 * EL_S},
        {"10us", 0, 10 * EL_US},
        {"7ns", 0, 7},
        {"3", 0, 3 * EL_S},
        {"0", 0, 0},
        {"0.25", 0, 250 * EL_MS},
        {".5s", 0, 500 * EL_MS},
        {"0.1", 0, 100 * EL_MS},
        {"1.999999999999999999999999s", 0, 1999999999},
        {"0.1234567890123456789012345s", 0, 123456789},
        {"0.5ns", 0, 0},
        {"1.000000001h", 0, 3600 * EL_S + 3600},
        {"00002m", 0, 120 * EL_S},
        {"9223372036854775806ns", 0, INT64_MAX - 1},
        {"9223372036854775807ns", -ERANGE, 0}, /* that is EL_NEVER */
        {"9223372036.9", -ERANGE, 0},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999999999h", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {".", -EINVAL, 0},
        {".s", -EINVAL, 0},
        {"1.", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"+1s", -EINVAL, 0},
        {" 1s", -EINVAL, 0},
        {"1 s", -EINVAL, 0},
        {"1s ", -EINVAL, 0},
        {"1S", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1,5s", -EINVAL, 0},
        {"1m30s", -EINVAL, 0},
        {"nan", -EINVAL, 0},
        {"inf", -EINVAL, 0},
        {"99999999999999999999999999d", -EINVAL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        el_duration length = 0;
        const char *why = NULL;
        int error = el_parse_duration(cases[i].text, &length, &why);
        ck_assert_msg(error == cases[i].error && length == cases[i].length, "'%s' gave %d, %jd",
                      cases[i].text, error, (intmax_t)length);
        ck_assert_msg(error == 0 || why != NULL, "'%s'", cases[i].text);
    }
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        const char *text;
        int error;
        uint64_t bytes;
    } cases[] = {
        {"64", 0, 64},
        {"0", 0, 0},
        {"4k", 0, 4096},
        {"4K", 0, 4096},
        {"1M", 0, 1048576},
        {"2G", 0, 2147483648},
        {"1T", 0, 1099511627776},
        {"16777215T", 0, 16777215ull << 40},
        {"16777216T", -ERANGE, 0},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"1m", -EINVAL, 0},
        {"1kb", -EINVAL, 0},
        {"1.5k", -EINVAL, 0},
        {"k", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 k", -EINVAL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t bytes = 0;
        const char *why = NULL;
        int error = el_parse_size(cases[i].text, &bytes, &why);
        ck_assert_msg(error == cases[i].error && bytes == cases[i].bytes, "'%s' gave %d, %ju",
                      cases[i].text, error, (uintmax_t)bytes);
    }
}
END_TEST

START_TEST(durations_print_with_three_digits_that_count)
{
    static const struct {
        el_duration length;
        const char *text;
    } cases[] = {
        {0, "0ns"},
        {999, "999ns"},
        {EL_US, "1.00us"},
        {250 * EL_US, "250us"},
        {999499, "999us"},
        {999500, "1.00ms"},
        {3250 * EL_US, "3.25ms"},
        {9994999, "9.99ms"},
        {9995000, "10.0ms"},
        {31 * EL_MS, "31.0ms"},
        {250 * EL_MS, "250ms"},
        {1500 * EL_MS, "1.50s"},
        {59949 * EL_MS, "59.9s"},
        {59950 * EL_MS, "1m00s"},
        {125 * EL_S, "2m05s"},
        {3725 * EL_S, "1h02m"},
        {-3250 * EL_US, "-3.25ms"},
        {EL_NEVER, "never"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[24];
        ck_assert_str_eq(el_print_duration(cases[i].length, text, sizeof text), cases[i].text);
    }
    char text[24];
    el_print_duration(INT64_MIN, text, sizeof text);
    el_print_duration(INT64_MAX - 1, text, sizeof text);
}
END_TEST

START_TEST(property_a_printed_duration_parses_to_itself_within_half_a_percent)
{
    for (int i = 0; i < 50000; i++) {
        el_duration length = (el_duration)unit_random(60 * EL_S) >> unit_random(36), again;
        char text[24];
        const char *why;
        if (length >= 59 * EL_S)
            continue; /* from a minute on it is for people only */
        el_print_duration(length, text, sizeof text);
        unit_holds(el_parse_duration(text, &again, &why) == 0, text);
        unit_holds(fabs((double)(again - length)) <= 0.005 * (double)length + 1, text);
    }
}
END_TEST

START_TEST(property_exact_durations_parse_to_what_was_written)
{
    for (int i = 0; i < 50000; i++) {
        uint64_t ns = unit_random(UINT64_MAX) >> (2 + unit_random(60));
        char text[64];
        const char *why;
        el_duration length;
        snprintf(text, sizeof text, "%ju.%09jus", (uintmax_t)(ns / EL_S), (uintmax_t)(ns % EL_S));
        unit_holds(el_parse_duration(text, &length, &why) == 0, text);
        unit_holds((uint64_t)length == ns, text);
    }
}
END_TEST

START_TEST(property_any_text_is_parsed_or_refused)
{
    for (int i = 0; i < 100000; i++) {
        char text[32];
        const char *why = NULL;
        el_duration length = -1;
        uint64_t number;
        unit_random_text(text, sizeof text, i % 2 ? "0123456789.munshkMGT" : "09.s -+e");
        int error = el_parse_duration(text, &length, &why);
        unit_holds(error == 0 ? length >= 0 && length < EL_NEVER : why != NULL, text);
        why = NULL;
        error = el_parse_size(text, &number, &why);
        unit_holds(error == 0 || why != NULL, text);
        why = NULL;
        error = el_parse_number(text, &number, &why);
        unit_holds(error == 0 || why != NULL, text);
        if (error == 0) {
            char again[32];
            snprintf(again, sizeof again, "%ju", (uintmax_t)number);
            unit_holds(strcmp(again, text + (strspn(text, "0") - (number == 0))) == 0, text);
        }
    }
}
END_TEST

START_TEST(property_any_words_are_parsed_or_refused_with_one_line)
{
    static const char *const pieces[] = {"-",
                                         "--",
                                         "c",
                                         "count",
                                         "=",
                                         "|",
                                         "5",
                                         "q",
                                         "listen",
                                         "::1",
                                         "[",
                                         "]",
                                         ":7",
                                         "help",
                                         "x",
                                         "i",
                                         "allow-source",
                                         "low-port",
                                         ",",
                                         "source",
                                         "m"};
    for (int i = 0; i < 5000; i++) {
        char words[200] = "";
        size_t used = 0;
        unsigned bars = 0;
        for (uint64_t n = unit_random(12); n > 0; n--) {
            const char *piece = pieces[unit_random(COUNT(pieces))];
            bars += *piece == '|';
            used += (size_t)snprintf(words + used, sizeof words - used, "%s", piece);
        }
        unit_holds(bars < 20, words);
        int code = parse(words);
        unit_holds(code == -1 || code == 0 || code == 2, words);
        if (code == 2) {
            unit_holds(strncmp(errors, "demo: ", 6) == 0, words);
            unit_holds(strchr(errors, '\n') == errors + strlen(errors) - 1, words);
        }
    }
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *accepted = add_case(suite, "accepted"), *refused = add_case(suite, "refused");
    TCase *help = add_case(suite, "help"), *parsers = add_case(suite, "parsers");

    tcase_add_test(accepted, without_options_every_field_has_its_default);
    tcase_add_test(accepted, options_of_every_type_are_read_in_every_spelling);
    tcase_add_test(accepted, operands_may_stand_before_options);
    tcase_add_test(accepted, after_two_dashes_everything_is_an_operand);
    tcase_add_test(accepted, the_last_of_two_values_counts);
    tcase_add_test(accepted, repeatable_options_collect_and_replace_their_default);
    tcase_add_test(accepted, an_unambiguous_beginning_of_a_name_is_enough);
    tcase_add_test(accepted, a_second_parse_forgets_the_first);

    tcase_add_loop_test(refused, a_refusal_names_option_value_cause_and_fix, 0,
                        (int)COUNT(refusals));
    tcase_add_loop_test(refused, each_type_has_an_example_of_its_own, 0, COUNT(examples));
    tcase_add_test(refused, more_endpoints_than_are_kept_are_refused);
    tcase_add_test(refused, a_wrong_default_in_the_table_is_seen_at_once);
    tcase_add_test(refused, property_any_words_are_parsed_or_refused_with_one_line);

    tcase_add_test(help, help_is_grouped_aligned_and_shows_defaults);
    tcase_add_test(help, version_is_one_line);
    tcase_add_test(help, help_that_cannot_be_written_is_a_failure);

    tcase_add_test(parsers, durations);
    tcase_add_test(parsers, sizes);
    tcase_add_test(parsers, durations_print_with_three_digits_that_count);
    tcase_add_test(parsers, property_a_printed_duration_parses_to_itself_within_half_a_percent);
    tcase_add_test(parsers, property_exact_durations_parse_to_what_was_written);
    tcase_add_test(parsers, property_any_text_is_parsed_or_refused);
    return unit_main(suite);
}
