/*
 * packet_names.c - addresses of a lab network as its hosts' names.
 *
 * The file is /run/echolab/names, written by topology_plan.c: a line has an address and the
 * place that has it. No name server is asked: a reader of packets must not send any.
 * Partner:  packet_log.c (the collector), packet_show.c (lines of the kernel's log), fault_engine.c
 *           (the ring of fates).
 */
#include "packet_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int packet_names_read(struct packet_names *names, const char *path)
{
    char address[64], name[EL_HOST_NAME_MAX];
    FILE *file = fopen(path, "re");
    names->count = 0;
    if (file == NULL)
        return -errno;
    while (names->count < PACKET_NAMES_MAX && fscanf(file, "%63s %31s", address, name) == 2)
        if (el_address_from_literal(address, 0, &names->entry[names->count].address) == 0)
            memcpy(names->entry[names->count++].name, name, sizeof name);
    fclose(file);
    return 0;
}

const char *packet_names_of(const struct packet_names *names, const struct el_address *address)
{
    for (size_t i = 0; i < names->count; i++)
        if (el_address_same_host(&names->entry[i].address, address))
            return names->entry[i].name;
    return "";
}
