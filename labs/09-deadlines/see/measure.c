/*
 * measure.c - measures the predictions of lab 09 on this machine, all at once, on the loopback.
 *
 * Run:  ./measure                    one `id<TAB>value` a line, within three seconds
 *       ./measure 10.77.0.2 7        the errno of connect(2) to there
 * Each measure is a process of its own.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(int ms)
{
    for (double end = seconds() + ms / 1000.0; seconds() < end;)
        poll(NULL, 0, (int)((end - seconds()) * 1000) + 1);
}

/* A listening socket on a free port of the loopback, and its address. */
static int listen_here(int backlog, struct sockaddr_in *here)
{
    socklen_t length = sizeof *here;
    *here = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)here, length) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, (struct sockaddr *)here, &length) < 0)
        lab_die("listen");
    return fd;
}

/* A connected client whose reads have a timeout of `ms`; *served is the server's end. */
static int connect_here(int ms, int *served)
{
    struct sockaddr_in here;
    struct timeval timeout = {.tv_usec = ms * 1000};
    int listener = listen_here(1, &here), fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&here, sizeof here) < 0 ||
        (*served = accept(listener, NULL, NULL)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
        lab_die("connect");
    return fd;
}

/* A full queue is silence without privileges: SYNs are dropped. Later there is room again. */
static void silence(void)
{
    struct sockaddr_in here;
    struct tcp_info info;
    socklen_t length = sizeof info;
    int listener = listen_here(0, &here), first = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(first, (struct sockaddr *)&here, sizeof here) < 0)
        lab_die("connect");
    if (connect(fd, (struct sockaddr *)&here, sizeof here) == 0 || errno != EINPROGRESS)
        lab_die("the queue is not full: connect");
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    rest(2500);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        lab_die("TCP_INFO");
    printf("silence\t%u\n", 1U + info.tcpi_total_retrans);
    close(accept(listener, NULL, NULL));
    int ready = poll(&p, 1, 4000), error = 0;
    length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    printf("abandoned\t%s\n", ready == 1 && error == 0 ? "c" : ready == 0 ? "a" : "b");
}

/* Ten bytes, one each 100 ms; each read has 300 ms. Did the reader get all of them? */
static void dribble(void)
{
    int served, fd = connect_here(300, &served);
    char byte;
    if (fork() == 0) {
        for (int i = 0; i < 10; i++) {
            rest(100);
            (void)!write(served, "x", 1);
        }
        rest(500);
        exit(0);
    }
    close(served);
    double start = seconds();
    int got = 0;
    while (got < 10 && recv(fd, &byte, 1, 0) == 1)
        got++;
    printf("dribble\t%s\n", got == 10 && seconds() - start > 0.9 ? "b" : got < 10 ? "a" : "c");
}

static void on_tick(int signal)
{
    (void)signal;
}

/* Nothing comes; each read has 300 ms; a signal each 100 ms, and a loop that tries again. */
static void ticks(void)
{
    int served, fd = connect_here(300, &served), interrupts = 0;
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct itimerval each = {.it_interval.tv_usec = 100000, .it_value.tv_usec = 100000};
    sigaction(SIGALRM, &tick, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
    double start = seconds();
    char byte;
    while (seconds() - start < 1.5 && recv(fd, &byte, 1, 0) < 0 && errno == EINTR)
        interrupts++;
    double took = seconds() - start;
    printf("ticks\t%s\n", took > 1.5 && interrupts > 5   ? "c"
                          : took < 0.5 && interrupts > 0 ? "a"
                                                         : "b");
}

/* The answer to the first request comes after its timeout; who gets it? */
static void late(void)
{
    int served, fd = connect_here(100, &served);
    char got[3] = "";
    if (recv(fd, got, 1, 0) >= 0 || errno != EAGAIN)
        lab_die("late: recv");
    (void)!write(served, "1", 1);
    (void)!write(served, "2", 1);
    ssize_t size = recv(fd, got, 1, 0);
    printf("late\t%s\n", size == 1 && got[0] == '1' ? "b" : size == 1 && got[0] == '2' ? "a" : "c");
}

/* The name of the errno with which a blocking connect(2) fails. */
static int show_errno(const char *host, const char *port)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(lab_port(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &there.sin_addr) != 1)
        lab_die("socket");
    alarm(20);
    int result = connect(fd, (struct sockaddr *)&there, sizeof there);
    puts(result == 0 ? "none" : strerrorname_np(errno));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return show_errno(argv[1], argv[2]);
    void (*measures[])(void) = {silence, dribble, ticks, late};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        if (fork() == 0) {
            alarm(20);
            measures[i]();
            exit(0);
        }
    int status, worst = 0;
    while (wait(&status) > 0)
        worst = status != 0 ? 1 : worst;
    return worst;
}
