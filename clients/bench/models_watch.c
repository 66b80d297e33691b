/*
 * models_watch.c - what no load tells: how many system calls a message takes, and what a connection costs that does nothing.
 *
 * Teaches:  a difference cancels what both share. Calls are counted over a short and a long run, and the difference is divided by the
 *           difference in messages: connecting, accepting and closing are in both, and drop out. Memory is that with the
 *           connections less that without. [#differences]
 * Partner:  watch.h (perf or strace, PSS or RSS); models.c
 * Leaves out: the rounds' own runs are not counted: a counter, however cheap, would be in their times.
 */
#include "models.h"

#include "watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- system calls ---------------------------------------------------------------------------------------- */

struct count {
    double calls, messages;
};

static bool load_for(const struct bench_models *models, const struct bench_cell *cell,
                     const struct bench_server *server, el_duration duration, double *messages)
{
    struct bench_load load = bench_models_load(models, cell);
    struct bench_sample sample;
    load.target = server->address;
    load.server = 0;
    load.warmup = 0; /* its messages would not be counted, and the server's calls would */
    load.duration = duration;
    bool good = bench_run(&load, &sample) == 0 && sample.error == 0 && !sample.interrupted;
    *messages = (double)sample.counts.received;
    bench_sample_free(&sample);
    return good;
}

/* With perf: the server that is there. */
static bool count_by_perf(const struct bench_models *models, const struct bench_cell *cell,
                          el_duration duration, struct count *count)
{
    const struct bench_server *server = &cell->row->server[cell->path];
    struct bench_syscalls *syscalls = bench_syscalls_open(server->pid);
    if (syscalls == NULL)
        return false;
    bool good = load_for(models, cell, server, duration, &count->messages);
    count->calls = (double)bench_syscalls_read(syscalls);
    bench_syscalls_close(syscalls);
    return good;
}

/* With strace: a server of its own, because strace must start it, and counts until it has ended. */
static bool count_by_strace(const struct bench_models *models, const struct bench_cell *cell,
                            el_duration duration, struct count *count)
{
    char file[] = "/tmp/echo_bench.XXXXXX";
    struct bench_server server = cell->row->server[cell->path];
    int fd = mkstemp(file);
    if (fd < 0)
        return false;
    close(fd);
    server.strace = file;
    bool good =
        bench_server_start(&server) && load_for(models, cell, &server, duration, &count->messages);
    bench_server_stop(&server);
    count->calls = good ? (double)bench_strace_calls(file) : -1;
    unlink(file);
    return good && count->calls > 0;
}

/* NaN: it could not be counted. A run that brought few messages, on a busy machine, proves nothing: then again. */
static double calls_of(const struct bench_models *models, const struct bench_cell *cell, bool perf)
{
    enum { TRIES = 3, TIMES = 3, ROUND_TRIPS = 20 };
    struct count brief, lengthy;
    bool (*count)(const struct bench_models *, const struct bench_cell *, el_duration,
                  struct count *) = perf ? count_by_perf : count_by_strace;
    double enough = ROUND_TRIPS * (double)cell->workload->connections * cell->workload->window;
    for (int i = 0; i < TRIES && !*models->session->stop; i++)
        if (count(models, cell, EL_MS, &brief) &&
            count(models, cell, TIMES * models->duration, &lengthy) &&
            lengthy.messages - brief.messages > enough && lengthy.calls > brief.calls)
            return (lengthy.calls - brief.calls) / (lengthy.messages - brief.messages);
    return NAN;
}

/* May we use perf's tracepoint here? Tried out on a server that runs. */
static bool may_use_perf(const struct bench_models *models)
{
    for (size_t i = 0; i < models->cells; i++) {
        pid_t pid = models->cell[i].row->server[models->cell[i].path].pid;
        struct bench_syscalls *syscalls = pid > 0 ? bench_syscalls_open(pid) : NULL;
        bench_syscalls_close(syscalls);
        if (pid > 0)
            return syscalls != NULL;
    }
    return false;
}

