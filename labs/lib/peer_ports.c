/*
 * peer_ports.c - on which ports does a process listen? The process itself: a port that answers may belong
 * to somebody else, a server that was started before, or another test's. [#the-pid-owns-the-port]
 *
 * /proc/PID/fd names the inodes of its sockets, and /proc/PID/net/tcp says which inode has which port, in
 * the network namespace in which PID lives (proc(5)).
 */
#include "peer_run.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
