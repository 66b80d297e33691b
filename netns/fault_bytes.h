/*
 * fault_bytes.h - a byte of a packet's payload changes on its way, with or without the checksum.
 *
 * Ethernet and most radio links throw away frames that were damaged in transit, so an application
 * meets damage in two forms: as loss (the checksum of UDP or TCP is wrong), or, rarely, as bytes that
 * are wrong though every checksum is right: a router's memory was at fault. Both can be had here.
 */
#ifndef ECHOLAB_FAULT_BYTES_H
#define ECHOLAB_FAULT_BYTES_H

#include "packets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_change {
    uint32_t offset; /* into the payload, behind the transport header */
    uint8_t flip;    /* the bits that change; never 0 */
    bool repair;     /* and the checksum is made right again */
};

/*
 * The Internet checksum (RFC 1071) of a whole IP packet's TCP, UDP or ICMP part, as it should stand
 * in the header, in host order; `packet` is its decoding (el_packet_decode). -1: it has none, or is
 * not whole.
 */
int fault_checksum(const uint8_t *bytes, size_t length, const struct el_packet *packet);

/* Carries out the change in the bytes of a whole packet. False: the packet has no such byte. */
bool fault_apply(uint8_t *bytes, size_t length, const struct el_packet *packet,
                 const struct fault_change *change);

#endif
