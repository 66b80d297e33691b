/*
 * watch.c - which process has the socket that listens at an address.
 *
 * Teaches:  how ss(8) and lsof(8) know: /proc/net/tcp has a line for each socket, with its addresses in hex and
 *           its inode; /proc/PID/fd has a link "socket:[inode]" for each descriptor. What both name is the owner.
 * Partner:  echo_bench.c, which watches the server's CPU without being told its pid
 * Leaves out: other network namespaces: /proc/net shows that of the reader. And processes of other users: their
 *           descriptors are theirs to see.
 * Next:     syscalls.c
 */
#include "watch.h"
#include "watch_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INODES_MAX =
        64, /* sockets at one address: workers with SO_REUSEPORT; more are not needed to find one owner */
    STATE_LISTEN = 0x0a,  /* TCP_LISTEN */
    STATE_UNCONNECTED = 7 /* TCP_CLOSE: what a UDP socket without a peer is shown as */
};

/* How well a listener's address fits: the very address, a wildcard of its family, the wildcard of both. */
enum fit { NO_FIT, DUAL_WILDCARD, WILDCARD, EXACT };

struct search {
    struct el_address wanted;
    unsigned state;
    enum fit fit; /* the best so far; the inodes are of those that fit so */
    uint64_t inode[INODES_MAX];
    size_t inodes;
    struct process_list owners;
};

/* ---- the socket ----------------------------------------------------------------------------- */

/* "0100007F:1B5F", or with 32 digits. The words of the address are printed as numbers of *this* machine, so on a
 * little-endian one the digits look reversed; read back as numbers they are right on both. [#proc-net-hex] */
static bool read_address(const char *text, struct el_address *address)
{
    uint32_t words[4];
    unsigned port;
    if (sscanf(text, "%8" SCNx32 ":%4x%*[ ]", &words[0], &port) == 2) {
        *address = el_address_any(AF_INET, (uint16_t)port);
        address->in.sin_addr.s_addr = words[0];
        return true;
    }
    if (sscanf(text, "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 ":%4x", &words[0], &words[1],
               &words[2], &words[3], &port) != 5)
        return false;
    *address = el_address_any(AF_INET6, (uint16_t)port);
    memcpy(&address->in6.sin6_addr, words, sizeof words);
    return true;
}

static enum fit fit_of(const struct el_address *listener, const struct el_address *wanted)
{
    if (el_address_port(listener) != el_address_port(wanted))
        return NO_FIT;
    if (el_address_family(listener) != el_address_family(wanted)) {
        /* An IPv6 socket may serve IPv4 as well; whether it does (IPV6_V6ONLY) is not shown. */
        bool could = el_address_family(listener) == AF_INET6 && el_address_is_any(listener);
        return could ? DUAL_WILDCARD : NO_FIT;
    }
    struct el_address without_zone = *wanted; /* /proc/net shows none */
    if (el_address_family(wanted) == AF_INET6)
        without_zone.in6.sin6_scope_id = 0;
    if (el_address_same_host(listener, &without_zone))
        return EXACT;
    return el_address_is_any(listener) ? WILDCARD : NO_FIT;
}

static void take_line(struct search *search, const char *line)
{
    char local[48], peer[48];
    unsigned state;
    uint64_t inode;
    struct el_address listener;
    /* sl local rem st tx:rx tr:when retrnsmt uid timeout inode */
    if (sscanf(line, " %*[^:]: %47s %47s %x %*s %*s %*s %*s %*s %" SCNu64, local, peer, &state,
               &inode) != 4 ||
        state != search->state || !read_address(local, &listener))
        return;
    enum fit fit = fit_of(&listener, &search->wanted);
    if (fit > search->fit) {
        search->fit = fit;
        search->inodes = 0;
    }
    if (fit != NO_FIT && fit == search->fit && search->inodes < INODES_MAX)
        search->inode[search->inodes++] = inode;
}

static void find_sockets(struct search *search, const char *path)
{
    char line[512];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return; /* no IPv6 in this kernel, for one */
    while (fgets(line, sizeof line, file) != NULL)
        take_line(search, line);
    fclose(file);
}

/* ---- its process ---------------------------------------------------------------------------- */

struct descriptors {
    const struct search *search;
    pid_t pid;
};

static int is_ours(void *arg, pid_t fd) /* it is a number like any other in /proc */
{
    const struct descriptors *of = arg;
    char path[64], link[64];
    uint64_t inode;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)of->pid, (int)fd);
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length < 0)
        return 0; /* closed meanwhile, or not ours to read */
    link[length] = '\0';
    if (sscanf(link, "socket:[%" SCNu64 "]", &inode) != 1)
        return 0;
    for (size_t i = 0; i < of->search->inodes; i++)
        if (of->search->inode[i] == inode)
            return 1;
    return 0;
}

static int look_at_process(void *arg, pid_t pid)
{
    struct search *search = arg;
    char directory[64];
    struct descriptors of = {search, pid};
    snprintf(directory, sizeof directory, "/proc/%d/fd", (int)pid);
    return process_each(directory, is_ours, &of) == 1 ? process_list_add(&search->owners, pid) : 0;
}

static bool holds(const struct process_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->pid[i] == pid)
            return true;
    return false;
}

/* A server that forks leaves the listening socket to its children: the one whose parent has it not is the server. */
static pid_t eldest(const struct process_list *owners)
{
    for (size_t i = 0; i < owners->count; i++) {
        struct process_stat stat;
        if (process_stat_read(owners->pid[i], &stat) == 0 && !holds(owners, stat.parent))
            return owners->pid[i];
    }
    return 0;
}

pid_t bench_watch_owner(const struct el_address *address, int type)
{
    bool stream = type == SOCK_STREAM;
    struct search search = {.wanted = *address, .state = stream ? STATE_LISTEN : STATE_UNCONNECTED};
    if (el_address_is_v4_mapped(address)) {
        struct el_address v4 = el_address_any(AF_INET, el_address_port(address));
        memcpy(&v4.in.sin_addr, &address->in6.sin6_addr.s6_addr[12], sizeof v4.in.sin_addr);
        search.wanted = v4;
    }
    find_sockets(&search, stream ? "/proc/net/tcp" : "/proc/net/udp");
    find_sockets(&search, stream ? "/proc/net/tcp6" : "/proc/net/udp6");
    if (search.inodes > 0)
        process_each("/proc", look_at_process, &search);
    pid_t owner = eldest(&search.owners);
    process_list_free(&search.owners);
    return owner;
}
