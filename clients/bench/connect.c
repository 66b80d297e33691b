/*
 * connect.c - the load of connections: connect, one message, its echo, close, again and again.
 *
 * Teaches:  what a connection costs beside its bytes, on both sides; and that the side which closes first, here the client as in most protocols,
 *           pays with a port for a minute (see dial.c [#port-exhaustion]).
 * Partner:  tcp.c has the load without the connecting. stream.c moves the bytes.
 * Leaves out: a shutdown(2) and the wait for the server's FIN: when the last byte of the echo is here, close(2) says the same, and the kernel does the waiting.
 * Next:     run.c.
 *
 * The latency is from the call of connect(2) to the last byte of the echo, so the handshake is in it and the close is not.
 */
#include "dial.h"
#include "loop.h"
#include "pace.h"
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 64 };

/* A place for one connection after the other. */
struct slot {
    struct bench_stream stream; /* fd -1: free */
    el_time due, dialled;
    el_time sent_at; /* the stream's, of its one message */
    bool connected;
};

struct engine {
    struct bench_thread *thread;
    struct bench_loop loop;
    unsigned count, free_count;
    struct slot *slots;
    unsigned *free; /* a stack */
    uint64_t
        begun; /* connections of this thread; in open loop also the number of the next to be due */
    unsigned char buffer[BENCH_CHUNK];
};

/* ---- one connection ---------------------------------------------------------------------------- */

static void release(struct engine *engine, struct slot *slot)
{
    close(slot->stream.fd);
    slot->stream.fd = -1;
    engine->free[engine->free_count++] = (unsigned)(slot - engine->slots);
}

/* An attempt failed, and bench_thread_fail has been told: the run is over. */
static bool broken(struct engine *engine)
{
    struct bench_counts *counts = bench_thread_counts(engine->thread);
    if (engine->thread->error != EBADMSG) { /* that is counted as corrupt */
        el_count(&counts->errors, 1);
        el_count(&counts->lost, 1);
    }
    return false;
}

/* All of the message, as far as it can go now. A turn cut short goes on: there is nothing else to do for this slot. */
static bool send_message(struct engine *engine, struct slot *slot)
{
    bool more;
    do {
        more = false;
        if (!bench_stream_send(engine->thread, &slot->stream, 1, &more))
            return false;
    } while (more);
    return true;
}

/* The next connection, in a slot that is free. `on_time`: nothing but the generator itself made it wait. */
static bool begin(struct engine *engine, bool on_time)
{
    struct bench_thread *thread = engine->thread;
    struct slot *slot = &engine->slots[engine->free[--engine->free_count]];
    unsigned number = thread->index + (unsigned)engine->begun * thread->load->threads;

    if (thread->rate > 0)
        slot->due = bench_due(thread->start, thread->rate, engine->begun);
    slot->dialled = el_now();
    engine->begun++;
    el_count(&bench_thread_counts(thread)->sent, 1);
    el_count(&bench_thread_counts(thread)->calls, 1);
    if (on_time && bench_thread_phase(thread) == BENCH_MEASURE)
        el_histogram_record(thread->pace, slot->dialled - slot->due);

    int fd = bench_dial(thread, number, &slot->connected);
    if (fd < 0)
        return broken(engine);
    bench_stream_begin(&slot->stream, fd, number);
    bool sound = (!slot->connected || send_message(engine, slot)) &&
                 bench_loop_watch(&engine->loop, fd, (uint32_t)(slot - engine->slots), BENCH_EDGES);
    return sound || broken(engine);
}

/* Its echo is whole. */
static void record(struct engine *engine, const struct slot *slot, el_time now)
{
    struct bench_recording recording = bench_record_begin(engine->thread);
    bench_record(&recording, slot->due, slot->dialled, now);
    el_count(&recording.counts->received, 1);
    el_count(&recording.counts->bytes, engine->thread->load->size);
    bench_record_end(&recording);
}

/* Something happened on its socket. `ended`: its peer has closed too, so it is read to its end (tcp.c [#fin-without-edge]). False: the run is over. */
static bool serve(struct engine *engine, struct slot *slot, bool ended)
{
    if (slot->stream.fd < 0)
        return true;
    if (!slot->connected) {
        int error = bench_dial_finish(engine->thread, slot->stream.fd);
        if (error == -EINPROGRESS)
            return true;
        slot->connected = error == 0;
        if (error < 0)
            return broken(engine);
    }
    if (!send_message(engine, slot))
        return broken(engine);
    el_time now;
    uint64_t before;
    bool more;
    do { /* at most one message, or the end */
        before = slot->stream.in;
        more = false;
        if (!bench_stream_read(engine->thread, &slot->stream, engine->buffer, &now, &more))
            return broken(engine);
        more |= ended && slot->stream.in > before;
    } while (more && slot->stream.received == 0);
    if (slot->stream.received > 0) {
        record(engine, slot, now);
        release(engine, slot);
    }
    return true;
}

