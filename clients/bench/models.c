/*
 * models.c - `echo_bench models`: every server of the ladder under every load, in turns.
 *
 * Teaches:  how to compare on a machine that is never quite the same. All servers live at the same time, and each round measures
 *           every one once, the next round in the opposite order: what changes slowly, changes for all. [#in-turns]
 * Partner:  ladder.c (which servers), server.c, place.c; models_table.c tells it.
 * Leaves out: servers with several workers: on two cores one is the generator's.
 */
#include "models.h"

#include "setup.h"
#include "words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ONE_CORE_NICE = 10 }; /* of the generator beside the server: crew.c, [#one-core] */

const struct bench_workload bench_workloads[] = {
    {"latency", SOCK_STREAM, BENCH_TCP, 1, 1, 1, 64, false, true},
    {"crowd", SOCK_STREAM, BENCH_TCP, 50, 1, 1, 64, false, false},
    {"pipelined", SOCK_STREAM, BENCH_TCP, 50, 16, 1, 64, false, false},
    {"stream", SOCK_STREAM, BENCH_TCP, 1, 4, 1, 65536, false, false},
    {"connect", SOCK_STREAM, BENCH_CONNECT, 4, 1, 1, 64, false, false},
    {"latency", SOCK_DGRAM, BENCH_UDP, 1, 1, 1, 64, false, true},
    {"window", SOCK_DGRAM, BENCH_UDP, 1, 64, 64, 64, false, false},
    {"burst", SOCK_DGRAM, BENCH_UDP, 1, 256, 64, 64, true, false},
};
const size_t bench_workload_count = sizeof bench_workloads / sizeof bench_workloads[0];

/* ---- cells -------------------------------------------------------------------------------------------- */

/* Clients that one connects after the other may queue; those that stay may not. */
static bool is_possible(const struct bench_rung *rung, const struct bench_workload *workload)
{
    if (rung->type != workload->type)
        return false;
    if (rung->only_burst)
        return strcmp(workload->name, "burst") == 0;
    if (rung->source == NULL && strcmp(workload->name, "pipelined") == 0)
        return false; /* a stranger's short backlog makes the last of 50 wait for a second: once a round is enough */
    if (rung->no_stream && strcmp(workload->name, "stream") == 0)
        return false;
    if (rung->no_connect && workload->kind == BENCH_CONNECT)
        return false;
    return rung->at_once == 0 || workload->connections <= rung->at_once ||
           workload->kind == BENCH_CONNECT;
}

const char *bench_models_main_workload(const struct bench_rung *rung)
{
    if (rung->only_burst)
        return "burst";
    if (rung->type == SOCK_DGRAM)
        return "window";
    return rung->at_once == 0 ? "crowd" : "latency";
}

struct bench_result *bench_models_find(const struct bench_models *models,
                                       const struct bench_model_row *row, enum bench_path path,
                                       const char *workload)
{
    for (size_t i = 0; i < models->cells; i++)
        if (models->cell[i].row == row && models->cell[i].path == path &&
            strcmp(models->results[i].workload, workload) == 0)
            return &models->results[i];
    return NULL;
}

struct bench_load bench_models_load(const struct bench_models *models,
                                    const struct bench_cell *cell)
{
    const struct bench_workload *workload = cell->workload;
    const struct bench_server *server = &cell->row->server[cell->path];
    return (struct bench_load){
        .kind = workload->kind,
        .target = server->address,
        .connections = workload->connections,
        .window = workload->window,
        .size = workload->size,
        .warmup = models->warmup,
        .duration = models->duration,
        .read_timeout = workload->type == SOCK_DGRAM ? 200 * EL_MS : 5 * EL_S,
        .threads = 1,
        .nice = workload->one_core && models->server_cpu >= 0 ? ONE_CORE_NICE : 0,
        .cpu = workload->one_core ? models->server_cpu : models->load_cpu,
        .batch = workload->batch,
        .gso = workload->gso,
        .server = server->pid,
        .stop = models->session->stop,
    };
}

static void add_cell(struct bench_models *models, struct bench_model_row *row, enum bench_path path,
                     const struct bench_workload *workload)
{
    struct bench_cell *cell = &models->cell[models->cells];
    struct bench_result *result = &models->results[models->cells];
    *cell = (struct bench_cell){.row = row, .path = path, .workload = workload};
    *result = (struct bench_result){.command = "models",
                                    .path = bench_path_name(path),
                                    .target = row->name,
                                    .workload = workload == NULL ? "idle" : workload->name,
                                    .syscalls = NAN,
                                    .idle_memory = NAN};
    if (workload != NULL)
        result->load = bench_models_load(models, cell);
    else
        result->load = (struct bench_load){.kind = BENCH_TCP, .connections = row->rung->idle};
    models->cells++;
}

