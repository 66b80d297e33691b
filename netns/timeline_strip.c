/*
 * timeline_strip.c - a line of cells: lifelines first, arrows over them, words over those.
 *
 * Teaches:  a terminal's line is easier painted than printed. In UTF-8 a character has one to four
 *           bytes but fills one cell, so bytes and columns are counted apart. [#cells-not-bytes]
 * Also:     where the terminal has no UTF-8 the same picture is made of ASCII.
 * Partner:  timeline_strip.h
 */
#include "timeline_strip.h"

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

void strip_clear(struct strip *strip)
{
    memset(strip->cell, 0, sizeof strip->cell);
    memset(strip->colour, STRIP_PLAIN, sizeof strip->colour);
}

void strip_put(struct strip *strip, size_t column, const char *character, enum strip_colour colour)
{
    if (column >= strip->width)
        return;
    if (strip->ascii && (unsigned char)character[0] >= 0x80)
        character = in_ascii(character);
    snprintf(strip->cell[column], sizeof strip->cell[column], "%s", character);
    strip->colour[column] = (uint8_t)colour;
}

size_t strip_text(struct strip *strip, size_t column, const char *text, enum strip_colour colour)
{
    while (*text != '\0') {
        char character[5] = {0};
        size_t length = character_length(text);
        memcpy(character, text, length);
        text += length;
        if (length == 1 && !isprint((unsigned char)character[0]))
            character[0] = '?';
        strip_put(strip, column++, character, colour);
    }
    return column;
}

void strip_print(const struct strip *strip)
{
    static const char *const codes[] = {"", "\033[2m", "\033[36m", "\033[33m", "\033[31m"};
    size_t end = strip->width;
    uint8_t now = STRIP_PLAIN;
    while (end > 0 && (strip->cell[end - 1][0] == '\0' || strip->cell[end - 1][0] == ' '))
        end--;
    for (size_t i = 0; i < end; i++) {
        if (strip->colours && strip->colour[i] != now) {
            now = strip->colour[i];
            fprintf(strip->out, "\033[m%s", codes[now]);
        }
        fputs(strip->cell[i][0] == '\0' ? " " : strip->cell[i], strip->out);
    }
    fputs(now != STRIP_PLAIN ? "\033[m\n" : "\n", strip->out);
}

size_t strip_columns(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text += character_length(text))
        columns++;
    return columns;
}

size_t strip_break(const char *text, size_t columns)
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
