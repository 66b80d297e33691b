/*
 * udp_echo_server.c - the UDP echo server to use: batches in, batches out, and no loaded gun.
 *
 * Teaches:  how a UDP server stays cheap (it waits inside recvmmsg(2), which brings many datagrams; one sendmmsg(2) takes them
 *           back, neighbours to one peer coalesced) and harmless: a source address can be forged, so whoever answers everything
 *           can be made to attack others. What is not answered is counted by reason.
 * Run:      build/bin/udp_echo_server --explain
 *           (then: echo hi | socat -t 1 - UDP:127.0.0.1:7007)
 * Partner:  clients/udp_echo.c; lib/datagram.c moves the datagrams,
 *           lib/source_rules.c says whom not to answer, lib/service.c is the life around this
 * Memory:   a worker reserves --batch times --max-datagram bytes (with --gro times 64 KiB) when it starts, all of them one table
 *           of rates, and nothing after that, whatever comes.
 * Leaves out: an event loop. One socket is waited for in the call itself, several with poll(2). Replies that the socket does not
 *           take are not queued but dropped and counted. And an attacker can use up the rate of the source that he forges (there
 *           is no handshake to tell them apart: that is what QUIC's address validation is for).
 * Next:     clients/udp_echo.c, the other end: how a lost datagram is told from a late one.
 */
#include "datagram_explain.h"
#include "listener.h"
#include "rate_limit.h"
#include "service.h"
#include "source_rules.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_ELSEWHERE = 100000, /* datagrams a second answered in all, when not only on loopback */
    PER_SOURCE_ELSEWHERE = 10000,
};

struct options {
    struct el_service_options service;  /* first: its table counts offsets from here */
    const char *rate, *rate_per_source; /* "auto" or a number */
    uint64_t max_datagram, batch;
    bool gro, no_gso;
    unsigned allow; /* bits 1 << enum el_source_kind */
};

/* What all workers share; written only before the first of them runs. */
struct server {
    struct options options;
    bool rate_given, per_source_given;
    uint64_t rate, per_source;
    struct el_rate_total *total;
    struct el_rate_sources *sources;
};

/*
 * received = replied + the drops (the kernel queue's apart: those never arrived) + errors.
 * messages / replied and wakeups / received show what coalescing and batches gained. (Names beside numbers: laid out by hand.)
 */
/* clang-format off */
enum counter {
    RECEIVED, REPLIED, BYTES_IN, BYTES_OUT,
    DROPPED_TRUNCATED, DROPPED_UNSAFE_SOURCE, DROPPED_RATE,
    DROPPED_WOULD_BLOCK, DROPPED_NO_BUFFER, DROPPED_KERNEL_QUEUE,
    ERRORS, PENDING_ERRORS, WAKEUPS, MESSAGES,
    COUNTERS,
};
static const char *const counter_names[COUNTERS] = {
    "received", "replied", "bytes_in", "bytes_out",
    "dropped_truncated", "dropped_unsafe_source", "dropped_rate",
    "dropped_would_block", "dropped_no_buffer", "dropped_kernel_queue",
    "errors", "pending_errors", "wakeups", "messages",
};
/* clang-format on */
_Static_assert((int)COUNTERS <= EL_COUNTERS_MAX, "more than are added up");

/* One socket of a worker. */
struct port {
    int fd;
    unsigned interface;    /* all that it receives comes through this one; 0: each datagram tells */
    uint32_t kernel_drops; /* as last told to the main thread: counted since the socket was made */
};

struct worker {
    const struct el_worker_context *context;
    const struct server *server;
    struct el_datagram_batch *batch; /* one for all sockets: they are served in turn */
    struct el_rate_limit *limit;     /* NULL: unlimited */
    uint64_t counters[COUNTERS];
    struct el_datagram_story story; /* for --explain */
    bool keep[EL_DATAGRAM_BATCH_MAX];
    struct port ports[EL_LISTEN_MAX];
};

static void count(struct worker *worker, enum counter counter, uint64_t more)
{
    el_count(&worker->counters[counter], more);
}

/* ---- what is answered ------------------------------------------------------------------------ */

