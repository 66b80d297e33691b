/*
 * service.c - runs a server from its first socket to its last statistics line.
 *
 * Teaches:  the order of a server's life, and why nobody here needs a lock: the main thread makes each
 *           worker before its thread exists and takes it apart after that thread was joined; in between they
 *           share one atomic word and one eventfd(2).
 * Partner:  service.h. Threads: service_worker.c. Sockets: listener.c. Privileges: service_sandbox.c. Pid file: pidfile.c.
 *           What it prints: service_report.c. Options: service_options.c.
 * Leaves out: restarting a worker that died, and reloading options: stop it and start it again.
 */
#include "service.h"

#include "listener.h"
#include "pidfile.h"
#include "service_report.h"
#include "service_sandbox.h"
#include "service_worker.h"
#include "standard_io.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* How long a line that someone waits for may wait for its reader. */
static const el_duration PATIENCE = EL_S;
/* After a second signal: how long the workers may take to stop. */
static const struct timeval FORCE = {.tv_sec = 1};

struct service {
    const struct el_service *plug;
    const struct el_service_options *options;
    struct el_file_sink sink;
    struct el_trace *trace;
    struct el_listeners listeners;
    struct el_pidfile pidfile;
    struct event_base *base; /* the main thread's */
    struct event *signal_event, *ended_event, *stats_timer, *drain_timer, *force_timer;
    struct el_service_report report;
    int signal_fd;
    int ended_fd; /* eventfd: one per worker that has ended */
    uint64_t ended;
    struct el_worker *workers;
    unsigned count;
    enum el_order order;
    int code;
};

static int fail(struct service *service, const char *object, const char *what, int error)
{
    el_log(service->trace, EL_ERROR, "%s: %s: %s%s", object, what, strerror(error),
           error == EMFILE || error == ENFILE ? " (it needs more descriptors: ulimit -n)" : "");
    return 1;
}

/* ---- the main thread: events ------------------------------------------------------------------ */

static void give_order(struct service *service, enum el_order order)
{
    service->order = order;
    for (unsigned i = 0; i < service->count; i++)
        el_worker_order(&service->workers[i], order);
}

static void begin_drain(struct service *service, const char *cause)
{
    char text[24];
    const struct timeval limit = el_timeval(service->options->drain_timeout);
    if (service->plug->socket.type == SOCK_STREAM)
        el_log(service->trace, EL_INFO, "%s: no new clients; the others have up to %s to finish",
               cause, el_print_duration(service->options->drain_timeout, text, sizeof text));
    else
        el_log(service->trace, EL_INFO, "%s: stopping; what was read is answered", cause);
    give_order(service, EL_ORDER_DRAIN);
    event_add(service->drain_timer, &limit);
}

/* The clients that are left are cut off. The stop was asked for and it came: exit code 0, with a warning. */
static void on_drain_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    (void)fd, (void)what;
    if (service->options->drain_timeout > 0)
        el_log(service->trace, EL_WARN, "drain: not finished in time: closing what is left");
    give_order(service, EL_ORDER_STOP);
}

/* A line that had no reader is made up for by the next one; any other failure is the server's. */
static void print_stats(struct service *service, const char *reason, el_duration patience)
{
    int error = el_service_report_stats(&service->report, reason, patience);
    if (error < 0 && error != -EAGAIN && service->code == 0)
        service->code = 1;
}

static void on_stop_signal(struct service *service, const char *name)
{
    if (service->order == EL_ORDER_SERVE) {
        begin_drain(service, name);
    } else {
        el_log(service->trace, EL_WARN, "%s again: closing at once", name);
        service->code = 3;
        give_order(service, EL_ORDER_STOP);
        event_add(service->force_timer, &FORCE);
    }
}

/*
 * [#stop-comes-first] signalfd(2) hands out the lowest number first, and SIGUSR1 is below SIGTERM. A line of statistics
 * may wait for its reader; so whoever asks for them again and again would keep a stop from ever being read. Take all that
 * is pending, and obey first.
 */
