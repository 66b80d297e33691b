/*
 * timeline_canvas.c - a line of cells: lifelines first, arrows over them, words over those.
 *
 * Teaches:  a terminal's line is easier painted than printed. In UTF-8 a character has one to four
 *           bytes but fills one cell, so bytes and columns are counted apart. [#cells-not-bytes]
 * Also:     where the terminal has no UTF-8 the same picture is made of ASCII.
 * Partner:  timeline_canvas.h
 */
#include "timeline_canvas.h"

#include <ctype.h>
#include <string.h>

/* Bytes of the character at `text`; 1 for a byte that begins none. */
static size_t character_length(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    return length;
}

static const char *in_ascii(const char *character)
{
    static const char *const table[][2] = {{"│", "|"}, {"┃", "#"}, {"─", "-"}, {"├", "|"},
                                           {"┤", "|"}, {"┼", "+"}, {"▶", ">"}, {"◀", "<"},
                                           {"→", ">"}, {"◆", "*"}, {"✕", "x"}, {"…", "~"},
                                           {"╌", "-"}, {"·", "."}, {"▷", ">"}, {"◁", "<"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i][0], character) == 0)
            return table[i][1];
    return "?";
}

void canvas_clear(struct canvas *canvas)
{
    memset(canvas->cell, 0, sizeof canvas->cell);
    memset(canvas->colour, CANVAS_PLAIN, sizeof canvas->colour);
}

void canvas_put(struct canvas *canvas, size_t column, const char *character,
                enum canvas_colour colour)
{
    if (column >= canvas->width)
        return;
    if (canvas->ascii && (unsigned char)character[0] >= 0x80)
        character = in_ascii(character);
    snprintf(canvas->cell[column], sizeof canvas->cell[column], "%s", character);
    canvas->colour[column] = (uint8_t)colour;
}

size_t canvas_text(struct canvas *canvas, size_t column, const char *text,
                   enum canvas_colour colour)
{
    while (*text != '\0') {
        char character[5] = {0};
        size_t length = character_length(text);
        memcpy(character, text, length);
        text += length;
        if (length == 1 && !isprint((unsigned char)character[0]))
            character[0] = '?';
        canvas_put(canvas, column++, character, colour);
    }
    return column;
}

void canvas_print(const struct canvas *canvas)
{
    static const char *const codes[] = {"", "\033[2m", "\033[36m", "\033[33m", "\033[31m"};
    size_t end = canvas->width;
    uint8_t now = CANVAS_PLAIN;
    while (end > 0 && (canvas->cell[end - 1][0] == '\0' || canvas->cell[end - 1][0] == ' '))
        end--;
    for (size_t i = 0; i < end; i++) {
        if (canvas->colours && canvas->colour[i] != now) {
            now = canvas->colour[i];
            fprintf(canvas->out, "\033[m%s", codes[now]);
        }
        fputs(canvas->cell[i][0] == '\0' ? " " : canvas->cell[i], canvas->out);
    }
    fputs(now != CANVAS_PLAIN ? "\033[m\n" : "\n", canvas->out);
}

size_t canvas_columns(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text += character_length(text))
        columns++;
    return columns;
}

size_t canvas_break(const char *text, size_t columns)
{
    size_t at = 0, blank = 0, soft = 0;
    for (size_t used = 0; text[at] != '\0'; used++) {
        if (used == columns) {
            if (text[at] == ' ' || blank == 0)
                blank = text[at] == ' ' ? at : soft;
            return blank != 0 ? blank : at == 0 ? character_length(text) : at;
        }
        if (text[at] == ' ')
            blank = at;
        at += character_length(text + at);
        /* A long word is best cut behind punctuation. */
        if (strchr("|,:_", text[at - 1]) != NULL)
            soft = at;
    }
    return at;
}
