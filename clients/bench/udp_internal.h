/*
 * udp_internal.h - a thread of datagram load: what udp.c and udp_open.c share.
 */
#ifndef ECHOLAB_BENCH_UDP_INTERNAL_H
#define ECHOLAB_BENCH_UDP_INTERNAL_H

#include "engine.h"
#include "udp_batch.h"
#include "window.h"

enum {
    BENCH_UDP_WAKE = UINT32_MAX
}; /* what epoll calls the end of the run; the rest are sockets */

struct udp_socket {
    int fd;
    uint64_t nonce;
    struct bench_window *window;
    uint64_t sent, due;  /* messages, since the beginning; due: open loop */
    el_time rests_until; /* 0: it does not */
    bool blocked;        /* its send buffer is full: epoll says when it is not */
    int error;           /* the last one that was told of it */
};

struct udp_engine {
    struct bench_thread *thread;
    struct bench_udp_batch *batch;
    int epoll_fd;
    struct udp_socket *sockets;
    unsigned count;
    bool answered;   /* something came, whatever it was */
    el_time look_at; /* when a timeout or a rest may be over; never later than the first of them */
    uint64_t scheduled; /* open loop: messages of this thread that were due so far */
};

/* Sockets and buffers of engine->thread. False: bench_thread_fail has been told why; bench_udp_close is to follow even so. */
bool bench_udp_open(struct udp_engine *engine);
void bench_udp_close(struct udp_engine *engine);

#endif
