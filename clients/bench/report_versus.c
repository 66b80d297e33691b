/*
 * report_versus.c - several results that were measured in turns, each against the first: ratio, spread and verdict.
 *
 * Partner:  stats.c [#when-different]: which difference counts. Next: result_json.c.
 */
#include "figures.h"
#include "table.h"

#include <math.h>

static const enum bench_metric compared[] = {
    BENCH_RATE,          BENCH_P50,           BENCH_P99,         BENCH_MAX, BENCH_CORRECTED_P50,
    BENCH_CORRECTED_P99, BENCH_CORRECTED_MAX, BENCH_SERVER_COST, BENCH_LOSS};
enum { COMPARED = sizeof compared / sizeof compared[0], SIDES = 26 };

/* Round by round; the one that was interrupted may lack the last round. */
static struct bench_comparison compare(const struct bench_result *a, const struct bench_result *b,
                                       enum bench_metric metric)
{
    double of_a[BENCH_ROUNDS_MAX], of_b[BENCH_ROUNDS_MAX];
    size_t rounds_a = bench_result_values(a, metric, of_a);
    size_t rounds_b = bench_result_values(b, metric, of_b);
    return bench_compare(of_a, of_b, rounds_a < rounds_b ? rounds_a : rounds_b);
}

/* Is there anything to compare? A loss of nothing on both sides is not worth a line. */
static bool worth_a_line(const struct bench_result *a, const struct bench_result *b,
                         enum bench_metric metric)
{
    double of_a = bench_result_spread(a, metric).median;
    double of_b = bench_result_spread(b, metric).median;
    return isfinite(of_a) && isfinite(of_b) && (metric != BENCH_LOSS || of_a > 0 || of_b > 0);
}

static const char *verdict_text(const struct bench_comparison *comparison, size_t rounds)
{
    if (comparison->verdict == BENCH_LESS)
        return "less";
    if (comparison->verdict == BENCH_MORE)
        return "more";
    return rounds < 3 ? "no verdict: it takes three rounds"
                      : "no verdict: the spread exceeds the difference";
}

static void put_row(struct bench_table *table, const struct bench_result *a,
                    const struct bench_result *b, enum bench_metric metric)
{
    char text[BENCH_FIGURE];
    struct bench_comparison comparison = compare(a, b, metric);
    size_t rounds = a->count < b->count ? a->count : b->count;
    bench_table_row(table);
    bench_table_put(table, 0, "%s", bench_metric_name(metric, &a->load));
    bench_table_put(table, 1, "%s",
                    bench_metric_print(metric, bench_result_spread(a, metric).median, text));
    bench_table_put(table, 2, "%s",
                    bench_metric_print(metric, bench_result_spread(b, metric).median, text));
    if (isfinite(comparison.ratio))
        bench_table_put(table, 3, "%.2f × (%.2f-%.2f)", comparison.ratio, comparison.low,
                        comparison.high);
    else
        bench_table_put(table, 3, "-");
    bench_table_put(table, 4, "%s", verdict_text(&comparison, rounds));
}

void bench_versus_print(const struct bench_result *results, size_t count, bool markdown, FILE *to)
{
    for (size_t side = 1; side < count; side++) {
        struct bench_table table = {.left = {[0] = true, [3] = true, [4] = true}};
        char name = (char)('A' + side % SIDES);
        fprintf(to, "%sA %s against %c %s, in turns\n", markdown ? "### " : "", results[0].target,
                name, results[side].target);
        bench_table_row(&table);
        bench_table_put(&table, 0, "%s", markdown ? "figure" : "");
        bench_table_put(&table, 1, "A");
        bench_table_put(&table, 2, "%c", name);
        bench_table_put(&table, 3, "A is … × %c (rounds)", name);
        bench_table_put(&table, 4, "A has");
        for (size_t i = 0; i < COMPARED; i++)
            if (worth_a_line(&results[0], &results[side], compared[i]))
                put_row(&table, &results[0], &results[side], compared[i]);
        bench_table_print(&table, markdown, to);
        fputc('\n', to);
    }
}

static void put_object(const struct bench_result *a, const struct bench_result *b,
                       enum bench_metric metric, struct el_json *json)
{
    static const char *const verdicts[] = {
        [BENCH_NO_VERDICT] = NULL, [BENCH_LESS] = "less", [BENCH_MORE] = "more"};
    struct bench_comparison c = compare(a, b, metric);
    el_json_object(json, NULL);
    el_json_text(json, "path", a->path);
    el_json_number(json, "loss_percent", a->loss, 2);
    el_json_text(json, "workload", a->workload);
    el_json_uint(json, "size", a->load.size);
    el_json_text(json, "figure", bench_metric_key(metric));
    el_json_text(json, "a", a->target);
    el_json_text(json, "b", b->target);
    el_json_number(json, "ratio", c.ratio, 6);
    el_json_number(json, "low", c.low, 6);
    el_json_number(json, "high", c.high, 6);
    el_json_text(json, "verdict", verdicts[c.verdict]);
    el_json_close_object(json);
}

void bench_versus_json(const struct bench_result *a, const struct bench_result *b,
                       struct el_json *json)
{
    for (size_t i = 0; i < COMPARED; i++)
        if (worth_a_line(a, b, compared[i]))
            put_object(a, b, compared[i], json);
}
