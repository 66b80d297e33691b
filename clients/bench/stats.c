/*
 * stats.c - repetitions, their median and spread, and when two of them may be called different.
 *
 * Teaches:  a single figure cannot be told from luck. Two servers are called different only when their medians lie further apart than
 *           the repetitions of either do: a coarse rule, that needs no assumption about how noise is distributed, and that
 *           errs by staying silent. [#when-different]
 * Partner:  stats.h, result.c (which figures), tests/unit/test_bench_stats.c.
 * Leaves out: significance tests: five repetitions are too few for them to mean what their name says.
 * Next:     report.c, where a verdict becomes words.
 */
#include "stats.h"

#include <math.h>
#include <stdbool.h>

enum { ROUNDS_FOR_A_VERDICT = 3 };

/* Does round `i` count? Not if either side lacks the figure: a NaN, or an infinity from dividing by nothing. */
static bool exists(const double *values, const double *others, size_t i)
{
    return isfinite(values[i]) && isfinite(others[i]);
}

/* The value that `rank` others are below: by counting, which needs no copy. Repetitions are few. */
static double nth(const double *values, const double *others, size_t count, size_t rank)
{
    for (size_t i = 0; i < count; i++) {
        size_t below = 0, equal = 0;
        if (!exists(values, others, i))
            continue;
        for (size_t k = 0; k < count; k++) {
            if (!exists(values, others, k))
                continue;
            below += values[k] < values[i];
            equal += values[k] == values[i];
        }
        if (below <= rank && rank < below + equal)
            return values[i];
    }
    return NAN;
}

/* Of the values in those rounds that `others` has a figure of, too. */
static struct bench_spread spread_beside(const double *values, const double *others, size_t count)
{
    struct bench_spread spread = {.median = NAN, .low = NAN, .high = NAN};
    for (size_t i = 0; i < count; i++)
        spread.count += exists(values, others, i);
    if (spread.count == 0)
        return spread;
    size_t last = spread.count - 1;
    spread.low = nth(values, others, count, 0);
    spread.high = nth(values, others, count, last);
    /* An even number has two in the middle; with an odd one both ranks are the same. */
    spread.median =
        (nth(values, others, count, last / 2) + nth(values, others, count, (last + 1) / 2)) / 2;
    return spread;
}

struct bench_spread bench_spread_of(const double *values, size_t count)
{
    return spread_beside(values, values, count);
}

struct bench_comparison bench_compare(const double *a, const double *b, size_t count)
{
    struct bench_spread of_a = spread_beside(a, b, count), of_b = spread_beside(b, a, count);
    double difference = of_a.median - of_b.median;
    double noise = fmax(of_a.high - of_a.low, of_b.high - of_b.low);
    struct bench_comparison comparison = {
        .ratio = of_a.median / of_b.median, .low = NAN, .high = NAN, .verdict = BENCH_NO_VERDICT};

    for (size_t i = 0; i < count; i++) {
        double ratio = a[i] / b[i];
        if (!exists(a, b, i) || !isfinite(ratio))
            continue;
        comparison.low = fmin(comparison.low, ratio); /* of a NaN and a number, the number */
        comparison.high = fmax(comparison.high, ratio);
    }
    if (!isfinite(comparison.ratio)) /* of a median of 0 nothing is a multiple */
        comparison.ratio = comparison.low = comparison.high = NAN;
    if (of_a.count >= ROUNDS_FOR_A_VERDICT && fabs(difference) > noise)
        comparison.verdict = difference < 0 ? BENCH_LESS : BENCH_MORE;
    return comparison;
}
