/*
 * test_bench_run.c - one run of the load generator, against an echo server of our own.
 *
 * What is asserted is what must hold on any machine, however slow: what is counted is what was recorded, nothing is measured as shorter than it was, and whatever
 * ends a run early is told in words. How fast it is, `make bench` tells.
 */
#include "bench.h"
#include "bench_peer.h"
#include "socket.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

static double ms(el_duration length)
{
    return (double)length / (double)EL_MS;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* What holds for every sample of every run that did not fail. */
static void check_sample(const struct bench_load *load, const struct bench_sample *sample)
{
    const struct bench_counts *counts = &sample->counts;
    ck_assert_str_eq(sample->failure, "");
    ck_assert_int_eq(sample->error, 0);
    ck_assert_uint_gt(counts->received, 0);
    ck_assert_uint_eq(counts->received, el_histogram_count(sample->latency));
    ck_assert_uint_eq(counts->bytes, counts->received * load->size);
    ck_assert_uint_le(difference(counts->sent, counts->received),
                      (uint64_t)load->connections * load->window);
    ck_assert_uint_eq(counts->corrupt + counts->lost + counts->errors, 0);
    ck_assert_int_ge(sample->elapsed, load->duration);
    ck_assert_int_gt(sample->load_cpu, 0);
    ck_assert_double_gt(sample->busiest, 0);
    ck_assert_int_gt(el_histogram_min(sample->latency), 0);
    ck_assert_ptr_eq(load->rate > 0 ? NULL : sample->corrected, NULL);
    if (load->rate > 0) {
        ck_assert_uint_eq(counts->received, el_histogram_count(sample->corrected));
        for (int percent = 0; percent <= 100; percent += 10)
            ck_assert_int_ge(el_histogram_percentile(sample->corrected, percent),
                             el_histogram_percentile(sample->latency, percent));
        ck_assert_uint_le(el_histogram_count(sample->pace), counts->sent);
    }
}

static const struct {
    const char *what;
    enum bench_kind kind;
    unsigned connections, window, threads;
    size_t size;
    double rate;
    el_duration warmup;
} loads[] = {
    {"one", BENCH_TCP, 1, 1, 1, 64, 0, 0},
    {"one byte", BENCH_TCP, 2, 3, 1, 1, 0, 10 * EL_MS},
    {"crowd", BENCH_TCP, 50, 1, 2, 64, 0, 10 * EL_MS},
    {"pipelined, window no power of two", BENCH_TCP, 7, 13, 3, 100, 0, 10 * EL_MS},
    {"as long as the pattern", BENCH_TCP, 2, 2, 1, 65521, 0, 10 * EL_MS},
    {"longer than any buffer", BENCH_TCP, 1, 3, 1, 5000001, 0, 0},
    {"open loop", BENCH_TCP, 3, 2, 2, 64, 5000, 10 * EL_MS},
    {"open loop, large", BENCH_TCP, 2, 2, 1, 200000, 500, 10 * EL_MS},
    {"connect", BENCH_CONNECT, 4, 1, 2, 64, 0, 10 * EL_MS},
    {"connect, large", BENCH_CONNECT, 2, 1, 1, 3000000, 0, 0},
    {"connect, open loop", BENCH_CONNECT, 4, 1, 1, 64, 1000, 10 * EL_MS},
};

START_TEST(counts_are_what_was_recorded)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, loads[_i].kind);
    struct bench_sample sample;
    load.connections = loads[_i].connections;
    load.window = loads[_i].window;
    load.threads = loads[_i].threads;
    load.size = loads[_i].size;
    load.rate = loads[_i].rate;
    load.warmup = loads[_i].warmup;
    load.duration = (loads[_i].size > 1000000 ? 500 : 200) * EL_MS;
    el_time before = el_now();
    ck_assert_msg(bench_run(&load, &sample) == 0, "%s: %s", loads[_i].what, sample.failure);
    check_sample(&load, &sample);
    if (load.rate > 0) /* never ahead of the schedule: its first message was due after `before` */
        ck_assert_double_le((double)sample.counts.sent,
                            load.threads + load.rate * (double)(el_now() - before) / (double)EL_S);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* ---- a server that is stopped ------------------------------------------------------------------ */

