/*
 * crew.h - the threads of one run of the load generator: made, started together, watched, stopped. Used by run.c alone.
 */
#ifndef ECHOLAB_BENCH_CREW_H
#define ECHOLAB_BENCH_CREW_H

#include "engine.h"

struct bench_member {
    struct bench_thread thread;
    pthread_t id;
    clockid_t clock; /* its CPU time */
    el_duration cpu; /* when the measuring began */
};

struct bench_crew {
    const struct bench_load *load;
    atomic_int phase;
    int wake_fd, go_fd, ready_fd;
    unsigned running, ready; /* threads */
    struct bench_member *members;
    struct el_histogram *spare; /* the next `second` of a thread; NULL: no progress is told */
};

/* Makes the threads; they connect at once. 0 or -errno with `failure` (128 bytes) saying what; either way bench_crew_stop and
 * bench_crew_free are to follow. */
int bench_crew_start(struct bench_crew *crew, const struct bench_load *load, char *failure);

/* Takes in what the threads have said on ready_fd. False: one of them has ended, so the run is over. */
bool bench_crew_look(struct bench_crew *crew);

/* All are ready: begin, with the clocks of an open loop at `start`. */
void bench_crew_go(struct bench_crew *crew, el_time start);
/* [#begin-and-end] What was used and counted so far is before, what comes now is measured. */
void bench_crew_measure(struct bench_crew *crew);
/* CPU time of all since bench_crew_measure; *most is that of the busiest. Before _stop. */
el_duration bench_crew_cpu(const struct bench_crew *crew, el_duration *most);

/* For the progress: all that was counted since _go, warm-up and measuring together. */
struct bench_counts bench_crew_counts(const struct bench_crew *crew);
/* Adds every thread's histogram of the second that ends now to `into`; the next second begins. */
void bench_crew_second(struct bench_crew *crew, struct el_histogram *into);

/* BENCH_STOP: from now on nothing counts. The clocks can still be read. */
void bench_crew_halt(struct bench_crew *crew);
/* The same, and waits for every thread. Twice does no harm. */
void bench_crew_stop(struct bench_crew *crew);
/* After _stop: what all have measured, and the first reason why one gave up. */
void bench_crew_merge(const struct bench_crew *crew, struct bench_sample *sample);
void bench_crew_free(struct bench_crew *crew);

/* `into` becomes into + sign * from, field by field. */
void bench_counts_add(struct bench_counts *into, const struct bench_counts *from, int sign);

#endif
