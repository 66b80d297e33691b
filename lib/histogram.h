/*
 * histogram.h - latencies in a fixed space, any percentile within one percent.
 *
 * Log-linear buckets (the HDR idea): 128 equal steps within every power of two, so the width of a
 * bucket is at most 1/128 of its value. Recording is an increment. Values are nanoseconds, from 0
 * to 137 s (2^37 ns); larger ones are counted in the last bucket and in `over`. One thread writes
 * at a time; threads keep one each and merge.
 */
#ifndef ECHOLAB_HISTOGRAM_H
#define ECHOLAB_HISTOGRAM_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct el_histogram; /* opaque */

struct el_histogram *el_histogram_new(void); /* NULL: out of memory */
void el_histogram_free(struct el_histogram *histogram);
void el_histogram_clear(struct el_histogram *histogram);

/* O(1). A negative value is recorded as 0. */
void el_histogram_record(struct el_histogram *histogram, el_duration value);

/*
 * Records `value`, and, when it is longer than the interval at which values should have come, also
 * the ones that the stall kept from being measured: value - interval, value - 2 interval, ... down
 * to the last that is not shorter than the interval (coordinated omission). Work is bounded by the
 * number of buckets, however long the stall. interval <= 0: only the value.
 */
void el_histogram_record_corrected(struct el_histogram *histogram, el_duration value,
                                   el_duration interval);

void el_histogram_merge(struct el_histogram *into, const struct el_histogram *from);

uint64_t el_histogram_count(const struct el_histogram *histogram);
uint64_t el_histogram_over(const struct el_histogram *histogram);
el_duration el_histogram_min(const struct el_histogram *histogram); /* exact; 0 when empty */
el_duration el_histogram_max(const struct el_histogram *histogram); /* exact */
double el_histogram_mean(
    const struct el_histogram *histogram); /* exact sum / count in ns; nan when empty */
double el_histogram_deviation(
    const struct el_histogram *histogram); /* population standard deviation in ns; nan when empty */

/*
 * The smallest recorded value that at least `percent` (0..100) of the records do not exceed, within
 * 1 % (nearest rank); 0 and 100 give min and max exactly. 0 when empty. A rank among the values
 * `over` gives max.
 */
el_duration el_histogram_percentile(const struct el_histogram *histogram, double percent);

/* Walks the non-empty buckets in order: returns false at the end. *cursor starts at 0. Bounds are
 * inclusive, in ns. */
bool el_histogram_next(const struct el_histogram *histogram, size_t *cursor, el_duration *low,
                       el_duration *high, uint64_t *count);

#endif
