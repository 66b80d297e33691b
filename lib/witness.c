/*
 * witness.c - reading the world's packet log between two moments.
 *
 * Teaches:  "no packet was sent" is a strong sentence: an empty log may only mean that the log is
 *           slow. So a marker is sent and waited for, the fence; whatever went out before the
 *           marker is in the log when the marker is. [#fence]
 * Partner:  lib/packets.h, netns/packet_log.c. Only this host's sightings are told: a packet that
 *           crosses is logged twice, once where it leaves and once where it arrives, and we count
 *           packets, not lines.
 */
#include "witness.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"

#define FENCE_WAIT    (2 * EL_S)              /* it takes microseconds, but not on a busy machine */
#define TOPOLOGY_PATH "/run/echolab/topology" /* what the world was built from (netns/topologies) */

enum { LINES_MAX = 64 }; /* told at once; more are counted */

struct el_witness {
    struct el_trace *trace;
    struct el_packets *packets; /* NULL: not in a lab network */
    uint64_t mark, lost;
    bool said; /* that there is no log */
};

struct el_witness *el_witness_new(struct el_trace *trace)
{
    if (!el_explaining(trace))
        return NULL;
    struct el_witness *witness = calloc(1, sizeof *witness);
    if (witness == NULL)
        return NULL;
    witness->trace = trace;
    witness->packets = el_packets_open(NULL);
    el_witness_mark(witness);
    return witness;
}

void el_witness_free(struct el_witness *witness)
{
    if (witness == NULL)
        return;
    if (witness->packets != NULL)
        el_packets_close(witness->packets);
    free(witness);
}

void el_witness_mark(struct el_witness *witness)
{
    if (witness == NULL || witness->packets == NULL)
        return;
    witness->mark = el_packets_mark(witness->packets);
    witness->lost = el_packets_lost(witness->packets);
}

static bool same_end(const struct el_address *wanted, const struct el_address *seen, bool with_port)
{
    if (wanted->length == 0)
        return true;
    if (!el_address_is_any(wanted) && !el_address_same_host(wanted, seen))
        return false;
    return !with_port || el_address_port(wanted) == 0 ||
           el_address_port(wanted) == el_address_port(seen);
}

static bool either_way(const struct el_flow *flow, const struct el_packet *packet, bool with_port)
{
    return (same_end(&flow->local, &packet->source, with_port) &&
            same_end(&flow->peer, &packet->destination, with_port)) ||
           (same_end(&flow->peer, &packet->source, with_port) &&
            same_end(&flow->local, &packet->destination, with_port));
}

/* Router and neighbour discovery is housekeeping of the link, not an answer to us (RFC 4861, RFC
 * 2710). */
static bool is_icmp_error(const struct el_packet *packet)
{
    if (packet->protocol == IPPROTO_ICMP)
        return packet->type == 3 || packet->type == 11;
    return packet->protocol == IPPROTO_ICMPV6 && packet->type < 128;
}

static bool belongs(const struct el_flow *flows, size_t count, const struct el_packet *packet)
{
    for (size_t i = 0; i < count; i++) {
        if (packet->protocol == flows[i].protocol && either_way(&flows[i], packet, true))
            return true;
        /* An ICMP error comes from whoever could not deliver: perhaps a router, so only our own end
         * is compared. */
        if (is_icmp_error(packet) && (same_end(&flows[i].local, &packet->destination, false) ||
                                      same_end(&flows[i].local, &packet->source, false)))
            return true;
    }
    return false;
}

