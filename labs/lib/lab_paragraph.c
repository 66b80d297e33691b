/*
 * lab_paragraph.c - see lab_paragraph.h.
 *
 * Leaves out: characters that take two columns or none; the texts here have none, and what a
 * learner's program sends may at worst make a line look too long.
 */
#include "lab_paragraph.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes the UTF-8 character at `s` has that a terminal shows; 0: none. RFC 3629 section 4,
 * and without the C1 controls, U+0080 to U+009F: some terminals take U+009B for ESC [. */
static size_t shown_length(const unsigned char *s, size_t left)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (length == 1)
        return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
    if (length == 0 || s[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
        (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] >= 0x90))
        return 0; /* C1, overlong, surrogate, beyond U+10FFFF */
    return length;
}

char *paragraph_clean(const char *bytes, size_t length, char tabs)
{
    const unsigned char *s = (const unsigned char *)bytes, *end = s + length;
    char *text = malloc(4 * length + 1), *to = text;

    if (text == NULL)
        return NULL;
    while (s < end) {
        size_t shown = shown_length(s, (size_t)(end - s));
        if (shown > 0) {
            memcpy(to, s, shown);
            to += shown;
            s += shown;
        } else if (*s == '\n' || *s == '\t') {
            *to++ = *s++ == '\n' ? '\n' : tabs;
        } else {
            to += sprintf(to, "\\x%02x", *s++);
        }
    }
    *to = '\0';
    return text;
}

char *paragraph_read(FILE *file, size_t most, char tabs)
{
    static const char cut[] = "\n# the rest is too long, and left out\n";
    char *bytes = malloc(most + sizeof cut), *text = NULL;

    if (bytes == NULL)
        return NULL;
    size_t got = fread(bytes, 1, most, file);
    if (got == most && fgetc(file) != EOF) {
        memcpy(bytes + got, cut, sizeof cut - 1);
        got += sizeof cut - 1;
    }
    if (!ferror(file))
        text = paragraph_clean(bytes, got, tabs);
    free(bytes);
    return text;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The characters among the first `bytes` bytes. */
static size_t columns_of(const char *text, size_t bytes)
{
    size_t columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += begins_character(text[i]);
    return columns;
}

size_t paragraph_columns(const char *text)
{
    return columns_of(text, strlen(text));
}

/* The bytes of the first `columns` characters, at most `most`. */
static size_t bytes_of(const char *text, size_t columns, size_t most)
{
    size_t i = 0;
    for (; i < most; i++)
        if (begins_character(text[i]) && columns-- == 0)
            break;
    return i;
}

static size_t new_line(FILE *out, size_t indent)
{
    fprintf(out, "\n%*s", (int)indent, "");
    return indent;
}

void paragraph_print(FILE *out, const char *text, size_t at, size_t indent, size_t width)
{
    bool fresh = true; /* nothing of the text stands on this line yet */

    if (width < indent + 10)
        width = indent + 10; /* too narrow for words */
    while (*text != '\0') {
        size_t blanks = strspn(text, " "), word = strcspn(text + blanks, " \n");
        if (word == 0) { /* a newline, or the end; blanks before it are not shown */
            text += blanks;
            if (*text == '\n' && *++text != '\0')
                at = new_line(out, indent), fresh = true;
            continue;
        }
        const char *rest = text + blanks, *end = rest + word;
        size_t columns = columns_of(rest, word);
        if (!fresh && at + blanks + columns > width) {
            at = new_line(out, indent);
            blanks = 0;
        }
        if (blanks + columns + at > width)
            blanks = 0; /* of a line's own indentation as much as there is room for */
        fprintf(out, "%*s", (int)blanks, "");
        at += blanks;
        for (; at + columns > width; columns = columns_of(rest, (size_t)(end - rest))) {
            size_t room = bytes_of(rest, width > at ? width - at : 0, (size_t)(end - rest));
            fwrite(rest, 1, room, out);
            rest += room;
            at = new_line(out, indent);
        }
        fwrite(rest, 1, (size_t)(end - rest), out);
        at += columns;
        fresh = false;
        text = end;
    }
    fputc('\n', out);
}
