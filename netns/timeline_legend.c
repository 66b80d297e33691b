/*
 * timeline_legend.c - what a reader must know to read the picture: whose it is, and what is not in it.
 *
 * Partner:  timeline_rows.h
 */
#include "timeline_rows.h"

#include <stdarg.h>
#include <string.h>

struct lines {
    void (*line)(void *, const char *);
    void *argument;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct lines *lines,
                                                       const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lines->line(lines->argument, text);
}

void timeline_heading(const struct timeline *timeline, void (*line)(void *, const char *),
                      void *argument)
{
    struct lines lines = {line, argument};
    char command[4 * sizeof timeline->command];
    el_name_escape(timeline->command, command, sizeof command);
    if (timeline->status >= 0)
        tell(&lines, "%s   (exit code %d)", command, timeline->status);
    else
        tell(&lines, "%s", command);
    for (size_t i = 0; i < timeline->host_count; i++) {
        char text[512] = "", address[EL_ADDRESS_TEXT];
        for (size_t j = 0; j < timeline->name_count; j++)
            if (strcmp(timeline->names[j].place, timeline->hosts[i]) == 0) {
                size_t used = strlen(text);
                snprintf(text + used, sizeof text - used, " %s",
                         el_address_print_host(&timeline->names[j].address, address));
            }
        tell(&lines, "  %s%s", timeline->hosts[i], text);
    }
}

static bool any_derived(const struct timeline *timeline)
{
    return timeline->state_count > 0 && timeline->states[0].sighting != TIMELINE_NONE;
}

/* Is there an arrow that begins or ends outside the picture? */
static bool any_one_sided(const struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (timeline_other_end(timeline, i) == TIMELINE_NONE)
            return true;
    return false;
}

/*
 * The one who closes first waits in TIME_WAIT, as every book says; the tracepoint says CLOSED. Both are
 * true: the kernel lets go of the socket and keeps a small entry for its ports (tcp_time_wait).
 * [#time-wait-is-no-socket]
 */
static bool any_time_wait(const struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->state_count; i++)
        if (timeline->states[i].sighting == TIMELINE_NONE &&
            strcmp(timeline->states[i].before, "FIN_WAIT2") == 0 &&
            strcmp(timeline->states[i].after, "CLOSED") == 0)
            return true;
    return false;
}

void timeline_legend(const struct timeline *timeline, void (*line)(void *, const char *),
                     void *argument)
{
    struct lines lines = {line, argument};
    tell(&lines,
         "Times in ms from the first thing that %s did, all on one clock. Nothing stands before "
         "its cause.",
         timeline->host_count > 0 ? timeline->hosts[0] : "the host");
    tell(&lines, "┃ a call is in the kernel   → what a call made leave%s",
         any_one_sided(timeline) ? "   ─▷ ◁─ to and from a place that is not logged" : "");
    for (uint32_t i = 0; i < timeline->sighting_count; i++)
        if (timeline_is_lost(timeline, i)) {
            tell(&lines, "✕ lost: the fault that did it, or not seen to arrive");
            break;
        }
    if (timeline->connections > 1)
        tell(&lines, ":PORT of the connection that was begun from that port; there are %zu",
             timeline->connections);
    if (timeline->state_count > 0)
        tell(&lines, "◆ TCP state, %s",
             any_derived(timeline) ? "worked out from the packets" : "as the kernel told it");
    if (any_time_wait(timeline))
        tell(&lines, "FIN_WAIT2 → CLOSED: the socket is gone; a small entry holds its ports in "
                     "TIME_WAIT");
    if (timeline->event_count == 0)
        tell(&lines, "Nothing happened: no call was about TCP or UDP, and no packet was seen.");
    for (size_t i = 0; i < timeline->note_count; i++) {
        char note[1000];
        tell(&lines, "note: %s", el_name_escape(timeline->notes[i], note, sizeof note));
    }
    if (timeline->beyond > 0)
        tell(&lines,
             "note: %zu more events are left out: a timeline holds %d calls, %d packets and "
             "%d states",
             timeline->beyond, TIMELINE_CALLS, TIMELINE_PACKETS, TIMELINE_STATES);
    if (timeline->lost > 0)
        tell(&lines, "note: %llu records were lost while recording",
             (unsigned long long)timeline->lost);
    if (timeline->unread > 0)
        tell(&lines, "note: %zu lines of the recording could not be read", timeline->unread);
    if (timeline->doubtful)
        tell(&lines, "note: records are missing; which call sent or got what is a guess");
    if (timeline->against > 0)
        tell(&lines, "note: %d events contradict each other; their order is a guess",
             timeline->against);
}
