/*
 * echo_resolve.c - looks names up, and shows who was asked, when, and what came back.
 *
 * Teaches:  a name has two answers, AAAA and A, from two questions; each is a datagram that can be
 *           lost, refused, cut short or forged like any other.
 * Run:      echo_resolve server.lab          (then with --explain; then with a --dns-server that is
 *           silent)
 * Partner:  lib/resolver.h does the work; this program asks and prints.
 * Leaves out: other record types than A and AAAA: dig(1) has them all.
 * Next:     tcp_echo.c, which connects to what was found.
 */
#include "lookup_report.h"
#include "options.h"
#include "standard_io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_LOCAL = 2, EXIT_NAME = 6, NAMES_MAX = 256 };

struct settings {
    struct el_endpoint_list dns_servers;
    el_duration dns_timeout, deadline;
    uint64_t dns_tries;
    bool only_v4, only_v6, json, explain, quiet;
};

struct run {
    struct settings settings;
    struct event_base *base;
    struct el_trace *trace;
    struct el_resolver *resolver;
    struct el_lookup *lookup; /* NULL between names */
    el_time deadline;
    char **names;
    size_t count, next, resolved;
    bool interrupted, failed; /* failed: something here, not a name */
    struct el_json json;
    struct el_outcome now; /* names are looked up one after the other */
};

#define AT(field) offsetof(struct settings, field)

static const struct el_option options[] = {
    {.type = EL_OPT_HEADING, .help = "Whom to ask"},
    {0, "dns-server", EL_OPT_ENDPOINTS, "ADDR[:PORT]", "ask this server instead of resolv.conf's",
     AT(dns_servers), NULL, 1, 53, NULL},
    {0, "dns-timeout", EL_OPT_DURATION, "D", "for each try", AT(dns_timeout), "2s", EL_MS,
     EL_S * 3600, NULL},
    {0, "dns-tries", EL_OPT_NUMBER, "N", "tries for each server", AT(dns_tries), "2", 1, 10, NULL},
    {.type = EL_OPT_HEADING, .help = "What to ask for"},
    {'4', NULL, EL_OPT_FLAG, NULL, "IPv4 only: A", AT(only_v4), NULL, 0, 0, NULL},
    {'6', NULL, EL_OPT_FLAG, NULL, "IPv6 only: AAAA", AT(only_v6), NULL, 0, 0, NULL},
    {'w', "deadline", EL_OPT_DURATION, "D", "for all names together; 0 = none", AT(deadline), NULL,
     0, 0, NULL},
    {.type = EL_OPT_HEADING, .help = "What to show"},
    {0, "explain", EL_OPT_FLAG, NULL, "tell every step, on stderr", AT(explain), NULL, 0, 0, NULL},
    {0, "json", EL_OPT_FLAG, NULL, "one JSON document instead of lines", AT(json), NULL, 0, 0,
     NULL},
    {'q', "quiet", EL_OPT_FLAG, NULL, "the addresses alone, one a line", AT(quiet), NULL, 0, 0,
     NULL},
    {0},
};

static const struct el_program program = {
    .name = "echo_resolve",
    .usage = "[options] NAME...",
    .about = "Looks each NAME up, IPv6 and IPv4 apart, and shows the queries with their times.",
    .epilog = "Exit: 0 every name has an address; 6 some name has none; 2 usage or local error.\n"
              "Example: echo_resolve --dns-server 10.77.0.254 server.lab\n",
    .options = options,
    .min_operands = 1,
    .max_operands = NAMES_MAX,
    .not_written = EXIT_LOCAL,
};

/* ---- one name after the other ---------------------------------------------------------------- */

static void print_text(const struct run *run, const struct el_outcome *o)
{
    if (run->settings.quiet) {
        el_outcome_print_addresses(o, stdout);
        return;
    }
    if (run->next > 1)
        putchar('\n');
    el_outcome_print(o, stdout);
}

static void complain(const struct el_outcome *o)
{
    char name[4 * EL_HOST_MAX], why[EL_OUTCOME_TEXT];
    fprintf(stderr, "echo_resolve: %s: %s\n", el_name_escape(o->name, name, sizeof name),
            el_outcome_why(o, why));
}

static void report(struct run *run)
{
    struct el_outcome *o = &run->now;
    o->ended = el_now();
    if (el_outcome_resolved(o))
        run->resolved++;
    if (run->settings.json)
        el_outcome_json(o, &run->json);
    else
        print_text(run, o);
    fflush(stdout); /* before the complaint, so that a terminal shows them in order */
    if (!el_outcome_resolved(o))
        complain(o);
}

