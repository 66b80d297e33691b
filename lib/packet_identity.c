/*
 * packet_identity.c - what makes two sightings the same packet.
 *
 * Teaches:  a packet has no name. What its two sightings have in common are the fields that nobody
 *           changes on one link: addresses, ports, identification, length, and a hash of what the
 *           transport header and the payload hold. The TTL belongs to them: a router lowers it, so a
 *           packet is another one on each link, and an arrival is matched with the departure onto
 *           *its* link and not with that at the packet's origin. [#two-sightings]
 * Partner:  packet_merge.c, which counts sightings by these keys.
 */
#include "packet_internal.h"

#include <string.h>

enum { PLAIN = 1, CHANGED, RULE, TRANSIT }; /* so that keys of two kinds are never equal */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    return hash ^ hash >> 29;
}

static uint64_t mix_address(uint64_t hash, const struct el_address *address)
{
    hash = mix(hash, el_address_port(address));
    if (el_address_family(address) == AF_INET)
        return mix(hash, address->in.sin_addr.s_addr);
    uint64_t half[2] = {0};
    if (el_address_family(address) == AF_INET6)
        memcpy(half, &address->in6.sin6_addr, sizeof half);
    return mix(mix(hash, half[0]), half[1]);
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = mix(hash, (unsigned char)*text);
    return hash;
}

static uint64_t never_0(uint64_t hash)
{
    return hash == 0 ? 1 : hash;
}

/* The headers that no fault rewrites. */
static uint64_t mix_headers(uint64_t hash, const struct el_packet *packet, uint8_t ttl)
{
    hash = mix(hash, (uint64_t)packet->protocol << 8 | ttl);
    hash = mix_address(hash, &packet->source);
    hash = mix_address(hash, &packet->destination);
    hash = mix(hash, (uint64_t)packet->id << 32 | packet->length);
    return mix(hash, packet->fragment);
}

uint64_t el_packet_key(const struct el_packet *packet)
{
    return never_0(mix(mix_headers(PLAIN, packet, packet->ttl), packet->checksum));
}

uint64_t el_packet_key_changed(const struct el_packet *packet)
{
    return never_0(mix_headers(CHANGED, packet, packet->ttl));
}

uint64_t el_packet_key_rule(const struct el_packet *fate)
{
    return never_0(mix(mix_text(mix(RULE, el_packet_key(fate)), fate->host), fate->mark));
}

uint64_t el_packet_key_transit(const struct el_packet *packet)
{
    uint8_t ttl = el_packet_leaves(packet) ? packet->ttl : (uint8_t)(packet->ttl - 1);
    return never_0(
        mix_text(mix(mix_headers(TRANSIT, packet, ttl), packet->checksum), packet->host));
}
