/*
 * test_timeline_order.c - the order keeps every certain edge, whatever the clocks say.
 */
#include "timeline_order.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

enum { EVENTS = 400, EDGES = 1200 };

struct sample {
    size_t count, edges;
    el_time at[EVENTS];
    bool loose[EVENTS];
    struct timeline_edge edge[EDGES];
    uint32_t order[EVENTS];
};

static int order_of(struct sample *sample)
{
    struct timeline_history history = {sample->count, sample->at, sample->loose, sample->edge,
                                       sample->edges};
    return timeline_order(&history, sample->order);
}

static void edge(struct sample *sample, uint32_t from, uint32_t to, bool soft)
{
    ck_assert_uint_lt(sample->edges, EDGES);
    sample->edge[sample->edges++] = (struct timeline_edge){.from = from, .to = to, .soft = soft};
}

/* The order as a word: "1302". */
static void is_order(const struct sample *sample, const char *expected)
{
    char order[EVENTS + 1] = "";
    for (size_t i = 0; i < sample->count; i++)
        order[i] = (char)('0' + sample->order[i]);
    ck_assert_str_eq(order, expected);
}

START_TEST(without_edges_it_is_the_order_of_time)
{
    struct sample sample = {.count = 4, .at = {30, 10, 40, 20}};
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "1302");
}
END_TEST

START_TEST(equal_times_keep_the_order_they_came_in)
{
    struct sample sample = {.count = 3, .at = {7, 7, 7}};
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "012");
}
END_TEST

START_TEST(a_cause_comes_first_even_if_its_stamp_is_later)
{
    struct sample sample = {.count = 3, .at = {50, 20, 30}};
    edge(&sample, 0, 1, false);
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "201");
    ck_assert_int_eq(sample.at[1], 50); /* shown times do not run backwards */
}
END_TEST

START_TEST(an_upper_bound_is_lowered_to_what_came_after_it)
{
    struct sample sample = {.count = 3, .at = {50, 20, 30}, .loose = {true}};
    edge(&sample, 0, 1, false);
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "012");
    ck_assert_int_eq(sample.at[0], 20);
}
END_TEST

START_TEST(what_has_no_time_follows_its_cause_at_once)
{
    struct sample sample = {.count = 4, .at = {10, 10, TIMELINE_AT_ONCE, 11}};
    edge(&sample, 0, 2, false);
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "0213");
    ck_assert_int_eq(sample.at[2], 10);
}
END_TEST

START_TEST(a_likely_cause_comes_first_when_nothing_speaks_against_it)
{
    struct sample sample = {.count = 3, .at = {50, 20, 30}};
    edge(&sample, 0, 1, true);
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "201");
}
END_TEST

START_TEST(a_likely_cause_yields_to_a_certain_one)
{
    struct sample sample = {.count = 2, .at = {50, 20}};
    edge(&sample, 0, 1, true);
    edge(&sample, 1, 0, false);
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "10");
}
END_TEST

START_TEST(a_likely_cause_is_not_waited_for_longer_than_a_millisecond)
{
    struct sample sample = {.count = 3, .at = {9 * EL_MS, 1 * EL_MS, 5 * EL_MS}};
    edge(&sample, 0, 1, true);
    ck_assert_int_eq(order_of(&sample), 0);
    is_order(&sample, "120");
}
END_TEST

START_TEST(a_circle_of_certain_edges_still_ends_and_is_told)
{
    struct sample sample = {.count = 4, .at = {40, 30, 20, 10}};
    edge(&sample, 0, 1, false);
    edge(&sample, 1, 2, false);
    edge(&sample, 2, 0, false);
    edge(&sample, 2, 3, false);
    ck_assert_int_gt(order_of(&sample), 0);
    bool seen[4] = {false};
    for (size_t i = 0; i < 4; i++)
        seen[sample.order[i]] = true;
    ck_assert(seen[0] && seen[1] && seen[2] && seen[3]);
}
END_TEST

START_TEST(nothing_is_in_order_and_an_edge_to_nowhere_is_refused)
{
    struct sample sample = {0};
    ck_assert_int_eq(order_of(&sample), 0);
    sample.count = 2;
    edge(&sample, 0, 2, false);
    ck_assert_int_eq(order_of(&sample), -EINVAL);
}
END_TEST

/* ---- properties ------------------------------------------------------------------------------ */

