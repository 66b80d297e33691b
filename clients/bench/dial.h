/*
 * dial.h - a connection of the load generator on its way, from a source address that has a port left. Used by tcp.c and connect.c.
 *
 * Whoever wants to connect once and hear the whole story takes lib/dialer.h; here it is ten thousand times, to an address that is known.
 */
#ifndef ECHOLAB_BENCH_DIAL_H
#define ECHOLAB_BENCH_DIAL_H

#include "engine.h"
#include "loop.h" /* bench_wait, for who waits for the handshake */

enum { BENCH_SOURCES = 64 }; /* addresses of 127/8 that connections may come from */

/*
 * Opens a TCP socket and begins to connect it to load->target, from load->source or, if there is none and the target is in 127/8,
 * from 127.0.0.(1 + number % BENCH_SOURCES). Returns the descriptor, or -errno, and then bench_thread_fail has been told.
 * *connected: the handshake is over already, as it may be on loopback; else bench_dial_finish when it is writable.
 */
int bench_dial(struct bench_thread *thread, unsigned number, bool *connected);
int bench_dial_finish(struct bench_thread *thread, int fd); /* 0, -EINPROGRESS, or as above */

/* How long a handshake may take. */
el_duration bench_dial_limit(const struct bench_load *load);

#endif
