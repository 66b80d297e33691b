/*
 * timeline_states.c - the states of TCP endpoints: as the kernel told them, or worked out.
 *
 * Teaches:  RFC 9293 figure 5, as a table that is short because it is asked only one way: an endpoint
 *           in this state sees this segment leave or arrive; which state is it in then? For root the
 *           tracepoint sock:inet_sock_set_state tells what the kernel did; without it the segments tell
 *           what it must have done. A timeline says which of the two it shows. [#states-from-packets]
 * Leaves out: the connections that a router itself has, and what a time-out ends (TIME_WAIT, a SYN that
 *           was given up): no packet tells.
 * Partner:  timeline.h
 */
#include "timeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {"CLOSED",     "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
                                          "FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSED",
                                          "CLOSE_WAIT", "LAST_ACK",    "LISTEN",    "CLOSING",
                                          "SYN_RECV"}; /* NEW_SYN_RECV: half of one */

enum { CLOSED = 0 }; /* the others are TCP_ESTABLISHED ... of netinet/tcp.h */

/* ---- recorded -------------------------------------------------------------------------------- */

/* The word behind " KEY=" in a line of the tracepoint, cut at the blank. False: not there. */
static bool field(const char *line, const char *key, char *value, size_t size)
{
    const char *found = strstr(line, key);
    if (found == NULL)
        return false;
    found += strlen(key);
    size_t length = strcspn(found, " \n");
    if (length == 0 || length >= size)
        return false;
    memcpy(value, found, length);
    value[length] = '\0';
    return true;
}

static const char *state_named(const char *word)
{
    static const struct {
        const char *kernel;
        int state;
    } names[] = {{"TCP_ESTABLISHED", TCP_ESTABLISHED}, {"TCP_SYN_SENT", TCP_SYN_SENT},
                 {"TCP_SYN_RECV", TCP_SYN_RECV},       {"TCP_FIN_WAIT1", TCP_FIN_WAIT1},
                 {"TCP_FIN_WAIT2", TCP_FIN_WAIT2},     {"TCP_TIME_WAIT", TCP_TIME_WAIT},
                 {"TCP_CLOSE_WAIT", TCP_CLOSE_WAIT},   {"TCP_LAST_ACK", TCP_LAST_ACK},
                 {"TCP_LISTEN", TCP_LISTEN},           {"TCP_CLOSING", TCP_CLOSING},
                 {"TCP_NEW_SYN_RECV", TCP_SYN_RECV},   {"TCP_CLOSE", CLOSED}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(word, names[i].kernel) == 0)
            return state_names[names[i].state];
    return NULL;
}

/* "saddr=10.77.0.2 ... saddrv6=::ffff:10.77.0.2": the one of the socket's family. */
static bool end_of(const char *line, bool v6, const char *address, const char *address6,
                   const char *port, struct el_address *end)
{
    char host[64], number[8];
    return field(line, v6 ? address6 : address, host, sizeof host) &&
           field(line, port, number, sizeof number) &&
           el_address_from_literal(host, (uint16_t)strtoul(number, NULL, 10), end) == 0;
}

/* "  1234.567890: inet_sock_set_state: ", with trace_clock mono: seconds since boot. */
static bool time_of(const char *line, el_time *at)
{
    const char *name = strstr(line, ": inet_sock_set_state: ");
    const char *begin = name;
    while (begin != NULL && begin > line && begin[-1] != ' ')
        begin--;
    int64_t seconds, micros;
    if (begin == NULL || sscanf(begin, "%" SCNd64 ".%6" SCNd64 ":", &seconds, &micros) != 2 ||
        seconds < 0 || micros < 0 || seconds > TIMELINE_LATEST / EL_S - 1)
        return false;
    *at = seconds * EL_S + micros * EL_US;
    return true;
}

int timeline_states_line(struct timeline *timeline, const char *line)
{
    struct timeline_state state = {.sighting = TIMELINE_NONE, .event = TIMELINE_NONE};
    char word[32];
    if (!time_of(line, &state.at) || !field(line, " family=", word, sizeof word))
        return -EBADMSG;
    bool v6 = strcmp(word, "AF_INET6") == 0;
    if (!end_of(line, v6, " saddr=", " saddrv6=", " sport=", &state.local) ||
        !end_of(line, v6, " daddr=", " daddrv6=", " dport=", &state.remote) ||
        !field(line, " oldstate=", word, sizeof word) ||
        (state.before = state_named(word)) == NULL ||
        !field(line, " newstate=", word, sizeof word) || (state.after = state_named(word)) == NULL)
        return -EBADMSG;
    if (!field(line, " protocol=", word, sizeof word) || strcmp(word, "IPPROTO_TCP") != 0)
        return 0;
    state.host = timeline_host_at(timeline, &state.local);
    if (state.host == TIMELINE_NONE || strcmp(state.after, "LISTEN") == 0)
        return 0; /* another world's, or a server that was there before */
    if (timeline->state_count == TIMELINE_STATES) {
        timeline->beyond++;
        return 0;
    }
    uint32_t number = timeline_add(timeline, state);
    if (number != TIMELINE_NONE)
        timeline->states[number] = state;
    return 0;
}

