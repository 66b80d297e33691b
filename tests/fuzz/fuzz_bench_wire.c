/*
 * fuzz_bench_wire.c - what the load generator sends, damaged on its way, and whether it is noticed.
 *
 * Input:    size, kinds of bodies, number; then which bytes are changed, and how much is cut off. The same changes are made to a piece of the
 *           stream that TCP connections send.
 * Asserted: a datagram that came as it was sent is ours, with its number as far as it is carried; one with its nonce changed is
 *           foreign, with its body or proof changed corrupt, and never ours with a number that was not sent, as long as the proof is
 *           whole; of a stream the first wrong byte is found, wherever it is; a quoted start tells the number or nothing.
 * Run:      make fuzz FUZZ=bench_wire
 */
#include "fuzz.h"
#include "pattern.h"
#include "udp_wire.h"

enum { LARGEST = 200, PROOF_WHOLE = BENCH_WIRE_HEAD };
static const uint64_t nonce = UINT64_C(0x0123456789abcdef);

/* The lowest bits of a number, as many as a datagram of this size carries. */
static uint64_t carried(const struct bench_wire *wire, uint64_t number)
{
    unsigned bits = bench_wire_carries(wire);
    return bits >= 64 ? number : number & ((UINT64_C(1) << bits) - 1);
}

static void check_datagram(const struct bench_wire *wire, uint64_t number, struct fuzz_input *input)
{
    unsigned char sent[LARGEST], *came = malloc(wire->size + 1);
    uint64_t told = 0;
    size_t length = wire->size;
    fuzz_holds(came != NULL);
    bench_wire_body(wire, sent, bench_wire_kind(wire, number));
    bench_wire_stamp(wire, sent, nonce, number);
    fuzz_holds(bench_wire_check(wire, sent, length, nonce, &told) == BENCH_OURS);
    fuzz_holds(told == carried(wire, number));
    memcpy(came, sent, length);
    while (input->left >= 2 && length > 0) {
        size_t at = fuzz_byte(input) % length;
        came[at] ^= fuzz_byte(input);
    }
    length = input->left == 1 ? fuzz_byte(input) % (length + 1) : length;
    bool whole = length == wire->size && memcmp(came, sent, length) == 0;
    enum bench_wire_match match = bench_wire_check(wire, came, length, nonce, &told);
    if (whole)
        fuzz_holds(match == BENCH_OURS);
    else if (wire->size >= PROOF_WHOLE)
        fuzz_holds(match != BENCH_OURS);
    if (length != wire->size)
        fuzz_holds(match != BENCH_OURS);
    if (wire->size >= BENCH_WIRE_HEADER && length >= 8 && memcmp(came, sent, 8) != 0)
        fuzz_holds(match == BENCH_FOREIGN);
    if (bench_wire_quoted(wire, sent, length, nonce, &told))
        fuzz_holds(told == carried(wire, number));
    free(came);
}

static void check_stream(uint32_t at, size_t length, size_t wrong, uint8_t flip)
{
    unsigned char *data = malloc(length + 1);
    fuzz_holds(data != NULL);
    memcpy(data, bench_pattern(at), length);
    fuzz_holds(bench_pattern_check(data, length, at) == length);
    if (length > 0) {
        data[wrong % length] ^= flip;
        fuzz_holds(bench_pattern_check(data, length, at) == (flip != 0 ? wrong % length : length));
    }
    uint32_t next = bench_pattern_after(at, length);
    fuzz_holds(next < BENCH_PERIOD && next == (at + length) % BENCH_PERIOD);
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct bench_wire wire = {.size = fuzz_byte(&input) % LARGEST, .bits = 4};
    wire.kinds = 1U << fuzz_byte(&input) % 5;
    uint64_t number = fuzz_number(&input, 8);
    bench_pattern_make();
    check_stream((uint32_t)(number % BENCH_PERIOD), (size_t)(number >> 16) % 700,
                 (size_t)(number >> 32), (uint8_t)(number >> 56));
    check_datagram(&wire, number, &input);
    return 0;
}
