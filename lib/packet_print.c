/*
 * packet_print.c - one sighting of one packet, in a line: for people, and as the kernel's LOG
 * target would say it.
 *
 * Teaches:  what is worth reading in a packet. The line for people leaves out what hardly ever
 *           matters; the kernel's line has it.
 * Partner:  packets.h; `net log` and `net log --format=kernel` print these.
 * Owns:     nothing. Bytes beyond the fields of the record are read from its `raw`, with their
 *           length checked.
 */
#include "packets.h"
#include "words.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

static uint32_t raw16(const struct el_packet *packet, size_t at)
{
    return at + 2 <= packet->raw_length ? (uint32_t)packet->raw[at] << 8 | packet->raw[at + 1] : 0;
}

static uint32_t raw32(const struct el_packet *packet, size_t at)
{
    return raw16(packet, at) << 16 | raw16(packet, at + 2);
}

/* ---- for people ------------------------------------------------------------------------------ */

/* "client:40000", "10.77.0.9:40000"; without a port where the protocol has none. */
static void say_end(struct el_words *line, const struct el_packet *packet,
                    const struct el_address *address, const char *name)
{
    char text[EL_ADDRESS_TEXT];
    if (name[0] == '\0')
        el_say(line, "%s",
               el_packet_has_ports(packet) ? el_address_print(address, text)
                                           : el_address_print_host(address, text));
    else if (el_packet_has_ports(packet))
        el_say(line, "%s:%u", name, el_address_port(address));
    else
        el_say(line, "%s", name);
}

static void say_ends(struct el_words *line, const struct el_packet *packet)
{
    say_end(line, packet, &packet->source, packet->source_name);
    el_say(line, " > ");
    say_end(line, packet, &packet->destination, packet->destination_name);
}

static void say_tcp(struct el_words *line, const struct el_packet *packet)
{
    const char *gap = "  ";
    for (unsigned bit = 0; bit < EL_TCP_FLAGS; bit++) {
        /*
         * SYN before ACK, as in "SYN ACK", and FIN, RST, PSH likewise: the order of the bits is the
         * order of speech.
         */
        if (packet->tcp_flags & 1U << bit) {
            el_say(line, "%s%s", gap, el_tcp_flag_names[bit]);
            gap = " ";
        }
    }
    if (packet->missing & EL_MISSING_PAYLOAD)
        el_say(line, "  length %u", packet->length);
    else if (packet->payload > 0)
        el_say(line, "  %u byte%s", packet->payload, packet->payload == 1 ? "" : "s");
}

/* The name of a DNS record type that a host is likely to ask for (RFC 1035 3.2.2, 3596, 2782), or NULL. */
static const char *dns_type(uint32_t type)
{
    static const struct {
        uint16_t number;
        const char *name;
    } types[] = {{1, "A"},   {2, "NS"},   {5, "CNAME"}, {6, "SOA"},  {12, "PTR"},
                 {15, "MX"}, {16, "TXT"}, {28, "AAAA"}, {33, "SRV"}, {255, "ANY"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].number == type)
            return types[i].name;
    return NULL;
}

/*
 * The question of a DNS message (RFC 1035 4.1), as far as it was kept. A name is a row of labels,
 * each behind its length; the bytes are anybody's, so only letters, digits, '-' and '_' are shown
 * as they are.
 */
static void say_dns(struct el_words *line, const struct el_packet *packet)
{
    enum { NXDOMAIN = 3 };
    size_t at = packet->transport + 8U + 12U;
    uint32_t flags = raw16(packet, packet->transport + 10U);
    uint32_t answers = raw16(packet, packet->transport + 14U);
    char name[EL_PACKET_RAW];
    size_t used = 0;

    while (at < packet->raw_length && packet->raw[at] != 0) {
        size_t label = packet->raw[at++];
        if (label > 63 || at + label > packet->raw_length)
            return; /* compressed or cut off: leave it at the endpoints */
        for (; label > 0; label--, at++) {
            char c = (char)packet->raw[at];
            bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '_';
            name[used++] = plain ? c : '?';
        }
        name[used++] = '.';
    }
    if (used == 0 || at + 5 > packet->raw_length)
        return;
    name[used - 1] = '\0';
    uint32_t type = raw16(packet, at + 1);
    if (dns_type(type) != NULL)
        el_say(line, "  %s", dns_type(type));
    else
        el_say(line, "  type %u", type);
    el_say(line, "? %s", name);
    if ((flags & 0x8000) == 0)
        return;
    if ((flags & 15) == NXDOMAIN)
        el_say(line, ": no such name");
    else if ((flags & 15) != 0)
        el_say(line, ": refused, code %u", flags & 15);
    else
        el_say(line, ": %u answer%s", answers, answers == 1 ? "" : "s");
}

