/*
 * counter.h - statistics that one thread writes and others may read at any time.
 */
#ifndef ECHOLAB_COUNTER_H
#define ECHOLAB_COUNTER_H

#include <stdint.h>

/*
 * Adds to a counter that one thread writes and others read. A relaxed store of a value that only we change is an
 * ordinary `add` in machine code; it only forbids the compiler to tear it. [#single-writer]
 */
/* NOLINTNEXTLINE(readability-non-const-parameter): the builtin does write */
static inline void el_count(uint64_t *counter, uint64_t more)
{
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

#endif
