/*
 * window.c - see window.h. Places in an array; those taken are in a list, oldest first; those free are on a stack.
 *
 * Teaches:  how to keep "what did I send, when, and was it answered" at ten million questions a second: the answer lies at an index
 *           that the echo itself brings, and nothing is searched, moved or allocated.
 * Partner:  udp.c
 * Next:     udp_wire.c, where the number stands in a datagram
 */
#include "window.h"

#include "counter.h"

#include <assert.h>
#include <stdlib.h>

struct place {
    uint64_t number; /* of the last datagram that was here; 0: none was */
    el_time due, sent;
    uint32_t older, newer; /* in the list, while taken; the head is place[places] */
    bool taken;
};

/* Lost ones, for when they come after all; a ring. */
struct losses {
    uint64_t number[BENCH_LOST_KEPT];
    const struct bench_counts *counts[BENCH_LOST_KEPT]; /* where each was counted */
    unsigned next;
};

struct bench_window {
    el_duration timeout;
    unsigned places, bits, room;
    uint64_t order, last; /* of the datagram sent last, and its number */
    uint64_t furthest;    /* the highest order that was echoed */
    uint32_t *free; /* free[0..room-1]: a stack, so that the few places in use stay in the cache */
    struct losses *losses;
    struct place place[];
};

struct bench_window *bench_window_new(unsigned places, el_duration timeout)
{
    assert(places > 0 && places <= BENCH_WINDOW_MAX);
    struct bench_window *window = calloc(1, sizeof *window + (places + 1) * sizeof(struct place));
    if (window == NULL)
        return NULL;
    window->timeout = timeout;
    window->places = window->room = places;
    window->free = calloc(places, sizeof *window->free);
    window->losses = calloc(places, sizeof *window->losses);
    if (window->free == NULL || window->losses == NULL) {
        bench_window_free(window);
        return NULL;
    }
    while (1U << window->bits < places)
        window->bits++;
    for (unsigned i = 0; i < places; i++)
        window->free[i] = places - 1 - i;
    window->place[places].older = window->place[places].newer = places;
    return window;
}

void bench_window_free(struct bench_window *window)
{
    if (window == NULL)
        return;
    free(window->free);
    free(window->losses);
    free(window);
}

unsigned bench_window_room(const struct bench_window *window)
{
    return window->room;
}

unsigned bench_window_underway(const struct bench_window *window)
{
    return window->places - window->room;
}

unsigned bench_window_bits(const struct bench_window *window)
{
    return window->bits;
}

uint64_t bench_window_number(const struct bench_window *window, unsigned ahead)
{
    assert(ahead < window->room);
    return (window->order + 1 + ahead) << window->bits | window->free[window->room - 1 - ahead];
}

void bench_window_sent(struct bench_window *window, el_time due, el_time now,
                       struct bench_counts *counts)
{
    uint32_t index = window->free[window->room - 1];
    struct place *place = &window->place[index], *head = &window->place[window->places];
    window->last = bench_window_number(window, 0);
    *place = (struct place){.number = window->last,
                            .due = due,
                            .sent = now,
                            .older = head->older,
                            .newer = window->places,
                            .taken = true};
    window->place[head->older].newer = index;
    head->older = index;
    window->room--;
    window->order++;
    el_count(&counts->sent, 1);
}

/* The place can be taken again. Its number stays: another echo of it is a duplicate. */
static void leave(struct bench_window *window, struct place *place)
{
    place->taken = false;
    window->place[place->older].newer = place->newer;
    window->place[place->newer].older = place->older;
    window->free[window->room++] = (uint32_t)(place - window->place);
}

static void lose(struct bench_window *window, struct place *place, struct bench_counts *counts)
{
    struct losses *losses = &window->losses[place - window->place];
    losses->number[losses->next] = place->number;
    losses->counts[losses->next] = counts;
    losses->next = (losses->next + 1) % BENCH_LOST_KEPT;
    leave(window, place);
    el_count(&counts->lost, 1);
}

static struct place *place_of(struct bench_window *window, uint64_t number)
{
    uint64_t index = number & ((UINT64_C(1) << window->bits) - 1), order = number >> window->bits;
    bool sent = order > 0 && order <= window->order && index < window->places;
    return sent ? &window->place[index] : NULL;
}

