/*
 * service_model_stream.c - what surrounds the echo in every TCP server of servers/models/.
 *
 * Teaches:  that most of a server is not its model: who may come in, who has been idle for too long, and how everybody gets out again.
 * Partner:  service_model_stream.h; the models call it. lib/acceptor.c and lib/echo_stream.c are what tcp_echo_server has instead.
 * Leaves out: a pause in accepting without memory (10 ms of sleep stand for it: safe, slow for all); who waits in the queue at the drain is reset.
 */
#include "service_model_stream.h"

#include "ticker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { NAP_MS = 10, WAIT_MS = 1000 };
static const el_duration DRAIN_LOOK = 250 * EL_MS;

struct el_model_stream {
    struct el_limits limits;
    pthread_mutex_t lock; /* of the list in `limits`: a thread for each client comes and goes */
    int timer_fd;
    bool ticking;
    int reserve; /* a descriptor to fall back on; -1: even that is gone */
    enum el_order obeyed;
};

/* A model that blocks does so in many threads or processes, and all of them count. */
static void count(const struct el_model_worker *worker, uint64_t *counter, uint64_t more)
{
    if (worker->model->blocks)
        __atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
    else
        el_count(counter, more);
}

static uint64_t active(const struct el_model_worker *worker)
{
    return __atomic_load_n(&worker->counters->active, __ATOMIC_RELAXED);
}

/* ---- the door -------------------------------------------------------------------------------------- */

/* In case it was lost: given up for somebody, and another thread was faster. So before each client that could take the place. */
static void keep_reserve(struct el_model_stream *stream)
{
    if (stream->reserve < 0)
        stream->reserve = eventfd(0, EFD_CLOEXEC); /* no path: see acceptor.c */
}

/* With RST, not FIN: a goodbye at once would read like an empty echo. */
static void turn_away(struct el_model_worker *worker, int fd, uint64_t *counter)
{
    el_socket_reset_on_close(fd);
    el_socket_close(fd);
    count(worker, counter, 1);
}

/*
 * accept(2) said EMFILE, ENFILE, ENOBUFS or ENOMEM: we have no room, and who waits stays in the queue. A blocking accept(2) says so even
 * when nobody waits, as it takes the descriptor first: so wait for somebody, try again, and if there still is no room use the one in
 * reserve to turn that one away [#model-reserve]. Without it (another thread was faster), or without memory, sleep a little.
 */
static int accept_without_room(struct el_model_worker *worker, int listener)
{
    struct el_model_stream *stream = worker->stream;
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    poll(&waiting, 1, worker->model->blocks ? WAIT_MS : 0);
    if (waiting.revents == 0)
        return -EAGAIN;
    int fd = el_socket_accept(listener, NULL, NULL);
    if (fd >= 0 || fd == -EAGAIN || fd == -EINVAL)
        return fd;
    el_log(worker->context->trace, EL_WARN, "accept: %s: turned away (see ulimit -n)",
           strerror(-fd));
    if (stream->reserve >= 0 && (fd == -EMFILE || fd == -ENFILE)) {
        el_socket_close(stream->reserve);
        stream->reserve = -1;
        fd = el_socket_accept(listener, NULL, NULL);
        if (fd >= 0)
            turn_away(worker, fd, &worker->counters->rejected_descriptors);
        keep_reserve(stream);
    } else {
        poll(NULL, 0, NAP_MS);
    }
    return -EAGAIN;
}

bool el_model_admit(struct el_model_worker *worker, int fd)
{
    keep_reserve(worker->stream);
    if (active(worker) < worker->options->max_connections)
        return true;
    el_log(worker->context->trace, EL_WARN,
           "a client was turned away: the server is full (--max-connections)");
    turn_away(worker, fd, &worker->counters->rejected_full);
    return false;
}

void el_model_refuse(struct el_model_worker *worker, int fd, const char *call)
{
    el_log(worker->context->trace, EL_WARN, "%s: %s: a client was turned away", call,
           strerror(errno));
    turn_away(worker, fd, &worker->counters->errors);
}

int el_model_accept(struct el_model_worker *worker, int listener)
{
    keep_reserve(worker->stream);
    int fd = el_socket_accept(listener, NULL, worker->context->trace);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM)
        fd = accept_without_room(worker, listener);
    if (fd < 0 || !el_model_admit(worker, fd))
        return -1; /* EAGAIN: nobody waits; EINVAL: a listener that was shut down, see #wake-a-blocked-call */
    int flags = worker->model->blocks ? fcntl(fd, F_GETFL) : -1;
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return fd;
}

