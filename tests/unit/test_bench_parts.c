/*
 * test_bench_parts.c - the pure parts of the load generator: what is due when, what is sent, what a sample says.
 */
#include "bench.h"
#include "pace.h"
#include "pattern.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* ---- the schedule ------------------------------------------------------------------------------ */

START_TEST(messages_are_due_at_a_fixed_pace)
{
    const el_time start = 5 * EL_S;
    ck_assert_int_eq(bench_due(start, 1000, 0), start);
    ck_assert_int_eq(bench_due(start, 1000, 1), start + EL_MS);
    ck_assert_int_eq(bench_due(start, 1000, 3600000), start + 3600 * EL_S);
    ck_assert_uint_eq(bench_due_by(start, 1000, start - 1), 0);
    ck_assert_uint_eq(bench_due_by(start, 1000, start), 1);
    ck_assert_uint_eq(bench_due_by(start, 1000, start + EL_MS - 1), 1);
    ck_assert_uint_eq(bench_due_by(start, 1000, start + EL_MS), 2);
    ck_assert_uint_eq(bench_due_by(start, 0.5, start + 2 * EL_S), 2); /* slower than one a second */
}
END_TEST

/* The count is exactly of those whose time has come, at any rate, after any time: rounding must not make one early, or forget one. */
START_TEST(what_is_due_is_neither_early_nor_forgotten)
{
    for (unsigned round = 0; round < unit_rounds(200000); round++) {
        char input[96];
        el_time start = (el_time)unit_random(UINT64_C(1) << 50);
        double rate =
            0.01 + (double)unit_random(UINT64_C(1) << 40) / (double)(1 + unit_random(1 << 20));
        rate = rate > 1e7 ? 1e7 : rate;
        el_time now = start + (el_time)unit_random(86400 * (uint64_t)EL_S);
        uint64_t count = bench_due_by(start, rate, now);
        snprintf(input, sizeof input, "start %jd rate %.17g now %jd", (intmax_t)start, rate,
                 (intmax_t)now);
        unit_holds(count > 0 && bench_due(start, rate, count - 1) <= now, input);
        unit_holds(bench_due(start, rate, count) > now, input);
    }
}
END_TEST

/* ---- the bytes --------------------------------------------------------------------------------- */

START_TEST(the_pattern_goes_on_over_its_end)
{
    unsigned char seam[200];
    bench_pattern_make();
    bench_pattern_make(); /* again does no harm */
    memcpy(seam, bench_pattern(BENCH_PERIOD - 100), 200);
    ck_assert_mem_eq(seam + 100, bench_pattern(0), 100);
    ck_assert_uint_eq(bench_pattern_after(BENCH_PERIOD - 100, 100), 0);
    ck_assert_uint_eq(bench_pattern_after(BENCH_PERIOD - 1, BENCH_CHUNK),
                      BENCH_CHUNK - BENCH_PERIOD - 1);
    ck_assert_uint_eq(bench_pattern_check(seam, 200, BENCH_PERIOD - 100), 200);
}
END_TEST

START_TEST(the_first_wrong_byte_is_found)
{
    static unsigned char data[BENCH_CHUNK];
    bench_pattern_make();
    for (unsigned round = 0; round < unit_rounds(2000); round++) {
        char input[64];
        uint32_t at = (uint32_t)unit_random(BENCH_PERIOD);
        size_t length = 1 + unit_random(BENCH_CHUNK);
        size_t first = unit_random(length), second = first + unit_random(length - first);
        memcpy(data, bench_pattern(at), length);
        data[first] ^= (unsigned char)(1 + unit_random(255));
        if (second > first)
            data[second] ^= 1;
        snprintf(input, sizeof input, "at %u length %zu first %zu", at, length, first);
        unit_holds(bench_pattern_check(data, length, at) == first, input);
    }
}
END_TEST

/* A byte dropped or repeated shows within a few bytes, wherever it is; so does another connection's stream. */
START_TEST(a_shift_shows_at_once)
{
    enum { NEAR = 16 };
    bench_pattern_make();
    for (uint32_t at = 0; at + 1 < BENCH_PERIOD; at++) {
        size_t same = bench_pattern_check(bench_pattern(at + 1), NEAR, at);
        ck_assert_msg(same < NEAR, "shifted by one, bytes %u.. are the same", at);
    }
    for (unsigned a = 0; a < 200; a++)
        for (unsigned b = 0; b < a; b++)
            if (bench_pattern_check(bench_pattern(bench_pattern_begin(a)), NEAR,
                                    bench_pattern_begin(b)) == NEAR)
                ck_abort_msg("connections %u and %u send the same", a, b);
}
END_TEST