static pid_t stopped;

static void let_go_on(int signal_number)
{
    (void)signal_number;
    kill(stopped, SIGCONT);
}

static void stop_for_100_ms(void *arg, const struct bench_progress *progress)
{
    const struct itimerval in_100_ms = {.it_value.tv_usec = 100000};
    (void)arg;
    if (progress->since_start < 0 || progress->since_start > 3 * EL_S / 2)
        return; /* only in the middle */
    kill(stopped, SIGSTOP);
    setitimer(ITIMER_REAL, &in_100_ms, NULL);
}

/*
 * [#coordinated] 1000 messages a second for 2 s, and nothing is answered for 100 ms: 100 of the 2000 were due meanwhile. The slowest 1 % of all, which is what lies above
 * p99, were due in the first 20 ms of the stop, so they waited 80 ms or more. But only one was under way: who measures from the send sees one slow message.
 */
START_TEST(a_stopped_server_is_in_the_corrected_p99_alone)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct sigaction action = {.sa_handler = let_go_on};
    struct bench_sample sample;
    sigaction(SIGALRM, &action, NULL);
    stopped = peer.pid;
    load.rate = 1000;
    load.duration = 2 * EL_S;
    load.progress = stop_for_100_ms;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    check_sample(&load, &sample);
    ck_assert_double_ge(ms(el_histogram_percentile(sample.corrected, 99)), 75);
    ck_assert_double_lt(ms(el_histogram_percentile(sample.latency, 99)), 50);
    ck_assert_double_ge(ms(el_histogram_max(sample.latency)), 95);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* For 2 s, because a busy machine may drop a packet on loopback too, and a SYN is sent again after 1 s. */
