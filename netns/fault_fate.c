/*
 * fault_fate.c - what becomes of a packet. The rules' semantics are all here.
 *
 * Teaches:  randomness that repeats. A generator with a seed is a function, and what makes two runs
 *           differ is not chance but *order*: who asks it, and how often. So each action of each rule
 *           has its own, and asks it exactly once for each packet that matches. [#once-a-packet]
 * Partner:  fault_fate.h; tests/unit/test_fault_fate.c plays it in virtual time.
 */
#include "fault_fate.h"

#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* ---- chance ---------------------------------------------------------------------------------- */

uint64_t fault_random(struct fault_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

/* 0..below-1, by the upper half of a product of 128 bits: no division, and no bias worth a name. */
static uint64_t below(struct fault_random *random, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)fault_random(random) * limit >> 64);
}

bool fault_chance(struct fault_random *random, uint32_t chance)
{
    return below(random, FAULT_WHOLE) < chance;
}

void fault_state_init(struct fault_state *state, const struct fault_rule *rule)
{
    memset(state, 0, sizeof *state);
    state->rule = *rule;
    struct fault_random seeds = {rule->seed};
    for (int i = 0; i < FAULT_ACTIONS; i++)
        state->stream[i].random.state = fault_random(&seeds);
}

/* ---- which packets --------------------------------------------------------------------------- */

static bool has_port(const struct el_packet *packet, uint16_t port)
{
    return el_address_port(&packet->source) == port ||
           el_address_port(&packet->destination) == port;
}

static bool protocol_matches(enum fault_protocol wanted, const struct el_packet *packet)
{
    bool udp = packet->protocol == IPPROTO_UDP, tcp = packet->protocol == IPPROTO_TCP;
    switch (wanted) {
    case FAULT_UDP:
        return udp;
    case FAULT_TCP:
        return tcp;
    case FAULT_ICMP:
        return packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;
    case FAULT_DNS:
        return (udp || tcp) && packet->whole && has_port(packet, 53);
    default:
        return true;
    }
}

static bool ports_match(const struct fault_match *match, const struct el_packet *packet)
{
    if (match->port == 0 && match->source_port == 0 && match->destination_port == 0)
        return true;
    return el_packet_has_ports(packet) && (match->port == 0 || has_port(packet, match->port)) &&
           (match->source_port == 0 || el_address_port(&packet->source) == match->source_port) &&
           (match->destination_port == 0 ||
            el_address_port(&packet->destination) == match->destination_port);
}

bool fault_matches(const struct fault_rule *rule, const struct el_packet *packet)
{
    const struct fault_match *match = &rule->match;
    if (!protocol_matches(match->protocol, packet) || !ports_match(match, packet))
        return false;
    if ((match->flags_set | match->flags_clear) != 0 &&
        (!packet->whole || (packet->tcp_flags & match->flags_set) != match->flags_set ||
         (packet->tcp_flags & match->flags_clear) != 0))
        return false;
    if (match->by_payload && (!packet->whole || packet->payload < match->payload_min ||
                              packet->payload > match->payload_max))
        return false;
    /* What has no byte to change cannot be corrupted, and does not count as one that could be. */
    return rule->select[FAULT_CORRUPT].kind == FAULT_NONE ||
           (packet->whole && packet->payload > (rule->at_offset ? rule->offset : 0));
}

/* Does the action choose this packet, the rule's `matched`-th? Draws once if it draws at all. */
static bool chosen(struct fault_state *state, enum fault_action action)
{
    const struct fault_select *select = &state->rule.select[action];
    uint64_t *left = &state->stream[action].burst_left;
    switch (select->kind) {
    case FAULT_ALL:
        return true;
    case FAULT_NTH:
        for (size_t i = 0; i < select->count; i++)
            if (select->nth[i] == state->counts.matched)
                return true;
        return false;
    case FAULT_EVERY:
        return state->counts.matched % select->nth[0] == 0;
    case FAULT_RANDOM:
        return fault_chance(&state->stream[action].random, select->chance);
    case FAULT_BURST:
        if (*left == 0 && fault_chance(&state->stream[action].random, select->chance))
            *left = select->nth[0];
        if (*left == 0)
            return false;
        --*left;
        return true;
    default:
        return false;
    }
}

