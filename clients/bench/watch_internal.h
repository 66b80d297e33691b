/*
 * watch_internal.h - a process and its descendants: what the parts of watch.h share.
 */
#ifndef ECHOLAB_BENCH_WATCH_INTERNAL_H
#define ECHOLAB_BENCH_WATCH_INTERNAL_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* What we need of /proc/PID/stat (proc(5)). */
struct process_stat {
    pid_t parent;
    uint64_t ended_children; /* cutime + cstime, ticks */
};

struct process_list { /* zeroed: empty */
    pid_t *pid;       /* owned */
    size_t count, capacity;
};

enum process_way {
    PROCESS_ANY_WAY,  /* by children, and by parents where the kernel does not tell children */
    PROCESS_CHILDREN, /* /proc/PID/task/TID/children: needs CONFIG_PROC_CHILDREN */
    PROCESS_PARENTS,  /* the parent of every process on this machine */
};

/* `pid`, then its descendants, parents before children. 0, -ESRCH, -ENOMEM, -ENOENT: not by this way. */
int process_list_tree(struct process_list *list, pid_t pid, enum process_way way);
int process_list_add(struct process_list *list, pid_t pid); /* 0 or -ENOMEM */
void process_list_free(struct process_list *list);

int process_stat_read(pid_t pid, struct process_stat *stat); /* 0, -ESRCH, -EINVAL */

/* Calls `see` with each numeric name in a directory of /proc. 0, -errno of opendir(3), or what `see` returned not 0. */
int process_each(const char *directory, int (*see)(void *arg, pid_t number), void *arg);

/* The numbers in a file of /proc/PID, opened for reading; NULL with errno. */
FILE *process_open(pid_t pid, const char *file);

#endif
