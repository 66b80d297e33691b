/*
 * happy_eyeballs.c - which address to try next, and when (RFC 8305).
 *
 * Teaches:  protocol logic without I/O. Everything that could make a test flaky (sockets, clocks,
 *           DNS) is left to the caller; what remains is a few rules to be read beside the RFC.
 * Partner:  dialer.c does what this machine says; tests/unit/test_happy_eyeballs.c plays whole
 *           races in virtual time.
 * Leaves out (safe: each only makes a connection less quick):
 *           - delays learnt from earlier connections (RFC 8305 5, "a more nuanced implementation")
 *           - the synthesis of IPv6 addresses behind NAT64 (7)
 *           - one RFC 6724 list over both families (4): the best address of each decides which
 *             family begins, and from then on the families take turns, which is what that section
 *             makes of the list anyway.
 * Next:     dialer.c, where the race is run.
 */
#include "happy_eyeballs.h"

#include <errno.h>
#include <stdlib.h>

enum { ATTEMPTS_MAX = 2 * EL_HAPPY_ADDRESSES_MAX };

/* RFC 8305 section 8, "Summary of Configurable Values". */
#define RESOLUTION_DELAY  (50 * EL_MS)
#define ATTEMPT_DELAY     (250 * EL_MS)
#define ATTEMPT_DELAY_MIN (10 * EL_MS)
#define ATTEMPT_DELAY_MAX (2 * EL_S)

/* One family's candidates. Those before `next` have been started; their order is history. */
struct family {
    bool wanted, answered;
    size_t count, next;
    struct el_route_pair best; /* the first of the first answer */
    struct el_address address[EL_HAPPY_ADDRESSES_MAX];
};

enum attempt_state { RUNNING, FAILED, CANCELLED, WON };

struct attempt {
    enum attempt_state state;
    struct el_address address;
};

struct el_happy {
    el_duration attempt_delay, resolution_delay;
    unsigned first_family_count;
    struct family v6, v4;
    el_time hold_until; /* no attempt before this, unless the other family's answer comes */
    el_time next_start; /* the next attempt may start from here on */
    struct attempt attempt[ATTEMPTS_MAX];
    unsigned attempts, running;
    bool after_failure; /* why the next attempt may start, for --explain */
    bool won;
    unsigned winner;
};

static el_duration clamp_delay(el_duration delay)
{
    if (delay == 0)
        return ATTEMPT_DELAY;
    if (delay < ATTEMPT_DELAY_MIN)
        return ATTEMPT_DELAY_MIN;
    return delay > ATTEMPT_DELAY_MAX ? ATTEMPT_DELAY_MAX : delay;
}

struct el_happy *el_happy_new(const struct el_happy_args *args)
{
    struct el_happy *happy = calloc(1, sizeof *happy);
    if (happy == NULL)
        return NULL;
    happy->attempt_delay = clamp_delay(args->attempt_delay);
    happy->resolution_delay = args->resolution_delay ? args->resolution_delay : RESOLUTION_DELAY;
    happy->first_family_count = args->first_family_count ? args->first_family_count : 1;
    happy->v6.wanted = args->want_v6;
    happy->v4.wanted = args->want_v4;
    happy->hold_until = INT64_MIN;
    happy->next_start = INT64_MIN; /* not 0: the caller's clock may well stand there */
    return happy;
}

void el_happy_free(struct el_happy *happy)
{
    free(happy);
}

static bool is_known(const struct family *family, const struct el_address *address)
{
    for (size_t i = 0; i < family->count; i++)
        if (el_address_equal(&family->address[i], address))
            return true;
    return false;
}

/*
 * [#who-waits] Must this family, alone so far, give the other one the Resolution Delay?
 *
 * RFC 8305 section 3 says: A waits for AAAA, and AAAA starts at once, "to ensure that preference is
 * given to IPv6". That takes for granted that IPv6 is what section 4's order, RFC 6724, prefers.
 * For a unique local address (fc00::/7) it is not: the policy table puts it behind IPv4; nor for an
 * address without a route. To start at once would make the choice depend on which of two answers a
 * few microseconds apart came first, so such an AAAA waits for A as A waits for AAAA.
 */
