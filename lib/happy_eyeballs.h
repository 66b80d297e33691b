/*
 * happy_eyeballs.h - RFC 8305 as a pure state machine: (input, now) → outputs.
 *
 * A host with a broken IPv6 must not make its user wait. The machine owns no socket and no clock: it is told
 * what happened and when, and it says what to do. That is why its tests run with virtual time and quote the RFC.
 */
#ifndef ECHOLAB_HAPPY_EYEBALLS_H
#define ECHOLAB_HAPPY_EYEBALLS_H

#include "address.h"
#include "deadline.h"

struct el_happy_args {
    el_duration
        attempt_delay; /* "Connection Attempt Delay": 250 ms recommended, held to 10 ms..2 s (RFC 8305 5, 8) */
    el_duration
        resolution_delay; /* wait for AAAA after a positive A answer: 50 ms (RFC 8305 3, 8) */
    unsigned first_family_count; /* "First Address Family Count": 1 (RFC 8305 4, 8) */
    bool want_v6, want_v4;       /* which answers will come at all */
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
    struct el_address address;
    unsigned attempt;
    el_time until;      /* EL_NEVER: only an input can change anything */
    const char *reason; /* static text for --explain */
};

struct el_happy; /* opaque */

struct el_happy *el_happy_new(const struct el_happy_args *args); /* NULL: out of memory */
void el_happy_free(struct el_happy *happy);

/* A family's answer came: addresses in RFC 6724 order (copied); count 0 = negative. Late answers join the queue in their place. */
int el_happy_answer(struct el_happy *happy, sa_family_t family, const struct el_address *addresses,
                    size_t count, el_time now);
void el_happy_connected(struct el_happy *happy, unsigned attempt, el_time now);
void el_happy_attempt_failed(struct el_happy *happy, unsigned attempt, el_time now);

/* What to do now. Call after every input and at `until`, until it answers WAIT, WON or FAILED. */
struct el_happy_output el_happy_next(struct el_happy *happy, el_time now);

#endif
