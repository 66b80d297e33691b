/*
 * source_rules.c - the senders that can only be an abuse or a mistake.
 *
 * Teaches:  [#unsafe-source] what a forged source address can do to a server without handshakes.
 *           Two echo servers that are shown one datagram "from" the other send it to and fro for
 *           ever; services on low ports (chargen, DNS) answer an answer; and a datagram to a group
 *           is answered by each of its members, all at whoever was named as its sender.
 * Partner:  servers/udp_echo_server.c
 * Leaves out: a forged but ordinary address. Nothing in one datagram tells it from a real one;
 *           there rate limits bound the harm, and a reply is never longer than its request. That is
 *           true of the server's own address too, as an IPv6 source: IPv4's kernel drops such a
 *           datagram from the network (a martian, RFC 1812 section 5.3.7), IPv6's lets it pass, and
 *           names the same interface for a true one from this very machine (IPV6_PKTINFO;
 *           ipv6_rcv() in the kernel says why). A firewall can tell:
 *           ip6tables -A INPUT ! -i lo -s ADDRESS -j DROP
 */
#include "source_rules.h"

const char *const el_source_kind_names[] = {
    [EL_SOURCE_LOW_PORT] = "low-port",
    [EL_SOURCE_OWN_PORT] = "own-port",
    [EL_SOURCE_MULTICAST] = "multicast",
    [EL_SOURCE_BROADCAST] = "broadcast",
    NULL,
};

static bool refused(unsigned allow, enum el_source_kind kind)
{
    return (allow & 1U << kind) == 0;
}

static bool is_own_port(const struct el_address *own, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (el_address_port(&own[i]) == port)
            return true;
    return false;
}

static const char *refused_port(uint16_t port, const struct el_address *own, size_t count,
                                unsigned allow)
{
    if (port == 0)
        return "source port 0 means that no answer is wanted (RFC 768)";
    if (refused(allow, EL_SOURCE_OWN_PORT) && is_own_port(own, count, port))
        return "its source port is one we listen on: it may be an echo server too, and never stop";
    if (refused(allow, EL_SOURCE_LOW_PORT) && port < 1024)
        return "its source port is below 1024: a service, which may answer our answer";
    return NULL;
}

/* RFC 1122 section 3.2.1.3: what may never be a source address, in whatever the kernel let pass. */
static const char *refused_v4(const struct el_datagram *d, unsigned allow)
{
    uint32_t host = ntohl(d->peer.in.sin_addr.s_addr);
    if (refused(allow, EL_SOURCE_BROADCAST) &&
        (d->cast == EL_BROADCAST || host == INADDR_BROADCAST))
        return "it was sent to, or claims to be from, a broadcast address";
    if (host >> 24 == 0)
        return "0.0.0.0/8 is no address to answer to";
    return NULL;
}

const char *el_source_refused(const struct el_datagram *d, const struct el_address *own,
                              size_t count, unsigned allow)
{
    const struct el_address *peer = &d->peer;
    const char *why = refused_port(el_address_port(peer), own, count, allow);
    if (why != NULL)
        return why;
    if (refused(allow, EL_SOURCE_MULTICAST) &&
        (d->cast == EL_MULTICAST || el_address_is_multicast(peer)))
        return "it was sent to, or claims to be from, a multicast group";
    if (el_address_family(peer) == AF_INET) {
        why = refused_v4(d, allow);
        if (why != NULL)
            return why;
    } else if (el_address_is_v4_mapped(peer)) {
        return "an IPv4-mapped address never appears on the wire (RFC 4942 section 2.2)";
    } else if (el_address_is_any(peer)) {
        return "the unspecified address :: is nobody's (RFC 4291 section 2.5.2)";
    }
    /* A server on a wildcard address that is probed from its own machine gets it through "lo". */
    if (el_address_is_loopback(peer) && d->interface != EL_LOOPBACK_INDEX)
        return "it claims to be from this machine, but came from the network";
    return NULL;
}
