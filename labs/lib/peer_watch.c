/*
 * peer_watch.c - does the program under test sleep, with nothing left to read from us?
 *
 * Three things are read from /proc/PID (proc(5)), of the program, its threads and its children:
 *   task/TID/syscall   in which system call it sleeps. One that ends by itself (nanosleep, poll with a time)
 *                      does not count.
 *                      Where it may not be read, the `S` of task/TID/stat has to do.
 *   task/TID/status    how often it has slept so far: the caller sees by it that it has not run since.
 *   net/tcp, net/udp   bytes that lie in its receive queue. Read in *its* network namespace.
 * And SIOCOUTQ of tcp(7) says what of ours its kernel has not acknowledged. A program that was woken by a
 * packet is not asleep any more, though it may have to wait for a processor: its state is R, not S.
 */
#include "peer_run.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

/*
 * The system calls in which a program waits for others; and which argument, from 1, says for how long. With
 * one that ends by itself the program may still have something to say. (SO_RCVTIMEO cannot be seen here.)
 */
static const struct wait_call {
    long number;
    const char *name;
    int milliseconds; /* an int: negative is for ever */
    int pointer;      /* to a time: NULL is for ever */
} waits[] = {
    {SYS_read, "read", 0, 0},
    {SYS_readv, "readv", 0, 0},
    {SYS_recvfrom, "recvfrom", 0, 0},
    {SYS_recvmsg, "recvmsg", 0, 0},
    {SYS_recvmmsg, "recvmmsg", 0, 5},
    {SYS_accept, "accept", 0, 0},
    {SYS_accept4, "accept4", 0, 0},
    {SYS_ppoll, "ppoll", 0, 3},
    {SYS_pselect6, "pselect", 0, 5},
    {SYS_epoll_pwait, "epoll_pwait", 4, 0},
    {SYS_wait4, "wait4", 0, 0},
    {SYS_waitid, "waitid", 0, 0},
    {SYS_futex, "futex", 0, 4},
    {SYS_write, "write", 0, 0},
    {SYS_sendto, "sendto", 0, 0},
    {SYS_connect, "connect", 0, 0},
    {SYS_io_uring_enter, "io_uring_enter", 0, 0},
    {SYS_rt_sigsuspend, "sigsuspend", 0, 0},
#ifdef SYS_poll /* the older calls are not on every architecture */
    {SYS_poll, "poll", 3, 0},
#endif
#ifdef SYS_select
    {SYS_select, "select", 0, 5},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", 4, 0},
#endif
#ifdef SYS_pause
    {SYS_pause, "pause", 0, 0},
#endif
};

/* The first `size` - 1 bytes of a file of /proc. Returns 0 or -errno. */
static int read_proc(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    size_t got = fread(text, 1, size - 1, file);
    int error = ferror(file) ? -errno : 0;
    text[got] = '\0';
    fclose(file);
    return error;
}

/* What is counted while threads are looked at. */
struct look {
    uint64_t switches;
    bool any; /* every sleep will do, also one that ends by itself */
};

/* Its name, from `NUMBER 0xARGUMENT ...`; NULL when it is another, or ends by itself. */
static const char *wait_in(const char *text, bool any)
{
    unsigned long long argument[6] = {0};
    long number;
    if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &number, &argument[0], &argument[1],
               &argument[2], &argument[3], &argument[4], &argument[5]) < 1)
        return NULL; /* "running" */
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        const struct wait_call *call = &waits[i];
        if (call->number != number)
            continue;
        bool ends = (call->milliseconds > 0 && (int)argument[call->milliseconds - 1] >= 0) ||
                    (call->pointer > 0 && argument[call->pointer - 1] != 0);
        return ends && !any ? NULL : call->name;
    }
    return any ? "another call" : NULL;
}

/* The call in which one thread sleeps; NULL when it runs, or sleeps for a time of its own. */
static const char *sleeps_in(const char *task, bool any)
{
    char path[128], text[512];
    snprintf(path, sizeof path, "%s/stat", task);
    if (read_proc(path, text, sizeof text) < 0)
        return NULL;
    const char *state = strrchr(text, ')'); /* the name before it may hold anything */
    if (state == NULL || strlen(state) < 3)
        return NULL;
    if (state[2] == 'Z' || state[2] == 'X')
        return "gone";
    if (state[2] != 'S')
        return NULL;
    snprintf(path, sizeof path, "%s/syscall", task);
    if (read_proc(path, text, sizeof text) < 0)
        return "a system call";
    return wait_in(text, any);
}

