/*
 * test_time_limits.c - the wheel and the limits, in virtual time: a tick passes when the test says so.
 */
#include "time_limits.h"
#include "unit.h"

#include <stdlib.h>

/* ---- the wheel ----------------------------------------------------------------------------------- */

struct thing {
    struct el_wheel_entry entry; /* first, so a cast finds the thing */
    uint32_t due;
    unsigned visits;
};

struct turn {
    struct el_wheel *wheel;
    unsigned visits;
};

/* Looks at a thing: its time must not have passed unseen; if it is not yet there, files it again. */
static void look(void *arg, struct el_wheel_entry *entry)
{
    struct turn *turn = arg;
    struct thing *thing = (struct thing *)entry;
    turn->visits++;
    ck_assert_msg((int32_t)(thing->due - turn->wheel->now) >= 0, "seen too late");
    if (thing->due == turn->wheel->now)
        thing->visits++;
    else
        el_wheel_put(turn->wheel, entry, thing->due - turn->wheel->now);
}

START_TEST(each_entry_is_seen_at_its_tick)
{
    enum { THINGS = 500, TICKS = 1000 };
    static struct thing things[THINGS];
    struct el_wheel wheel;
    el_wheel_init(&wheel);
    wheel.now = UINT32_MAX - 300; /* the counter wraps on the way */
    things[0].due = UINT32_MAX;   /* a tick like any other */
    for (size_t i = 0; i < THINGS; i++) {
        if (i > 0)
            things[i].due = wheel.now + 1 + (uint32_t)unit_random(TICKS);
        el_wheel_put(&wheel, &things[i].entry, things[i].due - wheel.now);
    }
    struct turn turn = {.wheel = &wheel};
    for (size_t tick = 0; tick < TICKS; tick++)
        el_wheel_turn(&wheel, look, &turn);
    for (size_t i = 0; i < THINGS; i++)
        ck_assert_msg(things[i].visits == 1, "thing %zu due %u: seen %u times (ECHOLAB_SEED=%ju)",
                      i, things[i].due, things[i].visits, (uintmax_t)unit_seed());
    /* Lazy is cheap: one look a turn of the wheel and one at the end, for each. */
    ck_assert_uint_le(turn.visits, (unsigned)(THINGS * (TICKS / (EL_WHEEL_SLOTS - 1) + 2)));
}
END_TEST

static void count_visit(void *arg, struct el_wheel_entry *entry)
{
    struct turn *turn = arg;
    turn->visits++;
    el_wheel_put(turn->wheel, entry, EL_WHEEL_NEVER);
}

START_TEST(visit_all_sees_each_once_though_it_is_put_back)
{
    struct thing things[200] = {0};
    struct el_wheel wheel;
    el_wheel_init(&wheel);
    for (size_t i = 0; i < 200; i++)
        el_wheel_put(&wheel, &things[i].entry, (uint32_t)i);
    struct turn turn = {.wheel = &wheel};
    el_wheel_visit_all(&wheel, count_visit, &turn);
    ck_assert_uint_eq(turn.visits, 200);
}
END_TEST

static void take_the_other(void *arg, struct el_wheel_entry *entry)
{
    struct thing *pair = arg;
    el_wheel_take(entry == &pair[0].entry ? &pair[1].entry : &pair[0].entry);
    pair[0].visits++;
}

START_TEST(a_visitor_may_take_out_another_entry_of_the_same_tick)
{
    struct thing pair[2] = {0};
    struct el_wheel wheel;
    el_wheel_init(&wheel);
    el_wheel_put(&wheel, &pair[0].entry, 1);
    el_wheel_put(&wheel, &pair[1].entry, 1);
    el_wheel_turn(&wheel, take_the_other, pair);
    ck_assert_uint_eq(pair[0].visits, 1);
}
END_TEST

/* ---- the limits ------------------------------------------------------------------------------------ */

struct connection {
    struct el_timed timed; /* first */
    enum el_limit ended;
};

static bool end(void *arg, struct el_timed *timed, enum el_limit limit)
{
    (void)arg;
    ((struct connection *)timed)->ended = limit;
    return false;
}

/* Ticks until the connection ends, with bytes moving every `every` ticks (0: never); at most `most`. */
static uint32_t run(struct el_limits *limits, struct connection *connection, uint32_t every,
                    uint32_t most)
{
    for (uint32_t tick = 1; tick <= most; tick++) {
        el_limits_turn(limits, end, NULL);
        if (connection->ended != EL_LIMIT_NONE)
            return tick;
        if (every > 0 && tick % every == 0)
            el_limits_moved(limits, &connection->timed);
    }
    return UINT32_MAX;
}

