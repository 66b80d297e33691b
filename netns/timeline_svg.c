/*
 * timeline_svg.c - a timeline as a sequence diagram that any browser shows, light or dark.
 *
 * Teaches:  a picture that stands by itself: its colours are variables that follow the reader's
 *           preference (prefers-color-scheme works inside an <img>, too), each row is a group with a
 *           <title>, which is the text on hover and what a screen reader says, and nothing is loaded
 *           from anywhere.
 * How:      first the rows get their places (`lay_out`), then they are drawn: an arrow may need to know
 *           where its packet arrives, further down.
 * Partner:  timeline_svg.h, timeline_html.c
 */
#include "timeline_svg.h"

#include "timeline_show.h"
#include "timeline_strip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIME_WIDTH = 92,
    TEXT_HEIGHT = 16,
    ARROW_HEIGHT = 28,
    TOP = 20,          /* of the first line of text */
    GLYPH_TENTHS = 73, /* width of a monospace character of 12 px, in tenths of a pixel */
    MARGIN = 16,
};

struct placed {
    struct timeline_row row;
    unsigned y; /* of its (first) line of text, or of its arrow */
    char words[2 * TIMELINE_WORDS];
};

struct drawing {
    const struct timeline *timeline;
    FILE *out;
    bool page;
    struct placed *rows;
    size_t count;
    unsigned *arrives; /* where the arrival of a sighting is drawn; 0: not in a row of its own */
    unsigned x[TIMELINE_HOSTS];
    unsigned column, width, height, top;
    size_t letters; /* that fit beside a lifeline */
};

static const char style[] =
    "<style>\n"
    ".tl{--bg:#ffffff;--fg:#1f2328;--dim:#59636e;--line:#afb8c1;--packet:#0550ae;--state:#7a4a00;"
    "--loss:#b3141f;--bar:#b6d0f2;color-scheme:light dark}\n"
    "@media (prefers-color-scheme:dark){.tl{--bg:#0d1117;--fg:#e6edf3;--dim:#9aa4af;--line:#4a535d;"
    "--packet:#79c0ff;--state:#e3b341;--loss:#ff8a80;--bar:#1f3f66}}\n"
    ".tl text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "fill:var(--fg);white-space:pre}\n"
    ".tl .bg{fill:var(--bg)} .tl .time,.tl text.dim{fill:var(--dim)}\n"
    ".tl text.host,.tl text.command{font-weight:bold}\n"
    ".tl .life{stroke:var(--line);stroke-width:1} .tl .bar{fill:var(--bar)}\n"
    ".tl .packet line{stroke:var(--packet);stroke-width:1.5} .tl .packet "
    "text.label{fill:var(--packet)}\n"
    ".tl .packet path.head{fill:var(--packet)} .tl .lost "
    "line{stroke:var(--loss);stroke-dasharray:5 3}\n"
    ".tl .lost text.label{fill:var(--loss)} .tl .lost path.cross{stroke:var(--loss);stroke-width:2;"
    "fill:none}\n"
    ".tl .state text.label{fill:var(--state)} .tl .state path{fill:var(--state)}\n"
    ".tl .row .hit{fill:transparent} .tl .row:hover .hit,.tl .row:focus "
    ".hit{fill:var(--bar);fill-opacity:.25}\n"
    ".tl .row:focus{outline:none} .tl .row:focus .hit{stroke:var(--packet);stroke-width:2}\n"
    "</style>\n";

/* ---- places ---------------------------------------------------------------------------------- */

static bool is_packet(enum timeline_row_kind kind)
{
    return kind == TIMELINE_ROW_ARROW || kind == TIMELINE_ROW_LEAVE || kind == TIMELINE_ROW_ARRIVE;
}

/* Between two lifelines that are both shown, or beside one? */
static bool is_arrow(const struct drawing *drawing, const struct timeline_row *row)
{
    return is_packet(row->kind) && row->other != TIMELINE_NONE && drawing->x[row->other] != 0 &&
           row->other != row->host;
}

/* The words of a packet that has no arrow: they must say where it goes. */
static void one_sided_words(const struct timeline *timeline, const struct timeline_row *row,
                            char *text, size_t size)
{
    const struct timeline_sighting *sighting = &timeline->sightings[row->of];
    const struct el_packet *packet = &sighting->packet;
    char words[TIMELINE_WORDS], end[EL_ADDRESS_TEXT];
    const struct el_address *address = sighting->leaves ? &packet->destination : &packet->source;
    const char *place = timeline_place(timeline, address);
    timeline_packet_words(timeline, row->of, 1, words, sizeof words);
    snprintf(text, size, "%s %s: %s", sighting->leaves ? "─▷" : "◁─",
             place[0] != '\0' ? place : el_address_print_host(address, end), words);
}

