/*
 * resolver_channel.c - c-ares driven by libevent, and what c-ares gets wrong when it is.
 *
 * Owns:     one c-ares channel per lookup: made, told of ready sockets and of time, closed.
 * Partner:  resolver_timeline.c has the sockets; resolver.c has the lookup and delivers its
 *           answers.
 * Leaves out: c-ares' own event thread (1.26 and newer have one): the loop is the program's. And
 *           EDNS: of two queries that a server objects to (FORMERR), 1.18 repeats only the first
 *           without it. So answers have at most 512 bytes on UDP, and longer ones come over TCP.
 *           A link-local nameserver in resolv.conf (fe80::1%eth0) is passed over by 1.18; among the
 *           servers that a program gives it works.
 * Next:     happy_eyeballs.h.
 *
 * How an external loop drives c-ares: c-ares says which descriptors it wants to hear of
 * (on_interest), the loop says when one is ready (on_ready), and ares_timeout(3) says when c-ares
 * must be called although nothing happened.
 *
 * [#ares-one-channel] ares_cancel(3) ends every query of a channel, whoever asked. So each lookup
 * has a channel of its own; as a gift, each has fresh source ports, which an attacker must guess
 * anew (RFC 5452 section 9.2).
 */
#include "resolver_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- time and descriptors -------------------------------------------------------------------- */

/*
 * To be called after every entry into c-ares: each may have moved its next deadline.
 *
 * [#ares-timeout-spin] ares_timeout(3) cuts off what is less than a millisecond. Slept for that
 * long, one wakes a moment too early, c-ares finds nothing due, says "0 ms", and the loop spins to
 * the deadline: 1699 wake-ups were counted where 5 do. A millisecond more, and one wakes when
 * something is due.
 */
static void rearm_timer(struct el_lookup *lookup)
{
    struct timeval buffer, *left = ares_timeout(lookup->channel, NULL, &buffer);
    if (left == NULL) {
        event_del(lookup->timer);
        return;
    }
    el_duration wait = left->tv_sec * EL_S + left->tv_usec * EL_US + EL_MS;
    struct timeval rounded_up = el_timeval(wait);
    if (event_add(lookup->timer, &rounded_up) == 0)
        return;
    /* Without its timer c-ares would wait for ever: say so now rather than hang. */
    for (size_t i = 0; i < 2; i++)
        el_part_finish(&lookup->parts[i], EL_LOOKUP_LOCAL, -ENOMEM);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct el_lookup *lookup = arg;
    ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm_timer(lookup);
}

/* May free `socket` and its event: c-ares closes what it has done with. */
static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct el_dns_socket *socket = arg;
    struct el_lookup *lookup = socket->lookup;
    ares_process_fd(lookup->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    rearm_timer(lookup);
}

/*
 * c-ares wants to hear of `fd`, or (neither) no more.
 *
 * [#ares-interest] This callback is the only source of what is watched. ares_fds(3) would be
 * another, and would have to be asked after every call; it also breaks at descriptor 1024. The
 * event is level-triggered, for c-ares may leave bytes unread, and persistent. It is removed here
 * and now when c-ares says so: the next thing it does is close the descriptor, and its number may
 * be someone else's a moment later.
 */
static void on_interest(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct el_lookup *lookup = arg;
    struct el_dns_socket *socket = el_timeline_socket(lookup, fd);
    if (socket == NULL)
        return;
    if (socket->event != NULL)
        event_free(socket->event);
    socket->event = NULL;
    if (!readable && !writable)
        return;
    short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    socket->event = event_new(lookup->resolver->base, fd, what, on_ready, socket);
    if (socket->event != NULL)
        event_add(socket->event, NULL);
    /* Without memory for it the answer is not heard, and the query ends by its timer. */
}

/* ---- answers --------------------------------------------------------------------------------- */

/*
 * What the end of a query means.
 *
 * [#ares-what-the-server-said] c-ares reports every mishap as "could not contact DNS servers" or
 * "timeout"; what the last server really said or did is in the timeline's notes, and is what helps
 * the reader.
 */
