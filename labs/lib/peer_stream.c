/*
 * peer_stream.c - the steps on TCP: connect, listen, accept, send, and what may come back.
 *
 * Everything is non-blocking, and every wait is peer_wait(). The bytes that are sent stay in
 * `end->unechoed` until an `expect echo` has seen them again.
 */
#include "peer_run.h"

#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PUSH_PAUSE_MS = 300 };

static bool opened(struct peer_run *run, struct peer_end *end, int fd)
{
    if (fd < 0)
        return peer_fail_errno(run, -fd, "socket(2) or bind(2)");
    end->fd = fd;
    end->kind = PEER_STREAM;
    return true;
}

static void know_addresses(struct peer_end *end)
{
    char text[EL_ADDRESS_TEXT];
    el_socket_local(end->fd, &end->local);
    peer_fact(end, "local %s", el_address_print(&end->local, text));
}

/* ---- connect, listen, accept ------------------------------------------------------------------ */

/* 0, or the errno with which the attempt ended; ETIME: nothing had come of it when the time was up. */
static int try_connect(struct peer_run *run, struct peer_end *end)
{
    struct peer_limit limit = peer_limit(run);
    limit.pause = EL_NEVER; /* a handshake has no progress to see but its end */
    if (run->step->within < 0)
        limit.total = el_time_after(el_now(), run->deadline);
    pid_t watched = run->watched;
    run->watched = 0; /* the kernel shakes hands, not the program */
    int error = -el_socket_connect(end->fd, &run->step->address, NULL);
    if (error == EINPROGRESS)
        error =
            peer_wait(run, end, POLLOUT, &limit) ? -el_socket_connect_finish(end->fd, NULL) : ETIME;
    run->watched = watched;
    return error == ELOOP ? ECONNREFUSED : error; /* it met itself: so nobody listens there */
}

/* The script says that this connection must not come about. */
static bool expect_no_connection(struct peer_run *run, int error, const char *where)
{
    static const struct {
        enum peer_wanted wanted;
        int errors[3];
        const char *words;
    } outcomes[] = {
        {PEER_WANT_REFUSED, {ECONNREFUSED}, "refused (ECONNREFUSED)"},
        {PEER_WANT_TIMEOUT, {ETIME, ETIMEDOUT}, "no answer at all"},
        {PEER_WANT_RESET, {ECONNRESET}, "reset in the handshake"},
        {PEER_WANT_UNREACHABLE, {EHOSTUNREACH, ENETUNREACH}, "unreachable"},
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (outcomes[i].wanted != run->step->wanted)
            continue;
        peer_expected(run, "the connection to %s is %s", where, outcomes[i].words);
        for (size_t k = 0; k < 3; k++)
            if (error != 0 && error == outcomes[i].errors[k]) {
                peer_did(run, "tried to connect to %s: %s, as it should be", where,
                         outcomes[i].words);
                return true;
            }
    }
    if (error == 0)
        return peer_fail(run, PEER_EXTRA, "the connection came about");
    if (error == ETIME)
        return peer_fail(run, PEER_TIMED_OUT, "no answer at all");
    return peer_fail_errno(run, error, "connect(2)");
}

bool peer_stream_connect(struct peer_run *run, struct peer_end *end)
{
    const struct peer_step *step = run->step;
    char where[EL_ADDRESS_TEXT];
    el_address_print(&step->address, where);
    struct el_socket_args args = {.type = SOCK_STREAM, .local = step->from};
    if (!opened(run, end, el_socket_open(el_address_family(&step->address), &args, NULL)))
        return false;
    el_time began = el_now();
    int error = try_connect(run, end);
    if (step->wanted != PEER_WANT_NOTHING) {
        bool good = expect_no_connection(run, error, where);
        peer_end_close(end);
        return good;
    }
    peer_expected(run, "a connection to %s", where);
    if (error == ETIME)
        return peer_fail(run, PEER_TIMED_OUT, "%s: no answer at all", peer_nothing(run, began));
    if (error != 0)
        return peer_fail_errno(run, error, "connect(2)");
    end->peer = step->address;
    know_addresses(end);
    peer_did(run, "connected to %s", where);
    return true;
}

bool peer_stream_listen(struct peer_run *run, struct peer_end *end)
{
    char where[EL_ADDRESS_TEXT];
    struct el_socket_args args = {
        .type = SOCK_STREAM, .local = run->step->address, .reuse_address = true};
    peer_expected(run, "to listen on %s", el_address_print(&run->step->address, where));
    if (!opened(run, end, el_socket_open(el_address_family(&run->step->address), &args, NULL)))
        return false;
    end->kind = PEER_LISTENER;
    int error = -el_socket_listen(end->fd, run->step->backlog, NULL);
    if (error != 0)
        return peer_fail_errno(run, error, "listen(2)");
    el_socket_local(end->fd, &end->local);
    peer_did(run, "listened on %s", el_address_print(&end->local, where));
    peer_fact(end, "port %u", el_address_port(&end->local));
    return true;
}