/* Decides on one received buffer and counts it. Returns why it is not answered, NULL if it is. */
static const char *judge(struct worker *worker, struct el_datagram *d, el_time now)
{
    unsigned pieces = el_datagram_pieces(d);
    count(worker, RECEIVED, pieces);
    count(worker, BYTES_IN, d->wire_length);
    if (d->truncated) { /* half an echo would be a lie, and nobody could tell */
        count(worker, DROPPED_TRUNCATED, pieces);
        return "it is longer than --max-datagram";
    }
    const char *why =
        el_source_refused(d, worker->context->addresses, worker->context->socket_count,
                          worker->server->options.allow);
    if (why != NULL) {
        count(worker, DROPPED_UNSAFE_SOURCE, pieces);
        return why;
    }
    if (worker->limit == NULL)
        return NULL;
    unsigned paid = 0; /* each datagram costs a token, aggregated or not */
    while (paid < pieces && el_rate_limit_take(worker->limit, &d->peer, now) == EL_RATE_PASS)
        paid++;
    count(worker, DROPPED_RATE, pieces - paid);
    if (paid == 0)
        return "its source, or all together, has had its share (--rate-per-source, --rate)";
    if (paid < pieces) /* so it has segments: answer the first ones */
        d->length = (size_t)paid * d->segment;
    return NULL;
}

/* ---- receive, answer, count ------------------------------------------------------------------ */

static void answer(struct worker *worker, const struct port *port, int got)
{
    bool explaining = el_explaining(worker->context->trace);
    el_time now = worker->limit != NULL ? el_now() : 0;
    struct el_datagram_sent sent = {0};
    el_datagram_explain_receive(&worker->story, got);
    for (unsigned i = 0; i < (unsigned)got; i++) {
        struct el_datagram *d = el_datagram_at(worker->batch, i);
        if (port->interface != 0)
            d->interface = port->interface;
        const char *why = judge(worker, d, now);
        worker->keep[i] = why == NULL;
        if (explaining)
            el_datagram_explain(&worker->story, port->fd, d, why);
    }
    int error = el_datagram_reply(worker->batch, port->fd, (unsigned)got, worker->keep, &sent);
    if (error < 0)
        el_log(worker->context->trace, EL_ERROR, "socket %d: sendmmsg: %s", port->fd,
               strerror(-error));
    count(worker, REPLIED, sent.sent);
    count(worker, BYTES_OUT, sent.bytes);
    count(worker, MESSAGES, sent.messages);
    count(worker, DROPPED_WOULD_BLOCK, sent.would_block);
    count(worker, DROPPED_NO_BUFFER, sent.no_buffer);
    count(worker, ERRORS, sent.other);
    count(worker, PENDING_ERRORS, sent.pending);
    el_datagram_explain_reply(&worker->story, port->fd, &sent);
}

/* What receiving from that socket gave: `got` datagrams or -errno. */
static void take(struct worker *worker, const struct port *port, int got)
{
    count(worker, WAKEUPS, 1);
    if (got >= 0)
        answer(worker, port, got);
    if (got >= 0 || got == -EAGAIN)
        return; /* a datagram with a bad checksum wakes us too, and is gone when we look (udp(7)) */
    /* An ICMP error about an earlier reply, cleared by telling it: nothing to stop for. */
    count(worker, PENDING_ERRORS, 1);
    el_explain(el_narrator_step(&worker->story.narrator), EL_TOPIC_CALL, "recvmmsg(%d) = -1 %s",
               port->fd, el_errno_name(-got));
}

/*
 * Several sockets, or a narrator who wants to be woken. One batch of each that is readable, even if more is waiting there: it
 * is readable at the next look too, after the others' turn. [#one-batch-a-turn]
 */
static void serve_several(struct worker *worker)
{
    struct pollfd wanted[EL_LISTEN_MAX];
    size_t ports = worker->context->socket_count;
    for (size_t i = 0; i < ports; i++)
        wanted[i] = (struct pollfd){.fd = worker->ports[i].fd, .events = POLLIN};
    /* After shutdown(2) all are readable: there is a new order. EINTR, ENOMEM: as if none was. */
    int ready = poll(wanted, ports, el_narrator_tend(&worker->story.narrator));
    for (size_t i = 0; i < ports && ready > 0; i++)
        if (wanted[i].revents != 0)
            take(worker, &worker->ports[i], el_datagram_receive(worker->batch, wanted[i].fd));
}

/*
 * A worker's whole life. What was read is answered before it looks for an order, so there is nothing to drain.
 * [#wait-in-the-call] With one socket the wait is recvmmsg(2) itself. A loop around epoll_wait(2) or poll(2) makes three
 * system calls of an exchange that needs two: a tenth of its time.
 */
