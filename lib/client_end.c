/*
 * client_end.c - how a run ends: the one way out, what may hurry it, the last output, the exit code.
 *
 * The one idea: every end is bounded, whoever stalls. A peer that does not close is left after
 *               --read-timeout; a reader of our output that does not read is left a second after
 *               --deadline or a signal. Without either we wait for it, as any program would.
 * Partner:  client.c (the life), report.c (what is written here). Read next: client_setup.c.
 */
#include "client_internal.h"

#include <string.h>

#define FLUSH_WAIT (1 * EL_S)

void client_stop(struct el_client *client)
{
    event_base_loopbreak(client->base);
}

/* Closed. With a message, the echo must still reach stdout: it waits for `drained`, or for
 * --deadline. */
void el_client_closed(struct el_client *client)
{
    if (client->state != CLIENT_CLOSING)
        return;
    event_del(client->close_by);
    if (client->opened)
        client_tell_packets(client, "close");
    client->opened = false;
    client->state = CLIENT_FLUSHING;
    if (client->output == NULL || el_output_empty(client->output) ||
        el_output_error(client->output) < 0)
        client_stop(client);
}

/* The only way out of RUNNING. Not from inside a program's call: the program closes here. */
void client_end(struct el_client *client, const char *outcome)
{
    if (client->state != CLIENT_RUNNING)
        return;
    client->state = CLIENT_CLOSING;
    client->outcome = outcome;
    client->overdue =
        strcmp(outcome, "deadline") == 0 && el_ledger_overdue(client->ledger, el_now());
    el_ledger_finish(client->ledger);
    event_del(client->tick);
    event_del(client->expire);
    event_del(client->write_by);

    /* Manners cost a round trip: wait for the peer's FIN only if it answered everything so far. */
    struct el_probe_counts counts = el_ledger_counts(client->ledger);
    bool politely = strcmp(outcome, "completed") == 0 && counts.received == counts.sent;
    client->close_at =
        el_earliest(el_time_after(el_now(), client->options->read_timeout), client->total_at);
    client_arm(client->close_by, client->close_at);
    client->plan->close(client->plan->arg, politely);
}

/* ---- what hurries it ---- */

/* The peer does not close, or, at the very end, nobody reads our output. */
void client_close_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_client *client = arg;
    if (client->state == CLIENT_CLOSING)
        client->plan->close(client->plan->arg, false);
    else if (client->state == CLIENT_FLUSHING)
        client_stop(client);
}

/* A signal while the dial goes on: the exit code is that of the step which did not end. */
static void interrupt_dial(struct el_client *client)
{
    struct el_address literal;
    bool resolved = el_dial_resolved(client->dialer) ||
                    el_address_from_literal(client->endpoint.host, 1, &literal) == 0;
    el_dial_cancel(client->dialer);
    client->dialer = NULL;
    client->outcome = "interrupted";
    if (resolved)
        client_fail(client, EL_EXIT_CONNECT, "%s: connect: interrupted", client->target);
    else
        client_fail(client, EL_EXIT_NAME, "%s: lookup: interrupted", client->endpoint.host);
    client_stop(client);
}

/* SIGINT, SIGTERM. The first ends the run, the next one whatever its end is waiting for. */
void client_interrupt(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_client *client = arg;
    switch (client->state) {
    case CLIENT_DIALING:
        interrupt_dial(client);
        break;
    case CLIENT_RUNNING:
        client_end(client, "interrupted");
        break;
    case CLIENT_CLOSING:
        client->plan->close(client->plan->arg, false);
        break;
    case CLIENT_FLUSHING:
        client_stop(client);
        break;
    }
}

/* --deadline. While dialling, the dial has this instant too and ends by itself, with the reason. */
void client_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct el_client *client = arg;
    if (el_time_left(client->total_at, el_now()) > 0) {
        client_arm(client->total, client->total_at);
        return;
    }
    if (client->state == CLIENT_RUNNING) {
        client_expire(fd, what, client); /* what is due now is lost, not interrupted */
        client_end(client, "deadline");
    } else if (client->state == CLIENT_CLOSING) {
        client->plan->close(client->plan->arg, false);
    } else if (client->state == CLIENT_FLUSHING) {
        client_fail(client, EL_EXIT_LOCAL, "stdout: not all was taken by the deadline");
        client_stop(client);
    }
}

/* ---- the last output ---- */

/* Beside a stream, text is only a remark: see report.c. */
static bool results_matter(const struct el_client *client)
{
    return !el_client_streaming(client) || client->options->json || client->options->csv;
}

/* 0, or -errno of what could not be written. */
int client_results_error(const struct el_client *client)
{
    if (!results_matter(client))
        return 0;
    int error = el_report_error(client->report);
    return error < 0 ? error : el_output_error(client->lines);
}

/* Lets the reader take what is queued. False: it did not, in time. */
static bool flush_results(struct el_client *client)
{
    el_time limit = EL_NEVER;
    if (client->total_at != EL_NEVER)
        limit = el_time_after(client->total_at, FLUSH_WAIT);
    if (client->outcome != NULL && strcmp(client->outcome, "interrupted") == 0)
        limit = el_earliest(limit, el_time_after(el_now(), FLUSH_WAIT));
    event_del(client->total);
    client->state = CLIENT_FLUSHING;
    if (!el_output_empty(client->lines) && el_output_error(client->lines) == 0) {
        client_arm(client->close_by, limit);
        event_base_dispatch(client->base);
    }
    return el_output_empty(client->lines) || el_output_error(client->lines) < 0;
}

/* Rows, summary, document; then the exit code: 2 before 6 before 7 before 28 before 1. */
int client_finish(struct el_client *client)
{
    bool interrupted = client->outcome != NULL && strcmp(client->outcome, "interrupted") == 0;
    const char *where = el_client_streaming(client) ? "stderr" : "stdout";
    if (client->code == 0 && !client->options->connect_only)
        client->code = el_ledger_exit_code(client->ledger);
    /* Broken: all that was sent came back, but not all was sent. */
    if (client->code == 0 && (client->broken || client->overdue))
        client->code = EL_EXIT_LOST;
    el_report_rows(client->report, client->ledger, true);
    if (client->seq > 0 || interrupted)
        el_report_summary(client->report, client->ledger, false);
    el_report_document(client->report, client->ledger,
                       &(struct el_report_end){
                           .exit_code = client->code,
                           .outcome = client->outcome,
                           .message = client->message[0] != '\0' ? client->message : NULL,
                           .bytes_sent = client->bytes_sent,
                           .bytes_received = client->bytes_received,
                       });
    el_report_finish(client->report);
    bool taken = flush_results(client);
    int error = client_results_error(client);
    if (error == 0 && (taken || !results_matter(client)))
        return client->code;
    client->code = 0; /* the worst that can happen: nobody knows what we found out */
    if (error < 0)
        client_fail(client, EL_EXIT_LOCAL, "%s: write: %s", where, strerror(-error));
    else
        client_fail(client, EL_EXIT_LOCAL, "%s: not all was taken in time (its reader is stalled)",
                    where);
    return client->code;
}
