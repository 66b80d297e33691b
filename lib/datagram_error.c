/*
 * datagram_error.c - the error queue: what routers and hosts said about datagrams we sent.
 *
 * Teaches:  UDP itself never reports a failure, but an ICMP message may come back. With IP_RECVERR
 *           the kernel keeps it with the start of the datagram it is about, its sender, and its
 *           exact type and code: recvmsg(2) with MSG_ERRQUEUE reads it (ip(7)).
 * Partner:  clients/udp_echo.c, which names the reason of each lost probe by it.
 */
#include "datagram.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

int el_datagram_error(int fd, struct el_datagram_error *error)
{
    /* Behind the sock_extended_err lies the offender's address (SO_EE_OFFENDER). */
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
                   CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t))];
    } control;
    *error = (struct el_datagram_error){0};
    struct iovec part = {error->data, sizeof error->data};
    struct msghdr header = {
        .msg_name = &error->target.sa,
        .msg_namelen = sizeof error->target.in6,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t n;
    do
        n = recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    error->length = (size_t)n;
    error->target.length = header.msg_namelen;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c)) {
        if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
            !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            continue;
        struct sock_extended_err *e = (struct sock_extended_err *)(void *)CMSG_DATA(c);
        error->error = (int)e->ee_errno;
        error->origin = e->ee_origin;
        error->type = e->ee_type;
        error->code = e->ee_code;
        error->mtu = e->ee_errno == EMSGSIZE ? e->ee_info : 0;
        const struct sockaddr *offender = SO_EE_OFFENDER(e);
        socklen_t length = offender->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
                           : offender->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : 0; /* AF_UNSPEC: we said so */
        memcpy(&error->offender.sa, offender, length);
        error->offender.length = length;
    }
    return 0;
}

bool el_datagram_may_be_pending(int error)
{
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENOPROTOOPT || error == EPROTO || error == EACCES;
}

/*
 * [#black-hole] A router that may not fragment must say so (RFC 1191, RFC 8201), and none may: on
 * IPv6 they never do, and on IPv4 Linux forbids it by default (IP_PMTUDISC_WANT), to learn what the
 * way takes. Where a firewall drops that word, large packets vanish, small ones pass, and all that
 * the sender sees is silence (RFC 2923 section 2.1). Nearly every way takes packets of 576 bytes;
 * on IPv6 every way takes 1280 (RFC 8200 section 5).
 */
bool el_datagram_black_hole(const struct el_address *peer, size_t length,
                            char text[static EL_BLACK_HOLE_TEXT])
{
    size_t passes = el_address_family(peer) == AF_INET ? 576 - 28 : 1280 - 48; /* IP, UDP headers */
    snprintf(text, EL_BLACK_HOLE_TEXT,
             "every probe of %zu bytes was lost, and no router said why: if --size %zu is echoed, "
             "a firewall may drop the ICMP errors about packets that are too big (RFC 2923)",
             length, passes);
    return length > passes;
}

struct meaning {
    uint8_t type;
    int code; /* -1: any */
    const char *text;
};

/* RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1. */
static const struct meaning v4_meanings[] = {
    {ICMP_DEST_UNREACH, ICMP_NET_UNREACH, "network unreachable"},
    {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, "host unreachable"},
    {ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, "protocol unreachable"},
    {ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, "port unreachable"},
    {ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, "fragmentation needed"},
    {ICMP_DEST_UNREACH, ICMP_SR_FAILED, "source route failed"},
    {ICMP_DEST_UNREACH, ICMP_NET_UNKNOWN, "network unknown"},
    {ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, "host unknown"},
    {ICMP_DEST_UNREACH, ICMP_NET_ANO, "network administratively prohibited"},
    {ICMP_DEST_UNREACH, ICMP_HOST_ANO, "host administratively prohibited"},
    {ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, "administratively prohibited"},
    {ICMP_DEST_UNREACH, -1, "destination unreachable"},
    {ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, "time to live exceeded"},
    {ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, "fragment reassembly time exceeded"},
    {ICMP_PARAMETERPROB, -1, "parameter problem"},
    {ICMP_SOURCE_QUENCH, -1, "source quench"},
    {0, 0, NULL},
};

/* RFC 4443 section 3. */
static const struct meaning v6_meanings[] = {
    {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, "no route"},
    {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, "administratively prohibited"},
    {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, "beyond the scope of the source address"},
    {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, "address unreachable"},
    {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, "port unreachable"},
    {ICMP6_DST_UNREACH, 5, "source address failed the ingress policy"},
    {ICMP6_DST_UNREACH, 6, "route rejected"},
    {ICMP6_DST_UNREACH, -1, "destination unreachable"},
    {ICMP6_PACKET_TOO_BIG, -1, "packet too big"},
    {ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, "hop limit exceeded"},
    {ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, "fragment reassembly time exceeded"},
    {ICMP6_PARAM_PROB, -1, "parameter problem"},
    {0, 0, NULL},
};

const char *el_datagram_error_name(const struct el_datagram_error *error, char *text, size_t size)
{
    const struct meaning *m;
    if (error->origin == SO_EE_ORIGIN_ICMP) {
        m = v4_meanings;
    } else if (error->origin == SO_EE_ORIGIN_ICMP6) {
        m = v6_meanings;
    } else {
        const char *what = strerrordesc_np(error->error);
        if (error->mtu != 0)
            snprintf(text, size, "%s, mtu %u", what != NULL ? what : "unknown error", error->mtu);
        else
            snprintf(text, size, "%s", what != NULL ? what : "unknown error");
        return text;
    }
    while (m->text != NULL && !(m->type == error->type && (m->code < 0 || m->code == error->code)))
        m++;
    if (m->text == NULL)
        snprintf(text, size, "ICMP type %u code %u", error->type, error->code);
    else if (error->mtu != 0)
        snprintf(text, size, "%s, mtu %u", m->text, error->mtu);
    else
        snprintf(text, size, "%s", m->text);
    return text;
}
