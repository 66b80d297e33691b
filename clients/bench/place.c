/*
 * place.c - the paths that are measured, as the process sees them that measures.
 *
 * Teaches:  a network namespace is where a socket is made, and nothing else of the process. So one process on the host `client` can start a
 *           server on this host for the loopback path and one on `server` for the cable, and measure both in turns.
 * Partner:  world.c, the outside, which has brought us here; netns/topologies/bench
 * Leaves out: worlds of other people's making: of a topology without a host `server` only loopback is measured.
 */
#include "place.h"

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[BENCH_PATHS] = {"loopback", "veth"};
static const char server_netns[] = "/run/netns/server";

const char *bench_path_name(enum bench_path path)
{
    return names[path];
}

const char *bench_path_netns(enum bench_path path)
{
    return path == BENCH_VETH ? server_netns : NULL;
}

struct el_address bench_path_address(const struct bench_place *place, enum bench_path path)
{
    static const char *const address[BENCH_PATHS][2] = {{"127.0.0.1", "::1"},
                                                        {"10.77.0.2", "fd77::2"}};
    struct el_address result = {.length = 0};
    el_address_from_literal(address[path][place->ipv6], 0, &result);
    return result;
}

/* ---- which paths ------------------------------------------------------------------------------------ */

/* The path of that name, `length` characters long; -1: none. */
static int path_of(const char *name, size_t length)
{
    for (int path = 0; path < BENCH_PATHS; path++)
        if (strlen(names[path]) == length && strncmp(names[path], name, length) == 0)
            return path;
    return -1;
}

static int parse_paths(struct bench_place *place, const char *paths, const char **wrong)
{
    for (const char *at = paths;; at++) {
        size_t length = strcspn(at, ",");
        int path = path_of(at, length);
        if (path < 0) {
            *wrong = at;
            return -EINVAL;
        }
        place->path[path] = true;
        at += length;
        if (*at == '\0')
            return 0;
    }
}

/*
 * Connections that were closed on our side wait for a minute in TIME_WAIT, and each holds a port. Over loopback the kernel lets a new
 * connection have it earlier, elsewhere only if it is told to (tcp_tw_reuse, ip-sysctl.rst). The host is ours.
 */
static void reuse_ports(void)
{
    int fd = open("/proc/sys/net/ipv4/tcp_tw_reuse", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "1", 1) < 0)
        errno = 0; /* then `connect` is slower after 28,000 connections, and says what failed */
    close(fd);
}

/* `net run` tells a command where it is. */
static bool is_client(void)
{
    const char *host = getenv("ECHOLAB_HOST"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
    return host != NULL && strcmp(host, "client") == 0;
}

int bench_place_open(struct bench_place *place, const char *paths, bool ipv6, const char **wrong)
{
    *place = (struct bench_place){.ipv6 = ipv6};
    place->inside = access("/run/echolab", F_OK) == 0;
    int result = parse_paths(place, paths == NULL ? "loopback,veth" : paths, wrong);
    if (result < 0 || !place->path[BENCH_VETH])
        return result;
    place->path[BENCH_VETH] = place->inside && is_client() && access(server_netns, F_OK) == 0;
    if (place->path[BENCH_VETH])
        reuse_ports();
    else if (place->inside)
        place->why_not = "this is not the host client of a lab network that has a server";
    else
        place->why_not = "no lab network: net doctor says what this machine lacks";
    if (place->inside && access("/run/echolab/plan/place/client/iptables", F_OK) == 0)
        place->note = "this lab network has rules that each packet passes and that cost time; "
                      "started outside, echo_bench makes one without";
    return 0;
}

/* ---- the command net ---------------------------------------------------------------------------------- */

/* Cuts the last part of a path off. False: there is none. */
static bool cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* In the tree programs are in build/bin or, with a sanitizer, in build/VARIANT/bin. */
const char *bench_place_net(char *path, size_t size)
{
    const char *given = getenv("ECHOLAB_NET"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
    char self[4096];
    if (given != NULL && given[0] != '\0')
        return given;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    for (int up = 0; up < 4 && cut_last(self); up++)
        if (snprintf(path, size, "%s/netns/net", self) < (int)size && access(path, X_OK) == 0)
            return path;
    return "echolab-net";
}

/* Inside a world net finds that world by itself. */
int bench_place_lose(double percent, unsigned seed, char *why, size_t size)
{
    static const char *const ways[] = {"client:server", "server:client"};
    char path[4096], drop[48], seeded[24];
    const char *net = bench_place_net(path, sizeof path);
    int result = bench_spawn_wait((const char *const[]){net, "fault", "clear", NULL}, why, size);
    snprintf(drop, sizeof drop, "drop=%g%%", percent);
    snprintf(seeded, sizeof seeded, "seed=%u", seed);
    for (size_t i = 0; i < 2 && percent > 0 && result == 0; i++)
        result = bench_spawn_wait((const char *const[]){net, "fault", ways[i], drop, seeded, NULL},
                                  why, size);
    return result > 0 ? -EIO : result;
}
