/*
 * tcp_epoll.c - the server of tcp_poll.c, with the kernel keeping the list of who is waited for.
 *
 * Teaches:  epoll(7) is a set in the kernel: a client is put in once, and epoll_wait(2) returns only those that are ready, so that idle
 *           ones cost nothing. A message is two and a bit calls: read, write, and its share of an epoll_wait that told of many.
 *           Changing what is waited for costs a call of its own, so it is done only when a client stops reading.
 * Run:      tcp_epoll --listen 127.0.0.1:7007              (then: nc 127.0.0.1 7007, and strace -p it)
 * Partner:  tcp_poll.c, line by line. What tcp_echo_server's speed is measured against.
 * Leaves out: nothing that a client on this machine could use; tcp_echo_server has limits for strangers besides.
 * Next:     tcp_epoll_edge.c, where the kernel tells of each change only once.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 256, ACCEPTS = 64 };

struct loop {
    struct el_model_worker *worker;
    int epoll;
};

/* What an event points to: a client, or one of these two kinds. */
static char attention, listeners[EL_ENDPOINTS_MAX * 2];

/* Waits for `events` of the client from now on. `how`: EPOLL_CTL_ADD or _MOD. */
static bool wait_for(struct loop *loop, struct el_model_client *client, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(loop->epoll, how, client->fd, &event) == 0)
        return true;
    el_model_failed(loop->worker, client,
                    errno); /* ENOMEM; ENOSPC: see epoll(7), max_user_watches */
    return false;
}

/* close(2) takes it out of the set, as nobody else holds this descriptor. */
static void end_client(struct loop *loop, struct el_model_client *client)
{
    el_model_close(loop->worker, client);
    free(client);
}

static void add_client(struct loop *loop, int fd)
{
    struct el_model_client *client = malloc(sizeof *client);
    if (client == NULL) {
        el_model_refuse(loop->worker, fd, "malloc");
        return;
    }
    el_model_take_in(loop->worker, client, fd);
    if (!wait_for(loop, client, EPOLL_CTL_ADD, EPOLLIN))
        end_client(loop, client);
}

/* As in tcp_poll.c; only "wait for room" is now a system call. Frees the client when it ends. */
static void on_readable(struct loop *loop, struct el_model_client *client)
{
    struct el_model_worker *worker = loop->worker;
    ssize_t got = read(client->fd, worker->buffer, worker->options->buffer);
    if (got == 0 || (got < 0 && el_model_failed(worker, client, errno))) {
        end_client(loop, client);
        return;
    }
    if (got < 0)
        return;
    ssize_t sent = write(client->fd, worker->buffer, (size_t)got);
    el_model_moved(worker, client, (size_t)got, sent > 0 ? (size_t)sent : 0);
    if (sent < 0 && el_model_failed(worker, client, errno)) {
        end_client(loop, client);
        return;
    }
    if (sent < 0)
        sent = 0;
    if (sent == got)
        return;
    if (!el_model_keep(worker, client, worker->buffer + sent, (size_t)(got - sent)) ||
        !wait_for(loop, client, EPOLL_CTL_MOD, EPOLLOUT))
        end_client(loop, client);
}

static void on_writable(struct loop *loop, struct el_model_client *client)
{
    struct el_model_worker *worker = loop->worker;
    ssize_t sent =
        write(client->fd, client->rest + client->rest_from, client->rest_to - client->rest_from);
    if (sent < 0) {
        if (el_model_failed(worker, client, errno))
            end_client(loop, client);
        return;
    }
    el_model_moved(worker, client, 0, (size_t)sent);
    if (el_model_gone(client, (size_t)sent) && !wait_for(loop, client, EPOLL_CTL_MOD, EPOLLIN))
        end_client(loop, client);
}

static void on_acceptable(struct loop *loop, int listener)
{
    int fd = 0;
    for (int n = 0; n < ACCEPTS && (fd = el_model_accept(loop->worker, listener)) >= 0; n++)
        add_client(loop, fd);
}

/*
 * [#one-event-each] A batch holds one event a client at most, so a client may be freed while the batch is worked through. Orders and limits
 * come last: they only hang up, and the clients tell of that in the next batch.
 */
static void serve_batch(struct loop *loop, const struct epoll_event *events, int count)
{
    bool attend = false;
    for (int i = 0; i < count; i++) {
        char *mark = events[i].data.ptr;
        struct el_model_client *client = events[i].data.ptr;
        if (mark == &attention)
            attend = true;
        else if (mark >= listeners && mark < listeners + sizeof listeners)
            on_acceptable(loop, loop->worker->context->sockets[mark - listeners]);
        else if (client->rest == NULL)
            on_readable(loop, client);
        else
            on_writable(loop, client);
    }
    if (attend)
        el_model_attend(loop->worker);
}

static bool add_own(const struct loop *loop, int fd, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void serve(struct el_model_worker *worker)
{
    const struct el_worker_context *context = worker->context;
    struct loop loop = {.worker = worker, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[BATCH];
    bool good = loop.epoll >= 0 && add_own(&loop, worker->attention_fd, &attention);
    for (size_t i = 0; i < context->socket_count && good; i++)
        good = add_own(&loop, context->sockets[i], &listeners[i]);
    while (good && el_model_goes_on(worker)) {
        int count = epoll_wait(loop.epoll, events, BATCH, -1);
        good = count >= 0 || errno == EINTR; /* EINTR: it was stopped and continued, signal(7) */
        serve_batch(&loop, events, count);
    }
    if (!good)
        el_log(context->trace, EL_ERROR, "epoll: %m");
    el_socket_close(loop.epoll);
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_epoll",
        .name = "epoll",
        .about = "Echoes what each TCP client sends; one thread waits for all with epoll(7), "
                 "level-triggered.",
        .type = SOCK_STREAM,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
