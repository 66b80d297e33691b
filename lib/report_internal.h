/*
 * report_internal.h - what report.c and report_json.c share, and nobody else sees.
 */
#ifndef ECHOLAB_REPORT_INTERNAL_H
#define ECHOLAB_REPORT_INTERNAL_H

#include "report.h"

struct el_report {
    struct el_report_args args;
    struct el_dial_result dial; /* its pointers are NULL: attempts and queries are copied below */
    struct el_attempt *attempts;
    struct el_query *queries;
    bool has_dial;
    bool has_head;     /* the CSV's first line is written */
    uint64_t next_row; /* first probe without a row */
    uint64_t highest;  /* last probe sent */
    int error;         /* -errno of the first failed write */
    char reasons[EL_REPORT_WINDOW]
                [EL_REASON_MAX]; /* of the last probes, by seq modulo the window */
};

void el_report_wrote(struct el_report *report, int result);
void *el_report_copy(const void *items, size_t count, size_t size);
const char *el_report_status(const struct el_probe_record *record);
const char *el_report_reason(struct el_report *report, const struct el_probe_record *record);

#endif
