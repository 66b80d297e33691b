/* test_bench_result.c - what a figure is made of, and that every form tells the same. */
#include "../lib/unit.h"
#include "figures.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct bench_result result;
static char *text;
static size_t size;
static FILE *file;

static void setup(void)
{
    result = (struct bench_result){.command = "udp",
                                   .path = "",
                                   .target = "server.lab:7007",
                                   .workload = "",
                                   .load = {.kind = BENCH_UDP,
                                            .connections = 2,
                                            .window = 3,
                                            .size = 64,
                                            .duration = EL_S,
                                            .threads = 1},
                                   .syscalls = NAN,
                                   .idle_memory = NAN};
    file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
}

static void teardown(void)
{
    bench_result_free(&result);
    free(text);
}

static const char *finish(void)
{
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* `received` echoes, the first of 10 us, each 10 us slower than the one before, in a second. */
static struct bench_sample sample_of(unsigned received)
{
    struct bench_sample sample = {.elapsed = EL_S,
                                  .latency = el_histogram_new(),
                                  .load_cpu = EL_MS * 100,
                                  .busiest = 0.1,
                                  .server_cpu = -1};
    ck_assert_ptr_nonnull(sample.latency);
    for (unsigned i = 1; i <= received; i++)
        el_histogram_record(sample.latency, (el_duration)i * 10 * EL_US);
    sample.counts.sent = sample.counts.received = received;
    sample.counts.bytes = (uint64_t)received * 64;
    return sample;
}

static void add(struct bench_sample sample)
{
    ck_assert_int_eq(bench_result_add(&result, &sample), 0);
}

START_TEST(figures_are_those_of_the_histogram_and_the_counts)
{
    struct bench_sample sample = sample_of(100);
    sample.server_cpu = 50 * EL_MS;
    sample.counts.sent = 125;
    sample.counts.lost = 25;
    add(sample);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_RATE), 100, 1e-9);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_P50), 500e3, 5e3);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_P99), 990e3, 10e3);
    ck_assert(bench_metric(&sample, BENCH_MAX) == 1e6);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_SERVER_COST), 500e3, 1);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_LOAD_COST), 1e6, 1);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_THROUGHPUT), 6400, 1e-6);
    ck_assert_double_eq_tol(bench_metric(&sample, BENCH_LOSS), 0.2, 1e-9);
    ck_assert(isnan(bench_metric(&sample, BENCH_CORRECTED_P99)));
}
END_TEST

START_TEST(of_silence_there_is_no_latency_and_no_cost)
{
    struct bench_sample sample = sample_of(0);
    sample.server_cpu = 5;
    add(sample);
    for (enum bench_metric metric = 0; metric < BENCH_METRICS; metric++) {
        bool there = metric == BENCH_RATE || metric == BENCH_THROUGHPUT;
        ck_assert_msg(isnan(bench_metric(&sample, metric)) != there, "%s",
                      bench_metric_key(metric));
    }
    ck_assert(bench_metric(&sample, BENCH_RATE) == 0);
    ck_assert(isnan(bench_result_best(&result, BENCH_P50)));
}
END_TEST

START_TEST(an_unknown_server_costs_nothing_that_is_known)
{
    struct bench_sample sample = sample_of(10);
    add(sample);
    ck_assert(isnan(bench_metric(&sample, BENCH_SERVER_COST)));
}
END_TEST

START_TEST(a_message_that_cost_nothing_was_not_watched)
{
    struct bench_sample sample = sample_of(10);
    sample.server_cpu = 0;
    add(sample);
    ck_assert(isnan(bench_metric(&sample, BENCH_SERVER_COST)));
    ck_assert_uint_eq(bench_result_spread(&result, BENCH_SERVER_COST).count, 0);
}
END_TEST

START_TEST(a_spread_is_over_the_repetitions_and_the_best_is_the_least)
{
    add(sample_of(30));
    add(sample_of(10));
    add(sample_of(20));
    struct bench_spread spread = bench_result_spread(&result, BENCH_RATE);
    ck_assert_uint_eq(spread.count, 3);
    ck_assert(spread.median == 20 && spread.low == 10 && spread.high == 30);
    ck_assert(bench_result_best(&result, BENCH_RATE) == 10);
}
END_TEST

START_TEST(more_than_a_thousand_repetitions_are_refused)
{
    struct bench_sample none = {.elapsed = EL_S};
    for (unsigned i = 0; i < BENCH_ROUNDS_MAX; i++)
        ck_assert_int_eq(bench_result_add(&result, &none), 0);
    ck_assert_int_eq(bench_result_add(&result, &none), -E2BIG);
    ck_assert_uint_eq(result.count, BENCH_ROUNDS_MAX);
}
END_TEST

/* ---- CSV -------------------------------------------------------------------------------------- */

static unsigned commas(const char *line)
{
    unsigned count = 0;
    for (; *line != '\0' && *line != '\n'; line++)
        count += *line == ',';
    return count;
}

