/*
 * test_rate_limit.c - floods, spoofed sources and long silences, in virtual time.
 *
 * What must hold whatever comes: no source and no set of workers gets more than rate x time +
 * burst, memory does not grow, and who keeps to his rate is answered while another floods.
 */
#include "../lib/unit.h"
#include "rate_limit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct el_rate_total *total;
static struct el_rate_sources *sources;
static struct el_rate_limit *limit; /* each test runs in a process of its own */

static void limit_to(uint64_t in_all, uint64_t per_source, unsigned slots)
{
    if (in_all > 0) {
        total = el_rate_total_new(in_all);
        ck_assert_ptr_nonnull(total);
    }
    sources = el_rate_sources_new(
        &(struct el_rate_sources_args){.per_source = per_source, .slots = slots});
    ck_assert_ptr_nonnull(sources);
    limit = el_rate_limit_new(&(struct el_rate_limit_args){.total = total, .sources = sources});
    ck_assert_ptr_nonnull(limit);
}

static void teardown(void)
{
    el_rate_limit_free(limit);
    el_rate_sources_free(sources);
    el_rate_total_free(total);
}

static struct el_address v4(uint32_t host)
{
    struct el_address address = el_address_any(AF_INET, 40000);
    address.in.sin_addr.s_addr = htonl(host);
    return address;
}

static struct el_address v6(const char *text)
{
    struct el_address address;
    ck_assert_int_eq(el_address_from_literal(text, 40000, &address), 0);
    return address;
}

static enum el_rate_verdict take(const struct el_address *source, el_time now)
{
    return el_rate_limit_take(limit, source, now);
}

/* How many of a datagram every `gap` from `from` to before `to` pass. */
static uint64_t flood(const struct el_address *source, el_time from, el_time to, el_duration gap)
{
    uint64_t passed = 0;
    for (el_time now = from; now < to; now += gap)
        passed += take(source, now) == EL_RATE_PASS;
    return passed;
}

/* How many pass at one instant: the burst. */
static uint64_t burst(const struct el_address *source, el_time now)
{
    uint64_t passed = 0;
    while (passed < 1000000 && take(source, now) == EL_RATE_PASS)
        passed++;
    return passed;
}

/* ---- one source ------------------------------------------------------------------------------ */

START_TEST(a_flooding_source_gets_its_rate_and_one_burst)
{
    struct el_address flooder = v4(0x0a4d0001);
    limit_to(0, 1000, 0);
    uint64_t passed = flood(&flooder, 0, 10 * EL_S, 10 * EL_US); /* 100,000/s for 10 s */
    ck_assert_uint_ge(passed, 10000);
    ck_assert_uint_le(passed, 10100);
    ck_assert_int_eq(take(&flooder, 10 * EL_S - 1), EL_RATE_SOURCE);
}
END_TEST

START_TEST(who_keeps_to_the_rate_is_never_refused)
{
    static const uint64_t rates[] = {1, 2, 3, 7, 10, 1000, 7000, 10000, 99999, 1000000};
    struct el_address source = v4(1);
    limit_to(0, rates[_i], 0);
    /* Rounded up: a token is worth whole nanoseconds. */
    el_duration gap = (EL_S + (el_duration)rates[_i] - 1) / (el_duration)rates[_i];
    ck_assert_uint_eq(flood(&source, 5, 5 + 3000 * gap, gap), 3000);
}
END_TEST

START_TEST(the_burst_is_a_tenth_of_a_second_and_at_least_one)
{
    static const struct {
        uint64_t rate, burst;
    } cases[] = {{1, 1}, {9, 1}, {10, 1}, {19, 1}, {20, 2}, {1000, 100}, {100000, 10000}};
    struct el_address source = v4(1);
    limit_to(0, cases[_i].rate, 0);
    ck_assert_uint_eq(burst(&source, 0), cases[_i].burst);
    ck_assert_uint_eq(burst(&source, 0), 0);
}
END_TEST

