/*
 * timeline_json.c - a timeline for programs: events with their causes.
 *
 * Teaches:  data that can be checked. Every event names the events that came before it for certain
 *           (`after`); a program that reads the document can test the order for itself, and the tests of
 *           echolab do. [#check-it-yourself]
 * Format:   netns/timeline.1 documents the names; format_version grows when one changes its meaning.
 * Partner:  timeline_show.h, lib/json.h
 */
#include "timeline_show.h"

#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    const struct timeline *timeline;
    struct el_json json;
    uint32_t *id;      /* of each event: its place in the order */
    uint32_t *first;   /* where the causes of each event begin in `causes`; one more at the end */
    uint32_t *causes;  /* events */
    uint32_t *packets; /* the packet that each sighting is of */
};

static int prepare(struct writing *writing)
{
    const struct timeline *timeline = writing->timeline;
    size_t events = timeline->event_count;
    writing->id = calloc(events + 1, sizeof *writing->id);
    writing->first = calloc(events + 2, sizeof *writing->first);
    writing->causes = calloc(timeline->edge_count + 1, sizeof *writing->causes);
    writing->packets = calloc(timeline->sighting_count + 1, sizeof *writing->packets);
    if (writing->id == NULL || writing->first == NULL || writing->causes == NULL ||
        writing->packets == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < events; i++)
        writing->id[timeline->order[i]] = i;
    for (size_t i = 0; i < timeline->edge_count; i++)
        if (!timeline->edges[i].soft)
            writing->first[timeline->edges[i].to + 1]++;
    for (size_t i = 0; i < events; i++)
        writing->first[i + 1] += writing->first[i];
    for (size_t i = 0; i < timeline->edge_count; i++)
        if (!timeline->edges[i].soft)
            writing->causes[writing->first[timeline->edges[i].to]++] = timeline->edges[i].from;
    for (size_t i = events; i > 0; i--) /* each start was moved on to the next; move them back */
        writing->first[i] = writing->first[i - 1];
    writing->first[0] = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (timeline->sightings[i].leaves || timeline->sightings[i].partner == TIMELINE_NONE)
            writing->packets[i] = count++;
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (!timeline->sightings[i].leaves && timeline->sightings[i].partner != TIMELINE_NONE)
            writing->packets[i] = writing->packets[timeline->sightings[i].partner];
    return 0;
}

static void write_address(struct el_json *json, const char *key, const struct el_address *address)
{
    char text[EL_ADDRESS_TEXT];
    el_json_text(json, key, address->length == 0 ? NULL : el_address_print(address, text));
}

/* A part of a line of strace. */
static void write_part(struct el_json *json, const char *key, struct strace_text part)
{
    char text[STRACE_LINE];
    snprintf(text, sizeof text, "%.*s", (int)part.length, part.at);
    el_json_text(json, key, text);
}

/* "→ SYN" and "" are for people; programs get "SYN" and null. */
static void write_words(struct el_json *json, const char *key, const char *words)
{
    if (strncmp(words, "→ ", strlen("→ ")) == 0)
        words += strlen("→ ");
    el_json_text(json, key, words[0] == '\0' ? NULL : words);
}

static void write_call(struct el_json *json, const struct timeline_call *call, uint32_t number)
{
    el_json_uint(json, "call", number);
    el_json_int(json, "pid", call->strace.pid);
    el_json_text(json, "name", call->strace.name);
    if (call->fd >= 0)
        el_json_int(json, "fd", call->fd);
    else
        el_json_null(json, "fd");
}

static void write_return(struct el_json *json, const struct timeline_call *call)
{
    el_json_int(json, "result", call->strace.result);
    el_json_text(json, "error", call->strace.error[0] == '\0' ? NULL : call->strace.error);
    if (call->strace.took >= 0)
        el_json_number(json, "took_ms", (double)call->strace.took / (double)EL_MS, 6);
    else
        el_json_null(json, "took_ms");
    write_words(json, "did", call->did);
    write_words(json, "got", call->got);
}

