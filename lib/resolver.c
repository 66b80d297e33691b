/*
 * resolver.c - the life of a lookup: literal, hosts file or DNS; answers; the end.
 *
 * Owns:     the decision where to ask, the caller's deadline, delivery of answers, cancelling.
 * Partner:  resolver_channel.c asks DNS; resolver_hosts.c reads /etc/hosts; resolver_order.c sorts.
 * Leaves out: a cache. Each lookup asks anew, so that a learner sees the packets each time.
 * Next:     resolver_hosts.c.
 *
 * A lookup has two parts, AAAA and A. Wherever an answer comes from, it is kept in its part by
 * el_part_finish() and delivered by on_step(), which only the loop calls. Two things follow: no
 * callback runs inside el_lookup_new(), and the caller may cancel in any callback, because nothing
 * of c-ares is on the stack then. [#lookup-step]
 */
#include "resolver_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* c-ares counts its users in a plain int; resolvers may be made by several threads. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the resolver ---------------------------------------------------------------------------- */

struct el_resolver *el_resolver_new(const struct el_resolver_args *args)
{
    struct el_resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL)
        return NULL;
    pthread_mutex_lock(&library_lock);
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    pthread_mutex_unlock(&library_lock);
    if (status != ARES_SUCCESS) {
        free(resolver);
        return NULL;
    }
    resolver->base = args->base;
    resolver->trace = args->trace;
    resolver->timeout = args->timeout > 0 ? args->timeout : 2 * EL_S;
    if (resolver->timeout > INT32_MAX * EL_MS)
        resolver->timeout = INT32_MAX * EL_MS; /* c-ares counts ms in an int; that is 24 days */
    resolver->tries = args->tries > 0 ? args->tries : 2;
    resolver->hosts_path = strdup(args->hosts_path ? args->hosts_path : "/etc/hosts");
    resolver->resolv_conf_path =
        strdup(args->resolv_conf_path ? args->resolv_conf_path : "/etc/resolv.conf");
    resolver->servers = calloc(args->server_count + 1, sizeof *resolver->servers);
    if (!resolver->hosts_path || !resolver->resolv_conf_path || !resolver->servers) {
        el_resolver_free(resolver);
        return NULL;
    }
    resolver->server_count = args->server_count;
    for (size_t i = 0; i < args->server_count; i++) {
        resolver->servers[i] = args->servers[i];
        if (el_address_port(&resolver->servers[i]) == 0)
            el_address_set_port(&resolver->servers[i], EL_DNS_PORT);
    }
    return resolver;
}

void el_resolver_free(struct el_resolver *resolver)
{
    if (resolver == NULL)
        return;
    free(resolver->servers);
    free(resolver->resolv_conf_path);
    free(resolver->hosts_path);
    free(resolver);
    pthread_mutex_lock(&library_lock);
    ares_library_cleanup();
    pthread_mutex_unlock(&library_lock);
}

/* ---- one lookup ------------------------------------------------------------------------------ */

static void free_lookup(struct el_lookup *lookup)
{
    el_channel_close(lookup);
    if (lookup->deadline != NULL)
        event_free(lookup->deadline);
    if (lookup->step != NULL)
        event_free(lookup->step);
    free(lookup);
}

void el_part_finish(struct el_part *part, enum el_lookup_status status, int error)
{
    struct el_lookup *lookup = part->lookup;
    if (!part->asked || part->ready)
        return;
    part->ready = true;
    part->answer.status = status;
    part->answer.error = error;
    if (status != EL_LOOKUP_OK)
        part->answer.count = 0; /* half an answer is none */
    lookup->ready[lookup->ready_count++] = part;
    event_active(lookup->step, EV_TIMEOUT, 1);
}

/* Ends both parts alike. */
static void finish_all(struct el_lookup *lookup, enum el_lookup_status status, int error)
{
    for (size_t i = 0; i < 2; i++)
        el_part_finish(&lookup->parts[i], status, error);
}

/*
 * Is the host an address already? Then nothing is asked and nothing leaves the machine.
 *
 * c-ares knows literals too, but not all: 10.77.0.2 asked for as AF_INET6 goes to the DNS servers.
 * [#ares-literal-first]
 */
