/*
 * result.h - the repetitions of one measurement, and the forms in which they are told: text, Markdown, CSV, JSON.
 */
#ifndef ECHOLAB_BENCH_RESULT_H
#define ECHOLAB_BENCH_RESULT_H

#include "bench.h"
#include "json.h"
#include "stats.h"

#include <stdio.h>

/* One cell: one target under one load. Texts are borrowed and outlive it. */
struct bench_result {
    const char *command;  /* "tcp", "udp", "connect", "models", "compare" */
    const char *path;     /* "loopback", "veth"; "" when it is the user's own target */
    const char *target;   /* the program ("tcp_epoll") or the host, as given */
    const char *workload; /* "latency", "crowd", ...; "" for the user's own */
    double loss;          /* percent that the lab network drops */
    struct bench_load load;
    struct bench_sample
        *samples; /* one a repetition, owned; those of one round were measured in turns */
    size_t count, capacity;
    double syscalls;    /* of the server, a message; NaN: unknown */
    double idle_memory; /* bytes of the server, an idle connection; NaN: unknown */
};

enum { BENCH_ROUNDS_MAX = 1000 }; /* repetitions of one result */

/* Takes the sample, histograms and all. 0; on -ENOMEM or -E2BIG (BENCH_ROUNDS_MAX) it stays the caller's. */
int bench_result_add(struct bench_result *result, const struct bench_sample *sample);
void bench_result_free(struct bench_result *result); /* the samples; not the struct */

/* The figures a table is made of. */
enum bench_metric {
    BENCH_RATE, /* messages/s */
    BENCH_P50,
    BENCH_P90,
    BENCH_P99,
    BENCH_P999,
    BENCH_MAX, /* ns, uncorrected */
    BENCH_CORRECTED_P50,
    BENCH_CORRECTED_P99,
    BENCH_CORRECTED_MAX, /* ns; NaN in closed loop */
    BENCH_SERVER_COST,   /* CPU ns a message, more than 0; NaN: unknown */
    BENCH_LOAD_COST,     /* the generator's own */
    BENCH_THROUGHPUT,    /* payload bytes/s, one way */
    BENCH_LOSS,          /* lost / sent, 0..1 */
    BENCH_CORRECTED_P90,
    BENCH_CORRECTED_P999, /* ns; NaN in closed loop */
    BENCH_MIN,
    BENCH_MEAN,
    BENCH_CORRECTED_MIN,
    BENCH_CORRECTED_MEAN,
    BENCH_METRICS,
};
/* NaN whenever the sample cannot tell: nothing came back, closed loop, the server's pid unknown. */
double bench_metric(const struct bench_sample *sample, enum bench_metric metric);
/* One value a repetition, in order, as bench_compare wants them. Returns result->count. */
size_t bench_result_values(const struct bench_result *result, enum bench_metric metric,
                           double values[static BENCH_ROUNDS_MAX]);
struct bench_spread bench_result_spread(const struct bench_result *result,
                                        enum bench_metric metric);
/* Was the generator the limit in most of the repetitions? */
bool bench_result_held_back(const struct bench_result *result);
/* The least of the repetitions: what PERF figures of CPU are told as, since noise only ever adds. */
double bench_result_best(const struct bench_result *result, enum bench_metric metric);

/* What a person reads of one result: rate, latencies, CPU, losses, each with its spread, and what limits it. */
void bench_result_print(const struct bench_result *result, bool markdown, FILE *to);
/* What that load lets one see, and what not: below the results. */
void bench_mode_print(const struct bench_load *load, bool markdown, FILE *to);
/* Each result but the first, measured in turns with it, against it: ratio, spread and verdict of every figure. */
void bench_versus_print(const struct bench_result *results, size_t count, bool markdown, FILE *to);
/* A against B under the same load: an object for each figure that both have, into the array that is open. */
void bench_versus_json(const struct bench_result *a, const struct bench_result *b,
                       struct el_json *json);
/* CSV: one header, then a row for each repetition. An unknown field is empty. */
void bench_csv_header(FILE *to);
void bench_csv_rows(const struct bench_result *result, FILE *to);
/* An object into the array that is open: load, every repetition, the full histograms (low, high, count of each bucket). */
void bench_result_json(const struct bench_result *result, struct el_json *json);

#endif
