/*
 * udp_wire.h - what stands in a datagram of the load generator. Pure.
 *
 *   16 bytes and more   nonce of the socket (8), number (8), both in network byte order as in probe.h; proof (8); body
 *    8 .. 15            number + nonce (8, little-endian); proof
 *    1 .. 7             as many of its lowest bytes
 *    0                  nothing
 *
 * The proof follows from nonce and number, as many bytes of it as there is room for, so a damaged number does not pass for another one. The
 * body is a piece of the pattern (pattern.h), another one for neighbouring datagrams, and is checked by one
 * memcmp(3); a buffer that a body once stands in needs only a new head. The client's own pattern (probe.h) is made
 * anew of each number: 60 ns for 64 bytes, where a whole datagram may take 100. [#stamp-only]
 *
 * [#short-datagrams] Below 16 bytes there is no nonce, and below 24 the proof is short or missing: a stranger's datagram counts as corrupt or as a duplicate, not as wrong_source. Of
 * 1 to 7 bytes of number some datagrams share a value: of those that wait, none do, but an echo that is very late may pass for a duplicate.
 * A datagram of no bytes says nothing: whatever comes is the echo of the one that waits longest, so with a window above 1 a
 * lost one shortens the window until all are lost, and latencies are too long meanwhile.
 */
#ifndef ECHOLAB_BENCH_UDP_WIRE_H
#define ECHOLAB_BENCH_UDP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_wire {
    size_t size;   /* of a datagram */
    unsigned bits; /* of a number, for its place: bench_window_bits */
    unsigned
        kinds; /* of bodies, a power of two: datagrams of the same order modulo `kinds` have the same */
};

enum { BENCH_WIRE_HEADER = 16, BENCH_WIRE_HEAD = 24 /* and the proof */ };

/* Which kind of body this number has: 0..kinds-1; neighbours in order are neighbours in kind. */
static inline unsigned bench_wire_kind(const struct bench_wire *wire, uint64_t number)
{
    return (unsigned)(number >> wire->bits) & (wire->kinds - 1);
}

void bench_wire_body(const struct bench_wire *wire, unsigned char *datagram, unsigned kind);
void bench_wire_stamp(const struct bench_wire *wire, unsigned char *datagram, uint64_t nonce,
                      uint64_t number);

/* How many bits of the number it carries: 64, or 8 for each byte. */
unsigned bench_wire_carries(const struct bench_wire *wire);

enum bench_wire_match { BENCH_OURS, BENCH_CORRUPT, BENCH_FOREIGN };
/* *number is what the datagram says, as many bits as it carries; 0 where it says nothing that can be trusted. */
enum bench_wire_match bench_wire_check(const struct bench_wire *wire, const unsigned char *datagram,
                                       size_t length, uint64_t nonce, uint64_t *number);
/* The number in the first bytes of a datagram, as an ICMP message quotes them; false: it is not told. */
bool bench_wire_quoted(const struct bench_wire *wire, const unsigned char *start, size_t length,
                       uint64_t nonce, uint64_t *number);

#endif