static void on_answer(void *arg, const struct el_answer *answer)
{
    struct run *run = arg;
    *(answer->family == AF_INET6 ? &run->now.v6 : &run->now.v4) = *answer;
}

static void keep_queries(struct run *run, const struct el_lookup *lookup)
{
    const struct el_query *queries;
    run->now.query_count = el_lookup_queries(lookup, &queries);
    memcpy(run->now.queries, queries, run->now.query_count * sizeof *queries);
}

static void start_next(struct run *run);

static void on_done(void *arg, struct el_lookup *lookup)
{
    struct run *run = arg;
    keep_queries(run, lookup);
    run->lookup = NULL; /* it frees itself when we return */
    report(run);
    start_next(run);
}

/* Looks the next name up; ends the loop when there is none. */
static void start_next(struct run *run)
{
    struct el_outcome *o = &run->now;
    if (run->next == run->count || ferror(stdout)) {
        event_base_loopbreak(run->base);
        return;
    }
    *o = (struct el_outcome){
        .name = run->names[run->next++],
        .asked_v6 = !run->settings.only_v4,
        .asked_v4 = !run->settings.only_v6,
        .v6 = {.family = AF_INET6, .status = EL_LOOKUP_CANCELLED},
        .v4 = {.family = AF_INET, .status = EL_LOOKUP_CANCELLED},
        .started = el_now(),
    };
    run->lookup = el_lookup_new(run->resolver, &(struct el_lookup_args){
                                                   .host = o->name,
                                                   .family = run->settings.only_v4   ? AF_INET
                                                             : run->settings.only_v6 ? AF_INET6
                                                                                     : AF_UNSPEC,
                                                   .deadline = run->deadline,
                                                   .answer = on_answer,
                                                   .done = on_done,
                                                   .arg = run,
                                               });
    if (run->lookup == NULL) {
        fprintf(stderr, "echo_resolve: %s: %s\n", o->name, strerror(ENOMEM));
        run->failed = true;
        event_base_loopbreak(run->base);
    }
}

/* SIGINT, SIGTERM: the run ends here; what is known is shown. Called by libevent, from the loop. */
static void on_interrupt(evutil_socket_t number, short what, void *arg)
{
    struct run *run = arg;
    (void)number, (void)what;
    if (run->lookup != NULL) {
        keep_queries(run, run->lookup);
        el_lookup_cancel(run->lookup);
        run->lookup = NULL;
        report(run);
    }
    run->interrupted = true;
    event_base_loopbreak(run->base);
}

/* SIGQUIT: how far it is. */
static void on_quit(evutil_socket_t number, short what, void *arg)
{
    const struct run *run = arg;
    (void)number, (void)what;
    fprintf(stderr, "echo_resolve: %zu of %zu names looked up, %zu resolved\n",
            run->next - (run->lookup != NULL), run->count, run->resolved);
}

/* Runs the loop with the signals that it hears. False: out of memory or descriptors. */
static bool run_loop(struct run *run)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGQUIT};
    enum { SIGNALS = sizeof numbers / sizeof *numbers };
    struct event *events[SIGNALS] = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < SIGNALS; i++) {
        events[i] = evsignal_new(run->base, numbers[i],
                                 numbers[i] == SIGQUIT ? on_quit : on_interrupt, run);
        ok = events[i] != NULL && event_add(events[i], NULL) == 0;
    }
    if (ok) {
        start_next(run);
        if (!run->failed) /* [#break-before-loop] a loop forgets a break that came before it began */
            event_base_dispatch(run->base);
    } else {
        fprintf(stderr, "echo_resolve: signals: %s\n", strerror(ENOMEM));
    }
    for (size_t i = 0; i < SIGNALS; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    return ok && !run->failed;
}

/* ---- start and end --------------------------------------------------------------------------- */

/* A server is given as an address: who should look its name up? Exit code 2 otherwise, 0 if
 * fine. */
static int read_servers(const struct el_endpoint_list *list, struct el_address *servers)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct el_endpoint *endpoint = &list->item[i];
        int error = el_address_from_literal(endpoint->host, endpoint->port, &servers[i]);
        if (endpoint->wildcard || error != 0) {
            fprintf(stderr, "echo_resolve: --dns-server: %s: %s\n", endpoint->host,
                    error == -ENODEV ? "no such network interface after the %"
                                     : "an address is needed (who should look this name up?)");
            return EXIT_LOCAL;
        }
    }
    return 0;
}

