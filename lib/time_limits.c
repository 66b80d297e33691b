/*
 * time_limits.c - three limits of a connection, looked at lazily.
 *
 * Teaches:  a limit that every message pushes back need not be re-armed by every message: note when bytes
 *           last moved, and do the sum when the wheel comes by.
 * Partner:  time_limits.h, and wheel.c below it.
 */
#include "time_limits.h"

#include <stddef.h>

/*
 * [#never-early] Ticks until a limit is over for certain. One more, because the tick in which it began was partly
 * gone; and another, because a late tick may be followed by one on time, which makes that one short.
 */
enum { SLACK = 2 };

static uint32_t ticks_of(el_duration limit, el_duration tick)
{
    if (limit <= 0 || limit / tick > INT32_MAX / 2) /* beyond that, sums would wrap: 34 years */
        return EL_WHEEL_NEVER;
    return (uint32_t)(limit / tick) + (limit % tick > 0) + SLACK;
}

void el_limits_init(struct el_limits *limits, const struct el_limits_args *args)
{
    const el_duration all[] = {args->idle, args->write, args->lifetime};
    el_duration tick = EL_S;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] > 0 && all[i] / 16 < tick)
            tick = all[i] / 16;
    limits->tick = tick < 5 * EL_MS ? 5 * EL_MS : tick;
    limits->idle = ticks_of(args->idle, limits->tick);
    limits->write = ticks_of(args->write, limits->tick);
    limits->lifetime = ticks_of(args->lifetime, limits->tick);
    el_wheel_init(&limits->wheel);
}

/* Ticks left of one limit, EL_WHEEL_NEVER if there is none. The differences are right across a wrap. */
static uint32_t left(const struct el_limits *limits, uint32_t since, uint32_t limit)
{
    uint32_t gone = limits->wheel.now - since;
    if (limit == EL_WHEEL_NEVER)
        return EL_WHEEL_NEVER;
    return gone < limit ? limit - gone : 0;
}

/* The limit that comes first, and in *ticks how soon: 0 when it is reached. */
static enum el_limit first_limit(const struct el_limits *limits, const struct el_timed *timed,
                                 uint32_t *ticks)
{
    enum el_limit first = EL_LIMIT_LIFETIME;
    *ticks = left(limits, timed->born, limits->lifetime);
    uint32_t idle = left(limits, timed->active, limits->idle);
    if (idle < *ticks) {
        first = EL_LIMIT_IDLE;
        *ticks = idle;
    }
    uint32_t write = timed->stalled ? left(limits, timed->active, limits->write) : EL_WHEEL_NEVER;
    if (write < *ticks) {
        first = EL_LIMIT_WRITE;
        *ticks = write;
    }
    return first;
}

static void file_entry(struct el_limits *limits, struct el_timed *timed)
{
    uint32_t ticks;
    first_limit(limits, timed, &ticks);
    el_wheel_put(&limits->wheel, &timed->entry, ticks);
}

void el_limits_begin(struct el_limits *limits, struct el_timed *timed)
{
    timed->born = timed->active = limits->wheel.now;
    timed->stalled = false;
    file_entry(limits, timed);
}

void el_limits_end(struct el_timed *timed)
{
    el_wheel_take(&timed->entry);
}

void el_limits_stall(struct el_limits *limits, struct el_timed *timed, bool stalled)
{
    timed->stalled = stalled;
    el_wheel_take(&timed->entry); /* the write limit may be nearer than what it was filed for */
    file_entry(limits, timed);
}

/* What a turn of the wheel needs to know. */
struct visit {
    struct el_limits *limits;
    el_limits_visitor visitor;
    void *arg;
};

static struct el_timed *timed_of(struct el_wheel_entry *entry)
{
    return (struct el_timed *)((char *)entry - offsetof(struct el_timed, entry));
}

static void visit_due(void *arg, struct el_wheel_entry *entry)
{
    struct visit *visit = arg;
    struct el_timed *timed = timed_of(entry);
    uint32_t ticks;
    enum el_limit first = first_limit(visit->limits, timed, &ticks);
    if (ticks > 0 || visit->visitor(visit->arg, timed, first))
        file_entry(visit->limits, timed);
}

static void visit_any(void *arg, struct el_wheel_entry *entry)
{
    struct visit *visit = arg;
    struct el_timed *timed = timed_of(entry);
    if (visit->visitor(visit->arg, timed, EL_LIMIT_NONE))
        file_entry(visit->limits, timed);
}

void el_limits_turn(struct el_limits *limits, el_limits_visitor over, void *arg)
{
    struct visit visit = {limits, over, arg};
    el_wheel_turn(&limits->wheel, visit_due, &visit);
}

void el_limits_visit_all(struct el_limits *limits, el_limits_visitor visitor, void *arg)
{
    struct visit visit = {limits, visitor, arg};
    el_wheel_visit_all(&limits->wheel, visit_any, &visit);
}
