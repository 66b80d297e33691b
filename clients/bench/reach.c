/*
 * reach.c - resolve the target and try it once, before anything is measured.
 *
 * Teaches:  a benchmark that cannot reach its server must say so as any client does: which step failed, and whose word
 *           that is. It is also where a name becomes one address: a run of which one half went over IPv6 and the other over
 *           IPv4 would compare nothing. [#one-address-for-all]
 * Partner:  lib/dialer.h, which does it; measure.c. Next: run.c, which opens the connections that are measured.
 */
#include "reach.h"

#include "dialer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_PORT = 7007, REACH_TEXT = 4 * EL_HOST_MAX };

struct reach {
    struct bench_session *session;
    struct event_base *base;
    struct el_resolver *resolver;
    struct el_dialer *dialer; /* frees itself before `done` returns */
    struct el_endpoint endpoint;
    char host[REACH_TEXT]; /* escaped, for messages */
    struct el_address *address;
    int code;
};

static sa_family_t family_wanted(const struct bench_options *options)
{
    if (options->only_v4)
        return AF_INET;
    if (options->only_v6)
        return AF_INET6;
    return el_address_family(&options->source);
}

/* "server.lab: lookup: NXDOMAIN: no such name (hint)" */
static int complain(struct reach *reach, int code, const char *step, const char *what,
                    const char *hint)
{
    return bench_session_fail(reach->session, code, "%s: %s: %s%s%s%s", reach->host, step, what,
                              hint != NULL ? " (" : "", hint != NULL ? hint : "",
                              hint != NULL ? ")" : "");
}

/* Of both families' answers the one that tells more: "no data" says little when the other half failed. */
static int not_resolved(struct reach *reach, const struct el_dial_result *result)
{
    const struct bench_options *options = reach->session->options;
    enum el_lookup_status status = result->v4_status;
    char failure[EL_LOOKUP_FAILURE];
    if (status == EL_LOOKUP_CANCELLED || status == EL_LOOKUP_NO_DATA || status == EL_LOOKUP_OK)
        status = result->v6_status != EL_LOOKUP_CANCELLED ? result->v6_status : status;
    if (status == EL_LOOKUP_NO_DATA && family_wanted(options) != AF_UNSPEC)
        return complain(reach, BENCH_EXIT_NAME, "lookup", el_lookup_status_text(status),
                        "-4, -6 or --source asks for one family alone");
    if (status == EL_LOOKUP_LOCAL && result->error != 0)
        return complain(reach, BENCH_EXIT_NAME, "lookup", strerror(-result->error),
                        el_socket_hint(-result->error));
    return complain(reach, BENCH_EXIT_NAME, "lookup",
                    el_lookup_failure_print(status, result->error, failure),
                    el_lookup_status_hint(status));
}

static int no_answer(struct reach *reach, const struct el_dial_result *result)
{
    char what[64], length[24];
    snprintf(what, sizeof what, "no answer within %s",
             el_print_duration(result->ended - result->started, length, sizeof length));
    return complain(reach, BENCH_EXIT_DEADLINE, "connect", what,
                    "dropped on the way, or the host is down");
}

/* Called from the loop, once. */
static void on_dialed(void *arg, const struct el_dial_result *result)
{
    struct reach *reach = arg;
    reach->dialer = NULL;
    switch (result->status) {
    case EL_DIAL_OK:
        *reach->address = result->peer;
        el_socket_close(result->fd);
        reach->code = 0;
        break;
    case EL_DIAL_NOT_RESOLVED:
        reach->code = not_resolved(reach, result);
        break;
    case EL_DIAL_TIMEOUT:
        reach->code = no_answer(reach, result);
        break;
    case EL_DIAL_NOT_CONNECTED:
        reach->code = complain(reach, BENCH_EXIT_CONNECT, "connect", strerror(-result->error),
                               el_dial_hint(result->status, result->error));
        break;
    case EL_DIAL_LOCAL:
        reach->code = complain(reach, BENCH_EXIT_LOCAL, "connect", strerror(-result->error),
                               el_socket_hint(-result->error));
        break;
    }
    event_base_loopbreak(reach->base);
}

