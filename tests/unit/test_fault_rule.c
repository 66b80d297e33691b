/*
 * test_fault_rule.c - the words of `net fault`: what is understood, what is refused and how that helps.
 */
#include "fault_rule.h"
#include "fault_select.h"
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 16 };

/* Parses "A:B WORD..." given as one text. */
static int parse(const char *text, struct fault_rule *rule, char *why)
{
    char copy[512], *rest = NULL;
    const char *words[WORDS_MAX];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    const char *link = strtok_r(copy, " ", &rest);
    for (char *word; count < WORDS_MAX && (word = strtok_r(NULL, " ", &rest)) != NULL;)
        words[count++] = word;
    return fault_rule_parse(link == NULL ? "" : link, words, count, rule, why);
}

static struct fault_rule rule_of(const char *text)
{
    struct fault_rule rule;
    char why[FAULT_WHY_MAX] = "";
    int error = parse(text, &rule, why);
    ck_assert_msg(error == 0, "%s: %s", text, why);
    return rule;
}

/* Refused, and the complaint has `part` in it. */
static void refused(const char *text, const char *part)
{
    struct fault_rule rule;
    char why[FAULT_WHY_MAX] = "";
    ck_assert_msg(parse(text, &rule, why) == -EINVAL, "understood: %s", text);
    ck_assert_msg(strstr(why, part) != NULL, "%s: no \"%s\" in: %s", text, part, why);
}

START_TEST(the_examples_of_the_design_are_understood)
{
    struct fault_rule rule = rule_of("client:server drop=nth:3");
    ck_assert_str_eq(rule.from, "client");
    ck_assert_str_eq(rule.to, "server");
    ck_assert_int_eq(rule.select[FAULT_DROP].kind, FAULT_NTH);
    ck_assert_uint_eq(rule.select[FAULT_DROP].nth[0], 3);
    rule = rule_of("a:b drop=5% seed=42");
    ck_assert_int_eq(rule.select[FAULT_DROP].kind, FAULT_RANDOM);
    ck_assert_uint_eq(rule.select[FAULT_DROP].chance, 50000000);
    ck_assert_uint_eq(rule.seed, 42);
    rule = rule_of("a:b delay=20ms+-5ms");
    ck_assert_int_eq(rule.delay, 20 * EL_MS);
    ck_assert_int_eq(rule.jitter, 5 * EL_MS);
    ck_assert_int_eq(rule.select[FAULT_DELAY].kind, FAULT_ALL);
    rule = rule_of("a:b drop=nth:2 protocol=tcp payload=1-"); /* the second data segment */
    ck_assert_int_eq(rule.match.protocol, FAULT_TCP);
    ck_assert_uint_eq(rule.match.payload_min, 1);
    ck_assert_uint_eq(rule.match.payload_max, UINT16_MAX);
    rule = rule_of("a:b delay=20ms on=every:3"); /* every third packet */
    ck_assert_int_eq(rule.select[FAULT_DELAY].kind, FAULT_EVERY);
    ck_assert_uint_eq(rule.select[FAULT_DELAY].nth[0], 3);
}
END_TEST

START_TEST(every_other_word_is_understood)
{
    struct fault_rule rule = rule_of("a:b reorder=nth:2,5 gap=3 within=50ms direction=both");
    ck_assert_uint_eq(rule.select[FAULT_REORDER].count, 2);
    ck_assert_uint_eq(rule.gap, 3);
    ck_assert_int_eq(rule.within, 50 * EL_MS);
    ck_assert(fault_rule_goes(&rule, false) && fault_rule_goes(&rule, true));
    rule = rule_of("a:b duplicate=burst:0.5%:4 corrupt=all checksum=keep at=16 port=7007");
    ck_assert_int_eq(rule.select[FAULT_DUPLICATE].kind, FAULT_BURST);
    ck_assert_uint_eq(rule.select[FAULT_DUPLICATE].chance, 5000000);
    ck_assert(rule.keep_checksum && rule.at_offset);
    ck_assert_uint_eq(rule.offset, 16);
    ck_assert_uint_eq(rule.match.port, 7007);
    rule = rule_of("a:b rate=1mbit limit=16k sport=1 dport=65535 fail=closed direction=reverse");
    ck_assert_uint_eq(rule.rate, 1000000);
    ck_assert_uint_eq(rule.limit, 16384);
    ck_assert(rule.closed);
    ck_assert(!fault_rule_goes(&rule, false) && fault_rule_goes(&rule, true));
    rule = rule_of("a:b drop=all flags=SYN,!ACK");
    ck_assert_uint_eq(rule.match.flags_set, TH_SYN);
    ck_assert_uint_eq(rule.match.flags_clear, TH_ACK);
    ck_assert_int_eq(rule.match.protocol, FAULT_TCP); /* who speaks of flags means TCP */
    rule = rule_of("a:b delay=20ms+-5ms distribution=exponential protocol=dns");
    ck_assert_int_eq(rule.distribution, FAULT_EXPONENTIAL);
    ck_assert_int_eq(rule.match.protocol, FAULT_DNS);
    ck_assert_int_eq(rule_of("a:b blackhole protocol=icmp").kernel, FAULT_BLACKHOLE);
    ck_assert_int_eq(rule_of("a:b refuse port=7").kernel, FAULT_REFUSE);
}
END_TEST

