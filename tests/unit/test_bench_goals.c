/*
 * test_bench_goals.c - the table of goals, from results that were made up.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "unit.h"

enum { MESSAGES = 1000, MOST = 16 };

static struct bench_result results[MOST];
static size_t count;
static char *text;
static size_t text_size;

static void teardown(void)
{
    for (size_t i = 0; i < count; i++)
        bench_result_free(&results[i]);
    count = 0;
    free(text);
    text = NULL;
}

/* What one repetition shall have shown. */
struct made_up {
    el_duration latency, cost; /* ns a message; negative cost: unknown */
    double rate;               /* messages/s; 0: as many as there are in a second */
    double busiest;            /* of the generator's threads */
};

static struct bench_sample sample_of(const struct made_up *made_up)
{
    double rate = made_up->rate > 0 ? made_up->rate : MESSAGES;
    struct bench_sample sample = {
        .counts = {.sent = MESSAGES, .received = MESSAGES, .bytes = (uint64_t)64 * MESSAGES},
        .elapsed = (el_duration)(MESSAGES / rate * EL_S),
        .latency = el_histogram_new(),
        .busiest = made_up->busiest,
        .kept_rate = true,
        .server_cpu = made_up->cost < 0 ? -1 : made_up->cost * MESSAGES,
    };
    ck_assert_ptr_nonnull(sample.latency);
    for (int i = 0; i < MESSAGES; i++)
        el_histogram_record(sample.latency, made_up->latency);
    return sample;
}

static struct bench_result *add(const char *target, const char *workload, const char *path)
{
    ck_assert_uint_lt(count, MOST);
    results[count] =
        (struct bench_result){.command = "models",
                              .path = path,
                              .target = target,
                              .workload = workload,
                              .load = {.kind = BENCH_TCP, .connections = 1, .threads = 1},
                              .syscalls = NAN,
                              .idle_memory = NAN};
    return &results[count++];
}

static void repeat(struct bench_result *result, const struct made_up *made_up, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        struct bench_sample sample = sample_of(&made_up[i]);
        ck_assert_int_eq(bench_result_add(result, &sample), 0);
    }
}

static void add_one(const char *target, const char *workload, struct made_up made_up)
{
    repeat(add(target, workload, "loopback"), &made_up, 1);
}

static const char *table(enum bench_format format)
{
    free(text);
    FILE *to = open_memstream(&text, &text_size);
    ck_assert_ptr_nonnull(to);
    bench_goals_print(results, count, format, to);
    fclose(to);
    return text;
}

/* The line of the Markdown table that holds both. */
static const char *row(const char *what, const char *wanted)
{
    static char line[512];
    const char *at = table(BENCH_MARKDOWN);
    while (*at != '\0') {
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        if (strstr(line, what) != NULL && strstr(line, wanted) != NULL)
            return line;
        at += length + (at[length] == '\n');
    }
    ck_abort_msg("no row about %s, %s in:\n%s", what, wanted, text);
    return NULL;
}

static void row_ends(const char *what, const char *wanted, const char *end)
{
    const char *line = row(what, wanted);
    size_t at = strlen(line), length = strlen(end);
    ck_assert_msg(at >= length && strcmp(line + at - length, end) == 0, "wanted ...%s, got %s", end,
                  line);
}

START_TEST(cpu_is_told_as_the_best_of_the_repetitions)
{
    struct made_up ours[] = {{.cost = 9000}, {.cost = 6180}, {.cost = 7000}};
    struct made_up base[] = {{.cost = 6500}, {.cost = 6400}, {.cost = 6000}};
    repeat(add("tcp_echo_server", "crowd", "loopback"), ours, 3);
    repeat(add("tcp_epoll", "crowd", "loopback"), base, 3);
    row_ends("TCP CPU a message", "x tcp_epoll",
             "| at most 1.03 x tcp_epoll | 1.03 | 0.97 to 1.38 | met, single rounds differ |");
}
END_TEST

START_TEST(a_round_that_saw_no_cpu_is_not_the_best_one)
{
    struct made_up ours[] = {{.cost = 0}, {.cost = 6000}};
    struct made_up base[] = {{.cost = 5000}, {.cost = 6000}};
    repeat(add("tcp_echo_server", "crowd", "loopback"), ours, 2);
    repeat(add("tcp_epoll", "crowd", "loopback"), base, 2);
    row_ends("TCP CPU a message", "x tcp_epoll", "| 1.20 | 1.00 to 1.00 | missed by 16.5 % |");
}
END_TEST

