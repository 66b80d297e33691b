/*
 * test_resolver_dns.c - the resolver and what DNS servers and networks do: answers, refusals,
 * silence, lies.
 */
#include "lookup_run.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct lookup_run run;

static const struct mock_rule both[] = {
    {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
    {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
};
static const struct mock_rule silence[] = {{.action = MOCK_DROP}};

/* ---- what a server says ---------------------------------------------------------------------- */

START_TEST(servfail_refused_nxdomain_and_nodata)
{
    static const struct {
        struct mock_rule rule;
        enum el_lookup_status status;
        int rcode;
    } table[] = {
        {{.rcode = 3}, EL_LOOKUP_NO_NAME, 3},
        {{.rcode = 0}, EL_LOOKUP_NO_DATA, 0},
        {{.rcode = 2}, EL_LOOKUP_SERVFAIL, 2},
        {{.rcode = 5}, EL_LOOKUP_REFUSED, 5},
        {{.rcode = 1}, EL_LOOKUP_BAD_ANSWER, 1},
        {{.records = "other.lab A 10.0.0.1, other.lab AAAA fd00::1"}, EL_LOOKUP_NO_DATA, 0},
    };
    run_begin(&run, &table[_i].rule, 1);
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, table[_i].status);
    ck_assert_int_eq(run.v6.status, table[_i].status);
    ck_assert_uint_eq(run.v4.count + run.v6.count, 0);
    ck_assert_int_eq(run.queries[0].rcode, table[_i].rcode);
    for (size_t other = 0; other < COUNT(table); other++) /* and words of its own */
        ck_assert((strcmp(el_lookup_status_text(run.v4.status),
                          el_lookup_status_text(table[other].status)) == 0) ==
                  (run.v4.status == table[other].status));
    run_end(&run);
}
END_TEST

START_TEST(an_answer_tells_family_source_server_and_times)
{
    run_begin(&run, both, COUNT(both));
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_OK);
    ck_assert_int_eq(run.v6.source, EL_FROM_DNS);
    ck_assert_str_eq(run.v6.canonical, "");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_uint_eq(run.query_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct el_query *query = &run.queries[i];
        ck_assert(el_address_equal(&query->server, &run.servers[0]));
        ck_assert_int_eq(query->family, i == 0 ? AF_INET6 : AF_INET); /* AAAA first, RFC 8305 3 */
        ck_assert_str_eq(query->name, "www.lab");
        ck_assert_int_eq(query->rcode, 0);
        ck_assert(!query->tcp && !query->truncated && query->error == 0);
        ck_assert_int_ge(query->sent, run.started);
        ck_assert_int_ge(query->answered, query->sent);
        ck_assert_int_ge(run.done_at, query->answered);
    }
    run_end(&run);
}
END_TEST

START_TEST(one_family_alone_is_asked_for_once)
{
    const sa_family_t family = _i == 0 ? AF_INET : AF_INET6;
    run_begin(&run, both, COUNT(both));
    run.args.family = family;
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.answers, 1);
    ck_assert_int_eq(run.order[0], family);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 1);
    run_end(&run);
}
END_TEST

START_TEST(cname_chain)
{
    static const char *const records[] = {
        "www.lab CNAME a.lab, a.lab CNAME b.lab, b.lab A 10.77.0.2",
        "b.lab A 10.77.0.2, a.lab CNAME b.lab, www.lab CNAME a.lab",
        "stray.lab A 6.6.6.6, WWW.lab CNAME A.lab, a.LAB CNAME b.lab, B.lab A 10.77.0.2",
    };
    const struct mock_rule rules[] = {{.type = MOCK_A, .records = records[_i]}};
    run_begin(&run, rules, 1);
    run.args.family = AF_INET;
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_int_eq(strcasecmp(run.v4.canonical, "b.lab"), 0);
    run_end(&run);
}
END_TEST

START_TEST(cname_loop)
{
    static const char *const records[] = {
        "www.lab CNAME www.lab",
        "www.lab CNAME a.lab, a.lab CNAME www.lab",
        "www.lab CNAME a.lab, a.lab CNAME b.lab, b.lab CNAME a.lab, b.lab A 10.0.0.1",
    };
    const struct mock_rule rules[] = {{.records = records[_i]}};
    run_begin(&run, rules, 1);
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_BAD_ANSWER);
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_BAD_ANSWER);
    ck_assert_uint_eq(run.v4.count + run.v6.count, 0);
    ck_assert_uint_eq(run.query_count, 2); /* nobody is asked again, and nothing spins */
    ck_assert_uint_le(run.wakeups, 20);
    run_end(&run);
}
END_TEST

