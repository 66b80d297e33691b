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
    size_t begin = wire->size < BENCH_WIRE_HEADER ? 8 : BENCH_WIRE_HEADER;
    return begin < wire->size ? begin : wire->size;
}

void bench_wire_body(const struct bench_wire *wire, unsigned char *datagram, unsigned kind)
{
    size_t begin = body_begin(wire);
    memcpy(datagram + begin, bench_pattern(bench_pattern_begin(kind)), wire->size - begin);
}

void bench_wire_stamp(const struct bench_wire *wire, unsigned char *datagram, uint64_t nonce,
                      uint64_t number)
{
    if (wire->size >= BENCH_WIRE_HEADER) {
        uint64_t header[2] = {htobe64(nonce), htobe64(number)};
        memcpy(datagram, header, sizeof header);
        return;
    }
    uint64_t low = htole64(number + nonce);
    memcpy(datagram, &low, wire->size < sizeof low ? wire->size : sizeof low);
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
    size_t begin = body_begin(wire), body = length - begin;
    uint32_t at = bench_pattern_begin(bench_wire_kind(wire, *number));
    return bench_pattern_check(datagram + begin, body, at) == body ? BENCH_OURS : BENCH_CORRUPT;
}
