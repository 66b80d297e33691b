/*
 * transcript_report.h - tells which commands of a text hold, to a person or as TAP, on stdout.
 *
 * A person is told of failures and skips, and the sum; TAP has a line a command. Partner: lab_transcript.c.
 */
#ifndef ECHOLAB_TRANSCRIPT_REPORT_H
#define ECHOLAB_TRANSCRIPT_REPORT_H

#include "transcript_text.h"

#include <stdbool.h>

struct transcript_report {
    const char *path; /* borrowed: the text's, as it is shown */
    bool tap, silent; /* silent: only counts */
    unsigned told, failed, skipped;
    unsigned skipped_block; /* the last one that was told of: a block is skipped as one */
};

/* A command held (failure NULL), or did not: how, and the lines that show it ("" for none). */
void transcript_tell(struct transcript_report *report, const struct transcript_step *step,
                     const char *failure, const char *details);
void transcript_tell_skip(struct transcript_report *report, const struct transcript_step *step,
                          const char *reason);
/* The last line: TAP's plan, or how many of each. */
void transcript_tell_sum(const struct transcript_report *report);

#endif