static unsigned lines_of(const struct drawing *drawing, const char *text)
{
    unsigned lines = 0;
    while (*text != '\0') {
        text += strip_break(text, drawing->letters - (lines > 0 ? 2 : 0));
        while (*text == ' ')
            text++;
        lines++;
    }
    return lines > 0 ? lines : 1;
}

static void place_rows(struct drawing *drawing, const struct timeline_row *rows)
{
    unsigned y = drawing->top;
    for (size_t i = 0; i < drawing->count; i++) {
        struct placed *placed = &drawing->rows[i];
        placed->row = rows[i];
        if (is_arrow(drawing, &rows[i])) {
            timeline_row_words(drawing->timeline, &rows[i], placed->words, sizeof placed->words);
            placed->y = y + ARROW_HEIGHT - 8;
            y += ARROW_HEIGHT;
            if (rows[i].kind == TIMELINE_ROW_ARRIVE)
                drawing->arrives[rows[i].of] = placed->y;
            continue;
        }
        if (is_packet(rows[i].kind))
            one_sided_words(drawing->timeline, &rows[i], placed->words, sizeof placed->words);
        else
            timeline_row_words(drawing->timeline, &rows[i], placed->words, sizeof placed->words);
        placed->y = y + TEXT_HEIGHT - 4;
        y += lines_of(drawing, placed->words) * TEXT_HEIGHT;
    }
    drawing->height = y + MARGIN;
}

static void place_hosts(struct drawing *drawing)
{
    const struct timeline *timeline = drawing->timeline;
    size_t columns = timeline->column_count > 0 ? timeline->column_count : 1;
    drawing->column = columns <= 2 ? 430 : 330;
    drawing->letters = (drawing->column - 20) * 10 / GLYPH_TENTHS;
    for (size_t i = 0; i < timeline->column_count; i++)
        drawing->x[timeline->columns[i]] = MARGIN + TIME_WIDTH + (unsigned)i * drawing->column;
    drawing->width = 2 * MARGIN + TIME_WIDTH + (unsigned)columns * drawing->column;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void draw_text(const struct drawing *drawing, unsigned x, unsigned y, const char *class,
                      const char *anchor, const char *text)
{
    fprintf(drawing->out, "<text x=\"%u\" y=\"%u\" class=\"%s\"%s>", x, y, class, anchor);
    timeline_escape(drawing->out, text);
    fputs("</text>", drawing->out);
}

/* Where the entry of a call is drawn, from row `end` upwards; the top, if it was before the beginning. */
static unsigned entry_above(const struct drawing *drawing, size_t end)
{
    for (size_t i = end; i-- > 0;)
        if (drawing->rows[i].row.kind == TIMELINE_ROW_ENTRY &&
            drawing->rows[i].row.of == drawing->rows[end].row.of)
            return drawing->rows[i].y - 4;
    return drawing->top;
}

/* Bars on the lifelines, while a call is in the kernel. */
static void draw_bars(const struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->count; i++) {
        const struct timeline_row *row = &drawing->rows[i].row;
        if (row->kind != TIMELINE_ROW_RETURN)
            continue;
        unsigned y = entry_above(drawing, i);
        fprintf(drawing->out, "<rect class=\"bar\" x=\"%u\" y=\"%u\" width=\"6\" height=\"%u\"/>\n",
                drawing->x[row->host] - 3, y, drawing->rows[i].y - 4 - y);
    }
}

static void draw_lifelines(const struct drawing *drawing)
{
    const struct timeline *timeline = drawing->timeline;
    for (size_t i = 0; i < timeline->column_count; i++) {
        unsigned x = drawing->x[timeline->columns[i]];
        draw_text(drawing, x - 4, drawing->top - 10, "host", "",
                  timeline->hosts[timeline->columns[i]]);
        fprintf(drawing->out, "\n<line class=\"life\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>\n",
                x, drawing->top - 4, x, drawing->height - MARGIN / 2);
    }
    draw_bars(drawing);
}

