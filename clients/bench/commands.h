/*
 * commands.h - what echo_bench was asked for, who does it, and what all commands share while they run.
 */
#ifndef ECHOLAB_BENCH_COMMANDS_H
#define ECHOLAB_BENCH_COMMANDS_H

#include "conditions.h"
#include "options.h"
#include "progress.h"
#include "result.h"

enum bench_format { BENCH_TEXT, BENCH_MARKDOWN };

/* As the option tables fill it in; a command uses what is its own. Zero where a command has its own default. */
struct bench_options {
    uint64_t connections, idle, window, size, threads, repeat, batch;
    const char *rate; /* messages a second in all; NULL or "0": closed loop */
    el_duration duration, warmup, read_timeout, connect_timeout;
    bool gso, live, quiet, only_v4, only_v6;
    const char *cpu;        /* core of the generator: "0", or NULL */
    uint64_t nice;          /* of the generator */
    uint64_t server_pid;    /* 0: look for it */
    const char *json, *csv; /* files; "-" is stdout */
    unsigned format;        /* enum bench_format */
    struct el_address source;
    struct el_endpoint_list dns_server;
    /* models, compare */
    const char *
        only; /* "tcp_epoll,socat": these servers alone, in this order; one named twice is started twice */
    const char *paths;    /* "loopback,veth" */
    el_duration deadline; /* no round begins that would not be over by then; 0: all are measured */
    bool goals;           /* compare with the goals too */
    bool quick;
    const char *sizes;  /* compare: "1,64,1400" */
    const char *losses; /* compare: "0,1" percent */
};

/* The exit codes of DESIGN.md section 5; of what several apply, the first of 2, 6, 7, 28, 1, 0. */
enum {
    BENCH_EXIT_OK,
    BENCH_EXIT_LOST,
    BENCH_EXIT_LOCAL,
    BENCH_EXIT_NAME = 6,
    BENCH_EXIT_CONNECT = 7,
    BENCH_EXIT_DEADLINE = 28,
};

/*
 * What is common to all commands while they run; session.c makes it and ends it. The command itself prints the conditions
 * (bench_conditions_print), once it knows its pinning and has filled `conditions` in.
 */
struct bench_session {
    const char *command; /* "tcp" */
    const struct bench_options *options;
    el_time opened;
    struct bench_conditions conditions;
    atomic_bool *stop;    /* SIGINT, SIGTERM; or we ourselves, when nobody can read what we say */
    atomic_bool *interim; /* SIGQUIT: show what there is, and set it back */
    FILE *out;            /* tables and results; stderr if a document goes to stdout */
    FILE *csv;            /* its header is written; NULL: not wanted */
    /* The open document, an array "results" is open in it; NULL: not wanted. A command may close the array and open another one:
     * when it returns, one array is open. */
    struct el_json *json;
    /* What is being done now. A line that rewrites itself on a terminal, else sparse lines on stderr. Call it as
     * session->doing(session->arg, text). */
    void (*doing)(void *arg, const char *text);
    void *arg;
    struct bench_teller teller; /* behind `doing` */
    struct el_json document;    /* behind `json` */
    FILE *json_file;
    char error[256]; /* the first diagnostic, for the document */
};

/* Opens what the options ask for. 0, or an exit code after a message. */
int bench_session_open(struct bench_session *session);
/* Writes the end of the documents and closes them. The exit code of the program: `code`, or 2 when something could not be
 * written. */
int bench_session_finish(struct bench_session *session, int code);
/* A diagnostic on stderr, without "echo_bench: " and newline; the first one goes into the document. Returns `code`. */
__attribute__((format(printf, 3, 4))) int bench_session_fail(struct bench_session *session,
                                                             int code, const char *format, ...);
/* Is there somebody who takes what is written? 0, or 2 after a message: worth asking before something that takes long. */
int bench_session_flush(struct bench_session *session);
/* The worse of two exit codes, by the order above. */
int bench_worse(int a, int b);

/* Each returns the exit code of the program. */
int bench_measure(struct bench_session *session, enum bench_kind kind, size_t targets,
                  char **target);
int bench_models(struct bench_session *session);
int bench_compare_protocols(struct bench_session *session);

/* The goals table under the models table: each with its measured ratio. Results of the ladder, all workloads. */
void bench_goals_print(const struct bench_result *results, size_t count, enum bench_format format,
                       FILE *to);

#endif
