/*
 * test_report.c - what a client shows: lines, rows, the document; and what happens when they cannot
 * be written.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report_internal.h"

static char *text; /* what the report wrote */
static size_t text_size;
static FILE *results, *remarks;
static char *remarked;
static size_t remarked_size;
static struct el_report *report;
static struct el_ledger *ledger;

static void setup_as(enum el_report_format format, bool quiet)
{
    results = open_memstream(&text, &text_size);
    remarks = open_memstream(&remarked, &remarked_size);
    report = el_report_new(&(struct el_report_args){.results = results,
                                                    .remarks = remarks,
                                                    .format = format,
                                                    .quiet = quiet,
                                                    .program = "udp_echo",
                                                    .proto = "udp",
                                                    .host = "server.lab",
                                                    .port = 7007,
                                                    .size = 64,
                                                    .read_timeout = EL_S});
    ledger = el_ledger_new(EL_S);
}

static void teardown(void)
{
    el_report_free(report);
    el_ledger_free(ledger);
    fclose(results);
    fclose(remarks);
    free(text);
    free(remarked);
}

static const char *written(void)
{
    fflush(results);
    fflush(remarks);
    return text;
}

static void send_probe(uint64_t seq, el_time at)
{
    el_ledger_sent(ledger, seq, 64, at);
    el_report_sent(report, seq);
}

static void tell(uint64_t seq, const char *reason, const char *detail)
{
    el_report_probe(report, &(struct el_report_event){.record = el_ledger_record(ledger, seq),
                                                      .reason = reason,
                                                      .detail = detail});
    el_report_rows(report, ledger, false);
}

static void echo_probe(uint64_t seq, el_time at)
{
    struct el_report_event event = {0};
    el_ledger_echoed(ledger, seq, at, &event.duplicate, &event.reordered);
    event.record = el_ledger_record(ledger, seq);
    el_report_probe(report, &event);
    el_report_rows(report, ledger, false);
}

static void on_lost(void *arg, const struct el_probe_record *record)
{
    (void)arg;
    el_report_probe(report, &(struct el_report_event){.record = record});
}

START_TEST(an_echo_is_a_line_with_its_time_in_ms)
{
    setup_as(EL_REPORT_TEXT, false);
    send_probe(1, EL_S);
    echo_probe(1, EL_S + 1234 * EL_US);
    ck_assert_ptr_nonnull(strstr(written(), "64 bytes from -: seq=1 time=1.234 ms\n"));
    teardown();
}
END_TEST

START_TEST(one_byte_is_not_one_bytes)
{
    setup_as(EL_REPORT_TEXT, false);
    el_ledger_sent(ledger, 1, 1, EL_S);
    el_report_sent(report, 1);
    echo_probe(1, EL_S + EL_MS);
    ck_assert_ptr_nonnull(strstr(written(), "1 byte from -: seq=1"));
    teardown();
}
END_TEST

START_TEST(each_fate_says_its_reason)
{
    setup_as(EL_REPORT_TEXT, false);
    for (uint64_t seq = 1; seq <= 5; seq++)
        send_probe(seq, EL_S);
    el_ledger_failed(ledger, 1, EL_FATE_REFUSED, ECONNREFUSED, EL_S);
    tell(1, NULL, "port unreachable, said by 10.77.0.2");
    el_ledger_failed(ledger, 2, EL_FATE_UNREACHABLE, EHOSTUNREACH, EL_S);
    tell(2, "host-unreachable", "host unreachable, said by 10.77.0.9");
    el_ledger_failed(ledger, 3, EL_FATE_ERROR, EPERM, EL_S);
    tell(3, "EPERM", "Operation not permitted");
    el_ledger_corrupt(ledger, 4, EL_S);
    tell(4, NULL, "its bytes were changed");
    el_ledger_expire(ledger, 3 * EL_S, on_lost, NULL);
    echo_probe(5, 4 * EL_S);
    ck_assert_str_eq(written(), "seq=1 lost: refused (port unreachable, said by 10.77.0.2)\n"
                                "seq=2 lost: host unreachable, said by 10.77.0.9\n"
                                "seq=3 lost: Operation not permitted\n"
                                "seq=4 corrupt: its bytes were changed\n"
                                "seq=5 lost: no echo within 1.00s\n"
                                "seq=5 late: its echo took 3.00s\n");
    teardown();
}
END_TEST

