/*
 * engine.h - what a thread of the load generator is made of; bench_run (run.c) makes the threads, an engine does the work.
 *
 * Each kind of load is an engine: tcp.c, udp.c, connect.c. A thread is alone with its sockets, its epoll and its
 * histograms; what others may read meanwhile are the relaxed counters (counter.h) and the phase.
 *
 * [#what-counts] An event counts in the phase in which it happens: a message is received in the phase in which its last byte
 * came, whenever it was sent; it is sent in the phase in which its first byte was given to the kernel. So a message under way at the
 * end of the warm-up may be received and never sent, one under way at the end is sent and neither received nor lost: over a whole
 * run both borders weigh the same, and each is at most connections * window messages.
 */
#ifndef ECHOLAB_BENCH_ENGINE_H
#define ECHOLAB_BENCH_ENGINE_H

#include "bench.h"
#include "counter.h"

#include <pthread.h>

enum bench_phase {
    BENCH_GATHER, /* connecting: nobody sends before all threads are ready */
    BENCH_WARM_UP,
    BENCH_MEASURE,
    BENCH_STOP,
};

struct bench_thread {
    const struct bench_load *load;
    unsigned index, first,
        connections; /* its sockets are first..first+connections-1 of the run's */
    unsigned first_idle,
        idle;          /* and so many more, that say nothing; their numbers follow on all others */
    double rate;       /* its share of load->rate; 0: closed loop */
    atomic_int *phase; /* enum bench_phase, set by bench_run: to be looked at between events */
    int wake_fd;       /* eventfd, readable from BENCH_STOP on; never read from: shared by all */
    int go_fd;         /* the same, readable when BENCH_GATHER is over */
    int ready_fd; /* eventfd: 1 is added when all sockets of a thread are connected, or it has ended */
    el_time
        start; /* open loop: message n (0..) of this thread is due at start + n / rate; set before BENCH_WARM_UP */
    struct bench_counts counts; /* while BENCH_MEASURE: el_count, single writer */
    struct bench_counts warm;   /* while BENCH_WARM_UP, likewise: only for the progress */
    struct el_histogram *latency, *corrected; /* while BENCH_MEASURE; NULL corrected: closed loop */
    struct el_histogram *pace; /* open loop: how late messages were sent that had room when they
                                  were due; else NULL */
    struct el_histogram *
        second; /* of the current second, warm-up too; under second_lock; NULL when nobody looks (load->progress) */
    pthread_mutex_t second_lock;
    bool coarse;       /* the kernel lacks epoll_pwait2(2): bench_wait (loop.h) counts in ms */
    atomic_bool ended; /* the engine has returned: error and failure may be read */
    int error;         /* positive errno; the thread has ended early */
    char failure[128];
};

/* Connects, loads until BENCH_STOP, closes. Runs in a thread of its own. */
void bench_tcp_engine(struct bench_thread *thread);
void bench_udp_engine(struct bench_thread *thread);
void bench_connect_engine(struct bench_thread *thread);

/* For an engine whose sockets are all connected: says so on ready_fd and waits until the others are. False: the run is over
 * before it began. Then `start` is set. */
bool bench_thread_ready(struct bench_thread *thread);

/* For an engine that gives up: the first reason stays. `format` as in printf(3), without newline. */
__attribute__((format(printf, 3, 4))) void bench_thread_fail(struct bench_thread *thread, int error,
                                                             const char *format, ...);

static inline enum bench_phase bench_thread_phase(const struct bench_thread *thread)
{
    return (enum bench_phase)atomic_load_explicit(thread->phase, memory_order_acquire);
}

/* The counters of the present phase. */
static inline struct bench_counts *bench_thread_counts(struct bench_thread *thread)
{
    return bench_thread_phase(thread) == BENCH_MEASURE ? &thread->counts : &thread->warm;
}

/*
 * What came in one read is recorded between _begin and _end, in one phase, so that a border never falls between a message's count and its
 * record: `received` of the phase's counters is for _begin's caller to count, as often as it calls _record.
 */
struct bench_recording {
    struct bench_thread *thread;
    struct bench_counts *counts;
    bool measuring;
};

static inline struct bench_recording bench_record_begin(struct bench_thread *thread)
{
    if (thread->load->progress != NULL) /* `second` itself changes under the lock */
        pthread_mutex_lock(&thread->second_lock);
    bool measuring = bench_thread_phase(thread) == BENCH_MEASURE;
    return (struct bench_recording){thread, measuring ? &thread->counts : &thread->warm, measuring};
}

/* One message has come back whole at `now`; `due` is looked at in open loop only. */
static inline void bench_record(const struct bench_recording *recording, el_time due, el_time sent,
                                el_time now)
{
    struct bench_thread *thread = recording->thread;
    if (recording->measuring) {
        el_histogram_record(thread->latency, now - sent);
        if (thread->corrected != NULL)
            el_histogram_record(thread->corrected, now - due);
    }
    if (thread->second != NULL)
        el_histogram_record(thread->second, now - (thread->corrected != NULL ? due : sent));
}

static inline void bench_record_end(const struct bench_recording *recording)
{
    if (recording->thread->load->progress != NULL)
        pthread_mutex_unlock(&recording->thread->second_lock);
}

#endif
