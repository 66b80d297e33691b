/*
 * fault_list.c - the list of rules as a file, so that it outlives the engine.
 *
 * A file is replaced by renaming a new one over it: whoever reads sees the one or the other, whole,
 * and an engine that is killed in between leaves the old one.
 * Partner:  fault_control.c (the engine's side), fault_client.c (when there is no engine).
 */
#include "fault_control.h"

#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

size_t fault_rules_load(const char *path, struct fault_rule *rules, size_t max)
{
    char line[FAULT_TEXT_MAX + 64];
    size_t count = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (count < max && fgets(line, sizeof line, file) != NULL)
        if (fault_rule_read(line, &rules[count]) == 0)
            count++;
    fclose(file);
    return count;
}

int fault_rules_save(const char *path, const struct fault_rule *const *rules, size_t count)
{
    char line[FAULT_TEXT_MAX + 64], unfinished[128];
    snprintf(unfinished, sizeof unfinished, "%s.new", path);
    FILE *file = fopen(unfinished, "we");
    if (file == NULL)
        return -errno;
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s\n", fault_rule_write(rules[i], line, sizeof line));
    bool bad = ferror(file) != 0; /* of what was written before; fclose(3) may not say it again */
    errno = EIO;
    if (fclose(file) != 0 || bad || rename(unfinished, path) < 0)
        return -errno;
    return 0;
}

int fault_which_parse(const char *word, struct fault_which *which, char *why)
{
    const char *unused;
    uint64_t number;
    *which = (struct fault_which){.all = word == NULL || word[0] == '\0'};
    if (which->all || strchr(word, ':') != NULL)
        return which->all ? 0 : fault_link_parse(word, which->from, which->to, why);
    if (el_parse_number(word, &number, &unused) < 0 || number < 1 || number > UINT16_MAX) {
        char shown[65];
        snprintf(why, FAULT_WHY_MAX,
                 "clear: %s: is neither a link (client:server) nor a fault's number (net fault "
                 "show)",
                 el_name_escape(word, shown, sizeof shown));
        return -EINVAL;
    }
    which->number = (unsigned)number;
    return 0;
}

bool fault_which_means(const struct fault_which *which, const struct fault_rule *rule)
{
    if (which->all || which->number != 0)
        return which->all || which->number == rule->number;
    return strcmp(which->from, rule->from) == 0 && strcmp(which->to, rule->to) == 0;
}
