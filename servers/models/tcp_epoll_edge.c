/*
 * tcp_epoll_edge.c - the server of tcp_epoll.c, told of each change only once.
 *
 * Teaches:  level-triggered, the kernel says "there are bytes" as long as there are; edge-triggered (EPOLLET) it says so when bytes arrive,
 *           and then it is ours to remember. What is gained: a client is registered once, and no epoll_ctl is needed to stop reading.
 *           What it costs: two flags a client, a list of those with work left, so that one busy client does not starve the others, and
 *           bugs: who forgets to come back waits for ever.
 * Run:      tcp_epoll_edge --listen 127.0.0.1:7007         (then: nc 127.0.0.1 7007, and strace -p it)
 * Partner:  tcp_epoll.c, line by line.
 * Leaves out: edges for the listeners. Safe: level-triggered, an accept that stopped half-way is called again by itself.
 * Next:     tcp_bufferevent.c, where a library does all this.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 256, ACCEPTS = 64 };

/* What the kernel has told us, until a call says otherwise: that is the whole state of an edge-triggered client. [#edge-state] */
struct client {
    struct el_model_client base;
    bool readable, writable, listed;
    bool ended; /* by the other side: there is an end to read behind the bytes */
    struct client *next;
};

struct loop {
    struct el_model_worker *worker;
    int epoll;
    struct client *ready, **last; /* those with work left; where the next is appended */
};

static char attention, listeners[EL_ENDPOINTS_MAX * 2]; /* as in tcp_epoll.c */

static void list_if_ready(struct loop *loop, struct client *client)
{
    bool ready = client->base.rest == NULL ? client->readable : client->writable;
    if (client->listed || !ready)
        return;
    client->listed = true;
    client->next = NULL;
    *loop->last = client;
    loop->last = &client->next;
}

static void end_client(struct loop *loop, struct client *client)
{
    el_model_close(loop->worker, &client->base);
    free(client);
}

static void add_client(struct loop *loop, int fd)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        el_model_refuse(loop->worker, fd, "calloc");
        return;
    }
    /* Once and for all. If there are bytes already, the first edge comes at once. */
    const uint32_t edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    struct epoll_event event = {.events = edges, .data.ptr = client};
    el_model_take_in(loop->worker, &client->base, fd);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return;
    el_model_failed(loop->worker, &client->base, errno);
    end_client(loop, client);
}

/*
 * [#short-read] EAGAIN is the proof that all was read, but costs a call a message. A read that was shorter than the buffer proves the same
 * for a stream (epoll(7), question 9), but for the end behind the bytes: that is what EPOLLRDHUP told. Bytes that come after this read are a
 * new edge. Returns false when the client has ended.
 */
static bool read_some(struct loop *loop, struct client *client)
{
    struct el_model_worker *worker = loop->worker;
    struct el_model_client *base = &client->base;
    ssize_t got = read(base->fd, worker->buffer, worker->options->buffer);
    if (got == 0 || (got < 0 && el_model_failed(worker, base, errno)))
        return false;
    if (got < 0) {
        client->readable = errno == EINTR;
        return true;
    }
    client->readable = client->ended || (size_t)got == worker->options->buffer;
    ssize_t sent = write(base->fd, worker->buffer, (size_t)got);
    el_model_moved(worker, base, (size_t)got, sent > 0 ? (size_t)sent : 0);
    if (sent < 0 && el_model_failed(worker, base, errno))
        return false;
    if (sent < 0)
        sent = 0;
    if (sent == got)
        return true;
    client->writable =
        false; /* a short write is the same proof; its edge comes when there is room */
    return el_model_keep(worker, base, worker->buffer + sent, (size_t)(got - sent));
}

static bool write_rest(struct loop *loop, struct client *client)
{
    struct el_model_client *base = &client->base;
    size_t length = base->rest_to - base->rest_from;
    ssize_t sent = write(base->fd, base->rest + base->rest_from, length);
    if (sent < 0 && el_model_failed(loop->worker, base, errno))
        return false;
    client->writable = sent < 0 ? errno == EINTR : (size_t)sent == length;
    if (sent > 0) {
        el_model_moved(loop->worker, base, 0, (size_t)sent);
        el_model_gone(base, (size_t)sent);
    }
    return true;
}

/* One step for each of those who are listed now. [#edge-fair] To drain one client until EAGAIN would be simpler, and let it keep us. */
static void serve_ready(struct loop *loop)
{
    struct client *client = loop->ready, *next;
    loop->ready = NULL;
    loop->last = &loop->ready;
    for (; client != NULL; client = next) {
        next = client->next;
        client->listed = false;
        if (client->base.rest == NULL ? read_some(loop, client) : write_rest(loop, client))
            list_if_ready(loop, client);
        else
            end_client(loop, client);
    }
}

static void on_edge(struct loop *loop, struct client *client, uint32_t events)
{
    const uint32_t end = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    client->ended = client->ended || (events & end) != 0;
    client->readable = client->readable || (events & (EPOLLIN | end)) != 0;
    client->writable = client->writable || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    list_if_ready(loop, client);
}

static void on_acceptable(struct loop *loop, int listener)
{
    int fd = 0;
    for (int n = 0; n < ACCEPTS && (fd = el_model_accept(loop->worker, listener)) >= 0; n++)
        add_client(loop, fd);
}

/* First all edges of the batch are noted, then clients are served: so none is freed that an event still points to. */
static void serve_batch(struct loop *loop, const struct epoll_event *events, int count)
{
    bool attend = false;
    for (int i = 0; i < count; i++) {
        char *mark = events[i].data.ptr;
        if (mark == &attention)
            attend = true;
        else if (mark >= listeners && mark < listeners + sizeof listeners)
            on_acceptable(loop, loop->worker->context->sockets[mark - listeners]);
        else
            on_edge(loop, events[i].data.ptr, events[i].events);
    }
    serve_ready(loop);
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
    struct epoll_event events[BATCH];
    struct loop loop = {.worker = worker, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    loop.last = &loop.ready;
    bool good = loop.epoll >= 0 && add_own(&loop, worker->attention_fd, &attention);
    for (size_t i = 0; i < context->socket_count && good; i++)
        good = add_own(&loop, context->sockets[i], &listeners[i]);
    while (good && el_model_goes_on(worker)) {
        int count = epoll_wait(loop.epoll, events, BATCH, loop.ready != NULL ? 0 : -1);
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
        .program = "tcp_epoll_edge",
        .name = "epoll_edge",
        .about = "Echoes what each TCP client sends; one thread, epoll(7), edge-triggered.",
        .type = SOCK_STREAM,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