/* ---- what is done ---------------------------------------------------------------------------- */

static void note(struct fault_fate *fate, const struct fault_state *state, enum fault_action kind,
                 el_duration length)
{
    if (fate->acts < FAULT_ACTS_MAX)
        fate->act[fate->acts++] =
            (struct fault_act){.number = state->rule.number, .kind = kind, .length = length};
}

static void corrupt(struct fault_state *state, const struct el_packet *packet,
                    struct fault_fate *fate)
{
    struct fault_random *random = &state->stream[FAULT_CORRUPT].random;
    uint32_t offset = (uint32_t)below(random, packet->payload);
    uint8_t flip = (uint8_t)(1 + below(random, 255));
    if (fate->changes == FAULT_CHANGES_MAX)
        return;
    fate->change[fate->changes++] =
        (struct fault_change){.offset = state->rule.at_offset ? state->rule.offset : offset,
                              .flip = flip,
                              .repair = !state->rule.keep_checksum};
    state->counts.corrupted++;
    note(fate, state, FAULT_CORRUPT, 0);
}

/*
 * How much this packet's delay differs from the rule's. The mean is 0 for each distribution.
 *   uniform      -J..J, each as likely
 *   normal       J is the standard deviation; the sum of twelve uniform numbers, which is as near to
 *                the bell as six deviations go and needs no logarithm
 *   exponential  most come a little early, few very late: J - the mean - is what a queue adds
 */
static el_duration vary(const struct fault_rule *rule, struct fault_random *random)
{
    enum { STEPS = 1 << 30, LATEST = 10 };
    uint64_t total = 0;
    switch (rule->distribution) {
    case FAULT_NORMAL:
        for (int i = 0; i < 12; i++)
            total += below(random, STEPS);
        return (el_duration)(((__int128)rule->jitter * ((int64_t)total - 6LL * STEPS)) / STEPS);
    case FAULT_EXPONENTIAL: {
        double u = (double)(1 + below(random, STEPS)) / STEPS; /* 0 < u <= 1 */
        double x = -log(u);
        return (el_duration)((x < LATEST ? x : LATEST) * (double)rule->jitter) - rule->jitter;
    }
    default:
        return (el_duration)below(random, 2 * (uint64_t)rule->jitter + 1) - rule->jitter;
    }
}

/* Later, and never before what this rule has delayed already. [#order-is-kept] */
static void delay(struct fault_state *state, struct fault_fate *fate)
{
    const struct fault_rule *rule = &state->rule;
    el_duration length = rule->delay;
    if (rule->jitter > 0)
        length += vary(rule, &state->stream[FAULT_DELAY].random);
    el_time before = fate->release, then = el_time_after(before, length < 0 ? 0 : length);
    fate->release = then > state->last_release ? then : state->last_release;
    state->last_release = fate->release;
    state->counts.delayed++;
    note(fate, state, FAULT_DELAY, fate->release - before);
}

/*
 * A wire of `rate` bits a second sends one packet after the other. The division leaves a remainder
 * of less than a nanosecond, which the next packet inherits: after an hour at the full rate not one
 * is missing. [#exact-rate]
 */
static void shape(struct fault_state *state, const struct el_packet *packet,
                  struct fault_fate *fate)
{
    const struct fault_rule *rule = &state->rule;
    const unsigned __int128 second = 8 * (unsigned __int128)EL_S; /* a byte is eight bits long */
    el_time arrival = fate->release;
    bool idle = state->busy_until <= arrival;
    if (idle) {
        state->busy_until = arrival;
        state->remainder = 0;
    }
    unsigned __int128 queued = (unsigned __int128)(state->busy_until - arrival) * rule->rate;
    unsigned __int128 behind = queued + packet->length * second;
    if (!idle && behind > rule->limit * second) {
        fate->drop = true;
        state->counts.full++;
        note(fate, state, FAULT_RATE, 0);
        fate->act[fate->acts - 1].full = true;
        return;
    }
    unsigned __int128 bits = packet->length * second + state->remainder;
    state->busy_until += (el_duration)(bits / rule->rate);
    state->remainder = (uint64_t)(bits % rule->rate);
    fate->release = state->busy_until;
    state->counts.shaped++;
    note(fate, state, FAULT_RATE, fate->release - arrival);
}

