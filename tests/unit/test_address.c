/* test_address.c - what a person may type, what is refused and how it is said, and
 * who comes first. */
#include "../lib/unit.h"
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_PORT = 7007 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- endpoints ------------------------------------------------------------------------------- */

START_TEST(every_form_of_an_endpoint_is_read)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool has_port, wildcard;
    } cases[] = {
        {"server.lab", "server.lab", 7007, false, false},
        {"server.lab:9", "server.lab", 9, true, false},
        {"server.lab.", "server.lab.", 7007, false, false},
        {"server.lab.:9", "server.lab.", 9, true, false},
        {"localhost", "localhost", 7007, false, false},
        {"a", "a", 7007, false, false},
        {"x_y-1.lab:65535", "x_y-1.lab", 65535, true, false},
        {"3com.lab", "3com.lab", 7007, false, false},
        {"10.77.0.2", "10.77.0.2", 7007, false, false},
        {"10.77.0.2:9", "10.77.0.2", 9, true, false},
        {"::1", "::1", 7007, false, false},
        {"::", "::", 7007, false, false},
        {"2001:db8::1:7007", "2001:db8::1:7007", 7007, false, false},
        {"fe80::1%eth0", "fe80::1%eth0", 7007, false, false},
        {"ff02::1%eth0", "ff02::1%eth0", 7007, false, false},
        {"[::1]", "::1", 7007, false, false},
        {"[::1]:9", "::1", 9, true, false},
        {"[fe80::1%eth0]:9", "fe80::1%eth0", 9, true, false},
        {"[fe80::1%2]:9", "fe80::1%2", 9, true, false},
        {"[::ffff:10.77.0.2]:9", "::ffff:10.77.0.2", 9, true, false},
        {"*", "*", 7007, false, true},
        {"*:9", "*", 9, true, true},
        {":9", "*", 9, true, true},
        {"server.lab:007", "server.lab", 7, true, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct el_endpoint endpoint;
        const char *why;
        int error = el_endpoint_parse(cases[i].text, DEFAULT_PORT, 1, &endpoint, &why);
        ck_assert_msg(error == 0, "%s: %s", cases[i].text, why);
        ck_assert_str_eq(endpoint.host, cases[i].host);
        ck_assert_uint_eq(endpoint.port, cases[i].port);
        ck_assert_int_eq(endpoint.has_port, cases[i].has_port);
        ck_assert_int_eq(endpoint.wildcard, cases[i].wildcard);
    }
}
END_TEST

