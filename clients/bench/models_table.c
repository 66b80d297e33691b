/*
 * models_table.c - the table of `models`: each server's figures on a line, and below it why it is where it is.
 *
 * Teaches:  a ratio of two noisy figures is noisy too. It stands here with a verdict, and the verdict is often that there is none.
 * Partner:  models.c; ladder.c has the sentences, stats.h the rule
 * Next:     goals.c, the figures that these are held against.
 */
#include "models.h"

#include "setup.h"
#include "table.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum { SENTENCE = 640 };

/* ---- what a cell says ------------------------------------------------------------------------------------ */

/* A figure with as many digits as one reads: 0.095, 6.31, 17.4, 155, 2,824 stays 2824. Nothing at all is no figure: on a busy machine a
 * short round may bring nothing back. */
static void put(struct bench_table *table, size_t column, double value, const char *mark)
{
    int decimals = value < 0.995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    if (isfinite(value) && value > 0)
        bench_table_put(table, column, "%.*f%s", decimals, value, mark);
    else
        bench_table_put(table, column, "-");
}

static double median_of(const struct bench_result *result, enum bench_metric metric)
{
    return result == NULL ? NAN : bench_result_spread(result, metric).median;
}

/* "*" when the generator, not the server, was the limit in most rounds. */
static const char *mark_of(const struct bench_result *result)
{
    return result != NULL && bench_result_held_back(result) ? "*" : "";
}

/* The best and the worst round: "6.31-6.82". */
static void put_cost(struct bench_table *table, size_t column, const struct bench_result *result)
{
    struct bench_spread cost = {.low = NAN, .high = NAN};
    if (result != NULL)
        cost = bench_result_spread(result, BENCH_SERVER_COST);
    int decimals = cost.high < 995 ? 3 : cost.high < 99950 ? 2 : 0;
    if (cost.count == 1)
        bench_table_put(table, column, "%.*f", decimals, cost.low / EL_US);
    else if (isfinite(cost.low))
        bench_table_put(table, column, "%.*f-%.*f", decimals, cost.low / EL_US, decimals,
                        cost.high / EL_US);
    else
        bench_table_put(table, column, "-");
}

/* ---- against the reference ------------------------------------------------------------------------------- */

static const char *reference_of(int type)
{
    return type == SOCK_STREAM ? "tcp_epoll" : "udp_coalesce";
}

/* The first row of the reference in this run; NULL: it was not asked for. */
static const struct bench_model_row *find_reference(const struct bench_models *models, int type)
{
    for (size_t i = 0; i < models->rows; i++)
        if (strcmp(models->row[i].rung->name, reference_of(type)) == 0)
            return &models->row[i];
    return NULL;
}

void bench_models_versus_json(const struct bench_models *models, struct el_json *json)
{
    for (size_t i = 0; i < models->cells; i++) {
        const struct bench_cell *cell = &models->cell[i];
        const struct bench_model_row *reference = find_reference(models, cell->row->rung->type);
        const struct bench_result *theirs = NULL;
        if (reference != NULL && reference != cell->row)
            theirs = bench_models_find(models, reference, cell->path, models->results[i].workload);
        if (theirs != NULL)
            bench_versus_json(&models->results[i], theirs, json);
    }
}

/* Of CPU a message, under the same load. False: they cannot be compared. */
static bool compare(const struct bench_models *models, const struct bench_model_row *row,
                    enum bench_path path, struct bench_comparison *comparison)
{
    static double ours[BENCH_ROUNDS_MAX], theirs[BENCH_ROUNDS_MAX];
    const struct bench_model_row *reference = find_reference(models, row->rung->type);
    const char *workload = bench_models_main_workload(row->rung);
    const struct bench_result *a = bench_models_find(models, row, path, workload), *b = NULL;
    if (reference != NULL)
        b = bench_models_find(models, reference, path, workload);
    if (a == NULL || b == NULL || a->count == 0 || b->count == 0)
        return false;
    size_t count = bench_result_values(a, BENCH_SERVER_COST, ours);
    size_t others = bench_result_values(b, BENCH_SERVER_COST, theirs);
    *comparison = bench_compare(ours, theirs, count < others ? count : others);
    return isfinite(comparison->ratio);
}

