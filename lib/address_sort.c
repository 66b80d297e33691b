/*
 * address_sort.c - which of a name's addresses to try first (RFC 6724).
 *
 * Teaches:  a name has several addresses and the order matters: a client that tries an IPv6 address
 *           first from a machine that has no IPv6 route makes its user wait for nothing.
 * Leaves out, safely (the order is only advice, every address is still tried in the end):
 *           - rule 4, prefer home addresses: that is Mobile IPv6, which the kernel does not report;
 *           - rule 7, prefer native transport: needs to know which interfaces are tunnels;
 *           - rule 9 for IPv4: the prefix length of the source is not known here, and a longest
 *             match over all 32 bits would undo the rotation of answers by which DNS servers spread
 *             load.
 * Next:     happy_eyeballs.c, which takes the order and races the addresses.
 */
#include "address.h"

#include <string.h>

/* ---- what the RFC computes from an address --------------------------------------------------- */

/* The default policy table (RFC 6724 section 2.1), in an order in which the longest prefix matches
 * first. */
static const struct policy {
    struct in6_addr prefix;
    unsigned bits;
    int precedence;
    int label;
} policies[] = {
    {{{{[15] = 1}}}, 128, 50, 0},                /* ::1/128, loopback */
    {{{{[10] = 0xff, [11] = 0xff}}}, 96, 35, 4}, /* ::ffff:0:0/96, IPv4 */
    {{{{0}}}, 96, 1, 3},                         /* ::/96, IPv4-compatible, deprecated */
    {{{{0x20, 0x01}}}, 32, 5, 5},                /* 2001::/32, Teredo */
    {{{{0x20, 0x02}}}, 16, 30, 2},               /* 2002::/16, 6to4 */
    {{{{0x3f, 0xfe}}}, 16, 1, 12},               /* 3ffe::/16, 6bone, returned */
    {{{{0xfe, 0xc0}}}, 10, 1, 11},               /* fec0::/10, site-local, deprecated */
    {{{{0xfc}}}, 7, 3, 13},                      /* fc00::/7, unique local */
    {{{{0}}}, 0, 40, 1},                         /* ::/0, all the rest */
};

/* The IPv6 form of an address: RFC 6724 treats IPv4 as ::ffff:a.b.c.d (section 3.2). */
static struct in6_addr as_v6(const struct el_address *address)
{
    struct in6_addr ip = {0};
    if (el_address_family(address) == AF_INET6)
        return address->in6.sin6_addr;
    ip.s6_addr[10] = ip.s6_addr[11] = 0xff;
    memcpy(&ip.s6_addr[12], &address->in.sin_addr, 4);
    return ip;
}

/* How many leading bits are the same, counted up to `limit`. */
static unsigned common_bits(const struct in6_addr *a, const struct in6_addr *b, unsigned limit)
{
    unsigned bits = 0;
    while (bits < limit) {
        unsigned differ = a->s6_addr[bits / 8] ^ b->s6_addr[bits / 8];
        if (differ & (0x80u >> (bits % 8)))
            break;
        bits++;
    }
    return bits;
}

static const struct policy *policy_of(const struct el_address *address)
{
    struct in6_addr ip = as_v6(address);
    const struct policy *policy = policies;
    while (common_bits(&ip, &policy->prefix, policy->bits) < policy->bits)
        policy++; /* ends at ::/0, which matches everything */
    return policy;
}

int el_address_precedence(const struct el_address *destination)
{
    return policy_of(destination)->precedence;
}

enum scope { LINK = 0x2, SITE = 0x5, GLOBAL = 0xe }; /* RFC 4291 section 2.7 */

/* How far an address reaches (RFC 6724 sections 3.1 and 3.2: private IPv4 addresses count as
 * global). */
