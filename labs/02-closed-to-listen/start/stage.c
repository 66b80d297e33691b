/*
 * stage.c - takes a TCP socket through the steps you name, then becomes another program.
 *
 * Teaches:  which of socket, bind, listen, connect and accept changes what, by looking after each.
 * Run:      ./stage bind,listen 7002 ss -tan        also: reuse noswap connect accept hangup
 * Partner:  bound.c, which shows what ss of today does not
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

static void step(int result, const char *what)
{
    if (result < 0)
        lab_die(what);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: stage STEP[,STEP…] PORT COMMAND…\n");
        return 2;
    }
    const char *steps = argv[1];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    in_port_t port = (in_port_t)atoi(argv[2]); /* 0: the kernel chooses */
    at.sin_port = strstr(steps, "noswap") ? port : htons(port);

    int yes = 1, ours, client = -1, accepted = -1;
    step(ours = socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (strstr(steps, "reuse"))
        step(setsockopt(ours, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
    if (strstr(steps, "bind"))
        step(bind(ours, (struct sockaddr *)&at, length), "bind");
    if (strstr(steps, "listen"))
        step(listen(ours, 4), "listen");
    if (strstr(steps, "connect")) {
        step(client = socket(AF_INET, SOCK_STREAM, 0), "socket");
        step(connect(client, (struct sockaddr *)&at, length), "connect");
    }
    if (strstr(steps, "accept"))
        step(accepted = accept(ours, NULL, NULL), "accept");
    if (strstr(steps, "hangup")) {
        close(accepted); /* the server's end says goodbye first: it pays with TIME-WAIT */
        close(client);
    } else if (client >= 0) {
        /* Whoever exits with these open ends them by a reset: no TIME-WAIT stays behind, and the
         * same command can be run again at once. */
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        setsockopt(accepted, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    execvp(argv[3], argv + 3);
    lab_die(argv[3]);
}
