/*
 * client_setup.c - what a client is asked for, and the words for a dial that failed.
 *
 * The table below is the parser, the help text and the defaults of all clients at once.
 * Partner: client.c. Read next: client_pace.c.
 */
#include "client_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct el_client_options, field)

#define LONGEST_WAIT (EL_S * 3600 * 24)

enum {
    DEFAULT_PORT = 7007,
    DNS_PORT = 53,
    DESCRIPTORS = 10, /* the loop has four, a lookup some, each attempt to connect one */
};

const struct el_option el_client_option_table[] = {
    {.type = EL_OPT_HEADING, .help = "What to send"},
    {'c', "count", EL_OPT_NUMBER, "N", "probes; 0 = until --deadline", AT(count), "4", 0, 0, NULL},
    {'i', "interval", EL_OPT_DURATION, "D", "between probes; 0 = as soon as the last is answered",
     AT(interval), "1s", 0, 0, NULL},
    {'s', "size", EL_OPT_SIZE, "N", "bytes of payload", AT(size), "64", 0, 64 << 20, NULL},
    {'m', "message", EL_OPT_TEXT, "TEXT", "send this once, write its echo to stdout", AT(message),
     NULL, 0, 0, NULL},
    {0, "stdin", EL_OPT_FLAG, NULL, "send standard input, write its echo to stdout", AT(use_stdin),
     NULL, 0, 0, NULL},
    {0, "connect-only", EL_OPT_FLAG, NULL, "connect, say what happened, send nothing",
     AT(connect_only), NULL, 0, 0, NULL},
    {.type = EL_OPT_HEADING, .help = "How long to wait"},
    {'W', "read-timeout", EL_OPT_DURATION, "D", "for each echo", AT(read_timeout), "1s", EL_MS,
     LONGEST_WAIT, NULL},
    {0, "write-timeout", EL_OPT_DURATION, "D", "for the kernel to take a probe", AT(write_timeout),
     "3s", EL_MS, LONGEST_WAIT, NULL},
    {0, "connect-timeout", EL_OPT_DURATION, "D", "for lookup and connect together",
     AT(connect_timeout), "3s", EL_MS, LONGEST_WAIT, NULL},
    {'w', "deadline", EL_OPT_DURATION, "D", "for the whole run; 0 = none", AT(total), NULL, 0, 0,
     NULL},
    {.type = EL_OPT_HEADING, .help = "Which way to go"},
    {'4', NULL, EL_OPT_FLAG, NULL, "IPv4 only", AT(only_v4), NULL, 0, 0, NULL},
    {'6', NULL, EL_OPT_FLAG, NULL, "IPv6 only", AT(only_v6), NULL, 0, 0, NULL},
    {'I', "interface", EL_OPT_TEXT, "NAME", "leave by this interface", AT(interface), NULL, 0, 0,
     NULL},
    {0, "source", EL_OPT_LITERAL, "ADDR", "send from this address", AT(source), NULL, 0, 0, NULL},
    {0, "ttl", EL_OPT_NUMBER, "N", "hop limit (1-255)", AT(ttl), NULL, 1, 255, NULL},
    {0, "tos", EL_OPT_NUMBER, "N", "type of service, traffic class (0-255)", AT(tos), NULL, 0, 255,
     NULL},
    {0, "df", EL_OPT_FLAG, NULL, "do not fragment", AT(dont_fragment), NULL, 0, 0, NULL},
    {.type = EL_OPT_HEADING, .help = "How to find the host"},
    {0, "dns-server", EL_OPT_ENDPOINTS, "ADDR[:PORT]", "ask this server instead of resolv.conf's",
     AT(dns_servers), NULL, 1, DNS_PORT, NULL},
    {0, "dns-timeout", EL_OPT_DURATION, "D", "for each try", AT(dns_timeout), "2s", EL_MS,
     EL_S * 3600, NULL},
    {0, "dns-tries", EL_OPT_NUMBER, "N", "tries for each server", AT(dns_tries), "2", 1, 10, NULL},
    {0, "happy-eyeballs-delay", EL_OPT_DURATION, "D", "head start of an address (RFC 8305)",
     AT(attempt_delay), "250ms", 10 * EL_MS, 2 * EL_S, NULL},
    {.type = EL_OPT_HEADING, .help = "What to show"},
    {0, "explain", EL_OPT_FLAG, NULL, "tell every step, on stderr", AT(explain), NULL, 0, 0, NULL},
    {0, "json", EL_OPT_FLAG, NULL, "one JSON document instead of lines", AT(json), NULL, 0, 0,
     NULL},
    {0, "csv", EL_OPT_FLAG, NULL, "one row a probe: seq,status,rtt_ms,bytes,reason", AT(csv), NULL,
     0, 0, NULL},
    {'q', "quiet", EL_OPT_FLAG, NULL, "the summary only", AT(quiet), NULL, 0, 0, NULL},
    {0},
};