static bool waits_for_the_other(const struct family *family)
{
    static const struct el_address v4 = {.length = sizeof(struct sockaddr_in),
                                         .in.sin_family = AF_INET};
    const struct el_route_pair *best = &family->best;
    return el_address_family(&best->destination) == AF_INET || best->source.length == 0 ||
           el_address_precedence(&best->destination) < el_address_precedence(&v4);
}

int el_happy_answer(struct el_happy *happy, sa_family_t family, const struct el_route_pair *routes,
                    size_t count, el_time now)
{
    struct family *mine = family == AF_INET6 ? &happy->v6 : &happy->v4;
    if ((family != AF_INET6 && family != AF_INET) || !mine->wanted)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (el_address_family(&routes[i].destination) != family)
            return -EINVAL;

    mine->answered = true;
    if (count > 0 && mine->count == 0) {
        mine->best = routes[0];
        /* [#resolution-delay] The wait counts from the answer, so it is set here and not when we
         * are asked. */
        if (waits_for_the_other(mine))
            happy->hold_until = el_time_after(now, happy->resolution_delay);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_known(mine, &routes[i].destination))
            continue; /* the same address twice would be two attempts that share one fate */
        if (mine->count == EL_HAPPY_ADDRESSES_MAX)
            return -ENOBUFS;
        mine->address[mine->count++] = routes[i].destination;
    }
    return 0;
}

void el_happy_connected(struct el_happy *happy, unsigned attempt, el_time now)
{
    (void)now;
    if (happy->won || attempt >= happy->attempts || happy->attempt[attempt].state != RUNNING)
        return;
    happy->attempt[attempt].state = WON;
    happy->running--;
    happy->won = true;
    happy->winner = attempt;
}

/*
 * [#fail-fast] A failure starts the next attempt at once: the delay is there to give a *running*
 * attempt its chance. The RFC's "MUST NOT be started within 10 milliseconds of the previous
 * attempt" guards the network against attempts in parallel; after a failure there is none in
 * parallel to this one's address.
 */
void el_happy_attempt_failed(struct el_happy *happy, unsigned attempt, el_time now)
{
    if (attempt >= happy->attempts || happy->attempt[attempt].state != RUNNING)
        return;
    happy->attempt[attempt].state = FAILED;
    happy->running--;
    happy->next_start = now;
    happy->after_failure = true;
}

/* How many attempts in a row, from the first on, went to the first one's family. */
static unsigned leading_run(const struct el_happy *happy)
{
    unsigned run = 0;
    while (run < happy->attempts && el_address_family(&happy->attempt[run].address) ==
                                        el_address_family(&happy->attempt[0].address))
        run++;
    return run;
}

/* Whose best address comes first by RFC 6724? IPv6, unless a rule says otherwise (the sort is
 * stable). */
static struct family *preferred_family(struct el_happy *happy)
{
    struct el_route_pair best[] = {happy->v6.best, happy->v4.best};
    el_address_sort(best, 2);
    return el_address_family(&best[0].destination) == AF_INET6 ? &happy->v6 : &happy->v4;
}

/*
 * [#interleave] The family whose turn it is, NULL when no address is left. Nothing is sorted ahead:
 * the order is decided one attempt at a time, so a late answer needs no re-sorting and cannot
 * disturb what was started.
 */
static struct family *next_family(struct el_happy *happy)
{
    bool v6_left = happy->v6.next < happy->v6.count;
    bool v4_left = happy->v4.next < happy->v4.count;
    if (!v6_left || !v4_left)
        return v6_left ? &happy->v6 : v4_left ? &happy->v4 : NULL;
    if (happy->attempts == 0)
        return preferred_family(happy);

