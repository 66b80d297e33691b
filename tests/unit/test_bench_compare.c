/*
 * test_bench_compare.c - where two curves cross, told without a benchmark; and the lists that `compare` takes.
 */
#include "compare.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static const size_t sizes[] = {1, 64, 512, 1400, 8192, 65507};

/* "uu?ttt": who is ahead at each size. */
static const char *crossing(const char *who)
{
    static char text[256];
    enum bench_ahead ahead[BENCH_SIZES];
    size_t count = strlen(who);
    for (size_t i = 0; i < count; i++)
        ahead[i] = who[i] == 'u' ? BENCH_UDP_AHEAD : who[i] == 't' ? BENCH_TCP_AHEAD : BENCH_NOBODY;
    return bench_crossing(sizes, ahead, count, "is faster", text, sizeof text);
}

START_TEST(curves_that_cross_once_have_two_sides)
{
    ck_assert_str_eq(crossing("uuuutt"), "UDP is faster up to 1,400 bytes, TCP from 8,192");
    ck_assert_str_eq(crossing("tu"), "TCP is faster up to 1 byte, UDP from 64");
}
END_TEST

START_TEST(curves_that_do_not_cross_are_one_sided)
{
    ck_assert_str_eq(crossing("uuuuuu"), "UDP is faster at every size: they do not cross");
    ck_assert_str_eq(crossing("t"), "TCP is faster at every size: they do not cross");
}
END_TEST

START_TEST(a_size_without_verdict_belongs_to_neither)
{
    ck_assert_str_eq(crossing("uu?ttt"),
                     "UDP is faster up to 64 bytes, TCP from 1,400 (no verdict at 512)");
    ck_assert_str_eq(crossing("?uuu??"), "UDP is faster wherever there is a verdict; no crossing "
                                         "was seen (no verdict at 1, 8,192, 65,507)");
    ck_assert_str_eq(crossing("u?u"), "UDP is faster wherever there is a verdict; no crossing was "
                                      "seen (no verdict at 64)");
    ck_assert_str_eq(crossing("??????"), "no verdict at any size");
    ck_assert_str_eq(crossing(""), "no verdict at any size");
}
END_TEST

START_TEST(curves_may_cross_more_than_once)
{
    ck_assert_str_eq(crossing("uttuu"),
                     "UDP is faster up to 1 byte, TCP from 64 to 512, UDP from 1,400");
    ck_assert_str_eq(crossing("ut?tut"), "UDP is faster up to 1 byte, TCP from 64 to 1,400, UDP "
                                         "at 8,192, TCP from 65,507 (no verdict at 512)");
}
END_TEST

START_TEST(sizes_go_up_and_fit_a_datagram)
{
    size_t read[BENCH_SIZES];
    const char *wrong = "";
    ck_assert_int_eq(bench_parse_sizes("1,64,65507", read, &wrong), 3);
    ck_assert_uint_eq(read[0], 1);
    ck_assert_uint_eq(read[2], 65507);
    ck_assert_int_eq(bench_parse_sizes("64", read, &wrong), 1);
}
END_TEST

static const struct {
    const char *text, *wrong;
} bad_sizes[] = {{"", ""},
                 {"0", "0"},
                 {"1,65508", "65508"},
                 {"64,64", "64"},
                 {"64,1", "1"},
                 {"1.5", "1.5"},
                 {"1,", "1,"},
                 {",1", ",1"},
                 {"-1", "-1"},
                 {" 1", " 1"},
                 {"nan", "nan"},
                 {"1e9", "1e9"},
                 {"64k", "64k"},
                 {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "17"}};

START_TEST(sizes_that_make_no_sense_are_refused_where_it_stops)
{
    size_t read[BENCH_SIZES];
    const char *wrong = NULL;
    ck_assert_int_eq(bench_parse_sizes(bad_sizes[_i].text, read, &wrong), -EINVAL);
    ck_assert_str_eq(wrong, bad_sizes[_i].wrong);
}
END_TEST

START_TEST(losses_are_percent)
{
    double read[BENCH_LOSSES];
    const char *wrong = NULL;
    ck_assert_int_eq(bench_parse_losses("0,0.5,100", read, &wrong), 3);
    ck_assert_double_eq(read[1], 0.5);
    ck_assert_int_eq(bench_parse_losses("101", read, &wrong), -EINVAL);
    ck_assert_int_eq(bench_parse_losses("1,0", read, &wrong), -EINVAL);
    ck_assert_str_eq(wrong, "0");
    ck_assert_int_eq(bench_parse_losses("1%", read, &wrong), -EINVAL);
    ck_assert_int_eq(bench_parse_losses("0,1,2,3,4,5,6,7,8", read, &wrong), -EINVAL);
}
END_TEST

START_TEST(a_window_is_bounded_in_bytes_and_never_one)
{
    ck_assert_uint_eq(bench_window_of(1, false), 1);
    ck_assert_uint_eq(bench_window_of(65507, false), 1);
    ck_assert_uint_eq(bench_window_of(1, true), 64);
    ck_assert_uint_eq(bench_window_of(1400, true), 64);
    ck_assert_uint_eq(bench_window_of(8192, true), 16);
    ck_assert_uint_eq(bench_window_of(65507, true), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_compare");
    TCase *tcase = tcase_create("compare");
    tcase_add_test(tcase, curves_that_cross_once_have_two_sides);
    tcase_add_test(tcase, curves_that_do_not_cross_are_one_sided);
    tcase_add_test(tcase, a_size_without_verdict_belongs_to_neither);
    tcase_add_test(tcase, curves_may_cross_more_than_once);
    tcase_add_test(tcase, sizes_go_up_and_fit_a_datagram);
    tcase_add_loop_test(tcase, sizes_that_make_no_sense_are_refused_where_it_stops, 0,
                        (int)(sizeof bad_sizes / sizeof bad_sizes[0]));
    tcase_add_test(tcase, losses_are_percent);
    tcase_add_test(tcase, a_window_is_bounded_in_bytes_and_never_one);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