int client_check_descriptors(const char *name)
{
    int error = el_standard_fill();
    if (error != 0)
        fprintf(stderr, "%s: stdout: write: %s (it was closed before we started)\n", name,
                strerror(-error));
    return error;
}

/* libevent ends the process, with an exit code of its own, if it cannot have the descriptors it
 * needs: so ask before. 0, or -errno after a message on stderr. */
static int check_spare_descriptors(const char *name)
{
    int spare[DESCRIPTORS], count = 0, error = 0;
    for (; count < DESCRIPTORS && error == 0; count++) {
        spare[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        error = spare[count] < 0 ? errno : 0;
    }
    for (int i = 0; i < count; i++)
        el_socket_close(spare[i]);
    if (error != 0)
        fprintf(stderr, "%s: descriptors: %s (%s)\n", name, strerror(error), el_socket_hint(error));
    return -error;
}

/* Options that exclude each other, as sentences. */
static const char *conflict(const struct el_client_options *o)
{
    if (o->total > 0 && o->total < EL_MS)
        return "--deadline is at least 1ms, or 0 for none";
    if (o->json && o->csv)
        return "--json and --csv exclude each other: choose one";
    if (o->message != NULL && o->use_stdin)
        return "--message and --stdin exclude each other: choose one";
    if (o->only_v4 && o->only_v6)
        return "-4 and -6 exclude each other: leave both out to allow both";
    if ((o->only_v4 && el_address_family(&o->source) == AF_INET6) ||
        (o->only_v6 && el_address_family(&o->source) == AF_INET))
        return "--source is of the other family than -4 or -6 asks for";
    if (o->connect_only && (o->message != NULL || o->use_stdin))
        return "--connect-only sends nothing: leave out --message and --stdin";
    return NULL;
}

/* An address that can be written, and that no socket can reach as it is. NULL: fine. */
static const char *unreachable_form(const char *host, const struct el_client_options *o)
{
    struct el_address literal;
    if (el_address_from_literal(host, 1, &literal) < 0 || el_address_family(&literal) != AF_INET6)
        return NULL;
    if (el_address_is_v4_mapped(&literal))
        return "that is an IPv4 address in IPv6's clothes: write the last four bytes alone, "
               "1.2.3.4";
    if (el_address_is_link_local(&literal) && literal.in6.sin6_scope_id == 0 &&
        o->interface == NULL)
        return "every link has such an address: say which link, as fe80::1%eth0";
    return NULL;
}

/* Usage errors that no single option shows. 0, or -errno after a message on stderr. */
int client_check(const struct el_client_plan *plan, const char *target, struct el_client *client)
{
    const char *name = plan->program->name, *why = conflict(plan->options);
    char shown[64];
    if (check_spare_descriptors(name) < 0)
        return -EMFILE;
    if (why == NULL && plan->check != NULL)
        why = plan->check(plan->arg);
    if (why != NULL) {
        fprintf(stderr, "%s: %s\n", name, why);
        return -EINVAL;
    }
    if (el_endpoint_parse(target, DEFAULT_PORT, 1, &client->endpoint, &why) < 0 ||
        (client->endpoint.wildcard &&
         (why = "* is every address of this machine: name one host")) ||
        (why = unreachable_form(client->endpoint.host, plan->options)) != NULL) {
        fprintf(stderr, "%s: %s: %s\n", name, el_name_escape(target, shown, sizeof shown), why);
        return -EINVAL;
    }
    bool v6 = strchr(client->endpoint.host, ':') != NULL;
    snprintf(client->target, sizeof client->target, v6 ? "[%s]:%u" : "%s:%u", client->endpoint.host,
             client->endpoint.port);
    return 0;
}

/* Returns NULL after client_fail. */
struct el_resolver *client_resolver(struct el_client *client)
{
    const struct el_client_options *o = client->options;
    struct el_address servers[EL_ENDPOINTS_MAX];
    for (size_t i = 0; i < o->dns_servers.count; i++) {
        const struct el_endpoint *server = &o->dns_servers.item[i];
        int error = el_address_from_literal(server->host, server->port, &servers[i]);
        if (error < 0) {
            client_fail(client, EL_EXIT_LOCAL, "--dns-server: %s: %s", server->host,
                        error == -ENODEV ? "no such network interface after the %"
                                         : "an address is needed (who should look this name up?)");
            return NULL;
        }
    }
    struct el_resolver *resolver = el_resolver_new(&(struct el_resolver_args){
        .base = client->base,
        .trace = client->trace,
        .servers = servers,
        .server_count = o->dns_servers.count,
        .timeout = o->dns_timeout,
        .tries = (unsigned)o->dns_tries,
    });
    if (resolver == NULL)
        client_fail(client, EL_EXIT_LOCAL, "resolver: %s", strerror(ENOMEM));
    return resolver;
}

static sa_family_t family_wanted(const struct el_client_options *o)
{
    if (o->only_v4)
        return AF_INET;
    if (o->only_v6)
        return AF_INET6;
    return el_address_family(&o->source); /* AF_UNSPEC without --source: both */
}

/* Returns NULL when out of memory. */
struct el_dialer *client_dial(struct el_client *client,
                              void (*done)(void *arg, const struct el_dial_result *result))
{
    const struct el_client_options *o = client->options;
    bool unconnected = client->plan->unconnected != NULL && *client->plan->unconnected;
    return el_dial(&(struct el_dial_args){
        .resolver = client->resolver,
        .base = client->base,
        .trace = client->trace,
        .host = client->endpoint.host,
        .port = client->endpoint.port,
        .family = family_wanted(o),
        .socket =
            {
                .type = client->plan->type,
                .local = o->source,
                .interface = o->interface,
                .ttl = (int)o->ttl,
                .tos = o->tos == 0 ? -1 : (int)o->tos,
                .dont_fragment = o->dont_fragment,
                .error_queue = client->plan->type == SOCK_DGRAM && !unconnected,
            },
        .unconnected = unconnected,
        /* Two limits, one deadline: the earlier. */
        .deadline = el_earliest(el_time_after(el_now(), o->connect_timeout), client->total_at),
        .attempt_delay = o->attempt_delay,
        .done = done,
        .arg = client,
    });
}

/* The lookup's more telling half: "no data" of one family says little when the other half
 * failed. */
static enum el_lookup_status telling_status(const struct el_dial_result *result)
{
    bool v4_says_little = result->v4_status == EL_LOOKUP_CANCELLED ||
                          result->v4_status == EL_LOOKUP_NO_DATA ||
                          result->v4_status == EL_LOOKUP_OK;
    return v4_says_little && result->v6_status != EL_LOOKUP_CANCELLED ? result->v6_status
                                                                      : result->v4_status;
}

/* Which call must have said this? Several were tried, and the dialer hands on one error. */
static const char *likely_call(const struct el_client *client, int error)
{
    bool bound = client->options->source.length != 0;
    if ((error == EADDRNOTAVAIL || error == EADDRINUSE) && bound)
        return "bind";
    if (error == ENODEV)
        return "setsockopt";
    return error == EACCES || error == EPERM || error == EADDRNOTAVAIL ? "connect" : "socket";
}

/* Why only one family was asked for, or what it means that both have nothing. */
static const char *family_hint(const struct el_client_options *o)
{
    if (o->only_v4)
        return "-4 asks for IPv4 alone";
    if (o->only_v6)
        return "-6 asks for IPv6 alone";
    if (family_wanted(o) != AF_UNSPEC)
        return "--source asks for its own family alone";
    return "the name exists, but neither A nor AAAA: it is no host";
}

static void lookup_failed(struct el_client *client, const struct el_dial_result *result)
{
    enum el_lookup_status status = telling_status(result);
    const char *hint = el_socket_hint(-result->error);
    char failure[EL_LOOKUP_FAILURE];
    const char *said =
        status == EL_LOOKUP_NO_DATA ? family_hint(client->options) : el_lookup_status_hint(status);
    client->outcome = "not-resolved";
    if (status == EL_LOOKUP_LOCAL && result->error != 0)
        client_fail(client, EL_EXIT_NAME, "%s: lookup: %s%s%s%s", client->endpoint.host,
                    strerror(-result->error), hint != NULL ? " (" : "", hint != NULL ? hint : "",
                    hint != NULL ? ")" : "");
    else
        client_fail(client, EL_EXIT_NAME, "%s: lookup: %s%s%s%s", client->endpoint.host,
                    el_lookup_failure_print(status, result->error, failure),
                    said != NULL ? " (" : "", said != NULL ? said : "", said != NULL ? ")" : "");
}

static void dial_timed_out(struct el_client *client, const struct el_dial_result *result)
{
    struct el_address literal;
    char length[24];
    el_print_duration(result->ended - result->started, length, sizeof length);
    /* An address needs no lookup: whatever a deadline cut off, it was not that. */
    bool known = result->resolved != EL_NEVER ||
                 el_address_from_literal(client->endpoint.host, 1, &literal) == 0;
    client->outcome = known ? "deadline" : "not-resolved";
    if (known)
        client_fail(client, EL_EXIT_DEADLINE,
                    "%s: connect: no answer within %s (dropped on the way, or the host is down)",
                    client->target, length);
    else
        client_fail(client, EL_EXIT_NAME, "%s: lookup: no answer within %s", client->endpoint.host,
                    length);
}

static void not_connected(struct el_client *client, const struct el_dial_result *result)
{
    const char *hint = el_dial_hint(result->status, result->error);
    client->outcome = "not-connected";
    client_fail(client, EL_EXIT_CONNECT, "%s: connect: %s%s%s%s", client->target,
                strerror(-result->error), hint != NULL ? " (" : "", hint != NULL ? hint : "",
                hint != NULL ? ")" : "");
}

/* Says why, and sets the exit code. */
void client_dial_failed(struct el_client *client, const struct el_dial_result *result)
{
    switch (result->status) {
    case EL_DIAL_OK:
        break;
    case EL_DIAL_NOT_RESOLVED:
        if (telling_status(result) == EL_LOOKUP_TIMEOUT)
            dial_timed_out(client, result);
        else
            lookup_failed(client, result);
        break;
    case EL_DIAL_NOT_CONNECTED:
        not_connected(client, result);
        break;
    case EL_DIAL_TIMEOUT:
        dial_timed_out(client, result);
        break;
    case EL_DIAL_LOCAL:
        client->outcome = "local-error";
        el_client_complain(client, likely_call(client, -result->error), -result->error);
        client->code = EL_EXIT_LOCAL;
        break;
    }
}

/* Of the lookup and of each attempt: the packets that crossed while we dialled. */
void client_tell_dial_packets(struct el_client *client, const struct el_dial_result *result)
{
    if (client->witness == NULL)
        return;
    struct el_flow flows[EL_ATTEMPTS_MAX], questions[EL_QUERIES_MAX];
    size_t count = 0, asked = 0;
    for (; asked < result->query_count && asked < EL_QUERIES_MAX; asked++)
        questions[asked] =
            (struct el_flow){.protocol = result->queries[asked].tcp ? IPPROTO_TCP : IPPROTO_UDP,
                             .peer = result->queries[asked].server};
    for (; count < result->attempt_count && count < EL_ATTEMPTS_MAX; count++)
        flows[count] = (struct el_flow){.protocol = client->flow.protocol,
                                        .local = result->attempts[count].local,
                                        .peer = result->attempts[count].peer};
    if (asked > 0)
        el_witness_tell(client->witness, "the lookup", questions, asked);
    bool unconnected = client->plan->unconnected != NULL && *client->plan->unconnected;
    if (count > 0 && !unconnected) /* without connect(2) there is nothing to look for */
        el_witness_tell(client->witness, "connect", flows, count);
    el_witness_mark(client->witness);
}
