/*
 * mark_lines.c - puts a mark before each line, and keeps the lines of several writers whole.
 *
 * Teaches:  a pipe takes at most PIPE_BUF bytes as one piece (pipe(7)); the two halves of a longer
 *           write may have another writer's bytes between them. So a line is collected first, then
 *           written under a lock that all the writers share. A last line without its newline gets
 *           one, or the next writer's line would begin in its middle. [#whole-lines]
 * Run:      (echo a; printf b) | mark_lines '[client] '
 * Partner:  world.sh, whose `net run a,b -- CMD` starts one for each output of each host.
 * Bounds:   LINE_MAX_BYTES; a longer line is broken there. Bytes are copied as they are, NULs too.
 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4 << 20, READ_BYTES = 64 << 10 };

struct options {
    const char *lock;
};

struct marker {
    const char *mark;
    int lock;     /* or -1 */
    size_t begun; /* bytes of a line that has not ended */
    char *line;   /* LINE_MAX_BYTES, and room for a newline */
};

static int fail(const char *object, const char *what)
{
    fprintf(stderr, "mark_lines: %s: %s: %s\n", object, what, strerror(errno));
    return 1;
}

/* All of it, however often the pipe is full. */
static bool write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, length);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            length -= (size_t)done;
        }
    }
    return true;
}

/* Writes the line that has been collected, with a newline. */
static bool write_line(struct marker *marker)
{
    while (marker->lock >= 0 && flock(marker->lock, LOCK_EX) < 0 && errno == EINTR)
        ;
    marker->line[marker->begun] = '\n'; /* there is room for one more */
    bool written =
        write_all(marker->mark, strlen(marker->mark)) && write_all(marker->line, marker->begun + 1);
    if (marker->lock >= 0)
        flock(marker->lock, LOCK_UN);
    marker->begun = 0;
    return written;
}

/* Takes bytes as they come; what ends a line writes it. */
static bool take(struct marker *marker, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = LINE_MAX_BYTES - marker->begun, part = length < room ? length : room;
        const char *end = memchr(bytes, '\n', part);
        size_t kept = end != NULL ? (size_t)(end - bytes) : part;
        memcpy(marker->line + marker->begun, bytes, kept);
        marker->begun += kept;
        if ((end != NULL || marker->begun == LINE_MAX_BYTES) && !write_line(marker))
            return false;
        kept += end != NULL;
        bytes += kept;
        length -= kept;
    }
    return true;
}

static int run(struct marker *marker)
{
    static char bytes[READ_BYTES];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail("stdin", "read");
        if (got == 0)
            break;
        if (!take(marker, bytes, (size_t)got))
            return fail("stdout", "write");
    }
    return marker->begun == 0 || write_line(marker) ? 0 : fail("stdout", "write");
}

/*
 * The lock is on an open file of our own: a descriptor that was inherited would be one lock for all
 * (flock(2)). Any file does; net gives a pipe of its own, by its name in /proc.
 */
static int open_lock(const char *path)
{
    return path == NULL ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

int main(int argc, char **argv)
{
    static const struct el_option table[] = {
        {0, "lock", EL_OPT_TEXT, "FILE", "write lines one at a time with all who name this file",
         offsetof(struct options, lock), NULL, 0, 0, NULL},
        {0}};
    static const struct el_program program = {
        .name = "mark_lines",
        .usage = "[--lock FILE] MARK",
        .about = "Copies lines from stdin to stdout, with MARK before each.",
        .options = table,
        .min_operands = 1,
        .max_operands = 1};
    struct options options;
    int first, code = el_options_parse(&program, argc, argv, &options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    /*
     * Ctrl-C is for the commands; their last lines still come through here. But when net is killed,
     * nobody waits for them.
     */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int *s = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0}; *s != 0; s++)
        signal(*s, SIG_IGN);
    struct marker marker = {
        .mark = argv[first], .lock = open_lock(options.lock), .line = malloc(LINE_MAX_BYTES + 1)};
    if (marker.line == NULL)
        return fail("memory", "malloc");
    if (options.lock != NULL && marker.lock < 0)
        return fail(options.lock, "open");
    code = run(&marker);
    free(marker.line);
    return code;
}
