/*
 * address.c - what the kernel wants: socket addresses, read from literals, printed and compared.
 *
 * Teaches:  an address is more than its digits. It has a family, a port, and for fe80::1 also a
 *           zone: the same link-local address is another host on every interface (RFC 4007).
 *           [#zone]
 * Partner:  endpoint.c reads what a person types; address_sort.c decides which address to try
 *           first.
 * Next:     socket.c, where an address is bound or connected.
 */
#include "address.h"
#include "address_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* ---- literals -------------------------------------------------------------------------------- */

/* Addresses that mean something only together with an interface, so that a %zone
 * belongs to them. */
static bool wants_zone(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_LINKLOCAL(ip) || IN6_IS_ADDR_MC_LINKLOCAL(ip) ||
           IN6_IS_ADDR_MC_NODELOCAL(ip);
}

/* The kernel takes nearly any byte in an interface's name; what is printed is read by terminals, so here it is printable ASCII. An
 * interface with a stranger name has a number. */
static bool is_zone(const char *zone)
{
    size_t length = strlen(zone);
    for (size_t i = 0; i < length; i++)
        if (zone[i] <= ' ' || zone[i] > '~' || strchr("/%[]:", zone[i]) != NULL)
            return false;
    return length > 0 && length < IF_NAMESIZE;
}

bool el_literal_v6(const char *text, struct in6_addr *ip, const char **zone, const char **why)
{
    char digits[INET6_ADDRSTRLEN];
    const char *percent = strchr(text, '%');
    size_t length = percent != NULL ? (size_t)(percent - text) : strlen(text);

    if (length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (inet_pton(AF_INET6, digits, ip) != 1)
        return false;

    *zone = percent != NULL ? percent + 1 : NULL;
    if (percent == NULL)
        return true;
    if (!is_zone(*zone)) {
        *why = "after '%' comes the name of an interface, as in fe80::1%eth0";
        return false;
    }
    if (!wants_zone(ip)) {
        *why = "only a link-local address (fe80::…) takes a %zone: leave it out";
        return false;
    }
    return true;
}

/* An interface by name, or by number as in `fe80::1%2` (RFC 4007 section 11.2). 0:
 * there is none. */
static uint32_t zone_index(const char *zone)
{
    uint32_t index = if_nametoindex(zone);
    if (index != 0 || zone[strspn(zone, "0123456789")] != '\0')
        return index;
    for (; *zone != '\0'; zone++)
        if (__builtin_mul_overflow(index, 10, &index) ||
            __builtin_add_overflow(index, (uint32_t)(*zone - '0'), &index))
            return 0;
    return index;
}

int el_address_from_literal(const char *host, uint16_t port, struct el_address *address)
{
    struct in6_addr v6;
    const char *zone, *why;

    *address = (struct el_address){0};
    /* inet_pton(3), not inet_aton(3): that one takes "127.1" and octal, and so reads 010.0.0.1 as
     * 8.0.0.1. */
    if (inet_pton(AF_INET, host, &address->in.sin_addr) == 1) {
        address->in.sin_family = AF_INET;
        address->in.sin_port = htons(port);
        address->length = sizeof address->in;
        return 0;
    }
    if (!el_literal_v6(host, &v6, &zone, &why))
        return -EINVAL;
    uint32_t scope = zone != NULL ? zone_index(zone) : 0;
    if (zone != NULL && scope == 0)
        return -ENODEV;
    address->in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6,
        .sin6_port = htons(port),
        .sin6_addr = v6,
        .sin6_scope_id = scope,
    };
    address->length = sizeof address->in6;
    return 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

struct el_address el_address_any(sa_family_t family, uint16_t port)
{
    struct el_address address = {0};
    if (family == AF_INET6) {
        address.in6.sin6_family = AF_INET6; /* in6addr_any is all zero */
        address.length = sizeof address.in6;
    } else {
        address.in.sin_family = AF_INET; /* INADDR_ANY too */
        address.length = sizeof address.in;
    }
    el_address_set_port(&address, port);
    return address;
}

int el_address_from_sockaddr(const struct sockaddr *sa, socklen_t length,
                             struct el_address *address)
{
    sa_family_t family;
    socklen_t needed;

    *address = (struct el_address){0};
    if (length < sizeof family)
        return -EINVAL;
    memcpy(&family, &sa->sa_family, sizeof family); /* the buffer may be shorter than a sockaddr */
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    needed = family == AF_INET ? sizeof address->in : sizeof address->in6;
    if (length < needed)
        return -EINVAL;
    memcpy(&address->sa, sa, needed);
    address->length = needed;
    return 0;
}

sa_family_t el_address_family(const struct el_address *address)
{
    return address->length == 0 ? AF_UNSPEC : address->sa.sa_family;
}

uint16_t el_address_port(const struct el_address *address)
{
    switch (el_address_family(address)) {
    case AF_INET:
        return ntohs(address->in.sin_port);
    case AF_INET6:
        return ntohs(address->in6.sin6_port);
    default:
        return 0;
    }
}

void el_address_set_port(struct el_address *address, uint16_t port)
{
    if (el_address_family(address) == AF_INET)
        address->in.sin_port = htons(port);
    else if (el_address_family(address) == AF_INET6)
        address->in6.sin6_port = htons(port);
}

const char *el_address_print_host(const struct el_address *address,
                                  char text[static EL_ADDRESS_TEXT])
{
    char zone[IF_NAMESIZE];

    if (el_address_family(address) == AF_INET) {
        inet_ntop(AF_INET, &address->in.sin_addr, text, EL_ADDRESS_TEXT);
    } else if (el_address_family(address) == AF_INET6) {
        inet_ntop(AF_INET6, &address->in6.sin6_addr, text, EL_ADDRESS_TEXT);
        size_t used = strlen(text);
        uint32_t scope = address->in6.sin6_scope_id;
        if (scope != 0 && if_indextoname(scope, zone) != NULL)
            snprintf(text + used, EL_ADDRESS_TEXT - used, "%%%s", zone);
        else if (scope != 0) /* an interface that went away still has its number */
            snprintf(text + used, EL_ADDRESS_TEXT - used, "%%%u", scope);
    } else {
        memcpy(text, "-", 2);
    }
    return text;
}

const char *el_address_print(const struct el_address *address, char text[static EL_ADDRESS_TEXT])
{
    char host[EL_ADDRESS_TEXT];

    el_address_print_host(address, host);
    if (el_address_family(address) == AF_INET)
        snprintf(text, EL_ADDRESS_TEXT, "%.15s:%u", host, el_address_port(address));
    else if (el_address_family(address) == AF_INET6)
        snprintf(text, EL_ADDRESS_TEXT, "[%.*s]:%u", EL_ADDRESS_TEXT - 10, host,
                 el_address_port(address));
    else
        memcpy(text, "-", 2);
    return text;
}

bool el_address_same_host(const struct el_address *a, const struct el_address *b)
{
    if (el_address_family(a) != el_address_family(b))
        return false;
    switch (el_address_family(a)) {
    case AF_INET:
        return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    case AF_INET6:
        /* fe80::1 on one link and fe80::1 on another are two hosts (RFC 4007). */
        return a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
    default:
        return true; /* both are nothing */
    }
}

bool el_address_equal(const struct el_address *a, const struct el_address *b)
{
    return el_address_same_host(a, b) && el_address_port(a) == el_address_port(b);
}

bool el_address_is_v4_mapped(const struct el_address *address)
{
    return el_address_family(address) == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr);
}

