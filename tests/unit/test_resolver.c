/*
 * test_resolver.c - what the resolver does without a server: literals, the hosts file, names that
 * are none, words; and what becomes of it when memory is short or messages are noise.
 */
#include "lookup_run.h"
#include "resolver_private.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct lookup_run run;

static const struct mock_rule silence[] = {{.action = MOCK_DROP}};
static const struct mock_rule both[] = {
    {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
    {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
};

/* ---- the hosts file -------------------------------------------------------------------------- */

static const char hosts_text[] = "# comment\n"
                                 "127.0.0.1\tlocalhost loop # trailing comment\n"
                                 "::1 localhost\n"
                                 "\n"
                                 "10.0.0.1   web.lab  Web www\t\tw3\r\n"
                                 "  10.0.0.2 indented\n"
                                 "fd00::1 web.lab\n"
                                 "10.0.0.1 web.lab\n"
                                 "not-an-address broken\n"
                                 "10.0.0.3\n"
                                 "10.0.0.4 # nameless\n"
                                 "fe80::1%lo linked\n"
                                 "10.0.0.9 123\n"
                                 "10.0.0.10 last";

START_TEST(hosts_file)
{
    static const struct {
        const char *host, *v4, *v6, *canonical;
    } table[] = {
        {"localhost", "127.0.0.1", "::1", ""},
        {"LocalHost", "127.0.0.1", "::1", ""},
        {"loop", "127.0.0.1", "", "localhost"},
        {"web.lab", "10.0.0.1", "fd00::1", ""},
        {"web.lab.", "10.0.0.1", "fd00::1", ""},
        {"www", "10.0.0.1", "", "web.lab"},
        {"W3", "10.0.0.1", "", "web.lab"},
        {"indented", "10.0.0.2", "", ""},
        {"123", "10.0.0.9", "", ""},
        {"last", "10.0.0.10", "", ""},
    };
    const char *path = text_file(hosts_text);
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.hosts_path = path;
    run_lookup(&run, table[_i].host);
    ck_assert_str_eq(addresses_of(&run.v4), table[_i].v4);
    ck_assert_str_eq(addresses_of(&run.v6), table[_i].v6);
    const struct el_answer *answer = run.v4.count > 0 ? &run.v4 : &run.v6;
    ck_assert_int_eq(answer->source, EL_FROM_HOSTS);
    ck_assert_str_eq(answer->canonical, table[_i].canonical);
    ck_assert_int_eq(run.v6.status, *table[_i].v6 ? EL_LOOKUP_OK : EL_LOOKUP_NO_DATA);
    ck_assert_uint_eq(run.query_count, 0);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    run_end(&run);
}
END_TEST

START_TEST(what_the_hosts_file_does_not_have_is_asked_of_dns)
{
    static const char *const hosts[] = {"www.lab.", "broken.lab.", "comment.lab."};
    static const struct mock_rule rules[] = {{.records = "www.lab A 10.77.0.2"}};
    const char *path = text_file(hosts_text);
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.hosts_path = path;
    run_lookup(&run, hosts[_i]);
    ck_assert_int_eq(run.v4.source, EL_FROM_DNS);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 2);
    run_end(&run);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_passed_over_and_the_next_is_read)
{
    char text[5000] = "10.0.0.66";
    size_t used = strlen(text);
    while (used < 4000)
        used += (size_t)snprintf(text + used, sizeof text - used, " name%zu", used);
    snprintf(text + used, sizeof text - used, " web.lab\n10.0.0.1 web.lab\n");
    const char *path = text_file(text);
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.hosts_path = path;
    run_lookup(&run, "web.lab");
    ck_assert_str_eq(addresses_of(&run.v4), "10.0.0.1");
    run_end(&run);
}
END_TEST

START_TEST(more_addresses_in_the_hosts_file_than_we_keep_are_left_out)
{
    char text[4096] = "";
    for (size_t i = 0, used = 0; i < 100; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "10.0.1.%zu many\n", i);
    const char *path = text_file(text);
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.hosts_path = path;
    run_lookup(&run, "many");
    ck_assert_uint_eq(run.v4.count, EL_ADDRESSES_MAX);
    run_end(&run);
}
END_TEST

START_TEST(localhost_is_this_machine_even_without_a_hosts_file)
{
    static const char *const hosts[] = {"localhost", "LOCALHOST.", "echo.localhost"};
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.hosts_path = _i == 0 ? "/nonexistent/hosts" : "/dev/null";
    run_lookup(&run, hosts[_i]);
    ck_assert_str_eq(addresses_of(&run.v4), "127.0.0.1");
    ck_assert_str_eq(addresses_of(&run.v6), "::1");
    ck_assert_int_eq(run.v4.source, EL_FROM_DEFINITION);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    run_end(&run);
}
END_TEST

/* ---- names and words ------------------------------------------------------------------------- */

START_TEST(what_is_no_legal_name_never_leaves_the_machine)
{
    static const char *const hosts[] = {
        "",
        ".",
        "a..b",
        ".a",
        "a b",
        "a\tb",
        "a\nb",
        "a/b",
        "a:b",
        "[::1]",
        "b\303\274cher.lab",
        "10.77.0.256",
        "10.77.0",
        "1",
        "0x7f.1.1.1.9",
        "a.1.",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.lab",
        "a\\.b",
    };
    ck_assert_uint_eq(COUNT(hosts), 18);
    run_begin(&run, silence, COUNT(silence));
    run_lookup(&run, hosts[_i]);
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_BAD_NAME);
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_BAD_NAME);
    ck_assert_int_eq(run.v4.source, EL_FROM_NOWHERE);
    ck_assert_ptr_nonnull(el_lookup_name_fault(hosts[_i]));
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    run_end(&run);
}
END_TEST

