/*
 * watch_tree.c - who descends from a process, by /proc alone.
 *
 * Teaches:  the kernel knows a process's children, and tells them per thread, because it is a thread that
 *           forks (/proc/PID/task/TID/children, proc(5)). Where it was built without that, every process of
 *           the machine has to be asked for its parent.
 * Partner:  watch_process.c and syscalls.c, which look at what is found here
 * Leaves out: atomicity. Processes begin and end while we read; one that ends is simply no longer found, and a
 *           child whose sibling ends in that moment may be passed over (proc(5) says so). For servers
 *           that live as long as a benchmark both are rare.
 * Next:     watch_process.c
 */
#include "watch_internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 96, NAME_SIZE = 64, LINE_SIZE = 1024 };

FILE *process_open(pid_t pid, const char *file)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return fopen(path, "re");
}

int process_each(const char *directory, int (*see)(void *arg, pid_t number), void *arg)
{
    DIR *names = opendir(directory);
    if (names == NULL)
        return -errno;
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(names)) != NULL;) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && number > 0)
            result = see(arg, (pid_t)number);
    }
    closedir(names);
    return result;
}

/*
 * [#name-in-stat] The second field is the program's name in parentheses, and a name may hold spaces and
 * parentheses: the fields behind it begin after the *last* one.
 */
int process_stat_read(pid_t pid, struct process_stat *stat)
{
    char line[LINE_SIZE];
    FILE *file = process_open(pid, "stat");
    if (file == NULL)
        return -ESRCH;
    size_t got = fread(line, 1, sizeof line - 1, file); /* a name may even hold a newline */
    fclose(file);
    line[got] = '\0';
    const char *rest = strrchr(line, ')');
    int64_t user, system;
    int parent;
    /* 3 state, 4 ppid, 5-13, 14 utime, 15 stime, 16 cutime, 17 cstime */
    if (rest == NULL ||
        sscanf(rest, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64,
               &parent, &user, &system) != 3)
        return got == 0 ? -ESRCH : -EINVAL;
    stat->parent = parent;
    stat->ended_children = (uint64_t)user + (uint64_t)system;
    return 0;
}

int process_list_add(struct process_list *list, pid_t pid)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        pid_t *more = realloc(list->pid, capacity * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        list->pid = more;
        list->capacity = capacity;
    }
    list->pid[list->count++] = pid;
    return 0;
}

void process_list_free(struct process_list *list)
{
    free(list->pid);
    *list = (struct process_list){0};
}

/* ---- by children ---------------------------------------------------------------------------- */

struct family {
    struct process_list *list;
    pid_t of;
};

static int add_children(void *arg, pid_t thread)
{
    struct family *family = arg;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "task/%d/children", (int)thread);
    FILE *file = process_open(family->of, name);
    if (file ==
        NULL) /* the thread has ended; or this kernel does not tell: then no thread has it */
        return 0;
    int child, result = 0;
    while (result == 0 && fscanf(file, "%d", &child) == 1)
        result = process_list_add(family->list, child);
    fclose(file);
    return result;
}

static int list_by_children(struct process_list *list)
{
    FILE *told = fopen("/proc/thread-self/children", "re");
    if (told == NULL)
        return -ENOENT;
    fclose(told);
    for (size_t i = 0; i < list->count; i++) { /* it grows while we walk it */
        char directory[NAME_SIZE];
        struct family family = {list, list->pid[i]};
        snprintf(directory, sizeof directory, "/proc/%d/task", (int)list->pid[i]);
        if (process_each(directory, add_children, &family) == -ENOMEM)
            return -ENOMEM;
    }
    return 0;
}

/* ---- by parents ----------------------------------------------------------------------------- */

struct everyone {
    struct process_list pid, parent; /* parent.pid[i] is that of pid.pid[i] */
};

static int note_parent(void *arg, pid_t pid)
{
    struct everyone *all = arg;
    struct process_stat stat;
    if (process_stat_read(pid, &stat) < 0)
        return 0; /* it has just ended */
    int result = process_list_add(&all->pid, pid);
    return result < 0 ? result : process_list_add(&all->parent, stat.parent);
}

static int list_by_parents(struct process_list *list)
{
    struct everyone all = {0};
    int result = process_each("/proc", note_parent, &all);
    for (size_t i = 0; result == 0 && i < list->count; i++)
        for (size_t j = 0; result == 0 && j < all.parent.count; j++)
            if (all.parent.pid[j] == list->pid[i])
                result = process_list_add(list, all.pid.pid[j]);
    process_list_free(&all.pid);
    process_list_free(&all.parent);
    return result;
}

int process_list_tree(struct process_list *list, pid_t pid, enum process_way way)
{
    struct process_stat stat;
    int result = process_stat_read(pid, &stat);
    if (result == 0)
        result = process_list_add(list, pid);
    if (result < 0)
        return result;
    if (way != PROCESS_PARENTS)
        result = list_by_children(list);
    if (way == PROCESS_PARENTS || (way == PROCESS_ANY_WAY && result == -ENOENT))
        result = list_by_parents(list);
    return result;
}
