/*
 * test_resolver_ares.c - what an external loop must survive of c-ares, one pitfall after the other.
 *
 * Each test asserts what our resolver does, not what c-ares does: with a c-ares that has no such
 * fault it passes too. The anchors that a test is about are named in its comment; its remedy taken
 * out, it fails.
 */
#include "lookup_run.h"
#include "unit.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TURNS_MAX = 40 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct mock_rule both[] = {
    {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
    {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
};
static const struct mock_rule silence[] = {{.action = MOCK_DROP}};

static struct lookup_run run;

/* resolver_channel.c [#ares-destroy] */
START_TEST(cancelling_inside_the_first_answer_ends_the_lookup_silently)
{
    run_begin(&run, both, COUNT(both));
    run.cancel = CANCEL_IN_FIRST_ANSWER;
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.answers, 1);
    ck_assert(!run.done);
    run_end(&run);
}
END_TEST

START_TEST(cancelling_inside_the_second_answer_leaves_done_out)
{
    run_begin(&run, both, COUNT(both));
    run.cancel = CANCEL_IN_SECOND_ANSWER;
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.answers, 2);
    ck_assert(!run.done);
    run_end(&run);
}
END_TEST

START_TEST(cancelling_inside_done_is_allowed)
{
    run_begin(&run, both, COUNT(both));
    run.cancel = CANCEL_IN_DONE;
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.answers, 2);
    ck_assert(run.done);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-late-success]: after `_i` turns of the loop, wherever that is. */
START_TEST(cancel_at_every_stage)
{
    static const struct mock_rule slow[] = {
        {.type = MOCK_AAAA, .action = MOCK_DROP},
        {.type = MOCK_A, .transport = MOCK_UDP, .action = MOCK_TRUNCATE},
        {.type = MOCK_A, .delay = 5 * EL_MS, .records = "www.lab A 10.77.0.2"},
    };
    run_begin(&run, slow, COUNT(slow));
    run.resolver_args.timeout = 20 * EL_MS;
    run_start(&run, "www.lab.");
    run_turn(&run, (unsigned)_i);
    unsigned before = run.answers;
    el_lookup_cancel(run.lookup); /* NULL when it was over already */
    run.lookup = NULL;
    struct timeval more = el_timeval(60 * EL_MS);
    event_base_loopexit(run.base, &more);
    event_base_dispatch(run.base);
    ck_assert_uint_eq(run.answers, before);
    run_end(&run);
}
END_TEST

/* The same anchor: what c-ares says while it is shut down by the deadline is no answer. */
START_TEST(silent_server)
{
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.timeout = 5 * EL_S;
    run.args.deadline = el_time_after(el_now(), 150 * EL_MS);
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_ge(run.done_at, run.args.deadline);
    ck_assert_int_lt(run.done_at, run.args.deadline + 10 * EL_S);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-two-queries] */
START_TEST(an_answer_for_A_does_not_wait_for_a_AAAA_that_never_comes)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_AAAA, .action = MOCK_DROP},
        {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
    };
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.timeout = 300 * EL_MS;
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.order[0], AF_INET);
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_ge(run.v6_at - run.started, 450 * EL_MS); /* 300 ms, then at least half of it */
    ck_assert_uint_eq(run.query_count, 3);                  /* AAAA, A, AAAA again */
    ck_assert_int_lt(run.v4_at, run.queries[2].sent);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-timeout-spin]: four waits, for two queries, and the first turns: a
 * dozen would do. */
START_TEST(waiting_for_a_silent_server_wakes_the_loop_a_few_times_only)
{
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.timeout = 50 * EL_MS;
    run.resolver_args.tries = 4;
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_TIMEOUT);
    ck_assert_uint_ge(mock_dns_count(run.mock, MOCK_ANY, MOCK_UDP), 8);
    ck_assert_uint_le(run.wakeups, 40);
    run_end(&run);
}
END_TEST

