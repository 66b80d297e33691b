/*
 * echo.c - a UDP echo server that answers each letter from the address it was sent to.
 *
 * Run:      ./echo 7007        serves every loopback address, 127.0.0.1 to 127.255.255.254
 * Partner:  build/bin/udp_echo 127.0.0.2:7007
 * To do:    the five marks below, by their numbers: labs/lab check says which comes next.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* TODO(07-2): the length of the longest letter that IPv4 can bring. The README measures it. */
enum { LETTER_MAX = 512 };

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

    /* TODO(07-4): ask for the address that each letter was sent to: IP_PKTINFO, ip(7). */

    /* TODO(07-1): bind the socket to INADDR_ANY and to the port, both in network byte order. */
    (void)port;
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
        /* TODO(07-2): room for the sender's address: msg_name and msg_namelen. */
        .msg_iov = &bytes,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    memset(envelope, 0, sizeof *envelope);
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0)
        return -1;

    /* TODO(07-2): was the letter cut? message.msg_flags knows. */
    envelope->complete = true;

    /* TODO(07-4): look for IP_PKTINFO among the control messages: CMSG_FIRSTHDR, CMSG_NXTHDR. */
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
    /* TODO(07-5): only whole letters, from a loopback address, to a loopback address, and not from
     * our own port number: that would be an echo server like us, and the two would never stop. */
    (void)envelope, (void)port, (void)is_loopback;
    return true;
}

/* Sends LENGTH bytes back to who wrote, from the address that was asked. */
static ssize_t answer(int fd, void *letter, size_t length, struct envelope *envelope)
{
    /* TODO(07-3): to whom? This is the write(2) of lab 04, and you have seen what it returns here.
     * The README has the picture of sendmsg(2)'s msghdr. TODO(07-4) adds the control message. */
    (void)envelope;
    return write(fd, letter, length);
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
