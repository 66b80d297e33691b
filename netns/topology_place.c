/*
 * topology_place.c - the part of the plan that is one place's: settings, interfaces, addresses,
 * neighbours, routes, rates, and whom it asks for names.
 *
 * Teaches:  what makes a network quiet. Everything that a kernel would find out by asking, or would
 *           tell unasked, is either switched off or given here beforehand.
 * Partner:  topology_plan.c, the rest of the plan
 * Read next: topology_rules.c
 */
#include "topology_planner.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Each place asks the nearest address of the DNS server: a router has several. [#nearest-server] */
static void write_resolv(const struct topology *topology, uint8_t place, FILE *out)
{
    static const sa_family_t families[] = {AF_INET, AF_INET6};
    char text[TOPOLOGY_IP_TEXT];
    if (topology->dns == TOPOLOGY_NONE)
        fputs("# nobody answers names in this lab network\n", out);
    else
        fprintf(out, "# of the lab network; the server is dnsmasq on %s\n",
                topology->place[topology->dns].name);
    fputs("search lab\n", out);
    for (size_t i = 0; i < 2; i++) {
        const struct topology_ip *server = topology_dns_for(topology, place, families[i]);
        if (server != NULL)
            fprintf(out, "nameserver %s\n", topology_ip_print(server, text));
    }
}

/* A setting that each interface has: of those to come (default), and of those that are there. */
static void per_interface(const struct topology *topology, uint8_t place, const char *family,
                          const char *setting, FILE *out)
{
    fprintf(out, "%s/conf/all/%s\n%s/conf/default/%s\n", family, setting, family, setting);
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].place == place && topology->plug[i].peer != TOPOLOGY_NONE)
            fprintf(out, "%s/conf/%s/%s\n", family, topology->plug[i].interface, setting);
}

/*
 * Settings of one namespace: nothing is sent unasked, and every ICMP error is sent. A router's
 * switches come first: writing ip_forward resets other settings (ip-sysctl.rst).
 */
static void write_sysctl(const struct topology *topology, uint8_t place, FILE *out)
{
    static const struct {
        const char *family, *setting;
    } settings[] = {{"ipv4", "rp_filter 0"},    {"ipv4", "send_redirects 0"},
                    {"ipv6", "disable_ipv6 0"}, {"ipv6", "accept_dad 0"},
                    {"ipv6", "accept_ra 0"},    {"ipv6", "router_solicitations 0"}};
    if (topology->place[place].kind == TOPOLOGY_ROUTER)
        fputs("ipv4/ip_forward 1\nipv6/conf/all/forwarding 1\nipv6/conf/default/forwarding 1\n",
              out);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        per_interface(topology, place, settings[i].family, settings[i].setting, out);
    fputs("ipv4/icmp_ratelimit 0\nipv4/icmp_ratemask 0\n"
          "ipv6/icmp/ratelimit 0\nipv6/icmp/ratemask\n"
          "ipv4/ping_group_range 0 0\nipv4/ping_group_range 0 2147483647\n"
          "bridge/bridge-nf-call-iptables 0\nbridge/bridge-nf-call-ip6tables 0\n",
          out);
}

/*
 * gso_max_segs 1: segmentation offload would hand iptables one "packet" of 64 KiB that no wire has
 * ever carried. A lesson needs the packets; a measurement needs what hosts do every day, and says `offload`.
 * [#wire-or-speed]
 */
static void write_interfaces(const struct topology *topology, uint8_t place, FILE *out)
{
    char mac[TOPOLOGY_IP_TEXT];
    bool is_switch = topology_is_switch(topology, place);
    fputs("link set lo up\n", out);
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *plug = &topology->plug[i];
        if (plug->place != place)
            continue;
        if (plug->peer == TOPOLOGY_NONE) {
            fprintf(out,
                    "link add br0 address %s type bridge forward_delay 0 mcast_snooping 0\n"
                    "link set br0 addrgenmode none\n",
                    topology_mac_print(i, mac));
        } else {
            fprintf(out, "link set %s %saddrgenmode none\n", plug->interface,
                    plug->offload ? "" : "gso_max_segs 1 ");
            if (plug->mtu != 0)
                fprintf(out, "link set %s mtu %u\n", plug->interface, plug->mtu);
            if (is_switch)
                fprintf(out, "link set %s master br0\n", plug->interface);
        }
        fprintf(out, "link set %s up\n", plug->interface);
    }
}

/*
 * No address detection (nodad): an address is there at once, and nobody is asked. The link-local one,
 * which the kernel would make itself some moments later, is made here too, from the hardware address
 * as RFC 4291 appendix A does it. A switch's ports need none. [#link-local-at-once]
 */
