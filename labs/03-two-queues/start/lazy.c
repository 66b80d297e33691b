/*
 * lazy.c - a server that listens and never accepts, until it is told to.
 *
 * Teaches:  listen(2) is enough for a client to connect: the kernel shakes hands, lazy sleeps.
 * Run:      ./lazy 127.0.0.1 7007 4      ADDRESS PORT BACKLOG; kill -USR1 makes it accept one
 * Partner:  callers.c
 * Leaves out: any answer to a client. It is a specimen, not a server.
 * Next:     queue.c, which is yours.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* Takes the client that has waited longest, and says who it is and what it had already sent. */
static void accept_one(int listener)
{
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof peer;
    /* Without SOCK_NONBLOCK on the listener an empty queue would put us to sleep here. */
    int client = accept4(listener, (struct sockaddr *)&peer, &peer_len, SOCK_CLOEXEC);
    if (client < 0) {
        printf("lazy: accept: %s\n", strerror(errno));
        return;
    }
    char said[16];
    ssize_t n = recv(client, said, sizeof said, MSG_DONTWAIT);
    if (n > 0)
        printf("lazy: accepted the one that had already said \"%.*s\"\n", (int)n, said);
    else
        printf("lazy: accepted one that %s\n", n == 0 ? "has already left" : "had said nothing");
    close(client);
}

int main(int argc, char **argv)
{
    struct sockaddr_in local = {.sin_family = AF_INET};
    if (argc != 4 || inet_pton(AF_INET, argv[1], &local.sin_addr) != 1) {
        fprintf(stderr, "usage: lazy ADDRESS PORT BACKLOG\n");
        return 2;
    }
    local.sin_port = htons(lab_port(argv[2]));
    setvbuf(stdout, NULL, _IOLBF, 0);

    /* Blocked, the signal waits for sigwait(3): no handler, and it cannot come at a bad moment. */
    sigset_t wake;
    sigemptyset(&wake);
    sigaddset(&wake, SIGUSR1);
    sigprocmask(SIG_BLOCK, &wake, NULL);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        lab_die("socket");
    /* So that the lab can be run twice in a minute: clients of the last time may still be in
     * TIME_WAIT. */
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&local, sizeof local) < 0)
        lab_die("bind");
    if (listen(listener, atoi(argv[3])) < 0)
        lab_die("listen");
    printf("lazy: listening with backlog %s, accepting nobody\n", argv[3]);

    for (;;) {
        int signal;
        sigwait(&wake, &signal);
        accept_one(listener);
    }
}
