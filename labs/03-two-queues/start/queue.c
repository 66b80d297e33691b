/*
 * queue.c - how many clients does the kernel connect before anybody accepts?
 *
 * Run:   ./queue BACKLOG          listens, accepts nobody, connects until one client is left waiting
 *        ./queue --netstat FILE   only reads the two counters from a file like /proc/net/netstat
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
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* TODO(03-1): socket(2), bind(2) with port 0 (the kernel picks one), listen(2) with `backlog`,
     * and getsockname(2), which puts the port that it picked into `address`. No accept(2). */
    (void)backlog;
    return -1;
}

/* The limit that the kernel keeps for this listener, which need not be the one that was asked for.
 * -1: unknown. */
static int limit_of(int listener)
{
    /* TODO(03-2): getsockopt(2) with IPPROTO_TCP, TCP_INFO into a struct tcp_info. On a listener
     * two of its fields have another meaning: tcpi_unacked is the accept queue's length,
     * tcpi_sacked its limit. */
    (void)listener;
    return -1;
}

/*
 * Opens one more client and waits until its handshake is over, PATIENCE_MS at most. The socket
 * stays open. True when it is connected.
 */
static bool connects(const struct sockaddr_in *address)
{
    /* TODO(03-3): a SOCK_NONBLOCK socket; connect(2), which says EINPROGRESS; poll(2) for POLLOUT;
     * then SO_ERROR, which says how it ended. A blocking connect(2) to a full queue would keep you
     * for two minutes. */
    (void)address;
    return false;
}

/*
 * The value of one counter in a file like /proc/net/netstat: lines come in pairs that begin with
 * the same word, first the names, then the values. Which column a name has changes with the kernel.
 * -1 when it is not there.
 */
static long long counter(const char *path, const char *name)
{
    /* TODO(03-4): read two lines at a time, walk through both at once, stop where the name is
     * `name`. */
    (void)path;
    (void)name;
    return -1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--netstat") == 0) {
        printf("ListenOverflows %lld\n", counter(argv[2], "ListenOverflows"));
        printf("ListenDrops %lld\n", counter(argv[2], "ListenDrops"));
        return 0;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: queue BACKLOG | queue --netstat FILE\n");
        return 2;
    }

    struct sockaddr_in address;
    int listener = listen_lazily(atoi(argv[1]), &address);
    printf("limit %d\n", limit_of(listener));

    int completed = 0;
    while (completed < MOST && connects(&address))
        completed++;
    printf("completed %d\n", completed);

    /* TODO(03-5): the counters have counted since the machine, or the namespace, began. Print what
     * they rose by during this run. */
    printf("overflows %lld\n", counter("/proc/net/netstat", "ListenOverflows"));
    printf("drops %lld\n", counter("/proc/net/netstat", "ListenDrops"));
    return 0;
}
