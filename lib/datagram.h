/*
 * datagram.h - datagrams in batches, with everything the kernel knows about each of them.
 *
 * One system call can move many datagrams (recvmmsg(2), sendmmsg(2)), and beside the bytes the
 * kernel tells who sent them, which of our addresses was probed (IP_PKTINFO), whether the tail was
 * cut off (MSG_TRUNC). A batch owns the buffers for all that, reserved once.
 * lib/socket.c switches these options on (packet_info, error_queue).
 */
#ifndef ECHOLAB_DATAGRAM_H
#define ECHOLAB_DATAGRAM_H

#include "address.h"

#include <stddef.h>
#include <stdint.h>

enum {
    EL_DATAGRAM_MAX_V4 = 65507, /* 65535 - 20 (IPv4) - 8 (UDP): RFC 768, RFC 791 */
    EL_DATAGRAM_MAX_V6 = 65527, /* 65535 - 8: the IPv6 header is not part of its length field */
    EL_DATAGRAM_BATCH_MAX =
        1024,              /* the most that one recvmmsg(2) or sendmmsg(2) takes (UIO_MAXIOV) */
    EL_LOOPBACK_INDEX = 1, /* of the interface "lo", in every network namespace */
};

/* How a datagram was addressed. One to a group reaches many hosts, and each would answer. */
enum el_datagram_cast { EL_UNICAST, EL_BROADCAST, EL_MULTICAST };

struct el_datagram {
    unsigned char *data; /* in the batch's buffer */
    size_t length;       /* bytes in data; the owner may shorten it before a reply */
    size_t wire_length;  /* as sent; > length when truncated */
    bool truncated;
    enum el_datagram_cast cast;
    unsigned interface; /* index it arrived on, 0 unknown */
    uint16_t segment; /* GRO: data is several datagrams of this many bytes, the last maybe shorter;
                           0 = just one */
    struct el_address peer;  /* who sent it, or whom to send it to (length 0: the connected peer) */
    struct el_address local; /* which of our addresses it came to, to be the source of the reply
                                (length 0: unknown; port 0) */
};

struct el_datagram_batch; /* opaque: `capacity` buffers and their headers */

struct el_datagram_batch_args {
    unsigned capacity;   /* datagrams a call, 1..EL_DATAGRAM_BATCH_MAX */
    size_t max_datagram; /* bytes; a longer one is truncated and marked */
    bool gro; /* buffers of 64 KiB, whatever max_datagram is; see el_datagram_enable_gro */
    bool gso; /* coalesce neighbouring replies of one length to one peer: one UDP_SEGMENT send */
};

struct el_datagram_batch *
el_datagram_batch_new(const struct el_datagram_batch_args *args); /* NULL: out of memory */
void el_datagram_batch_free(struct el_datagram_batch *batch);

/*
 * Lets the kernel hand over several datagrams of one peer as one buffer (UDP_GRO, udp(7)). 0, or
 * -ENOPROTOOPT before Linux 5.0. Use it only with a batch made with `gro`: others would truncate.
 */
int el_datagram_enable_gro(int fd);

/*
 * [#only-one-address] Switches IP_PKTINFO off again where it would tell nothing new, because it costs 5 % of a datagram: a socket
 * bound to one unicast address receives only what was sent to that, and replies leave from there without being told to.
 * On a loopback address the interface is known as well (SO_BINDTODEVICE, unprivileged since Linux 5.7, sees to that):
 * then EL_LOOPBACK_INDEX is returned, for the datagrams' `interface`. 0: unknown, or IP_PKTINFO had to stay on
 * (a wildcard, a group, a broadcast address, an IPv4 loopback address that several workers share, an old kernel).
 */
unsigned el_datagram_forgo_packet_info(int fd, const struct el_address *bound);

/*
 * recvmmsg(2), not waiting. Returns how many came (el_datagram_at 0..n-1; with GRO each may hold
 * several), -EAGAIN when none, or the socket's pending error (-ECONNREFUSED ...; reading it clears
 * it). -EINTR is retried here. A zero-length datagram counts as one. Fewer than the capacity: the
 * queue was empty a moment ago. What an earlier call returned is overwritten.
 */
