/*
 * shim_calls.c - the calls that wait, that make descriptors, that set up a socket; and the wall clock.
 *
 * Teaches:  which of them may fail how: nothing here moves bytes. accept(2) with ECONNABORTED takes the connection off
 *           the queue, with EMFILE it leaves it there; epoll_ctl(2) can run out of memory when it adds, not when it
 *           deletes.
 * Partner:  shim.c, the manual; shim_legal.c.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* A call whose fault depends on nothing but itself. */
#define PLAIN_CALL(call, name, parameters, ...)                                                    \
    int name parameters                                                                            \
    {                                                                                              \
        struct shim_fate fate = shim_begin(call);                                                  \
        if (fate.faulty)                                                                           \
            return shim_fail(call, fate.error);                                                    \
        return NEXT(name)(__VA_ARGS__);                                                            \
    }

/* The same for one that returns a new descriptor. */
#define MAKER(call, name, parameters, ...)                                                         \
    int name parameters                                                                            \
    {                                                                                              \
        struct shim_fate fate = shim_begin(call);                                                  \
        if (fate.faulty)                                                                           \
            return shim_fail(call, fate.error);                                                    \
        int made = NEXT(name)(__VA_ARGS__);                                                        \
        shim_opened(made);                                                                         \
        return made;                                                                               \
    }

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's headers call all of them __fd, __buf ...
/* ---- waiting -------------------------------------------------------------------------------------- */

PLAIN_CALL(SHIM_POLL, poll, (struct pollfd * set, nfds_t count, int limit), set, count, limit)
PLAIN_CALL(SHIM_POLL, ppoll,
           (struct pollfd * set, nfds_t count, const struct timespec *limit, const sigset_t *mask),
           set, count, limit, mask)
PLAIN_CALL(SHIM_SELECT, select,
           (int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict other,
            struct timeval *restrict limit),
           count, in, out, other, limit)

int __poll_chk(struct pollfd *set, nfds_t count, int limit, size_t room);
int __poll_chk(struct pollfd *set, nfds_t count, int limit, size_t room)
{
    return count * sizeof *set > room ? NEXT(__poll_chk)(set, count, limit, room)
                                      : poll(set, count, limit);
}

/* One that only looks (limit 0) is not interrupted: the kernel does not come to where it would be. poll(2) is another matter. */
int epoll_wait(int epoll, struct epoll_event *events, int most, int limit)
{
    struct shim_fate fate = shim_begin(SHIM_EPOLL_WAIT);
    if (fate.faulty && limit != 0)
        return shim_fail(SHIM_EPOLL_WAIT, fate.error);
    return NEXT(epoll_wait)(epoll, events, most, limit);
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int limit, const sigset_t *mask)
{
    struct shim_fate fate = shim_begin(SHIM_EPOLL_WAIT);
    if (fate.faulty && limit != 0)
        return shim_fail(SHIM_EPOLL_WAIT, fate.error);
    return NEXT(epoll_pwait)(epoll, events, most, limit, mask);
}

/* ---- descriptors ---------------------------------------------------------------------------------- */

MAKER(SHIM_SOCKET, socket, (int family, int type, int protocol), family, type, protocol)
MAKER(SHIM_EVENTFD, eventfd, (unsigned start, int flags), start, flags)
MAKER(SHIM_TIMERFD, timerfd_create, (clockid_t clock, int flags), clock, flags)
MAKER(SHIM_EPOLL_CREATE, epoll_create1, (int flags), flags)
MAKER(SHIM_EPOLL_CREATE, epoll_create, (int size), size)
MAKER(SHIM_SIGNALFD, signalfd, (int fd, const sigset_t *mask, int flags), fd, mask, flags)

int pipe2(int fd[2], int flags)
{
    struct shim_fate fate = shim_begin(SHIM_PIPE);
    if (fate.faulty)
        return shim_fail(SHIM_PIPE, fate.error);
    int result = NEXT(pipe2)(fd, flags);
    if (result == 0) {
        shim_opened(fd[0]);
        shim_opened(fd[1]);
    }
    return result;
}

int pipe(int fd[2])
{
    return pipe2(fd, 0);
}

/* The mode is there only when a file may be made. */
#define OPEN_CALL(name, parameters, ...)                                                           \
    int name parameters                                                                            \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
        if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {                                      \
            va_list more;                                                                          \
            va_start(more, flags);                                                                 \
            mode = va_arg(more, mode_t);                                                           \
            va_end(more);                                                                          \
        }                                                                                          \
        struct shim_fate fate = shim_begin(SHIM_OPEN);                                             \
        if (fate.faulty)                                                                           \
            return shim_fail(SHIM_OPEN, fate.error);                                               \
        int made = NEXT(name)(__VA_ARGS__, flags, mode);                                           \
        shim_opened(made);                                                                         \
        return made;                                                                               \
    }
