/*
 * udp_batch.c - see udp_batch.h.
 *
 * Teaches:  what is left of a datagram's cost when system calls are shared: with sendmmsg(2) each still goes alone through the kernel; with
 *           UDP_SEGMENT (udp(7)) up to 64 of one size go through it as one buffer, and are cut apart at the end.
 * Partner:  lib/datagram_reply.c is the other side: it coalesces the echoes.
 * Leaves out: zero copy. A body stands in its buffer from the beginning, and only the number is written before each
 *           send [#standing-bodies]; the copy that remains is the kernel's.
 * Next:     udp.c
 */
#include "udp_batch.h"

#include "datagram.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENTS_MAX = 64,    /* UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT */
    GRO_BUFFER = 65536,   /* more than any aggregate: its length is kept in 16 bits */
    GRO_BUFFERS_MAX = 64, /* they hold many datagrams each */
    CACHE_LINE = 64,
    OUT_BYTES =
        1
        << 20, /* of bodies: large datagrams are not sent by the thousand in one call, which would push each other out of the cache */
};

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))]; /* UDP_SEGMENT: 16 bits; UDP_GRO: an int */
};

struct bench_udp_batch {
    struct bench_wire wire;
    unsigned most;  /* datagrams a send */
    unsigned a_run; /* datagrams that one message may carry: 1 without GSO */
    bool gro;
    unsigned char *bodies; /* wire.kinds datagrams, one behind the other */
    struct mmsghdr *out;
    struct iovec *out_parts;
    unsigned short *pieces; /* of each message in `out` */
    union control segment;  /* the same for all */

    unsigned buffers; /* of a receive */
    unsigned char *in_bytes;
    struct mmsghdr *in;
    struct iovec *in_parts;
    union control *in_controls; /* with GRO */
};

/* ---- memory ---------------------------------------------------------------------------------- */

static void plan(struct bench_udp_batch *batch, const struct bench_load *load, unsigned bits)
{
    unsigned most = load->batch < load->window ? load->batch : load->window;
    size_t fit = load->size == 0 ? EL_DATAGRAM_BATCH_MAX : OUT_BYTES / load->size;
    if (most > EL_DATAGRAM_BATCH_MAX)
        most = EL_DATAGRAM_BATCH_MAX;
    if (most > fit)
        most = (unsigned)fit;
    batch->most = most > 0 ? most : 1;
    batch->wire = (struct bench_wire){.size = load->size, .bits = bits, .kinds = 1};
    while (batch->wire.kinds < batch->most)
        batch->wire.kinds *= 2;
    batch->a_run = 1;
    if (load->gso && load->size > 0 && load->size <= EL_DATAGRAM_MAX_V4 / 2) {
        size_t run = EL_DATAGRAM_MAX_V4 / load->size;
        batch->a_run = run < SEGMENTS_MAX ? (unsigned)run : SEGMENTS_MAX;
    }
    batch->gro = load->gso;
    batch->buffers = batch->gro && batch->most > GRO_BUFFERS_MAX ? GRO_BUFFERS_MAX : batch->most;
}

static void prepare_out(struct bench_udp_batch *batch)
{
    uint16_t size = (uint16_t)batch->wire.size;
    batch->segment.align = (struct cmsghdr){
        .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof size)};
    memcpy(CMSG_DATA(&batch->segment.align), &size, sizeof size);
    for (unsigned kind = 0; kind < batch->wire.kinds; kind++)
        bench_wire_body(&batch->wire, batch->bodies + kind * batch->wire.size, kind);
    for (unsigned i = 0; i < batch->most; i++)
        batch->out[i].msg_hdr = (struct msghdr){.msg_iov = &batch->out_parts[i], .msg_iovlen = 1};
}

/* Without GRO a buffer is one byte longer than our datagrams, so one that is too long shows. */
static void prepare_in(struct bench_udp_batch *batch, size_t length, size_t stride)
{
    for (unsigned i = 0; i < batch->buffers; i++) {
        batch->in_parts[i] = (struct iovec){batch->in_bytes + i * stride, length};
        batch->in[i].msg_hdr = (struct msghdr){.msg_iov = &batch->in_parts[i], .msg_iovlen = 1};
    }
}

struct bench_udp_batch *bench_udp_batch_new(const struct bench_load *load, unsigned bits)
{
    struct bench_udp_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return NULL;
    plan(batch, load, bits);
    size_t length = batch->gro ? GRO_BUFFER : load->size + 1;
    size_t stride =
        (length / CACHE_LINE + 2) * CACHE_LINE; /* see lib/datagram.c: no power of two */
    batch->bodies = malloc(batch->wire.kinds * load->size + 1); /* + 1: malloc(0) may be NULL */
    batch->out = calloc(batch->most, sizeof *batch->out);
    batch->out_parts = calloc(batch->most, sizeof *batch->out_parts);
    batch->pieces = calloc(batch->most, sizeof *batch->pieces);
    batch->in_bytes = malloc(batch->buffers * stride);
    batch->in = calloc(batch->buffers, sizeof *batch->in);
    batch->in_parts = calloc(batch->buffers, sizeof *batch->in_parts);
    batch->in_controls = calloc(batch->buffers, sizeof *batch->in_controls);
    if (batch->bodies == NULL || batch->out == NULL || batch->out_parts == NULL ||
        batch->pieces == NULL || batch->in_bytes == NULL || batch->in == NULL ||
        batch->in_parts == NULL || batch->in_controls == NULL) {
        bench_udp_batch_free(batch);
        return NULL;
    }
    prepare_out(batch);
    prepare_in(batch, length, stride);
    return batch;
}

