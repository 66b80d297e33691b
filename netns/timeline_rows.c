/*
 * timeline_rows.c - events in their order become rows.
 *
 * Teaches:  to leave out without lying. A call whose return comes right after its entry is one row; a
 *           packet is one arrow as long as nothing on its way's either end happened in between. Drawing
 *           them as one moves an event past others that it has nothing to do with, never past one that
 *           it caused or that caused it: all those are on its own host. [#one-row]
 * Partner:  timeline_rows.h
 */
#include "timeline_rows.h"

#include <stdlib.h>
#include <string.h>

#define FLIGHT (2 * EL_MS) /* a packet that takes longer is shown leaving and arriving */

struct making {
    const struct timeline *timeline;
    uint32_t *place; /* of each event in the order */
    bool *done;      /* this event is in a row already */
    struct timeline_row *rows;
    size_t count;
};

double timeline_ms(const struct timeline *timeline, el_time at)
{
    return (double)(at - timeline->zero) / (double)EL_MS;
}

/* The host at a packet's other end, whether it is shown or not. */
static uint32_t other_host(const struct timeline *timeline, uint32_t sighting)
{
    const struct timeline_sighting *one = &timeline->sightings[sighting];
    if (one->partner != TIMELINE_NONE)
        return timeline->sightings[one->partner].host;
    if (one->fate != TIMELINE_NONE)
        return timeline->fates[one->fate].host; /* that is where it would have arrived */
    const struct el_packet *packet = &one->packet;
    uint32_t host =
        timeline_host_at(timeline, one->leaves ? &packet->destination : &packet->source);
    return host == one->host ? TIMELINE_NONE : host;
}

uint32_t timeline_other_end(const struct timeline *timeline, uint32_t sighting)
{
    uint32_t host = other_host(timeline, sighting);
    return host != TIMELINE_NONE && timeline->hidden[host] ? TIMELINE_NONE : host;
}

bool timeline_is_lost(const struct timeline *timeline, uint32_t sighting)
{
    const struct timeline_sighting *one = &timeline->sightings[sighting];
    return one->leaves && one->partner == TIMELINE_NONE &&
           (one->fate != TIMELINE_NONE || other_host(timeline, sighting) != TIMELINE_NONE);
}

/* Does anything happen on a host between two places in the order? */
static bool busy_between(const struct making *making, uint32_t host, uint32_t from, uint32_t to)
{
    const struct timeline *timeline = making->timeline;
    for (uint32_t i = from + 1; i < to; i++) {
        const struct timeline_event *event = &timeline->events[timeline->order[i]];
        if (event->host == host && event->kind != TIMELINE_FATE)
            return true;
    }
    return false;
}

static void add(struct making *making, enum timeline_row_kind kind, uint32_t event, uint32_t of,
                uint32_t other)
{
    const struct timeline_event *first = &making->timeline->events[event];
    making->rows[making->count++] = (struct timeline_row){.kind = kind,
                                                          .at = first->at,
                                                          .host = first->host,
                                                          .other = other,
                                                          .of = of,
                                                          .event = event};
    making->done[event] = true;
}

static void add_call(struct making *making, uint32_t event, uint32_t number)
{
    const struct timeline_call *call = &making->timeline->calls[number];
    bool whole = call->exit != TIMELINE_NONE &&
                 !busy_between(making, call->host, making->place[event], making->place[call->exit]);
    add(making, whole ? TIMELINE_ROW_CALL : TIMELINE_ROW_ENTRY, event, number, TIMELINE_NONE);
    if (whole)
        making->done[call->exit] = true;
}

static void add_departure(struct making *making, uint32_t event, uint32_t number)
{
    const struct timeline *timeline = making->timeline;
    const struct timeline_sighting *departure = &timeline->sightings[number];
    uint32_t other = timeline_other_end(timeline, number);
    uint32_t arrival = departure->partner == TIMELINE_NONE
                           ? TIMELINE_NONE
                           : timeline->sightings[departure->partner].event;
    if (arrival == TIMELINE_NONE || other == TIMELINE_NONE ||
        timeline->events[arrival].at - timeline->events[event].at > FLIGHT) {
        add(making, TIMELINE_ROW_LEAVE, event, number, other);
        return;
    }
    uint32_t from = making->place[event], to = making->place[arrival];
    if (!busy_between(making, timeline->sightings[departure->partner].host, from, to)) {
        add(making, TIMELINE_ROW_ARROW, event, number, other);
        making->done[arrival] = true;
    } else if (!busy_between(making, departure->host, from, to)) {
        making->done[event] = true; /* the arrival's place is the arrow's, too */
    } else {
        add(making, TIMELINE_ROW_LEAVE, event, number, other);
    }
}

static bool was_put_off(const struct making *making, uint32_t departure)
{
    uint32_t event = making->timeline->sightings[departure].event;
    for (size_t i = making->count; i-- > 0;)
        if (making->rows[i].event == event)
            return false;
    return true;
}

static void add_arrival(struct making *making, uint32_t event, uint32_t number)
{
    const struct timeline_sighting *arrival = &making->timeline->sightings[number];
    if (arrival->partner != TIMELINE_NONE && !arrival->again &&
        !making->timeline->hidden[making->timeline->sightings[arrival->partner].host] &&
        was_put_off(making, arrival->partner)) {
        add(making, TIMELINE_ROW_ARROW, event, arrival->partner, arrival->host);
        making->rows[making->count - 1].host = making->timeline->sightings[arrival->partner].host;
        return;
    }
    add(making, TIMELINE_ROW_ARRIVE, event, number, timeline_other_end(making->timeline, number));
}

static void add_event(struct making *making, uint32_t number)
{
    const struct timeline_event *event = &making->timeline->events[number];
    if (making->timeline->hidden[event->host])
        return;
    switch (event->kind) {
    case TIMELINE_CALL:
        add_call(making, number, event->of);
        break;
    case TIMELINE_RETURN:
        add(making, TIMELINE_ROW_RETURN, number, event->of, TIMELINE_NONE);
        break;
    case TIMELINE_LEAVE:
        add_departure(making, number, event->of);
        break;
    case TIMELINE_ARRIVE:
        add_arrival(making, number, event->of);
        break;
    case TIMELINE_FATE: /* told by its departure, if that is known */
        if (making->timeline->fates[event->of].departure == TIMELINE_NONE)
            add(making, TIMELINE_ROW_FATE, number, event->of, TIMELINE_NONE);
        break;
    case TIMELINE_STATE:
        add(making, TIMELINE_ROW_STATE, number, event->of, TIMELINE_NONE);
        break;
    case TIMELINE_SIGNAL:
    case TIMELINE_EXIT:
        add(making, TIMELINE_ROW_END, number, event->of, TIMELINE_NONE);
        break;
    }
}

struct timeline_row *timeline_rows(const struct timeline *timeline, size_t *count)
{
    size_t events = timeline->event_count;
    struct making making = {.timeline = timeline};
    making.place = calloc(events + 1, sizeof *making.place);
    making.done = calloc(events + 1, sizeof *making.done);
    making.rows = calloc(events + 1, sizeof *making.rows);
    bool ok = making.place != NULL && making.done != NULL && making.rows != NULL;
    for (uint32_t i = 0; ok && i < events; i++)
        making.place[timeline->order[i]] = i;
    for (size_t i = 0; ok && i < events; i++)
        if (!making.done[timeline->order[i]])
            add_event(&making, timeline->order[i]);
    free(making.place);
    free(making.done);
    if (!ok) {
        free(making.rows);
        return NULL;
    }
    *count = making.count;
    return making.rows;
}
