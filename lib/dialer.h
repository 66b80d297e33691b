/*
 * dialer.h - from a name to a connected socket, under one deadline.
 *
 * Puts resolver, happy_eyeballs and socket together. However many addresses a name has and however
 * slow its DNS is, the dial ends by its deadline, and says where the time went: lookup, each
 * attempt, the winner.
 */
#ifndef ECHOLAB_DIALER_H
#define ECHOLAB_DIALER_H

#include "resolver.h"
#include "socket.h"

enum { EL_ATTEMPTS_MAX = 2 * EL_ADDRESSES_MAX };

struct el_attempt {
    struct el_address peer;
    struct el_address local; /* as the kernel chose; length 0 when it got none */
    el_time started, ended;  /* EL_NEVER while it runs */
    int error;      /* 0 connected; -errno; -ECANCELED: another won; -ETIMEDOUT: our deadline */
    bool under_way; /* connect(2) had begun (EINPROGRESS): what ended it came from the network */
};

enum el_dial_status {
    EL_DIAL_OK,
    EL_DIAL_NOT_RESOLVED,  /* no usable address, whatever the reason, the deadline included */
    EL_DIAL_NOT_CONNECTED, /* every attempt failed: refused, unreachable, prohibited by a router,
                              reset, met itself */
    EL_DIAL_TIMEOUT,       /* the deadline came while a peer owed an answer; error is -ETIMEDOUT */
    EL_DIAL_LOCAL          /* this machine lacks something: descriptors, memory, permission, ports,
                              the interface, the source address, the address family */
};

struct el_dial_result {
    enum el_dial_status status;
    int fd;                        /* EL_DIAL_OK: the caller's now; else -1 */
    struct el_address peer, local; /* for unconnected UDP: peer is whom to send to */
    el_time started, resolved,
        ended; /* resolved: when the first usable answer came; EL_NEVER if none */
    enum el_lookup_status v6_status,
        v4_status; /* what DNS said; EL_LOOKUP_CANCELLED = not asked, or not waited for */
    enum el_lookup_source source;
    int error; /* the most telling -errno of the attempts: refused, then local, then unreachable,
                  then timeout (dialer_verdict.c); 0 when DNS has the reason */
    size_t attempt_count;
    const struct el_attempt *attempts; /* valid during the callback */
    size_t query_count;
    const struct el_query *queries; /* valid during the callback */
};

struct el_dialer;

struct el_dial_args {
    struct el_resolver *resolver; /* borrowed */
    struct event_base *base;
    struct el_trace *trace;
    const char *host; /* copied */
    uint16_t port;
    sa_family_t family; /* AF_UNSPEC: both. A source address in `socket` settles it: -EAFNOSUPPORT
                           when they disagree */
    struct el_socket_args socket; /* type, source, ttl ...; applied to every attempt; copied */
    bool unconnected; /* UDP: no connect(2); the first address in order with a route is the peer */
    el_time deadline; /* for everything together */
    el_duration attempt_delay; /* 0 = 250 ms */
    void (*done)(
        void *arg,
        const struct el_dial_result *result); /* once, from the loop, never from inside el_dial */
    void *arg;
};

/* Starts. NULL: out of memory. The dialer frees itself after `done` returns. */
struct el_dialer *el_dial(const struct el_dial_args *args);
/* Ends it silently, at any moment but inside done. NULL is fine. */
void el_dial_cancel(struct el_dialer *dialer);

/* Has the lookup given an address already? (After `done`, the result says so.) */
bool el_dial_resolved(const struct el_dialer *dialer);

/* Status and most telling error of `count` (at least one) failed attempts. Pure. */
enum el_dial_status el_dial_verdict(const struct el_attempt *attempts, size_t count, int *error);
/* What the -errno of a dial means, by whose word it is; NULL: nothing to add. Pure, static text. */
const char *el_dial_hint(enum el_dial_status status, int error);

#endif
