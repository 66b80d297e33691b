/*
 * timeline_order.h - an order of events that can have happened.
 *
 * Events have times that are only nearly right, and edges that are certain: "this came before that".
 * The order keeps every certain edge and, where edges leave a choice, goes by time.
 * Read next: timeline_order.c.
 */
#ifndef ECHOLAB_TIMELINE_ORDER_H
#define ECHOLAB_TIMELINE_ORDER_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The time of an event that has none of its own: it happened as soon as its causes had. */
#define TIMELINE_AT_ONCE INT64_MIN

/* `from` came before `to`: for certain, or (`soft`) as far as can be told. */
struct timeline_edge {
    uint32_t from, to;
    bool soft;
    bool inferred; /* for the caller: certain only if no record is missing */
};

struct timeline_history {
    size_t count;      /* of events */
    el_time *at;       /* in: the best guess; out: what is shown, never running backwards */
    const bool *loose; /* its time is an upper bound: it may have been earlier */
    const struct timeline_edge *edges;
    size_t edge_count;
};

/*
 * Writes the events' numbers in their order to `order` (`count` of them). Returns how many events
 * had to be placed against a certain edge: 0 unless the edges contradict each other; or -ENOMEM, or
 * -EINVAL: an edge leads nowhere.
 */
int timeline_order(const struct timeline_history *history, uint32_t *order);

#endif
