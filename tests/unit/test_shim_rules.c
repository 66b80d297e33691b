/* test_shim_rules.c - the fault shim's rules: parsed strictly, and the same seed gives the same fates. */
#include "../faults/shim.h"
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct shim_plan plan;
static char why[400];

static void parsed(const char *text)
{
    if (!shim_parse(text, &plan, why, sizeof why))
        ck_abort_msg("%s: %s", text, why);
}

/* Which of the first `n` calls are hit, as "-x-x". */
static const char *fates(enum shim_call call, unsigned n)
{
    static char text[101];
    for (unsigned i = 0; i < n; i++)
        text[i] = shim_decide(&plan, call).faulty ? 'x' : '-';
    text[n] = '\0';
    return text;
}

START_TEST(words_are_taken_as_they_are_meant)
{
    parsed(
        "seed=7 program=tcp_echo count=/tmp/x recv:short=30% send:EINTR=every:3 alloc:fail=nth:41");
    ck_assert_uint_eq(plan.seed, 7);
    ck_assert_str_eq(plan.program, "tcp_echo");
    ck_assert_str_eq(plan.count_file, "/tmp/x");
    ck_assert_uint_eq(plan.rule_count, 3);
    ck_assert_int_eq(plan.rules[0].error, 0);
    ck_assert_int_eq(plan.rules[1].error, EINTR);
    ck_assert_int_eq(plan.rules[2].error, ENOMEM);
    ck_assert_int_eq(plan.rules[2].when, SHIM_NTH);
    ck_assert_uint_eq(plan.rules[2].number, 41);
    parsed("");
    ck_assert_uint_eq(plan.rule_count, 0);
    parsed("  \t\n ");
    ck_assert_uint_eq(plan.rule_count, 0);
}
END_TEST

START_TEST(a_bad_word_is_named)
{
    static const char *const bad[] = {
        "recv",
        "recv:short",
        "recv:short=",
        "recv:short=0%",
        "recv:short=101%",
        "recv:short=x",
        "recv:short=every:0",
        "recv:short=every:",
        "recv:short=every:3x",
        "recv:short=-3%",
        "recv:EMFILE=nth:1",
        "socket:short=nth:1",
        "recv:ENONSENSE=nth:1",
        "recv:eintr=nth:1",
        "frobnicate:EINTR=nth:1",
        "wait:ENOMEM=nth:1",
        "alloc:ENOMEM=nth:1",
        "alloc:fail",
        "seed=",
        "seed=0",
        "seed=x",
        "program=",
        "program=a_name_that_is_too_long",
        "count=",
        "realtime:jump=1h@every:2",
        "realtime:jump=+1h",
        "realtime:jump=+1d@every:2",
        "realtime:jump=+h@every:2",
        "realtime:EINTR=nth:1",
        "recv:short=nth:9999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "seed=3 %s seed=4", bad[i]);
        ck_assert_msg(!shim_parse(text, &plan, why, sizeof why), "%s was taken", bad[i]);
        ck_assert_msg(strncmp(why, bad[i], strlen(bad[i])) == 0, "%s: it says %s", bad[i], why);
    }
}
END_TEST

START_TEST(too_much_is_refused)
{
    static char text[4000];
    memset(text, 'x', 350);
    ck_assert(!shim_parse(text, &plan, why, sizeof why));
    for (size_t i = 0; i < 33; i++)
        snprintf(text + i * 14, sizeof text - i * 14, "recv:short=1%% ");
    ck_assert(!shim_parse(text, &plan, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "32 rules"));
}
END_TEST

START_TEST(when_is_counted_from_one)
{
    parsed("recv:EINTR=nth:3");
    ck_assert_str_eq(fates(SHIM_RECV, 6), "--x---");
    parsed("recv:EINTR=every:3");
    ck_assert_str_eq(fates(SHIM_RECV, 7), "--x--x-");
    parsed("recv:EINTR=from:3");
    ck_assert_str_eq(fates(SHIM_RECV, 5), "--xxx");
    parsed("recv:EINTR=100%");
    ck_assert_str_eq(fates(SHIM_RECV, 3), "xxx");
}
END_TEST

