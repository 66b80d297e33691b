/*
 * stats.h - repetitions, their median and spread, and when two of them may be called different. Pure.
 */
#ifndef ECHOLAB_BENCH_STATS_H
#define ECHOLAB_BENCH_STATS_H

#include <stddef.h>

/* Of one figure over its repetitions. A NaN among the values is a repetition without that figure and is left out. */
struct bench_spread {
    double median, low, high; /* NaN when count is 0 */
    size_t count;
};
struct bench_spread bench_spread_of(const double *values, size_t count);

/*
 * A against B, measured in turns A B B A …: values[i] of both are of the same round. The ratio is that of the medians;
 * low and high are the least and the greatest ratio of one round. There is no verdict when the difference of the medians does not
 * exceed the larger of the two spreads (high - low), or with fewer than three rounds. [#no-verdict]
 */
enum bench_verdict { BENCH_NO_VERDICT, BENCH_LESS, BENCH_MORE };
struct bench_comparison {
    double ratio, low, high;    /* A / B */
    enum bench_verdict verdict; /* A is less, or more, than B */
};
struct bench_comparison bench_compare(const double *a, const double *b, size_t count);

#endif
