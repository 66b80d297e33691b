/*
 * spawn.h - starts a program somewhere else: on another core, in another network namespace.
 */
#ifndef ECHOLAB_BENCH_SPAWN_H
#define ECHOLAB_BENCH_SPAWN_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bench_spawn {
    const char *const *argv; /* ended by NULL; argv[0] is a path, or a name that PATH finds */
    const char *netns;       /* "/run/netns/server"; NULL: this one */
    int cpu;                 /* the core to stay on; -1: any */
    int out, err;            /* its stdout and stderr; -1: /dev/null */
    bool keep_input;         /* it may read our stdin; else that is /dev/null */
    bool own_group;          /* the terminal's Ctrl-C is not for it */
    int lifeline; /* the reading end of a pipe that nobody writes to: when its other end is closed, SIGKILL for the program and all of its group
                     (which must be its own); -1: none */
};

/*
 * Its pid, as soon as the program has begun; or -errno with the step that failed in `why` ("setns /run/netns/server"). It begins
 * with the default signal dispositions and none blocked, and the kernel kills it when this process, or the thread that
 * called, ends (PR_SET_PDEATHSIG: unless it changes its user; then a lifeline helps). The caller waits for it.
 */
pid_t bench_spawn(const struct bench_spawn *spawn, char *why, size_t size);

/*
 * Runs a program to its end, silently; the last line that it wrote on stderr is in `said`. Its exit code, 128 + the signal that
 * ended it, or -errno and in `said` why it could not begin.
 */
int bench_spawn_wait(const char *const argv[], char *said, size_t size);

/* Of a text only the last line that is not empty stays, without its newline. */
void bench_keep_last_line(char *text);

/* Has a child ended, though nobody has collected it yet? Waits for that. */
bool bench_has_ended(pid_t pid, el_duration patience);

/* Waits for a child until it has ended, and collects it. False: it lives on after `patience`. *status may be NULL. */
bool bench_await_end(pid_t pid, el_duration patience, int *status);

/* The same for a child that shall end: SIGTERM, and SIGKILL for its group when it does not within `patience`. */
void bench_end(pid_t pid, el_duration patience);

#endif