/* Tells one line a packet, up to LINES_MAX, or only counts. */
static int walk(struct el_witness *witness, const struct el_flow *flows, size_t count, bool tell,
                bool *complete)
{
    struct el_packet packet;
    uint64_t at = witness->mark;
    int seen = 0;
    for (;;) {
        int got = el_packets_next(witness->packets, &at, &packet);
        if (got == 0)
            break;
        if (got < 0) {
            *complete = false; /* the log is a ring, and it went round: go on with the oldest */
            if (got != -ENODATA)
                break;
            continue;
        }
        if (strcmp(packet.host, el_packets_host(witness->packets)) != 0 ||
            !belongs(flows, count, &packet))
            continue;
        seen++;
        char line[256];
        if (tell && seen <= LINES_MAX)
            el_explain(witness->trace, EL_TOPIC_PACKET, "%s",
                       el_packet_print(&packet, line, sizeof line));
    }
    return seen;
}

/* Is `port` in "7,7007"? */
static bool lists_port(const char *list, unsigned port)
{
    for (char *end; *list >= '0' && *list <= '9'; list = *end == ',' ? end + 1 : end)
        if (strtoul(list, &end, 10) == port)
            return true;
    return false;
}

/* What stands behind the ports: "[PREFIX] [on HOST]". Is it about every host, or this one? */
static bool is_here(const char *rest, const char *host)
{
    char first[32] = "", second[32] = "", third[32] = "";
    int words = sscanf(rest, "%31s %31s %31s", first, second, third);
    if (words >= 2 && strcmp(first, "on") == 0)
        return strcmp(second, host) == 0;
    return words < 3 || strcmp(second, "on") != 0 || strcmp(third, host) == 0;
}

/*
 * An empty log of a port that no rule logs proves nothing. The topology says what is logged: lines
 * like "log udp 7,7007" or "log tcp 80 WEB on server"; DNS is logged always. [#logged-at-all]
 */
static bool is_logged(const struct el_flow *flow, const char *host)
{
    unsigned port = el_address_port(&flow->peer);
    FILE *file = port == 53 ? NULL : fopen(TOPOLOGY_PATH, "re");
    if (file == NULL)
        return true; /* DNS; or not to be known: then the log is believed */
    char line[512], protocol[8], ports[128];
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        int rest = 0;
        line[strcspn(line, "#\n")] = '\0';
        found = sscanf(line, " log %7s %127s%n", protocol, ports, &rest) == 2 &&
                strcmp(protocol, flow->protocol == IPPROTO_UDP ? "udp" : "tcp") == 0 &&
                lists_port(ports, port) && is_here(line + rest, host);
    }
    fclose(file);
    return found;
}

int el_witness_tell(struct el_witness *witness, const char *title, const struct el_flow *flows,
                    size_t count)
{
    if (witness == NULL || count == 0)
        return -1;
    if (witness->packets == NULL) {
        if (!witness->said)
            el_explain(witness->trace, EL_TOPIC_PACKET, "packets: not in a lab network");
        witness->said = true;
        return -1;
    }
    if (!is_logged(&flows[0], el_packets_host(witness->packets))) {
        if (!witness->said)
            el_explain(witness->trace, EL_TOPIC_PACKET,
                       "packets: this lab network has no log rule for port %u, so nobody can tell",
                       el_address_port(&flows[0].peer));
        witness->said = true;
        return -1;
    }
    int fence = el_packets_fence(witness->packets, el_time_after(el_now(), FENCE_WAIT));
    bool fenced = fence == 0;
    bool lost = el_packets_lost(witness->packets) != witness->lost, kept = true;
    int seen = walk(witness, flows, count, false, &kept);
    bool complete = fenced && !lost && kept;
    el_explain(witness->trace, EL_TOPIC_PACKET, "packets of %s: %d (%s)", title, seen,
               complete          ? "fence passed: the log is complete"
               : fence == -ESRCH ? "nothing is logged any more: the world's packet_log has ended"
               : !fenced         ? "the log may be incomplete: its fence did not come back"
               : lost            ? "the log is incomplete: the kernel dropped some of its entries"
                                 : "the log is incomplete: its ring was overwritten meanwhile");
    walk(witness, flows, count, true, &kept);
    if (seen > LINES_MAX)
        el_explain(witness->trace, EL_TOPIC_PACKET, "... and %d more", seen - LINES_MAX);
    return complete ? seen : -1;
}
