/*
 * test_packet_merge.c - the causal order: no packet arrives before it has left, no fate is decided
 * before, and each host's own order stays, in any history and any interleaving of its records.
 */
#include "packets.h"
#include "unit.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

/* A sighting of packet `which`, as the `number`th line of the log. */
static struct el_packet sighting(uint64_t number, const char *host, uint8_t hook, uint32_t which)
{
    struct el_packet packet = {
        .number = number, .at = (el_time)number, .hook = hook, .checksum = which};
    snprintf(packet.host, sizeof packet.host, "%s", host);
    return packet;
}

static void add(struct el_packet_merge *merge, uint64_t number, const char *host, uint8_t hook,
                uint32_t which)
{
    struct el_packet packet = sighting(number, host, hook, which);
    ck_assert_int_eq(el_packet_merge_add(merge, &packet), 0);
}

enum {
    IN = NF_INET_LOCAL_IN,
    OUT = NF_INET_POST_ROUTING,
    ROUTE = NF_INET_PRE_ROUTING,
    FATE = EL_HOOK_FAULT
};

static void expect(struct el_packet_merge *merge, el_time settled, const char *host, uint32_t which,
                   bool wanted_again)
{
    struct el_packet packet;
    bool again;
    ck_assert_int_eq(el_packet_merge_next(merge, settled, &packet, &again), 1);
    ck_assert_str_eq(packet.host, host);
    ck_assert_uint_eq(packet.checksum, which);
    ck_assert_int_eq(again, wanted_again);
}

static void expect_nothing(struct el_packet_merge *merge, el_time settled)
{
    struct el_packet packet;
    bool again;
    ck_assert_int_eq(el_packet_merge_next(merge, settled, &packet, &again), 0);
}

/* As it was recorded: the kernel reported the server's socket first. */
START_TEST(a_departure_is_shown_before_its_arrival)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "server", IN, 1);
    add(merge, 1, "server", OUT, 2);
    add(merge, 2, "client", OUT, 1);
    add(merge, 3, "client", IN, 2);
    expect(merge, EL_NEVER, "client", 1, false);
    expect(merge, EL_NEVER, "server", 1, true);
    expect(merge, EL_NEVER, "server", 2, false);
    expect(merge, EL_NEVER, "client", 2, true);
    expect_nothing(merge, EL_NEVER);
    el_packet_merge_free(merge);
}
END_TEST

START_TEST(a_lost_packet_holds_nothing_up)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "client", OUT, 1);
    add(merge, 1, "client", OUT, 1); /* sent again */
    add(merge, 2, "server", IN, 1);
    add(merge, 3, "server", OUT, 2);
    expect(merge, 0, "client", 1, false);
    expect(merge, 0, "client", 1, false);
    expect(merge, 0, "server", 1, true);
    expect(merge, 0, "server", 2, false);
    el_packet_merge_free(merge);
}
END_TEST

START_TEST(an_arrival_waits_for_its_departure_until_it_is_settled)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 5, "server", IN, 1);
    add(merge, 6, "server", OUT, 2);
    expect_nothing(merge, 4); /* the departure may still come */
    add(merge, 7, "client", OUT, 3);
    expect(merge, 4, "client", 3, false); /* other hosts go on meanwhile */
    expect(merge, 5, "server", 1, false); /* nobody we know sent it */
    expect(merge, 5, "server", 2, false);
    el_packet_merge_free(merge);
}
END_TEST

START_TEST(more_than_the_capacity_is_refused_and_room_comes_back)
{
    struct el_packet_merge *merge = el_packet_merge_new(2);
    struct el_packet packet = sighting(2, "client", OUT, 3);
    add(merge, 0, "client", OUT, 1);
    add(merge, 1, "client", OUT, 2);
    ck_assert_int_eq(el_packet_merge_add(merge, &packet), -ENOBUFS);
    expect(merge, 0, "client", 1, false);
    ck_assert_int_eq(el_packet_merge_add(merge, &packet), 0);
    el_packet_merge_free(merge);
    ck_assert_ptr_null(el_packet_merge_new(0));
}
END_TEST

/*
 * A packet that was never logged leaving contradicts nothing; two that claim to cause each other
 * do.
 */
