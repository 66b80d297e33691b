/*
 * wheel.h - a timer wheel for many limits that are rarely reached.
 *
 * A connection's idle limit moves with every message. A heap of timers would be re-sorted for each; here a message
 * costs one store, because entries are *lazy*: an entry is filed under the tick at which it must be looked at, and whoever
 * looks then works out whether its time has come or files it again. Time is counted in ticks by the owner. Pure: no clock, no
 * allocation; everything is O(1) per entry.
 */
#ifndef ECHOLAB_WHEEL_H
#define ECHOLAB_WHEEL_H

#include <stdint.h>

enum { EL_WHEEL_SLOTS = 64 };
#define EL_WHEEL_NEVER                                                                             \
    UINT32_MAX /* only looked at now and then, as is everything beyond the horizon */

/* Lives inside what is to be timed; the owner finds that by offsetof. In a list of its slot, circular. */
struct el_wheel_entry {
    struct el_wheel_entry *next, *previous;
};

struct el_wheel {
    uint32_t now; /* the present tick; wraps, and everything here may wrap with it */
    struct el_wheel_entry slot[EL_WHEEL_SLOTS];
};

void el_wheel_init(struct el_wheel *wheel);

/* Files an entry that is in no list `ahead` ticks from now, at least one. Beyond the horizon of the
 * wheel (EL_WHEEL_SLOTS - 1 ticks) it will be looked at earlier. A distance, not a tick: every
 * number is a tick some day, so none could stand for "never". */
void el_wheel_put(struct el_wheel *wheel, struct el_wheel_entry *entry, uint32_t ahead);
void el_wheel_take(struct el_wheel_entry *entry); /* out of its list */

/* Called with an entry that is in no list any more: put it back, or free it. May take others out. */
typedef void (*el_wheel_visitor)(void *arg, struct el_wheel_entry *entry);

/* Goes on by one tick and visits what is filed under it. */
void el_wheel_turn(struct el_wheel *wheel, el_wheel_visitor visit, void *arg);

/* Visits every entry once, whatever its tick. */
void el_wheel_visit_all(struct el_wheel *wheel, el_wheel_visitor visit, void *arg);

#endif
