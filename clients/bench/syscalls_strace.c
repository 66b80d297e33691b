/*
 * syscalls_strace.c - system calls counted by strace(1), for those whom the kernel's counters are closed to.
 *
 * Teaches:  strace -c prints a table for people; what a program may rely on in it is the order of its columns:
 *           "% time", "seconds", "usecs/call", "calls", perhaps "errors", "syscall".
 * Partner:  syscalls.c, the way that does not slow the server
 * Next:     ladder.c
 */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 65536 }; /* a row is about 60 bytes, and there are 400 calls at most */

char **bench_strace_argv(char *const argv[], const char *file)
{
    /* -f children too, -qq no word about them, -c the table alone; "--": argv[0] may begin with a dash */
    const char *const prefix[] = {"strace", "-f", "-qq", "-c", "-o", file, "--"};
    const size_t before = sizeof prefix / sizeof prefix[0];
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    char **all = calloc(before + count + 1, sizeof *all);
    if (all == NULL)
        return NULL;
    memcpy(all, prefix, sizeof prefix);
    memcpy(all + before, argv, count * sizeof *all);
    return all;
}

/*
 * The rows are added up, and the sum must be what the last row says: "total" has fewer columns than the others in some
 * versions of strace, so its own place for the calls is not certain, but the number must be in it.
 */
static bool total_says(const char *line, int64_t calls)
{
    char copy[128], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *end;
        if (strtoll(word, &end, 10) == calls && *end == '\0')
            return true;
    }
    return false;
}

int64_t bench_strace_total(const char *text)
{
    int64_t sum = 0, calls;
    char line[128], name[64], last[64];
    bool header = false;
    for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
        header |= strstr(line, "calls") != NULL && strstr(line, "syscall") != NULL;
        int columns = sscanf(line, " %*s %*s %*s %" SCNd64 " %63s %63s", &calls, name, last);
        const char *end = strrchr(line, ' ');
        if (header && end != NULL && strcmp(end, " total") == 0)
            return total_says(line, sum) ? sum : -EINVAL;
        if (header && columns >= 2)
            sum += calls;
    }
    return -EINVAL; /* no table, or not its end */
}

int64_t bench_strace_calls(const char *file)
{
    FILE *table = fopen(file, "re");
    if (table == NULL)
        return -errno;
    char *text = malloc(TABLE_MAX);
    int64_t result = -ENOMEM;
    if (text != NULL) {
        size_t got = fread(text, 1, TABLE_MAX - 1, table);
        text[got] = '\0';
        result = ferror(table) ? -EIO : bench_strace_total(text);
    }
    free(text);
    fclose(table);
    return result;
}