START_TEST(what_is_refused_is_named_with_its_fix)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"ab drop=all", "ab: is not a link"},
        {"a:a drop=all", "both ends"},
        {"A:b drop=all", "is not a link"},
        {"a:b", "what shall happen"},
        {"a:b protocol=tcp", "what shall happen"},
        {"a:b lose", "lose: is no fault"},
        {"a:b lose=5%", "lose=5%: is no word"},
        {"a:b drop=nth:0", "counted from 1"},
        {"a:b drop=nth:", "counted from 1"},
        {"a:b drop=nth:1,,2", "counted from 1"},
        {"a:b drop=nth:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "at most 16"},
        {"a:b drop=every:0", "every how many"},
        {"a:b drop=0%", "above 0"},
        {"a:b drop=101%", "at most 100"},
        {"a:b drop=100.0000001%", "at most 100"},
        {"a:b drop=1.00000001%", "seven decimals"},
        {"a:b drop=-5%", "is not a percentage"},
        {"a:b drop=.5%", "is not a percentage"},
        {"a:b drop=5.%", "is not a percentage"},
        {"a:b drop=5", "does not choose packets"},
        {"a:b drop=", "does not choose packets"},
        {"a:b drop=burst:5%", "length of a burst"},
        {"a:b drop=all drop=all", "twice"},
        {"a:b delay=5ms+-10ms", "more jitter than delay"},
        {"a:b delay=2m", "at most 60s"},
        {"a:b delay=x", "is not a duration"},
        {"a:b rate=1", "is not a rate"},
        {"a:b rate=0bit", "is not a rate"},
        {"a:b rate=1000gbit", "is not a rate"},
        {"a:b rate=1mbit limit=0", "limit=0: is not a size"},
        {"a:b gap=2 drop=all", "gap=: is about reorder="},
        {"a:b on=all drop=all", "on=: chooses packets for delay="},
        {"a:b limit=1k drop=all", "is the queue of rate="},
        {"a:b checksum=keep drop=all", "is about corrupt="},
        {"a:b delay=1ms distribution=normal", "does not vary"},
        {"a:b delay=1ms+-1ms distribution=pareto", "is none of uniform"},
        {"a:b drop=all protocol=sctp", "is none of udp"},
        {"a:b drop=all port=0", "is not a port"},
        {"a:b drop=all port=65536", "is not a port"},
        {"a:b drop=all protocol=icmp port=7", "ICMP has no ports"},
        {"a:b drop=all flags=SYN protocol=udp", "only TCP has flags"},
        {"a:b drop=all flags=SYN,!SYN", "a flag twice"},
        {"a:b drop=all flags=syn", "is not a list of TCP flags"},
        {"a:b drop=all payload=5-1", "ends before it begins"},
        {"a:b drop=all payload=-5", "is not a length of payload"},
        {"a:b drop=all direction=up", "is none of forward"},
        {"a:b drop=all seed=x", "is not a number"},
        {"a:b drop=all fail=maybe", "neither open nor closed"},
        {"a:b reject drop=all", "nothing that the kernel's own rules can do"},
        {"a:b reject payload=1-", "nothing that the kernel's own rules can do"},
        {"a:b reject refuse", "one verdict too many"},
        {"a:b r\reject", "r\\x0deject: is no fault"}, /* what reaches the terminal is printable */
        {"a\033:b drop=all", "a\\x1b:b: is not a link"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].text, cases[i].part);
    ck_assert_int_eq(rule_of("a:b delay=20").delay, 20 * EL_S);
}
END_TEST

