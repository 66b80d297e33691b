/*
 * timeline_order.c - sorts events of many clocks so that nothing comes before its cause.
 *
 * Teaches:  sorting by time is not enough. The collector's time of a departure lags by up to 0.3 ms,
 *           and the packet it belongs to arrives after 0.02 ms: by their times, packets would arrive
 *           before they left. But some things are certain whatever the clocks say: a thread's calls
 *           follow each other, a packet left before it arrived, recv(2) returned after the bytes had
 *           come. Those are *hard edges* of a graph, and an order that follows all of them is a
 *           topological order (Kahn 1962). Among the many there are, the one nearest to the clocks is
 *           found by taking, of all events whose causes are done, always the earliest. [#hard-edges]
 * Also:     *soft edges* are what is likely ("the segment left while write(2) was still in the
 *           kernel"); they are followed as long as they stand in nobody's way. [#soft-edges]
 * Bounds:   memory and time are linear in events and edges, times a logarithm.
 * Partner:  timeline_order.h; timeline_cause.c makes the edges. A pure function.
 */
#include "timeline_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE EL_MS /* how long a likely cause is waited for */

/* An event and the time it was put in with: its own may be moved on while it waits. */
struct entry {
    el_time at;
    uint32_t event;
};

/* A heap, the earliest on top. */
struct heap {
    struct entry *item;
    size_t count;
};

struct work {
    const struct timeline_history *history;
    uint32_t *first; /* edges that begin at event n are next[first[n]] .. next[first[n+1]-1] */
    uint32_t *next;  /* numbers of edges, by `from` */
    uint32_t *hard, *soft; /* causes not yet done */
    uint32_t *missing;     /* for tighten */
    bool *done;
    bool *at_once;       /* has no time of its own: before others of the same time */
    struct heap ready;   /* no cause is missing */
    struct heap waiting; /* only likely causes are missing */
    uint32_t *by_time;   /* for histories that contradict themselves */
    size_t looked;
};

static bool earlier(const struct work *work, struct entry a, struct entry b)
{
    if (a.at != b.at)
        return a.at < b.at;
    if (work->at_once[a.event] != work->at_once[b.event])
        return work->at_once[a.event];
    return a.event < b.event;
}

static void push(const struct work *work, struct heap *heap, uint32_t event)
{
    struct entry entry = {work->history->at[event], event};
    size_t at = heap->count++;
    for (; at > 0 && earlier(work, entry, heap->item[(at - 1) / 2]); at = (at - 1) / 2)
        heap->item[at] = heap->item[(at - 1) / 2];
    heap->item[at] = entry;
}

static uint32_t pop(const struct work *work, struct heap *heap)
{
    struct entry top = heap->item[0], last = heap->item[--heap->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && earlier(work, heap->item[child + 1], heap->item[child]))
            child++;
        if (!earlier(work, heap->item[child], last))
            break;
        heap->item[at] = heap->item[child];
    }
    heap->item[at] = last;
    return top.event;
}

/* Edges by where they begin, and how many end at each event. */
static int index_edges(struct work *work)
{
    const struct timeline_history *history = work->history;
    for (size_t i = 0; i < history->edge_count; i++) {
        const struct timeline_edge *edge = &history->edges[i];
        if (edge->from >= history->count || edge->to >= history->count)
            return -EINVAL;
        work->first[edge->from + 2]++;
        (edge->soft ? work->soft : work->hard)[edge->to]++;
    }
    /* first[n + 1] is moved on while the edges of n are written, and ends as the start of n + 1. */
    for (size_t i = 2; i < history->count + 2; i++)
        work->first[i] += work->first[i - 1];
    for (size_t i = 0; i < history->edge_count; i++)
        work->next[work->first[history->edges[i].from + 1]++] = (uint32_t)i;
    return 0;
}

/* A plain topological walk over hard edges; events on a circle are left out. Returns the count. */
static size_t walk_hard(const struct work *work, uint32_t *missing, uint32_t *walk)
{
    const struct timeline_history *history = work->history;
    size_t count = 0;
    memcpy(missing, work->hard, history->count * sizeof *missing);
    for (uint32_t i = 0; i < history->count; i++)
        if (missing[i] == 0)
            walk[count++] = i;
    for (size_t i = 0; i < count; i++)
        for (uint32_t e = work->first[walk[i]]; e < work->first[walk[i] + 1]; e++) {
            const struct timeline_edge *edge = &history->edges[work->next[e]];
            if (!edge->soft && --missing[edge->to] == 0)
                walk[count++] = edge->to;
        }
    return count;
}

/*
 * A time that is an upper bound is no later than any time of what it caused: the departure that was
 * heard of late left before its arrival. From the effects back to the causes. [#tighten]
 */
static void tighten(const struct work *work, uint32_t *missing, uint32_t *walk)
{
    const struct timeline_history *history = work->history;
    for (size_t i = walk_hard(work, missing, walk); i-- > 0;) {
        uint32_t event = walk[i];
        for (uint32_t e = work->first[event]; history->loose[event] && e < work->first[event + 1];
             e++) {
            const struct timeline_edge *edge = &history->edges[work->next[e]];
            el_time later = history->at[edge->to];
            if (!edge->soft && later != TIMELINE_AT_ONCE && later < history->at[event])
                history->at[event] = later;
        }
    }
}

