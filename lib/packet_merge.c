/*
 * packet_merge.c - the sightings of many hosts, in an order that can have happened.
 *
 * Teaches:  two hosts have no common clock, and a log that hears of both hears of them in any
 *           order. What is certain: each host's own events happened in their order, and a packet
 *           left before it arrived. An order that respects both is a *causal* order; this file
 *           makes one. [#causal-order]
 * How:      one queue a host. Of the queues' heads, the earliest that is not blocked goes out. An
 *           arrival is blocked until its departure has gone out. Which departure that was cannot be
 *           known when equal packets cross (a segment sent twice): but the n-th arrival cannot come
 *           before n departures, and to hold that, counting is enough.
 *           Fates (what fault_queue did to a packet) have queues of their own, one a host: on the
 *           wire nothing waits for what the host does meanwhile. A rule decides once about a packet,
 *           so its n-th fate cannot come before n departures either. That an arrival comes after
 *           *its* fate is certain only if no equal packet is about; so it is preferred, and never
 *           bought with an order that cannot have happened.
 * Times:    the collector's clock says when it has *read* of an event: an upper bound. The kernel
 *           stamps arrivals when they happen, which bounds their departures, and whatever that host
 *           did before.
 * Bounds:   `capacity` records; a table of counters that forgets, when half full, the packets with
 *           nothing in the queues.
 * Partner:  packet_identity.c (which sightings are of one packet), packets.h. A pure machine: no
 *           clock, no file. tests/unit/test_packet_merge.c feeds it random histories.
 */
#include "packet_internal.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX, LOWER_MAX = 256 };

struct node {
    struct el_packet packet;
    uint64_t key;
    el_time time;        /* no later than this */
    uint32_t next, prev; /* in its host's queue; next also in the list of free nodes */
};

/* How often packets of one key have been seen. */
struct counter {
    uint64_t key;               /* 0: free */
    uint32_t pending;           /* departures that are still in a queue */
    uint32_t fates;             /* fates that are */
    uint32_t departed, arrived; /* given out; of a rule's counter `arrived` are its fates */
    uint32_t copies, lost;      /* made and dropped on the way, by fates given out */
    uint32_t last;              /* the departure that was added last */
    el_time fate_at;            /* of the oldest fate that may be pending */
    el_time stamp;              /* of an arrival that was added before its departure, or 0 */
};

struct queue {
    char host[EL_HOST_NAME_MAX];
    bool fates;
    uint32_t head, tail;
};

struct el_packet_merge {
    struct node *nodes;
    uint32_t free;            /* the first of those that were given back */
    uint32_t fresh, capacity; /* those from `fresh` on were never used: their pages cost nothing */
    struct counter *counters, *spare;
    size_t slots; /* a power of two */
    size_t used;
    size_t hosts;
    struct queue queues[3 * EL_PACKET_HOSTS]; /* of hosts; of fates at hosts and at switches */
    struct el_packet_given given;
};

struct el_packet_merge *el_packet_merge_new(size_t capacity)
{
    struct el_packet_merge *merge = calloc(1, sizeof *merge);
    if (merge == NULL || capacity == 0 || capacity > UINT32_MAX / 16) {
        free(merge);
        return NULL;
    }
    merge->slots = 32;
    while (merge->slots < 8 * capacity) /* a record has two counters at most */
        merge->slots *= 2;
    merge->nodes = calloc(capacity, sizeof *merge->nodes);
    merge->counters = calloc(merge->slots, sizeof *merge->counters);
    merge->spare = calloc(merge->slots, sizeof *merge->spare);
    if (merge->nodes == NULL || merge->counters == NULL || merge->spare == NULL) {
        el_packet_merge_free(merge);
        return NULL;
    }
    merge->free = NONE;
    merge->capacity = (uint32_t)capacity;
    merge->given.time = INT64_MIN;
    return merge;
}

void el_packet_merge_free(struct el_packet_merge *merge)
{
    if (merge == NULL)
        return;
    free(merge->nodes);
    free(merge->counters);
    free(merge->spare);
    free(merge);
}