/* A name of `length` characters in labels of fifty. */
static const char *long_name(size_t length)
{
    static char name[512];
    for (size_t i = 0; i < length; i++)
        name[i] = i % 51 == 50 && i + 1 < length ? '.' : 'n';
    name[length] = '\0';
    return name;
}

START_TEST(a_name_of_253_characters_is_asked_for_and_a_longer_one_is_not)
{
    static const size_t lengths[] = {253, 254, 255, 400};
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.tries = 1;
    run.resolver_args.timeout = 50 * EL_MS;
    run_lookup(&run, long_name(lengths[_i]));
    ck_assert_int_eq(run.v4.status, _i == 0 ? EL_LOOKUP_TIMEOUT : EL_LOOKUP_BAD_NAME);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_A, MOCK_BOTH), _i == 0 ? 1 : 0);
    run_end(&run);
}
END_TEST

START_TEST(names_as_people_write_them_are_legal)
{
    static const char *const names[] = {
        "a",    "server.lab",        "server.lab.", "_dns.x-y.lab", "9to5.lab",
        "3com", "xn--bcher-kva.lab", "1.2.3.4.lab", "A-B.C",        "a1.b2"};
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_msg(el_lookup_name_fault(names[i]) == NULL, "%s", names[i]);
}
END_TEST

START_TEST(a_literal_with_a_zone_that_does_not_exist_is_a_local_failure)
{
    run_begin(&run, silence, COUNT(silence));
    run_lookup(&run, "fe80::1%nosuchif");
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_LOCAL);
    ck_assert_int_eq(run.v6.error, -ENODEV);
    run_end(&run);
}
END_TEST

START_TEST(each_status_has_words_of_its_own)
{
    for (int a = EL_LOOKUP_OK; a <= EL_LOOKUP_CANCELLED; a++)
        for (int b = a + 1; b <= EL_LOOKUP_CANCELLED; b++)
            ck_assert_str_ne(el_lookup_status_text((enum el_lookup_status)a),
                             el_lookup_status_text((enum el_lookup_status)b));
    for (int a = EL_LOOKUP_NO_NAME; a <= EL_LOOKUP_BAD_ANSWER; a++)
        ck_assert_ptr_nonnull(el_lookup_status_hint((enum el_lookup_status)a));
}
END_TEST

START_TEST(a_failure_that_has_a_reason_names_it)
{
    char text[EL_LOOKUP_FAILURE];
    ck_assert_str_eq(el_lookup_failure_print(EL_LOOKUP_UNREACHABLE, -ECONNREFUSED, text),
                     "unreachable: no server can be reached: Connection refused");
    ck_assert_str_eq(el_lookup_failure_print(EL_LOOKUP_UNREACHABLE, 0, text),
                     "unreachable: no server can be reached");
    ck_assert_str_eq(el_lookup_failure_print(EL_LOOKUP_LOCAL, -EMFILE, text),
                     "local failure: Too many open files");
    /* an errno of the other family's answer */
    ck_assert_str_eq(el_lookup_failure_print(EL_LOOKUP_NO_NAME, -ECONNREFUSED, text),
                     "NXDOMAIN: no such name");
}
END_TEST

struct story {
    char text[8192];
    size_t used;
};

static void keep_story(void *arg, const struct el_event *event)
{
    struct story *story = arg;
    story->used += (size_t)snprintf(story->text + story->used, sizeof story->text - story->used,
                                    "%s\n", event->text);
}

