/*
 * packets.h - the packet log of a lab network, as a program inside it reads it.
 *
 * netns/packet_log.c collects what iptables' NFLOG rules report on every host of a world into one bounded file of
 * fixed-size records, /run/echolab/packets inside the world. This is the record, the reader, and the *fence*:
 * "no packet was sent" may only be said when the log is known to be complete, so a marker packet is sent and waited for.
 */
#ifndef ECHOLAB_PACKETS_H
#define ECHOLAB_PACKETS_H

#include "address.h"
#include "deadline.h"

#include <stdint.h>

#define EL_PACKETS_PATH "/run/echolab/packets"

enum { EL_HOST_NAME_MAX = 32, EL_PREFIX_MAX = 32, EL_INTERFACE_MAX = 16 };

/* One sighting of one packet: a packet from client to server is seen twice, leaving one and reaching the other. */
struct el_packet {
    uint64_t number; /* position in the log, from 0 */
    el_time at;      /* CLOCK_MONOTONIC at the reader; compare within one host only */
    char host[EL_HOST_NAME_MAX];
    char prefix[EL_PREFIX_MAX];                       /* of the rule: "[UDP] " */
    char in[EL_INTERFACE_MAX], out[EL_INTERFACE_MAX]; /* interface names, "" when none */
    uint8_t hook;                                     /* NF_INET_LOCAL_IN ... */
    uint8_t protocol;                                 /* IPPROTO_* */
    uint8_t ttl, tos;
    struct el_address source, destination; /* ports for UDP and TCP */
    uint32_t length;                       /* of the IP packet, bytes */
    uint32_t payload;                      /* behind the transport header, bytes */
    uint32_t
        checksum; /* a hash of the transport header and payload seen, to match the two sightings */
    uint16_t id;  /* IPv4 identification */
    uint16_t fragment;  /* IPv4 flags and offset, host order */
    uint32_t seq, ack;  /* TCP, host order */
    uint16_t window;    /* TCP, host order */
    uint8_t tcp_flags;  /* TH_SYN ... */
    uint8_t type, code; /* ICMP */
    uint32_t mark;
};

struct el_packets; /* an open log */

/* Opens the log of the world this process is in. NULL with errno: ENOENT = not in a lab network. */
struct el_packets *el_packets_open(const char *path); /* NULL = EL_PACKETS_PATH */
void el_packets_close(struct el_packets *packets);

/* The name of the host (network namespace) this process is on; "" when not in a lab network. Owned by packets. */
const char *el_packets_host(const struct el_packets *packets);

/* Where the log ends now: a mark to read from later. */
uint64_t el_packets_mark(struct el_packets *packets);

/* Sends the fence on this host and waits until it is in the log. 0; -ETIMEDOUT: the log is not complete; -errno. `deadline` bounds it. */
int el_packets_fence(struct el_packets *packets, el_time deadline);

/* Reads the next record at or after *mark (advanced). 1 = got one, 0 = the end for now, -ENODATA = records were overwritten (*mark moved to the oldest). */
int el_packets_next(struct el_packets *packets, uint64_t *mark, struct el_packet *packet);

/* One line for people: "client > server  TCP SYN  10.77.0.1:40000 > 10.77.0.2:7007 ..." without newline. Returns text. */
const char *el_packet_print(const struct el_packet *packet, char *text, size_t size);

#endif
