/*
 * report.h - what a client found out, told to people, to a spreadsheet or to a program.
 *
 * One report, three forms: a line a probe and a summary, as ping does (text); a row a probe
 * (--csv); one document at the end (--json). It owns no socket and no clock; it is given what the
 * ledger knows. Whatever it could not write is an error of the run: a measurement that went nowhere
 * must not end with 0.
 * Partner: lib/probe.h (the ledger), lib/client.c (who calls). Read next: client.h.
 */
#ifndef ECHOLAB_REPORT_H
#define ECHOLAB_REPORT_H

#include "dialer.h"
#include "probe.h"

#include <stdio.h>

enum el_report_format { EL_REPORT_TEXT, EL_REPORT_CSV, EL_REPORT_JSON };

enum {
    EL_REASON_MAX = 48,      /* "host-administratively-prohibited" and a NUL */
    EL_REPORT_WINDOW = 4096, /* probes whose row may change; older rows are written as they are */
};

struct el_report_args {
    FILE *results; /* lines, rows or the document; borrowed */
    FILE *remarks; /* the summary, when results is rows or a document; NULL: leave it out */
    enum el_report_format format;
    bool problems_only;                 /* no line for an intact echo: it is on stdout itself */
    bool quiet;                         /* the summary only */
    const char *program, *proto, *host; /* "udp_echo", "udp", "server.lab"; borrowed */
    uint16_t port;                      /* host order */
    uint64_t size;                      /* bytes a probe, as asked for */
    el_duration read_timeout;           /* what "no echo within" says */
};

struct el_report; /* opaque */

struct el_report *el_report_new(const struct el_report_args *args); /* NULL: out of memory */
void el_report_free(struct el_report *report);

/* Copies how the dial went, for the document; says it in a line of text. */
void el_report_dialed(struct el_report *report, const struct el_dial_result *result);

/* Probe number `seq` was sent (rows and document reach as far as this). */
void el_report_sent(struct el_report *report, uint64_t seq);

/* One line about one probe. `reason` is what the CSV and JSON rows say too ("host-unreachable";
 * NULL: the fate's name); `detail` is for the line alone ("said by 10.77.0.9"; NULL: nothing to
 * add). */
struct el_report_event {
    const struct el_probe_record *record;
    bool duplicate, reordered;
    const char *reason, *detail;
};
void el_report_probe(struct el_report *report, const struct el_report_event *event);

/* --csv: writes the rows that cannot change any more, in order; all that are left if `final`. */
void el_report_rows(struct el_report *report, const struct el_ledger *ledger, bool final);

/* The summary, or, for SIGQUIT, how it stands now. */
void el_report_summary(struct el_report *report, const struct el_ledger *ledger, bool interim);

/* How a run ended, for the document. */
struct el_report_end {
    int exit_code;
    const char *outcome; /* "completed", "interrupted", "deadline", "not-resolved" ... */
    const char *message; /* the diagnostic that was given, or NULL */
    uint64_t bytes_sent, bytes_received;
};
/* --json: the one document. `ledger` may be NULL: nothing was ever sent. */
void el_report_document(struct el_report *report, const struct el_ledger *ledger,
                        const struct el_report_end *end);

/* Flushes. 0, or -errno of the first write that failed. */
int el_report_finish(struct el_report *report);
/* The same without flushing: has a write failed yet? */
int el_report_error(const struct el_report *report);

#endif
