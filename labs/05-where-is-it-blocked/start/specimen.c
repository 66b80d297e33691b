/*
 * specimen.c - a process whose threads are stuck, each in another place.
 *
 * Run:      ./specimen accept read write connect udp epoll poll pipe sleep spin
 *           One thread for each word. Each says what it is about to do: its own number, the call,
 *           the descriptor, the address if there is one. `ready` follows when all have said so.
 * Partner:  whereis-blocked.c, which has to find the same out without being told.
 * Leaves out: an end. It stays until it is killed.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_barrier_t all_said;

/* Says what this thread will do next, and waits until all have: then each goes to its place. */
static void say(const char *call, int fd)
{
    struct sockaddr_in here = {0};
    socklen_t len = sizeof here;
    long self = syscall(SYS_gettid);
    if (fd >= 0 && getsockname(fd, (struct sockaddr *)&here, &len) == 0 && here.sin_port != 0)
        printf("%ld %s %d 127.0.0.1:%u\n", self, call, fd, ntohs(here.sin_port));
    else if (fd >= 0)
        printf("%ld %s %d\n", self, call, fd);
    else
        printf("%ld %s\n", self, call);
    pthread_barrier_wait(&all_said);
}

/* Moves a descriptor to a number of 40 or more, any of 400, so that nobody can know it beforehand.
 * */
static int somewhere(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 40 + rand() % 400);
    if (fd < 0 || moved < 0)
        lab_die("descriptor");
    close(fd);
    return moved;
}

/* A socket on a free port of 127.0.0.1; a TCP one listens. */
static int bound(int type, int backlog, struct sockaddr_in *where)
{
    int fd = somewhere(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    socklen_t len = sizeof *where;
    *where = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)where, len) < 0 ||
        (type == SOCK_STREAM && listen(fd, backlog) < 0))
        lab_die("bind or listen");
    getsockname(fd, (struct sockaddr *)where, &len);
    return fd;
}

static int called(const struct sockaddr_in *where)
{
    int fd = somewhere(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(fd, (const struct sockaddr *)where, sizeof *where) < 0)
        lab_die("connect");
    return fd;
}

static void *stuck(void *word)
{
    const char *kind = word;
    struct sockaddr_in where;
    static char bytes[1 << 16];

    if (strcmp(kind, "accept") == 0) {
        int fd = bound(SOCK_STREAM, 8, &where);
        say("accept4", fd);
        accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    } else if (strcmp(kind, "read") == 0) {
        int fd = called((bound(SOCK_STREAM, 8, &where), &where));
        say("read", fd);
        (void)!read(fd, bytes, sizeof bytes);
    } else if (strcmp(kind, "write") == 0) {
        int fd = called((bound(SOCK_STREAM, 8, &where), &where));
        say("write", fd);
        while (write(fd, bytes, sizeof bytes) > 0)
            ; /* nobody reads: both buffers fill, and then write(2) waits */
    } else if (strcmp(kind, "connect") == 0) {
        bound(SOCK_STREAM, 0, &where);
        called(&where); /* backlog 0: one client fits (lab 03), and the next waits in connect(2) */
        int fd = somewhere(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        say("connect", fd);
        while (connect(fd, (struct sockaddr *)&where, sizeof where) < 0 && errno == ETIMEDOUT)
            ; /* that takes two minutes; then on it goes */
    } else if (strcmp(kind, "udp") == 0) {
        int fd = bound(SOCK_DGRAM, 0, &where);
        say("recvfrom", fd);
        recvfrom(fd, bytes, sizeof bytes, 0, NULL, NULL);
    } else if (strcmp(kind, "epoll") == 0) {
        struct epoll_event event;
        int fd = somewhere(epoll_create1(EPOLL_CLOEXEC));
        say("epoll_pwait", fd);
        /* Stopped and continued, this one call comes back with EINTR where the others go on
         * (signal(7)). */
        while (epoll_pwait(fd, &event, 1, -1, &(sigset_t){{0}}) < 0 && errno == EINTR)
            ;
    } else if (strcmp(kind, "poll") == 0) {
        struct pollfd fd = {.fd = bound(SOCK_DGRAM, 0, &where), .events = POLLIN};
        say("ppoll",
            -1); /* its first argument is an address: which descriptors, only the process knows */
        ppoll(&fd, 1, NULL, NULL);
    } else if (strcmp(kind, "pipe") == 0) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
            lab_die("pipe2");
        ends[0] = somewhere(ends[0]);
        say("read", ends[0]);
        (void)!read(ends[0], bytes, sizeof bytes);
    } else if (strcmp(kind, "sleep") == 0) {
        say("clock_nanosleep", -1);
        sleep(1000000);
    } else if (strcmp(kind, "spin") == 0) {
        say("running", -1);
        for (volatile unsigned i = 0;; i++)
            ;
    }
    fprintf(stderr, "specimen: %s: no such kind, or it came back: %s\n", kind, strerror(errno));
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr,
                "usage: specimen accept|read|write|connect|udp|epoll|poll|pipe|sleep|spin ...\n");
        return 2;
    }
    srand((unsigned)getpid());
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* Where Yama guards processes from their siblings (Ubuntu): this one may be looked at. */
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    pthread_barrier_init(&all_said, NULL, (unsigned)argc);
    for (int i = 1; i < argc; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, stuck, argv[i]) != 0)
            lab_die("pthread_create");
    }
    pthread_barrier_wait(&all_said);
    printf("ready %d\n", getpid());
    for (;;)
        pause();
}
