/*
 * stream.h - one connection's bytes: out as the pattern says, back in as they must be. Used by tcp.c and connect.c.
 *
 * A stream has no messages; we cut it into pieces of load->size and call the n-th piece message n. Message n is begun when its first
 * byte was given to the kernel, and received when its last byte has come back and every byte was right.
 */
#ifndef ECHOLAB_BENCH_STREAM_H
#define ECHOLAB_BENCH_STREAM_H

#include "engine.h"
#include "pattern.h"

struct bench_stream {
    int fd; /* non-blocking; -1: none */
    unsigned
        index; /* of the run's connections: chooses its place in the pattern, and names it in a failure */
    uint32_t out_at, in_at;   /* places in the pattern */
    uint64_t out, in;         /* bytes given to the kernel, bytes that came back right */
    uint64_t begun, received; /* messages */
    el_time heard;            /* when the last byte came, or the first went that is unanswered */
    el_time *sent_at;         /* of message n: [n & mask]; borrowed */
    uint32_t mask;            /* a power of two, minus 1, and at least the window - 1 */
};

/* A new connection's stream begins. */
void bench_stream_begin(struct bench_stream *stream, int fd, unsigned index);

/*
 * Sends what has not been sent of the messages before `target`; the caller sees to it that no more are under way than sent_at has room for. *more: there is
 * room for more than this turn sent, so call again soon. A full socket is no error: go on when it is writable.
 * False: the connection is broken, and bench_thread_fail has been told.
 */
bool bench_stream_send(struct bench_thread *thread, struct bench_stream *stream, uint64_t target,
                       bool *more);

/*
 * Reads once, up to BENCH_CHUNK bytes, into `buffer`, and checks each. Messages before stream->received have come whole at *now. *more: call again soon.
 * False: as above; also when the server has closed, or a byte was wrong (counted as corrupt).
 */
bool bench_stream_read(struct bench_thread *thread, struct bench_stream *stream,
                       unsigned char *buffer, el_time *now, bool *more);

#endif