OPEN_CALL(open, (const char *path, int flags, ...), path)
OPEN_CALL(open64, (const char *path, int flags, ...), path)
OPEN_CALL(openat, (int at, const char *path, int flags, ...), at, path)
OPEN_CALL(openat64, (int at, const char *path, int flags, ...), at, path)

/* open(2) as it is compiled with _FORTIFY_SOURCE where the flags are no constant. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    struct shim_fate fate = shim_begin(SHIM_FOPEN);
    if (fate.faulty) {
        shim_fail(SHIM_FOPEN, fate.error);
        return NULL;
    }
    return NEXT(fopen)(path, mode);
}

int close(int fd)
{
    shim_closing(fd); /* before: afterwards the number may be another thread's */
    return NEXT(close)(fd);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    struct shim_fate fate = shim_begin(SHIM_EPOLL_CTL);
    if (fate.faulty && operation == EPOLL_CTL_ADD)
        return shim_fail(SHIM_EPOLL_CTL, fate.error);
    shim_watched(epoll, operation, fd, event);
    return NEXT(epoll_ctl)(epoll, operation, fd, event);
}

/* ---- sockets -------------------------------------------------------------------------------------- */

/* ECONNABORTED: the client had gone; its place in the queue is free. All others leave it in the queue. */
static int accept_fails(int fd, int error)
{
    if (error == ECONNABORTED) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        int gone = NEXT(accept4)(fd, (struct sockaddr *)NULL, NULL, SOCK_CLOEXEC);
        if (gone < 0)
            return -1;
        NEXT(setsockopt)(gone, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        NEXT(close)(gone);
    }
    return shim_fail(SHIM_ACCEPT, error);
}

static bool accept_may_fail(int fd, struct shim_fate fate)
{
    if (!fate.faulty)
        return false;
    if (fate.error == EAGAIN)
        return !shim_waits(fd);
    return fate.error != EINTR || shim_waits(fd);
}

int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *restrict size, int flags)
{
    struct shim_fate fate = shim_begin(SHIM_ACCEPT);
    if (accept_may_fail(fd, fate))
        return accept_fails(fd, fate.error);
    int client = NEXT(accept4)(fd, peer, size, flags);
    shim_opened(client);
    return client;
}

int accept(int fd, __SOCKADDR_ARG peer, socklen_t *restrict size)
{
    return accept4(fd, peer, size, 0);
}

/* Interrupted, the handshake goes on: so it is done, and then said to have been interrupted. */
int connect(int fd, __CONST_SOCKADDR_ARG peer, socklen_t size)
{
    struct shim_fate fate = shim_begin(SHIM_CONNECT);
    if (fate.faulty && fate.error != EINTR)
        return shim_fail(SHIM_CONNECT, fate.error);
    int result = NEXT(connect)(fd, peer, size);
    if (fate.faulty && result == 0 && shim_waits(fd))
        return shim_fail(SHIM_CONNECT, EINTR);
    return result;
}

int shutdown(int fd, int how)
{
    struct shim_fate fate = shim_begin(SHIM_SHUTDOWN);
    if (fate.faulty && shim_legal(fd, fate.error, 0, false))
        return shim_fail(SHIM_SHUTDOWN, fate.error);
    return NEXT(shutdown)(fd, how);
}

PLAIN_CALL(SHIM_BIND, bind, (int fd, __CONST_SOCKADDR_ARG local, socklen_t size), fd, local, size)
PLAIN_CALL(SHIM_LISTEN, listen, (int fd, int backlog), fd, backlog)
PLAIN_CALL(SHIM_GETSOCKNAME, getsockname, (int fd, __SOCKADDR_ARG local, socklen_t *restrict size),
           fd, local, size)
PLAIN_CALL(SHIM_GETPEERNAME, getpeername, (int fd, __SOCKADDR_ARG peer, socklen_t *restrict size),
           fd, peer, size)
PLAIN_CALL(SHIM_GETSOCKOPT, getsockopt,
           (int fd, int level, int option, void *restrict value, socklen_t *restrict size), fd,
           level, option, value, size)
PLAIN_CALL(SHIM_SETSOCKOPT, setsockopt,
           (int fd, int level, int option, const void *value, socklen_t size), fd, level, option,
           value, size)

/* ---- threads and the wall clock ------------------------------------------------------------------- */

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*run)(void *), void *restrict arg)
{
    struct shim_fate fate = shim_begin(SHIM_PTHREAD_CREATE);
    if (fate.faulty) {
        shim_hit(SHIM_PTHREAD_CREATE);
        return fate.error; /* not in errno (pthread_create(3)) */
    }
    return NEXT(pthread_create)(thread, attributes, run, arg);
}

static const int64_t SECOND = 1000000000;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = NEXT(clock_gettime)(clock, now);
    if (result < 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    int64_t ns = now->tv_sec * SECOND + now->tv_nsec + shim_wall_clock();
    *now = (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    (void)zone; /* obsolete, and nobody asks for it (gettimeofday(2)) */
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return result;
}

time_t time(time_t *now)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
