/*
 * service_model.c - options, limits and life of the servers in servers/models/.
 *
 * Partner:  service_model.h; service.c, which does most of it.
 */
#include "service_model.h"

#include "service_model_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const counter_names[] = {
    "accepted",
    "active",
    "closed",
    "bytes_in",
    "bytes_out",
    "timed_out",
    "resets",
    "errors",
    "rejected_full",
    "rejected_descriptors",
    "received",
    "replied",
    "dropped_truncated",
    "dropped_unsafe_source",
    "dropped_would_block",
};
enum { COUNTERS = sizeof counter_names / sizeof counter_names[0] };
_Static_assert(sizeof counter_names / sizeof counter_names[0] <= EL_COUNTERS_MAX,
               "more than are added up");
_Static_assert(sizeof(struct el_model_counters) == COUNTERS * sizeof(uint64_t),
               "a name for each counter");

/* What main and the workers share. */
struct shared {
    const struct el_model *model;
    struct el_model_options options;
};

/* ---- a worker, as service.c wants it -------------------------------------------------------------- */

/* Pages that a child of fork(2) goes on sharing with us, so that it can count. */
static struct el_model_counters *map_counters(void)
{
    void *pages = mmap(NULL, sizeof(struct el_model_counters), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static void destroy(void *arg)
{
    struct el_model_worker *worker = arg;
    el_model_stream_close(worker);
    if (worker->counters != NULL)
        munmap(worker->counters, sizeof *worker->counters);
    free(worker);
}

/*
 * [#loopback-only] No rate limit and no limit per source: fine as long as only this machine can ask. In a lab network nobody
 * else is there either, and --anywhere says so.
 */
static bool may_listen(const struct el_worker_context *context, const struct shared *shared)
{
    char text[EL_ADDRESS_TEXT];
    for (size_t i = 0; i < context->socket_count && !shared->options.anywhere; i++) {
        if (el_address_is_loopback(&context->addresses[i]))
            continue;
        el_log(context->trace, EL_ERROR,
               "--listen %s: a model has no rate limits, so it listens on loopback addresses only "
               "(--anywhere, in a lab network; or %s_echo_server)",
               el_address_print(&context->addresses[i], text),
               shared->model->type == SOCK_STREAM ? "tcp" : "udp");
        return false;
    }
    if (!shared->model->one_socket || context->socket_count == 1)
        return true;
    el_log(context->trace, EL_ERROR,
           "--listen: this model waits on one socket, and these are %zu addresses (give one, as a "
           "literal: 127.0.0.1:7007)",
           context->socket_count);
    return false;
}

static int open_worker(struct el_model_worker *worker)
{
    worker->counters = map_counters();
    if (worker->counters == NULL)
        return -ENOMEM;
    return worker->model->type == SOCK_STREAM ? el_model_stream_open(worker) : 0;
}

static void *create(const struct el_worker_context *context)
{
    const struct shared *shared = context->program;
    const char *missing = shared->model->missing == NULL ? NULL : shared->model->missing();
    if (missing != NULL)
        el_log(context->trace, EL_ERROR, "%s", missing);
    if (missing != NULL || !may_listen(context, shared))
        return NULL;
    struct el_model_worker *worker = calloc(1, sizeof *worker);
    int error = -ENOMEM;
    if (worker != NULL) {
        worker->context = context;
        worker->options = &shared->options;
        worker->model = shared->model;
        error = open_worker(worker);
    }
    if (error == 0)
        return worker;
    el_log(context->trace, EL_ERROR, "worker %u: %s", context->index, strerror(-error));
    if (worker != NULL)
        destroy(worker);
    return NULL;
}

static void run(void *arg)
{
    struct el_model_worker *worker = arg;
    const struct shared *shared = worker->context->program;
    shared->model->serve(worker);
}

static uint64_t *counters(void *arg)
{
    const struct el_model_worker *worker = arg;
    return (uint64_t *)worker->counters;
}

/* ---- options and main ------------------------------------------------------------------------------ */

#define FIELD(name) offsetof(struct el_model_options, name)
#define ANYWHERE                                                                                   \
    {                                                                                              \
        0, "anywhere", EL_OPT_FLAG, NULL, "listen on other than loopback addresses too",           \
            FIELD(anywhere), NULL, 0, 0, NULL                                                      \
    }

static const struct el_option stream_options[] = {
    {.type = EL_OPT_HEADING, .help = "Clients"},
    ANYWHERE,
    {0, "backlog", EL_OPT_NUMBER, "N", "completed handshakes that may wait to be accepted",
     FIELD(backlog), "4096", 1, INT32_MAX, NULL},
    {0, "max-connections", EL_OPT_NUMBER, "N", "clients at a time, of each worker",
     FIELD(max_connections), "16384", 1, 1 << 20, NULL},
    {0, "idle-timeout", EL_OPT_DURATION, "D",
     "close a client that sends nothing for so long; 0: never", FIELD(idle_timeout), "5m", 0, 0,
     NULL},
    {0, "buffer", EL_OPT_SIZE, "N",
     "bytes read at a time, and the most kept for a client that does not read", FIELD(buffer),
     "64k", 1, 16 << 20, NULL},
    {0},
};

static const struct el_option datagram_options[] = {
    {.type = EL_OPT_HEADING, .help = "Clients"},
    ANYWHERE,
    {0, "max-datagram", EL_OPT_SIZE, "N", "longer ones are dropped and counted",
     FIELD(max_datagram), "65527", 1, 65527, NULL},
    {0, "batch", EL_OPT_NUMBER, "N", "datagrams a call, if the model takes several", FIELD(batch),
     "64", 1, 1024, NULL},
    {0},
};

int el_model_main(const struct el_model *model, int argc, char **argv)
{
    bool stream = model->type == SOCK_STREAM;
    const struct el_program about = {
        .name = model->program,
        .usage = "[options]",
        .about = model->about,
        .epilog =
            "SIGTERM, SIGINT: drain, then exit 0; a second one: exit 3. SIGUSR1: statistics.\n"
            "Exit: 0 clean stop, 1 failure, 2 usage, 3 forced by a second signal.",
        .options = stream ? stream_options : datagram_options,
        .more = el_service_option_table,
    };
    struct shared shared = {.model = model};
    int operands;
    int code = el_options_parse(&about, argc, argv, &shared.options, &operands, stdout, stderr);
    if (code >= 0)
        return code;
    const struct el_service service = {
        .proto = stream ? "tcp" : "udp",
        .model = model->name,
        .socket = {.type = model->type, .tos = -1, .reuse_address = stream},
        .backlog = (int)shared.options.backlog,
        .create = create,
        .destroy = destroy,
        .run = run,
        .blocks = model->blocks,
        .calls = model->calls | (stream ? EL_CALLS_HANG_UP : 0), /* see #hang-up */
        .counter_count = COUNTERS,
        .counter_names = counter_names,
        .counters = counters,
        .program = &shared,
    };
    return el_service_run(&about, &service, &shared.options.service);
}