START_TEST(a_row_has_a_field_for_each_name_of_the_header)
{
    add(sample_of(5));
    add(sample_of(0));
    bench_csv_header(file);
    bench_csv_rows(&result, file);
    const char *header = finish(), *first = strchr(header, '\n') + 1,
               *second = strchr(first, '\n') + 1;
    ck_assert_uint_eq(commas(first), commas(header));
    ck_assert_uint_eq(commas(second), commas(header));
    ck_assert_ptr_null(strstr(first, "nan"));
    ck_assert_str_eq(second, "udp,,0.00,udp,server.lab:7007,,2,3,64,,2,1.000000,0,0,0,0,0,0,0,0,0,"
                             "0,0.0,,,,,,,,,,,0.100,,0,0\n");
}
END_TEST

START_TEST(a_target_that_holds_a_comma_is_quoted)
{
    result.target = "a,\"b\"";
    result.load.rate = 5000;
    add(sample_of(1));
    bench_csv_rows(&result, file);
    finish();
    const char *row = "udp,,0.00,udp,\"a,\"\"b\"\"\",,2,3,64,5000.000,1,1.000000,1,1,64,";
    ck_assert_int_eq(strncmp(text, row, strlen(row)), 0);
}
END_TEST

/* ---- JSON ------------------------------------------------------------------------------------- */

START_TEST(json_has_each_bucket_and_null_for_what_is_not_there)
{
    struct bench_sample sample = sample_of(2);
    el_histogram_record(sample.latency, 10 * EL_US);
    add(sample);
    struct el_json json = el_json_begin(file);
    el_json_array(&json, NULL);
    bench_result_json(&result, &json);
    el_json_end(&json);
    finish();
    const char *latency = strstr(text, "\"latency\":{\"count\":3,");
    ck_assert_ptr_nonnull(latency);
    ck_assert_ptr_nonnull(strstr(latency, ",2],["));
    ck_assert_ptr_nonnull(strstr(latency, ",1]]}"));
    ck_assert_ptr_nonnull(strstr(text, "\"corrected_latency\":null"));
    ck_assert_ptr_nonnull(strstr(text, "\"server_calls\":null"));
    ck_assert_ptr_null(strstr(text, "nan"));
}
END_TEST

/* ---- text ------------------------------------------------------------------------------------- */

START_TEST(figures_are_written_with_their_unit)
{
    char out[BENCH_FIGURE];
    ck_assert_str_eq(bench_metric_print(BENCH_RATE, 57234.4, out), "57,234");
    ck_assert_str_eq(bench_metric_print(BENCH_RATE, 1234567, out), "1,234,567");
    ck_assert_str_eq(bench_metric_print(BENCH_RATE, 999, out), "999");
    ck_assert_str_eq(bench_metric_print(BENCH_RATE, 1.5, out), "1.50");
    ck_assert_str_eq(bench_metric_print(BENCH_P50, 16400, out), "16.4us");
    ck_assert_str_eq(bench_metric_print(BENCH_THROUGHPUT, 3.66e6, out), "3.66 MB/s");
    ck_assert_str_eq(bench_metric_print(BENCH_THROUGHPUT, 64, out), "64 B/s");
    ck_assert_str_eq(bench_metric_print(BENCH_LOSS, 0.0012, out), "0.12 %");
    ck_assert_str_eq(bench_metric_print(BENCH_P99, NAN, out), "-");
    ck_assert_str_eq(bench_count_print(-1234, out), "-1,234");
    ck_assert_str_eq(bench_count_print(-123, out), "-123");
}
END_TEST

START_TEST(every_figure_has_a_name_and_a_key_of_its_own)
{
    for (enum bench_metric a = 0; a < BENCH_METRICS; a++) {
        ck_assert_ptr_nonnull(bench_metric_name(a, &result.load));
        for (enum bench_metric b = 0; b < a; b++)
            ck_assert_str_ne(bench_metric_key(a), bench_metric_key(b));
    }
}
END_TEST

START_TEST(all_kinds_of_loss_are_told_of_udp)
{
    struct bench_sample sample = sample_of(90);
    sample.counts.sent = 100;
    sample.counts.lost = 7;
    sample.counts.late = 3;
    sample.counts.duplicates = 2;
    add(sample);
    bench_result_print(&result, false, file);
    finish();
    ck_assert_ptr_nonnull(
        strstr(text, "  100 sent, 90 received, 7 lost (7 %), 3 late, 0 corrupt, 0 errors\n"
                     "  2 duplicates, 0 reordered, 0 from a wrong source\n"));
}
END_TEST

START_TEST(the_bottleneck_is_told_in_words)
{
    struct bench_sample sample = sample_of(9);
    sample.busiest = 0.97;
    add(sample);
    add(sample_of(9));
    bench_result_print(&result, false, file);
    finish();
    ck_assert_ptr_nonnull(strstr(text, "I am the bottleneck in 1 of 2 repetitions: "));
}
END_TEST

