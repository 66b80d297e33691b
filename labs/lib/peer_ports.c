/*
 * peer_ports.c - a free port; and: on which ports does a process listen? The process itself: a port that
 * answers may belong to somebody else, a server that was started before, or another test's.
 * [#the-pid-owns-the-port]
 *
 * /proc/PID/fd names the inodes of its sockets, and /proc/PID/net/tcp says which inode has which port, in
 * the network namespace in which PID lives (proc(5)).
 */
#include "peer_run.h"

#include "socket.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { SOCKETS_MAX = 1024, LOOK_MS = 5, QUIET_LOOKS = 40 };

struct ports {
    unsigned long inodes[SOCKETS_MAX];
    unsigned port[SOCKETS_MAX];
    size_t inode_count, port_count;
};

static void find_inodes(pid_t pid, struct ports *ports)
{
    char path[64], link[400], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *fds = opendir(path);
    ports->inode_count = 0;
    if (fds == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(fds)) != NULL;) {
        snprintf(link, sizeof link, "%s/%s", path, entry->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n <= 0 || ports->inode_count == SOCKETS_MAX)
            continue;
        target[n] = '\0';
        if (sscanf(target, "socket:[%lu]", &ports->inodes[ports->inode_count]) == 1)
            ports->inode_count++;
    }
    closedir(fds);
}

static bool has_inode(const struct ports *ports, unsigned long inode)
{
    for (size_t i = 0; i < ports->inode_count; i++)
        if (ports->inodes[i] == inode)
            return true;
    return false;
}

/* The rows of one table in `state` that are sockets of ours. */
static void find_ports(const char *path, unsigned state, struct ports *ports)
{
    char line[512];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned port, st;
        unsigned long inode;
        /* sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode */
        if (sscanf(line, " %*d: %*32[0-9A-F]:%x %*s %x %*s %*s %*s %*s %*s %lu", &port, &st,
                   &inode) == 3 &&
            st == state && has_inode(ports, inode) && ports->port_count < SOCKETS_MAX)
            ports->port[ports->port_count++] = port;
    }
    fclose(file);
}

static void look(pid_t pid, bool udp, struct ports *ports)
{
    ports->port_count = 0;
    find_inodes(pid, ports);
    if (ports->inode_count == 0)
        return;
    for (int six = 0; six < 2; six++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/net/%s%s", (int)pid, udp ? "udp" : "tcp",
                 six ? "6" : "");
        find_ports(path, udp ? 0x07 : 0x0A,
                   ports); /* 0A is LISTEN; 07 a UDP socket without a peer */
    }
}

static bool has_port(const struct ports *ports, unsigned port)
{
    for (size_t i = 0; i < ports->port_count; i++)
        if (ports->port[i] == port)
            return true;
    return false;
}

bool peer_owns_port(pid_t pid, bool udp, unsigned port, el_duration limit)
{
    static struct ports ports;
    el_time deadline = el_time_after(el_now(), limit);
    struct peer_watched seen = {0};
    unsigned quiet = 0;
    for (;;) {
        look(pid, udp, &ports);
        if (has_port(&ports, port))
            return true;
        uint64_t before = seen.switches;
        const char *sleeps = peer_watch(pid, NULL, &seen);
        quiet = sleeps != NULL && seen.switches == before ? quiet + 1 : 0;
        bool gone = sleeps != NULL && strcmp(sleeps, "gone") == 0;
        if (gone || quiet == QUIET_LOOKS || el_time_left(deadline, el_now()) == 0)
            break;
        poll(NULL, 0, LOOK_MS);
    }
    for (size_t i = 0; i < ports.port_count; i++)
        printf("%u\n", ports.port[i]);
    return false;
}

/* 0, or a port that could be bound; `port` 0 lets the kernel choose. */
static unsigned try_port(bool udp, unsigned port)
{
    struct el_socket_args args = {.type = udp ? SOCK_DGRAM : SOCK_STREAM,
                                  .local = el_address_any(AF_INET, (uint16_t)port)};
    struct el_address local = {0};
    int fd = el_socket_open(AF_INET, &args, NULL);
    if (fd < 0)
        return 0;
    el_socket_local(fd, &local);
    el_socket_close(fd);
    return el_address_port(&local);
}

/* Where the kernel begins to take ports for those who ask for none: below, nobody is given one by chance. */
static unsigned lowest_chosen_port(void)
{
    unsigned low = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file != NULL && fscanf(file, "%u", &low) != 1)
        low = 0;
    if (file != NULL)
        fclose(file);
    return low;
}

/*
 * The socket is closed again, so somebody else may take the port before it is used; who uses it looks whose
 * it is then. Two kinds of port are left out, because htons(3) forgotten would not be seen by them: those
 * that stay the same, and those that turn into one of the first 1024, which only root may bind.
 */
unsigned peer_free_port(bool udp)
{
    enum { LOWEST = 10240, TRIES = 200 };
    unsigned top = lowest_chosen_port(), port = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t random = 0;
        if (top > LOWEST + 1000 && getrandom(&random, sizeof random, 0) == sizeof random)
            port = try_port(udp, LOWEST + random % (top - LOWEST));
        else
            port = try_port(udp, 0);
        unsigned swapped = (port & 0xff) << 8 | port >> 8;
        if (port != 0 && swapped >= 1024 && swapped != port && try_port(udp, swapped) != 0)
            return port;
    }
    return port;
}
