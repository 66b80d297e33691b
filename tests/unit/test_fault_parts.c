/*
 * test_fault_parts.c - what carries fates out, without a kernel: waiting packets, damage and checksums,
 * copies on their way, links, and the commands for the kernel.
 */
#include "fault_bytes.h"
#include "fault_control.h"
#include "fault_copies.h"
#include "fault_hold.h"
#include "fault_links.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- waiting --------------------------------------------------------------------------------- */

static void hold(struct fault_hold *queue, uint64_t id, el_time release)
{
    ck_assert_int_eq(
        fault_hold_add(queue, &(struct fault_held){.id = id, .release = release, .length = 10}), 0);
}

/* The ids of all that is due at `now`, in their order: "3 1 ". */
static const char *due(struct fault_hold *queue, el_time now)
{
    static char text[256];
    struct fault_held held;
    text[0] = '\0';
    while (fault_hold_take(queue, now, &held))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", (int)held.id);
    return text;
}

START_TEST(the_earliest_goes_first_and_equals_in_their_order)
{
    struct fault_hold *queue = fault_hold_new(100, 10000);
    for (uint64_t i = 1; i <= 9; i++)
        hold(queue, i, i % 3 * 10);
    ck_assert_int_eq(fault_hold_next(queue), 0);
    ck_assert_str_eq(due(queue, 5), "3 6 9 ");
    ck_assert_int_eq(fault_hold_next(queue), 10);
    ck_assert_str_eq(due(queue, 100), "1 4 7 2 5 8 ");
    ck_assert_int_eq(fault_hold_next(queue), EL_NEVER);
    ck_assert_uint_eq(fault_hold_bytes(queue), 0);
    fault_hold_free(queue);
}
END_TEST

START_TEST(packets_and_bytes_are_bounded)
{
    struct fault_hold *queue = fault_hold_new(3, 25);
    hold(queue, 1, 1);
    hold(queue, 2, 1);
    struct fault_held large = {.length = 6}, small = {.length = 5};
    ck_assert_int_eq(fault_hold_add(queue, &large), -ENOBUFS);
    ck_assert_int_eq(fault_hold_add(queue, &small), 0);
    struct fault_held none = {.length = 0};
    ck_assert_int_eq(fault_hold_add(queue, &none), -ENOBUFS);
    ck_assert_uint_eq(fault_hold_packets(queue), 3);
    due(queue, 1);
    ck_assert_int_eq(fault_hold_add(queue, &large), 0);
    fault_hold_free(queue);
}
END_TEST

START_TEST(an_overtaken_packet_follows_but_not_before_its_time)
{
    struct fault_hold *queue = fault_hold_new(10, 1000);
    hold(queue, 1, 100);
    hold(queue, 2, 20);
    ck_assert(fault_hold_move(queue, 1, 20));
    ck_assert_str_eq(due(queue, 20), "2 1 ");
    ck_assert(!fault_hold_move(queue, 1, 20));
    struct fault_held late = {.id = 3, .release = 100, .not_before = 50, .length = 1};
    ck_assert_int_eq(fault_hold_add(queue, &late), 0);
    fault_hold_move(queue, 3, 20);
    ck_assert_int_eq(fault_hold_next(queue), 50);
    fault_hold_free(queue);
}
END_TEST

START_TEST(a_cleared_link_lets_go_in_order)
{
    struct fault_hold *queue = fault_hold_new(1000, 100000);
    for (uint64_t i = 0; i < 200; i++) {
        struct fault_held held = {
            .id = i, .release = (el_time)(1000 - i), .link = (uint32_t)(i % 2), .length = 1};
        ck_assert_int_eq(fault_hold_add(queue, &held), 0);
    }
    fault_hold_release_link(queue, 1, 10);
    struct fault_held held;
    for (int i = 199; i > 0; i -= 2) {
        ck_assert(fault_hold_take(queue, 10, &held));
        ck_assert_uint_eq(held.id, (uint64_t)i);
    }
    ck_assert(!fault_hold_take(queue, 10, &held));
    ck_assert_uint_eq(fault_hold_packets(queue), 100);
    fault_hold_free(queue);
}
END_TEST

