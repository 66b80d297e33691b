/*
 * test_histogram.c - the histogram against a sorted array of everything that was recorded.
 *
 * An array gives every percentile exactly and costs eight bytes a value; the histogram may be one
 * percent wrong and costs 32 KiB for ever. Random data of five shapes must not tell them apart by
 * more.
 */
#include "../lib/unit.h"
#include "histogram.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUES_MAX = 20000 };

static struct el_histogram *histogram;
static el_duration values[VALUES_MAX];
static size_t count;

static void setup(void)
{
    histogram = el_histogram_new();
    ck_assert_ptr_nonnull(histogram);
    count = 0;
}

static void teardown(void)
{
    el_histogram_free(histogram);
}

static void record(el_duration value)
{
    el_histogram_record(histogram, value);
    values[count++] = value;
}

/* ---- random data ----------------------------------------------------------------------------- */

static double unit_interval(void)
{
    return (double)unit_random(UINT64_C(1) << 53) / (double)(UINT64_C(1) << 53);
}

static el_duration uniform(void)
{
    return EL_US + (el_duration)unit_random((uint64_t)(60 * EL_S));
}
/* Every power of ten from 1 us to 60 s alike. */
static el_duration log_uniform(void)
{
    return (el_duration)((double)EL_US * pow(60e6, unit_interval()));
}
static el_duration exponential(void)
{
    return EL_US + (el_duration)(-log(1 - unit_interval()) * 200e3);
}
/* A fast path, and a retransmission after 200 ms for one in fifty. */
static el_duration two_peaks(void)
{
    return (unit_random(50) == 0 ? 200 * EL_MS : 0) + 80 * EL_US + (el_duration)unit_random(30000);
}
/* Few values, many ties. */
static el_duration steps(void)
{
    return (el_duration)(1 + unit_random(5)) * 300 * EL_US;
}

static el_duration (*const shapes[])(void) = {uniform, log_uniform, exponential, two_peaks, steps};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void record_random(el_duration (*shape)(void), size_t how_many)
{
    for (size_t i = 0; i < how_many; i++)
        record(shape());
}

static int compare(const void *a, const void *b)
{
    el_duration x = *(const el_duration *)a, y = *(const el_duration *)b;
    return (x > y) - (x < y);
}

/* The smallest value that `tenths`/1000 of all do not exceed, in whole numbers alone. */
static el_duration nearest_rank(unsigned tenths)
{
    size_t rank = (count * tenths + 999) / 1000;
    return values[rank == 0 ? 0 : rank - 1];
}

static void expect_within_one_percent(el_duration got, el_duration wanted, unsigned tenths)
{
    ck_assert_msg(fabs((double)(got - wanted)) <= 0.01 * (double)wanted,
                  "p%u.%u of %zu values: %jd, wanted %jd (ECHOLAB_SEED=%ju)", tenths / 10,
                  tenths % 10, count, (intmax_t)got, (intmax_t)wanted, (uintmax_t)unit_seed());
}

START_TEST(every_percentile_is_within_one_percent_of_the_sorted_arrays)
{
    fprintf(stderr, "ECHOLAB_SEED=%ju\n", (uintmax_t)unit_seed());
    static const size_t sizes[] = {1, 2, 3, 10, 99, 100, 101, 1000, VALUES_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        el_histogram_clear(histogram);
        count = 0;
        record_random(shapes[_i], sizes[s]);
        qsort(values, count, sizeof values[0], compare);
        for (unsigned tenths = 0; tenths <= 1000; tenths++)
            expect_within_one_percent(el_histogram_percentile(histogram, tenths / 10.0),
                                      nearest_rank(tenths), tenths);
        ck_assert_int_eq(el_histogram_min(histogram), values[0]);
        ck_assert_int_eq(el_histogram_max(histogram), values[count - 1]);
    }
}
END_TEST

