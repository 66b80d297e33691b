/*
 * live.c - a line each second: time, rate, latencies, CPU of both sides, losses.
 *
 * Teaches:  averages hide the second in which something happened; a line each second shows it.
 * Partner:  measure.c, which calls it from bench_run's thread. That thread also ends the measuring, so it must not
 *           wait for a reader: a line that finds no room is left out and counted. [#live-does-not-wait]
 * Next:     report.c, for what is told at the end.
 */
#include "live.h"

#include "figures.h"
#include "options.h"
#include "words.h"

#include <errno.h>
#include <math.h>

#define PATIENCE (20 * EL_MS)

void bench_live_open(struct bench_live *live, FILE *file)
{
    fflush(file);
    *live = (struct bench_live){.output = el_line_output(fileno(file))};
}

static void write_line(struct bench_live *live, const char *text, size_t length)
{
    if (live->error < 0)
        return;
    int error = el_line_output_write(&live->output, text, length, PATIENCE);
    if (error == -EAGAIN)
        live->left_out++;
    else if (error < 0)
        live->error = error;
}

void bench_live_head(struct bench_live *live, const char *target, size_t repetition, size_t repeat)
{
    char text[512];
    struct el_words words = {.text = text, .size = sizeof text - 1};
    text[0] = '\0';
    el_say(&words, "%.300s, repetition %zu of %zu\n%8s %12s %8s %8s %8s %9s %8s %8s", target,
           repetition, repeat, "time", "echoes/s", "p50", "p99", "max", "generator", "server",
           "lost");
    text[words.used++] = '\n'; /* one byte was kept for it */
    write_line(live, text, words.used);
}

/* "-" for a second in which nothing came back. */
static const char *latency(const struct bench_progress *progress, el_duration value,
                           char text[static BENCH_FIGURE])
{
    return bench_metric_print(BENCH_P50, progress->second.received > 0 ? (double)value : NAN, text);
}

/* Of one core: 150 % is a core and a half. */
static const char *cores(double used, char text[static BENCH_FIGURE])
{
    snprintf(text, BENCH_FIGURE, used < 0 || !isfinite(used) ? "-" : "%.0f %%", 100 * used);
    return text;
}

void bench_live_line(struct bench_live *live, const struct bench_progress *progress)
{
    char text[256], when[24], rate[BENCH_FIGURE], p50[BENCH_FIGURE], p99[BENCH_FIGURE],
        max[BENCH_FIGURE], load[BENCH_FIGURE], server[BENCH_FIGURE];
    if (progress->since_start <= 0)
        snprintf(when, sizeof when, "warm-up");
    else
        snprintf(when, sizeof when, "%.1fs", (double)progress->since_start / (double)EL_S);
    int length =
        snprintf(text, sizeof text, "%8s %12s %8s %8s %8s %9s %8s %8ju\n", when,
                 bench_count_print(bench_progress_rate(progress), rate),
                 latency(progress, progress->p50, p50), latency(progress, progress->p99, p99),
                 latency(progress, progress->max, max), cores(progress->load_cpu, load),
                 cores(progress->server_cpu, server), (uintmax_t)progress->second.lost);
    write_line(live, text, (size_t)length);
}

void bench_live_close(struct bench_live *live)
{
    el_line_output_close(&live->output);
}