START_TEST(a_duplicate_and_a_reordered_echo_are_marked)
{
    setup_as(EL_REPORT_TEXT, false);
    send_probe(1, EL_S);
    send_probe(2, EL_S);
    echo_probe(2, EL_S + EL_MS);
    echo_probe(1, EL_S + 2 * EL_MS);
    echo_probe(1, EL_S + 3 * EL_MS);
    ck_assert_str_eq(written(), "64 bytes from -: seq=2 time=1.000 ms\n"
                                "64 bytes from -: seq=1 time=2.000 ms (reordered)\n"
                                "64 bytes from -: seq=1 (duplicate)\n");
    teardown();
}
END_TEST

START_TEST(quiet_leaves_only_the_summary)
{
    setup_as(EL_REPORT_TEXT, true);
    send_probe(1, EL_S);
    echo_probe(1, EL_S + EL_MS);
    ck_assert_str_eq(written(), "");
    el_report_summary(report, ledger, false);
    ck_assert_str_eq(written(), "--- server.lab:7007 udp echo ---\n"
                                "1 sent, 1 received, 0 lost (0%)\n"
                                "rtt min/median/p99/max = 1.000/1.000/1.000/1.000 ms\n");
    teardown();
}
END_TEST

/* Of 20000: none, one, half, all but one, all. */
START_TEST(loss_is_0_or_100_percent_only_if_it_is)
{
    static const struct {
        uint64_t lost;
        const char *line;
    } cases[] = {{0, "20000 sent, 20000 received, 0 lost (0%)\n"},
                 {1, "20000 sent, 19999 received, 1 lost (0.01%), 1 error\n"},
                 {6667, "20000 sent, 13333 received, 6667 lost (33.3%), 6667 errors\n"},
                 {19999, "20000 sent, 1 received, 19999 lost (99.995%), 19999 errors\n"},
                 {20000, "20000 sent, 0 received, 20000 lost (100%), 20000 errors\n"}};
    setup_as(EL_REPORT_TEXT, true);
    report->args.host = "::1";
    for (uint64_t seq = 1; seq <= 20000; seq++) {
        send_probe(seq, EL_S);
        if (seq <= cases[_i].lost)
            el_ledger_failed(ledger, seq, EL_FATE_ERROR, EPERM, EL_S);
        else
            echo_probe(seq, EL_S + EL_MS);
    }
    el_report_summary(report, ledger, false);
    ck_assert_msg(strstr(written(), cases[_i].line) != NULL, "%s is not in %s", cases[_i].line,
                  text);
    ck_assert_ptr_nonnull(strstr(text, "--- [::1]:7007 udp echo ---\n"));
    teardown();
}
END_TEST

START_TEST(what_has_no_answer_yet_is_said_in_an_interim_summary_too)
{
    setup_as(EL_REPORT_TEXT, true);
    send_probe(1, EL_S);
    el_report_summary(report, ledger, true);
    ck_assert_ptr_nonnull(strstr(written(), "1 sent, 0 received, 0 lost (0%), 1 unanswered yet\n"));
    el_ledger_finish(ledger);
    el_report_summary(report, ledger, false);
    ck_assert_ptr_nonnull(strstr(written(), "(0%), 1 unanswered when the run ended\n"));
    teardown();
}
END_TEST

START_TEST(a_summary_of_nothing_has_no_numbers_that_do_not_exist)
{
    setup_as(EL_REPORT_TEXT, false);
    el_report_summary(report, ledger, true);
    ck_assert_str_eq(written(), "--- server.lab:7007 udp echo, so far ---\n"
                                "0 sent, 0 received, 0 lost\n");
    teardown();
}
END_TEST

START_TEST(rows_come_in_order_and_wait_for_what_may_change)
{
    setup_as(EL_REPORT_CSV, false);
    for (uint64_t seq = 1; seq <= 3; seq++)
        send_probe(seq, EL_S);
    echo_probe(1, EL_S + 500 * EL_US);
    echo_probe(3, EL_S + EL_MS);
    ck_assert_str_eq(written(), "seq,status,rtt_ms,bytes,reason\n1,echoed,0.500,64,\n");
    el_ledger_expire(ledger, 2 * EL_S, on_lost, NULL); /* lost, but it may still be late */
    el_report_rows(report, ledger, false);
    ck_assert_str_eq(written(), "seq,status,rtt_ms,bytes,reason\n1,echoed,0.500,64,\n");
    echo_probe(2, 3 * EL_S);
    ck_assert_str_eq(written(), "seq,status,rtt_ms,bytes,reason\n1,echoed,0.500,64,\n"
                                "2,late,2000.000,64,late\n3,echoed,1.000,64,\n");
    teardown();
}
END_TEST

