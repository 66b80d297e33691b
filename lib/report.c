/*
 * report.c - lines, rows and the summary; the document is in report_json.c.
 *
 * The one idea: a row is written only when it cannot change. A probe that is lost to its deadline
 *               may still be
 * answered late, so its row waits; the rows behind it wait too, because a CSV is read in order.
 * [#rows-in-order] The wait is bounded by EL_REPORT_WINDOW probes, or the end of the run.
 */
#include "report_internal.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

struct el_report *el_report_new(const struct el_report_args *args)
{
    struct el_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return NULL;
    report->args = *args;
    report->next_row = 1;
    return report;
}

void el_report_free(struct el_report *report)
{
    if (report == NULL)
        return;
    free(report->attempts);
    free(report->queries);
    free(report);
}

/* stdio keeps one sticky error flag and no errno: remember the errno of the first failure, when it
 * is fresh. Beside a stream, text is a remark on stderr, and the result is on stdout. */
void el_report_wrote(struct el_report *report, int result)
{
    if (report->args.problems_only && report->args.format == EL_REPORT_TEXT)
        return;
    if (result < 0 && report->error == 0)
        report->error = errno != 0 ? -errno : -EIO;
}

/* A line for people while the run goes on. The flush makes a failing stdout known now, not at
 * exit. */
__attribute__((format(printf, 2, 3))) static void say(struct el_report *report, const char *format,
                                                      ...)
{
    if (report->args.format != EL_REPORT_TEXT || report->args.quiet)
        return;
    va_list list;
    va_start(list, format);
    errno = 0;
    el_report_wrote(report, vfprintf(report->args.results, format, list));
    va_end(list);
    el_report_wrote(report, fflush(report->args.results));
}

void *el_report_copy(const void *items, size_t count, size_t size)
{
    void *copy = count == 0 ? NULL : malloc(count * size);
    if (copy != NULL)
        memcpy(copy, items, count * size);
    return copy;
}

void el_report_dialed(struct el_report *report, const struct el_dial_result *result)
{
    report->dial = *result;
    report->has_dial = true;
    free(report->attempts);
    free(report->queries);
    report->attempts =
        el_report_copy(result->attempts, result->attempt_count, sizeof *result->attempts);
    report->queries = el_report_copy(result->queries, result->query_count, sizeof *result->queries);
    report->dial.attempts = NULL; /* they die with the dialer: what is ours is the copies */
    report->dial.queries = NULL;

    if (result->status != EL_DIAL_OK || report->args.problems_only)
        return;
    char peer[EL_ADDRESS_TEXT], local[EL_ADDRESS_TEXT], took[24];
    el_print_duration(result->ended - result->started, took, sizeof took);
    bool unbound = el_address_port(&result->local) == 0;
    say(report, "%s: %s %s%s%s in %s\n", report->args.host, unbound ? "sending to" : "connected to",
        el_address_print(&result->peer, peer), unbound ? "" : " from ",
        unbound ? "" : el_address_print(&result->local, local), took);
}

static double milliseconds(el_duration length)
{
    return (double)length / (double)EL_MS;
}

/* Which slot of the window speaks of `seq`. */
static char *reason_slot(struct el_report *report, uint64_t seq)
{
    return report->reasons[seq % EL_REPORT_WINDOW];
}

const char *el_report_reason(struct el_report *report, const struct el_probe_record *record)
{
    if (record->fate == EL_FATE_ECHOED)
        return "";
    const char *reason = reason_slot(report, record->seq);
    bool specific = record->fate == EL_FATE_REFUSED || record->fate == EL_FATE_UNREACHABLE ||
                    record->fate == EL_FATE_ERROR;
    return specific && reason[0] != '\0' ? reason : el_probe_fate_name(record->fate);
}