static void write_addresses(const struct topology *topology, uint8_t place, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *plug = &topology->plug[i];
        if (plug->place == place && (plug->mtu == 0 || plug->mtu >= 1280) &&
            topology_is_switch(topology, place) == (plug->peer == TOPOLOGY_NONE))
            fprintf(out, "address add fe80::ff:fe00:77%02x/64 nodad dev %s\n", i + 1U,
                    plug->interface);
    }
    for (uint8_t i = 0; i < topology->addresses; i++) {
        const struct topology_address *address = &topology->address[i];
        if (topology->plug[address->plug].place == place)
            fprintf(out, "address add %s %s dev %s\n", topology_ip_print_prefix(&address->ip, text),
                    address->ip.family == AF_INET ? "brd +" : "nodad",
                    topology->plug[address->plug].interface);
    }
}

/*
 * What ARP and neighbour discovery would find out: the hardware address of everybody on each segment
 * that this place has a plug in. So a capture holds what programs sent and nothing else.
 */
static void write_neighbours(const struct topology *topology, uint8_t place, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT], mac[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *own = &topology->plug[i];
        if (own->place != place ||
            topology_is_switch(topology, place) != (own->peer == TOPOLOGY_NONE))
            continue; /* a switch's ports have no addresses: it hears through br0 */
        for (uint8_t k = 0; k < topology->addresses; k++) {
            const struct topology_address *address = &topology->address[k];
            const struct topology_plug *other = &topology->plug[address->plug];
            if (other->segment == own->segment && other->place != place)
                fprintf(out, "neigh replace %s lladdr %s dev %s nud permanent\n",
                        topology_ip_print(&address->ip, text),
                        topology_mac_print(address->plug, mac), own->interface);
        }
    }
}

static void write_routes(const struct topology *topology, uint8_t place, FILE *out)
{
    char to[TOPOLOGY_IP_TEXT], via[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->routes; i++) {
        const struct topology_route *route = &topology->route[i];
        topology_ip_print_prefix(&route->to, to);
        if (route->place != place)
            continue;
        if (route->kind == TOPOLOGY_VIA)
            fprintf(out, "route add %s via %s dev %s\n", to, topology_ip_print(&route->via, via),
                    topology->plug[route->plug].interface);
        else
            fprintf(out, "route add %s %s\n", topology_route_kind_name(route->kind), to);
    }
}

static void write_ip(const struct topology *topology, uint8_t place, FILE *out)
{
    write_interfaces(topology, place, out);
    write_addresses(topology, place, out);
    write_neighbours(topology, place, out);
    write_routes(topology, place, out);
}

/*
 * A rate is a token bucket at both ends of the cable (tc-tbf(8)). The bucket holds what the rate
 * carries in a millisecond, or two full frames; the queue behind it 50 milliseconds, or sixteen.
 */
static void write_tc(const struct topology *topology, uint8_t place, FILE *out)
{
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *plug = &topology->plug[i];
        if (plug->place != place || plug->rate == 0)
            continue;
        uint64_t frame = (plug->mtu == 0 ? 1500 : plug->mtu) + 14;
        uint64_t burst = plug->rate / 8 / 1000, queue = plug->rate / 8 / 20;
        burst = burst < 2 * frame ? 2 * frame : burst;
        queue = queue < 16 * frame ? 16 * frame : queue;
        fprintf(out,
                "qdisc add dev %s root tbf rate %" PRIu64 "bit burst %" PRIu64 " limit %" PRIu64
                "\n",
                plug->interface, plug->rate, burst, burst + queue);
    }
}

static bool has_rate(const struct topology *topology, uint8_t place)
{
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].place == place && topology->plug[i].rate != 0)
            return true;
    return false;
}

int plan_place(struct topology_plan *plan, uint8_t place)
{
    static const struct {
        const char *name;
        void (*write)(const struct topology *, uint8_t, FILE *);
    } files[] = {{"sysctl", write_sysctl},
                 {"ip", write_ip},
                 {"resolv.conf", write_resolv},
                 {"tc", write_tc}};
    const char *name = plan->topology->place[place].name;
    int result = plan_directory(plan, "place/", name);
    if (result == 0)
        result = plan_directory(plan, "etc/", name);
    for (size_t i = 0; result == 0 && i < sizeof files / sizeof files[0]; i++) {
        if (files[i].write == write_tc && !has_rate(plan->topology, place))
            continue;
        FILE *file = plan_open(plan, name, files[i].name);
        if (file == NULL)
            return -EIO;
        files[i].write(plan->topology, place, file);
        result = plan_close(plan, file, files[i].name);
    }
    return result < 0 ? result : plan_rules(plan, place);
}
