/*
 * fault_rule.c - the words of `net fault A:B WORD...` become a rule, or a sentence that helps.
 *
 * Teaches:  a command line is a small language. One table has a line for each word and says which
 *           function reads its value; what only makes sense together is checked at the end, when
 *           everything is known. Whoever types `gap=2` without `reorder=` is told so, since a word
 *           without effect is a mistake that would otherwise be found much later.
 * Partner:  fault_words.c (the table), fault_fate.c (what a rule does).
 */
#include "fault_rule.h"

#include "fault_words.h"
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 64 * 1024, WITHIN_DEFAULT_MS = 100 };

static int bad(struct fault_parser *parser, const char *why)
{
    parser->why = why;
    return -EINVAL;
}

/* ---- a word ---------------------------------------------------------------------------------- */

static const char *const kernel_names[] = {"", "reject", "refuse", "unreachable", "blackhole"};

static int parse_bare(struct fault_parser *parser, const char *word)
{
    for (int i = FAULT_REJECT; i <= FAULT_BLACKHOLE; i++)
        if (strcmp(word, kernel_names[i]) == 0) {
            if (parser->rule->kernel != FAULT_QUEUED)
                return bad(parser, "is one verdict too many: a packet has one end");
            parser->rule->kernel = (enum fault_kernel)i;
            return 0;
        }
    return bad(parser, "is no fault (drop=, delay=, reorder=, duplicate=, corrupt=, rate=, reject, "
                       "refuse, unreachable, blackhole; man echolab-net)");
}

static int parse_one(struct fault_parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    if (equals == NULL)
        return parse_bare(parser, word);
    for (unsigned i = 0; fault_words[i].key != NULL; i++) {
        const char *key = fault_words[i].key;
        if (strlen(key) != (size_t)(equals - word) || strncmp(key, word, strlen(key)) != 0)
            continue;
        if (parser->seen & 1U << i)
            return bad(parser, "is there twice (a second fault is a second net fault)");
        parser->seen |= 1U << i;
        return fault_words[i].parse(parser, equals + 1);
    }
    return bad(parser, "is no word of net fault (man echolab-net lists them)");
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool seen(const struct fault_parser *parser, const char *key, size_t length)
{
    for (unsigned i = 0; fault_words[i].key != NULL; i++)
        if (strlen(fault_words[i].key) == length && strncmp(fault_words[i].key, key, length) == 0)
            return parser->seen & 1U << i;
    return false;
}

static bool any_seen(const struct fault_parser *parser, const char *list)
{
    for (; *list != '\0'; list += strspn(list, " ")) {
        size_t length = strcspn(list, " ");
        if (seen(parser, list, length))
            return true;
        list += length;
    }
    return false;
}

static int check_words(struct fault_parser *parser, char *why)
{
    for (unsigned i = 0; fault_words[i].key != NULL; i++) {
        const struct fault_word *word = &fault_words[i];
        const char *problem = NULL;
        if (!(parser->seen & 1U << i))
            continue;
        if (parser->rule->kernel != FAULT_QUEUED && !word->kernel_too)
            problem = "is nothing that the kernel's own rules can do (drop=all can)";
        else if (word->needs != NULL && !any_seen(parser, word->needs))
            problem = word->missing;
        if (problem != NULL) {
            snprintf(why, FAULT_WHY_MAX, "%s=: %s", word->key, problem);
            return -EINVAL;
        }
    }
    return 0;
}

static int check_rule(struct fault_parser *parser, char *why)
{
    struct fault_rule *rule = parser->rule;
    struct fault_match *match = &rule->match;
    const char *problem = NULL;
    bool flags = match->flags_set != 0 || match->flags_clear != 0;
    bool ports = match->port != 0 || match->source_port != 0 || match->destination_port != 0;
    if (rule->kernel == FAULT_QUEUED &&
        !any_seen(parser, "drop corrupt duplicate delay rate reorder"))
        problem = "what shall happen to the packets? (drop=, delay=, reorder=, duplicate=, "
                  "corrupt=, rate=, reject, refuse, unreachable, blackhole)";
    else if (flags && match->protocol != FAULT_TCP && match->protocol != FAULT_ANY_PROTOCOL)
        problem = "flags=: only TCP has flags (protocol=tcp, or leave protocol= out)";
    else if (ports && match->protocol == FAULT_ICMP)
        problem = "protocol=icmp: ICMP has no ports (leave port=, sport= and dport= out)";
    else if (seen(parser, "distribution", 12) && rule->jitter == 0)
        problem = "distribution=: this delay does not vary (delay=20ms+-5ms)";
    if (problem != NULL) {
        snprintf(why, FAULT_WHY_MAX, "%s", problem);
        return -EINVAL;
    }
    if (flags)
        match->protocol = FAULT_TCP;
    return 0;
}

static bool is_place(const char *name, size_t length)
{
    static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return length > 0 && length < FAULT_PLACE_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, more) >= length;
}

