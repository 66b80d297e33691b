/*
 * topology_plan.c - the plan of a world: plain files that init.sh runs one after the other.
 *
 * Teaches:  a lab network is a few dozen commands that one could type. Here they are written down
 *           before the first is run, in the tools' own batch formats, so that anybody can read what
 *           will happen (inside a world: /run/echolab/plan), and so that a world costs few processes
 *           instead of hundreds. [#plan-then-run]
 * Partner:  init.sh, which runs it
 * Read next: topology_place.c, one place; topology_rules.c, its iptables part
 */
#include "topology_planner.h"

#include "packets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

_Static_assert((int)TOPOLOGY_HOSTS <= (int)EL_PACKET_HOSTS, "packet_log listens on every host");

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

/* ---- all of it ------------------------------------------------------------------------------- */

int plan_directory(struct topology_plan *plan, const char *above, const char *name)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s%s", plan->dir, above, name);
    return mkdir(path, 0755) < 0 ? path_fault(plan, path, errno) : 0;
}

int topology_plan(const struct topology *topology, const char *dir, const char *tag,
                  struct topology_error *error)
{
    static const struct {
        const char *name;
        void (*write)(const struct topology *, FILE *);
    } files[] = {{"README", write_readme},
                 {"places", write_places},
                 {"hosts", write_hosts},
                 {"world.ip", write_world},
                 {"plugs", write_plugs},
                 {"names", write_names},
                 {"dns", write_dns},
                 {"dnsmasq", write_dnsmasq},
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
    int result = plan_directory(&plan, "", "place");
    if (result == 0)
        result = plan_directory(&plan, "", "etc");
    for (uint8_t i = 0; result == 0 && i < topology->places; i++)
        result = plan_place(&plan, i);
    return result;
}
