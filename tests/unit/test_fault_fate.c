/*
 * test_fault_fate.c - the machine of fates in virtual time: which packets, what happens, and that it
 * happens again.
 */
#include "fault_fate.h"
#include "unit.h"

#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 16 };

static struct fault_state *state_of(const char *text)
{
    static struct fault_state states[8];
    static size_t used;
    char copy[256], why[FAULT_WHY_MAX], *rest = NULL;
    const char *words[WORDS_MAX];
    size_t count = 0;
    struct fault_rule rule;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    ck_assert_msg(fault_rule_parse("a:b", words, count, &rule, why) == 0, "%s: %s", text, why);
    fault_rule_seed(&rule, unit_seed());
    rule.number = (unsigned)++used;
    struct fault_state *state = &states[used % 8];
    fault_state_init(state, &rule);
    return state;
}

/* A UDP datagram from port 1000 to 7007. */
static struct el_packet udp(uint32_t payload)
{
    struct el_packet packet = {
        .protocol = IPPROTO_UDP, .whole = true, .payload = payload, .length = payload + 28};
    packet.source.length = packet.destination.length = sizeof packet.source.in;
    packet.source.in.sin_family = packet.destination.in.sin_family = AF_INET;
    el_address_set_port(&packet.source, 1000);
    el_address_set_port(&packet.destination, 7007);
    return packet;
}

static struct el_packet tcp(uint8_t flags, uint32_t payload)
{
    struct el_packet packet = udp(payload);
    packet.protocol = IPPROTO_TCP;
    packet.tcp_flags = flags;
    packet.length = payload + 40;
    return packet;
}

static struct fault_fate fate; /* large: one is enough */

static void decide(struct fault_state *state, const struct el_packet *packet, uint64_t id,
                   el_time now)
{
    fault_decide(&state, 1, packet, id, now, &fate);
}

static bool dropped(struct fault_state *state, const struct el_packet *packet)
{
    decide(state, packet, 0, 0);
    return fate.drop;
}

/* ---- which ----------------------------------------------------------------------------------- */

/* The positions, of twenty packets, that are dropped: "2 5 ". */
static const char *positions(const char *rule)
{
    static char text[128];
    struct fault_state *state = state_of(rule);
    struct el_packet packet = udp(10);
    text[0] = '\0';
    for (int i = 1; i <= 20; i++)
        if (dropped(state, &packet))
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", i);
    return text;
}

START_TEST(positions_are_exact)
{
    ck_assert_str_eq(positions("drop=nth:2,5"), "2 5 ");
    ck_assert_str_eq(positions("drop=every:7"), "7 14 ");
    ck_assert_str_eq(positions("drop=nth:21"), "");
    ck_assert_str_eq(positions("drop=all payload=11-"), "");
    ck_assert_str_eq(positions("drop=100% payload=10"),
                     "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ");
}
END_TEST

START_TEST(only_matching_packets_count)
{
    struct fault_state *state = state_of("drop=nth:2 protocol=tcp payload=1-");
    struct el_packet syn = tcp(TH_SYN, 0), ack = tcp(TH_ACK, 0), data = tcp(TH_ACK, 5);
    struct el_packet other = udp(5);
    ck_assert(!dropped(state, &syn));
    ck_assert(!dropped(state, &ack));
    ck_assert(!dropped(state, &data));
    ck_assert(!dropped(state, &other));
    ck_assert(dropped(state, &data));
    ck_assert(!dropped(state, &data));
    ck_assert_uint_eq(state->counts.matched, 3);
    ck_assert_uint_eq(state->counts.dropped, 1);
}
END_TEST

