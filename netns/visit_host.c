/*
 * visit_host.c - into the network namespace of a host of this world.
 *
 * `ip netns add` has left a file for each host in /run/netns; who opens it and calls setns(2) is there.
 * A socket stays where it was made, so one visit is enough to hear a host for good. Only the calling
 * thread moves: whoever visits hosts has one thread.
 * Errors:   ENOENT: no such host, or not in a lab network; EPERM: without CAP_SYS_ADMIN.
 * Partner:  packet_log.c, packet_show.c, packet_counters.c, fault_setup.c.
 */
#include "visit_host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int visit_host(const char *host)
{
    char path[64];
    snprintf(path, sizeof path, "/run/netns/%s", host);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
    close(fd);
    return result;
}