static uint64_t switches_of(const char *task)
{
    char path[128], text[4096];
    snprintf(path, sizeof path, "%s/status", task);
    if (read_proc(path, text, sizeof text) < 0)
        return 0;
    static const char *const keys[] = {"\nvoluntary_ctxt_switches:",
                                       "\nnonvoluntary_ctxt_switches:"};
    uint64_t sum = 0;
    for (size_t i = 0; i < 2; i++) {
        const char *found = strstr(text, keys[i]);
        if (found != NULL)
            sum += strtoull(found + strlen(keys[i]), NULL, 10);
    }
    return sum;
}

static const char *process_sleeps(pid_t pid, struct look *look, int depth);

/* The children of one thread must sleep too. Most programs have none. */
static bool children_sleep(const char *task, struct look *look, int depth)
{
    char path[128], text[4096];
    snprintf(path, sizeof path, "%s/children", task);
    if (depth == 0 || read_proc(path, text, sizeof text) < 0)
        return true;
    char *end, *at = text;
    for (long child; (child = strtol(at, &end, 10)) > 0 && end != at; at = end)
        if (process_sleeps((pid_t)child, look, depth - 1) == NULL)
            return false;
    return true;
}

/* Where the first thread sleeps, when all threads and children do. "gone": there is no such process. */
static const char *process_sleeps(pid_t pid, struct look *look, int depth)
{
    char path[64], task[96];
    const char *where = NULL;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return "gone";
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(task, sizeof task, "%s/%.20s", path, entry->d_name);
        const char *call = sleeps_in(task, look->any);
        look->switches += switches_of(task);
        if (call == NULL || !children_sleep(task, look, depth)) {
            closedir(tasks);
            return NULL;
        }
        if (where == NULL)
            where = call;
    }
    closedir(tasks);
    return where;
}

/*
 * Does this table of sockets have bytes in the receive queue of the one that we write to?
 *  sl local_address rem_address st tx_queue:rx_queue ... : the ports are enough to know it by.
 */
static bool has_unread(const char *path, uint16_t port, uint16_t our_port)
{
    char line[512];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool unread = false;
    while (!unread && fgets(line, sizeof line, file) != NULL) {
        unsigned local, remote, waiting;
        if (sscanf(line, " %*d: %*32[0-9A-F]:%x %*32[0-9A-F]:%x %*x %*x:%x", &local, &remote,
                   &waiting) == 3)
            unread = local == port && (our_port == 0 || remote == our_port) && waiting > 0;
    }
    fclose(file);
    return unread;
}

/* Does something of what we sent lie unread: in its receive queue, or in ours because that one is full? */
static bool is_unread(pid_t pid, const struct peer_end *end)
{
    bool stream = end->kind == PEER_STREAM;
    uint16_t port = el_address_port(stream ? &end->peer : &end->to);
    for (int six = 0; six < 2; six++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/net/%s%s", (int)pid, stream ? "tcp" : "udp",
                 six ? "6" : "");
        if (has_unread(path, port, stream ? el_address_port(&end->local) : 0))
            return true;
    }
    return false;
}

static bool is_on_its_way(const struct peer_end *end)
{
    int unsent = 0;
    return end->kind == PEER_STREAM && ioctl(end->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0;
}

enum { DEPTH = 8 }; /* of children's children */

const char *peer_watch(pid_t pid, const struct peer_end *end, struct peer_watched *seen)
{
    struct look look = {0};
    const char *call = process_sleeps(pid, &look, DEPTH);
    *seen = (struct peer_watched){.switches = look.switches};
    if (call == NULL || end == NULL)
        return call;
    seen->unread = is_unread(pid, end);
    return seen->unread || !is_on_its_way(end) ? call : NULL;
}

el_duration peer_processor_time(pid_t pid)
{
    clockid_t clock; /* another process's is to be had too: clock_getcpuclockid(3) */
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
        return 0;
    return time.tv_sec * EL_S + time.tv_nsec;
}

bool peer_is_settled(pid_t pid, el_duration limit)
{
    enum { LOOK_MS = 10, LOOKS = 3 };
    el_time deadline = el_time_after(el_now(), limit);
    uint64_t before = 0;
    for (unsigned looks = 0; looks < LOOKS; poll(NULL, 0, LOOK_MS)) {
        struct look look = {.any = true};
        const char *call = process_sleeps(pid, &look, DEPTH);
        if ((call != NULL && strcmp(call, "gone") == 0) || el_time_left(deadline, el_now()) == 0)
            return false;
        looks = call != NULL && look.switches == before ? looks + 1 : 0;
        before = look.switches;
        if (looks == LOOKS)
            printf("%s\n", call);
    }
    return true;
}
