/*
 * topology_facts.c - what there is: places, cables between them, addresses on them, names for them.
 *
 * Teaches:  a fact may only speak of what stands above it. So a topology reads from the top, and each
 *           mistake is found on the line that has it.
 * Partner:  topology_parse.c, which cuts the lines
 * Read next: topology_more.c, the facts that change packets.
 */
#include "topology_parser.h"

#include <errno.h>
#include <string.h>

/* Room for one more in an array of `max`? */
static int room(struct topology_line *line, unsigned count, unsigned max, const char *what)
{
    if (count < max)
        return 0;
    return topology_fault(line->error, line->number, "more than %u %s (split it into two worlds)",
                          max, what);
}

static uint8_t add_plug(struct topology *topology, uint8_t place, const char *interface)
{
    struct topology_plug *plug = &topology->plug[topology->plugs];
    *plug = (struct topology_plug){.place = place, .peer = TOPOLOGY_NONE};
    snprintf(plug->interface, sizeof plug->interface, "%s", interface);
    return topology->plugs++;
}

int topology_fact_place(struct topology_line *line, enum topology_kind kind)
{
    struct topology *topology = line->topology;
    unsigned same = 0; /* how many there are of that kind; routers count as hosts */
    char name[TOPOLOGY_NAME];
    int result = topology_word_name(line, line->word[1], topology_kind_name(kind), name);
    if (result == 0)
        result = topology_no_more(line, 2);
    if (result < 0)
        return result;
    if (topology_find_place(topology, name) != TOPOLOGY_NONE)
        return topology_fault(line->error, line->number,
                              "there is a \"%s\" already (each place needs a name of its own)",
                              name);
    for (uint8_t i = 0; i < topology->places; i++)
        same += (topology->place[i].kind == TOPOLOGY_SWITCH) == (kind == TOPOLOGY_SWITCH);
    result = kind == TOPOLOGY_SWITCH ? room(line, same, TOPOLOGY_SWITCHES, "switches")
                                     : room(line, same, TOPOLOGY_HOSTS, "hosts and routers");
    if (result < 0)
        return result;
    struct topology_place *place = &topology->place[topology->places];
    *place = (struct topology_place){.kind = kind};
    memcpy(place->name, name, sizeof place->name);
    if (kind == TOPOLOGY_SWITCH)
        add_plug(topology, topology->places, "br0");
    topology->places++;
    return 0;
}

/* ---- link ------------------------------------------------------------------------------------ */

/* A plug of a new cable: it must not be there yet. */
static int new_plug(struct topology_line *line, const char *word, uint8_t *place,
                    char interface[static TOPOLOGY_NAME])
{
    int result = topology_word_plug(line, word, place, interface);
    if (result < 0)
        return result;
    if (strcmp(interface, "lo") == 0 || strcmp(interface, "all") == 0 ||
        strcmp(interface, "default") == 0 ||
        (topology_is_switch(line->topology, *place) && strcmp(interface, "br0") == 0))
        return topology_fault(line->error, line->number,
                              "\"%s\" is the system's own: the interface needs another name (eth0)",
                              word);
    if (topology_find_plug(line->topology, *place, interface) != TOPOLOGY_NONE)
        return topology_fault(line->error, line->number,
                              "\"%s\" has a cable in it already (the next one is eth1)", word);
    return 0;
}

/* What may follow the two plugs: words with a number behind them, and one without. */
static int link_options(struct topology_line *line, struct topology_plug *options)
{
    for (unsigned i = 3; i < line->count; i++) {
        const char *word = line->word[i];
        int result = 0;
        if (strcmp(word, "mtu") == 0 && options->mtu == 0)
            result = topology_word_number(line, line->word[++i], "mtu", 68, 65535, &options->mtu);
        else if (strcmp(word, "rate") == 0 && options->rate == 0)
            result = topology_word_rate(line, line->word[++i], &options->rate);
        else if (strcmp(word, "offload") == 0 && !options->offload)
            options->offload = true;
        else
            result = topology_fault(line->error, line->number,
                                    "\"%s\" is too much for link (it may go on with mtu N, "
                                    "rate 10mbit and offload, once each)",
                                    word);
        if (result < 0)
            return result;
    }
    return 0;
}

