/*
 * topology_wires.c - who shares frames with whom, and which place is reached from where.
 *
 * Teaches:  two neighbouring words that are easily taken for one. A *segment* is what shares frames:
 *           a switch, or a cable. A *network* is a range of addresses. ARP asks the segment; routing
 *           decides by the network; a place talks to a neighbour without a gateway only where it has
 *           both. [#segment-and-network]
 * Partner:  topology_check.c and the plan ask these questions.
 */
#include "topology.h"

#include <string.h>

uint8_t topology_find_place(const struct topology *topology, const char *name)
{
    for (uint8_t i = 0; i < topology->places; i++)
        if (strcmp(topology->place[i].name, name) == 0)
            return i;
    return TOPOLOGY_NONE;
}

uint8_t topology_find_plug(const struct topology *topology, uint8_t place, const char *interface)
{
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].place == place && strcmp(topology->plug[i].interface, interface) == 0)
            return i;
    return TOPOLOGY_NONE;
}

bool topology_is_switch(const struct topology *topology, uint8_t place)
{
    return topology->place[place].kind == TOPOLOGY_SWITCH;
}

bool topology_has_nat(const struct topology *topology, uint8_t place)
{
    for (uint8_t i = 0; i < topology->nats; i++)
        if (topology->nat[i].place == place)
            return true;
    return false;
}

/* ---- segments -------------------------------------------------------------------------------- */

/* All of segment `from` becomes `to`. */
static void join(uint8_t segment[TOPOLOGY_PLACES], uint8_t from, uint8_t to)
{
    for (size_t i = 0; i < TOPOLOGY_PLACES; i++)
        if (segment[i] == from)
            segment[i] = to;
}

/*
 * A switch's segment has the number of the first switch on it; a cable between two hosts has one of
 * its own, above all places.
 */
void topology_wire(struct topology *topology)
{
    uint8_t segment[TOPOLOGY_PLACES], cables = TOPOLOGY_PLACES;
    for (unsigned i = 0; i < TOPOLOGY_PLACES; i++)
        segment[i] = (uint8_t)i;
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *plug = &topology->plug[i];
        if (plug->peer == TOPOLOGY_NONE || !topology_is_switch(topology, plug->place) ||
            !topology_is_switch(topology, topology->plug[plug->peer].place))
            continue;
        uint8_t a = segment[plug->place], b = segment[topology->plug[plug->peer].place];
        join(segment, a < b ? b : a, a < b ? a : b);
    }
    for (uint8_t i = 0; i < topology->plugs; i++) {
        struct topology_plug *plug = &topology->plug[i];
        struct topology_plug *peer =
            plug->peer == TOPOLOGY_NONE ? NULL : &topology->plug[plug->peer];
        if (topology_is_switch(topology, plug->place))
            plug->segment = segment[plug->place];
        else if (peer != NULL && topology_is_switch(topology, peer->place))
            plug->segment = segment[peer->place];
        else if (peer != NULL && plug->peer > i)
            plug->segment = peer->segment = cables++;
    }
    for (uint8_t i = 0; i < topology->routes; i++) {
        struct topology_route *route = &topology->route[i];
        if (route->kind == TOPOLOGY_VIA && !route->has_dev)
            route->plug = topology_plug_towards(topology, route->place, &route->via);
    }
}

const char *topology_segment_name(const struct topology *topology, uint8_t plug, char *text)
{
    uint8_t segment = topology->plug[plug].segment, peer = topology->plug[plug].peer;
    uint8_t first = peer < plug ? peer : plug; /* both ends of a cable say the same */
    if (segment < TOPOLOGY_PLACES)
        snprintf(text, TOPOLOGY_IP_TEXT, "%s", topology->place[segment].name);
    else
        snprintf(text, TOPOLOGY_IP_TEXT, "%s:%s", topology->place[topology->plug[first].place].name,
                 topology->plug[first].interface);
    return text;
}

/* ---- networks and routes --------------------------------------------------------------------- */

uint8_t topology_plug_towards(const struct topology *topology, uint8_t place,
                              const struct topology_ip *ip)
{
    uint8_t best = TOPOLOGY_NONE;
    int length = -1;
    for (uint8_t i = 0; i < topology->addresses; i++) {
        const struct topology_address *own = &topology->address[i];
        if (topology->plug[own->plug].place == place && topology_ip_in(ip, &own->ip) &&
            own->ip.length > length) {
            best = own->plug;
            length = own->ip.length;
        }
    }
    return best;
}

/* The longest prefix wins, as in the kernel's table; a network of one's own is a route too. */
bool topology_reaches(const struct topology *topology, uint8_t place, const struct topology_ip *ip)
{
    int length = -1;
    bool reaches = false;
    for (uint8_t i = 0; i < topology->addresses; i++) {
        const struct topology_address *own = &topology->address[i];
        if (topology->plug[own->plug].place != place || !topology_ip_in(ip, &own->ip))
            continue;
        if (topology_ip_same(ip, &own->ip))
            return true;
        if (own->ip.length > length) {
            length = own->ip.length;
            reaches = true;
        }
    }
    for (uint8_t i = 0; i < topology->routes; i++) {
        const struct topology_route *route = &topology->route[i];
        if (route->place == place && topology_ip_in(ip, &route->to) && route->to.length > length) {
            length = route->to.length;
            reaches = route->kind == TOPOLOGY_VIA;
        }
    }
    return reaches;
}

/* Has `from` a plug on the segment of `near`, with an address of the same network? */
static bool is_neighbour(const struct topology *topology, uint8_t from,
                         const struct topology_address *near)
{
    for (uint8_t i = 0; i < topology->addresses; i++) {
        const struct topology_address *own = &topology->address[i];
        if (topology->plug[own->plug].place == from &&
            topology->plug[own->plug].segment == topology->plug[near->plug].segment &&
            topology_ip_in(&near->ip, &own->ip))
            return true;
    }
    return false;
}

const struct topology_ip *topology_dns_for(const struct topology *topology, uint8_t from,
                                           sa_family_t family)
{
    const struct topology_ip *far = NULL;
    for (uint8_t i = 0; i < topology->addresses && topology->dns != TOPOLOGY_NONE; i++) {
        const struct topology_address *address = &topology->address[i];
        if (topology->plug[address->plug].place != topology->dns || address->ip.family != family)
            continue;
        if (is_neighbour(topology, from, address))
            return &address->ip;
        if (far == NULL && topology_reaches(topology, from, &address->ip))
            far = &address->ip;
    }
    return far;
}
