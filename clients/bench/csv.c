/*
 * csv.c - results for a spreadsheet or for gnuplot: a header, then one row a repetition.
 *
 * Every command writes the same columns, so that files of different commands can be read together. What is unknown is an
 * empty field, never 0 and never nan. [#empty-is-unknown]
 * Partner: result.c, which says what a figure is; tests/unit/test_bench_result.c. Next: result_json.c.
 */
#include "result.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void bench_csv_header(FILE *to)
{
    fputs("command,path,loss_percent,proto,target,workload,connections,window,size,offered_rate,"
          "repetition,elapsed_s,sent,received,bytes,lost,late,duplicates,reordered,corrupt,"
          "wrong_source,errors,rate,p50_us,p90_us,p99_us,p999_us,max_us,corrected_p50_us,"
          "corrected_p99_us,corrected_max_us,server_cpu_us,server_calls,load_cpu,idle_bytes,"
          "bottleneck,idle_connections\n",
          to);
}

/* A field of text: quoted when it must be (RFC 4180), because a target is what somebody typed. */
static void put_text(FILE *to, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text != '\0'; text++)
        fprintf(to, *text == '"' ? "\"%c" : "%c", *text);
    fputc('"', to);
}

static void put_number(FILE *to, double value, int decimals)
{
    fputc(',', to);
    if (isfinite(value))
        fprintf(to, "%.*f", decimals, value);
}

static void put_count(FILE *to, uint64_t count)
{
    fprintf(to, ",%" PRIu64, count);
}

static void put_load(const struct bench_result *result, FILE *to)
{
    const struct bench_load *load = &result->load;
    put_text(to, result->command);
    fputc(',', to);
    put_text(to, result->path);
    put_number(to, result->loss, 2);
    fprintf(to, ",%s,", load->kind == BENCH_UDP ? "udp" : "tcp");
    put_text(to, result->target);
    fputc(',', to);
    put_text(to, result->workload);
    fprintf(to, ",%u,%u,%zu", load->connections, load->window, load->size);
    put_number(to, load->rate > 0 ? load->rate : NAN, 3);
}

static void put_counts(const struct bench_counts *counts, FILE *to)
{
    put_count(to, counts->sent);
    put_count(to, counts->received);
    put_count(to, counts->bytes);
    put_count(to, counts->lost);
    put_count(to, counts->late);
    put_count(to, counts->duplicates);
    put_count(to, counts->reordered);
    put_count(to, counts->corrupt);
    put_count(to, counts->wrong_source);
    put_count(to, counts->errors);
}

static void put_figures(const struct bench_sample *sample, FILE *to)
{
    put_number(to, bench_metric(sample, BENCH_RATE), 1);
    for (enum bench_metric metric = BENCH_P50; metric <= BENCH_CORRECTED_MAX; metric++)
        put_number(to, bench_metric(sample, metric) / (double)EL_US, 3);
    put_number(to, bench_metric(sample, BENCH_SERVER_COST) / (double)EL_US, 4);
}

void bench_csv_rows(const struct bench_result *result, FILE *to)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct bench_sample *sample = &result->samples[i];
        put_load(result, to);
        put_count(to, i + 1);
        put_number(to, (double)sample->elapsed / (double)EL_S, 6);
        put_counts(&sample->counts, to);
        put_figures(sample, to);
        put_number(to, result->syscalls, 4);
        put_number(to, sample->busiest, 3);
        put_number(to, result->idle_memory, 1);
        fprintf(to, ",%d,%u\n", bench_bottleneck(&result->load, sample) != NULL, result->load.idle);
    }
}
