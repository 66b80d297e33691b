/*
 * udp_flood.c - so many datagrams, at such a rate, and how many of them arrived: for measuring.
 *
 * Run:      gcc -O2 -D_GNU_SOURCE -o udp_flood tests/measure/udp_flood.c
 *           udp_flood receive PORT COUNT &      udp_flood send ADDRESS PORT RATE COUNT
 * Bounds:   at most 10 million datagrams and 60 seconds; the receiver also ends after two silent seconds.
 * Partner:  faults.sh, which runs both in a lab network. No part of the tests: nothing here asserts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 16, SIZE = 64, MAX_COUNT = 10000000, MAX_SECONDS = 60 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static int sender(const char *address, uint16_t port, double rate, uint64_t count)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    static char data[BATCH][SIZE];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &to.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return 1;
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){data[i], SIZE};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    double start = now();
    uint64_t sent = 0;
    while (sent < count && now() - start < MAX_SECONDS) {
        double due = start + (double)sent / rate;
        while (now() < due)
            ; /* a pause of microseconds: no timer is that fine */
        int n = count - sent < BATCH ? (int)(count - sent) : BATCH;
        for (int i = 0; i < n; i++) {
            uint64_t sequence = sent + (uint64_t)i;
            memcpy(data[i], &sequence, sizeof sequence);
        }
        n = sendmmsg(fd, messages, (unsigned)n, 0);
        if (n < 0)
            return fprintf(stderr, "send: %s\n", strerror(errno)), 1;
        sent += (uint64_t)n;
    }
    double took = now() - start;
    printf("sent %lu in %.3f s: %.0f/s, cpu %.0f%%\n", sent, took, (double)sent / took,
           100 * cpu() / took);
    return 0;
}

static int receiver(uint16_t port, uint64_t count)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
    static char data[BATCH * 4][SIZE], control[BATCH * 4][64];
    struct iovec parts[BATCH * 4];
    struct mmsghdr messages[BATCH * 4];
    struct timeval silence = {2, 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 64 << 20, on = 1;
    uint64_t got = 0, disordered = 0, next = 0;
    uint32_t overflow = 0;
    double first = 0, last = 0;
    if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0)
        return 1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    printf("ready\n");
    fflush(stdout);
    while (got < count) {
        memset(messages, 0, sizeof messages);
        for (int i = 0; i < BATCH * 4; i++) {
            parts[i] = (struct iovec){data[i], SIZE};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                                  .msg_iovlen = 1,
                                                  .msg_control = control[i],
                                                  .msg_controllen = sizeof control[i]};
        }
        int n = recvmmsg(fd, messages, BATCH * 4, MSG_WAITFORONE, NULL);
        if (n < 0)
            break;
        last = now();
        if (got == 0) {
            first = last;
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
        }
        for (int i = 0; i < n; i++) {
            uint64_t sequence;
            memcpy(&sequence, data[i], sizeof sequence);
            disordered += sequence < next;
            next = sequence + 1;
            struct cmsghdr *c = CMSG_FIRSTHDR(&messages[i].msg_hdr);
            if (c != NULL && c->cmsg_type == SO_RXQ_OVFL)
                memcpy(&overflow, CMSG_DATA(c), sizeof overflow);
        }
        got += (uint64_t)n;
    }
    double took = last - first;
    printf("received %lu in %.3f s: %.0f/s, disordered %lu, receiver's own drops %u, cpu %.0f%%\n",
           got, took, (double)got / took, disordered, overflow, 100 * cpu() / took);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "receive") == 0 && strtoull(argv[3], NULL, 10) <= MAX_COUNT)
        return receiver((uint16_t)atoi(argv[2]), strtoull(argv[3], NULL, 10));
    if (argc == 6 && strcmp(argv[1], "send") == 0 && strtoull(argv[5], NULL, 10) <= MAX_COUNT)
        return sender(argv[2], (uint16_t)atoi(argv[3]), atof(argv[4]), strtoull(argv[5], NULL, 10));
    fprintf(stderr, "usage: udp_flood receive PORT COUNT | send ADDRESS PORT RATE COUNT\n");
    return 2;
}
