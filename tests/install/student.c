/*
 * student.c - a program of a student's own, built against the installed library.
 *
 * Teaches:  the smallest use of libecholab: a name goes in, a connected TCP socket comes out, one line is echoed.
 * Build:    cc student.c $(pkg-config --cflags --libs echolab libevent_core) -o student
 * Run:      ./student localhost 7007 hello        (with tcp_echo_server running)
 * Partner:  servers/tcp_echo_server.c
 * Leaves out: waiting for the reply on the loop; poll(2) with one deadline is enough for one line. Safe: every wait ends.
 */
#include <echolab/dialer.h>
#include <echolab/options.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct program {
    struct event_base *base;
    int fd;
    int error;
};

static void dialed(void *arg, const struct el_dial_result *result)
{
    struct program *program = arg;
    char text[EL_ADDRESS_TEXT];
    program->fd = result->fd;
    program->error = result->error;
    if (result->status == EL_DIAL_OK)
        printf("connected to %s after %.3f ms\n", el_address_print(&result->peer, text),
               (double)(result->ended - result->started) / EL_MS);
    event_base_loopbreak(program->base);
}

/* Sends the line and reads it back: a read may bring any part of it. Returns 0 or -errno. */
static int echo_line(int fd, const char *line, el_time deadline)
{
    char reply[1024];
    size_t length = strlen(line), have = 0;
    if (length > sizeof reply)
        return -EMSGSIZE;
    if (send(fd, line, length, MSG_NOSIGNAL) != (ssize_t)length)
        return errno ? -errno : -EIO; /* a fresh socket has room for one line */
    while (have < length) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int n = poll(&ready, 1, el_poll_ms(el_time_left(deadline, el_now())));
        if (n == 0)
            return -ETIMEDOUT;
        ssize_t got = n < 0 ? -1 : read(fd, reply + have, length - have);
        if (got == 0)
            return -ECONNRESET;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        have += got > 0 ? (size_t)got : 0;
    }
    return memcmp(line, reply, length) == 0 ? 0 : -EBADMSG;
}

int main(int argc, char **argv)
{
    uint64_t port;
    const char *why;
    if (argc != 4 || el_parse_number(argv[2], &port, &why) < 0 || port < 1 || port > 65535) {
        fprintf(stderr, "usage: student HOST PORT LINE\n");
        return 2;
    }
    struct program program = {.base = event_base_new(), .fd = -1};
    if (!program.base)
        return 2;
    struct el_resolver *resolver =
        el_resolver_new(&(struct el_resolver_args){.base = program.base});
    el_time deadline = el_time_after(el_now(), 5 * EL_S);
    struct el_dial_args dial = {
        .resolver = resolver,
        .base = program.base,
        .host = argv[1],
        .port = (uint16_t)port,
        .socket = {.type = SOCK_STREAM, .tos = -1},
        .deadline = deadline,
        .done = dialed,
        .arg = &program,
    };
    if (!resolver || !el_dial(&dial))
        return 2;
    event_base_dispatch(program.base);

    int error = program.fd < 0 ? program.error : echo_line(program.fd, argv[3], deadline);
    if (error)
        fprintf(stderr, "student: %s:%s: %s\n", argv[1], argv[2], strerror(-error));
    else
        printf("echoed: %s\n", argv[3]);
    el_socket_close(program.fd);
    el_resolver_free(resolver);
    event_base_free(program.base);
    return error ? 1 : 0;
}
