/*
 * tcp_fork.c - a TCP echo server with a process for each client.
 *
 * Teaches:  a process is a place to wait in, so many clients can be waited for by code that waits for one. fork(2) copies the descriptor
 *           too: the parent closes its copy, or the client would never see our FIN. A child that has ended stays as a zombie until its
 *           parent asks for it; and a server that stops must find a way to tell its children.
 * Run:      build/bin/tcp_fork              (then: nc 127.0.0.1 7007, and ps --forest -C tcp_fork)
 * Partner:  tcp_iterative.c: the echo is the same.
 * Leaves out, and what that costs:
 *           - a cheap start: a fork(2) is some hundred microseconds, and 16,384 clients are as many processes. Safe: bounded by
 *             --max-connections, and who cannot have a process is reset.
 *           - a second --listen address
 *           - reaping at once: a child may stay a zombie for a second, or until the next client
 * Next:     tcp_thread.c, where the places to wait in share their memory.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_EVERY_S = 1, DRAIN_LOOK_MS = 50 };

/* A worker's children. Its own thread forks and waits for them, and knows them by __WNOTHREAD (waitpid(2)) from another worker's. */
struct family {
    struct el_model_worker *worker;
    pid_t parent;
    size_t count;
    pid_t *child; /* --max-connections of them */
};

/* ---- the child --------------------------------------------------------------------------------------
 *
 * [#async-signal-safe] It has one thread, and a copy of everything that the other threads were just doing: another worker may have been
 * inside malloc(3) or have held the lock of the log, and nobody will ever release that copy. So until _exit(2) only calls that
 * are safe in a signal handler are allowed (signal-safety(7)): read, write, setsockopt, close, sigaction; no malloc, no log, no exit(3).
 */
static struct el_model_client *client_of_this_child;

/*
 * SIGUSR2: the server drains, and a silence of 250 ms is now the end (but who is owed bytes may take its time), and not one to be counted as
 * a timeout. [#no-lost-signal] That the handler itself sets the limit is the point: a flag that is looked at before read(2) could be set a moment
 * too late, and read(2) then wait for minutes. A read(2) that has begun fails with EINTR (no SA_RESTART), and a later one finds the new limit.
 */
static void on_drain(int signal_number)
{
    const struct timeval quarter = {.tv_usec = 250000};
    int saved = errno;
    (void)signal_number;
    client_of_this_child->accounted = true;
    (void)setsockopt(client_of_this_child->fd, SOL_SOCKET, SO_RCVTIMEO, &quarter, sizeof quarter);
    errno = saved;
}

static bool write_all(struct el_model_worker *worker, struct el_model_client *client, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = write(client->fd, worker->buffer + done, length - done);
        if (sent < 0 && el_model_failed(worker, client, errno))
            return false;
        if (sent > 0) {
            el_model_moved(worker, client, 0, (size_t)sent);
            done += (size_t)sent;
        }
    }
    return true;
}

/* As in tcp_iterative.c, but read(2) may now wait for the whole idle limit: EAGAIN is the end. The buffer is ours, by copy-on-write. */
static void serve_client(struct el_model_worker *worker, struct el_model_client *client)
{
    for (;;) {
        ssize_t got = read(client->fd, worker->buffer, worker->options->buffer);
        if (got == 0 || (got < 0 && el_model_failed(worker, client, errno)))
            return;
        if (got > 0) {
            el_model_moved(worker, client, (size_t)got, 0);
            if (!write_all(worker, client, (size_t)got))
                return;
        }
    }
}

/* Does not return. `before` is the signal mask to go back to: until the handler is there SIGUSR2 must wait, as it would kill. */
static _Noreturn void be_child(struct family *family, int fd, const sigset_t *before)
{
    const struct sigaction drain = {.sa_handler = on_drain};
    struct el_model_client client = {.fd = fd};
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no parent, no child: also when it was killed */
    if (getppid() != family->parent)
        _exit(1); /* it was gone before that call */
    client_of_this_child = &client;
    sigaction(SIGUSR2, &drain, NULL);
    el_model_set_patience(fd, family->worker->options->idle_timeout);
    pthread_sigmask(SIG_SETMASK, before, NULL);
    /* The listeners, and what else the server has open: not ours to hold. 0-2 are the standard streams. */
    if (fd > 3)
        close_range(3, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
    serve_client(family->worker, &client);
    el_model_left(family->worker); /* the counters are shared memory */
    _exit(
        0); /* closes the rest: the FIN comes last, and who reconnects on it finds the place free */
}

/* ---- the parent ------------------------------------------------------------------------------------- */

/* [#reap] Whoever has ended is only a line in the process table, and its number is not given to anyone else, until we ask for it. */
static bool reap_one(struct family *family, int options)
{
    int status;
    pid_t pid = family->count == 0 ? 0 : waitpid(-1, &status, options | __WNOTHREAD);
    if (pid <= 0)
        return false;
    for (size_t i = 0; i < family->count; i++)
        if (family->child[i] == pid)
            family->child[i] = family->child[--family->count];
    if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
        el_model_left(family->worker); /* it was killed, and could not count itself out */
    return true;
}

static void reap(struct family *family)
{
    while (reap_one(family, WNOHANG))
        ;
}

static void tell_children(const struct family *family, int signal_number)
{
    for (size_t i = 0; i < family->count; i++)
        kill(family->child[i], signal_number); /* not reaped, so the number is still its own */
}

static void take_in(struct family *family, int fd)
{
    sigset_t drain, before;
    /* A child counts itself out a moment before it ends: then there is a place for a client, but none yet in the list. */
    while (family->count == family->worker->options->max_connections)
        reap_one(family, 0);
    sigemptyset(&drain);
    sigaddset(&drain, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &drain, &before);
    el_model_entered(family->worker);
    pid_t pid = fork();
    if (pid == 0)
        be_child(family, fd, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) { /* EAGAIN: too many processes; ENOMEM */
        el_model_left(family->worker);
        el_model_refuse(family->worker, fd, "fork");
        return;
    }
    family->child[family->count++] = pid;
    el_socket_close(fd); /* our copy: the connection ends when the last one is closed */
}

/* Children under way go on; a second order, and they are gone. Nothing tells us of either, so look 20 times a second. */
static void drain(struct family *family)
{
    tell_children(family, SIGUSR2);
    for (reap(family); family->count > 0; reap(family)) {
        if (el_service_order(family->worker->context) == EL_ORDER_STOP)
            tell_children(family, SIGKILL);
        poll(NULL, 0, DRAIN_LOOK_MS);
    }
}

static void serve(struct el_model_worker *worker)
{
    int listener = worker->context->sockets[0];
    struct family family = {.worker = worker, .parent = getpid()};
    family.child = calloc(worker->options->max_connections, sizeof *family.child);
    if (family.child == NULL) {
        el_log(worker->context->trace, EL_ERROR, "--max-connections: calloc: %m");
        return;
    }
    el_model_set_patience(listener, REAP_EVERY_S * EL_S); /* accept(2) too: so that we reap */
    while (el_service_order(worker->context) == EL_ORDER_SERVE) {
        int fd = el_model_accept(worker, listener);
        reap(&family);
        if (fd >= 0)
            take_in(&family, fd);
    }
    drain(&family);
    free(family.child);
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_fork",
        .name = "fork",
        .about = "Echoes what each TCP client sends, with a process for each client.",
        .type = SOCK_STREAM,
        .blocks = true,
        .calls = EL_CALLS_PROCESSES,
        .one_socket = true,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
