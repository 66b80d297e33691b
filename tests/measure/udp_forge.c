/*
 * udp_forge.c - many datagrams under forged source addresses: what an attacker sends.
 *
 * Teaches:  how little a source address proves. Whoever may open a raw socket writes the IP header himself (raw(7), IP_HDRINCL; an
 *           IPv6 raw socket of IPPROTO_RAW takes a whole packet too).
 * Run:      gcc -O2 -D_GNU_SOURCE -o udp_forge tests/measure/udp_forge.c
 *           udp_forge SOURCE SOURCES SPORT PORTS ADDRESS PORT RATE COUNT [SIZE]
 *           The n-th datagram is from address SOURCE + n % SOURCES (of IPv6 its first 64 bits are counted up) and from
 *           port SPORT + n % PORTS. RATE is per second; 0 is as fast as it goes.
 * Bounds:   at most 10 million datagrams and 20 seconds. In a lab network only: nobody routes it further.
 * Partner:  tests/netns/udp_abuse.t. udp_flood.c is its honest sister: one real source.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, MAX_SIZE = 1400, MAX_COUNT = 10000000, MAX_SECONDS = 20, FIELDS = 8 };

struct packet {
    union {
        struct iphdr v4;
        struct ip6_hdr v6;
    } ip;
    unsigned char
        rest[sizeof(struct udphdr) + MAX_SIZE]; /* only behind an IPv6 header is it in place */
};

struct plan {
    int family;
    struct in6_addr source, target; /* of IPv4 the first four bytes */
    uint64_t sources, ports, count;
    uint16_t sport, port;
    double rate;
    size_t size;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The one's complement sum of 16-bit words (RFC 1071), as words of memory. */
static uint64_t sum(const void *data, size_t length, uint64_t so_far)
{
    const unsigned char *bytes = data;
    for (; length > 1; bytes += 2, length -= 2) {
        uint16_t word;
        memcpy(&word, bytes, 2);
        so_far += word;
    }
    return so_far + (length == 1 ? bytes[0] : 0); /* little-endian machines alone */
}

/* IPv6 demands it (RFC 8200 section 8.1); the pseudo header is both addresses, the length and the protocol. */
static uint16_t checksum(const struct ip6_hdr *ip, const void *udp, size_t length)
{
    uint64_t total = sum(udp, length, htons((uint16_t)length) + htons(IPPROTO_UDP));
    total = sum(&ip->ip6_src, 32, total);
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    uint16_t folded = (uint16_t)~total;
    return folded == 0 ? 0xffff : folded;
}

/* Writes the n-th datagram. Returns its length, headers included. */
static size_t forge(const struct plan *plan, uint64_t n, unsigned char *at)
{
    size_t length = sizeof(struct udphdr) + plan->size;
    struct udphdr udp = {.source = htons((uint16_t)(plan->sport + n % plan->ports)),
                         .dest = htons(plan->port),
                         .len = htons((uint16_t)length)};
    if (plan->family == AF_INET) {
        struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
        uint32_t first;
        memcpy(&first, &plan->source, 4);
        ip.saddr = htonl(ntohl(first) + (uint32_t)(n % plan->sources));
        memcpy(&ip.daddr, &plan->target,
               4); /* length and header checksum are the kernel's to fill in */
        memcpy(at, &ip, sizeof ip);
        memcpy(at + sizeof ip, &udp, sizeof udp); /* a checksum of 0: none (RFC 768) */
        return sizeof ip + length;
    }
    struct ip6_hdr ip = {.ip6_dst = plan->target, .ip6_src = plan->source};
    ip.ip6_flow = htonl(6U << 28);
    ip.ip6_plen = htons((uint16_t)length);
    ip.ip6_nxt = IPPROTO_UDP;
    ip.ip6_hlim = 64;
    uint32_t network = htonl(ntohl(plan->source.s6_addr32[1]) + (uint32_t)(n % plan->sources));
    ip.ip6_src.s6_addr32[1] = network;
    memcpy(at, &ip, sizeof ip);
    memcpy(at + sizeof ip, &udp, sizeof udp);
    udp.check = checksum(&ip, at + sizeof ip, length);
    memcpy(at + sizeof ip, &udp, sizeof udp);
    return sizeof ip + length;
}

static int run(const struct plan *plan, int fd, const struct sockaddr *to, socklen_t to_length)
{
    static unsigned char data[BATCH][sizeof(struct packet)];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    double start = now();
    uint64_t sent = 0;
    while (sent < plan->count && now() - start < MAX_SECONDS) {
        while (plan->rate > 0 && now() < start + (double)sent / plan->rate)
            ; /* a pause of microseconds: no timer is that fine */
        unsigned batch = plan->rate > 0 ? 16 : BATCH;
        unsigned n = plan->count - sent < batch ? (unsigned)(plan->count - sent) : batch;
        for (unsigned i = 0; i < n; i++) {
            parts[i] = (struct iovec){data[i], forge(plan, sent + i, data[i])};
            messages[i].msg_hdr = (struct msghdr){.msg_name = (void *)(uintptr_t)to,
                                                  .msg_namelen = to_length,
                                                  .msg_iov = &parts[i],
                                                  .msg_iovlen = 1};
        }
        int gone = sendmmsg(fd, messages, n, 0);
        if (gone < 0 && errno != ENOBUFS && errno != EINTR)
            return fprintf(stderr, "udp_forge: send: %s\n", strerror(errno)), 1;
        sent += gone > 0 ? (uint64_t)gone : 0;
    }
    double took = now() - start;
    printf("sent=%lu ms=%.0f rate=%.0f\n", (unsigned long)sent, took * 1e3, (double)sent / took);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < FIELDS + 1) {
        fprintf(stderr,
                "usage: udp_forge SOURCE SOURCES SPORT PORTS ADDRESS PORT RATE COUNT [SIZE]\n");
        return 2;
    }
    struct plan plan = {.family = strchr(argv[1], ':') != NULL ? AF_INET6 : AF_INET,
                        .sources = strtoull(argv[2], NULL, 10),
                        .sport = (uint16_t)atoi(argv[3]),
                        .ports = strtoull(argv[4], NULL, 10),
                        .port = (uint16_t)atoi(argv[6]),
                        .rate = atof(argv[7]),
                        .count = strtoull(argv[8], NULL, 10),
                        .size = argc > FIELDS + 1 ? strtoull(argv[9], NULL, 10) : 64};
    if (inet_pton(plan.family, argv[1], &plan.source) != 1 ||
        inet_pton(plan.family, argv[5], &plan.target) != 1 || plan.sources == 0 ||
        plan.ports == 0 || plan.size > MAX_SIZE || plan.count > MAX_COUNT)
        return fprintf(stderr, "udp_forge: an address or a number is wrong\n"), 2;
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = plan.target};
    memcpy(&in.sin_addr, &plan.target, 4);
    int fd = socket(plan.family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0)
        return fprintf(stderr, "udp_forge: socket: %s\n", strerror(errno)), 1;
    bool v4 = plan.family == AF_INET;
    return run(&plan, fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6,
               v4 ? sizeof in : sizeof in6);
}
