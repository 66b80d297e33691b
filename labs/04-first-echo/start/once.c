/*
 * once.c - a TCP echo server for one client and one piece: a whole life, and nothing against accidents.
 *
 * Teaches:  the order of the calls: socket, bind, listen, accept4, read, write, read = 0, close.
 * Run:      ./once 7007        (then, in a second terminal: build/bin/tcp_echo -m hello 127.0.0.1)
 * Leaves out, and what that costs: it echoes what the first read(2) brings, serves one client and ends.
 *           Safe on loopback, and no use.
 * Next:     ends.c, where things go wrong; then your own echo.c.
 */
#include "lab.h"

#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    in_port_t port = lab_port(argc == 2 ? argv[1] : "");
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port), /* the wire is big-endian: 7007 unswapped would be 24347 */
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        lab_die("socket");
    /* Without it a port is refused to us for a minute when we closed its last connection: socket(7). */
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        lab_die("bind");
    if (listen(listener, 16) < 0)
        lab_die("listen");
    dprintf(1, "listening on 127.0.0.1:%u\n", port);

    /* A new descriptor for each client; the listener goes on listening. */
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        lab_die("accept4");
    char buffer[4096];
    ssize_t got = read(client, buffer, sizeof buffer);
    if (got > 0 && write(client, buffer, (size_t)got) < 0)
        lab_die("write");
    while (read(client, buffer, sizeof buffer) > 0)
        ; /* not echoed. 0: the client has said that no more will come */
    close(client);
    close(listener);
    return 0;
}
