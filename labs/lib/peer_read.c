/*
 * peer_read.c - the steps on TCP that read: what comes back is held against what should, byte by byte.
 */
#include "peer_run.h"

#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 65536 };

/* Reads what is there, or waits for it: > 0; 0 the end of the stream; -ETIME: nothing came; or -errno. */
static ssize_t read_some(struct peer_run *run, struct peer_end *end, void *data, size_t size,
                         const struct peer_limit *limit)
{
    for (;;) {
        ssize_t n = recv(end->fd, data, size, 0);
        if (n >= 0) {
            end->got += (size_t)n;
            return n;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (errno == EAGAIN && !peer_wait(run, end, POLLIN, limit))
            return -ETIME;
    }
}

/* `count` bytes of `total` came, and then this. Always false: it is how a step fails. */
static bool ended_early(struct peer_run *run, ssize_t how, size_t count, el_time since)
{
    char came[64] = "";
    if (count > 0)
        snprintf(came, sizeof came, "%zu byte%s, then ", count, count == 1 ? "" : "s");
    if (how == 0)
        return peer_fail(run, PEER_EOF, "%sthe end of the stream", came);
    if (how == -ETIME)
        return peer_fail(run, count > 0 ? PEER_SHORT : PEER_SILENCE, "%s%s", came,
                         peer_nothing(run, since));
    if (how == -ECONNRESET || how == -EPIPE)
        return peer_fail(run, PEER_RST, "%sa reset (ECONNRESET)", came);
    peer_fail_errno(run, (int)-how, "recv(2)");
    return false;
}

/* Byte `at` is the first that differs. */
static bool differs(struct peer_run *run, size_t at, const unsigned char *got, size_t got_length,
                    const unsigned char *want, size_t want_length)
{
    peer_show_bytes(run->got, sizeof run->got, got, got_length < 16 ? got_length : 16);
    peer_show_bytes(run->want, sizeof run->want, want, want_length < 16 ? want_length : 16);
    return peer_fail(run, PEER_DIFFERS, "byte %zu is 0x%02x instead of 0x%02x", at, got[0],
                     want[0]);
}

/* The first byte of `got` that is not as in `want`; `length` when there is none. */
static size_t first_difference(const unsigned char *got, const unsigned char *want, size_t length)
{
    size_t i = 0;
    while (i < length && got[i] == want[i])
        i++;
    return i;
}

/*
 * Reads `total` bytes and holds each against `want`. Of an echo nothing more may lie there when the last
 * has come: a server that sends its whole buffer shows. Behind a text there may be another.
 */
static bool expect_bytes(struct peer_run *run, struct peer_end *end, const unsigned char *want,
                         size_t total)
{
    bool exact = run->step->wanted == PEER_WANT_ECHO;
    static unsigned char piece[PIECE];
    struct peer_limit limit = peer_limit(run);
    size_t count = 0;
    while (count < total) {
        el_time began = el_now();
        size_t left = total - count;
        ssize_t n =
            read_some(run, end, piece, exact || left > sizeof piece ? sizeof piece : left, &limit);
        if (n <= 0)
            return ended_early(run, n, count, began);
        size_t length = (size_t)n < left ? (size_t)n : left;
        size_t same = first_difference(piece, want + count, length);
        if (same < length)
            return differs(run, count + same, piece + same, (size_t)n - same, want + count + same,
                           left - same);
        count += length;
        if ((size_t)n > length) {
            peer_show_bytes(run->got, sizeof run->got, piece + length, (size_t)n - length);
            strcpy(run->want, "nothing more");
            return peer_fail(run, PEER_EXTRA, "all %zu bytes, and %zu more that nobody sent", total,
                             (size_t)n - length);
        }
    }
    return true;
}

static bool expect_echo(struct peer_run *run, struct peer_end *end)
{
    size_t total = peer_bytes_length(&end->unechoed);
    peer_expected(run, "%zu byte%s back, the same", total, total == 1 ? "" : "s");
    if (!expect_bytes(run, end, end->unechoed.data + end->unechoed.start, total))
        return false;
    peer_bytes_clear(&end->unechoed);
    peer_did(run, "got the %zu byte%s back, the same", total, total == 1 ? "" : "s");
    return true;
}

/* A text that is what was sent is the echo of it, whatever the script calls it. */
static void forget_echoed(struct peer_end *end, const unsigned char *text, size_t length)
{
    if (length <= peer_bytes_length(&end->unechoed) &&
        memcmp(end->unechoed.data + end->unechoed.start, text, length) == 0)
        peer_bytes_drop(&end->unechoed, length);
}

static bool expect_text(struct peer_run *run, struct peer_end *end)
{
    char shown[160];
    peer_show_bytes(shown, sizeof shown, run->step->bytes, run->step->length);
    peer_expected(run, "%s", shown);
    if (!expect_bytes(run, end, run->step->bytes, run->step->length))
        return false;
    forget_echoed(end, run->step->bytes, run->step->length);
    peer_did(run, "got %s", shown);
    return true;
}

/* eof, reset, end: no more bytes, and the end that is wanted. */
static bool expect_end(struct peer_run *run, struct peer_end *end)
{
    unsigned char piece[256];
    struct peer_limit limit = peer_limit(run);
    el_time began = el_now();
    enum peer_wanted wanted = run->step->wanted;
    peer_expected(run, "%s",
                  wanted == PEER_WANT_EOF     ? "the end of the stream (FIN)"
                  : wanted == PEER_WANT_RESET ? "a reset (RST)"
                                              : "the connection ends");
    ssize_t n = read_some(run, end, piece, sizeof piece, &limit);
    if (n > 0) {
        peer_show_bytes(run->got, sizeof run->got, piece, (size_t)n);
        strcpy(run->want, "nothing more");
        return peer_fail(run, PEER_EXTRA, "%zd more byte%s", n, n == 1 ? "" : "s");
    }
    if (n == 0 && wanted != PEER_WANT_RESET) {
        peer_did(run, "saw the end of the stream");
        return true;
    }
    if ((n == -ECONNRESET || n == -EPIPE) && wanted != PEER_WANT_EOF) {
        peer_did(run, "saw the reset");
        return true;
    }
    return ended_early(run, n, 0, began);
}

static bool expect_silence(struct peer_run *run, struct peer_end *end)
{
    unsigned char piece[256];
    struct peer_limit limit = peer_limit(run);
    peer_expected(run, "nothing for %ld ms", run->step->within);
    if (end->kind == PEER_LISTENER) {
        if (peer_wait(run, end, POLLIN, &limit))
            return peer_fail(run, PEER_EXTRA, "a client connected");
    } else {
        ssize_t n = read_some(run, end, piece, sizeof piece, &limit);
        if (n > 0) {
            peer_show_bytes(run->got, sizeof run->got, piece, (size_t)n);
            strcpy(run->want, "nothing");
            return peer_fail(run, PEER_EXTRA, "%zd byte%s came", n, n == 1 ? "" : "s");
        }
        if (n != -ETIME)
            return ended_early(run, n, 0, el_now());
    }
    peer_did(run, "heard nothing for %ld ms", run->step->within);
    return true;
}

bool peer_stream_expect(struct peer_run *run, struct peer_end *end)
{
    switch (run->step->wanted) {
    case PEER_WANT_ECHO:
        return expect_echo(run, end);
    case PEER_WANT_TEXT:
        return expect_text(run, end);
    case PEER_WANT_EOF:
    case PEER_WANT_RESET:
    case PEER_WANT_END:
        return expect_end(run, end);
    case PEER_WANT_SILENCE:
        return expect_silence(run, end);
    default:
        peer_expected(run, "a step that makes sense on TCP");
        return peer_fail(run, PEER_ERROR, "this can be expected of UDP, or of connect");
    }
}

/* ---- exchange --------------------------------------------------------------------------------- */

struct exchange {
    const unsigned char *data;
    size_t size, sent, got;
};

/* Both ways as far as they go now. 1 = something moved, 0 = nothing, -1 = failed, and told. */
static int exchange_some(struct peer_run *run, struct peer_end *end, struct exchange *x,
                         el_time since)
{
    static unsigned char piece[PIECE];
    size_t before = x->sent + x->got;
    if (x->sent < x->size) {
        ssize_t n = send(end->fd, x->data + x->sent, x->size - x->sent, MSG_NOSIGNAL);
        if (n > 0)
            x->sent += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            return ended_early(run, -errno, x->got, since) - 1;
    }
    ssize_t n = recv(end->fd, piece, sizeof piece, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return ended_early(run, n == 0 ? 0 : -errno, x->got, since) - 1;
    if (n > 0) {
        size_t left = x->sent - x->got, length = (size_t)n < left ? (size_t)n : left;
        size_t same = first_difference(piece, x->data + x->got, length);
        if (same < length) {
            differs(run, x->got + same, piece + same, (size_t)n - same, x->data + x->got + same,
                    left - same);
            return -1;
        }
        x->got += length;
        if ((size_t)n > length) {
            peer_fail(run, PEER_EXTRA, "%zu bytes, and %zu more that were not sent yet", x->got,
                      (size_t)n - length);
            return -1;
        }
    }
    return x->sent + x->got > before;
}

bool peer_stream_exchange(struct peer_run *run, struct peer_end *end)
{
    struct exchange x = {0};
    unsigned char *data = peer_payload(run, end, &x.size);
    if (data == NULL)
        return false;
    x.data = data;
    peer_expected(run, "%zu bytes back, the same", x.size);
    struct peer_limit limit = peer_limit(run);
    bool good = true;
    peer_did(run, "sent %zu random bytes (seed %llu), reading at the same time", x.size,
             (unsigned long long)run->seed);
    while (good && x.got < x.size) {
        el_time began = el_now();
        int moved = exchange_some(run, end, &x, began);
        good = moved >= 0;
        if (moved == 0 && x.got < x.size &&
            !peer_wait(run, end, x.sent < x.size ? POLLIN | POLLOUT : POLLIN, &limit))
            good = ended_early(run, -ETIME, x.got, began);
    }
    end->sent += x.sent;
    end->got += x.got;
    if (good)
        peer_did(run, "got the %zu bytes back, the same", x.size);
    free(data);
    return good;
}

/* ---- receive: as a server --------------------------------------------------------------------- */

bool peer_stream_receive(struct peer_run *run, struct peer_end *end)
{
    const struct peer_step *step = run->step;
    bool line = step->wanted == PEER_WANT_LINE;
    struct peer_limit limit = peer_limit(run);
    peer_bytes_clear(&end->received);
    if (line)
        peer_expected(run, "a line");
    else
        peer_expected(run, "%zu byte%s", step->length, step->length == 1 ? "" : "s");
    size_t count = 0;
    for (bool done = false; !done; count++) {
        unsigned char c;
        el_time began = el_now();
        ssize_t n = read_some(run, end, &c, 1, &limit); /* not one more than is wanted */
        if (n <= 0)
            return ended_early(run, n, count, began);
        if (!peer_bytes_add(&end->received, &c, 1))
            return peer_fail(run, PEER_ERROR, "lab_peer: out of memory");
        done = line ? c == '\n' : count + 1 == step->length;
    }
    char shown[100];
    peer_show_bytes(shown, sizeof shown, end->received.data + end->received.start, count);
    peer_fact(end, "received %s", shown);
    peer_did(run, "received %zu byte%s: %s", count, count == 1 ? "" : "s", shown);
    return true;
}
