/*
 * fault_netlink.h - one place's packet queue (NFQUEUE): arrivals in, verdicts out.
 *
 * The kernel keeps each packet until it hears the verdict. All that waits, also what is delayed, is
 * in the kernel's memory; the queue's length is bounded there.
 */
#ifndef ECHOLAB_FAULT_NETLINK_H
#define ECHOLAB_FAULT_NETLINK_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A packet that the kernel keeps for us. `bytes` are valid during the call only. */
struct fault_arrival {
    uint32_t packet;      /* its number in the queue */
    const uint8_t *mac;   /* 6 bytes: who sent the frame; NULL: unknown */
    const uint8_t *bytes; /* from the IP header */
    size_t length;        /* of them, as many as were asked for */
    size_t full;          /* of the packet */
    el_time at;           /* when the kernel saw it arrive, by its clock, rounded up */
};

typedef void fault_on_arrival(const struct fault_arrival *arrival, void *arg);

struct fault_netlink; /* opaque */

/*
 * Opens queue `number` of the network namespace that this thread is in, for at most `max_packets`
 * undecided packets. NULL with errno; EBUSY: somebody else has it.
 */
struct fault_netlink *fault_netlink_open(uint16_t number, uint32_t max_packets);
void fault_netlink_close(struct fault_netlink *netlink);   /* the kernel drops what waits */
int fault_netlink_fd(const struct fault_netlink *netlink); /* readable: call _read */

/* How many bytes of each packet are copied to us from now on. 0, or -errno. */
int fault_netlink_copy(struct fault_netlink *netlink, uint32_t bytes);

/*
 * Reads one batch, calls back for each packet. How many messages came; 0: nothing for now;
 * -ENOBUFS: the kernel could not queue some for us, and has dropped them; -errno.
 */
int fault_netlink_read(struct fault_netlink *netlink, fault_on_arrival *on_arrival, void *arg);

/*
 * The verdict on a packet, collected until _flush. With bytes: they go on instead. Errors come at
 * _flush, 0 or -errno; a verdict on a packet that is not there any more is no error.
 */
void fault_netlink_verdict(struct fault_netlink *netlink, uint32_t packet, bool accept,
                           const uint8_t *bytes, size_t length);
int fault_netlink_flush(struct fault_netlink *netlink);

#endif
