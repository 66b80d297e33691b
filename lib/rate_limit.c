/*
 * rate_limit.c - how often a source, and everybody together, may be answered.
 *
 * Teaches:  a token bucket in one integer. The generic cell rate algorithm (ITU-T I.371, annex A)
 *           keeps no count of tokens and no time of the last refill, but the instant at which the
 *           bucket will be full again.
 * Partner:  servers/udp_echo_server.c; tests/unit/test_rate_limit.c floods it in virtual time.
 * Leaves out: fairness once the total is used up (who forges a million sources can spend it, and
 *           everyone shares what is left), and knowing one attacker behind many addresses. Safe:
 *           the total holds whatever comes.
 * Next:     servers/udp_echo_server.c.
 */
#include "rate_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    WAYS = 8, /* a source has eight places in the table; so many are looked at, never more */
    SLOTS_DEFAULT = 4096,
    SLOTS_MAX = 1 << 20,
    CHUNK_MAX = 64,
    LOCKS = 64,
};
#define RATE_MAX UINT64_C(1000000000) /* a token a nanosecond: what our clock can tell */

/*
 * [#token-bucket] `full` is when the bucket is full again. A token is worth 1/rate seconds, so
 * taking one pushes that instant so far into the future; it may not lie further away than the whole
 * bucket, `depth`, is worth. An idle bucket's instant lies in the past, and counts as now: a bucket
 * does not get fuller than full. A century of idling and a clock that starts at 0 need no case of
 * their own.
 */
struct rate {
    uint64_t per_second; /* 0 = unlimited */
    el_duration depth;   /* ns that a full bucket is worth */
};

/* Rounded up: the limit is never exceeded, and at a million a second one in a thousand may be
 * missing. */
static el_duration worth(const struct rate *rate, uint64_t tokens)
{
    return (el_duration)((tokens * RATE_MAX + rate->per_second - 1) / rate->per_second);
}

static struct rate rate_of(uint64_t per_second)
{
    struct rate rate = {.per_second = per_second > RATE_MAX ? RATE_MAX : per_second};
    if (rate.per_second > 0)
        rate.depth = worth(&rate, rate.per_second >= 10 ? rate.per_second / 10 : 1);
    return rate;
}

/* How many of `wanted` tokens there are; *full becomes the instant to store if they are taken. */
static uint64_t tokens_at(const struct rate *rate, el_time *full, uint64_t wanted, el_time now)
{
    el_time from = *full < now ? now : *full; /* no fuller than full */
    el_time limit = el_time_after(now, rate->depth);
    if (from > limit)
        return 0; /* `now` went back */
    el_duration left = limit - from;
    uint64_t tokens = (uint64_t)left * rate->per_second / RATE_MAX;
    if (tokens > wanted)
        tokens = wanted;
    *full = from + worth(rate, tokens); /* never more than `left`, which is whole nanoseconds */
    return tokens;
}

/* ---- the total, shared by threads ------------------------------------------------------------ */

struct el_rate_total {
    struct rate rate;
    uint64_t chunk;
    _Atomic el_time full;
};

struct el_rate_total *el_rate_total_new(uint64_t per_second)
{
    struct el_rate_total *total = calloc(1, sizeof *total);
    if (total == NULL)
        return NULL;
    total->rate = rate_of(per_second);
    /* A millisecond's worth: a thousand atomic operations a second, and that much may lie unused in
     * a worker. */
    total->chunk = per_second / 1000 < 1 ? 1 : per_second / 1000;
    if (total->chunk > CHUNK_MAX)
        total->chunk = CHUNK_MAX;
    atomic_init(&total->full, INT64_MIN);
    return total;
}

void el_rate_total_free(struct el_rate_total *total)
{
    free(total);
}

/*
 * [#lease] The tokens of all workers come from one word of memory. If each datagram touched it, the
 * workers would queue for its cache line; so a worker leases a chunk and spends it alone. The loop
 * ends: each failed exchange means that another worker's has succeeded. Relaxed order is enough,
 * for the word guards nothing but itself.
 */
