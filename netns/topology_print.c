/*
 * topology_print.c - a topology in normal form: every fact on a line, in a fixed order.
 *
 * Teaches:  a parser that has a printer can be tested for everything at once: whatever is accepted,
 *           printed and read again must be the same. (tests/unit/test_topology_any.c does that with
 *           thousands of spoilt topologies.)
 */
#include "topology.h"

#include <string.h>

static void print_link(const struct topology *topology, uint8_t index, FILE *out)
{
    const struct topology_plug *a = &topology->plug[index], *b = &topology->plug[a->peer];
    char text[TOPOLOGY_IP_TEXT];
    fprintf(out, "link %s:%s %s:%s", topology->place[a->place].name, a->interface,
            topology->place[b->place].name, b->interface);
    if (a->mtu != 0)
        fprintf(out, " mtu %u", a->mtu);
    if (a->rate != 0)
        fprintf(out, " rate %s", topology_rate_print(a->rate, text));
    if (a->offload)
        fputs(" offload", out);
    fputc('\n', out);
}

static void print_address(const struct topology *topology, const struct topology_address *address,
                          FILE *out)
{
    const struct topology_plug *plug = &topology->plug[address->plug];
    const char *place = topology->place[plug->place].name;
    char text[TOPOLOGY_IP_TEXT];
    topology_ip_print_prefix(&address->ip, text);
    if (plug->peer == TOPOLOGY_NONE)
        fprintf(out, "address %s %s\n", place, text);
    else
        fprintf(out, "address %s:%s %s\n", place, plug->interface, text);
}

static void print_route(const struct topology *topology, const struct topology_route *route,
                        FILE *out)
{
    char to[TOPOLOGY_IP_TEXT], via[TOPOLOGY_IP_TEXT];
    const char *place = topology->place[route->place].name;
    topology_ip_print_prefix(&route->to, to);
    if (route->kind != TOPOLOGY_VIA) {
        fprintf(out, "route %s %s %s\n", place, to, topology_route_kind_name(route->kind));
        return;
    }
    fprintf(out, "route %s %s via %s", place, route->to.length == 0 ? "default" : to,
            topology_ip_print(&route->via, via));
    if (route->has_dev)
        fprintf(out, " dev %s", topology->plug[route->plug].interface);
    fputc('\n', out);
}

static void print_nat(const struct topology *topology, const struct topology_nat *nat, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    const char *place = topology->place[nat->place].name;
    if (nat->masquerade) {
        fprintf(out, "nat %s masquerade out %s\n", place, topology->plug[nat->plug].interface);
        return;
    }
    fprintf(out, "nat %s balance %s %s over", place, nat->tcp ? "tcp" : "udp",
            topology_ip_print_port(&nat->address, nat->port, text));
    for (uint8_t i = 0; i < nat->servers; i++)
        fprintf(out, " %s",
                topology_ip_print_port(&nat->server[i].address, nat->server[i].port, text));
    fputs(nat->random ? " at random\n" : "\n", out);
}

static void print_log(const struct topology *topology, const struct topology_log *log, FILE *out)
{
    fprintf(out, "log %s ", log->tcp ? "tcp" : "udp");
    for (uint8_t i = 0; i < log->ports; i++)
        fprintf(out, "%s%u", i == 0 ? "" : ",", log->port[i]);
    if (log->prefix[0] != '\0')
        fprintf(out, " %s", log->prefix);
    if (log->place != TOPOLOGY_NONE)
        fprintf(out, " on %s", topology->place[log->place].name);
    fputc('\n', out);
}

void topology_print(const struct topology *topology, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->places; i++)
        fprintf(out, "%s %s\n", topology_kind_name(topology->place[i].kind),
                topology->place[i].name);
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].peer != TOPOLOGY_NONE && topology->plug[i].peer > i)
            print_link(topology, i, out);
    for (uint8_t i = 0; i < topology->addresses; i++)
        print_address(topology, &topology->address[i], out);
    for (uint8_t i = 0; i < topology->routes; i++)
        print_route(topology, &topology->route[i], out);
    for (uint8_t i = 0; i < topology->nats; i++)
        print_nat(topology, &topology->nat[i], out);
    if (topology->dns != TOPOLOGY_NONE)
        fprintf(out, "dns %s\n", topology->place[topology->dns].name);
    for (uint8_t i = 0; i < topology->names; i++) {
        const struct topology_dns_name *name = &topology->name[i];
        fprintf(out, "name %s %s\n", name->name,
                name->place != TOPOLOGY_NONE ? topology->place[name->place].name
                                             : topology_ip_print(&name->address, text));
    }
    for (uint8_t i = 0; i < topology->logs; i++)
        print_log(topology, &topology->log[i], out);
    if (topology->silent_line != 0)
        fputs("log nothing\n", out);
}
