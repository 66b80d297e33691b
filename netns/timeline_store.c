/*
 * timeline_store.c - where a timeline keeps what it knows.
 *
 * Teaches:  arrays that grow by doubling, addressed by number. A pointer into an array is gone when
 *           the array moves; a number is not. Running out of memory is noted once (`failed`) and asked
 *           about once, at the end: a number of TIMELINE_NONE leads nowhere until then.
 * Partner:  timeline.h
 */
#include "timeline_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint32_t timeline_grow(struct timeline *timeline, void **array, size_t size, size_t *count,
                       size_t *room)
{
    if (*count == *room) {
        size_t more = *room == 0 ? 64 : 2 * *room;
        void *moved = reallocarray(*array, more, size);
        if (moved == NULL) {
            timeline->failed = true;
            return TIMELINE_NONE;
        }
        *array = moved;
        *room = more;
    }
    memset((char *)*array + *count * size, 0, size);
    return (uint32_t)(*count)++;
}

void timeline_edge_add(struct timeline *timeline, uint32_t from, uint32_t to, bool soft)
{
    if (from == TIMELINE_NONE || to == TIMELINE_NONE || from == to)
        return;
    uint32_t edge = timeline_add(timeline, edge);
    if (edge != TIMELINE_NONE)
        timeline->edges[edge] = (struct timeline_edge){from, to, soft, false};
}

void timeline_edge_infer(struct timeline *timeline, uint32_t from, uint32_t to)
{
    size_t count = timeline->edge_count;
    timeline_edge_add(timeline, from, to, false);
    if (timeline->edge_count > count)
        timeline->edges[count].inferred = true;
}

uint32_t timeline_event_add(struct timeline *timeline, enum timeline_kind kind, uint32_t host,
                            uint32_t of, el_time at, bool loose)
{
    uint32_t event = timeline_add(timeline, event);
    if (event != TIMELINE_NONE)
        timeline->events[event] = (struct timeline_event){kind, host, of, at, loose};
    return event;
}

uint32_t timeline_host(const struct timeline *timeline, const char *name)
{
    for (uint32_t i = 0; i < timeline->host_count; i++)
        if (strcmp(timeline->hosts[i], name) == 0)
            return i;
    return TIMELINE_NONE;
}

const char *timeline_place(const struct timeline *timeline, const struct el_address *address)
{
    for (size_t i = 0; i < timeline->name_count; i++)
        if (el_address_same_host(&timeline->names[i].address, address))
            return timeline->names[i].place;
    return "";
}

uint32_t timeline_host_at(const struct timeline *timeline, const struct el_address *address)
{
    return timeline_host(timeline, timeline_place(timeline, address));
}

int timeline_choose(struct timeline *timeline, const char *hosts)
{
    size_t count = 0;
    uint32_t chosen[TIMELINE_HOSTS];
    for (const char *word = hosts; *word != '\0';) {
        char name[EL_HOST_NAME_MAX];
        size_t length = strcspn(word, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, word);
        uint32_t host = timeline_host(timeline, name);
        if (host == TIMELINE_NONE)
            return -ENOENT;
        for (size_t i = 0; i < count && host != TIMELINE_NONE; i++)
            host = chosen[i] == host ? TIMELINE_NONE : host; /* named twice is named once */
        if (host != TIMELINE_NONE)
            chosen[count++] = host;
        word += length + (word[length] == ',');
    }
    if (count == 0)
        return -ENOENT;
    memcpy(timeline->columns, chosen, count * sizeof *chosen);
    timeline->column_count = count;
    memset(timeline->hidden, true, sizeof timeline->hidden);
    for (size_t i = 0; i < count; i++)
        timeline->hidden[chosen[i]] = false;
    return 0;
}

static void hide(struct timeline *timeline, size_t column)
{
    timeline->hidden[timeline->columns[column]] = true;
    timeline->column_count--;
    for (size_t i = column; i < timeline->column_count; i++)
        timeline->columns[i] = timeline->columns[i + 1];
}

static void put(struct timeline *timeline, bool *placed, uint32_t host)
{
    if (!placed[host])
        timeline->columns[timeline->column_count++] = host;
    placed[host] = true;
}

/*
 * A packet that a router forwards should cross the picture in one direction: so the columns stand in
 * the order in which packets reach their hosts, the command's own first. A server that only waits is
 * joined before that, and does not count. [#columns-along-the-path]
 */
void timeline_line_up(struct timeline *timeline)
{
    bool placed[TIMELINE_HOSTS] = {false};
    timeline->column_count = 0;
    put(timeline, placed, 0);
    for (int packets = 1; packets >= 0; packets--)
        for (size_t i = 0; i < timeline->event_count; i++) {
            const struct timeline_event *event = &timeline->events[timeline->order[i]];
            bool packet = event->kind == TIMELINE_LEAVE || event->kind == TIMELINE_ARRIVE;
            if (packets ? packet : event->kind != TIMELINE_CALL)
                put(timeline, placed, event->host);
            /* Where it is going has a place in the picture even if it never came. */
            uint32_t other = packet ? timeline_other_end(timeline, event->of) : TIMELINE_NONE;
            if (packets && other != TIMELINE_NONE)
                put(timeline, placed, other);
        }
    for (uint32_t i = 0; i < timeline->host_count; i++) {
        if (!placed[i] && timeline->host_count > 2)
            timeline->hidden[i] = true; /* of two, the silence of one is worth showing */
        else
            put(timeline, placed, i);
    }
}

void timeline_fit(struct timeline *timeline, size_t most)
{
    bool busy[TIMELINE_HOSTS] = {false};
    char note[TIMELINE_HOSTS * EL_HOST_NAME_MAX + 80] =
        "too narrow for all hosts (--width, --host):";
    bool told = false;
    for (size_t i = 0; i < timeline->event_count; i++)
        busy[timeline->events[i].host] = true;
    for (size_t i = timeline->column_count; i-- > 0 && timeline->column_count > most;)
        if (!busy[timeline->columns[i]])
            hide(timeline, i);
    while (timeline->column_count > most && most > 0) {
        size_t used = strlen(note);
        snprintf(note + used, sizeof note - used, " %s",
                 timeline->hosts[timeline->columns[timeline->column_count - 1]]);
        hide(timeline, timeline->column_count - 1);
        told = true;
    }
    if (told && timeline->note_count < TIMELINE_NOTES) {
        char *copy = strdup(note);
        if (copy != NULL)
            timeline->notes[timeline->note_count++] = copy;
    }
}

void timeline_free(struct timeline *timeline)
{
    if (timeline == NULL)
        return;
    for (size_t i = 0; i < timeline->call_count; i++)
        free(timeline->calls[i].line);
    for (size_t i = 0; i < timeline->note_count; i++)
        free(timeline->notes[i]);
    free(timeline->events);
    free(timeline->calls);
    free(timeline->sockets);
    free(timeline->streams);
    free(timeline->sightings);
    free(timeline->fates);
    free(timeline->states);
    free(timeline->ends);
    free(timeline->edges);
    free(timeline->order);
    free(timeline);
}
