/*
 * fault_setup.c - the engine opens what it needs in every place, and wires rules to links.
 *
 * Teaches:  a socket belongs to the network namespace that it was made in. So the engine visits each
 *           place once, opens a queue and a packet socket there, and hears all of them from then on;
 *           afterwards it needs no right to go anywhere.
 * Partner:  fault_engine.c, which uses what is opened here.
 */
#include "fault_setup.h"
#include "fault_engine.h"
#include "visit_host.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(char *text, const char *object, const char *what, int error)
{
    snprintf(text, FAULT_WHY_MAX, "%s: %s", object, what);
    return -error;
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool reads_one(const char *path)
{
    char digit = '0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool one = fd >= 0 && read(fd, &digit, 1) == 1 && digit == '1';
    if (fd >= 0)
        close(fd);
    return one;
}

/* Opens everything in one place. Protocol 0: the packet socket sends, and hears nothing. */
static int open_place(struct fault_engine *engine, struct fault_place *place, char *text)
{
    int error = visit_host(place->name);
    if (error < 0)
        return failed(text, place->name, "setns", -error);
    place->forwards = reads_one("/proc/sys/net/ipv4/ip_forward") ||
                      reads_one("/proc/sys/net/ipv6/conf/all/forwarding");
    place->netlink = fault_netlink_open(FAULT_QUEUE_NUMBER, FAULT_QUEUE_PACKETS);
    if (place->netlink == NULL)
        return failed(text, place->name, "NFQUEUE (does this kernel have nfnetlink_queue?)", errno);
    place->cable = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (place->cable < 0)
        return failed(text, place->name, "packet socket", errno);
    /* As long as one socket asks for stamps, the kernel stamps every arrival. */
    int on = 1;
    setsockopt(place->cable, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    place->statistics = open("/proc/self/net/netfilter/nfnetlink_queue", O_RDONLY | O_CLOEXEC);
    place->event = event_new(engine->base, fault_netlink_fd(place->netlink), EV_READ | EV_PERSIST,
                             fault_engine_on_readable, place);
    if (place->event == NULL || event_add(place->event, NULL) < 0)
        return failed(text, place->name, "event", ENOMEM);
    return 0;
}

static struct fault_place *find_place(struct fault_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->places; i++)
        if (strcmp(engine->place[i].name, name) == 0)
            return &engine->place[i];
    return NULL;
}

static int open_places(struct fault_engine *engine, char *text)
{
    for (size_t i = 0; i < engine->plugs.count; i++) {
        const char *name = engine->plugs.plug[i].place;
        if (find_place(engine, name) != NULL)
            continue;
        if (engine->places == FAULT_PLACES_MAX)
            return failed(text, name, "too many places", E2BIG);
        struct fault_place *place = &engine->place[engine->places];
        *place = (struct fault_place){
            .engine = engine, .index = (uint32_t)engine->places++, .statistics = -1, .cable = -1};
        snprintf(place->name, sizeof place->name, "%s", name);
        int error = open_place(engine, place, text);
        if (error < 0)
            return error;
    }
    return 0;
}

/* ---- links ----------------------------------------------------------------------------------- */

static void parse_mac(uint8_t mac[6], const char *text)
{
    memset(mac, 0, 6);
    for (int i = 0; i < 6 && *text != '\0'; i++) {
        char *end;
        mac[i] = (uint8_t)strtoul(text, &end, 16);
        text = *end == ':' ? end + 1 : end;
    }
}

/*
 * From where a copy is sent, so that it comes in at `to`: the other end of its cable. A switch's own
 * plug has no cable; what comes to it comes by the sender's.
 */
static void find_cable(struct fault_engine *engine, struct fault_link *link,
                       const struct fault_plug *from, const struct fault_plug *to)
{
    bool cable = strcmp(to->peer, "-") != 0;
    const char *place = cable ? to->peer : from->place;
    const char *interface = cable ? to->peer_interface : from->interface;
    struct fault_place *there = find_place(engine, place);
    if (there == NULL)
        return;
    link->cable = there->index;
    /* By the socket that is there, since we may not go there any more. */
    struct ifreq request = {0};
    memcpy(request.ifr_name, interface, strnlen(interface, IFNAMSIZ - 1));
    if (ioctl(there->cable, SIOCGIFINDEX, &request) == 0)
        link->cable_interface = (unsigned)request.ifr_ifindex;
}

/* The link by which packets come from one plug to another; made when it is not there. NULL: no room. */
static struct fault_link *link_of(struct fault_engine *engine, const struct fault_plug *from,
                                  const struct fault_plug *to)
{
    struct fault_place *a = find_place(engine, from->place), *b = find_place(engine, to->place);
    uint8_t mac[6];
    parse_mac(mac, from->mac);
    for (size_t i = 0; i < engine->links; i++)
        if (engine->link[i].to == b->index && memcmp(engine->link[i].from_mac, mac, 6) == 0 &&
            strcmp(engine->link[i].interface, to->interface) == 0)
            return &engine->link[i];
    if (engine->links == FAULT_LINKS_MAX)
        return NULL;
    struct fault_link *link = &engine->link[engine->links++];
    *link = (struct fault_link){.from = a->index, .to = b->index};
    memcpy(link->from_mac, mac, 6);
    parse_mac(link->to_mac, to->mac);
    snprintf(link->interface, sizeof link->interface, "%s", to->interface);
    find_cable(engine, link, from, to);
    return link;
}

/* Lets the links in one direction know of a rule. */
static void wire_rule(struct fault_engine *engine, struct fault_state *state, const char *from,
                      const char *to)
{
    const struct fault_plug *a, *b;
    for (size_t at = 0; fault_plugs_pair(&engine->plugs, from, to, &at, &a, &b);) {
        struct fault_link *link = link_of(engine, a, b);
        if (link != NULL && link->count < FAULT_RULES_MAX)
            link->rules[link->count++] = state;
    }
}

void fault_engine_wire(struct fault_engine *engine)
{
    enum { HEAD = 256, WHOLE = 0xffff };
    for (size_t i = 0; i < engine->links; i++)
        engine->link[i].count = 0;
    for (size_t i = 0; i < engine->rules; i++) {
        struct fault_rule *rule = &engine->rule[i]->rule;
        if (rule->kernel != FAULT_QUEUED)
            continue;
        if (fault_rule_goes(rule, false))
            wire_rule(engine, engine->rule[i], rule->from, rule->to);
        if (fault_rule_goes(rule, true))
            wire_rule(engine, engine->rule[i], rule->to, rule->from);
    }
    for (size_t i = 0; i < engine->places; i++) {
        bool whole = false; /* a copied byte costs time: all of them only where one is changed */
        for (size_t j = 0; j < engine->links; j++)
            for (size_t k = 0; engine->link[j].to == i && k < engine->link[j].count; k++) {
                const struct fault_rule *rule = &engine->link[j].rules[k]->rule;
                whole |= rule->select[FAULT_CORRUPT].kind != FAULT_NONE ||
                         rule->select[FAULT_DUPLICATE].kind != FAULT_NONE;
            }
        fault_netlink_copy(engine->place[i].netlink, whole ? WHOLE : HEAD);
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

/*
 * The ring of an engine that died is replaced: its records are of rules that are gone. This comes when
 * the queues are ours, so a second engine cannot take the ring from a first one that lives.
 */
static int open_ring(struct fault_engine *engine, char *text)
{
    static const char unfinished[] = FAULT_RING_PATH ".new";
    const char *none = NULL; /* no host has fences in this ring */
    unlink(unfinished);
    engine->ring = el_packets_create(
        &(struct el_packets_args){.path = unfinished, .hosts = &none, .capacity = 32768});
    if (engine->ring == NULL || rename(unfinished, FAULT_RING_PATH) < 0)
        return failed(text, FAULT_RING_PATH, "create", errno);
    return 0;
}

int fault_engine_open(struct fault_engine *engine, char *text)
{
    FILE *file = fopen(FAULT_PLUGS_PATH, "re");
    if (file == NULL)
        return failed(text, FAULT_PLUGS_PATH, "open (not in a lab network?)", errno);
    int error = fault_plugs_read(&engine->plugs, file);
    fclose(file);
    if (error < 0)
        return failed(text, FAULT_PLUGS_PATH, "read", -error);
    (void)packet_names_read(&engine->names, "/run/echolab/names"); /* without it there are none */
    engine->hold = fault_hold_new(FAULT_HELD_PACKETS, FAULT_HELD_BYTES);
    if (engine->hold == NULL || fault_engine_start(engine) < 0)
        return failed(text, "event loop", "start", ENOMEM);
    error = open_places(engine, text);
    return error < 0 ? error : open_ring(engine, text);
}

void fault_engine_close(struct fault_engine *engine)
{
    if (engine->hold != NULL && engine->timer != NULL)
        fault_engine_release(engine, NULL);
    for (size_t i = 0; i < engine->places; i++) {
        struct fault_place *place = &engine->place[i];
        if (place->event != NULL)
            event_free(place->event);
        fault_netlink_close(place->netlink);
        if (place->cable >= 0)
            close(place->cable);
        if (place->statistics >= 0)
            close(place->statistics);
    }
    if (engine->timer != NULL)
        event_free(engine->timer);
    if (engine->watch != NULL)
        event_free(engine->watch);
    for (size_t i = 0; i < engine->rules; i++)
        free(engine->rule[i]);
    fault_hold_free(engine->hold);
    el_packets_close(engine->ring);
}
