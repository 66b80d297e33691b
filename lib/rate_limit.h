/*
 * rate_limit.h - token buckets: per source (/32 of IPv4, /64 of IPv6) and for all together.
 *
 * Fixed memory: a table of `slots` buckets; when a million sources come, the oldest idle ones are forgotten, and what a
 * forgotten source may gain is bounded by one burst. Pure: time comes in as an argument. One table belongs to one
 * thread; the total is shared by leasing tokens in chunks from one atomic counter.
 */
#ifndef ECHOLAB_RATE_LIMIT_H
#define ECHOLAB_RATE_LIMIT_H

#include "address.h"
#include "deadline.h"

struct el_rate_total; /* shared by all workers; thread-safe */
struct el_rate_limit; /* one per worker */

struct el_rate_total *el_rate_total_new(
    uint64_t
        per_second); /* 0 = unlimited; burst = one tenth of a second, at least 1. NULL: out of memory */
void el_rate_total_free(struct el_rate_total *total);

struct el_rate_limit_args {
    struct el_rate_total *total; /* borrowed; NULL = unlimited */
    uint64_t per_source;         /* datagrams per second, 0 = unlimited */
    unsigned slots;              /* rounded up to a power of two; 0 = 4096 */
};
struct el_rate_limit *
el_rate_limit_new(const struct el_rate_limit_args *args); /* NULL: out of memory */
void el_rate_limit_free(struct el_rate_limit *limit);

enum el_rate_verdict { EL_RATE_PASS, EL_RATE_SOURCE, EL_RATE_TOTAL };

/* May one more datagram of this source be answered now? Takes the token if so. */
enum el_rate_verdict el_rate_limit_take(struct el_rate_limit *limit,
                                        const struct el_address *source, el_time now);

size_t el_rate_limit_memory(const struct el_rate_limit *limit); /* bytes: constant over its life */

#endif
