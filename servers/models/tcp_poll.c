/*
 * tcp_poll.c - a TCP echo server with one thread that waits for all its clients at once.
 *
 * Teaches:  turned inside out: nobody waits in read(2) any more, but once, in poll(2), for whoever is ready first. What the stack of
 *           a thread used to know (am I reading? what is still to be written?) is now data, one struct a client; and a call that would
 *           block must not, so that a short write is kept and finished later, and meanwhile nothing is read (backpressure).
 * Run:      tcp_poll --listen 127.0.0.1:7007               (then: nc 127.0.0.1 7007, and strace -p it)
 * Partner:  tcp_thread.c, which needs no such state; tcp_epoll.c, line by line.
 * Leaves out, and what that costs:
 *           - a short list: each poll(2) hands the kernel the whole array, and looks through all of it afterwards. Safe, and
 *             slow with many clients who are mostly idle: 10,000 of them cost half a millisecond a call, for one byte of one.
 * Next:     tcp_epoll.c, where the kernel keeps the array.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS = 64 };

/* Two arrays that belong together: poll(2) wants its own without gaps. First `attention_fd`, then the listeners, then the clients. */
struct loop {
    struct el_model_worker *worker;
    size_t first, count, room; /* of the clients; of all; how many the arrays can take */
    struct pollfd *fds;
    struct el_model_client **clients; /* NULL below `first` */
};

static bool grow(struct loop *loop, size_t room)
{
    struct pollfd *fds = realloc(loop->fds, room * sizeof *fds);
    if (fds == NULL)
        return false;
    loop->fds = fds;
    struct el_model_client **clients = realloc(
        loop->clients, room * sizeof *clients); /* NOLINT(bugprone-sizeof-expression): pointers */
    if (clients == NULL)
        return false;
    loop->clients = clients;
    loop->room = room;
    return true;
}

static void add_client(struct loop *loop, int fd)
{
    struct el_model_client *client = malloc(sizeof *client);
    if (client == NULL || (loop->count == loop->room && !grow(loop, 2 * loop->room))) {
        el_model_refuse(loop->worker, fd, "malloc");
        free(client);
        return;
    }
    el_model_take_in(loop->worker, client, fd);
    loop->fds[loop->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    loop->clients[loop->count++] = client;
}

/* The last one takes its place. It was looked at already: a round goes from the end to the beginning [#backwards]. */
static void end_client(struct loop *loop, size_t i)
{
    el_model_close(loop->worker, loop->clients[i]);
    free(loop->clients[i]);
    loop->count--;
    loop->fds[i] = loop->fds[loop->count];
    loop->clients[i] = loop->clients[loop->count];
}

/*
 * One read, one write, however much there is: poll(2) is level-triggered and tells us again, after the others had their turn. A write is
 * short when the client does not read: keep the rest, and wait for room instead of bytes. Frees the client when it ends.
 */
static void on_readable(struct loop *loop, size_t i)
{
    struct el_model_worker *worker = loop->worker;
    struct el_model_client *client = loop->clients[i];
    ssize_t got = read(client->fd, worker->buffer, worker->options->buffer);
    if (got == 0 || (got < 0 && el_model_failed(worker, client, errno))) {
        end_client(
            loop,
            i); /* 0 is its FIN; we read only when nothing is owed, so every byte is on its way */
        return;
    }
    if (got < 0)
        return;
    ssize_t sent = write(client->fd, worker->buffer, (size_t)got);
    el_model_moved(worker, client, (size_t)got, sent > 0 ? (size_t)sent : 0);
    if (sent < 0 && el_model_failed(worker, client, errno)) {
        end_client(loop, i);
        return;
    }
    if (sent < 0)
        sent = 0; /* EAGAIN: no room at all */
    if (sent == got)
        return;
    if (el_model_keep(worker, client, worker->buffer + sent, (size_t)(got - sent)))
        loop->fds[i].events = POLLOUT;
    else
        end_client(loop, i);
}

/* The rest of a short write. */
static void on_writable(struct loop *loop, size_t i)
{
    struct el_model_worker *worker = loop->worker;
    struct el_model_client *client = loop->clients[i];
    ssize_t sent =
        write(client->fd, client->rest + client->rest_from, client->rest_to - client->rest_from);
    if (sent < 0 && el_model_failed(worker, client, errno)) {
        end_client(loop, i);
    } else if (sent > 0) {
        el_model_moved(worker, client, 0, (size_t)sent);
        if (el_model_gone(client, (size_t)sent))
            loop->fds[i].events = POLLIN;
    }
}

/* POLLHUP and POLLERR come unasked, and mean: call it, and it will say what is wrong. */
static void serve_round(struct loop *loop)
{
    struct el_model_worker *worker = loop->worker;
    for (size_t i = loop->count; i-- > loop->first;) {
        if (loop->fds[i].revents == 0)
            continue;
        if (loop->clients[i]->rest == NULL)
            on_readable(loop, i);
        else
            on_writable(loop, i);
    }
    for (size_t i = 1; i < loop->first; i++)
        for (int n = 0; loop->fds[i].revents != 0 && n < ACCEPTS; n++) {
            int fd = el_model_accept(worker, worker->context->sockets[i - 1]);
            if (fd < 0)
                break;
            add_client(loop, fd);
        }
    if (loop->fds[0].revents != 0)
        el_model_attend(worker);
}

static void serve(struct el_model_worker *worker)
{
    const struct el_worker_context *context = worker->context;
    struct loop loop = {.worker = worker, .first = 1 + context->socket_count};
    loop.count = loop.first;
    bool good = grow(&loop, loop.first + 64);
    while (good && el_model_goes_on(worker)) {
        loop.fds[0] = (struct pollfd){.fd = worker->attention_fd, .events = POLLIN};
        for (size_t i = 1; i < loop.first; i++) /* -1 when the server drains: poll(2) skips those */
            loop.fds[i] = (struct pollfd){.fd = context->sockets[i - 1], .events = POLLIN};
        if (poll(loop.fds, loop.count, -1) > 0)
            serve_round(&loop);
        else
            good = errno == EINTR;
    }
    if (!good)
        el_log(context->trace, EL_ERROR, "poll: %m");
    free(loop.fds);
    free(loop.clients);
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_poll",
        .name = "poll",
        .about = "Echoes what each TCP client sends; one thread waits for all with poll(2).",
        .type = SOCK_STREAM,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
