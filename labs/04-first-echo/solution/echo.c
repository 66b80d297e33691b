/*
 * echo.c - a TCP echo server for one client after the other that outlives what clients do to it.
 *
 * Run:      ./echo 7007        (then, in a second terminal: build/bin/tcp_echo 127.0.0.1)
 * Leaves out, and what that costs: a second client at a time, and every limit of time. Safe on loopback, where only one's own
 *           programs wait; NOTES.md says what a server for strangers has besides.
 */
#include "lab.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* Returns a socket that listens on 127.0.0.1:port; ends the program when it cannot. */
static int listen_on_loopback(in_port_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK), /* not INADDR_ANY: strangers could connect */
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    int yes =
        1; /* or a port whose last connections we closed ourselves is ours no more for a minute */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        lab_die("bind");
    if (listen(fd, 16) < 0)
        lab_die("listen");
    return fd;
}

/* Hands all of it to the kernel, however many calls that takes. False: the client has gone. */
static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = write(fd, bytes, length);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Echoes until the client says that no more will come, or has gone. It owns nothing: the caller closes. */
static void serve(int fd)
{
    static char buffer[16384];
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fprintf(stderr, "echo: read: %s\n", strerror(errno)); /* the end of this client only */
            return;
        }
        if (got == 0)
            return; /* all before it was written already, so close(2) now sends what is left, and FIN */
        if (!write_all(fd, buffer, (size_t)got)) {
            fprintf(stderr, "echo: write: %s\n", strerror(errno));
            return;
        }
    }
}

int main(int argc, char **argv)
{
    in_port_t port = lab_port(argc == 2 ? argv[1] : "");
    signal(SIGPIPE, SIG_IGN); /* a write to one who has gone shall be EPIPE, not our end */
    int listener = listen_on_loopback(port);
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);

    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue; /* it left while it waited in the queue: the next one, please */
        if (client < 0)
            lab_die("accept4");
        serve(client);
        close(client);
    }
}