int fault_link_parse(const char *link, char from[FAULT_PLACE_MAX], char to[FAULT_PLACE_MAX],
                     char *why)
{
    const char *colon = strchr(link, ':');
    if (colon == NULL || !is_place(link, (size_t)(colon - link)) ||
        !is_place(colon + 1, strlen(colon + 1))) {
        char shown[65]; /* whatever was typed, it does not reach the terminal as it is */
        snprintf(why, FAULT_WHY_MAX, "%s: is not a link (A:B, the two ends: client:server)",
                 el_name_escape(link, shown, sizeof shown));
        return -EINVAL;
    }
    snprintf(from, FAULT_PLACE_MAX, "%.*s", (int)(colon - link), link);
    snprintf(to, FAULT_PLACE_MAX, "%s", colon + 1);
    if (strcmp(from, to) == 0) {
        snprintf(why, FAULT_WHY_MAX, "%s: both ends are the same place", link);
        return -EINVAL;
    }
    return 0;
}

/* The words as they were typed. A word that parsed has no blank in it. */
static int keep_text(struct fault_rule *rule, const char *const *words, size_t count, char *why)
{
    enum { ROOM = FAULT_TEXT_MAX - 32 }; /* a seed may follow */
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        int more = snprintf(rule->text + used, ROOM - used, "%s%s", i == 0 ? "" : " ", words[i]);
        used += (size_t)more;
        if (used >= ROOM) {
            snprintf(why, FAULT_WHY_MAX, "too many words for one fault");
            return -EINVAL;
        }
    }
    return 0;
}

int fault_rule_parse(const char *link, const char *const *words, size_t count,
                     struct fault_rule *rule, char *why)
{
    struct fault_parser parser = {.rule = rule, .chosen.kind = FAULT_ALL};
    *rule =
        (struct fault_rule){.limit = LIMIT_DEFAULT, .gap = 1, .within = WITHIN_DEFAULT_MS * EL_MS};
    int error = fault_link_parse(link, rule->from, rule->to, why);
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = parse_one(&parser, words[i]);
        char shown[81];
        if (error < 0)
            snprintf(why, FAULT_WHY_MAX, "%s: %s", el_name_escape(words[i], shown, sizeof shown),
                     parser.why);
    }
    if (error == 0)
        error = check_words(&parser, why);
    if (error == 0)
        error = check_rule(&parser, why);
    if (error == 0)
        error = keep_text(rule, words, count, why);
    if (rule->select[FAULT_DELAY].kind != FAULT_NONE)
        rule->select[FAULT_DELAY] = parser.chosen;
    if (rule->select[FAULT_RATE].kind != FAULT_NONE)
        rule->select[FAULT_RATE] = parser.chosen;
    return error;
}

void fault_rule_seed(struct fault_rule *rule, uint64_t seed)
{
    size_t used = strlen(rule->text);
    if (rule->seeded || rule->kernel != FAULT_QUEUED)
        return;
    rule->seeded = true;
    rule->seed = seed;
    snprintf(rule->text + used, sizeof rule->text - used, " seed=%" PRIu64, seed);
}

bool fault_rule_goes(const struct fault_rule *rule, bool reverse)
{
    return rule->direction == FAULT_BOTH || (rule->direction == FAULT_REVERSE) == reverse;
}

/* ---- as a line ------------------------------------------------------------------------------- */

const char *fault_rule_write(const struct fault_rule *rule, char *text, size_t size)
{
    snprintf(text, size, "%u %s:%s %s", rule->number, rule->from, rule->to, rule->text);
    return text;
}

int fault_rule_read(const char *line, struct fault_rule *rule)
{
    enum { WORDS_MAX = 32 };
    char copy[FAULT_TEXT_MAX + 64], why[FAULT_WHY_MAX], *rest = NULL;
    const char *words[WORDS_MAX];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " \n", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest))
        words[count++] = word;
    const char *unused;
    uint64_t number;
    if (count < 3 || el_parse_number(words[0], &number, &unused) < 0 || number > UINT16_MAX ||
        fault_rule_parse(words[1], words + 2, count - 2, rule, why) < 0)
        return -EINVAL;
    rule->number = (unsigned)number;
    return 0;
}