/* ---- worked out ------------------------------------------------------------------------------ */

/* One end of a connection. */
struct endpoint {
    uint32_t host;
    struct el_address local, remote;
    int state;
    uint32_t fin; /* its own FIN's number and one, relative; 0: not sent */
};

/* What state an endpoint is in after a segment (RFC 9293 3.10). `leaves`: it is its own. */
static int after_segment(struct endpoint *end, const struct timeline_sighting *segment)
{
    uint8_t flags = segment->packet.tcp_flags;
    bool fin = flags & TH_FIN, ack = flags & TH_ACK, syn = flags & TH_SYN;
    if (flags & TH_RST)
        return CLOSED;
    if (segment->leaves) {
        if (syn)
            return ack ? TCP_SYN_RECV : TCP_SYN_SENT;
        if (!fin)
            return end->state;
        end->fin = segment->seq + segment->packet.payload + 1;
        if (end->state == TCP_ESTABLISHED || end->state == TCP_SYN_RECV)
            return TCP_FIN_WAIT1;
        return end->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : end->state;
    }
    bool acked = ack && end->fin != 0 && (int32_t)(segment->ack - end->fin) >= 0;
    switch (end->state) {
    case TCP_SYN_SENT:
        return syn && ack ? TCP_ESTABLISHED : syn ? TCP_SYN_RECV : end->state;
    case TCP_SYN_RECV:
        return fin ? TCP_CLOSE_WAIT : ack && !syn ? TCP_ESTABLISHED : end->state;
    case TCP_ESTABLISHED:
        return fin ? TCP_CLOSE_WAIT : end->state;
    case TCP_FIN_WAIT1:
        if (fin)
            return acked ? TCP_TIME_WAIT : TCP_CLOSING;
        return acked ? TCP_FIN_WAIT2 : end->state;
    case TCP_FIN_WAIT2:
        return fin ? TCP_TIME_WAIT : end->state;
    case TCP_CLOSING:
        return acked ? TCP_TIME_WAIT : end->state;
    case TCP_LAST_ACK:
        return acked ? CLOSED : end->state;
    default:
        return end->state;
    }
}

/*
 * Is a segment at the end of its connection? A router that translates addresses sends from its own, but
 * it only forwards.
 */
static bool at_its_end(const struct timeline *timeline, const struct timeline_sighting *segment)
{
    const struct el_packet *packet = &segment->packet;
    return packet->protocol == IPPROTO_TCP && packet->whole && !timeline->forwards[segment->host] &&
           timeline_host_at(timeline, segment->leaves ? &packet->source : &packet->destination) ==
               segment->host;
}

enum { ENDPOINTS_MAX = 512 };

static struct endpoint *endpoint_of(struct endpoint *ends, size_t *count,
                                    const struct timeline_sighting *segment)
{
    const struct el_packet *packet = &segment->packet;
    const struct el_address *local = segment->leaves ? &packet->source : &packet->destination;
    const struct el_address *remote = segment->leaves ? &packet->destination : &packet->source;
    for (size_t i = 0; i < *count; i++)
        if (ends[i].host == segment->host && el_address_equal(&ends[i].local, local) &&
            el_address_equal(&ends[i].remote, remote))
            return &ends[i];
    if (*count == ENDPOINTS_MAX)
        return NULL;
    ends[*count] = (struct endpoint){segment->host, *local, *remote, CLOSED, 0};
    return &ends[(*count)++];
}

