/*
 * datagram_reply.c - a batch of datagrams goes back to where it came from.
 *
 * Teaches:  the control messages of a datagram, sent back, choose the address that the reply leaves
 *           from; and one message may carry many datagrams (UDP_SEGMENT), which the kernel cuts
 *           apart as late as it can, so that the way through it is paid for once.
 * Partner:  datagram.c, where the batch came in
 * Leaves out: replies that the socket does not take are dropped and counted, not queued: UDP may
 *           lose them anyway, and a queue would need a limit, a timer and a rule for what to drop.
 *           Coalescing looks at neighbours only: to find one peer's datagrams among others' would
 *           cost every datagram a look-up, and under load a batch is mostly runs.
 */
#include "datagram_batch.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

/* UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT; newer ones would take 128. */
enum { SEGMENTS_MAX = 64 };

/* ---- packing ----------------------------------------------------------------------------- */

/* Same peer, same source address: may share a parcel. Compares what the kernel filled in. */
static bool same_way(const struct el_datagram *a, const struct el_datagram *b)
{
    return a->peer.length == b->peer.length && a->local.length == b->local.length &&
           a->interface == b->interface && memcmp(&a->peer.sa, &b->peer.sa, a->peer.length) == 0 &&
           memcmp(&a->local.sa, &b->local.sa, a->local.length) == 0;
}

/*
 * How many of datagram `d`'s bytes from `offset` may go into `parcel` (new: pieces == 0); a parcel
 * is pieces of one length, of which the last alone may be shorter (udp(7), UDP_SEGMENT).
 */
static size_t fitting(const struct el_datagram_batch *batch, const struct parcel *parcel,
                      const struct el_datagram *d, size_t offset)
{
    size_t left = d->length - offset;
    size_t piece = d->segment != 0 && d->segment < left ? d->segment : left;
    if (parcel->pieces == 0) {
        if (piece == 0 || piece > batch->gso_ceiling)
            return piece; /* alone */
    } else {
        bool open = parcel->bytes == parcel->pieces * parcel->segment; /* no short piece yet */
        bool fits = piece == parcel->segment || (piece < parcel->segment && piece == left);
        if (!open || !fits || piece == 0 || parcel->segment > batch->gso_ceiling ||
            !same_way(parcel->first, d))
            return 0;
    }
    size_t pieces = SEGMENTS_MAX - parcel->pieces;
    size_t room = EL_DATAGRAM_MAX_V4 - parcel->bytes;
    if (pieces > room / piece)
        pieces = room / piece;
    return left < pieces * piece ? left : pieces * piece;
}

/*
 * [#scope] The source address goes along as a control message (ip(7), ipv6(7)). The interface is
 * left to the routing table, since the way back may be another than the way here; only link-local
 * addresses mean nothing without their interface.
 */
static size_t put_source(struct cmsghdr *c, const struct el_datagram *d)
{
    if (d->local.sa.sa_family == AF_INET) {
        bool link_local = (ntohl(d->peer.in.sin_addr.s_addr) >> 16) == 0xa9fe; /* 169.254/16 */
        struct in_pktinfo info = {.ipi_ifindex = link_local ? (int)d->interface : 0,
                                  .ipi_spec_dst = d->local.in.sin_addr};
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        return CMSG_SPACE(sizeof info);
    }
    bool link_local = IN6_IS_ADDR_LINKLOCAL(&d->peer.in6.sin6_addr) ||
                      IN6_IS_ADDR_LINKLOCAL(&d->local.in6.sin6_addr);
    struct in6_pktinfo info = {.ipi6_addr = d->local.in6.sin6_addr,
                               .ipi6_ifindex = link_local ? d->interface : 0};
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
}

/* Writes where parcel `i` goes, whence, and in segments of which length, into its header. */
static void address(struct el_datagram_batch *batch, unsigned i, struct iovec *parts, size_t count)
{
    const struct parcel *parcel = &batch->parcels[i];
    const struct el_datagram *d = parcel->first;
    union out_control *control = &batch->out_controls[i];
    size_t used = d->local.length != 0 ? put_source(&control->align, d) : 0;
    if (parcel->pieces > 1) {
        uint16_t segment = (uint16_t)parcel->segment;
        struct cmsghdr *c = (struct cmsghdr *)(void *)(control->bytes + used);
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
        used += CMSG_SPACE(sizeof segment);
    }
    struct el_address *peer = &batch->datagrams[d - batch->datagrams].peer;
    batch->out[i].msg_hdr = (struct msghdr){
        .msg_name = peer->length != 0 ? &peer->sa : NULL,
        .msg_namelen = peer->length,
        .msg_iov = parts,
        .msg_iovlen = count,
        .msg_control = used != 0 ? control->bytes : NULL,
        .msg_controllen = used,
    };
}

/*
 * Packs the kept datagrams from `at` on into parcels, as many as there are headers. Returns how
 * many; parcel i ends, and the next begins, at parcels[i].end.
 */
