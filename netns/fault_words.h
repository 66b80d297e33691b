/* fault_words.h - the words of a rule and the parser that meets them: see fault_words.c. */
#ifndef ECHOLAB_FAULT_WORDS_H
#define ECHOLAB_FAULT_WORDS_H

#include "fault_rule.h"

/* A rule that is being read. */
struct fault_parser {
    struct fault_rule *rule;
    const char *why;            /* what is wrong with the word at hand: static text */
    struct fault_select chosen; /* on=SELECT */
    uint32_t seen;              /* bit i: word i of the table was there */
};

struct fault_word {
    const char *key;
    /* Reads the value into the rule. 0, or -EINVAL with parser->why. */
    int (*parse)(struct fault_parser *parser, const char *value);
    const char *needs;   /* one of these words, or the value would be without effect */
    const char *missing; /* what to say then */
    bool kernel_too;     /* also understood by reject, refuse, unreachable, blackhole */
};

extern const struct fault_word fault_words[]; /* ended by a NULL key; at most 32 */

#endif
