/*
 * timeline_packets.c - the sightings of one packet find each other, and TCP's numbers get small.
 *
 * Teaches:  what makes two sightings the same packet: everything that a router does not change, and the
 *           TTL as it was on that stretch of wire (a router lowers it by one, so each hop pairs with
 *           itself): see lib/packet_identity.c [#two-sightings]. Equal packets do cross, a segment sent
 *           twice for one; then the n-th arrival is that of the n-th departure.
 * Also:     sequence numbers begin anywhere (RFC 9293 3.4.1); shown are distances from the SYN.
 * Leaves out: behind an address translation a packet counts as a new one; that it is the translated one
 *           is told by the router's own order.
 * Partner:  timeline.h; lib/packet_merge.c pairs in the same way, live.
 */
#include "timeline.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_TO_LOG (100 * EL_US)

/* ---- pairs ----------------------------------------------------------------------------------- */

/*
 * `exactly`: the bytes, too; else all but those, for a packet that was corrupted on its way. Then the
 * identification must tell them apart, which only IPv4 has.
 */
static bool same_packet(const struct el_packet *a, const struct el_packet *b, bool exactly)
{
    if (a->protocol != b->protocol || a->id != b->id || a->length != b->length ||
        a->fragment != b->fragment || a->ttl != b->ttl ||
        !el_address_equal(&a->source, &b->source) ||
        !el_address_equal(&a->destination, &b->destination))
        return false;
    return exactly ? a->checksum == b->checksum : a->id != 0;
}

struct key {
    uint64_t hash;
    uint32_t number;
};

static int by_hash(const void *a, const void *b)
{
    const struct key *first = a, *second = b;
    if (first->hash != second->hash)
        return first->hash > second->hash ? 1 : -1;
    return (first->number > second->number) - (first->number < second->number);
}

/* Packets that may be the same have the same hash: it leaves out what corruption may change. */
static uint64_t hash_of(const struct el_packet *packet)
{
    uint64_t hash = (uint64_t)packet->protocol << 56 ^ (uint64_t)packet->ttl << 48 ^
                    (uint64_t)packet->id << 16 ^ packet->length;
    return hash * 0x9e3779b97f4a7c15ULL;
}

/* Did a fault end a packet's way? Then no arrival is its. */
static bool was_dropped(const struct timeline *timeline, const struct timeline_sighting *departure)
{
    for (uint32_t i = departure->fate; i != TIMELINE_NONE; i = timeline->fates[i].next)
        if (strncmp(timeline->fates[i].packet.prefix, "drop", 4) == 0)
            return true;
    return false;
}

/* The departure that an arrival has come from: the first that has none yet, or else the last one. */
static uint32_t departure_for(const struct timeline *timeline, const struct key *keys, size_t first,
                              size_t end, const struct el_packet *packet, uint32_t host,
                              bool exactly, bool *again)
{
    uint32_t last = TIMELINE_NONE;
    for (size_t i = first; i < end; i++) {
        const struct timeline_sighting *other = &timeline->sightings[keys[i].number];
        if (!other->leaves || other->host == host ||
            !same_packet(&other->packet, packet, exactly) || was_dropped(timeline, other))
            continue;
        last = keys[i].number;
        if (other->partner == TIMELINE_NONE) {
            *again = false;
            return last;
        }
    }
    *again = true;
    return exactly ? last : TIMELINE_NONE;
}

static void pair_group(struct timeline *timeline, const struct key *keys, size_t first, size_t end)
{
    for (int exactly = 1; exactly >= 0; exactly--)
        for (size_t i = first; i < end; i++) {
            struct timeline_sighting *arrival = &timeline->sightings[keys[i].number];
            bool again;
            if (arrival->leaves || arrival->partner != TIMELINE_NONE)
                continue;
            uint32_t departure = departure_for(timeline, keys, first, end, &arrival->packet,
                                               arrival->host, exactly, &again);
            if (departure == TIMELINE_NONE)
                continue;
            arrival->partner = departure;
            arrival->again = again;
            if (!again)
                timeline->sightings[departure].partner = keys[i].number;
        }
}

/* A fate belongs to the first departure of that packet that this rule has not had yet. */
static void give_fate(struct timeline *timeline, uint32_t number, const struct key *keys,
                      size_t first, size_t end)
{
    struct timeline_fate *fate = &timeline->fates[number];
    for (size_t i = first; i < end && fate->departure == TIMELINE_NONE; i++) {
        struct timeline_sighting *other = &timeline->sightings[keys[i].number];
        if (!other->leaves || !same_packet(&other->packet, &fate->packet, true))
            continue;
        uint32_t *link = &other->fate;
        bool had = false;
        for (; *link != TIMELINE_NONE; link = &timeline->fates[*link].next)
            had |= timeline->fates[*link].packet.mark == fate->packet.mark;
        if (had)
            continue;
        *link = number;
        fate->departure = keys[i].number;
    }
}