static void run(void *arg)
{
    struct worker *worker = arg;
    bool alone = worker->context->socket_count == 1 && !el_explaining(worker->context->trace);
    while (el_service_order(worker->context) == EL_ORDER_SERVE) {
        int got = alone ? el_datagram_wait(worker->batch, worker->ports[0].fd) : 0;
        if (got != 0)
            take(worker, &worker->ports[0], got);
        else if (!alone) /* else shutdown(2) ended the wait: there is a new order */
            serve_several(worker);
    }
}

/* ---- a worker -------------------------------------------------------------------------------- */

static void destroy(void *arg)
{
    struct worker *worker = arg;
    el_narrator_close(&worker->story.narrator);
    el_datagram_batch_free(worker->batch);
    el_rate_limit_free(worker->limit);
    free(worker);
}

/* Called in the main thread, which alone writes what the kernel's queue lost: it costs nothing until someone asks. */
static uint64_t *counters(void *arg)
{
    struct worker *worker = arg;
    for (size_t i = 0; i < worker->context->socket_count; i++) {
        struct port *port = &worker->ports[i];
        uint32_t drops = el_datagram_drops(port->fd);
        count(worker, DROPPED_KERNEL_QUEUE, (uint32_t)(drops - port->kernel_drops));
        port->kernel_drops = drops; /* the subtraction is right across the wrap at 2^32 */
    }
    return worker->counters;
}

static const char *print_rate(uint64_t rate, char *text, size_t size)
{
    if (rate == 0)
        return "none";
    snprintf(text, size, "%llu/s", (unsigned long long)rate);
    return text;
}

/* The limits that were not given: none when only this machine can ask, else the ones that make the server a poor
 * weapon. The first worker is made before any runs, so it may write what all share. */
static bool settle_limits(struct server *server, const struct el_worker_context *context)
{
    if (server->total != NULL)
        return true;
    bool loopback = true;
    for (size_t i = 0; i < context->socket_count; i++)
        loopback = loopback && el_address_is_loopback(&context->addresses[i]);
    if (!server->rate_given)
        server->rate = loopback ? 0 : RATE_ELSEWHERE;
    if (!server->per_source_given)
        server->per_source = loopback ? 0 : PER_SOURCE_ELSEWHERE;
    server->total = el_rate_total_new(server->rate);
    if (server->per_source > 0)
        server->sources = el_rate_sources_new(&(struct el_rate_sources_args){
            .per_source = server->per_source, .threads = context->workers > 1});
    char total[24], each[24];
    el_explain(context->trace, EL_TOPIC_STEP, "rate limits: %s in all, %s for a source%s",
               print_rate(server->rate, total, sizeof total),
               print_rate(server->per_source, each, sizeof each),
               loopback ? "; only this machine can reach us" : "");
    return server->total != NULL && (server->sources != NULL || server->per_source == 0);
}

static void open_port(struct worker *worker, size_t i)
{
    const struct el_worker_context *context = worker->context;
    struct port *port = &worker->ports[i];
    port->fd = context->sockets[i];
    if (!el_explaining(context->trace)) /* the narration tells both for each datagram */
        port->interface = el_datagram_forgo_packet_info(port->fd, &context->addresses[i]);
    if (!worker->server->options.gro)
        return;
    int error = el_datagram_enable_gro(port->fd);
    if (error < 0)
        el_log(context->trace, EL_WARN, "--gro: setsockopt UDP_GRO: %s (Linux 5.0 has it)",
               strerror(-error));
}

/* Fills the zeroed worker. False: out of memory. */
static bool fill(struct worker *worker, const struct el_worker_context *context)
{
    struct server *server = context->program;
    worker->context = context;
    worker->server = server;
    if (!settle_limits(server, context) ||
        !el_narrator_open(&worker->story.narrator, NULL, context->trace, EL_DATAGRAMS_TOLD))
        return false;
    for (size_t i = 0; i < context->socket_count; i++)
        open_port(worker, i);
    worker->batch = el_datagram_batch_new(&(struct el_datagram_batch_args){
        .capacity = (unsigned)server->options.batch,
        .max_datagram = server->options.max_datagram,
        .gro = server->options.gro,
        .gso = !server->options.no_gso,
    });
    bool limited = server->rate > 0 || server->per_source > 0;
    if (limited)
        worker->limit = el_rate_limit_new(
            &(struct el_rate_limit_args){.total = server->total, .sources = server->sources});
    return worker->batch != NULL && (worker->limit != NULL || !limited);
}

