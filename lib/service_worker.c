/*
 * service_worker.c - a thread with an event loop of its own.
 *
 * Teaches:  how threads can share a server without a lock: nothing on the way of a message is shared, and
 *           what is (an order, one atomic word) is announced by an eventfd(2), which wakes a loop just as a socket does.
 * Partner:  worker.h; service.c gives the orders. Next: servers/tcp_echo_server.c, what such a worker does all day.
 */
#include "service_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * [#libevent-exits] libevent 2.1 ends the process, with exit code 1 and words of its own, when it cannot open the socketpair
 * that it keeps for signals. So see first that the descriptors it takes can be had: an epoll(7) and that pair.
 */
static bool descriptors_left(void)
{
    enum { NEEDED = 3 };
    int taken[NEEDED], count = 0;
    while (count < NEEDED && (taken[count] = eventfd(0, EFD_CLOEXEC)) >= 0)
        count++;
    for (int i = 0; i < count; i++)
        el_socket_close(taken[i]); /* keeps errno */
    return count == NEEDED;
}

static void never(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

/*
 * [#reserve-timers] libevent keeps its timers in an array that it makes with the first, for eight, and makes longer with the
 * ninth. A server has fewer in a loop; so once one has been there, no event_add(3) of a timer can run out of memory, and what
 * must not fail (to accept again, to end the drain) does not.
 */
static bool reserve_timers(struct event_base *base)
{
    const struct timeval hour = {.tv_sec = 3600};
    struct event *first = event_new(base, -1, 0, never, NULL);
    bool added = first != NULL && event_add(first, &hour) == 0;
    if (first != NULL)
        event_free(first);
    return added;
}

struct event_base *el_worker_base(void)
{
    if (!descriptors_left())
        return NULL;
    struct event_config *config = event_config_new();
    errno = ENOMEM; /* libevent sets none that can be relied on */
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    if (base != NULL && !reserve_timers(base)) {
        event_base_free(base);
        base = NULL;
    }
    errno = ENOMEM;
    return base;
}

/* In the worker's loop: the main thread has raised `order`. drain() may free every connection. */
static void on_order(evutil_socket_t fd, short what, void *arg)
{
    struct el_worker *worker = arg;
    uint64_t ignored;
    (void)what;
    if (read(fd, &ignored, sizeof ignored) < 0)
        return; /* EAGAIN or EINTR: nothing to read, or we are called again */
    int order = atomic_load(&worker->order);
    if (order == EL_ORDER_STOP) {
        event_base_loopbreak(worker->context.base);
    } else if (order == EL_ORDER_DRAIN && !worker->draining) {
        worker->draining = true;
        worker->plug->drain(worker->instance);
        /* Nobody accepts from these any more: closed they refuse, open they would keep clients waiting. */
        if (worker->plug->socket.type == SOCK_STREAM)
            el_listeners_close_worker(worker->listeners, worker->context.index);
    }
}

void el_service_idle(const struct el_worker_context *context)
{
    event_base_loopbreak(context->base);
}

enum el_order el_service_order(const struct el_worker_context *context)
{
    const struct el_worker *worker = (const struct el_worker *)context; /* its first member */
    return (enum el_order)atomic_load(&worker->order);
}

void el_service_stop_listening(const struct el_worker_context *context)
{
    const struct el_worker *worker = (const struct el_worker *)context;
    el_listeners_close_worker(worker->listeners, context->index);
}

/* See [own-loop] in service.h. A worker without an event loop has its descriptor for orders, or sockets that block. */
static int open_own_loop(struct el_worker *worker, const char **what)
{
    const struct el_worker_context *context = &worker->context;
    *what = "fcntl";
    for (size_t i = 0; worker->plug->blocks && i < context->socket_count; i++) {
        int flags = fcntl(context->sockets[i], F_GETFL);
        if (flags < 0 || fcntl(context->sockets[i], F_SETFL, flags & ~O_NONBLOCK) < 0)
            return -errno;
    }
    return 0;
}

static int open_event_loop(struct el_worker *worker, const char **what)
{
    struct el_worker_context *context = &worker->context;
    *what = "event_base_new";
    context->base = el_worker_base();
    if (context->base == NULL)
        return -errno;
    *what = "event_new";
    worker->order_event =
        event_new(context->base, worker->order_fd, EV_READ | EV_PERSIST, on_order, worker);
    return worker->order_event == NULL || event_add(worker->order_event, NULL) < 0 ? -ENOMEM : 0;
}

int el_worker_open(struct el_worker *worker, const char **what)
{
    struct el_worker_context *context = &worker->context;
    struct el_listeners *listeners = worker->listeners;

    context->workers = listeners->workers;
    context->sockets = &listeners->sockets[context->index * listeners->count];
    context->addresses = listeners->address;
    context->socket_count = listeners->count;
    context->program = worker->plug->program;

    *what = "eventfd";
    worker->order_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->order_fd < 0)
        return -errno;
    context->wake_fd = worker->order_fd;
    int error =
        worker->plug->run != NULL ? open_own_loop(worker, what) : open_event_loop(worker, what);
    if (error < 0)
        return error;
    *what = "create";
    worker->instance = worker->plug->create(context);
    return worker->instance == NULL ? -ECANCELED : 0;
}

static void *worker_main(void *arg)
{
    struct el_worker *worker = arg;
    const uint64_t one = 1;
    if (worker->plug->run != NULL)
        worker->plug->run(worker->instance);
    else
        worker->failed = event_base_dispatch(worker->context.base) < 0;
    if (write(worker->ended_fd, &one, sizeof one) < 0)
        worker->failed = true; /* cannot be: it would take 2^64 workers to fill the counter */
    return NULL;
}

int el_worker_start(struct el_worker *worker)
{
    int error = pthread_create(&worker->thread, NULL, worker_main, worker);
    worker->started = error == 0;
    return -error;
}

void el_worker_order(struct el_worker *worker, enum el_order order)
{
    const uint64_t one = 1;
    atomic_store(&worker->order, order);
    while (write(worker->order_fd, &one, sizeof one) < 0 && errno == EINTR)
        ; /* EAGAIN: the counter is full, so the worker is awake already */
    /* [#wake-a-blocked-call] Whoever is inside accept(2) or recvmsg(2) sees no eventfd. shutdown(2) ends the call, and every
     * later one at once: so unlike a signal it cannot come a moment too early. (For UDP it says ENOTCONN and does it all the
     * same.) */
    for (size_t i = 0; worker->plug->blocks && i < worker->context.socket_count; i++)
        shutdown(worker->context.sockets[i], SHUT_RD);
}

void el_worker_join(struct el_worker *worker)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    worker->started = false;
}

void el_worker_close(struct el_worker *worker)
{
    if (worker->instance != NULL)
        worker->plug->destroy(worker->instance);
    if (worker->order_event != NULL)
        event_free(worker->order_event);
    if (worker->context.base != NULL)
        event_base_free(worker->context.base);
    if (worker->order_fd > 0)
        el_socket_close(worker->order_fd);
}