START_TEST(every_probe_has_its_row_in_the_end)
{
    setup_as(EL_REPORT_CSV, false);
    for (uint64_t seq = 1; seq <= 4; seq++)
        send_probe(seq, EL_S * (el_time)seq);
    el_ledger_failed(ledger, 2, EL_FATE_UNREACHABLE, EHOSTUNREACH, EL_S);
    tell(2, "host-unreachable", NULL);
    el_ledger_failed(ledger, 3, EL_FATE_REFUSED, ECONNREFUSED, EL_S);
    tell(3, NULL, "port unreachable");
    el_ledger_expire(ledger, 2 * EL_S, on_lost, NULL);
    el_ledger_finish(ledger);
    el_report_rows(report, ledger, true);
    ck_assert_str_eq(written(), "seq,status,rtt_ms,bytes,reason\n1,lost,,64,deadline\n"
                                "2,lost,,64,host-unreachable\n3,lost,,64,refused\n"
                                "4,interrupted,,64,interrupted\n");
    teardown();
}
END_TEST

/* However long a lost probe keeps the rows behind it waiting, memory is bounded: the oldest is
 * written as it stands. */
START_TEST(rows_do_not_wait_for_ever)
{
    setup_as(EL_REPORT_CSV, false);
    send_probe(1, EL_S);
    el_ledger_expire(ledger, 2 * EL_S, on_lost, NULL);
    for (uint64_t seq = 2; seq <= EL_REPORT_WINDOW + 1; seq++) {
        send_probe(seq, 3 * EL_S);
        echo_probe(seq, 3 * EL_S + EL_MS);
    }
    ck_assert_ptr_nonnull(strstr(written(), "\n1,lost,,64,deadline\n2,echoed,"));
    teardown();
}
END_TEST

START_TEST(beside_rows_the_summary_is_a_remark)
{
    setup_as(EL_REPORT_CSV, false);
    send_probe(1, EL_S);
    echo_probe(1, EL_S + EL_MS);
    el_report_summary(report, ledger, false);
    ck_assert_ptr_null(strstr(written(), "---"));
    ck_assert_ptr_nonnull(strstr(remarked, "1 sent, 1 received"));
    teardown();
}
END_TEST

START_TEST(a_document_of_nothing_has_nulls)
{
    setup_as(EL_REPORT_JSON, false);
    el_report_document(report, NULL,
                       &(struct el_report_end){.exit_code = 7, .outcome = "interrupted"});
    const char *json = written();
    ck_assert_ptr_nonnull(strstr(json, "\"format_version\":1"));
    ck_assert_ptr_nonnull(strstr(json, "\"host\":\"server.lab\",\"port\":7007,\"size\":64,"));
    ck_assert_ptr_nonnull(strstr(json, "\"dial\":null"));
    ck_assert_ptr_nonnull(strstr(json, "\"min\":null"));
    ck_assert_ptr_nonnull(strstr(json, "\"deviation\":null"));
    ck_assert_ptr_null(strstr(json, ":nan"));
    teardown();
}
END_TEST

START_TEST(a_document_says_why_a_dial_failed_and_what_was_still_under_way)
{
    setup_as(EL_REPORT_JSON, false);
    struct el_dial_result dial = {.status = EL_DIAL_NOT_CONNECTED,
                                  .error = -EHOSTUNREACH,
                                  .resolved = EL_NEVER,
                                  .ended = 2 * EL_MS};
    el_report_dialed(report, &dial);
    send_probe(1, EL_S);
    ck_assert_str_eq(el_report_status(el_ledger_record(ledger, 1)), "interrupted");
    el_report_document(report, ledger, &(struct el_report_end){.exit_code = 7, .outcome = "x"});
    ck_assert_ptr_nonnull(strstr(written(), "\"total_ms\":2.000,\"error\":\"EHOSTUNREACH\""));
    ck_assert_ptr_nonnull(strstr(text, "\"status\":\"interrupted\""));
    teardown();
}
END_TEST

