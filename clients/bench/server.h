/*
 * server.h - a server of the ladder while it is measured: started on its path, watched, stopped.
 */
#ifndef ECHOLAB_BENCH_SERVER_H
#define ECHOLAB_BENCH_SERVER_H

#include "ladder.h"
#include "place.h"

#include <sys/types.h>

struct bench_server {
    /* To be filled in by who starts it. */
    const struct bench_rung *rung;
    const struct bench_place *place; /* borrowed */
    enum bench_path path;
    int cpu;            /* the core that it stays on; -1: any */
    const char *strace; /* a file for strace -c to count its system calls in; NULL: not traced */
    /* Then this is known. */
    pid_t pid; /* whose CPU and memory to look at; 0: it does not run (any more) */
    struct el_address address;
    bool
        missing; /* it cannot be run here: not installed, not built, or not on this path or with this family */
    char failure
        [256];   /* why it does not run, without its name: "ended by signal 9: out of memory" */
    pid_t child; /* what we have started: the server, or strace */
    int output, errors, file, lifeline; /* descriptors, owned; -1 */
};

/* Starts it and waits until it listens. False: it does not, and `failure` says why. */
bool bench_server_start(struct bench_server *server);

/* Does it still run? If not, it has been collected and `failure` says what it ended of, with the last line it wrote. */
bool bench_server_lives(struct bench_server *server);

/* Ends it, and what it has started. Fine for one that does not run, and for a zeroed one. */
void bench_server_stop(struct bench_server *server);

#endif
