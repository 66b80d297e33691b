/*
 * udp_coalesce.c - a UDP echo server that gives the kernel many replies to one peer as a single message.
 *
 * Teaches:  most of what a datagram costs is its way through the kernel: route, firewall, queues. With UDP_SEGMENT (udp(7))
 *           up to 64 datagrams of one length to one peer go that way as one, and are cut apart at the end of it.
 * Run:      build/bin/udp_coalesce              (then: echo_bench udp --window 64 against it, and against udp_batch)
 * Partner:  clients/udp_echo.c; lib/datagram_reply.c does this for the server to use, which is measured by this one
 * Leaves out, and what that costs:
 *           - only neighbours are coalesced: replies to many peers in turn cost a call each, more than in udp_batch.c
 *           - several sockets, rate limits, the address that was probed: as in udp_batch.c, and safe for the same reason
 * Next:     udp_echo_server.c, all of it together; for the other way in (UDP_GRO) its option --gro.
 */
#include "service_model_datagram.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENTS_MAX = 64,   /* UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT */
    MESSAGE_MAX = 65507, /* the large one must be a legal datagram itself: 65535 - 20 - 8 */
};

struct batch {
    unsigned capacity;
    unsigned used;  /* headers that the last recvmmsg(2) wrote to */
    size_t size;    /* bytes for each datagram */
    size_t ceiling; /* longest segment that is still coalesced: see send_all */
    struct mmsghdr *in;
    struct iovec *in_parts;
    struct el_address *peers;
    unsigned char *bytes;
    struct iovec *out; /* what is answered, without gaps, so that neighbours can be one message */
    unsigned *from;    /* out[i] came from, and goes to, peers[from[i]] */
};

static void free_batch(struct batch *batch)
{
    free(batch->in);
    free(batch->in_parts);
    free(batch->peers);
    free(batch->bytes);
    free(batch->out);
    free(batch->from);
}

/* False: out of memory. free_batch either way. */
static bool make_batch(struct batch *batch, unsigned capacity, size_t size)
{
    *batch = (struct batch){
        .capacity = capacity,
        .used = capacity,
        .size = size,
        .ceiling = MESSAGE_MAX,
        .in = calloc(capacity, sizeof *batch->in),
        .in_parts = calloc(capacity, sizeof *batch->in_parts),
        .peers = calloc(capacity, sizeof *batch->peers),
        .bytes = malloc(capacity * size),
        .out = calloc(capacity, sizeof *batch->out),
        .from = calloc(capacity, sizeof *batch->from),
    };
    return batch->in != NULL && batch->in_parts != NULL && batch->peers != NULL &&
           batch->bytes != NULL && batch->out != NULL && batch->from != NULL;
}

/* Only those that were used: with one datagram a call, 63 others would be written for nothing. */
static void prepare(struct batch *batch)
{
    for (unsigned i = 0; i < batch->used; i++) {
        batch->in_parts[i] = (struct iovec){batch->bytes + i * batch->size, batch->size};
        batch->in[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->peers[i].sa,
            .msg_namelen = sizeof batch->peers[i].in6,
            .msg_iov = &batch->in_parts[i],
            .msg_iovlen = 1,
        };
    }
}

/* Lists what may be answered in out[] and from[]. Returns how many. As in udp_batch.c. */
static unsigned choose(struct el_model_worker *worker, struct batch *batch)
{
    unsigned chosen = 0;
    for (unsigned i = 0; i < batch->used; i++) {
        struct el_address *peer = &batch->peers[i];
        size_t length = batch->in[i].msg_len;
        peer->length = batch->in[i].msg_hdr.msg_namelen;
        if (peer->length == 0 || !el_model_may_answer(worker, peer, length))
            continue;
        batch->out[chosen] = (struct iovec){batch->in_parts[i].iov_base, length};
        batch->from[chosen++] = i;
    }
    return chosen;
}

/*
 * How many replies from out[first] on can be one message. [#one-length] The kernel cuts it every so many bytes, so all have
 * the length of the first, but the last: that may be shorter, and so it ends the run. An empty one would be lost in it.
 */
static unsigned run_from(const struct batch *batch, unsigned first, unsigned count)
{
    const struct el_address *peer = &batch->peers[batch->from[first]];
    size_t segment = batch->out[first].iov_len, total = segment;
    unsigned end = first + 1;
    bool open = segment != 0 && segment <= batch->ceiling;
    while (open && end < count && end - first < SEGMENTS_MAX) {
        size_t length = batch->out[end].iov_len;
        total += length;
        if (length == 0 || length > segment || total > MESSAGE_MAX ||
            !el_address_equal(peer, &batch->peers[batch->from[end]]))
            break;
        open = length == segment;
        end++;
    }
    return end - first;
}

/* One message of `run` datagrams, their bytes gathered from where they were received. As sendmsg(2). */
static ssize_t send_run(struct batch *batch, int fd, unsigned first, unsigned run)
{
    union {
        struct cmsghdr header; /* for its alignment: cmsg(3) */
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {0};
    struct el_address *peer = &batch->peers[batch->from[first]];
    struct msghdr message = {
        .msg_name = &peer->sa,
        .msg_namelen = peer->length,
        .msg_iov = &batch->out[first],
        .msg_iovlen = run,
    };
    if (run > 1) {
        uint16_t segment = (uint16_t)batch->out[first].iov_len;
        control.header = (struct cmsghdr){CMSG_LEN(sizeof segment), SOL_UDP, UDP_SEGMENT};
        memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    }
    return sendmsg(fd, &message, MSG_DONTWAIT);
}

static void send_all(struct el_model_worker *worker, int fd, struct batch *batch, unsigned count)
{
    for (unsigned at = 0; at < count;) {
        unsigned run = run_from(batch, at, count);
        ssize_t sent = send_run(batch, fd, at, run);
        if (sent < 0 && run > 1 && (errno == EINVAL || errno == EMSGSIZE || errno == EIO)) {
            /* Segments are never fragmented: longer than the path takes is EINVAL or EMSGSIZE. EIO: the device cannot.
             * Those lengths go one by one from now on, these first of all. Each refusal lowers the ceiling: it ends. */
            batch->ceiling = errno == EIO ? 0 : batch->out[at].iov_len - 1;
            continue;
        }
        if (sent < 0)
            el_model_count_unsent(worker, run, errno);
        else
            el_model_count_replies(worker, run, (size_t)sent);
        at += run;
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
    send_all(worker, fd, batch, choose(worker, batch));
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
        .program = "udp_coalesce",
        .name = "coalesce",
        .about =
            "Sends every datagram back; replies of one length to one peer leave as one message "
            "(UDP_SEGMENT).",
        .type = SOCK_DGRAM,
        .blocks = true,
        .one_socket = true,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
