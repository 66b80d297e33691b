/*
 * tcp_echo.c - ping for a TCP echo service: probes on one connection, and what became of each.
 *
 * Teaches:  a stream has no messages. A write may be taken in part, an echo may come in pieces or
 *           two echoes in one read; so a probe is known by its *place* in the stream, and what is
 *           under way is kept until it has come back.
 * Run:      build/bin/tcp_echo_server &  build/bin/tcp_echo --explain 127.0.0.1
 * Partner:  servers/tcp_echo_server.c; lib/client.c has everything that is not about sockets.
 * Leaves out: reconnecting. What was lost with its connection stays lost, and the run ends.
 * Next:     servers/tcp_echo_server.c, the other end of these bytes.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "client.h"
#include "flight.h"

enum {
    WAKEUP_MAX = 16,      /* reads, or pieces of input, before other events get their turn */
    CHUNK = 64 * 1024,    /* bytes a read */
    FLIGHT_MIN = 1 << 20, /* bytes we may run ahead of the echo; a large probe twice its size */
};

struct tcp_echo {
    struct el_client_options options;
    struct el_client *client;
    struct el_trace *trace;
    int fd;
    struct event *readable, *writable;

    /* [#in-flight] What is under way: comparing the echo with it, byte for byte in order, is the
     * whole verification. */
    struct el_flight *flight;
    bool damaged;      /* a byte of the probe that is coming in was changed */
    uint64_t seq;      /* the newest probe */
    bool waiting_room; /* it is not in flight yet */
    el_time began;     /* --stdin: when the first byte left */
    bool streaming, input_ended, peer_ended, booked, paused, closing, broken;
};

/* ---- narration ------------------------------------------------------------------------------ */

static void explain_state(const struct tcp_echo *tcp, const char *when)
{
    struct el_tcp_info info;
    if (el_explaining(tcp->trace) && el_socket_tcp_info(tcp->fd, &info) == 0)
        el_explain(tcp->trace, EL_TOPIC_STATE, "TCP state %s: %s", el_tcp_state_name(info.state),
                   when);
}

/* ---- the end of a connection ---------------------------------------------------------------- */

/* All of the input, as one probe: it is booked when its length is known, or when it is given up. */
static void book_stream(struct tcp_echo *tcp)
{
    if (tcp->streaming && !tcp->booked)
        el_client_sent(tcp->client, tcp->seq, el_flight_total(tcp->flight), tcp->began);
    tcp->booked = true;
}

/* The connection is of no more use. `error` 0: the peer ended it. */
static void give_up(struct tcp_echo *tcp, const char *call, int error)
{
    tcp->broken = true;
    event_del(tcp->readable);
    event_del(tcp->writable);
    book_stream(tcp);
    el_client_broken(tcp->client, call, error);
}

/* Without memory for it the event would never come. False: the connection is given up. */
static bool await(struct tcp_echo *tcp, struct event *event)
{
    if (event_add(event, NULL) == 0)
        return true;
    give_up(tcp, "epoll_ctl", ENOMEM);
    return false;
}

/* "We send no more", while we still read: the server echoes the rest and then says the same. RFC
 * 9293 3.6 [#we-send-no-more] */
