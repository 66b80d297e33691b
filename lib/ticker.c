/*
 * ticker.c - a clock that is a descriptor.
 *
 * Teaches:  timerfd(2): to epoll(7) a moment in time is one more thing that becomes readable.
 * Partner:  ticker.h; echo_stream.c counts the time of its connections with one.
 * Leaves out: catching up. A process that was stopped for ten minutes finds 600 ticks in the descriptor and makes one of them:
 *           it served nobody meanwhile, so that time is nobody's idleness. [#no-catching-up]
 */
#include "ticker.h"

#include "socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct el_ticker {
    struct el_ticker_args args;
    struct event *event;
    int fd;
    bool runs;
};

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct el_ticker *ticker = arg;
    uint64_t ticks;
    (void)what;
    /* EAGAIN: the clock was stopped since epoll(7) reported this tick. */
    if (read(fd, &ticks, sizeof ticks) == sizeof ticks)
        ticker->args.tick(ticker->args.arg);
}

/* Cannot fail: the descriptor is a timer and the times are in range (timerfd_settime(2)). */
void el_timer_every(int timer_fd, el_duration interval)
{
    const struct timespec each = el_timespec(interval);
    const struct itimerspec clock = {.it_interval = each, .it_value = each};
    (void)timerfd_settime(timer_fd, 0, &clock, NULL);
}

static void set_clock(struct el_ticker *ticker, el_duration interval)
{
    el_timer_every(ticker->fd, interval);
    ticker->runs = interval > 0;
}

struct el_ticker *el_ticker_new(const struct el_ticker_args *args)
{
    struct el_ticker *ticker = calloc(1, sizeof *ticker);
    if (ticker == NULL)
        return NULL;
    ticker->args = *args;
    ticker->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int error = errno;
    if (ticker->fd >= 0) {
        ticker->event = event_new(args->base, ticker->fd, EV_READ | EV_PERSIST, on_tick, ticker);
        error = ENOMEM; /* libevent sets none that can be relied on */
    }
    if (ticker->event != NULL && event_add(ticker->event, NULL) == 0)
        return ticker;
    el_ticker_free(ticker);
    errno = error;
    return NULL;
}

void el_ticker_start(struct el_ticker *ticker)
{
    if (!ticker->runs)
        set_clock(ticker, ticker->args.interval);
}

void el_ticker_stop(struct el_ticker *ticker)
{
    if (ticker->runs)
        set_clock(ticker, 0);
}

void el_ticker_free(struct el_ticker *ticker)
{
    if (ticker == NULL)
        return;
    if (ticker->event != NULL)
        event_free(ticker->event); /* before close(2): epoll must not learn of it by surprise */
    el_socket_close(ticker->fd);
    free(ticker);
}