static void check_order(const struct sample *sample)
{
    size_t place[EVENTS] = {0};
    bool seen[EVENTS] = {false};
    for (size_t i = 0; i < sample->count; i++) {
        unit_holds(sample->order[i] < sample->count && !seen[sample->order[i]], "each event once");
        seen[sample->order[i]] = true;
        place[sample->order[i]] = i;
        unit_holds(i == 0 || sample->at[sample->order[i - 1]] <= sample->at[sample->order[i]],
                   "times never run backwards");
    }
    for (size_t i = 0; i < sample->edges; i++)
        unit_holds(sample->edge[i].soft || place[sample->edge[i].from] < place[sample->edge[i].to],
                   "every certain edge");
}

static void shuffle(uint32_t *numbers, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = unit_random(i);
        uint32_t kept = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = kept;
    }
}

/*
 * A history that happened: events in their true order get names at random, clocks that are wrong by up
 * to a millisecond, certain edges that are true, and likely ones that are true or not.
 */
START_TEST(property_a_true_history_is_put_in_a_true_order)
{
    static struct sample sample;
    for (unsigned round = 0; round < unit_rounds(600); round++) {
        uint32_t name[EVENTS];
        memset(&sample, 0, sizeof sample);
        sample.count = 1 + unit_random(EVENTS);
        for (uint32_t i = 0; i < sample.count; i++)
            name[i] = i;
        shuffle(name, sample.count);
        for (size_t i = 0; i < sample.count; i++) {
            el_time lag = (el_time)unit_random(EL_MS);
            sample.loose[name[i]] = unit_random(2) == 0;
            sample.at[name[i]] = (el_time)i * 20 * EL_US + (unit_random(2) ? lag : 0);
            if (unit_random(20) == 0)
                sample.at[name[i]] = TIMELINE_AT_ONCE;
        }
        for (unsigned i = 0; i < EDGES && sample.count > 1; i++) {
            size_t a = unit_random(sample.count), b = unit_random(sample.count);
            bool soft = unit_random(3) == 0;
            if (a != b)
                edge(&sample, name[soft || a < b ? a : b], name[soft || a < b ? b : a], soft);
        }
        unit_holds(order_of(&sample) == 0, "no contradiction in a true history");
        check_order(&sample);
    }
}
END_TEST

START_TEST(property_an_impossible_history_still_comes_out_whole)
{
    static struct sample sample;
    for (unsigned round = 0; round < unit_rounds(600); round++) {
        memset(&sample, 0, sizeof sample);
        sample.count = 1 + unit_random(EVENTS);
        for (size_t i = 0; i < sample.count; i++)
            sample.at[i] = (el_time)unit_random(1000);
        for (size_t i = unit_random(EDGES); i > 0; i--)
            edge(&sample, (uint32_t)unit_random(sample.count), (uint32_t)unit_random(sample.count),
                 unit_random(2) == 0);
        int against = order_of(&sample);
        unit_holds(against >= 0 && (size_t)against <= sample.count, "it ends");
        bool seen[EVENTS] = {false};
        for (size_t i = 0; i < sample.count; i++) {
            unit_holds(!seen[sample.order[i]], "each event once");
            seen[sample.order[i]] = true;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeline_order");
    TCase *tcase = tcase_create("timeline_order");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, without_edges_it_is_the_order_of_time);
    tcase_add_test(tcase, equal_times_keep_the_order_they_came_in);
    tcase_add_test(tcase, a_cause_comes_first_even_if_its_stamp_is_later);
    tcase_add_test(tcase, an_upper_bound_is_lowered_to_what_came_after_it);
    tcase_add_test(tcase, what_has_no_time_follows_its_cause_at_once);
    tcase_add_test(tcase, a_likely_cause_comes_first_when_nothing_speaks_against_it);
    tcase_add_test(tcase, a_likely_cause_yields_to_a_certain_one);
    tcase_add_test(tcase, a_likely_cause_is_not_waited_for_longer_than_a_millisecond);
    tcase_add_test(tcase, a_circle_of_certain_edges_still_ends_and_is_told);
    tcase_add_test(tcase, nothing_is_in_order_and_an_edge_to_nowhere_is_refused);
    tcase_add_test(tcase, property_a_true_history_is_put_in_a_true_order);
    tcase_add_test(tcase, property_an_impossible_history_still_comes_out_whole);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