/* A pointer to itself at offset 25 (header 12, question 13), and two that point at each other. */
START_TEST(compression_pointer_loop)
{
    static const uint8_t itself[] = {0xC0, 25, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 1};
    static const uint8_t each_other[] = {0xC0, 27, 0xC0, 25, 0, 1, 0, 1, 0,
                                         0,    0,  0,    0,  4, 1, 2, 3, 4};
    static const uint8_t beyond[] = {0xFF, 0xFF, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
    static const struct {
        const uint8_t *raw;
        size_t length;
    } table[] = {{itself, sizeof itself}, {each_other, sizeof each_other}, {beyond, sizeof beyond}};
    const struct mock_rule rules[] = {
        {.raw = table[_i].raw, .raw_length = table[_i].length, .raw_answers = 1}};
    run_begin(&run, rules, 1);
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_BAD_ANSWER);
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_BAD_ANSWER);
    ck_assert_uint_eq(run.v4.count + run.v6.count, 0);
    run_end(&run);
}
END_TEST

START_TEST(a_long_answer_comes_over_tcp)
{
    static const struct mock_rule rules[] = {{.addresses = 31}}; /* more than 512 bytes */
    run_begin(&run, rules, 1);
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.v4.count, 31);
    ck_assert_uint_eq(run.v6.count, 31);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_UDP), 2);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_TCP), 2);
    unsigned truncated = 0, whole = 0;
    for (size_t i = 0; i < run.query_count; i++) {
        truncated += !run.queries[i].tcp && run.queries[i].truncated;
        whole += run.queries[i].tcp && run.queries[i].rcode == 0 && !run.queries[i].truncated;
    }
    ck_assert_uint_eq(truncated, 2);
    ck_assert_uint_eq(whole, 2);
    run_end(&run);
}
END_TEST

START_TEST(more_addresses_than_we_keep_are_left_out)
{
    static const struct mock_rule rules[] = {{.addresses = 1000}};
    run_begin(&run, rules, 1);
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.v4.count, EL_ADDRESSES_MAX);
    ck_assert_uint_eq(run.v6.count, EL_ADDRESSES_MAX);
    run_end(&run);
}
END_TEST

START_TEST(truncated_then_tcp_tcp_refused)
{
    static const struct mock_rule rules[] = {
        {.transport = MOCK_UDP, .action = MOCK_TRUNCATE},
        {.transport = MOCK_TCP, .addresses = 3},
    };
    bool refused = _i == 1;
    run_begin(&run, rules, COUNT(rules));
    if (refused)
        mock_dns_refuse_tcp(run.mock);
    run_lookup(&run, "www.lab.");
    ck_assert_uint_eq(run.v4.count, refused ? 0 : 3);
    ck_assert_uint_eq(run.v6.count, refused ? 0 : 3);
    ck_assert_int_eq(run.v4.status, refused ? EL_LOOKUP_UNREACHABLE : EL_LOOKUP_OK);
    ck_assert_int_eq(run.v6.status, refused ? EL_LOOKUP_UNREACHABLE : EL_LOOKUP_OK);
    ck_assert_int_eq(run.v4.error, refused ? -ECONNREFUSED : 0);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_UDP), 2);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_TCP), refused ? 0 : 2);
    run_end(&run);
}
END_TEST

/* SIGPIPE is not ignored here: if we provoked it, this test would die of it. */
START_TEST(a_server_that_closes_tcp_without_an_answer_is_survived)
{
    static const struct mock_rule rules[] = {
        {.transport = MOCK_UDP, .action = MOCK_TRUNCATE},
        {.transport = MOCK_TCP, .action = MOCK_CLOSE},
    };
    run_begin(&run, rules, COUNT(rules));
    run_lookup(&run, "www.lab.");
    ck_assert_int_ne(run.v4.status, EL_LOOKUP_OK);
    ck_assert_int_ne(run.v6.status, EL_LOOKUP_OK);
    run_end(&run);
}
END_TEST

/* ---- what comes from elsewhere, or not at all ------------------------------------------------ */

