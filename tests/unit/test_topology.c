/* test_topology.c - the language of topologies: what is read, what is refused and how that is said. */
#include "../lib/topology_text.h"
#include "../lib/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct topology topology;
static struct topology_error error;

static int parse_bytes(const char *text, size_t length)
{
    memset(&error, 0, sizeof error);
    return topology_parse(&topology, text, length, &error);
}

/* ---- what is read ---------------------------------------------------------------------------- */

static const char *const two_hosts = "host a\nhost b\nrouter r\nswitch s\n"
                                     "link a:eth0 s:a mtu 1400 rate 10mbit\n"
                                     "link r:eth0 s:r\n"
                                     "link r:eth1 b:eth0\n"
                                     "address a:eth0 10.0.0.1/24\n"
                                     "address r:eth0 10.0.0.2/24\n"
                                     "address r:eth1 10.0.1.1/24\n"
                                     "address b:eth0 10.0.1.2/24\n"
                                     "address s 10.0.0.3/24\n";

START_TEST(facts_are_read)
{
    struct topology *read = topology_of(two_hosts);
    uint8_t plug = topology_find_plug(read, topology_find_place(read, "a"), "eth0");
    ck_assert_uint_eq(read->places, 4);
    ck_assert_uint_eq(read->plugs, 7); /* three cables, and the switch's own */
    ck_assert_uint_eq(read->plug[plug].mtu, 1400);
    ck_assert_uint_eq(read->plug[plug].rate, 10000000);
    ck_assert_uint_eq(read->plug[read->plug[plug].peer].mtu, 1400);
    ck_assert_uint_eq(read->addresses, 5);
    ck_assert_uint_eq(topology_find_place(read, "c"), TOPOLOGY_NONE);
}
END_TEST

START_TEST(blanks_comments_and_a_missing_newline_do_not_matter)
{
    char *plain = topology_normal(topology_of("host a\nhost b\nlink a:x b:x\n"));
    char *odd =
        topology_normal(topology_of("# \xc3\xa4\n\n \thost\ta#x\nhost  b  # y\nlink a:x b:x"));
    ck_assert_str_eq(plain, odd);
    free(plain);
    free(odd);
}
END_TEST