START_TEST(a_history_that_cannot_have_happened_still_comes_out)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "client", IN, 2);
    add(merge, 1, "client", OUT, 1);
    add(merge, 2, "server", IN, 1);
    add(merge, 3, "server", OUT, 2);
    struct el_packet packet;
    bool again;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(el_packet_merge_next(merge, EL_NEVER, &packet, &again), 1);
    expect_nothing(merge, EL_NEVER);
    el_packet_merge_free(merge);
}
END_TEST

/* ---- fates ----------------------------------------------------------------------------------- */

static struct el_packet fate(el_time at, const char *host, uint32_t which, const char *what)
{
    struct el_packet packet = sighting((uint64_t)at, host, FATE, which);
    snprintf(packet.prefix, sizeof packet.prefix, "%s", what);
    packet.mark = 1;
    return packet;
}

static void add_fate(struct el_packet_merge *merge, el_time at, const char *host, uint32_t which,
                     const char *what)
{
    struct el_packet packet = fate(at, host, which, what);
    ck_assert_int_eq(el_packet_merge_add(merge, &packet), 0);
}

START_TEST(a_fate_is_behind_the_departure_and_before_the_arrival)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add_fate(merge, 1, "server", 1, "delay 20.1ms");
    add(merge, 20, "server", IN, 1);
    add(merge, 21, "client", OUT, 1); /* the collector heard of it last */
    expect(merge, EL_NEVER, "client", 1, false);
    expect(merge, EL_NEVER, "server", 1, true);
    ck_assert(!el_packet_merge_given(merge).duplicate);
    expect(merge, EL_NEVER, "server", 1, true);
    expect_nothing(merge, EL_NEVER);
    el_packet_merge_free(merge);
}
END_TEST

/* The reply was caught while the log of the server still lagged: nothing of the host waits for it. */
START_TEST(a_fate_does_not_stand_in_its_hosts_way)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "client", OUT, 1);
    add_fate(merge, 5, "client", 2, "drop");
    add(merge, 8, "client", OUT, 3); /* happened before that reply, was heard of after */
    add(merge, 9, "server", IN, 1);
    add(merge, 10, "server", IN, 3);
    add(merge, 11, "server", OUT, 2);
    static const struct {
        const char *host;
        uint32_t which;
    } wanted[] = {{"client", 1}, {"client", 3}, {"server", 1},
                  {"server", 3}, {"server", 2}, {"client", 2}};
    struct el_packet packet;
    bool again;
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(el_packet_merge_next(merge, EL_NEVER, &packet, &again), 1);
        ck_assert_str_eq(packet.host, wanted[i].host);
        ck_assert_uint_eq(packet.checksum, wanted[i].which);
    }
    el_packet_merge_free(merge);
}
END_TEST

START_TEST(a_copy_arrives_at_once_and_is_marked)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "client", OUT, 1);
    add_fate(merge, 1, "server", 1, "duplicate");
    add(merge, 2, "server", IN, 1);
    add(merge, 3, "server", IN, 1);
    expect(merge, -1, "client", 1, false);
    expect(merge, -1, "server", 1, true); /* the fate */
    expect(merge, -1, "server", 1, true);
    ck_assert(!el_packet_merge_given(merge).duplicate);
    expect(merge, -1, "server", 1, true);
    ck_assert(el_packet_merge_given(merge).duplicate);
    el_packet_merge_free(merge);
}
END_TEST

/* Whoever has made it (TEE, a bridge): one departure, two arrivals is no error. */
START_TEST(a_copy_that_no_fate_tells_of_is_marked_when_nothing_can_come_any_more)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "client", OUT, 1);
    add(merge, 2, "server", IN, 1);
    add(merge, 3, "server", IN, 1);
    expect(merge, 2, "client", 1, false);
    expect(merge, 2, "server", 1, true);
    expect_nothing(merge, 2);
    expect(merge, 3, "server", 1, true);
    ck_assert(el_packet_merge_given(merge).duplicate);
    el_packet_merge_free(merge);
}
END_TEST

START_TEST(a_corrupted_packet_has_another_hash_and_still_comes_behind_its_departure)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add_fate(merge, 1, "server", 1, "corrupt");
    add(merge, 2, "server", IN, 99);
    add(merge, 3, "client", OUT, 1);
    expect(merge, EL_NEVER, "client", 1, false);
    expect(merge, EL_NEVER, "server", 1, true);
    expect(merge, EL_NEVER, "server", 99, true);
    ck_assert(el_packet_merge_given(merge).corrupted);
    el_packet_merge_free(merge);
}
END_TEST

