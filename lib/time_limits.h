/*
 * time_limits.h - how long a connection may be idle, may leave its peer's bytes unread, may live.
 *
 * Ten thousand connections, three limits each, and a message costs one store: el_limits_moved. Time is counted in ticks of
 * a sixteenth of the shortest limit (5 ms to 1 s); a limit is never early, and late by a fifth at most. Pure: the owner
 * calls el_limits_turn every tick.
 */
#ifndef ECHOLAB_TIME_LIMITS_H
#define ECHOLAB_TIME_LIMITS_H

#include "deadline.h"
#include "wheel.h"

#include <stdbool.h>

struct el_limits_args {
    el_duration idle;     /* no byte moved, either way; 0: no limit, also below */
    el_duration write;    /* no byte moved, though the peer is owed some */
    el_duration lifetime; /* since the beginning */
};

struct el_limits {
    struct el_wheel wheel; /* every connection is in it */
    el_duration tick;
    uint32_t idle, write, lifetime; /* in ticks, or EL_WHEEL_NEVER */
};

/* What a connection carries for it. */
struct el_timed {
    struct el_wheel_entry entry;
    uint32_t born, active; /* ticks */
    bool stalled;
};

enum el_limit { EL_LIMIT_NONE, EL_LIMIT_IDLE, EL_LIMIT_WRITE, EL_LIMIT_LIFETIME };

void el_limits_init(struct el_limits *limits, const struct el_limits_args *args);

void el_limits_begin(struct el_limits *limits, struct el_timed *timed);
void el_limits_end(struct el_timed *timed); /* before it is freed; twice does no harm */

/* The write limit begins or ends to count. */
void el_limits_stall(struct el_limits *limits, struct el_timed *timed, bool stalled);

/* Bytes moved. */
static inline void el_limits_moved(const struct el_limits *limits, struct el_timed *timed)
{
    timed->active = limits->wheel.now;
}

/* Returns whether the connection is still there: false when the visitor has freed it. It may free others too. */
typedef bool (*el_limits_visitor)(void *arg, struct el_timed *timed, enum el_limit reached);

/* One tick later: calls `over` for every connection that has reached a limit. */
void el_limits_turn(struct el_limits *limits, el_limits_visitor over, void *arg);

/* Calls `visit` for every connection there is, with EL_LIMIT_NONE. */
void el_limits_visit_all(struct el_limits *limits, el_limits_visitor visit, void *arg);

#endif