static void write_end(struct el_json *json, const struct timeline_end *end)
{
    el_json_int(json, "pid", end->pid);
    if (end->signal[0] == '\0')
        el_json_int(json, "status", end->status);
    else
        el_json_text(json, "signal", end->signal);
}

static void write_sighting(struct writing *writing, uint32_t number)
{
    const struct timeline_sighting *sighting = &writing->timeline->sightings[number];
    struct el_json *json = &writing->json;
    char text[TIMELINE_WORDS];
    el_json_uint(json, "packet", writing->packets[number]);
    el_json_text(json, "text",
                 timeline_packet_words(writing->timeline, number, 0, text, sizeof text));
    el_json_bool(json, "resent", sighting->resent);
    el_json_bool(json, "duplicate", sighting->again);
    el_json_bool(json, "overtaken", sighting->overtaken);
    if (sighting->claimed != TIMELINE_NONE)
        el_json_uint(json, "call", sighting->claimed);
    else
        el_json_null(json, "call");
}

static void write_detail(struct writing *writing, const struct timeline_event *event)
{
    const struct timeline *timeline = writing->timeline;
    struct el_json *json = &writing->json;
    switch (event->kind) {
    case TIMELINE_CALL:
        write_call(json, &timeline->calls[event->of], event->of);
        write_part(json, "arguments", timeline->calls[event->of].strace.arguments);
        write_words(json, "did", timeline->calls[event->of].did);
        break;
    case TIMELINE_RETURN:
        write_call(json, &timeline->calls[event->of], event->of);
        write_return(json, &timeline->calls[event->of]);
        break;
    case TIMELINE_LEAVE:
    case TIMELINE_ARRIVE:
        write_sighting(writing, event->of);
        break;
    case TIMELINE_FATE:
        if (timeline->fates[event->of].departure != TIMELINE_NONE)
            el_json_uint(json, "packet", writing->packets[timeline->fates[event->of].departure]);
        else
            el_json_null(json, "packet");
        el_json_text(json, "fate", timeline->fates[event->of].packet.prefix);
        el_json_uint(json, "rule", timeline->fates[event->of].packet.mark);
        break;
    case TIMELINE_STATE:
        write_address(json, "local", &timeline->states[event->of].local);
        write_address(json, "remote", &timeline->states[event->of].remote);
        el_json_text(json, "from", timeline->states[event->of].before);
        el_json_text(json, "to", timeline->states[event->of].after);
        el_json_bool(json, "derived", timeline->states[event->of].sighting != TIMELINE_NONE);
        break;
    case TIMELINE_SIGNAL:
    case TIMELINE_EXIT:
        write_end(json, &timeline->ends[event->of]);
        break;
    }
}

