/*
 * measure.c - the commands tcp, udp and connect: each HOST is loaded in turns, then told.
 *
 * Teaches:  A B, B A, A B: a machine that grows warmer, or busier, from minute to minute does so for both. Whoever measures all of A
 *           and then all of B compares two times of day; see models.c [#in-turns].
 * Partner:  run.c (one repetition), reach.c (the target), report.c and report_versus.c (what is told), session.c.
 * Leaves out: servers that it starts itself: echo_bench models does that.
 * Next:     run.c.
 */
#include "commands.h"
#include "figures.h"
#include "live.h"
#include "load_options.h"
#include "reach.h"
#include "socket.h"
#include "watch.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>

enum { TARGETS_MAX = 8 };

struct measure {
    struct bench_session *session;
    struct bench_load load; /* what all targets have in common */
    size_t targets;
    struct bench_result result[TARGETS_MAX];
    struct bench_live live;
    size_t now, repetition; /* which target, which round */
};

static bool markdown(const struct measure *measure)
{
    return measure->session->options->format == BENCH_MARKDOWN;
}

/* ---- before ----------------------------------------------------------------------------------- */

/* Whose CPU to watch: as told, or whoever owns the socket there, if "there" is here. */
static pid_t find_server(const struct measure *measure, const struct el_address *target)
{
    int type = measure->load.kind == BENCH_UDP ? SOCK_DGRAM : SOCK_STREAM;
    if (measure->session->options->server_pid != 0)
        return (pid_t)measure->session->options->server_pid;
    return bench_reach_is_local(target) ? bench_watch_owner(target, type) : 0;
}

/* 0, or an exit code after a message. */
static int check_server_pid(struct measure *measure)
{
    uint64_t pid = measure->session->options->server_pid;
    if (pid == 0)
        return 0;
    if (measure->targets > 1)
        return bench_session_fail(
            measure->session, BENCH_EXIT_LOCAL,
            "--server-pid: there are %zu HOSTs and one pid (leave it out: the "
            "pids of servers on this machine are found)",
            measure->targets);
    if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
        return bench_session_fail(measure->session, BENCH_EXIT_LOCAL,
                                  "--server-pid: %ju: no such process", (uintmax_t)pid);
    return 0;
}

/* Every target must answer before the first is measured. 0, or an exit code after a message. */
static int reach_all(struct measure *measure, char **target)
{
    struct bench_session *session = measure->session;
    int type = measure->load.kind == BENCH_UDP ? SOCK_DGRAM : SOCK_STREAM;
    char why[BENCH_WHY];
    for (size_t i = 0; i < measure->targets; i++) {
        struct bench_result *result = &measure->result[i];
        *result = (struct bench_result){.command = session->command,
                                        .path = "",
                                        .target = target[i],
                                        .workload = "",
                                        .load = measure->load,
                                        .syscalls = NAN,
                                        .idle_memory = NAN};
        int code = bench_reach(session, target[i], type, &result->load.target);
        if (code != 0)
            return code;
        if (bench_load_fits(&result->load, &result->load.target, why) < 0)
            return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", why);
        result->load.server = find_server(measure, &result->load.target);
    }
    return 0;
}

/* ---- meanwhile -------------------------------------------------------------------------------- */

/* SIGQUIT: the repetitions that have ended. */
static void show_interim(struct measure *measure)
{
    struct bench_session *session = measure->session;
    size_t shown = 0;
    *session->interim = false;
    bench_teller_clear(&session->teller);
    for (size_t i = 0; i < measure->targets; i++) {
        if (measure->result[i].count == 0)
            continue;
        bench_result_print(&measure->result[i], markdown(measure), session->out);
        shown++;
    }
    if (shown == 0)
        fputs("no repetition has ended yet\n\n", session->out);
    fflush(session->out);
}

