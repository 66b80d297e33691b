/*
 * watch_process.c - the CPU time and the memory of a server and its descendants.
 *
 * Teaches:  a process's CPU clock can be read by anybody, to the nanosecond, without stopping it
 *           (clock_getcpuclockid(3)); and memory that processes share belongs to each in part (PSS, proc(5)).
 * Partner:  run.c, which looks at the beginning and at the end of what it measures
 * Leaves out: see watch.h [#children-in-ticks]: what is known of children that have ended.
 * Next:     watch.c, which finds the server in the first place
 */
#include "watch.h"
#include "watch_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

/*
 * The ended children first, then the living: a child that ends in between is missed in this look and found in
 * the next one. The other way round it would be counted twice now, and the next look would be lower.
 */
static el_duration cpu_of_one(pid_t pid)
{
    struct process_stat stat;
    clockid_t clock;
    struct timespec time;
    int result = process_stat_read(pid, &stat);
    if (result < 0)
        return result;
    /* Returns an errno, does not set it. Raw: ESRCH it says only when it is asked for the time. */
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
        return -ESRCH;
    long ticks = sysconf(_SC_CLK_TCK);
    el_duration ended = (el_duration)stat.ended_children * (EL_S / (ticks > 0 ? ticks : 100));
    return ended + time.tv_sec * EL_S + time.tv_nsec;
}

el_duration bench_watch_cpu(pid_t pid)
{
    struct process_list list = {0};
    el_duration sum = process_list_tree(&list, pid, PROCESS_ANY_WAY);
    for (size_t i = 0; sum >= 0 && i < list.count; i++) {
        el_duration one = cpu_of_one(list.pid[i]);
        if (one >= 0)
            sum += one;
        else if (i == 0) /* the server itself; a child may have ended meanwhile */
            sum = one;
    }
    process_list_free(&list);
    return sum;
}

el_duration bench_watch_cpu_after(pid_t pid, el_duration earlier)
{
    el_duration now = bench_watch_cpu(pid);
    return now >= 0 && now < earlier ? earlier : now;
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Only the owner may read the first one, and root; a server that has changed its user is closed to its starter. */
static int64_t pss_of(pid_t pid)
{
    char line[256];
    int64_t kib = -1;
    FILE *file = process_open(pid, "smaps_rollup");
    if (file == NULL)
        return -errno;
    while (kib < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Pss: %" SCNd64 " kB", &kib) != 1)
            kib = -1;
    fclose(file);
    return kib < 0 ? -EACCES : kib * 1024; /* opened, but reading was refused: nothing came */
}

static int64_t rss_of(pid_t pid)
{
    int64_t pages;
    FILE *file = process_open(pid, "statm");
    if (file == NULL)
        return -ESRCH;
    int found = fscanf(file, "%*d %" SCNd64, &pages);
    fclose(file);
    return found == 1 ? pages * sysconf(_SC_PAGESIZE) : -ESRCH;
}

/*
 * PSS of all, or RSS of all: the one divides what is shared by those who share it, the other counts it for each.
 * A sum of both kinds would mean nothing.
 */
int64_t bench_watch_memory(pid_t pid)
{
    struct process_list list = {0};
    int64_t pss = process_list_tree(&list, pid, PROCESS_ANY_WAY), rss = pss;
    for (size_t i = 0; pss >= 0 && i < list.count; i++) {
        int64_t one = pss_of(list.pid[i]);
        if (one >= 0)
            pss += one;
        else if (one != -ENOENT && one != -ESRCH) /* these two: it has ended */
            pss = one;
    }
    for (size_t i = 0; pss < 0 && rss >= 0 && i < list.count; i++) {
        int64_t one = rss_of(list.pid[i]);
        if (one >= 0 || i == 0)
            rss = one >= 0 ? rss + one : one;
    }
    process_list_free(&list);
    return pss >= 0 ? pss : rss;
}
