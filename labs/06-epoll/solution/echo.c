/*
 * echo.c - a TCP echo server for many clients in one thread: it never waits for one of them, only for all of them, in epoll_wait(2).
 *
 * Run:      ./echo 7007        (then, in other terminals: build/bin/tcp_echo 127.0.0.1)
 * Leaves out, and what that costs: limits of time and number. A thousand silent clients cost a thousand descriptors. Safe on
 *           loopback; NOTES.md says what a server for strangers has besides.
 */
#include "lab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 16384, BATCH = 64 };

/* One client, and what it is owed: bytes[from..to). While anything is owed we do not read, so one buffer is enough. */
struct client {
    int fd;
    size_t from, to;
    char bytes[BUFFER];
};

static int epoll_fd;

/* As in lab 04, but that accept4 and every call on it answer at once: EAGAIN in place of waiting. */
static int listen_on_loopback(in_port_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1;
    if (fd < 0)
        lab_die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        lab_die("bind");
    if (listen(fd, 128) < 0)
        lab_die("listen");
    return fd;
}

/* Waits for `events` of the client from now on. `how`: EPOLL_CTL_ADD or EPOLL_CTL_MOD. */
static bool wait_for(struct client *client, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    return epoll_ctl(epoll_fd, how, client->fd, &event) == 0;
}

/* close(2) takes the descriptor out of the set as well: nobody else holds it. */
static void end_client(struct client *client)
{
    close(client->fd);
    free(client);
}

/* NOLINTBEGIN(clang-analyzer-unix.Malloc): epoll holds each client, and hands it back */
static void accept_clients(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct client *client = calloc(1, sizeof *client);
        if (client == NULL) {
            close(fd);
            return;
        }
        client->fd = fd;
        if (!wait_for(client, EPOLL_CTL_ADD, EPOLLIN))
            end_client(client);
    }
    /* EAGAIN: the queue is empty. ECONNABORTED, EINTR: epoll_wait tells us again, if there is more. */
    if (errno == EMFILE || errno == ENFILE)
        lab_die("accept4"); /* or epoll_wait would tell of that client for ever: lab 14 */
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */

/* EAGAIN is no failure: there was nothing to do after all. EINTR: a signal came first. */
static bool failed(ssize_t result)
{
    return result < 0 && errno != EAGAIN && errno != EINTR;
}

/* Hands over what is owed, as far as there is room. False: the client has gone. */
static bool give(struct client *client)
{
    ssize_t sent = write(client->fd, client->bytes + client->from, client->to - client->from);
    if (failed(sent))
        return false;
    if (sent > 0)
        client->from += (size_t)sent;
    return true;
}

static bool owed(const struct client *client)
{
    return client->from < client->to;
}

/* Takes what is there and gives it back at once. Only when that does not fit, the next wait is for room. */
static void on_readable(struct client *client)
{
    ssize_t got = read(client->fd, client->bytes, BUFFER);
    if (got == 0 || failed(got)) {
        end_client(client); /* 0: nothing is owed, or we would not have read; so FIN may follow */
        return;
    }
    if (got < 0)
        return;
    client->from = 0;
    client->to = (size_t)got;
    if (!give(client) || (owed(client) && !wait_for(client, EPOLL_CTL_MOD, EPOLLOUT)))
        end_client(client);
}

static void on_writable(struct client *client)
{
    if (!give(client) || (!owed(client) && !wait_for(client, EPOLL_CTL_MOD, EPOLLIN)))
        end_client(client);
}

int main(int argc, char **argv)
{
    in_port_t port = lab_port(argc == 2 ? argv[1] : "");
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on_loopback(port);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}; /* NULL: the listener */
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0)
        lab_die("epoll");
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);

    for (;;) {
        struct epoll_event events[BATCH];
        int count = epoll_wait(epoll_fd, events, BATCH, -1);
        if (count < 0 && errno != EINTR) /* EINTR: it was stopped and continued, signal(7) */
            lab_die("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            /* One event a client and batch at most: so none is freed that a later event points to. */
            if (client == NULL)
                accept_clients(listener);
            else if (owed(client))
                on_writable(client);
            else
                on_readable(client);
        }
    }
}