/* resolver.c [#ares-literal-first] */
START_TEST(literals_never_leave_the_machine)
{
    static const struct {
        const char *host;
        sa_family_t family;
    } table[] = {
        {"10.77.0.2", AF_INET6}, {"10.77.0.2", AF_INET}, {"10.77.0.2", AF_UNSPEC},
        {"fd77::2", AF_INET},    {"fd77::2", AF_INET6},  {"::ffff:10.0.0.1", AF_INET},
    };
    run_begin(&run, silence, COUNT(silence));
    run.args.family = table[_i].family;
    run_lookup(&run, table[_i].host);
    bool v4 = strchr(table[_i].host, ':') == NULL;
    if (run.v6.status != EL_LOOKUP_CANCELLED)
        ck_assert_int_eq(run.v6.status, v4 ? EL_LOOKUP_NO_DATA : EL_LOOKUP_OK);
    if (run.v4.status != EL_LOOKUP_CANCELLED)
        ck_assert_int_eq(run.v4.status, v4 ? EL_LOOKUP_OK : EL_LOOKUP_NO_DATA);
    ck_assert_uint_eq(run.answers, table[_i].family == AF_UNSPEC ? 2 : 1);
    ck_assert_uint_eq(run.query_count, 0);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-callback-early]: c-ares refuses .onion (RFC 7686) before its call
 * returns. */
START_TEST(no_answer_comes_before_the_caller_has_its_lookup)
{
    static const char *const hosts[] = {"hidden.onion", "127.0.0.1", "localhost", "not a name", ""};
    run_begin(&run, silence, COUNT(silence));
    run_lookup(&run, hosts[_i]);
    ck_assert(!run.called_too_early);
    ck_assert_uint_eq(run.answers, 2);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-no-service] */
START_TEST(every_address_carries_the_port_that_was_asked_for)
{
    static const char *const hosts[] = {"www.lab.", "in-hosts", "10.77.0.2", "fd77::2",
                                        "localhost"};
    static const uint16_t ports[] = {0, 1, 7007, 65535};
    const char *file = text_file("10.0.0.9 in-hosts\nfd00::9 in-hosts\n");
    for (size_t p = 0; p < COUNT(ports); p++) {
        run_begin(&run, both, COUNT(both));
        run.resolver_args.hosts_path = file;
        run.args.port = ports[p];
        run_lookup(&run, hosts[_i]);
        ck_assert_uint_ge(run.v6.count + run.v4.count, 1);
        for (size_t i = 0; i < run.v6.count; i++)
            ck_assert_uint_eq(el_address_port(&run.v6.address[i].destination), ports[p]);
        for (size_t i = 0; i < run.v4.count; i++)
            ck_assert_uint_eq(el_address_port(&run.v4.address[i].destination), ports[p]);
        run_end(&run);
    }
}
END_TEST

static void note_end(void *arg, struct el_lookup *lookup)
{
    (void)lookup;
    *(bool *)arg = true;
}

static void ignore_answer(void *arg, const struct el_answer *answer)
{
    (void)arg, (void)answer;
}

/* resolver_channel.c [#ares-one-channel] */
START_TEST(cancelling_one_lookup_leaves_another_alone)
{
    static const struct mock_rule slow[] = {
        {.type = MOCK_A, .delay = 30 * EL_MS, .records = "www.lab A 10.77.0.2"},
        {.type = MOCK_AAAA, .delay = 30 * EL_MS, .records = "www.lab AAAA fd77::2"},
    };
    bool other_done = false;
    run_begin(&run, slow, COUNT(slow));
    run.resolver_args.timeout = 3 * EL_S;
    run_start(&run, "www.lab.");
    struct el_lookup_args args = run.args;
    args.answer = ignore_answer;
    args.done = note_end;
    args.arg = &other_done;
    struct el_lookup *other = el_lookup_new(run.resolver, &args);
    while (mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH) < 4)
        event_base_loop(run.base, EVLOOP_ONCE);
    el_lookup_cancel(other);
    run_turn(&run, 0);
    ck_assert(!other_done);
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    run_end(&run);
}
END_TEST

