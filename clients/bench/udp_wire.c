/*
 * udp_wire.c - see udp_wire.h.
 *
 * Partner:  window.c gives out the numbers.
 * Leaves out: authenticity, as probe.c does.
 * Next:     udp.c
 */
#include "udp_wire.h"

#include "pattern.h"

#include <endian.h>
#include <string.h>

static size_t body_begin(const struct bench_wire *wire)
{
    return BENCH_WIRE_HEAD < wire->size ? BENCH_WIRE_HEAD : wire->size;
}

void bench_wire_body(const struct bench_wire *wire, unsigned char *datagram, unsigned kind)
{
    size_t begin = body_begin(wire);
    memcpy(datagram + begin, bench_pattern(bench_pattern_begin(kind)), wire->size - begin);
}

/* A byte of the product depends on all lower bits of the factor only; backwards, the first byte, which always fits, depends on all. */
static uint64_t proof_of(uint64_t nonce, uint64_t number)
{
    return __builtin_bswap64((number ^ nonce) * UINT64_C(0x9e3779b97f4a7c15));
}

/* Where the proof stands, and how much of it. */
static size_t proof_room(const struct bench_wire *wire, size_t *begin)
{
    *begin = wire->size < BENCH_WIRE_HEADER ? 8 : BENCH_WIRE_HEADER;
    if (wire->size <= *begin)
        return 0;
    return wire->size - *begin < 8 ? wire->size - *begin : 8;
}

void bench_wire_stamp(const struct bench_wire *wire, unsigned char *datagram, uint64_t nonce,
                      uint64_t number)
{
    uint64_t head[3] = {htobe64(nonce), htobe64(number), proof_of(nonce, number)};
    if (wire->size >= sizeof head) {
        memcpy(datagram, head, sizeof head);
        return;
    }
    if (wire->size < BENCH_WIRE_HEADER) {
        head[1] = htole64(number + nonce);
        memcpy(datagram, &head[1], wire->size);
        return;
    }
    memcpy(datagram, head, wire->size);
}

unsigned bench_wire_carries(const struct bench_wire *wire)
{
    return wire->size < 8 ? 8 * (unsigned)wire->size : 64;
}

bool bench_wire_quoted(const struct bench_wire *wire, const unsigned char *start, size_t length,
                       uint64_t nonce, uint64_t *number)
{
    *number = 0;
    if (wire->size >= BENCH_WIRE_HEADER) {
        uint64_t header[2];
        if (length < sizeof header)
            return false;
        memcpy(header, start, sizeof header);
        *number = be64toh(header[1]);
        return be64toh(header[0]) == nonce;
    }
    uint64_t low = 0;
    unsigned carried = bench_wire_carries(wire);
    if (length < carried / 8)
        return false;
    memcpy(&low, start, carried / 8);
    *number = le64toh(low) - nonce;
    if (carried < 64)
        *number &= (UINT64_C(1) << carried) - 1;
    return true;
}

enum bench_wire_match bench_wire_check(const struct bench_wire *wire, const unsigned char *datagram,
                                       size_t length, uint64_t nonce, uint64_t *number)
{
    bool told = bench_wire_quoted(wire, datagram, length, nonce, number);
    if (!told) {
        *number = 0;
        uint64_t theirs;
        bool cut = wire->size < BENCH_WIRE_HEADER; /* shorter than ours, without a nonce */
        if (!cut && length >= sizeof theirs) {
            memcpy(&theirs, datagram, sizeof theirs);
            cut = be64toh(theirs) == nonce;
        }
        return cut ? BENCH_CORRUPT : BENCH_FOREIGN;
    }
    if (length != wire->size)
        return BENCH_CORRUPT;
    uint64_t proof = proof_of(nonce, *number);
    size_t begin, room = proof_room(wire, &begin);
    if (memcmp(datagram + begin, &proof, room) != 0)
        return BENCH_CORRUPT;
    begin = body_begin(wire);
    size_t body = length - begin;
    uint32_t at = bench_pattern_begin(bench_wire_kind(wire, *number));
    return bench_pattern_check(datagram + begin, body, at) == body ? BENCH_OURS : BENCH_CORRUPT;
}