void bench_models_count_calls(struct bench_models *models)
{
    bool perf = may_use_perf(models), counted = false;
    for (size_t i = 0; i < models->cells && !*models->session->stop; i++) {
        const struct bench_cell *cell = &models->cell[i];
        struct bench_server *server = &cell->row->server[cell->path];
        char text[128];
        /* A stranger has no ready line that tells its pid under strace. */
        bool can = server->pid > 0 && (perf || cell->row->rung->source != NULL);
        if (cell->workload == NULL || !can ||
            strcmp(cell->workload->name, bench_models_main_workload(cell->row->rung)) != 0)
            continue;
        snprintf(text, sizeof text, "counting calls of %s over %s", cell->row->name,
                 bench_path_name(cell->path));
        models->session->doing(models->session->arg, text);
        models->results[i].syscalls = calls_of(models, cell, perf);
        counted = counted || isfinite(models->results[i].syscalls);
    }
    models->counted_by =
        counted && perf ? "counted by perf's tracepoint raw_syscalls:sys_enter"
        : counted       ? "counted by strace -c, which slows a server down: fewer calls a message "
                          "than without, where calls carry batches"
        : perf          ? "not counted: too few messages came back, the machine is busy"
                        : "not counted: neither perf_event_open(2) nor strace(1) is possible here";
}

/* ---- idle connections --------------------------------------------------------------------------------------- */

static const struct timeval patience = {.tv_sec = 3};

/* A connection, or -errno. Blocking, with an end to every wait. */
static int connect_to(const struct el_address *address)
{
    int fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, &address->sa, address->length) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static bool echoes(int fd)
{
    char byte = 'x';
    return write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

/* A first client touches code and buffers that all later ones share. */
static bool prime(const struct el_address *address)
{
    int fd = connect_to(address);
    bool good = fd >= 0 && echoes(fd);
    if (fd >= 0)
        close(fd);
    return good;
}

static bool may_open(unsigned count)
{
    struct rlimit files;
    enum { OTHERS = 400 }; /* the servers' pipes and files, and what else is open */
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return false;
    if (files.rlim_cur < count + OTHERS) {
        files.rlim_cur = files.rlim_max < count + OTHERS ? files.rlim_max : count + OTHERS;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return files.rlim_cur >= count + OTHERS;
}

/* They are accepted in the order in which they came: when the last one answers, all have been. */
static double weigh(const struct bench_server *server, unsigned count)
{
    int fds[1024];
    unsigned open = 0;
    double bytes = NAN;
    if (count == 0 || count > sizeof fds / sizeof fds[0] || !may_open(count) ||
        !prime(&server->address))
        return NAN;
    int64_t before = bench_watch_memory(server->pid);
    while (open < count && (fds[open] = connect_to(&server->address)) >= 0)
        open++;
    if (open == count && echoes(fds[count - 1])) {
        int64_t after = bench_watch_memory(server->pid);
        if (before >= 0 && after >= before)
            bytes = (double)(after - before) / count;
    }
    close_all(fds, open);
    return bytes;
}

void bench_models_weigh(struct bench_models *models)
{
    char text[128];
    for (size_t i = 0; i < models->cells && !*models->session->stop; i++) {
        const struct bench_cell *cell = &models->cell[i];
        if (cell->workload != NULL)
            continue;
        snprintf(text, sizeof text, "idle connections of %s over %s", cell->row->name,
                 bench_path_name(cell->path));
        models->session->doing(models->session->arg, text);
        double bytes = weigh(&cell->row->server[cell->path], cell->row->rung->idle);
        /* It belongs to the server, whatever its load is: so all its rows have it in CSV. */
        for (size_t k = 0; k < models->cells; k++)
            if (models->cell[k].row == cell->row && models->cell[k].path == cell->path)
                models->results[k].idle_memory = bytes;
    }
}