START_TEST(all_other_figures_are_medians)
{
    struct made_up ours[] = {{.latency = 22000}, {.latency = 10000}, {.latency = 30000}};
    struct made_up base[] = {{.latency = 20000}, {.latency = 5000}, {.latency = 90000}};
    repeat(add("tcp_echo_server", "latency", "loopback"), ours, 3);
    repeat(add("tcp_iterative", "latency", "loopback"), base, 3);
    ck_assert_ptr_nonnull(strstr(row("TCP p50", "tcp_iterative"), "| 1.10 | 0.33 to 2.00 |"));
}
END_TEST

START_TEST(a_goal_missed_says_by_how_much)
{
    add_one("tcp_echo_server", "crowd", (struct made_up){.cost = 7140});
    add_one("tcp_bufferevent", "crowd", (struct made_up){.cost = 10000});
    row_ends("TCP CPU a message", "x tcp_bufferevent", "| missed by 5.0 % |");
}
END_TEST

START_TEST(a_rate_must_be_at_least_the_goal)
{
    add_one("tcp_echo_server", "stream", (struct made_up){.rate = 30000});
    add_one("tcp_bufferevent", "stream", (struct made_up){.rate = 4000});
    add_one("tcp_epoll", "stream", (struct made_up){.rate = 40000});
    row_ends("TCP stream", "x tcp_bufferevent", "| 7.50 | 7.50 to 7.50 | met |");
    row_ends("TCP stream", "x tcp_epoll", "| 0.75 | 0.75 to 0.75 | missed by 21.1 % |");
}
END_TEST

START_TEST(a_rate_that_the_generator_held_back_is_said_to_be_one)
{
    add_one("tcp_echo_server", "pipelined", (struct made_up){.rate = 1000});
    add_one("tcp_epoll", "pipelined", (struct made_up){.rate = 1000, .busiest = 0.97});
    row_ends("TCP pipelined", "tcp_epoll", "| met, but the generator was the limit |");
}
END_TEST

START_TEST(an_absolute_bound_has_its_unit)
{
    add_one("tcp_echo_server", "connect", (struct made_up){.cost = 40000});
    add("tcp_echo_server", "idle", "loopback")->idle_memory = 352;
    row_ends("TCP CPU a connection", "at most 43 us", "| 40.0 us | 40.00 to 40.00 | met |");
    row_ends("TCP memory", "at most 320 bytes", "| 352 bytes | - | missed by 10.0 % |");
}
END_TEST

START_TEST(a_peer_that_cannot_be_had_is_derived_and_said_to_be)
{
    add_one("udp_echo_server", "window", (struct made_up){.cost = 3000});
    add_one("udp_blocking", "window", (struct made_up){.cost = 5000});
    row_ends("UDP CPU a datagram", "x tokio",
             "| 0.56 | 0.56 to 0.56 | tokio not measured; derived as 1.08 x udp_blocking: met |");
}
END_TEST

START_TEST(so_many_times_as_cheap_is_the_baseline_by_ours)
{
    add_one("udp_echo_server", "burst", (struct made_up){.cost = 1000});
    add_one("udp_echo_server --gro", "burst", (struct made_up){.cost = 100});
    add_one("udp_blocking", "burst", (struct made_up){.cost = 5000});
    ck_assert_ptr_nonnull(strstr(row("GSO sender |", "5 x tokio"), "| 5.40 |"));
    ck_assert_ptr_nonnull(strstr(row("--gro", "40 x tokio"), "| 54.0 |"));
}
END_TEST

START_TEST(what_was_not_run_is_not_measured_and_says_why)
{
    add_one("tcp_echo_server", "crowd", (struct made_up){.cost = 5000});
    repeat(add("tcp_epoll", "crowd", "veth"), &(struct made_up){.cost = 5000}, 1);
    row_ends("TCP CPU a message", "x tcp_epoll",
             "| - | - | not measured: tcp_epoll was not run with crowd over loopback |");
    row_ends("TCP connect", "x tcp_epoll",
             "| - | - | not measured: tcp_echo_server was not run with connect over loopback |");
}
END_TEST

START_TEST(a_figure_that_nobody_could_read_is_not_measured)
{
    add_one("tcp_echo_server", "crowd", (struct made_up){.cost = 5000});
    add_one("tcp_epoll", "crowd", (struct made_up){.cost = -1});
    add("tcp_echo_server", "idle", "loopback");
    add("tcp_echo_server", "latency", "loopback");
    add("tcp_iterative", "latency", "loopback");
    row_ends("TCP CPU a message", "x tcp_epoll", "| not measured: no such figure of tcp_epoll |");
    row_ends("TCP memory", "320", "| not measured: no such figure of tcp_echo_server |");
    row_ends("TCP p50", "1.10", "| not measured: no such figure of tcp_echo_server |");
}
END_TEST

