/*
 * report.c - one result as a person reads it: two small tables, and sentences for what a table cannot say.
 *
 * Teaches:  which figures a benchmark owes its reader: each with its spread, and each limit said in words. Closed and open
 *           loop answer different questions, and the text says which was asked. [#which-question]
 * Partner:  result.c (the figures), table.c (how they are set). Next: report_versus.c, where two results meet.
 */
#include "figures.h"
#include "options.h"
#include "setup.h"
#include "table.h"
#include "words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* One figure: its median, then its spread. */
static void put_figure(struct bench_table *table, size_t column, const struct bench_result *result,
                       enum bench_metric metric)
{
    char median[BENCH_FIGURE], range[BENCH_RANGE];
    struct bench_spread spread = bench_result_spread(result, metric);
    bench_table_put(table, column, "%s", bench_metric_print(metric, spread.median, median));
    bench_table_put(table, column + 1, "%s", bench_range_print(metric, spread, range));
}

static void print_figures(const struct bench_result *result, bool markdown, FILE *to)
{
    static const enum bench_metric shown[] = {BENCH_RATE, BENCH_THROUGHPUT, BENCH_SERVER_COST,
                                              BENCH_LOAD_COST};
    struct bench_table table = {.left = {[0] = true, [2] = true}};
    char offered[BENCH_FIGURE];
    bench_table_row(&table);
    bench_table_put(&table, 0, "%s", markdown ? "figure" : "");
    bench_table_put(&table, 1, "median");
    bench_table_put(&table, 2, "least-greatest");
    if (result->load.rate > 0) {
        bench_table_row(&table);
        bench_table_put(&table, 0, "offered/s");
        bench_table_put(&table, 1, "%s",
                        bench_metric_print(BENCH_RATE, result->load.rate, offered));
    }
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        bench_table_row(&table);
        bench_table_put(&table, 0, "%s", bench_metric_name(shown[i], &result->load));
        put_figure(&table, 1, result, shown[i]);
    }
    bench_table_print(&table, markdown, to);
}

/* In open loop two latencies stand side by side: what a message waited since it was due, and since it was sent. */
static void print_latencies(const struct bench_result *result, bool markdown, FILE *to)
{
    static const struct {
        const char *name;
        enum bench_metric sent, due;
    } rows[] = {
        {"least", BENCH_MIN, BENCH_CORRECTED_MIN}, {"mean", BENCH_MEAN, BENCH_CORRECTED_MEAN},
        {"p50", BENCH_P50, BENCH_CORRECTED_P50},   {"p90", BENCH_P90, BENCH_CORRECTED_P90},
        {"p99", BENCH_P99, BENCH_CORRECTED_P99},   {"p99.9", BENCH_P999, BENCH_CORRECTED_P999},
        {"max", BENCH_MAX, BENCH_CORRECTED_MAX}};
    struct bench_table table = {.left = {[0] = true, [2] = true, [4] = true}};
    bool open_loop = result->load.rate > 0;
    const char *since_sent = result->load.kind == BENCH_CONNECT ? "since connect" : "since sent";
    bench_table_row(&table);
    bench_table_put(&table, 0, "latency");
    bench_table_put(&table, 1, "%s", open_loop ? "since due" : since_sent);
    bench_table_put(&table, 2, "%s", "least-greatest");
    if (open_loop) {
        bench_table_put(&table, 3, "%s", since_sent);
        bench_table_put(&table, 4, "least-greatest");
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench_table_row(&table);
        bench_table_put(&table, 0, "%s", rows[i].name);
        put_figure(&table, 1, result, open_loop ? rows[i].due : rows[i].sent);
        if (open_loop)
            put_figure(&table, 3, result, rows[i].sent);
    }
    bench_table_print(&table, markdown, to);
}

static struct bench_counts sum_of(const struct bench_result *result)
{
    struct bench_counts sum = {0};
    for (size_t i = 0; i < result->count; i++) {
        const struct bench_counts *c = &result->samples[i].counts;
        sum.sent += c->sent;
        sum.received += c->received;
        sum.lost += c->lost;
        sum.late += c->late;
        sum.duplicates += c->duplicates;
        sum.reordered += c->reordered;
        sum.corrupt += c->corrupt;
        sum.wrong_source += c->wrong_source;
        sum.errors += c->errors;
    }
    return sum;
}

static void say_count(struct el_words *words, const char *what, uint64_t count, bool always)
{
    if (count > 0 || always)
        el_say(words, ", %" PRIu64 " %s", count, what);
}

__attribute__((format(printf, 3, 4))) static void sentence(FILE *to, bool markdown,
                                                           const char *format, ...)
{
    char text[600];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", markdown ? "- " : "  ");
    va_list list;
    va_start(list, format);
    vsnprintf(text + used, sizeof text - used, format, list);
    va_end(list);
    bench_print_paragraph(text, markdown, to);
}

