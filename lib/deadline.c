/*
 * deadline.c - arithmetic on instants that cannot overflow, and the two roundings that matter.
 *
 * Teaches:  round a wait *up*. A timer that fires 0.4 ms early finds that its deadline has not come
 *           yet, is armed again with 0 ms, and the loop spins until the clock catches up.
 *           [#round-up]
 * Partner:  deadline.h; callers are resolver.c, dialer.c and every program.
 * Next:     address.c.
 */
#include "deadline.h"

#include <limits.h>
#include <time.h>

el_time el_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* fails only for a clock that does not exist */
    return now.tv_sec * EL_S + now.tv_nsec;
}

el_time el_time_after(el_time now, el_duration length)
{
    if (length <= 0)
        return now; /* a deadline may already be past, but never further back than now */
    el_time at;
    return __builtin_add_overflow(now, length, &at) ? EL_NEVER : at;
}

el_time el_earliest(el_time a, el_time b)
{
    return a < b ? a : b;
}

el_duration el_time_left(el_time deadline, el_time now)
{
    if (deadline == EL_NEVER)
        return EL_NEVER;
    return deadline > now ? deadline - now : 0;
}

/* length / unit, rounded up, without the overflow of (length + unit - 1). */
static int64_t divide_up(el_duration length, el_duration unit)
{
    return length <= 0 ? 0 : length / unit + (length % unit != 0);
}

struct timespec el_timespec(el_duration length)
{
    if (length < 0)
        length = 0;
    return (struct timespec){.tv_sec = length / EL_S, .tv_nsec = length % EL_S};
}

struct timeval el_timeval(el_duration length)
{
    int64_t us = divide_up(length, EL_US);
    int64_t seconds = us / (EL_S / EL_US);

    /* libevent adds this to its own clock: 68 years is "never", and leaves room for the sum. */
    if (seconds >= INT32_MAX)
        return (struct timeval){.tv_sec = INT32_MAX};
    return (struct timeval){.tv_sec = seconds, .tv_usec = us % (EL_S / EL_US)};
}

int el_poll_ms(el_duration length)
{
    if (length == EL_NEVER)
        return -1;
    int64_t ms = divide_up(length, EL_MS);
    return ms > INT_MAX ? INT_MAX : (int)ms; /* poll(2) takes an int: 24 days, then look again */
}

el_time el_deadline_for(const struct el_deadlines *limits, enum el_operation operation, el_time now)
{
    el_duration own = EL_NEVER;
    switch (operation) {
    case EL_CONNECT:
        own = limits->connect;
        break;
    case EL_READ:
        own = limits->read;
        break;
    case EL_WRITE:
        own = limits->write;
        break;
    }
    return el_earliest(el_time_after(now, own), limits->total);
}
