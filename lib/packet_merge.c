/*
 * packet_merge.c - the sightings of many hosts, in an order that can have happened.
 *
 * Teaches:  two hosts have no common clock, and a log that hears of both hears of them in any
 *           order. What is certain: each host's own events happened in their order, and a packet
 *           left before it arrived. An order that respects both is a *causal* order; this file
 *           makes one. [#causal-order]
 * How:      one queue a host. Of the queues' heads, the one that was logged first and is not
 *           blocked goes out. An arrival is blocked until its departure has gone out. Which
 *           departure that was cannot be known when equal packets cross (a segment sent twice): but
 *           the n-th arrival cannot come before n departures, and to hold that, counting is enough.
 * Bounds:   `capacity` records; a table of counters that forgets, when half full, the packets with
 *           nothing in the queues.
 * Partner:  packets.h. A pure machine: no clock, no file. tests/unit/test_packets.c feeds it random
 *           histories.
 */
#include "packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX };

struct node {
    struct el_packet packet;
    uint64_t key;
    uint32_t next; /* in its host's queue, or in the list of free nodes */
};

/* How often packets of one key have been seen. */
struct counter {
    uint64_t key;               /* 0: free */
    uint32_t pending;           /* departures that are still in a queue */
    uint32_t departed, arrived; /* given out */
};

struct queue {
    char host[EL_HOST_NAME_MAX];
    uint32_t head, tail;
};

struct el_packet_merge {
    struct node *nodes;
    uint32_t free;
    struct counter *counters;
    size_t slots; /* a power of two */
    size_t used;
    size_t hosts;
    struct queue queues[EL_PACKET_HOSTS];
};

struct el_packet_merge *el_packet_merge_new(size_t capacity)
{
    struct el_packet_merge *merge = calloc(1, sizeof *merge);
    if (merge == NULL || capacity == 0 || capacity > UINT32_MAX / 8) {
        free(merge);
        return NULL;
    }
    merge->slots = 16;
    while (merge->slots < 4 * capacity)
        merge->slots *= 2;
    merge->nodes = calloc(capacity, sizeof *merge->nodes);
    merge->counters = calloc(merge->slots, sizeof *merge->counters);
    if (merge->nodes == NULL || merge->counters == NULL) {
        el_packet_merge_free(merge);
        return NULL;
    }
    for (size_t i = 0; i < capacity; i++)
        merge->nodes[i].next = i + 1 < capacity ? (uint32_t)(i + 1) : NONE;
    return merge;
}

void el_packet_merge_free(struct el_packet_merge *merge)
{
    if (merge == NULL)
        return;
    free(merge->nodes);
    free(merge->counters);
    free(merge);
}

/* ---- what makes two sightings the same packet ------------------------------------------------ */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    return hash ^ hash >> 29;
}

static uint64_t mix_address(uint64_t hash, const struct el_address *address)
{
    hash = mix(hash, el_address_port(address));
    if (el_address_family(address) == AF_INET)
        return mix(hash, address->in.sin_addr.s_addr);
    uint64_t half[2] = {0};
    if (el_address_family(address) == AF_INET6)
        memcpy(half, &address->in6.sin6_addr, sizeof half);
    return mix(mix(hash, half[0]), half[1]);
}

/*
 * Everything that is the same at both ends of a wire. Not the checksums, which hardware may fill in
 * late. The TTL, though: a router takes one off, so on the next wire it is another packet, which
 * must leave the router before it arrives. [#ttl-tells-the-wire]
 */
static uint64_t key_of(const struct el_packet *packet)
{
    uint64_t hash = mix(1, (uint64_t)packet->ttl << 8 | packet->protocol);
    hash = mix_address(hash, &packet->source);
    hash = mix_address(hash, &packet->destination);
    hash = mix(hash, (uint64_t)packet->id << 32 | packet->length);
    hash = mix(hash, (uint64_t)packet->fragment << 32 | packet->checksum);
    return hash == 0 ? 1 : hash;
}

/*
 * The counter of `key`, or the free slot where it belongs. The table is never more than half full,
 * so there is one.
 */
static struct counter *counter_of(struct el_packet_merge *merge, uint64_t key)
{
    size_t slot = key & (merge->slots - 1);
    while (merge->counters[slot].key != 0 && merge->counters[slot].key != key)
        slot = (slot + 1) & (merge->slots - 1);
    return &merge->counters[slot];
}