int el_datagram_receive(struct el_datagram_batch *batch, int fd);
/*
 * The same on a blocking socket, and waits for the first (MSG_WAITFORONE). 0: shutdown(2) of the socket ended the wait; a datagram
 * of that very moment may be lost with it.
 */
int el_datagram_wait(struct el_datagram_batch *batch, int fd);
struct el_datagram *el_datagram_at(struct el_datagram_batch *batch, unsigned index);

/* How many datagrams were sent as this one: 1, or with GRO the number of segments. */
unsigned el_datagram_pieces(const struct el_datagram *datagram);

/*
 * Datagrams that the kernel has dropped at this socket since it was made, because its buffer was full; wraps at 2^32. [#ask-for-drops] Asked
 * of the socket (SO_MEMINFO; 0 before Linux 4.12), from any thread: SO_RXQ_OVFL would put the same number into every datagram,
 * and tell of the last losses only with the next one that arrives.
 */
uint32_t el_datagram_drops(int fd);

struct el_datagram_sent {
    unsigned sent;     /* datagrams that left */
    uint64_t bytes;    /* of their payload */
    unsigned messages; /* what the kernel was given for them: fewer than `sent` when coalesced */
    unsigned calls;    /* system calls made */
    unsigned pending;  /* errors that belonged to earlier datagrams; the send was repeated */
    unsigned would_block, no_buffer, other; /* datagrams that did not leave, by reason */
    int last_error;                         /* the errno behind `other` */
};

/*
 * Sends the datagrams marked `keep[i]` among the first `count` back to their peers, each from the
 * address it was sent to. What the socket does not take at once is dropped and counted in *sent,
 * not queued. 0, or -errno if the socket itself is unusable (EBADF, ENOTSOCK).
 */
int el_datagram_reply(struct el_datagram_batch *batch, int fd, unsigned count, const bool *keep,
                      struct el_datagram_sent *sent);

/*
 * The largest segment that coalescing still uses; 0 = coalescing is off: not asked for, or the
 * kernel refused it for good.
 */
size_t el_datagram_gso_ceiling(const struct el_datagram_batch *batch);

/*
 * One datagram to `peer` (length 0 or NULL: the connected one). Bytes sent, or -errno. -EINTR is
 * retried here. An error may belong to an *earlier* datagram (ICMP, ip(7)): then this one did not
 * leave, the error is cleared by telling it, and a second call sends.
 */
ssize_t el_datagram_send(int fd, const void *data, size_t length, const struct el_address *peer);

/* One entry of the error queue (recvmsg with MSG_ERRQUEUE, ip(7) IP_RECVERR). [#error-queue] */
struct el_datagram_error {
    int error;                  /* errno: ECONNREFUSED, EHOSTUNREACH, EMSGSIZE ... */
    uint8_t origin, type, code; /* SO_EE_ORIGIN_ICMP ... and the ICMP type and code */
    uint32_t mtu;               /* with EMSGSIZE: what would fit, IP header included */
    struct el_address offender; /* which host said so; length 0 = ourselves */
    struct el_address target;   /* where the datagram was going */
    size_t length;              /* of the datagram's start that came back, in data */
    unsigned char data[64];
};
/* 0 = *error filled, -EAGAIN = the queue is empty, else -errno. */
int el_datagram_error(int fd, struct el_datagram_error *error);

/* May this errno of a send or receive be what an ICMP error about an *earlier* datagram has left
 * (icmp(7))? Then this one was not tried. */
bool el_datagram_may_be_pending(int error);

/* Every datagram of `length` bytes was lost in silence: could it be a black hole? Then a sentence
 * that says so, and how many bytes would pass it, is in `text`. */
enum { EL_BLACK_HOLE_TEXT = 192 };
bool el_datagram_black_hole(const struct el_address *peer, size_t length,
                            char text[static EL_BLACK_HOLE_TEXT]);

/*
 * "port unreachable", "administratively prohibited", "fragmentation needed, mtu 600": what the
 * ICMP message said; for an error of our own host, strerror(3). Writes to text, returns it.
 */
const char *el_datagram_error_name(const struct el_datagram_error *error, char *text, size_t size);

#endif