void el_model_set_patience(int fd, el_duration limit)
{
    const struct timeval patience = el_timeval(limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

/* ---- a client --------------------------------------------------------------------------------------- */

/* `every` 0: no more. A timer that runs costs one wake-up each time, however many clients there are. */
static void set_timer(struct el_model_stream *stream, el_duration every)
{
    el_timer_every(stream->timer_fd, every);
    stream->ticking = every > 0;
}

void el_model_entered(struct el_model_worker *worker)
{
    count(worker, &worker->counters->accepted, 1);
    count(worker, &worker->counters->active, 1);
}

void el_model_left(struct el_model_worker *worker)
{
    count(worker, &worker->counters->closed, 1);
    count(worker, &worker->counters->active, (uint64_t)-1);
}

void el_model_take_in(struct el_model_worker *worker, struct el_model_client *client, int fd)
{
    struct el_model_stream *stream = worker->stream;
    *client = (struct el_model_client){.fd = fd};
    pthread_mutex_lock(&stream->lock);
    el_limits_begin(&stream->limits, &client->timed);
    if (!stream->ticking && stream->limits.idle != EL_WHEEL_NEVER)
        set_timer(stream, stream->limits.tick);
    pthread_mutex_unlock(&stream->lock);
    el_model_entered(worker);
}

/* Out of the list first: a closed descriptor's number may be another client's. And counted out, for who reconnects on the FIN. */
void el_model_close(struct el_model_worker *worker, struct el_model_client *client)
{
    pthread_mutex_lock(&worker->stream->lock);
    el_limits_end(&client->timed);
    pthread_mutex_unlock(&worker->stream->lock);
    el_explain(worker->context->trace, EL_TOPIC_CALL, "close(%d)", client->fd);
    el_model_left(worker);
    el_socket_close(client->fd);
    free(client->rest);
    client->rest = NULL;
    const uint64_t one = 1;
    if (worker->model->blocks && el_service_order(worker->context) != EL_ORDER_SERVE)
        (void)!write(worker->context->wake_fd, &one, sizeof one); /* it may have been the last */
}

void el_model_moved(struct el_model_worker *worker, struct el_model_client *client, size_t in,
                    size_t out)
{
    if (in > 0)
        count(worker, &worker->counters->bytes_in, in);
    if (out > 0)
        count(worker, &worker->counters->bytes_out, out);
    __atomic_store_n(&client->owed, client->owed + in - out, __ATOMIC_RELAXED);
    __atomic_store_n(&client->quiet, false, __ATOMIC_RELAXED);
    if (!worker->model->blocks)
        el_limits_moved(&worker->stream->limits, &client->timed);
}

bool el_model_failed(struct el_model_worker *worker, struct el_model_client *client, int error)
{
    struct el_model_counters *counters = worker->counters;
    if (error == EINTR || (error == EAGAIN && !worker->model->blocks))
        return false;
    if (error != EAGAIN || client->owed > 0)
        el_socket_reset_on_close(client->fd);
    bool ours = error == EAGAIN && el_service_order(worker->context) != EL_ORDER_SERVE;
    if (__atomic_exchange_n(&client->accounted, true, __ATOMIC_RELAXED) || ours)
        return true;
    if (error == EAGAIN)
        count(worker, &counters->timed_out, 1);
    else if (error == ECONNRESET || error == EPIPE)
        count(worker, &counters->resets, 1); /* the peer's right: it closed with bytes unread */
    else
        count(worker, &counters->errors, 1); /* ETIMEDOUT, EHOSTUNREACH: the network gave up */
    return true;
}

bool el_model_keep(struct el_model_worker *worker, struct el_model_client *client,
                   const unsigned char *rest, size_t length)
{
    client->rest = malloc(length);
    if (client->rest == NULL) {
        el_model_failed(worker, client, ENOMEM);
        return false;
    }
    memcpy(client->rest, rest, length);
    client->rest_from = 0;
    client->rest_to = (uint32_t)length;
    return true;
}

bool el_model_gone(struct el_model_client *client, size_t sent)
{
    client->rest_from += (uint32_t)sent;
    if (client->rest_from < client->rest_to)
        return false;
    free(client->rest);
    client->rest = NULL;
    return true;
}

/* ---- limits and orders ------------------------------------------------------------------------------ */

static struct el_model_client *client_of(struct el_timed *timed)
{
    return (struct el_model_client *)((char *)timed - offsetof(struct el_model_client, timed));
}

/*
 * See #hang-up. Who owes us nothing but its next bytes gets EOF, and a FIN behind its last echo; who does not read its echo can only be reset,
 * since a FIN would wait behind those bytes.
 */
static void hang_up(struct el_model_client *client, int how)
{
    __atomic_store_n(&client->accounted, true, __ATOMIC_RELAXED);
    shutdown(client->fd, how);
}

static bool is_owed(const struct el_model_client *client)
{
    return __atomic_load_n(&client->owed, __ATOMIC_RELAXED) > 0;
}

static bool end_idle(void *arg, struct el_timed *timed, enum el_limit limit)
{
    struct el_model_worker *worker = arg;
    struct el_model_client *client = client_of(timed);
    (void)limit;
    if (!client->accounted)
        count(worker, &worker->counters->timed_out, 1);
    hang_up(client, is_owed(client) ? SHUT_RDWR : SHUT_RD);
    return true;
}

/* Quiet since the last look, and owed nothing: it has had its answer. */
static bool end_quiet(void *arg, struct el_timed *timed, enum el_limit limit)
{
    struct el_model_client *client = client_of(timed);
    (void)arg, (void)limit;
    if (__atomic_exchange_n(&client->quiet, true, __ATOMIC_RELAXED) && !is_owed(client))
        hang_up(client, SHUT_RD);
    return true;
}

static bool end_now(void *arg, struct el_timed *timed, enum el_limit limit)
{
    (void)arg, (void)limit;
    hang_up(client_of(timed), SHUT_RDWR);
    return true;
}

/* shutdown(2) before close(2), for a model that has the kernel accept by itself: that holds the socket open, but not in LISTEN. */
static void stop_listening(const struct el_worker_context *context)
{
    for (size_t i = 0; i < context->socket_count; i++)
        shutdown(context->sockets[i], SHUT_RD);
    el_service_stop_listening(context);
}

static void obey(struct el_model_worker *worker)
{
    struct el_model_stream *stream = worker->stream;
    enum el_order order = el_service_order(worker->context);
    if (order == stream->obeyed)
        return;
    if (stream->obeyed == EL_ORDER_SERVE && !worker->model->blocks)
        stop_listening(worker->context);
    if (order == EL_ORDER_STOP)
        el_limits_visit_all(&stream->limits, end_now, worker);
    else
        set_timer(stream, DRAIN_LOOK);
    stream->obeyed = order;
}

static void tick(struct el_model_worker *worker)
{
    struct el_model_stream *stream = worker->stream;
    if (stream->obeyed != EL_ORDER_SERVE)
        el_limits_visit_all(&stream->limits, end_quiet, worker);
    else if (active(worker) == 0)
        set_timer(stream, 0); /* nobody to time: an idle server sleeps */
    else
        el_limits_turn(&stream->limits, end_idle, worker);
}

void el_model_attend(struct el_model_worker *worker)
{
    struct el_model_stream *stream = worker->stream;
    uint64_t ignored;
    pthread_mutex_lock(&stream->lock);
    if (read(worker->context->wake_fd, &ignored, sizeof ignored) > 0)
        obey(worker);
    if (read(stream->timer_fd, &ignored, sizeof ignored) > 0)
        tick(worker);
    pthread_mutex_unlock(&stream->lock);
}

bool el_model_goes_on(const struct el_model_worker *worker)
{
    return el_service_order(worker->context) == EL_ORDER_SERVE || active(worker) > 0;
}

/* ---- beginning and end ------------------------------------------------------------------------------ */

/*
 * What accepted sockets inherit. Nagle's algorithm would hold an echo back until the one before is acknowledged, and a delayed ACK makes that
 * 40 ms. SO_OOBINLINE: a byte sent as urgent is one of the stream (RFC 6093), or it would be missing in the echo.
 */
static void set_options(const struct el_worker_context *context)
{
    const int on = 1;
    for (size_t i = 0; i < context->socket_count; i++)
        if (setsockopt(context->sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
            setsockopt(context->sockets[i], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) < 0)
            el_log(context->trace, EL_WARN, "setsockopt: %s", strerror(errno));
}

/* An epoll(7) is itself a descriptor that can be waited for: so orders and time are one thing to the model. [#nested-epoll] */
static int open_attention(struct el_model_worker *worker)
{
    struct el_model_stream *stream = worker->stream;
    struct epoll_event readable = {.events = EPOLLIN};
    stream->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    worker->attention_fd = epoll_create1(EPOLL_CLOEXEC);
    if (stream->timer_fd < 0 || worker->attention_fd < 0 ||
        epoll_ctl(worker->attention_fd, EPOLL_CTL_ADD, stream->timer_fd, &readable) < 0 ||
        epoll_ctl(worker->attention_fd, EPOLL_CTL_ADD, worker->context->wake_fd, &readable) < 0)
        return -errno;
    return 0;
}

int el_model_stream_open(struct el_model_worker *worker)
{
    struct el_model_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return -ENOMEM;
    worker->stream = stream;
    worker->attention_fd = stream->timer_fd = stream->reserve = -1;
    pthread_mutex_init(&stream->lock, NULL);
    worker->buffer = malloc(worker->options->buffer);
    if (worker->buffer == NULL)
        return -ENOMEM;
    /* Blocking calls have their limit in the socket. */
    el_duration idle = worker->model->blocks ? 0 : worker->options->idle_timeout;
    el_limits_init(&stream->limits, &(struct el_limits_args){.idle = idle});
    keep_reserve(stream);
    set_options(worker->context);
    return open_attention(worker);
}

void el_model_stream_close(struct el_model_worker *worker)
{
    if (worker->stream == NULL)
        return;
    el_socket_close(worker->attention_fd);
    el_socket_close(worker->stream->timer_fd);
    el_socket_close(worker->stream->reserve);
    pthread_mutex_destroy(&worker->stream->lock);
    free(worker->stream);
    free(worker->buffer);
}