static unsigned scope_of(const struct el_address *address)
{
    struct in6_addr ip = as_v6(address);

    if (IN6_IS_ADDR_V4MAPPED(&ip)) {
        bool link = ip.s6_addr[12] == 127 || (ip.s6_addr[12] == 169 && ip.s6_addr[13] == 254);
        return link ? LINK : GLOBAL;
    }
    if (IN6_IS_ADDR_MULTICAST(&ip))
        return ip.s6_addr[1] & 0xf;
    if (IN6_IS_ADDR_LINKLOCAL(&ip) || IN6_IS_ADDR_LOOPBACK(&ip))
        return LINK;
    return IN6_IS_ADDR_SITELOCAL(&ip) ? SITE : GLOBAL;
}

/*
 * CommonPrefixLen(S, D), counted up to the prefix length of S (RFC 6724 section 2.2). That length
 * is not known here: 64, because a unicast IPv6 subnet practically always has it (RFC 4291 section
 * 2.5.1).
 */
static unsigned prefix_match(const struct el_route_pair *pair)
{
    struct in6_addr source = as_v6(&pair->source), destination = as_v6(&pair->destination);
    return common_bits(&source, &destination, 64);
}

/* ---- the rules of section 6, in order -------------------------------------------------------- */

/* Negative: a comes first. Positive: b does. *rule is set to the rule that told. */
static int compare(const struct el_route_pair *a, const struct el_route_pair *b, int *rule)
{
    const struct policy *policy_a = policy_of(&a->destination);
    const struct policy *policy_b = policy_of(&b->destination);
    int scope_a = (int)scope_of(&a->destination), scope_b = (int)scope_of(&b->destination);
    bool usable_a = a->source.length > 0, usable_b = b->source.length > 0;

    *rule = 1; /* avoid unusable destinations */
    if (usable_a != usable_b)
        return usable_b - usable_a;

    if (usable_a) { /* rules 2, 3 and 5 look at the sources: without any they cannot tell */
        *rule = 2;  /* prefer matching scope */
        int match_a = scope_of(&a->source) == scope_of(&a->destination);
        int match_b = scope_of(&b->source) == scope_of(&b->destination);
        if (match_a != match_b)
            return match_b - match_a;

        *rule = 3; /* avoid deprecated addresses */
        if (a->deprecated != b->deprecated)
            return a->deprecated - b->deprecated;

        *rule = 5; /* prefer matching label: IPv4 from an IPv4 source, 6to4 from 6to4 */
        match_a = policy_of(&a->source)->label == policy_a->label;
        match_b = policy_of(&b->source)->label == policy_b->label;
        if (match_a != match_b)
            return match_b - match_a;
    }

    *rule = 6; /* prefer higher precedence */
    if (policy_a->precedence != policy_b->precedence)
        return policy_b->precedence - policy_a->precedence;

    *rule = 8; /* prefer smaller scope */
    if (scope_a != scope_b)
        return scope_a - scope_b;

    *rule = 9; /* use longest matching prefix */
    if (usable_a && el_address_family(&a->destination) == AF_INET6 &&
        el_address_family(&b->destination) == AF_INET6) {
        int match_a = (int)prefix_match(a), match_b = (int)prefix_match(b);
        if (match_a != match_b)
            return match_b - match_a;
    }

    *rule = 10; /* otherwise, leave the order unchanged */
    return 0;
}

void el_address_sort(struct el_route_pair *pairs, size_t count)
{
    /* Insertion sort is stable, which rule 10 demands and qsort(3) does not promise; names have few
     * addresses. */
    for (size_t i = 1; i < count; i++) {
        struct el_route_pair pair = pairs[i];
        size_t place = i;
        int rule;
        for (; place > 0 && compare(&pair, &pairs[place - 1], &rule) < 0; place--)
            pairs[place] = pairs[place - 1];
        pairs[place] = pair;
    }
}

int el_address_sort_rule(const struct el_route_pair *a, const struct el_route_pair *b)
{
    int rule;
    compare(a, b, &rule);
    return rule;
}
