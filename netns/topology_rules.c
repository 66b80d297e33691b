/*
 * topology_rules.c - the rules of one host or router: what is logged, what is translated.
 *
 * [#where-we-log] Where a packet is logged decides what the log can prove.
 *   - Arrivals, on a host: mangle INPUT, before the filter table, so that a packet which a rule drops
 *     there is still seen to arrive. On a router most packets go through, so there it is mangle
 *     PREROUTING: all that comes in, as the wire had it, before addresses are translated.
 *   - Departures: mangle POSTROUTING, the last thing before the interface: what is logged there has
 *     really left. Source addresses are translated behind it, though, where iptables has no chain.
 *     So a place that translates logs its departures with nft, in a chain of a later priority: the
 *     wire again. Its ECHOLAB_OUT then has rules that only count. [#behind-the-translation]
 * All see whole datagrams: fragments are made after, and put together before.
 *
 * [#no-rule-at-all] Rules that do not match cost too: a datagram over loopback took 5.1 microseconds with those for DNS, ICMP
 * and the fence, and 3.1 without any table. So `log nothing` writes no rule, not even the fence's: nobody can prove an
 * absence in such a world, and packet_log and its readers say so.
 * Partner:  topology_plan.c; packet_log.c, which hears it all
 */
#include "topology_planner.h"

#include <errno.h>
#include <string.h>

/* Everything that decides how one rule is written down. */
struct rules {
    struct topology_plan *plan;
    uint8_t place;
    sa_family_t family;
    FILE *out;
};

/* Reports of multicast membership (RFC 3810) would be the only unasked packets of a quiet capture. */
static const char no_reports[] = "-A POSTROUTING -p icmpv6 --icmpv6-type 143 -j DROP\n";

static const char *prefix_of(const struct topology_log *log)
{
    return log->prefix[0] != '\0' ? log->prefix : log->tcp ? "TCP" : "UDP";
}

static const char *name_of(const struct rules *rules)
{
    return rules->plan->topology->place[rules->place].name;
}

/* One NFLOG rule, and before it the same for the kernel's own log if that was asked for. */
static void log_rule(const struct rules *rules, const char *match, const char *prefix)
{
    if (rules->plan->tag != NULL)
        fprintf(rules->out,
                "%s -j LOG --log-tcp-sequence --log-tcp-options --log-prefix \"[%s %s %s] \"\n",
                match, rules->plan->tag, name_of(rules), prefix);
    fprintf(rules->out, "%s -j NFLOG --nflog-group %d --nflog-size %d --nflog-prefix \"[%s] \"\n",
            match, PLAN_LOG_GROUP, PLAN_LOG_BYTES, prefix);
}

/* A rule of both chains; `match` is "-p tcp ...". */
static void both_ways(const struct rules *rules, const char *match, const char *prefix)
{
    char rule[160];
    snprintf(rule, sizeof rule, "-A ECHOLAB_IN %s", match);
    log_rule(rules, rule, prefix);
    snprintf(rule, sizeof rule, "-A ECHOLAB_OUT %s", match);
    if (topology_has_nat(rules->plan->topology, rules->place))
        fprintf(rules->out, "%s -m comment --comment \"[%s] \"\n", rule, prefix);
    else
        log_rule(rules, rule, prefix);
}

static void print_ports(const struct topology_log *log, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint8_t i = 0; i < log->ports && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i == 0 ? "" : ",", log->port[i]);
}

