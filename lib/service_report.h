/*
 * service_report.h - what a server says on stdout: the ready line, and statistics.
 *
 * Only service.c uses it.
 */
#ifndef ECHOLAB_SERVICE_REPORT_H
#define ECHOLAB_SERVICE_REPORT_H

#include "line_output.h"
#include "service_worker.h"

struct el_service_report {
    struct el_line_output output;
    struct el_trace *trace;
    const struct el_service *plug;
    const struct el_listeners *listeners;
    const struct el_worker *workers;
    unsigned count;
    bool json; /* the ready line too */
    el_time start;
    unsigned long left_out; /* lines that had no reader, since the last one that had */
};

/* One line each. `patience`: how long it may wait for a reader that stalls. 0, or -errno after a diagnostic. */
int el_service_report_ready(struct el_service_report *report, el_duration patience);
int el_service_report_stats(struct el_service_report *report, const char *reason,
                            el_duration patience);

/* Tells how many lines were left out, if that was not told yet. */
void el_service_report_close(struct el_service_report *report);

#endif