/* The meaning of an ICMP type and code (RFC 792, RFC 4443), or NULL. */
static const char *icmp_meaning(const struct el_packet *packet)
{
    static const struct {
        uint8_t protocol, type;
        int code; /* -1: any */
        const char *meaning;
    } table[] = {
        {IPPROTO_ICMP, ICMP_ECHO, -1, "echo request"},
        {IPPROTO_ICMP, ICMP_ECHOREPLY, -1, "echo reply"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, "port unreachable"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, "host unreachable"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, "network unreachable"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, "protocol unreachable"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, "fragmentation needed"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, "administratively prohibited"},
        {IPPROTO_ICMP, ICMP_DEST_UNREACH, -1, "unreachable"},
        {IPPROTO_ICMP, ICMP_TIME_EXCEEDED, -1, "time exceeded"},
        {IPPROTO_ICMP, ICMP_REDIRECT, -1, "redirect"},
        {IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST, -1, "echo request"},
        {IPPROTO_ICMPV6, ICMP6_ECHO_REPLY, -1, "echo reply"},
        {IPPROTO_ICMPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, "port unreachable"},
        {IPPROTO_ICMPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, "address unreachable"},
        {IPPROTO_ICMPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, "no route"},
        {IPPROTO_ICMPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, "administratively prohibited"},
        {IPPROTO_ICMPV6, ICMP6_DST_UNREACH, -1, "unreachable"},
        {IPPROTO_ICMPV6, ICMP6_PACKET_TOO_BIG, -1, "packet too big"},
        {IPPROTO_ICMPV6, ICMP6_TIME_EXCEEDED, -1, "time exceeded"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].protocol == packet->protocol && table[i].type == packet->type &&
            (table[i].code < 0 || table[i].code == packet->code))
            return table[i].meaning;
    return NULL;
}

/*
 * The names of the quoted packet are those of the quoting one, the other way round, where the
 * addresses agree.
 */
static void say_quoted(struct el_words *line, const struct el_packet *packet)
{
    struct el_packet original;
    if (!el_packet_quoted(packet, &original))
        return;
    if (el_address_same_host(&original.source, &packet->destination))
        memcpy(original.source_name, packet->destination_name, EL_HOST_NAME_MAX);
    if (el_address_same_host(&original.destination, &packet->source))
        memcpy(original.destination_name, packet->source_name, EL_HOST_NAME_MAX);
    el_say(line, "  (about %s ", el_packet_kind_name(el_packet_kind(&original)));
    say_ends(line, &original);
    el_say(line, ")");
}

static void say_icmp(struct el_words *line, const struct el_packet *packet)
{
    const char *meaning = icmp_meaning(packet);
    bool echo = meaning != NULL && strncmp(meaning, "echo", 4) == 0;
    if (meaning != NULL)
        el_say(line, "  %s", meaning);
    else
        el_say(line, "  type %u code %u", packet->type, packet->code);
    if (echo)
        el_say(line, " seq %u", raw16(packet, packet->transport + 6U));
    else
        say_quoted(line, packet);
}

static char side(const struct el_packet *packet)
{
    if (el_packet_is_fate(packet))
        return el_packet_fate_is(packet, "drop") ? 'x' : '~';
    return el_packet_leaves(packet) ? '>' : '<';
}

