/*
 * tcp_io_uring.c - a TCP echo server that hands the kernel its work and is told when that is done.
 *
 * Teaches:  all models before ask "who is ready?" and then call read and write themselves. Here requests are written into a ring that the
 *           kernel sees: "accept from now on", "receive into whichever chunk is free", "send this"; one io_uring_enter(2) hands over all
 *           that have gathered, and waits for the first that is done. Readiness has become ownership: what a request points to is
 *           the kernel's until its completion, and nothing of it may be freed before.
 * Run:      build/bin/tcp_io_uring              (then: nc 127.0.0.1 7007, and strace -f -p $(pidof tcp_io_uring))
 * Partner:  ring.h, which sets the ring up; tcp_epoll.c.
 * Leaves out, and what that costs:
 *           - kernels before 6.1, and machines that forbid io_uring: it says so and exits 1
 *           - sending straight from the chunk that was received into: bytes are copied out, so that a client that does not read holds no
 *             chunk. It may make us keep --buffer bytes, and what one round brings: all chunks at worst, one megabyte.
 *           - a stop signal (SIGSTOP) in the very moment when an urgent byte is received: with a signal pending the kernel gives up at the
 *             urgent mark (EAGAIN), the multishot request has used up its wake-up, and that client waits until it sends more. Safe.
 * Longer than its sisters: what has been asked for and is not done yet is state too, and each request ends in its own time.
 * Next:     servers/tcp_echo_server.c, the one to use; udp_blocking.c, the first rung of the other ladder.
 */
#include "ring.h"
#include "service_model_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

/* What a completion is about, in the low bits of user_data; above them its client, or the number of its listener. */
enum request { RECEIVE, SEND, ACCEPT, KNOCK, ATTEND, CANCEL };
enum { REQUEST_BITS = 3 };

struct client {
    struct el_model_client base; /* `rest` is what is being sent */
    bool receiving, sending;     /* requests under way: until both are done the struct stays */
    bool cancelled;              /* RECEIVE was told to stop */
    bool ended;                  /* no more bytes will be taken from it */
    unsigned char *next;         /* received while `rest` is being sent */
    size_t next_length;
};

struct loop {
    struct el_model_worker *worker;
    struct ring ring;
};

/* A place in the ring of requests. When it is full, those that are in it are handed over. */
static struct io_uring_sqe *request(struct loop *loop, enum request what, uintptr_t about)
{
    struct io_uring_sqe *sqe;
    while ((sqe = io_uring_get_sqe(&loop->ring.uring)) == NULL)
        io_uring_submit(&loop->ring.uring);
    sqe->user_data = about | what; /* the io_uring_prep_ functions of liburing 2.3 leave it alone */
    return sqe;
}

/* ---- a client --------------------------------------------------------------------------------------- */

/* [#multishot] One request, and a completion for every piece that comes, until one without IORING_CQE_F_MORE. */
static void receive(struct loop *loop, struct client *client)
{
    struct io_uring_sqe *sqe = request(loop, RECEIVE, (uintptr_t)client);
    io_uring_prep_recv_multishot(sqe, client->base.fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT; /* from group 0, the one there is */
    client->receiving = true;
    client->cancelled = false;
}

static void stop_receiving(struct loop *loop, struct client *client)
{
    struct io_uring_sqe *sqe = request(loop, CANCEL, 0);
    io_uring_prep_cancel64(sqe, (uintptr_t)client | RECEIVE, 0);
    client->cancelled = true;
}

/* [#one-send] Only when none is under way: two sends of one socket may be carried out in either order, and so would their bytes. */
static void send_next(struct loop *loop, struct client *client)
{
    struct el_model_client *base = &client->base;
    if (base->rest == NULL) {
        base->rest = client->next;
        base->rest_from = 0;
        base->rest_to = (uint32_t)client->next_length;
        client->next = NULL;
        client->next_length = 0;
    }
    if (base->rest == NULL)
        return;
    struct io_uring_sqe *sqe = request(loop, SEND, (uintptr_t)client);
    io_uring_prep_send(sqe, base->fd, base->rest + base->rest_from, base->rest_to - base->rest_from,
                       0);
    client->sending = true;
}

/* After each completion: what to ask for now. Frees the client when it has ended and nothing is under way. */
static void go_on(struct loop *loop, struct client *client)
{
    bool full = client->next_length >= loop->worker->options->buffer;
    if (!client->sending)
        send_next(loop, client);
    if (client->receiving && !client->cancelled && (full || client->ended))
        stop_receiving(loop, client); /* full: backpressure, its own sending slows down */
    if (!client->receiving && !client->sending && !client->ended)
        receive(loop, client); /* all that it was owed is gone */
    if (client->receiving || client->sending)
        return;
    el_model_close(loop->worker, &client->base);
    free(client);
}

/* A request failed, so what is owed will not be taken. What is under way stays the kernel's until it too has failed. */
static void fail(struct loop *loop, struct client *client, int error)
{
    if (!el_model_failed(loop->worker, &client->base, error))
        return;
    client->ended = true;
    free(client->next);
    client->next = NULL;
    client->next_length = 0;
    if (!client->sending)
        el_model_gone(&client->base, client->base.rest_to - client->base.rest_from);
}

/* [#copy-out] The chunk is wanted back; what a client is owed lies in memory of its own. */
static void keep(struct loop *loop, struct client *client, const unsigned char *data, size_t length)
{
    unsigned char *longer = realloc(client->next, client->next_length + length);
    if (longer == NULL) {
        fail(loop, client, ENOMEM);
        return;
    }
    memcpy(longer + client->next_length, data, length);
    client->next = longer;
    client->next_length += length;
    el_model_moved(loop->worker, &client->base, length, 0);
}

/* ENOBUFS (all chunks are full at the moment) and ECANCELED (we said stop) end the request, not the client. 0 is its FIN. */
static void on_received(struct loop *loop, struct client *client, const struct io_uring_cqe *cqe)
{
    client->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res == 0)
        client->ended = true;
    else if (cqe->res < 0 && cqe->res != -ENOBUFS && cqe->res != -ECANCELED)
        fail(loop, client, -cqe->res);
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        unsigned chunk = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (cqe->res > 0 && !client->ended)
            keep(loop, client, ring_chunk(&loop->ring, chunk), (size_t)cqe->res);
        ring_give(&loop->ring, chunk);
    }
    go_on(loop, client);
}

