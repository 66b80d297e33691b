/*
 * compare.c - `echo_bench compare`: the same messages over UDP and over TCP, on the same path, in turns.
 *
 * Teaches:  a fair question. Same path, same sizes, same number of messages under way, same core for the server; then what differs is what
 *           the protocols do: a datagram is a message and may be lost, a stream cuts and joins as it likes and repeats what was lost.
 * Partner:  compare_table.c, which tells it; netns/net fault, which loses packets
 * Leaves out: QUIC and everything else that repairs losses above UDP: here a lost datagram stays lost, and is counted.
 *
 * Quiet rounds come before the first fault: a rule that sends packets to the queue, even of a fault that was taken back, is
 * one more step for every packet. [#quiet-first]
 */
#include "compare.h"

#include "setup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const programs[BENCH_SIDES] = {"udp_echo_server", "tcp_echo_server"};

/* ---- set-up ---------------------------------------------------------------------------------------------- */

static int parse_lists(struct bench_protocols *protocols)
{
    const struct bench_options *options = protocols->session->options;
    const char *wrong = "";
    char shown[64];
    int sizes =
        bench_parse_sizes(options->sizes == NULL ? "1,64,512,1400,8192,65507" : options->sizes,
                          protocols->size, &wrong);
    if (sizes < 0)
        return bench_session_fail(
            protocols->session, BENCH_EXIT_LOCAL,
            "--sizes: \"%s\": 1 to %d bytes, at most %d of them, each larger than the one before "
            "(1,64,1400)",
            el_name_escape(wrong, shown, sizeof shown), BENCH_DATAGRAM_MAX, BENCH_SIZES);
    int losses = bench_parse_losses(options->losses == NULL ? "0,1" : options->losses,
                                    protocols->loss, &wrong);
    if (losses < 0)
        return bench_session_fail(protocols->session, BENCH_EXIT_LOCAL,
                                  "--losses: \"%s\": percent, 0 to 100, at most %d of them, each "
                                  "larger than the one before (0,0.5,1)",
                                  el_name_escape(wrong, shown, sizeof shown), BENCH_LOSSES);
    protocols->sizes = (size_t)sizes;
    protocols->losses = (size_t)losses;
    return 0;
}

static int open_protocols(struct bench_protocols *protocols, struct bench_session *session)
{
    const struct bench_options *options = session->options;
    protocols->session = session;
    protocols->rounds = options->repeat > 0 ? (unsigned)options->repeat : options->quick ? 3 : 5;
    protocols->duration = options->duration > 0 ? options->duration
                          : options->quick      ? 60 * EL_MS
                                                : 180 * EL_MS;
    protocols->lossy_duration = 3 * protocols->duration; /* of what is rare less is seen */
    protocols->read_timeout = options->read_timeout > 0 ? options->read_timeout : 50 * EL_MS;
    bench_setup_cores(session, &protocols->server_cpu, &protocols->load_cpu, "");
    int code = bench_setup_place(session, &protocols->place);
    return code != 0 ? code : parse_lists(protocols);
}

static struct bench_load load_of(const struct bench_protocols *protocols,
                                 const struct bench_pair *pair, int side)
{
    bool lossy = pair->loss > 0;
    unsigned window = bench_window_of(pair->size, pair->windowed);
    const struct bench_server *server = &protocols->server[pair->path][side];
    return (struct bench_load){
        .kind = side == BENCH_UDP_SIDE ? BENCH_UDP : BENCH_TCP,
        .target = server->address,
        .connections = 1,
        .window = window,
        .size = pair->size,
        .warmup = protocols->duration / 4,
        .duration = lossy ? protocols->lossy_duration : protocols->duration,
        .read_timeout = side == BENCH_TCP_SIDE ? 10 * EL_S
                        : lossy                ? protocols->read_timeout
                                               : 200 * EL_MS,
        .threads = 1,
        .cpu = protocols->load_cpu,
        .batch = window,
        .server = server->pid,
        .stop = protocols->session->stop,
        .connect_timeout = 10 * EL_S, /* a lost SYN is repeated after a second */
    };
}