/* ---- when the next begins ---------------------------------------------------------------------- */

/* Closed loop: at once, wherever a slot is free. Open loop: those that are due; the others find their slot when they are. */
static bool begin_due(struct engine *engine, bool on_time)
{
    const struct bench_thread *thread = engine->thread;
    bool open_loop = thread->rate > 0;
    while (engine->free_count > 0 && bench_thread_phase(thread) != BENCH_STOP) {
        if (open_loop && bench_due(thread->start, thread->rate, engine->begun) > el_now())
            return true;
        if (!begin(engine, open_loop && on_time))
            return false;
    }
    return true;
}

/* A slot that waits too long for the end of its handshake, or for a byte of its echo. */
static bool fell_silent(struct engine *engine)
{
    bench_loop_ticked(&engine->loop);
    struct bench_thread *thread = engine->thread;
    el_time now = el_now();
    for (unsigned i = 0; i < engine->count; i++) {
        const struct slot *slot = &engine->slots[i];
        if (slot->stream.fd < 0)
            continue;
        if (!slot->connected && now - slot->dialled >= bench_dial_limit(thread->load))
            bench_thread_fail(thread, ETIMEDOUT, "connect: %s", strerror(ETIMEDOUT));
        else if (slot->connected && now - slot->stream.heard >= thread->load->read_timeout)
            bench_thread_fail(thread, ETIMEDOUT, "no echo for %gs",
                              (double)thread->load->read_timeout / (double)EL_S);
        else
            continue;
        broken(engine);
        return true;
    }
    return false;
}

static bool serve_events(struct engine *engine, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        uint32_t which = events[i].data.u32;
        if (bench_thread_phase(engine->thread) == BENCH_STOP)
            return false;
        if (which == BENCH_TICK && fell_silent(engine))
            return false;
        if (which < BENCH_TICK &&
            !serve(engine, &engine->slots[which], (events[i].events & BENCH_ENDED) != 0))
            return false;
    }
    return true;
}

static void load(struct engine *engine)
{
    struct bench_thread *thread = engine->thread;
    struct epoll_event events[EVENTS];
    bool waited = false; /* for a slot: what begins next is late through the server */
    while (bench_thread_phase(thread) != BENCH_STOP && begin_due(engine, !waited)) {
        waited = engine->free_count == 0;
        el_time until = EL_NEVER; /* an echo ends the wait */
        if (thread->rate > 0 && !waited)
            until = bench_due(thread->start, thread->rate, engine->begun);
        int count = bench_wait(engine->thread, engine->loop.epoll_fd, events, EVENTS, until);
        if (count < 0 || !serve_events(engine, events, count))
            return;
    }
}

/* ---- the engine's life ------------------------------------------------------------------------- */

static bool make(struct engine *engine)
{
    struct bench_thread *thread = engine->thread;
    engine->count = thread->connections;
    engine->slots = calloc(engine->count, sizeof *engine->slots);
    engine->free = calloc(engine->count, sizeof *engine->free);
    if (engine->slots == NULL || engine->free == NULL) {
        bench_thread_fail(thread, ENOMEM, "%u connections: %s", engine->count, strerror(ENOMEM));
        return false;
    }
    for (unsigned i = 0; i < engine->count; i++) {
        engine->slots[i].stream.fd = -1;
        engine->slots[i].stream.sent_at = &engine->slots[i].sent_at;
        engine->free[engine->free_count++] = engine->count - 1 - i;
    }
    return bench_loop_open(&engine->loop, thread,
                           el_earliest(thread->load->read_timeout, bench_dial_limit(thread->load)));
}

static void unmake(struct engine *engine)
{
    for (unsigned i = 0; i < engine->count && engine->slots != NULL; i++)
        if (engine->slots[i].stream.fd >= 0)
            close(engine->slots[i].stream.fd);
    bench_loop_close(&engine->loop);
    free(engine->slots);
    free(engine->free);
    free(engine);
}

void bench_connect_engine(struct bench_thread *thread)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        bench_thread_fail(thread, ENOMEM, "%s", strerror(ENOMEM));
        return;
    }
    engine->thread = thread;
    engine->loop = (struct bench_loop){thread, -1, -1};
    bench_pattern_make();
    if (make(engine) && bench_thread_ready(thread))
        load(engine);
    unmake(engine);
}
