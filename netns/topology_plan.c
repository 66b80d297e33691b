/*
 * topology_plan.c - the plan of a world: plain files that init.sh runs one after the other.
 *
 * Teaches:  a lab network is a few dozen commands that one could type. Here they are written down
 *           before the first is run, in the tools' own batch formats, so that anybody can read what
 *           will happen (inside a world: /run/echolab/plan), and so that a world costs few processes
 *           instead of hundreds. [#plan-then-run]
 * Partner:  init.sh, which runs it; topology_rules.c, the iptables part
 */
#include "topology_planner.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

static int path_fault(struct topology_plan *plan, const char *path, int error)
{
    plan->error->line = 0;
    snprintf(plan->error->text, sizeof plan->error->text, "%.200s: cannot be written: %s", path,
             strerror(error));
    return -error;
}

FILE *plan_open(struct topology_plan *plan, const char *place, const char *name)
{
    char path[PATH];
    if (place == NULL)
        snprintf(path, sizeof path, "%s/%s", plan->dir, name);
    else if (strcmp(name, "resolv.conf") == 0)
        snprintf(path, sizeof path, "%s/etc/%s/%s", plan->dir, place, name);
    else
        snprintf(path, sizeof path, "%s/place/%s/%s", plan->dir, place, name);
    FILE *file = fopen(path, "wxe");
    if (file == NULL)
        path_fault(plan, path, errno);
    return file;
}

int plan_close(struct topology_plan *plan, FILE *file, const char *name)
{
    bool bad = ferror(file) != 0;
    errno = bad ? EIO : 0;
    if (fclose(file) != 0 || bad)
        return path_fault(plan, name, errno == 0 ? EIO : errno);
    return 0;
}

/* ---- the whole world ------------------------------------------------------------------------- */

static void write_readme(const struct topology *topology, FILE *out)
{
    (void)topology;
    fputs("This world was built by these commands, in this order (init.sh runs them):\n"
          "\n"
          "  ip -batch world.ip              namespaces, and cables between them\n"
          "and for each place of the file places, inside its namespace, from place/NAME:\n"
          "  sysctl                          written to /proc/sys/net\n"
          "  iptables-restore <iptables      what is logged and translated, IPv4\n"
          "  ip6tables-restore <ip6tables    the same for IPv6\n"
          "  nft -f nft                      departures behind the translation (if any)\n"
          "  ip -batch ip                    interfaces, addresses, neighbours, routes\n"
          "  tc -batch tc                    rates (if any)\n"
          "There, /etc/resolv.conf is etc/NAME/resolv.conf (ip netns exec puts it there);\n"
          "then one dnsmasq, on the place in the file dns, with the arguments in dnsmasq and the\n"
          "names in dnsmasq.hosts; and packet_log, for the places in the file hosts.\n",
          out);
}

static void write_places(const struct topology *topology, FILE *out)
{
    for (uint8_t i = 0; i < topology->places; i++)
        fprintf(out, "%s %s\n", topology_kind_name(topology->place[i].kind),
                topology->place[i].name);
}

/* All that have log rules, as packet_log wants them: "client,server". */
static void write_hosts(const struct topology *topology, FILE *out)
{
    const char *comma = "";
    for (uint8_t i = 0; i < topology->places; i++)
        if (!topology_is_switch(topology, i)) {
            fprintf(out, "%s%s", comma, topology->place[i].name);
            comma = ",";
        }
    fputc('\n', out);
}

static void write_world(const struct topology *topology, FILE *out)
{
    char mac[2][TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->places; i++)
        fprintf(out, "netns add %s\n", topology->place[i].name);
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *a = &topology->plug[i], *b;
        if (a->peer == TOPOLOGY_NONE || a->peer < i)
            continue;
        b = &topology->plug[a->peer];
        fprintf(out, "link add %s netns %s address %s type veth peer name %s netns %s address %s\n",
                a->interface, topology->place[a->place].name, topology_mac_print(i, mac[0]),
                b->interface, topology->place[b->place].name, topology_mac_print(a->peer, mac[1]));
    }
}

/*
 * What is plugged in where, a line a plug: PLACE INTERFACE MAC SEGMENT PEER-PLACE PEER-INTERFACE, for
 * programs inside. A switch's own plug into itself has no peer ("- -").
 */
static void write_plugs(const struct topology *topology, FILE *out)
{
    char mac[TOPOLOGY_IP_TEXT], segment[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const struct topology_plug *plug = &topology->plug[i];
        const struct topology_plug *peer =
            plug->peer == TOPOLOGY_NONE ? NULL : &topology->plug[plug->peer];
        fprintf(out, "%s %s %s %s %s %s\n", topology->place[plug->place].name, plug->interface,
                topology_mac_print(i, mac), topology_segment_name(topology, i, segment),
                peer == NULL ? "-" : topology->place[peer->place].name,
                peer == NULL ? "-" : peer->interface);
    }
}