/* Against a model: each that is taken is the least of all that are there. */
START_TEST(any_order_in_is_the_right_order_out)
{
    enum { MOST = 300 };
    for (unsigned round = 0; round < unit_rounds(200); round++) {
        struct fault_hold *queue = fault_hold_new(MOST, UINT64_MAX);
        el_time last_release = -1;
        uint64_t last_id = 0, count = 1 + unit_random(MOST);
        for (uint64_t i = 0; i < count; i++)
            hold(queue, i, (el_time)unit_random(20));
        struct fault_held held;
        for (uint64_t i = 0; i < count; i++) {
            unit_holds(fault_hold_take(queue, 20, &held), "heap");
            unit_holds(held.release > last_release ||
                           (held.release == last_release && held.id > last_id),
                       "heap");
            last_release = held.release;
            last_id = held.id;
        }
        fault_hold_free(queue);
    }
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------- */

/* fd77::1:35144 > fd77::2:7, six bytes of UDP: recorded in a world. */
static const uint8_t udp6[] = {0x60, 0x00, 0x9e, 0x86, 0x00, 0x0e, 0x11, 0x40, 0xfd, 0x77, 0,
                               0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                               0,    0x01, 0xfd, 0x77, 0,    0,    0,    0,    0,    0,    0,
                               0,    0,    0,    0,    0,    0,    0x02, 0x89, 0x48, 0x00, 0x07,
                               0x00, 0x0e, 0xfa, 0xf8, 'h',  'e',  'l',  'l',  'o',  '\n'};

/* 10.77.0.1:44323 > 10.77.0.254:53, AAAA? server.lab: recorded. */
static const uint8_t dns[] = {
    0x45, 0x00, 0x00, 0x38, 0xd2, 0x91, 0x40, 0x00, 0x40, 0x11, 0x52, 0x89, 0x0a, 0x4d,
    0x00, 0x01, 0x0a, 0x4d, 0x00, 0xfe, 0xad, 0x23, 0x00, 0x35, 0x00, 0x24, 0x15, 0x71,
    0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 's',
    'e',  'r',  'v',  'e',  'r',  0x03, 'l',  'a',  'b',  0x00, 0x00, 0x1c, 0x00, 0x01};

/*
 * The example of RFC 1071 section 3 cannot be a packet; this one can, and its checksum was worked out
 * by hand: ICMP echo, type 8, identifier 1, sequence 1, payload "abcd".
 * 0800 + 0000 + 0001 + 0001 + 6162 + 6364 = ccc8; its complement is 3337.
 */
static const uint8_t ping[] = {0x45, 0,  0, 32, 0, 0, 0,    0,    64, 1, 0, 0, 10,  77,  0,   1,
                               10,   77, 0, 2,  8, 0, 0x33, 0x37, 0,  1, 0, 1, 'a', 'b', 'c', 'd'};

static struct el_packet decoded(const uint8_t *bytes, size_t length)
{
    struct el_packet packet = {0};
    ck_assert_int_eq(el_packet_decode(bytes, length, &packet), 0);
    return packet;
}

START_TEST(checksums_worked_out_by_hand_are_found_again)
{
    struct el_packet packet = decoded(udp6, sizeof udp6);
    /* The record has the sum of the pseudo-header alone (0xfaf8): the rest was left to the interface. */
    ck_assert_int_eq(fault_checksum(udp6, sizeof udp6, &packet), 0x37b4);
    packet = decoded(ping, sizeof ping);
    ck_assert_int_eq(fault_checksum(ping, sizeof ping, &packet), 0x3337);
    ck_assert_int_eq(fault_checksum(ping, sizeof ping - 1, &packet), -1); /* not whole */
}
END_TEST

/* Is the checksum right? Over all bytes, its own field included, the sum is then all ones. */
static bool checksum_is_right(const uint8_t *bytes, size_t length)
{
    struct el_packet packet = decoded(bytes, length);
    const uint8_t *transport = bytes + packet.transport;
    size_t covered = length - packet.transport;
    uint64_t total = 0;
    bool six = bytes[0] >> 4 == 6;
    const uint8_t *addresses = bytes + (six ? 8 : 12);
    if (packet.protocol != IPPROTO_ICMP) {
        for (size_t i = 0; i < (six ? 32U : 8U); i += 2)
            total += (uint64_t)(addresses[i] << 8 | addresses[i + 1]);
        total += packet.protocol + covered;
    }
    for (size_t i = 0; i < covered; i++)
        total += (uint64_t)transport[i] << (i % 2 == 0 ? 8 : 0);
    while (total > UINT16_MAX)
        total = (total & UINT16_MAX) + (total >> 16);
    return total == UINT16_MAX;
}

/* Makes a packet of that kind with a payload of random bytes and the right checksum. */
static size_t make_packet(uint8_t *bytes, bool six, uint8_t protocol, size_t payload)
{
    size_t ip = six ? 40 : 20, header = protocol == IPPROTO_TCP ? 20 : 8;
    size_t length = ip + header + payload, at = protocol == IPPROTO_TCP   ? 16
                                                : protocol == IPPROTO_UDP ? 6
                                                                          : 2;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)unit_random(256);
    memset(bytes, 0, ip);
    bytes[0] = six ? 0x60 : 0x45;
    bytes[six ? 4 : 2] = (uint8_t)((six ? length - ip : length) >> 8);
    bytes[six ? 5 : 3] = (uint8_t)(six ? length - ip : length);
    bytes[six ? 6 : 9] = protocol;
    for (size_t i = six ? 8 : 12; i < ip; i++)
        bytes[i] = (uint8_t)unit_random(256);
    if (protocol == IPPROTO_TCP)
        bytes[ip + 12] = 0x50;
    struct el_packet packet = decoded(bytes, length);
    int checksum = fault_checksum(bytes, length, &packet);
    bytes[ip + at] = (uint8_t)(checksum >> 8);
    bytes[ip + at + 1] = (uint8_t)checksum;
    return length;
}

