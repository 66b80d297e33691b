/* packet_format.h - a packet as a line of text, in one of four forms: see packet_format.c. */
#ifndef ECHOLAB_PACKET_FORMAT_H
#define ECHOLAB_PACKET_FORMAT_H

#include "packets.h"

#include <stdio.h>

enum packet_form { FORM_LINE, FORM_KERNEL, FORM_JSON, FORM_RECORD };

enum { FLOWS_MAX = 256 };

/* One direction of a connection; its sequence numbers are shown from 0. */
struct packet_flow {
    struct el_address source, destination;
    uint32_t first;
    uint32_t end; /* behind the last byte that has left its host */
};

struct packet_format {
    enum packet_form form;
    FILE *out; /* borrowed */
    bool any;
    el_time first; /* of the lines for people */
    struct packet_flow flows[FLOWS_MAX];
    size_t flow_count;
};

/* What is told about a TCP segment from its place in its connection. */
struct packet_place {
    bool seq_known, ack_known, resent;
    uint32_t seq, ack; /* counted from the start of each direction */
};

/*
 * Writes one line and its newline to `out`, whose errors are the caller's to look at. Packets must
 * come in causal order; `given` is what the merge says about this one, `again` as it says it.
 */
void packet_format_print(struct packet_format *format, const struct el_packet *packet,
                         const struct el_packet_given *given, bool again);

/*
 * Takes notice of a packet that is not shown: sequence numbers are counted from where each direction
 * began, whichever of the two is asked for.
 */
void packet_format_pass(struct packet_format *format, const struct el_packet *packet, bool again);

/* The JSON form by itself (packet_json.c). */
void packet_json_print(FILE *out, const struct el_packet *packet, const struct packet_place *place,
                       const struct el_packet_given *given, bool again);

#endif
