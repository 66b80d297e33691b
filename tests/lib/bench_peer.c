/*
 * bench_peer.c - see bench_peer.h. One epoll, blocking sends: the load generator always reads, so they end.
 */
#include "bench_peer.h"

#include "socket.h"
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ = 65536, PEERS = 1 << 16 };

struct peer {
    enum bench_peer_fault fault;
    uint64_t at;
    int epoll_fd, listener;
    uint64_t seen[PEERS]; /* bytes read so far, by descriptor */
};

static void send_all(int fd, const unsigned char *data, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the client is gone: its next read tells */
        data += sent;
        length -= (size_t)sent;
    }
}

static void hold_back(const struct peer *peer)
{
    struct timespec length = {.tv_nsec = (long)peer->at};
    while (nanosleep(&length, &length) < 0)
        ;
}

/* The piece that holds byte `at`: `before` bytes of it come first. False: the connection ends. */
static bool misbehave(const struct peer *peer, int fd, unsigned char *data, size_t length,
                      size_t before)
{
    switch (peer->fault) {
    case PEER_FLIPS:
        data[before] ^= 0x10;
        send_all(fd, data, length);
        return true;
    case PEER_DROPS:
        memmove(data + before, data + before + 1, length - before - 1);
        send_all(fd, data, length - 1);
        return true;
    case PEER_REPEATS: /* one send, so that one read sees both: there is room for it */
        memmove(data + before + 1, data + before, length - before);
        send_all(fd, data, length + 1);
        return true;
    case PEER_RESETS:
        el_socket_reset_on_close(fd);
        return false;
    case PEER_CLOSES: /* MSG_MORE: the bytes wait for the FIN, and both come at once */
        if (before > 0 && send(fd, data, before, MSG_NOSIGNAL | MSG_MORE) < 0)
            _exit(1);
        return false;
    default:
        send_all(fd, data, before);
        return true;
    }
}

/* False: the connection has ended. */
static bool echo(struct peer *peer, int fd)
{
    static unsigned char data[READ + 1];
    ssize_t got = recv(fd, data, READ, 0);
    if (got <= 0)
        return false;
    uint64_t from = peer->seen[fd];
    size_t length = (size_t)got;
    peer->seen[fd] += length;
    if (peer->fault == PEER_SLOW)
        hold_back(peer);
    else if (peer->fault == PEER_SILENT && from > peer->at)
        return true;
    else if (peer->fault != PEER_HONEST && from <= peer->at && peer->at < from + length)
        return misbehave(peer, fd, data, length, (size_t)(peer->at - from));
    send_all(fd, data, length);
    return true;
}

static void welcome(struct peer *peer)
{
    int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    peer->seen[fd] = 0;
    epoll_ctl(peer->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static _Noreturn void serve(struct peer *peer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = peer->listener};
    peer->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(peer->epoll_fd, EPOLL_CTL_ADD, peer->listener, &event);
    for (;;) {
        if (epoll_wait(peer->epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd == peer->listener)
            welcome(peer);
        else if (!echo(peer, event.data.fd))
            close(event.data.fd);
    }
}

struct bench_peer bench_peer_start(enum bench_peer_fault fault, uint64_t at)
{
    struct bench_peer started = {0};
    const struct el_address local = {
        .length = sizeof local.in,
        .in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
    };
    const struct el_socket_args args = {.type = SOCK_STREAM, .local = local};
    int listener = el_socket_open(AF_INET, &args, NULL);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(el_socket_listen(listener, 1024, NULL), 0);
    ck_assert_int_eq(el_socket_local(listener, &started.address), 0);
    struct peer *peer = calloc(1, sizeof *peer);
    ck_assert_ptr_nonnull(peer);
    *peer = (struct peer){.fault = fault, .at = at, .listener = listener};
    pid_t parent = getpid();
    started.pid = fork();
    ck_assert_int_ge(started.pid, 0);
    if (started.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) /* else it died before the prctl */
            serve(peer);
        _exit(1);
    }
    free(peer);
    close(listener);
    return started;
}

void bench_peer_stop(struct bench_peer *peer)
{
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
}

struct bench_load bench_peer_load(const struct bench_peer *peer, enum bench_kind kind)
{
    return (struct bench_load){
        .kind = kind,
        .target = peer->address,
        .connections = 1,
        .window = 1,
        .size = 64,
        .duration = 50 * EL_MS,
        .read_timeout = 10 * EL_S,
        .threads = 1,
        .cpu = -1,
    };
}
