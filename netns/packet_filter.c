/*
 * packet_filter.c - which of the logged packets somebody wants to see.
 *
 * Teaches:  a filter asks the packet, not the rule that logged it: a rule may have any prefix, but
 *           a datagram to port 53 is a question for a name server whoever has logged it.
 * Partner:  packet_show.c. Pure; tests/unit/test_packet_filter.c.
 */
#include "packet_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool packet_filter_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *word = list; word != NULL; word = strchr(word, ',')) {
        word += *word == ',';
        if (strncmp(word, name, length) == 0 && (word[length] == ',' || word[length] == '\0'))
            return true;
    }
    return false;
}

int packet_filter_ports(struct packet_filter *filter, const char *text, const char **why)
{
    filter->port_count = 0;
    for (;;) {
        char *rest;
        unsigned long port = *text >= '0' && *text <= '9' ? strtoul(text, &rest, 10) : 0;
        *why = "is not a port (1-65535), or several with commas: 7,7007";
        if (port < 1 || port > UINT16_MAX || (*rest != ',' && *rest != '\0'))
            return -EINVAL;
        *why = "has too many ports (at most 16)";
        if (filter->port_count == FILTER_PORTS_MAX)
            return -EINVAL;
        filter->port[filter->port_count++] = (in_port_t)port;
        if (*rest == '\0')
            return 0;
        text = rest + 1;
    }
}

static bool has_port(const struct packet_filter *filter, const struct el_packet *packet)
{
    for (size_t i = 0; i < filter->port_count; i++)
        if (el_address_port(&packet->source) == filter->port[i] ||
            el_address_port(&packet->destination) == filter->port[i])
            return true;
    return false;
}

/* An ICMP error belongs to the ports of the packet that it is about. */
static bool wants_port(const struct packet_filter *filter, const struct el_packet *packet)
{
    struct el_packet original;
    if (filter->port_count == 0)
        return true;
    if (el_packet_kind(packet) == EL_KIND_ICMP)
        return el_packet_quoted(packet, &original) && has_port(filter, &original);
    return has_port(filter, packet);
}

/* "WEB" means the prefix "[WEB] ", as topology_rules.c writes them; what stands there itself does too. */
static bool wants_prefix(const struct packet_filter *filter, const struct el_packet *packet)
{
    const char *prefix = packet->prefix;
    size_t length = strlen(prefix);
    if (filter->prefix == NULL)
        return true;
    if (el_packet_is_fate(packet)) /* what it has there is the fate; no rule has logged it */
        return false;
    if (strcmp(prefix, filter->prefix) == 0)
        return true;
    while (length > 0 && prefix[length - 1] == ' ')
        length--;
    if (strlen(filter->prefix) == length && strncmp(prefix, filter->prefix, length) == 0)
        return true;
    return length >= 2 && prefix[0] == '[' && prefix[length - 1] == ']' &&
           strlen(filter->prefix) == length - 2 &&
           strncmp(prefix + 1, filter->prefix, length - 2) == 0;
}

enum packet_direction packet_direction(const struct el_packet *packet)
{
    if (el_packet_is_fate(packet))
        return DIRECTION_FAULT;
    return el_packet_leaves(packet) ? DIRECTION_OUT : DIRECTION_IN;
}

/* A fate is on the way between two hosts: it concerns both. */
static bool wants_host(const struct packet_filter *filter, const struct el_packet *packet)
{
    return filter->hosts == NULL || packet_filter_listed(filter->hosts, packet->host) ||
           (el_packet_is_fate(packet) && packet_filter_listed(filter->hosts, packet->out));
}

bool packet_filter_wants(const struct packet_filter *filter, const struct el_packet *packet)
{
    return wants_host(filter, packet) &&
           (filter->protocols == 0 || filter->protocols & 1U << el_packet_kind(packet)) &&
           (filter->directions == 0 || filter->directions & packet_direction(packet)) &&
           wants_port(filter, packet) && wants_prefix(filter, packet);
}
