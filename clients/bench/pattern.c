/*
 * pattern.c - see pattern.h. Random bytes, the same in every run; twice in a row, so that a chunk never wraps.
 */
#include "pattern.h"

#include <pthread.h>
#include <string.h>

static unsigned char pattern[BENCH_PERIOD + BENCH_CHUNK];

/* splitmix64: what matters is that neighbouring bytes differ, as they did not in a counting pattern with a byte dropped per 256. */
static void make(void)
{
    uint64_t state = 7007;
    for (size_t i = 0; i < BENCH_PERIOD; i++) {
        uint64_t z = (state += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        pattern[i] = (unsigned char)(z >> 56);
    }
    for (size_t i = 0; i < BENCH_CHUNK; i++)
        pattern[BENCH_PERIOD + i] = pattern[i % BENCH_PERIOD];
}

void bench_pattern_make(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
}

const unsigned char *bench_pattern(uint32_t at)
{
    return pattern + at;
}

uint32_t bench_pattern_begin(unsigned index)
{
    return (uint32_t)((uint64_t)index * 7919 %
                      BENCH_PERIOD); /* 7919 and the period are prime: all differ */
}

uint32_t bench_pattern_after(uint32_t at, size_t length)
{
    return (uint32_t)((at + length) % BENCH_PERIOD);
}

size_t bench_pattern_check(const unsigned char *data, size_t length, uint32_t at)
{
    if (memcmp(data, pattern + at, length) == 0)
        return length;
    size_t same = 0;
    while (data[same] == pattern[at + same])
        same++;
    return same;
}
