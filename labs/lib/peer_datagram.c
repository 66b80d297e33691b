/*
 * peer_datagram.c - the steps on UDP. Each `send` is one datagram; each answer is held against the oldest
 * one that has not come back, and must come from the address that it was sent to.
 */
#include "peer_run.h"

#include "socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATAGRAM_MAX = 65536 };

bool peer_datagram_open(struct peer_run *run, struct peer_end *end)
{
    struct el_address local = run->step->address;
    char where[EL_ADDRESS_TEXT];
    if (local.length == 0)
        local = el_address_any(AF_INET, 0);
    struct el_socket_args args = {.type = SOCK_DGRAM, .local = local};
    peer_expected(run, "a UDP socket on %s", el_address_print(&local, where));
    int fd = el_socket_open(el_address_family(&local), &args, NULL);
    if (fd < 0)
        return peer_fail_errno(run, -fd, "socket(2) or bind(2)");
    end->fd = fd;
    end->kind = PEER_DATAGRAMS;
    el_socket_local(fd, &end->local);
    peer_did(run, "opened a UDP socket on %s", el_address_print(&end->local, where));
    peer_fact(end, "port %u", el_address_port(&end->local));
    return true;
}

/* connect(2) to the step's address, or to that of `to`. */
bool peer_datagram_connect(struct peer_run *run, struct peer_end *end)
{
    char where[EL_ADDRESS_TEXT];
    if (run->step->address.length > 0)
        end->to = run->step->address;
    peer_expected(run, "connect(2) to %s", el_address_print(&end->to, where));
    int error = -el_socket_connect(end->fd, &end->to, NULL);
    if (error != 0)
        return peer_fail_errno(run, error, "connect(2)");
    end->connected = true;
    el_socket_local(end->fd, &end->local);
    peer_did(run, "connected the UDP socket to %s", where);
    return true;
}

bool peer_datagram_forget(struct peer_run *run, struct peer_end *end)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    peer_expected(run, "connect(2) with AF_UNSPEC");
    if (connect(end->fd, &nobody, sizeof nobody) < 0)
        return peer_fail_errno(run, errno, "connect(2)");
    end->connected = false;
    peer_did(run, "dissolved the connection of the UDP socket (AF_UNSPEC)");
    return true;
}

bool peer_datagram_errors(struct peer_run *run, struct peer_end *end)
{
    int on = 1;
    bool six = el_address_family(&end->local) == AF_INET6;
    peer_expected(run, "IP_RECVERR");
    if (setsockopt(end->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR, &on,
                   sizeof on) < 0)
        return peer_fail_errno(run, errno, "setsockopt(2)");
    end->errors = true;
    peer_did(run, "asked for the error queue (IP_RECVERR)");
    return true;
}

/* Where a datagram goes: where it was told to; else, as a server, whence the last one came. */
static const struct el_address *destination(const struct peer_run *run, struct peer_end *end)
{
    const struct el_address *other = &end->source;
    for (size_t i = 0; run->step->other[0] != '\0' && i < run->end_count; i++)
        if (strcmp(run->ends[i]->name, run->step->other) == 0)
            other = &run->ends[i]->source;
    if (run->step->data == PEER_RECEIVED || end->to.length == 0)
        return other;
    return &end->to;
}

bool peer_datagram_send(struct peer_run *run, struct peer_end *end)
{
    size_t size;
    unsigned char *data = peer_payload(run, end, &size);
    if (data == NULL)
        return false;
    char where[EL_ADDRESS_TEXT], shown[100];
    const struct el_address *to = destination(run, end);
    peer_expected(run, "a datagram of %zu byte%s can be sent", size, size == 1 ? "" : "s");
    ssize_t n = end->connected ? send(end->fd, data, size, MSG_NOSIGNAL)
                               : sendto(end->fd, data, size, MSG_NOSIGNAL, &to->sa, to->length);
    if (n < 0) {
        free(data);
        return peer_fail_errno(run, errno, "sendto(2)");
    }
    end->sent += size;
    el_address_print(to, where);
    if (run->step->data == PEER_RANDOM)
        snprintf(shown, sizeof shown, "random, seed %llu", (unsigned long long)run->seed);
    else
        peer_show_bytes(shown, sizeof shown, data, size);
    peer_did(run, "sent a datagram of %zu byte%s (%s) to %s", size, size == 1 ? "" : "s", shown,
             where);
    bool good =
        run->step->data == PEER_RECEIVED || (peer_bytes_add(&end->unechoed, data, size) &&
                                             peer_bytes_add(&end->lengths, &size, sizeof size));
    free(data);
    return good || peer_fail(run, PEER_ERROR, "lab_peer: out of memory");
}

