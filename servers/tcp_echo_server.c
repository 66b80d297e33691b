/*
 * tcp_echo_server.c - echoes every byte of every client, and lets no client harm another.
 *
 * Teaches:  how a server is put together from parts that each hold one idea: who may come in, what happens to
 *           those who are in, and how it all starts and ends.
 * Run:      build/bin/tcp_echo_server --explain       (then: echo hi | nc -N 127.0.0.1 7007)
 * Partner:  clients/tcp_echo.c.
 * Read:     lib/echo_stream.c, the echo itself; lib/acceptor.c, how connections come in; lib/time_limits.c, limits that
 *           cost nothing per message, and lib/ticker.c, the clock they go by; lib/service.c, how a server lives and dies.
 * Leaves out: TLS; anything but bytes.
 * Next:     udp_echo_server.c, where there are messages and no connections.
 */
#include "acceptor.h"
#include "echo_stream.h"
#include "service.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    NARRATED_PER_SECOND = 200, /* steps of --explain, for each worker */
    AUTO_PER_SOURCE = 1024,
    AUTO_SHARE = 4, /* a quarter of all places, where that is less */
};

struct options {
    struct el_service_options service; /* first: el_service_option_table counts from there */
    uint64_t backlog;
    uint64_t max_connections;
    const char *max_per_source; /* "auto" or a number */
    struct el_limits_args limits;
    uint64_t buffer, socket_buffer;
};

/* What all workers share. */
struct program {
    struct options options;
    struct el_admission *admission;
};

/* Nothing but uint64_t, in the order of counter_names: service.c adds them up by number. */
struct counters {
    struct el_echo_counters echo;
    struct el_acceptor_counters acceptor;
};
static const char *const counter_names[] = {EL_ECHO_COUNTER_NAMES, EL_ACCEPTOR_COUNTER_NAMES};
enum { COUNTERS = sizeof counter_names / sizeof counter_names[0] };
_Static_assert(sizeof counter_names / sizeof counter_names[0] <= EL_COUNTERS_MAX,
               "more than are added up");
_Static_assert(sizeof(struct counters) == COUNTERS * sizeof(uint64_t), "a name for each counter");

/* What one thread has for itself. */
struct worker {
    const struct el_worker_context *context;
    struct el_admission *admission; /* shared */
    struct el_acceptor *acceptor;
    struct el_echo *echo;
    struct el_narrator narrator;
    struct counters counters;
    bool draining;
};

/* ---- a worker, as service.c wants it -------------------------------------------------------------- */

static void on_accepted(void *arg, int fd, const struct el_address *peer)
{
    struct worker *worker = arg;
    el_echo_add(worker->echo, fd, peer);
}

static void idle_if_done(const struct worker *worker)
{
    if (worker->draining && worker->counters.echo.active == 0)
        el_service_idle(worker->context);
}

static void on_ended(void *arg, const struct el_address *peer)
{
    struct worker *worker = arg;
    el_admission_leave(worker->admission, peer);
    idle_if_done(worker);
}

/* [#drain] No new clients. A transfer under way goes on to its end, or to --drain-timeout. */
static void drain_worker(void *arg)
{
    struct worker *worker = arg;
    el_acceptor_drain(worker->acceptor);
    el_echo_drain(worker->echo);
    worker->draining = true;
    idle_if_done(worker);
}

static void destroy_worker(void *arg)
{
    struct worker *worker = arg;
    el_acceptor_free(worker->acceptor);
    el_echo_free(worker->echo);
    el_narrator_close(&worker->narrator); /* last: the others narrate their end */
    free(worker);
}

/* An option that accepted sockets inherit from the listener, so that it costs nothing per client. */
static void set_option(const struct el_worker_context *context, int fd, int level, int option,
                       const char *name, int value)
{
    int error = setsockopt(fd, level, option, &value, sizeof value) < 0 ? errno : 0;
    el_explain(context->trace, EL_TOPIC_CALL, "setsockopt(%d, %s, %d) = %s", fd, name, value,
               error == 0 ? "0" : el_errno_name(error));
    if (error != 0)
        el_log(context->trace, EL_WARN, "setsockopt %s: %s", name, strerror(error));
}