/* What a person reads about a probe that did not come back as it should. */
static void say_lost(struct el_report *report, const struct el_report_event *event)
{
    const struct el_probe_record *record = event->record;
    const char *detail = event->detail != NULL ? event->detail : "";
    char length[24];
    switch (record->fate) {
    case EL_FATE_DEADLINE:
        el_print_duration(report->args.read_timeout, length, sizeof length);
        say(report, "seq=%llu lost: %s%s\n", (unsigned long long)record->seq,
            *detail != '\0' ? detail : "no echo within ", *detail != '\0' ? "" : length);
        break;
    case EL_FATE_LATE:
        el_print_duration(record->received - record->sent, length, sizeof length);
        say(report, "seq=%llu late: its echo took %s\n", (unsigned long long)record->seq, length);
        break;
    case EL_FATE_CORRUPT:
        say(report, "seq=%llu corrupt: %s\n", (unsigned long long)record->seq, detail);
        break;
    case EL_FATE_REFUSED:
        say(report, "seq=%llu lost: refused (%s)\n", (unsigned long long)record->seq, detail);
        break;
    default:
        say(report, "seq=%llu lost: %s\n", (unsigned long long)record->seq,
            *detail != '\0' ? detail : el_report_reason(report, record));
        break;
    }
}

void el_report_probe(struct el_report *report, const struct el_report_event *event)
{
    const struct el_probe_record *record = event->record;
    char *slot = reason_slot(report, record->seq);
    if (event->reason != NULL)
        snprintf(slot, EL_REASON_MAX, "%s", event->reason);
    else if (!event->duplicate)
        slot[0] = '\0';

    if (record->fate != EL_FATE_ECHOED && !event->duplicate) {
        say_lost(report, event);
        return;
    }
    if (report->args.problems_only && !event->duplicate)
        return;
    char peer[EL_ADDRESS_TEXT];
    say(report, "%zu byte%s from %s: seq=%llu", record->bytes, record->bytes == 1 ? "" : "s",
        el_address_print(&report->dial.peer, peer), (unsigned long long)record->seq);
    if (event->duplicate)
        say(report, " (duplicate)\n");
    else
        say(report, " time=%.3f ms%s\n", milliseconds(record->received - record->sent),
            event->reordered ? " (reordered)" : "");
}

/* The word in the status column: what a filter asks for first. */
const char *el_report_status(const struct el_probe_record *record)
{
    switch (record->fate) {
    case EL_FATE_ECHOED:
    case EL_FATE_LATE:
    case EL_FATE_CORRUPT:
    case EL_FATE_INTERRUPTED:
        return el_probe_fate_name(record->fate);
    case EL_FATE_OUTSTANDING:
        return el_probe_fate_name(EL_FATE_INTERRUPTED);
    default:
        return "lost";
    }
}

static void write_row(struct el_report *report, const struct el_probe_record *record)
{
    FILE *out = report->args.results;
    errno = 0;
    el_report_wrote(report, fprintf(out, "%llu,%s,", (unsigned long long)record->seq,
                                    el_report_status(record)));
    if (record->received != EL_NEVER) /* a number that does not exist is an empty field */
        el_report_wrote(report,
                        fprintf(out, "%.3f", milliseconds(record->received - record->sent)));
    el_report_wrote(report,
                    fprintf(out, ",%zu,%s\n", record->bytes, el_report_reason(report, record)));
}

void el_report_rows(struct el_report *report, const struct el_ledger *ledger, bool final)
{
    if (report->args.format != EL_REPORT_CSV)
        return;
    if (!report->has_head) {
        errno = 0;
        el_report_wrote(report, fputs("seq,status,rtt_ms,bytes,reason\n", report->args.results));
        report->has_head = true;
    }
    if (ledger != NULL) {
        uint64_t sent = report->highest;
        for (; report->next_row <= sent; report->next_row++) {
            const struct el_probe_record *record = el_ledger_record(ledger, report->next_row);
            if (record == NULL)
                continue; /* never sent, or forgotten: no row is better than an invented one */
            bool may_change =
                record->fate == EL_FATE_OUTSTANDING || record->fate == EL_FATE_DEADLINE;
            if (may_change && !final && sent - report->next_row < EL_REPORT_WINDOW - 1)
                break;
            write_row(report, record);
        }
    }
    el_report_wrote(report, fflush(report->args.results));
}