/* A call, a state, a packet without arrow: words beside the lifeline. */
static void draw_words(const struct drawing *drawing, const struct placed *placed)
{
    unsigned x = drawing->x[placed->row.host] + 10, y = placed->y;
    const char *text = placed->words;
    for (unsigned line = 0; *text != '\0'; line++, y += TEXT_HEIGHT) {
        char part[2 * TIMELINE_WORDS];
        size_t length = strip_break(text, drawing->letters - (line > 0 ? 2 : 0));
        snprintf(part, sizeof part, "%.*s", (int)length, text);
        draw_text(drawing, x + (line > 0 ? 16 : 0), y, "label", "", part);
        for (text += length; *text == ' ';)
            text++;
    }
    if (placed->row.kind == TIMELINE_ROW_STATE)
        fprintf(drawing->out, "<path d=\"M%u %u l4 4 l-4 4 l-4 -4 z\"/>",
                drawing->x[placed->row.host], placed->y - 8);
}

static void draw_head(const struct drawing *drawing, unsigned x, unsigned y, bool right)
{
    fprintf(drawing->out, "<path class=\"head\" d=\"M%u %u l%d -4 v8 z\"/>", x, y, right ? -8 : 8);
}

static void draw_label(const struct drawing *drawing, const struct placed *placed, unsigned from,
                       unsigned to)
{
    char words[TIMELINE_WORDS], fate[TIMELINE_WORDS], text[2 * TIMELINE_WORDS + 4];
    unsigned low = from < to ? from : to, high = from < to ? to : from;
    size_t letters = (high - low - 24) * 10 / GLYPH_TENTHS;
    timeline_packet_fate(drawing->timeline, placed->row.of, fate, sizeof fate);
    for (unsigned level = 0; level <= 3; level++) {
        timeline_packet_words(drawing->timeline, placed->row.of, level, words, sizeof words);
        snprintf(text, sizeof text, "%s%s%s", words, fate[0] == '\0' ? "" : ", ", fate);
        if (strip_columns(text) <= letters)
            break;
    }
    text[strip_break(text, letters)] = '\0';
    draw_text(drawing, (low + high) / 2, placed->y - 5, "label", " text-anchor=\"middle\"", text);
}

static void draw_arrow(const struct drawing *drawing, const struct placed *placed)
{
    const struct timeline *timeline = drawing->timeline;
    const struct timeline_row *row = &placed->row;
    const struct timeline_sighting *sighting = &timeline->sightings[row->of];
    bool arrival = row->kind == TIMELINE_ROW_ARRIVE;
    uint32_t to_host =
        row->kind == TIMELINE_ROW_ARROW ? timeline->sightings[sighting->partner].host : row->other;
    uint32_t from_host = row->kind == TIMELINE_ROW_ARROW ? sighting->host : row->host;
    unsigned from = drawing->x[arrival ? row->other : from_host];
    unsigned to = drawing->x[arrival ? row->host : to_host], y = placed->y, end_y = y;
    bool right = from < to, lost = timeline_is_lost(timeline, row->of);
    if (row->kind == TIMELINE_ROW_LEAVE && sighting->partner != TIMELINE_NONE &&
        drawing->arrives[sighting->partner] != 0)
        end_y = drawing->arrives[sighting->partner]; /* it goes down to where it arrives */
    if (arrival && sighting->partner != TIMELINE_NONE && !sighting->again)
        return; /* its line came down from where it left, and has the words there */
    unsigned stop = lost ? (from + 3 * to) / 4 : right ? to - 2 : to + 2;
    fprintf(drawing->out, "<line x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", from, y, stop, end_y);
    if (lost)
        fprintf(drawing->out, "<path class=\"cross\" d=\"M%u %u l10 10 m0 -10 l-10 10\"/>",
                stop - 5, y - 5);
    else
        draw_head(drawing, right ? to - 1 : to + 1, end_y, right);
    draw_label(drawing, placed, from, lost ? stop : to); /* clear of the cross */
}

static const char *class_of(const struct drawing *drawing, const struct timeline_row *row)
{
    if (is_packet(row->kind))
        return timeline_is_lost(drawing->timeline, row->of) ? "packet lost" : "packet";
    return row->kind == TIMELINE_ROW_STATE ? "state" : "call";
}

