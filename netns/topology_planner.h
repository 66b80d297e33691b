/*
 * topology_planner.h - what the files share that write the plan of a world.
 */
#ifndef ECHOLAB_TOPOLOGY_PLANNER_H
#define ECHOLAB_TOPOLOGY_PLANNER_H

#include "topology.h"

/* The log: group and length of what NFLOG hands to packet_log. One group has one reader in each
 * namespace. 256 bytes: every header, and enough payload to tell two packets apart. */
enum { PLAN_LOG_GROUP = 7007, PLAN_LOG_BYTES = 256, PLAN_LOG_PREFIX = 30 /* LOG: 29 and a NUL */ };

struct topology_plan {
    const struct topology *topology;
    const char *dir;
    const char *tag;              /* NULL: no rules for the kernel's own log */
    struct topology_error *error; /* filled when a file cannot be written */
};

/* Opens DIR/place/PLACE/NAME for writing (place NULL: DIR/NAME). NULL with error filled. */
FILE *plan_open(struct topology_plan *plan, const char *place, const char *name);
/* Closes it. 0, or -errno with error filled when not everything could be written. */
int plan_close(struct topology_plan *plan, FILE *file, const char *name);

/* Makes the directory DIR/ABOVE NAME (above ends with a slash). 0 or -errno with error filled. */
int plan_directory(struct topology_plan *plan, const char *above, const char *name);

/* The files of one place (topology_place.c). 0 or -errno. */
int plan_place(struct topology_plan *plan, uint8_t place);

/* The rules of one place: iptables, ip6tables, and nft where addresses are translated
 * (topology_rules.c). 0 or -errno. */
int plan_rules(struct topology_plan *plan, uint8_t place);

#endif
