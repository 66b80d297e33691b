/*
 * echo_stream.c - the echo itself: what to do with bytes when read and write are not enough.
 *
 * Teaches:  a write may be short, so the rest must be kept; what is kept must be bounded, so reading must stop
 *           (backpressure); the end of the peer's bytes is not the end of ours (half-close); and whatever a peer may
 *           leave undone, from reading to closing, must have a limit.
 * Partner:  echo_stream.h; servers/tcp_echo_server.c puts it to work; clients/tcp_echo.c is the other end.
 * Leaves out: any protocol. There are no messages here, only bytes, and TCP keeps no boundary between two
 *           writes of the client: it is a stream (RFC 9293 section 2.2). RFC 862 asks for no more.
 *
 * The life of a connection:
 *
 *            bytes: read, write at once                the peer's FIN (read = 0), an error, a limit
 *          .---------.                                                    |
 *          v         |                                                    v
 *   added ----> ECHOING ---- write was short: keep the rest ---> STALLED ---> close
 *                  ^                                                |
 *                  '--------- the rest has gone --------------------'
 *
 * ECHOING waits to read and holds no buffer; STALLED waits to write and does not read. So a connection costs
 * its struct, and `buffer` bytes at most while its peer is not reading. [#backpressure]
 */
#include "echo_stream.h"

#include "counter.h"
#include "options.h"
#include "ticker.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORTH_GIVING_BACK = 1 << 20 }; /* bytes */
static const struct timeval DRAIN_LOOK = {.tv_usec = 250000};

struct el_echo {
    struct el_echo_args args;
    struct el_limits limits;  /* every connection is in it */
    struct el_ticker *ticker; /* runs while there are connections, and one tick longer */
    struct event *drain_timer;
    size_t stalled, most_stalled; /* now; since memory was given back */
    unsigned char
        buffer[]; /* [#shared-buffer] one for all: between two callbacks nobody's bytes are in it */
};

/* Kept small, for ten thousand idle ones: half of it is libevent's event. */
struct connection {
    struct event event; /* to read while ECHOING, to write while STALLED */
    struct el_timed timed;
    struct el_echo *echo;
    unsigned char *rest; /* what a short write left over; NULL while ECHOING */
    uint32_t rest_from, rest_to;
    bool quiet; /* while draining: no bytes since the last look */
    struct el_address peer;
};

/* ---- the end of a connection --------------------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static const char *state_of(int fd)
{
    struct el_tcp_info info;
    return el_socket_tcp_info(fd, &info) == 0 ? el_tcp_state_name(info.state) : "?";
}

/*
 * Closes and frees. `why` is for the narration. With `reset` the peer gets RST, and the kernel forgets what it still held for
 * it: right where the peer does not read, since a FIN would wait behind those bytes. Without it close(2) returns at once
 * and the kernel sends what is left, then FIN, by itself.
 */
static void end_connection(struct connection *connection, const char *why, bool reset)
{
    struct el_echo *echo = connection->echo;
    int fd = event_get_fd(&connection->event);
    char text[EL_ADDRESS_TEXT];
    el_narrate(echo->args.narrator, EL_TOPIC_CALL, "close(%d): %s, %s, state was %s: %s is sent",
               fd, el_address_print(&connection->peer, text), why, state_of(fd),
               reset ? "RST" : "FIN");
    if (connection->timed.stalled)
        echo->stalled--;
    event_del(&connection->event); /* before close(2): epoll must not learn of it by surprise */
    el_limits_end(&connection->timed);
    if (reset)
        el_socket_reset_on_close(fd);
    el_socket_close(fd);
    el_count(&echo->args.counters->closed, 1);
    el_count(&echo->args.counters->active, (uint64_t)-1);
    const struct el_address peer = connection->peer;
    free(connection->rest);
    free(connection);
    echo->args.ended(echo->args.arg, &peer);
}

/*
 * recv(2) or send(2) failed with `error`. ECONNRESET and EPIPE are the peer's right (it closed with data unread, or died);
 * the others mean that the network gave up: ETIMEDOUT (retransmissions ran out), EHOSTUNREACH, ENETUNREACH (ICMP
 * said so meanwhile), ENOBUFS, ENOMEM (ours). None is worth more than this connection.
 */
