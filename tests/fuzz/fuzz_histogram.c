/*
 * fuzz_histogram.c - latencies recorded, corrected and merged, against the sorted list of them.
 *
 * Input:    values of up to six bytes; some with an interval, which adds those that a stall has hidden; some go into a second
 *           histogram, which is merged at the end.
 * Asserted: count, min and max are exact, and the mean nearly; each percentile is within one percent of the value at its rank; percentiles
 *           rise; the buckets add up to the count, rise, and do not overlap; a merge is as if all had been recorded in one.
 * Run:      make fuzz FUZZ=histogram
 */
#include "fuzz.h"
#include "histogram.h"

#include <math.h>

enum { VALUES_MAX = 2000, HIDDEN_MAX = 200 };
#define HIGHEST ((INT64_C(1) << 37) - 1)

static int by_value(const void *a, const void *b)
{
    el_duration one = *(const el_duration *)a, other = *(const el_duration *)b;
    return (one > other) - (one < other);
}

static void check_buckets(const struct el_histogram *histogram)
{
    size_t cursor = 0;
    el_duration low, high, before = -1;
    uint64_t count, sum = 0;
    while (el_histogram_next(histogram, &cursor, &low, &high, &count)) {
        fuzz_holds(count > 0 && low > before && high >= low);
        before = high;
        sum += count;
    }
    fuzz_holds(sum == el_histogram_count(histogram));
}

static void check_percentiles(const struct el_histogram *histogram, const el_duration *sorted,
                              size_t count)
{
    static const double percents[] = {0, 1, 25, 50, 90, 99, 99.9, 100};
    el_duration before = 0;
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        el_duration got = el_histogram_percentile(histogram, percents[i]);
        double rank = ceil(percents[i] / 100 * (double)count);
        el_duration exact = sorted[rank < 1 ? 0 : (size_t)rank - 1];
        fuzz_holds(got >= before);
        before = got;
        if (percents[i] == 0)
            fuzz_holds(got == sorted[0]);
        else if (exact <= HIGHEST)
            fuzz_holds(fabs((double)(got - exact)) <= 0.01 * (double)exact);
        else
            fuzz_holds(got == sorted[count - 1]);
    }
}

static void check(const struct el_histogram *histogram, el_duration *values, size_t count)
{
    double sum = 0;
    uint64_t over = 0;
    fuzz_holds(el_histogram_count(histogram) == count);
    if (count == 0) {
        fuzz_holds(isnan(el_histogram_mean(histogram)));
        return;
    }
    qsort(values, count, sizeof *values, by_value);
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        over += values[i] > HIGHEST;
    }
    fuzz_holds(el_histogram_min(histogram) == values[0]);
    fuzz_holds(el_histogram_max(histogram) == values[count - 1]);
    fuzz_holds(el_histogram_over(histogram) == over);
    fuzz_holds(fabs(el_histogram_mean(histogram) - sum / (double)count) <= 1e-9 * sum + 1e-9);
    fuzz_holds(el_histogram_deviation(histogram) >= 0);
    check_percentiles(histogram, values, count);
    check_buckets(histogram);
}

/* Those that a stall hid: value - interval, ... down to the last that is not shorter than the interval. */
static size_t hidden(el_duration value, el_duration interval, el_duration *values)
{
    size_t count = 0;
    for (value -= interval; interval > 0 && value >= interval; value -= interval)
        values[count++] = value;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static el_duration values[VALUES_MAX + HIDDEN_MAX + 2];
    struct fuzz_input input = {data, size};
    struct el_histogram *one = el_histogram_new(), *other = el_histogram_new();
    size_t count = 0;
    fuzz_holds(one != NULL && other != NULL);
    while (input.left > 0 && count < VALUES_MAX) {
        uint8_t what = fuzz_byte(&input);
        struct el_histogram *into = what & 0x80 ? other : one;
        el_duration value = (el_duration)fuzz_number(&input, what % 8 < 7 ? what % 8 : 5);
        el_duration interval = what & 0x40 ? 1 + (el_duration)fuzz_number(&input, 2) : 0;
        if (interval > 0 && value / interval > HIDDEN_MAX)
            interval = value / HIDDEN_MAX + 1;
        values[count++] = value;
        count += hidden(value, interval, values + count);
        el_histogram_record_corrected(into, value, interval);
    }
    el_histogram_merge(one, other);
    check(one, values, count);
    el_histogram_clear(one);
    check(one, values, 0);
    el_histogram_free(one);
    el_histogram_free(other);
    return 0;
}
