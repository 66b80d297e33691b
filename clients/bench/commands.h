/*
 * commands.h - what echo_bench was asked for, and who does it.
 */
#ifndef ECHOLAB_BENCH_COMMANDS_H
#define ECHOLAB_BENCH_COMMANDS_H

#include "conditions.h"
#include "options.h"
#include "result.h"

enum bench_format { BENCH_TEXT, BENCH_MARKDOWN };

/* As the option table fills it in; a command uses what is its own. Zero where a command has its own default. */
struct bench_options {
    uint64_t connections, window, size, threads, repeat, batch;
    const char *rate;
    el_duration duration, warmup, read_timeout;
    bool gso, live, quiet, ipv4, ipv6;
    const char *cpu, *server_cpu; /* cores to pin to: "0", or NULL */
    const char *server_pid;
    const char *json, *csv; /* files; "-" is stdout */
    unsigned format;        /* enum bench_format */
    struct el_address source;
    el_duration connect_timeout;
    struct el_endpoint_list dns_server;
    /* models, compare */
    const char *
        only; /* "tcp_epoll,socat": these servers alone, in this order; one named twice is started twice */
    const char *paths; /* "loopback,veth" */
    bool goals;        /* compare with the goals too */
    bool quick;
    const char *sizes;  /* compare: "1,64,1400" */
    const char *losses; /* compare: "0,1" percent */
};

/* What is common to all commands while they run: from echo_bench.c. */
struct bench_session {
    const struct bench_options *options;
    struct bench_conditions conditions;
    const atomic_bool *stop;
    FILE *out; /* tables and results; stderr if a document goes to stdout */
    FILE *csv; /* NULL: not wanted */
    struct el_json
        *json; /* the open document, an array "results" is open in it; NULL: not wanted */
    /* Progress: what is being done now. A line that rewrites itself on a terminal, else sparse lines on stderr. */
    void (*doing)(void *arg, const char *text);
    void *arg;
};

/* Each returns the exit code of the program. */
int bench_measure(struct bench_session *session, enum bench_kind kind, size_t targets,
                  char **target);
int bench_models(struct bench_session *session);
int bench_compare_protocols(struct bench_session *session);

/* The goals table under the models table: each with its measured ratio. Results of the ladder, all workloads. */
void bench_goals_print(const struct bench_result *results, size_t count, enum bench_format format,
                       FILE *to);

#endif
