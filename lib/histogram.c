/*
 * histogram.c - latencies in log-linear buckets.
 *
 * Teaches:  how a million latencies fit into 32 KiB and any percentile is still within one percent:
 *           what matters in a latency is its relative error, so buckets may grow with the value.
 * Partner:  tests/unit/test_histogram.c holds it against a sorted array.
 * Leaves out: locks (one histogram a thread, merged at the end), and the size of values above 137
 *           s: they are counted, not measured.
 * Next:     probe.c, whose ledger records round-trip times here.
 */
#include "histogram.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * [#log-linear] A value below 256 is its own bucket. From there each power of two is cut into 128
 * equal steps: shift the value right until 8 bits are left (128..255), and those and the shift name
 * the bucket.
 *
 *   bucket = 128 * shift + (value >> shift)
 *   0, 1, ... 255 | 256 (values 256-257), 257 (258-259), ... | 384 (values 512-515), ...
 */
enum {
    STEP_BITS = 7,
    STEPS = 1 << STEP_BITS,
    VALUE_BITS = 37, /* 2^37 ns = 137 s */
    SHIFT_MAX = VALUE_BITS - STEP_BITS - 1,
    BUCKETS = STEPS * (SHIFT_MAX + 2),
};
#define HIGHEST (((el_duration)1 << VALUE_BITS) - 1)

struct el_histogram {
    uint64_t count, over;
    el_duration min, max;
    __int128 sum; /* 64 bits would overflow on two values near EL_NEVER */
    double mean;
    double spread; /* the sum of squared distances from the mean */
    uint64_t bucket[BUCKETS];
};

static unsigned bucket_of(el_duration value)
{
    if (value > HIGHEST)
        return BUCKETS - 1;
    unsigned shift = 0;
    if (value >= (el_duration)2 * STEPS)
        shift = 63 - (unsigned)__builtin_clzll((unsigned long long)value) - STEP_BITS;
    return STEPS * shift + (unsigned)(value >> shift);
}

static unsigned shift_of(unsigned bucket)
{
    return bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;
}

static el_duration bucket_low(unsigned bucket)
{
    unsigned shift = shift_of(bucket);
    return (el_duration)(bucket - STEPS * shift) << shift;
}

static el_duration bucket_high(unsigned bucket)
{
    return bucket_low(bucket) + ((el_duration)1 << shift_of(bucket)) - 1;
}

struct el_histogram *el_histogram_new(void)
{
    return calloc(1, sizeof(struct el_histogram));
}

void el_histogram_free(struct el_histogram *histogram)
{
    free(histogram);
}