START_TEST(a_rate_of_one_a_second_gives_one_each_second)
{
    struct el_address source = v4(1);
    limit_to(0, 1, 0);
    ck_assert_int_eq(take(&source, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&source, EL_S - 1), EL_RATE_SOURCE);
    ck_assert_int_eq(take(&source, EL_S), EL_RATE_PASS);
    ck_assert_int_eq(take(&source, 2 * EL_S - 1), EL_RATE_SOURCE);
    ck_assert_int_eq(take(&source, 2 * EL_S), EL_RATE_PASS);
}
END_TEST

/* A bucket may not start empty because the clock does, nor gain because it has gone on for long. */
START_TEST(a_fresh_bucket_is_full_wherever_the_clock_starts)
{
    static const el_time starts[] = {
        0, 1, -1, -EL_S, -1000000 * EL_S, 1000000 * EL_S, EL_NEVER - EL_S};
    struct el_address source = v4(1);
    limit_to(1000, 500, 0);
    ck_assert_uint_eq(burst(&source, starts[_i]), 50);
    ck_assert_int_eq(take(&source, starts[_i] + 2 * EL_MS), EL_RATE_PASS);
}
END_TEST

START_TEST(however_long_the_idling_the_gain_is_one_burst)
{
    static const el_duration idle[] = {EL_S / 10, EL_S, 3600 * EL_S, 100LL * 365 * 86400 * EL_S};
    struct el_address source = v4(1);
    limit_to(0, 1000, 0);
    burst(&source, 0);
    ck_assert_uint_eq(burst(&source, idle[_i]), 100);
}
END_TEST

START_TEST(refused_datagrams_cost_nothing)
{
    struct el_address source = v4(1);
    limit_to(0, 10, 0);
    ck_assert_int_eq(take(&source, 0), EL_RATE_PASS);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(take(&source, EL_S / 10 - 1), EL_RATE_SOURCE);
    ck_assert_int_eq(take(&source, EL_S / 10), EL_RATE_PASS);
}
END_TEST

START_TEST(time_that_goes_back_gives_nothing_away_and_breaks_nothing)
{
    struct el_address source = v4(1);
    limit_to(2000, 1000, 0);
    ck_assert_uint_eq(burst(&source, 10 * EL_S), 100);
    ck_assert_uint_eq(burst(&source, 9 * EL_S), 0);
    ck_assert_uint_eq(burst(&source, INT64_MIN / 2), 0);
    ck_assert_uint_eq(burst(&source, 10 * EL_S + EL_S / 10), 100);
}
END_TEST

START_TEST(unlimited_is_unlimited)
{
    struct el_address source = v4(1);
    limit_to(0, 0, 0);
    ck_assert_uint_eq(burst(&source, 0), 1000000);
}
END_TEST

START_TEST(rates_beyond_a_token_a_nanosecond_are_held_to_it)
{
    struct el_address source = v4(1);
    limit_to(UINT64_MAX, UINT64_MAX, 0);
    for (el_time now = 0; now < 1000; now++)
        ck_assert_int_eq(take(&source, now), EL_RATE_PASS);
}
END_TEST

/* What may have been granted at most from 0 to `now`: rate x time + burst. */
static uint64_t due(uint64_t rate, el_time now)
{
    uint64_t depth = rate >= 10 ? rate / 10 : 1;
    uint64_t seconds = (uint64_t)now / 1000000000, rest = (uint64_t)now % 1000000000;
    return rate * seconds + rate * rest / 1000000000 + depth;
}

/* Whatever the input. */
START_TEST(no_pattern_of_arrivals_gets_more_than_rate_times_time_plus_burst)
{
    fprintf(stderr, "ECHOLAB_SEED=%ju\n", (uintmax_t)unit_seed());
    for (unsigned round = 0; round < unit_rounds(60); round++) {
        uint64_t rate = 1 + unit_random(round % 2 ? 2000000 : 50),
                 in_all = 1 + unit_random(3 * rate);
        struct el_address source = v4(7);
        limit_to(in_all, rate, 8);
        uint64_t granted = 0;
        el_time now = 0;
        for (int i = 0; i < 5000; i++) {
            now += (el_time)unit_random(unit_random(10) == 0 ? 2 * EL_S / rate + 1 : 5);
            granted += take(&source, now) == EL_RATE_PASS;
            unit_holds(granted <= due(rate, now), "arrivals");
            unit_holds(granted <= due(in_all, now), "arrivals");
        }
        teardown();
    }
    limit = NULL;
    sources = NULL;
    total = NULL;
}
END_TEST