/* Forgets those that have gone on because nothing came to overtake them. */
static void forget_late(struct fault_state *state, el_time now)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->waiting_count; i++)
        if (state->waiting[i].until > now)
            state->waiting[kept++] = state->waiting[i];
    state->waiting_count = kept;
}

static void reorder(struct fault_state *state, uint64_t id, struct fault_fate *fate)
{
    if (state->waiting_count == FAULT_WAITING_MAX || fate->waits)
        return;
    fate->waits = true;
    fate->not_before = fate->release;
    fate->release = el_time_after(fate->release, state->rule.within);
    state->waiting[state->waiting_count].id = id;
    state->waiting[state->waiting_count].gap = state->rule.gap;
    state->waiting[state->waiting_count++].until = fate->release;
    state->counts.reordered++;
    note(fate, state, FAULT_REORDER, 0);
}

/* This packet goes on, so it has overtaken each one that waits. */
static void overtake(struct fault_state *state, struct fault_fate *fate)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->waiting_count; i++) {
        if (--state->waiting[i].gap > 0)
            state->waiting[kept++] = state->waiting[i];
        else if (fate->freed_count < FAULT_WAITING_MAX)
            fate->freed[fate->freed_count++] = state->waiting[i].id;
    }
    state->waiting_count = kept;
}

/* One rule, and a packet that matches it. */
static void apply(struct fault_state *state, const struct el_packet *packet, uint64_t id,
                  el_time now, struct fault_fate *fate)
{
    bool does[FAULT_ACTIONS];
    state->counts.matched++;
    /* Each action draws, also for a packet that another drops: see above. */
    for (int action = 0; action < FAULT_ACTIONS; action++)
        does[action] = chosen(state, (enum fault_action)action);
    if (does[FAULT_DROP]) {
        fate->drop = true;
        state->counts.dropped++;
        note(fate, state, FAULT_DROP, 0);
        return;
    }
    if (does[FAULT_CORRUPT])
        corrupt(state, packet, fate);
    if (does[FAULT_DUPLICATE] && fate->copies < FAULT_COPIES_MAX) {
        fate->copies++;
        state->counts.duplicated++;
        note(fate, state, FAULT_DUPLICATE, 0);
    }
    if (does[FAULT_DELAY])
        delay(state, fate);
    if (does[FAULT_RATE])
        shape(state, packet, fate);
    if (fate->drop || state->rule.select[FAULT_REORDER].kind == FAULT_NONE)
        return;
    forget_late(state, now);
    if (does[FAULT_REORDER])
        reorder(state, id, fate);
    else
        overtake(state, fate);
}

void fault_decide(struct fault_state *const *rules, size_t count, const struct el_packet *packet,
                  uint64_t id, el_time now, struct fault_fate *fate)
{
    fate->drop = fate->waits = false;
    fate->release = fate->not_before = now;
    fate->copies = 0;
    fate->changes = fate->acts = fate->freed_count = 0;
    for (size_t i = 0; i < count && !fate->drop; i++)
        if (fault_matches(&rules[i]->rule, packet))
            apply(rules[i], packet, id, now, fate);
}

/* ---- in words -------------------------------------------------------------------------------- */

const char *fault_act_print(const struct fault_act *act, char *text, size_t size)
{
    static const char *const names[] = {"drop", "corrupt", "duplicate", "delay", "rate", "reorder"};
    if (act->kind == FAULT_ACTIONS)
        snprintf(text, size, "drop: too many held");
    else if (act->full)
        snprintf(text, size, "drop: rate's queue full");
    else if (act->kind == FAULT_DELAY || act->kind == FAULT_RATE)
        snprintf(text, size, "%s %lld.%03dms", names[act->kind], (long long)(act->length / EL_MS),
                 (int)(act->length % EL_MS / EL_US));
    else
        snprintf(text, size, "%s", names[act->kind]);
    return text;
}
