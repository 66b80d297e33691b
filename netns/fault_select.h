/* fault_select.h - the values of a rule's words: see fault_select.c. */
#ifndef ECHOLAB_FAULT_SELECT_H
#define ECHOLAB_FAULT_SELECT_H

#include "fault_rule.h"

/*
 * Each parses the whole of `text`. 0, or -EINVAL with *why set to a static text that follows the
 * word: "positions are counted from 1 (nth:1)".
 */
int fault_parse_select(const char *text, struct fault_select *select, const char **why);
int fault_parse_percent(const char *text, size_t length, uint32_t *chance, const char **why);
int fault_parse_rate(const char *text, uint64_t *bits, const char **why);
int fault_parse_jitter(const char *text, el_duration *delay, el_duration *jitter, const char **why);
int fault_parse_range(const char *text, uint32_t *min, uint32_t *max, const char **why);
int fault_parse_flags(const char *text, uint8_t *set, uint8_t *clear, const char **why);

#endif
