/* fuzz_packet.h - what must be true of every packet that was read, whoever told of it: see packet_check.c. */
#ifndef ECHOLAB_FUZZ_PACKET_H
#define ECHOLAB_FUZZ_PACKET_H

#include "packets.h"

/* Its lines are printable and fit; its record reads back as the same. */
void fuzz_packet_check(const struct el_packet *packet);

#endif
