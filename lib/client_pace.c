/*
 * client_pace.c - when the next probe goes, and what became of each.
 *
 * The one idea, [#turn]: whatever happens to a probe only changes the books and asks for a *turn*
 * of the loop. In that turn, with no program's call on the stack, is decided what comes next: send,
 * wait, or end. So ending may free what the program was using a moment ago, and "-i 0", where each
 * echo sends the next probe, does not recurse.
 * Partner: client.c (the life), lib/probe.c (the ledger). Read next: clients/udp_echo.c.
 */
#include "client_internal.h"

#include <errno.h>
#include <string.h>

#define ERROR_PAUSE                                                                                \
    (10 * EL_MS) /* between probes that fail at once, so that -i 0 is no busy loop */

static void ask_for_turn(struct el_client *client)
{
    event_active(client->turn, EV_TIMEOUT, 0);
}

/* All of the input is one probe, whose read deadline moves with every byte that comes back.
 * [#moving-deadline] */
bool client_whole_stream(const struct el_client *client)
{
    return client->plan->stream && el_client_streaming(client);
}

void client_heard(struct el_client *client)
{
    client->heard = el_now();
    client_arm(client->expire, el_time_after(client->heard, client->options->read_timeout));
}

static bool all_sent(const struct el_client *client)
{
    if (client->input_ended)
        return true;
    if (client_whole_stream(client))
        return client->seq == 1;
    return !el_client_streaming(client) && client->options->count > 0 &&
           client->seq == client->options->count;
}

bool el_client_all_back(const struct el_client *client)
{
    return all_sent(client) && !client->sending && el_ledger_outstanding(client->ledger) == 0;
}

/* "As soon as the last is answered" is the pace of -i 0, and of a message, whose echo must come out
 * in order. */
static bool answer_paced(const struct el_client *client)
{
    return client->options->interval == 0 || el_client_streaming(client);
}

static void send_next(struct el_client *client)
{
    el_time now = el_now();
    client->due = false;
    client->sending = true;
    client->seq++;
    if (!answer_paced(client)) {
        /* Counted from the plan, not from now: small delays do not add up. But what was missed is
         * not made up for. */
        client->next_at = el_time_after(client->next_at, client->options->interval);
        if (client->next_at < now)
            client->next_at = now;
        client_arm(client->tick, client->next_at);
    }
    client->plan->send(client->plan->arg, client->seq);
}

/* The packets that crossed since the last time, once nothing is under way: the fence must not delay
 * an echo. */
void client_tell_packets(struct el_client *client, const char *title)
{
    if (client->witness == NULL)
        return;
    el_witness_tell(client->witness, title, &client->flow, 1);
    el_witness_mark(client->witness);
    client->untold = false;
}

void client_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_client *client = arg;
    if (client->state != CLIENT_RUNNING)
        return;

    bool idle = el_ledger_outstanding(client->ledger) == 0 && !client->sending;
    if (client->broken || client->code != 0 || client_results_error(client) < 0) {
        client_end(client, client->code != 0 ? "local-error" : "broken");
        return;
    }
    if (idle && client->untold)
        client_tell_packets(client, "this echo");
    if (idle && all_sent(client)) {
        client_end(client, "completed");
        return;
    }
    if (all_sent(client) || client->sending || el_output_full(client->lines))
        return;
    if (answer_paced(client) && idle) {
        bool waits_for_stdout = client->output != NULL && !el_output_empty(client->output);
        if (client->failing && !client->due)
            client_arm(client->tick, el_time_after(el_now(), ERROR_PAUSE));
        else if (!waits_for_stdout)
            client->due = true;
        client->failing = false;
    }
    if (client->due)
        send_next(client);
}

void client_tick(evutil_socket_t fd, short what, void *arg)
{
    struct el_client *client = arg;
    if (!answer_paced(client) && el_time_left(client->next_at, el_now()) > 0) {
        client_arm(client->tick, client->next_at); /* the loop's clock was a moment ahead of ours */
        return;
    }
    client->due = true;
    client_turn(fd, what, client);
}

