/*
 * peer_run.c - goes through the steps of a script, and knows its ends by their names.
 */
#include "peer_run.h"

#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- bytes ------------------------------------------------------------------------------------ */

bool peer_bytes_add(struct peer_bytes *bytes, const void *data, size_t size)
{
    if (bytes->start > 0) {
        memmove(bytes->data, bytes->data + bytes->start, bytes->end - bytes->start);
        bytes->end -= bytes->start;
        bytes->start = 0;
    }
    if (bytes->end + size > bytes->room || bytes->data == NULL) {
        size_t room =
            bytes->room * 2 > bytes->end + size ? bytes->room * 2 : bytes->end + size + 64;
        unsigned char *grown = realloc(bytes->data, room);
        if (grown == NULL)
            return false;
        bytes->data = grown;
        bytes->room = room;
    }
    memcpy(bytes->data + bytes->end, data, size);
    bytes->end += size;
    return true;
}

void peer_bytes_drop(struct peer_bytes *bytes, size_t size)
{
    bytes->start += size;
}

void peer_bytes_clear(struct peer_bytes *bytes)
{
    bytes->start = bytes->end = 0;
}

/* splitmix64: the same seed gives the same bytes on every machine. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/*
 * Random bytes of the kind that breaks programs which take bytes for text: from four on there is a NUL in
 * the first half, with more behind it; a byte above 127; and a newline.
 */
void peer_random_fill(struct peer_run *run, unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)next_random(&run->random);
    if (size < 4)
        return;
    size_t nul = next_random(&run->random) % (size / 2);
    data[nul] = '\0';
    data[nul + 1] = '\n';
    data[size - 1] |= 0x80;
}

unsigned char *peer_payload(struct peer_run *run, struct peer_end *end, size_t *size)
{
    const struct peer_step *step = run->step;
    const struct peer_end *from = end;
    const void *source = step->bytes;
    *size = step->length;
    if (step->data == PEER_RECEIVED) {
        if (step->other[0] != '\0' && (from = peer_end_find(run, step->other)) == NULL)
            return NULL;
        *size = peer_bytes_length(&from->received);
        source = from->received.data == NULL ? NULL : from->received.data + from->received.start;
    }
    unsigned char *data = malloc(*size + 1);
    if (data == NULL)
        peer_fail(run, PEER_ERROR, "lab_peer: out of memory");
    else if (step->data == PEER_RANDOM)
        peer_random_fill(run, data, *size);
    else if (source != NULL)
        memcpy(data, source, *size);
    return data;
}

/* ---- ends ------------------------------------------------------------------------------------- */

static struct peer_end *look_up(struct peer_run *run, const char *name)
{
    for (size_t i = 0; i < run->end_count; i++)
        if (strcmp(run->ends[i]->name, name) == 0)
            return run->ends[i];
    return NULL;
}

struct peer_end *peer_end_find(struct peer_run *run, const char *name)
{
    struct peer_end *end = look_up(run, name);
    if (end != NULL && end->kind != PEER_NO_SOCKET)
        return end;
    peer_expected(run, "%s is open", name);
    peer_fail(run, PEER_ERROR, "%s is not: the script has not opened it, or has closed it", name);
    return NULL;
}

void peer_end_close(struct peer_end *end)
{
    el_socket_close(end->fd);
    end->fd = -1;
    end->kind = PEER_NO_SOCKET;
    peer_bytes_clear(&end->unechoed);
    peer_bytes_clear(&end->lengths);
}

/* A name that is used anew begins anew; what it had open is closed. */
static struct peer_end *make_end(struct peer_run *run, const char *name)
{
    struct peer_end *end = look_up(run, name);
    if (end != NULL) {
        peer_end_close(end);
        return end;
    }
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant
    struct peer_end **grown = realloc(run->ends, (run->end_count + 1) * sizeof *grown);
    end = calloc(1, sizeof *end);
    if (grown != NULL)
        run->ends = grown;
    if (grown == NULL || end == NULL) {
        free(end);
        peer_fail(run, PEER_ERROR, "lab_peer: out of memory");
        return NULL;
    }
    snprintf(end->name, sizeof end->name, "%s", name);
    end->fd = -1;
    run->ends[run->end_count++] = end;
    return end;
}

/* ---- steps ------------------------------------------------------------------------------------ */

static bool no_sense(struct peer_run *run, const char *why)
{
    peer_expected(run, "a step that makes sense");
    return peer_fail(run, PEER_ERROR, "%s", why);
}

static bool shut_down(struct peer_run *run, struct peer_end *end)
{
    peer_expected(run, "shutdown(2)");
    if (shutdown(end->fd, SHUT_WR) < 0)
        return peer_fail_errno(run, errno, "shutdown(2)");
    peer_did(run, "ended its side (shutdown, FIN)");
    return true;
}

