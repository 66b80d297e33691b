/*
 * topology_draw.c - the picture of a topology, for a terminal of 80 columns.
 *
 * How:      every place is a box; its lines are its interfaces with their addresses, its routes, and
 *           what else it does. Every switch is a *rail*, a vertical double line with its name at the
 *           top, and a cable without a switch is a thin one. Each interface's line goes straight to
 *           its rail. Boxes stand left and right of the rails, in the order of the file, or all on
 *           the left where that would be too wide. Any network can be drawn so; nothing is searched
 *           for, nothing can fail to fit. [#rails]
 *           A line that reaches a rail ends in it with a knot; one that only crosses goes under it.
 * Partner:  topology_boxes.c (what is in a box), topology_canvas.c (characters), topology_dot.c (the
 *           other picture)
 */
#include "topology_canvas.h"
#include "topology_picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 80, TOP = 1 /* above it, the rails' names */ };

/* ---- where everything stands ----------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Would the connections of `box`, standing at `y` on the right, run into one from the left, or the
 * other way round? On one row, the left one must end before the right one does. */
static bool collides(const struct picture *picture, const struct picture_box *box, size_t y)
{
    for (size_t i = 0; i < box->lines; i++) {
        const struct picture_line *line = &picture->line[box->first + i];
        for (size_t k = 0; line->rail >= 0 && k < picture->boxes; k++) {
            const struct picture_box *other = &picture->box[k];
            size_t row = y + 1 + i; /* of the line, from the top of the page */
            if (!other->placed || other->right == box->right || row < other->y + 1 ||
                row >= other->y + 1 + other->lines)
                continue;
            int rail = picture->line[other->first + row - other->y - 1].rail;
            if (rail >= 0 && (box->right ? rail > line->rail : line->rail > rail))
                return true;
        }
    }
    return false;
}

/* Boxes go to the shorter column, as high as they can. */
static void place_boxes(struct picture *picture)
{
    size_t gap = picture->boxes > 6 ? 0 : 1, end[2] = {TOP, TOP};
    for (size_t i = 0; i < picture->boxes; i++) {
        struct picture_box *box = &picture->box[i];
        box->right = picture->two_sided && end[1] < end[0];
        size_t y = end[box->right];
        while (collides(picture, box, y))
            y++;
        box->y = y;
        box->placed = true;
        end[box->right] = y + box->lines + 2 + gap;
        picture->height = larger(picture->height, y + box->lines + 2);
    }
}

static size_t label_length(const struct picture *picture, bool right)
{
    size_t length = 0;
    for (size_t i = 0; i < picture->boxes; i++)
        for (size_t k = 0; k < picture->box[i].lines && picture->box[i].right == right; k++)
            length = larger(length, strlen(picture->line[picture->box[i].first + k].label));
    return length;
}

/* Widths and columns, once the sides are known. */
static void measure(struct picture *picture)
{
    size_t width[2] = {0, 0}, spacing = 4, gap[2];
    for (size_t i = 0; i < picture->boxes; i++)
        width[picture->box[i].right] = larger(width[picture->box[i].right], picture->box[i].width);
    for (size_t i = 0; i < picture->rails; i++)
        spacing = larger(spacing, strlen(picture->rail[i].name) + 2);
    for (size_t side = 0; side < 2; side++) {
        size_t label = label_length(picture, side == 1);
        gap[side] = label == 0 ? 3 : label + 4;
    }
    picture->x[0] = 0;
    picture->box_width[0] = width[0];
    picture->box_width[1] = width[1];
    size_t rails = picture->rails == 0 ? 0 : (picture->rails - 1) * spacing + 1;
    if (width[1] == 0)
        gap[1] = picture->rails == 0 ? 0 : strlen(picture->rail[picture->rails - 1].name) / 2 + 1;
    for (size_t i = 0; i < picture->rails; i++)
        picture->rail[i].x = width[0] + gap[0] + i * spacing;
    picture->x[1] = width[0] + gap[0] + rails + gap[1];
    picture->width = picture->x[1] + width[1];
}

