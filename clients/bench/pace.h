/*
 * pace.h - open loop: which messages of a thread are due by now, and when each was. Pure.
 *
 * The schedule is computed from the number of a message, never from when the last one went: what is late does not make the next one late.
 */
#ifndef ECHOLAB_BENCH_PACE_H
#define ECHOLAB_BENCH_PACE_H

#include "deadline.h"

/* Message `number` (0..) is due at start + number / rate. */
static inline el_time bench_due(el_time start, double rate, uint64_t number)
{
    return start + (el_duration)((double)number * ((double)EL_S / rate));
}

/* How many messages are due by `now`, that is numbers 0..result-1: the greatest n with bench_due(n - 1) <= now. */
static inline uint64_t bench_due_by(el_time start, double rate, el_time now)
{
    if (now < start)
        return 0;
    uint64_t count = (uint64_t)((double)(now - start) * (rate / (double)EL_S)) + 1;
    while (bench_due(start, rate, count) <= now) /* rounding: a step at most */
        count++;
    while (count > 0 && bench_due(start, rate, count - 1) > now)
        count--;
    return count;
}

#endif