START_TEST(damage_is_repaired_or_shows)
{
    static const struct {
        bool six;
        uint8_t protocol;
    } kinds[] = {{false, IPPROTO_UDP}, {true, IPPROTO_UDP},   {false, IPPROTO_TCP},
                 {true, IPPROTO_TCP},  {false, IPPROTO_ICMP}, {true, IPPROTO_ICMPV6}};
    for (unsigned round = 0; round < unit_rounds(3000); round++)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            uint8_t bytes[256], before[256];
            size_t payload = 1 + unit_random(100);
            size_t length = make_packet(bytes, kinds[i].six, kinds[i].protocol, payload);
            unit_holds(checksum_is_right(bytes, length), "made");
            memcpy(before, bytes, length);
            struct el_packet packet = decoded(bytes, length);
            struct fault_change change = {.offset = (uint32_t)unit_random(payload),
                                          .flip = (uint8_t)(1 + unit_random(255)),
                                          .repair = unit_random(2) == 1};
            unit_holds(fault_apply(bytes, length, &packet, &change), "applied");
            unit_holds(checksum_is_right(bytes, length) == change.repair, "checksum");
            size_t at = length - payload + change.offset;
            unit_holds(bytes[at] == (before[at] ^ change.flip), "the byte");
            bytes[at] = before[at];
            size_t differ = 0;
            for (size_t j = 0; j < length; j++)
                differ += bytes[j] != before[j];
            unit_holds(differ <= (change.repair ? 2 : 0), "no other byte but the checksum");
        }
}
END_TEST

