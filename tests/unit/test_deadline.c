/* test_deadline.c - deadlines combine to the earliest, never overflow, and waits are rounded up. */
#include "../lib/unit.h"
#include "deadline.h"

#include <limits.h>
#include <poll.h>

START_TEST(now_does_not_run_backwards_and_is_monotonic_time)
{
    el_time before = el_now();
    poll(NULL, 0, 2);
    ck_assert_int_ge(el_now() - before, 2 * EL_MS);
}
END_TEST

START_TEST(a_deadline_is_an_instant_after_now)
{
    ck_assert_int_eq(el_time_after(1000, 5), 1005);
    ck_assert_int_eq(el_time_after(1000, 0), 1000);
    ck_assert_int_eq(el_time_after(1000, -5), 1000);
}
END_TEST

START_TEST(a_deadline_that_would_overflow_never_comes)
{
    ck_assert_int_eq(el_time_after(1000, EL_NEVER), EL_NEVER);
    ck_assert_int_eq(el_time_after(EL_NEVER - 4, 5), EL_NEVER);
    ck_assert_int_eq(el_time_after(EL_NEVER, EL_S), EL_NEVER);
}
END_TEST

START_TEST(a_timespec_is_exact_and_never_negative)
{
    const struct {
        el_duration length;
        time_t seconds;
        long nanoseconds;
    } cases[] = {{0, 0, 0},
                 {1, 0, 1},
                 {EL_S - 1, 0, 999999999},
                 {EL_S, 1, 0},
                 {3 * EL_S / 2, 1, 500000000},
                 {-EL_S, 0, 0},
                 {EL_NEVER, EL_NEVER / EL_S, EL_NEVER % EL_S}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct timespec got = el_timespec(cases[i].length);
        ck_assert_int_eq(got.tv_sec, cases[i].seconds);
        ck_assert_int_eq(got.tv_nsec, cases[i].nanoseconds);
    }
}
END_TEST

START_TEST(time_left_is_never_negative)
{
    ck_assert_int_eq(el_time_left(1500, 1000), 500);
    ck_assert_int_eq(el_time_left(1000, 1000), 0);
    ck_assert_int_eq(el_time_left(1000, 1500), 0);
    ck_assert_int_eq(el_time_left(EL_NEVER, 1500), EL_NEVER);
}
END_TEST

START_TEST(a_timer_never_fires_before_its_time)
{
    static const struct {
        el_duration length;
        long seconds, us;
    } cases[] = {
        {0, 0, 0},
        {-1, 0, 0},
        {1, 0, 1},
        {EL_US, 0, 1},
        {EL_US + 1, 0, 2},
        {EL_S - 1, 1, 0},
        {EL_S, 1, 0},
        {90 * EL_S + 1500, 90, 2},
        {EL_NEVER, INT_MAX, 0},
        {EL_NEVER - 1, INT_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct timeval got = el_timeval(cases[i].length);
        ck_assert_int_eq(got.tv_sec, cases[i].seconds);
        ck_assert_int_eq(got.tv_usec, cases[i].us);
    }
}
END_TEST

START_TEST(poll_waits_whole_milliseconds_rounded_up)
{
    ck_assert_int_eq(el_poll_ms(0), 0);
    ck_assert_int_eq(el_poll_ms(-EL_S), 0);
    ck_assert_int_eq(el_poll_ms(1), 1);
    ck_assert_int_eq(el_poll_ms(EL_MS), 1);
    ck_assert_int_eq(el_poll_ms(EL_MS + 1), 2);
    ck_assert_int_eq(el_poll_ms(EL_NEVER), -1);
    ck_assert_int_eq(el_poll_ms(EL_NEVER - 1), INT_MAX);
}
END_TEST

START_TEST(each_operation_has_its_own_limit_under_one_total)
{
    struct el_deadlines limits = {
        .connect = 3 * EL_S, .read = EL_S, .write = EL_NEVER, .total = 2 * EL_S + 100};

    ck_assert_int_eq(el_deadline_for(&limits, EL_CONNECT, 100), 2 * EL_S + 100);
    ck_assert_int_eq(el_deadline_for(&limits, EL_READ, 100), EL_S + 100);
    ck_assert_int_eq(el_deadline_for(&limits, EL_WRITE, 100), 2 * EL_S + 100);
    /* three reads of a second each do not get three seconds */
    ck_assert_int_eq(el_deadline_for(&limits, EL_READ, 2 * EL_S), 2 * EL_S + 100);

    limits.total = EL_NEVER;
    ck_assert_int_eq(el_deadline_for(&limits, EL_WRITE, 100), EL_NEVER);
    ck_assert_int_eq(el_deadline_for(&limits, EL_CONNECT, 100), 3 * EL_S + 100);
}
END_TEST

START_TEST(property_a_timer_is_late_by_less_than_its_grain)
{
    for (int i = 0; i < 20000; i++) {
        el_duration length = (el_duration)(unit_random(UINT64_MAX) >> (2 + unit_random(60)));
        struct timeval wait = el_timeval(length);
        if (wait.tv_sec < INT_MAX) {
            el_duration waited = wait.tv_sec * EL_S + wait.tv_usec * EL_US;
            unit_holds(waited >= length && waited < length + EL_US, "a length");
        }
        int ms = el_poll_ms(length);
        if (ms < INT_MAX)
            unit_holds(ms * EL_MS >= length && ms * EL_MS < length + EL_MS, "a length");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deadline");
    TCase *tcase = tcase_create("deadline");

    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, now_does_not_run_backwards_and_is_monotonic_time);
    tcase_add_test(tcase, a_deadline_is_an_instant_after_now);
    tcase_add_test(tcase, a_deadline_that_would_overflow_never_comes);
    tcase_add_test(tcase, time_left_is_never_negative);
    tcase_add_test(tcase, a_timespec_is_exact_and_never_negative);
    tcase_add_test(tcase, a_timer_never_fires_before_its_time);
    tcase_add_test(tcase, poll_waits_whole_milliseconds_rounded_up);
    tcase_add_test(tcase, each_operation_has_its_own_limit_under_one_total);
    tcase_add_test(tcase, property_a_timer_is_late_by_less_than_its_grain);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
