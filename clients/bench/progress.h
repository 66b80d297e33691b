/*
 * progress.h - how far the benchmark is, told to whoever waits for it.
 */
#ifndef ECHOLAB_BENCH_PROGRESS_H
#define ECHOLAB_BENCH_PROGRESS_H

#include "deadline.h"
#include "line_output.h"

#include <stdbool.h>
#include <stddef.h>

struct bench_teller {
    struct el_line_output output; /* stderr, without waiting for whoever reads it */
    bool quiet;
    bool terminal; /* then a line that rewrites itself; else sparse lines */
    size_t shown;  /* characters that are on the terminal's line now */
    el_time next;  /* when the next sparse line may be */
    size_t told;   /* lines so far */
};

/* `rewrite` false: no line that rewrites itself, even on a terminal, because others are written there. */
void bench_teller_open(struct bench_teller *teller, bool quiet, bool rewrite);
/* `text` without newline; characters of ASCII. Its form is that of bench_session.doing. */
void bench_teller_doing(void *bench_teller, const char *text);
/* Takes the line away, so that something else can be written there. */
void bench_teller_clear(struct bench_teller *teller);
void bench_teller_close(struct bench_teller *teller);

#endif
