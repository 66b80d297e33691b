/*
 * result_json.c - one result for programs: what was asked, what each repetition saw, and its histograms in full.
 *
 * Every number that does not exist is null. A histogram is an array of [low, high, count] of its buckets that are not empty; bounds are
 * inclusive, in ns, and the counts add up to "received". [#histogram-in-full]
 * Partner: result.c, session.c (the document around it).
 */
#include "figures.h"

#include <math.h>

static void put_counts(const struct bench_counts *counts, struct el_json *json)
{
    el_json_uint(json, "sent", counts->sent);
    el_json_uint(json, "received", counts->received);
    el_json_uint(json, "bytes", counts->bytes);
    el_json_uint(json, "lost", counts->lost);
    el_json_uint(json, "late", counts->late);
    el_json_uint(json, "duplicates", counts->duplicates);
    el_json_uint(json, "reordered", counts->reordered);
    el_json_uint(json, "corrupt", counts->corrupt);
    el_json_uint(json, "wrong_source", counts->wrong_source);
    el_json_uint(json, "errors", counts->errors);
    el_json_uint(json, "calls", counts->calls);
}

static void put_histogram(const struct el_histogram *histogram, const char *key,
                          struct el_json *json)
{
    size_t cursor = 0;
    el_duration low, high;
    uint64_t count;
    if (histogram == NULL) {
        el_json_null(json, key);
        return;
    }
    el_json_object(json, key);
    el_json_uint(json, "count", el_histogram_count(histogram));
    el_json_number(json, "mean_ns", el_histogram_mean(histogram), 1);
    el_json_number(json, "deviation_ns", el_histogram_deviation(histogram), 1);
    el_json_array(json, "buckets");
    while (el_histogram_next(histogram, &cursor, &low, &high, &count)) {
        el_json_array(json, NULL);
        el_json_int(json, NULL, low);
        el_json_int(json, NULL, high);
        el_json_uint(json, NULL, count);
        el_json_close_array(json);
    }
    el_json_close_array(json);
    el_json_close_object(json);
}

static void put_sample(const struct bench_result *result, const struct bench_sample *sample,
                       struct el_json *json)
{
    el_json_object(json, NULL);
    el_json_number(json, "elapsed_s", (double)sample->elapsed / (double)EL_S, 6);
    put_counts(&sample->counts, json);
    for (enum bench_metric metric = 0; metric < BENCH_METRICS; metric++)
        el_json_number(json, bench_metric_key(metric), bench_metric(sample, metric),
                       metric == BENCH_LOSS ? 9 : 1);
    el_json_number(json, "generator_busiest", sample->busiest, 3);
    if (result->load.rate > 0)
        el_json_bool(json, "kept_rate", sample->kept_rate);
    else
        el_json_null(json, "kept_rate");
    el_json_bool(json, "interrupted", sample->interrupted);
    el_json_text(json, "bottleneck", bench_bottleneck(&result->load, sample));
    el_json_text(json, "failure", sample->failure[0] == '\0' ? NULL : sample->failure);
    put_histogram(sample->latency, "latency", json);
    put_histogram(sample->corrected, "corrected_latency", json);
    el_json_close_object(json);
}

static void put_load(const struct bench_load *load, struct el_json *json)
{
    char address[EL_ADDRESS_TEXT];
    el_json_object(json, "load");
    el_json_text(json, "proto", load->kind == BENCH_UDP ? "udp" : "tcp");
    el_json_text(json, "address",
                 load->target.length == 0 ? NULL : el_address_print(&load->target, address));
    el_json_uint(json, "connections", load->connections);
    el_json_uint(json, "idle_connections", load->idle);
    el_json_uint(json, "window", load->window);
    el_json_uint(json, "size", load->size);
    el_json_number(json, "offered_rate", load->rate > 0 ? load->rate : NAN, 3);
    el_json_number(json, "duration_s", (double)load->duration / (double)EL_S, 6);
    el_json_number(json, "warmup_s", (double)load->warmup / (double)EL_S, 6);
    el_json_uint(json, "threads", load->threads);
    el_json_uint(json, "batch", load->batch);
    el_json_bool(json, "gso", load->gso);
    if (load->server > 0)
        el_json_int(json, "server_pid", load->server);
    else
        el_json_null(json, "server_pid");
    el_json_close_object(json);
}

static void put_summary(const struct bench_result *result, struct el_json *json)
{
    el_json_object(json, "summary");
    for (enum bench_metric metric = 0; metric < BENCH_METRICS; metric++) {
        struct bench_spread spread = bench_result_spread(result, metric);
        el_json_object(json, bench_metric_key(metric));
        el_json_number(json, "median", spread.median, metric == BENCH_LOSS ? 9 : 1);
        el_json_number(json, "low", spread.low, metric == BENCH_LOSS ? 9 : 1);
        el_json_number(json, "high", spread.high, metric == BENCH_LOSS ? 9 : 1);
        el_json_close_object(json);
    }
    el_json_close_object(json);
}

void bench_result_json(const struct bench_result *result, struct el_json *json)
{
    el_json_object(json, NULL);
    el_json_text(json, "command", result->command);
    el_json_text(json, "path", result->path);
    el_json_text(json, "target", result->target);
    el_json_text(json, "workload", result->workload);
    el_json_number(json, "loss_percent", result->loss, 2);
    put_load(&result->load, json);
    put_summary(result, json);
    el_json_number(json, "server_calls", result->syscalls, 4);
    el_json_number(json, "idle_bytes", result->idle_memory, 1);
    el_json_array(json, "repetitions");
    for (size_t i = 0; i < result->count; i++)
        put_sample(result, &result->samples[i], json);
    el_json_close_array(json);
    el_json_close_object(json);
}
