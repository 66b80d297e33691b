/*
 * ends.c - both ends of one TCP connection in one process, so that nothing depends on who is faster.
 *
 * Teaches:  what a stream makes of three writes, how much a connection holds, what is left after a
 *           half-close, what a reset does.
 * Run:      strace -e trace=read,write,shutdown,close ./ends messages
 *           (or room, signal, halfclose, reset, gone)
 * Reads:    descriptor 3 is the listener, 4 the client's end, 5 the server's end.
 * Next:     your own echo.c.
 */
#include "lab.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct ends {
    int client, server;
};

/*
 * Listens on a port that the kernel chooses, connects to it, accepts. One process can do that alone: the
 * kernel answers the handshake as soon as somebody listens (lab 03).
 */
static struct ends connect_ends(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
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
    if (ends.server < 0)
        lab_die("accept4");
    return ends;
}

static char buffer[65536];

/* Both may fail: that is what is shown, and strace tells it. */
static ssize_t put(int fd, const char *text)
{
    return write(fd, text, strlen(text));
}

static ssize_t take(int fd)
{
    return read(fd, buffer, 4096);
}

/* With this option close(2) throws away what was not sent, and RST goes out in place of FIN: socket(7). */
static void reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void show_messages(struct ends ends)
{
    put(ends.client, "one");
    put(ends.client, "two");
    put(ends.client, "three");
    take(ends.server);
}

/* O_NONBLOCK: a write that would have to wait says EAGAIN. So we learn where a blocking one would stand. */
static void show_room(struct ends ends)
{
    size_t total = 0;
    ssize_t sent;
    fcntl(ends.client, F_SETFL, O_NONBLOCK);
    while ((sent = write(ends.client, buffer, sizeof buffer)) > 0) {
        total += (size_t)sent;
        if ((size_t)sent < sizeof buffer)
            dprintf(1, "a short write: %zd of %zu bytes\n", sent, sizeof buffer);
    }
    dprintf(1, "then %s, after %zu bytes in all\n", strerrorname_np(errno), total);
}

static void on_alarm(int number)
{
    (void)number;
}

/* A signal comes while a blocking write waits for room: the write returns with what it got done. */
static void show_signal(struct ends ends)
{
    static char much[16 << 20];
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART: signal(7) */
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    ssize_t sent = write(ends.client, much, sizeof much);
    dprintf(1, "write took %zd of %zu bytes\n", sent, sizeof much);
}

static void show_halfclose(struct ends ends)
{
    put(ends.client, "hello");
    shutdown(ends.client, SHUT_WR);
    take(ends.server);
    take(ends.server);
    put(ends.server, "hello");
    close(ends.server);
    take(ends.client);
    take(ends.client);
}

static void show_reset(struct ends ends)
{
    put(ends.client, "hello");
    reset(ends.client);
    take(ends.server);
    take(ends.server);
    put(ends.server, "hello");
}

static void show_gone(struct ends ends)
{
    put(ends.client, "hello");
    close(ends.client);
    take(ends.server);
    put(ends.server, "hello");
    put(ends.server, "hello");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*show)(struct ends);
    } shows[] = {
        {"messages", show_messages},   {"room", show_room},   {"signal", show_signal},
        {"halfclose", show_halfclose}, {"reset", show_reset}, {"gone", show_gone},
    };
    signal(SIGPIPE, SIG_DFL); /* as it is for a program that does nothing about it */
    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        if (argc == 2 && strcmp(argv[1], shows[i].name) == 0) {
            shows[i].show(connect_ends());
            return 0;
        }
    }
    dprintf(2, "usage: ends messages|room|signal|halfclose|reset|gone\n");
    return 2;
}
