/*
 * live.h - a line each second, while it runs (--live).
 */
#ifndef ECHOLAB_BENCH_LIVE_H
#define ECHOLAB_BENCH_LIVE_H

#include "bench.h"
#include "line_output.h"

#include <stdio.h>

struct bench_live {
    struct el_line_output output;
    unsigned long left_out; /* lines for which the reader had no room */
    int error;              /* -errno of a write that failed: nobody can read on; 0: none */
};

/* On `file`, which is flushed first and may be written to between two lines. */
void bench_live_open(struct bench_live *live, FILE *file);
/* What follows belongs to `target`. */
void bench_live_head(struct bench_live *live, const char *target, size_t repetition, size_t repeat);
void bench_live_line(struct bench_live *live, const struct bench_progress *progress);
void bench_live_close(struct bench_live *live);

#endif
