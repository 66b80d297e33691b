/*
 * place.h - where it is measured: over loopback, and over the veth cable of a lab network.
 *
 * Loopback needs nothing. The cable needs a world of two hosts, and to be on one of them. So echo_bench, called outside of a
 * world, makes one (netns/topologies/bench), runs itself again on its host `client`, and ends the world afterwards. Inside,
 * both paths are at hand: servers of the loopback path live on `client` too, those of the other path on `server`.
 */
#ifndef ECHOLAB_BENCH_PLACE_H
#define ECHOLAB_BENCH_PLACE_H

#include "address.h"

#include <stdio.h>

enum bench_path { BENCH_LOOPBACK, BENCH_VETH, BENCH_PATHS };

struct bench_place {
    bool path[BENCH_PATHS]; /* wanted, and there */
    const char *why_not;    /* veth was wanted and is not there: why, as a sentence; NULL */
    const char *note; /* what makes figures of it less than they could be, as a sentence; NULL */
    bool inside;      /* in a lab network: ports below 1024 are ours too */
    bool ipv6;
};

/*
 * Has this command to run inside a world that does not exist yet? Then makes it, runs us there with the words `argv` ("models", "--quick"), ends it, and returns true with
 * *code, the exit code to end with: call it before any file is opened. `paths` is the option, NULL its default. False: go on
 * here; if no world could be made, why has been said on stderr.
 */
bool bench_place_elsewhere(const char *paths, char **argv, int *code);

/* Which paths are wanted ("loopback,veth"; NULL: both) and there. 0; -EINVAL: an unknown path, and *wrong is its name (in
 * `paths`, up to the next comma). */
int bench_place_open(struct bench_place *place, const char *paths, bool ipv6, const char **wrong);

const char *bench_path_name(enum bench_path path); /* "loopback", "veth" */
/* The network namespace of its servers, a path for setns(2); NULL: ours. */
const char *bench_path_netns(enum bench_path path);
/* The address that its servers listen on; port 0. */
struct el_address bench_path_address(const struct bench_place *place, enum bench_path path);

/*
 * Loses so many percent of the packets on the cable, in each direction, the same ones whenever `seed` is the same; 0: none any
 * more (`net fault`). 0 or -errno with what net said in `why`. Blocks for some tenths of a second.
 */
int bench_place_lose(double percent, unsigned seed, char *why, size_t size);

/* The command of the lab network: $ECHOLAB_NET, or netns/net of the tree that our executable is in, or echolab-net in PATH. */
const char *bench_place_net(char *path, size_t size);

#endif