/* Puts an event where it may be taken from, if its causes are done. */
static void offer(struct work *work, uint32_t event)
{
    if (work->hard[event] == 0)
        push(work, work->soft[event] == 0 ? &work->ready : &work->waiting, event);
}

/* Forgets what is done at the top of a heap. True when something is left. */
static bool settle(const struct work *work, struct heap *heap)
{
    while (heap->count > 0 && work->done[heap->item[0].event])
        pop(work, heap);
    return heap->count > 0;
}

/* Times may be anything, so their difference may not fit. */
static bool much_later(el_time a, el_time b)
{
    return a > b && (uint64_t)a - (uint64_t)b > PATIENCE;
}

/*
 * The next event: the earliest that is ready; else, and when that is much later, one for which only
 * likely causes are missing; else (the edges go in a circle: no true history does) the earliest of
 * all.
 */
static uint32_t choose(struct work *work, int *against)
{
    bool ready = settle(work, &work->ready), waiting = settle(work, &work->waiting);
    if (waiting && (!ready || much_later(work->ready.item[0].at, work->waiting.item[0].at)))
        return pop(work, &work->waiting);
    if (ready)
        return pop(work, &work->ready);
    while (work->done[work->by_time[work->looked]])
        work->looked++;
    ++*against;
    return work->by_time[work->looked];
}

/* What an event caused has one cause less to wait for, and did not happen before it. */
static void release(struct work *work, uint32_t event)
{
    const struct timeline_history *history = work->history;
    for (uint32_t e = work->first[event]; e < work->first[event + 1]; e++) {
        const struct timeline_edge *edge = &history->edges[work->next[e]];
        if (work->done[edge->to])
            continue;
        if (history->at[edge->to] < history->at[event])
            history->at[edge->to] = history->at[event];
        uint32_t *missing = edge->soft ? work->soft : work->hard;
        missing[edge->to]--;
        if (edge->soft ? missing[edge->to] == 0 && work->hard[edge->to] == 0
                       : missing[edge->to] == 0)
            offer(work, edge->to);
    }
}

static int by_time(const void *a, const void *b, void *argument)
{
    const struct work *work = argument;
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return earlier(work, (struct entry){work->history->at[first], first},
                   (struct entry){work->history->at[second], second})
               ? -1
               : 1;
}

static int run(struct work *work, uint32_t *order)
{
    const struct timeline_history *history = work->history;
    int against = 0;
    tighten(work, work->missing, work->by_time); /* that room is not needed yet */
    for (uint32_t i = 0; i < history->count; i++) {
        work->by_time[i] = i;
        work->at_once[i] = history->at[i] == TIMELINE_AT_ONCE;
    }
    qsort_r(work->by_time, history->count, sizeof *work->by_time, by_time, work);
    for (uint32_t i = 0; i < history->count; i++)
        offer(work, i);
    el_time shown = INT64_MIN;
    for (size_t i = 0; i < history->count; i++) {
        uint32_t event = choose(work, &against);
        work->done[event] = true;
        if (history->at[event] < shown)
            history->at[event] = shown;
        shown = history->at[event];
        order[i] = event;
        release(work, event);
    }
    return against;
}

/* Room for everything; false: no memory (what there is, is freed all the same). */
static bool make_room(struct work *work, size_t count, size_t edges)
{
    work->first = calloc(count + 2, sizeof *work->first);
    work->next = calloc(edges + 1, sizeof *work->next);
    work->hard = calloc(count + 1, sizeof *work->hard);
    work->soft = calloc(count + 1, sizeof *work->soft);
    work->missing = calloc(count + 1, sizeof *work->missing);
    work->done = calloc(count + 1, sizeof *work->done);
    work->at_once = calloc(count + 1, sizeof *work->at_once);
    work->by_time = calloc(count + 1, sizeof *work->by_time);
    /* Each event gets into a heap once, when its last cause of that kind is done. */
    work->ready.item = calloc(count + 1, sizeof *work->ready.item);
    work->waiting.item = calloc(count + 1, sizeof *work->waiting.item);
    return work->first != NULL && work->next != NULL && work->hard != NULL && work->soft != NULL &&
           work->missing != NULL && work->done != NULL && work->at_once != NULL &&
           work->by_time != NULL && work->ready.item != NULL && work->waiting.item != NULL;
}

static void free_room(struct work *work)
{
    free(work->first);
    free(work->next);
    free(work->hard);
    free(work->soft);
    free(work->missing);
    free(work->done);
    free(work->at_once);
    free(work->by_time);
    free(work->ready.item);
    free(work->waiting.item);
}

int timeline_order(const struct timeline_history *history, uint32_t *order)
{
    struct work work = {.history = history};
    int result = make_room(&work, history->count, history->edge_count) ? 0 : -ENOMEM;
    if (result == 0)
        result = index_edges(&work);
    if (result == 0)
        result = run(&work, order);
    free_room(&work);
    return result;
}
