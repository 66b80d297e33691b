/*
 * queue.c - how many clients does the kernel connect before anybody accepts?
 *
 * Run:   ./queue BACKLOG     listens, accepts nobody, connects until one client is left waiting
 * Needs: lazy.c and callers.c for a look at the parts
 *
 * Everything is measured: nothing in here knows what the answer should be.
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
    if (listen(fd, backlog) < 0)
        lab_die("listen");
    return fd;
}

/*
 * The limit that the kernel keeps for this listener, which need not be the one that was asked for.
 * On a listener TCP_INFO has two fields with another meaning: tcpi_unacked is the queue's length,
 * tcpi_sacked its limit. It is where `ss` has Recv-Q and Send-Q from.
 */
static int limit_of(int listener)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        lab_die("getsockopt TCP_INFO");
    return (int)info.tcpi_sacked;
}

/*
 * Opens one more client and waits until its handshake is over, PATIENCE_MS at most. The socket
 * stays open. True when it is connected.
 */
static bool connects(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        lab_die("socket");
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return true;
    if (errno != EINPROGRESS) /* that one only says: the SYN is on its way */
        lab_die("connect");
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (poll(&wait, 1, PATIENCE_MS) <= 0)
        return false; /* still SYN_SENT: nobody has answered */
    int error = 0;    /* writable means "decided"; SO_ERROR says how (connect(2), EINPROGRESS) */
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        lab_die("getsockopt SO_ERROR");
    return error == 0;
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

    long long overflows = counter("ListenOverflows");
    long long drops = counter("ListenDrops");

    struct sockaddr_in address;
    int listener = listen_lazily(atoi(argv[1]), &address);
    printf("limit %d\n", limit_of(listener));

    int completed = 0;
    while (completed < MOST && connects(&address))
        completed++;
    printf("completed %d\n", completed);

    /* The counters have counted since this machine, or this namespace, began: what is ours is the
     * difference. */
    printf("overflows %lld\n", counter("ListenOverflows") - overflows);
    printf("drops %lld\n", counter("ListenDrops") - drops);
    return 0;
}
