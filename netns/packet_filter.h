/* packet_filter.h - which packets are wanted: see packet_filter.c. */
#ifndef ECHOLAB_PACKET_FILTER_H
#define ECHOLAB_PACKET_FILTER_H

#include "packets.h"

enum { FILTER_PORTS_MAX = 16 };

/* Bits of `directions`. */
enum packet_direction { DIRECTION_IN = 1, DIRECTION_OUT = 2, DIRECTION_FAULT = 4 };

/* Each 0 or NULL: all. */
struct packet_filter {
    const char *hosts;   /* "client,server"; borrowed */
    unsigned protocols;  /* bit 1 << EL_KIND_* */
    unsigned directions; /* DIRECTION_* */
    const char *prefix;  /* of the rule, with or without "[" and "] "; borrowed */
    size_t port_count;
    in_port_t port[FILTER_PORTS_MAX]; /* host order; of either end */
};

/* Reads "7,7007" into `port`. 0, or -EINVAL with *why set to static text that follows the value. */
int packet_filter_ports(struct packet_filter *filter, const char *text, const char **why);

bool packet_filter_wants(const struct packet_filter *filter, const struct el_packet *packet);

/* Is `name` a word of the list "client,server"? */
bool packet_filter_listed(const char *list, const char *name);

enum packet_direction packet_direction(const struct el_packet *packet);

#endif
