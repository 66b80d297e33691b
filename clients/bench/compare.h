/*
 * compare.h - what the parts of `echo_bench compare` share: a cell is UDP and TCP under one load.
 *
 *   compare.c        sets up, measures round by round, cleans up
 *   compare_cross.c  where two curves cross, as a sentence (pure)
 *   compare_table.c  the tables
 */
#ifndef ECHOLAB_BENCH_COMPARE_H
#define ECHOLAB_BENCH_COMPARE_H

#include "commands.h"
#include "server.h"

enum {
    BENCH_UDP_SIDE,
    BENCH_TCP_SIDE,
    BENCH_SIDES,
};
enum {
    BENCH_SIZES = 16,
    BENCH_LOSSES = 8,
    BENCH_WINDOW = 64,               /* messages under way, when not one */
    BENCH_WINDOW_BYTES = 128 * 1024, /* and at most so many bytes: what a socket's buffer takes */
    BENCH_DATAGRAM_MAX = 65507,
};

struct bench_pair {
    enum bench_path path;
    double loss; /* percent, in each direction */
    bool windowed;
    size_t size;
    struct bench_result result[BENCH_SIDES];
};

struct bench_protocols {
    struct bench_session *session;
    struct bench_place place;
    struct bench_server server[BENCH_PATHS][BENCH_SIDES];
    size_t size[BENCH_SIZES], sizes;
    double loss[BENCH_LOSSES];
    size_t losses;
    struct bench_pair *pair;
    size_t pairs;
    unsigned rounds;
    el_duration duration, lossy_duration, read_timeout; /* of UDP under loss */
    int server_cpu, load_cpu;
    char trouble[256]; /* the first thing that went wrong; "" */
};

/* Who is ahead at one size. */
enum bench_ahead { BENCH_NOBODY, BENCH_UDP_AHEAD, BENCH_TCP_AHEAD };

/*
 * "UDP is faster up to 1,400 bytes, TCP from 8,192." `better` is "is faster" or "costs less"; ahead[i] is about size[i], and the sizes
 * go up. Returns text. Pure.
 */
const char *bench_crossing(const size_t *size, const enum bench_ahead *ahead, size_t count,
                           const char *better, char *text, size_t room);

/* "1,64,1400" into numbers that go up, each once. How many; -EINVAL with *wrong where it stops making sense. Pure. */
int bench_parse_sizes(const char *text, size_t sizes[static BENCH_SIZES], const char **wrong);
/* "0,0.5,1": percent, 0 to 100, likewise. */
int bench_parse_losses(const char *text, double losses[static BENCH_LOSSES], const char **wrong);

/* Messages of that size under way at a time. Pure. */
unsigned bench_window_of(size_t size, bool windowed);

void bench_protocols_print(const struct bench_protocols *protocols, FILE *to);

#endif
