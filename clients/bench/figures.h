/*
 * figures.h - the name and the unit of each figure, as people, spreadsheets and programs read it.
 */
#ifndef ECHOLAB_BENCH_FIGURES_H
#define ECHOLAB_BENCH_FIGURES_H

#include "result.h"

enum { BENCH_FIGURE = 40, BENCH_RANGE = 2 * BENCH_FIGURE };

/* "p99"; with what it is a latency of, only if `load` is an open loop. */
const char *bench_metric_name(enum bench_metric metric, const struct bench_load *load);
/* "p99_ns": the key in JSON. */
const char *bench_metric_key(enum bench_metric metric);
/* "57,234", "16.4us", "3.66 MB/s", "0.12 %"; "-" when it does not exist. Returns text. */
const char *bench_metric_print(enum bench_metric metric, double value,
                               char text[static BENCH_FIGURE]);
/* "16.2us-16.9us", or one of them when they read alike; "" of a single repetition, or of none. Returns text. */
const char *bench_range_print(enum bench_metric metric, struct bench_spread spread,
                              char text[static BENCH_RANGE]);
/* "1,234,567". Returns text. */
const char *bench_count_print(double value, char text[static BENCH_FIGURE]);

#endif
