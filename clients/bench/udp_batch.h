/*
 * udp_batch.h - many datagrams in one system call, for a connected socket of the load generator. Used by udp.c.
 *
 * A batch belongs to a thread and serves all its sockets: what it holds lives from one call to the next only. lib/datagram.c does the same
 * for servers, which must know of each datagram who sent it and to which of their addresses; a connected socket has one peer, so
 * there is no address here, and no control message without GSO and GRO.
 */
#ifndef ECHOLAB_BENCH_UDP_BATCH_H
#define ECHOLAB_BENCH_UDP_BATCH_H

#include "bench.h"
#include "udp_wire.h"
#include "window.h"

struct bench_udp_batch;
/* `bits`: of the sockets' windows. NULL: no memory. */
struct bench_udp_batch *bench_udp_batch_new(const struct bench_load *load, unsigned bits);
void bench_udp_batch_free(struct bench_udp_batch *batch);

const struct bench_wire *bench_udp_batch_wire(const struct bench_udp_batch *batch);
/* The most that one call of bench_udp_send takes. */
unsigned bench_udp_batch_most(const struct bench_udp_batch *batch);

/* The next `count` (1..most) datagrams of the window, in one sendmmsg(2). How many left, at least 1, or -errno: none. The window is not
 * told. -EINVAL and -EIO with GSO: the kernel or the device has no UDP_SEGMENT, or not for this size. */
int bench_udp_send(struct bench_udp_batch *batch, int fd, const struct bench_window *window,
                   uint64_t nonce, unsigned count);

/* One recvmmsg(2). How many buffers came (fewer than asked for: the queue was empty), or -errno. */
int bench_udp_receive(struct bench_udp_batch *batch, int fd);
bool bench_udp_received_all(const struct bench_udp_batch *batch, int came);

/* A datagram of what came; begin with a zeroed cursor. False: no more. */
struct bench_udp_cursor {
    int buffer;
    size_t offset;
};
bool bench_udp_next(const struct bench_udp_batch *batch, int came, struct bench_udp_cursor *cursor,
                    const unsigned char **datagram, size_t *length);

#endif