static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    struct signalfd_siginfo info[3]; /* one of each */
    bool asked = false;
    (void)what;
    ssize_t got = read(fd, info, sizeof info);
    for (ssize_t i = 0; i < got / (ssize_t)sizeof info[0]; i++) {
        if (info[i].ssi_signo == SIGUSR1)
            asked = true;
        else
            on_stop_signal(service, info[i].ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    }
    if (asked) /* once stopping, nobody may hold that up */
        print_stats(service, "signal", service->order == EL_ORDER_SERVE ? PATIENCE : 0);
}

/* [#force] A worker does not even stop. Whatever it waits for: this path waits for nothing and writes nothing. */
static void on_force(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    (void)fd, (void)what;
    el_pidfile_remove(&service->pidfile);
    _exit(3);
}

static void on_stats_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    print_stats(arg, "interval", 0);
}

/* A worker's loop has ended. If nobody asked it to, the others must not go on with a part of the clients lost. */
static void on_ended(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    uint64_t more;
    (void)what;
    if (read(fd, &more, sizeof more) < 0)
        return;
    service->ended += more;
    if (service->order == EL_ORDER_SERVE) {
        service->code = fail(service, "worker", "event loop", EIO);
        give_order(service, EL_ORDER_STOP);
    }
    if (service->ended == service->count)
        event_base_loopbreak(service->base);
}

/* ---- from start to end ------------------------------------------------------------------------ */

/*
 * Descriptors 0-2 must be taken, or the first socket would get one of them and a message meant for stderr
 * would be sent to a client. [#closed-stdout] A closed stdout is an error: nobody could read the ready line.
 */
static int check_standard_streams(struct service *service)
{
    int error = el_standard_fill();
    if (error == -EBADF)
        return fail(service, "stdout", "the ready line needs it", EBADF);
    if (error < 0)
        return fail(service, "/dev/null", "open", -error);
    el_file_sink_open(&service->sink); /* while we still are who owns these */
    service->report.output = el_line_output(STDOUT_FILENO);
    return 0;
}

/*
 * Blocks the signals in this thread and so in all that it makes, and reads them from a descriptor instead. SIGPIPE
 * is ignored: a client that has gone must be an EPIPE to one connection, not the end of the process.
 */
static int open_signals(struct service *service)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    service->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return service->signal_fd < 0 ? fail(service, "signals", "signalfd", errno) : 0;
}

static int open_main_loop(struct service *service)
{
    const short persist = EV_READ | EV_PERSIST;
    struct timeval interval = el_timeval(service->options->stats_interval);

    service->base = el_worker_base();
    if (service->base == NULL)
        return fail(service, "main loop", "event_base_new", errno);
    service->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (service->ended_fd < 0)
        return fail(service, "main loop", "eventfd", errno);
    service->signal_event =
        event_new(service->base, service->signal_fd, persist, on_signal, service);
    service->ended_event = event_new(service->base, service->ended_fd, persist, on_ended, service);
    service->stats_timer = event_new(service->base, -1, EV_PERSIST, on_stats_timer, service);
    service->drain_timer = event_new(service->base, -1, 0, on_drain_timeout, service);
    service->force_timer = event_new(service->base, -1, 0, on_force, service);
    if (service->signal_event == NULL || service->ended_event == NULL ||
        service->stats_timer == NULL || service->drain_timer == NULL ||
        service->force_timer == NULL || event_add(service->signal_event, NULL) < 0 ||
        event_add(service->ended_event, NULL) < 0 ||
        (service->options->stats_interval > 0 && event_add(service->stats_timer, &interval) < 0))
        return fail(service, "main loop", "event_new", ENOMEM);
    return 0;
}

static int check_options(struct service *service)
{
    const char *why = el_service_conflict(service->options);
    if (why == NULL)
        return 0;
    el_log(service->trace, EL_ERROR, "%s", why);
    return 2;
}

static int drop_privileges(struct service *service)
{
    return el_service_drop_privileges(service->options, service->trace);
}

static int filter_calls(struct service *service)
{
    return el_service_filter_calls(service->options, service->plug, service->trace);
}