START_TEST(the_narration_tells_the_decision_each_query_and_each_answer)
{
    static const struct {
        const char *host;
        const char *words[6];
    } table[] = {
        {"10.0.0.1", {"10.0.0.1 is an address already"}},
        {"localhost", {"localhost is this machine by definition (RFC 6761): no server is asked"}},
        {"www.lab.",
         {"is no address and not in /dev/null: asking the DNS servers of the command line",
          "AAAA www.lab? to 127.0.0.1:", "A www.lab? to 127.0.0.1:", "answers A www.lab after ",
          ": NOERROR, 10.77.0.2\n", "A gives 10.77.0.2; the kernel "}},
        {"six.lab.", {": NOERROR, fd77::2\n", ": NOERROR, no address\n"}},
        {"many.lab.", {": NOERROR, 10.9.0.1, 10.9.0.2, 10.9.0.3 and 2 more\n"}},
        {"lost.lab.", {"(asked again)", "A of lost.lab.: timeout"}},
        {"long.lab.",
         {"truncated: ask again over TCP", "over TCP", "A gives next, as it came, 10.9.0.2"}},
        {"esc\x1b[31m", {"esc\\x1b[31m is not a name to ask for: only letters"}},
        {"homed.lab", {"homed.lab is in /proc/self/fd/", ": no server is asked"}},
    };
    static const struct mock_rule rules[] = {
        {.name = "www.lab", .type = MOCK_A, .records = "www.lab A 10.77.0.2"},
        {.name = "www.lab", .type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
        {.name = "six.lab", .type = MOCK_AAAA, .records = "six.lab AAAA fd77::2"},
        {.name = "six.lab", .type = MOCK_A, .records = ""},
        {.name = "many.lab", .type = MOCK_A, .addresses = 5},
        {.name = "many.lab", .type = MOCK_AAAA, .records = ""},
        {.name = "long.lab", .addresses = 31},
        {.name = "lost.lab", .action = MOCK_DROP},
    };
    struct story story = {.used = 0};
    struct el_trace *trace =
        el_trace_new(&(struct el_trace_args){.sink = keep_story, .arg = &story, .explain = true});
    const char *hosts = text_file("10.0.0.7 homed.lab\n");
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.trace = trace;
    if (strcmp(table[_i].host, "homed.lab") == 0)
        run.resolver_args.hosts_path = hosts;
    if (strcmp(table[_i].host, "lost.lab.") == 0)
        run.resolver_args.timeout = 100 * EL_MS;
    run_lookup(&run, table[_i].host);
    for (size_t i = 0; i < COUNT(table[_i].words) && table[_i].words[i] != NULL; i++)
        ck_assert_msg(strstr(story.text, table[_i].words[i]) != NULL, "no '%s' in:\n%s",
                      table[_i].words[i], story.text);
    run_end(&run);
    el_trace_free(trace);
}
END_TEST

/* ---- noise ----------------------------------------------------------------------------------- */

/* A right answer: www.lab, an alias of web.lab, with two addresses; names compressed. */
static const uint8_t right_answer[] = {
    0x12, 0x34, 0x81, 0x80, 0,    1,   0,   3,   0, 0,  0, 0,               /* header */
    3,    'w',  'w',  'w',  3,    'l', 'a', 'b', 0, 0,  1, 0, 1,            /* www.lab A IN */
    0xC0, 12,   0,    5,    0,    1,   0,   0,   0, 60, 0, 6,               /* www.lab CNAME */
    3,    'w',  'e',  'b',  0xC0, 16,                                       /* web.lab */
    0xC0, 37,   0,    1,    0,    1,   0,   0,   0, 60, 0, 4, 10, 77, 0, 2, /* web.lab A */
    0xC0, 37,   0,    1,    0,    1,   0,   0,   0, 60, 0, 4, 10, 77, 0, 3, /* web.lab A */
};

START_TEST(a_right_message_is_read)
{
    struct el_answer answer = {.family = AF_INET};
    struct el_dns_head head;
    size_t left_out;
    ck_assert(el_dns_head_parse(right_answer, sizeof right_answer, &head));
    ck_assert_uint_eq(head.id, 0x1234);
    ck_assert(head.response);
    ck_assert_str_eq(head.name, "www.lab");
    ck_assert_int_eq(
        el_dns_addresses_parse(right_answer, sizeof right_answer, 7007, &answer, &left_out),
        EL_LOOKUP_OK);
    ck_assert_str_eq(addresses_of(&answer), "10.77.0.2 10.77.0.3");
    ck_assert_str_eq(answer.canonical, "web.lab");
}
END_TEST

START_TEST(a_message_cut_anywhere_is_malformed)
{
    struct el_answer answer = {.family = AF_INET};
    size_t left_out;
    for (size_t length = 0; length < sizeof right_answer; length++) {
        uint8_t *exact = malloc(length + 1); /* so that the sanitizer sees one byte too far */
        memcpy(exact + 1, right_answer, length);
        ck_assert_int_eq(el_dns_addresses_parse(exact + 1, length, 7007, &answer, &left_out),
                         EL_LOOKUP_BAD_ANSWER);
        free(exact);
    }
}
END_TEST

/* Of a stream only the head and the question are kept: they alone must be read, and nothing after them. */
START_TEST(a_head_cut_anywhere_is_malformed)
{
    enum { HEAD = 12, QUESTION = 13 };
    struct el_dns_head head;
    for (size_t length = 0; length <= HEAD + QUESTION; length++) {
        uint8_t *exact = malloc(length + 1);
        memcpy(exact + 1, right_answer, length);
        ck_assert_int_eq(el_dns_head_parse(exact + 1, length, &head), length == HEAD + QUESTION);
        free(exact);
    }
}
END_TEST

/* What a host name may have is shown as it is; a byte that none has can neither look like a dot nor end the string. */
START_TEST(a_name_in_a_message_is_shown_harmlessly)
{
    static const uint8_t message[] = {0,   1,   1,   0, 0,   1, 0,   0,   0,   0, 0, 0, 6, 'a',
                                      '-', '_', '.', 0, 'Z', 3, 'l', 'a', '9', 0, 0, 1, 0, 1};
    struct el_dns_head head;
    ck_assert(el_dns_head_parse(message, sizeof message, &head));
    ck_assert_str_eq(head.name, "a-_??Z.la9");
}
END_TEST

/* Property: whatever bytes come, reading ends, within the message, and gives no more addresses
 * than there is room. */
START_TEST(noise_is_survived)
{
    uint8_t *bytes = malloc(sizeof right_answer);
    for (unsigned round = 0; round < 20000; round++) {
        memcpy(bytes, right_answer, sizeof right_answer);
        for (unsigned changes = 0; changes < 1 + round % 7; changes++) {
            bytes[unit_random(sizeof right_answer)] = (uint8_t)unit_random(256);
        }
        struct el_answer answer = {.family = round % 2 == 0 ? AF_INET : AF_INET6};
        struct el_dns_head head;
        size_t left_out;
        (void)el_dns_head_parse(bytes, sizeof right_answer, &head);
        enum el_lookup_status status =
            el_dns_addresses_parse(bytes, sizeof right_answer, 7007, &answer, &left_out);
        ck_assert(status == EL_LOOKUP_OK || status == EL_LOOKUP_NO_DATA ||
                  status == EL_LOOKUP_BAD_ANSWER);
        ck_assert_uint_le(answer.count, EL_ADDRESSES_MAX);
        ck_assert_uint_lt(strlen(answer.canonical), sizeof answer.canonical);
    }
    free(bytes);
}
END_TEST

/* ---- too little memory ----------------------------------------------------------------------- */

static unsigned allocations, fail_at; /* 0: never */

static bool allocation_fails(void)
{
    return ++allocations == fail_at;
}

static void *try_malloc(size_t size)
{
    return allocation_fails() ? NULL : malloc(size);
}

static void *try_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : realloc(old, size);
}

