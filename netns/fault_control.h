/*
 * fault_control.h - how rules come to the engine: a socket, one request of a line, one answer.
 *
 *   add A:B WORD...        clear [A:B|NUMBER]        show
 *
 * An answer begins with a line "ok" or "error TEXT". What follows are lines for fault_inside.sh to
 * obey ("chain PLACE RULES", "iptables PLACE ARGS", "untag PLACE NUMBER", "say TEXT"); of `show`,
 * lines for fault_show.c.
 */
#ifndef ECHOLAB_FAULT_CONTROL_H
#define ECHOLAB_FAULT_CONTROL_H

#include "fault_engine.h"

enum { FAULT_REQUEST_MAX = 1024, FAULT_ANSWER_MAX = 96 * 1024 };

struct fault_control; /* opaque */

/* Listens on `path`, which only its owner may use. NULL with errno. */
struct fault_control *fault_control_open(struct fault_engine *engine, const char *path);
void fault_control_close(struct fault_control *control);

/*
 * The rules that are in the file from an engine that died: those that the kernel carries out are
 * still in force and are taken over, the others are gone.
 */
void fault_control_inherit(struct fault_engine *engine, const char *path);

/* Reads rules from the file, at most `max`. How many; 0 when there is no such file. */
size_t fault_rules_load(const char *path, struct fault_rule *rules, size_t max);
/* Writes them, so that a reader sees the old ones or the new ones. 0, or -errno. */
int fault_rules_save(const char *path, const struct fault_rule *const *rules, size_t count);

/* Is `rule` meant by the word after clear? NULL or "": all are. `number`, `from`... as parsed. */
struct fault_which {
    bool all;
    unsigned number; /* 0: by its link */
    char from[FAULT_PLACE_MAX], to[FAULT_PLACE_MAX];
};
int fault_which_parse(const char *word, struct fault_which *which, char *why);
bool fault_which_means(const struct fault_which *which, const struct fault_rule *rule);

#endif