static void add_derived(struct timeline *timeline, const struct endpoint *end, int state,
                        uint32_t number)
{
    uint32_t added =
        timeline->state_count == TIMELINE_STATES ? TIMELINE_NONE : timeline_add(timeline, state);
    if (added == TIMELINE_NONE) {
        timeline->beyond++;
        return;
    }
    /* Only one that listens answers a SYN. */
    bool listened = end->state == CLOSED && state == TCP_SYN_RECV;
    timeline->states[added] =
        (struct timeline_state){.host = end->host,
                                .local = end->local,
                                .remote = end->remote,
                                .before = listened ? "LISTEN" : state_names[end->state],
                                .after = state_names[state],
                                .at = TIMELINE_AT_ONCE,
                                .sighting = number,
                                .event = TIMELINE_NONE};
}

static void derive(struct timeline *timeline)
{
    struct endpoint *ends = calloc(ENDPOINTS_MAX, sizeof *ends);
    size_t count = 0;
    timeline->failed |= ends == NULL;
    for (uint32_t i = 0; ends != NULL && i < timeline->sighting_count; i++) {
        const struct timeline_sighting *segment = &timeline->sightings[i];
        if (!at_its_end(timeline, segment))
            continue;
        struct endpoint *end = endpoint_of(ends, &count, segment);
        int state = end == NULL ? CLOSED : after_segment(end, segment);
        if (end == NULL || state == end->state)
            continue;
        add_derived(timeline, end, state, i);
        end->state = state;
        if (state == TCP_SYN_SENT || state == TCP_SYN_RECV)
            end->fin = 0;
    }
    free(ends);
}

static bool same_ends(const struct timeline_state *state, const struct el_address *one,
                      const struct el_address *other)
{
    return el_address_equal(&state->local, one) && el_address_equal(&state->remote, other);
}

/* A socket that has no port yet tells little: it is ours only while a connect of ours is under way. */
static bool is_connecting(const struct timeline *timeline, const struct timeline_state *state)
{
    for (size_t i = 0; i < timeline->call_count; i++) {
        const struct timeline_call *call = &timeline->calls[i];
        if (call->role == TIMELINE_CONNECT && call->host == state->host &&
            call->socket != TIMELINE_NONE && state->at >= call->at &&
            (call->back == 0 || state->at <= call->latest) &&
            timeline->sockets[call->socket].protocol == IPPROTO_TCP &&
            el_address_equal(&timeline->sockets[call->socket].remote, &state->remote))
            return true;
    }
    return false;
}

/*
 * The tracepoint tells of every network namespace, and another world may have the same addresses: what
 * is ours is of a connection that our packets or calls know. [#whose-state]
 */
static bool is_ours(const struct timeline *timeline, const struct timeline_state *state)
{
    if (el_address_port(&state->local) == 0)
        return is_connecting(timeline, state);
    for (size_t i = 0; i < timeline->stream_count; i++) {
        const struct timeline_stream *stream = &timeline->streams[i];
        if (stream->host == state->host &&
            (same_ends(state, &stream->source, &stream->destination) ||
             same_ends(state, &stream->destination, &stream->source)))
            return true;
    }
    for (size_t i = 0; i < timeline->socket_count; i++) {
        const struct timeline_socket *socket = &timeline->sockets[i];
        if (socket->host == state->host && socket->protocol == IPPROTO_TCP &&
            el_address_equal(&socket->remote, &state->remote) &&
            el_address_equal(&socket->local, &state->local))
            return true;
    }
    return false;
}

void timeline_states_link(struct timeline *timeline)
{
    if (!timeline->states_traced && timeline->state_count == 0)
        derive(timeline);
    for (uint32_t i = 0; i < timeline->state_count; i++) {
        struct timeline_state *state = &timeline->states[i];
        if (state->sighting == TIMELINE_NONE &&
            (state->at < timeline->zero || !is_ours(timeline, state)))
            continue;
        state->event =
            timeline_event_add(timeline, TIMELINE_STATE, state->host, i, state->at, false);
        for (uint32_t j = i; j-- > 0;) /* an endpoint's states follow each other */
            if (timeline->states[j].host == state->host &&
                el_address_equal(&timeline->states[j].local, &state->local) &&
                el_address_equal(&timeline->states[j].remote, &state->remote)) {
                timeline_edge_add(timeline, timeline->states[j].event, state->event, false);
                break;
            }
        if (state->sighting == TIMELINE_NONE)
            continue;
        /* Right behind its packet, and before the host's next. */
        uint32_t packet = state->sighting;
        timeline_edge_add(timeline, timeline->sightings[packet].event, state->event, false);
        while (++packet < timeline->sighting_count)
            if (timeline->sightings[packet].host == state->host) {
                timeline_edge_add(timeline, state->event, timeline->sightings[packet].event, true);
                break;
            }
    }
}
