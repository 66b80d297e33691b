/*
 * report_json.c - the one document of --json: the same facts as the text, for a program to read.
 *
 * It is written at the end, in one go, from what was kept: so it is whole on every path that ends a
 * run, be it a refused connection or SIGINT. What does not exist is null, never 0 and never nan.
 * [#json-whole]
 */
#include "report_internal.h"

#include <errno.h>
#include <math.h>

#include "json.h"

static double ms(el_duration length)
{
    return (double)length / (double)EL_MS;
}

/* The time between two instants of which either may not exist. */
static void write_span(struct el_json *json, const char *key, el_time from, el_time to)
{
    bool known = from != EL_NEVER && to != EL_NEVER;
    el_json_number(json, key, known ? ms(to - from) : (double)NAN, 3);
}

static void write_address(struct el_json *json, const char *key, const struct el_address *address)
{
    char text[EL_ADDRESS_TEXT];
    el_json_text(json, key, address->length == 0 ? NULL : el_address_print(address, text));
}

static void write_error(struct el_json *json, const char *key, int error)
{
    el_json_text(json, key, error == 0 ? NULL : el_errno_name(error < 0 ? -error : error));
}

static void write_queries(struct el_json *json, const struct el_report *report)
{
    el_json_array(json, "queries");
    for (size_t i = 0; report->queries != NULL && i < report->dial.query_count; i++) {
        const struct el_query *query = &report->queries[i];
        el_json_object(json, NULL);
        write_address(json, "server", &query->server);
        el_json_text(json, "type", query->family == AF_INET6 ? "AAAA" : "A");
        el_json_bool(json, "tcp", query->tcp);
        write_span(json, "sent_ms", report->dial.started, query->sent);
        write_span(json, "took_ms", query->sent, query->answered);
        if (query->rcode < 0)
            el_json_null(json, "rcode");
        else
            el_json_int(json, "rcode", query->rcode);
        write_error(json, "error", query->error);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

static void write_attempts(struct el_json *json, const struct el_report *report)
{
    el_json_array(json, "attempts");
    for (size_t i = 0; report->attempts != NULL && i < report->dial.attempt_count; i++) {
        const struct el_attempt *attempt = &report->attempts[i];
        el_json_object(json, NULL);
        write_address(json, "peer", &attempt->peer);
        write_address(json, "local", &attempt->local);
        write_span(json, "started_ms", report->dial.started, attempt->started);
        write_span(json, "took_ms", attempt->started, attempt->ended);
        write_error(json, "error", attempt->error);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

static void write_dial(struct el_json *json, const struct el_report *report)
{
    static const char *const status[] = {
        [EL_DIAL_OK] = "ok",
        [EL_DIAL_NOT_RESOLVED] = "not-resolved",
        [EL_DIAL_NOT_CONNECTED] = "not-connected",
        [EL_DIAL_TIMEOUT] = "timeout",
        [EL_DIAL_LOCAL] = "local-error",
    };

    if (!report->has_dial) { /* interrupted before the dial ended */
        el_json_null(json, "dial");
        return;
    }
    const struct el_dial_result *dial = &report->dial;
    el_json_object(json, "dial");
    el_json_text(json, "status", status[dial->status]);
    el_json_text(json, "source",
                 dial->resolved == EL_NEVER ? NULL : el_lookup_source_word(dial->source));
    write_address(json, "peer", &dial->peer);
    write_address(json, "local", &dial->local);
    write_span(json, "lookup_ms", dial->started, dial->resolved);
    write_span(json, "connect_ms", dial->resolved,
               dial->status == EL_DIAL_OK ? dial->ended : EL_NEVER);
    write_span(json, "total_ms", dial->started, dial->ended);
    write_error(json, "error", dial->error);
    write_queries(json, report);
    write_attempts(json, report);
    el_json_close_object(json);
}

static void write_counts(struct el_json *json, struct el_probe_counts counts)
{
    el_json_uint(json, "sent", counts.sent);
    el_json_uint(json, "received", counts.received);
    el_json_uint(json, "lost", counts.lost);
    el_json_uint(json, "late", counts.late);
    el_json_uint(json, "unanswered", counts.unanswered);
    el_json_uint(json, "duplicates", counts.duplicates);
    el_json_uint(json, "reordered", counts.reordered);
    el_json_uint(json, "corrupt", counts.corrupt);
    el_json_uint(json, "wrong_source", counts.wrong_source);
    el_json_uint(json, "errors", counts.errors);
}

static void write_rtt(struct el_json *json, const struct el_histogram *rtt)
{
    bool any = rtt != NULL && el_histogram_count(rtt) > 0;
    static const struct {
        const char *name;
        double percent;
    } ranks[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}};

    el_json_object(json, "rtt_ms");
    el_json_number(json, "min", any ? ms(el_histogram_min(rtt)) : (double)NAN, 3);
    el_json_number(json, "mean", any ? el_histogram_mean(rtt) / (double)EL_MS : (double)NAN, 3);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        el_json_number(json, ranks[i].name,
                       any ? ms(el_histogram_percentile(rtt, ranks[i].percent)) : (double)NAN, 3);
    el_json_number(json, "max", any ? ms(el_histogram_max(rtt)) : (double)NAN, 3);
    el_json_number(json, "deviation",
                   any ? el_histogram_deviation(rtt) / (double)EL_MS : (double)NAN, 3);
    el_json_close_object(json);
}

/* The last EL_REPORT_WINDOW probes; `sent` says whether there were more. */
static void write_probes(struct el_json *json, struct el_report *report,
                         const struct el_ledger *ledger)
{
    uint64_t first =
        report->highest >= EL_REPORT_WINDOW ? report->highest - EL_REPORT_WINDOW + 1 : 1;
    el_json_array(json, "probes");
    for (uint64_t seq = first; ledger != NULL && seq <= report->highest; seq++) {
        const struct el_probe_record *record = el_ledger_record(ledger, seq);
        if (record == NULL)
            continue;
        const char *reason = el_report_reason(report, record);
        el_json_object(json, NULL);
        el_json_uint(json, "seq", record->seq);
        el_json_text(json, "status", el_report_status(record));
        write_span(json, "rtt_ms", record->sent, record->received);
        el_json_uint(json, "bytes", record->bytes);
        el_json_text(json, "reason", *reason == '\0' ? NULL : reason);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

void el_report_document(struct el_report *report, const struct el_ledger *ledger,
                        const struct el_report_end *end)
{
    if (report->args.format != EL_REPORT_JSON)
        return;
    struct el_json json = el_json_begin(report->args.results);
    struct el_probe_counts counts = {0};
    if (ledger != NULL)
        counts = el_ledger_counts(ledger);
    errno = 0;
    el_json_object(&json, NULL);
    el_json_int(&json, "format_version", 1);
    el_json_text(&json, "program", report->args.program);
    el_json_text(&json, "proto", report->args.proto);
    el_json_text(&json, "host", report->args.host);
    el_json_uint(&json, "port", report->args.port);
    el_json_uint(&json, "size", report->args.size);
    el_json_text(&json, "outcome", end->outcome);
    el_json_int(&json, "exit_code", end->exit_code);
    el_json_text(&json, "message", end->message);
    write_dial(&json, report);
    write_counts(&json, counts);
    el_json_uint(&json, "bytes_sent", end->bytes_sent);
    el_json_uint(&json, "bytes_received", end->bytes_received);
    write_rtt(&json, ledger == NULL ? NULL : el_ledger_rtt(ledger));
    write_probes(&json, report, ledger);
    el_json_close_object(&json);
    el_report_wrote(report, ferror(report->args.results) ? EOF : 0);
    el_report_wrote(report, fflush(report->args.results));
}
