/*
 * transcript_shell.c - see transcript_shell.h.
 *
 * Teaches:  how to leave nothing behind. Whoever is orphaned below us becomes our child
 *           (PR_SET_CHILD_SUBREAPER, prctl(2)), also a daemon that has changed its session. So at the
 *           end it is enough to kill our children until there are none. [#subreaper]
 */
#include "transcript_shell.h"

#include "transcript_clean.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_BYTES_MAX = 1 << 20, READ_BYTES = 16 << 10 };
#define START_LIMIT (10 * EL_S)
#define STOP_LIMIT  (5 * EL_S)
#define LOOK_AGAIN  (20 * EL_MS)

/* ---- the child ----------------------------------------------------------------------------- */

/* Of the descriptors only 0, 1 and 2 are left, so that `ls /proc/self/fd` shows what the reader sees. */
__attribute__((noreturn)) static void become_bash(const char *script, int output)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (const int *s = (const int[]){SIGINT, SIGQUIT, SIGPIPE, SIGTERM, 0}; *s != 0; s++)
        signal(*s, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the last resort: it ends bash, not what bash has started */
    setsid();
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(127);
    syscall(SYS_close_range, 3U, ~0U, 0U); /* ENOSYS (Linux < 5.9): ours have CLOEXEC anyway */
    unsetenv("BASH_ENV");
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("NO_COLOR", "1", 1);
    setenv("COLUMNS", "80", 1);
    setenv("TERM", "dumb", 1);
    execlp("bash", "bash", "--noprofile", "--norc", script, (char *)NULL);
    _exit(127);
}

/* ---- what comes from it -------------------------------------------------------------------- */

/* Collects who has ended: a zombie would still look alive to `kill -0`. */
static void reap(struct transcript_shell *shell)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        if (pid == shell->pid)
            shell->pid = 0;
}

static enum transcript_end take_signal(struct transcript_shell *shell)
{
    struct signalfd_siginfo info;
    while (read(shell->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(shell);
        else
            shell->signal = (int)info.ssi_signo;
    }
    return shell->signal != 0 ? SHELL_INTERRUPTED : SHELL_DONE;
}

static bool make_room(struct transcript_shell *shell)
{
    if (shell->size - shell->length > READ_BYTES)
        return true;
    size_t size = shell->size * 2 + (size_t)2 * READ_BYTES;
    char *text = realloc(shell->text, size);
    if (text == NULL)
        return false;
    shell->text = text;
    shell->size = size;
    return true;
}

static enum transcript_end take_output(struct transcript_shell *shell)
{
    if (shell->length > OUTPUT_BYTES_MAX)
        return SHELL_FLOOD;
    if (!make_room(shell))
        return SHELL_ERROR;
    char *place = shell->text + shell->length;
    ssize_t got = read(shell->output, place, READ_BYTES);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? SHELL_DONE : SHELL_ERROR;
    if (got == 0)
        return SHELL_GONE; /* nobody is left who could write */
    for (ssize_t i = 0; i < got; i++)
        if (place[i] == '\0')
            place[i] = '?'; /* a terminal shows nothing there; a text cannot hold it */
    shell->length += (size_t)got;
    shell->text[shell->length] = '\0';
    return SHELL_DONE;
}

/* One event: output, a signal, or bash's end when there is no more output. SHELL_TIME_UP: none came. */
static enum transcript_end next_event(struct transcript_shell *shell, el_time until)
{
    struct pollfd fds[] = {{.fd = shell->output, .events = POLLIN},
                           {.fd = shell->signals, .events = POLLIN}};
    int ready = poll(fds, 2, el_poll_ms(el_time_left(until, el_now())));
    if (ready < 0)
        return errno == EINTR ? SHELL_DONE : SHELL_ERROR;
    if (fds[1].revents != 0)
        return take_signal(shell);
    if (fds[0].revents != 0)
        return take_output(shell);
    return shell->pid == 0 ? SHELL_GONE : SHELL_TIME_UP;
}

enum transcript_end transcript_shell_more(struct transcript_shell *shell, el_time until)
{
    size_t before = shell->length;
    enum transcript_end end;
    do {
        end = next_event(shell, until);
    } while (end == SHELL_DONE && shell->length == before);
    return end;
}

/* Takes the mark out of the text, wherever it stands: what runs in the background may write after it. */
static bool find_mark(struct transcript_shell *shell)
{
    char *mark = strstr(shell->text, shell->nonce), *end;
    if (mark == NULL || (end = strchr(mark + 1, '\036')) == NULL)
        return false;
    shell->status = atoi(mark + strlen(shell->nonce));
    end++;
    memmove(mark, end, shell->length - (size_t)(end - shell->text) + 1);
    shell->length -= (size_t)(end - mark);
    return true;
}

/* ---- what goes to it ----------------------------------------------------------------------- */

/* eval 'COMMAND': a command that is incomplete is then an error of its own, and does not swallow the mark. */
static int send_command(const struct transcript_shell *shell, const char *command)
{
    size_t quotes = 0;
    for (const char *c = command; *c != '\0'; c++)
        quotes += *c == '\'';
    char *text = malloc(strlen(command) + 3 * quotes + 64), *to = text;
    if (text == NULL)
        return -ENOMEM;
    to = stpcpy(to, "eval '");
    for (const char *c = command; *c != '\0'; c++) {
        if (*c == '\'')
            to = stpcpy(to, "'\\'");
        *to++ = *c;
    }
    to = stpcpy(to, "'\n__echolab_mark\n");
    int result = 0;
    for (const char *from = text; from < to && result == 0;) {
        ssize_t done = write(shell->commands, from, (size_t)(to - from));
        if (done >= 0)
            from += done;
        else if (errno != EINTR)
            result = -errno;
    }
    free(text);
    return result;
}

enum transcript_end transcript_shell_run(struct transcript_shell *shell, const char *command,
                                         el_duration limit)
{
    shell->length = 0;
    shell->text[0] = '\0';
    if (send_command(shell, command) < 0)
        return SHELL_ERROR;
    el_time until = el_time_after(el_now(), limit);
    for (;;) {
        enum transcript_end end = next_event(shell, until);
        if (find_mark(shell))
            return SHELL_DONE;
        if (end != SHELL_DONE)
            return end;
    }
}

char **transcript_shell_lines(const struct transcript_shell *shell, size_t *count)
{
    return transcript_clean_lines(shell->text, shell->length, shell->script, count);
}

/* ---- its life ------------------------------------------------------------------------------ */

static int make_nonce(char *nonce, size_t size)
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -errno;
    snprintf(nonce, size, "\036%016jx%015jx ", (uintmax_t)random[0], (uintmax_t)(random[1] >> 4));
    return 0;
}

