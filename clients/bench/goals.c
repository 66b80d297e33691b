/*
 * goals.c - is it as fast as it was meant to be? Each goal beside what was measured.
 *
 * Teaches:  a goal for speed is a ratio to something measured in the same minutes on the same machine; a bare figure would
 *           only tell how fast the machine was that day.
 * Run:      echo_bench models --goals
 * Partner:  ladder.c, whose servers and workloads are named here; stats.h, for when a difference is one.
 * Leaves out: judging the baselines. A slow tcp_epoll would make a goal easy; the table above it shows what that took.
 * Next:     report/run, which puts this table under the pictures.
 *
 * A ratio of CPU is that of the best repetitions, because noise only ever adds to it; all others are the median of the ratios within a round. [#goal-figure]
 * A server that Debian does not carry cannot be measured here. Where PERF figures of one machine give its ratio to one that can
 * be, the goal is told against that estimate, and the row says that it was derived. [#derived-not-measured]
 */
#include "commands.h"

#include "setup.h"
#include "table.h"
#include "words.h"

#include <math.h>
#include <string.h>

/* What tokio took in the table of peers, on a machine of this kind, by what the blocking server took there: 4.93 / 4.57 us of
 * CPU a datagram. */
static const double tokio_by_blocking = 1.08;

struct goal {
    const char *what;
    const char *target, *workload;
    enum bench_metric metric; /* BENCH_METRICS: memory of an idle connection */
    const char *baseline;     /* NULL: the bound is an absolute one, in `unit` */
    double bound;
    bool at_least;
    const char *unit;   /* of an absolute bound */
    double unit_size;   /* in what the metric is told in: 1000 for ns in us */
    const char *absent; /* the peer that cannot be had; `baseline` times `derived` stands for it */
    double derived;
};

static const struct goal goals[] = {
    {.what = "TCP p50, one outstanding, one core",
     .target = "tcp_echo_server",
     .workload = "latency",
     .metric = BENCH_P50,
     .baseline = "tcp_iterative",
     .bound = 1.10},
    {.what = "TCP CPU a message, 50 connections",
     .target = "tcp_echo_server",
     .workload = "crowd",
     .metric = BENCH_SERVER_COST,
     .baseline = "tcp_epoll",
     .bound = 1.03},
    {.what = "TCP CPU a message, 50 connections",
     .target = "tcp_echo_server",
     .workload = "crowd",
     .metric = BENCH_SERVER_COST,
     .baseline = "tcp_bufferevent",
     .bound = 0.68},
    {.what = "TCP stream of 64 KiB messages",
     .target = "tcp_echo_server",
     .workload = "stream",
     .metric = BENCH_THROUGHPUT,
     .baseline = "tcp_epoll",
     .bound = 0.95,
     .at_least = true},
    {.what = "TCP stream of 64 KiB messages",
     .target = "tcp_echo_server",
     .workload = "stream",
     .metric = BENCH_THROUGHPUT,
     .baseline = "tcp_bufferevent",
     .bound = 6,
     .at_least = true},
    {.what = "TCP pipelined, 50 x 16",
     .target = "tcp_echo_server",
     .workload = "pipelined",
     .metric = BENCH_RATE,
     .baseline = "tcp_epoll",
     .bound = 0.97,
     .at_least = true},
    {.what = "TCP connect + echo + close",
     .target = "tcp_echo_server",
     .workload = "connect",
     .metric = BENCH_RATE,
     .baseline = "tcp_epoll",
     .bound = 0.97,
     .at_least = true},
    {.what = "TCP CPU a connection",
     .target = "tcp_echo_server",
     .workload = "connect",
     .metric = BENCH_SERVER_COST,
     .bound = 43,
     .unit = "us",
     .unit_size = 1000},
    {.what = "TCP memory an idle connection",
     .target = "tcp_echo_server",
     .workload = "idle",
     .metric = BENCH_METRICS,
     .bound = 320,
     .unit = "bytes",
     .unit_size = 1},
    {.what = "UDP p50, one outstanding, one core",
     .target = "udp_echo_server",
     .workload = "latency",
     .metric = BENCH_P50,
     .baseline = "udp_blocking",
     .bound = 1.08},
    {.what = "UDP CPU a datagram, window 64",
     .target = "udp_echo_server",
     .workload = "window",
     .metric = BENCH_SERVER_COST,
     .baseline = "udp_coalesce",
     .bound = 1.05},
    {.what = "UDP CPU a datagram, window 64",
     .target = "udp_echo_server",
     .workload = "window",
     .metric = BENCH_SERVER_COST,
     .baseline = "udp_blocking",
     .bound = 0.66,
     .absent = "tokio",
     .derived = tokio_by_blocking},
    {.what = "UDP datagrams a CPU second, GSO sender",
     .target = "udp_echo_server",
     .workload = "burst",
     .metric = BENCH_SERVER_COST,
     .baseline = "udp_blocking",
     .bound = 5,
     .at_least = true,
     .absent = "tokio",
     .derived = tokio_by_blocking},
    {.what = "UDP datagrams a CPU second, GSO sender, --gro",
     .target = "udp_echo_server --gro",
     .workload = "burst",
     .metric = BENCH_SERVER_COST,
     .baseline = "udp_blocking",
     .bound = 40,
     .at_least = true,
     .absent = "tokio",
     .derived = tokio_by_blocking},
};

