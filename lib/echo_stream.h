/*
 * echo_stream.h - the TCP connections of one worker, each of which gets its bytes back.
 */
#ifndef ECHOLAB_ECHO_STREAM_H
#define ECHOLAB_ECHO_STREAM_H

#include "narrator.h"
#include "socket.h"
#include "time_limits.h"

#include <event2/event.h>

/* Statistics: part of a worker's counters, single writer (counter.h). */
struct el_echo_counters {
    uint64_t accepted, active, closed;
    uint64_t bytes_in, bytes_out;
    uint64_t timed_out_idle, timed_out_write, timed_out_lifetime;
    uint64_t resets; /* by the peer: ECONNRESET, EPIPE */
    uint64_t errors; /* the network gave up, or we had no memory */
};
#define EL_ECHO_COUNTER_NAMES                                                                      \
    "accepted", "active", "closed", "bytes_in", "bytes_out", "timed_out_idle", "timed_out_write",  \
        "timed_out_lifetime", "resets", "errors"

struct el_echo_args {
    struct event_base *base;      /* borrowed, as are the pointers below */
    struct el_trace *trace;       /* diagnostics */
    struct el_narrator *narrator; /* narration */
    struct el_echo_counters *counters;
    struct el_limits_args limits;
    size_t buffer; /* bytes: read at a time, and the most that is kept for one connection */
    /* A connection is gone, and freed; at the drain the last one may be the end of the worker. */
    void (*ended)(void *arg, const struct el_address *peer);
    void *arg;
};

struct el_echo; /* opaque */

struct el_echo *el_echo_new(const struct el_echo_args *args); /* NULL: no memory */

/* Echoes on this connected socket from now on. Takes the descriptor, also when there is no memory for it:
 * then it is closed and `ended` is called before this returns. */
void el_echo_add(struct el_echo *echo, int fd, const struct el_address *peer);

/* From now on closes each connection that is owed nothing as soon as it has been quiet for a quarter of a second. */
void el_echo_drain(struct el_echo *echo);

void el_echo_free(
    struct el_echo *echo); /* cuts off whoever is left, calling `ended`; NULL is fine */

#endif