START_TEST(each_match_tells_packets_apart)
{
    struct el_packet datagram = udp(5), syn = tcp(TH_SYN, 0), syn_ack = tcp(TH_SYN | TH_ACK, 0);
    struct el_packet ping = {.protocol = IPPROTO_ICMP, .whole = true, .payload = 56};
    struct el_packet ping6 = {.protocol = IPPROTO_ICMPV6, .whole = true, .payload = 56};
    struct el_packet question = udp(30), fragment = udp(5);
    el_address_set_port(&question.destination, 53);
    fragment.whole = false;
    const struct {
        const char *rule;
        const struct el_packet *packet;
        bool matches;
    } cases[] = {
        {"drop=all", &ping6, true},
        {"drop=all protocol=udp", &datagram, true},
        {"drop=all protocol=udp", &syn, false},
        {"drop=all protocol=tcp", &syn, true},
        {"drop=all protocol=icmp", &ping, true},
        {"drop=all protocol=icmp", &ping6, true},
        {"drop=all protocol=icmp", &datagram, false},
        {"drop=all protocol=dns", &question, true},
        {"drop=all protocol=dns", &datagram, false},
        {"drop=all port=7007", &datagram, true},
        {"drop=all port=1000", &datagram, true},
        {"drop=all port=7", &datagram, false},
        {"drop=all port=7", &ping, false},
        {"drop=all port=7007", &fragment, false},
        {"drop=all sport=1000", &datagram, true},
        {"drop=all sport=7007", &datagram, false},
        {"drop=all dport=7007", &syn, true},
        {"drop=all dport=1000", &syn, false},
        {"drop=all flags=SYN", &syn, true},
        {"drop=all flags=SYN", &syn_ack, true},
        {"drop=all flags=SYN,!ACK", &syn_ack, false},
        {"drop=all flags=!ACK", &syn, true},
        {"drop=all flags=SYN", &datagram, false},
        {"drop=all payload=5", &datagram, true},
        {"drop=all payload=1-4", &datagram, false},
        {"corrupt=all", &syn, false}, /* it has no byte that could be changed */
        {"corrupt=all at=5", &datagram, false},
        {"corrupt=all at=4", &datagram, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(fault_matches(&state_of(cases[i].rule)->rule, cases[i].packet) ==
                          cases[i].matches,
                      "case %zu: %s", i, cases[i].rule);
}
END_TEST

START_TEST(random_loss_is_as_frequent_as_asked)
{
    enum { PACKETS = 100000 };
    struct fault_state *state = state_of("drop=5% seed=1");
    struct el_packet packet = udp(10);
    for (int i = 0; i < PACKETS; i++)
        dropped(state, &packet);
    /* 5000 expected, deviation 69; the seed is fixed, so this cannot fail by chance. */
    ck_assert_uint_gt(state->counts.dropped, 4700);
    ck_assert_uint_lt(state->counts.dropped, 5300);
}
END_TEST

START_TEST(bursts_have_their_length)
{
    enum { PACKETS = 100000 };
    struct fault_state *state = state_of("drop=burst:1%:5 seed=3");
    struct el_packet packet = udp(10);
    unsigned bursts = 0, length = 0;
    for (int i = 0; i < PACKETS; i++) {
        if (dropped(state, &packet)) {
            length++;
            continue;
        }
        if (length > 0) {
            ck_assert_uint_eq(length % 5, 0); /* two may follow each other */
            bursts += length / 5;
        }
        length = 0;
    }
    /* 1% of those 95% that are outside a burst: about 960. */
    ck_assert_uint_gt(bursts, 850);
    ck_assert_uint_lt(bursts, 1070);
}
END_TEST

/* ---- again ----------------------------------------------------------------------------------- */

/* What a rule does to a thousand packets of random length at random times, as one number. */
static uint64_t story(const char *rule, uint64_t traffic_seed, bool noise)
{
    struct fault_state *state = state_of(rule);
    struct fault_random traffic = {traffic_seed};
    uint64_t hash = 14695981039346656037U;
    el_time now = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct el_packet packet = udp(1 + (uint32_t)(fault_random(&traffic) % 1400));
        now += (el_time)(fault_random(&traffic) % EL_MS);
        if (noise) { /* other traffic, which the rule is not about */
            struct el_packet other = tcp(TH_ACK, 9);
            decide(state, &other, i, now);
        }
        decide(state, &packet, i, now);
        const uint64_t words[] = {fate.drop,   (uint64_t)fate.release, fate.waits,
                                  fate.copies, fate.changes,           fate.freed_count};
        for (size_t j = 0; j < sizeof words / sizeof *words; j++)
            hash = (hash ^ words[j]) * 1099511628211U;
        for (size_t j = 0; j < fate.changes; j++)
            hash = (hash ^ fate.change[j].offset ^ (uint64_t)fate.change[j].flip << 32) *
                   1099511628211U;
    }
    return hash;
}

START_TEST(same_seed_and_same_traffic_is_the_same_fate)
{
    static const char *const rules[] = {
        "drop=10% seed=42 protocol=udp",
        "delay=20ms+-5ms seed=42 protocol=udp",
        "delay=20ms+-5ms distribution=normal seed=42 protocol=udp",
        "delay=20ms+-5ms distribution=exponential seed=42 protocol=udp",
        "corrupt=burst:2%:3 duplicate=7% reorder=3% gap=2 rate=1mbit seed=42 protocol=udp",
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        uint64_t first = story(rules[i], 7, false);
        for (int round = 0; round < 5; round++)
            ck_assert_uint_eq(story(rules[i], 7, false), first);
        ck_assert_uint_eq(story(rules[i], 7, true), first); /* other traffic changes nothing */
        ck_assert_uint_ne(story(rules[i], 8, false), first);
    }
    ck_assert_uint_ne(story("drop=10% seed=42", 7, false), story("drop=10% seed=43", 7, false));
}
END_TEST

START_TEST(a_second_action_does_not_change_what_the_first_chooses)
{
    struct fault_state *alone = state_of("drop=10% seed=5");
    struct fault_state *both = state_of("drop=10% corrupt=50% delay=9ms+-4ms seed=5");
    struct el_packet packet = udp(100);
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(dropped(alone, &packet), dropped(both, &packet));
}
END_TEST

/* ---- later ----------------------------------------------------------------------------------- */

START_TEST(a_delay_is_exact_and_adds_up)
{
    struct fault_state *rules[] = {state_of("delay=20ms"), state_of("delay=5ms on=nth:2")};
    struct el_packet packet = udp(10);
    fault_decide(rules, 2, &packet, 0, 1000, &fate);
    ck_assert_int_eq(fate.release, 1000 + 20 * EL_MS);
    fault_decide(rules, 2, &packet, 1, 2000, &fate);
    ck_assert_int_eq(fate.release, 2000 + 25 * EL_MS);
    ck_assert_uint_eq(fate.acts, 2);
    char text[EL_PREFIX_MAX];
    ck_assert_str_eq(fault_act_print(&fate.act[1], text, sizeof text), "delay 5.000ms");
}
END_TEST

/* Mean and deviation of 20,000 delays that do not meet each other. */
static void measure(const char *rule, double *mean, double *deviation, double *least, double *most)
{
    enum { PACKETS = 20000 };
    struct fault_state *state = state_of(rule);
    struct el_packet packet = udp(10);
    double sum = 0, squares = 0;
    *least = 1e9, *most = 0;
    for (int i = 0; i < PACKETS; i++) {
        el_time now = i * EL_S;
        decide(state, &packet, 0, now);
        double ms = (double)(fate.release - now) / (double)EL_MS;
        sum += ms;
        squares += ms * ms;
        *least = ms < *least ? ms : *least;
        *most = ms > *most ? ms : *most;
    }
    *mean = sum / PACKETS;
    *deviation = sqrt(squares / PACKETS - *mean * *mean);
}

START_TEST(jitter_has_its_distribution)
{
    double mean, deviation, least, most;
    measure("delay=20ms+-6ms seed=1", &mean, &deviation, &least, &most);
    ck_assert(fabs(mean - 20) < 0.1 && least >= 14 && most <= 26);
    ck_assert(fabs(deviation - 6 / sqrt(3)) < 0.1);
    measure("delay=20ms+-4ms distribution=normal seed=1", &mean, &deviation, &least, &most);
    ck_assert(fabs(mean - 20) < 0.1 && fabs(deviation - 4) < 0.1 && least >= 0);
    measure("delay=20ms+-4ms distribution=exponential seed=1", &mean, &deviation, &least, &most);
    ck_assert(fabs(mean - 20) < 0.1 && fabs(deviation - 4) < 0.15 && least >= 16 && most <= 56);
}
END_TEST

START_TEST(jitter_keeps_the_order)
{
    struct fault_state *state = state_of("delay=20ms+-20ms");
    struct el_packet packet = udp(10);
    el_time last = 0;
    for (int i = 0; i < 5000; i++) {
        el_time now = i * EL_MS;
        decide(state, &packet, 0, now);
        ck_assert_int_ge(fate.release, last);
        ck_assert_int_ge(fate.release, now);
        last = fate.release;
    }
}
END_TEST

START_TEST(a_rate_is_exact_over_an_hour)
{
    /* 1000 bytes at 3 Mbit/s are 2,666,666.67 ns: the third of a nanosecond must not be lost. */
    struct fault_state *state = state_of("rate=3mbit limit=64M");
    struct el_packet packet = udp(972);
    for (int i = 0; i < 30000; i++)
        decide(state, &packet, 0, 0);
    ck_assert_int_eq(fate.release, 30000LL * 8000 * EL_S / 3000000);
    decide(state, &packet, 0, fate.release + EL_S); /* an idle wire begins anew */
    ck_assert_uint_eq(state->counts.full, 0);
}
END_TEST

START_TEST(what_a_rate_cannot_queue_is_dropped)
{
    struct fault_state *state = state_of("rate=8kbit limit=2000"); /* a byte a millisecond */
    struct el_packet packet = udp(972);
    decide(state, &packet, 0, 0);
    ck_assert_int_eq(fate.release, EL_S);
    decide(state, &packet, 0, 0);
    ck_assert_int_eq(fate.release, 2 * EL_S);
    decide(state, &packet, 0, 0);
    ck_assert(fate.drop);
    ck_assert(fate.act[0].full);
    decide(state, &packet, 0, EL_S); /* one has gone: there is room for one */
    ck_assert(!fate.drop);
    ck_assert_int_eq(fate.release, 3 * EL_S);
    ck_assert_uint_eq(state->counts.full, 1);
    ck_assert_uint_eq(state->counts.shaped, 3);
    /* One that is larger than the queue goes when the wire is idle: otherwise it never would. */
    struct el_packet large = udp(4000);
    decide(state, &large, 0, 10 * EL_S);
    ck_assert(!fate.drop);
}
END_TEST

/* ---- reordered, doubled, damaged ------------------------------------------------------------- */

START_TEST(a_reordered_packet_waits_for_those_that_overtake_it)
{
    struct fault_state *state = state_of("reorder=nth:1 gap=2 within=50ms");
    struct el_packet packet = udp(10);
    decide(state, &packet, 100, 0);
    ck_assert(fate.waits);
    ck_assert_int_eq(fate.release, 50 * EL_MS);
    decide(state, &packet, 101, EL_MS);
    ck_assert(!fate.waits);
    ck_assert_uint_eq(fate.freed_count, 0);
    decide(state, &packet, 102, 2 * EL_MS);
    ck_assert_uint_eq(fate.freed_count, 1);
    ck_assert_uint_eq(fate.freed[0], 100);
    decide(state, &packet, 103, 3 * EL_MS);
    ck_assert_uint_eq(fate.freed_count, 0);
}
END_TEST

START_TEST(one_that_nothing_overtakes_goes_on_in_time)
{
    struct fault_state *state = state_of("reorder=nth:1 within=50ms");
    struct el_packet packet = udp(10);
    decide(state, &packet, 100, 0);
    decide(state, &packet, 101, 60 * EL_MS); /* it has gone by then */
    ck_assert_uint_eq(fate.freed_count, 0);
    ck_assert_uint_eq(state->waiting_count, 0);
}
END_TEST

START_TEST(so_many_wait_at_most)
{
    struct fault_state *state = state_of("reorder=all");
    struct el_packet packet = udp(10);
    for (int i = 0; i < FAULT_WAITING_MAX; i++) {
        decide(state, &packet, (uint64_t)i, 0);
        ck_assert(fate.waits);
    }
    decide(state, &packet, 1000, 0);
    ck_assert(!fate.waits);
    ck_assert_uint_eq(state->counts.reordered, FAULT_WAITING_MAX);
}
END_TEST

START_TEST(duplicates_and_damage_are_in_the_fate)
{
    struct fault_state *rules[] = {state_of("duplicate=all corrupt=all at=3 checksum=keep"),
                                   state_of("duplicate=all corrupt=all")};
    struct el_packet packet = udp(10);
    for (int i = 0; i < 100; i++) {
        fault_decide(rules, 2, &packet, 0, 0, &fate);
        ck_assert_uint_eq(fate.copies, 2);
        ck_assert_uint_eq(fate.changes, 2);
        ck_assert_uint_eq(fate.change[0].offset, 3);
        ck_assert(!fate.change[0].repair && fate.change[1].repair);
        ck_assert_uint_lt(fate.change[1].offset, 10);
        ck_assert_uint_ne(fate.change[1].flip, 0);
    }
}
END_TEST

START_TEST(what_one_rule_drops_the_next_never_sees)
{
    struct fault_state *rules[] = {state_of("drop=nth:1"), state_of("drop=nth:1")};
    struct el_packet packet = udp(10);
    fault_decide(rules, 2, &packet, 0, 0, &fate);
    ck_assert(fate.drop);
    ck_assert_uint_eq(rules[1]->counts.matched, 0);
    fault_decide(rules, 2, &packet, 0, 0, &fate);
    ck_assert(fate.drop);
    ck_assert_uint_eq(fate.act[0].number, rules[1]->rule.number);
    fault_decide(rules, 2, &packet, 0, 0, &fate);
    ck_assert(!fate.drop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault_fate");
    TCase *tcase = tcase_create("fate");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, positions_are_exact);
    tcase_add_test(tcase, only_matching_packets_count);
    tcase_add_test(tcase, each_match_tells_packets_apart);
    tcase_add_test(tcase, random_loss_is_as_frequent_as_asked);
    tcase_add_test(tcase, bursts_have_their_length);
    tcase_add_test(tcase, same_seed_and_same_traffic_is_the_same_fate);
    tcase_add_test(tcase, a_second_action_does_not_change_what_the_first_chooses);
    tcase_add_test(tcase, a_delay_is_exact_and_adds_up);
    tcase_add_test(tcase, jitter_has_its_distribution);
    tcase_add_test(tcase, jitter_keeps_the_order);
    tcase_add_test(tcase, a_rate_is_exact_over_an_hour);
    tcase_add_test(tcase, what_a_rate_cannot_queue_is_dropped);
    tcase_add_test(tcase, a_reordered_packet_waits_for_those_that_overtake_it);
    tcase_add_test(tcase, one_that_nothing_overtakes_goes_on_in_time);
    tcase_add_test(tcase, so_many_wait_at_most);
    tcase_add_test(tcase, duplicates_and_damage_are_in_the_fate);
    tcase_add_test(tcase, what_one_rule_drops_the_next_never_sees);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
