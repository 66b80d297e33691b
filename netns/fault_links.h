/*
 * fault_links.h - who is plugged in beside whom, and what the kernel must be told to let a rule work.
 *
 * A link A:B is a pair of plugs on one segment. The packets that take it are known at B by the
 * interface they come in by and the hardware address they come from.
 */
#ifndef ECHOLAB_FAULT_LINKS_H
#define ECHOLAB_FAULT_LINKS_H

#include "fault_rule.h"

#include <stdio.h>

#define FAULT_PLUGS_PATH "/run/echolab/plugs"

enum { FAULT_PLUGS_MAX = 256, FAULT_QUEUE_NUMBER = 7007 };

struct fault_plug {
    char place[FAULT_PLACE_MAX], interface[FAULT_PLACE_MAX];
    char mac[18]; /* as text */
    char segment[48];
    char peer[FAULT_PLACE_MAX], peer_interface[FAULT_PLACE_MAX]; /* "-" for a switch's own plug */
};

struct fault_plugs {
    size_t count;
    struct fault_plug plug[FAULT_PLUGS_MAX];
};

/* Reads lines of the file `plugs` (topology_plan.c). 0, -EBADMSG, or -E2BIG. */
int fault_plugs_read(struct fault_plugs *plugs, FILE *file);

/*
 * The next pair of plugs of `from` and `to` on one segment; *at counts through the pairs, from 0.
 * False: there is no further one.
 */
bool fault_plugs_pair(const struct fault_plugs *plugs, const char *from, const char *to, size_t *at,
                      const struct fault_plug **from_plug, const struct fault_plug **to_plug);

/* 0 when A and B are neighbours, else -ENOENT with `why` saying which links A has. */
int fault_plugs_check(const struct fault_plugs *plugs, const char *from, const char *to, char *why);

/*
 * ---- what fault_inside.sh is to run, a line a command --------------------------------------------
 */

/*
 * "chain PLACE RULE; RULE": the rules that send to the queue what comes to `place` by a link with a
 * fault, for IPv4 and IPv6.
 */
void fault_plan_queue(FILE *out, const struct fault_plugs *plugs,
                      const struct fault_rule *const *rules, size_t count, const char *place);

/* "iptables PLACE ARGS": the rules of iptables and ip6tables for a reject, refuse, unreachable or blackhole, at `place`. */
void fault_plan_kernel(FILE *out, const struct fault_plugs *plugs, const struct fault_rule *rule,
                       const char *place, bool forwards);

#endif