static void write_names(const struct topology *topology, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->addresses; i++)
        fprintf(out, "%s %s\n", topology_ip_print(&topology->address[i].ip, text),
                topology->place[topology->plug[topology->address[i].plug].place].name);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void write_dns(const struct topology *topology, FILE *out)
{
    if (topology->dns != TOPOLOGY_NONE)
        fprintf(out, "%s\n", topology->place[topology->dns].name);
}

/*
 * dnsmasq's arguments, one a line. It knows the names of the lab and nothing else, asks nobody, and
 * answers at once what it does not know (--address=/#/: no such name).
 */
static void write_dnsmasq(const struct topology *topology, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    fputs("-k\n--log-facility=-\n--pid-file=\n--conf-file=/dev/null\n--no-hosts\n--no-resolv\n"
          "--bind-interfaces\n--local=/lab/\n--address=/#/\n--no-negcache\n--cache-size=0\n"
          "--addn-hosts=/run/echolab/plan/dnsmasq.hosts\n",
          out);
    for (uint8_t i = 0; i < topology->addresses; i++)
        if (topology->plug[topology->address[i].plug].place == topology->dns)
            fprintf(out, "--listen-address=%s\n",
                    topology_ip_print(&topology->address[i].ip, text));
}

static void write_dnsmasq_hosts(const struct topology *topology, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t n = 0; n < topology->names; n++) {
        const struct topology_dns_name *name = &topology->name[n];
        if (name->place == TOPOLOGY_NONE)
            fprintf(out, "%s %s\n", topology_ip_print(&name->address, text), name->name);
        for (uint8_t i = 0; i < topology->addresses && name->place != TOPOLOGY_NONE; i++)
            if (topology->plug[topology->address[i].plug].place == name->place)
                fprintf(out, "%s %s\n", topology_ip_print(&topology->address[i].ip, text),
                        name->name);
    }
}

/* ---- one place ------------------------------------------------------------------------------- */

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
 * ever carried.
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
            fprintf(out, "link add br0 address %s type bridge forward_delay 0 mcast_snooping 0\n"
                    "link set br0 addrgenmode none\n",
                    topology_mac_print(i, mac));
        } else {
            fprintf(out, "link set %s gso_max_segs 1 addrgenmode none\n", plug->interface);
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
            fprintf(out, "address add %s %s dev %s\n",
                    topology_ip_print_prefix(&address->ip, text),
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

static int make_directory(struct topology_plan *plan, const char *above, const char *name)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s%s", plan->dir, above, name);
    return mkdir(path, 0755) < 0 ? path_fault(plan, path, errno) : 0;
}

static int plan_place(struct topology_plan *plan, uint8_t place)
{
    static const struct {
        const char *name;
        void (*write)(const struct topology *, uint8_t, FILE *);
    } files[] = {{"sysctl", write_sysctl}, {"ip", write_ip}, {"resolv.conf", write_resolv},
                 {"tc", write_tc}};
    const char *name = plan->topology->place[place].name;
    int result = make_directory(plan, "place/", name);
    if (result == 0)
        result = make_directory(plan, "etc/", name);
    for (size_t i = 0; result == 0 && i < sizeof files / sizeof files[0]; i++) {
        if (files[i].write == write_tc && !has_rate(plan->topology, place))
            continue;
        FILE *file = plan_open(plan, name, files[i].name);
        if (file == NULL)
            return -EIO;
        files[i].write(plan->topology, place, file);
        result = plan_close(plan, file, files[i].name);
    }
    if (result < 0 || topology_is_switch(plan->topology, place))
        return result;
    return plan_rules(plan, place);
}

int topology_plan(const struct topology *topology, const char *dir, const char *tag,
                  struct topology_error *error)
{
    static const struct {
        const char *name;
        void (*write)(const struct topology *, FILE *);
    } files[] = {{"README", write_readme},   {"places", write_places},
                 {"hosts", write_hosts},     {"world.ip", write_world},
                 {"plugs", write_plugs},     {"names", write_names},
                 {"dns", write_dns},         {"dnsmasq", write_dnsmasq},
                 {"dnsmasq.hosts", write_dnsmasq_hosts}};
    struct topology_plan plan = {topology, dir, tag, error};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FILE *file = plan_open(&plan, NULL, files[i].name);
        if (file == NULL)
            return -EIO;
        files[i].write(topology, file);
        int result = plan_close(&plan, file, files[i].name);
        if (result < 0)
            return result;
    }
    int result = make_directory(&plan, "", "place");
    if (result == 0)
        result = make_directory(&plan, "", "etc");
    for (uint8_t i = 0; result == 0 && i < topology->places; i++)
        result = plan_place(&plan, i);
    return result;
}
