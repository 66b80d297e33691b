/*
 * topology_canvas.c - characters on a page, for topology_draw.c.
 *
 * Teaches:  box-drawing characters need no case analysis where they are drawn: a cell remembers in
 *           which directions lines leave it, and a table turns that into a character at the end. With
 *           another table, of + - and |, the same page is ASCII.
 */
#include "topology_canvas.h"

#include <stdlib.h>
#include <string.h>

enum { IS_LINE = 0x100 };

struct canvas {
    size_t width, height;
    uint16_t cell[]; /* a character of ASCII, or IS_LINE and directions */
};

#define UP(n)    ((n)*CANVAS_UP)
#define RIGHT(n) ((n)*CANVAS_RIGHT)
#define DOWN(n)  ((n)*CANVAS_DOWN)
#define LEFT(n)  ((n)*CANVAS_LEFT)

static const struct {
    uint8_t lines;
    const char *utf8;
    char ascii;
} glyphs[] = {
    {LEFT(1) | RIGHT(1), "─", '-'},
    {UP(1) | DOWN(1), "│", '|'},
    {RIGHT(1) | DOWN(1), "┌", '+'},
    {LEFT(1) | DOWN(1), "┐", '+'},
    {RIGHT(1) | UP(1), "└", '+'},
    {LEFT(1) | UP(1), "┘", '+'},
    {UP(1) | DOWN(1) | RIGHT(1), "├", '+'},
    {UP(1) | DOWN(1) | LEFT(1), "┤", '+'},
    {UP(1) | DOWN(1) | LEFT(1) | RIGHT(1), "┼", '+'},
    {DOWN(1) | LEFT(1) | RIGHT(1), "┬", '+'},
    {UP(1) | LEFT(1) | RIGHT(1), "┴", '+'},
    {LEFT(2) | RIGHT(2), "═", '='},
    {UP(2) | DOWN(2), "║", '|'},
    {RIGHT(2) | DOWN(2), "╔", '+'},
    {LEFT(2) | DOWN(2), "╗", '+'},
    {RIGHT(2) | UP(2), "╚", '+'},
    {LEFT(2) | UP(2), "╝", '+'},
    {UP(2) | DOWN(2) | RIGHT(1), "╟", '+'},
    {UP(2) | DOWN(2) | LEFT(1), "╢", '+'},
    {UP(2) | DOWN(2) | LEFT(1) | RIGHT(1), "╫", '+'},
    {UP(2) | RIGHT(1), "╙", '+'},
    {UP(2) | LEFT(1), "╜", '+'},
    {UP(2) | LEFT(1) | RIGHT(1), "╨", '+'},
};

struct canvas *canvas_new(size_t width, size_t height)
{
    struct canvas *canvas = calloc(1, sizeof *canvas + width * height * sizeof canvas->cell[0]);
    if (canvas == NULL)
        return NULL;
    canvas->width = width;
    canvas->height = height;
    for (size_t i = 0; i < width * height; i++)
        canvas->cell[i] = ' ';
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas);
}

static void set(struct canvas *canvas, size_t x, size_t y, uint16_t value)
{
    if (x < canvas->width && y < canvas->height)
        canvas->cell[y * canvas->width + x] = value;
}

void canvas_text(struct canvas *canvas, size_t x, size_t y, const char *text)
{
    for (; *text != '\0'; text++, x++)
        set(canvas, x, y, (unsigned char)*text < 0x80 ? (unsigned char)*text : '?');
}

void canvas_lines(struct canvas *canvas, size_t x, size_t y, unsigned lines)
{
    set(canvas, x, y, (uint16_t)(IS_LINE | lines));
}

void canvas_frame(struct canvas *canvas, size_t x, size_t y, size_t width, size_t height,
                  unsigned weight)
{
    for (size_t i = 1; i + 1 < width; i++) {
        canvas_lines(canvas, x + i, y, (LEFT(1) | RIGHT(1)) * weight);
        canvas_lines(canvas, x + i, y + height - 1, (LEFT(1) | RIGHT(1)) * weight);
    }
    for (size_t i = 1; i + 1 < height; i++) {
        canvas_lines(canvas, x, y + i, (UP(1) | DOWN(1)) * weight);
        canvas_lines(canvas, x + width - 1, y + i, (UP(1) | DOWN(1)) * weight);
    }
    canvas_lines(canvas, x, y, (RIGHT(1) | DOWN(1)) * weight);
    canvas_lines(canvas, x + width - 1, y, (LEFT(1) | DOWN(1)) * weight);
    canvas_lines(canvas, x, y + height - 1, (RIGHT(1) | UP(1)) * weight);
    canvas_lines(canvas, x + width - 1, y + height - 1, (LEFT(1) | UP(1)) * weight);
}

static void print_cell(uint16_t cell, bool utf8, FILE *out)
{
    for (size_t i = 0; (cell & IS_LINE) && i < sizeof glyphs / sizeof glyphs[0]; i++)
        if (glyphs[i].lines == (cell & 0xff)) {
            if (utf8)
                fputs(glyphs[i].utf8, out);
            else
                fputc(glyphs[i].ascii, out);
            return;
        }
    fputc(cell & IS_LINE ? '+' : cell, out);
}

void canvas_print(const struct canvas *canvas, bool utf8, FILE *out)
{
    for (size_t y = 0; y < canvas->height; y++) {
        const uint16_t *row = &canvas->cell[y * canvas->width];
        size_t end = canvas->width;
        while (end > 0 && row[end - 1] == ' ')
            end--;
        for (size_t x = 0; x < end; x++)
            print_cell(row[x], utf8, out);
        fputc('\n', out);
    }
}
