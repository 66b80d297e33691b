/*
 * timeline_cause.c - which call made which packet leave, and which packet let which call return.
 *
 * Teaches:  what is *certain* about a call and the wire. A segment left after the call that wrote its
 *           last byte had begun. read(2) returned n bytes after the segment with the last of them had
 *           arrived; connect(2) returned 0 after the SYN-ACK, accept(2) after the handshake's ACK,
 *           read(2) 0 after the FIN. Those are hard edges (timeline_order.c [#hard-edges]). That a
 *           packet left while the call that sent it was in the kernel is only likely: TCP may send a
 *           written byte much later. [#certain-and-likely]
 * How:      bytes are counted. The k-th byte that a socket's calls have written is the byte with the
 *           sequence number k behind the SYN; which segment had it is in the packet log.
 *           Bookkeeping may begin in the middle (strace attached to a running server), so an edge that
 *           contradicts the stamps is not believed: `may_cause` and `may_follow` ask first.
 * Partner:  timeline.h; timeline_effect.c does sends and receives.
 */
#include "timeline_cause.h"

#include "timeline_rows.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

/* ---- edges that are believed ----------------------------------------------------------------- */

#define IN_CALL                                                                                    \
    EL_MS /* a departure that was heard of so soon after a return is taken for its doing */

bool timeline_may_cause(const struct timeline_call *call, const struct timeline_sighting *departure)
{
    return departure->latest >= call->at;
}

void timeline_sent(struct timeline *timeline, uint32_t number, uint32_t sighting)
{
    struct timeline_call *call = &timeline->calls[number];
    struct timeline_sighting *departure = &timeline->sightings[sighting];
    if (departure->claimed == TIMELINE_NONE)
        departure->claimed = number;
    if (!timeline_may_cause(call, departure))
        return;
    timeline_edge_infer(timeline, call->entry, departure->event);
    if (call->back == 0)
        return;
    bool vague = departure->partner == TIMELINE_NONE && departure->latest - call->back < IN_CALL;
    if (departure->latest > call->latest && !vague)
        return; /* the thread was elsewhere already: TCP sent it later */
    if (departure->latest > call->latest)
        timeline->events[departure->event].at = departure->latest = call->latest;
    /* A SYN and a datagram go to the interface before the call returns; strace's duration begins late, so
     * the return that it implies can be too early. Only TCP's data may wait for an acknowledgement. */
    bool at_once = call->role == TIMELINE_CONNECT || departure->packet.protocol == IPPROTO_UDP;
    if (at_once && call->exit != TIMELINE_NONE && departure->latest > call->back)
        timeline->events[call->exit].at = call->back = departure->latest;
    timeline_edge_add(timeline, departure->event, call->exit, true);
}

void timeline_came(struct timeline *timeline, uint32_t number, uint32_t sighting)
{
    struct timeline_call *call = &timeline->calls[number];
    if (sighting == TIMELINE_NONE || call->back == 0)
        return;
    const struct timeline_sighting *arrival = &timeline->sightings[sighting];
    bool may_follow = arrival->packet.stamp == 0 || arrival->latest <= call->latest;
    if (may_follow)
        timeline_edge_infer(timeline, arrival->event, call->exit);
}

void timeline_say(char *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, TIMELINE_WORDS / 2, format, arguments);
    va_end(arguments);
}

/* ---- packets of a socket --------------------------------------------------------------------- */

uint32_t timeline_find(const struct timeline *timeline, const struct timeline_socket *socket,
                       bool leaves, uint8_t with, uint8_t without, uint32_t from)
{
    const struct el_address *source = leaves ? &socket->local : &socket->remote;
    const struct el_address *destination = leaves ? &socket->remote : &socket->local;
    for (uint32_t i = from; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *sighting = &timeline->sightings[i];
        const struct el_packet *packet = &sighting->packet;
        if (sighting->host == socket->host && sighting->leaves == leaves && packet->whole &&
            packet->protocol == IPPROTO_TCP && (packet->tcp_flags & with) == with &&
            (packet->tcp_flags & without) == 0 && el_address_equal(&packet->source, source) &&
            el_address_equal(&packet->destination, destination))
            return i;
    }
    return TIMELINE_NONE;
}

