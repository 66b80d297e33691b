/*
 * ready.c - what epoll_wait(2) tells of one connection: both of its ends in one process, so that nothing
 *           depends on who is faster.
 *
 * Teaches:  level-triggered, it tells as long as a thing is so; edge-triggered, when it becomes so; and
 *           "ready" does not say for how much.
 * Run:      strace -e trace=epoll_wait,read,write ./ready level        (or edge, spin, room, ends)
 * Reads:    descriptor 3 is the listener, 4 the client's end, 5 the server's end, 6 the epoll set.
 * Next:     your own echo.c.
 */
#include "lab.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct ends {
    int client, server, epoll;
};

/* As in lab 04: the kernel does the handshake, so one process can be both ends. */
static struct ends connect_ends(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct ends ends = {.client = socket(AF_INET, SOCK_STREAM, 0)};
    if (listener < 0 || ends.client < 0)
        lab_die("socket");
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0)
        lab_die("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    if (connect(ends.client, (struct sockaddr *)&address, length) < 0)
        lab_die("connect");
    ends.server = accept4(listener, NULL, NULL, 0);
    ends.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (ends.server < 0 || ends.epoll < 0)
        lab_die("accept4");
    return ends;
}

static void watch(struct ends ends, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = ends.server};
    if (epoll_ctl(ends.epoll, EPOLL_CTL_ADD, ends.server, &event) < 0)
        lab_die("epoll_ctl");
}

/* Waits at most 200 ms: long enough to show that nothing more is told. */
static bool told(struct ends ends)
{
    struct epoll_event event;
    return epoll_wait(ends.epoll, &event, 1, 200) == 1;
}

static char buffer[16 << 20];

/* What fails here is what is shown, and strace tells it. */
static ssize_t put(int fd, const void *bytes, size_t length)
{
    return write(fd, bytes, length);
}

static ssize_t take_one(int fd)
{
    return read(fd, buffer, 1);
}

static void show_level(struct ends ends)
{
    watch(ends, EPOLLIN);
    put(ends.client, "abcde", 5);
    while (told(ends))
        take_one(ends.server);
}

/* The sixth byte is a new edge: we are told once more, read the second byte, and are five behind. */
static void show_edge(struct ends ends)
{
    watch(ends, EPOLLIN | EPOLLET);
    put(ends.client, "abcde", 5);
    while (told(ends))
        take_one(ends.server);
    put(ends.client, "f", 1);
    while (told(ends))
        take_one(ends.server);
}

/* An idle connection, and one who waits for room in it though he has nothing to write. */
static void show_spin(struct ends ends)
{
    unsigned long count = 0;
    struct timespec start, now;
    watch(ends, EPOLLIN | EPOLLOUT);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        told(ends);
        count++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 100);
    printf("told %lu times in 100 ms\n", count);
}

/* EPOLLOUT promises room, not how much. O_NONBLOCK: the write takes what fits and does not wait. */
static void show_room(struct ends ends)
{
    fcntl(ends.server, F_SETFL, O_NONBLOCK);
    watch(ends, EPOLLOUT);
    told(ends);
    ssize_t took = put(ends.server, buffer, sizeof buffer);
    put(ends.server, buffer, sizeof buffer);
    told(ends);
    while (recv(ends.client, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ; /* the client reads all that has come */
    told(ends);
    printf("%zd of %zu bytes fitted\n", took, sizeof buffer);
}

static void show_ends(struct ends ends)
{
    watch(ends, EPOLLIN | EPOLLRDHUP);
    shutdown(ends.client, SHUT_WR);
    told(ends);
    take_one(ends.server);
    told(ends);
    shutdown(ends.server, SHUT_WR);
    told(ends);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*show)(struct ends);
    } shows[] = {
        {"level", show_level}, {"edge", show_edge}, {"spin", show_spin},
        {"room", show_room},   {"ends", show_ends},
    };
    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        if (argc == 2 && strcmp(argv[1], shows[i].name) == 0) {
            shows[i].show(connect_ends());
            return 0;
        }
    }
    fprintf(stderr, "usage: ready level|edge|spin|room|ends\n");
    return 2;
}