/* A send may be short, as a write may: go_on sends the rest of it. */
static void on_sent(struct loop *loop, struct client *client, int result)
{
    client->sending = false;
    if (result < 0) {
        fail(loop, client, -result);
    } else {
        el_model_moved(loop->worker, &client->base, 0, (size_t)result);
        el_model_gone(&client->base, (size_t)result);
    }
    go_on(loop, client);
}

/* ---- the door --------------------------------------------------------------------------------------- */

static void add_client(struct loop *loop, int fd)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        el_model_refuse(loop->worker, fd, "calloc");
        return;
    }
    el_model_take_in(loop->worker, &client->base, fd);
    receive(loop, client);
}

static void accept_from(struct loop *loop, size_t listener)
{
    struct io_uring_sqe *sqe = request(loop, ACCEPT, listener << REQUEST_BITS);
    io_uring_prep_multishot_accept(sqe, loop->worker->context->sockets[listener], NULL, NULL,
                                   SOCK_CLOEXEC);
}

/*
 * With no descriptor left the request fails, and would do so again at once, for ever. So wait until somebody knocks, and leave that one
 * to el_model_accept, which knows what to do (on_knock).
 */
static void on_accepted(struct loop *loop, size_t listener, const struct io_uring_cqe *cqe)
{
    struct el_model_worker *worker = loop->worker;
    bool drains = worker->context->sockets[listener] < 0;
    if (cqe->res >= 0 &&
        drains) { /* accepted before, told only now: as if it waited in the queue */
        el_socket_reset_on_close(cqe->res);
        el_socket_close(cqe->res);
    } else if (cqe->res >= 0 && el_model_admit(worker, cqe->res)) {
        add_client(loop, cqe->res);
    }
    if ((cqe->flags & IORING_CQE_F_MORE) != 0 || drains)
        return;
    if (cqe->res >= 0)
        accept_from(loop, listener);
    else
        io_uring_prep_poll_add(request(loop, KNOCK, listener << REQUEST_BITS),
                               worker->context->sockets[listener], POLLIN);
}

static void on_knock(struct loop *loop, size_t listener)
{
    if (loop->worker->context->sockets[listener] < 0)
        return;
    int fd = el_model_accept(loop->worker, loop->worker->context->sockets[listener]);
    if (fd >= 0)
        add_client(loop, fd);
    accept_from(loop, listener);
}

/* ---- the loop --------------------------------------------------------------------------------------- */

static void wait_for_attention(struct loop *loop)
{
    io_uring_prep_poll_add(request(loop, ATTEND, 0), loop->worker->attention_fd, POLLIN);
}

static void on_completion(struct loop *loop, const struct io_uring_cqe *cqe)
{
    const uintptr_t bits = (1 << REQUEST_BITS) - 1;
    void *client = (void *)(uintptr_t)(cqe->user_data & ~bits);
    size_t listener = cqe->user_data >> REQUEST_BITS;
    switch ((enum request)(cqe->user_data & bits)) {
    case RECEIVE:
        on_received(loop, client, cqe);
        break;
    case SEND:
        on_sent(loop, client, cqe->res);
        break;
    case ACCEPT:
        on_accepted(loop, listener, cqe);
        break;
    case KNOCK:
        on_knock(loop, listener);
        break;
    case ATTEND:
        el_model_attend(loop->worker);
        wait_for_attention(loop);
        break;
    case CANCEL:
        break; /* what it cancelled has a completion of its own */
    }
}

/* [#one-enter] The only system call on the way of a message: hands over what the last round asked for, and waits for a completion. */
static int serve_round(struct loop *loop)
{
    struct io_uring_cqe *cqe;
    int error = io_uring_submit_and_wait(&loop->ring.uring, 1);
    while (io_uring_peek_cqe(&loop->ring.uring, &cqe) == 0) {
        const struct io_uring_cqe copy = *cqe;
        io_uring_cqe_seen(&loop->ring.uring, cqe); /* its place may be taken again */
        on_completion(loop, &copy);
    }
    return error;
}

static void serve(struct el_model_worker *worker)
{
    const struct el_worker_context *context = worker->context;
    struct loop loop = {.worker = worker};
    size_t most = worker->options->buffer;
    int error = ring_open(&loop.ring, most < RING_CHUNK_MAX ? most : RING_CHUNK_MAX);
    if (error == 0) {
        wait_for_attention(&loop);
        for (size_t i = 0; i < context->socket_count; i++)
            accept_from(&loop, i);
        while ((error >= 0 || error == -EINTR) && el_model_goes_on(worker))
            error = serve_round(&loop);
        ring_close(&loop.ring);
    }
    if (error < 0 && error != -EINTR)
        el_log(context->trace, EL_ERROR, "io_uring: %s", strerror(-error));
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_io_uring",
        .name = "io_uring",
        .about = "Echoes what each TCP client sends; io_uring(7) does the work. Linux 6.1 or "
                 "newer.",
        .type = SOCK_STREAM,
        .calls = EL_CALLS_IO_URING,
        .missing = ring_missing,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
