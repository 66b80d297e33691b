/*
 * shim_legal.c - what a descriptor is, and so what may happen to it: the house rule of shim.c, [#legal].
 *
 * Teaches:  that an errno belongs to a situation. EAGAIN to who does not want to wait, ECONNREFUSED to a datagram socket
 *           that has one peer, ECONNRESET to a stream that is then gone. The kernel is asked, with the calls that tell
 *           (getsockopt, fcntl).
 * Partner:  shim.c, shim_calls.c. Memory: a fixed table; a descriptor above it is not followed, and gets no fault that
 *            needs the table.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { FOLLOWED = 16384 };

/* What was seen of a descriptor. `epoll` is 0 if no epoll watches its edges, else the epoll's number and one. */
static struct {
    _Atomic bool open;
    _Atomic int epoll;
    struct epoll_event event;
} followed[FOLLOWED];

void shim_opened(int fd)
{
    if (fd >= 0 && fd < FOLLOWED && !followed[fd].open) {
        followed[fd].open = true;
        shim_counts[SHIM_OPEN_NOW].calls++;
    }
}

void shim_closing(int fd)
{
    if (fd < 0 || fd >= FOLLOWED)
        return;
    followed[fd].epoll = 0;
    if (followed[fd].open) {
        followed[fd].open = false;
        shim_counts[SHIM_OPEN_NOW].calls--;
    }
}

void shim_watched(int epoll, int operation, int fd, const struct epoll_event *event)
{
    if (fd < 0 || fd >= FOLLOWED)
        return;
    followed[fd].epoll = 0;
    if (operation != EPOLL_CTL_DEL && event != NULL && (event->events & EPOLLET) != 0) {
        followed[fd].event = *event;
        followed[fd].epoll = epoll + 1;
    }
}

/* [#shim-edge] Who is told of changes alone would wait for ever after a fault that was no change: a modification makes epoll
 * look again, and report what is ready (epoll_ctl(2)). */
void shim_edge_again(int fd)
{
    if (fd < 0 || fd >= FOLLOWED || followed[fd].epoll == 0)
        return;
    int saved = errno;
    struct epoll_event event = followed[fd].event;
    NEXT(epoll_ctl)(followed[fd].epoll - 1, EPOLL_CTL_MOD, fd, &event);
    errno = saved;
}

/* SOCK_STREAM, SOCK_DGRAM or another; 0: no socket. A listener's calls do not come here. */
static int socket_type(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return NEXT(getsockopt)(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? type : 0;
}

static bool is_pipe(int fd)
{
    return fcntl(fd, F_GETPIPE_SZ) > 0;
}

static bool has_peer(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    return NEXT(getpeername)(fd, (struct sockaddr *)&peer, &size) == 0;
}

bool shim_waits(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || (flags & O_NONBLOCK) == 0;
}

/* Ends a connection as a reset does: the peer gets one, and here every call fails from now on. An address of AF_UNSPEC means that
 * (connect(2)). Where a seccomp filter forbids it nothing is broken. */
static bool break_connection(int fd)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    return has_peer(fd) && NEXT(connect)(fd, &nowhere, sizeof nowhere) == 0;
}

static bool legal(int fd, int error, int flags, bool output)
{
    int type = socket_type(fd);
    switch (error) {
    case EAGAIN: /* to write to an eventfd or the like waits only when its number is as large as can be */
        return ((flags & MSG_DONTWAIT) != 0 || !shim_waits(fd)) &&
               (!output || type != 0 || is_pipe(fd));
    case EINTR:
        return (flags & MSG_DONTWAIT) == 0 && (type != 0 || is_pipe(fd));
    case ENOMEM:
        return type != 0;
    case ENOBUFS:
    case EPERM:
        return type == SOCK_DGRAM;
    case ECONNREFUSED:
        return type == SOCK_DGRAM && has_peer(fd);
    case EHOSTUNREACH:
    case ENETUNREACH:
        return type == SOCK_DGRAM ? has_peer(fd) : type == SOCK_STREAM && break_connection(fd);
    case ENOTCONN: /* shutdown(2) of what the peer has reset meanwhile */
    case ECONNRESET:
    case ETIMEDOUT:
        return type == SOCK_STREAM && break_connection(fd);
    default:
        return false;
    }
}

bool shim_legal(int fd, int error, int flags, bool output)
{
    int saved = errno;
    bool yes = (flags & MSG_ERRQUEUE) == 0 && legal(fd, error, flags, output);
    errno = saved;
    return yes;
}

bool shim_may_be_short(int fd, bool output, size_t length)
{
    int saved = errno;
    bool yes = socket_type(fd) == SOCK_STREAM ||
               (is_pipe(fd) && (!output || (length > PIPE_BUF && !shim_waits(fd))));
    errno = saved;
    return yes;
}