/* ---- what comes back -------------------------------------------------------------------------- */

static unsigned char arrived[DATAGRAM_MAX];

/* One datagram into `arrived`, its sender into end->source: its length; -ETIME: none came; or -errno. */
static ssize_t get_datagram(struct peer_run *run, struct peer_end *end,
                            const struct peer_limit *limit)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t from_length = sizeof from;
        ssize_t n =
            recvfrom(end->fd, arrived, sizeof arrived, 0, (struct sockaddr *)&from, &from_length);
        if (n >= 0) {
            el_address_from_sockaddr((struct sockaddr *)&from, from_length, &end->source);
            end->got += (size_t)n;
            return n;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (errno == EAGAIN && !peer_wait(run, end, POLLIN, limit))
            return -ETIME;
    }
}

static bool no_datagram(struct peer_run *run, ssize_t how, el_time since)
{
    if (how == -ETIME)
        return peer_fail(run, PEER_SILENCE, "%s", peer_nothing(run, since));
    return peer_fail_errno(run, (int)-how, "recvfrom(2)");
}

static bool is_from_there(struct peer_run *run, const struct peer_end *end)
{
    char from[EL_ADDRESS_TEXT], to[EL_ADDRESS_TEXT];
    if (end->to.length == 0 || el_address_equal(&end->source, &end->to))
        return true;
    return peer_fail(run, PEER_WRONG_SOURCE, "a datagram from %s, where %s was asked",
                     el_address_print(&end->source, from), el_address_print(&end->to, to));
}

static bool expect_datagram(struct peer_run *run, struct peer_end *end, const unsigned char *want,
                            size_t length)
{
    struct peer_limit limit = peer_limit(run);
    el_time began = el_now();
    ssize_t n = get_datagram(run, end, &limit);
    if (n < 0)
        return no_datagram(run, n, began);
    if (!is_from_there(run, end))
        return false;
    size_t size = (size_t)n, same = 0;
    while (same < size && same < length && arrived[same] == want[same])
        same++;
    if (same == length && same == size)
        return true;
    peer_show_bytes(run->got, sizeof run->got, arrived + same, size - same < 16 ? size - same : 16);
    peer_show_bytes(run->want, sizeof run->want, want + same,
                    length - same < 16 ? length - same : 16);
    if (same == size)
        return peer_fail(run, PEER_TRUNCATED, "a datagram of %zu byte%s: the rest is missing", size,
                         size == 1 ? "" : "s");
    if (same == length)
        return peer_fail(run, PEER_EXTRA, "a datagram of %zu bytes: %zu more than were sent", size,
                         size - same);
    return peer_fail(run, PEER_DIFFERS,
                     "a datagram of %zu byte%s, but byte %zu is 0x%02x instead of 0x%02x", size,
                     size == 1 ? "" : "s", same, arrived[same], want[same]);
}

static bool expect_echo(struct peer_run *run, struct peer_end *end)
{
    size_t length;
    char from[EL_ADDRESS_TEXT];
    if (peer_bytes_length(&end->lengths) == 0) {
        peer_expected(run, "an echo");
        return peer_fail(run, PEER_ERROR, "nothing was sent that has not come back");
    }
    memcpy(&length, end->lengths.data + end->lengths.start, sizeof length);
    peer_expected(run, "a datagram of %zu byte%s, the same, from %s", length,
                  length == 1 ? "" : "s", el_address_print(&end->to, from));
    if (!expect_datagram(run, end, end->unechoed.data + end->unechoed.start, length))
        return false;
    peer_bytes_drop(&end->unechoed, length);
    peer_bytes_drop(&end->lengths, sizeof length);
    peer_did(run, "got the datagram of %zu byte%s back, the same", length, length == 1 ? "" : "s");
    return true;
}

