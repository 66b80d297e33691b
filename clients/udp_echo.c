/*
 * udp_echo.c - ping for a UDP echo service: sends datagrams, and says what became of each.
 *
 * Teaches:  what a datagram client must do that a stream client need not: recognise its own echoes
 *           (nonce, sequence number), hear the ICMP errors that come instead, and survive that they
 *           arrive one system call late.
 * Run:      build/bin/udp_echo_server &  build/bin/udp_echo --explain 127.0.0.1
 * Partner:  servers/udp_echo_server.c; lib/client.c has everything that is not about sockets.
 * Leaves out: batches; lib/datagram.c shows recvmmsg(2). And with --stdin there is no room for a
 *           nonce: of two equal datagrams in a row a late echo of one passes for the other's.
 * Next:     tcp_echo.c, where the same probes become a stream of bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include <linux/errqueue.h> /* last: it needs struct timespec and does not include it */

/* Datagrams or errors handled in one turn of the loop; tries of a send that errors push aside. */
enum { WAKEUP_MAX = 64, RESEND_MAX = 3 };

struct udp_options {
    struct el_client_options common; /* first: the shared table's offsets count from here */
    bool no_connect;
};

struct udp_echo {
    struct udp_options options;
    struct el_client *client;
    struct el_trace *trace;
    int fd;
    struct el_address peer;
    struct event *readable, *writable;
    uint64_t seq;                    /* the probe in `probe` */
    size_t length, room;             /* of `probe`: bytes in it, and bytes it can take */
    unsigned char *probe, *previous; /* with --stdin: the one before, to know its late echo by */
    size_t previous_length;
    bool input_ended;
    uint32_t mtu;         /* what an EMSGSIZE said would fit; 0 = none did */
    bool came_back, lost; /* something, be it an error; a probe was lost to its deadline */
    unsigned char reply[EL_DATAGRAM_MAX_V6 + 1]; /* longer than any datagram: none is cut off */
};

/* ---- errors that come back instead of an echo ----------------------------------------------- */

/* Which probe does this ICMP error mean? It quotes the start of the datagram, and ours bears its
 * number. RFC 792 promises 8 bytes only, the UDP header: then the newest probe is meant. */
static uint64_t quoted_seq(const struct udp_echo *udp, const struct el_datagram_error *error)
{
    uint64_t seq = 0;
    if (!el_client_streaming(udp->client))
        el_probe_check(error->data, error->length, udp->length, el_client_nonce(udp->client),
                       udp->seq, &seq);
    return seq != 0 ? seq : udp->seq;
}

static void hear_error(struct udp_echo *udp, const struct el_datagram_error *error)
{
    char name[EL_ADDRESS_TEXT], who[EL_ADDRESS_TEXT], detail[3 * EL_ADDRESS_TEXT];
    bool refused = error->error == ECONNREFUSED;
    uint64_t seq = quoted_seq(udp, error);
    udp->came_back = true;
    snprintf(detail, sizeof detail, "%s, said by %s",
             el_datagram_error_name(error, name, sizeof name),
             el_address_print_host(&error->offender, who));
    el_explain(udp->trace, EL_TOPIC_STATE, "error queue: %s, about seq %llu (%s)", detail,
               (unsigned long long)seq, el_errno_name(error->error));
    for (char *c = name; *c != '\0'; c++) /* "host unreachable" becomes one word, for rows */
        *c = *c == ' ' ? '-' : *c == ',' ? '\0' : *c;
    el_client_failed(udp->client, seq, refused ? EL_FATE_REFUSED : EL_FATE_UNREACHABLE,
                     error->error, refused ? NULL : name, detail);
}

/* Empties the error queue (MSG_ERRQUEUE in recv(2), IP_RECVERR in ip(7)), and so takes back the
 * error that the next call would have had. Was any of it news of an ICMP error? */