/* A folder of its own, so that nobody can have put another file there. */
static int make_script(struct transcript_shell *shell)
{
    const char *place = getenv("TMPDIR");
    char folder[sizeof shell->script - sizeof "/bash"];
    int length = snprintf(folder, sizeof folder, "%s/echolab-text.XXXXXX",
                          place != NULL && *place == '/' ? place : "/tmp");
    if (length < 0 || (size_t)length >= sizeof folder)
        return -ENAMETOOLONG;
    if (mkdtemp(folder) == NULL)
        return -errno;
    snprintf(shell->script, sizeof shell->script, "%s/bash", folder);
    if (mkfifo(shell->script, 0600) < 0)
        return -errno;
    shell->commands =
        open(shell->script, O_RDWR | O_CLOEXEC); /* both: opening it does not wait for a reader */
    return shell->commands < 0 ? -errno : 0;
}

/* Once bash has opened it, nobody needs its name. */
static void remove_script(struct transcript_shell *shell)
{
    char *slash = strrchr(shell->script, '/');
    if (slash == NULL)
        return;
    unlink(shell->script);
    *slash = '\0';
    rmdir(shell->script);
    *slash = '/';
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int *s = (const int[]){SIGCHLD, SIGINT, SIGTERM, SIGHUP, 0}; *s != 0; s++)
        sigaddset(&set, *s);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* The first command: it says what the mark is, and its own mark says that bash has opened the script. */
static int greet(struct transcript_shell *shell)
{
    char text[256];
    snprintf(text, sizeof text,
             "set -m; __echolab_mark() { local s=$?; printf '\\036%%s%%d\\036' '%s' \"$s\"; return "
             "\"$s\"; }",
             shell->nonce + 1);
    enum transcript_end end = transcript_shell_run(shell, text, START_LIMIT);
    return end == SHELL_DONE ? 0 : end == SHELL_INTERRUPTED ? -EINTR : -ENOEXEC;
}

int transcript_shell_start(struct transcript_shell *shell)
{
    *shell = (struct transcript_shell){.commands = -1, .output = -1, .signals = -1};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!make_room(shell))
        return -ENOMEM;
    int result = make_nonce(shell->nonce, sizeof shell->nonce), ends[2];
    if (result == 0)
        result = make_script(shell);
    if (result < 0)
        return result;
    shell->signals = open_signals();
    if (shell->signals < 0)
        return shell->signals;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    shell->output = ends[0];
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours alone: the writers have the other end */
    shell->pid = fork();
    if (shell->pid == 0)
        become_bash(shell->script, ends[1]);
    result = -errno;
    close(ends[1]);
    if (shell->pid < 0) {
        shell->pid = 0;
        return result;
    }
    result = greet(shell);
    remove_script(shell);
    return result;
}

/* Kills whoever is our child now. The file needs a kernel with CONFIG_PROC_CHILDREN, which checkpointing selects: Debian's has it. */
static void kill_children(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    FILE *file = fopen(path, "re");
    long pid;
    while (file != NULL && fscanf(file, "%ld", &pid) == 1)
        if (pid > 1)
            kill((pid_t)pid, SIGKILL);
    if (file != NULL)
        fclose(file);
}

void transcript_shell_stop(struct transcript_shell *shell)
{
    if (shell->pid > 0)
        kill(shell->pid, SIGKILL);
    /* Each round ends a generation, and its children become ours. Who cannot be killed (a process that is
     * another user's, or sleeps in a driver) is not waited for without end. */
    struct pollfd wait = {.fd = shell->signals, .events = POLLIN};
    el_time until = el_time_after(el_now(), STOP_LIMIT);
    pid_t pid;
    while (shell->signals >= 0 && el_now() < until && (pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
        if (pid > 0)
            continue;
        kill_children();
        poll(&wait, 1, el_poll_ms(LOOK_AGAIN));
        take_signal(shell);
    }
    if (shell->commands >= 0)
        close(shell->commands);
    if (shell->output >= 0)
        close(shell->output);
    if (shell->signals >= 0)
        close(shell->signals);
    remove_script(shell);
    free(shell->text);
    *shell = (struct transcript_shell){.commands = -1, .output = -1, .signals = -1};
}