static void write_mangle(const struct rules *rules)
{
    const struct topology *topology = rules->plan->topology;
    const char *arrive =
        topology->place[rules->place].kind == TOPOLOGY_ROUTER ? "PREROUTING" : "INPUT";
    char ports[TOPOLOGY_PORTS * 6], match[128];
    fputs("*mangle\n:ECHOLAB_IN - [0:0]\n:ECHOLAB_OUT - [0:0]\n", rules->out);
    if (rules->family == AF_INET) {
        /* The fence (lib/packets.h): a marker to the discard port, logged on its way out and never
         * answered. */
        log_rule(rules, "-A POSTROUTING -o lo -d 127.0.0.1 -p udp --dport 9", "FENCE");
        fprintf(rules->out, "-A %s -i lo -d 127.0.0.1 -p udp --dport 9 -j DROP\n", arrive);
    }
    fprintf(rules->out, "-A %s -j ECHOLAB_IN\n-A POSTROUTING -j ECHOLAB_OUT\n", arrive);
    for (uint8_t i = 0; i < topology->logs; i++) {
        const struct topology_log *log = &topology->log[i];
        if (log->place != TOPOLOGY_NONE && log->place != rules->place)
            continue;
        print_ports(log, ports, sizeof ports);
        snprintf(match, sizeof match, "-p %s -m multiport --ports %s", log->tcp ? "tcp" : "udp",
                 ports);
        both_ways(rules, match, prefix_of(log));
    }
    both_ways(rules, "-p udp -m multiport --ports 53", "DNS");
    both_ways(rules, "-p tcp -m multiport --ports 53", "DNS");
    if (rules->family == AF_INET) {
        both_ways(rules, "-p icmp", "ICMP");
    } else { /* only errors and echo: neighbour discovery is not a lesson of every line */
        static const unsigned types[] = {1, 2, 3, 4, 128, 129};
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            snprintf(match, sizeof match, "-p icmpv6 --icmpv6-type %u", types[i]);
            both_ways(rules, match, "ICMP");
        }
        fputs(no_reports, rules->out);
    }
    fputs("COMMIT\n", rules->out);
}

/* A switch logs nothing, but it has addresses too, and would report its groups. */
static void write_switch(const struct rules *rules)
{
    fprintf(rules->out, "*mangle\n%sCOMMIT\n", no_reports);
}

/* ---- translation ----------------------------------------------------------------------------- */

/*
 * The nat table sees the first packet of a connection only; the others follow it (conntrack). So
 * "every second" counts connections. The n-th rule sees what the rules before have left: one in k of
 * it, k down to 1, is an equal share. [#equal-shares]
 */
static void write_balance(const struct rules *rules, const struct topology_nat *nat)
{
    char address[TOPOLOGY_IP_TEXT], server[TOPOLOGY_IP_TEXT];
    topology_ip_print(&nat->address, address);
    for (unsigned i = 0; i < nat->servers; i++) {
        unsigned left = nat->servers - i;
        fprintf(rules->out, "-A PREROUTING -p %s -d %s --dport %u", nat->tcp ? "tcp" : "udp",
                address, nat->port);
        if (left > 1 && nat->random)
            fprintf(rules->out, " -m statistic --mode random --probability %.8f", 1.0 / left);
        else if (left > 1)
            fprintf(rules->out, " -m statistic --mode nth --every %u --packet 0", left);
        fprintf(rules->out, " -j DNAT --to-destination %s\n",
                topology_ip_print_port(&nat->server[i].address, nat->server[i].port, server));
    }
}

/* Is there an address of this family that a leaving packet could take on? */
static bool has_family(const struct topology *topology, uint8_t plug, sa_family_t family)
{
    for (uint8_t i = 0; i < topology->addresses; i++)
        if (topology->address[i].plug == plug && topology->address[i].ip.family == family)
            return true;
    return false;
}

static void write_nat(const struct rules *rules)
{
    const struct topology *topology = rules->plan->topology;
    fputs("*nat\n", rules->out);
    for (uint8_t i = 0; i < topology->nats; i++) {
        const struct topology_nat *nat = &topology->nat[i];
        if (nat->place != rules->place)
            continue;
        if (nat->masquerade && has_family(topology, nat->plug, rules->family))
            fprintf(rules->out, "-A POSTROUTING -o %s -j MASQUERADE\n",
                    topology->plug[nat->plug].interface);
        else if (!nat->masquerade && nat->address.family == rules->family)
            write_balance(rules, nat);
    }
    fputs("COMMIT\n", rules->out);
}

/* ---- departures behind the translation ------------------------------------------------------- */