START_TEST(wrong_id_wrong_question_wrong_source)
{
    static const unsigned forgeries[] = {MOCK_WRONG_ID, MOCK_WRONG_QUESTION, MOCK_WRONG_SOURCE,
                                         MOCK_WRONG_ID | MOCK_WRONG_QUESTION | MOCK_WRONG_SOURCE};
    const struct mock_rule rules[] = {
        {.type = MOCK_AAAA, .forgeries = forgeries[_i], .records = "www.lab AAAA fd77::2"},
        {.type = MOCK_A, .forgeries = forgeries[_i], .records = "www.lab A 10.77.0.2"},
    };
    run_begin(&run, rules, COUNT(rules));
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert_uint_eq(run.query_count, 2);
    run_end(&run);
}
END_TEST

START_TEST(a_forged_answer_alone_is_no_answer)
{
    static const struct mock_rule rules[] = {{.action = MOCK_DROP,
                                              .forgeries = MOCK_EMPTY | MOCK_RUNT | MOCK_WRONG_ID |
                                                           MOCK_WRONG_QUESTION |
                                                           MOCK_WRONG_SOURCE}};
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.timeout = 50 * EL_MS;
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_TIMEOUT);
    for (size_t i = 0; i < run.query_count; i++)
        ck_assert_int_eq(run.queries[i].answered, EL_NEVER);
    run_end(&run);
}
END_TEST

/* resolver_timeline.c [#dns-bounded-drain]: other events of the loop get their turn in between. */
START_TEST(a_flood_of_forged_datagrams_is_read_in_portions)
{
    static const struct mock_rule rules[] = {{.flood = 160, .records = "www.lab A 10.77.0.2"}};
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.timeout = 3 * EL_S;
    run.args.family = AF_INET;
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_uint_ge(run.wakeups, 40);
    run_end(&run);
}
END_TEST

START_TEST(a_lost_query_is_repeated)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_A, .times = 1, .action = MOCK_DROP},
        {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
    };
    run_begin(&run, rules, COUNT(rules));
    run.args.family = AF_INET;
    run.resolver_args.timeout = 1 * EL_S; /* the first is lost, the second must be heard */
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_uint_eq(run.query_count, 2);
    ck_assert_int_eq(run.queries[0].answered, EL_NEVER);
    ck_assert_int_eq(run.queries[0].rcode, -1);
    /* c-ares counts from a moment before the first send, and on a slow machine long before. */
    ck_assert_int_ge(run.queries[1].sent - run.started, 1 * EL_S);
    ck_assert_int_eq(run.queries[1].rcode, 0);
    run_end(&run);
}
END_TEST

START_TEST(a_slow_answer_counts_when_it_comes_before_the_deadline)
{
    static const struct mock_rule rules[] = {
        {.delay = 60 * EL_MS, .records = "www.lab A 10.77.0.2, www.lab AAAA fd77::2"}};
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.timeout = 5 * EL_S;
    run.args.deadline = el_time_after(el_now(), 8 * EL_S);
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_int_ge(run.queries[0].answered - run.queries[0].sent, 60 * EL_MS);
    run_end(&run);
}
END_TEST

START_TEST(a_deadline_that_has_passed_ends_a_name_but_not_a_literal)
{
    run_begin(&run, silence, COUNT(silence));
    run.args.deadline = el_time_after(el_now(), 0);
    run_lookup(&run, _i == 0 ? "www.lab." : "10.77.0.2");
    ck_assert_int_eq(run.v4.status, _i == 0 ? EL_LOOKUP_TIMEOUT : EL_LOOKUP_OK);
    run_end(&run);
}
END_TEST

START_TEST(one_family_answered_before_the_deadline_is_kept_when_the_other_is_late)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_AAAA, .action = MOCK_DROP},
        {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
    };
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.timeout = 5 * EL_S;
    run.args.deadline = el_time_after(el_now(), 2 * EL_S);
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_int_eq(run.v6.status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_ge(run.v6_at, run.args.deadline);
    run_end(&run);
}
END_TEST

/* ---- which servers --------------------------------------------------------------------------- */

START_TEST(a_dead_server_is_unreachable_with_the_reason)
{
    run_begin(&run, NULL, 0);
    mock_dns_free(run.mock);
    run.mock = NULL;
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_UNREACHABLE);
    ck_assert_int_eq(run.v4.error, -ECONNREFUSED);
    ck_assert_int_eq(run.queries[0].error, -ECONNREFUSED);
    ck_assert_int_lt(run.done_at - run.started, run.resolver_args.timeout);
    run_end(&run);
}
END_TEST