struct el_packet_given el_packet_merge_given(const struct el_packet_merge *merge)
{
    return merge->given;
}

/* ---- the counters ---------------------------------------------------------------------------- */

/*
 * The counter of `key`, or the free slot where it belongs. The table is never more than half full,
 * so there is one.
 */
static struct counter *slot_of(struct counter *table, size_t slots, uint64_t key)
{
    size_t slot = key & (slots - 1);
    while (table[slot].key != 0 && table[slot].key != key)
        slot = (slot + 1) & (slots - 1);
    return &table[slot];
}

/* To look at: one that was never written has only zeros. */
static const struct counter *counter_of(const struct el_packet_merge *merge, uint64_t key)
{
    return slot_of(merge->counters, merge->slots, key);
}

/* Carries the counter of `key` into the new table. */
static void keep(struct el_packet_merge *merge, uint64_t key)
{
    struct counter *kept = slot_of(merge->spare, merge->slots, key);
    if (kept->key != 0)
        return;
    *kept = *counter_of(merge, key);
    merge->used += kept->key != 0;
}

/*
 * Drops the counters of packets with nothing in the queues: lost ones, and those that are done
 * with.
 */
static void forget(struct el_packet_merge *merge)
{
    memset(merge->spare, 0, merge->slots * sizeof *merge->spare);
    merge->used = 0;
    for (size_t i = 0; i < merge->hosts; i++)
        for (uint32_t n = merge->queues[i].head; n != NONE; n = merge->nodes[n].next) {
            const struct el_packet *packet = &merge->nodes[n].packet;
            keep(merge, merge->nodes[n].key);
            if (el_packet_is_fate(packet))
                keep(merge, el_packet_key_rule(packet));
        }
    struct counter *old = merge->counters;
    merge->counters = merge->spare;
    merge->spare = old;
}

/* To write to. A pointer is good until the next call. */
static struct counter *claim(struct el_packet_merge *merge, uint64_t key)
{
    struct counter *counter = slot_of(merge->counters, merge->slots, key);
    if (counter->key == key)
        return counter;
    if (merge->used >= merge->slots / 2) {
        forget(merge);
        counter = slot_of(merge->counters, merge->slots, key);
    }
    counter->key = key;
    merge->used++;
    return counter;
}

/* ---- in -------------------------------------------------------------------------------------- */

static struct queue *queue_of(struct el_packet_merge *merge, const char *host, bool fates)
{
    for (size_t i = 0; i < merge->hosts; i++)
        if (merge->queues[i].fates == fates && strcmp(merge->queues[i].host, host) == 0)
            return &merge->queues[i];
    if (merge->hosts == sizeof merge->queues / sizeof merge->queues[0])
        return NULL;
    struct queue *queue = &merge->queues[merge->hosts++];
    memcpy(queue->host, host, strnlen(host, sizeof queue->host - 1));
    queue->fates = fates;
    queue->head = queue->tail = NONE;
    return queue;
}

/*
 * [#no-later-than] This event happened no later than `time`; so did everything that its host did
 * before. LOWER_MAX events back is far more than the collector ever lags.
 */
static void lower(struct el_packet_merge *merge, uint32_t index, el_time time)
{
    for (int i = 0; i < LOWER_MAX && index != NONE && merge->nodes[index].time > time; i++) {
        merge->nodes[index].time = time;
        index = merge->nodes[index].prev;
    }
}

/* What a new record says about the times of others: a departure is no later than its arrival. */
static void bound_times(struct el_packet_merge *merge, struct counter *counter, uint32_t index)
{
    const struct el_packet *packet = &merge->nodes[index].packet;
    if (el_packet_leaves(packet)) {
        if (counter->stamp != 0 && counter->pending == 1)
            lower(merge, index, counter->stamp);
        return;
    }
    el_time bound = el_packet_is_fate(packet) ? packet->at : packet->stamp;
    if (bound == 0)
        return;
    /* Of several equal packets on their way, it is not known which one this is. */
    bool known = counter->pending == 1 && merge->nodes[counter->last].key == counter->key;
    if (known)
        lower(merge, counter->last, bound);
    /* A packet with a fate has waited behind its stamp, and says nothing about its host. */
    if (el_packet_is_fate(packet) || counter->fate_at != 0)
        return;
    if (!known && counter->departed <= counter->arrived)
        counter->stamp = bound;
    lower(merge, index, bound);
}

