/*
 * packet_counters_read.c - the texts in which iptables and the kernel tell what they have counted.
 *
 * Teaches:  two formats that grew: iptables-save(8) writes rules as a shell would need them (words,
 *           quotes, backslashes), /proc/net/snmp writes a line of names and below it a line of values.
 *           Read by their structure and not by position, they may grow on.
 * Partner:  packet_counters.c. Pure; tests/unit/test_packet_counters.c.
 */
#include "packet_counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- iptables-save ---------------------------------------------------------------------------- */

/*
 * The next word of a line: blanks end it, except within double quotes, in which a backslash protects
 * the next character. False at the end. What does not fit is cut off.
 */
static bool take_word(const char **at, char *word, size_t size)
{
    size_t used = 0;
    bool quoted = false;
    while (**at == ' ')
        ++*at;
    if (**at == '\0' || **at == '\n')
        return false;
    for (; **at != '\0' && **at != '\n' && (quoted || **at != ' '); ++*at) {
        if (**at == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && **at == '\\' && (*at)[1] != '\0')
            ++*at;
        if (used + 1 < size)
            word[used++] = **at;
    }
    word[used] = '\0';
    return true;
}

/* "[12:3456] ", the packets and bytes of a rule. NULL: not there. */
static const char *take_counts(const char *line, struct rule_counter *rule)
{
    int end = -1;
    if (sscanf(line, "[%" SCNu64 ":%" SCNu64 "] %n", &rule->packets, &rule->bytes, &end) != 2 ||
        end < 0)
        return NULL;
    return line + end;
}

/* Reads a rule; false if it is none of ours. A LOG rule stands before the NFLOG rule of the same
 * packets (net up --kernel-log), so it is not counted. */
static bool read_rule(const char *line, struct rule_counter *rule)
{
    char word[64], value[64], comment[EL_PREFIX_MAX] = "", prefix[EL_PREFIX_MAX] = "",
                              target[64] = "", chain[64] = "";
    *rule = (struct rule_counter){0};
    const char *at = take_counts(line, rule);
    if (at == NULL)
        return false;
    while (take_word(&at, word, sizeof word)) {
        char *into = strcmp(word, "-A") == 0               ? chain
                     : strcmp(word, "-j") == 0             ? target
                     : strcmp(word, "--nflog-prefix") == 0 ? prefix
                     : strcmp(word, "--comment") == 0      ? comment
                                                           : NULL;
        if (into == NULL || !take_word(&at, value, sizeof value))
            continue;
        snprintf(into, EL_PREFIX_MAX, "%.*s", EL_PREFIX_MAX - 1, value);
    }
    bool in = strcmp(chain, "ECHOLAB_IN") == 0;
    bool counts = strcmp(target, "NFLOG") == 0 || (target[0] == '\0' && comment[0] != '\0');
    if (!counts || (!in && strcmp(chain, "ECHOLAB_OUT") != 0))
        return false;
    rule->direction = in ? DIRECTION_IN : DIRECTION_OUT;
    snprintf(rule->prefix, sizeof rule->prefix, "%s", target[0] == '\0' ? comment : prefix);
    size_t length = strlen(rule->prefix);
    while (length > 0 && rule->prefix[length - 1] == ' ')
        rule->prefix[--length] = '\0';
    return true;
}

int rule_counters_add(struct rule_counters *counters, const char *line)
{
    struct rule_counter rule;
    if (!read_rule(line, &rule))
        return -ENOENT;
    for (size_t i = 0; i < counters->count; i++) {
        struct rule_counter *known = &counters->rule[i];
        if (known->direction == rule.direction && strcmp(known->prefix, rule.prefix) == 0) {
            known->packets += rule.packets;
            known->bytes += rule.bytes;
            return 0;
        }
    }
    if (counters->count == COUNTERS_MAX)
        return -ENOBUFS;
    counters->rule[counters->count++] = rule;
    return 0;
}

/* ---- /proc/net -------------------------------------------------------------------------------- */

/* Settings that stand among the counters. */
static bool is_counter(const char *name)
{
    static const char *const others[] = {"IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm",
                                         "TcpRtoMin",    "TcpRtoMax",    "TcpMaxConn"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return false;
    return true;
}

static void add(struct kernel_counters *counters, const char *group, const char *name,
                const char *value)
{
    char whole[KERNEL_COUNTER_NAME];
    uint64_t number = *value >= '0' && *value <= '9' ? strtoull(value, NULL, 10) : 0;
    int length = snprintf(whole, sizeof whole, "%s%s", group, name);
    if (number == 0 || length < 1 || length >= (int)sizeof whole || !is_counter(whole) ||
        counters->count == KERNEL_COUNTERS_MAX)
        return;
    for (const char *c = whole; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return;
    memcpy(counters->counter[counters->count].name, whole, sizeof whole);
    counters->counter[counters->count++].value = number;
}

/* One pair: "Tcp: A B" and "Tcp: 1 2". Both are cut up. */
static void add_pair(struct kernel_counters *counters, char *names, char *values)
{
    char *name_rest = NULL, *value_rest = NULL;
    char *group = strtok_r(names, " \n", &name_rest), *same = strtok_r(values, " \n", &value_rest);
    size_t length = group == NULL ? 0 : strlen(group);
    if (same == NULL || length < 2 || group[length - 1] != ':' || strcmp(group, same) != 0)
        return;
    group[length - 1] = '\0';
    for (;;) {
        const char *name = strtok_r(NULL, " \n", &name_rest);
        const char *value = strtok_r(NULL, " \n", &value_rest);
        if (name == NULL || value == NULL)
            return;
        add(counters, group, name, value);
    }
}

void kernel_counters_add_pairs(struct kernel_counters *counters, FILE *file)
{
    char *names = NULL, *values = NULL;
    size_t names_size = 0, values_size = 0;
    while (getline(&names, &names_size, file) >= 0 && getline(&values, &values_size, file) >= 0)
        add_pair(counters, names, values);
    free(names);
    free(values);
}

void kernel_counters_add_lines(struct kernel_counters *counters, FILE *file)
{
    char name[KERNEL_COUNTER_NAME], value[32];
    while (fscanf(file, "%47s %31s", name, value) == 2)
        add(counters, "", name, value);
}