int topology_fact_link(struct topology_line *line)
{
    struct topology *topology = line->topology;
    char interface[2][TOPOLOGY_NAME];
    uint8_t place[2] = {0, 0}, cables = 0;
    struct topology_plug options = {.mtu = 0};
    int result = line->count < 3
                     ? topology_fault(line->error, line->number,
                                      "link needs two plugs: link client:eth0 sw0:client")
                     : 0;
    for (unsigned i = 0; i < 2 && result == 0; i++)
        result = new_plug(line, line->word[1 + i], &place[i], interface[i]);
    if (result == 0)
        result = link_options(line, &options);
    if (result < 0)
        return result;
    if (place[0] == place[1])
        return topology_fault(line->error, line->number,
                              "both ends of the cable are in %s (a cable joins two places)",
                              topology->place[place[0]].name);
    for (uint8_t i = 0; i < topology->plugs; i++)
        cables += topology->plug[i].peer != TOPOLOGY_NONE && topology->plug[i].peer > i;
    if ((result = room(line, cables, TOPOLOGY_LINKS, "links")) < 0)
        return result;
    uint8_t a = add_plug(topology, place[0], interface[0]);
    uint8_t b = add_plug(topology, place[1], interface[1]);
    topology->plug[a].line = topology->plug[b].line = line->number;
    topology->plug[a].peer = b;
    topology->plug[b].peer = a;
    topology->plug[a].mtu = topology->plug[b].mtu = options.mtu;
    topology->plug[a].rate = topology->plug[b].rate = options.rate;
    topology->plug[a].offload = topology->plug[b].offload = options.offload;
    return 0;
}

/* ---- address --------------------------------------------------------------------------------- */

/* PLACE:INTERFACE of a cable, or SWITCH alone for its own plug. */
static int address_plug(struct topology_line *line, const char *word, uint8_t *plug)
{
    char interface[TOPOLOGY_NAME] = "br0";
    uint8_t place;
    int result = word == NULL || strchr(word, ':') == NULL
                     ? topology_word_place(line, word, &place)
                     : topology_word_plug(line, word, &place, interface);
    if (result < 0)
        return result;
    bool own = strcmp(interface, "br0") == 0;
    if (topology_is_switch(line->topology, place) != own)
        return topology_fault(line->error, line->number,
                              own ? "%s is no switch: which interface? (%s:eth0)"
                                  : "a switch has addresses under its own name, not at a port "
                                    "(address %s ...)",
                              line->topology->place[place].name, line->topology->place[place].name);
    *plug = topology_find_plug(line->topology, place, interface);
    if (*plug == TOPOLOGY_NONE)
        return topology_fault(
            line->error, line->number,
            "%s has no interface %s (a line `link %s SWITCH:PORT` above plugs one "
            "in)",
            line->topology->place[place].name, interface, word);
    return 0;
}

/* Is this an address that one host can have? Says what it is instead, or NULL. */
static const char *not_a_hosts(const struct topology_ip *ip)
{
    static const struct topology_ip loopback4 = {AF_INET, {127}, 8},
                                    multicast4 = {AF_INET, {224}, 3}, this4 = {AF_INET, {0}, 8},
                                    multicast6 = {AF_INET6, {0xff}, 8},
                                    local6 = {AF_INET6, {0xfe, 0x80}, 10},
                                    low6 = {AF_INET6, {0}, 80}; /* ::, ::1, and mapped IPv4 */
    if (topology_ip_in(ip, &loopback4) || topology_ip_in(ip, &this4) || topology_ip_in(ip, &low6))
        return "is the machine itself, or none";
    if (topology_ip_in(ip, &multicast4) || topology_ip_in(ip, &multicast6))
        return "is a group's or reserved";
    return topology_ip_in(ip, &local6) ? "is link-local: the kernel gives those itself" : NULL;
}