/* ---- who is one source ----------------------------------------------------------------------- */

START_TEST(each_ipv4_address_is_a_source)
{
    struct el_address a = v4(0x0a4d0001), b = v4(0x0a4d0002);
    limit_to(0, 10, 0);
    ck_assert_int_eq(take(&a, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&b, 0), EL_RATE_PASS);
    el_address_set_port(&a, 1234); /* another port is the same source */
    ck_assert_int_eq(take(&a, 0), EL_RATE_SOURCE);
}
END_TEST

START_TEST(all_of_an_ipv6_slash_64_is_one_source)
{
    struct el_address a = v6("2001:db8:0:1::1"), b = v6("2001:db8:0:1:ffff:ffff:ffff:ffff"),
                      c = v6("2001:db8:0:2::1");
    limit_to(0, 10, 0);
    ck_assert_int_eq(take(&a, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&b, 0), EL_RATE_SOURCE);
    ck_assert_int_eq(take(&c, 0), EL_RATE_PASS);
}
END_TEST

START_TEST(a_mapped_ipv4_address_is_the_ipv4_source)
{
    struct el_address mapped = v6("::ffff:10.77.0.1"), plain = v4(0x0a4d0001),
                      other = v6("::ffff:10.77.0.2");
    limit_to(0, 10, 0);
    ck_assert_int_eq(take(&mapped, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&plain, 0), EL_RATE_SOURCE);
    ck_assert_int_eq(take(&other, 0), EL_RATE_PASS);
}
END_TEST

/* 10.77.0.1 and the network 0a4d:1::/64 have the same bytes in the table's key. */
START_TEST(the_families_do_not_share_buckets)
{
    struct el_address a = v4(0x0a4d0001), b = v6("a4d:1::");
    limit_to(0, 10, 8); /* one set for all */
    ck_assert_int_eq(take(&a, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&b, 0), EL_RATE_PASS);
    struct el_address zero = v4(0), none = v6("::");
    ck_assert_int_eq(take(&zero, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&none, 0), EL_RATE_PASS);
    ck_assert_int_eq(take(&zero, 0), EL_RATE_SOURCE);
}
END_TEST

/* ---- many sources ---------------------------------------------------------------------------- */

START_TEST(memory_is_constant_under_a_million_sources)
{
    limit_to(0, 1000, 4096);
    size_t before = el_rate_sources_memory(sources);
    ck_assert_uint_le(before, 4096 * 32 + 8192);
    for (uint32_t i = 0; i < 1000000; i++) {
        struct el_address source = v4(i * 2654435761U);
        unit_holds(take(&source, (el_time)i * EL_US) == EL_RATE_PASS, "a new source");
    }
    ck_assert_uint_eq(el_rate_sources_memory(sources), before);
}
END_TEST

START_TEST(slots_are_rounded_up_to_a_power_of_two)
{
    static const struct {
        unsigned asked, got;
    } cases[] = {
        {1, 8}, {8, 8}, {9, 16}, {1000, 1024}, {1025, 2048}, {0, 4096}, {UINT32_MAX, 1 << 20}};
    limit_to(0, 1000, 8);
    size_t eight = el_rate_sources_memory(sources);
    teardown();
    limit_to(0, 1000, 16);
    size_t slot = (el_rate_sources_memory(sources) - eight) / 8;
    teardown();
    limit_to(0, 1000, cases[_i].asked);
    ck_assert_uint_eq(el_rate_sources_memory(sources), eight + (cases[_i].got - 8) * slot);
}
END_TEST