/* A segment is dropped and sent again: the arrival is that of the second. */
START_TEST(what_was_dropped_does_not_arrive)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add(merge, 0, "client", OUT, 1);
    add_fate(merge, 1, "server", 1, "drop");
    add(merge, 10, "server", IN, 1);
    add(merge, 11, "client", OUT, 1);
    expect(merge, EL_NEVER, "client", 1, false);
    expect(merge, EL_NEVER, "server", 1, true);
    expect(merge, EL_NEVER, "client", 1, false);
    expect(merge, EL_NEVER, "server", 1, true);
    el_packet_merge_free(merge);
}
END_TEST

/* ---- routers and times ----------------------------------------------------------------------- */

static void add_ttl(struct el_packet_merge *merge, el_time at, const char *host, uint8_t hook,
                    uint8_t ttl)
{
    struct el_packet packet = sighting((uint64_t)at, host, hook, 7);
    packet.ttl = ttl;
    ck_assert_int_eq(el_packet_merge_add(merge, &packet), 0);
}

START_TEST(a_router_passes_a_packet_on_from_link_to_link)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    add_ttl(merge, 0, "server", IN, 63); /* heard of in the worst order */
    add_ttl(merge, 1, "router", ROUTE, 64);
    add_ttl(merge, 2, "router", OUT, 63);
    add_ttl(merge, 3, "client", OUT, 64);
    expect(merge, EL_NEVER, "client", 7, false);
    expect(merge, EL_NEVER, "router", 7, true);
    expect(merge, EL_NEVER, "router", 7, true); /* and it counts as one packet */
    expect(merge, EL_NEVER, "server", 7, true);
    el_packet_merge_free(merge);
}
END_TEST

static el_time next_time(struct el_packet_merge *merge)
{
    struct el_packet packet;
    bool again;
    ck_assert_int_eq(el_packet_merge_next(merge, EL_NEVER, &packet, &again), 1);
    return el_packet_merge_given(merge).time;
}

/* The collector read the departure 300 late; the kernel's stamp of the arrival knows better. */
START_TEST(a_departure_is_no_later_than_the_stamp_of_its_arrival)
{
    for (int departure_first = 0; departure_first < 2; departure_first++) {
        struct el_packet_merge *merge = el_packet_merge_new(8);
        struct el_packet before = sighting(390, "client", OUT, 5),
                         left = sighting(400, "client", OUT, 1),
                         came = sighting(420, "server", IN, 1);
        came.stamp = 110;
        el_packet_merge_add(merge, &before);
        if (departure_first)
            el_packet_merge_add(merge, &left);
        el_packet_merge_add(merge, &came);
        if (!departure_first)
            el_packet_merge_add(merge, &left);
        ck_assert_int_eq(next_time(merge), 110); /* what its host did before is no later either */
        ck_assert_int_eq(next_time(merge), 110);
        ck_assert_int_eq(next_time(merge), 110);
        el_packet_merge_free(merge);
    }
}
END_TEST

START_TEST(a_delayed_packet_arrives_when_it_was_let_go_not_when_it_was_stamped)
{
    struct el_packet_merge *merge = el_packet_merge_new(8);
    struct el_packet left = sighting(100, "client", OUT, 1),
                     came = sighting(20100, "server", IN, 1);
    came.stamp = 90;
    el_packet_merge_add(merge, &left);
    add_fate(merge, 95, "server", 1, "delay 20ms");
    el_packet_merge_add(merge, &came);
    ck_assert_int_eq(next_time(merge), 90);
    ck_assert_int_eq(next_time(merge), 95);
    ck_assert_int_eq(next_time(merge), 20100);
    el_packet_merge_free(merge);
}
END_TEST

/* More packets than there are counters for: what has something in a queue is not forgotten. */
START_TEST(a_long_log_does_not_make_it_forget_what_is_on_its_way)
{
    struct el_packet_merge *merge = el_packet_merge_new(4);
    struct el_packet packet;
    bool again;
    add(merge, 0, "client", OUT, 1);
    expect(merge, -1, "client", 1, false);
    add(merge, 1, "server", IN, 1000000); /* holds the next one back */
    add(merge, 2, "server", IN, 1);
    for (uint32_t i = 0; i < 200; i++) {
        add(merge, 3 + i, "other", OUT, 2 + i);
        ck_assert_int_eq(el_packet_merge_next(merge, -1, &packet, &again), 1);
        ck_assert_str_eq(packet.host, "other");
    }
    expect(merge, 1, "server", 1000000, false);
    expect(merge, 1, "server", 1, true);
    el_packet_merge_free(merge);
}
END_TEST