static void write_events(struct writing *writing)
{
    static const char *const kinds[] = {"call", "return", "leave",  "arrive",
                                        "fate", "state",  "signal", "exit"};
    const struct timeline *timeline = writing->timeline;
    struct el_json *json = &writing->json;
    el_json_array(json, "events");
    for (uint32_t i = 0; i < timeline->event_count; i++) {
        uint32_t number = timeline->order[i];
        const struct timeline_event *event = &timeline->events[number];
        el_json_object(json, NULL);
        el_json_uint(json, "id", i);
        el_json_number(json, "t_ms", timeline_ms(timeline, event->at), 6);
        el_json_text(json, "host", timeline->hosts[event->host]);
        el_json_text(json, "kind", kinds[event->kind]);
        el_json_array(json, "after");
        for (uint32_t c = writing->first[number]; c < writing->first[number + 1]; c++)
            el_json_uint(json, NULL, writing->id[writing->causes[c]]);
        el_json_close_array(json);
        write_detail(writing, event);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

static void write_header_fields(struct el_json *json, const struct timeline_sighting *sighting)
{
    const struct el_packet *packet = &sighting->packet;
    const char *protocol = packet->protocol == IPPROTO_TCP   ? "tcp"
                           : packet->protocol == IPPROTO_UDP ? "udp"
                           : packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6
                               ? "icmp"
                               : "other";
    el_json_text(json, "protocol", protocol);
    write_address(json, "source", &packet->source);
    write_address(json, "destination", &packet->destination);
    el_json_uint(json, "length", packet->length);
    el_json_uint(json, "payload", packet->payload);
    if (packet->protocol != IPPROTO_TCP || !packet->whole)
        return;
    el_json_uint(json, "flags", packet->tcp_flags);
    el_json_uint(json, "seq", sighting->seq);
    el_json_uint(json, "ack", sighting->ack);
    el_json_uint(json, "window", packet->window);
    el_json_uint(json, "segment", sighting->segment);
}

static void write_packet(struct writing *writing, uint32_t number)
{
    const struct timeline *timeline = writing->timeline;
    const struct timeline_sighting *sighting = &timeline->sightings[number];
    struct el_json *json = &writing->json;
    el_json_object(json, NULL);
    el_json_uint(json, "id", writing->packets[number]);
    if (sighting->leaves)
        el_json_uint(json, "leave", writing->id[sighting->event]);
    else
        el_json_null(json, "leave");
    el_json_array(json, "arrive");
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (!timeline->sightings[i].leaves && writing->packets[i] == writing->packets[number])
            el_json_uint(json, NULL, writing->id[timeline->sightings[i].event]);
    el_json_close_array(json);
    el_json_array(json, "fates");
    for (uint32_t i = sighting->fate; i != TIMELINE_NONE; i = timeline->fates[i].next)
        el_json_uint(json, NULL, writing->id[timeline->fates[i].event]);
    el_json_close_array(json);
    write_header_fields(json, sighting);
    el_json_close_object(json);
}

static void write_hosts(struct writing *writing)
{
    const struct timeline *timeline = writing->timeline;
    struct el_json *json = &writing->json;
    char text[EL_ADDRESS_TEXT];
    el_json_array(json, "hosts");
    for (size_t i = 0; i < timeline->host_count; i++) {
        el_json_object(json, NULL);
        el_json_text(json, "name", timeline->hosts[i]);
        el_json_array(json, "addresses");
        for (size_t j = 0; j < timeline->name_count; j++)
            if (strcmp(timeline->names[j].place, timeline->hosts[i]) == 0)
                el_json_text(json, NULL, el_address_print_host(&timeline->names[j].address, text));
        el_json_close_array(json);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

static void write_document(struct writing *writing)
{
    const struct timeline *timeline = writing->timeline;
    struct el_json *json = &writing->json;
    el_json_object(json, NULL);
    el_json_uint(json, "format_version", 1);
    el_json_text(json, "command", timeline->command);
    if (timeline->status >= 0)
        el_json_int(json, "exit", timeline->status);
    else
        el_json_null(json, "exit");
    el_json_text(json, "states", timeline->states_traced ? "tracepoint" : "packets");
    el_json_int(json, "zero_ns", timeline->zero);
    el_json_uint(json, "lost", timeline->lost);
    el_json_uint(json, "left_out", timeline->beyond);
    el_json_uint(json, "unread", timeline->unread);
    el_json_int(json, "contradictions", timeline->against);
    el_json_bool(json, "doubtful", timeline->doubtful);
    el_json_array(json, "notes");
    for (size_t i = 0; i < timeline->note_count; i++)
        el_json_text(json, NULL, timeline->notes[i]);
    el_json_close_array(json);
    write_hosts(writing);
    write_events(writing);
    el_json_array(json, "packets");
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (timeline->sightings[i].leaves || timeline->sightings[i].partner == TIMELINE_NONE)
            write_packet(writing, i);
    el_json_close_array(json);
    el_json_end(json);
}

int timeline_json(const struct timeline *timeline, FILE *out)
{
    struct writing writing = {.timeline = timeline, .json = el_json_begin(out)};
    int result = prepare(&writing);
    if (result == 0)
        write_document(&writing);
    free(writing.id);
    free(writing.first);
    free(writing.causes);
    free(writing.packets);
    return result;
}