    bool last_was_v6 = el_address_family(&happy->attempt[happy->attempts - 1].address) == AF_INET6;
    bool stay =
        leading_run(happy) == happy->attempts && happy->attempts < happy->first_family_count;
    return last_was_v6 == stay ? &happy->v6 : &happy->v4;
}

static struct el_happy_output output_wait(el_time until, const char *reason)
{
    return (struct el_happy_output){.action = EL_HAPPY_WAIT, .until = until, .reason = reason};
}

static struct el_happy_output output_attempt(const struct el_happy *happy,
                                             enum el_happy_action action, unsigned attempt,
                                             const char *reason)
{
    return (struct el_happy_output){
        .action = action,
        .address = happy->attempt[attempt].address,
        .attempt = attempt,
        .until = EL_NEVER,
        .reason = reason,
    };
}

/* Why the race begins with this family. */
static const char *first_reason(const struct el_happy *happy, const struct family *family)
{
    bool is_v6 = family == &happy->v6;
    if (happy->v6.count == 0 || happy->v4.count == 0)
        return "the best address there is so far";
    switch (el_address_sort_rule(is_v6 ? &happy->v6.best : &happy->v4.best,
                                 is_v6 ? &happy->v4.best : &happy->v6.best)) {
    case 1:
        return "the other family has no route (RFC 6724 rule 1)";
    case 6:
        return is_v6 ? "IPv6 goes before IPv4 (RFC 6724 rule 6: its policy table)"
                     : "IPv4 goes before unique local IPv6 (RFC 6724 rule 6: its policy table)";
    default:
        return "first in the order of RFC 6724";
    }
}

static struct el_happy_output start_attempt(struct el_happy *happy, struct family *family,
                                            el_time now)
{
    const char *reason = happy->attempts == 0   ? first_reason(happy, family)
                         : happy->after_failure ? "an attempt failed: the next address at once"
                                                : "no answer in the attempt delay: racing the next";
    happy->after_failure = false;
    unsigned attempt = happy->attempts++;
    happy->attempt[attempt].state = RUNNING;
    happy->attempt[attempt].address = family->address[family->next++];
    happy->running++;
    happy->next_start = el_time_after(now, happy->attempt_delay);
    return output_attempt(happy, EL_HAPPY_CONNECT, attempt, reason);
}

/* After a win: one loser a call, then the winner for ever. */
static struct el_happy_output settle_race(struct el_happy *happy)
{
    for (unsigned i = 0; i < happy->attempts && happy->running > 0; i++) {
        if (happy->attempt[i].state != RUNNING)
            continue;
        happy->attempt[i].state = CANCELLED;
        happy->running--;
        return output_attempt(happy, EL_HAPPY_CANCEL, i, "another attempt has won");
    }
    return output_attempt(happy, EL_HAPPY_WON, happy->winner, "first to connect");
}

struct el_happy_output el_happy_next(struct el_happy *happy, el_time now)
{
    if (happy->won)
        return settle_race(happy);

    bool v6_open = happy->v6.wanted && !happy->v6.answered;
    bool v4_open = happy->v4.wanted && !happy->v4.answered;
    struct family *family = next_family(happy);
    if (family == NULL) {
        if (happy->running > 0)
            return output_wait(EL_NEVER, "every known address is being tried");
        if (v6_open || v4_open)
            return output_wait(EL_NEVER,
                               happy->attempts == 0
                                   ? "no address yet"
                                   : "all addresses so far failed: another answer is due");
        return (struct el_happy_output){
            .action = EL_HAPPY_FAILED,
            .until = EL_NEVER,
            .reason = happy->attempts == 0 ? "no address" : "every address failed",
        };
    }
    if (happy->attempts == 0 && (v6_open || v4_open) && now < happy->hold_until)
        return output_wait(happy->hold_until,
                           "the other family may be preferred: it gets the resolution delay");
    if (now < happy->next_start)
        return output_wait(happy->next_start,
                           "the attempt delay gives the running attempt its chance");
    return start_attempt(happy, family, now);
}
