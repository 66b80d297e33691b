/*
 * ticker.h - calls a function at regular intervals, at no cost in between.
 *
 * A timer of the event loop is looked at before every wait: what time is it, how long may the wait be? A server that
 * answers a message per wait pays that for every message, to find out 999,999 times of a million that nothing is due. A
 * timerfd(2) is a clock in the kernel, and its ticks are events like any other: the loop waits without a limit.
 */
#ifndef ECHOLAB_TICKER_H
#define ECHOLAB_TICKER_H

#include "deadline.h"

#include <event2/event.h>

/* Makes a timerfd(2) tick every `interval` from now on; 0: never. For who has an event loop of another kind, and for ticker.c itself. */
void el_timer_every(int timer_fd, el_duration interval);

struct el_ticker; /* opaque; it belongs to the thread of its event base */

struct el_ticker_args {
    struct event_base *base; /* borrowed */
    el_duration interval;    /* above 0 */
    void (*tick)(void *arg); /* may stop the ticker, not free it */
    void *arg;
};

/* A stopped ticker. NULL with errno: EMFILE, ENFILE, ENOMEM. */
struct el_ticker *el_ticker_new(const struct el_ticker_args *args);

/* The first tick comes one interval from now. When it runs already, nothing happens, and that costs no system call. */
void el_ticker_start(struct el_ticker *ticker);
void el_ticker_stop(struct el_ticker *ticker);
void el_ticker_free(struct el_ticker *ticker); /* NULL is fine */

#endif