static void draw_row(const struct drawing *drawing, size_t number)
{
    const struct placed *placed = &drawing->rows[number];
    bool arrow = is_arrow(drawing, &placed->row);
    char text[1024], time[32];
    unsigned height = arrow ? ARROW_HEIGHT : TEXT_HEIGHT * lines_of(drawing, placed->words);
    snprintf(time, sizeof time, "%.3f", timeline_ms(drawing->timeline, placed->row.at));
    fprintf(drawing->out, "<g class=\"row %s\"", class_of(drawing, &placed->row));
    if (drawing->page) {
        fprintf(drawing->out, " tabindex=\"0\" role=\"img\" id=\"r%zu\" aria-label=\"%s ms, ",
                number, time);
        timeline_escape(drawing->out,
                        timeline_row_sentence(drawing->timeline, &placed->row, text, sizeof text));
        fputc('"', drawing->out);
    }
    fputs("><title>", drawing->out);
    timeline_escape(drawing->out,
                    timeline_row_details(drawing->timeline, &placed->row, text, sizeof text));
    fprintf(drawing->out,
            "</title><rect class=\"hit\" x=\"2\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"3\"/>",
            arrow ? placed->y - ARROW_HEIGHT + 10 : placed->y - TEXT_HEIGHT + 5, drawing->width - 4,
            height - 1);
    draw_text(drawing, MARGIN + TIME_WIDTH - 16, placed->y, "time", " text-anchor=\"end\"", time);
    if (arrow)
        draw_arrow(drawing, placed);
    else
        draw_words(drawing, placed);
    fputs("</g>\n", drawing->out);
}

struct heading {
    const struct drawing *drawing;
    unsigned y;
};

static void head_line(void *argument, const char *line)
{
    struct heading *heading = argument;
    if (heading->drawing != NULL) {
        draw_text(heading->drawing, MARGIN, heading->y, heading->y == TOP ? "command" : "dim", "",
                  line);
        fputc('\n', heading->drawing->out);
    }
    heading->y += TEXT_HEIGHT;
}

static void draw_heading(const struct drawing *drawing)
{
    struct heading heading = {drawing, TOP};
    timeline_heading(drawing->timeline, head_line, &heading);
    struct heading legend = {drawing, drawing->height + TEXT_HEIGHT / 2};
    timeline_legend(drawing->timeline, head_line, &legend);
}

static void draw(const struct drawing *drawing)
{
    FILE *out = drawing->out;
    struct heading legend = {NULL, 0};
    timeline_legend(drawing->timeline, head_line, &legend);
    unsigned height = drawing->height + legend.y + MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tl\" role=\"%s\" "
            "aria-labelledby=\"tl-title tl-desc\" viewBox=\"0 0 %u %u\" width=\"%u\" "
            "height=\"%u\">\n<title id=\"tl-title\">Timeline of ",
            drawing->page ? "group" : "img", drawing->width, height, drawing->width, height);
    timeline_escape(out, drawing->timeline->command);
    fputs("</title>\n<desc id=\"tl-desc\">", out);
    for (size_t i = 0; i < drawing->count && !drawing->page; i++) {
        char text[1024];
        fprintf(out, "%.3f ms: ", timeline_ms(drawing->timeline, drawing->rows[i].row.at));
        timeline_escape(out, timeline_row_sentence(drawing->timeline, &drawing->rows[i].row, text,
                                                   sizeof text));
        fputs(".\n", out);
    }
    if (drawing->page)
        fputs(
            "A sequence diagram: a lifeline for each host, time running down. Below it is the same "
            "as a table.",
            out);
    fprintf(out, "</desc>\n%s<rect class=\"bg\" width=\"%u\" height=\"%u\"/>\n", style,
            drawing->width, height);
    draw_heading(drawing);
    draw_lifelines(drawing);
    for (size_t i = 0; i < drawing->count; i++)
        draw_row(drawing, i);
    fputs("</svg>\n", out);
}

int timeline_draw(const struct timeline *timeline, bool page, FILE *out)
{
    struct drawing drawing = {.timeline = timeline, .out = out, .page = page};
    struct timeline_row *rows = timeline_rows(timeline, &drawing.count);
    drawing.rows = calloc(drawing.count + 1, sizeof *drawing.rows);
    drawing.arrives = calloc(timeline->sighting_count + 1, sizeof *drawing.arrives);
    int result = -ENOMEM;
    if (rows != NULL && drawing.rows != NULL && drawing.arrives != NULL) {
        struct heading heading = {NULL, TOP};
        timeline_heading(timeline, head_line, &heading);
        drawing.top = heading.y + 2 * TEXT_HEIGHT;
        place_hosts(&drawing);
        place_rows(&drawing, rows);
        draw(&drawing);
        result = 0;
    }
    free(rows);
    free(drawing.rows);
    free(drawing.arrives);
    return result;
}

int timeline_svg(const struct timeline *timeline, FILE *out)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    return timeline_draw(timeline, false, out);
}