START_TEST(a_refused_endpoint_says_what_is_wrong)
{
    static const struct {
        const char *text, *why; /* a part of the sentence */
    } cases[] = {
        {"", "host is empty"},
        {"[]", "not an IPv6 address"},
        {"[]:9", "not an IPv6 address"},
        {"[::1", "']' after the IPv6 address is missing"},
        {"[::1:9", "']' after the IPv6 address is missing"},
        {"[::1]9", "after ']'"},
        {"[::1]]", "after ']'"},
        {"[::1]:", "port after ':' is missing"},
        {"[10.0.0.1]:9", "not an IPv6 address"},
        {"[server.lab]:9", "not an IPv6 address"},
        {"[fe80::1%]", "name of an interface"},
        {"[fe80::1%eth0%eth1]", "name of an interface"},
        {"[fe80::1%an-endless-interface]", "name of an interface"},
        {"fe80::1%et h", "name of an interface"},
        {"[fe80::1%\033x]:9", "name of an interface"}, /* it would reach the terminal */
        {"2001:db8::1%eth0", "only a link-local address"},
        {"[::1%lo]:9", "only a link-local address"},
        {"server.lab:7007:more", "more than one ':'"},
        {"10.0.0.1:9:9", "more than one ':'"},
        {"1:2:3:4:5:6:7:8:9", "more than one ':'"},
        {"::g", "more than one ':'"},
        {"server.lab:", "port after ':' is missing"},
        {"*:", "port after ':' is missing"},
        {":", "port after ':' is missing"},
        {"server.lab:0", "port 0"},
        {"server.lab:000", "port 0"},
        {"server.lab:65536", "above 65535"},
        {"server.lab:99999999999999999999999", "above 65535"},
        {"server.lab:+9", "not a number"},
        {"server.lab:-9", "not a number"},
        {"server.lab: 9", "not a number"},
        {"server.lab:9 ", "not a number"},
        {"server.lab:0x9", "not a number"},
        {"server.lab:echo", "not a number"},
        {".", "host is empty"},
        {"..", "empty part"},
        {".lab", "empty part"},
        {"a..b", "empty part"},
        {"a b", "only letters"},
        {"server/lab", "only letters"},
        {"a%eth0", "only letters"},
        {"**", "only letters"},
        {"::1]", "more than one ':'"},
        {"b\xc3\xbc"
         "cher.lab",
         "xn--"},
        {"1.2.3", "four numbers"},
        {"256.1.1.1", "four numbers"},
        {"010.0.0.1", "four numbers"},
        {"127.1:9", "four numbers"},
        {"10.0.0.1.", "four numbers"},
        {"7007", "':7007'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct el_endpoint endpoint;
        const char *why = NULL;
        int error = el_endpoint_parse(cases[i].text, DEFAULT_PORT, 1, &endpoint, &why);
        ck_assert_msg(error == -EINVAL, "'%s' was accepted", cases[i].text);
        ck_assert_msg(strstr(why, cases[i].why) != NULL, "'%s': says '%s'", cases[i].text, why);
    }
}
END_TEST

START_TEST(a_server_may_ask_for_port_0)
{
    struct el_endpoint endpoint;
    const char *why;
    ck_assert_int_eq(el_endpoint_parse("127.0.0.1:0", DEFAULT_PORT, 0, &endpoint, &why), 0);
    ck_assert_uint_eq(endpoint.port, 0);
    ck_assert(endpoint.has_port);
    ck_assert_int_eq(el_endpoint_parse("a:80", DEFAULT_PORT, 1024, &endpoint, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "lowest"));
}
END_TEST

/* A name of `length` characters in parts of at most `part`. */
static void make_name(char *name, size_t length, size_t part)
{
    for (size_t i = 0; i < length; i++)
        name[i] = i % (part + 1) == part ? '.' : 'a';
    name[length] = '\0';
}

START_TEST(names_are_as_long_as_dns_allows_and_no_longer)
{
    struct el_endpoint endpoint;
    const char *why;
    char name[2100];

    make_name(name, 253, 62);
    for (size_t tail = 0; tail < 3; tail++) { /* the trailing dot does not count */
        snprintf(name + 253, sizeof name - 253, "%s", (const char *[]){"", ".", ".:9"}[tail]);
        ck_assert_int_eq(el_endpoint_parse(name, DEFAULT_PORT, 1, &endpoint, &why), 0);
        ck_assert_uint_eq(strlen(endpoint.host), tail == 0 ? 253 : 254);
        ck_assert_int_eq(memcmp(endpoint.host, name, strlen(endpoint.host)), 0);
    }
    make_name(name, 254, 61);
    ck_assert_int_eq(el_endpoint_parse(name, DEFAULT_PORT, 1, &endpoint, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "253"));
    make_name(name, 2000, 61);
    ck_assert_int_eq(el_endpoint_parse(name, DEFAULT_PORT, 1, &endpoint, &why), -EINVAL);

    make_name(name, 63, 63);
    ck_assert_int_eq(el_endpoint_parse(name, DEFAULT_PORT, 1, &endpoint, &why), 0);
    make_name(name, 64, 64);
    ck_assert_int_eq(el_endpoint_parse(name, DEFAULT_PORT, 1, &endpoint, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "63"));

    snprintf(name, sizeof name, "[::%02000d]", 1); /* an address that never ends */
    ck_assert_int_eq(el_endpoint_parse(name, DEFAULT_PORT, 1, &endpoint, &why), -EINVAL);
    ck_assert_int_eq(el_endpoint_parse(name + 1, DEFAULT_PORT, 1, &endpoint, &why), -EINVAL);
}
END_TEST

/* What would be typed for this endpoint. */
static void print_endpoint(const struct el_endpoint *endpoint, char *text, size_t size)
{
    bool v6 = strchr(endpoint->host, ':') != NULL;
    snprintf(text, size, "%s%s%s:%u", v6 ? "[" : "", endpoint->host, v6 ? "]" : "", endpoint->port);
}

START_TEST(property_an_accepted_endpoint_printed_and_parsed_again_is_the_same)
{
    unsigned accepted = 0;
    for (int i = 0; i < 100000; i++) {
        struct el_endpoint first, second;
        char text[40], again[300];
        const char *why = NULL;
        unit_random_text(text, sizeof text, i % 2 ? "a1.:[]%*-" : "[:::1f2]%%e0");
        int error = el_endpoint_parse(text, DEFAULT_PORT, 0, &first, &why);
        unit_holds(error == 0 || (error == -EINVAL && why != NULL && strlen(why) > 10), text);
        if (error != 0)
            continue;
        accepted++;
        print_endpoint(&first, again, sizeof again);
        unit_holds(el_endpoint_parse(again, 1, 0, &second, &why) == 0, text);
        unit_holds(strcmp(first.host, second.host) == 0 && first.port == second.port &&
                       first.wildcard == second.wildcard,
                   text);
    }
    ck_assert_uint_gt(accepted, 100); /* or the property was hardly tried */
}
END_TEST

START_TEST(property_any_bytes_are_parsed_or_refused)
{
    for (int i = 0; i < 30000; i++) {
        struct el_endpoint endpoint;
        char text[400];
        const char *why = NULL;
        size_t length = unit_random(sizeof text);
        for (size_t j = 0; j < length; j++)
            text[j] = (char)(1 + unit_random(255));
        text[length] = '\0';
        int error = el_endpoint_parse(text, DEFAULT_PORT, 1, &endpoint, &why);
        unit_holds(error == 0 || (error == -EINVAL && why != NULL && *why != '\0'), text);
    }
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

static struct el_address literal(const char *host, uint16_t port)
{
    struct el_address address;
    ck_assert_msg(el_address_from_literal(host, port, &address) == 0, "not a literal: %s", host);
    return address;
}

START_TEST(literals_become_addresses_and_print_as_they_were)
{
    static const char *const cases[][2] = {
        {"10.77.0.2", "10.77.0.2:9"},
        {"255.255.255.255", "255.255.255.255:9"},
        {"fd77::2", "[fd77::2]:9"},
        {"FD77:0:0::2", "[fd77::2]:9"},
        {"::ffff:10.0.0.1", "[::ffff:10.0.0.1]:9"},
        {"fe80::1%lo", "[fe80::1%lo]:9"},
        {"fe80::1%1", "[fe80::1%lo]:9"}, /* the loopback interface is always number 1 */
        {"fe80::1%4000000000", "[fe80::1%4000000000]:9"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[EL_ADDRESS_TEXT];
        struct el_address address = literal(cases[i][0], 9);
        ck_assert_str_eq(el_address_print(&address, text), cases[i][1]);
    }
}
END_TEST

START_TEST(what_is_not_a_literal_is_left_to_the_resolver)
{
    static const char *const cases[] = {
        "server.lab", "",       "10.0.0", "010.0.0.1", "1.2.3.4 ",   "::1 ",       "[::1]",
        "fe80::1%",   "::1%lo", "*",      "1.2.3.4:9", "0x7f.0.0.1", "fe80::1%a/b"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct el_address address;
        ck_assert_msg(el_address_from_literal(cases[i], 9, &address) == -EINVAL, "%s", cases[i]);
        ck_assert_uint_eq(address.length, 0);
    }
}
END_TEST

START_TEST(a_zone_that_does_not_exist_is_told_apart)
{
    struct el_address address;
    ck_assert_int_eq(el_address_from_literal("fe80::1%nosuchif0", 9, &address), -ENODEV);
    ck_assert_int_eq(el_address_from_literal("fe80::1%0", 9, &address), -ENODEV);
    ck_assert_int_eq(el_address_from_literal("fe80::1%99999999999", 9, &address), -ENODEV);
}
END_TEST

START_TEST(property_printing_and_parsing_an_address_is_the_identity)
{
    for (int i = 0; i < 20000; i++) {
        struct el_address first = el_address_any(i % 2 ? AF_INET : AF_INET6, 9), second;
        char host[EL_ADDRESS_TEXT];
        uint8_t *bytes = i % 2 ? (uint8_t *)&first.in.sin_addr : first.in6.sin6_addr.s6_addr;
        for (int j = 0; j < (i % 2 ? 4 : 16); j++) /* zeros often, for the sake of "::" */
            bytes[j] = unit_random(2) ? 0 : (uint8_t)unit_random(256);
        el_address_print_host(&first, host);
        unit_holds(el_address_from_literal(host, 9, &second) == 0, host);
        unit_holds(el_address_equal(&first, &second), host);
    }
}
END_TEST

START_TEST(no_address_prints_as_a_dash)
{
    char text[EL_ADDRESS_TEXT];
    struct el_address none = {0};
    ck_assert_str_eq(el_address_print(&none, text), "-");
    ck_assert_str_eq(el_address_print_host(&none, text), "-");
    ck_assert_int_eq(el_address_family(&none), AF_UNSPEC);
    ck_assert_uint_eq(el_address_port(&none), 0);
    el_address_set_port(&none, 9);
    ck_assert_uint_eq(el_address_port(&none), 0);
}
END_TEST

START_TEST(wildcards_are_any)
{
    char text[EL_ADDRESS_TEXT];
    struct el_address v4 = el_address_any(AF_INET, 9), v6 = el_address_any(AF_INET6, 9);
    ck_assert_str_eq(el_address_print(&v4, text), "0.0.0.0:9");
    ck_assert_str_eq(el_address_print(&v6, text), "[::]:9");
    ck_assert(el_address_is_any(&v4) && el_address_is_any(&v6));
    el_address_set_port(&v6, 10);
    ck_assert_uint_eq(el_address_port(&v6), 10);
}
END_TEST

START_TEST(kernel_addresses_are_copied_only_when_whole)
{
    struct el_address from = literal("fd77::2", 9), to;
    ck_assert_int_eq(el_address_from_sockaddr(&from.sa, from.length, &to), 0);
    ck_assert(el_address_equal(&from, &to));
    ck_assert_int_eq(el_address_from_sockaddr(&from.sa, from.length - 1, &to), -EINVAL);
    ck_assert_uint_eq(to.length, 0);
    ck_assert_int_eq(el_address_from_sockaddr(&from.sa, 1, &to), -EINVAL);
    ck_assert_int_eq(el_address_from_sockaddr(&from.sa, 0, &to), -EINVAL);
    from.sa.sa_family = AF_UNIX;
    ck_assert_int_eq(el_address_from_sockaddr(&from.sa, from.length, &to), -EAFNOSUPPORT);
    from = literal("10.0.0.1", 9); /* the kernel may hand over a larger buffer */
    ck_assert_int_eq(el_address_from_sockaddr(&from.sa, sizeof(struct sockaddr_in6), &to), 0);
    ck_assert(el_address_equal(&from, &to));
}
END_TEST

START_TEST(equality_has_port_and_zone_in_it)
{
    struct el_address a = literal("10.0.0.1", 9), b = literal("10.0.0.1", 10);
    struct el_address v6 = literal("::ffff:10.0.0.1", 9), none = {0};
    ck_assert(!el_address_equal(&a, &b) && el_address_same_host(&a, &b));
    ck_assert(!el_address_same_host(&a, &v6)); /* a mapped address is a socket of another family */
    ck_assert(!el_address_same_host(&a, &none) && el_address_equal(&none, &none));
    struct el_address here = literal("fe80::1%1", 9), there = literal("fe80::1%2", 9);
    ck_assert(!el_address_same_host(&here, &there));
    ck_assert(el_address_equal(&here, &here));
}
END_TEST

START_TEST(kinds_of_addresses)
{
    static const struct {
        const char *host;
        bool any, loopback, multicast, link_local, mapped;
    } cases[] = {
        {"0.0.0.0", true, false, false, false, false},
        {"::", true, false, false, false, false},
        {"127.0.0.1", false, true, false, false, false},
        {"127.255.255.254", false, true, false, false, false},
        {"128.0.0.1", false, false, false, false, false},
        {"::1", false, true, false, false, false},
        {"224.0.0.1", false, false, true, false, false},
        {"239.255.255.255", false, false, true, false, false},
        {"240.0.0.1", false, false, false, false, false},
        {"ff02::1", false, false, true, false, false},
        {"169.254.1.1", false, false, false, true, false},
        {"169.255.1.1", false, false, false, false, false},
        {"fe80::1", false, false, false, true, false},
        {"febf::1", false, false, false, true, false},
        {"fec0::1", false, false, false, false, false},
        {"::ffff:127.0.0.1", false, false, false, false, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct el_address address = literal(cases[i].host, 9);
        ck_assert_msg(el_address_is_any(&address) == cases[i].any &&
                          el_address_is_loopback(&address) == cases[i].loopback &&
                          el_address_is_multicast(&address) == cases[i].multicast &&
                          el_address_is_link_local(&address) == cases[i].link_local &&
                          el_address_is_v4_mapped(&address) == cases[i].mapped,
                      "%s", cases[i].host);
    }
}
END_TEST

START_TEST(foreign_names_are_escaped_and_cut)
{
    static const struct {
        const char *name;
        size_t size;
        const char *text;
    } cases[] = {
        {"server.lab", 80, "server.lab"},
        {"server.lab", 11, "server.lab"},
        {"server.lab", 10, "server..."},
        {"a\nb\x1b[1m\xff", 80, "a\\x0ab\\x1b[1m\\xff"},
        {"\\x0a", 80, "\\x5cx0a"},
        {"\n\n\n", 12, "\\x0a\\x0a..."},
        {"", 5, ""},
        {"abc", 1, ""},
        {"abc", 3, ".."},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[80];
        ck_assert_str_eq(el_name_escape(cases[i].name, text, cases[i].size), cases[i].text);
    }
    char untouched = 'x';
    el_name_escape("abc", &untouched, 0);
    ck_assert_int_eq(untouched, 'x');
}
END_TEST

START_TEST(property_an_escaped_name_fits_and_is_plain)
{
    for (int i = 0; i < 20000; i++) {
        char name[60], text[64];
        size_t size = 1 + unit_random(60);
        for (size_t j = 0; j < sizeof name; j++)
            name[j] = (char)unit_random(256);
        name[sizeof name - 1] = '\0';
        memset(text, 0x7e, sizeof text);
        el_name_escape(name, text, size);
        unit_holds(strlen(text) < size && text[size] == 0x7e, text); /* nothing behind the end */
        for (const char *c = text; *c != '\0'; c++)
            unit_holds(*c >= 0x20 && *c < 0x7f, text);
    }
}
END_TEST

/* ---- the order of RFC 6724 ------------------------------------------------------------------- */

static struct el_route_pair route(const char *destination, const char *source)
{
    struct el_route_pair pair = {.destination = literal(destination, 9)};
    if (source != NULL)
        pair.source = literal(source, 0);
    return pair;
}

/*
 * The examples of RFC 6724 section 10.2, with the source that the RFC chose for each destination.
 * The one left out prefers a Mobile IPv6 home address (rule 4). In each row the first destination
 * comes first.
 */
static const struct {
    const char *first, *first_source, *second, *second_source;
    bool second_deprecated;
    int rule;
} rfc_examples[] = {
    {"2001:db8:1::1", "2001:db8:1::2", "198.51.100.121", "169.254.13.78", false, 2},
    {"198.51.100.121", "198.51.100.117", "2001:db8:1::1", "fe80::1", false, 2},
    {"2001:db8:1::1", "2001:db8:1::2", "10.1.2.3", "10.1.2.4", false, 6},
    {"fe80::1", "fe80::2", "2001:db8:1::1", "2001:db8:1::2", false, 8},
    {"2001:db8:1::1", "2001:db8:1::2", "fe80::1", "fe80::2", true, 3},
    {"2001:db8:1::1", "2001:db8:1::2", "2001:db8:3ffe::1", "2001:db8:3f44::2", false, 9},
    {"2002:c633:6401::1", "2002:c633:6401::2", "2001:db8:1::1", "2002:c633:6401::2", false, 5},
    {"2001:db8:1::1", "2001:db8:1::2", "2002:c633:6401::1", "2002:c633:6401::2", false, 6},
    /* not in 10.2, for the rules that it does not show */
    {"10.0.0.1", "10.0.0.2", "2001:db8:1::1", NULL, false, 1},
    {"::1", "::1", "127.0.0.1", "127.0.0.1", false, 6},
    {"2001:db8::1", "2001:db8::2", "fd77::2", "fd77::1", false, 6},
    {"fd77::2", "fd77::1", "2001:db8::1", "fd77::1", false, 5},
    {"10.1.0.1", "10.1.0.2", "10.2.0.1", "10.1.0.2", false, 10}, /* no rule 9 for IPv4 */
    {"2001:db8:1:2::9", "2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::1", false,
     10}, /* > /64 */
    {"2001:db8::1", NULL, "10.0.0.1", NULL, false, 6},
};

START_TEST(destinations_are_ordered_as_in_the_examples_of_rfc_6724_section_10_2)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        struct el_route_pair first = route(rfc_examples[_i].first, rfc_examples[_i].first_source);
        struct el_route_pair second =
            route(rfc_examples[_i].second, rfc_examples[_i].second_source);
        second.deprecated = rfc_examples[_i].second_deprecated;
        int rule = rfc_examples[_i].rule;
        if (swapped && rule == 10)
            break; /* then whatever came first stays first */
        struct el_route_pair pairs[2] = {swapped ? second : first, swapped ? first : second};
        el_address_sort(pairs, 2);
        ck_assert_msg(el_address_equal(&pairs[0].destination, &first.destination),
                      "%s is not first", rfc_examples[_i].first);
        ck_assert_int_eq(el_address_sort_rule(&first, &second), rule);
    }
}
END_TEST

START_TEST(what_no_rule_tells_apart_stays_in_its_order)
{
    struct el_route_pair pairs[5];
    static const char *const order[] = {"10.0.0.5", "10.0.0.1", "10.0.0.4", "10.0.0.2", "10.0.0.3"};
    for (size_t i = 0; i < 5; i++)
        pairs[i] = route(order[i], "10.0.0.9");
    el_address_sort(pairs, 5);
    for (size_t i = 0; i < 5; i++) {
        char text[EL_ADDRESS_TEXT];
        ck_assert_str_eq(el_address_print_host(&pairs[i].destination, text), order[i]);
    }
    el_address_sort(pairs, 0); /* nothing to do, nothing happens */
}
END_TEST

START_TEST(several_are_ordered_at_once)
{
    struct el_route_pair pairs[] = {
        route("2001:db8:ffff::1", NULL), route("10.77.0.2", "10.77.0.1"),
        route("fd77::2", "fd77::1"),     route("2001:db8::1", "2001:db8::2"),
        route("fe80::1%1", "fe80::2%1"),
    };
    static const char *const order[] = {"fe80::1%lo", "2001:db8::1", "10.77.0.2", "fd77::2",
                                        "2001:db8:ffff::1"};
    el_address_sort(pairs, COUNT(pairs));
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[EL_ADDRESS_TEXT];
        ck_assert_str_eq(el_address_print_host(&pairs[i].destination, text), order[i]);
    }
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *endpoints = add_case(suite, "endpoints");
    TCase *addresses = add_case(suite, "addresses");
    TCase *order = add_case(suite, "order");

    tcase_add_test(endpoints, every_form_of_an_endpoint_is_read);
    tcase_add_test(endpoints, a_refused_endpoint_says_what_is_wrong);
    tcase_add_test(endpoints, a_server_may_ask_for_port_0);
    tcase_add_test(endpoints, names_are_as_long_as_dns_allows_and_no_longer);
    tcase_add_test(endpoints, property_an_accepted_endpoint_printed_and_parsed_again_is_the_same);
    tcase_add_test(endpoints, property_any_bytes_are_parsed_or_refused);

    tcase_add_test(addresses, literals_become_addresses_and_print_as_they_were);
    tcase_add_test(addresses, what_is_not_a_literal_is_left_to_the_resolver);
    tcase_add_test(addresses, a_zone_that_does_not_exist_is_told_apart);
    tcase_add_test(addresses, property_printing_and_parsing_an_address_is_the_identity);
    tcase_add_test(addresses, no_address_prints_as_a_dash);
    tcase_add_test(addresses, wildcards_are_any);
    tcase_add_test(addresses, kernel_addresses_are_copied_only_when_whole);
    tcase_add_test(addresses, equality_has_port_and_zone_in_it);
    tcase_add_test(addresses, kinds_of_addresses);
    tcase_add_test(addresses, foreign_names_are_escaped_and_cut);
    tcase_add_test(addresses, property_an_escaped_name_fits_and_is_plain);

    tcase_add_loop_test(order, destinations_are_ordered_as_in_the_examples_of_rfc_6724_section_10_2,
                        0, (int)COUNT(rfc_examples));
    tcase_add_test(order, what_no_rule_tells_apart_stays_in_its_order);
    tcase_add_test(order, several_are_ordered_at_once);
    return unit_main(suite);
}
