/*
 * abandon.c - gives up a connect at its deadline, does not close the socket, and watches.
 *
 * Run:      ./abandon 10.77.0.2 7007 500        (500 ms for connect; then 30 s of watching at most)
 * Partner:  ask.c, whose connect_by closes what it has given up.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    if (argc != 4 || inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
        fprintf(stderr, "usage: abandon IPV4-ADDRESS PORT MS\n");
        return 2;
    }
    peer.sin_port = htons(lab_port(argv[2]));
    setvbuf(stdout, NULL, _IOLBF, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");

    double start = seconds();
    int result = connect(fd, (struct sockaddr *)&peer, sizeof peer);
    printf("connect = %d %s\n", result, result < 0 ? strerrorname_np(errno) : "");
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    printf("poll(POLLOUT, %s ms) = %d\n", argv[3], poll(&p, 1, atoi(argv[3])));
    printf("we give up after %.1f s; the socket stays open\n", seconds() - start);

    /* The kernel is asked each 20 ms: it has no event for "I have sent it again". */
    struct tcp_info info = {.tcpi_state = TCP_SYN_SENT};
    for (bool told = false; seconds() - start < 30 && info.tcpi_state == TCP_SYN_SENT;) {
        socklen_t length = sizeof info;
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
            lab_die("TCP_INFO");
        if (info.tcpi_retransmits > 0 && !told) {
            printf("%.1f s: the kernel has sent the SYN again\n", seconds() - start);
            told = true; /* of the first time only */
        }
        poll(NULL, 0, 20);
    }
    printf("%.1f s: TCP state %s\n", seconds() - start,
           info.tcpi_state == TCP_ESTABLISHED ? "ESTABLISHED"
           : info.tcpi_state == TCP_SYN_SENT  ? "SYN_SENT"
                                              : "CLOSE");
    return 0;
}
