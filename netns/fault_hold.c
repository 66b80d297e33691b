/*
 * fault_hold.c - a heap of waiting packets: the one that is due first is always at the top.
 *
 * Teaches:  a binary heap keeps in an array what a sorted list would keep with pointers: the children
 *           of i are 2i+1 and 2i+2, and each is due no sooner than i. Adding and taking cost a walk from leaf to
 *           root, 16 steps for 65,536 packets. A heap alone forgets who came first among equals, so a
 *           sequence number decides: packets with one delay must not be shuffled by the data
 *           structure. [#stable-heap]
 * Partner:  fault_engine.c; tests/unit/test_fault_parts.c compares it with a sorted list.
 * Leaves out: an index from id to place. Only reordered packets are looked for, and few wait.
 */
#include "fault_hold.h"

#include <errno.h>
#include <stdlib.h>

struct fault_hold {
    struct fault_held *heap;
    size_t count, room, max_packets;
    uint64_t bytes, max_bytes, sequence;
};

struct fault_hold *fault_hold_new(size_t max_packets, uint64_t max_bytes)
{
    struct fault_hold *hold = calloc(1, sizeof *hold);
    if (hold == NULL)
        return NULL;
    hold->max_packets = max_packets;
    hold->max_bytes = max_bytes;
    return hold;
}

void fault_hold_free(struct fault_hold *hold)
{
    if (hold == NULL)
        return;
    for (size_t i = 0; i < hold->count; i++)
        free(hold->heap[i].bytes);
    free(hold->heap);
    free(hold);
}

static bool sooner(const struct fault_held *a, const struct fault_held *b)
{
    return a->release != b->release ? a->release < b->release : a->sequence < b->sequence;
}

static void swap(struct fault_hold *hold, size_t a, size_t b)
{
    struct fault_held other = hold->heap[a];
    hold->heap[a] = hold->heap[b];
    hold->heap[b] = other;
}

static void sift_up(struct fault_hold *hold, size_t at)
{
    while (at > 0 && sooner(&hold->heap[at], &hold->heap[(at - 1) / 2])) {
        swap(hold, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct fault_hold *hold, size_t at)
{
    while (true) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < hold->count; child++)
            if (sooner(&hold->heap[child], &hold->heap[first]))
                first = child;
        if (first == at)
            return;
        swap(hold, at, first);
        at = first;
    }
}

int fault_hold_add(struct fault_hold *hold, const struct fault_held *held)
{
    enum { ROOM_FIRST = 256 };
    if (hold->count >= hold->max_packets || held->length > hold->max_bytes - hold->bytes)
        return -ENOBUFS;
    if (hold->count == hold->room) {
        size_t room = hold->room == 0 ? ROOM_FIRST : 2 * hold->room;
        struct fault_held *more = reallocarray(hold->heap, room, sizeof *more);
        if (more == NULL)
            return -ENOBUFS;
        hold->heap = more;
        hold->room = room;
    }
    hold->heap[hold->count] = *held;
    hold->heap[hold->count].sequence = hold->sequence++;
    hold->bytes += held->length;
    sift_up(hold, hold->count++);
    return 0;
}

el_time fault_hold_next(const struct fault_hold *hold)
{
    return hold->count == 0 ? EL_NEVER : hold->heap[0].release;
}

bool fault_hold_take(struct fault_hold *hold, el_time now, struct fault_held *held)
{
    if (hold->count == 0 || hold->heap[0].release > now)
        return false;
    *held = hold->heap[0];
    hold->bytes -= held->length;
    hold->heap[0] = hold->heap[--hold->count];
    sift_down(hold, 0);
    return true;
}

bool fault_hold_move(struct fault_hold *hold, uint64_t id, el_time release)
{
    for (size_t i = 0; i < hold->count; i++) {
        struct fault_held *held = &hold->heap[i];
        if (held->id != id)
            continue;
        held->release = release > held->not_before ? release : held->not_before;
        held->sequence = hold->sequence++;
        sift_up(hold, i);
        sift_down(hold, i);
        return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    return sooner(a, b) ? -1 : 1;
}

void fault_hold_release_link(struct fault_hold *hold, uint32_t link, el_time now)
{
    /* In the order in which they would have gone each gets a new number, so that the order stays when
     * many are due at once. A sorted array is a heap. */
    if (hold->count == 0)
        return;
    qsort(hold->heap, hold->count, sizeof *hold->heap, compare);
    for (size_t i = 0; i < hold->count; i++) {
        struct fault_held *held = &hold->heap[i];
        held->sequence = hold->sequence++;
        if (held->link == link && held->release > now)
            held->release = now;
    }
    qsort(hold->heap, hold->count, sizeof *hold->heap, compare);
}

size_t fault_hold_packets(const struct fault_hold *hold)
{
    return hold->count;
}

uint64_t fault_hold_bytes(const struct fault_hold *hold)
{
    return hold->bytes;
}
