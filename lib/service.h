/*
 * service.h - the life of a server: ready line, signals, workers, drain, statistics.
 *
 * A server program says what a worker is (open sockets, serve, drain, report); service runs N of them, each in a thread with its own
 * event base and its own SO_REUSEPORT sockets, and owns everything that every server must do alike. SIGPIPE is ignored here, once.
 */
#ifndef ECHOLAB_SERVICE_H
#define ECHOLAB_SERVICE_H

#include "json.h"
#include "options.h"
#include "sandbox.h"
#include "socket.h"

#include <event2/event.h>

/* What all servers take (DESIGN of the command line); programs embed it first in their own options struct. */
struct el_service_options {
    struct el_endpoint_list listen;
    uint64_t workers;
    const char *user;
    bool no_sandbox;
    el_duration drain_timeout;
    el_duration stats_interval;
    bool json;
    bool explain;
    const char *pidfile;
    unsigned log_level; /* enum el_level */
};
extern const struct el_option el_service_option_table
    []; /* offsets from the start of struct el_service_options; chain it as `more` */

struct el_worker_context {
    struct event_base *base;
    struct el_trace *trace;
    unsigned index;     /* 0..workers-1 */
    const int *sockets; /* this worker's, one per address; owned by service */
    const struct el_address
        *addresses; /* what each is bound to (the real port, if 0 was asked for) */
    size_t socket_count;
    void *program; /* as given in el_service */
};

/* How a server program is plugged in. Every call but `create` and `report` runs in the worker's own thread. */
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
    size_t
        counter_count; /* statistics: a worker keeps counters as uint64_t, read by other threads */
    const char *const *counter_names;
    uint64_t *(*counters)(void *worker); /* relaxed atomics: single writer */
    void *program;
};

/* Runs until stopped. Returns the exit code: 0, 1, 2 or 3. */
int el_service_run(const struct el_program *program, const struct el_service *service,
                   const struct el_service_options *options);

/* A draining worker has nothing left to do. From the worker's thread. */
void el_service_idle(const struct el_worker_context *context);

#endif