START_TEST(the_document_carries_every_counter_and_probe)
{
    static const char *const wanted[] = {
        "\"sent\":2",
        "\"received\":1",
        "\"lost\":1",
        "\"late\":0",
        "\"duplicates\":0",
        "\"reordered\":0",
        "\"corrupt\":0",
        "\"wrong_source\":1",
        "\"errors\":0",
        "\"exit_code\":1",
        "\"rtt_ms\":2.000",
        "\"rtt_ms\":null",
        "\"reason\":\"deadline\"",
        "\"status\":\"ok\"",
        "\"peer\":\"10.77.0.2:7007\"",
        "\"error\":\"ECONNREFUSED\"",
        "\"type\":\"AAAA\"",
    };
    setup_as(EL_REPORT_JSON, false);
    struct el_attempt attempt = {.error = -ECONNREFUSED, .ended = EL_NEVER};
    struct el_query query = {.family = AF_INET6, .answered = EL_NEVER, .rcode = -1};
    struct el_dial_result dial = {.status = EL_DIAL_OK,
                                  .resolved = EL_MS,
                                  .ended = 2 * EL_MS,
                                  .attempt_count = 1,
                                  .attempts = &attempt,
                                  .query_count = 1,
                                  .queries = &query};
    ck_assert_int_eq(el_address_from_literal("10.77.0.2", 7007, &dial.peer), 0);
    el_report_dialed(report, &dial);
    memset(&attempt, 0,
           sizeof attempt); /* they die with the dialer: what is shown must be a copy */
    memset(&query, 0, sizeof query);
    send_probe(1, EL_S);
    send_probe(2, EL_S);
    echo_probe(1, EL_S + 2 * EL_MS);
    el_ledger_expire(ledger, 3 * EL_S, on_lost, NULL);
    el_ledger_wrong_source(ledger);
    el_report_document(report, ledger,
                       &(struct el_report_end){.exit_code = 1, .outcome = "completed"});
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        ck_assert_msg(strstr(written(), wanted[i]) != NULL, "%s is not in %s", wanted[i], text);
    teardown();
}
END_TEST

/* _i: the format. A full disk is an error whatever was asked for. */
START_TEST(a_full_disk_is_an_error_with_its_errno)
{
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    struct el_report *r =
        el_report_new(&(struct el_report_args){.results = full,
                                               .remarks = full,
                                               .format = (enum el_report_format)_i,
                                               .program = "x",
                                               .proto = "udp",
                                               .host = "h"});
    struct el_ledger *empty = el_ledger_new(EL_S);
    el_report_rows(r, empty, true);
    if (_i == EL_REPORT_TEXT)
        el_report_summary(r, empty, false);
    el_report_document(r, empty, &(struct el_report_end){.outcome = "completed"});
    ck_assert_int_eq(el_report_finish(r), -ENOSPC);
    ck_assert_int_eq(el_report_error(r), -ENOSPC);
    el_report_free(r);
    el_ledger_free(empty);
    fclose(full);
}
END_TEST

START_TEST(a_lost_remark_is_no_error_of_the_run)
{
    char *rows = NULL;
    size_t size;
    FILE *out = open_memstream(&rows, &size), *full = fopen("/dev/full", "w");
    struct el_report *r = el_report_new(&(struct el_report_args){
        .results = out, .remarks = full, .format = EL_REPORT_CSV, .proto = "udp", .host = "h"});
    el_report_summary(r, NULL, false);
    ck_assert_int_eq(el_report_finish(r), 0);
    el_report_free(r);
    fclose(out);
    fclose(full);
    free(rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, an_echo_is_a_line_with_its_time_in_ms);
    tcase_add_test(tcase, one_byte_is_not_one_bytes);
    tcase_add_test(tcase, each_fate_says_its_reason);
    tcase_add_test(tcase, a_duplicate_and_a_reordered_echo_are_marked);
    tcase_add_test(tcase, quiet_leaves_only_the_summary);
    tcase_add_loop_test(tcase, loss_is_0_or_100_percent_only_if_it_is, 0, 5);
    tcase_add_test(tcase, what_has_no_answer_yet_is_said_in_an_interim_summary_too);
    tcase_add_test(tcase, a_summary_of_nothing_has_no_numbers_that_do_not_exist);
    tcase_add_test(tcase, rows_come_in_order_and_wait_for_what_may_change);
    tcase_add_test(tcase, every_probe_has_its_row_in_the_end);
    tcase_add_test(tcase, rows_do_not_wait_for_ever);
    tcase_add_test(tcase, beside_rows_the_summary_is_a_remark);
    tcase_add_test(tcase, a_document_of_nothing_has_nulls);
    tcase_add_test(tcase, a_document_says_why_a_dial_failed_and_what_was_still_under_way);
    tcase_add_test(tcase, the_document_carries_every_counter_and_probe);
    tcase_add_loop_test(tcase, a_full_disk_is_an_error_with_its_errno, EL_REPORT_TEXT,
                        EL_REPORT_JSON + 1);
    tcase_add_test(tcase, a_lost_remark_is_no_error_of_the_run);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
