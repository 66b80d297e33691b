/* test_packet_identity.c - what is in a packet's keys, and what is not: one field is changed at a time. */
#include "../lib/unit.h"
#include "packet_internal.h"

#include <linux/netfilter.h>
#include <netinet/in.h>
#include <string.h>

static struct el_packet packet(void)
{
    struct el_packet p = {
        .host = "router",
        .hook = NF_INET_LOCAL_OUT,
        .out = "eth0",
        .protocol = IPPROTO_UDP,
        .ttl = 64,
        .length = 100,
        .checksum = 0x12345678,
        .id = 7,
        .fragment = 0x4000,
        .mark = 3,
        .source = {.length = sizeof p.source.in,
                   .in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a4d0001)}},
        .destination = {.length = sizeof p.source.in6, .in6 = {.sin6_family = AF_INET6}},
    };
    el_address_set_port(&p.source, 1000);
    el_address_set_port(&p.destination, 7007);
    p.destination.in6.sin6_addr.s6_addr[0] = 0xfd;
    p.destination.in6.sin6_addr.s6_addr[15] = 2;
    return p;
}

/* Which keys a change of one field makes another: the packet's, that of its changed bytes, its rule's, its transit's. */
enum { PLAIN = 1, CHANGED = 2, RULE = 4, TRANSIT = 8, ALL = 15 };

static unsigned different(const struct el_packet *a, const struct el_packet *b)
{
    return (el_packet_key(a) != el_packet_key(b) ? PLAIN : 0) |
           (el_packet_key_changed(a) != el_packet_key_changed(b) ? CHANGED : 0) |
           (el_packet_key_rule(a) != el_packet_key_rule(b) ? RULE : 0) |
           (el_packet_key_transit(a) != el_packet_key_transit(b) ? TRANSIT : 0);
}

START_TEST(each_field_is_in_the_keys_that_need_it)
{
    const struct el_packet original = packet();
    struct el_packet p = original;
    ck_assert_uint_eq(different(&original, &p), 0);
#define WHEN(change, keys)                                                                         \
    do {                                                                                           \
        p = original;                                                                              \
        change;                                                                                    \
        ck_assert_uint_eq(different(&original, &p), keys);                                         \
    } while (0)
    WHEN(p.ttl--, ALL);
    WHEN(p.protocol = IPPROTO_TCP, ALL);
    WHEN(p.length++, ALL);
    WHEN(p.id++, ALL);
    WHEN(p.fragment = 0, ALL);
    WHEN(el_address_set_port(&p.source, 1001), ALL);
    WHEN(el_address_set_port(&p.destination, 7008), ALL);
    WHEN(p.source.in.sin_addr.s_addr ^= htonl(1), ALL);
    WHEN(p.destination.in6.sin6_addr.s6_addr[0] ^= 1, ALL);
    WHEN(p.destination.in6.sin6_addr.s6_addr[15] ^= 1, ALL);
    WHEN(p.checksum++, ALL & ~CHANGED);
    WHEN(p.mark++, RULE);
    WHEN(strcpy(p.host, "routes"), RULE | TRANSIT);
    WHEN(p.at++, 0);
    WHEN(p.tos++, 0);
#undef WHEN
}
END_TEST

START_TEST(keys_of_different_kinds_are_never_equal_and_never_0)
{
    const struct el_packet p = packet();
    const uint64_t keys[] = {el_packet_key(&p), el_packet_key_changed(&p), el_packet_key_rule(&p),
                             el_packet_key_transit(&p)};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_ne(keys[i], 0);
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(keys[i], keys[j]);
    }
}
END_TEST

/* A router lowers the TTL by one: what arrived with 64 leaves with 63, and nothing else does. */
START_TEST(what_a_router_forwards_is_known_by_its_lowered_ttl)
{
    struct el_packet arrival = packet(), departure = packet();
    arrival.hook = NF_INET_PRE_ROUTING;
    arrival.in[0] = 'e';
    arrival.out[0] = '\0';
    departure.hook = NF_INET_POST_ROUTING;
    departure.ttl = 63;
    ck_assert(!el_packet_leaves(&arrival));
    ck_assert(el_packet_leaves(&departure));
    ck_assert_uint_eq(el_packet_key_transit(&arrival), el_packet_key_transit(&departure));
    departure.ttl = 64;
    ck_assert_uint_ne(el_packet_key_transit(&arrival), el_packet_key_transit(&departure));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packet identity");
    TCase *tests = tcase_create("keys");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, each_field_is_in_the_keys_that_need_it);
    tcase_add_test(tests, keys_of_different_kinds_are_never_equal_and_never_0);
    tcase_add_test(tests, what_a_router_forwards_is_known_by_its_lowered_ttl);
    return unit_main(suite);
}