/* What a row says. */
struct outcome {
    double value, low,
        high; /* a ratio, or in the goal's unit; NaN: not measured. Low and high: of single rounds */
    bool generator_bound; /* a rate that tells of the generator */
    char wanted[64], verdict[TABLE_CELL];
};

static const struct bench_result *find(const struct bench_result *results, size_t count,
                                       const char *target, const char *workload)
{
    for (size_t i = 0; i < count; i++) {
        const struct bench_result *result = &results[i];
        if (strcmp(result->path, "loopback") == 0 && strcmp(result->target, target) == 0 &&
            strcmp(result->workload, workload) == 0)
            return result;
    }
    return NULL;
}

static bool is_cost(enum bench_metric metric)
{
    return metric == BENCH_SERVER_COST;
}

/* The least that is more than nothing: a message costs something, so a round that saw no CPU at all has not seen it. */
static double best_of(const struct bench_result *result, enum bench_metric metric)
{
    double best = NAN;
    for (size_t i = 0; i < result->count; i++) {
        double value = bench_metric(&result->samples[i], metric);
        if (value > 0)
            best = fmin(best, value); /* of a NaN and a number, the number */
    }
    return best;
}

/* NaN when there is none; nor is 0 one, since of 0 nothing is a multiple. */
static double figure_of(const struct bench_result *result, enum bench_metric metric)
{
    double figure = metric == BENCH_METRICS ? result->idle_memory
                    : is_cost(metric)       ? best_of(result, metric)
                                            : bench_result_spread(result, metric).median;
    return figure > 0 ? figure : NAN;
}

/* "At least 5 times as cheap" is told as baseline / ours, so that more is better, as with rates. */
static double ratio_of(const struct goal *goal, double ours, double base)
{
    if (goal->absent != NULL)
        base *= goal->derived;
    return is_cost(goal->metric) && goal->at_least ? base / ours : ours / base;
}

/*
 * [#paired-rounds] Both were measured in the same round, seconds apart, so a slow moment of the machine meets both, and their ratio
 * keeps out of it. CPU goes another way: noise only adds to it, so each side's best round is nearest to the truth.
 */
static double ratio_to(const struct goal *goal, const struct bench_result *ours,
                       const struct bench_result *base)
{
    double ratios[BENCH_ROUNDS_MAX];
    size_t count = 0;
    if (is_cost(goal->metric) || goal->metric == BENCH_METRICS)
        return ratio_of(goal, figure_of(ours, goal->metric), figure_of(base, goal->metric));
    for (size_t i = 0; i < ours->count && i < base->count && count < BENCH_ROUNDS_MAX; i++) {
        double ratio = ratio_of(goal, bench_metric(&ours->samples[i], goal->metric),
                                bench_metric(&base->samples[i], goal->metric));
        if (isfinite(ratio) && ratio > 0)
            ratios[count++] = ratio;
    }
    return bench_spread_of(ratios, count).median;
}

/* The least and the greatest value that a single round would have given. */
static void range_of_rounds(const struct goal *goal, const struct bench_result *ours,
                            const struct bench_result *base, struct outcome *outcome)
{
    for (size_t i = 0; i < ours->count; i++) {
        if (goal->metric == BENCH_METRICS || (base != NULL && i >= base->count))
            break;
        double value = bench_metric(&ours->samples[i], goal->metric);
        value = base == NULL ? value / goal->unit_size
                             : ratio_of(goal, value, bench_metric(&base->samples[i], goal->metric));
        if (!isfinite(value) || value <= 0)
            continue;
        outcome->low = fmin(outcome->low, value);
        outcome->high = fmax(outcome->high, value);
    }
}

static void say_wanted(const struct goal *goal, struct outcome *outcome)
{
    struct el_words words = {.text = outcome->wanted, .size = sizeof outcome->wanted};
    el_say(&words, "%s ", goal->at_least ? "at least" : "at most");
    if (goal->baseline == NULL)
        el_say(&words, "%.0f %s", goal->bound, goal->unit);
    else
        el_say(&words, "%.*f x %s", goal->bound < 5 ? 2 : 0, goal->bound,
               goal->absent != NULL ? goal->absent : goal->baseline);
}

static bool is_met(const struct goal *goal, double value)
{
    return goal->at_least ? value >= goal->bound : value <= goal->bound;
}

static void say_verdict(const struct goal *goal, struct outcome *outcome)
{
    struct el_words words = {.text = outcome->verdict, .size = sizeof outcome->verdict};
    bool met = is_met(goal, outcome->value);
    if (goal->absent != NULL)
        el_say(&words, "%s not measured; derived as %.2f x %s: ", goal->absent, goal->derived,
               goal->baseline);
    if (met)
        el_say(&words, "met");
    else
        el_say(&words, "missed by %.1f %%", fabs(outcome->value / goal->bound - 1) * 100);
    if (is_met(goal, outcome->low) != is_met(goal, outcome->high))
        el_say(&words, ", single rounds differ");
    if (outcome->generator_bound)
        el_say(&words, ", but the generator was the limit");
}

