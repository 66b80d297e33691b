/* transcript_report.c - see transcript_report.h. */
#include "transcript_report.h"

#include <stdio.h>
#include <string.h>

/* `text` line by line, as TAP's comments or as it is. */
static void print_details(const struct transcript_report *report, const char *text)
{
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");
        printf("%s%.*s\n", report->tap ? "# " : "", length, text);
        text += length + (text[length] == '\n');
    }
}

/* A command's first line; TAP takes what follows a # for a directive. */
static void print_command(const struct transcript_report *report,
                          const struct transcript_step *step)
{
    printf("%s:%u $ ", report->path, step->line);
    for (const char *c = step->command; *c != '\0' && *c != '\n'; c++)
        printf(*c == '#' && report->tap ? "\\%c" : "%c", *c);
    putchar('\n');
}

void transcript_tell(struct transcript_report *report, const struct transcript_step *step,
                     const char *failure, const char *details)
{
    report->told++;
    report->failed += failure != NULL;
    if (report->silent)
        return;
    if (report->tap)
        printf("%sok %u - ", failure != NULL ? "not " : "", report->told);
    if (report->tap || failure != NULL)
        print_command(report, step);
    if (failure != NULL) {
        print_details(report, failure);
        print_details(report, details);
    }
    fflush(stdout); /* a file takes seconds: whoever waits sees how far it is */
}

void transcript_tell_skip(struct transcript_report *report, const struct transcript_step *step,
                          const char *reason)
{
    report->skipped++;
    if (report->skipped_block == step->block || report->silent)
        return;
    report->skipped_block = step->block;
    if (report->tap)
        printf("ok %u - %s:%u, a block of commands # SKIP %s\n", ++report->told, report->path,
               step->block, reason);
    else
        printf("%s:%u: skipped: %s\n", report->path, step->block, reason);
    fflush(stdout);
}

void transcript_tell_sum(const struct transcript_report *report)
{
    if (report->silent)
        return;
    if (report->tap)
        printf("1..%u\n", report->told);
    else
        printf("%s: %u commands agree, %u do not, %u skipped\n", report->path,
               report->told - report->failed, report->failed, report->skipped);
}