bool peer_stream_accept(struct peer_run *run, struct peer_end *end, struct peer_end *listener)
{
    struct peer_limit limit = peer_limit(run);
    char where[EL_ADDRESS_TEXT];
    el_time began = el_now();
    peer_expected(run, "a client connects to %s", el_address_print(&listener->local, where));
    for (;;) {
        int fd = el_socket_accept(listener->fd, &end->peer, NULL);
        if (fd >= 0) {
            opened(run, end, fd);
            break;
        }
        if (fd != -EAGAIN)
            return peer_fail_errno(run, -fd, "accept(2)");
        if (!peer_wait(run, listener, POLLIN, &limit))
            return peer_fail(run, PEER_SILENCE, "nobody connected: %s", peer_nothing(run, began));
    }
    know_addresses(end);
    peer_fact(end, "peer %s", el_address_print(&end->peer, where));
    peer_did(run, "accepted a connection from %s", where);
    return true;
}

/* ---- send ------------------------------------------------------------------------------------- */

/* What goes now: > 0, 0 = it would block, else -errno. */
static ssize_t send_some(struct peer_end *end, const unsigned char *data, size_t size)
{
    ssize_t n;
    do
        n = send(end->fd, data, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    end->sent += (size_t)n;
    return n;
}

static bool send_failed(struct peer_run *run, ssize_t error, size_t done, size_t size)
{
    peer_fail_errno(run, (int)-error, "send(2)");
    size_t used = strlen(run->observed);
    snprintf(run->observed + used, sizeof run->observed - used, " after %zu of %zu bytes", done,
             size);
    return false;
}

/* All of it, in chunks of the step's `chunk` with its pauses. */
static bool send_all(struct peer_run *run, struct peer_end *end, const unsigned char *data,
                     size_t size)
{
    const struct peer_step *step = run->step;
    struct peer_limit limit = peer_limit(run);
    size_t chunk = step->chunk > 0 ? step->chunk : size, done = 0;
    while (done < size) {
        size_t upto = done + chunk < size ? done + chunk : size;
        while (done < upto) {
            el_time began = el_now();
            ssize_t n = send_some(end, data + done, upto - done);
            if (n < 0)
                return send_failed(run, n, done, size);
            done += (size_t)n;
            if (n == 0 && !peer_wait(run, end, POLLOUT, &limit))
                return peer_fail(run, PEER_TIMED_OUT, "%zu of %zu bytes went, then no room: %s",
                                 done, size, peer_nothing(run, began));
        }
        if (done < size && step->every > 0) {
            poll(NULL, 0, (int)step->every); /* the time between chunks is the subject */
            limit = peer_limit(run);
        }
    }
    return true;
}

static void tell_sent(struct peer_run *run, const unsigned char *data, size_t size)
{
    const struct peer_step *step = run->step;
    char dribble[80] = "", shown[100];
    if (step->chunk > 0)
        snprintf(dribble, sizeof dribble, ", %zu at a time, one each %ld ms", step->chunk,
                 step->every);
    if (step->data == PEER_RANDOM) {
        peer_did(run, "sent %zu random byte%s (seed %llu)%s", size, size == 1 ? "" : "s",
                 (unsigned long long)run->seed, dribble);
    } else {
        peer_show_bytes(shown, sizeof shown, data, size);
        peer_did(run, "sent %zu byte%s: %s%s", size, size == 1 ? "" : "s", shown, dribble);
    }
}

bool peer_stream_send(struct peer_run *run, struct peer_end *end)
{
    size_t size;
    unsigned char *data = peer_payload(run, end, &size);
    if (data == NULL)
        return false;
    peer_expected(run, "%zu bytes can be sent", size);
    bool good = send_all(run, end, data, size);
    if (good) {
        tell_sent(run, data, size);
        good = peer_bytes_add(&end->unechoed, data, size) ||
               peer_fail(run, PEER_ERROR, "lab_peer: out of memory");
    }
    free(data);
    return good;
}

/* Sends without reading, until nothing has gone for PUSH_PAUSE_MS. How much went is a fact, no failure. */
bool peer_stream_push(struct peer_run *run, struct peer_end *end)
{
    size_t size, done = 0;
    unsigned char *data = peer_payload(run, end, &size);
    if (data == NULL)
        return false;
    peer_expected(run, "the connection stays while %zu bytes are pushed into it", size);
    struct peer_limit limit = peer_limit(run);
    limit.pause = PUSH_PAUSE_MS * EL_MS;
    ssize_t n = 0;
    while (done < size && n >= 0) {
        n = send_some(end, data + done, size - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 && !peer_wait(run, end, POLLOUT, &limit))
            break;
    }
    run->quiet = NULL;
    run->spins = false;
    bool good = n >= 0 || send_failed(run, n, done, size);
    if (good) {
        peer_fact(end, "pushed %zu", done);
        peer_did(run, "pushed random bytes without reading (seed %llu): %zu of %zu went",
                 (unsigned long long)run->seed, done, size);
        good = peer_bytes_add(&end->unechoed, data, done);
    }
    free(data);
    return good;
}
