/*
 * plumbing.h - what ask needs and what its lesson is not about: the command line, progress dots, and
 * three calls with their arguments in order. It is complete.
 */
#ifndef ASK_PLUMBING_H
#define ASK_PLUMBING_H

#include "lab.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <unistd.h>

enum { SMALLEST = 16, LARGEST = 1 << 24 };

/* How many requests, of how many bytes, and how many milliseconds for what. */
static long count = 4;
static size_t size = SMALLEST;
static long connect_ms = 1000, write_ms = 1000, read_ms = 1000, total_ms = 10000;

static void on_tick(int signal)
{
    (void)signal;
    (void)!write(STDERR_FILENO, ".", 1); /* printf(3) is not allowed here: signal-safety(7) */
}

/* -p: a dot each 50 ms, as progress displays do it. Each is a signal, and interrupts a wait. */
static void show_progress(void)
{
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct itimerval each = {.it_interval.tv_usec = 50000, .it_value.tv_usec = 50000};
    sigaction(SIGALRM, &tick, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
}

static long number(const char *text, long from, long to)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < from || value > to) {
        fprintf(stderr, "%s: not a number from %ld to %ld\n", text, from, to);
        exit(2);
    }
    return value;
}

/* Sets what stands above, and returns whom to ask. Exits with 2 on wrong usage. */
static struct sockaddr_in read_options(int argc, char **argv)
{
    for (int letter; (letter = getopt(argc, argv, "n:s:c:w:r:t:p")) != -1;) {
        if (letter == 'n')
            count = number(optarg, 1, 1000000);
        else if (letter == 's')
            size = (size_t)number(optarg, SMALLEST, LARGEST);
        else if (letter == 'p')
            show_progress();
        else if (letter == '?')
            exit(2);
        else
            *(letter == 'c'   ? &connect_ms
              : letter == 'w' ? &write_ms
              : letter == 'r' ? &read_ms
                              : &total_ms) = number(optarg, 1, 3600000);
    }
    struct sockaddr_in peer = {.sin_family = AF_INET};
    if (argc - optind != 2 || inet_pton(AF_INET, argv[optind], &peer.sin_addr) != 1) {
        fprintf(stderr, "usage: ask [-n COUNT] [-s BYTES] [-c CONNECT_MS] [-w WRITE_MS]\n"
                        "           [-r READ_MS] [-t TOTAL_MS] [-p] IPV4-ADDRESS PORT\n");
        exit(2);
    }
    peer.sin_port = htons(lab_port(argv[optind + 1]));
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, also into a pipe */
    return peer;
}

/*
 * recv(2) with the socket's own timeout, SO_RCVTIMEO: each call waits for so many milliseconds at
 * most. The kernel then says EAGAIN, which is told as ETIMEDOUT.
 */
static inline ssize_t recv_timeout(int fd, void *bytes, size_t length, long ms)
{
    struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
        lab_die("SO_RCVTIMEO");
    ssize_t n = recv(fd, bytes, length, 0);
    if (n < 0 && errno == EAGAIN)
        errno = ETIMEDOUT;
    return n;
}

/* SO_ERROR: the errno with which a connect(2) in progress has ended; 0 when it has succeeded. */
static inline int pending_error(int fd)
{
    int error;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

/* The number in the first four bytes, in network order. */
static inline uint32_t get_number(const uint8_t *bytes)
{
    uint32_t wire;
    memcpy(&wire, bytes, sizeof wire);
    return ntohl(wire);
}

static inline void put_number(uint8_t *bytes, uint32_t number)
{
    uint32_t wire = htonl(number);
    memcpy(bytes, &wire, sizeof wire);
}

#endif