static void fail_connection(struct connection *connection, const char *call, int error)
{
    struct el_echo *echo = connection->echo;
    char text[EL_ADDRESS_TEXT];
    bool reset = error == ECONNRESET || error == EPIPE;
    el_count(reset ? &echo->args.counters->resets : &echo->args.counters->errors, 1);
    el_log(echo->args.trace, reset ? EL_DEBUG : EL_WARN, "%s: %s: %s",
           el_address_print(&connection->peer, text), call, strerror(error));
    el_narrate(echo->args.narrator, EL_TOPIC_CALL, "%s(%d) = -1 %s", call,
               event_get_fd(&connection->event), el_errno_name(error));
    end_connection(connection, "broken", true);
}

/* ---- limits -------------------------------------------------------------------------------------- */

static struct connection *connection_of(struct el_timed *timed)
{
    return (struct connection *)((char *)timed - offsetof(struct connection, timed));
}

/* A limit is reached. Whoever does not read is reset; the others get a FIN behind their last echo. Frees. */
static bool on_limit(void *arg, struct el_timed *timed, enum el_limit limit)
{
    struct el_echo *echo = arg;
    struct connection *connection = connection_of(timed);
    struct el_echo_counters *counters = echo->args.counters;
    switch (limit) {
    case EL_LIMIT_IDLE:
        el_count(&counters->timed_out_idle, 1);
        end_connection(connection, "no byte moved (idle limit)", timed->stalled);
        break;
    case EL_LIMIT_WRITE:
        el_count(&counters->timed_out_write, 1);
        end_connection(connection, "it does not read its echo (write limit)", true);
        break;
    case EL_LIMIT_LIFETIME:
        el_count(&counters->timed_out_lifetime, 1);
        end_connection(connection, "its time is up (lifetime limit)", timed->stalled);
        break;
    case EL_LIMIT_NONE:
        return true;
    }
    return false;
}

/*
 * [#give-back] A crowd that did not read has left. What was kept for it is free, but still ours: malloc(3) returns memory to the
 * kernel from the top of its heap alone, and somebody small is always sitting there. One bad minute must not be paid for all
 * term.
 */
static void give_back(struct el_echo *echo)
{
    if (echo->stalled > 0 || echo->most_stalled * echo->args.buffer < WORTH_GIVING_BACK)
        return;
    malloc_trim(0);
    echo->most_stalled = 0;
}

static void on_tick(void *arg)
{
    struct el_echo *echo = arg;
    give_back(echo);
    if (echo->args.counters->active == 0)
        el_ticker_stop(echo->ticker); /* nothing to time: an idle server sleeps */
    else
        el_limits_turn(&echo->limits, on_limit, echo);
}

/* ---- the echo ------------------------------------------------------------------------------------ */

/* Changes what the connection waits for. Two epoll_ctl(2), and only when a peer stops or starts to read. The second may run
 * out of memory: a connection that is not watched would stay until a limit finds it, so it ends now. May free it. */
static void wait_for(struct connection *connection, short what, event_callback_fn callback)
{
    int fd = event_get_fd(&connection->event);
    event_del(&connection->event);
    event_assign(&connection->event, connection->echo->args.base, fd, what | EV_PERSIST, callback,
                 connection);
    if (event_add(&connection->event, NULL) < 0)
        fail_connection(connection, "epoll_ctl", ENOMEM);
}

/*
 * Writes what the kernel will take. Returns how much; -1 when the connection has been freed.
 * EAGAIN: its send buffer is full. EINTR: nothing was written, and we shall be called again. EPIPE comes as an
 * errno because service.c ignores SIGPIPE.
 */