/* resolver_timeline.c [#dns-pending-refusal]: at once after a dead one, for both families. */
START_TEST(first_server_dead_second_used)
{
    run_begin(&run, both, COUNT(both));
    struct mock_dns *first = mock_dns_new(run.base, "127.0.0.1", silence, 1);
    run.servers[1] = run.servers[0];
    run.servers[0] = mock_dns_address(first);
    run.resolver_args.server_count = 2;
    if (_i == 0) {
        mock_dns_free(first);
        first = NULL;
    } else {
        run.resolver_args.timeout = 300 * EL_MS;
        run.resolver_args.tries = 5; /* the second has as many to answer in */
    }
    run_lookup(&run, "www.lab.");
    if (_i == 0)
        ck_assert_int_lt(run.done_at - run.started, run.resolver_args.timeout);
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert(el_address_equal(&run.queries[0].server, &run.servers[0]));
    mock_dns_free(first);
    run_end(&run);
}
END_TEST

START_TEST(a_server_may_be_reached_over_ipv6)
{
    run_begin(&run, silence, COUNT(silence));
    struct mock_dns *v6 = mock_dns_new(run.base, "::1", both, COUNT(both));
    run.servers[0] = mock_dns_address(v6);
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_int_eq(el_address_family(&run.queries[0].server), AF_INET6);
    ck_assert(el_address_equal(&run.queries[0].server, &run.servers[0]));
    mock_dns_free(v6);
    run_end(&run);
}
END_TEST

START_TEST(a_link_local_server_keeps_its_zone)
{
    run_begin(&run, silence, COUNT(silence));
    ck_assert_int_eq(el_address_from_literal("fe80::53%lo", 53, &run.servers[0]), 0);
    run.args.deadline = el_time_after(el_now(), 2 * EL_S);
    run_lookup(&run, "www.lab.");
    /* Nobody is there. What counts is whom was asked, if the kernel has a route at all. */
    for (size_t i = 0; i < run.query_count; i++)
        ck_assert(el_address_equal(&run.queries[i].server, &run.servers[0]));
    ck_assert_int_ne(run.v4.error, -EINVAL); /* connect(2) without a zone */
    run_end(&run);
}
END_TEST

START_TEST(without_a_nameserver_the_local_one_is_asked)
{
    const char *path = text_file("# nothing here\noptions timeout:1\n");
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.server_count = 0;
    run.resolver_args.resolv_conf_path = _i == 0 ? path : "/nonexistent/resolv.conf";
    run.args.deadline = el_time_after(el_now(), 2 * EL_S);
    struct el_address local;
    el_address_from_literal("127.0.0.1", 53, &local);
    run_lookup(&run, "www.lab.");
    ck_assert_uint_ge(run.query_count, 1);
    ck_assert(el_address_equal(&run.queries[0].server, &local)); /* resolv.conf(5), nameserver */
    run_end(&run);
}
END_TEST

START_TEST(the_nameservers_of_resolv_conf_are_asked)
{
    const char *path = text_file("nameserver 127.0.0.53\nnameserver ::1\n");
    run_begin(&run, silence, COUNT(silence));
    run.resolver_args.server_count = 0;
    run.resolver_args.resolv_conf_path = path;
    run.args.deadline = el_time_after(el_now(), 2 * EL_S);
    struct el_address server;
    el_address_from_literal("127.0.0.53", 53, &server);
    run_lookup(&run, "www.lab.");
    ck_assert(el_address_equal(&run.queries[0].server, &server));
    run_end(&run);
}
END_TEST