/* ---- what a sample says ------------------------------------------------------------------------ */

static struct bench_sample sample_of(uint64_t sent, uint64_t received, uint64_t on_time)
{
    struct bench_sample sample = {
        .counts = {.sent = sent, .received = received},
        .elapsed = 2 * EL_S,
        .pace = el_histogram_new(),
        .server_cpu = -1,
    };
    ck_assert_ptr_nonnull(sample.pace);
    for (uint64_t i = 0; i < on_time; i++)
        el_histogram_record(sample.pace, EL_US);
    return sample;
}

START_TEST(rate_and_cost_are_per_message)
{
    struct bench_sample sample = sample_of(1000, 1000, 0);
    ck_assert_double_eq(bench_rate_of(&sample), 500);
    ck_assert_double_lt(bench_server_cost(&sample), 0); /* unknown */
    sample.server_cpu = 5 * EL_MS;
    ck_assert_double_eq(bench_server_cost(&sample), 5000);
    sample.counts.received = 0;
    ck_assert_double_lt(bench_server_cost(&sample), 0);
    ck_assert_double_eq(bench_rate_of(&sample), 0);
    sample.elapsed = 0;
    ck_assert_double_eq(bench_rate_of(&sample), 0);
    bench_sample_free(&sample);
    bench_sample_free(&sample); /* a freed one is an empty one */
}
END_TEST

START_TEST(a_second_that_was_cut_short_is_no_slower)
{
    struct bench_progress progress = {.length = EL_S / 2, .second = {.received = 500}};
    ck_assert_double_eq(bench_progress_rate(&progress), 1000);
    progress.length = 0;
    ck_assert_double_eq(bench_progress_rate(&progress), 0);
}
END_TEST

START_TEST(a_busy_generator_is_the_bottleneck)
{
    const struct bench_load closed = {.kind = BENCH_TCP};
    struct bench_sample sample = sample_of(1000, 1000, 0);
    sample.busiest = 0.9;
    ck_assert_ptr_null(bench_bottleneck(&closed, &sample));
    sample.busiest = 0.91;
    ck_assert_ptr_nonnull(bench_bottleneck(&closed, &sample));
    bench_sample_free(&sample);
}
END_TEST

START_TEST(a_generator_that_is_late_is_the_bottleneck_unless_the_server_made_it_wait)
{
    const struct bench_load open_loop = {.kind = BENCH_TCP, .rate = 1000};
    struct bench_sample late = sample_of(1000, 1000, 1000), waiting = sample_of(1000, 1000, 10),
                        overloaded = sample_of(1000, 1000, 0);
    ck_assert_ptr_nonnull(bench_bottleneck(&open_loop, &late));
    ck_assert_ptr_null(bench_bottleneck(&open_loop, &waiting));
    ck_assert_ptr_null(bench_bottleneck(&open_loop, &overloaded));
    late.kept_rate = true;
    ck_assert_ptr_null(bench_bottleneck(&open_loop, &late));
    bench_sample_free(&late);
    bench_sample_free(&waiting);
    bench_sample_free(&overloaded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_parts");
    TCase *group = tcase_create("schedule");
    tcase_set_timeout(group, 60);
    tcase_add_test(group, messages_are_due_at_a_fixed_pace);
    tcase_add_test(group, what_is_due_is_neither_early_nor_forgotten);
    suite_add_tcase(suite, group);

    group = tcase_create("pattern");
    tcase_set_timeout(group, 60);
    tcase_add_test(group, the_pattern_goes_on_over_its_end);
    tcase_add_test(group, the_first_wrong_byte_is_found);
    tcase_add_test(group, a_shift_shows_at_once);
    suite_add_tcase(suite, group);

    group = tcase_create("sample");
    tcase_add_test(group, rate_and_cost_are_per_message);
    tcase_add_test(group, a_second_that_was_cut_short_is_no_slower);
    tcase_add_test(group, a_busy_generator_is_the_bottleneck);
    tcase_add_test(group,
                   a_generator_that_is_late_is_the_bottleneck_unless_the_server_made_it_wait);
    suite_add_tcase(suite, group);
    return unit_main(suite);
}
