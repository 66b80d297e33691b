/*
 * timeline_fields.c - a packet in words: short enough for an arrow, or with all its header fields.
 *
 * Partner:  timeline_rows.h; lib/packet_print.c reads DNS and ICMP for us.
 */
#include "timeline_rows.h"
#include "words.h"

#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>

static bool is_dns(const struct el_packet *packet)
{
    return packet->protocol == IPPROTO_UDP && packet->whole &&
           (el_address_port(&packet->source) == 53 || el_address_port(&packet->destination) == 53);
}

/* What el_packet_print says behind the two ends: "AAAA? server.lab: 1 answer". */
static void say_rest(struct el_words *words, const struct el_packet *packet)
{
    struct el_packet copy = *packet;
    char line[EL_PACKET_LINE];
    snprintf(copy.prefix, sizeof copy.prefix, "%s", is_dns(packet) ? "[DNS] " : packet->prefix);
    el_packet_print(&copy, line, sizeof line);
    const char *rest = strstr(line + 10, " > ");
    rest = rest == NULL ? NULL : strstr(rest + 3, "  ");
    el_say(words, "%s", rest == NULL ? "" : rest + 2);
}

static void say_flags(struct el_words *words, uint8_t flags)
{
    const char *gap = "";
    for (unsigned bit = 0; bit < EL_TCP_FLAGS; bit++)
        if (flags & 1U << bit) {
            el_say(words, "%s%s", gap, el_tcp_flag_names[bit]);
            gap = " ";
        }
}

static void say_tcp(struct el_words *words, const struct timeline_sighting *sighting,
                    unsigned level)
{
    const struct el_packet *packet = &sighting->packet;
    uint8_t flags = packet->tcp_flags;
    uint32_t last = sighting->seq + packet->payload - 1;
    if (sighting->segment > 0) {
        el_say(words, level < 3 ? "segment %u: " : "seg %u", sighting->segment);
        if (level == 0 || level == 2)
            el_say(words, "%u byte%s", packet->payload, packet->payload == 1 ? "" : "s");
        if (level < 2)
            el_say(words, "%sseq %u-%u", level == 0 ? ", " : "", sighting->seq, last);
        if (flags & TH_FIN)
            el_say(words, " + FIN");
    } else if (flags & TH_SYN) {
        el_say(words, "%s", flags & TH_ACK ? "SYN-ACK" : "SYN");
    } else if (flags & TH_RST) {
        el_say(words, "RST");
    } else if (flags & TH_FIN) {
        el_say(words, "FIN");
        if (level < 1)
            el_say(words, " seq %u", sighting->seq);
    } else {
        el_say(words, "ACK %u", sighting->ack);
        return;
    }
    if (level < 1 && (flags & TH_ACK))
        el_say(words, ", ack %u", sighting->ack);
}

uint16_t timeline_connection(const struct timeline *timeline, const struct el_address *one,
                             const struct el_address *other)
{
    for (size_t i = 0; i < timeline->stream_count; i++) {
        const struct timeline_stream *stream = &timeline->streams[i];
        if (!stream->initiates)
            continue;
        if (el_address_equal(&stream->source, one) && el_address_equal(&stream->destination, other))
            return el_address_port(one);
        if (el_address_equal(&stream->source, other) && el_address_equal(&stream->destination, one))
            return el_address_port(other);
    }
    /* Not begun here: ephemeral ports are the high ones. */
    uint16_t first = el_address_port(one), second = el_address_port(other);
    return first > second ? first : second;
}