START_TEST(search_domains_and_ndots_are_honoured)
{
    static const struct {
        const char *conf, *host, *first;
    } table[] = {
        {"search corp.lab\n", "www", "www.corp.lab"},
        {"search none.lab corp.lab\n", "www", "www.none.lab"},
        {"search corp.lab\noptions ndots:2\n", "www.dev", "www.dev.corp.lab"},
        {"search corp.lab\n", "www.dev", "www.dev"}, /* one dot is enough to be tried as it is */
        {"search corp.lab\n", "www.corp.lab.", "www.corp.lab"}, /* complete */
    };
    static const struct mock_rule rules[] = {
        {.name = "www.corp.lab", .records = "www.corp.lab A 10.1.0.1, www.corp.lab AAAA fd01::1"},
        {.name = "www.dev.corp.lab",
         .records = "www.dev.corp.lab A 10.1.0.1, www.dev.corp.lab AAAA fd01::1"},
    };
    const char *path = text_file(table[_i].conf);
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.resolv_conf_path = path;
    run_lookup(&run, table[_i].host);
    ck_assert_str_eq(addresses_of(&run.v4), "10.1.0.1");
    ck_assert_str_eq(addresses_of(&run.v6), "fd01::1");
    ck_assert_str_eq(mock_dns_name(run.mock, 0), table[_i].first);
    ck_assert_str_eq(run.queries[0].name, table[_i].first);
    run_end(&run);
}
END_TEST

START_TEST(more_queries_than_the_timeline_keeps_do_not_spoil_the_answer)
{
    static const struct mock_rule rules[] = {
        {.name = "www.last.lab", .records = "www.last.lab A 10.1.0.1, www.last.lab AAAA fd01::1"}};
    char conf[2048] = "search";
    size_t used = strlen(conf);
    for (int i = 0; i < 60; i++)
        used += (size_t)snprintf(conf + used, sizeof conf - used, " d%d.lab", i);
    snprintf(conf + used, sizeof conf - used, " last.lab\n");
    const char *path = text_file(conf);
    run_begin(&run, rules, COUNT(rules));
    run.resolver_args.resolv_conf_path = path;
    run_lookup(&run, "www");
    ck_assert_str_eq(addresses_of(&run.v4), "10.1.0.1");
    ck_assert_str_eq(addresses_of(&run.v6), "fd01::1");
    ck_assert_uint_eq(run.query_count, EL_QUERIES_MAX);
    ck_assert_str_eq(run.queries[EL_QUERIES_MAX - 1].name, "www.last.lab");
    run_end(&run);
}
END_TEST

static Suite *dns_suite(void)
{
    Suite *suite = suite_create("resolver and DNS");
    TCase *t = tcase_create("answers");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, servfail_refused_nxdomain_and_nodata, 0, 6);
    tcase_add_test(t, an_answer_tells_family_source_server_and_times);
    tcase_add_loop_test(t, one_family_alone_is_asked_for_once, 0, 2);
    tcase_add_loop_test(t, cname_chain, 0, 3);
    tcase_add_loop_test(t, cname_loop, 0, 3);
    tcase_add_loop_test(t, compression_pointer_loop, 0, 3);
    tcase_add_test(t, a_long_answer_comes_over_tcp);
    tcase_add_test(t, more_addresses_than_we_keep_are_left_out);
    tcase_add_loop_test(t, truncated_then_tcp_tcp_refused, 0, 2);
    tcase_add_test(t, a_server_that_closes_tcp_without_an_answer_is_survived);
    suite_add_tcase(suite, t);

    t = tcase_create("forged, lost, late");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, wrong_id_wrong_question_wrong_source, 0, 4);
    tcase_add_test(t, a_forged_answer_alone_is_no_answer);
    tcase_add_test(t, a_flood_of_forged_datagrams_is_read_in_portions);
    tcase_add_test(t, a_lost_query_is_repeated);
    tcase_add_test(t, a_slow_answer_counts_when_it_comes_before_the_deadline);
    tcase_add_loop_test(t, a_deadline_that_has_passed_ends_a_name_but_not_a_literal, 0, 2);
    tcase_add_test(t, one_family_answered_before_the_deadline_is_kept_when_the_other_is_late);
    suite_add_tcase(suite, t);

    t = tcase_create("servers");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_dead_server_is_unreachable_with_the_reason);
    tcase_add_loop_test(t, first_server_dead_second_used, 0, 2);
    tcase_add_test(t, a_server_may_be_reached_over_ipv6);
    tcase_add_test(t, a_link_local_server_keeps_its_zone);
    tcase_add_loop_test(t, without_a_nameserver_the_local_one_is_asked, 0, 2);
    tcase_add_test(t, the_nameservers_of_resolv_conf_are_asked);
    tcase_add_loop_test(t, search_domains_and_ndots_are_honoured, 0, 5);
    tcase_add_test(t, more_queries_than_the_timeline_keeps_do_not_spoil_the_answer);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return unit_main(dns_suite());
}