START_TEST(two_lookups_ask_from_different_ports)
{
    run_begin(&run, silence, COUNT(silence));
    run_start(&run, "www.lab.");
    struct el_lookup *other = el_lookup_new(run.resolver, &run.args);
    uint16_t ports[4];
    while (mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH) < 4)
        event_base_loop(run.base, EVLOOP_ONCE);
    for (size_t i = 0; i < 4; i++)
        ports[i] = mock_dns_source_port(run.mock, i);
    ck_assert(ports[0] != ports[1] || ports[0] != ports[2] || ports[0] != ports[3]);
    el_lookup_cancel(other);
    el_lookup_cancel(run.lookup);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-servfail] and resolver_channel.c [#ares-what-the-server-said] */
START_TEST(a_lone_server_that_fails_is_asked_once_and_quoted)
{
    static const struct {
        int rcode;
        enum el_lookup_status status;
    } table[] = {{2, EL_LOOKUP_SERVFAIL}, {5, EL_LOOKUP_REFUSED}, {4, EL_LOOKUP_REFUSED}};
    const struct mock_rule rules[] = {{.rcode = table[_i].rcode}};
    run_begin(&run, rules, 1);
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v6.status, table[_i].status);
    ck_assert_int_eq(run.v4.status, table[_i].status);
    ck_assert_int_eq(run.queries[0].rcode, table[_i].rcode);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_A, MOCK_BOTH), 1);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_AAAA, MOCK_BOTH), 1);
    run_end(&run);
}
END_TEST

START_TEST(of_two_servers_the_second_is_asked_when_the_first_fails)
{
    static const struct mock_rule failing[] = {{.rcode = 2}};
    run_begin(&run, both, COUNT(both));
    struct mock_dns *first = mock_dns_new(run.base, "127.0.0.1", failing, 1);
    run.servers[1] = run.servers[0];
    run.servers[0] = mock_dns_address(first);
    run.resolver_args.server_count = 2;
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    mock_dns_free(first);
    run_end(&run);
}
END_TEST

START_TEST(when_all_of_several_servers_fail_the_last_word_is_quoted)
{
    static const struct mock_rule failing[] = {{.rcode = 2}};
    run_begin(&run, failing, 1);
    struct mock_dns *second = mock_dns_new(run.base, "127.0.0.1", failing, 1);
    run.servers[1] = mock_dns_address(second);
    run.resolver_args.server_count = 2;
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_SERVFAIL);
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_SERVFAIL);
    mock_dns_free(second);
    run_end(&run);
}
END_TEST

/* resolver_timeline.c [#ares-reflected]: with the transport */
START_TEST(reflected_query)
{
    static const struct mock_rule rules[] = {
        {.transport = MOCK_UDP, .action = MOCK_REFLECT},
    };
    static const struct mock_rule on_tcp[] = {
        {.transport = MOCK_UDP, .action = MOCK_TRUNCATE},
        {.transport = MOCK_TCP, .action = MOCK_REFLECT},
    };
    run_begin(&run, _i == 0 ? rules : on_tcp, _i == 0 ? COUNT(rules) : COUNT(on_tcp));
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_REFLECTED);
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_REFLECTED);
    unsigned reflected = 0;
    for (size_t i = 0; i < run.query_count; i++)
        reflected += run.queries[i].rcode == -2;
    ck_assert_uint_ge(reflected, 1); /* the first that came back closed the socket on the rest */
    run_end(&run);
}
END_TEST

START_TEST(behind_an_echo_server_the_next_server_is_asked)
{
    static const struct mock_rule echo[] = {{.action = MOCK_REFLECT}};
    run_begin(&run, both, COUNT(both));
    struct mock_dns *first = mock_dns_new(run.base, "127.0.0.1", echo, 1);
    run.servers[1] = run.servers[0];
    run.servers[0] = mock_dns_address(first);
    run.resolver_args.server_count = 2;
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    mock_dns_free(first);
    run_end(&run);
}
END_TEST

/* resolver_channel.c [#ares-interest] */
START_TEST(descriptors_above_a_thousand_work)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 1200)
        unit_skip("needs 1200 descriptors");
    limit.rlim_cur = 1200;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    run_begin(&run, both, COUNT(both));
    int taken[1100], count = 0;
    for (int fd = 0; fd < 1050; count++)
        taken[count] = fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    while (count > 0)
        close(taken[--count]);
    run_end(&run);
}
END_TEST