/*
 * [#nodelay] Nagle's algorithm (RFC 896) would hold back an echo while an earlier one is not acknowledged, and a delayed
 * ACK makes that 40 ms. [#urgent] A byte sent as urgent is one of the stream (RFC 6093): without SO_OOBINLINE it would be
 * kept apart, and be missing in the echo.
 *
 * [#after-close] Who half-closes and then never reads is echoed to the last byte, as far as we can see, and closed: what
 * it did not take is the kernel's. That keeps it as long as the peer says "my window is still 0", which can be for ever.
 * TCP_USER_TIMEOUT is the write limit for when we have gone (tcp(7); it counts for such a window since Linux 5.11): twice
 * as long, so that ours comes first.
 */
static void set_options(const struct el_worker_context *context)
{
    const struct program *program = context->program;
    el_duration patience = program->options.limits.write / EL_MS * 2;
    for (size_t i = 0; i < context->socket_count; i++) {
        int fd = context->sockets[i];
        set_option(context, fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY", 1);
        set_option(context, fd, SOL_SOCKET, SO_OOBINLINE, "SO_OOBINLINE", 1);
        if (patience > 0 && patience <= INT_MAX)
            set_option(context, fd, IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT",
                       (int)patience);
    }
}

static struct worker *allocate_worker(const struct el_worker_context *context)
{
    const struct program *program = context->program;
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return NULL;
    worker->context = context;
    worker->admission = program->admission;
    bool narrates =
        el_narrator_open(&worker->narrator, context->base, context->trace, NARRATED_PER_SECOND);
    worker->echo = el_echo_new(&(struct el_echo_args){
        .base = context->base,
        .trace = context->trace,
        .narrator = &worker->narrator,
        .counters = &worker->counters.echo,
        .limits = program->options.limits,
        .buffer = program->options.buffer,
        .ended = on_ended,
        .arg = worker,
    });
    worker->acceptor = el_acceptor_new(&(struct el_acceptor_args){
        .context = context,
        .admission = program->admission,
        .narrator = &worker->narrator,
        .counters = &worker->counters.acceptor,
        .accepted = on_accepted,
        .arg = worker,
    });
    if (narrates && worker->echo != NULL && worker->acceptor != NULL)
        return worker;
    int error = errno;
    destroy_worker(worker);
    errno = error;
    return NULL;
}

static void *create_worker(const struct el_worker_context *context)
{
    struct worker *worker = allocate_worker(context);
    if (worker == NULL)
        el_log(context->trace, EL_ERROR, "worker %u: %s%s", context->index, strerror(errno),
               errno == EMFILE ? " (it needs more descriptors: ulimit -n)" : "");
    else
        set_options(context);
    return worker;
}

static uint64_t *worker_counters(void *arg)
{
    struct worker *worker = arg;
    return (uint64_t *)&worker->counters;
}

/* ---- options and main ------------------------------------------------------------------------------ */

#define FIELD(name) offsetof(struct options, name)
static const struct el_option option_table[] = {
    {.type = EL_OPT_HEADING, .help = "Clients"},
    {0, "backlog", EL_OPT_NUMBER, "N", "completed handshakes that may wait to be accepted",
     FIELD(backlog), "4096", 1, INT32_MAX, NULL},
    {0, "max-connections", EL_OPT_NUMBER, "N", "clients at a time", FIELD(max_connections), "16384",
     1, 1 << 20, NULL},
    {0, "max-per-source", EL_OPT_TEXT, "N",
     "of one IPv4 address or IPv6 /64; 0: no limit; auto: 1024 or a quarter, none for loopback",
     FIELD(max_per_source), "auto", 0, 0, NULL},
    {0, "idle-timeout", EL_OPT_DURATION, "D",
     "close a client that sends nothing for so long; 0: never", FIELD(limits.idle), "5m", 0, 0,
     NULL},
    {0, "write-timeout", EL_OPT_DURATION, "D",
     "reset a client that reads nothing of its echo for so long; 0: never", FIELD(limits.write),
     "30s", 0, 0, NULL},
    {0, "max-lifetime", EL_OPT_DURATION, "D", "close a client after that; 0: never",
     FIELD(limits.lifetime), "24h", 0, 0, NULL},
    {0, "buffer", EL_OPT_SIZE, "N",
     "bytes read at a time, and the most kept for a client that does not read", FIELD(buffer),
     "64k", 1, 16 << 20, NULL},
    {0, "socket-buffer", EL_OPT_SIZE, "N",
     "SO_RCVBUF and SO_SNDBUF of a client's socket; 0: what the kernel likes", FIELD(socket_buffer),
     "128k", 0, 1 << 30, NULL},
    {0},
};

static const struct el_program about = {
    .name = "tcp_echo_server",
    .usage = "[options]",
    .about = "Echoes what each TCP client sends (RFC 862). Prints \"ready ...\" once it serves.",
    .epilog = "SIGTERM, SIGINT: drain, then exit 0; a second one: exit 3. SIGUSR1: statistics.\n"
              "Exit: 0 clean stop, 1 failure, 2 usage, 3 forced by a second signal.\n"
              "Example: tcp_echo_server --listen localhost:7007 --explain",
    .options = option_table,
    .more = el_service_option_table,
};

/*
 * [#a-share] One source must not be able to take every place. A place is a descriptor too, and of those there may be fewer than
 * --max-connections: then the limit of descriptors is the one that counts. (service.c raises it to the hard limit.)
 */
static uint64_t share_of_one_source(const struct options *options)
{
    uint64_t places = options->max_connections;
    struct rlimit descriptors;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        rlim_t most = options->service.no_sandbox ? descriptors.rlim_cur : descriptors.rlim_max;
        if (most < places)
            places = most;
    }
    uint64_t share = places / AUTO_SHARE;
    if (share > AUTO_PER_SOURCE)
        return AUTO_PER_SOURCE;
    return share > 0 ? share : 1;
}