/* SIGINT, SIGTERM: from the loop, as libevent has the signals while it runs. */
static void on_interrupt(evutil_socket_t number, short what, void *arg)
{
    struct reach *reach = arg;
    struct el_address literal;
    (void)number, (void)what;
    bool resolved = el_dial_resolved(reach->dialer) ||
                    el_address_from_literal(reach->endpoint.host, 1, &literal) == 0;
    *reach->session->stop = true;
    el_dial_cancel(reach->dialer);
    reach->code = complain(reach, resolved ? BENCH_EXIT_CONNECT : BENCH_EXIT_NAME,
                           resolved ? "connect" : "lookup", "interrupted", NULL);
    event_base_loopbreak(reach->base);
}

/* A server is given as an address: who should look its name up? 0, or an exit code after a message. */
static int read_servers(struct reach *reach, struct el_address servers[static EL_ENDPOINTS_MAX])
{
    const struct el_endpoint_list *list = &reach->session->options->dns_server;
    char shown[REACH_TEXT];
    for (size_t i = 0; i < list->count; i++)
        if (el_address_from_literal(list->item[i].host, list->item[i].port, &servers[i]) < 0)
            return bench_session_fail(
                reach->session, BENCH_EXIT_LOCAL,
                "--dns-server: %s: an address is needed (who should look this name up?)",
                el_name_escape(list->item[i].host, shown, sizeof shown));
    return 0;
}

/* False: out of memory. */
static bool make_loop(struct reach *reach, const struct el_address *servers)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return false;
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    reach->base = event_base_new_with_config(config);
    event_config_free(config);
    if (reach->base == NULL)
        return false;
    reach->resolver = el_resolver_new(&(struct el_resolver_args){
        .base = reach->base,
        .servers = servers,
        .server_count = reach->session->options->dns_server.count,
    });
    return reach->resolver != NULL;
}

/* False: out of memory. */
static bool dial(struct reach *reach, int type)
{
    const struct bench_options *options = reach->session->options;
    struct event *interrupt = evsignal_new(reach->base, SIGINT, on_interrupt, reach);
    struct event *terminate = evsignal_new(reach->base, SIGTERM, on_interrupt, reach);
    reach->dialer = el_dial(&(struct el_dial_args){
        .resolver = reach->resolver,
        .base = reach->base,
        .host = reach->endpoint.host,
        .port = reach->endpoint.port,
        .family = family_wanted(options),
        .socket = {.type = type, .local = options->source},
        .deadline = el_time_after(el_now(), options->connect_timeout),
        .done = on_dialed,
        .arg = reach,
    });
    bool ok = interrupt != NULL && terminate != NULL && reach->dialer != NULL &&
              event_add(interrupt, NULL) == 0 && event_add(terminate, NULL) == 0;
    if (ok)
        event_base_dispatch(reach->base);
    else
        el_dial_cancel(reach->dialer);
    if (interrupt != NULL)
        event_free(interrupt); /* the handlers of before are back */
    if (terminate != NULL)
        event_free(terminate);
    return ok;
}

int bench_reach(struct bench_session *session, const char *text, int type,
                struct el_address *address)
{
    struct reach reach = {.session = session, .address = address, .code = BENCH_EXIT_LOCAL};
    struct el_address servers[EL_ENDPOINTS_MAX];
    const char *why;
    char shown[REACH_TEXT];
    if (el_endpoint_parse(text, DEFAULT_PORT, 1, &reach.endpoint, &why) < 0)
        return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s: %s",
                                  el_name_escape(text, shown, sizeof shown), why);
    if (reach.endpoint.wildcard)
        return bench_session_fail(session, BENCH_EXIT_LOCAL,
                                  "%s: * is every address of this machine: name one host", text);
    el_name_escape(text, reach.host, sizeof reach.host);
    if (read_servers(&reach, servers) != 0)
        return BENCH_EXIT_LOCAL;
    if (!make_loop(&reach, servers) || !dial(&reach, type))
        reach.code =
            bench_session_fail(session, BENCH_EXIT_LOCAL, "%s: %s", reach.host, strerror(ENOMEM));
    el_resolver_free(reach.resolver);
    if (reach.base != NULL)
        event_base_free(reach.base);
    return reach.code;
}

/* Whoever may bind an address has it. A remote one is EADDRNOTAVAIL (bind(2)). */
bool bench_reach_is_local(const struct el_address *address)
{
    struct el_socket_args args = {.type = SOCK_DGRAM, .local = *address};
    el_address_set_port(&args.local, 0);
    int fd = el_socket_open(el_address_family(address), &args, NULL);
    el_socket_close(fd);
    return fd >= 0;
}
