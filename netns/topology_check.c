/*
 * topology_check.c - what no single line can tell: do the facts go together?
 *
 * Teaches:  most of what is wrong with a network is no typing error. A gateway that is on none of the
 *           host's networks, the same address twice on a wire: the kernel would take them (or refuse
 *           them with a number), and somebody would look for an hour. Said before anything is built,
 *           with the line, it takes a minute.
 * Leaves out: a topology that makes no sense but could exist is not refused: a network without a way
 *           back is a lesson.
 * Partner:  topology_wires.c answers the questions.
 */
#include "topology_parser.h"

#include <string.h>

static const char *place_of(const struct topology *topology, uint8_t plug)
{
    return topology->place[topology->plug[plug].place].name;
}

static bool has_address(const struct topology *topology, uint8_t place,
                        const struct topology_ip *ip)
{
    for (uint8_t i = 0; i < topology->addresses; i++)
        if (topology->plug[topology->address[i].plug].place == place &&
            (ip == NULL || topology_ip_same(&topology->address[i].ip, ip)))
            return true;
    return false;
}

/*
 * Two ways from switch to switch: a broadcast would go round for ever, at the speed of the machine
 * (real switches run the spanning tree protocol, IEEE 802.1D; these do not). [#no-loops]
 */
static int check_loops(const struct topology *topology, struct topology_error *error)
{
    uint8_t group[TOPOLOGY_PLACES];
    for (unsigned i = 0; i < TOPOLOGY_PLACES; i++)
        group[i] = (uint8_t)i;
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *plug = &topology->plug[i];
        if (plug->peer == TOPOLOGY_NONE || plug->peer < i ||
            !topology_is_switch(topology, plug->place) ||
            !topology_is_switch(topology, topology->plug[plug->peer].place))
            continue;
        uint8_t a = group[plug->place], b = group[topology->plug[plug->peer].place];
        if (a == b)
            return topology_fault(
                error, plug->line,
                "%s and %s are joined already: a second way makes a loop in which "
                "frames go round for ever (take this link out)",
                place_of(topology, i), place_of(topology, plug->peer));
        for (unsigned k = 0; k < TOPOLOGY_PLACES; k++)
            if (group[k] == b)
                group[k] = a;
    }
    return 0;
}

static int check_address(const struct topology *topology, uint8_t index,
                         struct topology_error *error)
{
    const struct topology_address *address = &topology->address[index];
    const struct topology_plug *plug = &topology->plug[address->plug];
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < index; i++) {
        const struct topology_address *other = &topology->address[i];
        const struct topology_plug *where = &topology->plug[other->plug];
        if (!topology_ip_same(&other->ip, &address->ip))
            continue;
        if (where->segment == plug->segment || where->place == plug->place)
            return topology_fault(error, address->line,
                                  "%s has %s already, in line %u (on one wire, and on one host, an "
                                  "address stands once)",
                                  place_of(topology, other->plug),
                                  topology_ip_print(&address->ip, text), other->line);
    }
    if (address->ip.family == AF_INET6 && plug->mtu != 0 && plug->mtu < 1280)
        return topology_fault(error, address->line,
                              "%s has an mtu of %u, and IPv6 needs 1280 (RFC 8200 section 5; only "
                              "IPv4 there, or a larger mtu in line %u)",
                              plug->interface, plug->mtu, plug->line);
    return 0;
}

static int check_route(const struct topology *topology, const struct topology_route *route,
                       struct topology_error *error)
{
    const char *place = topology->place[route->place].name;
    char text[TOPOLOGY_IP_TEXT];
    if (route->kind != TOPOLOGY_VIA)
        return 0;
    topology_ip_print(&route->via, text);
    if (has_address(topology, route->place, &route->via))
        return topology_fault(error, route->line,
                              "%s is %s itself (a gateway is another place on the same network)",
                              text, place);
    if (topology_plug_towards(topology, route->place, &route->via) == TOPOLOGY_NONE)
        return topology_fault(
            error, route->line,
            "%s is on none of the networks of %s, so no frame could be sent there "
            "(give %s an address of that network, or take a nearer gateway)",
            text, place, place);
    for (uint8_t i = 0; i < topology->addresses; i++)
        if (topology->address[i].plug == route->plug &&
            topology_ip_in(&route->via, &topology->address[i].ip))
            return 0;
    return topology_fault(error, route->line, "%s is not on the network of %s:%s (leave dev out)",
                          text, place, topology->plug[route->plug].interface);
}

static int check_nat(const struct topology *topology, const struct topology_nat *nat,
                     struct topology_error *error)
{
    const char *place = topology->place[nat->place].name;
    char text[TOPOLOGY_IP_TEXT];
    if (nat->masquerade) {
        for (uint8_t i = 0; i < topology->addresses; i++)
            if (topology->address[i].plug == nat->plug)
                return 0;
        return topology_fault(error, nat->line,
                              "%s:%s has no address that packets could take on (address %s:%s "
                              "198.51.100.1/24)",
                              place, topology->plug[nat->plug].interface, place,
                              topology->plug[nat->plug].interface);
    }
    if (!has_address(topology, nat->place, &nat->address))
        return topology_fault(
            error, nat->line,
            "%s is no address of %s, so no packet for it would come there (give %s "
            "that address)",
            topology_ip_print(&nat->address, text), place, place);
    for (uint8_t i = 0; i < nat->servers; i++)
        if (!topology_reaches(topology, nat->place, &nat->server[i].address))
            return topology_fault(error, nat->line, "%s has no route to %s (route %s ...)", place,
                                  topology_ip_print(&nat->server[i].address, text), place);
    return 0;
}

static int check_names(const struct topology *topology, struct topology_error *error)
{
    if (topology->dns != TOPOLOGY_NONE && !has_address(topology, topology->dns, NULL))
        return topology_fault(error, topology->dns_line,
                              "%s has no address, so nobody could ask it (address %s%s ...)",
                              topology->place[topology->dns].name,
                              topology->place[topology->dns].name,
                              topology_is_switch(topology, topology->dns) ? "" : ":eth0");
    for (uint8_t i = 0; i < topology->names; i++) {
        const struct topology_dns_name *name = &topology->name[i];
        if (topology->dns == TOPOLOGY_NONE)
            return topology_fault(error, name->line,
                                  "nobody answers names here (a line `dns PLACE` says who does)");
        if (name->place != TOPOLOGY_NONE && !has_address(topology, name->place, NULL))
            return topology_fault(
                error, name->line,
                "%s has no address that the name could stand for (a line `address "
                "%s...`)",
                topology->place[name->place].name, topology->place[name->place].name);
    }
    return 0;
}

int topology_check(struct topology *topology, struct topology_error *error)
{
    uint8_t hosts = 0;
    for (uint8_t i = 0; i < topology->places; i++)
        hosts += !topology_is_switch(topology, i);
    if (hosts == 0)
        return topology_fault(error, 0, "no host in it (a line `host client` makes one)");
    int result = check_loops(topology, error);
    for (uint8_t i = 0; result == 0 && i < topology->addresses; i++)
        result = check_address(topology, i, error);
    for (uint8_t i = 0; result == 0 && i < topology->routes; i++)
        result = check_route(topology, &topology->route[i], error);
    for (uint8_t i = 0; result == 0 && i < topology->nats; i++)
        result = check_nat(topology, &topology->nat[i], error);
    return result == 0 ? check_names(topology, error) : result;
}
