/*
 * loop.h - what an engine waits with: an epoll that also tells of the end of the run and of a tick now and then.
 */
#ifndef ECHOLAB_BENCH_LOOP_H
#define ECHOLAB_BENCH_LOOP_H

#include "engine.h"

#include <sys/epoll.h>

/* What an event is about, in its data.u32: one of these two, or whatever bench_loop_watch was given. */
enum { BENCH_WAKE = UINT32_MAX, BENCH_TICK = UINT32_MAX - 1 };

/* What a stream is watched for, all at once, and what says that its peer has ended it: there may be bytes to read before that shows. */
enum {
    BENCH_EDGES = EPOLLIN | EPOLLOUT | EPOLLRDHUP | (int)EPOLLET,
    BENCH_ENDED = EPOLLRDHUP | EPOLLHUP | EPOLLERR,
};

struct bench_loop {
    struct bench_thread *thread;
    int epoll_fd, tick_fd;
};

/* False: bench_thread_fail has been told, as for all that follow; bench_loop_close is to be called in any case. A tick comes eight times in
 * `limit`: who looks for connections that have waited for longer does so then, and no message has to set a timer. [#eight-ticks] */
bool bench_loop_open(struct bench_loop *loop, struct bench_thread *thread, el_duration limit);
void bench_loop_close(struct bench_loop *loop);

bool bench_loop_watch(const struct bench_loop *loop, int fd, uint32_t which, uint32_t events);

/* epoll_wait(2) until `until`, to the nanosecond; EL_NEVER and 0 (do not wait) cost no look at the clock. The number of events, 0 on EINTR too, or -errno
 * (bench_thread_fail has been told). */
int bench_wait(struct bench_thread *thread, int epoll_fd, struct epoll_event *events, int most,
               el_time until);

void bench_loop_ticked(const struct bench_loop *loop); /* a tick is being looked at */

#endif
