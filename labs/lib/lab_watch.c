/*
 * lab_watch.c - prints a line each time that files in a folder were saved, for `lab check --watch`.
 *
 * Teaches:  inotify(7) tells of names in a directory, not of files. Editors save in two ways: they
 *           write the file (IN_CLOSE_WRITE), or write another one and rename it over (IN_MOVED_TO);
 *           who watches the file itself goes on watching the old one, which nobody will write again.
 * Run:      lab_watch labs/work/04
 * Bounds:   one save may be many events (a truncation, three writes, a rename): they are gathered
 *           until nothing has come for --settle, at most ten times as long. [#debounce]
 * Leaves out: folders in the folder. Two names in one line are parted by a blank.
 * Partner:  checks.sh, which reads the lines. The first, "watching", says that from here on no save is
 *           missed; so it comes before the first check.
 */
#include "lab_paragraph.h"
#include "options.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <unistd.h>

struct options {
    el_duration settle;
};

enum news { NOTHING_NEW, SAVED, FOLDER_GONE };

static int fail(const char *object, const char *what)
{
    fprintf(stderr, "lab_watch: %s: %s: %s\n", object, what, strerror(errno));
    return 1;
}

/* What editors and compilers leave beside a file is no save of it: .swp, #x#, x~, vim's 4913. */
static bool is_ours(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[0] != '.' && name[0] != '#' && name[length - 1] != '~' &&
           strcmp(name, "4913") != 0 && (length < 3 || strcmp(name + length - 2, ".o") != 0);
}

/* Adds a name to the line, once. What does not fit is left out: that something was saved is told. */
static void note(char *line, size_t size, const char *name)
{
    char *clean = paragraph_clean(name, strlen(name), ' ');
    size_t used = strlen(line);
    if (clean != NULL && strstr(line, clean) == NULL && used + strlen(clean) + 2 < size)
        snprintf(line + used, size - used, " %s", clean);
    free(clean);
}

/* Reads what is there. The kernel never splits an event, and gives whole ones only. */
static enum news take_events(int fd, char *line, size_t size)
{
    _Alignas(struct inotify_event) char events[16384];
    enum news news = NOTHING_NEW;
    ssize_t got = read(fd, events, sizeof events);

    for (char *at = events; got > 0 && at < events + got;) {
        struct inotify_event event;
        memcpy(&event, at, sizeof event);
        const char *name = event.len > 0 ? at + sizeof event : "";
        at += sizeof event + event.len;
        if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
            return FOLDER_GONE;
        if (event.mask & IN_Q_OVERFLOW) { /* some were lost: something was saved, surely */
            news = SAVED;
        } else if (is_ours(name)) {
            note(line, size, name);
            news = SAVED;
        }
    }
    return news;
}

static int watch(int fd, el_duration settle)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int settle_ms = (int)(settle / 1000000);

    for (;;) {
        char line[1024] = "saved";
        if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
            return fail("inotify", "poll");
        enum news news = take_events(fd, line, sizeof line);
        if (news == NOTHING_NEW)
            continue;
        for (int i = 0; news == SAVED && i < 10 && poll(&poll_fd, 1, settle_ms) > 0; i++)
            if (take_events(fd, line, sizeof line) == FOLDER_GONE)
                news = FOLDER_GONE;
        if (news == FOLDER_GONE) {
            puts("gone");
            return fflush(stdout) == 0 ? 0 : fail("stdout", "write");
        }
        puts(line);
        if (fflush(stdout) != 0)
            return fail("stdout", "write");
    }
}

static void end_cleanly(int signal)
{
    (void)signal;
    _exit(0); /* nothing is half-done: a line is written whole, or not */
}

int main(int argc, char **argv)
{
    static const struct el_option table[] = {
        {0, "settle", EL_OPT_DURATION, "D", "a save is over when nothing has come for so long",
         offsetof(struct options, settle), "100ms", 1000000, 10000000000, NULL},
        {0}};
    static const struct el_program program = {
        .name = "lab_watch",
        .usage = "[--settle D] FOLDER",
        .about =
            "Prints `watching`, then a line `saved NAME...` each time that files in FOLDER were "
            "saved, and `gone` when the folder is there no more. Ends by a signal.",
        .options = table,
        .min_operands = 1,
        .max_operands = 1};
    struct options options;
    int first, code = el_options_parse(&program, argc, argv, &options, &first, stdout, stderr);
    if (code >= 0)
        return code;

    signal(SIGINT, end_cleanly);
    signal(SIGTERM, end_cleanly);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody reads what it says when lab was killed */
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return fail("inotify", "inotify_init1 (fs.inotify.max_user_instances?)");
    if (inotify_add_watch(fd, argv[first],
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                              IN_ONLYDIR) < 0)
        return fail(argv[first], "inotify_add_watch");
    puts("watching");
    if (fflush(stdout) != 0)
        return fail("stdout", "write");
    code = watch(fd, options.settle);
    close(fd);
    return code;
}