static void pair_all(struct timeline *timeline)
{
    size_t count = timeline->sighting_count;
    struct key *keys = calloc(count + 1, sizeof *keys);
    if (keys == NULL) {
        timeline->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (struct key){hash_of(&timeline->sightings[i].packet), i};
    qsort(keys, count, sizeof *keys, by_hash);
    for (uint32_t i = 0; i < timeline->fate_count; i++) {
        timeline->fates[i].departure = timeline->fates[i].next = TIMELINE_NONE;
        uint64_t hash = hash_of(&timeline->fates[i].packet);
        size_t first = 0, end = count; /* binary search for the first of this hash */
        while (first < end) {
            size_t middle = first + (end - first) / 2;
            if (keys[middle].hash < hash)
                first = middle + 1;
            else
                end = middle;
        }
        for (end = first; end < count && keys[end].hash == hash;)
            end++;
        give_fate(timeline, i, keys, first, end);
    }
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && keys[end].hash == keys[first].hash;)
            end++;
        pair_group(timeline, keys, first, end);
    }
    free(keys);
}

/* ---- streams --------------------------------------------------------------------------------- */

uint32_t timeline_stream(const struct timeline *timeline, const struct timeline_stream *like)
{
    /* The latest: ports are used again, and a new SYN makes a new stream. */
    for (uint32_t i = (uint32_t)timeline->stream_count; i-- > 0;) {
        const struct timeline_stream *stream = &timeline->streams[i];
        if (stream->host == like->host && stream->protocol == like->protocol &&
            stream->leaves == like->leaves && el_address_equal(&stream->source, &like->source) &&
            el_address_equal(&stream->destination, &like->destination))
            return i;
    }
    return TIMELINE_NONE;
}

static uint32_t stream_of(struct timeline *timeline, const struct timeline_sighting *sighting)
{
    const struct el_packet *packet = &sighting->packet;
    struct timeline_stream like = {.host = sighting->host,
                                   .protocol = packet->protocol,
                                   .leaves = sighting->leaves,
                                   .source = packet->source,
                                   .destination = packet->destination};
    bool syn = packet->protocol == IPPROTO_TCP && packet->whole && (packet->tcp_flags & TH_SYN);
    uint32_t found = timeline_stream(timeline, &like);
    if (found != TIMELINE_NONE && !(syn && timeline->streams[found].has_first &&
                                    timeline->streams[found].first != packet->seq))
        return found;
    uint32_t number = timeline_add(timeline, stream);
    if (number != TIMELINE_NONE) {
        like.has_first = syn;
        like.first = syn ? packet->seq : 0;
        like.initiates = syn && !(packet->tcp_flags & TH_ACK) && sighting->leaves &&
                         !timeline->forwards[sighting->host] &&
                         timeline_host_at(timeline, &packet->source) == sighting->host;
        timeline->connections += like.initiates;
        timeline->streams[number] = like;
    }
    return number;
}

/* How many sequence numbers a segment takes. */
static uint32_t size_of(const struct el_packet *packet)
{
    return packet->payload + !!(packet->tcp_flags & TH_SYN) + !!(packet->tcp_flags & TH_FIN);
}

/* The data segment before `number` in the same stream that begins at the same place, or NONE. */
static uint32_t first_sent(const struct timeline *timeline, uint32_t number)
{
    const struct timeline_sighting *segment = &timeline->sightings[number];
    for (uint32_t i = 0; i < number; i++)
        if (timeline->sightings[i].stream == segment->stream &&
            timeline->sightings[i].seq == segment->seq && timeline->sightings[i].segment > 0)
            return i;
    return TIMELINE_NONE;
}

/* Sequence numbers wrap around: which is later is told by the sign of the difference (RFC 9293 3.4). */
static bool behind(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static void number_segment(struct timeline *timeline, uint32_t number)
{
    struct timeline_sighting *sighting = &timeline->sightings[number];
    const struct el_packet *packet = &sighting->packet;
    struct timeline_stream *stream = &timeline->streams[sighting->stream];
    uint32_t size = size_of(packet);
    sighting->seq = packet->seq - stream->first;
    struct timeline_stream back = {.host = sighting->host,
                                   .protocol = IPPROTO_TCP,
                                   .leaves = !sighting->leaves,
                                   .source = packet->destination,
                                   .destination = packet->source};
    uint32_t other = timeline_stream(timeline, &back);
    if (packet->tcp_flags & TH_ACK)
        sighting->ack = packet->ack - (other == TIMELINE_NONE ? 0 : timeline->streams[other].first);
    bool begun = stream->end != 0 || stream->segments > 0;
    bool seen = size > 0 && begun && !behind(sighting->seq + size, stream->end);
    if (size > 0 && !seen)
        stream->end = sighting->seq + size;
    sighting->resent = seen && sighting->leaves;
    if (packet->payload == 0)
        return;
    uint32_t original = seen ? first_sent(timeline, number) : TIMELINE_NONE;
    if (!sighting->leaves && sighting->partner != TIMELINE_NONE) {
        const struct timeline_sighting *departure = &timeline->sightings[sighting->partner];
        sighting->segment = departure->segment;
        sighting->resent = departure->resent;
    } else {
        sighting->segment =
            original != TIMELINE_NONE ? timeline->sightings[original].segment : ++stream->segments;
    }
}

/* Did a later departure of the same stream arrive before? `last`: of this stream, what came last. */
static void note_overtaken(struct timeline *timeline)
{
    uint32_t *last = calloc(timeline->stream_count + 1, sizeof *last);
    if (last == NULL) {
        timeline->failed = true;
        return;
    }
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        struct timeline_sighting *arrival = &timeline->sightings[i];
        if (arrival->leaves || arrival->partner == TIMELINE_NONE || arrival->again ||
            arrival->stream == TIMELINE_NONE)
            continue;
        uint32_t *before = &last[arrival->stream];
        if (arrival->partner + 1 < *before)
            arrival->overtaken = true;
        else
            *before = arrival->partner + 1;
    }
    free(last);
}

