/* packet_counters.h - the counters of log rules, read from iptables-save: see packet_counters.c. */
#ifndef ECHOLAB_PACKET_COUNTERS_H
#define ECHOLAB_PACKET_COUNTERS_H

#include "packet_filter.h"

#include <stdio.h>

enum { COUNTERS_MAX = 128 };

/* The log rules of one host with one prefix and direction, of IPv4 and IPv6 together. */
struct rule_counter {
    enum packet_direction direction;
    char prefix[EL_PREFIX_MAX];
    uint64_t packets, bytes;
};

struct rule_counters {
    size_t count;
    struct rule_counter rule[COUNTERS_MAX]; /* in the order of the first rule of each */
};

/*
 * Adds what a line of `iptables-save -c` says if it is a log rule: one in the chain ECHOLAB_IN or
 * ECHOLAB_OUT that logs by NFLOG, or only counts and has the prefix as its comment. 0, -ENOENT: some
 * other line, -ENOBUFS: more than COUNTERS_MAX.
 */
int rule_counters_add(struct rule_counters *counters, const char *line);

/* ---- the kernel's own ------------------------------------------------------------------------ */

enum { KERNEL_COUNTERS_MAX = 512, KERNEL_COUNTER_NAME = 48 };

struct kernel_counters {
    size_t count;
    struct {
        char name[KERNEL_COUNTER_NAME]; /* as nstat(8) has it: "TcpRetransSegs" */
        uint64_t value;
    } counter[KERNEL_COUNTERS_MAX];
};

/* Adds the counters that are not 0 from /proc/net/snmp or netstat: pairs of lines, names and values. */
void kernel_counters_add_pairs(struct kernel_counters *counters, FILE *file);

/* The same from /proc/net/snmp6: a name and a value on each line. */
void kernel_counters_add_lines(struct kernel_counters *counters, FILE *file);

/* `packet_log counters`; argv[0] is "counters". Returns the exit code. */
int packet_counters(int argc, char **argv);

#endif
