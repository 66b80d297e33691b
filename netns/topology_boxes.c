/*
 * topology_boxes.c - what stands in the boxes of the picture, and which rail each line goes to.
 *
 * Partner:  topology_draw.c, which finds the places for them
 */
#include "topology_picture.h"

#include "words.h"

#include <stdarg.h>
#include <string.h>

/* A line of the box that is being filled. Lines that do not fit are cut; PICTURE_LINES is enough. */
static struct picture_line *add_line(struct picture *picture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static struct picture_line *add_line(struct picture *picture, const char *format, ...)
{
    struct picture_box *box = &picture->box[picture->boxes];
    struct picture_line *line = &picture->line[picture->lines++];
    va_list args;
    *line = (struct picture_line){.rail = -1};
    va_start(args, format);
    vsnprintf(line->text, sizeof line->text, format, args);
    va_end(args);
    box->lines++;
    if (box->width < strlen(line->text) + 4)
        box->width = strlen(line->text) + 4;
    return line;
}

/* ---- rails ----------------------------------------------------------------------------------- */

static int rail_of_switch(const struct topology *topology, uint8_t place)
{
    int rail = 0;
    for (uint8_t i = 0; i < place; i++)
        rail += topology_is_switch(topology, i);
    return rail;
}

/* The rail of the cable between two hosts with plug `plug`: behind those of the switches. */
static int rail_of_cable(const struct topology *topology, uint8_t plug)
{
    int rail = rail_of_switch(topology, topology->places);
    uint8_t first = topology->plug[plug].peer < plug ? topology->plug[plug].peer : plug;
    for (uint8_t i = 0; i < first; i++)
        rail += topology->plug[i].segment >= TOPOLOGY_PLACES && topology->plug[i].peer > i;
    return rail;
}

/*
 * Where a plug's line goes. A host's goes to the rail of the switch it is plugged into, a switch's
 * own plug to its own rail, and of two switches that are joined the later one goes to the rail of
 * the earlier. -1: this plug is the other end of such a line.
 */
static int rail_of(const struct topology *topology, uint8_t index)
{
    const struct topology_plug *plug = &topology->plug[index];
    if (plug->peer == TOPOLOGY_NONE)
        return rail_of_switch(topology, plug->place);
    uint8_t other = topology->plug[plug->peer].place;
    if (!topology_is_switch(topology, other))
        return topology_is_switch(topology, plug->place) ? -1 : rail_of_cable(topology, index);
    return topology_is_switch(topology, plug->place) && plug->place < other
               ? -1
               : rail_of_switch(topology, other);
}

static void fill_rails(struct picture *picture, const struct topology *topology)
{
    for (uint8_t i = 0; i < topology->places; i++)
        if (topology_is_switch(topology, i))
            picture->rail[picture->rails++] =
                (struct picture_rail){.name = topology->place[i].name, .is_switch = true};
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].segment >= TOPOLOGY_PLACES && topology->plug[i].peer > i)
            picture->rail[picture->rails++] = (struct picture_rail){.name = ""};
}

/* ---- what a place has ------------------------------------------------------------------------ */

/* What the link is like, in words of the topology with commas between; "" when it is like any other. */
static void add_link(struct picture *picture, const struct topology_plug *plug, size_t indent)
{
    char buffer[64] = "", rate[TOPOLOGY_IP_TEXT];
    struct el_words words = {.text = buffer, .size = sizeof buffer};
    if (plug->mtu != 0)
        el_say(&words, "mtu %u", plug->mtu);
    if (plug->rate != 0)
        el_say(&words, "%s%s", words.used > 0 ? ", " : "", topology_rate_print(plug->rate, rate));
    if (plug->offload)
        el_say(&words, "%soffload", words.used > 0 ? ", " : "");
    if (words.used > 0)
        add_line(picture, "%-*s  %s", (int)indent, "", buffer);
}

