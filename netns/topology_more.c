/*
 * topology_more.c - the facts about what happens to packets: routes, translated addresses, the log.
 *
 * Teaches:  each line is a sentence: `nat gateway masquerade out wan`,
 *           `nat front balance tcp 10.77.0.10:80 over 10.78.0.1:80 10.78.0.2:80`. The small words
 *           (via, out, over, on) cost a comparison and make a mistake speak for itself.
 * Partner:  topology_check.c, which asks whether gateways and servers can be reached
 */
#include "topology_parser.h"

#include <errno.h>
#include <string.h>

static bool is_word(const char *word, const char *wanted)
{
    return word != NULL && strcmp(word, wanted) == 0;
}

/* ---- route ----------------------------------------------------------------------------------- */

/* The network that a route leads to: nothing of a host may be in it. */
static int route_network(struct topology_line *line, struct topology_ip *to)
{
    struct topology_ip network;
    char text[TOPOLOGY_IP_TEXT];
    int result = topology_word_prefix(line, line->word[2], true, to);
    if (result < 0)
        return result;
    network = *to;
    for (unsigned bit = to->length; bit < 128; bit++)
        network.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
    if (!topology_ip_same(&network, to))
        return topology_fault(line->error, line->number,
                              "%s has bits of a host in it (the network is %s)", line->word[2],
                              topology_ip_print_prefix(&network, text));
    return 0;
}

/* ... via ADDRESS [dev INTERFACE] */
static int route_via(struct topology_line *line, struct topology_route *route)
{
    int result = topology_word_ip(line, line->word[4], &route->via);
    if (result < 0 || line->word[5] == NULL)
        return result;
    if (!is_word(line->word[5], "dev") || line->word[6] == NULL)
        return topology_fault(line->error, line->number,
                              "\"%s\" is too much for route (it may end with dev INTERFACE)",
                              line->word[5]);
    route->has_dev = true;
    route->plug = topology_find_plug(line->topology, route->place, line->word[6]);
    if (route->plug == TOPOLOGY_NONE)
        return topology_fault(line->error, line->number, "%s has no interface \"%s\"",
                              line->topology->place[route->place].name, line->word[6]);
    return topology_no_more(line, 7);
}

static int route_kind(struct topology_line *line, enum topology_route_kind *kind)
{
    for (*kind = TOPOLOGY_VIA; *kind <= TOPOLOGY_PROHIBIT; ++*kind)
        if (is_word(line->word[3], topology_route_kind_name(*kind)))
            return 0;
    return topology_fault(
        line->error, line->number,
        "\"%s\": how does it go on? via ADDRESS, unreachable, blackhole or prohibit "
        "(route client default via 10.77.0.254)",
        line->word[3] == NULL ? "" : line->word[3]);
}

int topology_fact_route(struct topology_line *line)
{
    struct topology *topology = line->topology;
    struct topology_route route = {.plug = TOPOLOGY_NONE, .line = line->number};
    bool is_default = is_word(line->word[2], "default");
    int result = topology_word_place(line, line->word[1], &route.place);
    if (result == 0 && !is_default)
        result = route_network(line, &route.to);
    if (result == 0)
        result = route_kind(line, &route.kind);
    if (result == 0)
        result = route.kind == TOPOLOGY_VIA ? route_via(line, &route) : topology_no_more(line, 4);
    if (result < 0)
        return result;
    if (is_default && route.kind != TOPOLOGY_VIA)
        return topology_fault(line->error, line->number,
                              "default of which family? (0.0.0.0/0 or ::/0 %s)", line->word[3]);
    if (is_default)
        route.to.family = route.via.family;
    if (route.kind == TOPOLOGY_VIA && route.to.family != route.via.family)
        return topology_fault(line->error, line->number,
                              "%s and %s are of two families (IPv4 goes via IPv4)", line->word[2],
                              line->word[4]);
    for (uint8_t i = 0; i < topology->routes; i++)
        if (topology->route[i].place == route.place &&
            topology->route[i].to.length == route.to.length &&
            topology_ip_same(&topology->route[i].to, &route.to))
            return topology_fault(line->error, line->number,
                                  "%s has a route to %s already, in line %u (one of them can hold)",
                                  line->word[1], line->word[2], topology->route[i].line);
    if (topology->routes == TOPOLOGY_ROUTES)
        return topology_fault(line->error, line->number, "more than %d routes", TOPOLOGY_ROUTES);
    topology->route[topology->routes++] = route;
    return 0;
}

/* ---- nat ------------------------------------------------------------------------------------- */

