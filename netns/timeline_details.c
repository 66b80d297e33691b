/*
 * timeline_details.c - a row for those who want to know more, and for those who do not see the picture.
 *
 * Partner:  timeline_rows.h; the SVG's and the page's hover texts, the table of the page.
 */
#include "timeline_rows.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* Appends; what does not fit is cut off. */
__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
                                                      ...)
{
    va_list arguments;
    size_t used = strlen(text);
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

/* strace's line from the name of the call on, as printable ASCII. */
static void add_call(const struct timeline_call *call, char *text, size_t size)
{
    const char *line = strstr(call->line, call->strace.name);
    size_t used = strlen(text);
    for (; line != NULL && *line != '\0' && used + 1 < size; line++)
        text[used++] = isprint((unsigned char)*line) ? *line : '?';
    text[used] = '\0';
    add(text, size, "; thread %d", call->strace.pid);
}

static void add_fates(const struct timeline *timeline, uint32_t sighting, char *text, size_t size)
{
    char fate[TIMELINE_WORDS];
    timeline_packet_fate(timeline, sighting, fate, sizeof fate);
    if (fate[0] != '\0')
        add(text, size, "; %s", fate);
}

const char *timeline_row_details(const struct timeline *timeline, const struct timeline_row *row,
                                 char *text, size_t size)
{
    char end[EL_ADDRESS_TEXT];
    text[0] = '\0';
    switch (row->kind) {
    case TIMELINE_ROW_CALL:
    case TIMELINE_ROW_ENTRY:
    case TIMELINE_ROW_RETURN:
        add_call(&timeline->calls[row->of], text, size);
        break;
    case TIMELINE_ROW_STATE: {
        const struct timeline_state *state = &timeline->states[row->of];
        add(text, size, "the endpoint %s ",
            timeline_end_words(timeline, &state->local, end, sizeof end));
        add(text, size, "of the connection with %s, %s",
            timeline_end_words(timeline, &state->remote, end, sizeof end),
            state->sighting == TIMELINE_NONE ? "as the kernel told it"
                                             : "worked out from the packets");
        break;
    }
    case TIMELINE_ROW_END:
    case TIMELINE_ROW_FATE:
        timeline_row_words(timeline, row, text, size);
        break;
    default:
        timeline_packet_fields(timeline, row->of, text, size);
        add_fates(timeline, row->of, text, size);
        break;
    }
    return text;
}

static const char *peer_name(const struct timeline *timeline, const struct timeline_row *row,
                             char *text, size_t size)
{
    const struct timeline_sighting *sighting = &timeline->sightings[row->of];
    const struct el_packet *packet = &sighting->packet;
    const struct el_address *address = sighting->leaves ? &packet->destination : &packet->source;
    char literal[EL_ADDRESS_TEXT];
    if (row->other != TIMELINE_NONE)
        return timeline->hosts[row->other];
    const char *place = timeline_place(timeline, address);
    snprintf(text, size, "%s", place[0] != '\0' ? place : el_address_print_host(address, literal));
    return text;
}

const char *timeline_row_sentence(const struct timeline *timeline, const struct timeline_row *row,
                                  char *text, size_t size)
{
    char words[2 * TIMELINE_WORDS], peer[EL_ADDRESS_TEXT];
    timeline_row_words(timeline, row, words, sizeof words);
    text[0] = '\0';
    switch (row->kind) {
    case TIMELINE_ROW_ARROW:
        add(text, size, "%s to %s: %s", timeline->hosts[row->host],
            timeline->hosts[timeline->sightings[timeline->sightings[row->of].partner].host], words);
        break;
    case TIMELINE_ROW_LEAVE:
        add(text, size, "leaves %s for %s: %s", timeline->hosts[row->host],
            peer_name(timeline, row, peer, sizeof peer), words);
        break;
    case TIMELINE_ROW_ARRIVE:
        add(text, size, "arrives at %s from %s: %s", timeline->hosts[row->host],
            peer_name(timeline, row, peer, sizeof peer), words);
        break;
    case TIMELINE_ROW_STATE:
        add(text, size, "%s: state %s", timeline->hosts[row->host], words);
        return text;
    default:
        add(text, size, "%s: %s", timeline->hosts[row->host], words);
        return text;
    }
    add_fates(timeline, row->of, text, size);
    return text;
}
