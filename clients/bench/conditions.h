/*
 * conditions.h - under which conditions a figure was measured: without them it is none.
 */
#ifndef ECHOLAB_BENCH_CONDITIONS_H
#define ECHOLAB_BENCH_CONDITIONS_H

#include "json.h"

#include <stdio.h>

struct bench_conditions {
    char kernel[96];     /* "Linux 6.18.0" */
    char cpu[96];        /* model name */
    unsigned cores;      /* online */
    char governor[32];   /* "performance", or "virtual machine (kvm)", or "unknown" */
    char versions[96];   /* "echolab 0.1, libevent 2.1.12" */
    char pinning[96];    /* "generator on core 0, server on core 1"; "not pinned" */
    char congestion[24]; /* what TCP is slowed down by: "cubic"; "": unknown */
    double load;   /* load average of the last minute when it began: other work on this machine */
    char date[32]; /* ISO 8601, UTC */
    char options
        [256]; /* what was asked for, in words: "closed loop, 50 connections, ..."; "": not said */
};

void bench_conditions_read(
    struct bench_conditions
        *conditions); /* all but pinning and options, which the caller fills in */
/* The same with /proc and /sys below `root`: for tests. */
void bench_conditions_read_below(struct bench_conditions *conditions, const char *root);
/* One line, no newline: "conditions: Linux 6.18.0, AMD EPYC, 2 cores, virtual machine (kvm), …". */
void bench_conditions_print(const struct bench_conditions *conditions, FILE *to);
void bench_conditions_json(const struct bench_conditions *conditions,
                           struct el_json *json); /* an object "conditions" */

#endif
