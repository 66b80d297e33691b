/*
 * udp.c - the load of datagrams, in closed and in open loop.
 *
 * Teaches:  that nobody tells a sender what became of a datagram. Everything that this file counts it knows because an echo came, came
 *           twice, came damaged, came too late, or did not come; and sometimes an ICMP message says why.
 * Partner:  servers/udp_echo_server.c is the other side. window.c knows what is under way, udp_batch.c moves it.
 * Leaves out: congestion control. A closed loop has none but its window, an open loop none at all: this is a load generator, for one's
 *           own machines.
 * Next:     udp_open.c
 *
 * A lost datagram keeps its place in the window until read_timeout has passed: in a closed loop of window 1 and one loss in a hundred, a timeout of
 * a second makes the run wait most of the time. That is what such a client would see. [#loss-takes-time]
 */
#include "datagram.h"
#include "loop.h"
#include "pace.h"
#include "udp_internal.h"

#include <errno.h>
#include <string.h>

#include <linux/errqueue.h> /* last: it needs struct timespec and does not include it */

enum {
    EVENTS = 64,
    RECEIVES_A_TURN = 4, /* of one socket, before others have theirs */
    ERRORS_A_TURN = 64,
    RESEND_MAX = 3,
    SCHEDULE_A_TURN = 65536,
};
/* How long a socket rests that the kernel had no buffer for, or whose datagrams are refused; and how exact a timeout is. */
#define REST EL_MS

