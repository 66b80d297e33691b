/*
 * topology_dot.c - the picture of a topology as a graph, for Graphviz' dot(1) to lay out.
 *
 * Run:      topology draw --format=dot netns/topologies/routed | dot -Tsvg >routed.svg
 *           (net diagram --format=svg does that)
 * Teaches:  an HTML-like label holds only what is escaped; all words here are letters, digits and
 *           . : / - by the time they come here (topology_words.c), so there is nothing to escape.
 * The card behind it is light in any case, so the dark text can be read on a dark page too.
 */
#include "topology.h"

#include <string.h>

static void cell(FILE *out, const char *left, const char *right)
{
    fprintf(out,
            "<tr><td align=\"left\"><font color=\"#57606a\">%s</font></td>"
            "<td align=\"left\">%s</td></tr>",
            left[0] == '\0' ? " " : left, right); /* dot takes no empty font */
}

/* ... over both columns */
static void wide(FILE *out, const char *color, const char *text)
{
    fprintf(out, "<tr><td align=\"left\" colspan=\"2\"><font color=\"%s\">%s</font></td></tr>",
            color, text);
}

static bool has_address(const struct topology *topology, uint8_t plug)
{
    for (uint8_t i = 0; i < topology->addresses; i++)
        if (topology->address[i].plug == plug)
            return true;
    return false;
}

/* An interface and its addresses in a cell of its own, which the cable ends at (a port, in dot's
 * words). A switch's ports have nothing but a name. */
static void interfaces(const struct topology *topology, uint8_t place, FILE *out)
{
    char text[TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->plugs; i++) {
        const char *name = topology->plug[i].interface;
        if (topology->plug[i].place != place ||
            (topology->plug[i].peer == TOPOLOGY_NONE && !has_address(topology, i)))
            continue; /* a switch without an address of its own has only ports */
        fprintf(out,
                "<tr><td port=\"%s\" colspan=\"2\" align=\"left\" cellpadding=\"0\">"
                "<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"3\">",
                topology->plug[i].interface);
        for (uint8_t k = 0; k < topology->addresses; k++)
            if (topology->address[k].plug == i) {
                cell(out, name, topology_ip_print_prefix(&topology->address[k].ip, text));
                name = "";
            }
        if (name[0] != '\0')
            cell(out, name, " "); /* no address: a name alone */
        fputs("</table></td></tr>", out);
    }
}

static void routes(const struct topology *topology, uint8_t place, FILE *out)
{
    char to[TOPOLOGY_IP_TEXT], via[TOPOLOGY_IP_TEXT], text[3 * TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->routes; i++) {
        const struct topology_route *route = &topology->route[i];
        topology_ip_print_prefix(&route->to, to);
        if (route->place != place)
            continue;
        if (route->kind == TOPOLOGY_VIA)
            snprintf(text, sizeof text, "%s via %s", route->to.length == 0 ? "default" : to,
                     topology_ip_print(&route->via, via));
        else
            snprintf(text, sizeof text, "%s %s", to, topology_route_kind_name(route->kind));
        wide(out, route->kind == TOPOLOGY_VIA ? "#57606a" : "#a40e26", text);
    }
}

static void translations(const struct topology *topology, uint8_t place, FILE *out)
{
    char address[TOPOLOGY_IP_TEXT], text[2 * TOPOLOGY_IP_TEXT];
    for (uint8_t i = 0; i < topology->nats; i++) {
        const struct topology_nat *nat = &topology->nat[i];
        if (nat->place != place)
            continue;
        if (nat->masquerade)
            snprintf(text, sizeof text, "masquerade out %s", topology->plug[nat->plug].interface);
        else
            snprintf(text, sizeof text, "%s %s%s over", nat->tcp ? "tcp" : "udp",
                     topology_ip_print_port(&nat->address, nat->port, address),
                     nat->random ? " at random" : "");
        wide(out, "#6639ba", text);
        for (uint8_t k = 0; k < nat->servers; k++)
            cell(out, "",
                 topology_ip_print_port(&nat->server[k].address, nat->server[k].port, address));
    }
}

