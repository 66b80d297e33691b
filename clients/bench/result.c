/*
 * result.c - the repetitions of one measurement, and the figures that can be had from them.
 *
 * Owns:     the samples. What a figure is made of is said here once, so that text, CSV, JSON and goals cannot disagree.
 * Partner:  result.h, stats.c. Next: report.c, where they are told.
 */
#include "result.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int bench_result_add(struct bench_result *result, const struct bench_sample *sample)
{
    if (result->count == BENCH_ROUNDS_MAX)
        return -E2BIG;
    if (result->count == result->capacity) {
        size_t capacity = result->capacity == 0 ? 8 : 2 * result->capacity;
        struct bench_sample *samples = realloc(result->samples, capacity * sizeof *samples);
        if (samples == NULL)
            return -ENOMEM;
        result->samples = samples;
        result->capacity = capacity;
    }
    result->samples[result->count++] = *sample;
    return 0;
}

void bench_result_free(struct bench_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        bench_sample_free(&result->samples[i]);
    free(result->samples);
    result->samples = NULL;
    result->count = result->capacity = 0;
}

/* NaN, where the histogram itself would say 0: nothing came back, so there is no latency. */
static double percentile(const struct el_histogram *histogram, double percent)
{
    return histogram == NULL || el_histogram_count(histogram) == 0
               ? NAN
               : (double)el_histogram_percentile(histogram, percent);
}

static double per(double value, uint64_t count)
{
    return count == 0 ? NAN : value / (double)count;
}

/* [#no-cost-is-unknown] A message costs something. Where no CPU was seen at all, it was not seen: the time of children that have ended comes in ticks of
 * 10 ms (watch.h), and a short run may lie between two of them. */
static double cost_of_server(const struct bench_sample *sample)
{
    double cost = bench_server_cost(sample);
    return cost > 0 ? cost : NAN;
}

double bench_metric(const struct bench_sample *sample, enum bench_metric metric)
{
    const struct bench_counts *counts = &sample->counts;
    bool timed = sample->elapsed > 0;
    switch (metric) {
    case BENCH_RATE:
        return timed ? bench_rate_of(sample) : NAN;
    case BENCH_P50:
        return percentile(sample->latency, 50);
    case BENCH_P90:
        return percentile(sample->latency, 90);
    case BENCH_P99:
        return percentile(sample->latency, 99);
    case BENCH_P999:
        return percentile(sample->latency, 99.9);
    case BENCH_MAX:
        return percentile(sample->latency, 100);
    case BENCH_CORRECTED_P50:
        return percentile(sample->corrected, 50);
    case BENCH_CORRECTED_P90:
        return percentile(sample->corrected, 90);
    case BENCH_CORRECTED_P99:
        return percentile(sample->corrected, 99);
    case BENCH_CORRECTED_P999:
        return percentile(sample->corrected, 99.9);
    case BENCH_CORRECTED_MAX:
        return percentile(sample->corrected, 100);
    case BENCH_MIN:
        return percentile(sample->latency, 0);
    case BENCH_MEAN:
        return sample->latency == NULL ? NAN : el_histogram_mean(sample->latency);
    case BENCH_CORRECTED_MIN:
        return percentile(sample->corrected, 0);
    case BENCH_CORRECTED_MEAN:
        return sample->corrected == NULL ? NAN : el_histogram_mean(sample->corrected);
    case BENCH_SERVER_COST:
        return cost_of_server(sample);
    case BENCH_LOAD_COST:
        return per((double)sample->load_cpu, counts->received);
    case BENCH_THROUGHPUT:
        return timed ? (double)counts->bytes / ((double)sample->elapsed / (double)EL_S) : NAN;
    case BENCH_LOSS:
        return per((double)counts->lost, counts->sent);
    case BENCH_METRICS:
        break;
    }
    return NAN;
}

size_t bench_result_values(const struct bench_result *result, enum bench_metric metric,
                           double values[static BENCH_ROUNDS_MAX])
{
    for (size_t i = 0; i < result->count; i++)
        values[i] = bench_metric(&result->samples[i], metric);
    return result->count;
}

struct bench_spread bench_result_spread(const struct bench_result *result, enum bench_metric metric)
{
    double values[BENCH_ROUNDS_MAX];
    size_t count = bench_result_values(result, metric, values);
    return bench_spread_of(values, count);
}

double bench_result_best(const struct bench_result *result, enum bench_metric metric)
{
    return bench_result_spread(result, metric).low;
}

bool bench_result_held_back(const struct bench_result *result)
{
    size_t bound = 0;
    for (size_t i = 0; i < result->count; i++)
        bound += bench_bottleneck(&result->load, &result->samples[i]) != NULL;
    return 2 * bound > result->count;
}