/* ---- and for any history --------------------------------------------------------------------- */

enum { HOSTS = 4, EVENTS = 400, KINDS = 12 };

/* What happened, host by host and on the wire before each host, in its order. */
struct history {
    struct el_packet host[2 * HOSTS][2 * EVENTS];
    size_t count[2 * HOSTS];
    el_time now;
};

static struct el_packet *happen(struct history *history, size_t host, uint8_t hook, uint32_t which)
{
    char name[8];
    size_t row = hook == FATE ? HOSTS + host : host, n = history->count[row]++;
    snprintf(name, sizeof name, "h%zu", host);
    struct el_packet *event = &history->host[row][n];
    *event = sighting(0, name, hook, which);
    event->window = (uint16_t)n; /* so that the test can see the order */
    event->at = ++history->now;
    return event;
}

enum { FATE_NONE, FATE_DROP, FATE_DELAY, FATE_DUPLICATE, FATES };

/* `kinds`: how many packets may be equal: with few of them, equal ones are about at once. */
static void fly(struct history *history, size_t to, uint32_t which, bool faults)
{
    static const char *const names[] = {"", "drop", "delay 1ms", "duplicate"};
    size_t what = faults ? unit_random(FATES) : unit_random(5) == 0 ? FATE_DROP : FATE_NONE;
    if (faults && what != FATE_NONE) {
        struct el_packet *decided = happen(history, to, FATE, which);
        snprintf(decided->prefix, sizeof decided->prefix, "%s", names[what]);
    }
    for (int copies = what == FATE_DROP ? 0 : what == FATE_DUPLICATE ? 2 : 1; copies > 0; copies--)
        happen(history, to, IN, which);
}

/* Packets leave, arrive late, overtake each other, are lost; with `faults`, are dealt with on the way. */
static void make_history(struct history *history, uint32_t kinds, bool faults)
{
    struct {
        uint32_t which;
        size_t to;
    } in_flight[EVENTS];
    size_t flying = 0;
    memset(history, 0, sizeof *history);
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (flying == 0 || unit_random(2) == 0) {
            size_t from = unit_random(HOSTS), to = unit_random(HOSTS);
            uint32_t kind = kinds == EVENTS ? i : (uint32_t)unit_random(kinds);
            uint32_t which = (uint32_t)((size_t)kind * 100 + from * 10 + to);
            happen(history, from, OUT, which);
            in_flight[flying].which = which;
            in_flight[flying++].to = to;
        } else {
            size_t n = unit_random(flying);
            fly(history, in_flight[n].to, in_flight[n].which, faults);
            in_flight[n] = in_flight[--flying];
        }
    }
}

struct check {
    bool unique; /* no two packets are equal */
    unsigned departed[EVENTS * 100], arrived[EVENTS * 100], fated[EVENTS * 100],
        copied[EVENTS * 100];
    size_t next[2 * HOSTS];
    size_t given;
    el_time time;
};

/* All promises, at every record that comes out. */
static void check_one(struct check *check, const struct el_packet_merge *merge,
                      const struct el_packet *packet)
{
    uint32_t which = packet->checksum;
    size_t host = (size_t)(packet->host[1] - '0') + (el_packet_is_fate(packet) ? HOSTS : 0);
    unit_holds(packet->window == check->next[host]++, "each host's own order");
    if (el_packet_leaves(packet)) {
        check->departed[which]++;
    } else if (el_packet_is_fate(packet)) {
        unit_holds(++check->fated[which] <= check->departed[which], "no fate before the departure");
        check->copied[which] += el_packet_fate_is(packet, "duplicate");
        unit_holds(!check->unique || check->arrived[which] == 0, "no arrival before its fate");
    } else {
        unit_holds(++check->arrived[which] <= check->departed[which] + check->copied[which],
                   "no arrival before its departure");
    }
    el_time time = el_packet_merge_given(merge).time;
    unit_holds(time >= check->time, "time does not run backwards");
    check->time = time;
    check->given++;
}

/* The next record of the log: of two logs that are read in the order of `at`, as packet_source.c does.
 * The collector is late by a random while, but in the order of each host. */
