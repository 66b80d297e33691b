/*
 * udp_blocking.c - a UDP echo server that blocks: the smallest one that is not wrong.
 *
 * Teaches:  a UDP server has no connections. One socket hears everybody, and the only way to answer is to ask each
 *           datagram who sent it.
 * Run:      build/bin/udp_blocking              (then: echo hi | socat -t 1 - UDP:127.0.0.1:7007)
 *           wchan of its thread, in /proc/PID/task/, says where its life is spent
 * Partner:  clients/udp_echo.c. Life, options and counters: lib/service_model.c; whom it answers:
 *           lib/service_model_datagram.c
 * Leaves out, and what that costs:
 *           - two system calls a datagram, and one socket (safe, only slow)
 *           - any rate limit: safe because it binds loopback only (lib/service_model.c, [#loopback-only])
 *           - which of our addresses was probed: the reply leaves from the one the kernel picks, which is right on
 *             one address and wrong on a multi-homed host; udp_echo_server.c shows IP_PKTINFO
 * Next:     udp_epoll.c, where waiting moves out of recvfrom(2).
 */
#include "service_model_datagram.h"

#include <errno.h>

/*
 * Receives one datagram and sends it back. False: the socket is unusable.
 *
 * [#who-wrote-to-me] recvfrom(2) hands over the sender's address with the bytes. read(2) would give the same bytes and
 * leave no one to answer.
 */
static bool echo_one(struct el_model_worker *worker, int fd, unsigned char *buffer)
{
    struct el_address peer = {.length = sizeof peer.in6};

    /* [#udp-truncated] There is no "rest" of a datagram to read later: what the buffer does not hold is gone. MSG_TRUNC
     * makes the result the real length, even so, and el_model_may_answer drops what was cut. */
    ssize_t got =
        recvfrom(fd, buffer, worker->options->max_datagram, MSG_TRUNC, &peer.sa, &peer.length);
    if (got < 0)
        return el_model_receive_again(worker, "recvfrom", errno);

    /* [#zero-is-no-end] Zero bytes *from somebody* is a datagram like any other, and is echoed too. Zero from nobody is no
     * datagram: the main thread ended our wait with shutdown(2), and serve() looks what it wants. */
    if (peer.length == 0)
        return true;
    if (!el_model_may_answer(worker, &peer, (size_t)got))
        return true;

    /* MSG_DONTWAIT: if the socket's send buffer is full (EAGAIN), waiting would only move the queue: those who
     * wrote meanwhile would be lost instead. MSG_NOSIGNAL is for streams; a datagram socket raises no SIGPIPE. */
    ssize_t sent = sendto(fd, buffer, (size_t)got, MSG_DONTWAIT, &peer.sa, peer.length);
    if (sent < 0) /* EINTR cannot come to a call that does not wait */
        el_model_count_unsent(worker, 1, errno);
    else
        el_model_count_replies(worker, 1, (size_t)sent); /* always whole: a datagram is not cut */
    return true;
}

static void serve(struct el_model_worker *worker)
{
    unsigned char buffer[EL_MODEL_DATAGRAM_MAX]; /* one datagram at a time: one buffer is enough */
    int fd = worker->context->sockets[0];

    while (el_service_order(worker->context) == EL_ORDER_SERVE && echo_one(worker, fd, buffer))
        ; /* the whole life of this server is spent inside recvfrom(2) */
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "udp_blocking",
        .name = "blocking",
        .about = "Sends every datagram back, one at a time: recvfrom(2), sendto(2).",
        .type = SOCK_DGRAM,
        .blocks = true,
        .one_socket = true,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
