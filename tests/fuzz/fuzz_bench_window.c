/*
 * fuzz_bench_window.c - the load generator's window of datagrams, against a model that knows the fate of each.
 *
 * Input:    the first bytes: places, timeout; then events: sent, echoed, damaged, an error, time passes; and numbers of which only
 *           the low bits came.
 * Asserted: sent = received + lost + late + came back only corrupt + under way, after every event; what is under way is what the
 *           model says; a number is given out once; the first echo in time is told with its times, and no other is.
 * Run:      make fuzz FUZZ=bench_window
 */
#include "bench.h"
#include "fuzz.h"
#include "window.h"

enum { PLACES_MAX = 9, SENT_MAX = 300 };
enum fate { UNDER_WAY, RECEIVED, LOST, LATE, CORRUPT, FORGOTTEN };

struct run {
    struct bench_window *window;
    struct bench_counts counts;
    el_duration timeout;
    el_time now;
    size_t sent;
    struct {
        uint64_t number;
        el_time at;
        enum fate fate;
    } of[SENT_MAX];
};

static size_t with_fate(const struct run *run, enum fate fate)
{
    size_t count = 0;
    for (size_t i = 0; i < run->sent; i++)
        count += run->of[i].fate == fate;
    return count;
}

static void check(const struct run *run, unsigned places)
{
    size_t under_way = with_fate(run, UNDER_WAY);
    fuzz_holds(bench_window_underway(run->window) == under_way);
    fuzz_holds(bench_window_room(run->window) + under_way == places);
    fuzz_holds(run->counts.sent == run->sent);
    fuzz_holds(run->counts.received == with_fate(run, RECEIVED));
    fuzz_holds(run->counts.lost == with_fate(run, LOST));
    fuzz_holds(run->counts.late == with_fate(run, LATE));
    fuzz_holds(with_fate(run, CORRUPT) <= run->counts.corrupt);
}

static void send_one(struct run *run)
{
    if (run->sent == SENT_MAX || bench_window_room(run->window) == 0)
        return;
    uint64_t number = bench_window_number(run->window, 0);
    for (size_t i = 0; i < run->sent; i++)
        fuzz_holds(run->of[i].number != number);
    bench_window_sent(run->window, run->now - 1, run->now, &run->counts);
    run->of[run->sent].number = number;
    run->of[run->sent].at = run->now;
    run->of[run->sent++].fate = UNDER_WAY;
}

/* What was lost so long ago that the window does not remember it counts as a duplicate, and stays lost. */
static bool remembered(const struct run *run, size_t which, uint64_t duplicates)
{
    return run->of[which].fate == UNDER_WAY || run->counts.duplicates == duplicates;
}

static void echo(struct run *run, size_t which)
{
    struct bench_flight flight = {0};
    uint64_t duplicates = run->counts.duplicates;
    bool first = run->of[which].fate == UNDER_WAY, lost = run->of[which].fate == LOST;
    bool in_time = first && run->now < run->of[which].at + run->timeout;
    bool told =
        bench_window_echoed(run->window, run->of[which].number, run->now, &run->counts, &flight);
    fuzz_holds(told == in_time);
    if (in_time)
        fuzz_holds(flight.sent == run->of[which].at && flight.due == flight.sent - 1);
    if (first)
        run->of[which].fate = in_time ? RECEIVED : LATE;
    else if (lost && remembered(run, which, duplicates))
        run->of[which].fate = LATE;
    else
        fuzz_holds(run->counts.duplicates == duplicates + 1);
}

static void damage(struct run *run, size_t which)
{
    uint64_t lost = run->counts.lost;
    bench_window_corrupt(run->window, run->of[which].number, &run->counts);
    if (run->of[which].fate == UNDER_WAY || run->counts.lost < lost) {
        fuzz_holds(run->of[which].fate == UNDER_WAY || run->of[which].fate == LOST);
        run->of[which].fate = CORRUPT;
    }
}

static void expire(struct run *run)
{
    el_time next = bench_window_expire(run->window, run->now, &run->counts);
    el_time soonest = EL_NEVER;
    for (size_t i = 0; i < run->sent; i++) {
        if (run->of[i].fate != UNDER_WAY)
            continue;
        el_time deadline = run->of[i].at + run->timeout;
        if (deadline <= run->now)
            run->of[i].fate = LOST;
        else
            soonest = deadline < soonest ? deadline : soonest;
    }
    fuzz_holds(next == soonest);
}

/* A number that never was, whole or in part: it does no more than be counted as corrupt or a duplicate. */
static void strange(struct run *run, uint64_t number)
{
    struct bench_flight flight;
    for (unsigned bits = bench_window_bits(run->window); bits <= 64; bits += 8) {
        uint64_t whole = bench_window_complete(run->window, number, bits);
        fuzz_holds(whole == 0 || bits >= 64 ||
                   ((whole ^ number) & ((UINT64_C(1) << bits) - 1)) == 0);
    }
    bench_window_complete(run->window, 0, 0);
    for (size_t i = 0; i < run->sent; i++)
        if (run->of[i].number == number)
            return;
    fuzz_holds(!bench_window_echoed(run->window, number, run->now, &run->counts, &flight));
    fuzz_holds(!bench_window_failed(run->window, number, &run->counts));
}

static void one_event(struct run *run, struct fuzz_input *input)
{
    uint8_t what = fuzz_byte(input);
    size_t back = fuzz_byte(input), which = run->sent > 0 ? run->sent - 1 - back % run->sent : 0;
    if (what % 8 < 2 || run->sent == 0) {
        send_one(run);
    } else if (what % 8 < 4) {
        echo(run, which);
    } else if (what % 8 == 4) {
        damage(run, which);
    } else if (what % 8 == 5) {
        if (bench_window_failed(run->window, run->of[which].number, &run->counts)) {
            fuzz_holds(run->of[which].fate == UNDER_WAY);
            run->of[which].fate = LOST;
        }
    } else if (what % 8 == 6) {
        run->now += what / 8;
        if (back % 2 == 0) /* nobody need have looked before a late echo comes */
            expire(run);
    } else {
        strange(run, fuzz_number(input, 1 + what / 8 % 8));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;
    struct fuzz_input input = {data, size};
    unsigned places = 1 + fuzz_byte(&input) % PLACES_MAX;
    memset(&run, 0, sizeof run);
    run.now = 1000;
    run.timeout = 1 + fuzz_byte(&input);
    run.window = bench_window_new(places, run.timeout);
    fuzz_holds(run.window != NULL);
    while (input.left > 0) {
        one_event(&run, &input);
        check(&run, places);
    }
    bench_window_free(run.window);
    return 0;
}
