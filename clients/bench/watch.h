/*
 * watch.h - what can be seen of a server from outside: its CPU, its memory, its system calls.
 *
 * Of a process and all its descendants, because some models fork. Nothing here slows the server down, but for
 * syscalls_trace (strace), which is for runs of its own.
 */
#ifndef ECHOLAB_BENCH_WATCH_H
#define ECHOLAB_BENCH_WATCH_H

#include "address.h"
#include "deadline.h"

#include <sys/types.h>

/* Who listens there (SOCK_STREAM) or is bound there (SOCK_DGRAM): through /proc/net and /proc/PID/fd of this network
 * namespace. 0: nobody whose descriptors we may read. */
pid_t bench_watch_owner(const struct el_address *address, int type);

/* CPU time of `pid`, its threads and its descendants, ns (clock_getcpuclockid(3); ended children as the kernel tells,
 * in ticks of 10 ms). Negative: -errno. */
el_duration bench_watch_cpu(pid_t pid);

/* Bytes that `pid` and its descendants have for themselves: PSS of /proc/PID/smaps_rollup, else RSS. Negative: -errno. */
int64_t bench_watch_memory(pid_t pid);

/* Counts system calls of `pid` and its descendants: the tracepoint raw_syscalls:sys_enter by perf_event_open(2), which costs the server next to
 * nothing and needs privilege. NULL with errno: EACCES, EPERM, ENOENT. */
struct bench_syscalls;
struct bench_syscalls *bench_syscalls_open(pid_t pid);
uint64_t bench_syscalls_read(const struct bench_syscalls *syscalls); /* since opened */
void bench_syscalls_close(struct bench_syscalls *syscalls);

#endif