void el_report_sent(struct el_report *report, uint64_t seq)
{
    if (seq > report->highest)
        report->highest = seq;
}

/* One decimal, and as many more as it takes: "0" and "100" are said only of none and of all. */
static const char *percent(uint64_t part, uint64_t whole, char text[static 32])
{
    double value = 100.0 * (double)part / (double)whole;
    if (part * 100 % whole == 0) {
        snprintf(text, 32, "%.0f", value);
        return text;
    }
    for (int decimals = 1; decimals < 20; decimals++) {
        snprintf(text, 32, "%.*f", decimals, value);
        double said = strtod(text, NULL);
        if (said > 0 && said < 100)
            break;
    }
    return text;
}

/* Counters that are zero are left out: what is there should be read. */
static void summary_counts(FILE *out, struct el_report *report, struct el_probe_counts c,
                           bool interim)
{
    const struct {
        const char *name;
        uint64_t value;
        bool countable;
    } rest[] = {
        {interim ? "unanswered yet" : "unanswered when the run ended", c.unanswered, false},
        {"late", c.late, false},
        {"duplicate", c.duplicates, true},
        {"reordered", c.reordered, false},
        {"corrupt", c.corrupt, false},
        {"wrong source", c.wrong_source, false},
        {"error", c.errors, true},
    };
    char share[32];
    el_report_wrote(report,
                    fprintf(out, "%llu sent, %llu received, %llu lost", (unsigned long long)c.sent,
                            (unsigned long long)c.received, (unsigned long long)c.lost));
    if (c.sent > 0)
        el_report_wrote(report, fprintf(out, " (%s%%)", percent(c.lost, c.sent, share)));
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        if (rest[i].value > 0)
            el_report_wrote(report, fprintf(out, ", %llu %s%s", (unsigned long long)rest[i].value,
                                            rest[i].name,
                                            rest[i].countable && rest[i].value != 1 ? "s" : ""));
    }
    el_report_wrote(report, fputc('\n', out));
}

void el_report_summary(struct el_report *report, const struct el_ledger *ledger, bool interim)
{
    bool text = report->args.format == EL_REPORT_TEXT;
    if (!text && (report->args.quiet || report->args.remarks == NULL))
        return; /* rows or the document say it all */
    FILE *out = text ? report->args.results : report->args.remarks;
    int before = report->error;
    bool v6 = strchr(report->args.host, ':') != NULL;
    struct el_probe_counts counts = {0};
    if (ledger != NULL)
        counts = el_ledger_counts(ledger);
    errno = 0;
    el_report_wrote(report, fprintf(out, "--- %s%s%s:%u %s echo%s ---\n", v6 ? "[" : "",
                                    report->args.host, v6 ? "]" : "", report->args.port,
                                    report->args.proto, interim ? ", so far" : ""));
    summary_counts(out, report, counts, interim);
    const struct el_histogram *rtt = ledger == NULL ? NULL : el_ledger_rtt(ledger);
    if (rtt != NULL && el_histogram_count(rtt) > 0)
        el_report_wrote(report, fprintf(out, "rtt min/median/p99/max = %.3f/%.3f/%.3f/%.3f ms\n",
                                        milliseconds(el_histogram_min(rtt)),
                                        milliseconds(el_histogram_percentile(rtt, 50)),
                                        milliseconds(el_histogram_percentile(rtt, 99)),
                                        milliseconds(el_histogram_max(rtt))));
    el_report_wrote(report, fflush(out));
    if (out == report->args.remarks && out != report->args.results)
        report->error = before; /* a closed stderr costs the remark, not the result */
}

int el_report_finish(struct el_report *report)
{
    errno = 0;
    el_report_wrote(report, fflush(report->args.results));
    return report->error;
}

int el_report_error(const struct el_report *report)
{
    return report->error;
}