/* One source sends 100,000/s, another 100/s, both limited to 1,000/s. */
START_TEST(a_source_is_unharmed_while_another_floods)
{
    struct el_address flooder = v4(0x0a4d0001), other = v4(0x0a4d0002);
    limit_to(10000, 1000, 0);
    uint64_t flooded = 0;
    for (el_time now = 0; now < 5 * EL_S; now += 10 * EL_US) {
        flooded += take(&flooder, now) == EL_RATE_PASS;
        if (now % (10 * EL_MS) == 0)
            ck_assert_int_eq(take(&other, now), EL_RATE_PASS);
    }
    ck_assert_uint_le(flooded, 5100);
    ck_assert_uint_ge(flooded, 5000);
}
END_TEST

/* The same with a million forged sources around them: the one who keeps to its rate does not
 * notice. */
START_TEST(a_source_is_unharmed_by_a_million_spoofed_ones)
{
    struct el_address other = v4(0x0a4d0002);
    limit_to(0, 1000, 1024);
    for (uint32_t i = 0; i < 1000000; i++) {
        struct el_address spoofed = v4(0x40000000 + i);
        el_time now = (el_time)i * 5 * EL_US;
        take(&spoofed, now);
        if (now % (10 * EL_MS) == 0)
            ck_assert_int_eq(take(&other, now), EL_RATE_PASS);
    }
}
END_TEST

/* [eviction] A flooding source must not be washed out of the table by a rain of others, for a
 * forgotten source starts again with a full bucket. */
START_TEST(spoofed_sources_do_not_make_the_table_forget_a_flooder)
{
    struct el_address flooder = v4(0x0a4d0001);
    limit_to(0, 1000, 64);
    uint64_t flooded = 0;
    for (uint32_t i = 0; i < 500000; i++) {
        el_time now = (el_time)i * 10 * EL_US;
        struct el_address spoofed = v4(0x40000000 + i);
        take(&spoofed, now);
        flooded += take(&flooder, now) == EL_RATE_PASS;
    }
    ck_assert_uint_le(flooded, 5100);
}
END_TEST

/*
 * An attacker who knows this source text still does not know which sources share a set of places:
 * each table has its own secret. Here 24 sources crowd into two sets of eight, and then the total
 * is used up, so that asking changes nothing: a source whose bucket is kept is refused for its own
 * rate, a forgotten one only for the total.
 */
START_TEST(which_sources_collide_differs_from_table_to_table)
{
    enum { TABLES = 8, SOURCES = 24 };
    unsigned forgotten[TABLES] = {0}, different = 0;
    for (int t = 0; t < TABLES; t++) {
        limit_to(240, 1, 16); /* a burst of 24 in all */
        for (uint32_t i = 0; i < SOURCES; i++) {
            struct el_address source = v4(0x0a000000 + i);
            ck_assert_int_eq(take(&source, (el_time)i), EL_RATE_PASS);
        }
        for (uint32_t i = 0; i < SOURCES; i++) {
            struct el_address source = v4(0x0a000000 + i);
            forgotten[t] = forgotten[t] * 2 + (take(&source, 100) == EL_RATE_TOTAL);
        }
        ck_assert_int_ge(__builtin_popcount(forgotten[t]), SOURCES - 16);
        different += forgotten[t] != forgotten[0];
        teardown();
    }
    limit = NULL;
    sources = NULL;
    total = NULL;
    ck_assert_uint_gt(different, 0);
}
END_TEST

/* ---- the total ------------------------------------------------------------------------------- */

START_TEST(all_sources_together_get_the_total_and_one_burst)
{
    static const uint64_t rates[] = {1, 7, 100, 999, 12345, 64000};
    uint64_t rate = rates[_i], passed = 0;
    limit_to(rate, 0, 0);
    el_duration gap = EL_S / (el_duration)rate / 3 + 1;
    for (el_time now = 0; now < 2 * EL_S; now += gap) {
        struct el_address source = v4((uint32_t)now);
        enum el_rate_verdict verdict = take(&source, now);
        ck_assert_int_ne(verdict, EL_RATE_SOURCE);
        passed += verdict == EL_RATE_PASS;
    }
    ck_assert_uint_le(passed, due(rate, 2 * EL_S));
    ck_assert_uint_ge(passed, 2 * rate * 99 / 100);
}
END_TEST

