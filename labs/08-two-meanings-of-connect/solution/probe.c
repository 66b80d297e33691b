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
    if (connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0) {
        if (errno != ECONNREFUSED)
            lab_die("connect");
        puts("refused"); /* TCP alone: the peer has answered, with RST */
        exit(1);
    }
    /* TCP: a SYN-ACK has come back. UDP: nothing has left this machine, so nothing is known. */
    puts(type == SOCK_STREAM ? "connected" : "peer set");
    return fd;
}

/*
 * Sends one line as one datagram. Returns when it has left.
 *
 * ECONNREFUSED here is the fate of an *earlier* datagram, and this one has not been sent. The call has taken the
 * error away, so the next one sends; if another ICMP error has come meanwhile, the loop goes round once more for
 * it. Each round needs an error of its own, and there are no more of those than datagrams sent: it ends.
 */
static void send_line(int fd, const char *line, size_t length)
{
    while (send(fd, line, length, 0) < 0) {
        if (errno != ECONNREFUSED)
            lab_die("send");
        refused++;
    }
    sent++;
    puts("sent");
}

/* Takes what the socket holds at the end: answers, and the refusal of the last datagram. */
static void collect(int fd)
{
    char letter[2048];
    struct timeval patience = {.tv_usec = 300000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        lab_die("setsockopt SO_RCVTIMEO");

    while (refused + answered < sent) {
        ssize_t got = recv(fd, letter, sizeof letter, 0);
        if (got >= 0) {
            answered++;
            printf("answer %.*s\n", (int)got, letter);
        } else if (errno == ECONNREFUSED) {
            refused++;
        } else if (errno == EAGAIN) {
            return; /* 300 ms without news */
        } else if (errno != EINTR) {
            lab_die("recv");
        }
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
