/*
 * fault_bytes.c - damage, and the repair of the checksum that would have told of it.
 *
 * Teaches:  what the Internet checksum covers. For UDP, TCP and ICMPv6 it is also taken over a
 *           *pseudo-header* of the addresses (RFC 768, RFC 8200 8.1), so that a packet which arrives
 *           at the wrong host is noticed; ICMP for IPv4 does without (RFC 792).
 * Partner:  fault_fate.c decides which byte; fault_engine.c has the bytes.
 */
#include "fault_bytes.h"

#include <netinet/in.h>
#include <string.h>

/* The sum in ones' complement (RFC 1071): carries come back in at the low end. */
static uint64_t sum(uint64_t start, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        start += (uint64_t)(bytes[i] << 8 | bytes[i + 1]);
    if (length % 2 == 1)
        start += (uint64_t)bytes[length - 1] << 8; /* as if a zero followed */
    return start;
}

static uint16_t fold(uint64_t total)
{
    while (total > UINT16_MAX)
        total = (total & UINT16_MAX) + (total >> 16);
    return (uint16_t)~total;
}

/* Where in the transport header the checksum stands; -1: there is none that we know. */
static int checksum_at(uint8_t protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return 16;
    case IPPROTO_UDP:
        return 6;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return 2;
    default:
        return -1;
    }
}

/*
 * The bytes behind the transport header, or 0 when it is not whole: also when TCP claims a header shorter than it can be
 * (RFC 9293 3.1), or the checksum would be taken for payload.
 */
static size_t payload_at(const uint8_t *bytes, size_t length, const struct el_packet *packet)
{
    size_t at = packet->transport;
    bool tcp = packet->protocol == IPPROTO_TCP;
    size_t least = tcp ? 20 : 8;
    if (!packet->whole || packet->length > length || at + least > packet->length)
        return 0;
    size_t header = tcp ? (size_t)(bytes[at + 12] >> 4) * 4 : least;
    return header < least ? 0 : at + header;
}

int fault_checksum(const uint8_t *bytes, size_t length, const struct el_packet *packet)
{
    int at = checksum_at(packet->protocol);
    if (at < 0 || payload_at(bytes, length, packet) == 0)
        return -1;
    const uint8_t *transport = bytes + packet->transport;
    size_t covered = packet->length - packet->transport;
    bool six = bytes[0] >> 4 == 6;
    uint64_t total = 0;
    if (six)
        total = sum(total, bytes + 8, 32); /* both addresses */
    else if (packet->protocol != IPPROTO_ICMP)
        total = sum(total, bytes + 12, 8);
    if (packet->protocol != IPPROTO_ICMP)
        total += packet->protocol + covered;
    total = sum(total, transport, covered);
    /* Its own field counts as zero. Both parts begin at even places, so it is one of the words. */
    total -= (uint64_t)(transport[at] << 8 | transport[at + 1]);
    uint16_t value = fold(total);
    /* A UDP checksum of 0 means "none" (RFC 768): the other zero of ones' complement is sent. */
    return value == 0 && packet->protocol == IPPROTO_UDP ? UINT16_MAX : value;
}

bool fault_apply(uint8_t *bytes, size_t length, const struct el_packet *packet,
                 const struct fault_change *change)
{
    size_t payload = payload_at(bytes, length, packet);
    if (payload == 0 || payload + change->offset >= packet->length)
        return false;
    uint8_t *field = bytes + packet->transport + checksum_at(packet->protocol);
    bool none = packet->protocol == IPPROTO_UDP && field[0] == 0 && field[1] == 0;
    bytes[payload + change->offset] ^= change->flip;
    if (!change->repair || none)
        return true;
    int checksum = fault_checksum(bytes, length, packet);
    field[0] = (uint8_t)(checksum >> 8);
    field[1] = (uint8_t)checksum;
    return true;
}
