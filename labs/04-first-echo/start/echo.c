/*
 * echo.c - your TCP echo server: one client after the other, and it outlives what clients do to it.
 *
 * Build:    make -C labs/work/04        (or `make` in this folder)
 * Run:      labs/work/04/echo 7007      then, in a second terminal: build/bin/tcp_echo 127.0.0.1
 * Check:    labs/lab check              it names the first thing that is wrong. Do the marks in order:
 *           listen (1), until the client's end (2), the next client (3), all of the bytes (4), survive
 *           one who is gone (5).
 */
#include "lab.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Returns a socket that listens on 127.0.0.1:port, or -1.
 *
 * TODO(04-1): the four calls are in once.c, and in the first strace of the lab's text: socket,
 * setsockopt (SO_REUSEADDR), bind, listen. Two fields of the address are big-endian: htons(3) for the
 * port, htonl(3) for the address INADDR_LOOPBACK. Where a call fails, lab_die("bind") says why and ends.
 */
static int listen_on_loopback(in_port_t port)
{
    (void)port;
    return -1;
}

/*
 * Hands all of it to the kernel. Returns false when the client has gone.
 *
 * TODO(04-4): one write(2) may take only a part. Go on with the rest until nothing is left.
 */
static bool write_all(int fd, const char *bytes, size_t length)
{
    ssize_t sent = write(fd, bytes, length);
    return sent >= 0;
}

/*
 * Echoes what one client sends. The caller closes.
 *
 * TODO(04-2): this echoes the first piece and leaves. Go on until read(2) returns 0: the client's end.
 * TODO(04-5): -1 is the end of this client too, and of nothing else. What is to be done about EINTR?
 */
static void serve(int fd)
{
    static char buffer[16384];
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got > 0)
        write_all(fd, buffer, (size_t)got);
}

int main(int argc, char **argv)
{
    in_port_t port = lab_port(argc == 2 ? argv[1] : "");
    /* TODO(04-5): a write to a client who has gone sends this process SIGPIPE. Its default is death. */
    int listener = listen_on_loopback(port);
    if (listener < 0) {
        fprintf(stderr, "echo: listen_on_loopback returned -1\n");
        return 1;
    }
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);

    /* TODO(04-3): this serves one client and ends. Serve the next one, for ever; close each. */
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        lab_die("accept4");
    serve(client);
    return 0;
}
