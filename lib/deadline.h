/*
 * deadline.h - instants, durations, and the rule that every wait has an end.
 *
 * A timeout is a length of time; a deadline is an instant. Three reads with a one-second timeout
 * each may take three seconds; three reads under one deadline may not. Everything here is on
 * CLOCK_MONOTONIC, so that someone setting the wall clock changes nothing (clock_gettime(2)).
 * Read next: address.h.
 */
#ifndef ECHOLAB_DEADLINE_H
#define ECHOLAB_DEADLINE_H

#include <stdint.h>
#include <sys/time.h>

typedef int64_t el_time;     /* an instant: nanoseconds on CLOCK_MONOTONIC */
typedef int64_t el_duration; /* a length of time: nanoseconds */

#define EL_US    ((el_duration)1000)
#define EL_MS    (1000 * EL_US)
#define EL_S     (1000 * EL_MS)
#define EL_NEVER INT64_MAX /* the deadline of what may wait for ever; also an unlimited duration */

/* The present instant. Cannot fail on Linux. */
el_time el_now(void);

/* The instant `length` after `now`. Saturates at EL_NEVER; a length of EL_NEVER gives EL_NEVER. */
el_time el_time_after(el_time now, el_duration length);

/* The earlier of two instants: how deadlines combine. */
el_time el_earliest(el_time a, el_time b);

/* How long until `deadline`: 0 when it has passed, EL_NEVER when it never comes. */
el_duration el_time_left(el_time deadline, el_time now);

/* For event_add(3): rounded *up* to a microsecond, so that a timer never fires before its time. */
struct timeval el_timeval(el_duration length);

/* For ppoll(2), epoll_pwait2(2), timerfd_settime(2): exact. Nothing below 0. */
struct timespec el_timespec(el_duration length);

/* For poll(2): rounded up to a millisecond, -1 for EL_NEVER. */
int el_poll_ms(el_duration length);

/* What one operation on a connection may cost, and what everything together may. */
struct el_deadlines {
    el_duration connect; /* per operation; EL_NEVER = unlimited */
    el_duration read;
    el_duration write;
    el_time total; /* an instant: no operation outlives it */
};

enum el_operation { EL_CONNECT, EL_READ, EL_WRITE };

/* The instant by which an operation started at `now` must end: its own limit or the total,
 * whichever is first. */
el_time el_deadline_for(const struct el_deadlines *limits, enum el_operation operation,
                        el_time now);

#endif