/* refused, unreachable: the ICMP error that the kernel hands over with the next call. */
static bool expect_error(struct peer_run *run, struct peer_end *end)
{
    struct peer_limit limit = peer_limit(run);
    bool refused = run->step->wanted == PEER_WANT_REFUSED;
    el_time began = el_now();
    peer_expected(run, "%s",
                  refused ? "ECONNREFUSED: an ICMP port unreachable came" : "an ICMP unreachable");
    ssize_t n = get_datagram(run, end, &limit);
    if (n >= 0)
        return peer_fail(run, PEER_EXTRA, "a datagram of %zd bytes", n);
    bool good = refused ? n == -ECONNREFUSED : n == -EHOSTUNREACH || n == -ENETUNREACH;
    if (!good)
        return no_datagram(run, n, began);
    peer_did(run, "heard %s", strerrorname_np((int)-n));
    return true;
}

static bool expect_silence(struct peer_run *run, struct peer_end *end)
{
    struct peer_limit limit = peer_limit(run);
    char from[EL_ADDRESS_TEXT];
    peer_expected(run, "no datagram for %ld ms", run->step->within);
    ssize_t n = get_datagram(run, end, &limit);
    if (n >= 0) {
        peer_show_bytes(run->got, sizeof run->got, arrived, (size_t)n);
        snprintf(run->want, sizeof run->want, "nothing");
        return peer_fail(run, PEER_EXTRA, "a datagram of %zd byte%s from %s", n, n == 1 ? "" : "s",
                         el_address_print(&end->source, from));
    }
    if (n != -ETIME)
        return no_datagram(run, n, el_now());
    peer_did(run, "heard nothing for %ld ms", run->step->within);
    return true;
}

bool peer_datagram_receive(struct peer_run *run, struct peer_end *end)
{
    struct peer_limit limit = peer_limit(run);
    char from[EL_ADDRESS_TEXT], shown[100];
    el_time began = el_now();
    peer_expected(run, "a datagram");
    ssize_t n = get_datagram(run, end, &limit);
    if (n < 0)
        return no_datagram(run, n, began);
    if (!is_from_there(run, end))
        return false;
    peer_bytes_clear(&end->received);
    if (!peer_bytes_add(&end->received, arrived, (size_t)n))
        return peer_fail(run, PEER_ERROR, "lab_peer: out of memory");
    peer_show_bytes(shown, sizeof shown, arrived, (size_t)n);
    el_address_print(&end->source, from);
    peer_fact(end, "source %s", from);
    peer_fact(end, "datagram %zd", n);
    peer_fact(end, "received %s", shown);
    peer_did(run, "received a datagram of %zd byte%s from %s: %s", n, n == 1 ? "" : "s", from,
             shown);
    return true;
}

bool peer_datagram_expect(struct peer_run *run, struct peer_end *end)
{
    char shown[160];
    switch (run->step->wanted) {
    case PEER_WANT_ECHO:
        return expect_echo(run, end);
    case PEER_WANT_TEXT:
        peer_show_bytes(shown, sizeof shown, run->step->bytes, run->step->length);
        peer_expected(run, "a datagram with %s", shown);
        if (!expect_datagram(run, end, run->step->bytes, run->step->length))
            return false;
        peer_did(run, "got a datagram with %s", shown);
        return true;
    case PEER_WANT_DATAGRAM:
        return peer_datagram_receive(run, end);
    case PEER_WANT_SILENCE:
        return expect_silence(run, end);
    case PEER_WANT_REFUSED:
    case PEER_WANT_UNREACHABLE:
        return expect_error(run, end);
    default:
        peer_expected(run, "a step that makes sense on UDP");
        return peer_fail(run, PEER_ERROR, "a datagram socket has no end of stream and no reset");
    }
}
