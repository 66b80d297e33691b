/*
 * bench_peer.h - a TCP echo server in a child process, honest or with one fault, for the tests of the load generator.
 */
#ifndef ECHOLAB_BENCH_PEER_H
#define ECHOLAB_BENCH_PEER_H

#include "bench.h"

enum bench_peer_fault {
    PEER_HONEST,
    PEER_FLIPS,   /* byte `at` of each connection comes back with one bit turned */
    PEER_DROPS,   /* it does not come back */
    PEER_REPEATS, /* it comes back twice */
    PEER_CLOSES,  /* before it is echoed: FIN */
    PEER_RESETS,  /* RST */
    PEER_SILENT,  /* from it on, nothing comes back, but everything is read */
    PEER_SLOW,    /* each piece that was read is held back for `at` ns */
};

struct bench_peer {
    pid_t pid;
    struct el_address address;
};

/* It is listening when this returns, and dies with the caller. */
struct bench_peer bench_peer_start(enum bench_peer_fault fault, uint64_t at);
void bench_peer_stop(struct bench_peer *peer);

/* A load of some quick messages for `peer`: one connection, window 1, 64 bytes, no warm-up, 50 ms. */
struct bench_load bench_peer_load(const struct bench_peer *peer, enum bench_kind kind);

#endif