static void count_in(struct el_packet_merge *merge, uint32_t index)
{
    const struct el_packet *packet = &merge->nodes[index].packet;
    if (el_packet_is_fate(packet)) {
        claim(merge, el_packet_key_rule(packet));
        if (el_packet_fate_is(packet, "corrupt"))
            claim(merge, el_packet_key_changed(packet))->pending++;
    }
    struct counter *counter = claim(merge, merge->nodes[index].key);
    if (el_packet_leaves(packet)) {
        counter->pending++;
        counter->last = index;
    } else if (el_packet_is_fate(packet)) {
        if (counter->fates++ == 0)
            counter->fate_at = packet->at;
    }
    bound_times(merge, counter, index);
}

/* There is one: the caller has looked. */
static uint32_t take_node(struct el_packet_merge *merge)
{
    uint32_t index = merge->free;
    if (index == NONE)
        return merge->fresh++;
    merge->free = merge->nodes[index].next;
    return index;
}

int el_packet_merge_add(struct el_packet_merge *merge, const struct el_packet *packet)
{
    bool full = merge->free == NONE && merge->fresh == merge->capacity;
    struct queue *queue = full ? NULL : queue_of(merge, packet->host, el_packet_is_fate(packet));
    if (queue == NULL)
        return -ENOBUFS;

    uint32_t index = take_node(merge);
    struct node *node = &merge->nodes[index];
    node->packet = *packet;
    node->key = el_packet_key(packet);
    node->time = packet->at;
    node->next = NONE;
    node->prev = queue->tail;
    if (queue->head == NONE)
        queue->head = index;
    else
        merge->nodes[queue->tail].next = index;
    queue->tail = index;
    count_in(merge, index);
    return 0;
}

/* ---- out ------------------------------------------------------------------------------------- */

enum readiness { BLOCKED, UNLIKELY, LIKELY, READY };

/* Is there a corruption that this arrival, whose bytes have never left anybody, may be the result of? */
static enum readiness ready_changed(const struct el_packet_merge *merge, const struct node *node)
{
    const struct counter *changed = counter_of(merge, el_packet_key_changed(&node->packet));
    if (changed->departed > changed->arrived)
        return READY;
    return changed->pending > 0 ? LIKELY : BLOCKED;
}

/* May the head of a queue go out? LIKELY: it may, but better later; UNLIKELY: much better. */
static enum readiness readiness(const struct el_packet_merge *merge, const struct node *node,
                                el_time settled)
{
    const struct el_packet *packet = &node->packet;
    if (el_packet_leaves(packet))
        return READY;
    const struct counter *counter = counter_of(merge, node->key);
    /*
     * Without a departure in sight it is given when it has waited long enough: sent by nobody we
     * log.
     */
    enum readiness alone = counter->pending == 0 && packet->at <= settled ? READY : BLOCKED;
    if (el_packet_is_fate(packet)) {
        const struct counter *rule = counter_of(merge, el_packet_key_rule(packet));
        return counter->departed > rule->arrived ? READY : alone;
    }
    uint32_t there = counter->departed + counter->copies;
    bool fate_first = counter->fates > 0 && counter->fate_at <= packet->at;
    if (there <= counter->arrived) {
        enum readiness changed = ready_changed(merge, node);
        if (changed != BLOCKED)
            return changed;
        return alone == READY && fate_first ? UNLIKELY : alone; /* it may be a copy */
    }
    return fate_first || there <= counter->arrived + counter->lost ? LIKELY : READY;
}

