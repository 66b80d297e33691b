/*
 * packet_format.c - one packet, one line: for people, as the kernel says it, as JSON, or whole.
 *
 * Teaches:  a segment means something by its place in its connection. Sequence numbers begin
 *           anywhere (RFC 9293 3.4.1), so they are counted from the first one that was seen; and a
 *           segment whose bytes had all left before is one that TCP sends again.
 * Partner:  packet_show.c; lib/packet_print.c has the words, packet_json.c the objects.
 * Bounds:   FLOWS_MAX directions; a connection beyond is shown without its numbers.
 */
#include "packet_format.h"

#include <netinet/tcp.h>
#include <string.h>

static struct packet_flow *find_flow(struct packet_format *format, const struct el_address *source,
                                     const struct el_address *destination)
{
    for (size_t i = 0; i < format->flow_count; i++)
        if (el_address_equal(&format->flows[i].source, source) &&
            el_address_equal(&format->flows[i].destination, destination))
            return &format->flows[i];
    return NULL;
}

/*
 * Has everything in this segment left its host before? Then TCP sends it again. Sequence numbers
 * wrap around: which one is later is told by the sign of their difference (RFC 9293 3.4). A router
 * passes it on with a lower TTL: that is not again. [#sent-again]
 */
static bool sent_again(struct packet_flow *flow, const struct el_packet *packet, bool again)
{
    uint32_t size =
        packet->payload + !!(packet->tcp_flags & TH_SYN) + !!(packet->tcp_flags & TH_FIN);
    if (!el_packet_leaves(packet) || again || size == 0)
        return false;
    if ((int32_t)(packet->seq + size - flow->end) <= 0)
        return true;
    flow->end = packet->seq + size;
    return false;
}

static struct packet_place place_of(struct packet_format *format, const struct el_packet *packet,
                                    bool again)
{
    struct packet_place place = {0};
    if (packet->protocol != IPPROTO_TCP || !packet->whole || packet->missing & EL_MISSING_SEQUENCE)
        return place;
    struct packet_flow *flow = find_flow(format, &packet->source, &packet->destination);
    if (flow == NULL) {
        if (format->flow_count == FLOWS_MAX)
            return place;
        flow = &format->flows[format->flow_count++];
        *flow = (struct packet_flow){packet->source, packet->destination, packet->seq, packet->seq};
    } else if ((packet->tcp_flags & TH_SYN) && packet->seq != flow->first) {
        flow->first = flow->end = packet->seq; /* the ports are used again */
    }
    place.seq_known = true;
    place.seq = packet->seq - flow->first;
    const struct packet_flow *other = find_flow(format, &packet->destination, &packet->source);
    if ((packet->tcp_flags & TH_ACK) && other != NULL) {
        place.ack_known = true;
        place.ack = packet->ack - other->first;
    }
    if ((packet->missing & EL_MISSING_PAYLOAD) == 0)
        place.resent = sent_again(flow, packet, again);
    return place;
}

static void print_line(struct packet_format *format, const struct el_packet *packet,
                       const struct packet_place *place, const struct el_packet_given *given)
{
    char text[EL_PACKET_LINE], note[EL_PACKET_LINE];
    if (!format->any)
        format->first = given->time;
    format->any = true;
    fprintf(format->out, "%9.3f ms  %s", (double)(given->time - format->first) / (double)EL_MS,
            el_packet_print(packet, text, sizeof text));
    if (place->seq_known)
        fprintf(format->out, "  seq %u", place->seq);
    if (place->ack_known)
        fprintf(format->out, " ack %u", place->ack);
    fprintf(format->out, "%s%s%s%s\n", place->resent ? "  resent" : "",
            el_packet_print_note(packet, note, sizeof note), given->duplicate ? "  duplicate" : "",
            given->corrupted ? "  corrupted" : "");
}

void packet_format_pass(struct packet_format *format, const struct el_packet *packet, bool again)
{
    place_of(format, packet, again);
}

void packet_format_print(struct packet_format *format, const struct el_packet *packet,
                         const struct el_packet_given *given, bool again)
{
    char text[EL_PACKET_RECORD];
    struct packet_place place;
    switch (format->form) {
    case FORM_KERNEL:
        fprintf(format->out, "%s\n", el_packet_print_kernel(packet, text, sizeof text));
        break;
    case FORM_RECORD:
        fprintf(format->out, "%s\n", el_packet_print_record(packet, text, sizeof text));
        break;
    case FORM_JSON:
        place = place_of(format, packet, again);
        packet_json_print(format->out, packet, &place, given, again);
        break;
    case FORM_LINE:
        place = place_of(format, packet, again);
        print_line(format, packet, &place, given);
        break;
    }
}