const char *timeline_packet_words(const struct timeline *timeline, uint32_t number, unsigned level,
                                  char *text, size_t size)
{
    const struct timeline_sighting *sighting = &timeline->sightings[number];
    const struct el_packet *packet = &sighting->packet;
    struct el_words words = {.text = text, .size = size};
    text[0] = '\0';
    if (!packet->whole) {
        el_say(&words, "protocol %u, %u bytes", packet->protocol, packet->length);
    } else if (packet->protocol == IPPROTO_TCP) {
        say_tcp(&words, sighting, level);
        if (timeline->connections > 1)
            el_say(&words, " :%u",
                   timeline_connection(timeline, &packet->source, &packet->destination));
    } else if (is_dns(packet)) {
        el_say(&words, "DNS ");
        say_rest(&words, packet);
    } else if (packet->protocol == IPPROTO_UDP) {
        el_say(&words, level < 3 ? "datagram: %u byte%s" : "%u byte%s", packet->payload,
               packet->payload == 1 ? "" : "s");
    } else {
        el_say(&words, "ICMP ");
        say_rest(&words, packet);
        char *about = strstr(text, "  (");
        if (about != NULL && level > 0)
            *about = '\0';
    }
    return text;
}

const char *timeline_packet_fate(const struct timeline *timeline, uint32_t number, char *text,
                                 size_t size)
{
    const struct timeline_sighting *sighting = &timeline->sightings[number];
    struct el_words words = {.text = text, .size = size};
    const char *gap = "";
    text[0] = '\0';
    if (sighting->resent) {
        el_say(&words, "resent");
        gap = ", ";
    }
    if (sighting->again) {
        el_say(&words, "%sonce more", gap);
        gap = ", ";
    }
    if (sighting->overtaken) {
        el_say(&words, "%sovertaken", gap);
        gap = ", ";
    }
    if (!sighting->leaves)
        return text;
    for (uint32_t i = sighting->fate; i != TIMELINE_NONE; i = timeline->fates[i].next) {
        el_say(&words, "%s%s", gap, timeline->fates[i].packet.prefix);
        gap = ", ";
    }
    if (sighting->fate == TIMELINE_NONE && timeline_is_lost(timeline, number))
        el_say(&words, "%snot seen to arrive", gap);
    return text;
}

static void say_ip(struct el_words *words, const struct el_packet *packet)
{
    char source[EL_ADDRESS_TEXT], destination[EL_ADDRESS_TEXT];
    bool v4 = el_address_family(&packet->source) == AF_INET;
    el_say(words, "%s %s > %s, %u bytes, %s %u", v4 ? "IPv4" : "IPv6",
           el_address_print_host(&packet->source, source),
           el_address_print_host(&packet->destination, destination), packet->length,
           v4 ? "TTL" : "hop limit", packet->ttl);
    if (v4)
        el_say(words, ", id 0x%04x%s%s", packet->id, packet->fragment & IP_DF ? " DF" : "",
               packet->fragment & IP_MF ? " MF" : "");
    if (packet->tos != 0)
        el_say(words, ", TOS 0x%02x", packet->tos);
}

const char *timeline_packet_fields(const struct timeline *timeline, uint32_t number, char *text,
                                   size_t size)
{
    const struct timeline_sighting *sighting = &timeline->sightings[number];
    const struct el_packet *packet = &sighting->packet;
    struct el_words words = {.text = text, .size = size};
    text[0] = '\0';
    say_ip(&words, packet);
    el_say(&words, "; ");
    if (packet->whole && packet->protocol == IPPROTO_TCP) {
        el_say(&words, "TCP %u > %u, ", el_address_port(&packet->source),
               el_address_port(&packet->destination));
        say_flags(&words, packet->tcp_flags);
        el_say(&words, ", seq %u (raw %u)", sighting->seq, packet->seq);
        if (packet->tcp_flags & TH_ACK)
            el_say(&words, ", ack %u (raw %u)", sighting->ack, packet->ack);
        el_say(&words, ", window %u, payload %u bytes", packet->window, packet->payload);
    } else if (packet->whole && packet->protocol == IPPROTO_UDP) {
        el_say(&words, "UDP %u > %u, payload %u bytes", el_address_port(&packet->source),
               el_address_port(&packet->destination), packet->payload);
        if (is_dns(packet)) {
            el_say(&words, "; DNS ");
            say_rest(&words, packet);
        }
    } else {
        char short_text[TIMELINE_WORDS];
        el_say(&words, "%s",
               timeline_packet_words(timeline, number, 0, short_text, sizeof short_text));
        if (packet->whole)
            el_say(&words, ", type %u code %u", packet->type, packet->code);
    }
    return text;
}