/* The first ICMP error about what a socket sent that no call has been given yet, or NONE. */
static uint32_t find_error(const struct timeline *timeline, const struct timeline_socket *socket,
                           el_time latest)
{
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *sighting = &timeline->sightings[i];
        struct el_packet original;
        if (sighting->host == socket->host && !sighting->leaves &&
            sighting->claimed == TIMELINE_NONE && sighting->latest <= latest &&
            timeline_quoted(&sighting->packet, &original) &&
            original.protocol == socket->protocol &&
            el_address_port(&original.source) == el_address_port(&socket->local) &&
            (socket->remote.length == 0 ||
             el_address_equal(&original.destination, &socket->remote)))
            return i;
    }
    return TIMELINE_NONE;
}

uint32_t timeline_bad_news(const struct timeline *timeline, uint32_t number,
                           const struct timeline_socket *socket, char *name, size_t size)
{
    const struct timeline_call *call = &timeline->calls[number];
    uint32_t found = TIMELINE_NONE;
    if (socket->protocol == IPPROTO_TCP)
        found = timeline_find(timeline, socket, false, TH_RST, 0, 0);
    if (found != TIMELINE_NONE) {
        snprintf(name, size, "RST");
        return found;
    }
    found = find_error(timeline, socket, call->latest);
    if (found != TIMELINE_NONE)
        timeline_packet_words(timeline, found, 3, name, size);
    return found;
}

void timeline_failed(struct timeline *timeline, uint32_t number)
{
    static const char *const errors[] = {"ECONNREFUSED", "ECONNRESET", "EPIPE",  "EHOSTUNREACH",
                                         "ENETUNREACH",  "EMSGSIZE",   "EACCES", "EPROTO"};
    struct timeline_call *call = &timeline->calls[number];
    char name[TIMELINE_WORDS / 4];
    bool told =
        strstr(call->strace.name, "recv") != NULL && call->strace.result >= 0; /* by MSG_ERRQUEUE */
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        told |= strcmp(call->strace.error, errors[i]) == 0;
    if (!told)
        return;
    uint32_t found =
        timeline_bad_news(timeline, number, &timeline->sockets[call->socket], name, sizeof name);
    if (found == TIMELINE_NONE)
        return;
    timeline_came(timeline, number, found);
    if (timeline->sightings[found].packet.protocol != IPPROTO_TCP)
        timeline->sightings[found].claimed = number;
    call->got_first = call->got_last = found;
    timeline_say(call->got, "after %s", name);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* The SYN that a connect sent: the first one to that address, from then on, that nobody has claimed. */
static uint32_t syn_of(const struct timeline *timeline, const struct timeline_call *call)
{
    struct timeline_socket like = timeline->sockets[call->socket];
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *sighting = &timeline->sightings[i];
        const struct el_packet *packet = &sighting->packet;
        if (sighting->host == call->host && sighting->leaves && packet->whole &&
            packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (TH_SYN | TH_ACK)) == TH_SYN &&
            !sighting->resent && sighting->claimed == TIMELINE_NONE &&
            el_address_equal(&packet->destination, &like.remote) &&
            (like.local.length == 0 || el_address_equal(&packet->source, &like.local) ||
             (el_address_is_any(&like.local) && /* what getsockname says after a failure */
              el_address_port(&packet->source) == el_address_port(&like.local))) &&
            timeline_may_cause(call, sighting) &&
            (call->back == 0 || sighting->latest - call->latest < IN_CALL))
            return i;
    }
    return TIMELINE_NONE;
}

static void connect_udp(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    const struct timeline_socket *socket = &timeline->sockets[call->socket];
    for (uint32_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *sighting = &timeline->sightings[i];
        if (sighting->host == call->host && sighting->leaves && socket->local.length != 0 &&
            el_address_equal(&sighting->packet.source, &socket->local) &&
            sighting->latest >= call->at && sighting->latest <= call->latest)
            return; /* something left meanwhile: "nothing" would be too much to say */
    }
    timeline_say(call->did, "sent nothing");
}

/* Is any packet between the two ends of a socket in the log? Ports that no rule logs are not. */
static bool is_logged(const struct timeline *timeline, const struct timeline_socket *socket)
{
    return timeline_find(timeline, socket, true, 0, 0, 0) != TIMELINE_NONE ||
           timeline_find(timeline, socket, false, 0, 0, 0) != TIMELINE_NONE;
}

