/*
 * fault_copies.h - duplicates that are on their way: they come back to us, and are not to be judged
 * again.
 *
 * A copy is put on the cable and arrives like any packet, so the rule that sends packets to the engine
 * sends it too. A mark would tell, but no mark survives a cable: what is the same on both sides are
 * the bytes. [#known-by-its-bytes]
 */
#ifndef ECHOLAB_FAULT_COPIES_H
#define ECHOLAB_FAULT_COPIES_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FAULT_COPIES_OUT = 1024,     /* on their way at once; more duplicates are not made */
    FAULT_COPIES_WAIT_MS = 1000, /* one that has not come by then was lost */
};

struct fault_copies {
    size_t count;
    struct {
        uint32_t place, length;
        uint64_t hash;
        el_time until;
    } out[FAULT_COPIES_OUT];
};

/* Notes that these bytes will arrive at `place`. False: too many are on their way. */
bool fault_copies_expect(struct fault_copies *copies, uint32_t place, const uint8_t *bytes,
                         size_t length, el_time now);

/* Is this an expected copy? Then it is no longer expected. */
bool fault_copies_arrived(struct fault_copies *copies, uint32_t place, const uint8_t *bytes,
                          size_t length, el_time now);

#endif