START_TEST(what_is_not_there_is_not_changed)
{
    uint8_t bytes[sizeof dns];
    memcpy(bytes, dns, sizeof dns);
    struct el_packet packet = decoded(dns, sizeof dns);
    struct fault_change change = {.offset = 28, .flip = 1, .repair = true};
    ck_assert(!fault_apply(bytes, sizeof bytes, &packet, &change)); /* behind the end */
    change.offset = 0;
    ck_assert(!fault_apply(bytes, sizeof bytes - 1, &packet, &change)); /* cut off */
    ck_assert_mem_eq(bytes, dns, sizeof dns);
    bytes[26] = bytes[27] = 0; /* a sender that leaves the checksum out (RFC 768) */
    ck_assert(fault_apply(bytes, sizeof bytes, &packet, &change));
    ck_assert_int_eq(bytes[26] | bytes[27], 0); /* is not given one */
}
END_TEST

START_TEST(a_tcp_header_shorter_than_it_can_be_has_no_payload)
{
    uint8_t bytes[256], before[256];
    size_t length = make_packet(bytes, false, IPPROTO_TCP, 20);
    for (unsigned words = 0; words < 5; words++) {
        bytes[20 + 12] = (uint8_t)(words << 4);
        memcpy(before, bytes, length);
        struct el_packet packet = decoded(bytes, length);
        for (uint32_t offset = 0; offset < 40; offset++) { /* its checksum is not payload */
            struct fault_change change = {.offset = offset, .flip = 1, .repair = true};
            ck_assert(!fault_apply(bytes, length, &packet, &change));
        }
        ck_assert_mem_eq(bytes, before, length);
    }
}
END_TEST

/* ---- copies ---------------------------------------------------------------------------------- */

START_TEST(a_copy_is_known_once_and_in_its_place)
{
    static struct fault_copies copies;
    copies.count = 0;
    ck_assert(!fault_copies_arrived(&copies, 0, dns, sizeof dns, 0));
    ck_assert(fault_copies_expect(&copies, 0, dns, sizeof dns, 0));
    ck_assert(!fault_copies_arrived(&copies, 1, dns, sizeof dns, 0));
    ck_assert(!fault_copies_arrived(&copies, 0, udp6, sizeof udp6, 0));
    ck_assert(fault_copies_arrived(&copies, 0, dns, sizeof dns, 0));
    ck_assert(!fault_copies_arrived(&copies, 0, dns, sizeof dns, 0));
    fault_copies_expect(&copies, 0, dns, sizeof dns, 0);
    ck_assert(
        !fault_copies_arrived(&copies, 0, dns, sizeof dns, 2 * EL_S)); /* lost: not its copy */
    for (int i = 0; i < FAULT_COPIES_OUT; i++)
        ck_assert(fault_copies_expect(&copies, 0, dns, sizeof dns, 3 * EL_S));
    ck_assert(!fault_copies_expect(&copies, 0, dns, sizeof dns, 3 * EL_S));
}
END_TEST

/* ---- links and commands ---------------------------------------------------------------------- */

static const char world[] = "sw0 br0 02:00:00:00:77:01 sw0 - -\n"
                            "client eth0 02:00:00:00:77:02 sw0 sw0 client\n"
                            "server eth0 02:00:00:00:77:04 sw0 sw0 server\n"
                            "server eth1 02:00:00:00:77:06 far far server\n"
                            "other eth0 02:00:00:00:77:08 far far other\n";