/* Errors that connect(2) finds on its own host: "sent nothing" needs no packet log then. */
static bool is_local_error(const char *error)
{
    static const char *const errors[] = {"EADDRNOTAVAIL", "ENETUNREACH",  "EINVAL",     "EPERM",
                                         "EACCES",        "EAFNOSUPPORT", "EADDRINUSE", "EISCONN"};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strcmp(error, errors[i]) == 0)
            return true;
    return false;
}

static void connect_tcp(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    struct timeline_socket *socket = &timeline->sockets[call->socket];
    uint32_t syn = syn_of(timeline, call);
    if (syn != TIMELINE_NONE) {
        socket->local = timeline->sightings[syn].packet.source;
        timeline_sent(timeline, number, syn);
        timeline_say(call->did, "→ SYN");
        if (timeline->connections > 1)
            timeline_say(call->did, "→ SYN :%u", el_address_port(&socket->local));
    } else if (is_local_error(call->strace.error)) {
        timeline_say(call->did, "sent nothing");
        return;
    }
    if (strcmp(call->strace.error, "EINPROGRESS") == 0) {
        socket->connecting = true;
        socket->connect = number;
        timeline_say(call->got, "not connected yet");
    } else if (call->strace.returned && call->strace.result == 0 && syn != TIMELINE_NONE) {
        call->got_first = timeline_find(timeline, socket, false, TH_SYN | TH_ACK, 0, 0);
        timeline_came(timeline, number, call->got_first);
        if (call->got_first != TIMELINE_NONE)
            timeline_say(call->got, "after SYN-ACK");
    } else {
        timeline_failed(timeline, number);
    }
}

static void explain_accept(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    struct strace_socket made;
    if (strcmp(call->strace.error, "EAGAIN") == 0)
        timeline_say(call->got, "nobody else");
    if (!call->strace.returned || !strace_socket(call->strace.result_text, &made) ||
        made.remote.length == 0)
        return;
    struct timeline_socket like = {.host = call->host, .local = made.local, .remote = made.remote};
    uint32_t found = timeline_find(timeline, &like, false, TH_ACK, TH_SYN, 0);
    const char *what = "after the handshake's ACK";
    if (found == TIMELINE_NONE) {
        found = timeline_find(timeline, &like, false, TH_SYN, 0, 0);
        what = "after SYN";
    }
    call->got_first = call->got_last = found;
    timeline_came(timeline, number, found);
    if (found != TIMELINE_NONE)
        timeline_say(call->got, "%s", what);
}

/*
 * Is a socket used after a close of it, before its FIN left? Then another process has it, too (a server
 * that forks), and the close only took away one of its descriptors. [#one-of-its-descriptors]
 */
static bool used_later(const struct timeline *timeline, uint32_t number, el_time fin)
{
    for (size_t i = number + 1; i < timeline->call_count; i++)
        if (timeline->calls[i].at <= fin &&
            timeline->calls[i].socket == timeline->calls[number].socket)
            return true;
    return false;
}