static void put_ratio(struct bench_table *table, size_t column, const struct bench_models *models,
                      const struct bench_model_row *row, enum bench_path path)
{
    static const char *const verdict[] = {
        [BENCH_NO_VERDICT] = "no verdict", [BENCH_LESS] = "less", [BENCH_MORE] = "more"};
    struct bench_comparison comparison;
    if (row == find_reference(models, row->rung->type) && !row->rung->only_burst)
        bench_table_put(table, column, "reference");
    else if (compare(models, row, path, &comparison))
        bench_table_put(table, column, "%.2f %s", comparison.ratio, verdict[comparison.verdict]);
    else
        bench_table_put(table, column, "-");
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

static void put_common(struct bench_table *table, const struct bench_models *models,
                       const struct bench_model_row *row, enum bench_path path)
{
    const char *workload = bench_models_main_workload(row->rung);
    const struct bench_result *load = bench_models_find(models, row, path, workload);
    const struct bench_result *latency = bench_models_find(models, row, path, "latency");
    bench_table_row(table);
    bench_table_put(table, 0, "%s", row->name);
    put_cost(table, 1, load);
    put(table, 2, load == NULL ? NAN : load->syscalls, "");
    put(table, 3, median_of(latency, BENCH_P50) / EL_US, "");
    put(table, 4, median_of(latency, BENCH_P99) / EL_US, "");
    put(table, 5, median_of(load, BENCH_RATE) / 1000, mark_of(load));
}

static void put_stream(struct bench_table *table, const struct bench_models *models,
                       const struct bench_model_row *row, enum bench_path path)
{
    const struct bench_result *stream = bench_models_find(models, row, path, "stream");
    const struct bench_result *connect = bench_models_find(models, row, path, "connect");
    const struct bench_result *idle = bench_models_find(models, row, path, "idle");
    put_common(table, models, row, path);
    put(table, 6, median_of(stream, BENCH_THROUGHPUT) / 1e6, mark_of(stream));
    put(table, 7, median_of(connect, BENCH_RATE), mark_of(connect));
    put(table, 8, idle == NULL ? NAN : round(idle->idle_memory), "");
    put_ratio(table, 9, models, row, path);
}

static void put_datagram(struct bench_table *table, const struct bench_models *models,
                         const struct bench_model_row *row, enum bench_path path)
{
    const struct bench_result *burst = bench_models_find(models, row, path, "burst");
    put_common(table, models, row, path);
    put_cost(table, 6, burst);
    put(table, 7, median_of(burst, BENCH_RATE) / 1000, mark_of(burst));
    put_ratio(table, 8, models, row, path);
}

static void put_headline(struct bench_table *table, int type)
{
    static const char *const stream[] = {"server", "CPU us", "calls",  "p50",   "p99",
                                         "k/s",    "MB/s",   "conn/s", "B/idle"};
    static const char *const datagram[] = {"server", "CPU us", "calls",    "p50",
                                           "p99",    "k/s",    "burst us", "burst k/s"};
    size_t count = type == SOCK_STREAM ? 9 : 8;
    bench_table_row(table);
    for (size_t i = 0; i < count; i++)
        bench_table_put(table, i, "%s", type == SOCK_STREAM ? stream[i] : datagram[i]);
    bench_table_put(table, count, "x %s", reference_of(type));
    table->left[0] = table->left[count] = true;
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static void print_reason(const struct bench_models *models, const struct bench_model_row *row,
                         enum bench_path path, bool markdown, FILE *to)
{
    const struct bench_result *load =
        bench_models_find(models, row, path, bench_models_main_workload(row->rung));
    const struct bench_result *idle = bench_models_find(models, row, path, "idle");
    struct bench_comparison comparison = {.ratio = NAN};
    struct bench_rung_figures figures = {.calls = load == NULL ? NAN : load->syscalls,
                                         .idle = idle == NULL ? NAN : idle->idle_memory};
    char why[SENTENCE], line[SENTENCE + BENCH_MODEL_NAME + 16];
    figures.cost = compare(models, row, path, &comparison) ? comparison.ratio : NAN;
    bench_rung_explain(row->rung->why, &figures, why, sizeof why);
    snprintf(line, sizeof line, markdown ? "- **%s**: %s" : "  %s: %s", row->name, why);
    bench_print_paragraph(line, markdown, to);
}

static void print_trouble(const struct bench_model_row *row, enum bench_path path, bool markdown,
                          FILE *to)
{
    const struct bench_server *server = &row->server[path];
    char line[512];
    if (server->pid == 0)
        snprintf(line, sizeof line, "%s %s: %s: %s", markdown ? "-" : " ", row->name,
                 server->missing ? "not measured" : "no figures, or not all", server->failure);
    else if (row->trouble[path][0] != '\0')
        snprintf(line, sizeof line, "%s %s: not all of it is good: %s", markdown ? "-" : " ",
                 row->name, row->trouble[path]);
    else
        return;
    bench_print_paragraph(line, markdown, to);
}

static bool has_figures(const struct bench_models *models, const struct bench_model_row *row,
                        enum bench_path path)
{
    for (size_t i = 0; i < models->cells; i++)
        if (models->cell[i].row == row && models->cell[i].path == path)
            return true;
    return false;
}

/* What the columns are, once for all tables. */
static void print_legend(const struct bench_models *models, FILE *to)
{
    static const char *const about[] = {
        "CPU us: of the server, a message, in the best and in the worst round. calls: of the "
        "system, a message. "
        "k/s: thousand messages a second. All three under one load: 50 connections with a message "
        "of 64 bytes under way on each (tcp_iterative: one connection); UDP: one socket, 64 under "
        "way.",
        "p50, p99: us of latency, a single message under way, both ends on one core. MB/s: "
        "messages of 64 KiB, 4 "
        "under way. conn/s: "
        "connect, one echo, close. B/idle: bytes of the server an idle connection. burst: 256 "
        "datagrams under "
        "way, sent 64 at a time as one message (GSO). x: CPU, compared with the reference round by "
        "round.",
        "All but CPU are medians. *: the generator was the limit, not the server. -: by nature "
        "there is no such "
        "figure, or it could not be had.",
        "Over veth the limits for strangers are lifted: --anywhere, --max-per-source 0, --rate 0."};
    bool markdown = models->session->options->format == BENCH_MARKDOWN;
    size_t count = models->place.path[BENCH_VETH] ? 4 : 3;
    char text[640];
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%s%s", markdown ? "\n" : "  ", about[i]);
        bench_print_paragraph(text, markdown, to);
    }
    snprintf(text, sizeof text, "%sSystem calls were %s.", markdown ? "\n" : "  ",
             models->counted_by);
    bench_print_paragraph(text, markdown, to);
}

/* So many there were: fewer than asked for, when it was interrupted. */
static size_t rounds_of(const struct bench_models *models, enum bench_path path)
{
    size_t rounds = 0;
    for (size_t i = 0; i < models->cells; i++)
        if (models->cell[i].path == path && models->results[i].count > rounds)
            rounds = models->results[i].count;
    return rounds;
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

static void print_path(const struct bench_models *models, int type, enum bench_path path, FILE *to)
{
    static struct bench_table table;
    bool markdown = models->session->options->format == BENCH_MARKDOWN;
    size_t asked = 0;
    table = (struct bench_table){.rows = 0};
    put_headline(&table, type);
    for (size_t i = 0; i < models->rows; i++) {
        const struct bench_model_row *row = &models->row[i];
        asked += row->rung->type == type;
        if (row->rung->type != type || !has_figures(models, row, path))
            continue;
        if (type == SOCK_STREAM)
            put_stream(&table, models, row, path);
        else
            put_datagram(&table, models, row, path);
    }
    if (asked == 0)
        return;
    size_t rounds = rounds_of(models, path);
    fprintf(to, "\n%s%s over %s, %zu round%s of %.0f ms%s\n", markdown ? "### " : "",
            type == SOCK_STREAM ? "TCP" : "UDP", bench_path_name(path), rounds,
            rounds == 1 ? "" : "s", (double)models->duration / EL_MS,
            *models->session->stop ? " (interrupted)" : "");
    bench_table_print(&table, markdown, to);
    for (size_t i = 0; i < models->rows; i++)
        if (models->row[i].rung->type == type && has_figures(models, &models->row[i], path))
            print_reason(models, &models->row[i], path, markdown, to);
    for (size_t i = 0; i < models->rows; i++)
        if (models->row[i].rung->type == type)
            print_trouble(&models->row[i], path, markdown, to);
}

void bench_models_print(const struct bench_models *models, FILE *to)
{
    bench_conditions_print(&models->session->conditions, to);
    fputc('\n', to);
    if (models->place.why_not != NULL)
        fprintf(to, "veth is left out: %s\n", models->place.why_not);
    if (models->place.note != NULL)
        fprintf(to, "note: %s\n", models->place.note);
    for (int path = 0; path < BENCH_PATHS; path++)
        for (int type = 0; type < 2 && models->place.path[path]; type++)
            print_path(models, type == 0 ? SOCK_STREAM : SOCK_DGRAM, (enum bench_path)path, to);
    fputc('\n', to);
    print_legend(models, to);
}