static unsigned pack(struct el_datagram_batch *batch, struct position at, unsigned count,
                     const bool *keep)
{
    unsigned made = 0;
    struct iovec *parts = batch->out_parts;
    while (made < batch->capacity) {
        struct parcel *parcel = &batch->parcels[made];
        struct iovec *first_part = parts;
        *parcel = (struct parcel){.end = at};
        for (; at.index < count; at = (struct position){at.index + 1, 0}) {
            const struct el_datagram *d = &batch->datagrams[at.index];
            if (!keep[at.index])
                continue;
            size_t bytes = fitting(batch, parcel, d, at.offset);
            if (parcel->pieces == 0) {
                parcel->first = d;
                parcel->segment = d->segment != 0 && d->segment < bytes ? d->segment : bytes;
            } else if (bytes == 0) {
                break;
            }
            *parts++ = (struct iovec){d->data + at.offset, bytes};
            parcel->pieces += bytes == 0 ? 1 : (bytes + parcel->segment - 1) / parcel->segment;
            parcel->bytes += bytes;
            at.offset += bytes;
            if (at.offset < d->length)
                break; /* full: the rest of this GRO buffer starts the next parcel */
        }
        if (parcel->pieces == 0)
            break;
        parcel->end = at;
        address(batch, made++, first_part, (size_t)(parts - first_part));
    }
    return made;
}

/* ---- sending ----------------------------------------------------------------------------- */

/* Everything from `at` on does not leave. Returns how many datagrams that is. */
static unsigned give_up(struct el_datagram_batch *batch, struct position at, unsigned count,
                        const bool *keep)
{
    unsigned lost = 0;
    for (unsigned n; (n = pack(batch, at, count, keep)) > 0; at = batch->parcels[n - 1].end)
        for (unsigned i = 0; i < n; i++)
            lost += batch->parcels[i].pieces;
    return lost;
}

/*
 * The first parcel was refused with `error`: may it be tried again? If not, it is counted.
 *
 * [#pending-error-reply] An ICMP error that an earlier datagram caused waits in the socket, and the next
 * call, even one to another peer, fails with it *unsent* (udp(7)). Telling it clears it. From the
 * errno alone such an error cannot be told from one of this datagram's own, so try once more.
 */
static bool try_again(struct el_datagram_batch *batch, int error, bool *tried,
                      struct el_datagram_sent *sent)
{
    const struct parcel *parcel = &batch->parcels[0];
    if (error == EINTR)
        return true;
    if (parcel->pieces > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
        /* [#gso-refused] EIO: the device or a transform cannot; EINVAL, EMSGSIZE: segments longer
         * than the path takes (segments are not fragmented), or no UDP_SEGMENT in this kernel.
         * Never try that length again; each refusal lowers the ceiling, so they come to an end. */
        batch->gso_ceiling = error == EIO ? 0 : parcel->segment - 1;
        return true;
    }
    if (error == ENOBUFS || error == ENOMEM) {
        sent->no_buffer += parcel->pieces;
        return false;
    }
    if (!*tried) {
        *tried = true;
        return true;
    }
    sent->other += parcel->pieces;
    sent->last_error = error;
    return false;
}

/*
 * As sendmmsg(2). [#lone-reply] A single datagram with nothing to say beside it leaves by sendto(2): the kernel has no headers
 * to copy in and no result to copy out. When everything else is idle that is the usual case.
 */
static int send_parcels(const struct el_datagram_batch *batch, int fd, unsigned n)
{
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const struct msghdr *first = &batch->out[0].msg_hdr;
    if (n > 1 || first->msg_controllen != 0 || first->msg_iovlen != 1)
        return sendmmsg(fd, batch->out, n, flags);
    const struct iovec *bytes = first->msg_iov;
    const struct sockaddr *to = first->msg_name;
    return sendto(fd, bytes->iov_base, bytes->iov_len, flags, to, first->msg_namelen) < 0 ? -1 : 1;
}

int el_datagram_reply(struct el_datagram_batch *batch, int fd, unsigned count, const bool *keep,
                      struct el_datagram_sent *sent)
{
    *sent = (struct el_datagram_sent){0};
    struct position at = {0};
    bool tried = false; /* the parcel at `at` was refused once, with an error maybe not its own */
    /* Each turn sends, drops, or uses up a parcel's one repetition: so this ends. */
    for (unsigned n; (n = pack(batch, at, count, keep)) > 0;) {
        int gone = send_parcels(batch, fd, n);
        sent->calls++;
        if (gone < 0) {
            int error = errno;
            if (error == EBADF || error == ENOTSOCK)
                return -error;
            if (error == EAGAIN) { /* the send buffer is full, for all that follow too */
                sent->would_block += give_up(batch, at, count, keep);
                return 0;
            }
            if (!try_again(batch, error, &tried, sent)) {
                at = batch->parcels[0].end;
                tried = false;
            }
            continue;
        }
        /* Fewer than n is no error yet: the next call starts with the one that failed: it tells. */
        sent->pending += tried;
        tried = false;
        for (int i = 0; i < gone; i++) {
            sent->sent += batch->parcels[i].pieces;
            sent->bytes += batch->parcels[i].bytes;
        }
        sent->messages += (unsigned)gone;
        at = batch->parcels[gone - 1].end;
    }
    return 0;
}

size_t el_datagram_gso_ceiling(const struct el_datagram_batch *batch)
{
    return batch->gso_ceiling;
}

ssize_t el_datagram_send(int fd, const void *data, size_t length, const struct el_address *peer)
{
    bool named = peer != NULL && peer->length != 0;
    ssize_t n;
    do
        n = sendto(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, named ? &peer->sa : NULL,
                   named ? peer->length : 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}
