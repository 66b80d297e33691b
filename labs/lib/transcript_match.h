/*
 * transcript_match.h - does a command's output agree with what the text shows?
 *
 * Two runs of one command differ in what nobody chose: times, the port that the kernel picked, process
 * and inode numbers, a world's name and mode. Where the text shows one of these, any other of the same
 * kind will do; everything else must be the same. A placeholder says it for what is not recognised:
 *
 *   {PORT} {PID} {N}   a number           {TIME}  a time, with or without its unit
 *   {HEX}              0x1f, 9c40         {WORD}  anything without a space
 *   {ANY}              anything           a line of only `...`: any number of lines
 *
 * Pure: text in, verdict out. Partner: lab_transcript.c.
 */
#ifndef ECHOLAB_TRANSCRIPT_MATCH_H
#define ECHOLAB_TRANSCRIPT_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum transcript_verdict {
    TRANSCRIPT_DIFFERS,    /* and more output would not mend it */
    TRANSCRIPT_INCOMPLETE, /* so far it agrees */
    TRANSCRIPT_AGREES,     /* all of it */
};

struct transcript_lines {
    const char *const *line;
    size_t count;
};

/* One line without its newline. Spaces at the end do not count. Where the text's line holds something
 * that varies, so may the width of the spaces: columns move with what stands in them. */
bool transcript_line_agrees(const char *expected, const char *got);

bool transcript_is_gap(const char *expected); /* `...` */

/* Blank lines at the end of `got` do not count. Out of memory is TRANSCRIPT_DIFFERS. */
enum transcript_verdict transcript_compare(struct transcript_lines expected,
                                           struct transcript_lines got);

/* The two side by side: `  ` in both, `- ` expected only, `+ ` got only; long runs are cut. `line` is
 * the number of expected's first line in its file, shown before each of its lines. */
void transcript_print_diff(FILE *out, struct transcript_lines expected, struct transcript_lines got,
                           unsigned line);

#endif