static void lay_out(struct picture *picture, bool two_sided)
{
    picture->two_sided = two_sided;
    picture->height = 0;
    for (size_t i = 0; i < picture->boxes; i++)
        picture->box[i].placed = false;
    place_boxes(picture);
    measure(picture);
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void draw_box(const struct picture *picture, const struct picture_box *box,
                     struct canvas *canvas)
{
    size_t x = picture->x[box->right], width = picture->box_width[box->right];
    const char *kind = topology_kind_name(box->kind);
    char title[TOPOLOGY_NAME + 4];
    canvas_frame(canvas, x, box->y, width, box->lines + 2,
                 box->kind == TOPOLOGY_SWITCH ? CANVAS_DOUBLE : 1);
    snprintf(title, sizeof title, " %s ", box->name);
    canvas_text(canvas, x + 2, box->y, title);
    snprintf(title, sizeof title, " %s ", kind);
    canvas_text(canvas, x + width - 4 - strlen(kind), box->y, title);
    for (size_t i = 0; i < box->lines; i++)
        canvas_text(canvas, x + 2, box->y + 1 + i, picture->line[box->first + i].text);
}

/* From the box's edge towards its rail, with the name of the switch's port on it. */
static void draw_connection(const struct picture *picture, const struct picture_box *box,
                            size_t index, struct canvas *canvas)
{
    const struct picture_line *line = &picture->line[box->first + index];
    size_t y = box->y + 1 + index, rail = picture->rail[line->rail].x;
    size_t edge = box->right ? picture->x[1] : picture->box_width[0] - 1;
    size_t from = box->right ? rail + 1 : edge + 1, to = box->right ? edge : rail;
    unsigned frame =
        (CANVAS_UP | CANVAS_DOWN) * (box->kind == TOPOLOGY_SWITCH ? CANVAS_DOUBLE : 1U);
    char label[TOPOLOGY_IP_TEXT + 4];
    canvas_lines(canvas, edge, y, frame | (box->right ? CANVAS_LEFT : CANVAS_RIGHT));
    for (size_t x = from; x < to; x++)
        canvas_lines(canvas, x, y, CANVAS_LEFT | CANVAS_RIGHT);
    snprintf(label, sizeof label, " %s ", line->label);
    if (line->label[0] != '\0')
        canvas_text(canvas, box->right ? edge - 1 - strlen(label) : edge + 2, y, label);
}

/* Which ways lines end in a rail on one row: from the left, the right, or not at all. */
static unsigned knot(const struct picture *picture, size_t rail, size_t y)
{
    unsigned lines = 0;
    for (size_t i = 0; i < picture->boxes; i++) {
        const struct picture_box *box = &picture->box[i];
        if (y < box->y + 1 || y >= box->y + 1 + box->lines ||
            picture->line[box->first + y - box->y - 1].rail != (int)rail)
            continue;
        lines |= box->right ? CANVAS_RIGHT : CANVAS_LEFT;
    }
    return lines;
}

static void draw_rail(const struct picture *picture, size_t index, struct canvas *canvas)
{
    const struct picture_rail *rail = &picture->rail[index];
    size_t first = picture->height, last = 0;
    unsigned weight = rail->is_switch ? CANVAS_DOUBLE : 1;
    for (size_t y = 0; y < picture->height; y++)
        if (knot(picture, index, y) != 0) {
            first = first < y ? first : y;
            last = y;
        }
    if (rail->is_switch) {
        size_t half = strlen(rail->name) / 2;
        canvas_text(canvas, rail->x > half ? rail->x - half : 0, 0, rail->name);
        last = larger(last, TOP);
        first = TOP - 1; /* from its name down */
    }
    for (size_t y = larger(first, rail->is_switch ? TOP : 0); y <= last && first <= last; y++) {
        unsigned lines = knot(picture, index, y);
        lines |= y > first ? CANVAS_UP * weight : 0;
        lines |= y < last || lines == CANVAS_UP * weight ? CANVAS_DOWN * weight : 0;
        canvas_lines(canvas, rail->x, y, lines);
    }
}

static int draw(const struct picture *picture, bool utf8, FILE *out)
{
    struct canvas *canvas = canvas_new(picture->width, picture->height);
    if (canvas == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < picture->boxes; i++)
        draw_box(picture, &picture->box[i], canvas);
    for (size_t i = 0; i < picture->boxes; i++)
        for (size_t k = 0; k < picture->box[i].lines; k++)
            if (picture->line[picture->box[i].first + k].rail >= 0)
                draw_connection(picture, &picture->box[i], k, canvas);
    for (size_t i = 0; i < picture->rails; i++)
        draw_rail(picture, i, canvas);
    canvas_print(canvas, utf8, out);
    canvas_free(canvas);
    return 0;
}

/* ---- below the picture ----------------------------------------------------------------------- */

/* Appends a word to a paragraph with a hanging indent. */
static void add_word(FILE *out, size_t *column, const char *word)
{
    if (*column > 9 && *column + 1 + strlen(word) > COLUMNS) {
        fputs("\n        ", out);
        *column = 8;
    }
    fprintf(out, " %s", word);
    *column += 1 + strlen(word);
}

static void print_names(const struct topology *topology, FILE *out)
{
    char text[TOPOLOGY_DNS_NAME + 2];
    size_t column = 8;
    if (topology->names == 0)
        return;
    fputs("\nnames   ", out);
    for (uint8_t i = 0; i < topology->names; i++) {
        bool again = false;
        for (uint8_t k = 0; k < i; k++)
            again = again || strcmp(topology->name[k].name, topology->name[i].name) == 0;
        snprintf(text, sizeof text, "%s", topology->name[i].name);
        if (!again)
            add_word(out, &column, text);
    }
    snprintf(text, sizeof text, "(%s answers)", topology->place[topology->dns].name);
    add_word(out, &column, text);
}

static void print_logs(const struct topology *topology, FILE *out)
{
    char text[160]; /* 15 ports, a prefix and a place are 128 */
    size_t column = 8;
    fputs("\nlogged  ", out);
    for (uint8_t i = 0; i < topology->logs; i++) {
        const struct topology_log *log = &topology->log[i];
        size_t used = (size_t)snprintf(text, sizeof text, "%s ", log->tcp ? "tcp" : "udp");
        for (uint8_t k = 0; k < log->ports; k++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", k == 0 ? "" : ",",
                                     log->port[k]);
        if (log->prefix[0] != '\0')
            used += (size_t)snprintf(text + used, sizeof text - used, " as %s", log->prefix);
        if (log->place != TOPOLOGY_NONE)
            used += (size_t)snprintf(text + used, sizeof text - used, " on %s",
                                     topology->place[log->place].name);
        snprintf(text + used, sizeof text - used, ";");
        add_word(out, &column, text);
    }
    add_word(out, &column, topology->silent_line != 0 ? "nothing" : "DNS and ICMP always");
    fputc('\n', out);
}

int topology_draw(const struct topology *topology, bool utf8, FILE *out)
{
    struct picture *picture = calloc(1, sizeof *picture);
    if (picture == NULL)
        return -ENOMEM;
    picture_fill(picture, topology, PICTURE_PORT);
    lay_out(picture, true);
    if (picture->width > COLUMNS) { /* ports are mostly called as what is plugged in */
        picture_fill(picture, topology, PICTURE_NO_LABEL);
        lay_out(picture, true);
    }
    if (picture->width > COLUMNS) { /* on one side, each line says where it goes */
        picture_fill(picture, topology, PICTURE_SWITCH_AND_PORT);
        lay_out(picture, false);
    }
    int result = draw(picture, utf8, out);
    free(picture);
    if (result == 0) {
        print_names(topology, out);
        print_logs(topology, out);
    }
    return result;
}
