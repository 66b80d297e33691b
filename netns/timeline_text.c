/*
 * timeline_text.c - a timeline for the terminal: a lifeline for each host, time running down.
 *
 * Teaches:  the sequence diagram of every networking book, made of characters. A host's words stand at
 *           the right of its lifeline; an arrow goes from lifeline to lifeline with its packet's words
 *           on it. The line is thick while a call is in the kernel, so that one sees a blocking call
 *           wait and a non-blocking one not. [#lifelines]
 * Width:    what does not fit is said shorter (an arrow) or broken between words (a call).
 * Partner:  timeline_show.h, timeline_strip.h
 */
#include "timeline_show.h"
#include "timeline_strip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIME_COLUMNS = TIMELINE_TEXT_TIME, /* "12345.678 " */
    LEAST_ROOM = 8, /* for a host, whatever is asked: the line is cut at its end */
    MANY_HOSTS = 4, /* more than these, and silent ones are left out */
    INDENT = 2,     /* of the second line of a call */
    OPEN = 4,       /* columns of dots at the end of an arrow that another row has */
};

struct drawing {
    const struct timeline *timeline;
    struct strip strip;
    size_t column[TIMELINE_HOSTS];  /* of a host's lifeline; 0: it has none */
    size_t room;                    /* columns from one lifeline to the next */
    size_t last;                    /* the rightmost lifeline */
    unsigned calls[TIMELINE_HOSTS]; /* that are in the kernel now */
    bool open;                      /* some arrow has its ends in two rows */
};

static void draw_lifelines(struct drawing *drawing)
{
    strip_clear(&drawing->strip);
    for (size_t i = 0; i < drawing->timeline->host_count; i++)
        if (drawing->column[i] != 0)
            strip_put(&drawing->strip, drawing->column[i], drawing->calls[i] > 0 ? "┃" : "│",
                      STRIP_DIM);
}

static void draw_time(struct drawing *drawing, el_time at)
{
    char text[32];
    snprintf(text, sizeof text, "%9.3f", timeline_ms(drawing->timeline, at));
    strip_text(&drawing->strip, 0, text, STRIP_DIM);
}

/* ---- words beside a lifeline ----------------------------------------------------------------- */

static void draw_words(struct drawing *drawing, const struct timeline_row *row, const char *text,
                       const char *mark, enum strip_colour colour)
{
    size_t column = drawing->column[row->host], indent = 0;
    bool first = true;
    while (*text != '\0') {
        char line[TIMELINE_WORDS * 2];
        size_t length = strip_break(text, drawing->room - 3 - indent);
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        draw_lifelines(drawing);
        if (first) {
            draw_time(drawing, row->at);
            if (mark != NULL)
                strip_put(&drawing->strip, column, mark, colour);
        }
        strip_text(&drawing->strip, column + 2 + indent, line, colour);
        strip_print(&drawing->strip);
        for (text += length; *text == ' ';)
            text++;
        indent = INDENT;
        first = false;
    }
}

/* ---- arrows ---------------------------------------------------------------------------------- */

struct arrow {
    size_t from, to; /* columns of the lifelines */
    uint32_t sighting, host;
    bool left, arrived; /* is this its beginning, its end? */
    bool lost;
    el_time at;
};

/* The words on an arrow: as much as there is room for. False: its fate has to be told elsewhere. */
static bool arrow_words(const struct drawing *drawing, const struct arrow *arrow, size_t room,
                        char *text, size_t size)
{
    char words[TIMELINE_WORDS], fate[TIMELINE_WORDS] = "";
    if (!arrow->lost)
        timeline_packet_fate(drawing->timeline, arrow->sighting, fate, sizeof fate);
    for (int with_fate = 1; with_fate >= 0; with_fate--)
        for (unsigned level = 0; level <= 3; level++) {
            timeline_packet_words(drawing->timeline, arrow->sighting, level, words, sizeof words);
            snprintf(text, size, " %s%s%s ", words, with_fate && fate[0] != '\0' ? ", " : "",
                     with_fate ? fate : "");
            if (strip_columns(text) <= room)
                return with_fate || fate[0] == '\0';
        }
    text[strip_break(text, room)] = '\0';
    return fate[0] == '\0';
}

/* The shaft between two lifelines, and what is at its ends. */
static void draw_shaft(struct drawing *drawing, const struct arrow *arrow)
{
    struct strip *strip = &drawing->strip;
    size_t low = arrow->from < arrow->to ? arrow->from : arrow->to;
    size_t high = arrow->from < arrow->to ? arrow->to : arrow->from;
    bool right = arrow->from < arrow->to;
    enum strip_colour colour = arrow->lost ? STRIP_LOSS : STRIP_PACKET;
    for (size_t i = low + 1; i < high; i++)
        strip_put(strip, i, strip->cell[i][0] != '\0' ? "┼" : "─", colour);
    if (arrow->left)
        strip_put(strip, arrow->from, right ? "├" : "┤", STRIP_DIM);
    if (arrow->arrived)
        strip_put(strip, right ? arrow->to - 1 : arrow->to + 1, right ? "▶" : "◀", colour);
    /* Dots at an end say that it is to be found in another row. */
    size_t near = right ? arrow->from : arrow->to, far = right ? arrow->to : arrow->from;
    bool open_near = right ? !arrow->left : !arrow->arrived;
    bool open_far = right ? !arrow->arrived : !arrow->left;
    for (size_t i = 1; i <= OPEN && !arrow->lost; i++) {
        if (open_near)
            strip_put(strip, near + i, i % 2 == 0 ? "·" : " ", colour);
        if (open_far)
            strip_put(strip, far - i, i % 2 == 0 ? "·" : " ", colour);
    }
}