static ssize_t write_some(struct connection *connection, const unsigned char *data, size_t length)
{
    struct el_echo *echo = connection->echo;
    int fd = event_get_fd(&connection->event);
    ssize_t sent = send(fd, data, length, 0);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        fail_connection(connection, "send", errno);
        return -1;
    }
    if (sent < 0)
        sent = 0;
    el_count(&echo->args.counters->bytes_out, (uint64_t)sent);
    el_narrate(echo->args.narrator, EL_TOPIC_CALL, "send(%d, %zu bytes) = %zd%s", fd, length, sent,
               (size_t)sent < length ? ": the peer is not reading, its window is full" : "");
    return sent;
}

/* [#short-write] The kernel took less than we read. The rest is copied out of the shared buffer, the next client needs
 * that; and we read no more from this one until it has gone, so that its own sending slows down. */
static void stall(struct connection *connection, const unsigned char *rest, size_t length)
{
    struct el_echo *echo = connection->echo;
    connection->rest = malloc(length);
    if (connection->rest == NULL) {
        fail_connection(connection, "malloc", ENOMEM);
        return;
    }
    memcpy(connection->rest, rest, length);
    connection->rest_from = 0;
    connection->rest_to = (uint32_t)length;
    el_narrate(echo->args.narrator, EL_TOPIC_STEP,
               "%zu bytes kept; descriptor %d is not read until they have gone", length,
               (int)event_get_fd(&connection->event));
    el_limits_stall(&echo->limits, &connection->timed, true);
    if (++echo->stalled > echo->most_stalled)
        echo->most_stalled = echo->stalled;
    wait_for(connection, EV_WRITE, on_writable);
}

/* The peer takes bytes again, or has gone (EPOLLERR and EPOLLHUP come as writable too). May free. */
static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *connection = arg;
    size_t length = connection->rest_to - connection->rest_from;
    (void)fd, (void)what;
    ssize_t sent = write_some(connection, connection->rest + connection->rest_from, length);
    if (sent <= 0)
        return;
    el_limits_moved(&connection->echo->limits, &connection->timed);
    connection->quiet = false;
    connection->rest_from += (uint32_t)sent;
    if (connection->rest_from < connection->rest_to)
        return;
    free(connection->rest);
    connection->rest = NULL;
    connection->echo->stalled--;
    el_limits_stall(&connection->echo->limits, &connection->timed, false);
    wait_for(connection, EV_READ, on_readable);
}

/*
 * Bytes, or an end. One read per wake-up, however much there is: the loop is level-triggered and comes back, after it has
 * served the others. [#fair] May free the connection. [#past-the-file-layer] recv(2) does on a socket what read(2) does, and
 * send(2) what write(2) does, without the layer of files on the way there: 2 % of what a message costs.
 */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *connection = arg;
    struct el_echo *echo = connection->echo;
    (void)what;
    ssize_t got = recv(fd, echo->buffer, echo->args.buffer, 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail_connection(connection, "recv", errno);
        return;
    }
    if (got == 0) {
        /* [#half-close] The peer has said all it will say; it may still be reading. As we read only when nothing is
         * owed, every byte has been handed to the kernel by now, and our FIN will follow the last of them. */
        el_narrate(echo->args.narrator, EL_TOPIC_CALL, "recv(%d) = 0: the peer's FIN, state %s", fd,
                   state_of(fd));
        end_connection(connection, "every byte was echoed", false);
        return;
    }
    el_limits_moved(&echo->limits, &connection->timed);
    connection->quiet = false;
    el_count(&echo->args.counters->bytes_in, (uint64_t)got);
    el_narrate(echo->args.narrator, EL_TOPIC_CALL, "recv(%d) = %zd bytes", fd, got);
    ssize_t sent = write_some(connection, echo->buffer, (size_t)got);
    if (sent >= 0 && sent < got)
        stall(connection, echo->buffer + sent, (size_t)(got - sent));
}

/* ---- all of them ---------------------------------------------------------------------------------- */

