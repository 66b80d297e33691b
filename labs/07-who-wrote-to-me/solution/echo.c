/*
 * echo.c - a UDP echo server that answers each letter from the address it was sent to.
 *
 * Run:      ./echo 7007        serves every loopback address, 127.0.0.1 to 127.255.255.254
 * Partner:  build/bin/udp_echo 127.0.0.2:7007
 * Leaves out, and what that costs:
 *           - one datagram at a time, and the answer is waited for (safe, only slow)
 *           - IPv6
 *           - rate limits: it answers nobody but this machine, so nobody else can aim it at a victim
 */
#include "lab.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The largest payload of an IPv4 datagram: 65535 less 20 bytes of IP header and 8 of UDP header. */
enum { LETTER_MAX = 65507 };

/* What is on the envelope of a letter. */
struct envelope {
    struct sockaddr_in sender; /* who wrote: the answer goes there */
    struct in_addr asked; /* which address of ours it was sent to: the answer comes from there */
    bool complete;        /* false: the buffer was too small, the tail is gone */
};

/* A UDP socket on every address of this machine (0.0.0.0) that asks to be told which one was used. */
static int open_socket(in_port_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");

    int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0)
        lab_die("setsockopt IP_PKTINFO");

    struct sockaddr_in local = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0)
        lab_die("bind");
    return fd;
}

/* Waits for one letter. Returns its length, 0 included, or -1 with errno; fills in the envelope. */
static ssize_t receive(int fd, void *letter, struct envelope *envelope)
{
    union { /* aligned as a cmsghdr must be: cmsg(3) */
        char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
    } control;
    struct iovec bytes = {.iov_base = letter, .iov_len = LETTER_MAX};
    struct msghdr message = {
        .msg_name = &envelope->sender,
        .msg_namelen = sizeof envelope->sender,
        .msg_iov = &bytes,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0)
        return -1;

    envelope->complete = (message.msg_flags & MSG_TRUNC) == 0;
    envelope->asked.s_addr = htonl(INADDR_ANY);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info); /* it need not be aligned */
            envelope->asked = info.ipi_spec_dst; /* an address of ours, even after a broadcast */
        }
    return got;
}

/* 127.0.0.0/8: addresses that never leave the machine. */
static bool is_loopback(struct in_addr address)
{
    return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Is this a letter that a careful server answers? Silence is the only other answer there is. */
static bool may_answer(const struct envelope *envelope, in_port_t port)
{
    return envelope->complete && is_loopback(envelope->sender.sin_addr) &&
           is_loopback(envelope->asked) && ntohs(envelope->sender.sin_port) != port;
}

/* Sends LENGTH bytes back to who wrote, from the address that was asked. */
static ssize_t answer(int fd, void *letter, size_t length, struct envelope *envelope)
{
    union {
        char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
    } control = {0};
    struct iovec bytes = {.iov_base = letter, .iov_len = length};
    struct msghdr message = {
        .msg_name = &envelope->sender,
        .msg_namelen = sizeof envelope->sender,
        .msg_iov = &bytes,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    struct in_pktinfo info = {.ipi_spec_dst = envelope->asked};
    memcpy(CMSG_DATA(c), &info, sizeof info);
    return sendmsg(fd, &message, 0);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: echo PORT\n");
        return 2;
    }
    in_port_t port = lab_port(argv[1]);
    int fd = open_socket(port);

    printf("echo: port %u, waiting for letters\n", port);
    fflush(stdout); /* at once, into a pipe too */

    static char letter[LETTER_MAX]; /* one letter at a time: one buffer is enough */
    for (;;) {
        struct envelope envelope;
        ssize_t got = receive(fd, letter, &envelope);
        if (got < 0 && errno != EINTR)
            lab_die("recvmsg"); /* not ECONNREFUSED: a socket without a peer hears no ICMP */
        if (got < 0 || !may_answer(&envelope, port))
            continue;
        if (answer(fd, letter, (size_t)got, &envelope) < 0)
            perror("sendmsg"); /* UDP may lose an answer anyway: the next letter is waiting */
    }
}