static uint64_t lease_chunk(struct el_rate_total *total, el_time now)
{
    el_time seen = atomic_load_explicit(&total->full, memory_order_relaxed);
    for (;;) {
        el_time full = seen;
        uint64_t tokens = tokens_at(&total->rate, &full, total->chunk, now);
        if (tokens == 0 ||
            atomic_compare_exchange_weak_explicit(&total->full, &seen, full, memory_order_relaxed,
                                                  memory_order_relaxed))
            return tokens;
    }
}

/* ---- the table of sources -------------------------------------------------------------------- */

enum kind { EMPTY = 0, IPV4, IPV6 };

struct slot {
    uint64_t network; /* the IPv4 address, or the upper half of the IPv6 one */
    el_time full;
    uint8_t kind;
};

/* A cache line each: workers that hold neighbours do not disturb each other. */
struct lock {
    _Alignas(64) pthread_mutex_t mutex;
};

/*
 * [#one-table] One for all workers. The kernel spreads senders over them by address *and* port, so
 * with a table each a source that uses many ports would get its rate from every worker. A set of
 * places is under one of a few locks; workers rarely meet at one, unless it is the flood of one
 * source that they are both refusing.
 */
struct el_rate_sources {
    struct rate rate;
    uint64_t hash_key[2];
    bool threads;
    struct lock locks[LOCKS];
    size_t slots;
    struct slot slot[];
};

struct el_rate_sources *el_rate_sources_new(const struct el_rate_sources_args *args)
{
    size_t wanted = args->slots == 0 ? SLOTS_DEFAULT : args->slots;
    size_t slots = WAYS;
    while (slots < wanted && slots < SLOTS_MAX)
        slots *= 2;
    size_t bytes = sizeof(struct el_rate_sources) + slots * sizeof(struct slot);
    void *memory = NULL;
    if (posix_memalign(&memory, _Alignof(struct el_rate_sources), bytes) != 0)
        return NULL;
    struct el_rate_sources *sources = memset(memory, 0, bytes);
    sources->rate = rate_of(args->per_source);
    sources->threads = args->threads;
    sources->slots = slots;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&sources->locks[i].mutex, NULL); /* cannot fail on Linux */
    /* So few bytes come whole and without EINTR once the pool is ready (getrandom(2)). */
    if (getrandom(sources->hash_key, sizeof sources->hash_key, 0) != sizeof sources->hash_key) {
        el_rate_sources_free(sources);
        return NULL;
    }
    return sources;
}

void el_rate_sources_free(struct el_rate_sources *sources)
{
    if (sources == NULL)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&sources->locks[i].mutex);
    free(sources);
}