/*
 * A name is what the other clients take as a host, so what cannot be one is the same usage error
 * here; and it is said before anybody is asked. Only a port has nothing to do here: a name server
 * knows addresses. Exit code 2 otherwise, 0 if fine.
 */
static int check_names(char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct el_endpoint endpoint;
        char shown[4 * EL_HOST_MAX];
        const char *why;
        int error = el_endpoint_parse(names[i], 0, 0, &endpoint, &why);
        if (error == 0 && (endpoint.has_port || names[i][0] == '['))
            why = "a port does not belong here: write the host alone, without brackets";
        else if (error == 0 && endpoint.wildcard)
            why = "* is every address of this machine: name one host";
        else if (error == 0)
            continue;
        fprintf(stderr, "echo_resolve: %s: %s\n", el_name_escape(names[i], shown, sizeof shown),
                why);
        return EXIT_LOCAL;
    }
    return 0;
}

/* Output that nobody got is a failure, however well the lookups went. */
static int finish(struct run *run, bool ran)
{
    int code = !ran || run->failed ? EXIT_LOCAL : run->resolved == run->count ? 0 : EXIT_NAME;
    if (run->settings.json) {
        el_json_close_array(&run->json);
        el_json_uint(&run->json, "resolved", run->resolved);
        el_json_uint(&run->json, "unresolved", run->count - run->resolved);
        el_json_bool(&run->json, "interrupted", run->interrupted);
        el_json_int(&run->json, "exit_code", code);
        el_json_close_object(&run->json);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "echo_resolve: stdout: write: %s\n", strerror(errno));
        return EXIT_LOCAL;
    }
    return code;
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER); /* times are what we show */
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

int main(int argc, char **argv)
{
    static struct run run;
    static struct el_file_sink sink;
    struct el_address servers[EL_ENDPOINTS_MAX];
    int operands, exit_code = EXIT_LOCAL;

    signal(SIGPIPE, SIG_IGN); /* a reader that has gone is EPIPE, told by finish() */
    int error = el_standard_fill();
    if (error != 0) {
        fprintf(stderr, "echo_resolve: stdout: write: %s (it was closed before we started)\n",
                strerror(-error));
        return EXIT_LOCAL;
    }
    int code = el_options_parse(&program, argc, argv, &run.settings, &operands, stdout, stderr);
    if (code >= 0)
        return code;
    if (run.settings.only_v4 && run.settings.only_v6) {
        fprintf(stderr, "echo_resolve: -4 -6: they exclude each other (leave both out)\n");
        return EXIT_LOCAL;
    }
    run.names = argv + operands;
    run.count = (size_t)(argc - operands);
    if (read_servers(&run.settings.dns_servers, servers) != 0 ||
        check_names(run.names, run.count) != 0)
        return EXIT_LOCAL;

    run.deadline =
        run.settings.deadline > 0 ? el_time_after(el_now(), run.settings.deadline) : EL_NEVER;
    sink = (struct el_file_sink){.file = stderr, .program = program.name};
    run.trace = el_trace_new(&(struct el_trace_args){.sink = el_file_sink_write,
                                                     .arg = &sink,
                                                     .level = EL_WARN,
                                                     .explain = run.settings.explain});
    run.base = new_base();
    run.resolver = run.base == NULL ? NULL
                                    : el_resolver_new(&(struct el_resolver_args){
                                          .base = run.base,
                                          .trace = run.trace,
                                          .servers = servers,
                                          .server_count = run.settings.dns_servers.count,
                                          .timeout = run.settings.dns_timeout,
                                          .tries = (unsigned)run.settings.dns_tries,
                                      });
    if (run.trace == NULL || run.resolver == NULL) {
        fprintf(stderr, "echo_resolve: start: %s\n", strerror(ENOMEM));
    } else {
        if (run.settings.json) {
            run.json = el_json_begin(stdout);
            el_json_object(&run.json, NULL);
            el_json_uint(&run.json, "format_version", 1);
            el_json_array(&run.json, "names");
        }
        exit_code = finish(&run, run_loop(&run));
    }
    el_resolver_free(run.resolver);
    if (run.base != NULL)
        event_base_free(run.base);
    el_trace_free(run.trace);
    el_file_sink_close(&sink);
    return exit_code;
}
