/*
 * probe.c - one call, connect(2), in both of its meanings.
 *
 * Run:      ./probe tcp ADDRESS PORT    makes a connection:          connected | refused
 *           ./probe udp ADDRESS PORT    sets the peer:               peer set
 *                                       then each line of standard input is sent as one datagram
 *                                       (sent), and at the end the answers are collected (answer ...)
 *                                       and the account is given:
 *                                       3 sent, 1 refused, 1 answered, 1 lost
 * Exit:     0 connected, or everything answered; 1 not; 2 usage.
 * Partner:  rules.sh, which counts what was really sent and refused.
 * To do:    the three marks below, after the two in rules.sh.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int sent, refused, answered; /* the account of this run */

/* The socket and its peer. Ends the program when TCP says at once that nobody is there. */
static int open_peer(int type, const struct sockaddr_in *peer)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");

    /* TODO(08-3): connect(2), for both types the same call. Print what is known when it has returned:
     * for SOCK_STREAM "connected", or "refused" and exit(1); for SOCK_DGRAM "peer set". */
    (void)peer;
    puts("connected");
    return fd;
}

/* Sends one line as one datagram. Returns when it has left. */
static void send_line(int fd, const char *line, size_t length)
{
    /* TODO(08-4): when this fails with ECONNREFUSED, which datagram does that speak of, and has this
     * one left? Count the refusal, and see to it that this line is sent. */
    if (send(fd, line, length, 0) < 0)
        perror("send");
    sent++;
    puts("sent");
}

/* Takes what the socket holds at the end: answers, and the refusal of the last datagram. */
static void collect(int fd)
{
    char letter[2048];
    struct timeval patience = {.tv_usec = 300000}; /* 300 ms of nothing: recv(2) gives EAGAIN */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        lab_die("setsockopt SO_RCVTIMEO");

    /* TODO(08-5): recv(2) has four outcomes here: an answer (0 bytes is one too), ECONNREFUSED, EAGAIN,
     * and EINTR. Go on until every datagram is accounted for, or the patience is at its end. */
    ssize_t got = recv(fd, letter, sizeof letter, 0);
    if (got >= 0) {
        answered++;
        printf("answer %.*s\n", (int)got, letter);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    if (argc != 4 || (strcmp(argv[1], "tcp") != 0 && strcmp(argv[1], "udp") != 0) ||
        inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1) {
        fprintf(stderr, "usage: probe tcp|udp ADDRESS PORT\n");
        return 2;
    }
    peer.sin_port = htons(lab_port(argv[3]));
    setvbuf(stdout, NULL, _IOLBF, 0); /* a pipe sees each line at once */

    if (strcmp(argv[1], "tcp") == 0) {
        open_peer(SOCK_STREAM, &peer);
        return 0;
    }
    int fd = open_peer(SOCK_DGRAM, &peer);
    char line[1024];
    while (fgets(line, sizeof line, stdin) != NULL)
        send_line(fd, line, strcspn(line, "\n"));
    collect(fd);
    printf("%d sent, %d refused, %d answered, %d lost\n", sent, refused, answered,
           sent - refused - answered);
    return answered == sent ? 0 : 1;
}
