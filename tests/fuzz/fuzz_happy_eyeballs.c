/*
 * fuzz_happy_eyeballs.c - the race of RFC 8305 under any sequence of answers, successes and failures.
 *
 * Input:    the first bytes: which families, the delays; then events: an answer, an attempt succeeds or fails, time passes.
 * Asserted: attempts are numbered without gaps, and only to addresses that were given, each once; a cancelled one had begun and is
 *           not the winner; once won, always won, by the same, and everybody else has been cancelled or had failed; a wait
 *           ends later than now; failed only when every attempt has failed and no wanted answer is missing; with all inputs in, the
 *           machine comes to an end by itself.
 * Run:      make fuzz FUZZ=happy_eyeballs
 */
#include "fuzz.h"
#include "happy_eyeballs.h"

#include <errno.h>

enum { ATTEMPTS_MAX = 2 * EL_HAPPY_ADDRESSES_MAX, ROUTES = 6, SLACK = 400 };
enum state { NOT_YET, RUNNING, FAILED, CANCELLED, CONNECTED };

struct run {
    struct el_happy *happy;
    struct el_happy_args args;
    el_time now;
    unsigned attempts;
    enum state state[ATTEMPTS_MAX];
    struct el_address to[ATTEMPTS_MAX];
    bool answered[2], connected, over;
    int winner; /* -1: none */
};

static struct el_address address_number(bool v6, unsigned number)
{
    struct el_address address;
    char text[EL_ADDRESS_TEXT];
    snprintf(text, sizeof text, v6 ? "2001:db8::%u" : "192.0.2.%u", number);
    fuzz_holds(el_address_from_literal(text, 7007, &address) == 0);
    return address;
}

static void answer(struct run *run, bool v6, uint8_t seed)
{
    struct el_route_pair routes[ROUTES] = {0};
    size_t count = seed % (ROUTES + 1);
    bool wanted = v6 ? run->args.want_v6 : run->args.want_v4;
    if (run->answered[v6])
        return; /* a family is answered once: the resolver's word (resolver.h) */
    for (size_t i = 0; i < count; i++)
        routes[i] =
            (struct el_route_pair){.destination = address_number(v6, 1 + (unsigned)(i * seed) % 9),
                                   .source = address_number(v6, 99)};
    int error = el_happy_answer(run->happy, v6 ? AF_INET6 : AF_INET, routes, count, run->now);
    fuzz_holds(error == (wanted ? 0 : -EINVAL) || error == -ENOBUFS);
    run->answered[v6] = run->answered[v6] || wanted;
}

static unsigned running(const struct run *run)
{
    unsigned count = 0;
    for (unsigned i = 0; i < run->attempts; i++)
        count += run->state[i] == RUNNING;
    return count;
}

static void on_connect(struct run *run, const struct el_happy_output *output)
{
    fuzz_holds(!run->over && run->winner < 0);
    fuzz_holds(output->attempt == run->attempts && run->attempts < ATTEMPTS_MAX);
    fuzz_holds(output->address.length > 0);
    for (unsigned i = 0; i < run->attempts; i++)
        fuzz_holds(!el_address_equal(&run->to[i], &output->address));
    run->to[run->attempts] = output->address;
    run->state[run->attempts++] = RUNNING;
}

static void on_won(struct run *run, unsigned attempt)
{
    fuzz_holds(attempt < run->attempts && run->state[attempt] == CONNECTED);
    fuzz_holds(run->winner < 0 || run->winner == (int)attempt);
    fuzz_holds(running(run) == 0);
    run->winner = (int)attempt;
    run->over = true;
}

static void on_failed(struct run *run)
{
    fuzz_holds(run->winner < 0 && !run->connected && running(run) == 0);
    fuzz_holds(run->answered[1] || !run->args.want_v6);
    fuzz_holds(run->answered[0] || !run->args.want_v4);
    run->over = true;
}

/* Asks until there is nothing to do now. When to ask again. */
static el_time settle(struct run *run)
{
    for (unsigned asked = 0;; asked++) {
        struct el_happy_output output = el_happy_next(run->happy, run->now);
        fuzz_holds(asked < SLACK && output.reason != NULL);
        switch (output.action) {
        case EL_HAPPY_CONNECT:
            on_connect(run, &output);
            break;
        case EL_HAPPY_CANCEL:
            fuzz_holds(output.attempt < run->attempts && run->state[output.attempt] == RUNNING);
            fuzz_holds(run->connected);
            run->state[output.attempt] = CANCELLED;
            break;
        case EL_HAPPY_WAIT:
            fuzz_holds(!run->over && output.until > run->now);
            return output.until;
        case EL_HAPPY_WON:
            on_won(run, output.attempt);
            return EL_NEVER;
        case EL_HAPPY_FAILED:
            on_failed(run);
            return EL_NEVER;
        }
    }
}

static void end_attempt(struct run *run, unsigned attempt, bool connected)
{
    if (connected)
        el_happy_connected(run->happy, attempt, run->now);
    else
        el_happy_attempt_failed(run->happy, attempt, run->now);
    if (attempt >= run->attempts || run->state[attempt] != RUNNING || run->connected)
        return; /* nothing happens for one that is not running, nor after the race */
    run->state[attempt] = connected ? CONNECTED : FAILED;
    run->connected = connected;
}

static void one_event(struct run *run, struct fuzz_input *input)
{
    uint8_t what = fuzz_byte(input), more = fuzz_byte(input);
    if (what % 8 < 2)
        answer(run, what % 8, more);
    else if (what % 8 < 5)
        end_attempt(run, more % 16, what % 8 == 2);
    else
        run->now += (el_time)more * EL_MS * (what % 8 == 7 ? 10 : 1);
}

/* Both answers are in and every attempt fails: it must come to an end, and soon. */
static void end_quietly(struct run *run)
{
    if (!run->answered[0])
        answer(run, false, 0);
    if (!run->answered[1])
        answer(run, true, 0);
    for (unsigned step = 0; !run->over; step++) {
        fuzz_holds(step < SLACK);
        el_time until = settle(run);
        for (unsigned i = 0; i < run->attempts; i++)
            if (run->state[i] == RUNNING && !run->connected)
                end_attempt(run, i, false);
        run->now = until < EL_NEVER && until > run->now ? until : run->now;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t how = fuzz_byte(&input);
    struct run run = {.winner = -1, .now = 0};
    run.args = (struct el_happy_args){.attempt_delay = (el_duration)fuzz_byte(&input) * 10 * EL_MS,
                                      .resolution_delay = (el_duration)fuzz_byte(&input) * EL_MS,
                                      .first_family_count = how / 4 % 4,
                                      .want_v6 = how & 1,
                                      .want_v4 = how & 2 || !(how & 1)};
    run.happy = el_happy_new(&run.args);
    fuzz_holds(run.happy != NULL);
    while (input.left > 0) {
        one_event(&run, &input);
        settle(&run);
    }
    end_quietly(&run);
    settle(&run); /* and it stays so */
    el_happy_free(run.happy);
    return 0;
}
