/*
 * fault_words.c - a function for each word of a fault, and the table that lists them.
 *
 * A word that is only understood beside another (gap= beside reorder=) says so in the table.
 * Partner:  fault_rule.c walks the table; fault_select.c reads the values.
 */
#include "fault_words.h"

#include "fault_select.h"
#include "options.h"

#include <errno.h>
#include <string.h>

static int bad(struct fault_parser *parser, const char *why)
{
    parser->why = why;
    return -EINVAL;
}

static int choice(struct fault_parser *parser, const char *value, const char *const *names,
                  const char *why)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], value) == 0)
            return i;
    return bad(parser, why);
}

/* ---- a function for each word ---------------------------------------------------------------- */

static int on_drop(struct fault_parser *parser, const char *value)
{
    return fault_parse_select(value, &parser->rule->select[FAULT_DROP], &parser->why);
}

static int on_corrupt(struct fault_parser *parser, const char *value)
{
    return fault_parse_select(value, &parser->rule->select[FAULT_CORRUPT], &parser->why);
}

static int on_duplicate(struct fault_parser *parser, const char *value)
{
    return fault_parse_select(value, &parser->rule->select[FAULT_DUPLICATE], &parser->why);
}

static int on_reorder(struct fault_parser *parser, const char *value)
{
    return fault_parse_select(value, &parser->rule->select[FAULT_REORDER], &parser->why);
}

static int on_delay(struct fault_parser *parser, const char *value)
{
    parser->rule->select[FAULT_DELAY].kind = FAULT_ALL;
    return fault_parse_jitter(value, &parser->rule->delay, &parser->rule->jitter, &parser->why);
}

static int on_rate(struct fault_parser *parser, const char *value)
{
    parser->rule->select[FAULT_RATE].kind = FAULT_ALL;
    return fault_parse_rate(value, &parser->rule->rate, &parser->why);
}

static int on_on(struct fault_parser *parser, const char *value)
{
    return fault_parse_select(value, &parser->chosen, &parser->why);
}

static int on_distribution(struct fault_parser *parser, const char *value)
{
    static const char *const names[] = {"uniform", "normal", "exponential", NULL};
    int index = choice(parser, value, names, "is none of uniform, normal and exponential");
    parser->rule->distribution = (enum fault_distribution)index;
    return index < 0 ? index : 0;
}

static int on_limit(struct fault_parser *parser, const char *value)
{
    const char *why;
    if (el_parse_size(value, &parser->rule->limit, &why) < 0 || parser->rule->limit < 1 ||
        parser->rule->limit > 64 << 20)
        return bad(parser, "is not a size from 1 to 64M (limit=64k)");
    return 0;
}

static int on_gap(struct fault_parser *parser, const char *value)
{
    const char *why;
    uint64_t number;
    if (el_parse_number(value, &number, &why) < 0 || number < 1 || number > 1000)
        return bad(parser, "is not a number of packets from 1 to 1000 (gap=1)");
    parser->rule->gap = (unsigned)number;
    return 0;
}

static int on_within(struct fault_parser *parser, const char *value)
{
    el_duration none;
    int error = fault_parse_jitter(value, &parser->rule->within, &none, &parser->why);
    return error == 0 && none != 0 ? bad(parser, "is not a duration (within=100ms)") : error;
}

static int on_checksum(struct fault_parser *parser, const char *value)
{
    static const char *const names[] = {"repair", "keep", NULL};
    int index = choice(parser, value, names, "is neither repair nor keep");
    parser->rule->keep_checksum = index == 1;
    return index < 0 ? index : 0;
}

static int on_at(struct fault_parser *parser, const char *value)
{
    const char *why;
    uint64_t number;
    if (el_parse_number(value, &number, &why) < 0 || number > UINT16_MAX)
        return bad(parser, "is not a byte of the payload, counted from 0 (at=16)");
    parser->rule->at_offset = true;
    parser->rule->offset = (uint32_t)number;
    return 0;
}

