/*
 * timeline_effect.c - which bytes of which call went in which packet, both ways.
 *
 * Teaches:  TCP is a stream, so only counting tells: a call wrote bytes 1 to 20000, segment 3 carried
 *           2897 to 4344. UDP keeps messages apart: the call that sent n bytes to an address and the
 *           datagram of n bytes to that address are the same message, in their order.
 *           [#bytes-and-segments]
 * Partner:  timeline_cause.c
 */
#include "timeline_cause.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <string.h>

/* ---- TCP ------------------------------------------------------------------------------------- */

static bool is_segment_of(const struct timeline *timeline, const struct timeline_sighting *sighting,
                          const struct timeline_socket *socket, bool leaves)
{
    const struct el_packet *packet = &sighting->packet;
    return sighting->host == socket->host && sighting->leaves == leaves &&
           packet->protocol == IPPROTO_TCP && packet->whole && sighting->stream != TIMELINE_NONE &&
           timeline->streams[sighting->stream].has_first &&
           el_address_equal(&packet->source, leaves ? &socket->local : &socket->remote) &&
           el_address_equal(&packet->destination, leaves ? &socket->remote : &socket->local);
}

/* "segment 1 (seq 1-64)", "segments 1-14 (seq 1-20000)" */
static void say_segments(char *words, const char *verb, uint32_t first, uint32_t last,
                         uint64_t begin, uint64_t count)
{
    if (first == last)
        timeline_say(words, "%s segment %u (seq %" PRIu64 "-%" PRIu64 ")", verb, first, begin + 1,
                     begin + count);
    else
        timeline_say(words, "%s segments %u-%u (seq %" PRIu64 "-%" PRIu64 ")", verb, first, last,
                     begin + 1, begin + count);
}

static void send_tcp(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    struct timeline_socket *socket = &timeline->sockets[call->socket];
    uint64_t begin = socket->written, end = begin + (uint64_t)call->strace.result;
    uint32_t first = 0, last = 0;
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *segment = &timeline->sightings[i];
        if (segment->segment == 0 || segment->resent ||
            !is_segment_of(timeline, segment, socket, true))
            continue;
        uint64_t from = segment->seq - 1U, to = from + segment->packet.payload;
        if (to <= begin || from >= end)
            continue;
        if (first == 0)
            first = segment->segment;
        last = segment->segment;
        if (to <= end) /* its last byte is of this call */
            timeline_sent(timeline, number, i);
    }
    if (first != 0)
        say_segments(call->did, "→", first, last, begin, end - begin);
    socket->written = end;
}

/* Bytes that came out of their order, until the gap before them is filled. */
struct gap {
    uint64_t from, to;
};

enum { GAPS_MAX = 64 };

/* Takes a segment's bytes in. Returns up to where, from the start, nothing is missing. */
static uint64_t take_in(uint64_t whole, struct gap *gaps, size_t *count, uint64_t from, uint64_t to)
{
    if (from > whole) {
        if (*count < GAPS_MAX)
            gaps[(*count)++] = (struct gap){from, to};
        return whole;
    }
    if (to > whole)
        whole = to;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < *count; i++)
            if (gaps[i].from <= whole) {
                whole = gaps[i].to > whole ? gaps[i].to : whole;
                gaps[i] = gaps[--*count];
                again = true;
            }
    }
    return whole;
}

/*
 * Finds the arrival that made the byte behind `begin` readable, and the one that made the byte before
 * `end` so.
 */
static void find_arrivals(const struct timeline *timeline, struct timeline_call *call,
                          const struct timeline_socket *socket, uint64_t begin, uint64_t end)
{
    struct gap gaps[GAPS_MAX];
    size_t count = 0;
    uint64_t whole = 0;
    for (uint32_t i = 0; i < timeline->sighting_count && whole < end; i++) {
        const struct timeline_sighting *segment = &timeline->sightings[i];
        if (segment->packet.payload == 0 || !is_segment_of(timeline, segment, socket, false))
            continue;
        uint64_t from = segment->seq - 1U;
        whole = take_in(whole, gaps, &count, from, from + segment->packet.payload);
        if (call->got_first == TIMELINE_NONE && whole > begin)
            call->got_first = i;
        if (whole >= end)
            call->got_last = i;
    }
}

/* The number of the segment with a byte (from 0) in it; 0: not seen. */
static uint32_t segment_with(const struct timeline *timeline, const struct timeline_socket *socket,
                             uint64_t byte)
{
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *segment = &timeline->sightings[i];
        if (segment->segment != 0 && is_segment_of(timeline, segment, socket, false) &&
            segment->seq - 1U <= byte && byte < segment->seq - 1U + segment->packet.payload)
            return segment->segment;
    }
    return 0;
}

static void receive_tcp(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    struct timeline_socket *socket = &timeline->sockets[call->socket];
    if (call->strace.result == 0) {
        call->got_first = call->got_last = timeline_find(timeline, socket, false, TH_FIN, 0, 0);
        timeline_came(timeline, number, call->got_first);
        if (call->got_first != TIMELINE_NONE)
            timeline_say(call->got, "got FIN: no more will come");
        return;
    }
    uint64_t begin = socket->read, end = begin + (uint64_t)call->strace.result;
    find_arrivals(timeline, call, socket, begin, end);
    timeline_came(timeline, number, call->got_last);
    uint32_t first = segment_with(timeline, socket, begin);
    uint32_t last = segment_with(timeline, socket, end - 1);
    if (first != 0 && last != 0)
        say_segments(call->got, "got", first, last, begin, end - begin);
    if (!strace_contains(call->strace.arguments, "MSG_PEEK"))
        socket->read = end;
}

