/*
 * udp_batch.c - a UDP echo server that receives many datagrams with one call, and sends many with one.
 *
 * Teaches:  a system call costs about as much as the copying of a small datagram. recvmmsg(2) and sendmmsg(2) pay it once
 *           for a whole batch; MSG_WAITFORONE waits for the first and takes what else is there, so nobody waits longer.
 * Run:      build/bin/udp_batch --batch 64
 *           (then: strace -cf -p $(pidof udp_batch), while echo_bench udp --window 64 loads it)
 * Partner:  clients/udp_echo.c; lib/datagram.c does this for the server to use
 * Memory:   --batch times --max-datagram of address space; pages that no datagram reaches are never touched.
 * Leaves out, and what that costs:
 *           - one socket only: it waits inside recvmmsg(2), as udp_blocking.c does
 *           - any rate limit: safe because it binds loopback only (lib/service_model.c, [#loopback-only])
 *           - which of our addresses was probed: wrong on a multi-homed host, see udp_echo_server.c
 * Next:     udp_coalesce.c, where the kernel itself gets fewer things to do.
 */
#include "service_model_datagram.h"

#include <errno.h>
#include <stdlib.h>

/* What a message header points at: two of these arrays' elements and a piece of the buffer for each datagram. */
struct batch {
    unsigned capacity;
    unsigned used;            /* headers that need prepare(): the last call wrote to them */
    size_t size;              /* bytes for each datagram */
    struct mmsghdr *in;       /* what recvmmsg(2) fills: capacity of each */
    struct mmsghdr *out;      /* what sendmmsg(2) reads */
    struct iovec *parts;      /* where the bytes of in[i] are */
    struct el_address *peers; /* who sent them */
    unsigned char *bytes;
};

static void free_batch(struct batch *batch)
{
    free(batch->in);
    free(batch->out);
    free(batch->parts);
    free(batch->peers);
    free(batch->bytes);
}

/* False: out of memory. free_batch either way. */
static bool make_batch(struct batch *batch, unsigned capacity, size_t size)
{
    *batch = (struct batch){
        .capacity = capacity,
        .used = capacity,
        .size = size,
        .in = calloc(capacity, sizeof *batch->in),
        .out = calloc(capacity, sizeof *batch->out),
        .parts = calloc(capacity, sizeof *batch->parts),
        .peers = calloc(capacity, sizeof *batch->peers),
        .bytes = malloc(capacity * size),
    };
    return batch->in != NULL && batch->out != NULL && batch->parts != NULL &&
           batch->peers != NULL && batch->bytes != NULL;
}

/* The kernel overwrites the length of the address, and choose() that of the part: so both are set before each call. */
static void prepare(struct batch *batch)
{
    for (unsigned i = 0; i < batch->used; i++) {
        batch->parts[i] = (struct iovec){batch->bytes + i * batch->size, batch->size};
        batch->in[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->peers[i].sa,
            .msg_namelen = sizeof batch->peers[i].in6,
            .msg_iov = &batch->parts[i],
            .msg_iovlen = 1,
        };
    }
}

/* Picks from the `got` datagrams those that may be answered. Returns how many: the first headers of `out`. */
static unsigned choose(struct el_model_worker *worker, struct batch *batch, unsigned got)
{
    unsigned chosen = 0;
    for (unsigned i = 0; i < got; i++) {
        size_t length = batch->in[i].msg_len; /* with MSG_TRUNC: as it was on the wire */
        batch->peers[i].length = batch->in[i].msg_hdr.msg_namelen;
        if (batch->peers[i].length == 0)
            continue; /* from nobody: shutdown(2) ended the wait, see udp_blocking.c [#zero-is-no-end] */
        if (!el_model_may_answer(worker, &batch->peers[i], length))
            continue;
        batch->parts[i].iov_len = length;
        batch->out[chosen++].msg_hdr = batch->in[i].msg_hdr; /* what says whence, says whither */
    }
    return chosen;
}

/*
 * [#sendmmsg-stops] sendmmsg(2) stops at the first datagram that fails, and tells the error only if that was the first of the call:
 * else it returns how many went before. So each turn of this loop sends some, or gives up one.
 */
static void send_all(struct el_model_worker *worker, int fd, struct batch *batch, unsigned count)
{
    for (unsigned done = 0; done < count;) {
        int sent = sendmmsg(fd, &batch->out[done], count - done, MSG_DONTWAIT);
        if (sent < 0) {
            el_model_count_unsent(worker, 1, errno);
            done++;
            continue;
        }
        for (int i = 0; i < sent; i++)
            el_model_count_replies(worker, 1, batch->out[done + (unsigned)i].msg_len);
        done += (unsigned)sent;
    }
}

/* False: the socket is unusable. */
static bool echo_some(struct el_model_worker *worker, int fd, struct batch *batch)
{
    prepare(batch);
    int got = recvmmsg(fd, batch->in, batch->capacity, MSG_WAITFORONE | MSG_TRUNC, NULL);
    if (got < 0)
        return el_model_receive_again(worker, "recvmmsg", errno);
    batch->used = (unsigned)got;
    send_all(worker, fd, batch, choose(worker, batch, (unsigned)got));
    return true;
}

static void serve(struct el_model_worker *worker)
{
    struct batch batch;
    bool usable =
        make_batch(&batch, (unsigned)worker->options->batch, worker->options->max_datagram);
    if (!usable)
        el_model_broken(worker, "malloc", ENOMEM);
    while (usable && el_service_order(worker->context) == EL_ORDER_SERVE)
        usable = echo_some(worker, worker->context->sockets[0], &batch);
    free_batch(&batch);
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "udp_batch",
        .name = "batch",
        .about = "Sends every datagram back, many with one call: recvmmsg(2), sendmmsg(2).",
        .type = SOCK_DGRAM,
        .blocks = true,
        .one_socket = true,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
