/*
 * timeline_canvas.h - one line of a terminal, made of cells that are drawn on in any order.
 *
 * A cell is a column of the terminal and holds one character, in UTF-8. Read next: timeline_canvas.c.
 */
#ifndef ECHOLAB_TIMELINE_CANVAS_H
#define ECHOLAB_TIMELINE_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CANVAS_WIDTH = 1000 };

enum canvas_colour { CANVAS_PLAIN, CANVAS_DIM, CANVAS_PACKET, CANVAS_STATE, CANVAS_LOSS };

struct canvas {
    FILE *out;
    bool ascii, colours;
    size_t width; /* at most CANVAS_WIDTH */
    char cell[CANVAS_WIDTH][5];
    uint8_t colour[CANVAS_WIDTH];
};

void canvas_clear(struct canvas *canvas);

/* Writes text (UTF-8) from a column on; what is beyond the width is not drawn. Returns the column
 * behind it. */
size_t canvas_text(struct canvas *canvas, size_t column, const char *text,
                   enum canvas_colour colour);

/* One character, given in UTF-8, over whatever was there. */
void canvas_put(struct canvas *canvas, size_t column, const char *character,
                enum canvas_colour colour);

/* Prints the line without blanks at its end. */
void canvas_print(const struct canvas *canvas);

/* How many columns a text takes (each character is taken for one column). */
size_t canvas_columns(const char *text);

/*
 * How many bytes of `text` make a line of at most `columns`: all, or up to a blank. A word that is longer
 * than a line is cut, but never within a number if that can be helped. Never 0 unless text is empty.
 */
size_t canvas_break(const char *text, size_t columns);

#endif
