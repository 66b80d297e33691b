/*
 * datagram.c - many datagrams in one system call, with what the kernel knows about each.
 *
 * Teaches:  a UDP socket hands over more than bytes. Beside each datagram lie control messages
 *           (cmsg(3)): the address that was probed, the interface, how many were lost before it.
 * Partner:  servers/udp_echo_server.c
 * Memory:   everything is reserved in el_datagram_batch_new; receiving and replying take no more.
 * Next:     datagram_reply.c, the way out; datagram_error.c, what came back instead.
 */
#include "datagram_batch.h"

#include "socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRO_BUFFER = 65536, /* more than any aggregate: its length is kept in 16 bits */
    CACHE_LINE = 64,
};

/* ---- memory ---------------------------------------------------------------------------------- */

/* The kernel overwrites these lengths at every call; the rest of header `i` stays as it was made. */
static void rearm(struct el_datagram_batch *batch, unsigned i)
{
    batch->in[i].msg_hdr.msg_namelen = sizeof batch->datagrams[i].peer.in6;
    batch->in[i].msg_hdr.msg_controllen = sizeof batch->in_controls[i].bytes;
}

static void point_at_buffers(struct el_datagram_batch *batch, unsigned i)
{
    batch->in[i].msg_hdr = (struct msghdr){
        .msg_name = &batch->datagrams[i].peer.sa, /* straight into place, no copy */
        .msg_iov = &batch->in_parts[i],
        .msg_iovlen = 1,
        .msg_control = batch->in_controls[i].bytes,
    };
    rearm(batch, i);
}

struct el_datagram_batch *el_datagram_batch_new(const struct el_datagram_batch_args *args)
{
    struct el_datagram_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return NULL;
    size_t n = args->capacity;
    size_t buffer = args->gro ? GRO_BUFFER : args->max_datagram;
    batch->capacity = args->capacity;
    batch->max_datagram = args->max_datagram;
    batch->gso_ceiling = args->gso ? EL_DATAGRAM_MAX_V4 : 0;
    /* One cache line more than a whole number of them: with a power of two all buffers would begin
     * in the same few lines of the cache and push each other out. */
    batch->stride = (buffer / CACHE_LINE + 2) * CACHE_LINE;

    /* Pages that no datagram ever reaches are never touched, so a big maximum costs nothing yet. */
    batch->buffers = malloc(n * batch->stride);
    batch->datagrams = calloc(n, sizeof *batch->datagrams);
    batch->in = calloc(n, sizeof *batch->in);
    batch->out = calloc(n, sizeof *batch->out);
    batch->in_parts = calloc(n, sizeof *batch->in_parts);
    batch->out_parts = calloc(2 * n, sizeof *batch->out_parts);
    batch->in_controls = calloc(n, sizeof *batch->in_controls);
    batch->out_controls = calloc(n, sizeof *batch->out_controls);
    batch->parcels = calloc(n, sizeof *batch->parcels);
    if (batch->buffers == NULL || batch->datagrams == NULL || batch->in == NULL ||
        batch->out == NULL || batch->in_parts == NULL || batch->out_parts == NULL ||
        batch->in_controls == NULL || batch->out_controls == NULL || batch->parcels == NULL) {
        el_datagram_batch_free(batch);
        return NULL;
    }
    for (unsigned i = 0; i < n; i++) {
        batch->in_parts[i].iov_base = batch->datagrams[i].data = batch->buffers + i * batch->stride;
        batch->in_parts[i].iov_len = buffer;
        point_at_buffers(batch, i);
    }
    return batch;
}

void el_datagram_batch_free(struct el_datagram_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->buffers);
    free(batch->datagrams);
    free(batch->in);
    free(batch->out);
    free(batch->in_parts);
    free(batch->out_parts);
    free(batch->in_controls);
    free(batch->out_controls);
    free(batch->parcels);
    free(batch);
}

/* ---- in -------------------------------------------------------------------------------------- */

int el_datagram_enable_gro(int fd)
{
    int on = 1;
    return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0 ? -errno : 0;
}

/*
 * Could a socket bound there be sent anything by broadcast or to a group? Asked of the routing table, since only that knows
 * that 10.77.0.255 is a broadcast address: connect(2) without SO_BROADCAST says EACCES. It sends nothing.
 */
static bool is_unicast(const struct el_address *address)
{
    if (el_address_is_any(address) || el_address_is_multicast(address))
        return false;
    int fd = socket(el_address_family(address), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, &address->sa, address->length) == 0;
    el_socket_close(fd);
    return connected;
}

/*
 * Makes sure that a socket on a loopback address hears this machine alone. IPv6 does (RFC 4291 section 2.5.3: such a packet
 * from outside is dropped); IPv4 does unless someone set net.ipv4.conf.*.route_localnet, so bind it to the interface as well.
 * [#leaves-the-group] Not one that shares its port: binding a bound socket to an interface takes it out of its group of
 * SO_REUSEPORT (Linux 6.18), and one worker would get everything.
 */
