/*
 * fuzz_packet.c - the bytes of a packet, as NFLOG and the fault queue hand them over.
 *
 * Input:    the first four bytes: hook, mark, names or none, which byte a fault changes; the rest claims to be an IP packet, of which
 *           NFLOG may have cut off the end.
 * Asserted: it is an IP packet, or refused; what was read of it lies within its bytes; the lines about it are printable and fit, and its
 *           record reads back as the same; a fault changes exactly the bits that it is told to, and at most the
 *           checksum besides, which is then right.
 * Run:      make fuzz FUZZ=packet
 */
#include "fuzz_packet.h"
#include "fault_bytes.h"
#include "fuzz.h"
#include "packet_internal.h"

#include <errno.h>
#include <netinet/in.h>

static bool is_transport(const struct el_packet *packet)
{
    return packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP ||
           packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;
}

/* Which bytes differ: one of the payload, and two of the checksum. */
static void check_change(const uint8_t *before, const uint8_t *after, size_t length,
                         const struct el_packet *packet, const struct fault_change *change)
{
    unsigned changed = 0, flipped = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t difference = before[i] ^ after[i];
        changed += difference != 0;
        flipped += difference == change->flip && i >= packet->transport;
        fuzz_holds(difference == 0 || i >= packet->transport);
    }
    fuzz_holds(flipped >= 1 && changed <= (change->repair ? 3 : 1));
}

static void check_fault(const uint8_t *bytes, size_t length, const struct el_packet *packet,
                        uint8_t seed)
{
    struct fault_change change = {
        .offset = seed & 63, .flip = (uint8_t)(seed | 1), .repair = seed & 64};
    uint8_t *copy = malloc(length);
    fuzz_holds(copy != NULL);
    memcpy(copy, bytes, length);
    int sum = fault_checksum(bytes, length, packet);
    fuzz_holds(sum >= -1 && sum <= UINT16_MAX && (sum < 0 || is_transport(packet)));
    if (fault_apply(copy, length, packet, &change)) {
        check_change(bytes, copy, length, packet, &change);
        fuzz_holds(change.repair || fault_checksum(copy, length, packet) != sum);
    } else {
        fuzz_holds(memcmp(bytes, copy, length) == 0);
    }
    free(copy);
}

static void check_packet(const struct el_packet *packet, size_t length)
{
    fuzz_holds(packet->raw_length == (length < EL_PACKET_RAW ? length : EL_PACKET_RAW));
    fuzz_holds(packet->transport <= length);
    fuzz_holds(!packet->whole || (is_transport(packet) && packet->transport + 8U <= length));
    fuzz_holds(packet->payload <= packet->length);
    fuzz_holds(el_address_family(&packet->source) == el_address_family(&packet->destination));
    fuzz_holds(el_packet_key(packet) != 0 && el_packet_key_transit(packet) != 0);
    fuzz_packet_check(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct el_packet packet = {.hook = fuzz_byte(&input), .mark = fuzz_byte(&input)};
    uint8_t names = fuzz_byte(&input), seed = fuzz_byte(&input);
    snprintf(packet.host, sizeof packet.host, "client");
    snprintf(packet.prefix, sizeof packet.prefix, "%s", names & 4 ? "[UDP] " : "drop");
    snprintf(names & 1 ? packet.in : packet.out, EL_INTERFACE_MAX, "eth0");
    if (names & 2)
        snprintf(packet.source_name, sizeof packet.source_name, "server");
    int error = el_packet_decode(input.at, input.left, &packet);
    fuzz_holds(error == 0 || error == -EBADMSG);
    if (error == 0) {
        check_packet(&packet, input.left);
        check_fault(input.at, input.left, &packet, seed);
    }
    return 0;
}