static void *create(const struct el_worker_context *context)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker != NULL && fill(worker, context))
        return worker;
    el_log(context->trace, EL_ERROR, "worker %u: create: %s (a smaller --batch needs less)",
           context->index, strerror(ENOMEM));
    if (worker != NULL)
        destroy(worker);
    return NULL;
}

/* ---- the program ----------------------------------------------------------------------------- */

#define FIELD(name) offsetof(struct options, name)
static const struct el_option option_table[] = {
    {.type = EL_OPT_HEADING, .help = "Limits"},
    {0, "rate", EL_OPT_TEXT, "N",
     "datagrams answered per second in all; 0 = unlimited; auto = unlimited on loopback addresses, "
     "else 100000",
     FIELD(rate), "auto", 0, 0, NULL},
    {0, "rate-per-source", EL_OPT_TEXT, "N",
     "the same for each source (/32 of IPv4, /64 of IPv6); auto = unlimited or 10000",
     FIELD(rate_per_source), "auto", 0, 0, NULL},
    {0, "max-datagram", EL_OPT_SIZE, "N", "longer ones are dropped and counted",
     FIELD(max_datagram), "65527", 1, EL_DATAGRAM_MAX_V6, NULL},
    {0, "allow-source", EL_OPT_CHOICES, "KIND",
     "answer these too, though they can be abuse or an endless loop", FIELD(allow), NULL, 0, 0,
     el_source_kind_names},
    {.type = EL_OPT_HEADING, .help = "Speed"},
    {0, "batch", EL_OPT_NUMBER, "N", "datagrams received with one call", FIELD(batch), "64", 1,
     EL_DATAGRAM_BATCH_MAX, NULL},
    {0, "gro", EL_OPT_FLAG, NULL,
     "take aggregated datagrams (UDP_GRO): faster when senders send them in bursts, else slower",
     FIELD(gro), NULL, 0, 0, NULL},
    {0, "no-gso", EL_OPT_FLAG, NULL, "do not coalesce replies to one peer (UDP_SEGMENT)",
     FIELD(no_gso), NULL, 0, 0, NULL},
    {0},
};

static const struct el_program program = {
    .name = "udp_echo_server",
    .usage = "[options]",
    .about = "Sends every datagram back to where it came from, from the address it was sent to. "
             "Statistics are printed as one JSON line on SIGUSR1 and at the end.",
    .epilog = "Exit codes: 0 stopped by SIGTERM or SIGINT, 1 failure, 2 usage, 3 forced by a\n"
              "second signal.\n"
              "Example: udp_echo_server --listen 127.0.0.1:0 --explain\n",
    .options = option_table,
    .more = el_service_option_table,
};

/* "auto" or a number. Returns false after saying what is wrong. */
static bool parse_rate(const char *option, const char *text, bool *given, uint64_t *rate)
{
    const char *why;
    if (strcmp(text, "auto") == 0)
        return true;
    *given = true;
    if (el_parse_number(text, rate, &why) == 0)
        return true;
    fprintf(stderr, "%s: --%s: '%s' %s (auto, 0 = unlimited, or for example --%s 5000)\n",
            program.name, option, text, why, option);
    return false;
}

int main(int argc, char **argv)
{
    struct server server = {0};
    struct options *options = &server.options;
    int operands;
    int code = el_options_parse(&program, argc, argv, options, &operands, stdout, stderr);
    if (code >= 0)
        return code;
    if (!parse_rate("rate", options->rate, &server.rate_given, &server.rate) ||
        !parse_rate("rate-per-source", options->rate_per_source, &server.per_source_given,
                    &server.per_source))
        return 2;
    const struct el_service service = {
        .proto = "udp",
        .model = "recvmmsg",
        /* [#receive-buffer] The default, 208 KiB, is full after 256 small datagrams, one window of a busy client. The
         * kernel doubles this, up to twice net.core.rmem_max. More than those 2,500 would only make answers old. */
        .socket = {.type = SOCK_DGRAM, .tos = -1, .packet_info = true, .receive_buffer = 1 << 20},
        .create = create,
        .run = run,
        .blocks = true,
        .destroy = destroy,
        .counter_count = COUNTERS,
        .counter_names = counter_names,
        .counters = counters,
        .program = &server,
    };
    code = el_service_run(&program, &service, &options->service);
    el_rate_total_free(server.total);
    el_rate_sources_free(server.sources);
    return code;
}
