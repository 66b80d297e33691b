/*
 * crew.c - the threads of one run: made, started together, watched, stopped.
 *
 * Owns:     the life of the threads, their cores, and the one place where what they counted is put together.
 * Partner:  run.c decides when; tcp.c, udp.c and connect.c are what the threads do.
 * Leaves out: locks on the way of a message. A thread counts for itself; the one lock that it takes, once a read and only when progress is told,
 *           guards the histogram of the second, which another thread takes away from it.
 * Next:     tcp.c.
 */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FAILURE = sizeof((struct bench_sample *)0)->failure };

/* ---- what a thread calls ---------------------------------------------------------------------- */

/* Adds 1 to an eventfd. Cannot fail: it blocks only at 2^64 - 1 (eventfd(2)). */
static void tell(int fd)
{
    const uint64_t one = 1;
    ssize_t written;
    do {
        written = write(fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

static void wait_for(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    while (poll(&wanted, 1, -1) < 0 && errno == EINTR)
        ;
}

bool bench_thread_ready(struct bench_thread *thread)
{
    tell(thread->ready_fd);
    wait_for(thread->go_fd); /* bench_crew_stop writes it too, so this ends */
    return bench_thread_phase(thread) != BENCH_STOP;
}

void bench_thread_fail(struct bench_thread *thread, int error, const char *format, ...)
{
    if (thread->error != 0)
        return;
    thread->error = error;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(thread->failure, sizeof thread->failure, format, arguments);
    va_end(arguments);
}

/* ---- the life of a thread --------------------------------------------------------------------- */

/* Threads follow each other over the cores that we may use (taskset(1)) and begin anew after the last: two on one core is slow, but no error. */
int bench_core_of(const struct bench_load *load, unsigned thread)
{
    cpu_set_t allowed;
    int core = load->cpu;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0 || CPU_COUNT(&allowed) == 0)
        return core;
    for (unsigned step = thread % (unsigned)CPU_COUNT(&allowed); step > 0; step--)
        do
            core = (core + 1) % CPU_SETSIZE;
        while (!CPU_ISSET(core, &allowed));
    return core;
}

static bool pin(struct bench_thread *thread)
{
    if (thread->load->cpu < 0)
        return true;
    int core = bench_core_of(thread->load, thread->index);
    cpu_set_t set;
    CPU_ZERO(&set);
    if (core < CPU_SETSIZE)
        CPU_SET(core, &set);
    /* EINVAL: there is no such core, or a cpuset (cgroup) keeps us from it (sched_setaffinity(2)). */
    if (sched_setaffinity(0, sizeof set, &set) == 0)
        return true;
    bench_thread_fail(thread, errno, "pin to core %d: %s", core, strerror(errno));
    return false;
}

/*
 * [#one-core] Where server and generator share a core, the scheduler decides at each message whether the server runs at once or when
 * the generator sleeps, by who has had more of the core. With shares nearly equal it decides now this way and now that, and the latencies have
 * two modes, some 3 us apart. A generator that is entitled to less is always put aside. On Linux setpriority(2) is about one thread, and
 * to be nicer is never refused.
 */
static void be_nice(const struct bench_thread *thread)
{
    if (thread->load->nice > 0)
        setpriority(PRIO_PROCESS, (id_t)gettid(), thread->load->nice);
}

/*
 * A thread stays until the run is over, also when its engine has given up: the clock of a thread that is gone cannot be read.
 */
static void *work(void *arg)
{
    struct bench_thread *thread = arg;
    static void (*const engines[])(struct bench_thread *) = {
        [BENCH_TCP] = bench_tcp_engine,
        [BENCH_UDP] = bench_udp_engine,
        [BENCH_CONNECT] = bench_connect_engine,
    };
    /* [#timer-slack] The kernel may let a timer of ours be 50 us late, to wake up less often (prctl(2), PR_SET_TIMERSLACK). A message
     * that is due is not to wait for that. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    be_nice(thread);
    if (pin(thread))
        engines[thread->load->kind](thread);
    atomic_store(&thread->ended, true);
    tell(thread->ready_fd);
    wait_for(thread->wake_fd);
    return NULL;
}

static int make_thread(struct bench_thread *thread, const struct bench_crew *crew)
{
    bool open_loop = crew->load->rate > 0;
    thread->latency = el_histogram_new();
    thread->corrected = open_loop ? el_histogram_new() : NULL;
    thread->pace = open_loop ? el_histogram_new() : NULL;
    thread->second = crew->spare != NULL ? el_histogram_new() : NULL;
    bool there = thread->latency != NULL && (!open_loop || thread->corrected != NULL) &&
                 (!open_loop || thread->pace != NULL) &&
                 (crew->spare == NULL || thread->second != NULL);
    return there ? 0 : -ENOMEM;
}

/*
 * Signals are for the thread that called bench_run: a handler that sets load->stop shall end its wait, not a read of one of these. They
 * inherit the mask of their maker.
 */
static int start_threads(struct bench_crew *crew)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    while (error == 0 && crew->running < crew->load->threads) {
        struct bench_member *member = &crew->members[crew->running];
        error = -pthread_create(&member->id, NULL, work, &member->thread);
        if (error == 0)
            error = -pthread_getcpuclockid(member->id, &member->clock);
        crew->running += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static unsigned share_of(unsigned all, unsigned threads, unsigned thread)
{
    return all / threads + (thread < all % threads);
}

/* The sockets of the run, and its rate, in shares that differ by one socket at most. */
static int make_members(struct bench_crew *crew)
{
    const struct bench_load *load = crew->load;
    unsigned first = 0, first_idle = load->connections;
    for (unsigned i = 0; i < load->threads; i++) {
        struct bench_thread *thread = &crew->members[i].thread;
        unsigned share = share_of(load->connections, load->threads, i);
        thread->load = load;
        thread->index = i;
        thread->first = first;
        thread->connections = share;
        thread->first_idle = first_idle;
        thread->idle = share_of(load->idle, load->threads, i);
        thread->rate = load->rate * share / load->connections;
        thread->phase = &crew->phase;
        thread->wake_fd = crew->wake_fd;
        thread->go_fd = crew->go_fd;
        thread->ready_fd = crew->ready_fd;
        first += share;
        first_idle += thread->idle;
        pthread_mutex_init(&thread->second_lock, NULL);
        int error = make_thread(thread, crew);
        if (error < 0)
            return error;
    }
    return 0;
}

int bench_crew_start(struct bench_crew *crew, const struct bench_load *load, char *failure)
{
    const int flags = EFD_CLOEXEC | EFD_NONBLOCK;
    *crew = (struct bench_crew){.load = load};
    crew->wake_fd = eventfd(0, flags);
    crew->go_fd = eventfd(0, flags);
    crew->ready_fd = eventfd(0, flags);
    if (crew->wake_fd < 0 || crew->go_fd < 0 || crew->ready_fd < 0) {
        int error = errno;
        snprintf(failure, FAILURE, "eventfd: %s", strerror(error));
        return -error;
    }
    crew->members = calloc(load->threads, sizeof *crew->members);
    crew->spare = load->progress != NULL ? el_histogram_new() : NULL;
    if (crew->members == NULL || (load->progress != NULL && crew->spare == NULL))
        return -ENOMEM;
    int error = make_members(crew);
    if (error == 0 && (error = start_threads(crew)) < 0)
        snprintf(failure, FAILURE, "thread %u of the generator: %s", crew->running,
                 strerror(-error));
    return error;
}

/* ---- while it runs ---------------------------------------------------------------------------- */

bool bench_crew_look(struct bench_crew *crew)
{
    uint64_t said = 0;
    if (read(crew->ready_fd, &said, sizeof said) == (ssize_t)sizeof said)
        crew->ready += (unsigned)said;
    for (unsigned i = 0; i < crew->running; i++)
        if (atomic_load(&crew->members[i].thread.ended))
            return false;
    return true;
}

void bench_crew_go(struct bench_crew *crew, el_time start)
{
    double rate = crew->load->rate;
    for (unsigned i = 0; i < crew->running; i++) /* all threads together are evenly spaced too */
        crew->members[i].thread.start = start + (rate > 0 ? (el_time)(i * (EL_S / rate)) : 0);
    atomic_store(&crew->phase, BENCH_WARM_UP);
    tell(crew->go_fd);
}

static el_duration cpu_of(const struct bench_member *member)
{
    struct timespec used = {0};
    clock_gettime(member->clock, &used);
    return used.tv_sec * EL_S + used.tv_nsec;
}

void bench_crew_measure(struct bench_crew *crew)
{
    for (unsigned i = 0; i < crew->running; i++)
        crew->members[i].cpu = cpu_of(&crew->members[i]);
    atomic_store(&crew->phase, BENCH_MEASURE);
}

el_duration bench_crew_cpu(const struct bench_crew *crew, el_duration *most)
{
    el_duration sum = 0;
    *most = 0;
    for (unsigned i = 0; i < crew->running; i++) {
        el_duration used = cpu_of(&crew->members[i]) - crew->members[i].cpu;
        sum += used;
        *most = used > *most ? used : *most;
    }
    return sum;
}

enum { COUNTERS = sizeof(struct bench_counts) / sizeof(uint64_t) };
_Static_assert(sizeof(struct bench_counts) % sizeof(uint64_t) == 0, "counters alone");

void bench_counts_add(struct bench_counts *into, const struct bench_counts *from, int sign)
{
    uint64_t *to = (uint64_t *)into;
    const uint64_t *more = (const uint64_t *)from;
    for (size_t i = 0; i < COUNTERS; i++) /* another thread may be counting: see counter.h */
        to[i] += (uint64_t)(int64_t)sign * __atomic_load_n(&more[i], __ATOMIC_RELAXED);
}

struct bench_counts bench_crew_counts(const struct bench_crew *crew)
{
    struct bench_counts sum = {0};
    for (unsigned i = 0; i < crew->running; i++) {
        bench_counts_add(&sum, &crew->members[i].thread.warm, 1);
        bench_counts_add(&sum, &crew->members[i].thread.counts, 1);
    }
    return sum;
}

/* The lock is held for an exchange of pointers; reading and clearing 30 KiB is done when the thread has a fresh one. */
void bench_crew_second(struct bench_crew *crew, struct el_histogram *into)
{
    for (unsigned i = 0; i < crew->running; i++) {
        struct bench_thread *thread = &crew->members[i].thread;
        pthread_mutex_lock(&thread->second_lock);
        struct el_histogram *full = thread->second;
        thread->second = crew->spare;
        pthread_mutex_unlock(&thread->second_lock);
        el_histogram_merge(into, full);
        el_histogram_clear(full);
        crew->spare = full;
    }
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* A thread may see it at once and leave its engine, but it stays in work() until it is woken. */
void bench_crew_halt(struct bench_crew *crew)
{
    atomic_store(&crew->phase, BENCH_STOP);
}

void bench_crew_stop(struct bench_crew *crew)
{
    if (crew->running == 0)
        return;
    bench_crew_halt(crew);
    tell(crew->wake_fd);
    tell(crew->go_fd);
    for (unsigned i = 0; i < crew->running; i++)
        pthread_join(crew->members[i].id, NULL);
    crew->running = 0;
}

void bench_crew_merge(const struct bench_crew *crew, struct bench_sample *sample)
{
    for (unsigned i = 0; i < crew->load->threads && crew->members != NULL; i++) {
        const struct bench_thread *thread = &crew->members[i].thread;
        if (thread->latency == NULL)
            return; /* the rest was never made */
        bench_counts_add(&sample->counts, &thread->counts, 1);
        el_histogram_merge(sample->latency, thread->latency);
        if (thread->corrected != NULL)
            el_histogram_merge(sample->corrected, thread->corrected);
        if (thread->pace != NULL)
            el_histogram_merge(sample->pace, thread->pace);
        if (thread->error != 0 && sample->error == 0) {
            sample->error = thread->error;
            memcpy(sample->failure, thread->failure, sizeof sample->failure);
        }
    }
}

void bench_crew_free(struct bench_crew *crew)
{
    for (unsigned i = 0; i < crew->load->threads && crew->members != NULL; i++) {
        struct bench_thread *thread = &crew->members[i].thread;
        el_histogram_free(thread->latency);
        el_histogram_free(thread->corrected);
        el_histogram_free(thread->pace);
        el_histogram_free(thread->second);
        if (thread->load != NULL)
            pthread_mutex_destroy(&thread->second_lock);
    }
    free(crew->members);
    el_histogram_free(crew->spare);
    const int fds[] = {crew->wake_fd, crew->go_fd, crew->ready_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}
