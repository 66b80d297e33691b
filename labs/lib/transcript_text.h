/*
 * transcript_text.h - the commands of a Markdown file, and what each is said to print.
 *
 * A block between ```console and ``` is a transcript: a line `$ command` (continued while it ends
 * in a backslash), then what it prints. Words after `console` tell what the block needs: `world`,
 * `root`, `done`. Any other fence is only to be looked at. Partner: lab_transcript.c, whose header
 * tells the rules for authors.
 */
#ifndef ECHOLAB_TRANSCRIPT_TEXT_H
#define ECHOLAB_TRANSCRIPT_TEXT_H

#include <stddef.h>

enum transcript_needs { TRANSCRIPT_WORLD = 1, TRANSCRIPT_ROOT = 2, TRANSCRIPT_DONE = 4 };

struct transcript_step {
    char *command;                /* without `$ `; lines joined by newlines */
    const char *const *expected;  /* the lines after it, without blank ones at the end */
    size_t expected_count;        /* may be 0 */
    unsigned line, expected_line; /* where they begin in the file, from 1 */
    unsigned block, block_end;    /* the lines of its fence */
    unsigned needs;               /* transcript_needs */
};

struct transcript {
    char **lines; /* of the whole file, ended by a NULL */
    size_t line_count;
    struct transcript_step *steps;
    size_t step_count;
};

struct transcript_fault {
    unsigned line;
    const char *why; /* static text */
};

/*
 * Takes any bytes. 0, or -EINVAL with *fault set, or -ENOMEM; in each case transcript_free() is to
 * be called.
 */
int transcript_parse(struct transcript *transcript, const char *bytes, size_t length,
                     struct transcript_fault *fault);
void transcript_free(struct transcript *transcript);

#endif
