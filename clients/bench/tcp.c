/*
 * tcp.c - the load of messages over connections that stay, in closed and in open loop.
 *
 * Teaches:  that a load generator is a server turned round: an epoll loop over many sockets, one write for all that is due on a connection, one read for all that came,
 *           nothing allocated on the way, and a clock read at each end.
 * Partner:  servers/models/tcp_epoll_edge.c is the other side. stream.c moves the bytes, pace.h knows what is due.
 * Leaves out: messages that differ in size, and a server that answers with anything but the echo.
 * Next:     connect.c.
 *
 * Edge-triggered: each socket is registered once, for both ways, and no epoll_ctl(2) follows. The price is to remember what is not used up: a
 * read that filled the buffer, or a turn that was cut short, puts its connection on the list `again`. [#edge-again] So does the peer's end: a FIN
 * that came with the last bytes makes no edge of its own, and a read that was not filled does not show it. [#fin-without-edge]
 */
#include "dial.h"
#include "loop.h"
#include "pace.h"
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EVENTS = 256,
    DIALS = 64, /* handshakes under way at a time: fewer than the shortest listen backlog in use */
    PER_SOURCE = 20000, /* connections from one source address: below the number of ports */
    SCHEDULE_A_TURN = 65536,
};
struct connection {
    struct bench_stream stream;
    uint64_t due; /* open loop: messages that were due so far */
    bool connected, listed;
};

struct engine {
    struct bench_thread *thread;
    struct bench_loop loop;
    unsigned count,
        all; /* connections: those that are loaded, and with those that are idle behind them */
    struct connection *connections;
    el_time *sent_at;       /* of those that are loaded */
    unsigned *list, *again; /* connections that have more to do, listed; and those now at work */
    unsigned listed;
    uint64_t scheduled;                /* open loop: messages of this thread that were due so far */
    unsigned next;                     /* the connection of the next of them */
    unsigned char buffer[BENCH_CHUNK]; /* for all connections: what was read is checked at once */
};

/* ---- sending and receiving --------------------------------------------------------------------- */

static void list(struct engine *engine, struct connection *connection)
{
    if (connection->listed)
        return;
    connection->listed = true;
    engine->list[engine->listed++] = (unsigned)(connection - engine->connections);
}

/* Messages that may have been begun by now: as many as the window allows, and in open loop as many as were due. On an idle connection none. */
static uint64_t target_of(const struct engine *engine, const struct connection *connection)
{
    if (connection >= engine->connections + engine->count)
        return 0;
    uint64_t room = connection->stream.received + engine->thread->load->window;
    return engine->thread->rate > 0 && connection->due < room ? connection->due : room;
}

/* Those that had room when they were due went now: how late is that? */
static void record_pace(const struct engine *engine, const struct connection *connection,
                        uint64_t from)
{
    struct bench_thread *thread = engine->thread;
    const struct bench_stream *stream = &connection->stream;
    unsigned place = (unsigned)(connection - engine->connections);
    for (uint64_t n = from; n < stream->begun; n++)
        el_histogram_record(thread->pace,
                            stream->sent_at[n & stream->mask] -
                                bench_due(thread->start, thread->rate, n * engine->count + place));
}

/* False: the connection is broken. */
static bool send_due(struct engine *engine, struct connection *connection, bool on_time)
{
    struct bench_stream *stream = &connection->stream;
    uint64_t target = target_of(engine, connection), before = stream->begun;
    if (stream->out >= target * engine->thread->load->size)
        return true;
    bool more = false, sound = bench_stream_send(engine->thread, stream, target, &more);
    if (more)
        list(engine, connection);
    bool measuring = bench_thread_phase(engine->thread) == BENCH_MEASURE;
    el_count(&(measuring ? &engine->thread->counts : &engine->thread->warm)->sent,
             stream->begun - before);
    if (on_time && measuring)
        record_pace(engine, connection, before);
    return sound;
}

/* Messages from..received-1 of the connection came whole at `now`. */
static void record(struct engine *engine, const struct connection *connection, uint64_t from,
                   el_time now)
{
    struct bench_thread *thread = engine->thread;
    const struct bench_stream *stream = &connection->stream;
    unsigned place = (unsigned)(connection - engine->connections);
    uint64_t count = stream->received - from;
    struct bench_recording recording = bench_record_begin(thread);
    for (uint64_t n = from; n < stream->received; n++)
        bench_record(&recording,
                     thread->rate > 0
                         ? bench_due(thread->start, thread->rate, n * engine->count + place)
                         : 0,
                     stream->sent_at[n & stream->mask], now);
    el_count(&recording.counts->received, count);
    el_count(&recording.counts->bytes, count * thread->load->size);
    bench_record_end(&recording);
}