static void on_lost(void *arg, const struct el_probe_record *record)
{
    struct el_client *client = arg;
    client->untold = true;
    el_report_probe(client->report, &(struct el_report_event){.record = record});
    if (client->plan->lost != NULL)
        client->plan->lost(client->plan->arg, record->seq);
}

/* --stdin on a stream: nothing came back for --read-timeout, though something is owed, and it is
 * not for us that it waits. */
static void expire_stream(struct el_client *client)
{
    el_time due = el_time_after(client->heard, client->options->read_timeout);
    if (client->bytes_sent == client->bytes_received)
        return;
    if (el_output_full(client->output))
        client_heard(client);
    else if (el_time_left(due, el_now()) > 0)
        client_arm(client->expire, due);
    else
        client->plan->late(client->plan->arg, EL_READ);
}

/* The read deadline of one probe or more has passed. The connection stays as it is: only the probe
 * is lost. */
void client_expire(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_client *client = arg;
    if (client->state != CLIENT_RUNNING)
        return;
    if (client_whole_stream(client)) {
        expire_stream(client);
        return;
    }
    client_arm(client->expire, el_ledger_expire(client->ledger, el_now(), on_lost, client));
    el_report_rows(client->report, client->ledger, false);
    ask_for_turn(client);
}

void el_client_sent(struct el_client *client, uint64_t seq, size_t bytes, el_time when)
{
    bool first = el_ledger_outstanding(client->ledger) == 0;
    el_ledger_sent(client->ledger, seq, bytes, when);
    el_report_sent(client->report, seq);
    if (first && !client_whole_stream(client))
        client_arm(client->expire, el_time_after(when, client->options->read_timeout));
}

void el_client_write_blocked(struct el_client *client)
{
    if (client->write_at != EL_NEVER)
        return; /* runs already: the deadline is for the whole write, not for each piece */
    client->write_at = el_time_after(el_now(), client->options->write_timeout);
    client_arm(client->write_by, client->write_at);
}

void el_client_write_went_on(struct el_client *client)
{
    client->write_at = EL_NEVER;
    event_del(client->write_by);
}

void el_client_written(struct el_client *client)
{
    client->sending = false;
    el_client_write_went_on(client);
    ask_for_turn(client);
}

void client_write_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_client *client = arg;
    if (client->state != CLIENT_RUNNING || client->write_at == EL_NEVER)
        return;
    if (el_time_left(client->write_at, el_now()) > 0) {
        client_arm(client->write_by, client->write_at);
        return;
    }
    client->write_at = EL_NEVER;
    if (client->output != NULL && el_output_full(client->output)) {
        el_client_write_blocked(client); /* it is our own stdout that holds everything up */
        return;
    }
    client->plan->late(client->plan->arg, EL_WRITE);
    ask_for_turn(client);
}

void el_client_input_ended(struct el_client *client)
{
    client->input_ended = true;
    el_client_written(client);
}

/* Something was settled: tell it, write what rows can be written, and look what comes next. */
static void settled(struct el_client *client, uint64_t seq, const struct el_report_event *told)
{
    struct el_report_event event = *told;
    event.record = el_ledger_record(client->ledger, seq);
    if (event.record != NULL)
        el_report_probe(client->report, &event);
    el_report_rows(client->report, client->ledger, false);
    client->untold = true;
    ask_for_turn(client);
}

bool el_client_echoed(struct el_client *client, uint64_t seq)
{
    struct el_report_event event = {0};
    el_time now = el_now();
    seq = el_ledger_whose(client->ledger, seq);
    enum el_probe_fate fate =
        el_ledger_echoed(client->ledger, seq, now, &event.duplicate, &event.reordered);
    const struct el_probe_record *record = el_ledger_record(client->ledger, seq);
    if (record != NULL && !event.duplicate)
        el_explain(client->trace, EL_TOPIC_STATE,
                   "seq %llu: all %zu bytes came back as sent, %s %.3f ms", (unsigned long long)seq,
                   record->bytes, fate == EL_FATE_LATE ? "too late: after" : "after",
                   (double)(now - record->sent) / (double)EL_MS);
    settled(client, seq, &event);
    return !event.duplicate;
}