void el_histogram_clear(struct el_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

/*
 * Takes `count` more values with their own mean and spread into the moments (Chan, Golub and
 * LeVeque's pairwise form; with count 1 it is Welford's). Sums of squares would lose all digits
 * when the deviation is small beside the mean.
 */
static void add_moments(struct el_histogram *histogram, uint64_t count, double mean, double spread)
{
    double before = (double)histogram->count, more = (double)count;
    double delta = mean - histogram->mean;
    histogram->mean += delta * more / (before + more);
    histogram->spread += spread + delta * delta * before * more / (before + more);
}

static void add_range(struct el_histogram *histogram, el_duration min, el_duration max)
{
    if (histogram->count == 0 || min < histogram->min)
        histogram->min = min;
    if (max > histogram->max)
        histogram->max = max;
}

void el_histogram_record(struct el_histogram *histogram, el_duration value)
{
    if (value < 0)
        value = 0;
    add_range(histogram, value, value);
    add_moments(histogram, 1, (double)value, 0);
    histogram->sum += value;
    histogram->bucket[bucket_of(value)]++;
    histogram->over += value > HIGHEST;
    histogram->count++;
}

/*
 * [#coordinated-omission] Who waits for each answer before asking again asks least when the server
 * is slowest, and so leaves the worst out. A stall of 100 ms on a schedule of one a ms hid 99
 * requests that would have waited 99, 98, ... ms; the last of the schedule is the one that really
 * follows, so nothing shorter than the interval is added.
 *
 * A long stall over a short interval hides millions. They form an arithmetic series, so all that
 * fall into one bucket are counted in one step, and the moments of the whole series have closed
 * forms.
 */
void el_histogram_record_corrected(struct el_histogram *histogram, el_duration value,
                                   el_duration interval)
{
    el_histogram_record(histogram, value);
    if (interval <= 0 || value / interval < 2)
        return;

    uint64_t hidden = (uint64_t)(value / interval) - 1;
    el_duration longest = value - interval;
    el_duration shortest = value - (el_duration)hidden * interval;
    double n = (double)hidden, step = (double)interval;
    add_range(histogram, shortest, longest);
    add_moments(histogram, hidden, ((double)shortest + (double)longest) / 2,
                step * step * n * (n * n - 1) / 12);
    histogram->sum += ((__int128)shortest + longest) * (__int128)hidden / 2;
    histogram->count += hidden;

    el_duration next = longest;
    while (hidden > 0) {
        unsigned bucket = bucket_of(next);
        el_duration low = next > HIGHEST ? HIGHEST + 1 : bucket_low(bucket);
        uint64_t here = (uint64_t)((next - low) / interval) + 1;
        if (here > hidden)
            here = hidden;
        histogram->bucket[bucket] += here;
        histogram->over += next > HIGHEST ? here : 0;
        hidden -= here;
        next -= (el_duration)here * interval;
    }
}

void el_histogram_merge(struct el_histogram *into, const struct el_histogram *from)
{
    if (from->count == 0)
        return;
    add_range(into, from->min, from->max);
    add_moments(into, from->count, from->mean, from->spread);
    into->sum += from->sum;
    into->count += from->count;
    into->over += from->over;
    for (unsigned i = 0; i < BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
}

uint64_t el_histogram_count(const struct el_histogram *histogram)
{
    return histogram->count;
}

uint64_t el_histogram_over(const struct el_histogram *histogram)
{
    return histogram->over;
}

el_duration el_histogram_min(const struct el_histogram *histogram)
{
    return histogram->min;
}

el_duration el_histogram_max(const struct el_histogram *histogram)
{
    return histogram->max;
}

double el_histogram_mean(const struct el_histogram *histogram)
{
    return histogram->count == 0 ? (double)NAN : (double)histogram->sum / (double)histogram->count;
}

double el_histogram_deviation(const struct el_histogram *histogram)
{
    return histogram->count == 0 ? (double)NAN : sqrt(histogram->spread / (double)histogram->count);
}

/*
 * The nearest rank of a percentile, 1..count: ceil(percent / 100 * count). 99.9 is not a binary
 * number, and 99.9 % of 1000 must be rank 999 and not 1000 because of its last bit: so what exceeds
 * a whole number by rounding noise is that number.
 */
static uint64_t nearest_rank(uint64_t count, double percent)
{
    double exact = percent / 100 * (double)count * (1 - 4 * DBL_EPSILON);
    uint64_t rank = (uint64_t)exact + (exact > (double)(uint64_t)exact);
    return rank < 1 ? 1 : rank > count ? count : rank;
}

el_duration el_histogram_percentile(const struct el_histogram *histogram, double percent)
{
    if (histogram->count == 0)
        return 0;
    if (!(percent > 0)) /* NaN too */
        return histogram->min;
    if (percent >= 100)
        return histogram->max;

    uint64_t rank = nearest_rank(histogram->count, percent);
    if (rank > histogram->count - histogram->over)
        return histogram->max;
    unsigned bucket = 0;
    for (uint64_t seen = histogram->bucket[0]; seen < rank; seen += histogram->bucket[bucket])
        bucket++;
    /* The middle halves the error; min and max are exact, and no percentile lies outside them. */
    el_duration middle = bucket_low(bucket) + (bucket_high(bucket) - bucket_low(bucket)) / 2;
    if (middle < histogram->min)
        return histogram->min;
    return middle > histogram->max ? histogram->max : middle;
}

bool el_histogram_next(const struct el_histogram *histogram, size_t *cursor, el_duration *low,
                       el_duration *high, uint64_t *count)
{
    while (*cursor < BUCKETS && histogram->bucket[*cursor] == 0)
        ++*cursor;
    if (*cursor >= BUCKETS)
        return false;
    unsigned bucket = (unsigned)(*cursor)++;
    *low = bucket_low(bucket);
    *high = bucket == BUCKETS - 1 && histogram->over > 0 ? histogram->max : bucket_high(bucket);
    *count = histogram->bucket[bucket];
    return true;
}