static int open_sockets(struct service *service)
{
    const struct el_listeners_args args = {
        .endpoints = &service->options->listen,
        .socket = &service->plug->socket,
        .backlog = service->plug->backlog,
        .workers = service->count,
        .trace = service->trace,
    };
    int code = el_listeners_open(&service->listeners, &args);
    if (code != 0 || service->options->pidfile == NULL)
        return code;
    int error = el_pidfile_write(&service->pidfile, service->options->pidfile);
    if (error == -EEXIST)
        el_log(service->trace, EL_ERROR,
               "--pidfile %s: not a regular file, so it is not replaced (give another name)",
               service->options->pidfile);
    else if (error < 0)
        fail(service, service->options->pidfile, "write", -error);
    return error < 0 ? 1 : 0;
}

static int open_workers(struct service *service)
{
    service->workers = calloc(service->count, sizeof *service->workers);
    if (service->workers == NULL)
        return fail(service, "workers", "calloc", ENOMEM);
    service->report.workers = service->workers;
    for (unsigned i = 0; i < service->count; i++) {
        const char *what;
        struct el_worker *worker = &service->workers[i];
        worker->plug = service->plug;
        worker->listeners = &service->listeners;
        worker->ended_fd = service->ended_fd;
        worker->context.trace = service->trace;
        worker->context.index = i;
        int error = el_worker_open(worker, &what);
        if (error < 0)
            return error == -ECANCELED ? 1 : fail(service, "worker", what, -error);
    }
    return 0;
}

/* From the first thread to the last. Every worker is up before "ready" is said, and it is said last. */
static void serve(struct service *service)
{
    int error = 0;
    for (unsigned i = 0; i < service->count && error == 0; i++)
        error = el_worker_start(&service->workers[i]);
    if (error < 0)
        service->code = fail(service, "worker", "pthread_create", -error);
    else if (el_service_report_ready(&service->report, PATIENCE) < 0)
        service->code = 1;
    bool ready = service->code == 0;
    if (ready)
        event_base_dispatch(service->base);
    else
        give_order(service, EL_ORDER_STOP);

    for (unsigned i = 0; i < service->count; i++) {
        el_worker_join(&service->workers[i]);
        if (service->workers[i].failed)
            service->code = 1;
    }
    /* The last line, so nothing makes up for it. */
    if (ready &&
        el_service_report_stats(&service->report, "exit", service->code == 3 ? 0 : PATIENCE) < 0 &&
        service->code == 0)
        service->code = 1;
}

static void close_service(struct service *service)
{
    for (unsigned i = 0; service->workers != NULL && i < service->count; i++)
        el_worker_close(&service->workers[i]);
    free(service->workers);
    struct event *const events[] = {service->signal_event, service->ended_event,
                                    service->stats_timer, service->drain_timer,
                                    service->force_timer};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (service->base != NULL)
        event_base_free(service->base);
    el_socket_close(service->ended_fd);
    el_socket_close(service->signal_fd);
    el_listeners_close(&service->listeners);
    int error = el_pidfile_remove(&service->pidfile);
    if (error < 0)
        fail(service, service->options->pidfile, "remove", -error);
    el_service_report_close(&service->report);
    el_trace_free(service->trace);
    el_file_sink_close(&service->sink);
}

int el_service_run(const struct el_program *program, const struct el_service *plug,
                   const struct el_service_options *options)
{
    struct service service = {
        .plug = plug,
        .options = options,
        .sink = {.file = stderr, .program = program->name},
        .signal_fd = -1,
        .ended_fd = -1,
        .count = (unsigned)options->workers,
    };
    service.trace = el_trace_new(&(struct el_trace_args){
        .sink = el_file_sink_write,
        .arg = &service.sink,
        .level = (enum el_level)options->log_level,
        .explain = options->explain,
        .per_second = 10,
    });
    service.report = (struct el_service_report){
        .output = {.own = -1},
        .trace = service.trace,
        .plug = plug,
        .listeners = &service.listeners,
        .count = service.count,
        .json = options->json,
        .start = el_now(),
    };
    int (*const steps[])(struct service *) = {
        check_standard_streams, check_options,   open_signals, open_main_loop,
        open_sockets,           drop_privileges, open_workers, filter_calls};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && service.code == 0; i++)
        service.code = steps[i](&service);
    if (service.code == 0)
        serve(&service);
    close_service(&service);
    return service.code;
}