START_TEST(every_fact_has_a_normal_form)
{
    static const char *const normal =
        "host a\nhost b\nrouter r\nswitch s\n"
        "link a:eth0 s:a mtu 1400 rate 10mbit\nlink r:eth0 s:r offload\n"
        "link r:eth1 b:eth0 rate 64kbit offload\n"
        "address a:eth0 10.0.0.1/24\naddress r:eth0 10.0.0.2/24\naddress r:eth1 10.0.1.1/24\n"
        "address b:eth0 10.0.1.2/24\naddress s 10.0.0.3/24\naddress r:eth0 fd00::2/64\n"
        "route a default via 10.0.0.2\nroute a 10.9.0.0/16 via 10.0.0.3 dev eth0\n"
        "route r 10.9.0.0/16 blackhole\nroute r ::/0 prohibit\nroute b 0.0.0.0/0 unreachable\n"
        "nat r masquerade out eth1\n"
        "nat r balance tcp 10.0.0.2:80 over 10.0.1.2:8080 10.0.0.1:80\n"
        "nat r balance udp [fd00::2]:7 over [fd00::3]:7 [fd00::4]:7 at random\n"
        "dns s\nname a.lab a\nname www.example.com 10.0.1.2\nname six.lab fd00::2\n"
        "log udp 7,7007\nlog tcp 80,443 WEB on b\nlog tcp 22 on a\n";
    char *printed = topology_normal(topology_of(normal));
    ck_assert_str_eq(printed, normal);
    free(printed);
    printed = topology_normal(topology_of("host a\nlog nothing\n"));
    ck_assert_str_eq(printed, "host a\nlog nothing\n");
    free(printed);
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------- */

static const char *const head = "host a\nrouter r\nswitch s\nlink a:eth0 s:a\nlink r:eth0 s:r\n"
                                "address a:eth0 10.0.0.1/24\naddress r:eth0 10.0.0.2/24\n";
enum { HEAD = 7 }; /* lines */

static const struct {
    const char *line, *says;
} faults[] = {
    {"frobnicate a", "\"frobnicate\" is no fact (host, router"},
    {"HOST b", "\"HOST\" is no fact"},
    {"host", "needs a name"},
    {"host a", "there is a \"a\" already"},
    {"switch r", "there is a \"r\" already"},
    {"host A", "\"A\" is not a name"},
    {"host 1a", "is not a name"},
    {"host ../x", "is not a name"},
    {"host $(id)", "is not a name"},
    {"host b;id", "is not a name"},
    {"host abcdefghijklmnop", "16 characters, and the kernel takes 15"},
    {"host b c", "\"c\" is too much for host"},
    {"link a:eth1", "needs two plugs"},
    {"link a s:x", "\"a\" is not a plug"},
    {"link a:eth1 t:x", "no host, router or switch \"t\" above"},
    {"link a:eth0 s:x", "\"a:eth0\" has a cable in it already"},
    {"link a:eth1 s:a", "\"s:a\" has a cable in it already"},
    {"link a:eth1 a:eth2", "both ends of the cable are in a"},
    {"link a:lo s:x", "the system's own"},
    {"link a:all s:x", "the system's own"},
    {"link a:eth1 s:br0", "the system's own"},
    {"link a:abcdefghijklmnop s:x", "too long a name for an interface"},
    {"link a:eth/1 s:x", "is not a name for an interface"},
    {"link a:eth1 s:x mtu", "\"\" is not a number: mtu is 68 to 65535"},
    {"link a:eth1 s:x mtu 67", "mtu 67 is out of range: 68 to 65535"},
    {"link a:eth1 s:x mtu 99999999999999999999", "out of range"},
    {"link a:eth1 s:x mtu 1400 mtu 1400", "\"mtu\" is too much"},
    {"link a:eth1 s:x rate 10", "\"10\" is not a rate"},
    {"link a:eth1 s:x rate 7kbit", "is not a rate: 8kbit to 10gbit"},
    {"link a:eth1 s:x rate 11gbit", "is not a rate"},
    {"link a:eth1 s:x rate 99999999999999999999gbit", "is not a rate"},
    {"log nothing on a", "\"on\" is too much for log"},
    {"link a:eth1 s:x offload offload", "\"offload\" is too much for link"},
    {"link a:eth1 s:x fast", "\"fast\" is too much for link"},
    {"address a 10.0.0.9/24", "a is no switch: which interface?"},
    {"address s:a 10.0.0.9/24", "a switch has addresses under its own name"},
    {"address a:eth1 10.0.0.9/24", "a has no interface eth1"},
    {"address a:eth0", "is not an address with its prefix length"},
    {"address a:eth0 10.0.0.9", "is not an address with its prefix length"},
    {"address a:eth0 10.0.0.256/24", "is not an address"},
    {"address a:eth0 10.0.0/24", "is not an address"},
    {"address a:eth0 10.0.0.9/33",
     "the prefix length of an IPv4 address 33 is out of range: 0 to 32"},
    {"address a:eth0 fd00::9/129", "out of range: 0 to 128"},
    {"address a:eth0 10.0.0.9/-1", "is not a number"},
    {"address a:eth0 10.0.0.0/24", "the first or the last address"},
    {"address a:eth0 10.0.0.255/24", "the first or the last address"},
    {"address a:eth0 127.0.0.1/8", "is the machine itself"},
    {"address a:eth0 ::1/128", "is the machine itself"},
    {"address a:eth0 224.0.0.1/24", "is a group's"},
    {"address a:eth0 ff02::1/64", "is a group's"},
    {"address a:eth0 fe80::1/64", "is link-local"},
    {"address a:eth0 10.0.0.2/24", "r has 10.0.0.2 already, in line 7"},
    {"address s 10.0.0.1/24", "a has 10.0.0.1 already, in line 6"},
    {"route a", "is not an address"},
    {"route a default", "how does it go on?"},
    {"route q default via 10.0.0.2", "no host, router or switch \"q\""},
    {"route a default via", "\"\" is not an address"},
    {"route a default via 10.9.0.2", "10.9.0.2 is on none of the networks of a"},
    {"route a default via 10.0.0.1", "10.0.0.1 is a itself"},
    {"route a default via 10.0.0.2 dev", "too much for route"},
    {"route a default via 10.0.0.2 dev eth7", "a has no interface \"eth7\""},
    {"route a default via 10.0.0.2 dev eth0 x", "\"x\" is too much"},
    {"route a default blackhole", "default of which family?"},
    {"route a 10.1.0.1/16 blackhole", "has bits of a host in it (the network is 10.1.0.0/16)"},
    {"route a fd00::1/64 blackhole", "(the network is fd00::/64)"},
    {"route a fd00::/64 via 10.0.0.2", "of two families"},
    {"route a 10.1.0.0/16 sideways", "\"sideways\": how does it go on?"},
    {"nat a masquerade out eth0", "a is a host and forwards no packet"},
    {"nat s masquerade out br0", "s is a switch and forwards no packet"},
    {"nat r", "what is translated?"},
    {"nat r masquerade", "masquerade needs the interface"},
    {"nat r masquerade out eth9", "r has no interface \"eth9\""},
    {"nat r balance tcp 10.0.0.2:80", "balance reads: "},
    {"nat r balance sctp 10.0.0.2:80 over 10.0.0.1:80 10.0.0.1:81", "balance reads: "},
    {"nat r balance tcp 10.0.0.2 over 10.0.0.1:80 10.0.0.1:81", "is not ADDRESS:PORT"},
    {"nat r balance tcp 10.0.0.2:0 over 10.0.0.1:80 10.0.0.1:81", "a port 0 is out of range"},
    {"nat r balance tcp fd00::2:80 over 10.0.0.1:80 10.0.0.1:81", "is not ADDRESS:PORT"},
    {"nat r balance tcp [10.0.0.2]:80 over 10.0.0.1:80 10.0.0.1:81", "is not ADDRESS:PORT"},
    {"nat r balance tcp 10.0.0.2:80 over 10.0.0.1:80", "two servers or more"},
    {"nat r balance tcp 10.0.0.2:80 over 10.0.0.1:80 [fd00::1]:80", "of two families"},
    {"nat r balance tcp 10.0.0.2:80 over 10.0.0.1:80 10.0.0.1:81 at once", "only \"at random\""},
    {"nat r balance tcp 10.0.0.7:80 over 10.0.0.1:80 10.0.0.1:81", "10.0.0.7 is no address of r"},
    {"nat r balance tcp 10.0.0.2:80 over 10.0.0.1:80 10.9.0.1:81", "r has no route to 10.9.0.1"},
    {"dns s", "s has no address, so nobody could ask it"},
    {"dns nobody", "no host, router or switch \"nobody\""},
    {"name a.lab a", "nobody answers names here"},
    {"name A.lab a", "is not a DNS name"},
    {"name a..lab a", "is not a DNS name"},
    {"name a-.lab a", "is not a DNS name"},
    {"name .lab a", "is not a DNS name"},
    {"name a.lab", "ends too early"},
    {"name a.lab 10.0.0", "is not an address"},
    {"log", "log takes udp or tcp, and ports"},
    {"log icmp 7", "log takes udp or tcp, and ports"},
    {"log udp", "log takes udp or tcp, and ports"},
    {"log udp 7,", "log takes udp or tcp, and ports"},
    {"log udp 7,,8", "log takes udp or tcp, and ports"},
    {"log udp x", "\"x\" is not a number"},
    {"log udp 70000", "a port 70000 is out of range"},
    {"log udp 7,7", "port 7 stands there twice"},
    {"log udp 53", "port 53 is logged always"},
    {"log udp 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "more than 15 ports"},
    {"log udp 7 web", "\"web\" is not a prefix"},
    {"log udp 7 ABCDEFGHIJKLM", "is not a prefix"},
    {"log udp 7 FENCE", "\"FENCE\" is taken"},
    {"log udp 7 WEB on s", "s is a switch"},
    {"log udp 7 WEB on", "ends too early"},
    {"log udp 7 on a b", "\"b\" is too much"},
    {"\xff", "byte 1, 0xff, is not ASCII"},
    {"host b\r", "as on Windows"},
    {"host b\x1b[31m", "the control character 0x1b"},
    {"# \x07", "the control character 0x07"},
    {"log a a a a a a a a a a a a a a a a", "no fact has more than 16 words"},
};

START_TEST(a_mistake_is_named_with_its_line_and_cause)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s\n", head, faults[_i].line);
    ck_assert_msg(parse_bytes(text, strlen(text)) == -EINVAL, "accepted: %s", faults[_i].line);
    ck_assert_msg(strstr(error.text, faults[_i].says) != NULL, "%s: says %s", faults[_i].line,
                  error.text);
    ck_assert_msg(error.line == HEAD + 1, "%s: line %u: %s", faults[_i].line, error.line,
                  error.text);
}
END_TEST

START_TEST(a_second_line_that_says_the_same_is_refused)
{
    static const char *const twice[] = {
        "route a default via 10.0.0.2",
        "nat r masquerade out eth0",
        "nat r balance tcp 10.0.0.2:80 over 10.0.0.1:80 10.0.0.1:81",
        "dns r",
        "log tcp 80",
        "log nothing"};
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n%s\n", head, twice[i], twice[i]);
        ck_assert_int_eq(parse_bytes(text, strlen(text)), -EINVAL);
        ck_assert_msg(error.line == HEAD + 2, "%s: line %u: %s", twice[i], error.line, error.text);
    }
}
END_TEST