static void half_close(struct tcp_echo *tcp)
{
    int result = shutdown(tcp->fd, SHUT_WR); /* ENOTCONN: a reset came first; the next read tells */
    el_explain(tcp->trace, EL_TOPIC_CALL, "shutdown(%d, SHUT_WR) = %d%s%s", tcp->fd, result,
               result < 0 ? " " : "", result < 0 ? el_errno_name(errno) : "");
    explain_state(tcp, "our FIN is out: we send no more, and still read");
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Gives the kernel what it will take. It may take less than asked for: its send buffer is finite,
 * and that is TCP's way to say that the peer reads too slowly. The rest waits for "writable". True:
 * it has all. [#partial-send] */
static bool push(struct tcp_echo *tcp)
{
    const unsigned char *data;
    size_t left;
    while ((data = el_flight_unsent(tcp->flight, &left)) != NULL) {
        ssize_t took = send(tcp->fd, data, left, MSG_NOSIGNAL);
        el_explain(tcp->trace, EL_TOPIC_CALL, "send(%d, %zu bytes) = %zd%s%s", tcp->fd, left, took,
                   took < 0 ? " " : "", took < 0 ? el_errno_name(errno) : "");
        if (took >= 0) {
            el_flight_took(tcp->flight, (size_t)took);
            el_client_bytes(tcp->client, (uint64_t)took, 0);
        } else if (errno == EAGAIN) {
            if (await(tcp, tcp->writable))
                el_client_write_blocked(tcp->client);
            return false;
        } else if (errno != EINTR) {
            /* ECONNRESET; EPIPE: the reset was told before; ETIMEDOUT: TCP itself gave up. */
            give_up(tcp, "send", errno);
            return false;
        }
    }
    return true;
}

static void write_probe(struct tcp_echo *tcp)
{
    size_t size = tcp->options.size;
    unsigned char *room = el_flight_room(tcp->flight, size);
    tcp->waiting_room = room == NULL;
    if (room == NULL) {
        el_client_write_blocked(tcp->client); /* on ourselves: it goes when an echo makes room */
        return;
    }
    el_probe_fill(room, size, el_client_nonce(tcp->client), tcp->seq);
    el_flight_append(tcp->flight, size);
    el_client_sent(tcp->client, tcp->seq, size, el_now());
    if (push(tcp))
        el_client_written(tcp->client);
}

static void end_input(struct tcp_echo *tcp)
{
    tcp->input_ended = true;
    half_close(tcp);
    book_stream(tcp);
    el_client_input_ended(tcp->client);
    if (el_flight_empty(tcp->flight))
        el_client_echoed(tcp->client, tcp->seq);
}

/* --stdin, --message: input goes out as fast as both ends allow, and the echo is read meanwhile. */
static void pump(struct tcp_echo *tcp)
{
    for (int i = 0; i < WAKEUP_MAX && !tcp->input_ended && !tcp->booked; i++) {
        if (!push(tcp))
            return; /* `writable` comes back here */
        el_client_write_went_on(tcp->client);
        unsigned char *room = el_flight_room(tcp->flight, CHUNK);
        if (room == NULL)
            return; /* the next echo comes back here */
        ssize_t got = el_client_read_input(tcp->client, room, CHUNK);
        if (got < 0)
            return; /* resume comes when there is more */
        if (got == 0)
            end_input(tcp);
        else
            el_flight_append(tcp->flight, (size_t)got);
    }
    if (!tcp->input_ended && !tcp->booked)
        await(tcp, tcp->writable); /* there is more: go on after the others had their turn */
}

static void tcp_send(void *arg, uint64_t seq)
{
    struct tcp_echo *tcp = arg;
    tcp->seq = seq;
    tcp->began = el_now();
    if (tcp->streaming)
        pump(tcp);
    else
        write_probe(tcp);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct tcp_echo *tcp = arg;
    if (tcp->streaming)
        pump(tcp);
    else if (push(tcp))
        el_client_written(tcp->client);
}

/* A probe is partly written, or a stream's echo has dried up: nothing else can follow. */
static void tcp_late(void *arg, enum el_operation operation)
{
    struct tcp_echo *tcp = arg;
    book_stream(tcp);
    el_client_timed_out(tcp->client, operation);
    give_up(tcp, NULL, ETIMEDOUT); /* what it means was said */
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* The probe is complete: intact, changed, or, past its deadline, late; never the next one's echo. */
static void settle(struct tcp_echo *tcp, uint64_t seq)
{
    if (tcp->damaged)
        el_client_corrupt(tcp->client, seq, "its bytes were changed");
    else
        el_client_echoed(tcp->client, seq);
    tcp->damaged = false;
}

/* Echoed bytes may be a piece of a probe, or the end of one and the start of the next: probe n ends
 * at n times the size. [#stream-position] */
static void take_probes(struct tcp_echo *tcp, const unsigned char *data, size_t length)
{
    while (length > 0) {
        uint64_t left = tcp->options.size - el_flight_position(tcp->flight) % tcp->options.size;
        size_t part = length < left ? length : (size_t)left;
        if (!el_flight_echoed(tcp->flight, data, part))
            tcp->damaged = true;
        if (part == left)
            settle(tcp, el_flight_position(tcp->flight) / tcp->options.size);
        data += part;
        length -= part;
    }
    if (tcp->waiting_room)
        write_probe(tcp);
}

static void take_streamed(struct tcp_echo *tcp, const unsigned char *data, size_t length)
{
    if (!el_flight_echoed(tcp->flight, data, length))
        tcp->damaged = true;
    if (!el_client_write_output(tcp->client, data, length)) {
        tcp->paused = true; /* stdout is slow: we read no more, so TCP slows the server down */
        event_del(tcp->readable);
    }
    if (!tcp->input_ended)
        pump(tcp);
    else if (el_flight_empty(tcp->flight))
        settle(tcp, tcp->seq);
}

static void finish_close(struct tcp_echo *tcp)
{
    el_client_event_free(tcp->readable);
    el_client_event_free(tcp->writable);
    el_flight_free(tcp->flight);
    el_socket_close(tcp->fd);
    el_explain(tcp->trace, EL_TOPIC_CALL, "close(%d)", tcp->fd);
    el_client_closed(tcp->client);
}

/* End of file, or an error of recv(2): ECONNRESET, ETIMEDOUT, EHOSTUNREACH. */
static void on_end(struct tcp_echo *tcp, int error)
{
    if (!tcp->closing && !el_client_all_back(tcp->client)) {
        give_up(tcp, "recv", error);
        return;
    }
    const char *first = tcp->closing || tcp->input_ended
                            ? "the peer's FIN came too; our kernel, which closed first, remembers "
                              "the pair of addresses: TIME_WAIT"
                            : "the peer's FIN came before ours";
    explain_state(tcp, error != 0 ? "the peer sent a reset" : first);
    tcp->peer_ended = true;
    event_del(tcp->readable); /* an end of file is there for ever: once is enough */
    if (tcp->closing)
        finish_close(tcp);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct tcp_echo *tcp = arg;
    static unsigned char chunk[CHUNK];
    for (int i = 0; i < WAKEUP_MAX && !tcp->paused && !tcp->broken; i++) {
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        int error = got < 0 ? errno : 0;
        const char *outcome = got == 0 ? "(end of file)" : "bytes";
        el_explain(tcp->trace, EL_TOPIC_CALL, "recv(%d) = %zd %s", fd, got,
                   error != 0 ? el_errno_name(error) : outcome);
        if (got <= 0) {
            on_end(tcp, error); /* may free the events */
            return;
        }
        el_client_bytes(tcp->client, 0, (uint64_t)got);
        if (tcp->seq == 0)
            continue; /* --connect-only: what a server says of itself is no echo */
        size_t owed = el_flight_owed(tcp->flight);
        size_t ours = (size_t)got < owed ? (size_t)got : owed;
        if (!tcp->streaming)
            take_probes(tcp, chunk, ours);
        else if (ours > 0) /* what is settled is not settled twice */
            take_streamed(tcp, chunk, ours);
        if ((size_t)got > owed && !tcp->broken) {
            el_client_corrupt(tcp->client, 0, NULL);
            give_up(tcp, "recv: more came back than was sent", EPROTO);
            if (tcp->closing)
                finish_close(tcp); /* frees the events */
        }
    }
}

static void tcp_resume(void *arg)
{
    struct tcp_echo *tcp = arg;
    bool paused = tcp->paused;
    tcp->paused = false;
    if (!paused || await(tcp, tcp->readable))
        pump(tcp);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int tcp_open(void *arg, struct el_client *client, int fd, const struct el_dial_result *dial)
{
    (void)dial;
    struct tcp_echo *tcp = arg;
    struct event_base *base = el_client_base(client);
    tcp->client = client;
    tcp->trace = el_client_trace(client);
    tcp->fd = fd;
    tcp->streaming = el_client_streaming(client);
    tcp->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, tcp);
    tcp->writable = event_new(base, fd, EV_WRITE, on_writable, tcp);
    uint64_t size = tcp->options.size;
    tcp->flight = el_flight_new(size > FLIGHT_MIN / 2 ? 2 * size : FLIGHT_MIN);
    if (tcp->flight == NULL || tcp->readable == NULL || tcp->writable == NULL)
        return -ENOMEM;
    /* Nagle's algorithm would hold a small probe back behind an unacknowledged one (RFC 896). */
    int on = 1;
    int result = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    el_explain(tcp->trace, EL_TOPIC_CALL, "setsockopt(%d, TCP_NODELAY, 1) = %d", fd, result);
    return event_add(tcp->readable, NULL) < 0 ? -ENOMEM : 0;
}

static void tcp_lost(void *arg, uint64_t seq)
{
    struct tcp_echo *tcp = arg;
    struct el_tcp_info info;
    if (!el_explaining(tcp->trace) || el_socket_tcp_info(tcp->fd, &info) < 0)
        return;
    el_explain(tcp->trace, EL_TOPIC_STEP,
               "seq %llu: this deadline is ours, TCP knows nothing of it: it goes on sending (%u "
               "segments again so far), and should the echo still come, it is late",
               (unsigned long long)seq, info.retransmits_total);
}

static void tcp_close(void *arg, bool politely)
{
    struct tcp_echo *tcp = arg;
    tcp->closing = true;
    if (tcp->seq > 0)
        book_stream(tcp);
    /* Politely is to read until the peer's FIN: closing earlier might reset it. */
    if (!politely || tcp->peer_ended || event_add(tcp->readable, NULL) < 0)
        finish_close(tcp);
    else if (!tcp->input_ended)
        half_close(tcp);
}

static const struct el_program tcp_program = {
    .name = "tcp_echo",
    .usage = "[options] HOST[:PORT]",
    .about = "Sends probes to an echo server (port 7007) over one connection and times each echo.",
    .epilog = EL_CLIENT_EXITS "Example: tcp_echo -c 3 -i 200ms --explain 127.0.0.1",
    .options = el_client_option_table,
    .not_written = EL_EXIT_LOCAL,
    .min_operands = 1,
    .max_operands = 1,
};

static const char *tcp_check(void *arg)
{
    return ((struct tcp_echo *)arg)->options.size == 0
               ? "--size 0: a stream has no empty messages, nothing would be sent (udp_echo can)"
               : NULL;
}

int main(int argc, char **argv)
{
    static struct tcp_echo tcp = {.fd = -1};
    const struct el_client_plan plan = {
        .program = &tcp_program,
        .options = &tcp.options,
        .proto = "tcp",
        .type = SOCK_STREAM,
        .stream = true,
        .arg = &tcp,
        .check = tcp_check,
        .open = tcp_open,
        .send = tcp_send,
        .resume = tcp_resume,
        .late = tcp_late,
        .lost = tcp_lost,
        .close = tcp_close,
    };
    return el_client_main(&plan, argc, argv);
}
