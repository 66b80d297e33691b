/*
 * timeline_read.c - a directory of records becomes a timeline.
 *
 * Teaches:  one clock for all. strace stamps with the wall clock, the packet log and the tracepoints
 *           with CLOCK_MONOTONIC; `clock` in the file meta is the difference between the two, measured
 *           while the recording ran. Nothing is compared before it is on the same clock.
 * Reads:    meta, HOST.N.strace, packets, faults, states, as `net why` writes them.
 *           What is missing is not there to be shown; only meta must exist.
 * Partner:  timeline.h
 */
#include "timeline.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct timeline *timeline;
    const char *directory;
    bool all;
    char object[512]; /* what an error is about */
};

/* Calls `take` with each line, without its newline. 0, or -errno; -ENOENT is up to the caller. */
static int each_line(struct reading *reading, const char *file,
                     int (*take)(struct reading *, const char *, void *), void *argument)
{
    char path[512], *line = NULL;
    size_t room = 0;
    int result = 0;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", reading->directory, file) >= sizeof path)
        return -ENAMETOOLONG;
    snprintf(reading->object, sizeof reading->object, "%s", path);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return -errno;
    while (result == 0 && getline(&line, &room, in) > 0) {
        line[strcspn(line, "\n")] = '\0';
        result = take(reading, line, argument);
    }
    if (result == 0 && ferror(in))
        result = -EIO;
    free(line);
    fclose(in);
    return result;
}

/* What stands behind a key and a blank, or NULL. */
static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    return strncmp(line, key, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static void add_host(struct timeline *timeline, const char *name)
{
    if (timeline->host_count == TIMELINE_HOSTS || timeline_host(timeline, name) != TIMELINE_NONE)
        return;
    snprintf(timeline->hosts[timeline->host_count++], EL_HOST_NAME_MAX, "%s", name);
}

static void add_address(struct timeline *timeline, const char *value)
{
    char address[64], place[EL_HOST_NAME_MAX];
    struct el_address parsed;
    if (timeline->name_count == TIMELINE_NAMES || sscanf(value, "%63s %31s", address, place) != 2 ||
        el_address_from_literal(address, 0, &parsed) < 0)
        return;
    timeline->names[timeline->name_count].address = parsed;
    memcpy(timeline->names[timeline->name_count++].place, place, sizeof place);
}

static void take_clock(struct timeline *timeline, const char *value)
{
    long long clock = strtoll(value, NULL, 10);
    if (clock < -TIMELINE_LATEST / 2 || clock > TIMELINE_LATEST / 2)
        timeline->unread++;
    else
        timeline->clock = clock;
}

static int take_meta(struct reading *reading, const char *line, void *argument)
{
    struct timeline *timeline = reading->timeline;
    const char *value;
    bool *in_command = argument; /* a command may have newlines in it */
    bool known = true;
    if ((value = value_of(line, "host")) != NULL)
        add_host(timeline, value);
    else if ((value = value_of(line, "address")) != NULL)
        add_address(timeline, value);
    else if ((value = value_of(line, "clock")) != NULL)
        take_clock(timeline, value);
    else if ((value = value_of(line, "exit")) != NULL)
        timeline->status = (int)strtol(value, NULL, 10);
    else if ((value = value_of(line, "lost")) != NULL)
        timeline->lost = strtoull(value, NULL, 10);
    else if ((value = value_of(line, "states")) != NULL)
        timeline->states_traced = strcmp(value, "tracepoint") == 0;
    else if ((value = value_of(line, "command")) != NULL)
        snprintf(timeline->command, sizeof timeline->command, "%s", value);
    else if ((value = value_of(line, "note")) != NULL && timeline->note_count < TIMELINE_NOTES)
        timeline->failed |= (timeline->notes[timeline->note_count++] = strdup(value)) == NULL;
    else
        known = false;
    size_t used = strlen(timeline->command);
    if (!known && *in_command)
        snprintf(timeline->command + used, sizeof timeline->command - used, " %s", line);
    else
        *in_command = value_of(line, "command") != NULL;
    return 0;
}

static int take_packet(struct reading *reading, const char *line, void *argument)
{
    struct timeline *timeline = reading->timeline;
    struct el_packet packet;
    (void)argument;
    if (el_packet_parse_record(line, &packet) < 0 || packet.at < 0 || packet.stamp < 0 ||
        packet.at > TIMELINE_LATEST || packet.stamp > TIMELINE_LATEST) {
        timeline->unread++;
        return 0;
    }
    if (strcmp(packet.prefix, EL_FENCE_PREFIX) == 0)
        return 0;
    if (timeline->sighting_count + timeline->fate_count == TIMELINE_PACKETS) {
        timeline->beyond++;
        return 0;
    }
    add_host(timeline, packet.host); /* one that meta does not name gets a column, too */
    uint32_t host = timeline_host(timeline, packet.host);
    if (host == TIMELINE_NONE)
        return 0;
    if (packet.hook == EL_HOOK_FAULT) {
        uint32_t fate = timeline_add(timeline, fate);
        if (fate != TIMELINE_NONE)
            timeline->fates[fate] = (struct timeline_fate){.packet = packet, .host = host};
        return 0;
    }
    uint32_t sighting = timeline_add(timeline, sighting);
    if (sighting != TIMELINE_NONE)
        timeline->sightings[sighting] = (struct timeline_sighting){.packet = packet, .host = host};
    return 0;
}

static int take_state(struct reading *reading, const char *line, void *argument)
{
    (void)argument;
    if (line[0] != '#' && timeline_states_line(reading->timeline, line) == -EBADMSG)
        reading->timeline->unread++;
    return 0;
}

static int take_call(struct reading *reading, const char *line, void *argument)
{
    int result = timeline_calls_line(argument, line);
    if (result == -EBADMSG)
        reading->timeline->unread++;
    return result == -EBADMSG ? 0 : result;
}

/* "client.1.strace": the host is what stands before the first dot. */
static int read_strace(struct reading *reading, const char *file)
{
    char name[EL_HOST_NAME_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "."), file);
    add_host(reading->timeline, name);
    uint32_t host = timeline_host(reading->timeline, name);
    if (host == TIMELINE_NONE)
        return 0;
    struct timeline_calls *calls = timeline_calls_new(reading->timeline, host, reading->all);
    if (calls == NULL)
        return -ENOMEM;
    int result = each_line(reading, file, take_call, calls);
    timeline_calls_free(calls);
    return result;
}

