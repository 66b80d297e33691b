/* test_bench_stats.c - a median is one of luck's friends; a verdict must not be. */
#include "../lib/unit.h"
#include "stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUES_MAX = 60 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(median_and_ends_are_those_of_the_sorted_array)
{
    for (unsigned round = 0; round < unit_rounds(2000); round++) {
        double values[VALUES_MAX], sorted[VALUES_MAX] = {0};
        char shown[40];
        size_t count = 1 + unit_random(VALUES_MAX), there = 0;
        for (size_t i = 0; i < count; i++) {
            values[i] = unit_random(8) == 0 ? NAN : (double)unit_random(20); /* many ties */
            if (!isnan(values[i]))
                sorted[there++] = values[i];
        }
        qsort(sorted, there, sizeof sorted[0], by_value);
        struct bench_spread spread = bench_spread_of(values, count);
        snprintf(shown, sizeof shown, "round %u", round);
        unit_holds(spread.count == there, shown);
        if (there == 0)
            continue;
        unit_holds(spread.low == sorted[0] && spread.high == sorted[there - 1], shown);
        unit_holds(spread.median == (sorted[(there - 1) / 2] + sorted[there / 2]) / 2, shown);
    }
}
END_TEST

START_TEST(of_nothing_there_is_no_median)
{
    const double none[] = {NAN, INFINITY};
    struct bench_spread spread = bench_spread_of(none, 2);
    ck_assert_uint_eq(spread.count, 0);
    ck_assert(isnan(spread.median) && isnan(spread.low) && isnan(spread.high));
    ck_assert(isnan(bench_spread_of(NULL, 0).median));
}
END_TEST

START_TEST(further_apart_than_either_spreads_is_different)
{
    const double a[] = {152, 150, 155}, b[] = {100, 101, 99};
    struct bench_comparison c = bench_compare(a, b, 3);
    ck_assert_int_eq(c.verdict, BENCH_MORE);
    ck_assert_double_eq_tol(c.ratio, 1.52, 1e-9);
    ck_assert_double_eq_tol(c.low, 150.0 / 101, 1e-9);
    ck_assert_double_eq_tol(c.high, 155.0 / 99, 1e-9);
    ck_assert_int_eq(bench_compare(b, a, 3).verdict, BENCH_LESS);
}
END_TEST

START_TEST(a_spread_as_wide_as_the_difference_gives_no_verdict)
{
    const double a[] = {110, 100, 120}, b[] = {90, 90, 90}; /* difference 20, spread 20 */
    ck_assert_int_eq(bench_compare(a, b, 3).verdict, BENCH_NO_VERDICT);
    ck_assert_int_eq(bench_compare(b, a, 3).verdict, BENCH_NO_VERDICT);
    const double narrower[] = {110, 100, 119}; /* difference 20, spread 19 */
    ck_assert_int_eq(bench_compare(narrower, b, 3).verdict, BENCH_MORE);
}
END_TEST

START_TEST(the_same_twice_gives_no_verdict)
{
    const double a[] = {7, 7, 7, 7, 7};
    struct bench_comparison c = bench_compare(a, a, 5);
    ck_assert_int_eq(c.verdict, BENCH_NO_VERDICT);
    ck_assert(c.ratio == 1 && c.low == 1 && c.high == 1);
}
END_TEST

START_TEST(two_rounds_are_too_few)
{
    const double a[] = {200, 200}, b[] = {100, 100};
    struct bench_comparison c = bench_compare(a, b, 2);
    ck_assert_int_eq(c.verdict, BENCH_NO_VERDICT);
    ck_assert(c.ratio == 2);
    ck_assert(isnan(bench_compare(a, b, 0).ratio));
}
END_TEST

START_TEST(a_round_without_a_figure_counts_on_neither_side)
{
    /* Of b's 1000 nothing may be seen: a has no figure of that round. */
    const double a[] = {200, NAN, 201, 199}, b[] = {100, 1000, 101, 99};
    struct bench_comparison c = bench_compare(a, b, 4);
    ck_assert_int_eq(c.verdict, BENCH_MORE);
    ck_assert(c.ratio == 2);
    const double fewer[] = {200, NAN, NAN, 199};
    ck_assert_int_eq(bench_compare(fewer, b, 4).verdict, BENCH_NO_VERDICT);
}
END_TEST

START_TEST(nothing_is_a_multiple_of_zero_and_still_more)
{
    const double a[] = {5, 6, 5}, zero[] = {0, 0, 0};
    struct bench_comparison c = bench_compare(a, zero, 3);
    ck_assert_int_eq(c.verdict, BENCH_MORE);
    ck_assert(isnan(c.ratio) && isnan(c.low) && isnan(c.high));
}
END_TEST

/* Two servers that are the same: noise alone must seldom win. With five rounds each, of uniform noise, the rule is wrong in about
 * one of a hundred; the test allows four. */
START_TEST(noise_alone_seldom_gets_a_verdict)
{
    unsigned wrong = 0, rounds = unit_rounds(5000);
    for (unsigned round = 0; round < rounds; round++) {
        double a[5], b[5];
        for (size_t i = 0; i < 5; i++) {
            a[i] = 1000 + (double)unit_random(400);
            b[i] = 1000 + (double)unit_random(400);
        }
        wrong += bench_compare(a, b, 5).verdict != BENCH_NO_VERDICT;
    }
    ck_assert_uint_le(wrong, rounds / 25);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_stats");
    TCase *t = tcase_create("spread");
    tcase_add_test(t, median_and_ends_are_those_of_the_sorted_array);
    tcase_add_test(t, of_nothing_there_is_no_median);
    suite_add_tcase(suite, t);

    t = tcase_create("verdict");
    tcase_add_test(t, further_apart_than_either_spreads_is_different);
    tcase_add_test(t, a_spread_as_wide_as_the_difference_gives_no_verdict);
    tcase_add_test(t, the_same_twice_gives_no_verdict);
    tcase_add_test(t, two_rounds_are_too_few);
    tcase_add_test(t, a_round_without_a_figure_counts_on_neither_side);
    tcase_add_test(t, nothing_is_a_multiple_of_zero_and_still_more);
    tcase_add_test(t, noise_alone_seldom_gets_a_verdict);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
