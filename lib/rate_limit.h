/*
 * rate_limit.h - token buckets: per source (/32 of IPv4, /64 of IPv6) and for all together.
 *
 * Fixed memory: a table of `slots` buckets; when a million sources come, those that have been idle
 * longest are forgotten, and what a forgotten source may gain is bounded by one burst. Pure: time
 * comes in as an argument. Both are shared by all workers: the total by leasing tokens in chunks
 * from one atomic, the table under locks.
 */
#ifndef ECHOLAB_RATE_LIMIT_H
#define ECHOLAB_RATE_LIMIT_H

#include "address.h"
#include "deadline.h"

#include <stdbool.h>

struct el_rate_total;   /* shared by all workers; thread-safe */
struct el_rate_sources; /* so is this, if it was made for `threads` */
struct el_rate_limit;   /* one per worker */

/* 0 = unlimited; at most 10^9. Burst = one tenth of a second, at least 1. NULL: out of memory */
struct el_rate_total *el_rate_total_new(uint64_t per_second);
/* After every limit that borrows it. */
void el_rate_total_free(struct el_rate_total *total);

struct el_rate_sources_args {
    uint64_t per_source; /* datagrams per second, burst as above; 0 = unlimited, at most 10^9 */
    unsigned slots;      /* rounded up to a power of two, 8..2^20; 0 = 4096 */
    bool threads;        /* several will use it: each look-up takes a lock */
};
/* NULL: out of memory, or getrandom(2) gave no hash key. */
struct el_rate_sources *el_rate_sources_new(const struct el_rate_sources_args *args);
/* After every limit that borrows it. */
void el_rate_sources_free(struct el_rate_sources *sources);
size_t el_rate_sources_memory(const struct el_rate_sources *sources); /* bytes: constant */

struct el_rate_limit_args {
    struct el_rate_total *total;     /* borrowed; NULL = unlimited */
    struct el_rate_sources *sources; /* borrowed; NULL = unlimited */
};
struct el_rate_limit *
el_rate_limit_new(const struct el_rate_limit_args *args); /* NULL: no memory */
void el_rate_limit_free(struct el_rate_limit *limit);

enum el_rate_verdict { EL_RATE_PASS, EL_RATE_SOURCE, EL_RATE_TOTAL };

/*
 * May one more datagram of this source be answered now? Takes the token if so; a refusal takes
 * nothing. `now` may start anywhere, 0 included; if it goes back, the limit waits until it has come
 * up again.
 */
enum el_rate_verdict el_rate_limit_take(struct el_rate_limit *limit,
                                        const struct el_address *source, el_time now);

#endif
