/*
 * fuzz_rate_limit.c - no sequence of datagrams, however it is timed and from whomever, gets more than its rate.
 *
 * Input:    the rates of a source and of all together; then datagrams: who sends, how much later (or, rarely, earlier).
 * Asserted: over the whole run a source passed at most rate * time + burst, and all together at most theirs (the table is
 *           large enough to forget nobody); the first of a source passes while the total has tokens; without limits all do; the
 *           memory stays what it was.
 * Run:      make fuzz FUZZ=rate_limit
 */
#include "fuzz.h"
#include "rate_limit.h"

enum { SOURCES = 8, SLOTS = 64 };

struct run {
    struct el_rate_limit *limit;
    uint64_t per_source, total;
    el_time now, first, latest;
    uint64_t passed[SOURCES], all;
};

static struct el_address source_of(uint8_t which)
{
    struct el_address address;
    char text[EL_ADDRESS_TEXT];
    snprintf(text, sizeof text, which % 2 ? "10.0.%u.1" : "2001:db8:0:%u::1", which % SOURCES);
    fuzz_holds(el_address_from_literal(text, which, &address) == 0); /* the port does not matter */
    return address;
}

/* What so many datagrams a second may pass in so long: one burst, and what came in meanwhile. */
static uint64_t allowed(uint64_t per_second, el_duration time)
{
    uint64_t burst = per_second >= 10 ? per_second / 10 : 1;
    return burst + (uint64_t)((unsigned __int128)per_second * (uint64_t)time / (uint64_t)EL_S) + 1;
}

static void one_datagram(struct run *run, struct fuzz_input *input)
{
    uint8_t who = fuzz_byte(input);
    uint16_t later = (uint16_t)fuzz_number(input, 2);
    el_duration step = (el_duration)(later & 0xfff) << (later >> 12);
    run->now += who & 0x80 && who & 0x40 ? -step : step * 16;
    run->now = run->now < 0 ? 0 : run->now;
    run->latest = run->now > run->latest ? run->now : run->latest;
    struct el_address source = source_of(who);
    enum el_rate_verdict verdict = el_rate_limit_take(run->limit, &source, run->now);
    if (verdict == EL_RATE_PASS) {
        run->passed[who % SOURCES]++;
        run->all++;
    }
    fuzz_holds(verdict != EL_RATE_SOURCE || run->per_source > 0);
    fuzz_holds(verdict != EL_RATE_TOTAL || run->total > 0);
    fuzz_holds(verdict != EL_RATE_SOURCE || run->passed[who % SOURCES] > 0);
}

static void check(const struct run *run)
{
    el_duration time = run->latest - run->first;
    if (run->total > 0)
        fuzz_holds(run->all <= allowed(run->total, time));
    for (unsigned i = 0; i < SOURCES && run->per_source > 0; i++)
        fuzz_holds(run->passed[i] <= allowed(run->per_source, time));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct run run = {.per_source = fuzz_number(&input, 2), .total = fuzz_number(&input, 2)};
    run.now = run.first = (el_time)fuzz_number(&input, 2);
    struct el_rate_total *total = el_rate_total_new(run.total);
    bool threads = run.now % 2 != 0; /* with locks, and without */
    struct el_rate_sources *sources =
        el_rate_sources_new(&(struct el_rate_sources_args){run.per_source, SLOTS, threads});
    run.limit = el_rate_limit_new(&(struct el_rate_limit_args){total, sources});
    fuzz_holds(total != NULL && sources != NULL && run.limit != NULL);
    size_t memory = el_rate_sources_memory(sources);
    run.first = run.now - (el_time)UINT16_MAX * 4096; /* time may go back before it goes on */
    run.first = run.first < 0 ? 0 : run.first;
    while (input.left > 0) {
        one_datagram(&run, &input);
        check(&run);
    }
    fuzz_holds(el_rate_sources_memory(sources) == memory);
    el_rate_limit_free(run.limit);
    el_rate_sources_free(sources);
    el_rate_total_free(total);
    return 0;
}