static int nat_masquerade(struct topology_line *line, struct topology_nat *nat)
{
    if (!is_word(line->word[3], "out") || line->word[4] == NULL)
        return topology_fault(
            line->error, line->number,
            "masquerade needs the interface where packets leave (nat %s masquerade "
            "out eth1)",
            line->word[1]);
    nat->masquerade = true;
    nat->plug = topology_find_plug(line->topology, nat->place, line->word[4]);
    if (nat->plug == TOPOLOGY_NONE)
        return topology_fault(line->error, line->number, "%s has no interface \"%s\"",
                              line->word[1], line->word[4]);
    return topology_no_more(line, 5);
}

/* ... over ADDRESS:PORT ... [at random] */
static int nat_servers(struct topology_line *line, struct topology_nat *nat)
{
    unsigned i = 6;
    for (; i < line->count && !is_word(line->word[i], "at"); i++) {
        if (nat->servers == TOPOLOGY_SERVERS)
            return topology_fault(line->error, line->number, "more than %d servers",
                                  TOPOLOGY_SERVERS);
        int result = topology_word_endpoint(line, line->word[i], &nat->server[nat->servers].address,
                                            &nat->server[nat->servers].port);
        if (result < 0)
            return result;
        if (nat->server[nat->servers++].address.family != nat->address.family)
            return topology_fault(line->error, line->number,
                                  "%s and %s are of two families (an address is replaced by one of "
                                  "its own)",
                                  line->word[4], line->word[i]);
    }
    if (i == line->count)
        return 0;
    nat->random = is_word(line->word[i + 1], "random");
    if (!nat->random)
        return topology_fault(line->error, line->number,
                              "\"at %s\": only \"at random\" (without it, by turns)",
                              line->word[i + 1] == NULL ? "" : line->word[i + 1]);
    return topology_no_more(line, i + 2);
}

static int nat_balance(struct topology_line *line, struct topology_nat *nat)
{
    nat->tcp = is_word(line->word[3], "tcp");
    if ((!nat->tcp && !is_word(line->word[3], "udp")) || !is_word(line->word[5], "over"))
        return topology_fault(line->error, line->number,
                              "balance reads: nat %s balance tcp 10.77.0.10:80 over 10.78.0.1:80 "
                              "10.78.0.2:80",
                              line->word[1]);
    int result = topology_word_endpoint(line, line->word[4], &nat->address, &nat->port);
    if (result == 0)
        result = nat_servers(line, nat);
    if (result == 0 && nat->servers < 2)
        return topology_fault(line->error, line->number,
                              "balance needs two servers or more behind \"over\"");
    for (uint8_t i = 0; result == 0 && i < line->topology->nats; i++) {
        const struct topology_nat *other = &line->topology->nat[i];
        if (!other->masquerade && other->place == nat->place && other->tcp == nat->tcp &&
            other->port == nat->port && topology_ip_same(&other->address, &nat->address))
            return topology_fault(line->error, line->number,
                                  "%s is balanced already, in line %u (name all servers there)",
                                  line->word[4], other->line);
    }
    return result;
}

int topology_fact_nat(struct topology_line *line)
{
    struct topology *topology = line->topology;
    struct topology_nat nat = {.plug = TOPOLOGY_NONE, .line = line->number};
    int result = topology_word_place(line, line->word[1], &nat.place);
    if (result < 0)
        return result;
    if (topology->place[nat.place].kind != TOPOLOGY_ROUTER)
        return topology_fault(line->error, line->number,
                              "%s is a %s and forwards no packet, so there is nothing to translate "
                              "(make it a router: router %s)",
                              line->word[1], topology_kind_name(topology->place[nat.place].kind),
                              line->word[1]);
    if (topology->nats == TOPOLOGY_NATS)
        return topology_fault(line->error, line->number, "more than %d lines of nat",
                              TOPOLOGY_NATS);
    if (is_word(line->word[2], "masquerade"))
        result = nat_masquerade(line, &nat);
    else if (is_word(line->word[2], "balance"))
        result = nat_balance(line, &nat);
    else
        result = topology_fault(line->error, line->number,
                                "\"%s\": what is translated? masquerade out INTERFACE, or balance "
                                "tcp ADDRESS:PORT over ADDRESS:PORT ADDRESS:PORT",
                                line->word[2] == NULL ? "" : line->word[2]);
    for (uint8_t i = 0; result == 0 && nat.masquerade && i < topology->nats; i++)
        if (topology->nat[i].masquerade && topology->nat[i].plug == nat.plug)
            return topology_fault(line->error, line->number, "line %u says so already",
                                  topology->nat[i].line);
    if (result == 0)
        topology->nat[topology->nats++] = nat;
    return result;
}

/* ---- log ------------------------------------------------------------------------------------- */