/* --max-per-source: on the loopback interface there is one source, and it is you; so `auto` lets it be. */
static bool parse_per_source(const struct options *options, struct el_admission_args *args)
{
    const char *why, *text = options->max_per_source;
    if (strcmp(text, "auto") == 0) {
        args->max_per_source = share_of_one_source(options);
        args->loopback_is_free = true;
        return true;
    }
    if (el_parse_number(text, &args->max_per_source, &why) == 0)
        return true;
    char name[64];
    fprintf(stderr, "tcp_echo_server: --max-per-source %s: %s (give a number, or auto)\n",
            el_name_escape(text, name, sizeof name), why);
    return false;
}

int main(int argc, char **argv)
{
    struct program program;
    int operands;
    int code = el_options_parse(&about, argc, argv, &program.options, &operands, stdout, stderr);
    if (code >= 0)
        return code;
    struct el_admission_args limits = {.max_total = program.options.max_connections};
    if (!parse_per_source(&program.options, &limits))
        return 2;
    program.admission = el_admission_new(&limits);
    if (program.admission == NULL) {
        fprintf(stderr, "tcp_echo_server: --max-connections: %s\n", strerror(ENOMEM));
        return 1;
    }
    const struct el_service service = {
        .proto = "tcp",
        .model = "libevent",
        .socket = {.type = SOCK_STREAM,
                   .tos = -1,
                   .reuse_address = true,
                   .send_buffer = (int)program.options.socket_buffer,
                   .receive_buffer = (int)program.options.socket_buffer},
        .backlog = (int)program.options.backlog,
        .create = create_worker,
        .drain = drain_worker,
        .destroy = destroy_worker,
        .counter_count = COUNTERS,
        .counter_names = counter_names,
        .counters = worker_counters,
        .program = &program,
    };
    code = el_service_run(&about, &service, &program.options.service);
    el_admission_free(program.admission);
    return code;
}
