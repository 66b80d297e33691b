/* packet_internal.h - what the files of packets.h share. Keys: see packet_identity.c. */
#ifndef ECHOLAB_PACKET_INTERNAL_H
#define ECHOLAB_PACKET_INTERNAL_H

#include "packets.h"

/* Keys are never 0. */
uint64_t el_packet_key(const struct el_packet *packet); /* of the packet on one link */
uint64_t
el_packet_key_changed(const struct el_packet *packet);     /* the same if payload bytes differ */
uint64_t el_packet_key_rule(const struct el_packet *fate); /* of a packet and one fault rule */
/* Of a packet that this host forwards: equal for its arrival and its departure there. */
uint64_t el_packet_key_transit(const struct el_packet *packet);

/* The value of a hexadecimal digit of either case, or -1. */
static inline int el_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
