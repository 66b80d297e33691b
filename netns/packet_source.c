/*
 * packet_source.c - packets from where they were written down: two rings, or the kernel's log.
 *
 * Teaches:  two files that are written by two processes have no common order but time. fault_queue
 *           writes a fate before it lets the packet go, so whoever looks at the packets' end first and
 *           reads the fates after it has every fate of those packets. [#fates-first]
 * Partner:  packet_show.c; lib/packets.c (rings), kernel_log.c (the kernel's log).
 */
#include "packet_source.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

/* The next fate into `fate`, if there is one. What fault_queue overwrote is gone without a word: its
 * ring is as long as the packets'. */
static void read_fate(struct packet_source *source)
{
    int got = 1;
    if (source->faults == NULL && source->faults_path != NULL)
        source->faults = el_packets_open(source->faults_path);
    while (source->faults != NULL && !source->has_fate && got != 0) {
        got = el_packets_next(source->faults, &source->faults_mark, &source->fate);
        source->has_fate =
            got == 1 && el_packet_is_fate(&source->fate) && source->fate.at > source->since;
    }
}

static int next_of_rings(struct packet_source *source, uint64_t end, struct el_packet *packet)
{
    uint64_t mark = source->mark;
    int got = mark < end ? el_packets_next(source->log, &mark, packet) : 0;
    if (got == -ENODATA) {
        source->mark = mark;
        return got;
    }
    read_fate(source);
    if (source->has_fate && source->fate.at <= (got == 0 ? source->until : packet->at)) {
        *packet = source->fate;
        source->has_fate = false;
        return 1;
    }
    source->mark = mark;
    return got;
}

static void set_name(const struct packet_names *names, const struct el_address *address, char *name)
{
    snprintf(name, EL_HOST_NAME_MAX, "%s", packet_names_of(names, address));
}

/* A line of this world into `packet`? */
static bool is_ours(struct packet_source *source, const struct el_kmsg *record,
                    struct el_packet *packet)
{
    if (record->priority >> 3 != 0) /* written by a program: the kernel's own are facility 0 */
        return false;
    int error = el_packet_parse_kernel(record->text, source->tag, packet);
    source->damaged += error == -EBADMSG;
    if (error < 0)
        return false;
    packet->number = record->sequence;
    packet->at = record->at;
    set_name(source->names, &packet->source, packet->source_name);
    set_name(source->names, &packet->destination, packet->destination_name);
    /* It arrived at a host that is not the one it is for: there it will be forwarded. */
    if (!el_packet_leaves(packet) && packet->destination_name[0] != '\0' &&
        strcmp(packet->destination_name, packet->host) != 0)
        packet->hook = NF_INET_PRE_ROUTING;
    return true;
}

static int next_of_kernel(struct packet_source *source, struct el_packet *packet)
{
    struct el_kmsg record;
    int got;
    while ((got = kernel_log_next(source->kernel, &record)) > 0) {
        if (record.sequence < source->from)
            continue;
        if (source->from != 0 && source->mark == 0)
            source->missed = record.sequence - source->from;
        source->mark = record.sequence + 1;
        source->newest = record.at;
        if (is_ours(source, &record, packet))
            return 1;
    }
    return got;
}

int packet_source_next(struct packet_source *source, uint64_t end, struct el_packet *packet)
{
    return source->kernel != NULL ? next_of_kernel(source, packet)
                                  : next_of_rings(source, end, packet);
}

void packet_source_from(struct packet_source *source, uint64_t from)
{
    struct el_packet before;
    uint64_t mark = from - 1;
    source->from = from;
    if (source->kernel != NULL || from == 0)
        return;
    source->mark = from;
    /* A number of one ring says nothing about the other; the time of the packet before it does. */
    if (el_packets_next(source->log, &mark, &before) == 1)
        source->since = before.at;
}

void packet_source_close(struct packet_source *source)
{
    el_packets_close(source->log);
    el_packets_close(source->faults);
    kernel_log_close(source->kernel);
}