/* "7,7007". No port twice: the packet would be logged twice. 53 is logged always, as DNS. */
static int log_ports(struct topology_line *line, struct topology_log *log)
{
    char list[TOPOLOGY_LINE], *rest = NULL;
    snprintf(list, sizeof list, "%s", line->word[2] == NULL ? "" : line->word[2]);
    size_t length = strlen(list);
    if (length == 0 || list[0] == ',' || list[length - 1] == ',' || strstr(list, ",,") != NULL)
        return topology_fault(line->error, line->number,
                              "log takes udp or tcp, and ports: log udp 7,7007 (or log nothing)");
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        unsigned port;
        if (log->ports == TOPOLOGY_PORTS)
            return topology_fault(line->error, line->number,
                                  "more than %d ports (the others in a line of their own)",
                                  TOPOLOGY_PORTS);
        int result = topology_word_number(line, word, "a port", 1, 65535, &port);
        if (result < 0)
            return result;
        if (port == 53)
            return topology_fault(line->error, line->number,
                                  "port 53 is logged always, as [DNS] (take it out)");
        log->port[log->ports++] = (uint16_t)port;
        for (uint8_t i = 0; i + 1 < log->ports; i++)
            if (log->port[i] == port)
                return topology_fault(line->error, line->number, "port %u stands there twice",
                                      port);
    }
    return 0;
}

/* A port that another line logs at the same place would give two lines a packet. */
static int log_overlap(struct topology_line *line, const struct topology_log *log)
{
    for (uint8_t i = 0; i < line->topology->logs; i++) {
        const struct topology_log *other = &line->topology->log[i];
        bool same_place = log->place == other->place || log->place == TOPOLOGY_NONE ||
                          other->place == TOPOLOGY_NONE;
        for (uint8_t p = 0; same_place && log->tcp == other->tcp && p < log->ports; p++)
            for (uint8_t q = 0; q < other->ports; q++)
                if (log->port[p] == other->port[q])
                    return topology_fault(line->error, line->number,
                                          "%s %u is logged by line %u already (each packet once)",
                                          line->word[1], log->port[p], other->line);
    }
    return 0;
}

/* [PREFIX], an upper-case word for the lines of this rule */
static int log_prefix(struct topology_line *line, const char *word, struct topology_log *log)
{
    size_t length = strlen(word);
    if (length >= TOPOLOGY_PREFIX ||
        strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != length || word[0] < 'A')
        return topology_fault(
            line->error, line->number,
            "\"%s\" is not a prefix (up to %d of A-Z, 0-9 and -: WEB), and a place "
            "stands behind \"on\"",
            word, TOPOLOGY_PREFIX - 1);
    if (strcmp(word, "FENCE") == 0)
        return topology_fault(line->error, line->number,
                              "\"FENCE\" is taken: it marks the log's own packets");
    memcpy(log->prefix, word, length + 1);
    return 0;
}

/* `log nothing`: no rule that a packet would have to pass. It stands alone. */
static int log_nothing(struct topology_line *line)
{
    struct topology *topology = line->topology;
    if (topology->logs > 0)
        return topology_fault(line->error, line->number,
                              "line %u logs something (take one of them out)",
                              topology->log[0].line);
    if (topology->silent_line != 0)
        return topology_fault(line->error, line->number,
                              "line %u says so already (take one of them out)",
                              topology->silent_line);
    topology->silent_line = line->number;
    return topology_no_more(line, 2);
}

int topology_fact_log(struct topology_line *line)
{
    struct topology *topology = line->topology;
    struct topology_log log = {.place = TOPOLOGY_NONE, .line = line->number};
    unsigned i = 3;
    if (is_word(line->word[1], "nothing"))
        return log_nothing(line);
    if (topology->silent_line != 0)
        return topology_fault(line->error, line->number,
                              "line %u wants nothing logged (take one of them out)",
                              topology->silent_line);
    log.tcp = is_word(line->word[1], "tcp");
    if (!log.tcp && !is_word(line->word[1], "udp"))
        return topology_fault(line->error, line->number,
                              "log takes udp or tcp, and ports: log udp 7,7007");
    int result = log_ports(line, &log);
    if (result == 0 && i < line->count && !is_word(line->word[i], "on"))
        result = log_prefix(line, line->word[i++], &log);
    if (result == 0 && is_word(line->word[i], "on")) {
        result = topology_word_place(line, line->word[i + 1], &log.place);
        if (result == 0 && topology_is_switch(topology, log.place))
            return topology_fault(
                line->error, line->number,
                "%s is a switch: it passes frames on and logs nothing (a host or a "
                "router does)",
                line->word[i + 1]);
        i += 2;
    }
    if (result == 0)
        result = topology_no_more(line, i);
    if (result == 0)
        result = log_overlap(line, &log);
    if (result == 0 && topology->logs == TOPOLOGY_LOGS)
        return topology_fault(line->error, line->number, "more than %d lines of log",
                              TOPOLOGY_LOGS);
    if (result == 0)
        topology->log[topology->logs++] = log;
    return result;
}
