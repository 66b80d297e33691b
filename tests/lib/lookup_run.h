/*
 * lookup_run.h - one lookup against a mock DNS server, from beginning to end, with everything it
 * did noted.
 */
#ifndef ECHOLAB_LOOKUP_RUN_H
#define ECHOLAB_LOOKUP_RUN_H

#include "mock_dns.h"
#include "resolver.h"

enum cancel_when { CANCEL_NEVER, CANCEL_IN_FIRST_ANSWER, CANCEL_IN_SECOND_ANSWER, CANCEL_IN_DONE };

struct lookup_run {
    /* set before run_start; run_begin gives defaults */
    struct event_base *base;
    struct mock_dns *mock;
    /* servers: the mock; empty hosts and resolv.conf; a test of silence shortens the timeout */
    struct el_resolver_args resolver_args;
    struct el_address servers[4];
    struct el_lookup_args args;
    enum cancel_when cancel;
    /* what happened */
    unsigned descriptors; /* open at run_begin; text_file() is to be called before it */
    struct el_resolver *resolver;
    struct el_lookup *lookup;
    bool starting; /* inside el_lookup_new */
    bool done, called_too_early;
    unsigned answers;        /* callbacks */
    sa_family_t order[2];    /* in which they came */
    struct el_answer v6, v4; /* status EL_LOOKUP_CANCELLED: never came */
    el_time started, v6_at, v4_at, done_at;
    unsigned wakeups;
    size_t query_count;
    struct el_query queries[EL_QUERIES_MAX];
};

/* A loop, a mock server with these rules, and a resolver's arguments that point at it. */
void run_begin(struct lookup_run *run, const struct mock_rule *rules, size_t count);
/* Starts the lookup of `host`; run->args may have been changed before. */
void run_start(struct lookup_run *run, const char *host);
/* Turns the loop until done, at most `turns` times (0: no limit). Fails the test after 25
 * seconds. */
void run_turn(struct lookup_run *run, unsigned turns);
/* run_start and run_turn */
void run_lookup(struct lookup_run *run, const char *host);
/* Frees everything. Fails the test when a descriptor has leaked. */
void run_end(struct lookup_run *run);

/* The path of a new file with this content; it vanishes with the process. */
const char *text_file(const char *content);
/* "10.0.0.1 10.0.0.2": the answer's addresses in order. The text is valid until the next call. */
const char *addresses_of(const struct el_answer *answer);

#endif
