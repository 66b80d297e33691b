/*
 * echo.c - your TCP echo server for many clients in one thread: it waits for all of them at once.
 *
 * Build:    make -C labs/work/06        (or `make` in this folder)
 * Run:      labs/work/06/echo 7007      then, in other terminals: build/bin/tcp_echo 127.0.0.1
 * Check:    labs/lab check              it names the first thing that is wrong. Do the marks in order:
 *           the set (1), take clients in (2), read and answer (3), the end of a client (4), what
 *           is owed (5).
 */
#include "lab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 16384, BATCH = 64 };

/* One client, and what it is owed: bytes[from..to). While anything is owed, do not read from it. */
struct client {
    int fd;
    size_t from, to;
    char bytes[BUFFER];
};

static int epoll_fd;

/* As in lab 04, but for SOCK_NONBLOCK: accept4 says EAGAIN when nobody waits, in place of waiting. */
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

/*
 * Waits for `events` (EPOLLIN or EPOLLOUT) of the client from now on. `how`: EPOLL_CTL_ADD the first
 * time, EPOLL_CTL_MOD later. The event comes back from epoll_wait with the same pointer.
 */
static bool wait_for(struct client *client, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    return epoll_ctl(epoll_fd, how, client->fd, &event) == 0;
}

/* TODO(06-4): a client has ended. Two things are still ours: its descriptor and its memory. */
static void end_client(struct client *client)
{
    (void)client;
}

/*
 * TODO(06-2): somebody waits to be accepted. accept4 with SOCK_CLOEXEC | SOCK_NONBLOCK, calloc a struct
 * client, wait_for EPOLLIN; and again, until accept4 says EAGAIN. Take care of calloc's NULL.
 */
static void accept_clients(int listener)
{
    (void)listener;
    (void)wait_for;
}

/*
 * TODO(06-3): there are bytes, or the client's end. read(2) into client->bytes, at most BUFFER. Answer
 * with write(2) at once: mostly there is room. EAGAIN and EINTR are no failures; 0 and other errors are
 * the end of this client: end_client, and do not touch it afterwards.
 * TODO(06-5): the write may be short, or EAGAIN. Keep what is owed, and wait_for EPOLLOUT only.
 */
static void on_readable(struct client *client)
{
    (void)client;
    (void)end_client;
}

/* TODO(06-5): there is room. Write what is owed; when nothing is left, wait_for EPOLLIN again. */
static void on_writable(struct client *client)
{
    (void)client;
}

int main(int argc, char **argv)
{
    in_port_t port = lab_port(argc == 2 ? argv[1] : "");
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on_loopback(port);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        lab_die("epoll_create1");
    /* TODO(06-1): put the listener into the set, for EPOLLIN, with .data.ptr = NULL to know it by. */
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);

    for (;;) {
        struct epoll_event events[BATCH];
        int count = epoll_wait(epoll_fd, events, BATCH, -1);
        if (count < 0 && errno != EINTR) /* EINTR: it was stopped and continued, signal(7) */
            lab_die("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL)
                accept_clients(listener);
            else if (client->from < client->to)
                on_writable(client);
            else
                on_readable(client);
        }
    }
}