static bool make_cells(struct bench_models *models)
{
    size_t most = 1 + BENCH_PATHS * models->rows * (bench_workload_count + 1);
    models->cell = calloc(most, sizeof *models->cell);
    models->results = calloc(most, sizeof *models->results);
    if (models->cell == NULL || models->results == NULL)
        return false;
    for (int path = 0; path < BENCH_PATHS; path++)
        for (size_t row = 0; row < models->rows; row++) {
            struct bench_model_row *at = &models->row[row];
            if (at->server[path].pid == 0)
                continue;
            for (size_t i = 0; i < bench_workload_count; i++)
                if (is_possible(at->rung, &bench_workloads[i]))
                    add_cell(models, at, (enum bench_path)path, &bench_workloads[i]);
            if (at->rung->idle > 0)
                add_cell(models, at, (enum bench_path)path, NULL);
        }
    return true;
}

/* ---- which servers -------------------------------------------------------------------------------------- */

static void add_row(struct bench_models *models, const struct bench_rung *rung)
{
    struct bench_model_row *row = &models->row[models->rows++];
    unsigned same = 1;
    *row = (struct bench_model_row){.rung = rung};
    for (const struct bench_model_row *other = models->row; other < row; other++)
        same += other->rung == rung;
    snprintf(row->name, sizeof row->name, same == 1 ? "%s" : "%s (%u)", rung->name, same);
}

static int unknown_server(struct bench_models *models, const char *name)
{
    char known[512] = "", shown[64], asked[64];
    struct el_words words = {.text = known, .size = sizeof known};
    for (size_t i = 0; i < bench_ladder_size; i++)
        el_say(&words, "%s%s", i == 0 ? "" : ", ", bench_ladder[i].name);
    snprintf(asked, sizeof asked, "%.*s", (int)strcspn(name, ","), name);
    bench_session_fail(models->session, BENCH_EXIT_LOCAL, "--only %s: no such server",
                       el_name_escape(asked, shown, sizeof shown));
    fprintf(stderr, "echo_bench: there are: %s\n", known);
    return BENCH_EXIT_LOCAL;
}

static int choose_rows(struct bench_models *models)
{
    const char *only = models->session->options->only;
    if (only == NULL) {
        /* Strangers that start a process a client take their time: the quick run is of ours alone. */
        for (size_t i = 0; i < bench_ladder_size; i++)
            if (bench_ladder[i].source != NULL || !models->session->options->quick)
                add_row(models, &bench_ladder[i]);
        return 0;
    }
    for (const char *at = only;; at++) {
        size_t length = strcspn(at, ",");
        const struct bench_rung *rung = bench_rung_find(at, length);
        if (rung == NULL)
            return unknown_server(models, at);
        if (models->rows == BENCH_MODEL_ROWS)
            return bench_session_fail(models->session, BENCH_EXIT_LOCAL,
                                      "--only: more than %d servers", BENCH_MODEL_ROWS);
        add_row(models, rung);
        at += length;
        if (*at == '\0')
            return 0;
    }
}

/* ---- servers ------------------------------------------------------------------------------------------- */

/* Still there? If not, says so, once. */
static bool lives(struct bench_models *models, struct bench_model_row *row, enum bench_path path)
{
    struct bench_server *server = &row->server[path];
    if (bench_server_lives(server))
        return true;
    if (!row->told[path])
        bench_session_fail(models->session, 0, "%s over %s: %s", row->name, bench_path_name(path),
                           server->failure);
    row->told[path] = true;
    return false;
}

static void start_servers(struct bench_models *models)
{
    char text[128];
    for (size_t i = 0; i < models->rows; i++)
        for (int path = 0; path < BENCH_PATHS && !*models->session->stop; path++) {
            struct bench_server *server = &models->row[i].server[path];
            *server = (struct bench_server){.rung = models->row[i].rung,
                                            .place = &models->place,
                                            .path = (enum bench_path)path,
                                            .cpu = models->server_cpu};
            if (!models->place.path[path])
                continue;
            snprintf(text, sizeof text, "starting %s", models->row[i].name);
            models->session->doing(models->session->arg, text);
            if (!bench_server_start(server) && !server->missing)
                lives(models, &models->row[i], (enum bench_path)path);
        }
}

/* ---- rounds -------------------------------------------------------------------------------------------- */

