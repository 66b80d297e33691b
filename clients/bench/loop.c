/*
 * loop.c - what an engine waits with.
 *
 * Partner:  crew.c writes wake_fd, and gives each thread the finest timers there are.
 * Leaves out: callbacks. Two loops of thirty lines are easier to read than one that calls back.
 */
#include "loop.h"

#include "ticker.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static bool failed(struct bench_thread *thread, const char *call)
{
    int error = errno;
    bench_thread_fail(thread, error, "%s: %s", call, strerror(error));
    return false;
}

bool bench_loop_open(struct bench_loop *loop, struct bench_thread *thread, el_duration limit)
{
    *loop = (struct bench_loop){thread, -1, -1};
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return failed(thread, "epoll_create1");
    loop->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->tick_fd < 0)
        return failed(thread, "timerfd_create");
    el_timer_every(loop->tick_fd, limit / 8 + 1); /* 0 would be never */
    return bench_loop_watch(loop, thread->wake_fd, BENCH_WAKE, EPOLLIN) &&
           bench_loop_watch(loop, loop->tick_fd, BENCH_TICK, EPOLLIN);
}

void bench_loop_close(struct bench_loop *loop)
{
    if (loop->tick_fd >= 0)
        close(loop->tick_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
}

/* epoll_ctl(2): ENOMEM, or ENOSPC (fs.epoll.max_user_watches). close(2) of the only descriptor of a socket ends the watch (epoll(7)). */
bool bench_loop_watch(const struct bench_loop *loop, int fd, uint32_t which, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = which};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ||
           failed(loop->thread, "epoll_ctl");
}

/*
 * epoll_wait(2) counts in milliseconds: a thousand times too coarse for messages that are due every 10 us. epoll_pwait2(2) takes nanoseconds, and
 * the kernel keeps to them as far as the timer slack allows, crew.c [#timer-slack], and to a thousandth of the wait (fs/select.c). Where it does not
 * exist (Linux before 5.11, valgrind) what is due is sent up to 1 ms late, never early, and the histogram `pace` says so.
 */
int bench_wait(struct bench_thread *thread, int epoll_fd, struct epoll_event *events, int most,
               el_time until)
{
    el_duration left = 0;
    if (until > 0)
        left = until == EL_NEVER ? EL_NEVER : el_time_left(until, el_now());
    struct timespec length = el_timespec(left);
    int count = -1;
    if (!thread->coarse)
        count = epoll_pwait2(epoll_fd, events, most, left == EL_NEVER ? NULL : &length, NULL);
    thread->coarse |= count < 0 && errno == ENOSYS;
    if (thread->coarse)
        count = epoll_wait(epoll_fd, events, most, el_poll_ms(left));
    if (count >= 0 || errno == EINTR)
        return count >= 0 ? count : 0;
    int error = errno;
    failed(thread, "epoll_wait"); /* EBADF, EINVAL: a fault of ours */
    return -error;
}

void bench_loop_ticked(const struct bench_loop *loop)
{
    uint64_t ticks;
    (void)!read(loop->tick_fd, &ticks, sizeof ticks); /* EAGAIN: it was looked at already */
}
