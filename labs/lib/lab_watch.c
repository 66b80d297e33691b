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
#include <limits.h>
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

/* What was saved, by name. What does not fit is left out: that something was saved is told. */
struct saves {
    size_t count;
    bool lost; /* the kernel had more than it could keep */
    char name[16][NAME_MAX + 1];
};

static void note(struct saves *saves, const char *name)
{
    for (size_t i = 0; i < saves->count; i++)
        if (strcmp(saves->name[i], name) == 0)
            return;
    if (saves->count == sizeof saves->name / sizeof saves->name[0])
        saves->lost = true;
    else
        snprintf(saves->name[saves->count++], NAME_MAX + 1, "%s", name);
}

/* Reads what is there. The kernel never splits an event, and gives whole ones only. False: the folder is gone. */
static bool take_events(int fd, struct saves *saves)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t got = read(fd, events, sizeof events);

    for (char *at = events; got > 0 && at < events + got;) {
        struct inotify_event event;
        memcpy(&event, at, sizeof event);
        const char *name = event.len > 0 ? at + sizeof event : "";
        at += sizeof event + event.len;
        if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
            return false;
        if (event.mask & IN_Q_OVERFLOW) /* some were lost: something was saved, surely */
            saves->lost = true;
        else if (is_ours(name))
            note(saves, name);
    }
    return true;
}

/*
 * Prints the line. An editor's temporary file has any name (sed -i takes sedX1Y2Z3, vim 4913 and the next that is
 * free): what tells it from a save is that it is not there any more. Nothing is told if nothing was left. [#what-stayed]
 */
static int tell(const char *folder, const struct saves *saves)
{
    char line[1024] = "saved", path[PATH_MAX];
    bool any = saves->lost;

    for (size_t i = 0; i < saves->count; i++) {
        if (snprintf(path, sizeof path, "%s/%s", folder, saves->name[i]) < (int)sizeof path &&
            access(path, F_OK) < 0 && errno == ENOENT)
            continue;
        any = true;
        char *clean = paragraph_clean(saves->name[i], strlen(saves->name[i]), ' ');
        size_t used = strlen(line);
        if (clean != NULL && used + strlen(clean) + 2 < sizeof line)
            snprintf(line + used, sizeof line - used, " %s", clean);
        free(clean);
    }
    if (any && (puts(line) < 0 || fflush(stdout) != 0))
        return fail("stdout", "write");
    return 0;
}

static int watch(int fd, const char *folder, el_duration settle)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int settle_ms = (int)(settle / 1000000), code = 0;

    while (code == 0) {
        struct saves saves = {0};
        if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
            return fail("inotify", "poll");
        bool there = take_events(fd, &saves);
        if (there && saves.count == 0 && !saves.lost)
            continue;
        for (int i = 0; there && i < 10 && poll(&poll_fd, 1, settle_ms) > 0; i++)
            there = take_events(fd, &saves);
        if (!there) {
            puts("gone");
            return fflush(stdout) == 0 ? 0 : fail("stdout", "write");
        }
        code = tell(folder, &saves);
    }
    return code;
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
    code = watch(fd, argv[first], options.settle);
    close(fd);
    return code;
}