START_TEST(a_refusal_by_the_total_takes_no_token_of_the_source)
{
    struct el_address hog = v4(1), source = v4(2);
    limit_to(10, 5, 0);
    ck_assert_int_eq(take(&hog, 0), EL_RATE_PASS); /* the total's only token */
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(take(&source, 1), EL_RATE_TOTAL);
    ck_assert_int_eq(take(&source, EL_S / 10), EL_RATE_PASS);
}
END_TEST

START_TEST(a_refusal_by_the_source_takes_no_token_of_the_total)
{
    struct el_address flooder = v4(1), other = v4(2);
    limit_to(20, 10, 0); /* a burst of two in all, one each */
    ck_assert_int_eq(take(&flooder, 0), EL_RATE_PASS);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(take(&flooder, 0), EL_RATE_SOURCE);
    ck_assert_int_eq(take(&other, 0), EL_RATE_PASS);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

enum { WORKERS = 4 };

struct worker {
    pthread_t thread;
    struct el_rate_total *total;
    struct el_rate_sources *sources; /* NULL: no limit for a source */
    pthread_barrier_t *start;        /* so that they meet, however slowly threads are made */
    uint64_t granted, asked;
    el_time until;
};

/* Virtual time again: each worker runs through the same second at its own pace, so the threads meet
 * in the atomic at all kinds of instants, also some that lie in another's past. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct el_rate_limit *mine = el_rate_limit_new(
        &(struct el_rate_limit_args){.total = worker->total, .sources = worker->sources});
    struct el_address source = v4(1);
    for (el_time now = 0; mine != NULL && now < worker->until; now += EL_US) {
        worker->asked++;
        worker->granted += el_rate_limit_take(mine, &source, now) == EL_RATE_PASS;
    }
    el_rate_limit_free(mine);
    return NULL;
}

/* The kernel spreads the ports of one source over the workers: together they give it one rate, not one each. */
START_TEST(a_source_gets_no_more_from_many_workers_than_from_one)
{
    static const uint64_t rates[] = {1, 999, 100000};
    struct el_rate_sources *shared = el_rate_sources_new(
        &(struct el_rate_sources_args){.per_source = rates[_i], .slots = 8, .threads = true});
    struct worker worker[WORKERS];
    uint64_t granted = 0;
    for (int i = 0; i < WORKERS; i++) {
        worker[i] = (struct worker){.sources = shared, .until = EL_S / 4};
        ck_assert_int_eq(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(worker[i].thread, NULL), 0);
        granted += worker[i].granted;
    }
    ck_assert_uint_le(granted, due(rates[_i], EL_S / 4));
    ck_assert_uint_ge(granted, (rates[_i] / 4 * 9 + 9) / 10);
    el_rate_sources_free(shared);
}
END_TEST

START_TEST(workers_together_never_get_more_than_the_total)
{
    static const uint64_t rates[] = {1, 999, 100000, 3000000};
    struct el_rate_total *shared = el_rate_total_new(rates[_i]);
    struct worker worker[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        worker[i] = (struct worker){.total = shared, .until = EL_S / 4};
        ck_assert_int_eq(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
    }
    uint64_t granted = 0;
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(worker[i].thread, NULL), 0);
        ck_assert_uint_eq(worker[i].asked, 250000);
        granted += worker[i].granted;
    }
    ck_assert_uint_le(granted, due(rates[_i], EL_S / 4));
    ck_assert_uint_ge(granted, 1);
    if (rates[_i] <= 1000000) /* each asks 10^6 a second: so nearly all there is goes */
        ck_assert_uint_ge(granted, rates[_i] / 4 * 9 / 10);
    el_rate_total_free(shared);
}
END_TEST