/* "──── SYN ────✕ drop" */
static void draw_loss(struct drawing *drawing, const struct arrow *arrow, size_t *low, size_t *high)
{
    char fate[TIMELINE_WORDS], text[TIMELINE_WORDS + 8];
    timeline_packet_fate(drawing->timeline, arrow->sighting, fate, sizeof fate);
    bool right = arrow->from < arrow->to;
    size_t room = *high - *low - 1;
    snprintf(text, sizeof text, right ? "✕ %s " : " %s ✕", fate);
    if (strip_columns(text) + 8 > room)
        text[strip_break(text, room > 8 ? room - 8 : 1)] = '\0';
    size_t columns = strip_columns(text);
    strip_text(&drawing->strip, right ? *high - columns : *low + 1, text, STRIP_LOSS);
    if (right)
        *high -= columns;
    else
        *low += columns;
}

static void draw_arrow(struct drawing *drawing, const struct arrow *arrow)
{
    char text[2 * TIMELINE_WORDS + 8];
    size_t low = arrow->from < arrow->to ? arrow->from : arrow->to;
    size_t high = arrow->from < arrow->to ? arrow->to : arrow->from;
    draw_lifelines(drawing);
    draw_time(drawing, arrow->at);
    draw_shaft(drawing, arrow);
    if (arrow->lost)
        draw_loss(drawing, arrow, &low, &high);
    bool open_from = !arrow->left, open_to = !arrow->arrived && !arrow->lost;
    bool right = arrow->from < arrow->to;
    drawing->open |= open_from || open_to;
    low += (right ? open_from : open_to) ? OPEN : 0; /* the dots stay free */
    high -= (right ? open_to : open_from) ? OPEN : 0;
    size_t room = high - low > 7 ? high - low - 7 : 1;
    bool told = arrow_words(drawing, arrow, room, text, sizeof text);
    size_t columns = strip_columns(text), middle = low + 1 + (high - low - 1) / 2;
    size_t begin = middle > columns / 2 + low + 2 ? middle - columns / 2 : low + 2;
    strip_text(&drawing->strip, begin, text, arrow->lost ? STRIP_LOSS : STRIP_PACKET);
    strip_print(&drawing->strip);
    if (told)
        return;
    timeline_packet_fate(drawing->timeline, arrow->sighting, text, sizeof text);
    draw_words(drawing, &(struct timeline_row){.host = arrow->host, .at = arrow->at}, text, NULL,
               STRIP_PACKET);
}

/* To or from a place that has no lifeline: "──▷ sw0: DNS A? server.lab". */
static void draw_one_sided(struct drawing *drawing, const struct timeline_row *row)
{
    const struct timeline_sighting *sighting = &drawing->timeline->sightings[row->of];
    const struct el_packet *packet = &sighting->packet;
    char words[TIMELINE_WORDS], fate[TIMELINE_WORDS], end[EL_ADDRESS_TEXT];
    char text[3 * TIMELINE_WORDS];
    const struct el_address *address = sighting->leaves ? &packet->destination : &packet->source;
    const char *place = timeline_place(drawing->timeline, address);
    el_address_print_host(address, end);
    timeline_packet_words(drawing->timeline, row->of, 1, words, sizeof words);
    timeline_packet_fate(drawing->timeline, row->of, fate, sizeof fate);
    snprintf(text, sizeof text, "%s %s: %s%s%s", sighting->leaves ? "─▷" : "◁─",
             place[0] != '\0' ? place : end, words, fate[0] != '\0' ? ", " : "", fate);
    draw_words(drawing, row, text, sighting->leaves ? "├" : NULL, STRIP_PACKET);
}