/* Was it lost? Then it is no longer, and *counts_it says whether the loss is in these counters, which is taken back. */
static bool take_loss_back(struct bench_window *window, const struct place *place, uint64_t number,
                           struct bench_counts *counts, bool *counts_it)
{
    struct losses *losses = &window->losses[place - window->place];
    for (unsigned i = 0; i < BENCH_LOST_KEPT; i++) {
        if (losses->number[i] != number)
            continue;
        losses->number[i] = 0;
        *counts_it = losses->counts[i] == counts;
        if (*counts_it)
            el_count(&counts->lost, UINT64_MAX); /* one less */
        return true;
    }
    return false;
}

static void note_order(struct bench_window *window, uint64_t number, struct bench_counts *counts)
{
    uint64_t order = number >> window->bits;
    if (order < window->furthest)
        el_count(&counts->reordered, 1);
    else
        window->furthest = order;
}

bool bench_window_echoed(struct bench_window *window, uint64_t number, el_time now,
                         struct bench_counts *counts, struct bench_flight *flight)
{
    struct place *place = place_of(window, number);
    bool counts_it = true;
    if (place == NULL) {
        el_count(&counts->corrupt,
                 1); /* the number was damaged, and happened to leave the rest right */
        return false;
    }
    if (place->number == number && place->taken) {
        bool in_time = now < el_time_after(place->sent, window->timeout);
        *flight = (struct bench_flight){place->due, place->sent};
        leave(window, place);
        el_count(in_time ? &counts->received : &counts->late, 1);
        note_order(window, number, counts);
        return in_time;
    }
    if (!take_loss_back(window, place, number, counts, &counts_it)) {
        el_count(&counts->duplicates, 1);
        return false;
    }
    el_count(&counts->late, counts_it);
    note_order(window, number, counts);
    return false;
}

void bench_window_corrupt(struct bench_window *window, uint64_t number, struct bench_counts *counts)
{
    struct place *place = place_of(window, number);
    bool ignored;
    el_count(&counts->corrupt, 1);
    if (place == NULL)
        return;
    if (place->number == number && place->taken)
        leave(window, place);
    else
        take_loss_back(window, place, number, counts, &ignored);
}

bool bench_window_failed(struct bench_window *window, uint64_t number, struct bench_counts *counts)
{
    struct place *place = place_of(window, number);
    if (place == NULL || place->number != number || !place->taken)
        return false;
    lose(window, place, counts);
    return true;
}

el_time bench_window_expire(struct bench_window *window, el_time now, struct bench_counts *counts)
{
    const struct place *head = &window->place[window->places];
    while (head->newer != window->places) {
        struct place *oldest = &window->place[head->newer];
        el_time deadline = el_time_after(oldest->sent, window->timeout);
        if (deadline > now)
            return deadline; /* one timeout for all: who was sent later has longer */
        lose(window, oldest, counts);
    }
    return EL_NEVER;
}

/* The newest number that was sent, in the place `index`, whose lowest `bits` bits are `low`. */
static uint64_t newest_like(const struct bench_window *window, uint64_t low, unsigned bits,
                            uint64_t index)
{
    uint64_t orders = UINT64_C(1) << (bits - window->bits); /* that can be told apart */
    uint64_t back = (window->order - (low >> window->bits)) & (orders - 1);
    return back < window->order ? (window->order - back) << window->bits | index : 0;
}

uint64_t bench_window_complete(const struct bench_window *window, uint64_t low, unsigned bits)
{
    const struct place *oldest = &window->place[window->place[window->places].newer];
    if (bits == 0)
        return oldest->taken ? oldest->number : window->last;
    assert(bits >= window->bits);
    if (bits >= 64)
        return low;
    uint64_t mask = (UINT64_C(1) << bits) - 1, index = low & ((UINT64_C(1) << window->bits) - 1);
    if (index >= window->places)
        return 0;
    const struct place *place = &window->place[index];
    if (place->taken && (place->number & mask) == (low & mask))
        return place->number;
    const struct losses *losses = &window->losses[index];
    for (unsigned i = 0; i < BENCH_LOST_KEPT; i++)
        if (losses->number[i] != 0 && (losses->number[i] & mask) == (low & mask))
            return losses->number[i];
    return newest_like(window, low, bits, index);
}