/* ---- UDP ------------------------------------------------------------------------------------- */

/* Bytes of a datagram, as its header has it: a first fragment carries fewer. */
static uint32_t datagram_size(const struct el_packet *packet)
{
    size_t at = packet->transport + 4U;
    uint32_t length = at + 2 <= packet->raw_length
                          ? (uint32_t)packet->raw[at] << 8 | packet->raw[at + 1]
                          : packet->payload + 8;
    return length >= 8 ? length - 8 : 0;
}

static bool is_datagram_of(const struct timeline_sighting *sighting,
                           const struct timeline_socket *socket, const struct el_address *peer,
                           bool leaves, uint32_t size)
{
    const struct el_packet *packet = &sighting->packet;
    const struct el_address *local = leaves ? &packet->source : &packet->destination;
    const struct el_address *remote = leaves ? &packet->destination : &packet->source;
    if (sighting->host != socket->host || sighting->leaves != leaves || !packet->whole ||
        packet->protocol != IPPROTO_UDP || sighting->claimed != TIMELINE_NONE ||
        datagram_size(packet) != size)
        return false;
    if (socket->local.length != 0 && el_address_port(local) != el_address_port(&socket->local))
        return false;
    return peer->length == 0 || el_address_equal(remote, peer);
}

/* One message of a call: its packet, or NONE. */
static uint32_t message(struct timeline *timeline, uint32_t number, const struct el_address *peer,
                        bool leaves, uint32_t size)
{
    struct timeline_call *call = &timeline->calls[number];
    const struct timeline_socket *socket = &timeline->sockets[call->socket];
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        struct timeline_sighting *sighting = &timeline->sightings[i];
        if (!is_datagram_of(sighting, socket, peer, leaves, size) ||
            (leaves && !timeline_may_cause(call, sighting)))
            continue;
        sighting->claimed = number;
        if (leaves)
            timeline_sent(timeline, number, i);
        else
            timeline_came(timeline, number, i);
        return i;
    }
    return TIMELINE_NONE;
}

/* The messages of sendmmsg and recvmmsg: each item has its address, and msg_len at its end. */
static unsigned messages(struct timeline *timeline, uint32_t number, bool leaves, uint32_t *first,
                         uint32_t *last)
{
    struct timeline_call *call = &timeline->calls[number];
    struct strace_text rest = call->strace.arguments;
    static const char key[] = ", msg_len="; /* not that of a control message, cmsg_len */
    const char *end = rest.at + rest.length, *length;
    unsigned found = 0;
    while ((int64_t)found < call->strace.result &&
           (length = memmem(rest.at, rest.length, key, sizeof key - 1)) != NULL) {
        struct strace_text item = {rest.at, (size_t)(length - rest.at)};
        length += sizeof key - 1;
        struct strace_text digits = {length, (size_t)(end - length)};
        struct el_address peer = {0};
        strace_sockaddr(item, &peer);
        int64_t size = strace_number(digits);
        uint32_t one =
            size < 0 ? TIMELINE_NONE : message(timeline, number, &peer, leaves, (uint32_t)size);
        found++;
        if (one != TIMELINE_NONE)
            *last = one;
        if (*first == TIMELINE_NONE)
            *first = one;
        rest = digits;
    }
    return found;
}

static void exchange_udp(struct timeline *timeline, uint32_t number, bool leaves)
{
    struct timeline_call *call = &timeline->calls[number];
    struct timeline_socket *socket = &timeline->sockets[call->socket];
    uint32_t first = TIMELINE_NONE, last = TIMELINE_NONE;
    unsigned count = 1;
    if (strstr(call->strace.name, "mmsg") != NULL) {
        count = messages(timeline, number, leaves, &first, &last);
    } else {
        struct el_address peer = socket->remote;
        strace_sockaddr(call->strace.arguments, &peer);
        first = last = message(timeline, number, &peer, leaves, (uint32_t)call->strace.result);
    }
    if (!leaves) {
        call->got_first = first;
        call->got_last = last;
    }
    if (first == TIMELINE_NONE)
        return;
    const struct el_packet *packet = &timeline->sightings[first].packet;
    bool dns = el_address_port(leaves ? &packet->destination : &packet->source) == 53;
    const char *what = dns && leaves ? "DNS question" : dns ? "DNS answer" : "datagram";
    char *words = leaves ? call->did : call->got;
    if (count == 1)
        timeline_say(words, "%s %s", leaves ? "→" : "got", what);
    else
        timeline_say(words, "%s %u %ss", leaves ? "→" : "got", count, what);
}

/* ---- both ------------------------------------------------------------------------------------ */

void timeline_explain_send(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    if (!call->strace.returned)
        return;
    if (call->strace.error[0] != '\0') {
        timeline_say(call->did, "sent nothing");
        timeline_failed(timeline, number);
    } else if (timeline->sockets[call->socket].protocol == IPPROTO_TCP) {
        send_tcp(timeline, number);
    } else {
        exchange_udp(timeline, number, true);
    }
}

void timeline_explain_receive(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    if (!call->strace.returned)
        return;
    if (strcmp(call->strace.error, "EAGAIN") == 0)
        timeline_say(call->got, "nothing there");
    else if (call->strace.error[0] != '\0' ||
             strace_contains(call->strace.arguments, "MSG_ERRQUEUE"))
        timeline_failed(timeline, number);
    else if (timeline->sockets[call->socket].protocol == IPPROTO_TCP)
        receive_tcp(timeline, number);
    else
        exchange_udp(timeline, number, false);
}