void bench_udp_batch_free(struct bench_udp_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->bodies);
    free(batch->out);
    free(batch->out_parts);
    free(batch->pieces);
    free(batch->in_bytes);
    free(batch->in);
    free(batch->in_parts);
    free(batch->in_controls);
    free(batch);
}

const struct bench_wire *bench_udp_batch_wire(const struct bench_udp_batch *batch)
{
    return &batch->wire;
}

unsigned bench_udp_batch_most(const struct bench_udp_batch *batch)
{
    return batch->most;
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Writes the numbers of the next `count` datagrams into their buffers. The kind of the first. */
static unsigned stamp(struct bench_udp_batch *batch, const struct bench_window *window,
                      uint64_t nonce, unsigned count)
{
    const struct bench_wire *wire = &batch->wire;
    unsigned first = bench_wire_kind(wire, bench_window_number(window, 0));
    for (unsigned i = 0; i < count; i++) {
        unsigned kind = (first + i) & (wire->kinds - 1);
        bench_wire_stamp(wire, batch->bodies + kind * wire->size, nonce,
                         bench_window_number(window, i));
    }
    return first;
}

/* Message `i` carries as many of the `count` datagrams from `kind` on as one may: they lie in a row, up to the end of the bodies. */
static unsigned pack(struct bench_udp_batch *batch, unsigned i, unsigned kind, unsigned count)
{
    unsigned run = batch->wire.kinds - kind;
    run = run < batch->a_run ? run : batch->a_run;
    run = run < count ? run : count;
    struct msghdr *header = &batch->out[i].msg_hdr;
    *header->msg_iov =
        (struct iovec){batch->bodies + kind * batch->wire.size, run * batch->wire.size};
    header->msg_control = run > 1 ? &batch->segment : NULL;
    header->msg_controllen = run > 1 ? CMSG_SPACE(sizeof(uint16_t)) : 0;
    batch->pieces[i] = (unsigned short)run;
    return run;
}

int bench_udp_send(struct bench_udp_batch *batch, int fd, const struct bench_window *window,
                   uint64_t nonce, unsigned count)
{
    unsigned first = stamp(batch, window, nonce, count), messages = 0;
    for (unsigned packed = 0; packed < count; messages++)
        packed += pack(batch, messages, (first + packed) & (batch->wire.kinds - 1), count - packed);
    int gone = sendmmsg(fd, batch->out, messages, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (gone < 0)
        return -errno;
    unsigned datagrams = 0;
    for (int i = 0; i < gone; i++)
        datagrams += batch->pieces[i];
    return (int)datagrams;
}

/* ---- in -------------------------------------------------------------------------------------- */

int bench_udp_receive(struct bench_udp_batch *batch, int fd)
{
    if (batch->gro)
        for (unsigned i = 0; i < batch->buffers; i++) { /* the kernel overwrites the lengths */
            batch->in[i].msg_hdr.msg_control = &batch->in_controls[i];
            batch->in[i].msg_hdr.msg_controllen = sizeof batch->in_controls[i];
        }
    int came = recvmmsg(fd, batch->in, batch->buffers, MSG_DONTWAIT, NULL);
    return came < 0 ? -errno : came;
}

bool bench_udp_received_all(const struct bench_udp_batch *batch, int came)
{
    return came < (int)batch->buffers;
}

/* UDP_GRO: the size of the datagrams that this buffer is made of; all but the last are so long. */
static size_t segment_of(struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO)
            continue;
        int segment;
        memcpy(&segment, CMSG_DATA(c), sizeof segment);
        return segment > 0 ? (size_t)segment : 0;
    }
    return 0;
}

bool bench_udp_next(const struct bench_udp_batch *batch, int came, struct bench_udp_cursor *cursor,
                    const unsigned char **datagram, size_t *length)
{
    if (cursor->buffer >= came)
        return false;
    struct mmsghdr *message = &batch->in[cursor->buffer];
    size_t left = message->msg_len - cursor->offset;
    size_t segment = batch->gro ? segment_of(&message->msg_hdr) : 0;
    *datagram = (const unsigned char *)message->msg_hdr.msg_iov->iov_base + cursor->offset;
    *length = segment > 0 && segment < left ? segment : left;
    cursor->offset += *length;
    if (cursor->offset >= message->msg_len) {
        cursor->buffer++;
        cursor->offset = 0;
    }
    return true;
}