void el_client_corrupt(struct el_client *client, uint64_t seq, const char *detail)
{
    el_ledger_corrupt(client->ledger, seq, el_now());
    if (seq == 0 && detail != NULL) /* nobody knows of which probe: that one goes on waiting */
        el_log(client->trace, EL_WARN, "%s: recvfrom: a corrupt datagram (%s)", client->target,
               detail);
    settled(client, seq, &(struct el_report_event){.detail = detail});
}

void el_client_wrong_source(struct el_client *client, const struct el_address *from,
                            const char *why)
{
    char text[EL_ADDRESS_TEXT];
    el_ledger_wrong_source(client->ledger);
    el_log(client->trace, EL_WARN, "%s: recvfrom: a datagram from %s rejected (%s)", client->target,
           el_address_print(from, text), why);
}

void el_client_failed(struct el_client *client, uint64_t seq, enum el_probe_fate fate, int error,
                      const char *reason, const char *detail)
{
    const struct el_probe_record *record = el_ledger_record(client->ledger, seq);
    if (record == NULL || record->fate != EL_FATE_OUTSTANDING)
        return; /* its fate is settled: bad news that comes late changes nothing */
    client->failing = fate == EL_FATE_ERROR;
    el_ledger_failed(client->ledger, seq, fate, error, el_now());
    settled(client, seq, &(struct el_report_event){.reason = reason, .detail = detail});
}

void el_client_bytes(struct el_client *client, uint64_t sent, uint64_t received)
{
    bool owed_nothing = client->bytes_sent == client->bytes_received;
    client->bytes_sent += sent;
    client->bytes_received += received;
    if (client_whole_stream(client) && client->state == CLIENT_RUNNING &&
        (received > 0 || owed_nothing))
        client_heard(client);
}

void el_client_broken(struct el_client *client, const char *call, int error)
{
    if (client->broken || (client->state != CLIENT_RUNNING && client->state != CLIENT_CLOSING))
        return;
    client->broken = true;
    if (client->state == CLIENT_CLOSING)
        client->outcome = "broken";
    const char *reason = error == 0 ? "closed-by-peer" : el_errno_name(error);
    for (uint64_t seq = 1; seq <= client->seq; seq++)
        el_client_failed(client, seq, EL_FATE_ERROR, error, reason,
                         error == 0 ? "the peer closed the connection" : strerror(error));
    if (error != 0)
        el_client_complain(client, call, error);
    else
        client_say(client, "%s: %s: the peer closed the connection", client->target, call);
    ask_for_turn(client);
}

void el_client_timed_out(struct el_client *client, enum el_operation operation)
{
    if (client->broken || client->state != CLIENT_RUNNING)
        return;
    client->broken = true;
    bool reading = operation == EL_READ;
    char length[24], detail[64];
    el_print_duration(reading ? client->options->read_timeout : client->options->write_timeout,
                      length, sizeof length);
    snprintf(detail, sizeof detail, "%s within %s", reading ? "no echo" : "not all was taken",
             length);
    for (uint64_t seq = 1; seq <= client->seq; seq++)
        el_client_failed(client, seq, EL_FATE_DEADLINE, ETIMEDOUT, NULL, detail);
    client_say(client, "%s: %s: %s (%s)", client->target, reading ? "recv" : "send", detail,
               reading ? "--read-timeout" : "--write-timeout");
    ask_for_turn(client);
}

ssize_t el_client_read_input(struct el_client *client, void *data, size_t size)
{
    ssize_t got = el_input_read(client->input, data, size);
    int error = got == -EAGAIN ? el_input_want(client->input) : got < 0 ? (int)got : 0;
    if (error < 0) {
        client_fail(client, EL_EXIT_LOCAL, "stdin: read: %s", strerror(-error));
        ask_for_turn(client);
    }
    return got;
}

bool el_client_write_output(struct el_client *client, const void *data, size_t size)
{
    int error = el_output_write(client->output, data, size);
    if (error < 0) {
        client_fail(client, EL_EXIT_LOCAL, "stdout: write: %s", strerror(-error));
        ask_for_turn(client);
    }
    return error == 0 && !el_output_full(client->output);
}
