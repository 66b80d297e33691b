/*
 * engine.h - what a thread of the load generator is made of; bench_run (run.c) makes the threads, an engine does the work.
 *
 * Each kind of load is an engine: tcp.c, udp.c, connect.c. A thread is alone with its sockets, its epoll and its
 * histograms; what others may read meanwhile are the relaxed counters (counter.h) and the phase.
 */
#ifndef ECHOLAB_BENCH_ENGINE_H
#define ECHOLAB_BENCH_ENGINE_H

#include "bench.h"

#include <pthread.h>

enum bench_phase { BENCH_WARM_UP, BENCH_MEASURE, BENCH_STOP };

struct bench_thread {
    const struct bench_load *load;
    unsigned index, first,
        connections;   /* its sockets are first..first+connections-1 of the run's */
    double rate;       /* its share of load->rate; 0: closed loop */
    atomic_int *phase; /* enum bench_phase, set by bench_run: to be looked at between events */
    int wake_fd;  /* eventfd, readable when the phase has changed; never read from: shared by all */
    int ready_fd; /* eventfd: write 1 when all sockets are connected, or failed */
    el_time
        start; /* open loop: message n of this thread is due at start + n / rate, set before MEASURE.. */
    struct bench_counts counts; /* since the measuring began: el_count, single writer */
    struct el_histogram *latency, *corrected; /* the same; NULL corrected: closed loop */
    struct el_histogram
        *second; /* of the current second, only if load->progress; handed over under second_lock */
    pthread_mutex_t second_lock;
    int error; /* positive errno; the thread has ended early */
    char failure[128];
};

/* Connects, loads until BENCH_STOP, closes. Runs in a thread of its own. */
void bench_tcp_engine(struct bench_thread *thread);
void bench_udp_engine(struct bench_thread *thread);
void bench_connect_engine(struct bench_thread *thread);

#endif