static int on_protocol(struct fault_parser *parser, const char *value)
{
    static const char *const names[] = {"udp", "tcp", "icmp", "dns", NULL};
    int index = choice(parser, value, names, "is none of udp, tcp, icmp and dns");
    parser->rule->match.protocol = (enum fault_protocol)(index + 1);
    return index < 0 ? index : 0;
}

static int port(struct fault_parser *parser, const char *value, uint16_t *to)
{
    const char *why;
    uint64_t number;
    if (el_parse_number(value, &number, &why) < 0 || number < 1 || number > UINT16_MAX)
        return bad(parser, "is not a port from 1 to 65535");
    *to = (uint16_t)number;
    return 0;
}

static int on_port(struct fault_parser *parser, const char *value)
{
    return port(parser, value, &parser->rule->match.port);
}

static int on_sport(struct fault_parser *parser, const char *value)
{
    return port(parser, value, &parser->rule->match.source_port);
}

static int on_dport(struct fault_parser *parser, const char *value)
{
    return port(parser, value, &parser->rule->match.destination_port);
}

static int on_direction(struct fault_parser *parser, const char *value)
{
    static const char *const names[] = {"forward", "reverse", "both", NULL};
    int index =
        choice(parser, value, names, "is none of forward (A to B), reverse (B to A) and both");
    parser->rule->direction = (enum fault_direction)index;
    return index < 0 ? index : 0;
}

static int on_flags(struct fault_parser *parser, const char *value)
{
    struct fault_match *match = &parser->rule->match;
    return fault_parse_flags(value, &match->flags_set, &match->flags_clear, &parser->why);
}

static int on_payload(struct fault_parser *parser, const char *value)
{
    struct fault_match *match = &parser->rule->match;
    match->by_payload = true;
    return fault_parse_range(value, &match->payload_min, &match->payload_max, &parser->why);
}

static int on_seed(struct fault_parser *parser, const char *value)
{
    const char *why;
    if (el_parse_number(value, &parser->rule->seed, &why) < 0)
        return bad(parser, "is not a number of at most 64 bits (seed=42)");
    parser->rule->seeded = true;
    return 0;
}

static int on_fail(struct fault_parser *parser, const char *value)
{
    static const char *const names[] = {"open", "closed", NULL};
    int index = choice(parser, value, names, "is neither open nor closed");
    parser->rule->closed = index == 1;
    return index < 0 ? index : 0;
}

const struct fault_word fault_words[] = {
    {"drop", on_drop, NULL, NULL, false},
    {"corrupt", on_corrupt, NULL, NULL, false},
    {"duplicate", on_duplicate, NULL, NULL, false},
    {"delay", on_delay, NULL, NULL, false},
    {"rate", on_rate, NULL, NULL, false},
    {"reorder", on_reorder, NULL, NULL, false},
    {"on", on_on, "delay rate", "chooses packets for delay= or rate=, and there is neither", false},
    {"distribution", on_distribution, "delay",
     "is about delay=, which is not there (delay=20ms+-5ms)", false},
    {"limit", on_limit, "rate", "is the queue of rate=, which is not there (rate=1mbit)", false},
    {"gap", on_gap, "reorder", "is about reorder=, which is not there (reorder=nth:2)", false},
    {"within", on_within, "reorder", "is about reorder=, which is not there (reorder=nth:2)",
     false},
    {"checksum", on_checksum, "corrupt", "is about corrupt=, which is not there (corrupt=nth:2)",
     false},
    {"at", on_at, "corrupt", "is about corrupt=, which is not there (corrupt=nth:2)", false},
    {"protocol", on_protocol, NULL, NULL, true},
    {"port", on_port, NULL, NULL, true},
    {"sport", on_sport, NULL, NULL, true},
    {"dport", on_dport, NULL, NULL, true},
    {"direction", on_direction, NULL, NULL, true},
    {"flags", on_flags, NULL, NULL, true},
    {"payload", on_payload, NULL, NULL, false},
    {"seed", on_seed, NULL, NULL, false},
    {"fail", on_fail, NULL, NULL, false},
    {0},
};
