/*
 * service_worker.h - one worker of a server: its event loop, its thread, and how the main thread talks to it.
 *
 * Only service.c uses it. What a server program sees of a worker is `struct el_worker_context` in service.h.
 */
#ifndef ECHOLAB_SERVICE_WORKER_H
#define ECHOLAB_SERVICE_WORKER_H

#include "listener.h"
#include "service.h"

#include <pthread.h>
#include <stdatomic.h>

struct el_worker {
    struct el_worker_context context; /* what the program sees */
    const struct el_service *plug;
    struct el_listeners *listeners;
    void *instance; /* what create() made */
    struct event *order_event;
    int order_fd;     /* eventfd: look at `order` */
    int ended_fd;     /* eventfd of the main thread: this worker's loop has ended */
    atomic_int order; /* enum el_order; written by the main thread */
    bool draining;    /* the worker thread's own */
    bool started;     /* the main thread's own: there is a thread to join */
    bool failed;      /* its loop broke; to be read after the join */
    pthread_t thread;
};

/*
 * The event base of one thread alone, so without locks. EVENT_BASE_FLAG_PRECISE_TIMER stays off: its timerfd would cost
 * a system call at every wake-up, and a server's limits may be some milliseconds late. [#imprecise-timers] For the same reason the
 * loop does not note the time at each wake-up (EVENT_BASE_FLAG_NO_CACHE_TIME): with no timer pending nobody asks it. What must
 * happen regularly while messages flow is a ticker, not a timer (ticker.h).
 * NULL with errno: EMFILE, ENFILE or ENOMEM.
 */
struct event_base *el_worker_base(void);

/*
 * Makes everything a worker needs but its thread, and calls plug->create. `plug`, `listeners`, `ended_fd` and the context's trace and
 * index are filled in by the caller. 0, or -errno with *what = the call; -ECANCELED: create() gave up and has said why.
 */
int el_worker_open(struct el_worker *worker, const char **what);

int el_worker_start(struct el_worker *worker); /* the thread; 0 or -errno */
void el_worker_order(struct el_worker *worker, enum el_order order);
void el_worker_join(struct el_worker *worker);  /* waits for the thread, if there is one */
void el_worker_close(struct el_worker *worker); /* after the join; also after a failed _open */

#endif
