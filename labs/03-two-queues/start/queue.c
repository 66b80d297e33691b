/*
 * queue.c - how many clients does the kernel connect before anybody accepts?
 *
 * Run:   ./queue BACKLOG     listens, accepts nobody, connects until one client is left waiting
 * Needs: lazy.c and callers.c for a look at the parts
 *
 * Everything is measured: nothing in here may know what the answer should be.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 300, MOST = 200 };

/*
 * A listener on a free port of 127.0.0.1. Fills `address` with where it is. Ends the program when
 * the kernel refuses.
 */
static int listen_lazily(int backlog, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof *address;
    if (bind(fd, (struct sockaddr *)address, len) < 0)
        lab_die("bind");
    if (getsockname(fd, (struct sockaddr *)address, &len) < 0) /* which port did 0 become? */
        lab_die("getsockname");
    /* TODO(03-1): listen(2), with `backlog`. No accept(2): the kernel needs none. */
    (void)backlog;
    return fd;
}

/* The limit that the kernel keeps for this listener, which need not be the one that was asked for.
 * -1: unknown. */
static int limit_of(int listener)
{
    /* TODO(03-2): getsockopt(2) with IPPROTO_TCP, TCP_INFO into a struct tcp_info, as state_of() of
     * callers.c does. On a listener two of its fields have another meaning: tcpi_unacked is the
     * accept queue's length, tcpi_sacked its limit. */
    (void)listener;
    return -1;
}

/*
 * Opens one more client and waits until its handshake is over, PATIENCE_MS at most. The socket
 * stays open. True when it is connected.
 */
static bool connects(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    /* TODO(03-3): add SOCK_NONBLOCK above: a blocking connect(2) to a full queue would keep you for
     * two minutes. connect(2) then says EINPROGRESS: the SYN is on its way. poll(2) for POLLOUT,
     * PATIENCE_MS at most; it returns 0 when the time is over. At the end SO_ERROR of getsockopt(2),
     * SOL_SOCKET, tells how it went: 0 is success. */
    (void)address;
    (void)fd;
    return false;
}

/*
 * The value of one counter in /proc/net/netstat: lines come in pairs that begin with the same word,
 * first the names, then the values. Which column a name has changes with the kernel, so both lines
 * are walked at once. -1 when it is not there.
 */
static long long counter(const char *name)
{
    FILE *file = fopen("/proc/net/netstat", "re");
    if (file == NULL)
        lab_die("/proc/net/netstat");
    static char names[16384], values[16384];
    long long found = -1;
    while (found < 0 && fgets(names, sizeof names, file) && fgets(values, sizeof values, file)) {
        char *n, *v;
        char *key = strtok_r(names, " \n", &n), *value = strtok_r(values, " \n", &v);
        while (key != NULL && value != NULL && strcmp(key, name) != 0) {
            key = strtok_r(NULL, " \n", &n);
            value = strtok_r(NULL, " \n", &v);
        }
        if (key != NULL && value != NULL)
            found = atoll(value);
    }
    fclose(file);
    return found;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: queue BACKLOG\n");
        return 2;
    }

    struct sockaddr_in address;
    int listener = listen_lazily(atoi(argv[1]), &address);
    printf("limit %d\n", limit_of(listener));

    int completed = 0;
    while (completed < MOST && connects(&address))
        completed++;
    printf("completed %d\n", completed);

    /* TODO(03-4): the counters have counted since the machine, or the namespace, began. Print what
     * they rose by during this run. */
    printf("overflows %lld\n", counter("ListenOverflows"));
    printf("drops %lld\n", counter("ListenDrops"));
    return 0;
}