enum el_lookup_status el_channel_verdict(const struct el_part *part, int ares_status)
{
    switch (ares_status) {
    case ARES_SUCCESS:
        return EL_LOOKUP_OK;
    case ARES_ENODATA:
        return EL_LOOKUP_NO_DATA;
    case ARES_ENOTFOUND:
        return EL_LOOKUP_NO_NAME;
    case ARES_ESERVFAIL:
        return EL_LOOKUP_SERVFAIL;
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
        return EL_LOOKUP_REFUSED;
    case ARES_EBADNAME:
        return EL_LOOKUP_BAD_NAME;
    case ARES_EBADRESP:
    case ARES_EFORMERR:
        return EL_LOOKUP_BAD_ANSWER;
    case ARES_ENOMEM:
    case ARES_EFILE:
        return EL_LOOKUP_LOCAL;
    case ARES_ETIMEOUT:
        /* A refused port, then silence elsewhere: the silence is what it ended with. */
        return part->heard == EL_LOOKUP_OK || part->heard == EL_LOOKUP_UNREACHABLE
                   ? EL_LOOKUP_TIMEOUT
                   : part->heard;
    default:
        if (part->heard != EL_LOOKUP_OK)
            return part->heard;
        return part->lookup->socket_missing ? EL_LOOKUP_LOCAL : EL_LOOKUP_UNREACHABLE;
    }
}

/*
 * c-ares has done with one family's query. `bytes` is its own and gone when this returns.
 *
 * [#ares-late-success] Closing a channel calls this for what is open, and not always with a status
 * that says so: 1.18 may deliver a success. `closing`, which is ours, is what counts.
 * (ares_getaddrinfo(3) would hand over a list to free in that case too; ares_search(3) lends bytes,
 * so there is nothing to leak.)
 *
 * [#ares-callback-early] It may run before ares_search(3) returns. So nothing is delivered from
 * here: the answer is kept, and the loop delivers it when the caller has its lookup in hand.
 */
static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int length)
{
    (void)timeouts; /* the timeline has more to say */
    struct el_part *part = arg;
    struct el_lookup *lookup = part->lookup;
    struct el_trace *trace = lookup->resolver->trace;
    size_t left_out = 0;
    if (lookup->closing)
        return;
    enum el_lookup_status verdict = el_channel_verdict(part, status);
    if (verdict == EL_LOOKUP_OK && bytes != NULL)
        verdict = el_dns_addresses_parse(bytes, (size_t)length, lookup->args.port, &part->answer,
                                         &left_out);
    if (left_out > 0)
        el_explain(trace, EL_TOPIC_DNS, "%zu more addresses than the %d we keep are left out",
                   left_out, EL_ADDRESSES_MAX);
    int error = 0;
    if (verdict == EL_LOOKUP_LOCAL)
        error = status == ARES_ENOMEM ? -ENOMEM : -lookup->socket_error;
    else if (verdict == EL_LOOKUP_UNREACHABLE)
        error = -lookup->socket_error;
    el_part_finish(part, verdict, error);
}

/* ---- open and close -------------------------------------------------------------------------- */

/* The servers we were given, as c-ares reads them: 10.77.0.254:53,[fd77::fe]:53 (without zones,
 * see tap_connect). */
static int set_servers(struct el_lookup *lookup)
{
    const struct el_resolver *resolver = lookup->resolver;
    char text[EL_ADDRESS_TEXT * EL_DNS_SOCKETS_MAX / 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < resolver->server_count; i++) {
        const struct el_address *server = &resolver->servers[i];
        bool v4 = el_address_family(server) == AF_INET;
        char host[INET6_ADDRSTRLEN];
        inet_ntop(server->sa.sa_family,
                  v4 ? (const void *)&server->in.sin_addr : (const void *)&server->in6.sin6_addr,
                  host, sizeof host);
        int n = snprintf(text + used, sizeof text - used, v4 ? "%s%s:%u" : "%s[%s]:%u",
                         i > 0 ? "," : "", host, el_address_port(server));
        if (n < 0 || (size_t)n >= sizeof text - used)
            return -E2BIG;
        used += (size_t)n;
    }
    return ares_set_servers_ports_csv(lookup->channel, text) == ARES_SUCCESS ? 0 : -ENOMEM;
}