START_TEST(mean_and_deviation_are_those_of_the_values)
{
    record_random(shapes[_i], VALUES_MAX);
    long double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (long double)values[i];
    long double mean = sum / (long double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((long double)values[i] - mean) * ((long double)values[i] - mean);
    double deviation = (double)sqrtl(squares / (long double)count);
    ck_assert_double_eq_tol(el_histogram_mean(histogram), (double)mean, (double)mean * 1e-12);
    ck_assert_double_eq_tol(el_histogram_deviation(histogram), deviation, deviation * 1e-9);
}
END_TEST

/* A small deviation on a large mean: sums of squares would have lost it. */
START_TEST(a_deviation_of_half_a_nanosecond_around_a_minute_is_seen)
{
    for (int i = 0; i < 1000; i++)
        record(60 * EL_S + i % 2);
    ck_assert_double_eq_tol(el_histogram_deviation(histogram), 0.5, 1e-4);
}
END_TEST

static bool same_buckets(const struct el_histogram *a, const struct el_histogram *b)
{
    size_t cursor_a = 0, cursor_b = 0;
    for (;;) {
        el_duration low_a, high_a, low_b, high_b;
        uint64_t count_a, count_b;
        bool more_a = el_histogram_next(a, &cursor_a, &low_a, &high_a, &count_a);
        bool more_b = el_histogram_next(b, &cursor_b, &low_b, &high_b, &count_b);
        if (!more_a || !more_b)
            return more_a == more_b;
        if (low_a != low_b || high_a != high_b || count_a != count_b)
            return false;
    }
}

static void expect_same(const struct el_histogram *a, const struct el_histogram *b)
{
    ck_assert(same_buckets(a, b));
    ck_assert_uint_eq(el_histogram_count(a), el_histogram_count(b));
    ck_assert_uint_eq(el_histogram_over(a), el_histogram_over(b));
    ck_assert_int_eq(el_histogram_min(a), el_histogram_min(b));
    ck_assert_int_eq(el_histogram_max(a), el_histogram_max(b));
    double mean = el_histogram_mean(b), deviation = el_histogram_deviation(b);
    ck_assert_double_eq_tol(el_histogram_mean(a), mean, fabs(mean) * 1e-12 + 1e-9);
    ck_assert_double_eq_tol(el_histogram_deviation(a), deviation, deviation * 1e-6 + 1e-6);
}

START_TEST(merged_histograms_are_as_if_all_had_been_recorded_in_one)
{
    struct el_histogram *part[3], *merged = el_histogram_new();
    for (int i = 0; i < 3; i++)
        part[i] = el_histogram_new();
    for (int i = 0; i < 6000; i++) {
        el_duration value = unit_random(500) == 0 ? 200 * EL_S : shapes[_i]();
        record(value);
        el_histogram_record(part[unit_random(2)], value); /* the third stays empty */
    }
    for (int i = 0; i < 3; i++)
        el_histogram_merge(merged, part[i]);
    expect_same(merged, histogram);
    for (int i = 0; i < 3; i++)
        el_histogram_free(part[i]);
    el_histogram_free(merged);
}
END_TEST

START_TEST(merging_an_empty_one_changes_nothing)
{
    struct el_histogram *empty = el_histogram_new();
    record(5 * EL_MS);
    el_histogram_merge(histogram, empty);
    ck_assert_uint_eq(el_histogram_count(histogram), 1);
    ck_assert_int_eq(el_histogram_min(histogram), 5 * EL_MS);
    el_histogram_merge(empty, histogram);
    expect_same(empty, histogram);
    el_histogram_free(empty);
}
END_TEST

/* ---- coordinated omission -------------------------------------------------------------------- */

START_TEST(a_stall_of_100_ms_on_a_1_ms_schedule_hid_99_values)
{
    el_histogram_record_corrected(histogram, 100 * EL_MS, EL_MS);
    ck_assert_uint_eq(el_histogram_count(histogram), 100);
    ck_assert_int_eq(el_histogram_min(histogram), EL_MS);
    ck_assert_int_eq(el_histogram_max(histogram), 100 * EL_MS);
    ck_assert_double_eq_tol(el_histogram_mean(histogram), 50.5 * (double)EL_MS, 1);
    expect_within_one_percent(el_histogram_percentile(histogram, 50), 50 * EL_MS, 500);
}
END_TEST

START_TEST(a_value_in_its_interval_hid_nothing)
{
    static const struct {
        el_duration value, interval;
    } cases[] = {{EL_MS, 2 * EL_MS}, {EL_MS, EL_MS},         {2 * EL_MS - 1, EL_MS},
                 {5 * EL_S, 0},      {5 * EL_S, -5 * EL_MS}, {0, EL_MS},
                 {-5, EL_MS},        {5, EL_NEVER}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        el_histogram_record_corrected(histogram, cases[i].value, cases[i].interval);
    ck_assert_uint_eq(el_histogram_count(histogram), sizeof cases / sizeof cases[0]);
    el_histogram_record_corrected(histogram, 2 * EL_MS, EL_MS);
    ck_assert_uint_eq(el_histogram_count(histogram), sizeof cases / sizeof cases[0] + 2);
}
END_TEST

START_TEST(the_correction_is_as_if_each_hidden_value_had_been_recorded)
{
    fprintf(stderr, "ECHOLAB_SEED=%ju\n", (uintmax_t)unit_seed());
    for (int round = 0; round < 1000; round++) {
        struct el_histogram *one_by_one = el_histogram_new();
        el_histogram_clear(histogram);
        for (int i = 0; i < 4; i++) {
            el_duration value = log_uniform() * (unit_random(4) == 0 ? 50 : 1); /* up to 50 min */
            uint64_t parts = 1 + unit_random(unit_random(2) ? 6 : 3000);
            el_duration interval = 1 + value / (el_duration)parts;
            el_histogram_record_corrected(histogram, value, interval);
            el_histogram_record(one_by_one, value);
            for (el_duration v = value - interval; v >= interval; v -= interval)
                el_histogram_record(one_by_one, v);
        }
        expect_same(histogram, one_by_one);
        el_histogram_free(one_by_one);
    }
}
END_TEST

/* A loop over each hidden value would take a minute for the first, a century for the second. */
START_TEST(the_work_for_a_long_stall_over_a_short_interval_is_bounded)
{
    el_time start = el_now();
    el_histogram_record_corrected(histogram, 60 * EL_S, 1);
    ck_assert_uint_eq(el_histogram_count(histogram), (uint64_t)(60 * EL_S));
    expect_within_one_percent(el_histogram_percentile(histogram, 25), 15 * EL_S, 250);
    ck_assert_double_eq_tol(el_histogram_mean(histogram), 30e9 + 0.5, 1);
    el_histogram_clear(histogram);
    el_histogram_record_corrected(histogram, EL_NEVER, 1);
    ck_assert_uint_eq(el_histogram_count(histogram), (uint64_t)EL_NEVER);
    ck_assert_uint_eq(el_histogram_over(histogram), (uint64_t)EL_NEVER - ((1ULL << 37) - 1));
    ck_assert_int_lt(el_now() - start, 20 * EL_S);
}
END_TEST

/* ---- buckets and edges ----------------------------------------------------------------------- */

START_TEST(a_value_lies_in_a_bucket_no_wider_than_a_128th_of_it)
{
    for (int round = 0; round < 50000; round++) {
        el_duration value =
            round < 1024 ? round : (el_duration)unit_random(1ULL << (1 + round % 37));
        el_histogram_clear(histogram);
        el_histogram_record(histogram, value);
        size_t cursor = 0;
        el_duration low, high;
        uint64_t here;
        ck_assert(el_histogram_next(histogram, &cursor, &low, &high, &here));
        ck_assert(low <= value && value <= high);
        ck_assert_int_le((high - low) * 128, value);
        ck_assert_uint_eq(here, 1);
        ck_assert(!el_histogram_next(histogram, &cursor, &low, &high, &here));
    }
}
END_TEST

START_TEST(buckets_touch_and_do_not_overlap)
{
    for (unsigned bit = 0; bit < 37; bit++)
        for (el_duration step = 0; step < 128; step++)
            el_histogram_record(histogram, (1LL << bit) + (step << bit) / 128);
    size_t cursor = 0;
    el_duration low, high, end = 0;
    uint64_t here, all = 0;
    while (el_histogram_next(histogram, &cursor, &low, &high, &here)) {
        ck_assert_int_eq(low, end + 1);
        ck_assert_int_ge(high, low);
        end = high;
        all += here;
    }
    ck_assert_int_eq(end, (1LL << 37) - 1);
    ck_assert_uint_eq(all, el_histogram_count(histogram));
}
END_TEST

START_TEST(an_empty_histogram_has_no_mean)
{
    ck_assert_uint_eq(el_histogram_count(histogram), 0);
    ck_assert_int_eq(el_histogram_min(histogram), 0);
    ck_assert_int_eq(el_histogram_max(histogram), 0);
    ck_assert_int_eq(el_histogram_percentile(histogram, 50), 0);
    ck_assert_double_nan(el_histogram_mean(histogram));
    ck_assert_double_nan(el_histogram_deviation(histogram));
    size_t cursor = 0;
    el_duration low, high;
    uint64_t here;
    ck_assert(!el_histogram_next(histogram, &cursor, &low, &high, &here));
}
END_TEST

START_TEST(clear_makes_it_empty_again)
{
    record(5);
    record(400 * EL_S);
    el_histogram_clear(histogram);
    struct el_histogram *fresh = el_histogram_new();
    ck_assert(same_buckets(histogram, fresh));
    ck_assert_uint_eq(el_histogram_over(histogram), 0);
    ck_assert_int_eq(el_histogram_max(histogram), 0);
    ck_assert_double_nan(el_histogram_mean(histogram));
    el_histogram_free(fresh);
}
END_TEST

START_TEST(a_negative_value_counts_as_zero)
{
    record(-5);
    ck_assert_int_eq(el_histogram_min(histogram), 0);
    ck_assert_int_eq(el_histogram_max(histogram), 0);
    ck_assert_double_eq(el_histogram_mean(histogram), 0);
}
END_TEST

START_TEST(values_beyond_the_range_are_counted_and_their_percentile_is_the_maximum)
{
    for (int i = 0; i < 90; i++)
        record(EL_MS);
    for (int i = 0; i < 9; i++)
        record(200 * EL_S);
    record(EL_NEVER);
    ck_assert_uint_eq(el_histogram_over(histogram), 10);
    expect_within_one_percent(el_histogram_percentile(histogram, 90), EL_MS, 900);
    ck_assert_int_eq(el_histogram_percentile(histogram, 91), EL_NEVER);
    record(EL_NEVER); /* the sum needs more than 64 bits now */
    ck_assert_double_eq_tol(el_histogram_mean(histogram), 2.0 * 0x1p63 / 101, 1e13);
}
END_TEST

/* 99.9 is not a binary number: computed naively, 99.9 % of 1000 is rank 1000. */
START_TEST(a_percentile_of_a_round_number_has_the_rank_that_paper_gives)
{
    static const struct {
        double percent;
        unsigned of, rank;
    } cases[] = {
        {99.9, 1000, 999}, {99.99, 10000, 9999}, {99, 100, 99},  {90, 10, 9},       {50, 10, 5},
        {50, 11, 6},       {7, 100, 7},          {0.1, 1000, 1}, {33.3, 1000, 333}, {14, 50, 7},
        {28, 25, 7},       {55, 20, 11},         {1e-9, 7, 1},   {0, 7, 1},         {100, 7, 7},
        {110, 7, 7},       {-3, 7, 1},           {NAN, 7, 1},    {99.999, 7, 7},    {14.3, 7, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* Ones up to the rank and twos after it: one. One of the ones made a two: two. */
        for (unsigned wanted = 1; wanted <= 2; wanted++) {
            el_histogram_clear(histogram);
            for (unsigned v = 1; v <= cases[i].of; v++)
                el_histogram_record(histogram, v + wanted <= cases[i].rank + 1 ? 1 : 2);
            el_duration got = el_histogram_percentile(histogram, cases[i].percent);
            ck_assert_msg(got == wanted, "%g %% of %u is not rank %u", cases[i].percent,
                          cases[i].of, cases[i].rank);
        }
    }
}
END_TEST

START_TEST(small_whole_numbers_are_exact)
{
    for (el_duration v = 1; v <= 250; v++)
        el_histogram_record(histogram, v);
    for (unsigned v = 1; v <= 250; v++)
        ck_assert_int_eq(el_histogram_percentile(histogram, v / 2.5), v);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *t = tcase_create("against a sorted array");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, every_percentile_is_within_one_percent_of_the_sorted_arrays, 0, SHAPES);
    tcase_add_loop_test(t, mean_and_deviation_are_those_of_the_values, 0, SHAPES);
    tcase_add_test(t, a_deviation_of_half_a_nanosecond_around_a_minute_is_seen);
    tcase_add_loop_test(t, merged_histograms_are_as_if_all_had_been_recorded_in_one, 0, SHAPES);
    tcase_add_test(t, merging_an_empty_one_changes_nothing);
    suite_add_tcase(suite, t);

    t = tcase_create("coordinated omission");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_stall_of_100_ms_on_a_1_ms_schedule_hid_99_values);
    tcase_add_test(t, a_value_in_its_interval_hid_nothing);
    tcase_add_test(t, the_correction_is_as_if_each_hidden_value_had_been_recorded);
    tcase_add_test(t, the_work_for_a_long_stall_over_a_short_interval_is_bounded);
    suite_add_tcase(suite, t);

    t = tcase_create("buckets and edges");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_value_lies_in_a_bucket_no_wider_than_a_128th_of_it);
    tcase_add_test(t, buckets_touch_and_do_not_overlap);
    tcase_add_test(t, an_empty_histogram_has_no_mean);
    tcase_add_test(t, clear_makes_it_empty_again);
    tcase_add_test(t, a_negative_value_counts_as_zero);
    tcase_add_test(t, values_beyond_the_range_are_counted_and_their_percentile_is_the_maximum);
    tcase_add_test(t, a_percentile_of_a_round_number_has_the_rank_that_paper_gives);
    tcase_add_test(t, small_whole_numbers_are_exact);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
