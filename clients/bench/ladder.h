/*
 * ladder.h - the servers that `models` and `compare` measure, and why each is where it is.
 */
#ifndef ECHOLAB_BENCH_LADDER_H
#define ECHOLAB_BENCH_LADDER_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_RUNG_WORDS = 12 };

/* One server program. In `argv` {address} is HOST:PORT, {host} and {port} its parts, {file} a file with the text of `file`. */
struct bench_rung {
    const char *name;                        /* as --only takes it, and tables print it */
    const char *source;                      /* in the tree; NULL: somebody else's program */
    const char *package;                     /* of Debian, if it is somebody else's */
    int type;                                /* SOCK_STREAM, SOCK_DGRAM */
    const char *argv[BENCH_RUNG_WORDS];      /* ended by NULL */
    const char *elsewhere[BENCH_RUNG_WORDS]; /* what follows when it is not loopback */
    const char *file;                        /* a configuration, or NULL */
    int port;         /* its port cannot be chosen: only in a lab network; 0 */
    bool only_v4;     /* so its command line is written */
    unsigned at_once; /* clients that it serves at a time, by nature; 0: any number */
    unsigned idle;    /* idle connections to measure memory with; 0: none */
    bool only_burst;  /* told of in that workload alone */
    bool no_stream;   /* it stops for ever when more is under way than it can hold */
    bool no_connect;  /* it cannot accept one client soon after another has left */
    const char *why;  /* see bench_rung_explain */
};

extern const struct bench_rung bench_ladder[];
extern const size_t bench_ladder_size;

/* The rung of that name, `length` characters long; NULL: none. */
const struct bench_rung *bench_rung_find(const char *name, size_t length);

/* What this run has found out about a server; NaN: unknown. */
struct bench_rung_figures {
    double calls; /* system calls a message */
    double cost;  /* of the reference's CPU a message */
    double idle;  /* bytes of an idle connection */
};

/*
 * Why it is where it is, as a sentence about causes, with this run's own figures in it so that it stays true: {calls}, {cost},
 * {idle}. A part in [brackets] is left out when a figure in it is unknown. Returns text. Pure.
 */
const char *bench_rung_explain(const char *why, const struct bench_rung_figures *figures,
                               char *text, size_t size);

#endif
