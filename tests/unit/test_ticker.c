/* test_ticker.c - ticks come until they are stopped, and what was missed is not made up for. */
#include "../lib/unit.h"
#include "ticker.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>

struct metronome {
    struct event_base *base;
    struct el_ticker *ticker;
    unsigned ticks, stop_at; /* leaves the loop at that tick */
    bool stops;              /* and stops itself before */
};

static void on_tick(void *arg)
{
    struct metronome *metronome = arg;
    if (++metronome->ticks != metronome->stop_at)
        return;
    if (metronome->stops)
        el_ticker_stop(metronome->ticker);
    else
        event_base_loopbreak(metronome->base);
}

static struct metronome *metronome_open(struct metronome *metronome, struct event_base *base)
{
    metronome->base = base;
    metronome->ticker = el_ticker_new(&(struct el_ticker_args){
        .base = base, .interval = EL_MS, .tick = on_tick, .arg = metronome});
    ck_assert_ptr_nonnull(metronome->ticker);
    return metronome;
}

START_TEST(it_ticks_when_started_and_no_more_when_stopped)
{
    struct event_base *base = event_base_new();
    struct metronome brief = {.stop_at = 3, .stops = true}, whole = {.stop_at = 20}, never = {0};
    el_ticker_start(metronome_open(&brief, base)->ticker);
    el_ticker_start(metronome_open(&whole, base)->ticker);
    metronome_open(&never, base);
    event_base_dispatch(base);
    ck_assert_uint_eq(whole.ticks, 20);
    ck_assert_uint_eq(brief.ticks, 3);
    ck_assert_uint_eq(never.ticks, 0);

    brief.stops = false; /* stopped is not broken */
    brief.stop_at = 5;
    el_ticker_start(brief.ticker);
    event_base_dispatch(base);
    ck_assert_uint_eq(brief.ticks, 5);
    el_ticker_free(brief.ticker);
    el_ticker_free(whole.ticker);
    el_ticker_free(never.ticker);
    event_base_free(base);
}
END_TEST

START_TEST(starting_it_again_does_not_set_it_back)
{
    struct event_base *base = event_base_new();
    struct metronome metronome = {.stop_at = 2};
    el_ticker_start(metronome_open(&metronome, base)->ticker);
    poll(NULL, 0, 2); /* the first tick is due */
    el_ticker_start(metronome.ticker);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(metronome.ticks, 1);
    el_ticker_free(metronome.ticker);
    event_base_free(base);
}
END_TEST

START_TEST(ticks_that_nobody_was_there_for_are_one_tick)
{
    struct event_base *base = event_base_new();
    struct metronome metronome = {0};
    el_ticker_start(metronome_open(&metronome, base)->ticker);
    poll(NULL, 0, 10);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(metronome.ticks, 1);
    el_ticker_free(metronome.ticker);
    event_base_free(base);
}
END_TEST

START_TEST(a_tick_that_was_due_when_it_was_stopped_does_not_come)
{
    struct event_base *base = event_base_new();
    struct metronome metronome = {0};
    el_ticker_start(metronome_open(&metronome, base)->ticker);
    poll(NULL, 0, 10);
    el_ticker_stop(metronome.ticker);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(metronome.ticks, 0);
    el_ticker_free(metronome.ticker);
    event_base_free(base);
}
END_TEST

START_TEST(without_a_descriptor_it_says_so)
{
    struct event_base *base = event_base_new();
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct el_ticker *ticker =
        el_ticker_new(&(struct el_ticker_args){.base = base, .interval = EL_MS, .tick = on_tick});
    int error = errno;
    setrlimit(RLIMIT_NOFILE, &before); /* a sanitizer looks into /proc at the end */
    ck_assert_ptr_null(ticker);
    ck_assert_int_eq(error, EMFILE);
    event_base_free(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ticker");
    TCase *tests = tcase_create("ticker");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, it_ticks_when_started_and_no_more_when_stopped);
    tcase_add_test(tests, starting_it_again_does_not_set_it_back);
    tcase_add_test(tests, ticks_that_nobody_was_there_for_are_one_tick);
    tcase_add_test(tests, a_tick_that_was_due_when_it_was_stopped_does_not_come);
    tcase_add_test(tests, without_a_descriptor_it_says_so);
    return unit_main(suite);
}