START_TEST(what_the_whole_tells_is_refused_with_the_line_that_is_to_blame)
{
    static const struct {
        const char *text, *says;
        unsigned line;
    } wholes[] = {
        {"", "no host in it", 0},
        {"switch s\n", "no host in it", 0},
        {"host a\nswitch s\nswitch t\nlink s:x t:x\nlink s:y t:y\n", "frames go round for ever", 5},
        {"host a\nhost b\nlink a:e b:e mtu 1000\naddress a:e fd00::1/64\n", "IPv6 needs 1280", 4},
        {"host a\nlog tcp 80\nlog nothing\n", "line 2 logs something", 3},
        {"host a\nlog nothing\nlog tcp 80\n", "line 2 wants nothing logged", 3},
        {"host a\nhost b\ndns a\n", "a has no address, so nobody could ask it", 3},
        {"host a\nhost b\nlink a:e b:e\naddress a:e 10.0.0.1/24\ndns a\nname b.lab b\n",
         "b has no address that the name could stand for", 6},
        {"host a\nrouter r\nlink a:e r:e\nnat r masquerade out e\n", "has no address that packets",
         4},
    };
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        ck_assert_int_eq(parse_bytes(wholes[i].text, strlen(wholes[i].text)), -EINVAL);
        ck_assert_msg(strstr(error.text, wholes[i].says) != NULL, "says %s", error.text);
        ck_assert_uint_eq(error.line, wholes[i].line);
    }
}
END_TEST

