/*
 * run.c - one run of the load generator: gather, warm up, measure, stop.
 *
 * Teaches:  what it takes for a figure to belong to a stretch of time: everybody begins together, what happened before does not count,
 *           and each clock is read at both ends of the same stretch.
 * Partner:  crew.c makes the threads; watch.c sees the server's CPU.
 * Leaves out: repeating, comparing and telling (stats.h, result.h); and draining: what is under way at
 *           the end is let go, see engine.h [#what-counts].
 * Next:     crew.c, then tcp.c.
 */
#include "crew.h"
#include "watch.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    OUR_DESCRIPTORS =
        8, /* standard streams, eventfds and what the program has open: a guess from below */
    SPARE_DESCRIPTORS = 64,
};

/* load->stop is set by a signal handler that may run between our look at it and our wait: so the wait is short. */
#define LONGEST_WAIT (100 * EL_MS)

struct run {
    const struct bench_load *load;
    struct bench_sample *sample;
    struct bench_crew crew;
    bool measured;
    el_time began;           /* the measuring; before that, when it will */
    el_time next_second;     /* when the next progress is due */
    el_duration server_cpu;  /* when the measuring began; negative: unknown */
    el_duration server_seen; /* the most that was ever read of it */
    struct {                 /* at the last progress, or the beginning of the warm-up */
        el_time at;
        struct bench_counts counts;
        el_duration server_cpu, load_cpu;
    } last;
    struct el_histogram *second;
};

/* ---- before it begins ------------------------------------------------------------------------- */

/* Why there can be no such load; NULL: there can. */
static const char *nonsense(const struct bench_load *load)
{
    bool stream = load->kind == BENCH_TCP || load->kind == BENCH_CONNECT;
    if (!stream && load->kind != BENCH_UDP)
        return "no such kind of load";
    if (load->target.length == 0)
        return "no target";
    if (stream && load->size == 0)
        return "size 0: a stream has no empty messages";
    if (load->connections == 0 || load->window == 0)
        return "no connection, or no message under way";
    if (load->threads == 0 || load->threads > load->connections)
        return "a thread needs a connection: 1 to as many threads as connections";
    if (load->duration <= 0 || load->warmup < 0 || load->read_timeout <= 0)
        return "duration and read timeout are longer than 0, a warm-up is not negative";
    if (!(load->rate >= 0) || !isfinite(load->rate))
        return "the rate is 0 (closed loop) or a number of messages a second";
    if (load->rate > 0 && load->rate < BENCH_RATE_LEAST)
        return "the rate is less than a message in a thousand seconds";
    if (load->idle > 0 && load->kind != BENCH_TCP)
        return "only TCP has connections that can be idle";
    return NULL;
}

/*
 * A socket is a descriptor, and the soft limit of those is often 1024: a default that any process may raise up to the hard limit
 * (getrlimit(2)). It stays raised: this process is a load generator.
 */
static int make_room(const struct bench_load *load, char *failure, size_t size)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    rlim_t sockets = (rlim_t)load->connections + load->idle + load->threads;
    rlim_t wanted = sockets + SPARE_DESCRIPTORS, needed = sockets + OUR_DESCRIPTORS;
    if (wanted > files.rlim_cur && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0)
            return -errno;
    }
    if (needed <= files.rlim_cur)
        return 0;
    snprintf(failure, size,
             "%u connections need %ju descriptors, the hard limit is %ju: ulimit -Hn",
             load->connections + load->idle, (uintmax_t)needed, (uintmax_t)files.rlim_max);
    return -EMFILE;
}

static int prepare(struct run *run)
{
    const struct bench_load *load = run->load;
    struct bench_sample *sample = run->sample;
    sample->latency = el_histogram_new();
    sample->corrected = load->rate > 0 ? el_histogram_new() : NULL;
    sample->pace = load->rate > 0 ? el_histogram_new() : NULL;
    run->second = load->progress != NULL ? el_histogram_new() : NULL;
    if (sample->latency == NULL ||
        (load->rate > 0 && (sample->corrected == NULL || sample->pace == NULL)) ||
        (load->progress != NULL && run->second == NULL))
        return -ENOMEM;
    return make_room(load, sample->failure, sizeof sample->failure);
}

/* ---- progress --------------------------------------------------------------------------------- */

static el_duration server_cpu_now(struct run *run)
{
    if (run->load->server <= 0)
        return -ENOENT;
    el_duration now = bench_watch_cpu_after(run->load->server, run->server_seen);
    if (now > 0)
        run->server_seen = now; /* a child that ends never makes it less */
    return now;
}

static double cores_used(el_duration before, el_duration now, el_duration elapsed)
{
    return before < 0 || now < 0 || elapsed <= 0 ? -1 : (double)(now - before) / (double)elapsed;
}

/* From here counts the next second. */
static void remember(struct run *run, el_time now)
{
    el_duration most;
    run->last.at = now;
    run->last.counts = bench_crew_counts(&run->crew);
    run->last.load_cpu = bench_crew_cpu(&run->crew, &most);
    run->last.server_cpu = server_cpu_now(run);
}