/* Once a second, from bench_run in our own thread. */
static void on_progress(void *arg, const struct bench_progress *progress)
{
    struct measure *measure = arg;
    struct bench_session *session = measure->session;
    const struct bench_result *result = &measure->result[measure->now];
    char text[512], rate[BENCH_FIGURE], p99[BENCH_FIGURE], host[200];
    if (*session->interim)
        show_interim(measure);
    if (session->options->live) {
        bench_live_line(&measure->live, progress);
        if (measure->live.error < 0) /* nobody reads on: why go on? */
            *session->stop = true;
        return;
    }
    snprintf(text, sizeof text, "%s: repetition %zu of %ju, %.1fs: %s/s, p99 %s",
             el_name_escape(result->target, host, sizeof host), measure->repetition + 1,
             (uintmax_t)session->options->repeat, (double)progress->since_start / (double)EL_S,
             bench_count_print(bench_progress_rate(progress), rate),
             bench_metric_print(BENCH_P99,
                                progress->second.received > 0 ? (double)progress->p99 : NAN, p99));
    session->doing(session->arg, text);
}

static void announce(struct measure *measure)
{
    struct bench_session *session = measure->session;
    char text[512], host[200];
    el_name_escape(measure->result[measure->now].target, host, sizeof host);
    if (session->options->live) {
        bench_live_head(&measure->live, host, measure->repetition + 1, session->options->repeat);
        return;
    }
    snprintf(text, sizeof text, "%s: repetition %zu of %ju, warming up", host,
             measure->repetition + 1, (uintmax_t)session->options->repeat);
    session->doing(session->arg, text);
}

/*
 * Which exit code the end of a run means. A connection that breaks once it stands is a lost echo, no matter whether it was measured
 * already or still warmed up; a reset in the handshake is no connection. sample->failure says at which call it was.
 */
static int code_of(const struct bench_sample *sample)
{
    bool handshake = !sample->begun || strncmp(sample->failure, "connect", 7) == 0;
    switch (sample->error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return BENCH_EXIT_CONNECT;
    case ECONNRESET:
        return handshake ? BENCH_EXIT_CONNECT : BENCH_EXIT_LOST;
    case ETIMEDOUT:
        return BENCH_EXIT_DEADLINE;
    case EPIPE:   /* the server closed */
    case EBADMSG: /* or sent back what was never sent */
        return BENCH_EXIT_LOST;
    default:
        return BENCH_EXIT_LOCAL;
    }
}

static bool has_answered(const struct bench_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        if (result->samples[i].counts.received > 0)
            return true;
    return false;
}

