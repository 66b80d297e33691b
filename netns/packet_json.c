/*
 * packet_json.c - one packet as a JSON object on one line, for programs.
 *
 * The names are an interface (packet_log(1) lists them): they stay, new ones may be added. What does
 * not exist, or was not told by the log's source, is null and never 0.
 * Partner:  packet_format.c, lib/json.h.
 */
#include "packet_format.h"

#include "json.h"

#include <ctype.h>
#include <netinet/tcp.h>
#include <string.h>

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void put_uint(struct el_json *json, const char *key, bool known, uint64_t value)
{
    if (known)
        el_json_uint(json, key, value);
    else
        el_json_null(json, key);
}

static void put_end(struct el_json *json, const char *key, const struct el_packet *packet,
                    const struct el_address *address, const char *name)
{
    char text[EL_ADDRESS_TEXT];
    el_json_object(json, key);
    el_json_text(json, "address", el_address_print_host(address, text));
    put_uint(json, "port", el_packet_has_ports(packet), el_address_port(address));
    el_json_text(json, "name", or_null(name));
    el_json_close_object(json);
}

static void put_tcp(struct el_json *json, const struct el_packet *packet,
                    const struct packet_place *place)
{
    bool numbers = (packet->missing & EL_MISSING_SEQUENCE) == 0;
    if (packet->protocol != IPPROTO_TCP || !packet->whole) {
        el_json_null(json, "tcp");
        return;
    }
    el_json_object(json, "tcp");
    el_json_array(json, "flags");
    for (unsigned bit = 0; bit < EL_TCP_FLAGS; bit++)
        if (packet->tcp_flags & 1U << bit)
            el_json_text(json, NULL, el_tcp_flag_names[bit]);
    el_json_close_array(json);
    put_uint(json, "seq", numbers, packet->seq);
    put_uint(json, "ack", numbers && packet->tcp_flags & TH_ACK, packet->ack);
    put_uint(json, "relative_seq", place->seq_known, place->seq);
    put_uint(json, "relative_ack", place->ack_known, place->ack);
    el_json_uint(json, "window", packet->window);
    if (el_packet_leaves(packet) && place->seq_known && !(packet->missing & EL_MISSING_PAYLOAD))
        el_json_bool(json, "resent", place->resent);
    else
        el_json_null(json, "resent");
    el_json_close_object(json);
}

static void put_icmp(struct el_json *json, const struct el_packet *packet)
{
    struct el_packet about;
    if (el_packet_kind(packet) != EL_KIND_ICMP || !packet->whole) {
        el_json_null(json, "icmp");
        return;
    }
    el_json_object(json, "icmp");
    el_json_uint(json, "type", packet->type);
    el_json_uint(json, "code", packet->code);
    if (el_packet_quoted(packet, &about)) {
        el_json_object(json, "about");
        el_json_uint(json, "ip_protocol", about.protocol);
        put_end(json, "source", &about, &about.source, "");
        put_end(json, "destination", &about, &about.destination, "");
        el_json_close_object(json);
    } else {
        el_json_null(json, "about");
    }
    el_json_close_object(json);
}

static void put_fate(struct el_json *json, const struct el_packet *packet)
{
    if (!el_packet_is_fate(packet)) {
        el_json_null(json, "fate");
        return;
    }
    el_json_object(json, "fate");
    el_json_text(json, "what", packet->prefix);
    put_uint(json, "rule", packet->mark != 0, packet->mark);
    el_json_text(json, "from", or_null(packet->out));
    el_json_close_object(json);
}

static void put_header(struct el_json *json, const struct el_packet *packet)
{
    char protocol[8] = "";
    const char *name = el_packet_kind_name(el_packet_kind(packet));
    for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof protocol; i++)
        protocol[i] = (char)tolower((unsigned char)name[i]);
    bool v4 = el_address_family(&packet->source) == AF_INET;
    el_json_text(json, "protocol", protocol);
    el_json_uint(json, "ip_version", v4 ? 4 : 6);
    el_json_uint(json, "ip_protocol", packet->protocol);
    put_end(json, "source", packet, &packet->source, packet->source_name);
    put_end(json, "destination", packet, &packet->destination, packet->destination_name);
    el_json_uint(json, "length", packet->length);
    put_uint(json, "payload", packet->whole && !(packet->missing & EL_MISSING_PAYLOAD),
             packet->payload);
    el_json_uint(json, "ttl", packet->ttl);
    put_uint(json, "id", v4, packet->id);
}

void packet_json_print(FILE *out, const struct el_packet *packet, const struct packet_place *place,
                       const struct el_packet_given *given, bool again)
{
    bool fate = el_packet_is_fate(packet);
    struct el_json json = el_json_begin(out);
    el_json_object(&json, NULL);
    el_json_uint(&json, "format_version", 1);
    el_json_uint(&json, "number", packet->number);
    el_json_int(&json, "time_ns", given->time);
    el_json_int(&json, "at_ns", packet->at);
    put_uint(&json, "stamp_ns", packet->stamp != 0, (uint64_t)packet->stamp);
    el_json_text(&json, "host", packet->host);
    el_json_text(&json, "direction", fate ? "fault" : el_packet_leaves(packet) ? "out" : "in");
    el_json_bool(&json, "first_sighting", !again);
    el_json_bool(&json, "duplicate", given->duplicate);
    el_json_bool(&json, "corrupted", given->corrupted);
    put_header(&json, packet);
    put_tcp(&json, packet, place);
    put_icmp(&json, packet);
    put_fate(&json, packet);
    el_json_text(&json, "prefix", fate ? NULL : or_null(packet->prefix));
    put_uint(&json, "mark", !fate, packet->mark);
    el_json_text(&json, "in", or_null(packet->in));
    el_json_text(&json, "out", fate ? NULL : or_null(packet->out));
    el_json_end(&json);
}