const char *el_packet_print(const struct el_packet *packet, char *text, size_t size)
{
    struct el_words line = {.text = text, .size = size};
    enum el_packet_kind kind = el_packet_kind(packet);
    text[0] = '\0';
    el_say(&line, "%-6s %c  %-4s  ", packet->host, side(packet), el_packet_kind_name(kind));
    say_ends(&line, packet);
    if (!packet->whole)
        el_say(&line, "  protocol %u, %u bytes", packet->protocol, packet->length);
    else if (packet->protocol == IPPROTO_TCP)
        say_tcp(&line, packet);
    else if (kind == EL_KIND_DNS)
        say_dns(&line, packet);
    else if (kind == EL_KIND_UDP)
        el_say(&line, "  %u byte%s", packet->payload, packet->payload == 1 ? "" : "s");
    else
        say_icmp(&line, packet);
    return text;
}

/* A prefix is what somebody wrote into a rule: no control character of it reaches the terminal. */
static void say_plain(struct el_words *line, const char *text)
{
    for (; *text != '\0'; text++)
        el_say(line, "%c", (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static bool usual_prefix(const char *prefix)
{
    static const char *const usual[] = {"", "[UDP] ", "[TCP] ", "[DNS] ", "[ICMP] "};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (strcmp(prefix, usual[i]) == 0)
            return true;
    return false;
}

const char *el_packet_print_note(const struct el_packet *packet, char *text, size_t size)
{
    struct el_words line = {.text = text, .size = size};
    text[0] = '\0';
    if (!el_packet_is_fate(packet) && usual_prefix(packet->prefix))
        return text;
    el_say(&line, "  ");
    say_plain(&line, packet->prefix);
    while (line.used > 2 && text[line.used - 1] == ' ')
        text[--line.used] = '\0';
    if (el_packet_is_fate(packet) && packet->mark != 0)
        el_say(&line, " (rule %u)", packet->mark);
    return text;
}

/* ---- as the kernel says it ------------------------------------------------------------------- */
/*
 * The words and their order are an interface that many log readers know; iptables-extensions(8),
 * LOG.
 */

static void kernel_transport(struct el_words *line, const struct el_packet *packet, bool outermost);

static void kernel_ip(struct el_words *line, const struct el_packet *packet, bool outermost)
{
    char text[EL_ADDRESS_TEXT];
    if (el_address_family(&packet->source) == AF_INET) {
        el_say(line, "SRC=%s ", el_address_print_host(&packet->source, text));
        el_say(line, "DST=%s ", el_address_print_host(&packet->destination, text));
        el_say(line, "LEN=%u TOS=0x%02X PREC=0x%02X TTL=%u ID=%u ", packet->length,
               packet->tos & IPTOS_TOS_MASK, packet->tos & IPTOS_PREC_MASK, packet->ttl,
               packet->id);
        el_say(line, "%s%s%s", packet->fragment & IP_RF ? "CE " : "",
               packet->fragment & IP_DF ? "DF " : "", packet->fragment & IP_MF ? "MF " : "");
        if (packet->fragment & IP_OFFMASK)
            el_say(line, "FRAG:%u ", packet->fragment & IP_OFFMASK);
    } else {
        for (size_t at = 8; at < 40; at += 2) /* uncompressed, as the kernel writes it here */
            el_say(line, "%s%04x%s",
                   at == 8    ? "SRC="
                   : at == 24 ? "DST="
                              : "",
                   raw16(packet, at), at == 22 || at == 38 ? " " : ":");
        el_say(line, "LEN=%u TC=%u HOPLIMIT=%u FLOWLBL=%u ", packet->length, packet->tos,
               packet->ttl, raw32(packet, 0) & 0xfffff);
    }
    kernel_transport(line, packet, outermost);
    if (outermost && packet->mark != 0)
        el_say(line, "MARK=0x%x ", packet->mark);
}

static void kernel_tcp(struct el_words *line, const struct el_packet *packet)
{
    static const uint8_t order[] = {7, 6, 5, 4, 3, 2, 1, 0};
    size_t at = packet->transport;
    el_say(line, "WINDOW=%u RES=0x%02x ", packet->window, (raw16(packet, at + 12) & 0x0f00) >> 6);
    for (size_t i = 0; i < sizeof order; i++)
        if (packet->tcp_flags & 1U << order[i])
            el_say(line, "%s ", el_tcp_flag_names[order[i]]);
    el_say(line, "URGP=%u ", raw16(packet, at + 18));
}

static void kernel_icmp(struct el_words *line, const struct el_packet *packet, bool outermost)
{
    bool v4 = packet->protocol == IPPROTO_ICMP;
    size_t at = packet->transport;
    struct el_packet original;
    el_say(line, "TYPE=%u CODE=%u ", packet->type, packet->code);
    bool echo = v4 ? packet->type == ICMP_ECHO || packet->type == ICMP_ECHOREPLY
                   : packet->type == ICMP6_ECHO_REQUEST || packet->type == ICMP6_ECHO_REPLY;
    if (echo) {
        el_say(line, "ID=%u SEQ=%u ", raw16(packet, at + 4), raw16(packet, at + 6));
        return;
    }
    bool error = v4 ? packet->type == ICMP_DEST_UNREACH || packet->type == ICMP_SOURCE_QUENCH ||
                          packet->type == ICMP_REDIRECT || packet->type == ICMP_TIME_EXCEEDED
                    : packet->type < 128;
    if (error && outermost && el_packet_quoted(packet, &original)) {
        el_say(line, "[");
        kernel_ip(line, &original, false);
        el_say(line, "] ");
    }
    if (v4 ? packet->type == ICMP_DEST_UNREACH && packet->code == ICMP_FRAG_NEEDED
           : packet->type == ICMP6_PACKET_TOO_BIG)
        el_say(line, "MTU=%u ", v4 ? raw16(packet, at + 6) : raw32(packet, at + 4));
}

static void kernel_transport(struct el_words *line, const struct el_packet *packet, bool outermost)
{
    static const struct {
        uint8_t protocol;
        const char *name;
    } names[] = {{IPPROTO_TCP, "TCP"},
                 {IPPROTO_UDP, "UDP"},
                 {IPPROTO_ICMP, "ICMP"},
                 {IPPROTO_ICMPV6, "ICMPv6"}};
    size_t i = 0;
    while (i < sizeof names / sizeof names[0] && names[i].protocol != packet->protocol)
        i++;
    if (i == sizeof names / sizeof names[0]) {
        el_say(line, "PROTO=%u ", packet->protocol);
        return;
    }
    el_say(line, "PROTO=%s ", names[i].name);
    if (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP) {
        /* An ICMP error quotes as little as eight bytes of TCP: the ports are among them. */
        if (packet->transport + 4U > packet->raw_length)
            return;
        el_say(line, "SPT=%u DPT=%u ", raw16(packet, packet->transport),
               raw16(packet, packet->transport + 2U));
    }
    if (!packet->whole) {
        size_t there = packet->raw_length > packet->transport
                           ? (size_t)packet->raw_length - packet->transport
                           : 0;
        el_say(line, "INCOMPLETE [%zu bytes] ", there);
    } else if (packet->protocol == IPPROTO_TCP) {
        kernel_tcp(line, packet);
    } else if (packet->protocol == IPPROTO_UDP) {
        el_say(line, "LEN=%u ", raw16(packet, packet->transport + 4U));
    } else {
        kernel_icmp(line, packet, outermost);
    }
}

const char *el_packet_print_kernel(const struct el_packet *packet, char *text, size_t size)
{
    struct el_words line = {.text = text, .size = size};
    text[0] = '\0';
    if (el_packet_is_fate(packet)) { /* its `out` is a place, not an interface */
        el_say(&line, "[FAULT ");
        say_plain(&line, packet->prefix);
        el_say(&line, "] IN=%s OUT= ", packet->in);
    } else {
        say_plain(&line, packet->prefix);
        el_say(&line, "IN=%s OUT=%s ", packet->in, packet->out);
    }
    if (packet->in[0] != '\0') {
        el_say(&line, "MAC=");
        for (size_t i = 0; i < packet->hardware_length; i++)
            el_say(&line, "%s%02x", i == 0 ? "" : ":", packet->hardware[i]);
        el_say(&line, " ");
    }
    kernel_ip(&line, packet, true);
    return text;
}