static void draw_packet(struct drawing *drawing, const struct timeline_row *row)
{
    const struct timeline_sighting *sighting = &drawing->timeline->sightings[row->of];
    uint32_t other = row->other;
    if (other == TIMELINE_NONE || drawing->column[other] == 0 || other == row->host) {
        draw_one_sided(drawing, row);
        return;
    }
    size_t here = drawing->column[row->host], there = drawing->column[other];
    bool arrives = row->kind == TIMELINE_ROW_ARRIVE;
    if (row->kind == TIMELINE_ROW_ARROW) {
        here = drawing->column[sighting->host];
        there = drawing->column[drawing->timeline->sightings[sighting->partner].host];
    }
    draw_arrow(drawing, &(struct arrow){.from = arrives ? there : here,
                                        .to = arrives ? here : there,
                                        .sighting = row->of,
                                        .host = row->host,
                                        .left = !arrives,
                                        .arrived = row->kind != TIMELINE_ROW_LEAVE,
                                        .lost = timeline_is_lost(drawing->timeline, row->of),
                                        .at = row->at});
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void draw_row(struct drawing *drawing, const struct timeline_row *row)
{
    char text[2 * TIMELINE_WORDS];
    timeline_row_words(drawing->timeline, row, text, sizeof text);
    switch (row->kind) {
    case TIMELINE_ROW_ENTRY:
        draw_words(drawing, row, text, NULL, STRIP_PLAIN);
        drawing->calls[row->host] += drawing->timeline->calls[row->of].strace.returned;
        break;
    case TIMELINE_ROW_RETURN:
        draw_words(drawing, row, text, NULL, STRIP_PLAIN);
        drawing->calls[row->host] -= drawing->calls[row->host] > 0;
        break;
    case TIMELINE_ROW_CALL:
        draw_words(drawing, row, text, NULL, STRIP_PLAIN);
        break;
    case TIMELINE_ROW_STATE:
        draw_words(drawing, row, text, "◆", STRIP_STATE);
        break;
    case TIMELINE_ROW_END:
    case TIMELINE_ROW_FATE:
        draw_words(drawing, row, text, NULL, STRIP_DIM);
        break;
    default:
        draw_packet(drawing, row);
        break;
    }
}

/* Which hosts have a lifeline, and where. */
static void lay_out(struct drawing *drawing, const struct timeline_row *rows, size_t count)
{
    const struct timeline *timeline = drawing->timeline;
    bool shown[TIMELINE_HOSTS] = {false};
    size_t columns = 0;
    for (size_t i = 0; i < count; i++) {
        shown[rows[i].host] = true;
        if (rows[i].other != TIMELINE_NONE)
            shown[rows[i].other] = true;
    }
    for (size_t i = 0; i < timeline->column_count; i++)
        columns += shown[timeline->columns[i]] |= timeline->column_count <= MANY_HOSTS;
    drawing->room = columns == 0 ? drawing->strip.width - TIME_COLUMNS
                                 : (drawing->strip.width - TIME_COLUMNS) / columns;
    if (drawing->room < LEAST_ROOM)
        drawing->room = LEAST_ROOM;
    size_t column = TIME_COLUMNS;
    for (size_t i = 0; i < timeline->column_count; i++) {
        if (!shown[timeline->columns[i]])
            continue;
        drawing->column[timeline->columns[i]] = drawing->last = column;
        column += drawing->room;
    }
}

static void draw_hosts(struct drawing *drawing)
{
    strip_clear(&drawing->strip);
    strip_text(&drawing->strip, 7, "ms", STRIP_DIM);
    for (size_t i = 0; i < drawing->timeline->host_count; i++)
        if (drawing->column[i] != 0)
            strip_text(&drawing->strip, drawing->column[i], drawing->timeline->hosts[i],
                       STRIP_PLAIN);
    strip_print(&drawing->strip);
}

static void print_line(void *argument, const char *line)
{
    struct drawing *drawing = argument;
    while (*line != '\0') {
        size_t length = strip_break(line, drawing->strip.width);
        char part[1024];
        snprintf(part, sizeof part, "%.*s", (int)length, line);
        strip_clear(&drawing->strip);
        strip_text(&drawing->strip, 0, part, STRIP_PLAIN);
        strip_print(&drawing->strip);
        for (line += length; *line == ' ';)
            line++;
    }
}

int timeline_text(const struct timeline *timeline, const struct timeline_look *look, FILE *out)
{
    size_t count;
    struct timeline_row *rows = timeline_rows(timeline, &count);
    struct drawing *drawing = calloc(1, sizeof *drawing);
    if (rows == NULL || drawing == NULL) {
        free(rows);
        free(drawing);
        return -ENOMEM;
    }
    drawing->timeline = timeline;
    drawing->strip.out = out;
    drawing->strip.ascii = look->ascii;
    drawing->strip.colours = look->colours;
    drawing->strip.width = look->width > STRIP_WIDTH ? STRIP_WIDTH : look->width;
    lay_out(drawing, rows, count);
    timeline_heading(timeline, print_line, drawing);
    fputc('\n', out);
    draw_hosts(drawing);
    for (size_t i = 0; i < count; i++) /* what was in the kernel when it all began */
        drawing->calls[rows[i].host] += rows[i].kind == TIMELINE_ROW_RETURN &&
                                        timeline->calls[rows[i].of].entry == TIMELINE_NONE;
    for (size_t i = 0; i < count; i++)
        draw_row(drawing, &rows[i]);
    fputc('\n', out);
    timeline_legend(timeline, print_line, drawing);
    if (drawing->open)
        print_line(drawing, "· · the other end of the arrow is in another row");
    free(rows);
    free(drawing);
    return 0;
}