static void broken(struct engine *engine, const struct connection *connection)
{
    struct bench_counts *counts = bench_thread_counts(engine->thread);
    if (engine->thread->error == EBADMSG)
        return; /* counted as corrupt */
    el_count(&counts->errors, 1);
    el_count(&counts->lost, connection->stream.begun - connection->stream.received);
}

/* False: the connection is broken, and so is the run. */
static bool serve(struct engine *engine, struct connection *connection)
{
    uint64_t before = connection->stream.received;
    el_time now;
    bool more = false;
    bool sound =
        bench_stream_read(engine->thread, &connection->stream, engine->buffer, &now, &more);
    if (more)
        list(engine, connection);
    if (sound && connection->stream.received > before)
        record(engine, connection, before, now);
    sound = sound && send_due(engine, connection, false);
    if (!sound)
        broken(engine, connection);
    return sound;
}

/* ---- open loop --------------------------------------------------------------------------------- */

/*
 * Message n of the thread belongs to connection n % count, and is its message n / count. What finds no room stays due, and goes when an echo has made room (serve). Bounded a turn, for a rate that no machine could keep.
 */
static bool schedule(struct engine *engine)
{
    struct bench_thread *thread = engine->thread;
    uint64_t due = bench_due_by(thread->start, thread->rate, el_now());
    if (due > engine->scheduled + SCHEDULE_A_TURN)
        due = engine->scheduled + SCHEDULE_A_TURN;
    unsigned first = engine->next;
    uint64_t fresh = due - engine->scheduled;
    for (; engine->scheduled < due; engine->scheduled++) {
        engine->connections[engine->next].due++;
        engine->next = engine->next + 1 == engine->count ? 0 : engine->next + 1;
    }
    /* One write for all that became due on a connection: each of them once. */
    for (uint64_t i = 0; i < fresh && i < engine->count; i++) {
        struct connection *connection = &engine->connections[(first + i) % engine->count];
        if (!send_due(engine, connection, true)) {
            broken(engine, connection);
            return false;
        }
    }
    return true;
}

/* ---- silence ----------------------------------------------------------------------------------- */

/*
 * Is there a connection that owes an echo, and of which nothing has come for read_timeout? A timer asks eight times in that time, so
 * that no message has to set one.
 */
static bool fell_silent(struct engine *engine)
{
    bench_loop_ticked(&engine->loop);
    el_duration limit = engine->thread->load->read_timeout;
    el_time now = el_now();
    for (unsigned i = 0; i < engine->count; i++) {
        struct connection *connection = &engine->connections[i];
        const struct bench_stream *stream = &connection->stream;
        if (stream->out == stream->in || now - stream->heard < limit)
            continue;
        bench_thread_fail(engine->thread, ETIMEDOUT,
                          "no echo for %gs: connection %u has %llu bytes unanswered",
                          (double)limit / (double)EL_S, stream->index,
                          (unsigned long long)(stream->out - stream->in));
        broken(engine, connection);
        return true;
    }
    return false;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

/* Connections that were not done with: each once; those that are still not are listed anew. */
static bool serve_listed(struct engine *engine)
{
    unsigned *now = engine->list, count = engine->listed;
    engine->list = engine->again;
    engine->again = now;
    engine->listed = 0;
    for (unsigned i = 0; i < count; i++) {
        struct connection *connection = &engine->connections[now[i]];
        connection->listed = false;
        if (!serve(engine, connection))
            return false;
    }
    return true;
}

static bool serve_events(struct engine *engine, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        uint32_t which = events[i].data.u32;
        if (bench_thread_phase(engine->thread) == BENCH_STOP)
            return false;
        if (which == BENCH_TICK && fell_silent(engine))
            return false;
        if (which >= BENCH_TICK)
            continue;
        if (events[i].events & BENCH_ENDED)
            list(engine, &engine->connections[which]); /* to be read once more */
        if (!serve(engine, &engine->connections[which]))
            return false;
    }
    return true;
}

static void load(struct engine *engine)
{
    struct bench_thread *thread = engine->thread;
    struct epoll_event events[EVENTS];
    bool open_loop = thread->rate > 0;
    for (unsigned i = 0; i < engine->count; i++) /* closed loop: the first windows */
        if (!open_loop && !send_due(engine, &engine->connections[i], false)) {
            broken(engine, &engine->connections[i]);
            return;
        }
    while (bench_thread_phase(thread) != BENCH_STOP) {
        if (open_loop && !schedule(engine))
            return;
        el_time until = engine->listed > 0 ? 0
                        : open_loop ? bench_due(thread->start, thread->rate, engine->scheduled)
                                    : EL_NEVER;
        int count = bench_wait(engine->thread, engine->loop.epoll_fd, events, EVENTS, until);
        if (count < 0 || !serve_listed(engine) || !serve_events(engine, events, count))
            return;
    }
}

