/*
 * fault_hold.h - packets that wait: which one goes next, and when.
 *
 * A packet that is delayed stays in the kernel's queue; what waits here is its name and, if it was
 * changed or is to be doubled, its bytes. Packets that are due at the same instant go in the order in
 * which they were put in. The number of packets and of their bytes is bounded. [#bounded-hold]
 */
#ifndef ECHOLAB_FAULT_HOLD_H
#define ECHOLAB_FAULT_HOLD_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_held {
    el_time release;
    uint64_t id;        /* of the fate machine */
    uint32_t place;     /* whose queue it is in */
    uint32_t packet;    /* its number in that queue */
    uint32_t link;      /* what it came by */
    uint32_t length;    /* bytes of the packet, as they count for the bound */
    uint8_t *bytes;     /* malloc'd, owned; NULL: as it was */
    unsigned copies;    /* duplicates that follow it */
    bool changed;       /* `bytes` are to be delivered in its place */
    el_time not_before; /* a reordered one: even when overtaken */
    uint64_t sequence;  /* set by the queue */
};

struct fault_hold; /* opaque */

struct fault_hold *fault_hold_new(size_t max_packets, uint64_t max_bytes); /* NULL: no memory */
void fault_hold_free(struct fault_hold *hold); /* frees the bytes of what waits */

/* Takes a copy of *held, and its bytes. 0, or -ENOBUFS: full (the bytes stay the caller's). */
int fault_hold_add(struct fault_hold *hold, const struct fault_held *held);

/* The next instant at which something is due; EL_NEVER: nothing waits. */
el_time fault_hold_next(const struct fault_hold *hold);

/* Takes out the next that is due at `now`, with its bytes. False: none is. */
bool fault_hold_take(struct fault_hold *hold, el_time now, struct fault_held *held);

/*
 * Moves a packet to `release` (or its own not_before, if that is later), behind all that go then.
 * False: no such packet waits.
 */
bool fault_hold_move(struct fault_hold *hold, uint64_t id, el_time release);

/* Makes everything that came by this link due at `now`, in the order in which it would have gone. */
void fault_hold_release_link(struct fault_hold *hold, uint32_t link, el_time now);

size_t fault_hold_packets(const struct fault_hold *hold);
uint64_t fault_hold_bytes(const struct fault_hold *hold);

#endif