static bool give_departure(struct el_packet_merge *merge, struct node *node)
{
    struct counter *counter = claim(merge, node->key);
    counter->pending--;
    counter->departed++;
    counter->stamp = 0;
    /* A router's departure is the second half of an arrival there. */
    uint64_t key = el_packet_key_transit(&node->packet);
    const struct counter *transit = counter_of(merge, key);
    if (transit->departed <= transit->arrived)
        return false;
    claim(merge, key)->arrived++;
    return true;
}

static void give_fate(struct el_packet_merge *merge, struct node *node)
{
    const struct el_packet *fate = &node->packet;
    claim(merge, el_packet_key_rule(fate))->arrived++;
    struct counter *counter = claim(merge, node->key);
    counter->fates--;
    counter->copies += el_packet_fate_is(fate, "duplicate");
    bool changed = el_packet_fate_is(fate, "corrupt");
    counter->lost += changed || el_packet_fate_is(fate, "drop");
    if (changed) {
        struct counter *result = claim(merge, el_packet_key_changed(fate));
        result->pending -= result->pending > 0; /* it may have been forgotten */
        result->departed++;
    }
}

static bool give_arrival(struct el_packet_merge *merge, struct node *node)
{
    if (node->packet.hook == NF_INET_PRE_ROUTING)
        claim(merge, el_packet_key_transit(&node->packet))->departed++;
    struct counter *counter = claim(merge, node->key);
    counter->stamp = 0;
    if (counter->departed + counter->copies > counter->arrived) {
        merge->given.duplicate = counter->arrived >= counter->departed;
        counter->arrived++;
        return true;
    }
    uint64_t key = el_packet_key_changed(&node->packet);
    const struct counter *changed = counter_of(merge, key);
    if (changed->departed > changed->arrived) {
        merge->given.corrupted = true;
        claim(merge, key)->arrived++;
        return true;
    }
    merge->given.duplicate = counter->departed > 0;
    return merge->given.duplicate;
}

static void give(struct el_packet_merge *merge, struct queue *queue, struct el_packet *packet,
                 bool *again)
{
    uint32_t index = queue->head;
    struct node *node = &merge->nodes[index];
    *packet = node->packet;
    *again = true;
    merge->given.duplicate = merge->given.corrupted = false;
    if (node->time > merge->given.time)
        merge->given.time = node->time;
    if (el_packet_leaves(packet))
        *again = give_departure(merge, node);
    else if (el_packet_is_fate(packet))
        give_fate(merge, node);
    else
        *again = give_arrival(merge, node);
    node->key = 0;
    queue->head = node->next;
    if (queue->head == NONE)
        queue->tail = NONE;
    else
        merge->nodes[queue->head].prev = NONE;
    node->next = merge->free;
    merge->free = index;
}

int el_packet_merge_next(struct el_packet_merge *merge, el_time settled, struct el_packet *packet,
                         bool *again)
{
    struct queue *best[READY + 1] = {NULL}; /* the earliest of each readiness */
    struct queue *oldest = NULL;
    bool overdue = true;
    for (size_t i = 0; i < merge->hosts; i++) {
        struct queue *queue = &merge->queues[i];
        if (queue->head == NONE)
            continue;
        const struct node *node = &merge->nodes[queue->head];
        enum readiness ready = readiness(merge, node, settled);
        overdue = overdue && node->packet.at <= settled;
        if (oldest == NULL || node->time < merge->nodes[oldest->head].time)
            oldest = queue;
        if (ready < READY && node->packet.at > settled)
            continue; /* its fate, or the departure of an equal packet, may still come */
        if (best[ready] == NULL || node->time < merge->nodes[best[ready]->head].time)
            best[ready] = queue;
    }
    struct queue *chosen = NULL;
    for (int ready = READY; ready > BLOCKED && chosen == NULL; ready--)
        chosen = best[ready];
    /* Every head waits for a departure behind another head: no true history looks like that, so
     * hashes have collided or a record is lost. Better an imperfect order than none. */
    if (chosen == NULL && overdue)
        chosen = oldest;
    if (chosen == NULL)
        return 0;
    give(merge, chosen, packet, again);
    return 1;
}
