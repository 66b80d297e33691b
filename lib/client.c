/*
 * client.c - the life of a client, from its options to its loop.
 *
 * Owns:     the loop, signals, the dial, the standard streams.
 * Partner:  client_pace.c (probes), client_end.c (how it ends), client_setup.c (options), report.c
 *           (what is shown).
 * Leaves out: everything about bytes and sockets: that is the program's lesson.
 * Read next: client_pace.c.
 */
#include "client_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct event_base *el_client_base(struct el_client *client)
{
    return client->base;
}

void el_client_event_free(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

struct el_trace *el_client_trace(struct el_client *client)
{
    return client->trace;
}

uint64_t el_client_nonce(const struct el_client *client)
{
    return client->nonce;
}

bool el_client_streaming(const struct el_client *client)
{
    return client->options->message != NULL || client->options->use_stdin;
}

/* Each timer is armed for an instant. libevent counts from its own, slightly older idea of now,
 * so a callback asks el_now() whether the instant has really come and arms again if not: no
 * deadline ends early. [#ask-the-clock-again] So one that cannot be armed (no memory) is called
 * at once: it looks at the clock, and tries again. */
void client_arm(struct event *timer, el_time at)
{
    if (at == EL_NEVER) {
        event_del(timer);
        return;
    }
    struct timeval left = el_timeval(el_time_left(at, el_now()));
    if (event_add(timer, &left) < 0)
        event_active(timer, EV_TIMEOUT, 0);
}

/* The first diagnostic stays, for the document: what came first is the cause. */
static void say(struct el_client *client, const char *format, va_list list)
{
    char text[sizeof client->message];
    vsnprintf(text, sizeof text, format, list);
    if (client->message[0] == '\0')
        memcpy(client->message, text, sizeof text);
    el_log(client->trace, EL_ERROR, "%s", text);
}

void client_say(struct el_client *client, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say(client, format, list);
    va_end(list);
}

/* A diagnostic, and the exit code it means. */
void client_fail(struct el_client *client, int code, const char *format, ...)
{
    va_list list;
    if (client->code == 0)
        client->code = code;
    va_start(list, format);
    say(client, format, list);
    va_end(list);
}

void el_client_complain(struct el_client *client, const char *call, int error)
{
    const char *hint = el_socket_hint(error);
    client_say(client, "%s: %s: %s%s%s%s", client->target, call, strerror(error),
               hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
}

static void on_quit(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_client *client = arg;
    el_report_summary(client->report, client->ledger, true);
}

/* ---- standard input and output of --message and --stdin ---- */

static void on_input(void *arg)
{
    struct el_client *client = arg;
    if (client->state == CLIENT_RUNNING)
        client->plan->resume(client->plan->arg);
}

static void on_drained(void *arg)
{
    struct el_client *client = arg;
    int error = el_output_error(client->output);
    if (error < 0)
        client_fail(client, EL_EXIT_LOCAL, "stdout: write: %s", strerror(-error));
    if (client->state == CLIENT_FLUSHING) {
        client_stop(client);
        return;
    }
    if (client->state == CLIENT_RUNNING) {
        if (client_whole_stream(client))
            client_heard(client);
        client->plan->resume(client->plan->arg);
        event_active(client->turn, EV_TIMEOUT, 0);
    }
}

/* Lines, rows or the document have room again, or failed: the next probe may go, or the run ends. */
static void on_lines_drained(void *arg)
{
    struct el_client *client = arg;
    if (client->state == CLIENT_FLUSHING)
        client_stop(client);
    else
        event_active(client->turn, EV_TIMEOUT, 0);
}

/* Neither a stalled reader of stdout nor one of stderr may hold up the loop: what is shown is
 * queued. Beside a stream, stdout carries the echoed bytes alone. [#queued-output] */
static bool open_streams(struct el_client *client)
{
    bool streaming = el_client_streaming(client);
    client->lines = el_output_new(client->base, streaming ? STDERR_FILENO : STDOUT_FILENO,
                                  on_lines_drained, client);
    client->results = client->lines == NULL ? NULL : el_output_file(client->lines);
    if (client->results == NULL || !streaming)
        return client->results != NULL;
    client->input =
        el_input_new(client->base, STDIN_FILENO, client->options->message, on_input, client);
    client->output = el_output_new(client->base, STDOUT_FILENO, on_drained, client);
    return client->input != NULL && client->output != NULL;
}

/* ---- the beginning ---- */

static void on_dialed(void *arg, const struct el_dial_result *result)
{
    struct el_client *client = arg;
    client->dialer = NULL; /* it frees itself after this call */
    client->dial = *result;
    el_report_dialed(client->report, result);
    client_tell_dial_packets(client, result);
    if (result->status != EL_DIAL_OK) {
        client_dial_failed(client, result);
        client_stop(client);
        return;
    }
    client->flow.local = result->local;
    client->flow.peer = result->peer;
    int error = client->plan->open(client->plan->arg, client, result->fd, result);
    if (error < 0) {
        client->plan->close(client->plan->arg, false);
        client_fail(client, EL_EXIT_LOCAL, "%s: %s", client->target, strerror(-error));
        client_stop(client);
        return;
    }
    client->state = CLIENT_RUNNING;
    client->opened = true;
    if (client->options->connect_only) {
        client_end(client, "completed");
    } else {
        client->next_at = el_now();
        client->due = true;
        event_active(client->turn, EV_TIMEOUT, 0);
    }
}

static bool make_events(struct el_client *client)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return false;
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    client->base = event_base_new_with_config(config);
    event_config_free(config);
    if (client->base == NULL)
        return false;

    client->interrupt = evsignal_new(client->base, SIGINT, client_interrupt, client);
    client->terminate = evsignal_new(client->base, SIGTERM, client_interrupt, client);
    client->quit = evsignal_new(client->base, SIGQUIT, on_quit, client);
    client->turn = evtimer_new(client->base, client_turn, client);
    client->tick = evtimer_new(client->base, client_tick, client);
    client->expire = evtimer_new(client->base, client_expire, client);
    client->write_by = evtimer_new(client->base, client_write_late, client);
    client->total = evtimer_new(client->base, client_deadline, client);
    client->close_by = evtimer_new(client->base, client_close_late, client);
    return client->interrupt && client->terminate && client->quit && client->turn && client->tick &&
           client->expire && client->write_by && client->total && client->close_by &&
           event_add(client->interrupt, NULL) == 0 && event_add(client->terminate, NULL) == 0 &&
           event_add(client->quit, NULL) == 0;
}

static bool make_parts(struct el_client *client)
{
    const struct el_client_options *o = client->options;
    bool streaming = el_client_streaming(client);
    client->sink = (struct el_file_sink){.file = stderr, .program = client->plan->program->name};
    client->trace = el_trace_new(&(struct el_trace_args){.sink = el_file_sink_write,
                                                         .arg = &client->sink,
                                                         .level = EL_INFO,
                                                         .explain = o->explain,
                                                         .per_second = 10});
    if (client->trace == NULL || !make_events(client) || !open_streams(client))
        return false;
    client->report = el_report_new(&(struct el_report_args){.results = client->results,
                                                            .remarks = streaming ? NULL : stderr,
                                                            .format = o->json  ? EL_REPORT_JSON
                                                                      : o->csv ? EL_REPORT_CSV
                                                                               : EL_REPORT_TEXT,
                                                            .problems_only = streaming,
                                                            .quiet = o->quiet,
                                                            .program = client->plan->program->name,
                                                            .proto = client->plan->proto,
                                                            .host = client->endpoint.host,
                                                            .port = client->endpoint.port,
                                                            .size = o->size,
                                                            .read_timeout = o->read_timeout});
    /* A whole stream is one probe: its deadline is counted from its last byte, in client_pace.c. */
    client->ledger = el_ledger_new(client_whole_stream(client) ? EL_NEVER : o->read_timeout);
    client->witness = el_witness_new(client->trace);
    return client->report != NULL && client->ledger != NULL;
}

static void free_parts(struct el_client *client)
{
    struct event *events[] = {client->interrupt, client->terminate, client->quit,
                              client->turn,      client->tick,      client->expire,
                              client->write_by,  client->total,     client->close_by};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    el_input_free(client->input);
    el_output_free(client->output);
    if (client->results != NULL)
        fclose(client->results);
    el_output_free(client->lines);
    el_resolver_free(client->resolver);
    el_witness_free(client->witness);
    el_ledger_free(client->ledger);
    el_report_free(client->report);
    if (client->base != NULL)
        event_base_free(client->base);
    el_trace_free(client->trace);
    el_file_sink_close(&client->sink);
}

static int run(const struct el_client_plan *plan, const char *target)
{
    struct el_client client = {.plan = plan,
                               .options = plan->options,
                               .write_at = EL_NEVER,
                               .flow.protocol =
                                   plan->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP};
    if (client_check_descriptors(plan->program->name) < 0 ||
        client_check(plan, target, &client) < 0)
        return EL_EXIT_LOCAL;
    signal(SIGPIPE, SIG_IGN); /* writing to a reader that left is EPIPE, an error like others */
    if (getrandom(&client.nonce, sizeof client.nonce, 0) != (ssize_t)sizeof client.nonce)
        client.nonce = (uint64_t)el_now() ^ (uint64_t)getpid(); /* no ENOSYS since Linux 3.17 */

    el_duration total = plan->options->total;
    client.total_at = total == 0 ? EL_NEVER : el_time_after(el_now(), total);
    int code = EL_EXIT_LOCAL;
    if (make_parts(&client)) {
        client_arm(client.total, client.total_at);
        client.resolver = client_resolver(&client);
        client.dialer = client.resolver == NULL ? NULL : client_dial(&client, on_dialed);
        if (client.dialer != NULL)
            event_base_dispatch(client.base);
        else if (client.code == 0)
            client_fail(&client, EL_EXIT_LOCAL, "%s: %s", client.target, strerror(ENOMEM));
        code = client_finish(&client);
    } else {
        fprintf(stderr, "%s: %s\n", plan->program->name, strerror(ENOMEM));
    }
    free_parts(&client);
    return code;
}

int el_client_main(const struct el_client_plan *plan, int argc, char **argv)
{
    int operand;
    int code = el_options_parse(plan->program, argc, argv, plan->options, &operand, stdout, stderr);
    return code >= 0 ? code : run(plan, argv[operand]);
}
