/*
 * spawn.c - starts a program somewhere else: on another core, in another network namespace.
 *
 * Teaches:  between fork(2) and execve(2) a process is still our program, and can arrange what the next one will find:
 *           namespace, core, descriptors, signals, whom it dies with. None of it has to be an option of the program.
 * Partner:  server.c, which starts servers so; place.c, which starts netns/net.
 * Leaves out: clean environments and limits: the programs are our own, or were chosen by who runs us.
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child reports through a pipe that closes by itself when the program begins (O_CLOEXEC). */
struct failure {
    int error;
    char step[48];
};

/* Signals that somebody blocked or ignored would stay so across execve(2) (signal(7)). */
static void reset_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD};
    sigset_t none;
    sigemptyset(&none);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As `ip netns exec` does it, without the mounts: nothing of ours reads /sys or /etc for its network (ip-netns(8)). */
static int enter_netns(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = setns(fd, CLONE_NEWNET);
    close(fd);
    return result;
}

static int stay_on(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

/* dup2(2) to the same number would leave O_CLOEXEC on. */
static int use_as(int fd, int null, int as)
{
    int from = fd < 0 ? null : fd;
    return from == as ? fcntl(as, F_SETFD, 0) : dup2(from, as);
}

/*
 * [#lifeline] The wish to die with one's parent is forgotten when a process changes its user (prctl(2), PR_SET_PDEATHSIG), and servers that root
 * starts do. A pipe forgets nothing: with O_ASYNC its reading end sends a signal to its owner when the last writer has gone (fcntl(2),
 * F_SETSIG, F_SETOWN), whatever ended that. The owner is the group, so what the program forks ends with it. Nobody ever writes.
 */
static int hold_lifeline(int fd)
{
    bool held = fcntl(fd, F_SETFD, 0) == 0 && fcntl(fd, F_SETSIG, SIGKILL) == 0 &&
                fcntl(fd, F_SETOWN, -getpgrp()) == 0 && fcntl(fd, F_SETFL, O_ASYNC) == 0;
    return held ? 0 : -1;
}

/* In the child. Returns only when something failed, with errno set; the step it was. */
static const char *become(const struct bench_spawn *spawn, pid_t parent)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (spawn->own_group)
        setpgid(0, 0);
    if (spawn->lifeline >= 0 && hold_lifeline(spawn->lifeline) < 0)
        return "lifeline";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the kernel knew our wish */
        _exit(127);
    reset_signals();
    if (null < 0)
        return "open /dev/null";
    if (spawn->netns != NULL && enter_netns(spawn->netns) < 0)
        return "setns";
    if (spawn->cpu >= 0 && stay_on(spawn->cpu) < 0)
        return "sched_setaffinity";
    if ((!spawn->keep_input && use_as(-1, null, STDIN_FILENO) < 0) ||
        use_as(spawn->out, null, STDOUT_FILENO) < 0 || use_as(spawn->err, null, STDERR_FILENO) < 0)
        return "dup2";
    execvp(spawn->argv[0], (char *const *)(uintptr_t)spawn->argv);
    return "execve";
}

pid_t bench_spawn(const struct bench_spawn *spawn, char *why, size_t size)
{
    int report[2];
    struct failure failure = {.error = 0};
    if (pipe2(report, O_CLOEXEC) < 0) {
        int error = errno;
        snprintf(why, size, "pipe");
        return -error;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        const char *step = become(spawn, parent);
        failure.error = errno;
        snprintf(failure.step, sizeof failure.step, "%s", step);
        if (write(report[1], &failure, sizeof failure) < 0)
            _exit(126);
        _exit(127);
    }
    int error = pid < 0 ? errno : 0;
    close(report[1]);
    if (error == 0 && read(report[0], &failure, sizeof failure) == (ssize_t)sizeof failure) {
        error = failure.error;
        waitpid(pid, NULL, 0);
    }
    close(report[0]);
    if (error != 0)
        snprintf(why, size, "%s", pid < 0 ? "fork" : failure.step);
    return error != 0 ? -error : pid;
}

void bench_keep_last_line(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    const char *line = strrchr(text, '\n');
    if (line != NULL)
        memmove(text, line + 1, strlen(line));
}

int bench_spawn_wait(const char *const argv[], char *said, size_t size)
{
    int output[2], status = 0;
    size_t used = 0;
    ssize_t got = 1;
    if (pipe2(output, O_CLOEXEC) < 0)
        return -errno;
    const struct bench_spawn spawn = {
        .argv = argv, .cpu = -1, .out = -1, .err = output[1], .lifeline = -1};
    pid_t pid = bench_spawn(&spawn, said, size);
    close(output[1]);
    while (pid > 0 && got != 0) {
        got = read(output[0], said + used, size - 1 - used);
        used += got > 0 ? (size_t)got : 0;
        if (got < 0 && errno != EINTR)
            break;
    }
    close(output[0]); /* who says more than there is room for meets SIGPIPE */
    if (pid < 0) {
        snprintf(said, size, "%s: %s", argv[0], strerror(-pid));
        return pid;
    }
    said[used] = '\0';
    bench_keep_last_line(said);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool bench_has_ended(pid_t pid, el_duration patience)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* readable when it has ended (pidfd_open(2)) */
    el_time deadline = el_time_after(el_now(), patience);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready = 0;
    if (fd < 0)
        return errno == ESRCH;
    do
        ready = poll(&poll_fd, 1, el_poll_ms(el_time_left(deadline, el_now())));
    while (ready < 0 && errno == EINTR);
    close(fd);
    return ready > 0;
}

bool bench_await_end(pid_t pid, el_duration patience, int *status)
{
    return bench_has_ended(pid, patience) && waitpid(pid, status, 0) == pid;
}

void bench_end(pid_t pid, el_duration patience)
{
    kill(pid, SIGTERM);
    if (!bench_has_ended(pid, patience))
        kill(pid, SIGKILL);
    /* What it has forked, if it has a group of its own: as long as it is not collected, the number is nobody else's. */
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
