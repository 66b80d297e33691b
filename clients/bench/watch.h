/*
 * watch.h - what can be seen of a server from outside: its CPU, its memory, its system calls.
 *
 * Of a process and all its descendants, because some models fork. Nothing here slows the server down, but for
 * bench_strace_argv, which is for runs of its own.
 */
#ifndef ECHOLAB_BENCH_WATCH_H
#define ECHOLAB_BENCH_WATCH_H

#include "address.h"
#include "deadline.h"

#include <sys/types.h>

/* Who listens there (SOCK_STREAM) or is bound there (SOCK_DGRAM): through /proc/net and /proc/PID/fd of this network
 * namespace. A listener on a wildcard counts, if none has the very address. Of several processes that share
 * the socket, the one that the others descend from. 0: nobody whose descriptors we may read. */
pid_t bench_watch_owner(const struct el_address *address, int type);

/*
 * CPU time of `pid`, its threads and its descendants, ns (clock_getcpuclockid(3)). Negative: -errno, -ESRCH: it is gone.
 *
 * Children that ended count too, as soon as they have been waited for, but the kernel tells their time in ticks of 10 ms
 * [#children-in-ticks]: user and system time of each process's ended children are cut to whole ticks. So a look may be
 * less than 20 ms too low for each living process that has waited for children (that does not add up: the
 * kernel keeps nanoseconds and cuts only what it shows), and because a living child counts exactly, its end
 * may make a look lower than the one before. Whoever takes differences uses bench_watch_cpu_after.
 * Not seen at all: children that nobody waits for (SIGCHLD ignored), and those of a child that ended before them.
 */
el_duration bench_watch_cpu(pid_t pid);

/* The same, never less than `earlier`, the result of an earlier look at the same pid; -errno as above. */
el_duration bench_watch_cpu_after(pid_t pid, el_duration earlier);

/* Bytes that `pid` and its descendants have for themselves: PSS of /proc/PID/smaps_rollup, else RSS. Negative: -errno. */
int64_t bench_watch_memory(pid_t pid);

/*
 * Counts system calls of `pid` and its descendants: the tracepoint raw_syscalls:sys_enter by perf_event_open(2), which costs the
 * server next to nothing and needs privilege. NULL with errno: EACCES, EPERM; ENOENT: this kernel, or this mount
 * namespace, shows no tracepoints; ESRCH. Threads and children that begin later are counted with the one that
 * made them; one that begins while this function runs may be missed.
 */
struct bench_syscalls;
struct bench_syscalls *bench_syscalls_open(pid_t pid);
uint64_t bench_syscalls_read(const struct bench_syscalls *syscalls); /* since opened */
void bench_syscalls_close(struct bench_syscalls *syscalls);

/*
 * The second way, which needs no privilege: the server runs under strace(1). `argv` (borrowed, NULL-ended) behind
 * "strace -f -qq -c -o FILE --"; `file` is borrowed too. Free the result with free(). NULL: out of memory.
 *
 * The server has the pid that its ready line tells, not the one that was started: signals are for it, strace
 * blocks them for itself, and writes FILE when the last of its processes has ended.
 * [#strace-slows] Each call then takes some ten microseconds more, so more messages wait when the server looks again, its
 * batches grow, and it makes fewer calls a message than without: a lower bound, and never a run to take times from.
 * Starting and stopping are counted as well: take the difference of two runs, or make the run long.
 */
char **bench_strace_argv(char *const argv[], const char *file);

/* Calls in all, of what strace -c wrote there; -errno; -EINVAL: not such a table, or it is not complete. */
int64_t bench_strace_calls(const char *file);
int64_t bench_strace_total(const char *text); /* the same of its text */

#endif