/*
 * Drops the counters of packets with nothing in the queues: lost ones, and those that are done
 * with.
 */
static void forget(struct el_packet_merge *merge)
{
    memset(merge->counters, 0, merge->slots * sizeof *merge->counters);
    merge->used = 0;
    for (size_t i = 0; i < merge->hosts; i++)
        for (uint32_t n = merge->queues[i].head; n != NONE; n = merge->nodes[n].next) {
            struct counter *counter = counter_of(merge, merge->nodes[n].key);
            merge->used += counter->key == 0;
            counter->key = merge->nodes[n].key;
            counter->pending += el_packet_leaves(&merge->nodes[n].packet);
        }
}

/* ---- in and out ------------------------------------------------------------------------------ */

static struct queue *queue_of(struct el_packet_merge *merge, const char *host)
{
    for (size_t i = 0; i < merge->hosts; i++)
        if (strcmp(merge->queues[i].host, host) == 0)
            return &merge->queues[i];
    if (merge->hosts == EL_PACKET_HOSTS)
        return NULL;
    struct queue *queue = &merge->queues[merge->hosts++];
    memcpy(queue->host, host, strnlen(host, sizeof queue->host - 1));
    queue->head = queue->tail = NONE;
    return queue;
}

int el_packet_merge_add(struct el_packet_merge *merge, const struct el_packet *packet)
{
    struct queue *queue = merge->free == NONE ? NULL : queue_of(merge, packet->host);
    if (queue == NULL)
        return -ENOBUFS;
    if (merge->used >= merge->slots / 2)
        forget(merge);

    uint32_t index = merge->free;
    struct node *node = &merge->nodes[index];
    merge->free = node->next;
    node->packet = *packet;
    node->key = key_of(packet);
    node->next = NONE;
    if (queue->head == NONE)
        queue->head = index;
    else
        merge->nodes[queue->tail].next = index;
    queue->tail = index;

    struct counter *counter = counter_of(merge, node->key);
    merge->used += counter->key == 0;
    counter->key = node->key;
    counter->pending += el_packet_leaves(packet);
    return 0;
}

/* May the head of a queue go out? */
static bool ready(struct el_packet_merge *merge, const struct node *node, el_time settled)
{
    if (el_packet_leaves(&node->packet))
        return true;
    const struct counter *counter = counter_of(merge, node->key);
    /*
     * An arrival without a departure in sight: it is given when it has waited long enough (sent by
     * nobody we log).
     */
    return counter->departed > counter->arrived ||
           (counter->pending == 0 && node->packet.at <= settled);
}

static void give(struct el_packet_merge *merge, struct queue *queue, struct el_packet *packet,
                 bool *again)
{
    uint32_t index = queue->head;
    struct node *node = &merge->nodes[index];
    struct counter *counter = counter_of(merge, node->key);
    *packet = node->packet;
    *again = false;
    if (el_packet_leaves(packet)) {
        counter->pending--;
        counter->departed++;
    } else {
        *again = counter->departed > counter->arrived;
        counter->arrived += *again;
    }
    queue->head = node->next;
    node->next = merge->free;
    merge->free = index;
}

int el_packet_merge_next(struct el_packet_merge *merge, el_time settled, struct el_packet *packet,
                         bool *again)
{
    struct queue *best = NULL, *oldest = NULL;
    bool overdue = true;
    for (size_t i = 0; i < merge->hosts; i++) {
        struct queue *queue = &merge->queues[i];
        if (queue->head == NONE)
            continue;
        const struct node *node = &merge->nodes[queue->head];
        uint64_t number = node->packet.number;
        if (oldest == NULL || number < merge->nodes[oldest->head].packet.number)
            oldest = queue;
        overdue = overdue && node->packet.at <= settled;
        if (ready(merge, node, settled) &&
            (best == NULL || number < merge->nodes[best->head].packet.number))
            best = queue;
    }
    /* Every head waits for a departure behind another head: no true history looks like that, so
     * hashes have collided or a record is lost. Better an imperfect order than none. */
    if (best == NULL && overdue)
        best = oldest;
    if (best == NULL)
        return 0;
    give(merge, best, packet, again);
    return 1;
}
