/*
 * bench.h - one run of the load generator: what it shall do, and what it saw.
 *
 * A run opens its sockets, warms up, measures for a while and stops. It never retries a run, never judges and never
 * prints: repeating, comparing and telling are the work of others (stats.h, report.h).
 *
 * Two questions, two modes. [#closed-and-open] Closed loop (`rate` 0): each socket keeps `window` messages under way and sends
 * the next when one has come back, so a slow server is asked less. Open loop (`rate` > 0): messages are due at fixed instants,
 * whatever the server does. One that is due while its socket has `window` messages under way is sent as soon as there is room, and late;
 * its latency from the instant when it was *due* is the corrected one, from when it was *sent* the uncorrected one.
 */
#ifndef ECHOLAB_BENCH_H
#define ECHOLAB_BENCH_H

#include "address.h"
#include "deadline.h"
#include "histogram.h"

#include <stdatomic.h>
#include <sys/types.h>

enum bench_kind {
    BENCH_TCP,     /* messages over connections that stay */
    BENCH_UDP,     /* datagrams */
    BENCH_CONNECT, /* connect, one message and its echo, close: again and again */
};

/* Messages a second. Below that the instants of a schedule would not fit into 64 bits of ns, sooner or later. */
#define BENCH_RATE_LEAST 1e-3

/* What all threads have counted since the measuring began; messages, but for bytes. */
struct bench_counts {
    uint64_t sent;     /* given to the kernel (BENCH_CONNECT: connections begun) */
    uint64_t received; /* echoed intact, each once; the histograms have as many records */
    uint64_t bytes;    /* of payload received intact */
    uint64_t lost;     /* no echo within read_timeout; TCP: outstanding when its connection broke */
    uint64_t late;     /* echoed, but after read_timeout: counted here instead of in lost */
    uint64_t duplicates, reordered, corrupt, wrong_source; /* as in probe.h: events */
    uint64_t errors; /* connects, sends and receives that failed */
    uint64_t calls;  /* system calls that the generator made to send and receive */
};

/* A look while it runs: once a second, from the thread that called bench_run. */
struct bench_progress {
    el_duration since_start;    /* of the measuring; negative while warming up */
    el_duration length;         /* of this second, about: the last one may be shorter */
    struct bench_counts second; /* what this second brought */
    el_duration p50, p99,
        max;         /* of this second; corrected where there is a corrected one; 0: nothing came */
    double load_cpu; /* cores that the generator used, 0..threads */
    double server_cpu; /* cores that the server used; negative: unknown */
};

struct bench_load {
    enum bench_kind kind;
    struct el_address target;
    struct el_address source; /* length 0: the kernel chooses */
    unsigned connections;     /* sockets, 1.. ; spread over the threads */
    unsigned idle; /* BENCH_TCP: connections more that are held and say nothing, spread likewise */
    unsigned window; /* messages under way on each, 1..; BENCH_CONNECT: always 1 */
    size_t size;     /* bytes of payload of each */
    double rate;     /* messages a second in all; 0: closed loop */
    el_duration warmup, duration;
    el_duration
        read_timeout; /* more than 0. UDP: then a datagram is lost; TCP: nothing came on a connection for so long: the run has failed */
    unsigned threads; /* of the generator, 1..connections */
    int nice; /* of the generator's threads, 0..19 (setpriority(2)); see crew.c, [#one-core] */
    int cpu; /* the first thread's core, the next one's follow it (bench_core_of); -1: not pinned */
    unsigned batch; /* UDP: datagrams a system call */
    bool gso;       /* UDP: send a batch as one (UDP_SEGMENT), receive with UDP_GRO */
    pid_t server;   /* whose CPU to watch, with its children's; 0: unknown */
    void (*progress)(void *arg, const struct bench_progress *progress); /* NULL: nobody looks */
    void *arg;
    const atomic_bool *stop; /* becomes true at SIGINT: end now, with what there is; may be NULL */
    el_duration connect_timeout; /* TCP; 0: 3 s */
};

/* What one run saw between the end of the warm-up and the end of the duration. */
struct bench_sample {
    struct bench_counts counts;
    el_duration elapsed;
    struct el_histogram *
        latency; /* from the send (BENCH_CONNECT: from connect(2)) to the last byte of the echo; ns */
    struct el_histogram *corrected; /* from when it was due; NULL in closed loop */
    struct el_histogram
        *pace;            /* open loop: from due to sent, of those that had room when they were due:
                                  how precisely the generator kept its times; else NULL */
    el_duration load_cpu; /* CPU time of the generator's threads */
    double busiest;       /* the busiest of them, 0..1 of a core */
    bool kept_rate; /* open loop: it sent at least 99 % of what was due, but for one message */
    el_duration server_cpu; /* of the server and its children; negative: unknown */
    bool interrupted;
    bool
        begun; /* all was connected (BENCH_CONNECT, UDP: ready), so what failed failed under load */
    int error; /* 0, or the positive errno that ended it early */
    char failure[128]; /* "connect: Connection refused", with no name and no newline; "" = none */
};

/*
 * One run. Blocks until it is over. 0, or -errno when there is no sample at all: -ENOMEM, -EINVAL, or why nothing could be
 * connected or it ended while warming up (then sample->failure says at which call). The histograms are the caller's: bench_sample_free.
 */
int bench_run(const struct bench_load *load, struct bench_sample *sample);
/* Echoes a second in the second that is told of. */
double bench_progress_rate(const struct bench_progress *progress);
/* The core of thread number `thread` (0..), when load->cpu is not -1: round those that this process may use. */
int bench_core_of(const struct bench_load *load, unsigned thread);
void bench_sample_free(struct bench_sample *sample); /* a zeroed one is fine */

/* Messages a second; CPU of the server in ns a message, negative if unknown. */
double bench_rate_of(const struct bench_sample *sample);
double bench_server_cost(const struct bench_sample *sample);
/* NULL, or in a sentence why this sample tells of the generator rather than of the server: its busiest thread used more than 90 %
 * of a core, or it did not keep the rate though there was room in the windows. */
const char *bench_bottleneck(const struct bench_load *load, const struct bench_sample *sample);

#endif