static void tell_progress(struct run *run, el_time now)
{
    struct bench_counts before = run->last.counts;
    el_duration elapsed = now - run->last.at;
    el_duration load_cpu = run->last.load_cpu, server_cpu = run->last.server_cpu;

    el_histogram_clear(run->second);
    bench_crew_second(&run->crew, run->second);
    remember(run, now);
    struct bench_progress progress = {
        .since_start = now - run->began,
        .length = elapsed,
        .second = run->last.counts,
        .p50 = el_histogram_percentile(run->second, 50),
        .p99 = el_histogram_percentile(run->second, 99),
        .max = el_histogram_max(run->second),
        .load_cpu = cores_used(load_cpu, run->last.load_cpu, elapsed),
        .server_cpu = cores_used(server_cpu, run->last.server_cpu, elapsed),
    };
    bench_counts_add(&progress.second, &before, -1);
    if ((int64_t)progress.second.lost < 0)
        progress.second.lost = 0; /* what came late was lost in an earlier second */
    run->load->progress(run->load->arg, &progress);
    run->next_second = el_time_after(run->next_second, EL_S);
}

/* ---- time passes ------------------------------------------------------------------------------ */

/* False: it is over early, because it was stopped or a thread has ended. */
static bool goes_on(struct run *run)
{
    if (run->load->stop != NULL && atomic_load(run->load->stop)) {
        run->sample->interrupted = true;
        return false;
    }
    return bench_crew_look(&run->crew);
}

/* Until a thread says something, a signal came, or `until`. */
static void nap(const struct run *run, el_time until, el_time now)
{
    el_duration left = el_time_left(until, now);
    left = left < LONGEST_WAIT ? left : LONGEST_WAIT;
    struct timespec length = el_timespec(left);
    struct pollfd ready = {.fd = run->crew.ready_fd, .events = POLLIN};
    ppoll(&ready, 1, &length, NULL); /* EINTR: the loop looks at load->stop */
}

/* False: it is over early. */
static bool pass_time(struct run *run, el_time until)
{
    for (;;) {
        if (!goes_on(run))
            return false;
        el_time now = el_now();
        if (now >= until)
            return true;
        if (run->second != NULL && now >= run->next_second)
            tell_progress(run, now);
        nap(run, run->second != NULL ? el_earliest(until, run->next_second) : until, now);
    }
}

static bool gather(struct run *run)
{
    while (goes_on(run)) {
        if (run->crew.ready >= run->crew.running)
            return true;
        nap(run, EL_NEVER, el_now());
    }
    return false;
}

/* ---- the run ---------------------------------------------------------------------------------- */

/* The server's CPU is read before the phase changes, here and at the end: reading takes the same time at both, so the stretch is
 * as long as the one that is measured. */
static void begin_measuring(struct run *run)
{
    run->server_cpu = server_cpu_now(run);
    bench_crew_measure(&run->crew);
    run->began = el_now();
    run->next_second = el_time_after(run->began, EL_S);
    run->measured = true;
    if (run->second != NULL) {
        el_histogram_clear(run->second);
        bench_crew_second(&run->crew, run->second);
        remember(run, run->began);
    }
}

static void end_measuring(struct run *run)
{
    struct bench_sample *sample = run->sample;
    el_duration server = server_cpu_now(run), most;
    sample->load_cpu = bench_crew_cpu(&run->crew, &most);
    bench_crew_halt(&run->crew);
    sample->elapsed = el_now() - run->began;
    if (run->second != NULL && el_now() + EL_S / 10 >= run->next_second)
        tell_progress(run, el_now()); /* the last whole second ends with the run */
    bench_crew_stop(&run->crew);
    sample->busiest = sample->elapsed > 0 ? (double)most / (double)sample->elapsed : 0;
    if (server >= 0 && run->server_cpu >= 0)
        sample->server_cpu = server - run->server_cpu;
}

static void conduct(struct run *run)
{
    if (!gather(run))
        return;
    run->sample->begun = true;
    el_time start = el_now();
    run->began = el_time_after(start, run->load->warmup);
    run->next_second = el_time_after(start, EL_S);
    bench_crew_go(&run->crew, start);
    if (run->second != NULL)
        remember(run, start);
    if (!pass_time(run, run->began))
        return;
    begin_measuring(run);
    pass_time(run, el_time_after(run->began, run->load->duration));
    end_measuring(run);
}

int bench_run(const struct bench_load *load, struct bench_sample *sample)
{
    *sample = (struct bench_sample){.server_cpu = -1};
    const char *why = nonsense(load);
    if (why != NULL) {
        sample->error = EINVAL;
        snprintf(sample->failure, sizeof sample->failure, "%s", why);
        return -EINVAL;
    }
    struct run run = {.load = load, .sample = sample};
    int error = prepare(&run);
    if (error == 0) {
        error = bench_crew_start(&run.crew, load, sample->failure);
        if (error == 0)
            conduct(&run);
        bench_crew_stop(&run.crew);
        bench_crew_merge(&run.crew, sample);
        bench_crew_free(&run.crew);
    }
    el_histogram_free(run.second);
    /* Between two instants there is not always a whole number of intervals: one message more or less is no fault. */
    double due = load->rate * (double)sample->elapsed / (double)EL_S;
    sample->kept_rate = load->rate > 0 && (double)sample->counts.sent + 1 >= 0.99 * due;
    if (error == 0 && !run.measured)
        error = -sample->error; /* 0: interrupted before the measuring began */
    if (error < 0 && sample->error == 0)
        sample->error = -error;
    return error;
}