static struct fault_plugs plugs_of(const char *text)
{
    struct fault_plugs plugs;
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", text);
    FILE *file = fmemopen(copy, strlen(copy), "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fault_plugs_read(&plugs, file), 0);
    fclose(file);
    return plugs;
}

START_TEST(neighbours_are_found_and_others_explained)
{
    char why[FAULT_WHY_MAX];
    struct fault_plugs plugs = plugs_of(world);
    ck_assert_uint_eq(plugs.count, 5);
    ck_assert_int_eq(fault_plugs_check(&plugs, "client", "server", why), 0);
    ck_assert_int_eq(fault_plugs_check(&plugs, "client", "sw0", why), 0);
    ck_assert_int_eq(fault_plugs_check(&plugs, "client", "other", why), -ENOENT);
    ck_assert_str_eq(why, "client:other: no cable or switch joins these two (the links of client "
                          "are: client:sw0 client:server)");
    char bad[] = "sw0 br0\n";
    FILE *file = fmemopen(bad, sizeof bad - 1, "r");
    ck_assert_int_eq(fault_plugs_read(&plugs, file), -EBADMSG);
    fclose(file);
}
END_TEST

static struct fault_rule rule_of(const char *line)
{
    struct fault_rule rule;
    ck_assert_msg(fault_rule_read(line, &rule) == 0, "%s", line);
    return rule;
}

/* What the plan prints. The caller frees it. */
static char *queue_plan(const char *const *lines, size_t count, const char *place)
{
    struct fault_plugs plugs = plugs_of(world);
    struct fault_rule rules[4];
    const struct fault_rule *pointers[4];
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < count; i++) {
        rules[i] = rule_of(lines[i]);
        pointers[i] = &rules[i];
    }
    fault_plan_queue(out, &plugs, pointers, count, place);
    fclose(out);
    return text;
}

START_TEST(the_queue_is_fed_where_the_packets_arrive)
{
    const char *lines[] = {"1 client:server drop=all", "2 server:client drop=all direction=reverse",
                           "3 sw0:server drop=all fail=closed", "4 other:server reject"};
    char *text = queue_plan(lines, 4, "server");
    ck_assert_str_eq(text, "chain server -i eth0 -m mac --mac-source 02:00:00:00:77:01 -j NFQUEUE "
                           "--queue-num 7007;-i eth0 -m mac --mac-source 02:00:00:00:77:02 -j "
                           "NFQUEUE --queue-num 7007 --queue-bypass\n");
    free(text);
    text = queue_plan(lines, 4, "client");
    ck_assert_str_eq(text, "chain client\n");
    free(text);
    const char *both[] = {"1 client:server drop=all direction=both fail=closed"};
    text = queue_plan(both, 1, "client");
    ck_assert_str_eq(text, "chain client -i eth0 -m mac --mac-source 02:00:00:00:77:04 -j NFQUEUE "
                           "--queue-num 7007\n");
    free(text);
}
END_TEST

static char *kernel_plan(const char *line, const char *place, bool forwards)
{
    struct fault_plugs plugs = plugs_of(world);
    struct fault_rule rule = rule_of(line);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fault_plan_kernel(out, &plugs, &rule, place, forwards);
    fclose(out);
    return text;
}

START_TEST(the_kernels_own_rules_say_no_in_their_ways)
{
    char *text =
        kernel_plan("7 client:server refuse protocol=tcp dport=7 flags=SYN,!ACK", "server", false);
    ck_assert_str_eq(
        text,
        "iptables server -t filter -I INPUT AT -i eth0 -m mac --mac-source 02:00:00:00:77:02 -p "
        "tcp "
        "--dport 7 --tcp-flags SYN,ACK SYN -m comment --comment echolab-fault-7 -j REJECT "
        "--reject-with tcp-reset\n"
        "ip6tables server -t filter -I INPUT AT -i eth0 -m mac --mac-source 02:00:00:00:77:02 -p "
        "tcp --dport 7 --tcp-flags SYN,ACK SYN -m comment --comment echolab-fault-7 -j REJECT "
        "--reject-with tcp-reset\n");
    free(text);
    text = kernel_plan("7 client:server blackhole protocol=icmp", "server", true);
    ck_assert_str_eq(text,
                     "iptables server -t raw -I PREROUTING AT -i eth0 -m mac --mac-source "
                     "02:00:00:00:77:02 -p icmp -m comment --comment echolab-fault-7 -j DROP\n"
                     "ip6tables server -t raw -I PREROUTING AT -i eth0 -m mac --mac-source "
                     "02:00:00:00:77:02 -p icmpv6 -m comment --comment echolab-fault-7 -j DROP\n");
    free(text);
    text = kernel_plan("7 client:server unreachable protocol=udp", "server", true);
    ck_assert_ptr_nonnull(strstr(text, "iptables server -t filter -I FORWARD AT "));
    ck_assert_ptr_nonnull(strstr(text, "icmp-host-unreachable"));
    ck_assert_ptr_nonnull(strstr(text, "icmp6-addr-unreachable"));
    free(text);
    text = kernel_plan("7 client:server reject", "client", false); /* the other direction */
    ck_assert(text == NULL || text[0] == '\0');
    free(text);
}
END_TEST