static bool answer_literal(struct el_lookup *lookup)
{
    struct el_address address;
    int error = el_address_from_literal(lookup->host, lookup->args.port, &address);
    if (error == -EINVAL)
        return false;
    el_explain(lookup->resolver->trace, EL_TOPIC_STEP, "%s is an address already: nobody is asked",
               lookup->shown);
    for (size_t i = 0; i < 2; i++) {
        struct el_part *part = &lookup->parts[i];
        part->answer.source = EL_FROM_LITERAL;
        if (error != 0) {
            el_part_finish(part, EL_LOOKUP_LOCAL, error); /* fe80::1%nosuch */
        } else if (el_address_family(&address) != part->answer.family) {
            el_part_finish(part, EL_LOOKUP_NO_DATA, 0);
        } else {
            part->answer.address[part->answer.count++].destination = address;
            el_part_finish(part, EL_LOOKUP_OK, 0);
        }
    }
    return true;
}

/* "localhost" and "*.localhost" are this machine and never anybody's business else (RFC 6761
 * 6.3). */
static bool is_localhost(const char *host)
{
    size_t length = strlen(host);
    if (length > 0 && host[length - 1] == '.')
        length--;
    return length >= 9 && strncasecmp(host + length - 9, "localhost", 9) == 0 &&
           (length == 9 || host[length - 10] == '.');
}

static void add_loopback(struct el_answer *answer, uint16_t port)
{
    struct el_address address = el_address_any(answer->family, port);
    if (answer->family == AF_INET)
        address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        address.in6.sin6_addr = in6addr_loopback;
    answer->address[answer->count++].destination = address;
}

/* The hosts file decides for both families: a name it has with one address only has no other. */
static bool answer_locally(struct el_lookup *lookup)
{
    struct el_answer *v6 = &lookup->parts[0].answer, *v4 = &lookup->parts[1].answer;
    const char *path = lookup->resolver->hosts_path;
    bool found = el_hosts_find(path, lookup->host, lookup->args.port, v6, v4);
    if (!found && !is_localhost(lookup->host))
        return false;
    if (found) {
        el_explain(lookup->resolver->trace, EL_TOPIC_STEP, "%s is in %s: no server is asked",
                   lookup->shown, path);
    } else {
        add_loopback(v6, lookup->args.port);
        add_loopback(v4, lookup->args.port);
        el_explain(lookup->resolver->trace, EL_TOPIC_STEP,
                   "%s is this machine by definition (RFC 6761): no server is asked",
                   lookup->shown);
    }
    for (size_t i = 0; i < 2; i++) {
        struct el_part *part = &lookup->parts[i];
        part->answer.source = found ? EL_FROM_HOSTS : EL_FROM_DEFINITION;
        el_part_finish(part, part->answer.count > 0 ? EL_LOOKUP_OK : EL_LOOKUP_NO_DATA, 0);
    }
    return true;
}

static void ask_dns(struct el_lookup *lookup)
{
    const struct el_resolver *resolver = lookup->resolver;
    const char *fault = el_lookup_name_fault(lookup->host);
    if (fault != NULL) {
        el_explain(resolver->trace, EL_TOPIC_STEP, "%s is not a name to ask for: %s", lookup->shown,
                   fault);
        finish_all(lookup, EL_LOOKUP_BAD_NAME, 0);
        return;
    }
    el_explain(resolver->trace, EL_TOPIC_STEP,
               "%s is no address and not in %s: asking the DNS servers of %s", lookup->shown,
               resolver->hosts_path,
               resolver->server_count > 0 ? "the command line" : resolver->resolv_conf_path);
    int error = el_channel_open(lookup);
    if (error != 0)
        finish_all(lookup, EL_LOOKUP_LOCAL, error);
    for (size_t i = 0; error == 0 && i < 2; i++)
        lookup->parts[i].answer.source = EL_FROM_DNS;
}

