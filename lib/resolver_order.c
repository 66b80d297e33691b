/*
 * resolver_order.c - which address first: the source of each, and the order of RFC 6724.
 *
 * Owns:     finding the source address that the kernel would use for a destination.
 * Partner:  address.c has the rules of RFC 6724 section 6, and knows no sockets; this file has the
 *           sockets.
 * Leaves out: rules 4 and 7, which need to know interfaces.
 * Next:     happy_eyeballs.h, which races the ordered addresses.
 */
#include "resolver_private.h"

#include <stdio.h>
#include <unistd.h>

/*
 * The source address for `destination`, length 0 when there is no route.
 *
 * [#connect-sends-nothing] connect(2) on a UDP socket only looks up the route and keeps the two
 * addresses: not one packet leaves. That makes it the way to ask the kernel which source it would
 * take. A fresh socket each time: a second connect(2) on the same one would keep the first source.
 */
static struct el_address find_source(const struct el_address *destination)
{
    struct el_address source = {0}, probe = *destination;
    struct sockaddr_storage local;
    socklen_t length = sizeof local;
    if (el_address_port(&probe) == 0)
        el_address_set_port(&probe, EL_DNS_PORT); /* any port will do; 0 cannot be connected to */
    int fd = socket(probe.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return source; /* no such family here, or no descriptor left: sorted as unreachable */
    if (connect(fd, &probe.sa, probe.length) == 0 &&
        getsockname(fd, (struct sockaddr *)&local, &length) == 0 &&
        el_address_from_sockaddr((struct sockaddr *)&local, length, &source) == 0)
        el_address_set_port(&source, 0); /* that port was the probe's own */
    close(fd);
    return source;
}

/* Tells the order and, from the second address on, which rule put it behind the one before. */
static void explain_order(const struct el_answer *answer, struct el_trace *trace)
{
    char destination[EL_ADDRESS_TEXT], source[EL_ADDRESS_TEXT], why[64];
    const char *type = el_dns_type_text(answer->family);
    for (size_t i = 0; i < answer->count; i++) {
        const struct el_route_pair *pair = &answer->address[i];
        int rule = i == 0 ? 0 : el_address_sort_rule(pair - 1, pair);
        if (i == 0)
            snprintf(why, sizeof why, "%s gives", type);
        else if (rule == 10)
            snprintf(why, sizeof why, "%s gives next, as it came,", type);
        else
            snprintf(why, sizeof why, "%s gives next, by rule %d of RFC 6724,", type, rule);
        if (pair->source.length > 0)
            el_explain(trace, EL_TOPIC_STEP, "%s %s; the kernel would send from %s", why,
                       el_address_print_host(&pair->destination, destination),
                       el_address_print_host(&pair->source, source));
        else
            el_explain(trace, EL_TOPIC_STEP, "%s %s; the kernel has no route to it", why,
                       el_address_print_host(&pair->destination, destination));
    }
}

void el_order_answer(struct el_answer *answer, struct el_trace *trace)
{
    for (size_t i = 0; i < answer->count; i++)
        answer->address[i].source = find_source(&answer->address[i].destination);
    /* [#ares-own-order] c-ares would do this too, with a socket per address kept open the while,
     * by an older table, and for addresses that a caller may not want. We ask it for bare
     * answers and sort once, here. */
    el_address_sort(answer->address, answer->count);
    if (el_explaining(trace))
        explain_order(answer, trace);
}
