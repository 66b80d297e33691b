/*
 * timeline_strip.h - one line of a terminal, made of cells that are drawn on in any order.
 *
 * A cell is a column of the terminal and holds one character, in UTF-8. Read next: timeline_strip.c.
 */
#ifndef ECHOLAB_TIMELINE_STRIP_H
#define ECHOLAB_TIMELINE_STRIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { STRIP_WIDTH = 1000 };

enum strip_colour { STRIP_PLAIN, STRIP_DIM, STRIP_PACKET, STRIP_STATE, STRIP_LOSS };

struct strip {
    FILE *out;
    bool ascii, colours;
    size_t width; /* at most STRIP_WIDTH */
    char cell[STRIP_WIDTH][5];
    uint8_t colour[STRIP_WIDTH];
};

void strip_clear(struct strip *strip);

/* Writes text (UTF-8) from a column on; what is beyond the width is not drawn. Returns the column
 * behind it. */
size_t strip_text(struct strip *strip, size_t column, const char *text, enum strip_colour colour);

/* One character, given in UTF-8, over whatever was there. */
void strip_put(struct strip *strip, size_t column, const char *character, enum strip_colour colour);

/* Prints the line without blanks at its end. */
void strip_print(const struct strip *strip);

/* How many columns a text takes (each character is taken for one column). */
size_t strip_columns(const char *text);

/*
 * How many bytes of `text` make a line of at most `columns`: all, or up to a blank. A word that is longer
 * than a line is cut, but never within a number if that can be helped. Never 0 unless text is empty.
 */
size_t strip_break(const char *text, size_t columns);

#endif