/* What the handshake has settled, before the first byte (TCP_INFO, tcp(7)). */
static void narrate_beginning(struct el_trace *say, int fd, const struct el_address *peer)
{
    struct el_address local;
    struct el_tcp_info info;
    char from[EL_ADDRESS_TEXT], to[EL_ADDRESS_TEXT], rtt[24];
    if (!el_explaining(say) || el_socket_local(fd, &local) < 0 || el_socket_tcp_info(fd, &info) < 0)
        return;
    el_explain(say, EL_TOPIC_STATE, "%d: %s to %s, state %s, RTT %s, MSS %u", fd,
               el_address_print(peer, from), el_address_print(&local, to),
               el_tcp_state_name(info.state),
               el_print_duration(info.rtt_us * EL_US, rtt, sizeof rtt), info.send_mss);
}

void el_echo_add(struct el_echo *echo, int fd, const struct el_address *peer)
{
    struct connection *connection = malloc(sizeof *connection);
    if (connection == NULL) {
        el_log(echo->args.trace, EL_WARN, "accept: malloc: %s", strerror(ENOMEM));
        el_count(&echo->args.counters->errors, 1);
        el_socket_close(fd);
        echo->args.ended(echo->args.arg, peer);
        return;
    }
    narrate_beginning(el_narrator_step(echo->args.narrator), fd, peer);
    *connection = (struct connection){.echo = echo, .peer = *peer};
    el_count(&echo->args.counters->accepted, 1);
    el_count(&echo->args.counters->active, 1);
    el_ticker_start(echo->ticker);
    el_limits_begin(&echo->limits, &connection->timed);
    event_assign(&connection->event, echo->args.base, fd, EV_READ | EV_PERSIST, on_readable,
                 connection);
    if (event_add(&connection->event, NULL) < 0)
        fail_connection(connection, "epoll_ctl", ENOMEM);
}

/*
 * [#unread-is-not-quiet] With thousands of busy clients, or after a moment without a CPU, a client may look quiet because we have
 * not come to its bytes yet. To close then would be worse than rude: with bytes unread, close(2) sends RST.
 */
static bool is_waiting_for_us(const struct connection *connection)
{
    char byte;
    return recv(event_get_fd(&connection->event), &byte, sizeof byte, MSG_PEEK) > 0;
}

/* Whoever has been quiet for a whole look and is owed nothing has had its answer. May free it. */
static bool close_if_quiet(void *arg, struct el_timed *timed, enum el_limit limit)
{
    struct connection *connection = connection_of(timed);
    (void)arg, (void)limit;
    if (connection->quiet && !timed->stalled && !is_waiting_for_us(connection)) {
        end_connection(connection, "quiet, and the server is stopping", false);
        return false;
    }
    connection->quiet = true;
    return true;
}

static void on_drain_look(evutil_socket_t fd, short what, void *arg)
{
    struct el_echo *echo = arg;
    (void)fd, (void)what;
    el_limits_visit_all(&echo->limits, close_if_quiet, echo);
}

void el_echo_drain(struct el_echo *echo)
{
    event_add(echo->drain_timer, &DRAIN_LOOK); /* cannot fail, see [reserve-timers] */
}

struct el_echo *el_echo_new(const struct el_echo_args *args)
{
    struct el_echo *echo = calloc(1, sizeof *echo + args->buffer);
    if (echo == NULL)
        return NULL;
    echo->args = *args;
    el_limits_init(&echo->limits, &args->limits);
    echo->ticker = el_ticker_new(&(struct el_ticker_args){
        .base = args->base,
        .interval = echo->limits.tick,
        .tick = on_tick,
        .arg = echo,
    });
    echo->drain_timer = event_new(args->base, -1, EV_PERSIST, on_drain_look, echo);
    if (echo->ticker != NULL && echo->drain_timer != NULL)
        return echo;
    el_echo_free(echo);
    return NULL;
}

static bool cut_off(void *arg, struct el_timed *timed, enum el_limit limit)
{
    (void)arg, (void)limit;
    end_connection(connection_of(timed), "the server stops", timed->stalled);
    return false;
}

void el_echo_free(struct el_echo *echo)
{
    if (echo == NULL)
        return;
    el_limits_visit_all(&echo->limits, cut_off, echo);
    el_ticker_free(echo->ticker);
    if (echo->drain_timer != NULL)
        event_free(echo->drain_timer);
    free(echo);
}
