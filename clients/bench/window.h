/*
 * window.h - the datagrams that one socket has under way, and the fate of each. Pure: time is an argument.
 *
 * A window has a fixed number of places; a datagram takes one when it is sent and leaves it when it is echoed or given up. Its
 * number names the place, so an echo is found without searching, however long ago its datagram was sent; all
 * that happens is O(1), but for bench_window_expire, which is O(1) for each that is lost.
 * The client's ledger (probe.h) knows the last 65,536 numbers instead: at a million datagrams a second that is less than
 * a read timeout of a second. [#place-in-number]
 *
 * [#each-in-one-count] Over a stretch in which the same counters were passed,
 *     sent + under way at its beginning = received + lost + late + came back only corrupt + under way at its end:
 * no datagram is in two of them. One that was lost before the stretch and comes in it is in neither: its fate is told. `lost` goes
 * down when a lost one comes after all. Duplicates, reordered and corrupt count events.
 */
#ifndef ECHOLAB_BENCH_WINDOW_H
#define ECHOLAB_BENCH_WINDOW_H

#include "bench.h"

enum {
    BENCH_WINDOW_MAX = 1 << 20, /* places */
    BENCH_LOST_KEPT = 4,        /* lost ones that are remembered for each place */
};

struct bench_window;
struct bench_window *bench_window_new(unsigned places, el_duration timeout); /* NULL: no memory */
void bench_window_free(struct bench_window *window);

unsigned bench_window_room(const struct bench_window *window);     /* places that are free */
unsigned bench_window_underway(const struct bench_window *window); /* places that are taken */

/* A number is `order << bits | place`; order counts from 1. */
unsigned bench_window_bits(const struct bench_window *window);
/* The number of the datagram that is sent after `ahead` others; ahead < room. */
uint64_t bench_window_number(const struct bench_window *window, unsigned ahead);
/* bench_window_number(window, 0) was given to the kernel. */
void bench_window_sent(struct bench_window *window, el_time due, el_time now,
                       struct bench_counts *counts);

struct bench_flight {
    el_time due, sent;
};
/*
 * An intact echo came. True: the first of its datagram and in time, *flight is when it began. Else it was late, or a duplicate; so is
 * one that was lost more than BENCH_LOST_KEPT losses of its place ago. A number that was never sent counts as corrupt.
 */
bool bench_window_echoed(struct bench_window *window, uint64_t number, el_time now,
                         struct bench_counts *counts, struct bench_flight *flight);
/* A damaged answer; if it is the first to its datagram, it decides its fate. 0: to which, nobody knows. */
void bench_window_corrupt(struct bench_window *window, uint64_t number,
                          struct bench_counts *counts);
/* An error told that it is lost. False: it was not under way. */
bool bench_window_failed(struct bench_window *window, uint64_t number, struct bench_counts *counts);
/* Who has been under way for the timeout is lost. The next instant at which one may be; EL_NEVER: none is under way. */
el_time bench_window_expire(struct bench_window *window, el_time now, struct bench_counts *counts);

/*
 * The number whose lowest `bits` bits (0..64) these are, for datagrams too short to carry it whole: that of the one that is under way in that
 * place, else of one that was lost there, else the newest of all that were sent. 0 bits: of the one that is longest
 * under way, else of the last one. 0: none can be meant. Needs as many bits as a place has, unless there are none.
 */
uint64_t bench_window_complete(const struct bench_window *window, uint64_t low, unsigned bits);

#endif