/*
 * Of UDP every kind is told, the ones that did not happen too; of TCP only what happened, because none of it should. First what makes
 * the run a failure, then what is only odd.
 */
static void say_counts(const struct bench_result *result, bool markdown, FILE *to)
{
    char text[400] = "", sent[BENCH_FIGURE], received[BENCH_FIGURE], loss[BENCH_FIGURE];
    struct el_words words = {.text = text, .size = sizeof text};
    struct bench_counts sum = sum_of(result);
    bool udp = result->load.kind == BENCH_UDP;
    el_say(&words, "%s sent, %s received", bench_count_print((double)sum.sent, sent),
           bench_count_print((double)sum.received, received));
    say_count(&words, "lost", sum.lost, udp);
    if (sum.lost > 0 && sum.sent > 0)
        el_say(&words, " (%s)",
               bench_metric_print(BENCH_LOSS, (double)sum.lost / (double)sum.sent, loss));
    say_count(&words, "late", sum.late, udp);
    say_count(&words, "corrupt", sum.corrupt, udp);
    say_count(&words, "errors", sum.errors, udp);
    if (sum.received > sum.sent) /* engine.h [#what-counts] */
        el_say(&words, " (some had been sent while it warmed up)");
    sentence(to, markdown, "%s", text);
    if (udp)
        sentence(to, markdown,
                 "%" PRIu64 " duplicates, %" PRIu64 " reordered, %" PRIu64 " from a wrong source",
                 sum.duplicates, sum.reordered, sum.wrong_source);
}

/* How often the generator was the limit, and why (of several reasons the last); how often it was the server that did not keep the
 * rate. */
static void say_bottleneck(const struct bench_result *result, bool markdown, FILE *to)
{
    const char *why = NULL;
    size_t times = 0, behind = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct bench_sample *sample = &result->samples[i];
        const char *reason = bench_bottleneck(&result->load, sample);
        times += reason != NULL;
        why = reason != NULL ? reason : why;
        behind += reason == NULL && result->load.rate > 0 && !sample->kept_rate &&
                  !sample->interrupted && sample->error == 0;
    }
    if (behind > 0)
        sentence(to, markdown,
                 "The server did not keep that rate in %zu of %zu repetitions: all that may be "
                 "under way was under way, and what was due had to wait",
                 behind, result->count);
    if (times > 0)
        sentence(to, markdown, "I am the bottleneck in %zu of %zu repetitions: %s", times,
                 result->count, why);
}

static void say_failures(const struct bench_result *result, bool markdown, FILE *to)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct bench_sample *sample = &result->samples[i];
        char length[24];
        if (sample->failure[0] != '\0')
            sentence(to, markdown, "Repetition %zu ended early: %s", i + 1, sample->failure);
        else if (sample->error != 0)
            sentence(to, markdown, "Repetition %zu ended early: %s", i + 1,
                     strerror(sample->error));
        else if (sample->interrupted)
            sentence(to, markdown, "Repetition %zu was interrupted after %s", i + 1,
                     el_print_duration(sample->elapsed, length, sizeof length));
    }
}

void bench_result_print(const struct bench_result *result, bool markdown, FILE *to)
{
    char length[24];
    fprintf(to, "%s%s %s: %zu repetition%s of %s", markdown ? "### " : "", result->command,
            result->target, result->count, result->count == 1 ? "" : "s",
            el_print_duration(result->load.duration, length, sizeof length));
    if (result->load.server > 0)
        fprintf(to, ", server pid %ld", (long)result->load.server);
    fputc('\n', to);
    print_figures(result, markdown, to);
    if (!markdown)
        fputc('\n', to);
    print_latencies(result, markdown, to);
    say_counts(result, markdown, to);
    say_bottleneck(result, markdown, to);
    if (result->load.server <= 0)
        sentence(to, markdown,
                 "The server's CPU is not known: tell its pid (--server-pid), if it "
                 "runs on this machine");
    say_failures(result, markdown, to);
    fputc('\n', to);
}

void bench_mode_print(const struct bench_load *load, bool markdown, FILE *to)
{
    const char *begin = load->kind == BENCH_CONNECT ? "connect" : "sent";
    if (load->rate > 0) {
        sentence(to, markdown,
                 "Since due (corrected): from when the schedule wanted it sent. It is what a user "
                 "waits; a server that stops shows here.");
        sentence(to, markdown,
                 "Since %s (uncorrected): without the wait for room to be sent, so a stop of the "
                 "server is all but invisible.",
                 begin);
    } else {
        sentence(to, markdown,
                 "Closed loop: a slower server is asked less often, so the waits that others would "
                 "have had meanwhile are not seen (--rate).");
    }
    fputc('\n', to);
}
