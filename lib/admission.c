/*
 * admission.c - a hash table of sources that cannot grow.
 *
 * Teaches:  open addressing with linear probing, and how to delete from it without tombstones; and why the
 *           hash has a secret: who knows it can choose addresses that all land in one place.
 * Partner:  admission.h; acceptor.c asks it about every client.
 */
#include "admission.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct source {
    uint64_t key;   /* source_key() */
    uint32_t count; /* 0: the place is free */
};

struct el_admission {
    pthread_mutex_t lock;
    struct el_admission_args args;
    uint64_t total;
    uint64_t secret;
    size_t mask;           /* places - 1; places is a power of two, at least twice max_total */
    struct source place[]; /* so at most half are taken, and a free one is never far */
};

/* The /64 of an IPv6 address; an IPv4 one stands behind 32 zero bits, where no /64 begins but those of ::/32 (loopback, and v4-mapped
 * addresses, which a V6ONLY socket does not see). In front of them it would be some X:Y:0:0::/64 as well. */
static uint64_t source_key(const struct el_address *source)
{
    uint64_t key = 0;
    if (el_address_family(source) == AF_INET)
        memcpy((char *)&key + 4, &source->in.sin_addr, 4);
    else
        memcpy(&key, &source->in6.sin6_addr, sizeof key);
    return key;
}

/* Multiply, shift, multiply: every bit of the key moves every bit of the result ("splitmix64", public domain). */
static size_t home_of(const struct el_admission *admission, uint64_t key)
{
    uint64_t x = key ^ admission->secret;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (size_t)(x ^ (x >> 31)) & admission->mask;
}

/* The place of this source, or the free one where it would go. */
static size_t find(const struct el_admission *admission, uint64_t key)
{
    size_t at = home_of(admission, key);
    while (admission->place[at].count > 0 && admission->place[at].key != key)
        at = (at + 1) & admission->mask;
    return at;
}

/*
 * Frees place `hole`. A search stops at a free place, so whatever stands behind the hole and was pushed past it by
 * a collision is moved into it, which leaves a new hole, and so on until a free place. [#backward-shift]
 */
static void vacate(struct el_admission *admission, size_t hole)
{
    size_t at = hole;
    for (;;) {
        at = (at + 1) & admission->mask;
        if (admission->place[at].count == 0)
            break;
        size_t home = home_of(admission, admission->place[at].key);
        if (((at - home) & admission->mask) >= ((at - hole) & admission->mask)) {
            admission->place[hole] = admission->place[at];
            hole = at;
        }
    }
    admission->place[hole].count = 0;
}

struct el_admission *el_admission_new(const struct el_admission_args *args)
{
    size_t places = 16;
    while (places < 2 * args->max_total)
        places *= 2;
    struct el_admission *admission =
        calloc(1, sizeof *admission + places * sizeof admission->place[0]);
    if (admission == NULL)
        return NULL;
    admission->args = *args;
    admission->mask = places - 1;
    if (getrandom(&admission->secret, sizeof admission->secret, GRND_NONBLOCK) < 0)
        admission->secret =
            (uintptr_t)admission; /* early at boot: the address is a little random */
    pthread_mutex_init(&admission->lock, NULL);
    return admission;
}

void el_admission_free(struct el_admission *admission)
{
    if (admission == NULL)
        return;
    pthread_mutex_destroy(&admission->lock);
    free(admission);
}

static bool is_counted(const struct el_admission *admission, const struct el_address *source)
{
    return admission->args.max_per_source > 0 &&
           !(admission->args.loopback_is_free && el_address_is_loopback(source));
}

enum el_admission_verdict el_admission_enter(struct el_admission *admission,
                                             const struct el_address *source)
{
    enum el_admission_verdict verdict = EL_ADMIT;
    pthread_mutex_lock(&admission->lock);
    if (admission->total >= admission->args.max_total) {
        verdict = EL_ADMIT_FULL;
    } else if (is_counted(admission, source)) {
        uint64_t key = source_key(source);
        struct source *place = &admission->place[find(admission, key)];
        if (place->count >= admission->args.max_per_source) {
            verdict = EL_ADMIT_SOURCE_FULL;
        } else {
            place->key = key;
            place->count++;
        }
    }
    if (verdict == EL_ADMIT)
        admission->total++;
    pthread_mutex_unlock(&admission->lock);
    return verdict;
}

void el_admission_leave(struct el_admission *admission, const struct el_address *source)
{
    pthread_mutex_lock(&admission->lock);
    admission->total--;
    if (is_counted(admission, source)) {
        size_t at = find(admission, source_key(source));
        if (--admission->place[at].count == 0)
            vacate(admission, at);
    }
    pthread_mutex_unlock(&admission->lock);
}