static bool only_through_loopback(int fd, const struct el_address *bound)
{
    int shared = 1;
    socklen_t length = sizeof shared;
    if (el_address_family(bound) == AF_INET6)
        return true;
    getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, &length);
    return !shared && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof "lo") == 0;
}

unsigned el_datagram_forgo_packet_info(int fd, const struct el_address *bound)
{
    bool v4 = el_address_family(bound) == AF_INET;
    bool loopback = el_address_is_loopback(bound);
    int off = 0;
    if (!is_unicast(bound) || (loopback && !only_through_loopback(fd, bound)))
        return 0;
    /* It cannot fail: the same option was switched on. If it did, datagrams would cost a little more. */
    setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &off,
               sizeof off);
    return loopback ? EL_LOOPBACK_INDEX : 0;
}

/*
 * [#probed-address] ip(7): ipi_addr is the destination in the header, ipi_spec_dst the address of
 * ours to answer from. They differ when the datagram was sent to a broadcast or multicast address,
 * which must never be the source of a packet.
 */
static void read_packet_info_v4(struct el_datagram *d, const void *from)
{
    struct in_pktinfo info;
    memcpy(&info, from, sizeof info);
    d->interface = (unsigned)info.ipi_ifindex;
    d->local.length = sizeof d->local.in;
    d->local.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = info.ipi_spec_dst};
    if (IN_MULTICAST(ntohl(info.ipi_addr.s_addr)))
        d->cast = EL_MULTICAST;
    else if (info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr)
        d->cast = EL_BROADCAST;
}

/* ipv6(7), RFC 3542 section 6.2. IPv6 has no broadcast; for a group the kernel picks a source. */
static void read_packet_info_v6(struct el_datagram *d, const void *from)
{
    struct in6_pktinfo info;
    memcpy(&info, from, sizeof info);
    d->interface = info.ipi6_ifindex;
    if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) {
        d->cast = EL_MULTICAST;
        return;
    }
    d->local.length = sizeof d->local.in6;
    d->local.in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6,
        .sin6_addr = info.ipi6_addr,
        .sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0,
    };
}

/* Fills datagram `i` from what recvmmsg left in its header. */
static void unpack(struct el_datagram_batch *batch, unsigned i)
{
    struct el_datagram *d = &batch->datagrams[i];
    struct msghdr *header = &batch->in[i].msg_hdr;
    d->peer.length = header->msg_namelen;
    d->local.length = 0;
    d->cast = EL_UNICAST;
    d->interface = 0;
    d->segment = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        int gro;
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            read_packet_info_v4(d, CMSG_DATA(c));
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            read_packet_info_v6(d, CMSG_DATA(c));
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&batch->kernel_drops, CMSG_DATA(c), sizeof batch->kernel_drops);
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&gro, CMSG_DATA(c), sizeof gro);
            d->segment = (uint16_t)gro;
        }
    }
    /* [#truncated] MSG_TRUNC among the flags of the call makes msg_len the length on the wire, not
     * in the buffer. With GRO the buffer is larger than the limit, which still holds for each. */
    size_t room = batch->in_parts[i].iov_len;
    d->wire_length = batch->in[i].msg_len;
    d->length = d->wire_length < room ? d->wire_length : room;
    size_t longest = d->segment != 0 ? d->segment : d->wire_length;
    d->truncated = longest > batch->max_datagram || d->wire_length > room;
    if (d->truncated && d->segment == 0 && d->length > batch->max_datagram)
        d->length = batch->max_datagram;
}

/* recvmmsg(2) with everything that has to be right before and after it. */
static int receive(struct el_datagram_batch *batch, int fd, int flags)
{
    for (unsigned i = 0; i < batch->used; i++)
        rearm(batch, i);
    batch->kernel_drops = 0;
    int n;
    do
        n = recvmmsg(fd, batch->in, batch->capacity, flags | MSG_TRUNC, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        batch->used = 1;
        return -errno;
    }
    batch->used = (unsigned)n;
    for (unsigned i = 0; i < batch->used; i++)
        unpack(batch, i);
    return n;
}

int el_datagram_receive(struct el_datagram_batch *batch, int fd)
{
    return receive(batch, fd, MSG_DONTWAIT);
}

int el_datagram_wait(struct el_datagram_batch *batch, int fd)
{
    int n = receive(batch, fd, MSG_WAITFORONE);
    return n > 0 && batch->datagrams[0].peer.length == 0 ? 0 : n;
}

struct el_datagram *el_datagram_at(struct el_datagram_batch *batch, unsigned index)
{
    return &batch->datagrams[index];
}

unsigned el_datagram_pieces(const struct el_datagram *datagram)
{
    if (datagram->segment == 0)
        return 1; /* also a zero-length one: it is a datagram like any other */
    return (unsigned)((datagram->length + datagram->segment - 1) / datagram->segment);
}

uint32_t el_datagram_kernel_drops(const struct el_datagram_batch *batch)
{
    return batch->kernel_drops;
}

uint32_t el_datagram_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof info;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) < 0)
        return 0; /* ENOPROTOOPT */
    return info[SK_MEMINFO_DROPS];
}
