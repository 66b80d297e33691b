/*
 * syscalls.c - how many system calls a server makes, counted by the kernel itself.
 *
 * Teaches:  a tracepoint is a place in the kernel that costs nothing until somebody looks; perf_event_open(2) puts a
 *           counter on it, for one thread and whatever that thread makes (inherit). strace stops
 *           the process twice a call instead: see watch.h [#strace-slows].
 * Partner:  ladder.c, for the column "syscalls per message"
 * Leaves out: which calls they are: one number is what the table needs. Needs CAP_PERFMON or
 *           perf_event_paranoid -1 (perf_event_open(2), kernel's perf-security.rst).
 * Next:     syscalls_strace.c, the way without privilege
 */
#include "watch.h"
#include "watch_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT "/events/raw_syscalls/sys_enter/id"
static const char private_place[] = "/sys/kernel/tracing";

struct bench_syscalls {
    struct process_list fds; /* descriptors are numbers, too */
    uint64_t id;
};

/* ---- the number of the tracepoint ----------------------------------------------------------- */

/* Only with calls that a child of fork(2) may make in a program with threads (signal-safety(7)). */
static int read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, text, size - 1);
    int error = errno;
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got < 0 ? -error : 0;
}

/* In the child: a tracefs that only this process sees, and that goes with it. */
static void tell_from_own_mount(int to)
{
    char text[32];
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("none", private_place, "tracefs", MS_RDONLY, NULL) == 0 &&
        read_text("/sys/kernel/tracing" EVENT, text, sizeof text) == 0 &&
        write(to, text, strlen(text)) > 0)
        _exit(0);
    _exit(1);
}

/*
 * [#tracefs-not-mounted] Where nobody has mounted tracefs, we do it, but not for the whole machine: in a child with a
 * mount namespace of its own, which reads the number and ends. Needs CAP_SYS_ADMIN, as the counter would anyway.
 */
static int read_by_own_mount(char *text, size_t size)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0)
        tell_from_own_mount(ends[1]);
    close(ends[1]);
    ssize_t got = child < 0 ? -1 : read(ends[0], text, size - 1);
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? 0 : -ENOENT;
}

static int read_id(uint64_t *id)
{
    static const char *const places[] = {"/sys/kernel/tracing" EVENT,
                                         "/sys/kernel/debug/tracing" EVENT};
    char text[32];
    int result = read_text(places[0], text, sizeof text);
    if (result == -ENOENT)
        result = read_text(places[1], text, sizeof text);
    if (result == -ENOENT)
        result = read_by_own_mount(text, sizeof text);
    if (result < 0)
        return result;
    *id = strtoull(text, NULL, 10);
    return *id > 0 ? 0 : -ENOENT;
}

/* ---- the counters --------------------------------------------------------------------------- */

static int count_thread(void *arg, pid_t thread)
{
    struct bench_syscalls *syscalls = arg;
    struct perf_event_attr attr = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof attr,
        .config = syscalls->id,
        .inherit = 1, /* and the threads and children that it makes from now on */
    };
    /* There is no wrapper in libc. cpu -1: wherever the thread runs. */
    int fd = (int)syscall(SYS_perf_event_open, &attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return errno == ESRCH ? 0 : -errno; /* it has just ended */
    if (process_list_add(&syscalls->fds, fd) == 0)
        return 0;
    close(fd);
    return -ENOMEM;
}

static int note_thread(void *arg, pid_t thread)
{
    return process_list_add(arg, thread);
}

/* All threads are listed before the first counter starts: one that is born later is inherited, and not in the list, so no
 * call is counted twice. */
static int list_threads(pid_t pid, struct process_list *threads)
{
    struct process_list tree = {0};
    int result = process_list_tree(&tree, pid, PROCESS_ANY_WAY);
    for (size_t i = 0; result == 0 && i < tree.count; i++) {
        char directory[64];
        snprintf(directory, sizeof directory, "/proc/%d/task", (int)tree.pid[i]);
        result = process_each(directory, note_thread, threads);
        if (result == -ENOENT && i > 0)
            result = 0; /* a child that has ended meanwhile */
    }
    process_list_free(&tree);
    return result;
}

struct bench_syscalls *bench_syscalls_open(pid_t pid)
{
    struct process_list threads = {0};
    struct bench_syscalls *syscalls = calloc(1, sizeof *syscalls);
    int result = syscalls == NULL ? -ENOMEM : read_id(&syscalls->id);
    if (result == 0)
        result = list_threads(pid, &threads);
    for (size_t i = 0; result == 0 && i < threads.count; i++)
        result = count_thread(syscalls, threads.pid[i]);
    if (result == 0 && syscalls->fds.count == 0)
        result = -ESRCH;
    process_list_free(&threads);
    if (result == 0)
        return syscalls;
    bench_syscalls_close(syscalls);
    errno = -result;
    return NULL;
}

uint64_t bench_syscalls_read(const struct bench_syscalls *syscalls)
{
    uint64_t sum = 0, one;
    for (size_t i = 0; i < syscalls->fds.count; i++)
        if (read(syscalls->fds.pid[i], &one, sizeof one) == (ssize_t)sizeof one)
            sum += one;
    return sum;
}

void bench_syscalls_close(struct bench_syscalls *syscalls)
{
    if (syscalls == NULL)
        return;
    for (size_t i = 0; i < syscalls->fds.count; i++)
        close(syscalls->fds.pid[i]);
    process_list_free(&syscalls->fds);
    free(syscalls);
}