/* ---- connecting -------------------------------------------------------------------------------- */

/* Returns how many handshakes are under way now (0 or 1), or -1. */
static int begin_to_connect(struct engine *engine, unsigned which)
{
    struct connection *connection = &engine->connections[which];
    unsigned index = which < engine->count ? engine->thread->first + which
                                           : engine->thread->first_idle + which - engine->count;
    int fd = bench_dial(engine->thread, index / PER_SOURCE, &connection->connected);
    if (fd < 0)
        return -1;
    bench_stream_begin(&connection->stream, fd, index);
    if (!bench_loop_watch(&engine->loop, fd, which, BENCH_EDGES))
        return -1;
    return connection->connected ? 0 : 1;
}

/* Something happened on a socket while others still connect. Returns how many handshakes are over by it, or -1. */
static int go_on_connecting(struct engine *engine, uint32_t which)
{
    if (which >= BENCH_TICK)
        return bench_thread_phase(engine->thread) == BENCH_STOP ? -1 : 0;
    struct connection *connection = &engine->connections[which];
    if (connection->connected) {
        list(engine,
             connection); /* the server said something unasked, or closed: read it in time */
        return 0;
    }
    int error = bench_dial_finish(engine->thread, connection->stream.fd);
    connection->connected = error == 0;
    return error == 0 ? 1 : error == -EINPROGRESS ? 0 : -1;
}

/* All of them, DIALS at a time. False: one could not, or the run is over. */
static bool connect_all(struct engine *engine)
{
    struct epoll_event events[EVENTS];
    unsigned begun = 0, under_way = 0;
    el_time deadline = el_time_after(el_now(), bench_dial_limit(engine->thread->load));
    while (begun < engine->all || under_way > 0) {
        for (; begun < engine->all && under_way < DIALS; begun++) {
            int more = begin_to_connect(engine, begun);
            if (more < 0)
                return false;
            under_way += (unsigned)more;
        }
        int count = bench_wait(engine->thread, engine->loop.epoll_fd, events, EVENTS,
                               under_way > 0 ? deadline : 0);
        for (int i = 0; i < count; i++) {
            int over = go_on_connecting(engine, events[i].data.u32);
            if (over < 0)
                return false;
            under_way -= (unsigned)over;
            if (over > 0)
                deadline = el_time_after(el_now(), bench_dial_limit(engine->thread->load));
        }
        if (count < 0)
            return false;
        if (under_way > 0 && el_now() >= deadline) {
            bench_thread_fail(engine->thread, ETIMEDOUT, "connect: %s", strerror(ETIMEDOUT));
            return false;
        }
    }
    return true;
}

/* ---- the engine's life ------------------------------------------------------------------------- */

static bool make(struct engine *engine)
{
    struct bench_thread *thread = engine->thread;
    uint32_t ring = 1;
    while (ring < thread->load->window)
        ring *= 2;
    engine->count = thread->connections;
    engine->all = thread->connections + thread->idle;
    engine->connections = calloc(engine->all, sizeof *engine->connections);
    engine->sent_at = calloc((size_t)engine->count * ring, sizeof *engine->sent_at);
    engine->list = calloc(engine->all, sizeof *engine->list);
    engine->again = calloc(engine->all, sizeof *engine->again);
    if (engine->connections == NULL || engine->sent_at == NULL || engine->list == NULL ||
        engine->again == NULL) {
        bench_thread_fail(thread, ENOMEM, "%u connections: %s", engine->all, strerror(ENOMEM));
        return false;
    }
    for (unsigned i = 0; i < engine->all; i++)
        engine->connections[i].stream.fd = -1;
    for (unsigned i = 0; i < engine->count; i++) {
        struct bench_stream *stream = &engine->connections[i].stream;
        stream->sent_at = engine->sent_at + (size_t)i * ring;
        stream->mask = ring - 1;
    }
    return bench_loop_open(&engine->loop, thread, thread->load->read_timeout);
}

static void unmake(struct engine *engine)
{
    for (unsigned i = 0; i < engine->all && engine->connections != NULL; i++)
        if (engine->connections[i].stream.fd >= 0)
            close(engine->connections[i].stream.fd);
    bench_loop_close(&engine->loop);
    free(engine->connections);
    free(engine->sent_at);
    free(engine->list);
    free(engine->again);
    free(engine);
}

void bench_tcp_engine(struct bench_thread *thread)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        bench_thread_fail(thread, ENOMEM, "%s", strerror(ENOMEM));
        return;
    }
    engine->thread = thread;
    engine->loop = (struct bench_loop){thread, -1, -1};
    bench_pattern_make();
    if (make(engine) && connect_all(engine) && bench_thread_ready(thread))
        load(engine);
    unmake(engine);
}