/* shutdown(2) and close(2). */
static void explain_close(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    struct timeline_socket *socket = &timeline->sockets[call->socket];
    bool close = call->role == TIMELINE_CLOSE;
    if (!call->strace.returned || call->strace.error[0] != '\0')
        return;
    bool connected = socket->remote.length != 0 && socket->local.length != 0;
    if (socket->protocol == IPPROTO_TCP && connected && !is_logged(timeline, socket))
        return; /* nobody can tell */
    timeline_say(call->did, "sent nothing");
    if (socket->protocol != IPPROTO_TCP || !connected)
        return;
    if (!close && strace_contains(call->strace.arguments, "SHUT_RD)"))
        return;
    uint32_t fin = timeline_find(timeline, socket, true, TH_FIN, 0, 0);
    uint32_t reset = timeline_find(timeline, socket, true, TH_RST, 0, 0);
    if (fin != TIMELINE_NONE && socket->fin_claimed) {
        timeline_say(call->did, "sent nothing: FIN went with shutdown");
    } else if (fin != TIMELINE_NONE && close &&
               used_later(timeline, number, timeline->sightings[fin].latest)) {
        timeline_say(call->did, "sent nothing: another process has it");
    } else if (fin != TIMELINE_NONE && timeline_may_cause(call, &timeline->sightings[fin])) {
        socket->fin_claimed = true;
        timeline_sent(timeline, number, fin);
        timeline_say(call->did, "→ FIN");
    } else if (close && reset != TIMELINE_NONE &&
               timeline_may_cause(call, &timeline->sightings[reset]) &&
               timeline->sightings[reset].latest - call->latest < IN_CALL) {
        timeline_sent(timeline, number, reset);
        timeline_say(call->did, "→ RST");
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void explain(struct timeline *timeline, uint32_t number)
{
    const struct timeline_call *call = &timeline->calls[number];
    if (call->socket == TIMELINE_NONE)
        return;
    switch (call->role) {
    case TIMELINE_CONNECT:
        if (timeline->sockets[call->socket].protocol == IPPROTO_UDP)
            connect_udp(timeline, number);
        else
            connect_tcp(timeline, number);
        break;
    case TIMELINE_ACCEPT:
        explain_accept(timeline, number);
        break;
    case TIMELINE_SEND:
        timeline_explain_send(timeline, number);
        break;
    case TIMELINE_RECEIVE:
        timeline_explain_receive(timeline, number);
        break;
    case TIMELINE_SHUTDOWN:
    case TIMELINE_CLOSE:
        explain_close(timeline, number);
        break;
    case TIMELINE_WAIT:
        break;
    case TIMELINE_OTHER:
        timeline_explain_option(timeline, number);
        break;
    }
}

/* Time zero: the first that the command's host did. What others did before is not of this story. */
static el_time first_moment(const struct timeline *timeline)
{
    el_time first = EL_NEVER, any = EL_NEVER;
    for (size_t i = 0; i < timeline->call_count; i++)
        if (timeline->calls[i].host == 0 && timeline->calls[i].at < first)
            first = timeline->calls[i].at;
    for (size_t i = 0; i < timeline->sighting_count; i++) {
        if (timeline->sightings[i].host == 0 && timeline->sightings[i].latest < first)
            first = timeline->sightings[i].latest;
        if (timeline->sightings[i].latest < any)
            any = timeline->sightings[i].latest;
    }
    return first != EL_NEVER ? first : any != EL_NEVER ? any : 0;
}

/* Events of the calls and the ends, and what a thread does in a row. */
static void add_events(struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->call_count; i++) {
        struct timeline_call *call = &timeline->calls[i];
        bool returned = call->back != 0;
        if (call->at >= timeline->zero)
            call->entry =
                timeline_event_add(timeline, TIMELINE_CALL, call->host, i, call->at, false);
        if (returned && (call->at >= timeline->zero || call->back >= timeline->zero))
            call->exit =
                timeline_event_add(timeline, TIMELINE_RETURN, call->host, i, call->back, false);
        timeline_edge_add(timeline, call->entry, call->exit, false);
    }
    for (uint32_t i = 0; i < timeline->call_count; i++) {
        const struct timeline_call *call = &timeline->calls[i];
        if (call->next != TIMELINE_NONE)
            timeline_edge_add(timeline, call->exit, timeline->calls[call->next].entry, false);
    }
    for (uint32_t i = 0; i < timeline->end_count; i++) {
        struct timeline_end *end = &timeline->ends[i];
        if (end->after == TIMELINE_NONE || end->at < timeline->zero)
            continue; /* a helper that touched no socket */
        bool signal = end->signal[0] != '\0' && !end->killed;
        end->event = timeline_event_add(timeline, signal ? TIMELINE_SIGNAL : TIMELINE_EXIT,
                                        end->host, i, end->at, false);
        const struct timeline_call *last = &timeline->calls[end->after];
        timeline_edge_add(timeline, last->exit != TIMELINE_NONE ? last->exit : last->entry,
                          end->event, false);
        if (signal && last->next != TIMELINE_NONE)
            timeline_edge_add(timeline, end->event, timeline->calls[last->next].entry, false);
    }
}

void timeline_cause_link(struct timeline *timeline)
{
    timeline->zero = first_moment(timeline);
    add_events(timeline);
    for (uint32_t i = 0; i < timeline->call_count; i++)
        explain(timeline, i);
    for (uint32_t i = 0; i < timeline->call_count; i++)
        if (timeline->calls[i].role == TIMELINE_WAIT)
            timeline_explain_wait(timeline, i);
}
