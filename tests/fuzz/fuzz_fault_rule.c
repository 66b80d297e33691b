/*
 * fuzz_fault_rule.c - the words of `net fault`, and the line in which a rule is kept.
 *
 * Input:    the link and the words, each ended by a newline; the same bytes are also tried as a kept line, "3 a:b drop=all".
 * Asserted: understood, or refused with a sentence of one printable line that fits; what is understood reads back from its line
 *           as the same rule, field by field, with and without a seed; its values are within their bounds; it chooses
 *           some packets, if it is the engine that carries it out.
 * Run:      make fuzz FUZZ=fault_rule
 */
#include "fault_control.h"
#include "fault_rule.h"
#include "fuzz.h"

#include <errno.h>

enum { WORDS_MAX = 30, LINE_MAX_BYTES = FAULT_TEXT_MAX + 64, SEED = 77 };

static void check_select(const struct fault_select *select)
{
    fuzz_holds(select->kind <= FAULT_BURST && select->count <= FAULT_NTH_MAX);
    if (select->kind == FAULT_RANDOM || select->kind == FAULT_BURST)
        fuzz_holds(select->chance > 0 && select->chance <= FAULT_WHOLE);
    for (size_t i = 0; i < select->count; i++)
        fuzz_holds(select->nth[i] > 0);
}

static void check_bounds(const struct fault_rule *rule)
{
    bool any = false;
    for (int action = 0; action < FAULT_ACTIONS; action++) {
        check_select(&rule->select[action]);
        any = any || rule->select[action].kind != FAULT_NONE;
    }
    fuzz_holds(any || rule->kernel != FAULT_QUEUED);
    fuzz_holds(rule->from[0] != '\0' && rule->to[0] != '\0' && strcmp(rule->from, rule->to) != 0);
    fuzz_holds(rule->delay >= 0 && rule->jitter >= 0 && rule->jitter <= rule->delay);
    fuzz_holds(rule->within >= 0 && rule->gap >= 1 && rule->limit >= 1);
    fuzz_holds(rule->match.payload_min <= rule->match.payload_max || !rule->match.by_payload);
    fuzz_holds((rule->match.flags_set & rule->match.flags_clear) == 0);
    fuzz_holds(fuzz_printable(rule->from) && fuzz_printable(rule->to));
}

static bool same_match(const struct fault_match *a, const struct fault_match *b)
{
    return a->protocol == b->protocol && a->port == b->port && a->source_port == b->source_port &&
           a->destination_port == b->destination_port && a->flags_set == b->flags_set &&
           a->flags_clear == b->flags_clear && a->by_payload == b->by_payload &&
           a->payload_min == b->payload_min && a->payload_max == b->payload_max;
}

static bool same_select(const struct fault_select *a, const struct fault_select *b)
{
    return a->kind == b->kind && a->count == b->count && a->chance == b->chance &&
           memcmp(a->nth, b->nth, a->count * sizeof a->nth[0]) == 0;
}

static bool same_rule(const struct fault_rule *a, const struct fault_rule *b)
{
    for (int action = 0; action < FAULT_ACTIONS; action++)
        if (!same_select(&a->select[action], &b->select[action]))
            return false;
    return strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0 &&
           strcmp(a->text, b->text) == 0 && a->number == b->number &&
           a->direction == b->direction && a->kernel == b->kernel &&
           same_match(&a->match, &b->match) && a->delay == b->delay && a->jitter == b->jitter &&
           a->distribution == b->distribution && a->rate == b->rate && a->limit == b->limit &&
           a->gap == b->gap && a->within == b->within && a->keep_checksum == b->keep_checksum &&
           a->at_offset == b->at_offset && a->offset == b->offset && a->closed == b->closed &&
           a->seeded == b->seeded && a->seed == b->seed;
}

static void check_line(const struct fault_rule *rule)
{
    struct fault_rule back;
    char line[LINE_MAX_BYTES];
    fault_rule_write(rule, line, sizeof line);
    fuzz_holds(strchr(line, '\n') == NULL);
    fuzz_holds(fault_rule_read(line, &back) == 0);
    fuzz_holds(same_rule(rule, &back));
}

static void check_words(const char *link, const char *const *words, size_t count)
{
    struct fault_rule rule;
    char why[FAULT_WHY_MAX] = "";
    int error = fault_rule_parse(link, words, count, &rule, why);
    if (error < 0) {
        fuzz_holds(error == -EINVAL && why[0] != '\0' && strlen(why) < FAULT_WHY_MAX - 1);
        fuzz_holds(fuzz_sentence(why));
        return;
    }
    rule.number = 3;
    check_bounds(&rule);
    check_line(&rule);
    fault_rule_seed(&rule, SEED);
    fuzz_holds(rule.seeded || rule.kernel != FAULT_QUEUED);
    check_line(&rule);
}

/* `net fault clear WORD` */
static void check_which(const char *word)
{
    struct fault_which which;
    char why[FAULT_WHY_MAX] = "";
    int error = fault_which_parse(word, &which, why);
    fuzz_holds(error == 0 || (error == -EINVAL && fuzz_sentence(why)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    char *words[WORDS_MAX], *line = fuzz_whole(data, size);
    size_t count = 0;
    struct fault_rule rule;
    char *link = fuzz_text(&input, '\n');
    while (input.left > 0 && count < WORDS_MAX)
        words[count++] = fuzz_text(&input, '\n');
    check_words(link, (const char *const *)words, count);
    check_which(link);
    if (fault_rule_read(line, &rule) == 0) {
        check_bounds(&rule);
        check_line(&rule);
    }
    while (count > 0)
        free(words[--count]);
    free(link);
    free(line);
    return 0;
}