static void node(const struct topology *topology, uint8_t place, FILE *out)
{
    static const char *const fills[] = {"#ddf4ff", "#fff1c9", "#e6e8eb"};
    static const char *const borders[] = {"#0969da", "#9a6700", "#57606a"};
    const struct topology_place *owner = &topology->place[place];
    fprintf(out,
            "    \"%s\" [tooltip=\"%s %s\" label=<<table border=\"1\" cellborder=\"0\" "
            "cellspacing=\"0\" cellpadding=\"3\" style=\"rounded\" bgcolor=\"%s\" color=\"%s\">"
            "<tr><td align=\"left\"><b>%s</b></td><td align=\"right\"><font color=\"%s\">%s</font>"
            "</td></tr>",
            owner->name, topology_kind_name(owner->kind), owner->name, fills[owner->kind],
            borders[owner->kind], owner->name, borders[owner->kind],
            topology_kind_name(owner->kind));
    interfaces(topology, place, out);
    routes(topology, place, out);
    translations(topology, place, out);
    if (topology->dns == place)
        wide(out, "#116329", "answers names (DNS)");
    fputs("</table>>]\n", out);
}

static void edge(const struct topology *topology, uint8_t index, FILE *out)
{
    const struct topology_plug *a = &topology->plug[index], *b = &topology->plug[a->peer];
    char rate[TOPOLOGY_IP_TEXT];
    fprintf(out, "    \"%s\":\"%s\" -- \"%s\":\"%s\" [", topology->place[a->place].name,
            a->interface, topology->place[b->place].name, b->interface);
    if (a->mtu != 0 || a->rate != 0 || a->offload) {
        fputs("label=\" ", out);
        if (a->mtu != 0)
            fprintf(out, "mtu %u ", a->mtu);
        if (a->rate != 0)
            fprintf(out, "%s ", topology_rate_print(a->rate, rate));
        if (a->offload)
            fputs("offload ", out);
        fputc('"', out);
    }
    fputs("]\n", out);
}

static void caption(const struct topology *topology, FILE *out)
{
    fputs("    label=<<br/><font point-size=\"10\">logged:", out);
    for (uint8_t i = 0; i < topology->logs; i++) {
        const struct topology_log *log = &topology->log[i];
        fprintf(out, " %s ", log->tcp ? "tcp" : "udp");
        for (uint8_t k = 0; k < log->ports; k++)
            fprintf(out, "%s%u", k == 0 ? "" : ",", log->port[k]);
        if (log->prefix[0] != '\0')
            fprintf(out, " as %s", log->prefix);
        if (log->place != TOPOLOGY_NONE)
            fprintf(out, " on %s", topology->place[log->place].name);
        fputc(';', out);
    }
    fprintf(out, " %s</font>>\n", topology->silent_line != 0 ? "nothing" : "DNS and ICMP always");
}

void topology_draw_dot(const struct topology *topology, FILE *out)
{
    fputs("graph lab {\n"
          "    tooltip=\"lab network\"\n"
          "    rankdir=LR\n"
          "    bgcolor=\"#fdfdfc\"\n"
          "    pad=0.25\n"
          "    ranksep=1.2\n"
          "    splines=line\n"
          "    nodesep=0.3\n"
          "    fontname=\"Helvetica,Arial,sans-serif\"\n"
          "    fontcolor=\"#24292f\"\n"
          "    node [shape=plain fontname=\"Helvetica,Arial,sans-serif\" fontsize=11 "
          "fontcolor=\"#24292f\"]\n"
          "    edge [color=\"#57606a\" fontname=\"Helvetica,Arial,sans-serif\" fontsize=9 "
          "fontcolor=\"#24292f\"]\n",
          out);
    caption(topology, out);
    for (uint8_t i = 0; i < topology->places; i++)
        node(topology, i, out);
    for (uint8_t i = 0; i < topology->plugs; i++)
        if (topology->plug[i].peer != TOPOLOGY_NONE && topology->plug[i].peer > i)
            edge(topology, i, out);
    fputs("}\n", out);
}