static void read_late(struct history *history)
{
    uint64_t most = unit_random(2) == 0 ? 40 : 10UL * EVENTS;
    for (size_t row = 0; row < HOSTS; row++) {
        el_time last = 0;
        for (size_t i = 0; i < history->count[row]; i++) {
            struct el_packet *event = &history->host[row][i];
            if (event->hook == IN && unit_random(2) == 0)
                event->stamp = event->at;
            el_time at = event->at + (el_time)unit_random(most);
            event->at = last = at > last ? at : last;
        }
    }
}

static struct el_packet *next_record(struct history *history, size_t used[2 * HOSTS])
{
    struct el_packet *next = NULL;
    size_t from = 0;
    for (size_t row = (size_t)2 * HOSTS; row-- > 0;) { /* fates first where times are equal */
        if (used[row] == history->count[row])
            continue;
        struct el_packet *event = &history->host[row][used[row]];
        if (next == NULL || event->at < next->at)
            next = event, from = row;
    }
    if (next != NULL)
        used[from]++;
    return next;
}

/* `live`: what can be shown is shown before all is known. */
static void merge_history(struct history *history, bool live, bool unique)
{
    static struct check check;
    size_t used[2 * HOSTS] = {0}, all = 0;
    struct el_packet packet, *event;
    bool again;
    struct el_packet_merge *merge = el_packet_merge_new((size_t)4 * EVENTS);
    memset(&check, 0, sizeof check);
    check.unique = unique;
    check.time = INT64_MIN;
    for (size_t n = 0; (event = next_record(history, used)) != NULL; n++, all++) {
        event->number = n;
        ck_assert_int_eq(el_packet_merge_add(merge, event), 0);
        while (live && el_packet_merge_next(merge, -1, &packet, &again) > 0)
            check_one(&check, merge, &packet);
    }
    while (el_packet_merge_next(merge, EL_NEVER, &packet, &again) > 0)
        check_one(&check, merge, &packet);
    unit_holds(check.given == all, "everything comes out");
    el_packet_merge_free(merge);
}

static void try_histories(uint32_t kinds, bool faults)
{
    static struct history history;
    for (unsigned i = 0; i < unit_rounds(60); i++) {
        make_history(&history, kinds, faults);
        read_late(&history);
        merge_history(&history, false, kinds == EVENTS);
        merge_history(&history, true, kinds == EVENTS);
    }
}

START_TEST(property_any_interleaving_gives_an_order_that_can_have_happened)
{
    try_histories(KINDS, false);
}
END_TEST

START_TEST(property_fates_are_shown_in_their_place)
{
    try_histories(EVENTS, true);
}
END_TEST

START_TEST(property_equal_packets_with_fates_do_not_upset_the_order_of_hosts)
{
    try_histories(KINDS, true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packet_merge");
    TCase *tcase = tcase_create("packet_merge");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_departure_is_shown_before_its_arrival);
    tcase_add_test(tcase, a_lost_packet_holds_nothing_up);
    tcase_add_test(tcase, an_arrival_waits_for_its_departure_until_it_is_settled);
    tcase_add_test(tcase, more_than_the_capacity_is_refused_and_room_comes_back);
    tcase_add_test(tcase, a_history_that_cannot_have_happened_still_comes_out);
    tcase_add_test(tcase, a_fate_is_behind_the_departure_and_before_the_arrival);
    tcase_add_test(tcase, a_fate_does_not_stand_in_its_hosts_way);
    tcase_add_test(tcase, a_copy_arrives_at_once_and_is_marked);
    tcase_add_test(tcase, a_copy_that_no_fate_tells_of_is_marked_when_nothing_can_come_any_more);
    tcase_add_test(tcase, a_corrupted_packet_has_another_hash_and_still_comes_behind_its_departure);
    tcase_add_test(tcase, what_was_dropped_does_not_arrive);
    tcase_add_test(tcase, a_router_passes_a_packet_on_from_link_to_link);
    tcase_add_test(tcase, a_departure_is_no_later_than_the_stamp_of_its_arrival);
    tcase_add_test(tcase, a_delayed_packet_arrives_when_it_was_let_go_not_when_it_was_stamped);
    tcase_add_test(tcase, a_long_log_does_not_make_it_forget_what_is_on_its_way);
    tcase_add_test(tcase, property_any_interleaving_gives_an_order_that_can_have_happened);
    tcase_add_test(tcase, property_fates_are_shown_in_their_place);
    tcase_add_test(tcase, property_equal_packets_with_fates_do_not_upset_the_order_of_hosts);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
