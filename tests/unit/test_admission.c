/*
 * test_admission.c - how many may come in; and the table behind it against a naive count.
 */
#include "admission.h"
#include "unit.h"

#include <arpa/inet.h>

static struct el_address address(const char *literal)
{
    struct el_address result;
    ck_assert_int_eq(el_address_from_literal(literal, 1234, &result), 0);
    return result;
}

START_TEST(no_more_than_the_total_and_a_place_left_is_taken_again)
{
    struct el_admission *door = el_admission_new(&(struct el_admission_args){.max_total = 2});
    struct el_address a = address("192.0.2.1"), b = address("192.0.2.2");
    ck_assert_int_eq(el_admission_enter(door, &a), EL_ADMIT);
    ck_assert_int_eq(el_admission_enter(door, &b), EL_ADMIT);
    ck_assert_int_eq(el_admission_enter(door, &a), EL_ADMIT_FULL);
    el_admission_leave(door, &b);
    ck_assert_int_eq(el_admission_enter(door, &a), EL_ADMIT);
    el_admission_free(door);
}
END_TEST

START_TEST(a_source_is_an_ipv4_address_or_an_ipv6_64)
{
    struct el_admission *door =
        el_admission_new(&(struct el_admission_args){.max_total = 100, .max_per_source = 1});
    struct el_address v4 = address("192.0.2.1"), neighbour = address("192.0.2.2");
    struct el_address v6 = address("2001:db8:0:1::1"), same = address("2001:db8:0:1:ffff::9");
    struct el_address other = address("2001:db8:0:2::1");
    ck_assert_int_eq(el_admission_enter(door, &v4), EL_ADMIT);
    ck_assert_int_eq(el_admission_enter(door, &v4), EL_ADMIT_SOURCE_FULL);
    ck_assert_int_eq(el_admission_enter(door, &neighbour), EL_ADMIT);
    ck_assert_int_eq(el_admission_enter(door, &v6), EL_ADMIT);
    ck_assert_int_eq(el_admission_enter(door, &same), EL_ADMIT_SOURCE_FULL);
    ck_assert_int_eq(el_admission_enter(door, &other), EL_ADMIT);
    struct el_address same_bytes = address("32.1.13.184"), as_these = address("2001:db8::1");
    ck_assert_int_eq(el_admission_enter(door, &same_bytes), EL_ADMIT);
    ck_assert_int_eq(el_admission_enter(door, &as_these), EL_ADMIT);
    el_admission_free(door);
}
END_TEST

START_TEST(loopback_may_be_free)
{
    struct el_admission *door = el_admission_new(&(struct el_admission_args){
        .max_total = 100, .max_per_source = 1, .loopback_is_free = true});
    struct el_address v4 = address("127.0.0.1"), v6 = address("::1");
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(el_admission_enter(door, &v4), EL_ADMIT);
        ck_assert_int_eq(el_admission_enter(door, &v6), EL_ADMIT);
    }
    el_admission_leave(door, &v4);
    el_admission_free(door);
}
END_TEST

/* 20,000 comings and goings of 300 sources in a crowded table, each verdict checked against plain counters. */
START_TEST(the_table_counts_as_a_naive_one_does)
{
    enum { SOURCES = 300, TOTAL = 200, EACH = 3 };
    unsigned inside[SOURCES] = {0}, total = 0;
    struct el_admission *door =
        el_admission_new(&(struct el_admission_args){.max_total = TOTAL, .max_per_source = EACH});
    for (int step = 0; step < 20000; step++) {
        size_t who = (size_t)unit_random(SOURCES);
        struct el_address source = address("192.0.2.1");
        source.in.sin_addr.s_addr = htonl((uint32_t)(0x0a000000 + who * 256));
        if (inside[who] > 0 && unit_random(2) == 0) {
            el_admission_leave(door, &source);
            inside[who]--;
            total--;
            continue;
        }
        enum el_admission_verdict wanted = total == TOTAL        ? EL_ADMIT_FULL
                                           : inside[who] == EACH ? EL_ADMIT_SOURCE_FULL
                                                                 : EL_ADMIT;
        enum el_admission_verdict got = el_admission_enter(door, &source);
        ck_assert_msg(got == wanted, "step %d: %d instead of %d (ECHOLAB_SEED=%ju)", step, got,
                      wanted, (uintmax_t)unit_seed());
        if (got == EL_ADMIT) {
            inside[who]++;
            total++;
        }
    }
    el_admission_free(door);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission");
    TCase *tests = tcase_create("door");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60); /* for valgrind */
    tcase_add_test(tests, no_more_than_the_total_and_a_place_left_is_taken_again);
    tcase_add_test(tests, a_source_is_an_ipv4_address_or_an_ipv6_64);
    tcase_add_test(tests, loopback_may_be_free);
    tcase_add_test(tests, the_table_counts_as_a_naive_one_does);
    return unit_main(suite);
}
