/* test_topology_plan.c - what init.sh is given to run. */
#include "../lib/topology_text.h"
#include "../lib/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct topology_error error;

static void begin(void)
{
    snprintf(dir, sizeof dir, "/tmp/echolab-test-plan.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a path of our own making */
}

static void plan(const char *text, const char *tag)
{
    ck_assert_msg(topology_plan(topology_of(text), dir, tag, &error) == 0, "%s", error.text);
}

static void plan_shipped(const char *name)
{
    size_t length;
    plan(shipped_text(name, &length), NULL);
}

/* A file of the plan; "" when there is none. Valid until the next call. */
static const char *file(const char *name)
{
    static char text[65536];
    char path[192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *stream = fopen(path, "re");
    size_t length = stream == NULL ? 0 : fread(text, 1, sizeof text - 1, stream);
    text[length] = '\0';
    if (stream != NULL)
        fclose(stream);
    return text;
}

static void has(const char *name, const char *line)
{
    const char *text = file(name), *at = strstr(text, line);
    ck_assert_msg(at != NULL, "%s: no \"%s\" in:\n%s", name, line, text);
}

static void lacks(const char *name, const char *line)
{
    ck_assert_msg(strstr(file(name), line) == NULL, "%s: has \"%s\"", name, line);
}

START_TEST(a_host_logs_what_is_for_it_and_a_router_all_that_comes_in)
{
    plan_shipped("dual");
    has("place/client/iptables", "\n-A INPUT -j ECHOLAB_IN\n-A POSTROUTING -j ECHOLAB_OUT\n");
    has("place/client/iptables", "-A ECHOLAB_OUT -p tcp -m multiport --ports 7,7007 -j NFLOG "
                                 "--nflog-group 7007 --nflog-size 256 --nflog-prefix \"[TCP] \"\n");
    has("place/gateway/iptables", "\n-A PREROUTING -j ECHOLAB_IN\n");
    has("place/gateway/iptables", "-A PREROUTING -i lo -d 127.0.0.1 -p udp --dport 9 -j DROP\n");
    has("place/gateway/sysctl", "ipv4/ip_forward 1\n");
    has("place/gateway/ip", "route add blackhole 2001:db8:78::2/128\n");
    lacks("place/client/sysctl", "ip_forward");
    ck_assert_str_eq(file("place/gateway/nft"), "");
    ck_assert_str_eq(file("place/sw0/iptables"), "");
    ck_assert_str_eq(file("hosts"), "client,server,gateway\n");
}
END_TEST

START_TEST(where_addresses_are_translated_departures_are_logged_behind_it)
{
    plan_shipped("routed");
    has("place/gateway/iptables", "*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n");
    lacks("place/gateway/ip6tables", "MASQUERADE"); /* wan has no address of that family */
    has("place/gateway/iptables",
        "-A ECHOLAB_OUT -p udp -m multiport --ports 7,7007 -m comment --comment \"[UDP] \"\n");
    has("place/gateway/nft", "type filter hook postrouting priority 150;");
    has("place/gateway/nft", "tcp dport { 7,7007 } log prefix \"[TCP] \" group 7007 snaplen 256\n");
    has("place/gateway/nft", "tcp dport != { 7,7007 } tcp sport { 7,7007 } log prefix");
    ck_assert_str_eq(file("place/client/nft"), "");
}
END_TEST

START_TEST(balanced_servers_get_equal_shares)
{
    plan("host a\nrouter r\nlink a:e r:e\naddress a:e 10.0.0.1/24\naddress r:e 10.0.0.2/24\n"
         "nat r balance tcp 10.0.0.2:80 over 10.0.0.1:1 10.0.0.1:2 10.0.0.1:3\n"
         "nat r balance udp 10.0.0.2:80 over 10.0.0.1:1 10.0.0.1:2 at random\n",
         NULL);
    has("place/r/iptables",
        "-A PREROUTING -p tcp -d 10.0.0.2 --dport 80 -m statistic --mode nth --every 3 --packet 0 "
        "-j "
        "DNAT --to-destination 10.0.0.1:1\n"
        "-A PREROUTING -p tcp -d 10.0.0.2 --dport 80 -m statistic --mode nth --every 2 --packet 0 "
        "-j "
        "DNAT --to-destination 10.0.0.1:2\n"
        "-A PREROUTING -p tcp -d 10.0.0.2 --dport 80 -j DNAT --to-destination 10.0.0.1:3\n");
    has("place/r/iptables", "--mode random --probability 0.50000000 -j DNAT");
}
END_TEST

START_TEST(a_tag_asks_for_the_kernels_own_log_before_each_rule)
{
    size_t length;
    plan(shipped_text("routed", &length), "4f3a");
    has("place/client/iptables",
        "-A ECHOLAB_IN -p tcp -m multiport --ports 7,7007 -j LOG --log-tcp-sequence "
        "--log-tcp-options --log-prefix \"[4f3a client TCP] "
        "\"\n-A ECHOLAB_IN -p tcp -m multiport --ports 7,7007 -j NFLOG");
    has("place/client/iptables", "--log-prefix \"[4f3a client FENCE] \"");
    has("place/gateway/nft", "log prefix \"[4f3a gateway TCP] \"\n");
}
END_TEST

START_TEST(a_prefix_that_the_kernel_would_cut_is_refused)
{
    struct topology *read = topology_of("host a\nlog tcp 80 LONGPREFIX\n");
    ck_assert_int_eq(topology_plan(read, dir, "4f3a", &error), 0);
    end();
    begin();
    read = topology_of("host a-long-name-15\nlog tcp 80 LONGPREFIX\n");
    ck_assert_int_eq(topology_plan(read, dir, "4f3a", &error), -EINVAL);
    ck_assert_uint_eq(error.line, 2);
    ck_assert_ptr_nonnull(strstr(error.text, "the kernel's LOG takes 29"));
}
END_TEST

START_TEST(a_rule_of_one_place_is_no_others)
{
    plan("host a\nhost b\nlog tcp 80,443 WEB on b\n", NULL);
    has("place/b/iptables", "--ports 80,443 -j NFLOG");
    has("place/b/iptables", "\"[WEB] \"");
    lacks("place/a/iptables", "80,443");
}
END_TEST

START_TEST(where_nothing_is_logged_no_packet_passes_a_rule)
{
    plan("host a\nswitch s\nlink a:e s:a\nlog nothing\n", NULL);
    ck_assert_str_eq(file("place/a/iptables"), "");
    ck_assert_str_eq(file("place/a/ip6tables"), "");
    ck_assert_str_eq(file("place/s/ip6tables"), "");
}
END_TEST

START_TEST(addresses_are_translated_where_nothing_is_logged)
{
    plan("host a\nrouter r\nlink a:e r:e\naddress r:e 10.0.0.1/24\nnat r masquerade out e\n"
         "log nothing\n",
         NULL);
    has("place/r/iptables", "-A POSTROUTING -o e -j MASQUERADE\n");
    lacks("place/r/iptables", "mangle");
    ck_assert_str_eq(file("place/r/nft"), "");
}
END_TEST

START_TEST(packets_are_as_a_wire_has_them_unless_offload_is_asked_for)
{
    plan("host a\nhost b\nlink a:e b:f\nlink a:g b:h rate 8mbit offload\n", NULL);
    has("place/a/ip", "link set e gso_max_segs 1 addrgenmode none\n");
    has("place/b/ip", "link set f gso_max_segs 1 addrgenmode none\n");
    has("place/a/ip", "link set g addrgenmode none\n");
    has("place/b/ip", "link set h addrgenmode none\n");
}
END_TEST

START_TEST(mtu_and_rate_are_set_on_both_ends)
{
    plan("host a\nhost b\nlink a:e b:f mtu 1400 rate 8mbit\n", NULL);
    has("place/a/ip", "link set e mtu 1400\n");
    has("place/b/ip", "link set f mtu 1400\n");
    has("place/a/tc", "qdisc add dev e root tbf rate 8000000bit burst 2828 limit 52828\n");
    has("place/b/tc", "qdisc add dev f root tbf rate 8000000bit");
}
END_TEST

START_TEST(neighbours_are_those_of_the_segment)
{
    plan("host a\nhost b\nswitch s\nswitch t\nlink a:e s:a\nlink b:e t:b\nlink s:x t:x\nlink a:f "
         "b:f\n"
         "address a:e 10.0.0.1/24\naddress b:e 10.0.0.2/24\naddress t 10.0.0.3/24\n"
         "address a:f 10.1.0.1/24\naddress b:f 10.1.0.2/24\n",
         NULL);
    has("place/a/ip", "neigh replace 10.0.0.2 lladdr 02:00:00:00:77:05 dev e nud permanent\n");
    has("place/a/ip", "neigh replace 10.0.0.3 lladdr 02:00:00:00:77:02 dev e nud permanent\n");
    has("place/a/ip", "neigh replace 10.1.0.2 lladdr 02:00:00:00:77:0a dev f nud permanent\n");
    lacks("place/a/ip", "10.1.0.2 lladdr 02:00:00:00:77:0a dev e");
    has("place/t/ip", "neigh replace 10.0.0.1 lladdr 02:00:00:00:77:03 dev br0 nud permanent\n");
    has("plugs", "t b 02:00:00:00:77:06 s b e\n");
    has("plugs", "b f 02:00:00:00:77:0a a:f a f\n");
}
END_TEST

START_TEST(places_may_be_called_as_the_files_of_the_plan)
{
    plan("host names\nhost plugs\nhost etc\nhost place\nlink names:e plugs:e\n"
         "address names:e 10.0.0.1/24\nname x.lab names\ndns names\n",
         NULL);
    ck_assert_str_eq(file("names"), "10.0.0.1 names\n");
    has("etc/plugs/resolv.conf", "search lab\n");
    lacks("etc/plugs/resolv.conf", "nameserver"); /* it has no address to ask from */
    has("dnsmasq.hosts", "10.0.0.1 x.lab\n");
}
END_TEST

START_TEST(a_place_where_nothing_can_be_written_is_named)
{
    struct topology *read = topology_of("host a\n");
    ck_assert_int_lt(topology_plan(read, "/nonexistent", NULL, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/README: cannot be written: No such"));
    ck_assert_int_eq(topology_plan(read, dir, NULL, &error), 0);
    ck_assert_int_lt(topology_plan(read, dir, NULL, &error), 0); /* a second time: not empty */
    ck_assert_ptr_nonnull(strstr(error.text, "File exists"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topology_plan");
    TCase *tcase = tcase_create("topology_plan");

    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, a_host_logs_what_is_for_it_and_a_router_all_that_comes_in);
    tcase_add_test(tcase, where_addresses_are_translated_departures_are_logged_behind_it);
    tcase_add_test(tcase, balanced_servers_get_equal_shares);
    tcase_add_test(tcase, a_tag_asks_for_the_kernels_own_log_before_each_rule);
    tcase_add_test(tcase, a_prefix_that_the_kernel_would_cut_is_refused);
    tcase_add_test(tcase, a_rule_of_one_place_is_no_others);
    tcase_add_test(tcase, where_nothing_is_logged_no_packet_passes_a_rule);
    tcase_add_test(tcase, addresses_are_translated_where_nothing_is_logged);
    tcase_add_test(tcase, packets_are_as_a_wire_has_them_unless_offload_is_asked_for);
    tcase_add_test(tcase, mtu_and_rate_are_set_on_both_ends);
    tcase_add_test(tcase, neighbours_are_those_of_the_segment);
    tcase_add_test(tcase, places_may_be_called_as_the_files_of_the_plan);
    tcase_add_test(tcase, a_place_where_nothing_can_be_written_is_named);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