START_TEST(other_calls_are_not_counted)
{
    parsed("recv:EINTR=nth:2");
    ck_assert_str_eq(fates(SHIM_SEND, 3), "---");
    ck_assert_str_eq(fates(SHIM_RECV, 3), "-x-");
}
END_TEST

START_TEST(a_group_counts_all_of_its_calls)
{
    parsed("input:EINTR=nth:2");
    ck_assert_str_eq(fates(SHIM_READ, 1), "-");
    ck_assert_str_eq(fates(SHIM_RECVMSG, 2), "x-");
    ck_assert_str_eq(fates(SHIM_WRITE, 1), "-");
}
END_TEST

START_TEST(same_seed_same_fates)
{
    char first[101];
    parsed("seed=5 recv:short=30%");
    snprintf(first, sizeof first, "%s", fates(SHIM_RECV, 100));
    parsed("seed=5 recv:short=30%");
    ck_assert_str_eq(fates(SHIM_RECV, 100), first);
    parsed("seed=6 recv:short=30%");
    ck_assert_str_ne(fates(SHIM_RECV, 100), first);
    int hits = 0;
    for (int i = 0; i < 100; i++)
        hits += first[i] == 'x';
    ck_assert_int_ge(hits, 15);
    ck_assert_int_le(hits, 45);
}
END_TEST

START_TEST(a_second_rule_does_not_move_the_first_one_s_faults)
{
    char alone[101];
    parsed("recv:short=every:2");
    snprintf(alone, sizeof alone, "%s", fates(SHIM_RECV, 6));
    parsed("recv:short=every:2 recv:EINTR=every:3");
    ck_assert_str_eq(alone, "-x-x-x");
    ck_assert_str_eq(fates(SHIM_RECV, 6), "-xxx-x");
    parsed("recv:short=every:2 recv:EINTR=every:2");
    shim_decide(&plan, SHIM_RECV);
    ck_assert_int_eq(shim_decide(&plan, SHIM_RECV).error, 0); /* the first that comes true */
}
END_TEST

START_TEST(short_is_at_least_one_byte_and_never_all)
{
    for (uint64_t random = 0; random < 1000; random++) {
        struct shim_fate fate = {true, 0, random};
        size_t length = shim_shorten(fate, 10);
        ck_assert_uint_ge(length, 1);
        ck_assert_uint_le(length, 9);
        ck_assert_uint_eq(shim_shorten(fate, 1), 1);
        ck_assert_uint_eq(shim_shorten(fate, 0), 0);
        ck_assert_uint_eq(shim_shorten(fate, 2), 1);
    }
}
END_TEST

START_TEST(the_wall_clock_jumps_and_stays_or_comes_back)
{
    const int64_t hour = INT64_C(3600000000000);
    parsed("realtime:jump=+1h@every:2");
    const int64_t forwards[] = {0, hour, hour, 2 * hour, 2 * hour};
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(shim_jumped(&plan), forwards[i]);
    parsed("realtime:jump=-90s@nth:2");
    ck_assert_int_eq(shim_jumped(&plan), 0);
    ck_assert_int_eq(shim_jumped(&plan), INT64_C(-90000000000));
    ck_assert_int_eq(shim_jumped(&plan), INT64_C(-90000000000));
    parsed("realtime:jump=+-1h@every:1");
    ck_assert_int_eq(shim_jumped(&plan), hour);
    ck_assert_int_eq(shim_jumped(&plan), 0);
    ck_assert_int_eq(shim_jumped(&plan), hour);
    parsed("recv:EINTR=every:1");
    ck_assert_int_eq(shim_jumped(&plan), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shim_rules");
    TCase *tcase = tcase_create("shim_rules");

    tcase_add_test(tcase, words_are_taken_as_they_are_meant);
    tcase_add_test(tcase, a_bad_word_is_named);
    tcase_add_test(tcase, too_much_is_refused);
    tcase_add_test(tcase, when_is_counted_from_one);
    tcase_add_test(tcase, other_calls_are_not_counted);
    tcase_add_test(tcase, a_group_counts_all_of_its_calls);
    tcase_add_test(tcase, same_seed_same_fates);
    tcase_add_test(tcase, a_second_rule_does_not_move_the_first_one_s_faults);
    tcase_add_test(tcase, short_is_at_least_one_byte_and_never_all);
    tcase_add_test(tcase, the_wall_clock_jumps_and_stays_or_comes_back);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
