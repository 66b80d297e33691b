/*
 * lab_paragraph.h - text for a terminal: nothing in it can steer the terminal, and it fits.
 *
 * What a check reports holds what a learner's program has sent: any byte. A terminal obeys some of
 * them (ESC moves, clears, renames), so they are spelled out before anything else looks at the text.
 */
#ifndef ECHOLAB_LAB_PARAGRAPH_H
#define ECHOLAB_LAB_PARAGRAPH_H

#include <stddef.h>
#include <stdio.h>

/*
 * Returns a copy of `length` bytes in which only newlines and printable UTF-8 are left: a tab is a
 * blank if `tabs` is ' ' and stays if it is '\t', every other control character (C1 too) and every
 * byte that is no UTF-8 becomes \xNN. NULL: out of memory. The caller frees it.
 */
char *paragraph_clean(const char *bytes, size_t length, char tabs);

/* As paragraph_clean, for all of a file up to `most` bytes; what is cut off is said in a last line.
 * NULL with errno set when it cannot be read. */
char *paragraph_read(FILE *file, size_t most, char tabs);

/* The columns that clean text takes: characters, not bytes. */
size_t paragraph_columns(const char *text);

/*
 * Prints clean text, wrapped between blanks so that no line is wider than `width`. The first line
 * begins in column `at`, where the cursor is already; the others, and those behind a newline of the
 * text, are indented to `indent`. A word that is too long stands alone on its line, cut at the
 * width. Ends with a newline.
 */
void paragraph_print(FILE *out, const char *text, size_t at, size_t indent, size_t width);

#endif
