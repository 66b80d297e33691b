/*
 * packet_decode.c - bytes that claim to be an IP packet, read without trusting one of them.
 *
 * Teaches:  a parser of network data. Each header is asked for with its length *before* it is
 *           looked at (`take`), so there is one place that can be wrong about the end, and it is
 *           four lines long. Lengths that the packet states are compared with what is there, never
 *           believed.
 * Partner:  packets.h; netns/packet_log.c feeds it, packet_print.c says what it found.
 * Leaves out: options of IPv4 and TCP are skipped over, not read (safe: their length is checked).
 */
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

/* What is left to read. */
struct view {
    const uint8_t *at;
    size_t left;
};

/* The next `length` bytes, or NULL when there are not so many. [#ask-before-you-look] */
static const uint8_t *take(struct view *view, size_t length)
{
    if (length > view->left)
        return NULL;
    const uint8_t *header = view->at;
    view->at += length;
    view->left -= length;
    return header;
}

/*
 * The wire is big-endian and headers are not aligned in memory: bytes are put together one by one.
 */
static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static struct el_address address4(const uint8_t *at)
{
    struct el_address address = {.length = sizeof address.in};
    address.in.sin_family = AF_INET;
    memcpy(&address.in.sin_addr, at, 4);
    return address;
}

static struct el_address address6(const uint8_t *at)
{
    struct el_address address = {.length = sizeof address.in6};
    address.in6.sin6_family = AF_INET6;
    memcpy(&address.in6.sin6_addr, at, 16);
    return address;
}

/* FNV-1a, 32 bits: short, and good enough to tell the packets of one lab apart. */
uint32_t el_packet_hash(uint8_t protocol, const uint8_t *bytes, size_t length)
{
    /*
     * A checksum may be filled in late, by the interface: the same packet can be seen with and
     * without it.
     */
    size_t skip = protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2;
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < length; i++)
        if (i != skip && i != skip + 1)
            hash = (hash ^ bytes[i]) * 16777619U;
    return hash;
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

static void set_ports(struct el_packet *packet, const uint8_t *header)
{
    el_address_set_port(&packet->source, get16(header));
    el_address_set_port(&packet->destination, get16(header + 2));
}

static void read_tcp(struct view *view, uint32_t length, struct el_packet *packet)
{
    const uint8_t *header = take(view, 20);
    if (header == NULL)
        return;
    set_ports(packet, header);
    packet->seq = get32(header + 4);
    packet->ack = get32(header + 8);
    packet->tcp_flags = header[13];
    packet->window = get16(header + 14);
    packet->payload = less(length, (uint32_t)(header[12] >> 4) * 4);
    packet->whole = true;
}

static void read_udp(struct view *view, uint32_t length, struct el_packet *packet)
{
    const uint8_t *header = take(view, 8);
    if (header == NULL)
        return;
    set_ports(packet, header);
    packet->payload = less(length, 8);
    packet->whole = true;
}

/*
 * ICMP and ICMPv6 begin alike: type, code, checksum, four bytes whose meaning depends on the type.
 */
static void read_icmp(struct view *view, uint32_t length, struct el_packet *packet)
{
    const uint8_t *header = take(view, 8);
    if (header == NULL)
        return;
    packet->type = header[0];
    packet->code = header[1];
    packet->payload = less(length, 8);
    packet->whole = true;
}

/* `length`: of the transport header and payload, as the IP header has it. */
static void read_transport(struct view view, uint32_t length, struct el_packet *packet)
{
    packet->checksum = el_packet_hash(packet->protocol, view.at, view.left);
    switch (packet->protocol) {
    case IPPROTO_TCP:
        read_tcp(&view, length, packet);
        break;
    case IPPROTO_UDP:
        read_udp(&view, length, packet);
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        read_icmp(&view, length, packet);
        break;
    default: /* known by its number only */
        packet->payload = length;
        break;
    }
}

static int read_ip4(struct view view, struct el_packet *packet)
{
    size_t all = view.left;
    const uint8_t *header = take(&view, 20);
    if (header == NULL)
        return -EBADMSG;
    size_t header_length = (size_t)(header[0] & 15) * 4; /* RFC 791: in words of 32 bits */
    if (header_length < 20 || take(&view, header_length - 20) == NULL)
        return -EBADMSG;

    packet->tos = header[1];
    packet->length = get16(header + 2);
    packet->id = get16(header + 4);
    packet->fragment = get16(header + 6);
    packet->ttl = header[8];
    packet->protocol = header[9];
    packet->source = address4(header + 12);
    packet->destination = address4(header + 16);
    packet->transport = (uint16_t)(all - view.left);
    if ((packet->fragment & 0x1fff) == 0) /* only the first fragment has a transport header */
        read_transport(view, less(packet->length, (uint32_t)header_length), packet);
    return 0;
}

