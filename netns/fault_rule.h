/*
 * fault_rule.h - one fault on one link, as it was typed: `net fault client:server drop=nth:2
 * protocol=tcp payload=1-`.
 *
 * A rule says which packets it is about (matches), which of those it chooses (SELECT), and what then
 * happens to them (actions). The parser touches nothing but its arguments; what a rule does to a
 * packet is fault_fate.h.
 * Read next: fault_fate.h.
 */
#ifndef ECHOLAB_FAULT_RULE_H
#define ECHOLAB_FAULT_RULE_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FAULT_PLACE_MAX = 16,     /* a host's or switch's name and a NUL */
    FAULT_TEXT_MAX = 320,     /* the words of a rule, with its seed, and a NUL */
    FAULT_NTH_MAX = 16,       /* positions in one nth: */
    FAULT_WHY_MAX = 256,      /* holds every complaint of the parser */
    FAULT_WHOLE = 1000000000, /* 100% in parts per billion */
};

/* What can happen to a packet, in the order in which one rule does it. */
enum fault_action {
    FAULT_DROP,
    FAULT_CORRUPT,
    FAULT_DUPLICATE,
    FAULT_DELAY,
    FAULT_RATE,
    FAULT_REORDER,
    FAULT_ACTIONS
};

/* What the kernel does by itself, by rules of iptables. */
enum fault_kernel { FAULT_QUEUED, FAULT_REJECT, FAULT_REFUSE, FAULT_UNREACHABLE, FAULT_BLACKHOLE };

/* Which of the matching packets; counted from 1. NONE: the rule has no such action. */
enum fault_select_kind { FAULT_NONE, FAULT_ALL, FAULT_NTH, FAULT_EVERY, FAULT_RANDOM, FAULT_BURST };

struct fault_select {
    enum fault_select_kind kind;
    uint64_t nth[FAULT_NTH_MAX]; /* NTH: positions; EVERY: nth[0]; BURST: nth[0] is the length */
    size_t count;
    uint32_t chance; /* RANDOM, BURST: parts per billion */
};

enum fault_protocol {
    FAULT_ANY_PROTOCOL,
    FAULT_UDP,
    FAULT_TCP,
    FAULT_ICMP,
    FAULT_DNS, /* UDP or TCP, port 53 at either end */
};

struct fault_match {
    enum fault_protocol protocol;
    uint16_t port, source_port, destination_port; /* host order, 0 = any; `port`: either end */
    uint8_t flags_set, flags_clear;               /* TH_SYN ... */
    bool by_payload;
    uint32_t payload_min, payload_max; /* bytes behind the transport header */
};

enum fault_direction { FAULT_FORWARD, FAULT_REVERSE, FAULT_BOTH };
enum fault_distribution { FAULT_UNIFORM, FAULT_NORMAL, FAULT_EXPONENTIAL };

struct fault_rule {
    unsigned number;                                 /* given when it is added; from 1 */
    char from[FAULT_PLACE_MAX], to[FAULT_PLACE_MAX]; /* of the link, A and B */
    enum fault_direction direction;
    enum fault_kernel kernel;
    struct fault_select select[FAULT_ACTIONS];
    struct fault_match match;
    el_duration delay, jitter;
    enum fault_distribution distribution;
    uint64_t rate;      /* bits a second */
    uint64_t limit;     /* bytes that may wait for the rate */
    unsigned gap;       /* packets that overtake a reordered one */
    el_duration within; /* after which it goes on anyway */
    bool keep_checksum; /* corrupt: leave the checksum as it was, now wrong */
    bool at_offset;     /* corrupt: this byte of the payload, not a random one */
    uint32_t offset;
    bool closed; /* fail=closed */
    bool seeded; /* seed= was given */
    uint64_t seed;
    char text[FAULT_TEXT_MAX]; /* the words, for `show` and for repeating */
};

/*
 * Parses "A:B" and the words into *rule (number 0). 0, or -EINVAL with `why` (FAULT_WHY_MAX bytes)
 * naming the word, the cause and the fix.
 */
int fault_rule_parse(const char *link, const char *const *words, size_t count,
                     struct fault_rule *rule, char *why);

/* Sets the seed of a rule that came without one, and notes it in its text. */
void fault_rule_seed(struct fault_rule *rule, uint64_t seed);

/* "A:B" alone. 0, or -EINVAL with `why`. */
int fault_link_parse(const char *link, char from[FAULT_PLACE_MAX], char to[FAULT_PLACE_MAX],
                     char *why);

/*
 * A line of text with the whole rule, "3 client:server drop=all seed=7", and back. _read: 0, or
 * -EINVAL.
 */
const char *fault_rule_write(const struct fault_rule *rule, char *text, size_t size);
int fault_rule_read(const char *line, struct fault_rule *rule);

/* Does the engine see packets for this rule that go from A to B, from B to A? */
bool fault_rule_goes(const struct fault_rule *rule, bool reverse);

#endif