START_TEST(a_delay_is_measured_and_never_less)
{
    struct bench_peer peer = bench_peer_start(PEER_SLOW, 20 * EL_MS);
    struct bench_load load = bench_peer_load(&peer, _i == 2 ? BENCH_CONNECT : BENCH_TCP);
    struct bench_sample sample;
    load.rate = _i == 1 ? 20 : 0;
    load.duration = 2 * EL_S;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    check_sample(&load, &sample);
    ck_assert_double_ge(ms(el_histogram_min(sample.latency)), 20);
    ck_assert_double_lt(ms(el_histogram_min(sample.latency)), 500);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* ---- bytes that are not as they were sent ------------------------------------------------------ */

static const struct {
    const char *what;
    enum bench_peer_fault fault;
    uint64_t at;
    unsigned window;
    const char *failure;
} wrongs[] = {
    {"flipped", PEER_FLIPS, 12345, 1, "corrupt: byte 12345 of connection 0 came back as 0x"},
    {"the first flipped", PEER_FLIPS, 0, 1, "corrupt: byte 0 of connection 0 came back as 0x"},
    {"flipped, pipelined", PEER_FLIPS, 70001, 16, "corrupt: byte 70001 of connection 0 came "},
    {"dropped", PEER_DROPS, 2000, 1, "corrupt: byte 2000 of connection 0 came back as 0x"},
    {"repeated", PEER_REPEATS, 2000, 1, "corrupt: byte 2001 of connection 0 came back as 0x"},
    {"the last repeated", PEER_REPEATS, 639, 1, "corrupt: connection 0 sent 640 bytes, and more"},
};

START_TEST(a_wrong_byte_is_found_and_named)
{
    struct bench_peer peer = bench_peer_start(wrongs[_i].fault, wrongs[_i].at);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    load.window = wrongs[_i].window;
    load.duration = 30 * EL_S;
    int error = bench_run(&load, &sample);
    ck_assert_msg(error == 0 || error == -EBADMSG, "%d", error); /* < 0: before it was measured */
    ck_assert_int_eq(sample.error, EBADMSG);
    ck_assert_msg(strncmp(sample.failure, wrongs[_i].failure, strlen(wrongs[_i].failure)) == 0,
                  "%s: %s", wrongs[_i].what, sample.failure);
    ck_assert_uint_eq(sample.counts.received, el_histogram_count(sample.latency));
    if (error == 0)
        ck_assert_uint_le(sample.counts.corrupt, 1);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* Long after the beginning of the measuring, so that it must be in the counts. */
START_TEST(a_wrong_byte_is_counted_as_corrupt)
{
    struct bench_peer peer = bench_peer_start(PEER_FLIPS, 64 * 100 + 3);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    load.rate = 500; /* message 100 is due after 200 ms */
    load.duration = 30 * EL_S;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    ck_assert_uint_eq(sample.counts.corrupt, 1);
    ck_assert_uint_le(sample.counts.received, 100);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

START_TEST(connect_finds_a_wrong_byte_too)
{
    struct bench_peer peer = bench_peer_start(PEER_FLIPS, 63);
    struct bench_load load = bench_peer_load(&peer, BENCH_CONNECT);
    struct bench_sample sample;
    load.duration = 30 * EL_S;
    bench_run(&load, &sample);
    ck_assert_int_eq(sample.error, EBADMSG);
    ck_assert_ptr_nonnull(strstr(sample.failure, "corrupt: byte 63 of connection"));
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* ---- a server that ends, or says nothing ------------------------------------------------------- */

static const struct {
    enum bench_kind kind;
    enum bench_peer_fault fault;
    uint64_t at;
    int error;
    const char *failure;
} endings[] = {
    {BENCH_TCP, PEER_CLOSES, 6400, EPIPE,
     "the server closed connection 0 with 64 bytes unanswered"},
    {BENCH_TCP, PEER_CLOSES, 6440, EPIPE,
     "the server closed connection 0 with 24 bytes unanswered"},
    {BENCH_CONNECT, PEER_CLOSES, 40, EPIPE, "the server closed connection "},
    {BENCH_TCP, PEER_RESETS, 6400, ECONNRESET, "recv: Connection reset by peer"},
    {BENCH_TCP, PEER_SILENT, 6400, ETIMEDOUT,
     "no echo for 0.2s: connection 0 has 64 bytes unanswered"},
    {BENCH_CONNECT, PEER_CLOSES, 0, EPIPE, "the server closed connection "},
    {BENCH_CONNECT, PEER_RESETS, 10, ECONNRESET, "recv: Connection reset by peer"},
    {BENCH_CONNECT, PEER_SILENT, 10, ETIMEDOUT, "no echo for 0.2s"},
};

START_TEST(a_server_that_ends_the_run_is_told_in_words)
{
    struct bench_peer peer = bench_peer_start(endings[_i].fault, endings[_i].at);
    struct bench_load load = bench_peer_load(&peer, endings[_i].kind);
    struct bench_sample sample;
    load.duration = 30 * EL_S;
    if (endings[_i].error == ETIMEDOUT)
        load.read_timeout = 200 * EL_MS;
    el_time before = el_now();
    bench_run(&load, &sample);
    ck_assert_int_lt(el_now() - before, load.duration);
    ck_assert_int_eq(sample.error, endings[_i].error);
    ck_assert_msg(strncmp(sample.failure, endings[_i].failure, strlen(endings[_i].failure)) == 0,
                  "%s", sample.failure);
    ck_assert_uint_le(sample.counts.lost, 1);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* A port that is somebody's, but nobody listens. */
static int bound_socket(struct el_address *address)
{
    const struct el_address local = {
        .length = sizeof local.in,
        .in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
    };
    const struct el_socket_args args = {.type = SOCK_STREAM, .local = local};
    int fd = el_socket_open(AF_INET, &args, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(el_socket_local(fd, address), 0);
    return fd;
}

START_TEST(refused_is_told_in_words)
{
    struct bench_peer nobody = {0};
    int fd = bound_socket(&nobody.address);
    struct bench_load load = bench_peer_load(&nobody, _i == 0 ? BENCH_TCP : BENCH_CONNECT);
    struct bench_sample sample;
    load.connections = 3;
    load.threads = 2;
    load.warmup = 10 * EL_S;
    ck_assert_int_eq(bench_run(&load, &sample), -ECONNREFUSED);
    ck_assert_int_eq(sample.error, ECONNREFUSED);
    ck_assert_str_eq(sample.failure, "connect: Connection refused");
    bench_sample_free(&sample);
    el_socket_close(fd);
}
END_TEST

/* A listener whose queue is full drops each SYN that comes (listen(2)). */
static void fill_queue(int fd, const struct el_address *address, int *queued, size_t count)
{
    ck_assert_int_eq(el_socket_listen(fd, 0, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        queued[i] = el_socket_open(AF_INET, &(struct el_socket_args){.type = SOCK_STREAM}, NULL);
        el_socket_connect(queued[i], address, NULL);
    }
}

START_TEST(a_handshake_that_is_not_answered_ends_at_its_limit)
{
    enum { FULL = 4 };
    struct bench_peer nobody = {0};
    int fd = bound_socket(&nobody.address), queued[FULL];
    fill_queue(fd, &nobody.address, queued, FULL);
    struct bench_load load = bench_peer_load(&nobody, _i == 0 ? BENCH_TCP : BENCH_CONNECT);
    struct bench_sample sample;
    load.connect_timeout = 200 * EL_MS;
    load.warmup = 30 * EL_S;
    ck_assert_int_eq(bench_run(&load, &sample), -ETIMEDOUT);
    ck_assert_str_eq(sample.failure, "connect: Connection timed out");
    bench_sample_free(&sample);
    for (size_t i = 0; i < FULL; i++)
        el_socket_close(queued[i]);
    el_socket_close(fd);
}
END_TEST

/* Nobody answers, and nobody shall wait for it. */
START_TEST(stop_ends_the_connecting_too)
{
    enum { FULL = 4 };
    struct bench_peer nobody = {0};
    const atomic_bool stop = true;
    int fd = bound_socket(&nobody.address), queued[FULL];
    fill_queue(fd, &nobody.address, queued, FULL);
    struct bench_load load = bench_peer_load(&nobody, _i == 0 ? BENCH_TCP : BENCH_CONNECT);
    struct bench_sample sample;
    load.connect_timeout = load.duration = 300 * EL_S;
    load.stop = &stop;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    ck_assert(sample.interrupted);
    ck_assert_str_eq(sample.failure, "");
    bench_sample_free(&sample);
    for (size_t i = 0; i < FULL; i++)
        el_socket_close(queued[i]);
    el_socket_close(fd);
}
END_TEST

/* ---- limits of this machine -------------------------------------------------------------------- */

START_TEST(the_soft_limit_of_descriptors_is_raised)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = 32;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    load.connections = 200;
    load.duration = 300 * EL_MS;
    ck_assert_msg(bench_run(&load, &sample) == 0, "%s", sample.failure);
    check_sample(&load, &sample);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

START_TEST(the_hard_limit_of_descriptors_is_named)
{
    struct bench_peer nobody = {0};
    int fd = bound_socket(&nobody.address);
    struct bench_load load = bench_peer_load(&nobody, BENCH_TCP);
    struct bench_sample sample;
    const struct rlimit files = {100, 100};
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        unit_skip("the hard limit cannot be lowered here (valgrind keeps its own)");
    load.connections = 200;
    ck_assert_int_eq(bench_run(&load, &sample), -EMFILE);
    ck_assert_str_eq(sample.failure,
                     "200 connections need 209 descriptors, the hard limit is 100: ulimit -Hn");
    bench_sample_free(&sample);
    el_socket_close(fd);
}
END_TEST

START_TEST(a_source_that_is_not_ours_is_named)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    ck_assert_int_eq(el_address_from_literal("192.0.2.1", 0, &load.source), 0); /* RFC 5737 */
    ck_assert_int_eq(bench_run(&load, &sample), -EADDRNOTAVAIL);
    ck_assert_str_eq(sample.failure, "bind: Cannot assign requested address "
                                     "(no interface has the source address)");
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

START_TEST(a_core_that_is_not_there_is_named)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    load.cpu = 1000;
    ck_assert_int_eq(bench_run(&load, &sample), -EINVAL);
    ck_assert_str_eq(sample.failure, "pin to core 1000: Invalid argument");
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

START_TEST(a_load_that_makes_no_sense_is_refused)
{
    struct bench_peer nobody = {0};
    el_address_from_literal("127.0.0.1", 7, &nobody.address);
    struct bench_load load = bench_peer_load(&nobody, BENCH_TCP);
    struct bench_sample sample;
    switch (_i) {
    case 0:
        load.connections = 0;
        break;
    case 1:
        load.window = 0;
        break;
    case 2:
        load.size = 0;
        break;
    case 3:
        load.threads = 2; /* more than connections */
        break;
    case 4:
        load.duration = 0;
        break;
    case 5:
        load.rate = -1;
        break;
    case 6:
        load.target.length = 0;
        break;
    default:
        load.read_timeout = 0;
        break;
    }
    ck_assert_int_eq(bench_run(&load, &sample), -EINVAL);
    ck_assert_str_ne(sample.failure, "");
    bench_sample_free(&sample);
}
END_TEST

/* ---- progress, and the end asked for ----------------------------------------------------------- */

struct look {
    unsigned warming, measuring;
    uint64_t received; /* while measuring */
    atomic_bool stop;
    bool stop_when_warming, stop_when_measuring;
};

static void look(void *arg, const struct bench_progress *progress)
{
    struct look *seen = arg;
    bool measuring = progress->since_start >= 0;
    seen->warming += !measuring;
    seen->measuring += measuring;
    if (measuring)
        seen->received += progress->second.received;
    ck_assert_uint_gt(progress->second.received, 0);
    ck_assert_uint_gt(progress->second.sent, 0);
    ck_assert_int_gt(progress->p50, 0);
    ck_assert_int_ge(progress->p99, progress->p50);
    ck_assert_int_ge(progress->max, progress->p99);
    ck_assert_double_gt(progress->load_cpu, 0);
    if (measuring ? seen->stop_when_measuring : seen->stop_when_warming)
        atomic_store(&seen->stop, true);
}

START_TEST(progress_is_told_each_second)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, _i == 0 ? BENCH_TCP : BENCH_CONNECT);
    struct bench_sample sample;
    struct look seen = {0};
    load.connections = load.threads = 2;
    load.rate = _i == 0 ? 2000 : 200; /* who looks each second need not hurry in between */
    load.warmup = 1500 * EL_MS;
    load.duration = 2 * EL_S;
    load.progress = look;
    load.arg = &seen;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    check_sample(&load, &sample);
    ck_assert_uint_eq(seen.warming, 1);
    ck_assert_uint_eq(seen.measuring, 2);
    /* What came between the last of them and the end of the counting is all that may differ. */
    ck_assert_uint_le(difference(seen.received, sample.counts.received),
                      sample.counts.received / 2);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

/* How many threads of ours have this nice value: field 19 of /proc/self/task/TID/stat (proc(5)). */
static unsigned threads_at(int nice)
{
    char path[300], stat[512];
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        int value = -1;
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        const char *end =
            file != NULL && fgets(stat, sizeof stat, file) ? strrchr(stat, ')') : NULL;
        if (end != NULL &&
            sscanf(end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %d",
                   &value) == 1)
            count += value == nice;
        if (file != NULL)
            fclose(file);
    }
    closedir(tasks);
    return count;
}

struct nice_look {
    atomic_bool stop;
    int inherited; /* the test itself may run under nice(1) */
    unsigned nice, others;
};

static void look_who_is_nice(void *arg, const struct bench_progress *progress)
{
    struct nice_look *seen = arg;
    (void)progress;
    seen->nice = threads_at(seen->inherited + 7);
    seen->others = threads_at(seen->inherited);
    atomic_store(&seen->stop, true);
}

START_TEST(the_generator_alone_is_nice)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    struct nice_look seen = {.inherited = getpriority(PRIO_PROCESS, 0)};
    load.connections = load.threads = 2;
    load.nice = seen.inherited + 7;
    load.rate = 2000;
    load.duration = 60 * EL_S;
    load.progress = look_who_is_nice;
    load.arg = &seen;
    load.stop = &seen.stop;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    ck_assert_uint_eq(seen.nice, 2);
    ck_assert_uint_ge(seen.others, 1);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

START_TEST(stop_ends_it_with_what_there_is)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    struct look seen = {.stop_when_warming = _i == 0, .stop_when_measuring = _i == 1};
    load.rate = 2000;
    load.warmup = _i == 0 ? 60 * EL_S : 0;
    load.duration = 60 * EL_S;
    load.progress = look;
    load.arg = &seen;
    load.stop = &seen.stop;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    ck_assert(sample.interrupted);
    ck_assert_int_eq(sample.error, 0);
    ck_assert_int_lt(sample.elapsed, load.duration);
    ck_assert_uint_eq(sample.counts.received, el_histogram_count(sample.latency));
    if (_i == 0) {
        ck_assert_int_eq(sample.elapsed, 0);
        ck_assert_uint_eq(sample.counts.received, 0);
        ck_assert_double_eq(bench_rate_of(&sample), 0);
    } else {
        ck_assert_uint_gt(sample.counts.received, 0);
    }
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

START_TEST(the_servers_cpu_is_watched)
{
    struct bench_peer peer = bench_peer_start(PEER_HONEST, 0);
    struct bench_load load = bench_peer_load(&peer, BENCH_TCP);
    struct bench_sample sample;
    load.server = peer.pid;
    load.duration = 300 * EL_MS;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    check_sample(&load, &sample);
    ck_assert_int_gt(sample.server_cpu, 0);
    ck_assert_double_gt(bench_server_cost(&sample), 0);
    bench_sample_free(&sample);
    bench_peer_stop(&peer);
}
END_TEST

#define LAST(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("bench_run");
    TCase *group = tcase_create("counting");
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, counts_are_what_was_recorded, 0, LAST(loads));
    tcase_add_test(group, a_stopped_server_is_in_the_corrected_p99_alone);
    tcase_add_loop_test(group, a_delay_is_measured_and_never_less, 0, 3);
    tcase_add_test(group, the_servers_cpu_is_watched);
    suite_add_tcase(suite, group);

    group = tcase_create("verifying");
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, a_wrong_byte_is_found_and_named, 0, LAST(wrongs));
    tcase_add_test(group, a_wrong_byte_is_counted_as_corrupt);
    tcase_add_test(group, connect_finds_a_wrong_byte_too);
    suite_add_tcase(suite, group);

    group = tcase_create("failing");
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, a_server_that_ends_the_run_is_told_in_words, 0, LAST(endings));
    tcase_add_loop_test(group, refused_is_told_in_words, 0, 2);
    tcase_add_loop_test(group, a_handshake_that_is_not_answered_ends_at_its_limit, 0, 2);
    tcase_add_loop_test(group, stop_ends_the_connecting_too, 0, 2);
    tcase_add_test(group, the_soft_limit_of_descriptors_is_raised);
    tcase_add_test(group, the_hard_limit_of_descriptors_is_named);
    tcase_add_test(group, a_source_that_is_not_ours_is_named);
    tcase_add_test(group, a_core_that_is_not_there_is_named);
    tcase_add_loop_test(group, a_load_that_makes_no_sense_is_refused, 0, 8);
    suite_add_tcase(suite, group);

    group = tcase_create("watching");
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, progress_is_told_each_second, 0, 2);
    tcase_add_test(group, the_generator_alone_is_nice);
    tcase_add_loop_test(group, stop_ends_it_with_what_there_is, 0, 2);
    suite_add_tcase(suite, group);
    return unit_main(suite);
}
