/*
 * figures.c - see figures.h. Partner: result.c, which computes them.
 */
#include "figures.h"

#include "options.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *closed, *open, *key;
} names[BENCH_METRICS] = {
    [BENCH_RATE] = {"messages/s", "messages/s", "rate"},
    [BENCH_P50] = {"p50", "p50 since sent", "p50_ns"},
    [BENCH_P90] = {"p90", "p90 since sent", "p90_ns"},
    [BENCH_P99] = {"p99", "p99 since sent", "p99_ns"},
    [BENCH_P999] = {"p99.9", "p99.9 since sent", "p999_ns"},
    [BENCH_MAX] = {"max", "max since sent", "max_ns"},
    [BENCH_CORRECTED_P50] = {"p50", "p50 since due", "corrected_p50_ns"},
    [BENCH_CORRECTED_P90] = {"p90", "p90 since due", "corrected_p90_ns"},
    [BENCH_CORRECTED_P99] = {"p99", "p99 since due", "corrected_p99_ns"},
    [BENCH_CORRECTED_P999] = {"p99.9", "p99.9 since due", "corrected_p999_ns"},
    [BENCH_CORRECTED_MAX] = {"max", "max since due", "corrected_max_ns"},
    [BENCH_MIN] = {"least", "least since sent", "min_ns"},
    [BENCH_MEAN] = {"mean", "mean since sent", "mean_ns"},
    [BENCH_CORRECTED_MIN] = {"least", "least since due", "corrected_min_ns"},
    [BENCH_CORRECTED_MEAN] = {"mean", "mean since due", "corrected_mean_ns"},
    [BENCH_SERVER_COST] = {"server CPU/message", "server CPU/message", "server_cpu_ns"},
    [BENCH_LOAD_COST] = {"generator CPU/message", "generator CPU/message", "generator_cpu_ns"},
    [BENCH_THROUGHPUT] = {"payload each way", "payload each way", "payload_bytes_per_s"},
    [BENCH_LOSS] = {"lost", "lost", "loss"},
};

const char *bench_metric_name(enum bench_metric metric, const struct bench_load *load)
{
    if (load->kind == BENCH_CONNECT && metric == BENCH_RATE)
        return "connections/s";
    if (load->kind == BENCH_CONNECT && metric == BENCH_SERVER_COST)
        return "server CPU/connection";
    if (load->kind == BENCH_CONNECT && metric == BENCH_LOAD_COST)
        return "generator CPU/connection";
    return load->rate > 0 ? names[metric].open : names[metric].closed;
}

const char *bench_metric_key(enum bench_metric metric)
{
    return names[metric].key;
}

const char *bench_count_print(double value, char text[static BENCH_FIGURE])
{
    char digits[BENCH_FIGURE];
    size_t used = 0;
    if (!isfinite(value) || fabs(value) >= 1e18) {
        snprintf(text, BENCH_FIGURE, "-");
        return text;
    }
    size_t length = (size_t)snprintf(digits, sizeof digits, "%.0f", value);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

static const char *print_bytes(double value, char text[static BENCH_FIGURE])
{
    static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s"};
    unsigned unit = 0;
    for (; value >= 999.5 && unit < 3; unit++)
        value /= 1000;
    snprintf(text, BENCH_FIGURE, "%.*f %s",
             value < 9.995 && unit > 0   ? 2
             : value < 99.95 && unit > 0 ? 1
                                         : 0,
             value, units[unit]);
    return text;
}

const char *bench_metric_print(enum bench_metric metric, double value,
                               char text[static BENCH_FIGURE])
{
    if (!isfinite(value)) {
        snprintf(text, BENCH_FIGURE, "-");
        return text;
    }
    switch (metric) {
    case BENCH_RATE: /* a slow one has a fraction that counts */
        if (value >= 100 || value == 0)
            return bench_count_print(value, text);
        snprintf(text, BENCH_FIGURE, "%.2f", value);
        return text;
    case BENCH_THROUGHPUT:
        return print_bytes(value, text);
    case BENCH_LOSS:
        snprintf(text, BENCH_FIGURE, "%.3g %%", 100 * value);
        return text;
    default:
        return el_print_duration((el_duration)llround(value), text, BENCH_FIGURE);
    }
}

const char *bench_range_print(enum bench_metric metric, struct bench_spread spread,
                              char text[static BENCH_RANGE])
{
    char low[BENCH_FIGURE], high[BENCH_FIGURE];
    text[0] = '\0';
    if (spread.count < 2)
        return text;
    bench_metric_print(metric, spread.low, low);
    bench_metric_print(metric, spread.high, high);
    bool same = strcmp(low, high) == 0; /* in three digits */
    snprintf(text, BENCH_RANGE, "%s%s%s", low, same ? "" : "-", same ? "" : high);
    return text;
}