/* Why there is no figure; false when there is one. */
static bool say_absence(const struct goal *goal, const struct bench_result *ours,
                        const struct bench_result *base, struct outcome *outcome)
{
    struct el_words words = {.text = outcome->verdict, .size = sizeof outcome->verdict};
    if (ours == NULL || (goal->baseline != NULL && base == NULL))
        el_say(&words, "not measured: %s was not run with %s over loopback",
               ours == NULL ? goal->target : goal->baseline, goal->workload);
    else if (isnan(figure_of(ours, goal->metric)))
        el_say(&words, "not measured: no such figure of %s", goal->target);
    else if (isnan(outcome->value))
        el_say(&words, "not measured: no such figure of %s", goal->baseline);
    else
        return false;
    return true;
}

static void judge(const struct goal *goal, const struct bench_result *results, size_t count,
                  struct outcome *outcome)
{
    const struct bench_result *ours = find(results, count, goal->target, goal->workload);
    const struct bench_result *base = NULL;
    if (goal->baseline != NULL)
        base = find(results, count, goal->baseline, goal->workload);
    *outcome = (struct outcome){.value = NAN, .low = NAN, .high = NAN};
    say_wanted(goal, outcome);
    if (ours != NULL && goal->baseline == NULL)
        outcome->value = figure_of(ours, goal->metric) / goal->unit_size;
    else if (ours != NULL && base != NULL)
        outcome->value = ratio_to(goal, ours, base);
    if (say_absence(goal, ours, base, outcome))
        return;
    range_of_rounds(goal, ours, base, outcome);
    bool rate = goal->metric == BENCH_RATE || goal->metric == BENCH_THROUGHPUT;
    outcome->generator_bound =
        rate && (bench_result_held_back(ours) || (base != NULL && bench_result_held_back(base)));
    say_verdict(goal, outcome);
}

/* "0.97", "52 bytes"; "-" for what is not there: a cell is never empty and never nan. */
static void say_figure(struct el_words *words, const struct goal *goal, double value)
{
    if (isnan(value))
        el_say(words, "-");
    else if (goal->baseline == NULL)
        el_say(words, "%.*f %s", value < 100 ? 1 : 0, value, goal->unit);
    else
        el_say(words, "%.*f", value < 10 ? 2 : 1, value);
}

static void put_row(struct bench_table *table, const struct goal *goal,
                    const struct outcome *outcome)
{
    char measured[32] = "";
    struct el_words figure = {.text = measured, .size = sizeof measured};
    say_figure(&figure, goal, outcome->value);
    bench_table_row(table);
    bench_table_put(table, 0, "%s", goal->what);
    bench_table_put(table, 1, "%s", outcome->wanted);
    bench_table_put(table, 2, "%s", measured);
    if (isnan(outcome->low))
        bench_table_put(table, 3, "-");
    else
        bench_table_put(table, 3, "%.2f to %.2f", outcome->low, outcome->high);
    bench_table_put(table, 4, "%s", outcome->verdict);
}

static void print_table(const struct bench_result *results, size_t count, FILE *to)
{
    static const char *const heads[] = {"goal", "wanted", "measured", "single rounds", "verdict"};
    struct bench_table table = {.left = {true, true, true, true, true}};
    bench_table_row(&table);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        bench_table_put(&table, i, "%s", heads[i]);
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        struct outcome outcome;
        judge(&goals[i], results, count, &outcome);
        put_row(&table, &goals[i], &outcome);
    }
    bench_table_print(&table, true, to);
}

/* On a terminal the five columns would be wider than it: a sentence for each. */
static void print_sentence(const struct goal *goal, const struct outcome *outcome, FILE *to)
{
    char line[512] = "";
    struct el_words words = {.text = line, .size = sizeof line};
    el_say(&words, "  %s: wanted %s", goal->what, outcome->wanted);
    if (!isnan(outcome->value)) {
        el_say(&words, ", measured ");
        say_figure(&words, goal, outcome->value);
    }
    if (!isnan(outcome->low))
        el_say(&words, " (single rounds %.2f to %.2f)", outcome->low, outcome->high);
    el_say(&words, ": %s.", outcome->verdict);
    bench_print_paragraph(line, false, to);
}

void bench_goals_print(const struct bench_result *results, size_t count, enum bench_format format,
                       FILE *to)
{
    fputs(format == BENCH_MARKDOWN ? "### Goals, over loopback\n" : "\nGoals, over loopback\n", to);
    if (format == BENCH_MARKDOWN) {
        print_table(results, count, to);
        return;
    }
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        struct outcome outcome;
        judge(&goals[i], results, count, &outcome);
        print_sentence(&goals[i], &outcome, to);
    }
}