START_TEST(sockets_that_c_ares_closes_are_watched_no_more)
{
    /* Truncated, asked over TCP, closed there, asked again: many sockets come and go under the
     * same few numbers. */
    static const struct mock_rule rules[] = {
        {.transport = MOCK_UDP, .action = MOCK_TRUNCATE},
        {.transport = MOCK_TCP, .times = 2, .action = MOCK_CLOSE},
        {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
        {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
    };
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.tries = 6;
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert_uint_le(run.wakeups, 60);
    run_end(&run);
}
END_TEST

/* resolver_order.c [#ares-own-order]: loopback has the smaller scope (rule 8), or the other has
 * no route (rule 1). */
START_TEST(addresses_are_in_the_order_of_rfc_6724)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_A, .records = "www.lab A 203.0.113.1, www.lab A 127.0.0.1"},
        {.type = MOCK_AAAA, .records = "www.lab AAAA 2001:db8::1, www.lab AAAA ::1"},
    };
    run_begin(&run, rules, COUNT(rules));
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "127.0.0.1 203.0.113.1");
    ck_assert_str_eq(addresses_of(&run.v6), "::1 2001:db8::1");
    char source[EL_ADDRESS_TEXT];
    ck_assert_str_eq(el_address_print_host(&run.v4.address[0].source, source), "127.0.0.1");
    run_end(&run);
}
END_TEST

/* resolver_timeline.c [#ares-runt] */
START_TEST(datagrams_of_0_and_3_bytes)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_A, .forgeries = MOCK_EMPTY | MOCK_RUNT, .records = "www.lab A 10.77.0.2"},
        {.type = MOCK_AAAA, .forgeries = MOCK_EMPTY, .records = "www.lab AAAA fd77::2"},
    };
    run_begin(&run, rules, COUNT(rules));
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 2);
    run_end(&run);
}
END_TEST

static Suite *ares_suite(void)
{
    Suite *suite = suite_create("resolver and c-ares");
    TCase *t = tcase_create("pitfalls");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, cancelling_inside_the_first_answer_ends_the_lookup_silently);
    tcase_add_test(t, cancelling_inside_the_second_answer_leaves_done_out);
    tcase_add_test(t, cancelling_inside_done_is_allowed);
    tcase_add_loop_test(t, cancel_at_every_stage, 1, TURNS_MAX);
    tcase_add_test(t, silent_server);
    tcase_add_test(t, an_answer_for_A_does_not_wait_for_a_AAAA_that_never_comes);
    tcase_add_test(t, waiting_for_a_silent_server_wakes_the_loop_a_few_times_only);
    tcase_add_loop_test(t, literals_never_leave_the_machine, 0, 6);
    tcase_add_loop_test(t, no_answer_comes_before_the_caller_has_its_lookup, 0, 5);
    tcase_add_loop_test(t, every_address_carries_the_port_that_was_asked_for, 0, 5);
    tcase_add_test(t, cancelling_one_lookup_leaves_another_alone);
    tcase_add_test(t, two_lookups_ask_from_different_ports);
    tcase_add_loop_test(t, a_lone_server_that_fails_is_asked_once_and_quoted, 0, 3);
    tcase_add_test(t, of_two_servers_the_second_is_asked_when_the_first_fails);
    tcase_add_test(t, when_all_of_several_servers_fail_the_last_word_is_quoted);
    tcase_add_loop_test(t, reflected_query, 0, 2);
    tcase_add_test(t, behind_an_echo_server_the_next_server_is_asked);
    tcase_add_test(t, descriptors_above_a_thousand_work);
    tcase_add_test(t, sockets_that_c_ares_closes_are_watched_no_more);
    tcase_add_test(t, addresses_are_in_the_order_of_rfc_6724);
    tcase_add_test(t, datagrams_of_0_and_3_bytes);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return unit_main(ares_suite());
}
