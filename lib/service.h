/*
 * service.h - the life of a server: ready line, signals, workers, drain, statistics.
 *
 * A server program says what a worker is (create, drain, destroy, counters); service runs N of them, each in a thread with its
 * own event base and its own SO_REUSEPORT sockets, and owns everything that every server must do alike:
 *
 *   bind → pid file → drop privileges → create workers → filter → threads → "ready …"
 *   → serve → SIGTERM → drain → statistics → exit
 *
 * SIGPIPE is ignored here, once. Signals are read in the main thread through signalfd(2), so no code of ours ever runs in a
 * signal handler; a worker hears of them through an eventfd(2) in its own loop.
 */
#ifndef ECHOLAB_SERVICE_H
#define ECHOLAB_SERVICE_H

#include "counter.h"
#include "json.h"
#include "options.h"
#include "seccomp_filter.h"
#include "socket.h"

#include <event2/event.h>

/* What all servers take (DESIGN of the command line); programs embed it first in their own options struct. */
struct el_service_options {
    struct el_endpoint_list listen;
    uint64_t workers;
    const char *user; /* NULL: nobody, if we are root; else who we are */
    bool no_sandbox;
    el_duration drain_timeout;  /* 0: close at once */
    el_duration stats_interval; /* 0: never */
    bool json;                  /* the ready line as JSON too */
    bool explain;
    const char *pidfile;
    unsigned log_level; /* enum el_level */
};
extern const struct el_option el_service_option_table
    []; /* offsets from the start of struct el_service_options; chain it as `more` */

/* A usage error that no single option shows, as a sentence; NULL: none. el_service_run asks. */
const char *el_service_conflict(const struct el_service_options *options);

/* What a worker is given. It lives as long as the worker does: keep the pointer. */
struct el_worker_context {
    struct event_base *base;
    struct el_trace *trace; /* shared by all workers */
    unsigned index;         /* 0..workers-1 */
    unsigned workers;
    const int *
        sockets; /* this worker's, one per address; owned by service, which closes them after `drain` (SOCK_STREAM) */
    const struct el_address
        *addresses; /* what each is bound to (the real port, if 0 was asked for) */
    size_t socket_count;
    int wake_fd; /* for `run`: an eventfd, readable as soon as el_service_order has changed; yours to read */
    void *program; /* as given in el_service */
};

/* What the main thread asks of a worker; it only ever goes up. */
enum el_order { EL_ORDER_SERVE, EL_ORDER_DRAIN, EL_ORDER_STOP };

enum { EL_COUNTERS_MAX = 32 };

/*
 * How a server program is plugged in. `create` and `destroy` run in the main thread, before the worker's
 * thread starts and after it has ended, so neither meets a callback; `drain` runs in the worker's own thread.
 */
struct el_service {
    const char *proto;            /* "tcp" or "udp", for the ready line */
    const char *model;            /* "libevent" */
    struct el_socket_args socket; /* how to open the sockets; type says whether to listen */
    int backlog;
    void *(*create)(
        const struct el_worker_context *context); /* NULL: could not; message already given */
    void (*drain)(
        void *worker); /* stop accepting; finish what is under way, then call el_service_idle */
    void (*destroy)(void *worker); /* at once; frees */
    /*
     * Instead of an event loop, or NULL: the worker's thread does this until el_service_order says otherwise. DRAIN: no
     * new clients, return when those under way are served. STOP: return now. `drain` is not called then. [#own-loop]
     */
    void (*run)(void *worker);
    /* With `run`: it waits inside a call on the socket itself, where no wake_fd can reach it. The sockets are made
     * blocking, and a new order comes with a shutdown(2) of each: accept(2) then fails with EINVAL, recvmsg(2) returns
     * 0 with no sender. */
    bool blocks;
    unsigned calls; /* enum el_calls: what it needs of the kernel beyond what all servers need */
    size_t
        counter_count; /* at most EL_COUNTERS_MAX; a worker keeps them as uint64_t, read by other threads */
    const char *const *counter_names;
    /* Relaxed atomics: single writer, see el_count. Called once for a line of statistics, in the main thread, which
     * may write what it alone keeps. */
    uint64_t *(*counters)(void *worker);
    void *program;
};

/*
 * Runs until stopped. Returns the exit code: 0; 1 after a failure; 2 for a bad --listen; 3 forced by a
 * second signal. `options` must have come through el_options_parse.
 */
int el_service_run(const struct el_program *program, const struct el_service *plug,
                   const struct el_service_options *options);

/* A draining worker has nothing left to do: its loop ends. From the worker's thread, also from within `drain`. */
void el_service_idle(const struct el_worker_context *context);

/* For `run`: what the main thread wants of this worker. From the worker's thread or one that it made. */
enum el_order el_service_order(const struct el_worker_context *context);

/* For `run`, from the worker's thread, unless it `blocks`: closes its sockets, so that new clients are refused. They
 * are -1 afterwards. */
void el_service_stop_listening(const struct el_worker_context *context);

#endif
