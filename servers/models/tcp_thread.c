/*
 * tcp_thread.c - a TCP echo server with a thread for each client.
 *
 * Teaches:  a thread is a cheaper place to wait in than a process: it starts in some ten microseconds and shares all memory, which is the
 *           danger too. What is shared here is the list of clients (locked), and nothing on the way of a message: each thread has its
 *           own buffer. Someone must join a thread that has ended, as someone must reap a child.
 * Run:      build/bin/tcp_thread              (then: nc 127.0.0.1 7007, and ps -T -C tcp_thread)
 * Partner:  tcp_fork.c: the echo is the same.
 * Leaves out, and what that costs:
 *           - small clients: each costs a stack and a buffer of --buffer bytes. Safe: bounded by --max-connections; only pages that were
 *             used are memory, but an idle client keeps those.
 *           - a second --listen address
 *           - joining at once: an ended thread keeps its stack until the next client comes
 * Next:     tcp_poll.c, where one thread waits for all of them.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough for the calls of this file; a default stack is 8 MiB of address space. Sanitizers need more. */
enum { STACK = 128 << 10 };

struct crew;
struct sailor {
    struct el_model_client client; /* hung up on by the worker's thread, see #hang-up */
    struct crew *crew;
    pthread_t thread;
    struct sailor *next; /* of those that have ended */
    unsigned char buffer[];
};

/* A worker's threads. */
struct crew {
    struct el_model_worker *worker;
    pthread_attr_t attributes;
    pthread_mutex_t lock;
    struct sailor *ended; /* under the lock: to be joined */
};

/* ---- a client's thread ------------------------------------------------------------------------------ */

static bool write_all(struct el_model_worker *worker, struct sailor *sailor, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = write(sailor->client.fd, sailor->buffer + done, length - done);
        if (sent < 0 && el_model_failed(worker, &sailor->client, errno))
            return false;
        if (sent > 0) {
            el_model_moved(worker, &sailor->client, 0, (size_t)sent);
            done += (size_t)sent;
        }
    }
    return true;
}

/* As in tcp_fork.c. EAGAIN is the idle limit here too. */
static void serve_client(struct el_model_worker *worker, struct sailor *sailor)
{
    for (;;) {
        ssize_t got = read(sailor->client.fd, sailor->buffer, worker->options->buffer);
        if (got == 0 || (got < 0 && el_model_failed(worker, &sailor->client, errno)))
            return;
        if (got > 0) {
            el_model_moved(worker, &sailor->client, (size_t)got, 0);
            if (!write_all(worker, sailor, (size_t)got))
                return;
        }
    }
}

/* Frees nothing of its own: pthread_join(3) still needs the thread's number, and then it can go. */
static void *sailor_main(void *arg)
{
    struct sailor *sailor = arg;
    struct crew *crew = sailor->crew;
    serve_client(crew->worker, sailor);
    pthread_mutex_lock(&crew->lock);
    sailor->next = crew->ended;
    crew->ended = sailor;
    pthread_mutex_unlock(&crew->lock);
    el_model_close(crew->worker, &sailor->client); /* last: with it, `active` may become 0 */
    return NULL;
}

/* ---- the worker's thread ---------------------------------------------------------------------------- */

/* [#join] Those in the list have at most a close(2) left to do, so this does not wait. */
static void join_ended(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    struct sailor *sailor = crew->ended;
    crew->ended = NULL;
    pthread_mutex_unlock(&crew->lock);
    while (sailor != NULL) {
        struct sailor *next = sailor->next;
        pthread_join(sailor->thread, NULL);
        free(sailor);
        sailor = next;
    }
}

static void take_in(struct crew *crew, int fd)
{
    struct el_model_worker *worker = crew->worker;
    struct sailor *sailor = malloc(sizeof *sailor + worker->options->buffer);
    if (sailor == NULL) {
        el_model_refuse(worker, fd, "malloc");
        return;
    }
    sailor->crew = crew;
    el_model_set_patience(fd, worker->options->idle_timeout);
    el_model_take_in(worker, &sailor->client, fd);
    int error = pthread_create(&sailor->thread, &crew->attributes, sailor_main, sailor);
    if (error == 0)
        return;
    el_log(worker->context->trace, EL_WARN, "pthread_create: %s: a client was turned away",
           strerror(error)); /* EAGAIN: too many threads, or no memory for the stack */
    el_socket_reset_on_close(fd);
    el_model_close(worker, &sailor->client);
    free(sailor);
}

/* Threads under way go on. Those that wait for a client that has become quiet are woken, by shutdown(2) in el_model_attend. */
static void drain(struct crew *crew)
{
    struct pollfd attention = {.fd = crew->worker->attention_fd, .events = POLLIN};
    while (el_model_goes_on(crew->worker))
        if (poll(&attention, 1, -1) > 0)
            el_model_attend(crew->worker);
    join_ended(crew);
}

static void serve(struct el_model_worker *worker)
{
    struct crew crew = {.worker = worker, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_attr_init(&crew.attributes);
    pthread_attr_setstacksize(&crew.attributes, STACK);
    while (el_service_order(worker->context) == EL_ORDER_SERVE) {
        int fd = el_model_accept(worker, worker->context->sockets[0]);
        join_ended(&crew);
        if (fd >= 0)
            take_in(&crew, fd);
    }
    drain(&crew);
    pthread_attr_destroy(&crew.attributes);
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_thread",
        .name = "thread",
        .about = "Echoes what each TCP client sends, with a thread for each client.",
        .type = SOCK_STREAM,
        .blocks = true,
        .one_socket = true,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
