/*
 * world.c - a world for the time of one measurement: made, used, and gone in every case.
 *
 * Teaches:  clean-up that depends on reaching a line of code is not done when the process is killed. So it is another process's: the
 *           keeper waits on a pipe whose other end we hold and never write to. It ends when we end, whatever ended us, and
 *           only then does the keeper run `net down`. [#keeper]
 * Partner:  place.c, the inside; netns/net
 * Leaves out: a keeper that is killed itself, by SIGKILL, leaves the world (net status shows it, net down ends it).
 */
#include "place.h"

#include "spawn.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 256 }; /* words of a command line of ours; more are refused by the caller */

struct world {
    const char *net;
    char path[4096], self[4096], name[24], said[512];
    pid_t keeper;
    int lifeline; /* our end of the keeper's pipe */
};

/* ---- the keeper ------------------------------------------------------------------------------------------ */

/* Everything but the pipe is let go: whoever reads what we print must not have to wait for the keeper. */
static void keep(const struct world *world, int pipe_fd)
{
    char byte;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    setsid(); /* Ctrl-C is not for it */
    if (null >= 0)
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
            dup2(null, fd);
    while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
        ;
    execlp(world->net, world->net, "--world", world->name, "down", (char *)NULL);
    _exit(127);
}

static int start_keeper(struct world *world)
{
    int ends[2];
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all,
                &before); /* in it, nothing but SIGKILL and the pipe's end counts */
    world->keeper = fork();
    if (world->keeper == 0) {
        close(ends[1]);
        keep(world, ends[0]);
    }
    int error = world->keeper < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    world->lifeline = ends[1];
    return -error;
}

static void let_go(struct world *world)
{
    close(world->lifeline);
    while (waitpid(world->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- making it ------------------------------------------------------------------------------------------- */

static bool make(struct world *world)
{
    const char *const argv[] = {world->net, "--world", world->name, "up", "bench", NULL};
    return bench_spawn_wait(argv, world->said, sizeof world->said) == 0;
}

/* ---- running in it --------------------------------------------------------------------------------------- */

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
}

/*
 * Until `pid` has ended; what comes for us is for it. From a terminal it has been sent to both, and net knows that (its pass_on):
 * twice would be once too often.
 */
static int wait_passing_on(pid_t pid, const sigset_t *set)
{
    int status = 0, signal;
    while (waitpid(pid, &status, WNOHANG) == 0)
        if (sigwait(set, &signal) == 0 && signal != SIGCHLD)
            kill(pid, signal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_inside(struct world *world, char **argv)
{
    const char *words[ARGUMENTS + 8] = {world->net, "--world", world->name, "run",
                                        "client",   "--",      world->self};
    size_t count = 7;
    sigset_t set;
    int code = 1;
    for (char **word = argv; *word != NULL && count < ARGUMENTS + 7; word++)
        words[count++] = *word;
    const struct bench_spawn spawn = {.argv = words,
                                      .cpu = -1,
                                      .lifeline = -1,
                                      .out = STDOUT_FILENO,
                                      .err = STDERR_FILENO,
                                      .keep_input = true};
    ending_signals(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(
        SIG_BLOCK, &set,
        NULL); /* for good: one that comes later must not keep us from waiting for the keeper */
    pid_t pid = bench_spawn(&spawn, world->said, sizeof world->said);
    if (pid > 0)
        code = wait_passing_on(pid, &set);
    else
        fprintf(stderr, "echo_bench: %s: %s: %s\n", world->net, world->said, strerror(-pid));
    return code;
}

/* ---- whether --------------------------------------------------------------------------------------------- */

static bool wants_veth(const char *paths)
{
    struct bench_place place;
    const char *wrong;
    return bench_place_open(&place, paths, false, &wrong) == 0 && place.why_not != NULL;
}

static bool is_too_long(char **argv)
{
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    return count > ARGUMENTS;
}

bool bench_place_elsewhere(const char *paths, char **argv, int *code)
{
    static struct world world; /* large, and there is one */
    uint32_t random = 0;
    if (!wants_veth(paths) || access("/run/echolab", F_OK) == 0 || is_too_long(argv))
        return false;
    ssize_t length = readlink("/proc/self/exe", world.self, sizeof world.self - 1);
    if (length < 0 || getrandom(&random, sizeof random, 0) < 0)
        return false;
    world.self[length] = '\0';
    snprintf(world.name, sizeof world.name, "bench-%08x", random);
    world.net = bench_place_net(world.path, sizeof world.path);
    int result = start_keeper(&world);
    if (result < 0) {
        snprintf(world.said, sizeof world.said, "fork: %s", strerror(-result));
    } else if (make(&world)) {
        *code = run_inside(&world, argv);
        let_go(&world);
        return true;
    } else {
        let_go(&world);
    }
    fprintf(stderr, "echo_bench: veth is left out, for there is no lab network: %s\n", world.said);
    return false;
}
