/*
 * datagram.h - datagrams in batches, with everything the kernel knows about each of them.
 *
 * One system call can move many datagrams (recvmmsg(2), sendmmsg(2)), and beside the bytes the kernel
 * tells who sent them, which of our addresses was probed (IP_PKTINFO), whether the tail was cut off (MSG_TRUNC), and
 * how many were lost before us because the socket buffer was full (SO_RXQ_OVFL). A batch owns the buffers, once.
 */
#ifndef ECHOLAB_DATAGRAM_H
#define ECHOLAB_DATAGRAM_H

#include "address.h"
#include "deadline.h"
#include "trace.h"

#include <stddef.h>
#include <stdint.h>

enum {
    EL_DATAGRAM_MAX_V4 = 65507, /* 65535 - 20 (IPv4) - 8 (UDP): RFC 768, RFC 791 */
    EL_DATAGRAM_MAX_V6 = 65527, /* 65535 - 8: the IPv6 header is not part of its length field */
};

struct el_datagram {
    unsigned char *data; /* in the batch's buffer */
    size_t length;       /* bytes in data */
    size_t wire_length;  /* as sent; > length when truncated */
    bool truncated;
    struct el_address peer; /* who sent it, or whom to send it to (length 0: the connected peer) */
    struct el_address
        local; /* which of our addresses it came to, to be the source of the reply (length 0: unknown; port 0) */
    unsigned interface; /* index it arrived on, 0 unknown */
    uint16_t
        segment; /* GRO: data holds several datagrams of this many bytes, the last maybe shorter; 0 = just one */
};

struct el_datagram_batch; /* opaque: `capacity` buffers of `max_datagram` bytes and their headers */

struct el_datagram_batch_args {
    unsigned capacity;   /* datagrams a call, 1..1024 */
    size_t max_datagram; /* bytes; a longer one is truncated and marked */
    bool gro;            /* buffers of 64 KiB, UDP_GRO segments */
    bool gso; /* coalesce replies to one peer of equal length into one UDP_SEGMENT send */
};

struct el_datagram_batch *
el_datagram_batch_new(const struct el_datagram_batch_args *args); /* NULL: out of memory */
void el_datagram_batch_free(struct el_datagram_batch *batch);

/*
 * recvmmsg(2), not waiting. Returns how many came (el_datagram_at 0..n-1), -EAGAIN when none, -EINTR never,
 * or the socket's pending error (-ECONNREFUSED ...; reading it clears it). A zero-length datagram counts as one.
 */
int el_datagram_receive(struct el_datagram_batch *batch, int fd);
struct el_datagram *el_datagram_at(struct el_datagram_batch *batch, unsigned index);

/* Datagrams that the kernel dropped at this socket since it was made, because its buffer was full (SO_RXQ_OVFL; wraps at 2^32). */
uint32_t el_datagram_kernel_drops(const struct el_datagram_batch *batch);

struct el_datagram_sent {
    unsigned sent;   /* datagrams that left */
    unsigned calls;  /* system calls made */
    unsigned failed; /* each counted once, by the errno that refused it: */
    unsigned would_block, no_buffer, other;
    int last_error; /* the errno behind `other` */
};

/*
 * Sends the datagrams marked `keep[i]` among the first `count` back to their peers, from the address each was
 * sent to. A pending ICMP error of another datagram makes sendmmsg(2) fail unsent: it is retried once. -errno only if the socket is unusable.
 */
int el_datagram_reply(struct el_datagram_batch *batch, int fd, unsigned count, const bool *keep,
                      struct el_datagram_sent *sent);

/* One datagram to `peer` (length 0: the connected one). Bytes sent, or -errno. -EINTR is retried here. */
ssize_t el_datagram_send(int fd, const void *data, size_t length, const struct el_address *peer);

/* One entry of the error queue (recvmsg with MSG_ERRQUEUE, ip(7) IP_RECVERR). [#error-queue] */
struct el_datagram_error {
    int error;                  /* errno: ECONNREFUSED, EHOSTUNREACH, EMSGSIZE ... */
    uint8_t origin, type, code; /* SO_EE_ORIGIN_ICMP ... and the ICMP type and code */
    uint32_t mtu;               /* with EMSGSIZE: what would fit */
    struct el_address offender; /* which host said so; length 0 = ourselves */
    struct el_address target;   /* where the datagram was going */
    size_t length;              /* of the datagram's start that the ICMP message quoted, in data */
    unsigned char data[64];
};
/* 0 = *error filled, -EAGAIN = the queue is empty, else -errno. */
int el_datagram_error(int fd, struct el_datagram_error *error);
/* "port unreachable", "host administratively prohibited", "fragmentation needed, mtu 600". */
const char *el_datagram_error_name(const struct el_datagram_error *error, char *text, size_t size);

#endif