bool el_address_is_any(const struct el_address *address)
{
    if (el_address_family(address) == AF_INET)
        return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
    return el_address_family(address) == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}

bool el_address_is_loopback(const struct el_address *address)
{
    if (el_address_family(address) == AF_INET) /* all of 127/8, not only 127.0.0.1 (RFC 1122) */
        return ntohl(address->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return el_address_family(address) == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
}

bool el_address_is_multicast(const struct el_address *address)
{
    if (el_address_family(address) == AF_INET)
        return IN_MULTICAST(ntohl(address->in.sin_addr.s_addr));
    return el_address_family(address) == AF_INET6 && IN6_IS_ADDR_MULTICAST(&address->in6.sin6_addr);
}

bool el_address_is_link_local(const struct el_address *address)
{
    if (el_address_family(address) == AF_INET) /* 169.254/16 (RFC 3927) */
        return ntohl(address->in.sin_addr.s_addr) >> 16 == 0xa9fe;
    return el_address_family(address) == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr);
}

/* Printable ASCII, but the backslash: or "\x0a" typed as four characters would look like an escaped
 * newline. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '\\';
}

const char *el_name_escape(const char *name, char *text, size_t size)
{
    size_t used = 0, whole = 0;

    if (size == 0)
        return text;
    for (const char *c = name; *c != '\0' && whole < size; c++)
        whole += is_plain(*c) ? 1 : 4;
    size_t room = whole < size ? size - 1 : size > 4 ? size - 4 : 0; /* "..." and the NUL */
    for (; *name != '\0' && used + (is_plain(*name) ? 1 : 4) <= room; name++) {
        if (is_plain(*name))
            text[used++] = *name;
        else
            used += (size_t)snprintf(text + used, size - used, "\\x%02x", (unsigned char)*name);
    }
    snprintf(text + used, size - used, "%s", *name != '\0' ? "..." : "");
    return text;
}