size_t el_rate_sources_memory(const struct el_rate_sources *sources)
{
    return sizeof *sources + sources->slots * sizeof sources->slot[0];
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[static 4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

/*
 * [#keyed-hash] SipHash-2-4 (Aumasson and Bernstein, 2012) of the nine bytes `network`, `kind`.
 * Sources are the attacker's to choose: with a hash that he can compute he would aim every forged
 * source at his victim's eight places and have the victim's bucket, or his own full one, forgotten
 * at will. The key is random and never leaves this process.
 */
static uint64_t hash_source(const uint64_t key[static 2], uint64_t network, uint8_t kind)
{
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    const uint64_t blocks[2] = {network, UINT64_C(9) << 56 | kind};
    for (int i = 0; i < 2; i++) {
        v[3] ^= blocks[i];
        sip_round(v);
        sip_round(v);
        v[0] ^= blocks[i];
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/*
 * The source as we count it. An IPv6 host owns at least a /64 and can send from any address in it,
 * so the lower half says nothing about who it is (RFC 4291 2.5.1, RFC 6177).
 */
static struct slot source_of(const struct el_address *address)
{
    struct slot source = {.full = INT64_MIN};
    if (el_address_family(address) == AF_INET6 && !el_address_is_v4_mapped(address)) {
        source.kind = IPV6;
        memcpy(&source.network, &address->in6.sin6_addr, 8);
    } else {
        source.kind = IPV4;
        const void *v4 = el_address_family(address) == AF_INET6
                             ? (const void *)&address->in6.sin6_addr.s6_addr[12]
                             : (const void *)&address->in.sin_addr;
        memcpy(&source.network, v4, 4);
    }
    return source;
}

/* In which set of places the source's bucket is. */
static size_t set_of(const struct el_rate_sources *sources, const struct slot *source)
{
    size_t sets = sources->slots / WAYS;
    return hash_source(sources->hash_key, source->network, source->kind) & (sets - 1);
}

/*
 * The source's bucket, or the one it may take over. [#eviction] That is the one that has been full
 * the longest: a full bucket remembers nothing worth keeping, and a flooding source's is the
 * emptiest of all, so a million sources of one datagram each do not wash it out.
 */
static struct slot *find_slot(struct slot *first, const struct slot *source)
{
    struct slot *victim = first;
    for (struct slot *slot = first; slot < first + WAYS; slot++) {
        if (slot->kind == source->kind && slot->network == source->network)
            return slot;
        if (victim->kind != EMPTY && (slot->kind == EMPTY || slot->full < victim->full))
            victim = slot;
    }
    return victim;
}

/* ---- both together, one a worker ------------------------------------------------------------- */

struct el_rate_limit {
    struct el_rate_total *total;
    struct el_rate_sources *sources;
    uint64_t leased; /* tokens of the total that are ours to spend */
};

struct el_rate_limit *el_rate_limit_new(const struct el_rate_limit_args *args)
{
    struct el_rate_limit *limit = calloc(1, sizeof *limit);
    if (limit == NULL)
        return NULL;
    limit->total = args->total;
    limit->sources = args->sources;
    return limit;
}

void el_rate_limit_free(struct el_rate_limit *limit)
{
    free(limit);
}

static enum el_rate_verdict take_of_total(struct el_rate_limit *limit, el_time now)
{
    if (limit->total == NULL || limit->total->rate.per_second == 0)
        return EL_RATE_PASS;
    if (limit->leased == 0)
        limit->leased = lease_chunk(limit->total, now);
    if (limit->leased == 0)
        return EL_RATE_TOTAL;
    limit->leased--;
    return EL_RATE_PASS;
}

/* The source is asked first: a flood that its own limit stops must not use up everybody's tokens. */
static enum el_rate_verdict take_of_both(struct el_rate_limit *limit, struct slot *set,
                                         struct slot *source, el_time now)
{
    struct slot *slot = find_slot(set, source);
    if (slot->kind == source->kind && slot->network == source->network)
        source->full = slot->full;
    if (tokens_at(&limit->sources->rate, &source->full, 1, now) == 0)
        return EL_RATE_SOURCE;
    enum el_rate_verdict verdict = take_of_total(limit, now);
    if (verdict == EL_RATE_PASS)
        *slot = *source;
    return verdict;
}

enum el_rate_verdict el_rate_limit_take(struct el_rate_limit *limit,
                                        const struct el_address *source, el_time now)
{
    struct el_rate_sources *sources = limit->sources;
    if (sources == NULL || sources->rate.per_second == 0)
        return take_of_total(limit, now);
    struct slot wanted = source_of(source);
    size_t set = set_of(sources, &wanted);
    pthread_mutex_t *mutex = &sources->locks[set % LOCKS].mutex;
    if (sources->threads)
        pthread_mutex_lock(mutex);
    enum el_rate_verdict verdict = take_of_both(limit, &sources->slot[set * WAYS], &wanted, now);
    if (sources->threads)
        pthread_mutex_unlock(mutex);
    return verdict;
}
