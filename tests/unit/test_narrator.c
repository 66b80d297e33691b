/* test_narrator.c - a narrator without an event loop: its owner says when time has passed. */
#include "narrator.h"
#include "unit.h"

#include <string.h>

static unsigned lines;
static char last[200];

static void keep(void *arg, const struct el_event *event)
{
    (void)arg;
    lines++;
    snprintf(last, sizeof last, "%s", event->text);
}

START_TEST(what_is_left_out_is_told_when_its_second_is_over)
{
    struct el_trace *trace = el_trace_new(&(struct el_trace_args){.sink = keep, .explain = true});
    struct el_narrator narrator;
    ck_assert(el_narrator_open(&narrator, NULL, trace, 2));
    ck_assert_int_eq(el_narrator_tend(&narrator), -1); /* nothing to wait for */
    narrator.second_ends = el_now() + 60 * EL_S;       /* a long second */
    for (unsigned i = 0; i < 5; i++)
        el_explain(el_narrator_step(&narrator), EL_TOPIC_STEP, "step");
    int wait = el_narrator_tend(&narrator);
    ck_assert_int_gt(wait, 0);
    ck_assert_int_le(wait, 60000);
    ck_assert_uint_eq(lines, 2);
    narrator.second_ends = el_now(); /* it is over */
    ck_assert_int_eq(el_narrator_tend(&narrator), -1);
    ck_assert_str_eq(last, "... 3 steps not told: too many a second");
    ck_assert_int_eq(el_narrator_tend(&narrator), -1);
    ck_assert_uint_eq(lines, 3);
    el_narrator_close(&narrator);
    el_trace_free(trace);
}
END_TEST

START_TEST(closing_tells_the_rest)
{
    struct el_trace *trace = el_trace_new(&(struct el_trace_args){.sink = keep, .explain = true});
    struct el_narrator narrator;
    ck_assert(el_narrator_open(&narrator, NULL, trace, 1));
    for (unsigned i = 0; i < 2; i++)
        el_explain(el_narrator_step(&narrator), EL_TOPIC_STEP, "step");
    narrator.left_out = 7;
    el_narrator_close(&narrator);
    ck_assert_str_eq(last, "... 7 steps not told: too many a second");
    el_trace_free(trace);
}
END_TEST

static Suite *narrator_suite(void)
{
    Suite *suite = suite_create("narrator");
    TCase *t = tcase_create("without a base");
    tcase_add_test(t, what_is_left_out_is_told_when_its_second_is_over);
    tcase_add_test(t, closing_tells_the_rest);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return unit_main(narrator_suite());
}