static bool close_end(struct peer_run *run, struct peer_end *end)
{
    bool reset = run->step->verb == PEER_RESET;
    if (reset)
        el_socket_reset_on_close(end->fd);
    peer_end_close(end);
    peer_did(run, "%s", reset ? "reset the connection (RST)" : "closed its socket");
    return true;
}

static bool stream_step(struct peer_run *run, struct peer_end *end)
{
    if (end->kind != PEER_STREAM && run->step->wanted != PEER_WANT_SILENCE)
        return no_sense(run, "a listening socket can accept, close, and expect silence");
    switch (run->step->verb) {
    case PEER_SEND:
        return peer_stream_send(run, end);
    case PEER_EXCHANGE:
        return peer_stream_exchange(run, end);
    case PEER_PUSH:
        return peer_stream_push(run, end);
    case PEER_EXPECT:
        return peer_stream_expect(run, end);
    case PEER_RECEIVE:
        return peer_stream_receive(run, end);
    case PEER_SHUTDOWN:
        return shut_down(run, end);
    default:
        return no_sense(run, "this is for UDP");
    }
}

static bool datagram_step(struct peer_run *run, struct peer_end *end)
{
    switch (run->step->verb) {
    case PEER_TO:
        end->to = run->step->address;
        return true;
    case PEER_CONNECT:
        return peer_datagram_connect(run, end);
    case PEER_FORGET:
        return peer_datagram_forget(run, end);
    case PEER_ERRORS:
        return peer_datagram_errors(run, end);
    case PEER_SEND:
        return peer_datagram_send(run, end);
    case PEER_EXPECT:
        return peer_datagram_expect(run, end);
    case PEER_RECEIVE:
        return peer_datagram_receive(run, end);
    default:
        return no_sense(run, "this is for TCP");
    }
}

/* The steps that make an end. */
static bool opening_step(struct peer_run *run)
{
    const struct peer_step *step = run->step;
    struct peer_end *listener = NULL;
    if (step->verb == PEER_ACCEPT) {
        listener = peer_end_find(run, step->other);
        if (listener == NULL)
            return false;
        if (listener->kind != PEER_LISTENER)
            return no_sense(run, "accept wants the name of a listening end");
    }
    if (step->verb == PEER_CONNECT && step->address.length == 0)
        return no_sense(run, "connect to where?");
    struct peer_end *end = make_end(run, step->name);
    if (end == NULL)
        return false;
    switch (step->verb) {
    case PEER_CONNECT:
        return peer_stream_connect(run, end);
    case PEER_LISTEN:
        return peer_stream_listen(run, end);
    case PEER_ACCEPT:
        return peer_stream_accept(run, end, listener);
    default:
        return peer_datagram_open(run, end);
    }
}

static bool run_step(struct peer_run *run)
{
    const struct peer_step *step = run->step;
    struct peer_end *end = look_up(run, step->name);
    bool connects_udp = step->verb == PEER_CONNECT && end != NULL && end->kind == PEER_DATAGRAMS;
    switch (step->verb) {
    case PEER_WAIT:
        poll(NULL, 0, (int)step->within);
        peer_did(run, "waited %ld ms", step->within);
        return true;
    case PEER_SAY:
        printf("%s\n", step->bytes);
        fflush(stdout);
        return true;
    case PEER_CONNECT:
    case PEER_LISTEN:
    case PEER_ACCEPT:
    case PEER_UDP:
        if (!connects_udp)
            return opening_step(run);
        break;
    default:
        break;
    }
    end = peer_end_find(run, step->name);
    if (end == NULL)
        return false;
    if (step->verb == PEER_CLOSE || step->verb == PEER_RESET)
        return close_end(run, end);
    return end->kind == PEER_DATAGRAMS ? datagram_step(run, end) : stream_step(run, end);
}

static bool has_one_name(const struct peer_script *script)
{
    const char *name = "";
    for (size_t i = 0; i < script->count; i++) {
        const char *this = script->steps[i].name;
        if (this[0] != '\0' && name[0] != '\0' && strcmp(this, name) != 0)
            return false;
        if (this[0] != '\0')
            name = this;
    }
    return true;
}

bool peer_run(struct peer_run *run, const struct peer_script *script)
{
    run->random = run->seed;
    run->one_name = has_one_name(script);
    for (size_t i = 0; i < script->count; i++) {
        run->step = &script->steps[i];
        run->quiet = NULL;
        run->spins = false;
        run->got[0] = run->want[0] = '\0';
        if (!run_step(run))
            return false;
    }
    return true;
}

void peer_run_free(struct peer_run *run)
{
    for (size_t i = 0; i < run->end_count; i++) {
        struct peer_end *end = run->ends[i];
        el_socket_close(end->fd);
        free(end->unechoed.data);
        free(end->lengths.data);
        free(end->received.data);
        free(end);
    }
    for (size_t i = 0; i < run->did_count; i++)
        free(run->did[i]);
    free(run->ends);
    free(run->did);
}