/* Makes the channel. Sets *alone when it has one server only. */
static int make_channel(struct el_lookup *lookup, int flags, bool *alone)
{
    const struct el_resolver *resolver = lookup->resolver;
    struct ares_options options = {
        .flags = flags,
        .timeout = (int)((resolver->timeout + EL_MS - 1) / EL_MS),
        .tries = (int)resolver->tries,
        .sock_state_cb = on_interest,
        .sock_state_cb_data = lookup,
        .resolvconf_path = resolver->resolv_conf_path,
    };
    int status = ares_init_options(&lookup->channel, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                       ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF);
    if (status != ARES_SUCCESS) {
        lookup->channel = NULL;
        return status == ARES_ENOMEM ? -ENOMEM : -EIO;
    }
    int error = resolver->server_count > 0 ? set_servers(lookup) : 0;
    struct ares_addr_port_node *servers = NULL;
    if (error == 0 && ares_get_servers_ports(lookup->channel, &servers) != ARES_SUCCESS)
        error = -ENOMEM;
    *alone = servers != NULL && servers->next == NULL;
    ares_free_data(servers);
    return error;
}

/*
 * Opens the channel and asks, AAAA first (RFC 8305 section 3).
 *
 * [#ares-servfail] After SERVFAIL or REFUSED c-ares asks again, at once, as often as it may: good
 * when there is another server, hammering when there is not. A lone server is believed
 * (ARES_FLAG_NOCHECKRESP). How many there are is known only when resolv.conf has been read, hence
 * the second channel.
 *
 * [#ares-two-queries] Asked for AF_UNSPEC, c-ares says nothing before the slower of A and AAAA is
 * over, all retries included: a server that drops AAAA would make every name take `tries` timeouts.
 * As two queries, each is delivered when it comes.
 *
 * [#ares-no-service] Nor is it told a port: its parser of service strings reads "99999" as 34463.
 * The port is a number since the endpoint was parsed, and goes into the addresses when they are
 * made.
 *
 * NOALIASES: $HOSTALIASES would let the environment rename hosts; getaddrinfo(3) ignores it for
 * privileged programs, and a teaching tool should show the name that was typed.
 */
int el_channel_open(struct el_lookup *lookup)
{
    bool alone = false;
    int error = make_channel(lookup, ARES_FLAG_NOALIASES, &alone);
    if (error == 0 && alone) {
        ares_destroy(lookup->channel);
        error = make_channel(lookup, ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP, &alone);
    }
    if (error == 0) {
        lookup->timer = event_new(lookup->resolver->base, -1, 0, on_timer, lookup);
        error = lookup->timer == NULL ? -ENOMEM : 0;
    }
    if (error != 0) {
        el_channel_close(lookup);
        return error;
    }
    el_timeline_attach(lookup);
    for (size_t i = 0; i < 2; i++) {
        struct el_part *part = &lookup->parts[i];
        int type = part->answer.family == AF_INET ? EL_DNS_TYPE_A : EL_DNS_TYPE_AAAA;
        if (part->asked)
            ares_search(lookup->channel, lookup->host, 1 /* IN */, type, on_answer, part);
    }
    rearm_timer(lookup);
    return 0;
}

/*
 * [#ares-destroy] ares_destroy(3) frees what c-ares is standing on when it is called from one of
 * c-ares' own callbacks.
 * It never is: callbacks only keep answers, and callers, who may cancel, are called from the loop.
 */
void el_channel_close(struct el_lookup *lookup)
{
    lookup->closing = true;
    if (lookup->channel != NULL)
        ares_destroy(lookup->channel);
    lookup->channel = NULL;
    if (lookup->timer != NULL)
        event_free(lookup->timer);
    lookup->timer = NULL;
}