START_TEST(a_nul_and_a_line_without_end_are_refused)
{
    static char text[TOPOLOGY_TEXT + 2];
    ck_assert_int_eq(parse_bytes("host a\nhost b\0\n", 15), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "byte 7 is the control character 0x00"));
    ck_assert_uint_eq(error.line, 2);
    memset(text, '#', sizeof text);
    ck_assert_int_eq(parse_bytes(text, 1000), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "the line has 1000 bytes, at most 256"));
    ck_assert_int_eq(parse_bytes(text, sizeof text), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "more than 64 KiB"));
}
END_TEST

/* `count` lines made by printf from a number, behind `before`; the last of them must be refused. */
static void expect_bound(const char *before, unsigned count, const char *format, const char *says)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    unsigned lines = 0;
    ck_assert_ptr_nonnull(file);
    fputs(before, file);
    for (const char *at = before; *at != '\0'; at++)
        lines += *at == '\n';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the tests below are the only callers */
    for (unsigned i = 0; i < count; i++)
        fprintf(file, format, i);
#pragma GCC diagnostic pop
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(parse_bytes(text, size) == -EINVAL, "accepted: %u of %s", count, format);
    ck_assert_msg(strstr(error.text, says) != NULL, "says %s", error.text);
    ck_assert_uint_eq(error.line, lines + count);
    free(text);
}

START_TEST(too_many_of_anything_is_refused_with_the_bound)
{
    static const char *const base = "host a\nrouter r\nswitch s\nlink a:eth0 s:a\n"
                                    "link r:eth0 s:r\naddress a:eth0 10.0.0.1/8\n"
                                    "address r:eth0 10.0.0.2/8\ndns a\n";
    expect_bound("", 33, "host h%u\n", "more than 32 hosts and routers");
    expect_bound("host a\n", 33, "switch s%u\n", "more than 32 switches");
    expect_bound("host a\nswitch s\n", 97, "link a:e%1$u s:p%1$u\n", "more than 96 links");
    expect_bound(base, 127, "address a:eth0 10.1.1.%u/8\n", "more than 128 addresses");
    expect_bound(base, 129, "route a 10.1.%u.0/24 via 10.0.0.2\n", "more than 128 routes");
    expect_bound(base, 129, "name n%u.lab a\n", "more than 128 names");
    expect_bound(base, 17, "log tcp 1%02u\n", "more than 16 lines of log");
    expect_bound(base, 17, "nat r balance tcp 10.0.0.2:1%02u over 10.0.0.1:1 10.0.0.1:2\n",
                 "more than 16 lines of nat");
    ck_assert_int_eq(TOPOLOGY_PLUGS, 224); /* numbered in one byte of a hardware address */
}
END_TEST