/*
 * Steps over the extension headers of RFC 8200 section 4 to the transport header. Returns its
 * protocol number, or -1: it is not there (cut off, a later fragment, or more headers than any
 * honest packet has).
 */
static int skip_extensions(struct view *view, uint8_t next)
{
    enum { EXTENSIONS_MAX = 8 };
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        bool fragment = next == IPPROTO_FRAGMENT;
        if (!fragment && next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
            next != IPPROTO_DSTOPTS)
            return next;
        const uint8_t *header = take(view, 8);
        if (header == NULL || (fragment && (get16(header + 2) & 0xfff8) != 0))
            return -1;
        if (!fragment && take(view, (size_t)header[1] * 8) == NULL)
            return -1;
        next = header[0];
    }
    return -1;
}

static int read_ip6(struct view view, struct el_packet *packet)
{
    size_t all = view.left;
    const uint8_t *header = take(&view, 40);
    if (header == NULL)
        return -EBADMSG;

    packet->tos = (uint8_t)(get16(header) >> 4);
    packet->length = 40U + get16(header + 4);
    packet->ttl = header[7];
    packet->protocol = header[6];
    packet->source = address6(header + 8);
    packet->destination = address6(header + 24);
    int protocol = skip_extensions(&view, header[6]);
    packet->transport = (uint16_t)(all - view.left);
    if (protocol >= 0) {
        packet->protocol = (uint8_t)protocol;
        read_transport(view, less(packet->length, packet->transport), packet);
    }
    return 0;
}

int el_packet_decode(const uint8_t *bytes, size_t length, struct el_packet *packet)
{
    if (length == 0 || length > UINT16_MAX)
        return -EBADMSG;
    packet->whole = false;
    packet->raw_length = (uint16_t)(length < EL_PACKET_RAW ? length : EL_PACKET_RAW);
    memcpy(packet->raw, bytes, packet->raw_length);
    struct view view = {bytes, length};
    switch (bytes[0] >> 4) {
    case 4:
        return read_ip4(view, packet);
    case 6:
        return read_ip6(view, packet);
    default:
        return -EBADMSG;
    }
}

bool el_packet_leaves(const struct el_packet *packet)
{
    return packet->hook == NF_INET_POST_ROUTING || packet->hook == NF_INET_LOCAL_OUT;
}

bool el_packet_is_fate(const struct el_packet *packet)
{
    return packet->hook == EL_HOOK_FAULT;
}

bool el_packet_fate_is(const struct el_packet *packet, const char *word)
{
    return el_packet_is_fate(packet) && strncmp(packet->prefix, word, strlen(word)) == 0;
}

enum el_packet_kind el_packet_kind(const struct el_packet *packet)
{
    enum { DNS_PORT = 53 };
    bool dns = el_address_port(&packet->source) == DNS_PORT ||
               el_address_port(&packet->destination) == DNS_PORT;
    switch (packet->protocol) {
    case IPPROTO_UDP:
        return dns ? EL_KIND_DNS : EL_KIND_UDP;
    case IPPROTO_TCP:
        return dns ? EL_KIND_DNS : EL_KIND_TCP;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return EL_KIND_ICMP;
    default:
        return EL_KIND_OTHER;
    }
}

const char *el_packet_kind_name(enum el_packet_kind kind)
{
    static const char *const names[] = {"UDP", "TCP", "ICMP", "DNS", "IP"};
    return names[kind];
}

bool el_packet_has_ports(const struct el_packet *packet)
{
    return packet->whole && (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP);
}

const char *const el_tcp_flag_names[EL_TCP_FLAGS] = {"FIN", "SYN", "RST", "PSH",
                                                     "ACK", "URG", "ECE", "CWR"};

bool el_packet_quoted(const struct el_packet *packet, struct el_packet *original)
{
    size_t at = packet->transport + 8U;
    *original = (struct el_packet){0};
    return packet->whole && at < packet->raw_length &&
           el_packet_decode(packet->raw + at, packet->raw_length - at, original) == 0;
}