START_TEST(a_seed_is_noted_once)
{
    struct fault_rule rule = rule_of("a:b drop=5%");
    fault_rule_seed(&rule, 77);
    fault_rule_seed(&rule, 78);
    ck_assert_str_eq(rule.text, "drop=5% seed=77");
    rule = rule_of("a:b drop=5% seed=1");
    fault_rule_seed(&rule, 78);
    ck_assert_str_eq(rule.text, "drop=5% seed=1");
    rule = rule_of("a:b reject"); /* the kernel's rules have no chance in them */
    fault_rule_seed(&rule, 78);
    ck_assert_str_eq(rule.text, "reject");
}
END_TEST

START_TEST(a_rule_survives_being_a_line)
{
    struct fault_rule rule = rule_of("a:b drop=nth:2,5 delay=20ms+-5ms flags=SYN seed=9"), back;
    char line[FAULT_TEXT_MAX + 64], again[FAULT_TEXT_MAX + 64];
    rule.number = 12;
    fault_rule_write(&rule, line, sizeof line);
    ck_assert_str_eq(line, "12 a:b drop=nth:2,5 delay=20ms+-5ms flags=SYN seed=9");
    ck_assert_int_eq(fault_rule_read(line, &back), 0);
    ck_assert_uint_eq(back.number, 12);
    ck_assert_str_eq(fault_rule_write(&back, again, sizeof again), line);
    ck_assert_int_eq(fault_rule_read("x a:b drop=all", &back), -EINVAL);
    ck_assert_int_eq(fault_rule_read("1 a:b", &back), -EINVAL);
    ck_assert_int_eq(fault_rule_read("", &back), -EINVAL);
}
END_TEST

/* Whatever is typed: never a crash, an answer of 0 or a complaint of one line that fits. */
START_TEST(any_text_is_understood_or_refused)
{
    static const char *const keys[] = {"drop=",  "delay=", "rate=", "reorder=", "on=",  "payload=",
                                       "flags=", "port=",  "",      "corrupt=", "gap=", "seed="};
    for (unsigned round = 0; round < unit_rounds(40000); round++) {
        char value[24], word[64], why[FAULT_WHY_MAX] = "";
        const char *words[2] = {word, "duplicate=all"};
        struct fault_rule rule, back;
        char line[FAULT_TEXT_MAX + 64];
        unit_random_text(value, 1 + unit_random(sizeof value - 1),
                         "0159nthevryb:,%.+-ms!SYNAK kg=");
        snprintf(word, sizeof word, "%s%s", keys[unit_random(sizeof keys / sizeof *keys)], value);
        int error = fault_rule_parse("a:b", words, 2, &rule, why);
        unit_holds(error == 0 || error == -EINVAL, word);
        unit_holds(error == 0 || (why[0] != '\0' && strlen(why) < FAULT_WHY_MAX - 1), word);
        if (error == 0) {
            /* What is understood reads back as the same. */
            unit_holds(fault_rule_read(fault_rule_write(&rule, line, sizeof line), &back) == 0,
                       word);
            unit_holds(rule.match.payload_min == back.match.payload_min &&
                           rule.match.flags_set == back.match.flags_set &&
                           rule.match.port == back.match.port,
                       word);
            unit_holds(strcmp(rule.text, back.text) == 0, word);
        }
    }
}
END_TEST

START_TEST(any_percentage_is_exact)
{
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        uint64_t wanted = 1 + unit_random(FAULT_WHOLE);
        uint32_t chance;
        char text[32];
        const char *why;
        snprintf(text, sizeof text, "%u.%07u%%", (unsigned)(wanted / 10000000),
                 (unsigned)(wanted % 10000000));
        unit_holds(fault_parse_percent(text, strlen(text), &chance, &why) == 0, text);
        unit_holds(chance == wanted, text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault_rule");
    TCase *words = tcase_create("words");
    tcase_add_test(words, the_examples_of_the_design_are_understood);
    tcase_add_test(words, every_other_word_is_understood);
    tcase_add_test(words, what_is_refused_is_named_with_its_fix);
    tcase_add_test(words, a_seed_is_noted_once);
    tcase_add_test(words, a_rule_survives_being_a_line);
    tcase_add_test(words, any_text_is_understood_or_refused);
    tcase_add_test(words, any_percentage_is_exact);
    suite_add_tcase(suite, words);
    return unit_main(suite);
}