/* At one instant everybody takes what he can get: no chunk may be had twice. */
static void *grab(void *arg)
{
    struct worker *worker = arg;
    struct el_rate_limit *mine = el_rate_limit_new(
        &(struct el_rate_limit_args){.total = worker->total, .sources = worker->sources});
    struct el_address source = v4(1);
    pthread_barrier_wait(worker->start);
    while (mine != NULL && el_rate_limit_take(mine, &source, worker->until) == EL_RATE_PASS)
        worker->granted++;
    el_rate_limit_free(mine);
    return NULL;
}

START_TEST(no_token_is_leased_twice)
{
    const unsigned burst_size = unit_rounds(50000000); /* 781,250 chunks */
    struct el_rate_total *shared = el_rate_total_new(10 * (uint64_t)burst_size);
    struct worker worker[WORKERS];
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, WORKERS), 0);
    for (int i = 0; i < WORKERS; i++) {
        worker[i] = (struct worker){.total = shared, .start = &start, .until = 5 * EL_S};
        ck_assert_int_eq(pthread_create(&worker[i].thread, NULL, grab, &worker[i]), 0);
    }
    uint64_t granted = 0;
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(worker[i].thread, NULL), 0);
        granted += worker[i].granted;
    }
    ck_assert_uint_eq(granted, burst_size);
    pthread_barrier_destroy(&start);
    el_rate_total_free(shared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate_limit");
    TCase *t = tcase_create("one source");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, a_flooding_source_gets_its_rate_and_one_burst);
    tcase_add_loop_test(t, who_keeps_to_the_rate_is_never_refused, 0, 10);
    tcase_add_loop_test(t, the_burst_is_a_tenth_of_a_second_and_at_least_one, 0, 7);
    tcase_add_test(t, a_rate_of_one_a_second_gives_one_each_second);
    tcase_add_loop_test(t, a_fresh_bucket_is_full_wherever_the_clock_starts, 0, 7);
    tcase_add_loop_test(t, however_long_the_idling_the_gain_is_one_burst, 0, 4);
    tcase_add_test(t, refused_datagrams_cost_nothing);
    tcase_add_test(t, time_that_goes_back_gives_nothing_away_and_breaks_nothing);
    tcase_add_test(t, unlimited_is_unlimited);
    tcase_add_test(t, rates_beyond_a_token_a_nanosecond_are_held_to_it);
    tcase_add_test(t, no_pattern_of_arrivals_gets_more_than_rate_times_time_plus_burst);
    suite_add_tcase(suite, t);

    t = tcase_create("who is one source");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, each_ipv4_address_is_a_source);
    tcase_add_test(t, all_of_an_ipv6_slash_64_is_one_source);
    tcase_add_test(t, a_mapped_ipv4_address_is_the_ipv4_source);
    tcase_add_test(t, the_families_do_not_share_buckets);
    suite_add_tcase(suite, t);

    t = tcase_create("many sources");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, memory_is_constant_under_a_million_sources);
    tcase_add_loop_test(t, slots_are_rounded_up_to_a_power_of_two, 0, 7);
    tcase_add_test(t, a_source_is_unharmed_while_another_floods);
    tcase_add_test(t, a_source_is_unharmed_by_a_million_spoofed_ones);
    tcase_add_test(t, spoofed_sources_do_not_make_the_table_forget_a_flooder);
    tcase_add_test(t, which_sources_collide_differs_from_table_to_table);
    suite_add_tcase(suite, t);

    t = tcase_create("the total");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_loop_test(t, all_sources_together_get_the_total_and_one_burst, 0, 6);
    tcase_add_test(t, a_refusal_by_the_total_takes_no_token_of_the_source);
    tcase_add_test(t, a_refusal_by_the_source_takes_no_token_of_the_total);
    tcase_add_loop_test(t, a_source_gets_no_more_from_many_workers_than_from_one, 0, 3);
    tcase_add_loop_test(t, workers_together_never_get_more_than_the_total, 0, 4);
    tcase_add_test(t, no_token_is_leased_twice);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
