/*
 * models.h - what the parts of `echo_bench models` share: rows, workloads, and the cell where they meet.
 *
 *   models.c        sets up, measures round by round, cleans up
 *   models_watch.c  what is not a load: system calls a message, memory of an idle connection
 *   models_table.c  the tables, and why each row is where it is
 */
#ifndef ECHOLAB_BENCH_MODELS_H
#define ECHOLAB_BENCH_MODELS_H

#include "commands.h"
#include "server.h"

/* A load that every server of its protocol gets. */
struct bench_workload {
    const char *name;
    int type; /* SOCK_STREAM, SOCK_DGRAM */
    enum bench_kind kind;
    unsigned connections, window, batch;
    size_t size;
    bool gso;
    bool one_core; /* server and generator share a core: no wake-up crosses to another one */
};
extern const struct bench_workload bench_workloads[];
extern const size_t bench_workload_count;

enum { BENCH_MODEL_ROWS = 40, BENCH_MODEL_NAME = 48 };

/* A server of the ladder in this run; one that was named twice is two rows. */
struct bench_model_row {
    const struct bench_rung *rung;
    char name[BENCH_MODEL_NAME]; /* "tcp_epoll", "tcp_epoll (2)" */
    struct bench_server server[BENCH_PATHS];
    bool told[BENCH_PATHS]; /* that it has ended */
    char trouble[BENCH_PATHS]
                [160]; /* the first run that failed: "crowd: connect: Connection refused" */
};

struct bench_models {
    struct bench_session *session;
    struct bench_place place;
    struct bench_model_row row[BENCH_MODEL_ROWS];
    size_t rows;
    /* The cells: results[i] is what cell[i] describes. */
    struct bench_result *results;
    struct bench_cell {
        struct bench_model_row *row;
        enum bench_path path;
        const struct bench_workload *workload; /* NULL: idle connections */
    } * cell;
    size_t cells;
    unsigned rounds;
    el_duration warmup, duration;
    int server_cpu, load_cpu; /* cores; -1: not pinned */
    const char *counted_by;   /* "perf", "strace -c", or why system calls were not counted */
};

/* The result of that cell; NULL: there is none (by nature). `workload` "idle" is the idle connections'. */
struct bench_result *bench_models_find(const struct bench_models *models,
                                       const struct bench_model_row *row, enum bench_path path,
                                       const char *workload);

/* What bench_run needs to know for this cell; the server runs. */
struct bench_load bench_models_load(const struct bench_models *models,
                                    const struct bench_cell *cell);

/* System calls a message, into the result of the cell whose CPU is told in the table, for all rows. */
void bench_models_count_calls(struct bench_models *models);
/* Bytes of the server an idle connection, into the results of "idle"; before anything else has loaded the servers. */
void bench_models_weigh(struct bench_models *models);

/* The workload whose CPU and calls a row is told by: crowd, window, burst, or latency when it can do no more. */
const char *bench_models_main_workload(const struct bench_rung *rung);

/* Tables, reasons, what was not measured. */
void bench_models_print(const struct bench_models *models, FILE *to);
/* Each server against the reference of its protocol, load by load: objects into the array that is open. */
void bench_models_versus_json(const struct bench_models *models, struct el_json *json);

#endif
