/*
 * witness.h - "which packets crossed meanwhile?", for --explain.
 *
 * In a lab network every host's iptables log what passes, and lib/packets reads that log. The
 * witness marks where the log ends, lets something happen, sends the fence, and tells the packets
 * of that something. Elsewhere it says once that there is no log.
 */
#ifndef ECHOLAB_WITNESS_H
#define ECHOLAB_WITNESS_H

#include "address.h"
#include "trace.h"

#include <stddef.h>

struct el_witness; /* opaque; NULL everywhere: nobody listens, nothing happens */

/* Whose packets: between these two. A length or port of 0 matches any. */
struct el_flow {
    int protocol; /* IPPROTO_UDP, IPPROTO_TCP; ICMP between the two hosts belongs to every flow */
    struct el_address local, peer;
};

/* NULL: the trace does not explain, or out of memory. */
struct el_witness *el_witness_new(struct el_trace *trace);
void el_witness_free(struct el_witness *witness);

/* From here on. */
void el_witness_mark(struct el_witness *witness);

/*
 * Tells the packets of `flows` since the mark under the title "packets of TITLE: N". Blocks for the
 * fence, a fraction of a second at worst: narration is worth that, a measurement is not, so call it
 * when no answer is outstanding. Returns how many packets there were, -1 when nobody can know: no
 * lab network, an incomplete log, or a port that this one's rules do not log.
 */
int el_witness_tell(struct el_witness *witness, const char *title, const struct el_flow *flows,
                    size_t count);

#endif
