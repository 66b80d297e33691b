/* packet_source.h - where packet_show reads from: see packet_source.c. */
#ifndef ECHOLAB_PACKET_SOURCE_H
#define ECHOLAB_PACKET_SOURCE_H

#include "kernel_log.h"
#include "packet_names.h"
#include "packets.h"

enum { SOURCE_NFLOG, SOURCE_KERNEL };

struct packet_source {
    /* The ring of the collector and that of fault_queue, which may come later or never. */
    struct el_packets *log, *faults;
    const char *faults_path; /* NULL: none; borrowed */
    uint64_t mark, faults_mark;
    el_time since; /* earlier fates are not wanted */
    el_time until; /* nor, behind the last packet, later ones */
    struct el_packet fate;
    bool has_fate; /* `fate` was read and waits for its turn */
    /* The kernel's log. */
    struct kernel_log *kernel;
    const char *tag; /* borrowed */
    const struct packet_names *names;
    uint64_t from, damaged, missed;
    el_time newest;
};

/*
 * The next packet or fate before `end` (a number of the ring; of no meaning for the kernel's log). An
 * order that a merge can take: no fate comes behind an arrival that is later. 1, 0 = that was all for
 * now, -ENODATA = older ones were overwritten, or -errno.
 */
int packet_source_next(struct packet_source *source, uint64_t end, struct el_packet *packet);

/* Begins at `from` (0: at the oldest). */
void packet_source_from(struct packet_source *source, uint64_t from);

void packet_source_close(struct packet_source *source);

#endif