START_TEST(a_zero_is_no_ratio)
{
    add_one("tcp_echo_server", "crowd", (struct made_up){.cost = 0});
    add_one("tcp_epoll", "crowd", (struct made_up){.cost = 0});
    row_ends("TCP CPU a message", "x tcp_epoll",
             "| - | - | not measured: no such figure of tcp_echo_server |");
}
END_TEST

/* Every cell of every row says something, with all results, some or none; and no number is "nan" or "inf". */
START_TEST(no_cell_is_empty)
{
    if (_i > 0) {
        add_one("tcp_echo_server", "crowd", (struct made_up){.cost = 0});
        add_one("tcp_epoll", "crowd", (struct made_up){.cost = _i - 1});
        add_one("tcp_bufferevent", "crowd", (struct made_up){.cost = 5});
        add("udp_blocking", "latency", "loopback");
    }
    const char *markdown = table(BENCH_MARKDOWN);
    ck_assert_ptr_null(strstr(markdown, "|  |"));
    ck_assert_ptr_null(strstr(markdown, "| |"));
    ck_assert_ptr_null(strstr(markdown, "nan"));
    ck_assert_ptr_null(strstr(markdown, "inf"));
    const char *plain = table(BENCH_TEXT);
    ck_assert_ptr_null(strstr(plain, "nan"));
    ck_assert_ptr_null(strstr(plain, "inf"));
}
END_TEST

/* The longest verdict there is, in full, and on a terminal of a hundred columns. */
START_TEST(however_much_there_is_to_say_no_line_is_wider_than_a_hundred)
{
    struct made_up ours[] = {{.cost = 3000}, {.cost = 9000}};
    struct made_up base[] = {{.cost = 4000}, {.cost = 20000}};
    repeat(add("udp_echo_server", "window", "loopback"), ours, 2);
    repeat(add("udp_blocking", "window", "loopback"), base, 2);
    row_ends("UDP CPU a datagram", "x tokio",
             "| tokio not measured; derived as 1.08 x udp_blocking: missed by 5.2 %, single rounds "
             "differ |");
    table(BENCH_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "tokio not measured"));
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
        ck_assert_uint_le(strcspn(at, "\n"), 100);
}
END_TEST

/* Every goal of PERF.md has its row, in both forms, whatever was measured. */
START_TEST(every_goal_has_a_row)
{
    size_t sentences = 0;
    for (const char *at = table(BENCH_TEXT); (at = strstr(at, ": wanted at ")) != NULL; at++)
        sentences++;
    ck_assert_uint_eq(sentences, 14);
    row("TCP p50", "1.10 x tcp_iterative");
    row("TCP CPU a message", "1.03 x tcp_epoll");
    row("TCP CPU a message", "0.68 x tcp_bufferevent");
    row("TCP stream", "0.95 x tcp_epoll");
    row("TCP stream", "at least 6 x tcp_bufferevent");
    row("TCP pipelined", "0.97 x tcp_epoll");
    row("TCP connect", "0.97 x tcp_epoll");
    row("TCP CPU a connection", "43 us");
    row("TCP memory", "320 bytes");
    row("UDP p50", "1.08 x udp_blocking");
    row("UDP CPU", "0.66 x tokio");
    row("UDP CPU", "1.05 x udp_coalesce");
    row("GSO sender |", "at least 5 x tokio");
    row("GSO sender, --gro", "at least 40 x tokio");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_goals");
    TCase *t = tcase_create("goals");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, cpu_is_told_as_the_best_of_the_repetitions);
    tcase_add_test(t, a_round_that_saw_no_cpu_is_not_the_best_one);
    tcase_add_test(t, all_other_figures_are_medians);
    tcase_add_test(t, a_goal_missed_says_by_how_much);
    tcase_add_test(t, a_rate_must_be_at_least_the_goal);
    tcase_add_test(t, a_rate_that_the_generator_held_back_is_said_to_be_one);
    tcase_add_test(t, an_absolute_bound_has_its_unit);
    tcase_add_test(t, a_peer_that_cannot_be_had_is_derived_and_said_to_be);
    tcase_add_test(t, so_many_times_as_cheap_is_the_baseline_by_ours);
    tcase_add_test(t, what_was_not_run_is_not_measured_and_says_why);
    tcase_add_test(t, a_figure_that_nobody_could_read_is_not_measured);
    tcase_add_test(t, a_zero_is_no_ratio);
    tcase_add_loop_test(t, no_cell_is_empty, 0, 4);
    tcase_add_test(t, however_much_there_is_to_say_no_line_is_wider_than_a_hundred);
    tcase_add_test(t, every_goal_has_a_row);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