static void add_pair(struct bench_protocols *protocols, enum bench_path path, double loss,
                     bool windowed, size_t size)
{
    struct bench_pair *pair = &protocols->pair[protocols->pairs++];
    *pair = (struct bench_pair){.path = path, .loss = loss, .windowed = windowed, .size = size};
    for (int side = 0; side < BENCH_SIDES; side++)
        pair->result[side] = (struct bench_result){.command = "compare",
                                                   .path = bench_path_name(path),
                                                   .target = programs[side],
                                                   .workload = windowed ? "windowed" : "single",
                                                   .loss = loss,
                                                   .load = load_of(protocols, pair, side),
                                                   .syscalls = NAN,
                                                   .idle_memory = NAN};
}

/* Only the cable of the lab network loses packets. */
static bool make_pairs(struct bench_protocols *protocols)
{
    size_t most = (size_t)BENCH_PATHS * protocols->losses * 2 * protocols->sizes;
    protocols->pair = calloc(most, sizeof *protocols->pair);
    if (protocols->pair == NULL)
        return false;
    for (int path = 0; path < BENCH_PATHS; path++)
        for (size_t loss = 0; protocols->place.path[path] && loss < protocols->losses; loss++)
            for (int windowed = 0; windowed < 2; windowed++)
                for (size_t size = 0; size < protocols->sizes; size++)
                    if (path == BENCH_VETH || protocols->loss[loss] <= 0)
                        add_pair(protocols, (enum bench_path)path, protocols->loss[loss],
                                 windowed != 0, protocols->size[size]);
    return true;
}

static bool start_servers(struct bench_protocols *protocols)
{
    for (int path = 0; path < BENCH_PATHS; path++)
        for (int side = 0; side < BENCH_SIDES && protocols->place.path[path]; side++) {
            struct bench_server *server = &protocols->server[path][side];
            *server = (struct bench_server){
                .rung = bench_rung_find(programs[side], strlen(programs[side])),
                .place = &protocols->place,
                .path = (enum bench_path)path,
                .cpu = protocols->server_cpu};
            if (!bench_server_start(server)) {
                bench_session_fail(protocols->session, 0, "%s over %s: %s", programs[side],
                                   bench_path_name(server->path), server->failure);
                return false;
            }
        }
    return true;
}

/* ---- rounds ---------------------------------------------------------------------------------------------- */

static void note(struct bench_protocols *protocols, const struct bench_pair *pair, int side,
                 const char *what)
{
    if (protocols->trouble[0] == '\0')
        snprintf(protocols->trouble, sizeof protocols->trouble, "%s over %s, %zu bytes: %s",
                 programs[side], bench_path_name(pair->path), pair->size, what);
}

static void measure(struct bench_protocols *protocols, struct bench_pair *pair, int side)
{
    struct bench_server *server = &protocols->server[pair->path][side];
    struct bench_load load = load_of(protocols, pair, side);
    char trouble[128];
    if (!bench_server_lives(server)) {
        note(protocols, pair, side, server->failure);
        return;
    }
    bench_setup_run(&load, &pair->result[side], trouble, sizeof trouble);
    if (trouble[0] != '\0')
        note(protocols, pair, side, trouble);
}

/* Every second round goes backwards, so that each side is first as often as second. */
static void measure_round(struct bench_protocols *protocols, double loss, unsigned round)
{
    struct bench_session *session = protocols->session;
    char text[128];
    for (size_t i = 0; i < protocols->pairs && !*session->stop; i++) {
        struct bench_pair *pair = &protocols->pair[round % 2 == 0 ? i : protocols->pairs - 1 - i];
        if (pair->loss != loss)
            continue;
        snprintf(text, sizeof text, "round %u of %u, %s, loss %g %%: %zu bytes, %s", round + 1,
                 protocols->rounds, bench_path_name(pair->path), loss, pair->size,
                 pair->windowed ? "windowed" : "one under way");
        session->doing(session->arg, text);
        for (int side = 0; side < BENCH_SIDES && !*session->stop; side++)
            measure(protocols, pair, round % 2 == 0 ? side : BENCH_SIDES - 1 - side);
        if (*session->interim) {
            *session->interim = false;
            bench_protocols_print(protocols, session->out);
        }
    }
}