static void measure(struct bench_models *models, size_t index, unsigned round)
{
    struct bench_cell *cell = &models->cell[index];
    char text[128], trouble[128];
    if (!lives(models, cell->row, cell->path))
        return;
    snprintf(text, sizeof text, "round %u of %u, %s: %s over %s", round + 1, models->rounds,
             cell->workload->name, cell->row->name, bench_path_name(cell->path));
    models->session->doing(models->session->arg, text);
    struct bench_load load = bench_models_load(models, cell);
    bench_setup_run(&load, &models->results[index], trouble, sizeof trouble);
    if (trouble[0] != '\0' && cell->row->trouble[cell->path][0] == '\0')
        snprintf(cell->row->trouble[cell->path], sizeof cell->row->trouble[0], "%s: %s",
                 cell->workload->name, trouble);
    lives(models, cell->row, cell->path); /* if it died of this, that is told now */
}

/* All cells of a workload, every second round backwards. */
static void measure_workload(struct bench_models *models, const struct bench_workload *workload,
                             unsigned round)
{
    for (size_t i = 0; i < models->cells && !*models->session->stop; i++) {
        size_t index = round % 2 == 0 ? i : models->cells - 1 - i;
        if (models->cell[index].workload == workload)
            measure(models, index, round);
        if (*models->session->interim) {
            *models->session->interim = false;
            bench_models_print(models, models->session->out);
        }
    }
}

static void measure_all(struct bench_models *models)
{
    el_time began = el_now();
    for (unsigned round = 0; round < models->rounds; round++) {
        if (round > 0 && !bench_setup_has_time(models->session, began, 1))
            break;
        began = el_now();
        for (size_t i = 0; i < bench_workload_count; i++)
            measure_workload(models, &bench_workloads[i], round);
    }
}

/* ---- set-up and end -------------------------------------------------------------------------------------- */

static int open_models(struct bench_models *models, struct bench_session *session)
{
    const struct bench_options *options = session->options;
    models->session = session;
    models->rounds = options->repeat > 0 ? (unsigned)options->repeat : options->quick ? 3 : 5;
    models->duration = options->duration > 0 ? options->duration
                       : options->quick      ? 50 * EL_MS
                                             : 150 * EL_MS;
    models->warmup = options->warmup > 0 ? options->warmup : models->duration / 4;
    bench_setup_cores(session, &models->server_cpu, &models->load_cpu,
                      " (latency: with the servers, at nice 10)");
    int code = bench_setup_place(session, &models->place);
    return code != 0 ? code : choose_rows(models);
}

static int verdict_of(const struct bench_models *models)
{
    size_t samples = 0;
    int code = BENCH_EXIT_OK;
    for (size_t i = 0; i < models->cells; i++)
        samples += models->results[i].count;
    for (size_t i = 0; i < models->rows; i++)
        for (int path = 0; path < BENCH_PATHS; path++)
            if (models->row[i].told[path] || models->row[i].trouble[path][0] != '\0')
                code = BENCH_EXIT_LOST;
    return samples == 0 ? BENCH_EXIT_LOST : code;
}

static void tell(const struct bench_models *models)
{
    struct bench_session *session = models->session;
    bench_teller_clear(&session->teller);
    bench_models_print(models, session->out);
    for (size_t i = 0; i < models->cells; i++) {
        if (session->csv != NULL)
            bench_csv_rows(&models->results[i], session->csv);
        if (session->json != NULL)
            bench_result_json(&models->results[i], session->json);
    }
    if (session->json != NULL) {
        el_json_close_array(session->json);
        el_json_array(session->json, "comparisons");
        bench_models_versus_json(models, session->json);
    }
    if (session->options->goals)
        bench_goals_print(models->results, models->cells,
                          (enum bench_format)session->options->format, session->out);
}

static void close_models(struct bench_models *models)
{
    for (size_t i = 0; i < models->rows; i++)
        for (int path = 0; path < BENCH_PATHS; path++)
            bench_server_stop(&models->row[i].server[path]);
    for (size_t i = 0; i < models->cells; i++)
        bench_result_free(&models->results[i]);
    free(models->results);
    free(models->cell);
}

int bench_models(struct bench_session *session)
{
    static struct bench_models models; /* large, and there is one */
    int code = open_models(&models, session);
    if (code != 0)
        return code;
    start_servers(&models);
    if (!make_cells(&models)) {
        code = bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", strerror(ENOMEM));
    } else {
        bench_models_weigh(&models);
        bench_models_count_calls(&models);
        measure_all(&models);
        tell(&models);
        code = verdict_of(&models);
    }
    close_models(&models);
    return code;
}
