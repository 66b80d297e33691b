/*
 * acceptor.h - takes clients in from a worker's listening sockets, and knows what to do when it cannot.
 */
#ifndef ECHOLAB_ACCEPTOR_H
#define ECHOLAB_ACCEPTOR_H

#include "admission.h"
#include "narrator.h"
#include "service.h"

struct el_acceptor; /* opaque */

/* Statistics: part of a worker's counters, single writer (counter.h). */
struct el_acceptor_counters {
    uint64_t rejected_full;        /* --max-connections */
    uint64_t rejected_source;      /* --max-per-source */
    uint64_t rejected_descriptors; /* no descriptor left */
    uint64_t accept_paused;        /* times that accepting stopped for a moment */
};
#define EL_ACCEPTOR_COUNTER_NAMES                                                                  \
    "rejected_full", "rejected_source", "rejected_descriptors", "accept_paused"

struct el_acceptor_args {
    const struct el_worker_context *context; /* borrowed */
    struct el_admission *admission;          /* borrowed */
    struct el_narrator *narrator;            /* borrowed */
    struct el_acceptor_counters *counters;   /* borrowed */
    /* A client was admitted: the descriptor is yours, and its place in `admission` to give back. */
    void (*accepted)(void *arg, int fd, const struct el_address *peer);
    void *arg;
};

struct el_acceptor *el_acceptor_new(const struct el_acceptor_args *args); /* NULL: no memory */
/* Takes in those whose handshake was complete already, then no more. */
void el_acceptor_drain(struct el_acceptor *acceptor);
void el_acceptor_free(struct el_acceptor *acceptor);

#endif