static void look_no_later(struct udp_engine *engine, el_time at)
{
    engine->look_at = el_earliest(engine->look_at, at);
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Nothing was ever answered, and what was sent on this socket has come back as errors: there is nothing to measure. */
static void give_up_if_hopeless(struct udp_engine *engine, const struct udp_socket *socket)
{
    if (engine->answered || socket->error == 0 || socket->sent == 0 ||
        bench_window_underway(socket->window) > 0)
        return;
    if (socket->error == ECONNREFUSED)
        bench_thread_fail(engine->thread, socket->error, "refused (nobody listens there)");
    else
        bench_thread_fail(engine->thread, socket->error, "send: %s", strerror(socket->error));
}

static void rest(struct udp_engine *engine, struct udp_socket *socket)
{
    socket->rests_until = el_time_after(el_now(), REST);
    look_no_later(engine, socket->rests_until);
}

/* Which datagram does this ICMP message mean? It quotes the beginning. If that is too short, the oldest. */
static uint64_t quoted_number(const struct udp_engine *engine, const struct udp_socket *socket,
                              const struct el_datagram_error *error)
{
    const struct bench_wire *wire = bench_udp_batch_wire(engine->batch);
    uint64_t number;
    bool told = bench_wire_quoted(wire, error->data, error->length, socket->nonce, &number);
    return bench_window_complete(socket->window, number, told ? bench_wire_carries(wire) : 0);
}

/*
 * Empties the error queue (ip(7), IP_RECVERR), and so takes back the error that the next call on this socket would have failed with. Each entry
 * is a datagram that is lost for a reason.
 */
static void hear_errors(struct udp_engine *engine, struct udp_socket *socket)
{
    struct bench_counts *counts = bench_thread_counts(engine->thread);
    struct el_datagram_error error;
    bool heard = false;
    for (int i = 0; i < ERRORS_A_TURN && el_datagram_error(socket->fd, &error) == 0; i++) {
        if (error.origin == SO_EE_ORIGIN_LOCAL)
            continue; /* the send that failed has said so itself */
        heard = true;
        socket->error = error.error;
        if (bench_window_failed(socket->window, quoted_number(engine, socket, &error), counts))
            el_count(&counts->errors, 1);
    }
    if (!heard)
        return;
    rest(engine, socket); /* else a closed loop would send as fast as it is refused */
    give_up_if_hopeless(engine, socket);
}

/* ---- sending --------------------------------------------------------------------------------- */

static el_time due_of(const struct udp_engine *engine, const struct udp_socket *socket)
{
    uint64_t place = (uint64_t)(socket - engine->sockets);
    return bench_due(engine->thread->start, engine->thread->rate,
                     socket->sent * engine->count + place);
}

static void note_sent(struct udp_engine *engine, struct udp_socket *socket, unsigned count,
                      bool on_time, el_time now)
{
    struct bench_thread *thread = engine->thread;
    bool open_loop = thread->rate > 0;
    struct bench_counts *counts = bench_thread_counts(thread);
    for (unsigned i = 0; i < count; i++) {
        el_time due = open_loop ? due_of(engine, socket) : now;
        bench_window_sent(socket->window, due, now, counts);
        socket->sent++;
        if (on_time && counts == &thread->counts)
            el_histogram_record(thread->pace, now - due);
    }
    look_no_later(engine, el_time_after(now, thread->load->read_timeout));
}

static void wait_for_room(struct udp_engine *engine, struct udp_socket *socket, bool wait)
{
    struct epoll_event event = {.events = EPOLLIN | (wait ? EPOLLOUT : 0),
                                .data.u32 = (uint32_t)(socket - engine->sockets)};
    socket->blocked = wait;
    if (epoll_ctl(engine->epoll_fd, EPOLL_CTL_MOD, socket->fd, &event) < 0)
        bench_thread_fail(engine->thread, errno, "epoll_ctl: %s", strerror(errno));
}

/* The same would be said of every datagram: the run is over. */
static bool is_final(struct udp_engine *engine, int error)
{
    const struct bench_load *load = engine->thread->load;
    if (load->gso && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
        bench_thread_fail(
            engine->thread, error,
            "send with UDP_SEGMENT: %s (not for %zu bytes on this path: do without GSO)",
            strerror(error), load->size);
        return true;
    }
    if (error != EMSGSIZE)
        return false;
    bench_thread_fail(engine->thread, error, "send: %s (%zu bytes)", strerror(error), load->size);
    return true;
}

/*
 * None of a batch left. True: try again at once. An ICMP error of an *earlier* datagram is told to the next call, which then does nothing
 * (clients/udp_echo.c [#pending-error]); only an error that comes again is that of this datagram, which is lost with it.
 */
static bool may_send_again(struct udp_engine *engine, struct udp_socket *socket, int error,
                           unsigned tries)
{
    struct bench_counts *counts = bench_thread_counts(engine->thread);
    hear_errors(engine, socket);
    if (error == EINTR)
        return true;
    if (error == EAGAIN || error == ENOBUFS || error == ENOMEM) {
        el_count(&counts->errors, 1);
        if (error == EAGAIN)
            wait_for_room(engine, socket, true);
        else
            rest(engine, socket); /* the queue of a device is full: nobody says when it is not */
        return false;
    }
    if (is_final(engine, error))
        return false;
    if (tries < RESEND_MAX)
        return true;
    uint64_t number = bench_window_number(socket->window, 0);
    note_sent(engine, socket, 1, false, el_now());
    bench_window_failed(socket->window, number, counts);
    el_count(&counts->errors, 1);
    socket->error = error;
    rest(engine, socket);
    give_up_if_hopeless(engine, socket);
    return false;
}

static unsigned may_send(const struct udp_engine *engine, const struct udp_socket *socket)
{
    if (socket->blocked || socket->rests_until != 0 || engine->thread->error != 0)
        return 0;
    uint64_t count = bench_window_room(socket->window);
    unsigned most = bench_udp_batch_most(engine->batch);
    if (engine->thread->rate > 0 && socket->due - socket->sent < count)
        count = socket->due - socket->sent;
    return count < most ? (unsigned)count : most;
}

/* Sends what the window has room for, and in open loop what is due. Each turn takes room, or ends it, or is one of a few tries. */
static void pump(struct udp_engine *engine, struct udp_socket *socket, bool on_time)
{
    unsigned tries = 0;
    for (unsigned count; (count = may_send(engine, socket)) > 0;) {
        el_time now = el_now();
        int gone = bench_udp_send(engine->batch, socket->fd, socket->window, socket->nonce, count);
        el_count(&bench_thread_counts(engine->thread)->calls, 1);
        if (gone > 0) {
            note_sent(engine, socket, (unsigned)gone, on_time, now);
            tries = 0;
        } else if (!may_send_again(engine, socket, -gone, ++tries)) {
            return;
        }
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void take(const struct udp_engine *engine, struct udp_socket *socket,
                 const struct bench_recording *recording, const unsigned char *datagram,
                 size_t length, el_time now)
{
    const struct bench_wire *wire = bench_udp_batch_wire(engine->batch);
    struct bench_counts *counts = recording->counts;
    struct bench_flight flight;
    uint64_t number;
    enum bench_wire_match match = bench_wire_check(wire, datagram, length, socket->nonce, &number);
    if (match == BENCH_FOREIGN) { /* not from another host: this socket is connected */
        el_count(&counts->wrong_source, 1);
        return;
    }
    if (bench_wire_carries(wire) < 64 && (match == BENCH_OURS || number != 0))
        number = bench_window_complete(socket->window, number, bench_wire_carries(wire));
    if (match == BENCH_CORRUPT) {
        bench_window_corrupt(socket->window, number, counts);
    } else if (bench_window_echoed(socket->window, number, now, counts, &flight)) {
        el_count(&counts->bytes, length);
        bench_record(recording, flight.due, flight.sent, now);
    }
}

static void take_all(struct udp_engine *engine, struct udp_socket *socket, int came, el_time now)
{
    struct bench_recording recording = bench_record_begin(engine->thread);
    struct bench_udp_cursor cursor = {0};
    const unsigned char *datagram;
    size_t length;
    el_count(&recording.counts->calls, 1);
    while (bench_udp_next(engine->batch, came, &cursor, &datagram, &length))
        take(engine, socket, &recording, datagram, length, now);
    bench_record_end(&recording);
    engine->answered |= came > 0;
}

static void receive(struct udp_engine *engine, struct udp_socket *socket)
{
    for (int i = 0; i < RECEIVES_A_TURN; i++) {
        int came = bench_udp_receive(engine->batch, socket->fd);
        if (came == -EAGAIN)
            break;
        if (came < 0) { /* what the error queue tells better; or EINTR. Neither ends anything. */
            hear_errors(engine, socket);
            continue;
        }
        take_all(engine, socket, came, el_now());
        pump(engine, socket, false);
        if (bench_udp_received_all(engine->batch, came))
            break;
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Timeouts, and rests that are over. It walks over all sockets, so it comes once a REST at most: then a loss is noticed a little
 * late, and told from a late echo exactly, since that is a matter of when the echo came. */
static void look_at_all(struct udp_engine *engine, el_time now)
{
    engine->look_at = EL_NEVER;
    for (unsigned i = 0; i < engine->count; i++) {
        struct udp_socket *socket = &engine->sockets[i];
        look_no_later(
            engine, bench_window_expire(socket->window, now, bench_thread_counts(engine->thread)));
        if (socket->rests_until > now)
            look_no_later(engine, socket->rests_until);
        else
            socket->rests_until = 0;
        give_up_if_hopeless(engine, socket);
        pump(engine, socket, false);
    }
    el_time soonest = el_time_after(now, REST);
    if (engine->look_at < soonest)
        engine->look_at = soonest;
}

/* Message n of the thread belongs to socket n % count. What finds no room stays due, and goes when an echo has made room. */
static void schedule(struct udp_engine *engine, el_time now)
{
    struct bench_thread *thread = engine->thread;
    uint64_t from = engine->scheduled, to = bench_due_by(thread->start, thread->rate, now);
    to = to - from > SCHEDULE_A_TURN ? from + SCHEDULE_A_TURN : to;
    for (uint64_t n = from; n < to && n < from + engine->count; n++) {
        struct udp_socket *socket = &engine->sockets[n % engine->count];
        bool on_time = socket->due == socket->sent; /* none was waiting for room */
        socket->due += (to - n + engine->count - 1) / engine->count;
        on_time = on_time && socket->due - socket->sent <= bench_window_room(socket->window);
        pump(engine, socket, on_time);
    }
    engine->scheduled = to;
}

static void handle(struct udp_engine *engine, const struct epoll_event *event)
{
    if (event->data.u32 == BENCH_UDP_WAKE)
        return; /* the phase has changed, and is looked at anyway */
    struct udp_socket *socket = &engine->sockets[event->data.u32];
    if (event->events & EPOLLERR)
        hear_errors(engine, socket);
    if (event->events & EPOLLOUT && socket->blocked)
        wait_for_room(engine, socket, false);
    if (event->events & (EPOLLIN | EPOLLERR)) /* an error outside the queue is told to a receive */
        receive(engine, socket);
    pump(engine, socket, false);
}

static void loop(struct udp_engine *engine)
{
    struct bench_thread *thread = engine->thread;
    bool open_loop = thread->rate > 0;
    struct epoll_event events[EVENTS];
    engine->look_at = EL_NEVER;
    for (unsigned i = 0; i < engine->count && !open_loop; i++)
        pump(engine, &engine->sockets[i], false);
    while (thread->error == 0 && bench_thread_phase(thread) != BENCH_STOP) {
        el_time until = engine->look_at;
        if (open_loop)
            until = el_earliest(until, bench_due(thread->start, thread->rate, engine->scheduled));
        int count = bench_wait(thread, engine->epoll_fd, events, EVENTS, until);
        for (int i = 0; i < count; i++)
            handle(engine, &events[i]);
        el_time now = el_now();
        if (open_loop)
            schedule(engine, now);
        if (now >= engine->look_at)
            look_at_all(engine, now);
    }
}

void bench_udp_engine(struct bench_thread *thread)
{
    struct udp_engine engine = {.thread = thread, .epoll_fd = -1};
    if (bench_udp_open(&engine) && bench_thread_ready(thread))
        loop(&engine);
    bench_udp_close(&engine);
}