static bool hear_errors(struct udp_echo *udp)
{
    struct el_datagram_error error;
    bool heard = false;
    for (int i = 0; i < WAKEUP_MAX && el_datagram_error(udp->fd, &error) == 0; i++) {
        if (error.mtu != 0)
            udp->mtu = error.mtu;
        if (error.origin == SO_EE_ORIGIN_LOCAL)
            continue; /* the send that failed here has said so itself */
        heard = true;
        hear_error(udp, &error);
    }
    return heard;
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Bytes sent, or -errno (EINTR: again). Without an address sendto(2) means the connected peer. */
static ssize_t send_once(struct udp_echo *udp)
{
    bool named = udp->options.no_connect;
    ssize_t sent =
        TEMP_FAILURE_RETRY(sendto(udp->fd, udp->probe, udp->length, 0, named ? &udp->peer.sa : NULL,
                                  named ? udp->peer.length : 0));
    int error = sent < 0 ? errno : 0;
    char to[EL_ADDRESS_TEXT];
    el_explain(udp->trace, EL_TOPIC_CALL, "sendto(%d, %zu bytes%s%s) = %zd%s%s", udp->fd,
               udp->length, named ? ", " : "", named ? el_address_print(&udp->peer, to) : "", sent,
               error != 0 ? " " : "", error != 0 ? el_errno_name(error) : "");
    return error != 0 ? -error : sent;
}

/* [#pending-error] An ICMP error about an earlier probe is told on the *next* call on a connected
 * socket. If that is a send, the send fails and nothing leaves. So: hear the error out, book it on
 * the probe it means, and send this one again. Only an error that comes again is this probe's own.
 */
static ssize_t send_despite_pending(struct udp_echo *udp, el_time *when)
{
    ssize_t sent = -EAGAIN;
    for (int i = 0; i < RESEND_MAX; i++) {
        *when = el_now();
        sent = send_once(udp);
        if (sent >= 0 || (!hear_errors(udp) && !el_datagram_may_be_pending((int)-sent)))
            break;
        el_explain(udp->trace, EL_TOPIC_STEP,
                   "that may be an old error, and nothing was sent: once more");
    }
    return sent;
}

/* This machine refused: EPERM (a local rule), ENETUNREACH (no route), ENOBUFS. The run goes on. */
static void send_failed(struct udp_echo *udp, int error)
{
    bool v4 = el_address_family(&udp->peer) == AF_INET;
    char detail[EL_ADDRESS_TEXT];
    int used = snprintf(detail, sizeof detail, "%s", strerror(error));
    if (error == EMSGSIZE && udp->mtu != 0)
        snprintf(detail + used, sizeof detail - (size_t)used, ": the way takes packets of %u",
                 udp->mtu);
    if (error == EMSGSIZE && udp->length > (v4 ? EL_DATAGRAM_MAX_V4 : EL_DATAGRAM_MAX_V6)) {
        el_client_broken(udp->client, "send", error); /* no datagram is so long: neither the next */
        return;
    }
    el_client_complain(udp->client, "send", error);
    el_client_failed(udp->client, udp->seq, EL_FATE_ERROR, error, el_errno_name(error), detail);
}

static void transmit(struct udp_echo *udp)
{
    el_time when;
    ssize_t sent = send_despite_pending(udp, &when);
    if (sent == -EAGAIN) { /* the socket's buffer is full; the kernel says when it is not */
        if (event_add(udp->writable, NULL) == 0) {
            el_client_write_blocked(udp->client);
            return;
        }
        sent = -ENOMEM; /* nobody would tell us */
    }
    el_client_sent(udp->client, udp->seq, udp->length, when);
    if (sent < 0)
        send_failed(udp, (int)-sent);
    else
        el_client_bytes(udp->client, (uint64_t)sent, 0);
    el_client_written(udp->client);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    transmit(arg);
}

/* --write-timeout: the interface has not taken a datagram for so long. */
static void udp_late(void *arg, enum el_operation operation)
{
    (void)operation;
    struct udp_echo *udp = arg;
    event_del(udp->writable);
    el_client_sent(udp->client, udp->seq, udp->length, el_now());
    el_client_failed(udp->client, udp->seq, EL_FATE_ERROR, EAGAIN, "EAGAIN", "not sent in time");
    el_client_written(udp->client);
}

/* --stdin, --message: fills the probe from the input. True when it is complete. */
static bool gather_input(struct udp_echo *udp)
{
    const char *message = udp->options.common.message;
    while (udp->length < udp->room && !udp->input_ended) {
        ssize_t got =
            el_client_read_input(udp->client, udp->probe + udp->length, udp->room - udp->length);
        if (got < 0)
            return false; /* resume comes when there is more */
        udp->length += (size_t)got;
        udp->input_ended = got == 0;
    }
    if (udp->length > 0 || (message != NULL && udp->seq == 1))
        return true; /* also an empty message: a datagram of no bytes is a datagram */
    el_client_input_ended(udp->client);
    return false;
}

static void udp_send(void *arg, uint64_t seq)
{
    struct udp_echo *udp = arg;
    udp->seq = seq;
    if (!el_client_streaming(udp->client)) {
        el_probe_fill(udp->probe, udp->length, el_client_nonce(udp->client), seq);
        transmit(udp);
        return;
    }
    unsigned char *free_again = udp->previous;
    udp->previous = udp->probe;
    udp->previous_length = udp->length;
    udp->probe = free_again;
    udp->length = 0;
    if (gather_input(udp))
        transmit(udp);
}

static void udp_resume(void *arg)
{
    struct udp_echo *udp = arg;
    if (udp->length < udp->room && !udp->input_ended && gather_input(udp))
        transmit(udp);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* With --stdin there is no nonce: an echo is whatever equals what was sent. Anything else may be a
 * stray or our own, damaged: it is counted, and the wait goes on, until the deadline. */
static void take_streamed(struct udp_echo *udp, size_t length)
{
    if (length == udp->length && memcmp(udp->reply, udp->probe, length) == 0) {
        if (el_client_echoed(udp->client, udp->seq))
            el_client_write_output(udp->client, udp->reply, length);
    } else if (udp->seq > 1 && length == udp->previous_length &&
               memcmp(udp->reply, udp->previous, length) == 0) {
        el_client_echoed(udp->client, udp->seq - 1); /* late or twice: too late for stdout */
    } else {
        el_client_corrupt(udp->client, 0, "not the bytes that were sent");
    }
}

static void take_datagram(struct udp_echo *udp, size_t length, const struct el_address *from)
{
    uint64_t seq;
    udp->came_back = true;
    el_client_bytes(udp->client, 0, length);
    /* [#wrong-source] A connected socket has this filter in the kernel; others hear everyone. */
    if (!el_address_equal(from, &udp->peer)) {
        el_client_wrong_source(udp->client, from, "not whom we sent to");
        return;
    }
    if (el_client_streaming(udp->client)) {
        take_streamed(udp, length);
        return;
    }
    switch (el_probe_check(udp->reply, length, udp->length, el_client_nonce(udp->client), udp->seq,
                           &seq)) {
    case EL_PROBE_OURS:
        el_client_echoed(udp->client, seq);
        break;
    case EL_PROBE_CORRUPT:
        el_client_corrupt(udp->client, seq, "its bytes or its length were changed");
        break;
    case EL_PROBE_FOREIGN:
        el_client_wrong_source(udp->client, from, "it does not bear the nonce of this run");
        break;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct udp_echo *udp = arg;
    hear_errors(udp);
    for (int i = 0; i < WAKEUP_MAX; i++) {
        struct el_address from = {.length = sizeof from.in6};
        char text[EL_ADDRESS_TEXT];
        ssize_t got = recvfrom(fd, udp->reply, sizeof udp->reply, 0, &from.sa, &from.length);
        if (got < 0 && errno == EAGAIN)
            break;
        if (got < 0) {
            /* A pending error whose details are in the queue, or EINTR. Neither ends anything. */
            el_explain(udp->trace, EL_TOPIC_CALL, "recvfrom(%d) = -1 %s", fd, el_errno_name(errno));
            hear_errors(udp);
            continue;
        }
        el_explain(udp->trace, EL_TOPIC_CALL, "recvfrom(%d) = %zd bytes from %s", fd, got,
                   el_address_print(&from, text));
        take_datagram(udp, (size_t)got, &from); /* 0 bytes is a datagram too, not an end */
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

static int udp_open(void *arg, struct el_client *client, int fd, const struct el_dial_result *dial)
{
    struct udp_echo *udp = arg;
    const struct el_client_options *o = &udp->options.common;
    udp->client = client;
    udp->trace = el_client_trace(client);
    udp->fd = fd;
    udp->peer = dial->peer;
    udp->room = o->message != NULL ? strlen(o->message) : o->size;
    udp->length = udp->room;
    udp->probe = malloc(udp->room + 1); /* + 1: malloc(0) may be NULL */
    udp->previous = malloc(udp->room + 1);
    udp->readable = event_new(el_client_base(client), fd, EV_READ | EV_PERSIST, on_readable, udp);
    udp->writable = event_new(el_client_base(client), fd, EV_WRITE, on_writable, udp);
    if (udp->probe == NULL || udp->previous == NULL || udp->readable == NULL ||
        udp->writable == NULL || event_add(udp->readable, NULL) < 0)
        return -ENOMEM;
    el_explain(udp->trace, EL_TOPIC_STEP, "%s",
               udp->options.no_connect
                   ? "no connect(2): each sendto(2) names the peer, and anyone may answer"
                   : "connect(2) on UDP sends nothing: it takes the route, the source address and "
                     "the peer into the socket; whether anybody listens there is still unknown");
    return 0;
}

static void udp_lost(void *arg, uint64_t seq)
{
    struct udp_echo *udp = arg;
    udp->lost = true;
    const char *why =
        udp->options.no_connect
            ? "an ICMP error is not told to a socket without a peer: whose would it be? (udp(7))"
            : "no ICMP error came either: a packet was dropped, or the server is silent";
    el_explain(udp->trace, EL_TOPIC_STEP, "seq %llu: only the deadline ended this wait; %s",
               (unsigned long long)seq, why);
}

static void udp_close(void *arg, bool politely)
{
    (void)politely; /* there is no connection: nobody is told */
    struct udp_echo *udp = arg;
    char hint[EL_BLACK_HOLE_TEXT];
    if (udp->lost && !udp->came_back && el_datagram_black_hole(&udp->peer, udp->length, hint))
        el_log(udp->trace, EL_WARN, "%s", hint);
    el_client_event_free(udp->readable);
    el_client_event_free(udp->writable);
    free(udp->probe);
    free(udp->previous);
    el_socket_close(udp->fd);
    el_explain(udp->trace, EL_TOPIC_CALL, "close(%d)   (no packet: nobody is told)", udp->fd);
    el_client_closed(udp->client);
}

static const struct el_option udp_table[] = {
    {.type = EL_OPT_HEADING, .help = "UDP alone"},
    {0, "no-connect", EL_OPT_FLAG, NULL,
     "sendto, recvfrom on an unconnected socket: no ICMP errors",
     offsetof(struct udp_options, no_connect), NULL, 0, 0, NULL},
    {0},
};

static const struct el_program udp_program = {
    .name = "udp_echo",
    .usage = "[options] HOST[:PORT]",
    .about = "Sends datagrams to an echo server (port 7007) and tells what became of each.",
    .epilog = EL_CLIENT_EXITS "Example: udp_echo -c 3 -i 200ms --explain 127.0.0.1",
    .options = el_client_option_table,
    .more = udp_table,
    .not_written = EL_EXIT_LOCAL,
    .min_operands = 1,
    .max_operands = 1,
};

static const char *udp_check(void *arg)
{
    const struct udp_options *o = &((struct udp_echo *)arg)->options;
    if (o->no_connect && o->common.connect_only)
        return "--connect-only and --no-connect leave nothing to do: choose one";
    if (o->common.use_stdin && o->common.size == 0)
        return "--stdin with --size 0 would never end: ask for at least one byte a datagram";
    if (o->common.size > EL_DATAGRAM_MAX_V6 + 1) /* one byte more: let the kernel refuse it */
        return "--size: a datagram carries at most 65507 bytes on IPv4, 65527 on IPv6";
    return NULL;
}

int main(int argc, char **argv)
{
    static struct udp_echo udp = {.fd = -1};
    const struct el_client_plan plan = {
        .program = &udp_program,
        .options = &udp.options.common,
        .proto = "udp",
        .type = SOCK_DGRAM,
        .unconnected = &udp.options.no_connect,
        .arg = &udp,
        .check = udp_check,
        .open = udp_open,
        .send = udp_send,
        .resume = udp_resume,
        .late = udp_late,
        .lost = udp_lost,
        .close = udp_close,
    };
    return el_client_main(&plan, argc, argv);
}