/* ---- the list -------------------------------------------------------------------------------- */

START_TEST(a_list_of_rules_outlives_its_engine)
{
    char path[] = "/tmp/test_fault_parts.XXXXXX", line[FAULT_TEXT_MAX + 64];
    static struct fault_rule back[4];
    struct fault_rule first = rule_of("1 a:b drop=5% seed=3"), second = rule_of("2 b:a refuse");
    const struct fault_rule *rules[] = {&first, &second};
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(fault_rules_save(path, rules, 2), 0);
    ck_assert_uint_eq(fault_rules_load(path, back, 4), 2);
    ck_assert_str_eq(fault_rule_write(&back[0], line, sizeof line), "1 a:b drop=5% seed=3");
    ck_assert_int_eq(back[1].kernel, FAULT_REFUSE);
    ck_assert_uint_eq(fault_rules_load(path, back, 1), 1);
    unlink(path);
    ck_assert_uint_eq(fault_rules_load(path, back, 4), 0);
    ck_assert_int_eq(fault_rules_save("/no/such/directory", rules, 2), -ENOENT);
}
END_TEST

START_TEST(which_faults_are_meant)
{
    struct fault_rule rule = rule_of("3 a:b drop=all");
    struct fault_which which;
    char why[FAULT_WHY_MAX];
    const struct {
        const char *word;
        int error;
        bool means;
    } cases[] = {{NULL, 0, true},       {"", 0, true},         {"3", 0, true},
                 {"4", 0, false},       {"a:b", 0, true},      {"b:a", 0, false},
                 {"0", -EINVAL, false}, {"x", -EINVAL, false}, {"a:", -EINVAL, false},
                 {"-3", -EINVAL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(fault_which_parse(cases[i].word, &which, why), cases[i].error);
        if (cases[i].error == 0)
            ck_assert_int_eq(fault_which_means(&which, &rule), cases[i].means);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault_parts");
    TCase *tcase = tcase_create("parts");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, the_earliest_goes_first_and_equals_in_their_order);
    tcase_add_test(tcase, packets_and_bytes_are_bounded);
    tcase_add_test(tcase, an_overtaken_packet_follows_but_not_before_its_time);
    tcase_add_test(tcase, a_cleared_link_lets_go_in_order);
    tcase_add_test(tcase, any_order_in_is_the_right_order_out);
    tcase_add_test(tcase, checksums_worked_out_by_hand_are_found_again);
    tcase_add_test(tcase, damage_is_repaired_or_shows);
    tcase_add_test(tcase, what_is_not_there_is_not_changed);
    tcase_add_test(tcase, a_tcp_header_shorter_than_it_can_be_has_no_payload);
    tcase_add_test(tcase, a_copy_is_known_once_and_in_its_place);
    tcase_add_test(tcase, neighbours_are_found_and_others_explained);
    tcase_add_test(tcase, the_queue_is_fed_where_the_packets_arrive);
    tcase_add_test(tcase, the_kernels_own_rules_say_no_in_their_ways);
    tcase_add_test(tcase, a_list_of_rules_outlives_its_engine);
    tcase_add_test(tcase, which_faults_are_meant);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
