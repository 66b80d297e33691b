/*
 * ask.c - asks an echo server numbered questions. It is the client that most people write.
 *
 * It works as long as the other side does. Where it only looks as if it kept its deadlines, there is
 * a TODO: 09-1 one deadline for an echo, 09-2 one for the run, 09-3 connect and send, 09-4 whose
 * echo is it? All of it is in this file; plumbing.h is complete.
 *
 * Run:      ./ask -n 3 -r 300 127.0.0.1 7007
 * Exit: 0 all echoed in time, 1 some were not, 2 usage, 7 not connected, 28 nothing by its deadline.
 */
#include "plumbing.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>

enum { MS = 1000 * 1000 }; /* nanoseconds */
typedef int64_t instant;   /* nanoseconds on CLOCK_MONOTONIC: a point in time, not a length */

static instant end_of_run; /* no operation may outlive it */
static uint8_t *request;   /* 4 bytes of sequence number in network order, then random ones */
static uint8_t *echo;      /* what came back: as many bytes */
static size_t have;        /* how much of it has come */

static instant now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* not CLOCK_REALTIME: someone may set that */
    return (instant)t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* For showing only. */
static double ms_since(instant start)
{
    return (double)(now() - start) / MS;
}

/*
 * The deadline of an operation that begins now: `ms` from now.
 *
 * TODO(09-2): or the end of the run, whichever is earlier.
 */
static instant by(long ms)
{
    return now() + (instant)ms * MS;
}

/*
 * Waits until fd is ready. False, with ETIMEDOUT, when the deadline comes first.
 *
 * TODO(09-1): it does not wait at all. Let poll(2) wait for what is left, `deadline - now()`, in whole
 * milliseconds and rounded up. After EINTR work out anew what is left, and go on.
 */
static bool wait_until(int fd, short events, instant deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    (void)p, (void)deadline; /* remove this line when you use them */
    return true;
}

/*
 * Returns a connected socket, or -1 with errno.
 *
 * TODO(09-3): nothing bounds this connect(2) but the kernel's own patience. Make the socket
 * SOCK_NONBLOCK too; when `error` is then EINPROGRESS, wait for POLLOUT, and let pending_error say how
 * it ended.
 */
static int connect_by(const struct sockaddr_in *peer, instant deadline)
{
    (void)deadline;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    int error = connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0 ? errno : 0;
    if (error == 0)
        return fd;
    close(fd); /* and with it the kernel stops sending SYNs */
    errno = error;
    return -1;
}

/* Sends the request. False with errno: then part of it may have gone. It is finished. */
static bool send_by(int fd, instant deadline)
{
    for (size_t sent = 0; sent < size;) {
        if (!wait_until(fd, POLLOUT, deadline))
            return false;
        ssize_t n = send(fd, request + sent, size - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return false;
    }
    return true;
}

/*
 * Fills `echo`. False with errno, 0 for end of file.
 *
 * TODO(09-1): each of these calls has read_ms of its own. wait_until comes before each, as in send_by;
 * then recv(2) will do.
 * TODO(09-4): half an echo may have come when the deadline does. Forget it, and its second half will
 * be taken for the beginning of the next.
 */
static bool receive_by(int fd, instant deadline)
{
    (void)deadline;
    have = 0;
    while (have < size) {
        ssize_t n = recv_timeout(fd, echo + have, size - have, read_ms);
        if (n == 0)
            errno = 0;
        if (n > 0)
            have += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return false;
    }
    return true;
}

/*
 * Waits for the echo of request `seq`. False with errno.
 *
 * TODO(09-4): `theirs` may be smaller than seq: that echo is late. Print "seq NUMBER late" and wait
 * on, by the same deadline.
 */
static bool await_echo(int fd, uint32_t seq, instant deadline)
{
    if (!receive_by(fd, deadline))
        return false;
    uint32_t theirs = get_number(echo);
    if (theirs < 1 || theirs > seq || memcmp(echo + 4, request + 4, size - 4) != 0) {
        errno = EBADMSG; /* not ours */
        return false;
    }
    return true;
}

/* Asks all questions. Returns the exit code. It is finished. */
static int ask(int fd)
{
    long ok = 0, asked = 0;
    int error = 0; /* of the request that was the last one, for no other can follow it */
    while (asked < count && error == 0 && now() < end_of_run) {
        uint32_t seq = (uint32_t)++asked;
        put_number(request, seq);
        instant start = now();
        if (!send_by(fd, by(write_ms))) {
            error = errno; /* part of it may be out: what follows would be taken for its rest */
            printf("seq %u unsent: %s\n", seq, strerror(error));
        } else if (await_echo(fd, seq, by(read_ms))) {
            printf("seq %u ok %.1f ms\n", seq, ms_since(start));
            ok++;
        } else if (errno == ETIMEDOUT) {
            printf("seq %u timeout\n", seq);
        } else {
            error = errno != 0 ? errno : ECONNRESET;
            printf("seq %u lost: %s\n", seq, errno != 0 ? strerror(errno) : "end of file");
        }
    }
    printf("%ld of %ld asked, %ld ok\n", asked, count, ok);
    return ok == count ? 0 : ok == 0 && (error == 0 || error == ETIMEDOUT) ? 28 : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in peer = read_options(argc, argv);
    request = malloc(size);
    echo = malloc(size);
    if (request == NULL || echo == NULL || getrandom(request, size, 0) != (ssize_t)size)
        lab_die("request");

    instant start = now();
    end_of_run = start + (instant)total_ms * MS;
    int fd = connect_by(&peer, by(connect_ms));
    if (fd < 0) {
        int error = errno;
        fprintf(stderr, "connect: %s after %.1f ms\n", strerrorname_np(error), ms_since(start));
        return error == ETIMEDOUT ? 28 : 7;
    }
    return ask(fd);
}