/* False: the packets of this loss could not be lost. */
static bool lose(struct bench_protocols *protocols, double loss)
{
    char why[256];
    if (loss <= 0 || bench_place_lose(loss, 1, why, sizeof why) == 0)
        return true;
    bench_session_fail(protocols->session, 0, "a loss of %g %% is left out: %s", loss, why);
    return false;
}

/* Which share of the time is for this loss and those before it: as long as their rounds take, beside those of all. */
static double share_of(const struct bench_protocols *protocols, double loss)
{
    el_duration all = 0, so_far = 0;
    for (size_t i = 0; i < protocols->pairs; i++) {
        el_duration one =
            protocols->pair[i].loss > 0 ? protocols->lossy_duration : protocols->duration;
        all += one;
        so_far += protocols->pair[i].loss <= loss ? one : 0;
    }
    return all > 0 ? (double)so_far / (double)all : 1;
}

static void measure_rounds(struct bench_protocols *protocols, double loss)
{
    double share = share_of(protocols, loss);
    el_time began = el_now();
    for (unsigned round = 0; round < protocols->rounds; round++) {
        if (round > 0 && !bench_setup_has_time(protocols->session, began, share))
            break;
        began = el_now();
        measure_round(protocols, loss, round);
    }
}

/* The losses from the least to the greatest: quiet first. */
static void measure_all(struct bench_protocols *protocols)
{
    char why[256];
    bool lost = false;
    for (size_t i = 0; i < protocols->losses && !*protocols->session->stop; i++) {
        double loss = protocols->loss[i];
        if (loss > 0 && !protocols->place.path[BENCH_VETH])
            continue;
        lost = lost || loss > 0;
        if (lose(protocols, loss))
            measure_rounds(protocols, loss);
    }
    if (lost)
        bench_place_lose(0, 1, why, sizeof why);
}

/* ---- end ------------------------------------------------------------------------------------------------- */

static int tell(const struct bench_protocols *protocols)
{
    struct bench_session *session = protocols->session;
    size_t samples = 0;
    bench_teller_clear(&session->teller);
    bench_protocols_print(protocols, session->out);
    for (size_t i = 0; i < protocols->pairs; i++)
        for (int side = 0; side < BENCH_SIDES; side++) {
            const struct bench_result *result = &protocols->pair[i].result[side];
            samples += result->count;
            if (session->csv != NULL)
                bench_csv_rows(result, session->csv);
            if (session->json != NULL && result->count > 0)
                bench_result_json(result, session->json);
        }
    if (session->json != NULL) {
        el_json_close_array(session->json);
        el_json_array(session->json, "comparisons");
        for (size_t i = 0; i < protocols->pairs; i++)
            bench_versus_json(&protocols->pair[i].result[BENCH_UDP_SIDE],
                              &protocols->pair[i].result[BENCH_TCP_SIDE], session->json);
    }
    if (protocols->trouble[0] != '\0')
        return bench_session_fail(session, BENCH_EXIT_LOST, "%s", protocols->trouble);
    return samples == 0 ? BENCH_EXIT_LOST : BENCH_EXIT_OK;
}

static void close_protocols(struct bench_protocols *protocols)
{
    for (int path = 0; path < BENCH_PATHS; path++)
        for (int side = 0; side < BENCH_SIDES; side++)
            bench_server_stop(&protocols->server[path][side]);
    for (size_t i = 0; i < protocols->pairs; i++)
        for (int side = 0; side < BENCH_SIDES; side++)
            bench_result_free(&protocols->pair[i].result[side]);
    free(protocols->pair);
}

int bench_compare_protocols(struct bench_session *session)
{
    static struct bench_protocols protocols; /* large, and there is one */
    int code = open_protocols(&protocols, session);
    if (code != 0)
        return code;
    if (!start_servers(&protocols)) {
        code = BENCH_EXIT_LOST;
    } else if (!make_pairs(&protocols)) {
        code = bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", strerror(ENOMEM));
    } else {
        measure_all(&protocols);
        code = tell(&protocols);
    }
    close_protocols(&protocols);
    return code;
}
