/*
 * topology_canvas.h - a page of characters to draw boxes and lines on.
 */
#ifndef ECHOLAB_TOPOLOGY_CANVAS_H
#define ECHOLAB_TOPOLOGY_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How a line leaves a cell in each direction: two bits each, 0 none, 1 single, 2 double. */
enum {
    CANVAS_UP = 1,
    CANVAS_RIGHT = 1 << 2,
    CANVAS_DOWN = 1 << 4,
    CANVAS_LEFT = 1 << 6,
    CANVAS_DOUBLE = 2 /* times a direction */
};

struct canvas;

/* NULL: no memory. */
struct canvas *canvas_new(size_t width, size_t height);
void canvas_free(struct canvas *canvas);

/* All of these leave out what is beyond the page. */
void canvas_text(struct canvas *canvas, size_t x, size_t y, const char *text);
/* Sets the cell's lines; those that were there are gone. */
void canvas_lines(struct canvas *canvas, size_t x, size_t y, unsigned lines);
/* A frame of width × height cells; `weight` 1 or CANVAS_DOUBLE. */
void canvas_frame(struct canvas *canvas, size_t x, size_t y, size_t width, size_t height,
                  unsigned weight);

/* Writes the page, without blanks at the ends of lines. */
void canvas_print(const struct canvas *canvas, bool utf8, FILE *out);

#endif