/* ---- questions ------------------------------------------------------------------------------- */

static struct topology_ip ip(const char *text)
{
    struct topology *one;
    static char line[128];
    snprintf(line, sizeof line, "host x\nhost y\nlink x:e y:e\naddress x:e %s/%d\n", text,
             strchr(text, ':') == NULL ? 32 : 128);
    one = topology_of(line);
    return one->address[0].ip;
}

START_TEST(a_segment_is_a_switch_with_all_that_is_joined_to_it)
{
    static const char *const text = "host a\nhost b\nhost c\nswitch s\nswitch t\n"
                                    "link a:e s:a\nlink b:e t:b\nlink t:up s:down\nlink a:x c:x\n";
    struct topology *read = topology_of(text);
    uint8_t a = topology_find_plug(read, 0, "e"), b = topology_find_plug(read, 1, "e"),
            x = topology_find_plug(read, 0, "x"), c = topology_find_plug(read, 2, "x");
    char name[TOPOLOGY_IP_TEXT];
    ck_assert_uint_eq(read->plug[a].segment, read->plug[b].segment);
    ck_assert_uint_eq(read->plug[x].segment, read->plug[c].segment);
    ck_assert_uint_ne(read->plug[a].segment, read->plug[x].segment);
    ck_assert_str_eq(topology_segment_name(read, b, name), "s");
    ck_assert_str_eq(topology_segment_name(read, x, name), "a:x");
    ck_assert_str_eq(topology_segment_name(read, c, name), "a:x");
}
END_TEST

START_TEST(the_longest_route_decides_what_is_reached)
{
    struct topology_ip near = ip("10.0.1.2"), far = ip("10.9.0.1"), gone = ip("10.9.9.9");
    char text[1024];
    snprintf(text, sizeof text,
             "%sroute a 10.9.0.0/16 via 10.0.0.2\nroute a 10.9.9.0/24 blackhole\n", two_hosts);
    struct topology *read = topology_of(text);
    ck_assert(!topology_reaches(read, 0, &near));
    ck_assert(topology_reaches(read, 0, &far));
    ck_assert(!topology_reaches(read, 0, &gone));
    ck_assert(topology_reaches(read, topology_find_place(read, "r"), &near));
}
END_TEST

START_TEST(each_place_asks_the_nearest_address_of_the_dns_server)
{
    size_t length;
    struct topology *read = topology_of(shipped_text("routed", &length));
    static const struct {
        const char *place, *v4, *v6;
    } wanted[] = {{"client", "10.77.0.254", "fd77::fe"},
                  {"server", "10.78.0.254", "fd78::fe"},
                  {"internet", "198.51.100.1", NULL}};
    for (size_t i = 0; i < 3; i++) {
        char text[TOPOLOGY_IP_TEXT];
        uint8_t place = topology_find_place(read, wanted[i].place);
        const struct topology_ip *v6 = topology_dns_for(read, place, AF_INET6);
        ck_assert_str_eq(topology_ip_print(topology_dns_for(read, place, AF_INET), text),
                         wanted[i].v4);
        ck_assert_int_eq(v6 == NULL, wanted[i].v6 == NULL);
        if (v6 != NULL)
            ck_assert_str_eq(topology_ip_print(v6, text), wanted[i].v6);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topology");
    TCase *tcase = tcase_create("topology");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, facts_are_read);
    tcase_add_test(tcase, blanks_comments_and_a_missing_newline_do_not_matter);
    tcase_add_test(tcase, every_fact_has_a_normal_form);
    tcase_add_loop_test(tcase, a_mistake_is_named_with_its_line_and_cause, 0,
                        (int)(sizeof faults / sizeof faults[0]));
    tcase_add_test(tcase, a_second_line_that_says_the_same_is_refused);
    tcase_add_test(tcase, what_the_whole_tells_is_refused_with_the_line_that_is_to_blame);
    tcase_add_test(tcase, a_nul_and_a_line_without_end_are_refused);
    tcase_add_test(tcase, too_many_of_anything_is_refused_with_the_bound);
    tcase_add_test(tcase, a_segment_is_a_switch_with_all_that_is_joined_to_it);
    tcase_add_test(tcase, the_longest_route_decides_what_is_reached);
    tcase_add_test(tcase, each_place_asks_the_nearest_address_of_the_dns_server);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
