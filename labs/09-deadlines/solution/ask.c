/*
 * ask.c - asks an echo server numbered questions, and never waits longer than it was told to.
 *
 * Teaches:  a timeout is a length of time and begins anew with each call; a deadline is an instant,
 *           computed once and handed down to every wait of the operation.
 * Run:      ./ask -n 3 -r 300 127.0.0.1 7007
 * Partner:  clients/tcp_echo.c, which is to be used; this one is to be read.
 * Leaves out: names (an IPv4 address only), and more than one request at a time: safe, only slower.
 * Next:     solution/NOTES.md
 *
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

static instant end_of_run; /* no operation outlives it */
static uint8_t *request;   /* 4 bytes of sequence number in network order, then random ones */
static uint8_t *echo;      /* what came back: as many bytes */
static size_t have;        /* how much of it has come: outlives a deadline, or we would lose step */

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

/* The deadline of an operation that begins now: its own or that of the run, whichever is earlier. */
static instant by(long ms)
{
    instant own = now() + (instant)ms * MS;
    return own < end_of_run ? own : end_of_run;
}

/*
 * Waits until fd is ready. False, with ETIMEDOUT, when the deadline comes first. What is left is
 * computed again after each EINTR, and rounded up: poll(2) would return too early by part of a
 * millisecond, and this loop would spin until the clock catches up.
 */
static bool wait_until(int fd, short events, instant deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (instant left; (left = deadline - now()) > 0;) {
        int ready = poll(&p, 1, (int)((left + MS - 1) / MS));
        if (ready > 0)
            return true; /* POLLERR and POLLHUP too: the call that follows says what it is */
        if (ready < 0 && errno != EINTR)
            lab_die("poll");
    }
    errno = ETIMEDOUT;
    return false;
}

/* Returns a connected, non-blocking socket, or -1 with errno. */
static int connect_by(const struct sockaddr_in *peer, instant deadline)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    int error = connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0 ? errno : 0;
    if (error == EINPROGRESS) /* writable means: it is decided. SO_ERROR says how */
        error = wait_until(fd, POLLOUT, deadline) ? pending_error(fd) : errno;
    if (error == 0)
        return fd;
    close(fd); /* and with it the kernel stops sending SYNs */
    errno = error;
    return -1;
}

/* Sends the request. False with errno: then part of it may have gone. */
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

/* Fills `echo`. False with errno, 0 for end of file: then what has come is kept for the next call. */
static bool receive_by(int fd, instant deadline)
{
    while (have < size) {
        if (!wait_until(fd, POLLIN, deadline))
            return false;
        ssize_t n = recv(fd, echo + have, size - have, 0);
        if (n == 0)
            errno = 0;
        if (n > 0)
            have += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return false;
    }
    have = 0;
    return true;
}

/* Waits for the echo of request `seq`, and takes late ones for what they are. False with errno. */
static bool await_echo(int fd, uint32_t seq, instant deadline)
{
    while (receive_by(fd, deadline)) {
        uint32_t theirs = get_number(echo);
        if (theirs < 1 || theirs > seq || memcmp(echo + 4, request + 4, size - 4) != 0) {
            errno = EBADMSG; /* not ours */
            return false;
        }
        if (theirs == seq)
            return true;
        printf("seq %u late\n", theirs);
    }
    return false;
}

/* Asks all questions. Returns the exit code. */
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
