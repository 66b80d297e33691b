/*
 * happy_eyeballs.h - RFC 8305 as a pure state machine: (input, now) → outputs.
 *
 * A host with a broken IPv6 must not make its user wait. The machine owns no socket and no clock:
 * it is told what happened and when, and it says what to do. That is why its tests run with virtual
 * time and quote the RFC.
 */
#ifndef ECHOLAB_HAPPY_EYEBALLS_H
#define ECHOLAB_HAPPY_EYEBALLS_H

#include "address.h"
#include "deadline.h"

enum { EL_HAPPY_ADDRESSES_MAX = 64 }; /* per family; so there are at most 128 attempts */

struct el_happy_args {
    el_duration attempt_delay;    /* "Connection Attempt Delay" (RFC 8305 5, 8): 0 = 250 ms; held to
                                  10 ms..2 s */
    el_duration resolution_delay; /* wait for the family that may be preferred (3, 8): 0 = 50 ms */
    unsigned first_family_count;  /* "First Address Family Count" (4, 8): 0 = 1 */
    bool want_v6, want_v4;        /* which answers will come at all */
};

enum el_happy_action {
    EL_HAPPY_WAIT,    /* nothing to do before `until` or the next input */
    EL_HAPPY_CONNECT, /* start an attempt to `address`, number `attempt`; ask again */
    EL_HAPPY_CANCEL,  /* give up attempt number `attempt`: another has won; ask again */
    EL_HAPPY_WON,     /* `attempt` is the connection; every loser was cancelled */
    EL_HAPPY_FAILED,  /* nothing left to try */
};

struct el_happy_output {
    enum el_happy_action action;
    struct el_address address; /* CONNECT, CANCEL, WON: of that attempt; else length 0 */
    unsigned attempt;          /* counted from 0, without gaps: an index into the caller's array */
    el_time until;             /* WAIT: EL_NEVER = only an input can change anything */
    const char *reason;        /* static text for --explain; never NULL */
};

struct el_happy; /* opaque */

struct el_happy *el_happy_new(const struct el_happy_args *args); /* NULL: out of memory */
void el_happy_free(struct el_happy *happy);

/*
 * A family's answer came: destinations in RFC 6724 order, each with its source (copied); count 0 =
 * negative. Late answers join the queue in their place; an address that the machine knows already
 * is dropped. Returns 0,
 * -EINVAL for a family that was not wanted or an address of another one, -ENOBUFS when there were
 * more than EL_HAPPY_ADDRESSES_MAX (the rest is left out).
 */
int el_happy_answer(struct el_happy *happy, sa_family_t family, const struct el_route_pair *routes,
                    size_t count, el_time now);
/* The first to connect wins. Nothing happens for an attempt that is not running. */
void el_happy_connected(struct el_happy *happy, unsigned attempt, el_time now);
void el_happy_attempt_failed(struct el_happy *happy, unsigned attempt, el_time now);

/* What to do now. Call after every input and at `until`, until it answers WAIT, WON or FAILED. */
struct el_happy_output el_happy_next(struct el_happy *happy, el_time now);

#endif
