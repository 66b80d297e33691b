/*
 * udp_epoll.c - a UDP echo server that waits for many sockets in one place.
 *
 * Teaches:  waiting and receiving are two things. epoll_wait(2) waits for all sockets at once, and for whatever else has
 *           a descriptor; the sockets themselves never wait. The price is a third system call for each lone datagram.
 * Run:      build/bin/udp_epoll --listen 127.0.0.1:7007 --listen '[::1]:7007'
 * Partner:  clients/udp_echo.c; udp_blocking.c, whose waiting moved here
 * Leaves out, and what that costs:
 *           - several datagrams a call: a busy socket costs two calls for each (safe, only slow)
 *           - any rate limit: safe because it binds loopback only (lib/service_model.c, [#loopback-only])
 *           - which of our addresses was probed: wrong on a multi-homed host, see udp_echo_server.c
 * Next:     udp_batch.c, which receives and sends many with one call.
 */
#include "service_model_datagram.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS = 16,
    TURN = 16, /* datagrams of one socket before it is the others' turn */
};

/*
 * Receives one datagram and sends it back. Returns 1; 0 when there is none; -1 when the socket is unusable. For what
 * is said in udp_blocking.c about length, sender and errors, look there.
 */
static int echo_one(struct el_model_worker *worker, int fd, unsigned char *buffer)
{
    struct el_address peer = {.length = sizeof peer.in6};
    ssize_t got =
        recvfrom(fd, buffer, worker->options->max_datagram, MSG_TRUNC, &peer.sa, &peer.length);
    if (got < 0) {
        /* [#readable-is-a-hint] EAGAIN although epoll_wait(2) said "readable": the queue is drained, or a datagram's checksum
         * was found wrong only now (udp(7)). So the socket must be non-blocking, or we would be stuck in here. */
        int error = errno;
        if (error == EAGAIN)
            return 0;
        return el_model_receive_again(worker, "recvfrom", error) ? 1 : -1;
    }
    if (!el_model_may_answer(worker, &peer, (size_t)got))
        return 1;
    ssize_t sent = sendto(fd, buffer, (size_t)got, MSG_DONTWAIT, &peer.sa, peer.length);
    if (sent < 0)
        el_model_count_unsent(worker, 1, errno);
    else
        el_model_count_replies(worker, 1, (size_t)sent);
    return 1;
}

/*
 * [#a-turn-has-an-end] Whoever sends faster than we answer would keep us at his socket for ever. Level-triggered, epoll tells
 * of the rest again at once, behind the other sockets, so nothing is forgotten.
 */
static bool echo_a_turn(struct el_model_worker *worker, int fd, unsigned char *buffer)
{
    int result = 1;
    for (int i = 0; i < TURN && result > 0; i++)
        result = echo_one(worker, fd, buffer);
    return result >= 0;
}

/* 0, or -1 with errno: ENOSPC (fs.epoll.max_user_watches) or ENOMEM. */
static int watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int watch_all(int epoll, const struct el_worker_context *context)
{
    /* The main thread's orders are a descriptor too, so they need no trick here: a new one makes wake_fd readable. We never
     * read it: it stays so, and the next epoll_wait(2) would return at once as well. */
    int result = watch(epoll, context->wake_fd);
    for (size_t i = 0; i < context->socket_count && result == 0; i++)
        result = watch(epoll, context->sockets[i]);
    return result;
}

static void loop(struct el_model_worker *worker, int epoll)
{
    unsigned char
        buffer[EL_MODEL_DATAGRAM_MAX]; /* shared by all sockets: they are served in turn */
    bool usable = true;
    while (usable && el_service_order(worker->context) == EL_ORDER_SERVE) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        if (count < 0 && errno != EINTR) { /* a signal came first: as if nothing was ready */
            el_model_broken(worker, "epoll_wait", errno);
            return;
        }
        for (int i = 0; i < count && usable; i++)
            if (events[i].data.fd != worker->context->wake_fd)
                usable = echo_a_turn(worker, events[i].data.fd, buffer);
    }
}

static void serve(struct el_model_worker *worker)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        el_model_broken(worker, "epoll_create1", errno); /* EMFILE, ENFILE, ENOMEM */
        return;
    }
    if (watch_all(epoll, worker->context) == 0)
        loop(worker, epoll);
    else
        el_model_broken(worker, "epoll_ctl", errno);
    close(epoll);
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "udp_epoll",
        .name = "epoll",
        .about = "Sends every datagram back; epoll_wait(2) waits for all sockets at once.",
        .type = SOCK_DGRAM,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
