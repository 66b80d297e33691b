/* packet_names.h - which host has which address: see packet_names.c. */
#ifndef ECHOLAB_PACKET_NAMES_H
#define ECHOLAB_PACKET_NAMES_H

#include "packets.h"

enum { PACKET_NAMES_MAX = 256 };

struct packet_names {
    size_t count;
    struct {
        struct el_address address;
        char name[EL_HOST_NAME_MAX];
    } entry[PACKET_NAMES_MAX];
};

/* Reads lines of "ADDRESS NAME"; what is no address is skipped. 0, or -errno. */
int packet_names_read(struct packet_names *names, const char *path);

/* The host with this address (its port does not matter), "" when unknown. Owned by names. */
const char *packet_names_of(const struct packet_names *names, const struct el_address *address);

#endif
