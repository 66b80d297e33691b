/*
 * fault_fate.h - what becomes of a packet: a machine without a socket and without a clock.
 *
 * (packet, now, the rules' state) -> fate. The same seeds and the same packets give the same fates,
 * here and in the unit tests, which play an hour of traffic in a moment. fault_engine.c only carries
 * out what is decided here. [#fate-is-pure]
 *   - every rule counts the packets that match it, and draws from generators of its own, one for each
 *     action; only a matching packet moves them. So traffic that a rule is not about cannot change
 *     what happens to the rest. [#own-generator]
 *   - the rules of a link are like pieces of cable in a row: what the first delays, the second sees
 *     later, and what the first drops, the second never sees.
 * Partner:  fault_rule.h (the rules), fault_bytes.h (corruption), fault_hold.h (waiting packets).
 */
#ifndef ECHOLAB_FAULT_FATE_H
#define ECHOLAB_FAULT_FATE_H

#include "fault_bytes.h"
#include "fault_rule.h"
#include "packets.h"

enum {
    FAULT_CHANGES_MAX = 4, /* corrupted bytes in one packet; further rules find it corrupt enough */
    FAULT_COPIES_MAX = 4,
    FAULT_ACTS_MAX = 16,
    FAULT_WAITING_MAX = 64, /* reordered packets of one rule at once; more are not reordered */
};

/* What a rule has done. FAULT_ACTIONS, of no rule: dropped since too many packets are held. */
struct fault_act {
    unsigned number; /* of the rule */
    enum fault_action kind;
    bool full;          /* FAULT_RATE: the queue was full, the packet is dropped */
    el_duration length; /* how much later the packet goes on because of this */
};

struct fault_fate {
    bool drop;
    el_time release; /* when it goes on; `now` or before: at once */
    bool waits;      /* reordered: until overtaken (some other packet's fate says so), or release */
    el_time not_before; /* waits: even when overtaken */
    unsigned copies;    /* duplicates that follow it */
    struct fault_change change[FAULT_CHANGES_MAX];
    size_t changes;
    struct fault_act act[FAULT_ACTS_MAX];
    size_t acts;
    uint64_t
        freed[FAULT_WAITING_MAX]; /* waiting packets that this one has overtaken: they follow it */
    size_t freed_count;
};

/* splitmix64 (Steele, Lea, Flood 2014): one addition and a mixing of bits; any seed is a good one. */
struct fault_random {
    uint64_t state;
};
uint64_t fault_random(struct fault_random *random);
/* A chance in parts per billion. */
bool fault_chance(struct fault_random *random, uint32_t chance);

struct fault_counts {
    uint64_t matched, dropped, corrupted, duplicated, delayed, shaped, full, reordered;
};

/* A rule at work. */
struct fault_state {
    struct fault_rule rule;
    struct fault_counts counts;
    struct {
        struct fault_random random;
        uint64_t burst_left;
    } stream[FAULT_ACTIONS];
    el_time last_release; /* of delay: order is kept */
    el_time busy_until;   /* of rate: when the last bit of what is queued has gone */
    uint64_t remainder;   /* of rate: what the division by it left over */
    struct {
        uint64_t id;
        unsigned gap;
        el_time until;
    } waiting[FAULT_WAITING_MAX];
    size_t waiting_count;
};

void fault_state_init(struct fault_state *state, const struct fault_rule *rule);

/* Is the rule about this packet, which goes in its direction? */
bool fault_matches(const struct fault_rule *rule, const struct el_packet *packet);

/*
 * Decides. `rules` are those for the packet's link and direction, in their order; `id` names the packet until it is
 * released. `fate` is filled.
 */
void fault_decide(struct fault_state *const *rules, size_t count, const struct el_packet *packet,
                  uint64_t id, el_time now, struct fault_fate *fate);

/* The fate in words, for the ring: "delay 20.103ms". Returns text. */
const char *fault_act_print(const struct fault_act *act, char *text, size_t size);

#endif