enum { ARES_ALLOCATIONS = 120, EVENT_ALLOCATIONS = 15 }; /* more than a lookup makes */

/* Short of memory it may still find an address; without one it must say why, in words. */
static void assert_said(const struct el_answer *answer)
{
    ck_assert((answer->count > 0) == (answer->status == EL_LOOKUP_OK));
    ck_assert_int_ne(answer->status, EL_LOOKUP_CANCELLED);
    ck_assert_str_ne(el_lookup_status_text(answer->status), "");
}

/* In c-ares. The slow path, with TCP, is taken, for it allocates most. */
static void lose_one_of_c_ares(unsigned nth)
{
    static const struct mock_rule rules[] = {
        {.transport = MOCK_UDP, .action = MOCK_TRUNCATE},
        {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
        {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
    };
    ck_assert_int_eq(ares_library_init_mem(ARES_LIB_INIT_ALL, try_malloc, free, try_realloc), 0);
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.timeout = 30 * EL_MS;
    run.args.deadline = el_time_after(el_now(), 5 * EL_S);
    fail_at = nth;
    run_lookup(&run, "www.lab");
    fail_at = 0;
    ck_assert_uint_eq(run.answers, 2);
    ck_assert(run.done);
    assert_said(&run.v4);
    assert_said(&run.v6);
    if (nth == ARES_ALLOCATIONS) /* the last is never reached: so all of them were tried */
        ck_assert_uint_lt(allocations, nth);
    run_end(&run);
    ares_library_cleanup();
}

/* In libevent, likewise. Here the lookup may not even begin: el_lookup_new says so. */
static void lose_one_of_libevent(unsigned nth)
{
    event_set_mem_functions(try_malloc, try_realloc, free);
    run_begin(&run, both, COUNT(both));
    run.resolver_args.timeout = 30 * EL_MS;
    run.resolver = el_resolver_new(&run.resolver_args);
    run.args.host = "www.lab";
    run.args.deadline = el_time_after(el_now(), 5 * EL_S);
    allocations = 0;
    fail_at = nth;
    run.lookup = el_lookup_new(run.resolver, &run.args);
    bool began = run.lookup != NULL;
    run_turn(&run, 0);
    fail_at = 0;
    ck_assert_uint_eq(run.answers, began ? 2 : 0);
    if (began) {
        assert_said(&run.v4);
        assert_said(&run.v6);
    }
    if (nth == EVENT_ALLOCATIONS)
        ck_assert_uint_lt(allocations, nth);
    run_end(&run);
}

/*
 * The lookup ends all the same, with an answer for each family, and (under a sanitizer, or valgrind) nothing is lost.
 */
START_TEST(the_nth_allocation_of_a_lookup_fails)
{
    if (_i <= ARES_ALLOCATIONS)
        lose_one_of_c_ares((unsigned)_i);
    else
        lose_one_of_libevent((unsigned)(_i - ARES_ALLOCATIONS));
}
END_TEST

START_TEST(a_lookup_cancelled_at_once_asks_nobody)
{
    run_begin(&run, both, COUNT(both));
    run_start(&run, "www.lab.");
    el_lookup_cancel(run.lookup);
    event_base_loop(run.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(run.answers, 0);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    run_end(&run);
}
END_TEST

START_TEST(two_resolvers_share_the_library)
{
    run_begin(&run, both, COUNT(both));
    struct el_resolver *other = el_resolver_new(&run.resolver_args);
    run_start(&run, "www.lab.");
    el_resolver_free(other); /* must not end c-ares for the first */
    run_turn(&run, 0);
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    run_end(&run);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    el_resolver_free(NULL);
    el_lookup_cancel(NULL);
}
END_TEST

static Suite *resolver_suite(void)
{
    Suite *suite = suite_create("resolver");
    TCase *t = tcase_create("hosts file");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, hosts_file, 0, 10);
    tcase_add_loop_test(t, what_the_hosts_file_does_not_have_is_asked_of_dns, 0, 3);
    tcase_add_test(t, a_line_that_is_too_long_is_passed_over_and_the_next_is_read);
    tcase_add_test(t, more_addresses_in_the_hosts_file_than_we_keep_are_left_out);
    tcase_add_loop_test(t, localhost_is_this_machine_even_without_a_hosts_file, 0, 3);
    suite_add_tcase(suite, t);

    t = tcase_create("names and words");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, what_is_no_legal_name_never_leaves_the_machine, 0, 18);
    tcase_add_loop_test(t, a_name_of_253_characters_is_asked_for_and_a_longer_one_is_not, 0, 4);
    tcase_add_test(t, names_as_people_write_them_are_legal);
    tcase_add_test(t, a_literal_with_a_zone_that_does_not_exist_is_a_local_failure);
    tcase_add_test(t, each_status_has_words_of_its_own);
    tcase_add_test(t, a_failure_that_has_a_reason_names_it);
    tcase_add_loop_test(t, the_narration_tells_the_decision_each_query_and_each_answer, 0, 9);
    suite_add_tcase(suite, t);

    t = tcase_create("noise");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_right_message_is_read);
    tcase_add_test(t, a_message_cut_anywhere_is_malformed);
    tcase_add_test(t, a_head_cut_anywhere_is_malformed);
    tcase_add_test(t, a_name_in_a_message_is_shown_harmlessly);
    tcase_add_test(t, noise_is_survived);
    suite_add_tcase(suite, t);

    t = tcase_create("memory");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, the_nth_allocation_of_a_lookup_fails, 1,
                        ARES_ALLOCATIONS + EVENT_ALLOCATIONS + 1);
    tcase_add_test(t, a_lookup_cancelled_at_once_asks_nobody);
    tcase_add_test(t, two_resolvers_share_the_library);
    tcase_add_test(t, freeing_nothing_is_fine);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return unit_main(resolver_suite());
}