/* The first and the last address of an IPv4 network are the network's own (RFC 919). */
static bool is_network_or_broadcast(const struct topology_ip *ip)
{
    uint32_t host = 0;
    if (ip->family != AF_INET || ip->length > 30)
        return false;
    for (unsigned i = 0; i < 4; i++)
        host = host << 8 | ip->bytes[i];
    uint32_t mask = ip->length == 0 ? UINT32_MAX : UINT32_MAX >> ip->length;
    return (host & mask) == 0 || (host & mask) == mask;
}

int topology_fact_address(struct topology_line *line)
{
    struct topology *topology = line->topology;
    struct topology_ip ip;
    uint8_t plug;
    int result = address_plug(line, line->word[1], &plug);
    if (result == 0)
        result = topology_word_prefix(line, line->word[2], false, &ip);
    if (result == 0)
        result = topology_no_more(line, 3);
    if (result == 0)
        result = room(line, topology->addresses, TOPOLOGY_ADDRESSES, "addresses");
    if (result < 0)
        return result;
    const char *why = not_a_hosts(&ip);
    if (why != NULL)
        return topology_fault(line->error, line->number, "%s %s (10.77.0.1/24 is one)",
                              line->word[2], why);
    if (is_network_or_broadcast(&ip))
        return topology_fault(line->error, line->number,
                              "%s is the first or the last address of its network, which no host "
                              "has (take one in between)",
                              line->word[2]);
    topology->address[topology->addresses++] =
        (struct topology_address){.plug = plug, .ip = ip, .line = line->number};
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

int topology_fact_dns(struct topology_line *line)
{
    struct topology *topology = line->topology;
    uint8_t place;
    int result = topology_word_place(line, line->word[1], &place);
    if (result == 0)
        result = topology_no_more(line, 2);
    if (result < 0)
        return result;
    if (topology->dns != TOPOLOGY_NONE)
        return topology_fault(line->error, line->number,
                              "%s answers names already, since line %u (one place does)",
                              topology->place[topology->dns].name, topology->dns_line);
    topology->dns = place;
    topology->dns_line = line->number;
    return 0;
}

/* Labels of letters, digits and hyphens with dots between them (RFC 1123 2.1), in lower case. */
static bool is_dns_name(const char *name)
{
    size_t label = 0;
    if (strlen(name) >= TOPOLOGY_DNS_NAME || name[0] < 'a' || name[0] > 'z')
        return false;
    for (const char *at = name; *at != '\0'; at++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", *at) == NULL)
            return false;
        if (*at == '.' ? label == 0 || at[-1] == '-' : *at == '-' && label == 0)
            return false;
        label = *at == '.' ? 0 : label + 1;
    }
    return label > 0 && name[strlen(name) - 1] != '-';
}

int topology_fact_name(struct topology_line *line)
{
    struct topology *topology = line->topology;
    struct topology_dns_name name = {.place = TOPOLOGY_NONE, .line = line->number};
    const char *word = line->word[1] == NULL ? "" : line->word[1], *whose = line->word[2];
    if (!is_dns_name(word))
        return topology_fault(line->error, line->number,
                              "\"%s\" is not a DNS name (server.lab: lower case, digits, - and "
                              "dots, at most %d characters)",
                              word, TOPOLOGY_DNS_NAME - 1);
    snprintf(name.name, sizeof name.name, "%s", word);
    bool address =
        whose != NULL && (strchr(whose, ':') != NULL || (whose[0] >= '0' && whose[0] <= '9'));
    int result = address ? topology_word_ip(line, whose, &name.address)
                         : topology_word_place(line, whose, &name.place);
    if (result == 0)
        result = topology_no_more(line, 3);
    if (result == 0)
        result = room(line, topology->names, TOPOLOGY_NAMES, "names");
    if (result < 0)
        return result;
    for (uint8_t i = 0; i < topology->names; i++)
        if (strcmp(topology->name[i].name, name.name) == 0 &&
            topology->name[i].place == name.place &&
            topology_ip_same(&topology->name[i].address, &name.address))
            return topology_fault(line->error, line->number,
                                  "line %u says so already (take one of them out)",
                                  topology->name[i].line);
    topology->name[topology->names++] = name;
    return 0;
}