static void nft_rule(const struct rules *rules, const char *match, const char *prefix)
{
    if (rules->plan->tag != NULL)
        fprintf(rules->out, "        %s log prefix \"[%s %s %s] \"\n", match, rules->plan->tag,
                name_of(rules), prefix);
    fprintf(rules->out, "        %s log prefix \"[%s] \" group %d snaplen %d\n", match, prefix,
            PLAN_LOG_GROUP, PLAN_LOG_BYTES);
}

/* multiport's --ports: either port. In two rules, of which one packet matches only one. */
static void nft_ports(const struct rules *rules, const char *protocol, const char *ports,
                      const char *prefix)
{
    char match[256];
    snprintf(match, sizeof match, "%s dport { %s }", protocol, ports);
    nft_rule(rules, match, prefix);
    snprintf(match, sizeof match, "%s dport != { %s } %s sport { %s }", protocol, ports, protocol,
             ports);
    nft_rule(rules, match, prefix);
}

/* Priority 150: source addresses are translated at 100 (srcnat, nft(8)). Both families at once. */
static void write_nft(const struct rules *rules)
{
    const struct topology *topology = rules->plan->topology;
    char ports[TOPOLOGY_PORTS * 6];
    fputs("table inet echolab {\n    chain departures {\n"
          "        type filter hook postrouting priority 150; policy accept;\n",
          rules->out);
    for (uint8_t i = 0; i < topology->logs; i++) {
        const struct topology_log *log = &topology->log[i];
        if (log->place != TOPOLOGY_NONE && log->place != rules->place)
            continue;
        print_ports(log, ports, sizeof ports);
        nft_ports(rules, log->tcp ? "tcp" : "udp", ports, prefix_of(log));
    }
    nft_ports(rules, "udp", "53", "DNS");
    nft_ports(rules, "tcp", "53", "DNS");
    nft_rule(rules, "meta nfproto ipv4 meta l4proto icmp", "ICMP");
    nft_rule(rules, "meta nfproto ipv6 icmpv6 type { 1, 2, 3, 4, 128, 129 }", "ICMP");
    fputs("    }\n}\n", rules->out);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* LOG cuts a prefix that is too long, and then no reader finds the place in it. */
static int check_prefixes(const struct rules *rules)
{
    const struct topology *topology = rules->plan->topology;
    for (uint8_t i = 0; i < topology->logs && rules->plan->tag != NULL; i++) {
        const struct topology_log *log = &topology->log[i];
        size_t length = strlen("[  ] ") + strlen(rules->plan->tag) + strlen(name_of(rules)) +
                        strlen(prefix_of(log));
        if ((log->place != TOPOLOGY_NONE && log->place != rules->place) || length < PLAN_LOG_PREFIX)
            continue;
        rules->plan->error->line = log->line;
        snprintf(
            rules->plan->error->text, sizeof rules->plan->error->text,
            "\"[%s %s %s] \" has %zu characters, and the kernel's LOG takes %d (a shorter prefix "
            "or place, or no --kernel-log)",
            rules->plan->tag, name_of(rules), prefix_of(log), length, PLAN_LOG_PREFIX - 1);
        return -EINVAL;
    }
    return 0;
}

int plan_rules(struct topology_plan *plan, uint8_t place)
{
    static const char *const files[] = {"iptables", "ip6tables", "nft"};
    bool nat = topology_has_nat(plan->topology, place);
    bool is_switch = topology_is_switch(plan->topology, place);
    bool silent = plan->topology->silent_line != 0;
    struct rules rules = {.plan = plan, .place = place};
    int result = is_switch ? 0 : check_prefixes(&rules);
    if (silent && !nat)
        return result;
    for (size_t i = is_switch; i < (nat && !silent ? 3 : 2) && result == 0; i++) {
        rules.out = plan_open(plan, name_of(&rules), files[i]);
        if (rules.out == NULL)
            return -EIO;
        rules.family = i == 0 ? AF_INET : AF_INET6;
        if (is_switch) {
            write_switch(&rules);
        } else if (i == 2) {
            write_nft(&rules);
        } else {
            if (!silent)
                write_mangle(&rules);
            if (nat)
                write_nat(&rules);
        }
        result = plan_close(plan, rules.out, files[i]);
    }
    return result;
}
