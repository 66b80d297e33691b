/*
 * fault_plan.c - what the kernel must be told, as commands that fault_inside.sh runs.
 *
 * Teaches:  where in a packet's way a fault belongs. It is on the wire, so it must come before all that
 *           happens on the arriving host, also before its log (table mangle). A rule ahead of the log
 *           rules in mangle would not do: a packet that is let go from a queue goes on with the *next*
 *           table, past the rest of the one it was in, so the log would never see it. Table raw is
 *           the first of all, in PREROUTING, where host and router are alike. [#before-the-log]
 * Partner:  fault_links.c, fault_inside.sh.
 */
#include "fault_links.h"

#include <netinet/tcp.h>
#include <string.h>

/* Of the rules for this direction of a link: is there one, and does one say fail=closed? */
static bool link_has(const struct fault_rule *const *rules, size_t count, const char *from,
                     const char *to, bool *closed)
{
    bool any = false;
    *closed = false;
    for (size_t i = 0; i < count; i++) {
        bool forward = strcmp(rules[i]->from, from) == 0 && strcmp(rules[i]->to, to) == 0;
        bool reverse = strcmp(rules[i]->from, to) == 0 && strcmp(rules[i]->to, from) == 0;
        if (rules[i]->kernel != FAULT_QUEUED || (!forward && !reverse) ||
            !fault_rule_goes(rules[i], reverse))
            continue;
        any = true;
        *closed |= rules[i]->closed;
    }
    return any;
}

void fault_plan_queue(FILE *out, const struct fault_plugs *plugs,
                      const struct fault_rule *const *rules, size_t count, const char *place)
{
    const char *separator = " ";
    fprintf(out, "chain %s", place);
    for (size_t i = 0; i < plugs->count; i++) {
        const char *from = plugs->plug[i].place;
        const struct fault_plug *a, *b;
        bool closed;
        if (strcmp(from, place) == 0 || !link_has(rules, count, from, place, &closed))
            continue;
        for (size_t at = 0; fault_plugs_pair(plugs, from, place, &at, &a, &b);) {
            if (a != &plugs->plug[i])
                continue;
            fprintf(out, "%s-i %s -m mac --mac-source %s -j NFQUEUE --queue-num %d%s", separator,
                    b->interface, a->mac, FAULT_QUEUE_NUMBER, closed ? "" : " --queue-bypass");
            separator = ";";
        }
    }
    fputc('\n', out);
}

/* ---- iptables -------------------------------------------------------------------------------- */

static void put_flags(FILE *out, const struct fault_match *match)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
    const char *comma = "";
    if ((match->flags_set | match->flags_clear) == 0)
        return;
    fputs(" --tcp-flags ", out);
    for (unsigned i = 0; i < 6; i++)
        if ((match->flags_set | match->flags_clear) & 1U << i) {
            fprintf(out, "%s%s", comma, names[i]);
            comma = ",";
        }
    comma = " ";
    for (unsigned i = 0; i < 6; i++)
        if (match->flags_set & 1U << i) {
            fprintf(out, "%s%s", comma, names[i]);
            comma = ",";
        }
    if (match->flags_set == 0)
        fputs(" NONE", out);
}

static void put_ports(FILE *out, const struct fault_match *match)
{
    if (match->port != 0)
        fprintf(out, " -m multiport --ports %u", match->port);
    if (match->source_port != 0)
        fprintf(out, " --sport %u", match->source_port);
    if (match->destination_port != 0)
        fprintf(out, " --dport %u", match->destination_port);
}

/* One kind of packet that the rule is about: what to match, and how to say no to it. */
struct kind {
    const char *protocol; /* "-p tcp", or "" */
    bool tcp;
};

/* The kinds of packets that the rule's matches mean, each for a rule of its own. Returns how many. */
static size_t kinds_of(const struct fault_rule *rule, bool six, struct kind kinds[3])
{
    const struct fault_match *match = &rule->match;
    bool ports = match->port != 0 || match->source_port != 0 || match->destination_port != 0;
    switch (match->protocol) {
    case FAULT_TCP:
        kinds[0] = (struct kind){"-p tcp", true};
        return 1;
    case FAULT_UDP:
        kinds[0] = (struct kind){"-p udp", false};
        return 1;
    case FAULT_ICMP:
        kinds[0] = (struct kind){six ? "-p icmpv6" : "-p icmp", false};
        return 1;
    default:
        kinds[0] = (struct kind){"-p tcp", true};
        kinds[1] = (struct kind){"-p udp", false};
        if (ports || match->protocol == FAULT_DNS)
            return 2;
        kinds[2] = (struct kind){"", false};
        return 3;
    }
}

static const char *target_of(const struct fault_rule *rule, bool six, bool tcp)
{
    switch (rule->kernel) {
    case FAULT_REFUSE:
        if (tcp)
            return "REJECT --reject-with tcp-reset";
        return six ? "REJECT --reject-with icmp6-port-unreachable"
                   : "REJECT --reject-with icmp-port-unreachable";
    case FAULT_UNREACHABLE:
        return six ? "REJECT --reject-with icmp6-addr-unreachable"
                   : "REJECT --reject-with icmp-host-unreachable";
    case FAULT_REJECT:
        return six ? "REJECT --reject-with icmp6-adm-prohibited"
                   : "REJECT --reject-with icmp-admin-prohibited";
    default:
        return "DROP";
    }
}

/* One rule in one chain. AT stands for the place behind the faults that are there already. */
static void put_rule(FILE *out, const struct fault_rule *rule, bool six, const char *chain,
                     const char *place, const char *interface, const char *mac)
{
    struct kind kinds[3];
    size_t count = kinds_of(rule, six, kinds);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s %s %s AT -i %s -m mac --mac-source %s %s", six ? "ip6tables" : "iptables",
                place, chain, interface, mac, kinds[i].protocol);
        put_ports(out, &rule->match);
        if (rule->match.protocol == FAULT_DNS)
            fputs(" -m multiport --ports 53", out);
        put_flags(out, &rule->match);
        fprintf(out, " -m comment --comment echolab-fault-%u -j %s\n", rule->number,
                target_of(rule, six, kinds[i].tcp));
    }
}

void fault_plan_kernel(FILE *out, const struct fault_plugs *plugs, const struct fault_rule *rule,
                       const char *place, bool forwards)
{
    bool forward = strcmp(rule->to, place) == 0;
    const struct fault_plug *a, *b;
    if ((!forward && strcmp(rule->from, place) != 0) || !fault_rule_goes(rule, !forward))
        return;
    for (size_t at = 0;
         fault_plugs_pair(plugs, forward ? rule->from : rule->to, place, &at, &a, &b);)
        for (int six = 0; six <= 1; six++) {
            if (rule->kernel == FAULT_BLACKHOLE) { /* before every table, so before the log */
                put_rule(out, rule, six, "-t raw -I PREROUTING", place, b->interface, a->mac);
                continue;
            }
            put_rule(out, rule, six, "-t filter -I INPUT", place, b->interface, a->mac);
            if (forwards)
                put_rule(out, rule, six, "-t filter -I FORWARD", place, b->interface, a->mac);
        }
}
