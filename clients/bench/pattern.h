/*
 * pattern.h - the bytes that are sent over a stream, and the check that the same come back. Pure.
 *
 * Every connection sends one endless pattern that begins anew after BENCH_PERIOD bytes, each at a place of its own in it. So a byte that is wrong,
 * missing or there twice shows at once, and so do bytes of another connection; to send is to point into the pattern, and to check is one memcmp(3).
 * Leaves out: a server that drops or repeats exactly BENCH_PERIOD bytes, or a multiple, goes unnoticed here (its messages do not).
 */
#ifndef ECHOLAB_BENCH_PATTERN_H
#define ECHOLAB_BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_PERIOD =
        65521, /* bytes; a prime, so that no size of message or buffer divides it [#odd-period] */
    BENCH_CHUNK = 65536, /* the most that is sent or read in one call */
};

/* BENCH_CHUNK bytes of the stream, from the place `at` (0..BENCH_PERIOD-1) on. Any thread, after bench_pattern_make. */
const unsigned char *bench_pattern(uint32_t at);
void bench_pattern_make(void); /* again does no harm, from any thread */

/* Where the stream of connection `index` begins, and where it goes on after `length` (at most BENCH_CHUNK) more bytes. */
uint32_t bench_pattern_begin(unsigned index);
uint32_t bench_pattern_after(uint32_t at, size_t length);

/* The first of `length` (at most BENCH_CHUNK) bytes that is not as it was sent; `length` if all are. */
size_t bench_pattern_check(const unsigned char *data, size_t length, uint32_t at);

#endif