/* An interface: its name and first address, the other addresses below, what its link is like. */
static void add_interface(struct picture *picture, const struct topology *topology, uint8_t index,
                          size_t indent, enum picture_labels labels)
{
    const struct topology_plug *plug = &topology->plug[index];
    int rail = rail_of(topology, index);
    char text[TOPOLOGY_IP_TEXT];
    struct picture_line *line = NULL;
    for (uint8_t i = 0; i < topology->addresses; i++) {
        if (topology->address[i].plug != index)
            continue;
        topology_ip_print_prefix(&topology->address[i].ip, text);
        if (line == NULL)
            line = add_line(picture, "%-*s  %s", (int)indent, plug->interface, text);
        else
            add_line(picture, "%-*s  %s", (int)indent, "", text);
    }
    if (line == NULL)
        line = add_line(picture, "%s", plug->interface);
    line->rail = rail;
    if (plug->peer != TOPOLOGY_NONE && plug->segment < TOPOLOGY_PLACES &&
        labels != PICTURE_NO_LABEL) {
        const struct topology_plug *peer = &topology->plug[plug->peer];
        bool full = labels == PICTURE_SWITCH_AND_PORT;
        snprintf(line->label, sizeof line->label, "%s%s%s",
                 full ? topology->place[peer->place].name : "", full ? ":" : "", peer->interface);
    }
    add_link(picture, plug, indent);
}

static void add_routes(struct picture *picture, const struct topology *topology, uint8_t place)
{
    char to[TOPOLOGY_IP_TEXT], via[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->routes; i++) {
        const struct topology_route *route = &topology->route[i];
        if (route->place != place)
            continue;
        if (route->to.length == 0 && route->kind == TOPOLOGY_VIA)
            snprintf(to, sizeof to, "default");
        else
            topology_ip_print_prefix(&route->to, to);
        if (route->kind == TOPOLOGY_VIA)
            add_line(picture, "%s via %s", to, topology_ip_print(&route->via, via));
        else
            add_line(picture, "%s %s", to, topology_route_kind_name(route->kind));
    }
}

static void add_nats(struct picture *picture, const struct topology *topology, uint8_t place)
{
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->nats; i++) {
        const struct topology_nat *nat = &topology->nat[i];
        if (nat->place != place)
            continue;
        if (nat->masquerade) {
            add_line(picture, "masquerade out %s", topology->plug[nat->plug].interface);
            continue;
        }
        add_line(picture, "%s %s%s", nat->tcp ? "tcp" : "udp",
                 topology_ip_print_port(&nat->address, nat->port, text),
                 nat->random ? " at random" : "");
        for (uint8_t k = 0; k < nat->servers; k++)
            add_line(picture, "%s %s", k == 0 ? "over" : "    ",
                     topology_ip_print_port(&nat->server[k].address, nat->server[k].port, text));
    }
}

/* Is there more to say of this plug than its rail shows anyway? */
static bool is_shown(const struct topology *topology, uint8_t index)
{
    const struct topology_plug *plug = &topology->plug[index];
    if (plug->peer != TOPOLOGY_NONE)
        return rail_of(topology, index) >= 0;
    for (uint8_t i = 0; i < topology->addresses; i++)
        if (topology->address[i].plug == index)
            return true;
    return false;
}

/* A switch of which there is nothing to say has no box: it is its rail. */
static void add_box(struct picture *picture, const struct topology *topology, uint8_t place,
                    enum picture_labels labels)
{
    const struct topology_place *owner = &topology->place[place];
    struct picture_box *box = &picture->box[picture->boxes];
    size_t indent = 0;
    /* The title: a corner, a line, and a blank on each side of name and kind. */
    *box = (struct picture_box){.name = owner->name, .kind = owner->kind, .first = picture->lines};
    box->width = strlen(owner->name) + strlen(topology_kind_name(owner->kind)) + 9;
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].place == place && is_shown(topology, i) &&
            indent < strlen(topology->plug[i].interface))
            indent = strlen(topology->plug[i].interface);
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].place == place && is_shown(topology, i))
            add_interface(picture, topology, i, indent, labels);
    add_routes(picture, topology, place);
    add_nats(picture, topology, place);
    if (topology->dns == place)
        add_line(picture, "answers names (DNS)");
    if (box->lines > 0 || owner->kind != TOPOLOGY_SWITCH)
        picture->boxes++;
}

void picture_fill(struct picture *picture, const struct topology *topology,
                  enum picture_labels labels)
{
    picture->boxes = picture->lines = picture->rails = 0;
    fill_rails(picture, topology);
    for (uint8_t i = 0; i < topology->places; i++)
        add_box(picture, topology, i, labels);
}