START_TEST(a_server_that_does_not_keep_the_rate_is_told_too)
{
    struct bench_sample sample = sample_of(9);
    result.load.rate = 1000;
    sample.pace = el_histogram_new();
    ck_assert_ptr_nonnull(sample.pace);
    el_histogram_record(sample.pace,
                        5); /* one was sent when it was due; eight had waited for room */
    add(sample);
    bench_result_print(&result, false, file);
    finish();
    ck_assert_ptr_nonnull(strstr(text, "offered/s"));
    ck_assert_ptr_nonnull(strstr(text, "The server did not keep that rate in 1 of 1 repetitions"));
    ck_assert_ptr_null(strstr(text, "I am the bottleneck"));
}
END_TEST

START_TEST(two_that_differ_get_a_ratio_and_a_verdict_and_two_alike_get_none)
{
    struct bench_result both[2] = {result, result};
    for (unsigned i = 0; i < 3; i++) {
        struct bench_sample a = sample_of(150 + i), b = sample_of(100 + i);
        a.server_cpu = (150 + i) * EL_US; /* a message costs both the same */
        b.server_cpu = (100 + i) * EL_US;
        ck_assert_int_eq(bench_result_add(&both[0], &a), 0);
        ck_assert_int_eq(bench_result_add(&both[1], &b), 0);
    }
    both[1].target = "other";
    bench_versus_print(both, 2, false, file);
    finish();
    ck_assert_ptr_nonnull(strstr(text, "A server.lab:7007 against B other"));
    const char *rate = strstr(text, "messages/s");
    ck_assert_ptr_nonnull(rate);
    ck_assert_ptr_nonnull(strstr(rate, "1.50 × (1.49-1.50)"));
    ck_assert_int_eq(strncmp(strchr(rate, '\n') - strlen(" more"), " more", strlen(" more")), 0);
    ck_assert_ptr_nonnull(strstr(text, "no verdict: the spread exceeds the difference\n"));
    bench_result_free(&both[0]);
    bench_result_free(&both[1]);
}
END_TEST

START_TEST(columns_stand_below_each_other_and_no_line_ends_in_a_blank)
{
    struct bench_table table = {.left = {true, false, true}};
    bench_table_row(&table);
    bench_table_put(&table, 0, "name");
    bench_table_put(&table, 1, "n");
    bench_table_put(&table, 2, "note");
    bench_table_row(&table);
    bench_table_put(&table, 0, "a");
    bench_table_put(&table, 1, "1,000");
    bench_table_row(&table);
    bench_table_put(&table, 0, "b");
    bench_table_put(&table, 2, "× odd");
    bench_table_print(&table, false, file);
    ck_assert_str_eq(finish(), "  name      n  note\n"
                               "  a     1,000\n"
                               "  b            × odd\n");
}
END_TEST

START_TEST(markdown_has_a_rule_and_keeps_a_bar_inside_its_cell)
{
    struct bench_table table = {.left = {true}};
    bench_table_row(&table);
    bench_table_put(&table, 0, "a|b");
    bench_table_put(&table, 1, "n");
    bench_table_print(&table, true, file);
    ck_assert_str_eq(finish(), "\n| a\\|b | n |\n|---|---:|\n\n");
}
END_TEST

START_TEST(a_table_that_is_full_takes_no_more)
{
    static struct bench_table table;
    memset(&table, 0, sizeof table);
    bench_table_put(&table, 0, "no row yet");
    for (unsigned i = 0; i < TABLE_ROWS + 3; i++)
        bench_table_row(&table);
    bench_table_put(&table, TABLE_COLUMNS, "no such column");
    ck_assert_uint_eq(table.rows, TABLE_ROWS);
    ck_assert_uint_eq(table.columns, 0);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_result");
    TCase *t = tcase_create("figures");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, figures_are_those_of_the_histogram_and_the_counts);
    tcase_add_test(t, of_silence_there_is_no_latency_and_no_cost);
    tcase_add_test(t, an_unknown_server_costs_nothing_that_is_known);
    tcase_add_test(t, a_message_that_cost_nothing_was_not_watched);
    tcase_add_test(t, a_spread_is_over_the_repetitions_and_the_best_is_the_least);
    tcase_add_test(t, more_than_a_thousand_repetitions_are_refused);
    suite_add_tcase(suite, t);

    t = tcase_create("forms");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_row_has_a_field_for_each_name_of_the_header);
    tcase_add_test(t, a_target_that_holds_a_comma_is_quoted);
    tcase_add_test(t, json_has_each_bucket_and_null_for_what_is_not_there);
    tcase_add_test(t, figures_are_written_with_their_unit);
    tcase_add_test(t, every_figure_has_a_name_and_a_key_of_its_own);
    tcase_add_test(t, all_kinds_of_loss_are_told_of_udp);
    tcase_add_test(t, the_bottleneck_is_told_in_words);
    tcase_add_test(t, a_server_that_does_not_keep_the_rate_is_told_too);
    tcase_add_test(t, two_that_differ_get_a_ratio_and_a_verdict_and_two_alike_get_none);
    suite_add_tcase(suite, t);

    t = tcase_create("tables");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, columns_stand_below_each_other_and_no_line_ends_in_a_blank);
    tcase_add_test(t, markdown_has_a_rule_and_keeps_a_bar_inside_its_cell);
    tcase_add_test(t, a_table_that_is_full_takes_no_more);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
