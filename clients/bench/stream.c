/*
 * stream.c - one connection's bytes: out as the pattern says, back in as they must be.
 *
 * Teaches:  that a stream has no messages: a write may take a part of one, a read may bring the end of one, three whole ones and the beginning of the next.
 *           Counting bytes, and dividing, is all it takes.
 * Partner:  pattern.c has the bytes. tcp.c and connect.c decide what is sent when.
 * Leaves out: going on after a wrong byte. When one is missing everything after it is wrong; the run has found out what there was to find out.
 * Next:     connect.c.
 */
#include "stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { CHUNKS_A_TURN = 8 }; /* then the other connections have their turn */

void bench_stream_begin(struct bench_stream *stream, int fd, unsigned index)
{
    uint32_t at = bench_pattern_begin(index);
    stream->fd = fd;
    stream->index = index;
    stream->out_at = stream->in_at = at;
    stream->out = stream->in = stream->begun = stream->received = 0;
    stream->heard = el_now();
}

/* ---- out --------------------------------------------------------------------------------------- */

/* `length` bytes were given to the kernel; the messages that begin in them were sent at `now`. [#really-sent] */
static void advance(struct bench_stream *stream, size_t size, size_t length, el_time now)
{
    if (stream->out == stream->in)
        stream->heard = now; /* nothing was under way: its time begins */
    stream->out += length;
    stream->out_at = bench_pattern_after(stream->out_at, length);
    for (; stream->begun * size < stream->out; stream->begun++)
        stream->sent_at[stream->begun & stream->mask] = now;
}

/*
 * send(2): EAGAIN and a short count both say that the buffer is full, and the socket will become writable. EPIPE and ECONNRESET: the peer has closed, and
 * MSG_NOSIGNAL keeps SIGPIPE away. ENOBUFS and ENOMEM are the machine's, and final here: a measurement without memory is none.
 */
bool bench_stream_send(struct bench_thread *thread, struct bench_stream *stream, uint64_t target,
                       bool *more)
{
    const size_t size = thread->load->size;
    const uint64_t end = target * size;
    for (unsigned turn = 0; stream->out < end; turn++) {
        if (turn == CHUNKS_A_TURN) {
            *more = true;
            break;
        }
        size_t wanted = end - stream->out < BENCH_CHUNK ? (size_t)(end - stream->out) : BENCH_CHUNK;
        el_time now = el_now();
        ssize_t length = send(stream->fd, bench_pattern(stream->out_at), wanted, MSG_NOSIGNAL);
        el_count(&bench_thread_counts(thread)->calls, 1);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == EAGAIN)
            break;
        if (length < 0) {
            bench_thread_fail(thread, errno, "send: %s", strerror(errno));
            return false;
        }
        advance(stream, size, (size_t)length, now);
        if ((size_t)length < wanted)
            break;
    }
    return true;
}

/* ---- in ---------------------------------------------------------------------------------------- */

static bool corrupt(struct bench_thread *thread, const struct bench_stream *stream,
                    const unsigned char *data, size_t right)
{
    el_count(&bench_thread_counts(thread)->corrupt, 1);
    unsigned long long at = stream->in + right;
    if (at == stream->out)
        bench_thread_fail(thread, EBADMSG,
                          "corrupt: connection %u sent %llu bytes, and more came back",
                          stream->index, at);
    else
        bench_thread_fail(thread, EBADMSG,
                          "corrupt: byte %llu of connection %u came back as 0x%02x, not 0x%02x", at,
                          stream->index, data[right],
                          *bench_pattern(bench_pattern_after(stream->in_at, right)));
    return false;
}

/* recv(2): EAGAIN after a wake-up is nothing; 0 is the server's FIN, which an echo server sends only after ours. */
bool bench_stream_read(struct bench_thread *thread, struct bench_stream *stream,
                       unsigned char *buffer, el_time *now, bool *more)
{
    ssize_t got = recv(stream->fd, buffer, BENCH_CHUNK, 0);
    *now = el_now();
    el_count(&bench_thread_counts(thread)->calls, 1);
    if (got < 0 && errno == EINTR) {
        *more = true;
        return true;
    }
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got < 0) {
        bench_thread_fail(thread, errno, "recv: %s", strerror(errno));
        return false;
    }
    if (got == 0) {
        bench_thread_fail(thread, EPIPE,
                          "the server closed connection %u with %llu bytes unanswered",
                          stream->index, (unsigned long long)(stream->out - stream->in));
        return false;
    }
    size_t length = (size_t)got;
    uint64_t awaited = stream->out - stream->in;
    size_t due = length < awaited ? length : (size_t)awaited;
    size_t right = bench_pattern_check(buffer, due, stream->in_at);
    if (right < length)
        return corrupt(thread, stream, buffer, right);

    stream->in += length;
    stream->in_at = bench_pattern_after(stream->in_at, length);
    stream->received = stream->in / thread->load->size;
    stream->heard = *now;
    *more |= length == BENCH_CHUNK;
    return true;
}