static const struct {
    const char *what;
    struct el_limits_args args;
    uint32_t every;
    bool stalled;
    enum el_limit wanted;
    el_duration at;
} rows[] = {
    {"silent: idle", {300 * EL_S, 30 * EL_S, 3600 * EL_S}, 0, false, EL_LIMIT_IDLE, 300 * EL_S},
    {"stalled: write", {300 * EL_S, 30 * EL_S, 3600 * EL_S}, 0, true, EL_LIMIT_WRITE, 30 * EL_S},
    {"busy: lifetime",
     {300 * EL_S, 30 * EL_S, 900 * EL_S},
     7,
     false,
     EL_LIMIT_LIFETIME,
     900 * EL_S},
    {"stalled, no write limit: idle", {10 * EL_S, 0, 0}, 0, true, EL_LIMIT_IDLE, 10 * EL_S},
    {"idle below write", {2 * EL_S, 60 * EL_S, 0}, 0, true, EL_LIMIT_IDLE, 2 * EL_S},
    {"one nanosecond", {1, 0, 0}, 0, false, EL_LIMIT_IDLE, 1},
    {"1.5 ticks round up", {24 * EL_MS, 0, 0}, 0, false, EL_LIMIT_IDLE, 24 * EL_MS},
};

/* n ticks after a beginning at least n - 1 periods have passed, less what one tick may have come late; so
 * a limit of that length may not end before tick n + 1, and two ticks of slack are all it may take more. */
START_TEST(a_limit_is_never_early_and_little_late)
{
    struct el_limits limits;
    struct connection connection = {0};
    el_limits_init(&limits, &rows[_i].args);
    el_limits_begin(&limits, &connection.timed);
    if (rows[_i].stalled)
        el_limits_stall(&limits, &connection.timed, true);
    uint32_t ticks = run(&limits, &connection, rows[_i].every, 100000);
    ck_assert_msg(connection.ended == rows[_i].wanted, "%s: ended by %d", rows[_i].what,
                  connection.ended);
    el_duration least = rows[_i].at + limits.tick, most = rows[_i].at + 3 * limits.tick;
    ck_assert_msg(ticks * limits.tick >= least && ticks * limits.tick <= most,
                  "%s: %u ticks of %jd ns", rows[_i].what, ticks, (intmax_t)limits.tick);
}
END_TEST

START_TEST(no_limit_is_never_reached)
{
    struct el_limits limits;
    struct connection connection = {0};
    el_limits_init(&limits, &(struct el_limits_args){0});
    el_limits_begin(&limits, &connection.timed);
    el_limits_stall(&limits, &connection.timed, true);
    ck_assert_uint_eq(run(&limits, &connection, 0, 200000), UINT32_MAX);
}
END_TEST

START_TEST(bytes_that_move_push_the_idle_limit_back)
{
    struct el_limits limits;
    struct connection connection = {0};
    el_limits_init(&limits, &(struct el_limits_args){.idle = 16 * EL_S});
    el_limits_begin(&limits, &connection.timed);
    ck_assert_uint_eq(run(&limits, &connection, 10, 5000), UINT32_MAX); /* moved every 10 s */
    ck_assert_uint_le(run(&limits, &connection, 0, 5000), 19);
}
END_TEST

START_TEST(a_stall_brings_a_nearer_limit_and_its_end_takes_it_away)
{
    struct el_limits limits;
    struct connection connection = {0};
    el_limits_init(&limits, &(struct el_limits_args){.idle = 100 * EL_S, .write = 16 * EL_S});
    el_limits_begin(&limits, &connection.timed);
    el_limits_stall(&limits, &connection.timed, true);
    ck_assert_uint_eq(run(&limits, &connection, 0, 15), UINT32_MAX);
    el_limits_stall(&limits, &connection.timed, false);
    ck_assert_uint_ge(run(&limits, &connection, 0, 200), 80);
    ck_assert_int_eq(connection.ended, EL_LIMIT_IDLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("time_limits");
    TCase *wheel = tcase_create("wheel");
    suite_add_tcase(suite, wheel);
    tcase_add_test(wheel, each_entry_is_seen_at_its_tick);
    tcase_add_test(wheel, visit_all_sees_each_once_though_it_is_put_back);
    tcase_add_test(wheel, a_visitor_may_take_out_another_entry_of_the_same_tick);
    TCase *limits = tcase_create("limits");
    suite_add_tcase(suite, limits);
    tcase_add_loop_test(limits, a_limit_is_never_early_and_little_late, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_test(limits, no_limit_is_never_reached);
    tcase_add_test(limits, bytes_that_move_push_the_idle_limit_back);
    tcase_add_test(limits, a_stall_brings_a_nearer_limit_and_its_end_takes_it_away);
    return unit_main(suite);
}