bool timeline_quoted(const struct el_packet *packet, struct el_packet *original)
{
    size_t at = packet->transport + 8U;
    *original = (struct el_packet){0};
    return (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6) &&
           packet->whole && at < packet->raw_length &&
           el_packet_decode(packet->raw + at, packet->raw_length - at, original) == 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void add_events(struct timeline *timeline)
{
    uint32_t last[TIMELINE_HOSTS];
    for (size_t i = 0; i < TIMELINE_HOSTS; i++)
        last[i] = TIMELINE_NONE;
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        struct timeline_sighting *sighting = &timeline->sightings[i];
        sighting->event =
            timeline_event_add(timeline, sighting->leaves ? TIMELINE_LEAVE : TIMELINE_ARRIVE,
                               sighting->host, i, sighting->latest, sighting->packet.stamp == 0);
        timeline_edge_add(timeline, last[sighting->host], sighting->event, false);
        last[sighting->host] = sighting->event;
    }
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (!timeline->sightings[i].leaves && timeline->sightings[i].partner != TIMELINE_NONE)
            timeline_edge_add(timeline, timeline->sightings[timeline->sightings[i].partner].event,
                              timeline->sightings[i].event, false);
    for (uint32_t i = 0; i < timeline->fate_count; i++) {
        struct timeline_fate *fate = &timeline->fates[i];
        fate->event =
            timeline_event_add(timeline, TIMELINE_FATE, fate->host, i, fate->packet.at, true);
        if (fate->departure == TIMELINE_NONE)
            continue;
        const struct timeline_sighting *departure = &timeline->sightings[fate->departure];
        timeline_edge_add(timeline, departure->event, fate->event, false);
        if (departure->partner != TIMELINE_NONE)
            timeline_edge_add(timeline, fate->event, timeline->sightings[departure->partner].event,
                              false);
    }
}

/*
 * A departure that was heard of late left before its packet arrived, and not after what its host logged
 * next (but for the moment between the stamp of an arrival and its place in the log).
 */
static void bound_departures(struct timeline *timeline)
{
    el_time next[TIMELINE_HOSTS];
    for (size_t i = 0; i < TIMELINE_HOSTS; i++)
        next[i] = EL_NEVER;
    for (uint32_t i = (uint32_t)timeline->sighting_count; i-- > 0;) {
        struct timeline_sighting *sighting = &timeline->sightings[i];
        el_time *bound = &next[sighting->host];
        if (sighting->leaves && sighting->partner != TIMELINE_NONE &&
            timeline->sightings[sighting->partner].latest < sighting->latest)
            sighting->latest = timeline->sightings[sighting->partner].latest;
        if (sighting->leaves && *bound < sighting->latest)
            sighting->latest = *bound;
        if (sighting->latest + STAMP_TO_LOG < *bound)
            *bound = sighting->latest + STAMP_TO_LOG;
    }
}

void timeline_packets_link(struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        struct timeline_sighting *sighting = &timeline->sightings[i];
        sighting->partner = sighting->fate = sighting->claimed = sighting->stream = TIMELINE_NONE;
        sighting->leaves = el_packet_leaves(&sighting->packet);
        timeline->forwards[sighting->host] |= sighting->packet.hook == NF_INET_PRE_ROUTING;
        sighting->latest =
            sighting->packet.stamp != 0 ? sighting->packet.stamp : sighting->packet.at;
    }
    pair_all(timeline);
    /* Departures first: an arrival takes its segment's number from its departure. */
    for (int leaves = 1; leaves >= 0; leaves--)
        for (uint32_t i = 0; i < timeline->sighting_count; i++) {
            struct timeline_sighting *sighting = &timeline->sightings[i];
            if (sighting->leaves != leaves || !sighting->packet.whole)
                continue;
            sighting->stream = stream_of(timeline, sighting);
        }
    for (int leaves = 1; leaves >= 0; leaves--)
        for (uint32_t i = 0; i < timeline->sighting_count; i++)
            if (timeline->sightings[i].leaves == leaves &&
                timeline->sightings[i].stream != TIMELINE_NONE &&
                timeline->sightings[i].packet.protocol == IPPROTO_TCP)
                number_segment(timeline, i);
    note_overtaken(timeline);
    bound_departures(timeline);
    add_events(timeline);
}