/* The repetition did not get as far as being measured. The exit code, after a message. */
static int fail_repetition(struct bench_session *session, const struct bench_result *result,
                           const struct bench_sample *sample)
{
    int code = code_of(sample);
    if (code == BENCH_EXIT_DEADLINE && has_answered(result))
        code = BENCH_EXIT_LOST; /* 28 is for a server that never answered */
    /* Some failures explain themselves: "refused (nobody listens there)". */
    const char *hint = strchr(sample->failure, '(') == NULL ? el_socket_hint(-sample->error) : NULL;
    return bench_session_fail(
        session, code, "%s: %s%s%s%s", result->target,
        sample->failure[0] != '\0' ? sample->failure : strerror(sample->error),
        hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
}

/* One repetition of the target whose turn it is. 0, or an exit code after a message: the run ends. */
static int repeat_once(struct measure *measure)
{
    struct bench_session *session = measure->session;
    struct bench_result *result = &measure->result[measure->now];
    struct bench_load load = result->load;
    struct bench_sample sample = {0};
    load.stop = session->stop;
    load.arg = measure;
    load.progress = on_progress;
    announce(measure);
    int error = bench_run(&load, &sample);
    if (error < 0) {
        int code = fail_repetition(session, result, &sample);
        bench_sample_free(&sample);
        return code;
    }
    error = sample.elapsed > 0 ? bench_result_add(result, &sample) : 0;
    if (sample.elapsed <= 0 || error < 0)
        bench_sample_free(&sample); /* interrupted while it warmed up: it saw nothing */
    return error < 0 ? bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", strerror(-error)) : 0;
}

/* A B, B A, ...: one repetition each in every round. */
static int repeat_all(struct measure *measure)
{
    struct bench_session *session = measure->session;
    int code = 0;
    if (session->options->live)
        bench_live_open(&measure->live, session->out);
    for (size_t round = 0; code == 0 && round < session->options->repeat; round++) {
        for (size_t turn = 0; code == 0 && turn < measure->targets && !*session->stop; turn++) {
            measure->now = round % 2 == 0 ? turn : measure->targets - 1 - turn;
            measure->repetition = round;
            code = repeat_once(measure);
            if (*session->interim)
                show_interim(measure);
        }
    }
    if (!session->options->live)
        return code;
    bench_live_close(&measure->live);
    if (measure->live.error < 0)
        code = bench_session_fail(session, BENCH_EXIT_LOCAL, "--live: write: %s",
                                  strerror(-measure->live.error));
    if (measure->live.left_out > 0)
        bench_session_fail(session, 0, "--live: %lu lines were left out: their reader was stalled",
                           measure->live.left_out);
    return code;
}

/* ---- after ------------------------------------------------------------------------------------ */

/*
 * What became of one target: of silence alone 28, of refusals alone 7, of any loss 1. What is under way at the end is let go and is no loss, so a server
 * that stands still for a whole repetition has lost nothing; but a repetition that brought nothing back is no echo either.
 */
static int judge(const struct bench_result *result)
{
    uint64_t sent = 0, received = 0, wrong = 0;
    int error = 0, code = BENCH_EXIT_OK;
    for (size_t i = 0; i < result->count; i++) {
        const struct bench_sample *sample = &result->samples[i];
        const struct bench_counts *c = &sample->counts;
        sent += c->sent;
        received += c->received;
        wrong += c->lost + c->late + c->corrupt + c->errors;
        wrong += c->received == 0 && !sample->interrupted;
        if (sample->error != 0) {
            error = sample->error;
            code = code_of(sample);
        }
    }
    if (received == 0 && (code == BENCH_EXIT_CONNECT || code == BENCH_EXIT_LOST))
        return code;
    if (received == 0 && (sent > 0 || wrong > 0))
        return BENCH_EXIT_DEADLINE;
    return wrong > 0 || error != 0 || received == 0 ? BENCH_EXIT_LOST : BENCH_EXIT_OK;
}

/* Text, rows and document of what there is: everything, or what an interruption left. */
static int tell(struct measure *measure)
{
    struct bench_session *session = measure->session;
    int code = 0;
    bench_teller_clear(&session->teller);
    for (size_t i = 0; i < measure->targets; i++) {
        const struct bench_result *result = &measure->result[i];
        if (result->count > 0) {
            bench_result_print(result, markdown(measure), session->out);
            if (session->csv != NULL)
                bench_csv_rows(result, session->csv);
            int became = judge(result);
            if (became == BENCH_EXIT_DEADLINE)
                bench_session_fail(session, became, "%s: nothing came back", result->target);
            code = bench_worse(code, became);
        }
        if (session->json != NULL)
            bench_result_json(result, session->json);
    }
    if (session->json != NULL) {
        el_json_close_array(session->json);
        el_json_array(session->json, "comparisons");
        for (size_t i = 1; i < measure->targets; i++)
            bench_versus_json(&measure->result[0], &measure->result[i], session->json);
    }
    if (measure->result[0].count == 0)
        return code;
    bench_mode_print(&measure->load, markdown(measure), session->out);
    bench_versus_print(measure->result, measure->targets, markdown(measure), session->out);
    return code;
}

int bench_measure(struct bench_session *session, enum bench_kind kind, size_t targets,
                  char **target)
{
    struct measure measure = {.session = session, .targets = targets};
    char why[BENCH_WHY];
    if (targets > TARGETS_MAX)
        return bench_session_fail(session, BENCH_EXIT_LOCAL,
                                  "%zu HOSTs are too many: they take turns, at most %d of them",
                                  targets, TARGETS_MAX);
    if (bench_load_of(session->options, kind, &measure.load, why) < 0)
        return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", why);
    int code = check_server_pid(&measure);
    bench_pinning_words(&measure.load, session->conditions.pinning,
                        sizeof session->conditions.pinning);
    bench_load_words(&measure.load, session->options->repeat, session->conditions.options,
                     sizeof session->conditions.options);
    if (code == 0)
        code = reach_all(&measure, target);
    if (code != 0)
        return code;
    bench_conditions_print(&session->conditions, session->out);
    fputs("\n\n", session->out);
    code = bench_session_flush(session);
    if (code != 0) /* nobody would learn the rest */
        return code;

    code = repeat_all(&measure);
    code = bench_worse(code, tell(&measure));
    if (measure.result[0].count == 0 && code == 0)
        code = bench_session_fail(session, BENCH_EXIT_LOST,
                                  "interrupted before anything was measured");
    for (size_t i = 0; i < targets; i++)
        bench_result_free(&measure.result[i]);
    return code;
}