static void begin(struct el_lookup *lookup)
{
    lookup->started = true;
    if (lookup->host_too_long) {
        finish_all(lookup, EL_LOOKUP_BAD_NAME, 0);
        return;
    }
    if (answer_literal(lookup) || answer_locally(lookup))
        return;
    ask_dns(lookup);
}

/* Hands one part to the caller. False: the caller cancelled, and the lookup is gone. */
static bool deliver(struct el_lookup *lookup, struct el_part *part)
{
    struct el_trace *trace = lookup->resolver->trace;
    part->delivered = true;
    if (part->answer.status == EL_LOOKUP_OK)
        el_order_answer(&part->answer, trace);
    else if (part->answer.source == EL_FROM_DNS)
        el_explain(trace, EL_TOPIC_STEP, "%s of %s: %s", el_dns_type_text(part->answer.family),
                   lookup->shown, el_lookup_status_text(part->answer.status));
    lookup->delivering = true;
    lookup->args.answer(lookup->args.arg, &part->answer);
    lookup->delivering = false;
    if (!lookup->cancelled)
        return true;
    free_lookup(lookup);
    return false;
}

/* Begins the lookup, or delivers what is ready. Frees the lookup when it is over. */
static void on_step(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct el_lookup *lookup = arg;
    bool open = false;
    if (!lookup->started)
        begin(lookup);
    for (size_t i = 0; i < lookup->ready_count; i++)
        if (!lookup->ready[i]->delivered && !deliver(lookup, lookup->ready[i]))
            return;
    for (size_t i = 0; i < 2; i++)
        open = open || (lookup->parts[i].asked && !lookup->parts[i].delivered);
    if (open)
        return;
    lookup->delivering = true;
    lookup->args.done(lookup->args.arg, lookup);
    free_lookup(lookup); /* cancelled or not: this was its end */
}

/* The caller's limit has come. What DNS has not said by now counts as not said. */
static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct el_lookup *lookup = arg;
    if (!lookup->started)
        begin(lookup); /* a literal needs no time */
    el_channel_close(lookup);
    for (size_t i = 0; i < 2; i++) {
        struct el_part *part = &lookup->parts[i];
        if (part->asked && !part->ready)
            el_part_finish(part, el_channel_verdict(part, ARES_ETIMEOUT), 0);
    }
}

struct el_lookup *el_lookup_new(struct el_resolver *resolver, const struct el_lookup_args *args)
{
    static const sa_family_t families[2] = {AF_INET6, AF_INET};
    struct el_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return NULL;
    lookup->resolver = resolver;
    lookup->args = *args;
    lookup->host_too_long = strlen(args->host) >= sizeof lookup->host;
    snprintf(lookup->host, sizeof lookup->host, "%s", args->host);
    lookup->args.host = lookup->host;
    el_name_escape(lookup->host, lookup->shown, sizeof lookup->shown);
    for (size_t i = 0; i < 2; i++) {
        struct el_part *part = &lookup->parts[i];
        part->lookup = lookup;
        part->answer.family = families[i];
        part->asked = args->family == AF_UNSPEC || args->family == families[i];
    }
    lookup->step = event_new(resolver->base, -1, 0, on_step, lookup);
    if (lookup->step == NULL) {
        free_lookup(lookup);
        return NULL;
    }
    if (args->deadline != EL_NEVER) {
        struct timeval left = el_timeval(el_time_left(args->deadline, el_now()));
        lookup->deadline = event_new(resolver->base, -1, 0, on_deadline, lookup);
        if (lookup->deadline == NULL || event_add(lookup->deadline, &left) != 0) {
            free_lookup(lookup);
            return NULL;
        }
    }
    event_active(lookup->step, EV_TIMEOUT, 1);
    return lookup;
}

void el_lookup_cancel(struct el_lookup *lookup)
{
    if (lookup == NULL)
        return;
    if (lookup->delivering)
        lookup->cancelled = true; /* we are inside its own callback: freed when that returns */
    else
        free_lookup(lookup);
}

size_t el_lookup_queries(const struct el_lookup *lookup, const struct el_query **queries)
{
    *queries = lookup->queries;
    return lookup->query_count;
}