static int is_strace(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 7 && strcmp(entry->d_name + length - 7, ".strace") == 0;
}

static int read_straces(struct reading *reading)
{
    struct dirent **files;
    int result = 0, count = scandir(reading->directory, &files, is_strace, alphasort);
    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = read_strace(reading, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    return result;
}

static int read_all(struct reading *reading)
{
    bool in_command = false;
    int result = each_line(reading, "meta", take_meta, &in_command);
    if (result == 0)
        result = read_straces(reading);
    static const char *const files[] = {"packets", "faults", "states"};
    for (size_t i = 0; i < 3 && result == 0; i++) {
        result = each_line(reading, files[i], i < 2 ? take_packet : take_state, NULL);
        if (result == -ENOENT)
            result = 0;
    }
    if (result == 0 && reading->timeline->failed)
        result = -ENOMEM;
    return result;
}

/* Puts the events in order; their times become those that are shown. Against how many, or -ENOMEM. */
static int order_events(struct timeline *timeline)
{
    size_t count = timeline->event_count;
    el_time *at = calloc(count + 1, sizeof *at);
    bool *loose = calloc(count + 1, sizeof *loose);
    int result = -ENOMEM;
    for (size_t i = 0; at != NULL && loose != NULL && i < count; i++) {
        at[i] = timeline->events[i].at;
        loose[i] = timeline->events[i].loose;
    }
    struct timeline_history history = {count, at, loose, timeline->edges, timeline->edge_count};
    if (at != NULL && loose != NULL && !timeline->failed)
        result = timeline_order(&history, timeline->order);
    for (size_t i = 0; (result == 0 || (result > 0 && timeline->doubtful)) && i < count; i++)
        timeline->events[i].at = at[i];
    free(at);
    free(loose);
    return result;
}

/*
 * Where records are missing, counting bytes may find the wrong call, and the edges go in a circle. Then
 * what was inferred is doubted, never what was seen. [#doubt-the-inferred]
 */
static void doubt(struct timeline *timeline)
{
    timeline->doubtful = true;
    for (size_t i = 0; i < timeline->edge_count; i++)
        timeline->edges[i].soft |= timeline->edges[i].inferred;
}

int timeline_arrange(struct timeline *timeline)
{
    timeline_packets_link(timeline);
    timeline_cause_link(timeline);
    timeline_states_link(timeline);
    timeline->order = calloc(timeline->event_count + 1, sizeof *timeline->order);
    int result = timeline->order == NULL ? -ENOMEM : order_events(timeline);
    if (result > 0) {
        doubt(timeline);
        result = order_events(timeline);
    }
    if (result < 0)
        return result;
    timeline->against = result;
    timeline_line_up(timeline);
    return 0;
}

struct timeline *timeline_read(const char *directory, bool all, const char **object)
{
    static char about[sizeof((struct reading *)0)->object];
    struct timeline *timeline = calloc(1, sizeof *timeline);
    struct reading reading = {.timeline = timeline, .directory = directory, .all = all};
    snprintf(reading.object, sizeof reading.object, "%s", directory);
    int result = -ENOMEM;
    if (timeline != NULL) {
        timeline->status = -1;
        result = read_all(&reading);
    }
    if (result == 0) {
        timeline_sockets_link(timeline, all);
        result = timeline_arrange(timeline);
    }
    if (result == 0)
        return timeline;
    timeline_free(timeline);
    memcpy(about, reading.object, sizeof about);
    *object = about;
    errno = -result;
    return NULL;
}
