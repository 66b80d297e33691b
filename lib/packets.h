/*
 * packets.h - the packet log of a lab network: the record, the file, the fence, the causal order.
 *
 * netns/packet_log.c collects what iptables' NFLOG rules report on every host of a world into one
 * bounded file of fixed-size records, /run/echolab/packets inside the world. Whoever wants packets
 * reads that file: `net log`, and the clients for `--explain`. Three ideas live here:
 *   - packets.c        a ring in shared memory that one process writes and any number read without
 *                      a lock, and the *fence*: "no packet was sent" may only be said when the log
 *                      is known to be complete, so a marker packet is sent and waited for
 *   - packet_decode.c  bytes from anywhere become a record, with every read checked against the end
 *   - packet_merge.c   the two sightings of a packet, on two hosts, put in an order that can have
 *                      happened
 * packet_print.c says it in a line, packet_record.c writes it down as text and reads that back, and
 * packet_kernel.c reads what the kernel's LOG target wrote.
 * Read next: packets.c.
 */
#ifndef ECHOLAB_PACKETS_H
#define ECHOLAB_PACKETS_H

#include "address.h"
#include "deadline.h"

#include <stdint.h>

#define EL_PACKETS_PATH "/run/echolab/packets"
#define EL_FAULTS_PATH  "/run/echolab/faults" /* a second such file: the fates, by fault_queue */

/*
 * What iptables puts before the marker of el_packets_fence; such records are not packets of the
 * lesson.
 */
#define EL_FENCE_PREFIX "[FENCE] "

enum {
    EL_HOST_NAME_MAX = 32,
    EL_PREFIX_MAX = 32,
    EL_INTERFACE_MAX = 16,
    EL_PACKET_HOSTS = 32, /* hosts in one log */
    EL_PACKET_RAW = 128, /* bytes kept: two IPv6 headers and what is between them (an ICMP error) */
    EL_PACKET_LINE = 512,   /* holds every line of el_packet_print and el_packet_print_kernel */
    EL_PACKET_RECORD = 640, /* holds every line of el_packet_print_record */
    /*
     * A `hook` that netfilter does not have: not a sighting, but what fault_queue did to a packet on
     * its way to `host`. `prefix` names the fate ("drop", "delay 20.1ms"), `mark` is the number of
     * the rule, `out` the place that the packet came from.
     */
    EL_HOOK_FAULT = 200,
    EL_MISSING_PAYLOAD = 1,  /* bits of `missing`: how much payload a TCP segment has */
    EL_MISSING_SEQUENCE = 2, /* its sequence and acknowledgement numbers */
};

/*
 * One sighting of one packet: a packet from client to server is seen twice, leaving one and
 * reaching the other.
 */
struct el_packet {
    uint64_t number; /* position in the log, from 0 */
    el_time at;      /* CLOCK_MONOTONIC at the reader; compare within one host only */
    el_time stamp;   /* the same by the kernel's clock, of an arrival; 0 when it gave none */
    char host[EL_HOST_NAME_MAX];
    char prefix[EL_PREFIX_MAX];                       /* of the rule: "[UDP] " */
    char in[EL_INTERFACE_MAX], out[EL_INTERFACE_MAX]; /* interface names, "" when none */
    uint8_t hook;                                     /* NF_INET_LOCAL_IN ... */
    uint8_t protocol;                                 /* IPPROTO_* */
    uint8_t ttl, tos;
    struct el_address source, destination; /* ports for UDP and TCP */
    char source_name[EL_HOST_NAME_MAX];    /* the host with that address, "" when unknown */
    char destination_name[EL_HOST_NAME_MAX];
    uint32_t length;  /* of the IP packet, bytes */
    uint32_t payload; /* behind the transport header, bytes */
    uint32_t
        checksum; /* a hash of the transport header and payload seen, to match the two sightings */
    uint16_t id;  /* IPv4 identification */
    uint16_t fragment;    /* IPv4 flags and offset, host order */
    uint32_t seq, ack;    /* TCP, host order */
    uint16_t window;      /* TCP, host order */
    uint8_t tcp_flags;    /* TH_SYN ... */
    uint8_t type, code;   /* ICMP */
    bool whole;           /* the transport header was there to be read */
    uint8_t hardware[14]; /* the Ethernet header of an arriving packet */
    uint8_t hardware_length;
    uint16_t transport; /* where the transport header begins in `raw` */
    uint16_t raw_length;
    uint8_t raw[EL_PACKET_RAW]; /* the packet's first bytes, from the IP header */
    uint32_t mark;
    uint8_t missing; /* EL_MISSING_*: what the source of this record did not tell */
};

/*
 * Reads `length` bytes that claim to be an IP packet into the fields from `protocol` on (others are
 * left alone). The bytes may be cut anywhere and hold anything. 0: addresses and lengths are known
 * (and with `whole` the transport's fields); -EBADMSG: not an IP packet.
 */
int el_packet_decode(const uint8_t *bytes, size_t length, struct el_packet *packet);

/*
 * The hash that el_packet_decode puts into `checksum`: of a transport header and what follows, but
 * for the checksum field.
 */
uint32_t el_packet_hash(uint8_t protocol, const uint8_t *bytes, size_t length);

/* Is this the sighting of a packet that leaves its host? */
bool el_packet_leaves(const struct el_packet *packet);

/* Is this no sighting, but a fate: what fault_queue decided about a packet on its way? */
bool el_packet_is_fate(const struct el_packet *packet);

/* A fate is in words: "drop", "delay 20.103ms". Does it begin with this one? */
bool el_packet_fate_is(const struct el_packet *packet, const char *word);

/* What a packet is for: told by its protocol and ports, whatever rule has logged it. */
enum el_packet_kind {
    EL_KIND_UDP,
    EL_KIND_TCP,
    EL_KIND_ICMP, /* and ICMPv6 */
    EL_KIND_DNS,  /* UDP or TCP from or to port 53 */
    EL_KIND_OTHER,
};
enum el_packet_kind el_packet_kind(const struct el_packet *packet);
const char *el_packet_kind_name(enum el_packet_kind kind); /* "UDP" ... "IP"; static */

/* Are the ports of source and destination known? UDP and TCP have some, as far as the header is there. */
bool el_packet_has_ports(const struct el_packet *packet);

/* The flags of TCP by their bits in tcp_flags, from FIN = bit 0 to CWR = bit 7 (RFC 9293 3.1). */
enum { EL_TCP_FLAGS = 8 };
extern const char *const el_tcp_flag_names[EL_TCP_FLAGS];

/*
 * The packet that an ICMP error quotes behind its own header (RFC 792, RFC 4443); its names are
 * unknown. False when there is none to be read.
 */
bool el_packet_quoted(const struct el_packet *packet, struct el_packet *original);

/*
 * One line for people: "client >  TCP  client:40000 > server:7007  SYN" without newline. `>` left,
 * `<` arrived, `x` was dropped on the way, `~` was changed or held up on the way. Returns text.
 */
const char *el_packet_print(const struct el_packet *packet, char *text, size_t size);

/*
 * What may be said at the end of such a line, "" most of the time: the fate and its rule,
 * "  drop (rule 1)", or the rule's prefix if it is none of the usual ones. Returns text.
 */
const char *el_packet_print_note(const struct el_packet *packet, char *text, size_t size);

/*
 * The same in the words of the kernel's own LOG target: "[TCP] IN= OUT=eth0 SRC=10.77.0.1 DST=...
 * PROTO=TCP SPT=...".
 */
const char *el_packet_print_kernel(const struct el_packet *packet, char *text, size_t size);

/*
 * The whole record as one line of text, without newline, and back: for recorded inputs of tests and
 * for programs that merge more than packets. Names with blanks or control characters are cut there.
 * _print returns text; _parse returns 0, or -EBADMSG: not such a line (the packet is then undefined).
 */
const char *el_packet_print_record(const struct el_packet *packet, char *text, size_t size);
int el_packet_parse_record(const char *line, struct el_packet *packet);

/* ---- the kernel's own log -------------------------------------------------------------------- */

enum { EL_KMSG_TEXT = 2048 }; /* the kernel's longest record is half of that */

/* One record of /dev/kmsg. */
struct el_kmsg {
    unsigned priority; /* facility * 8 + level; facility 0 is the kernel, and only the kernel */
    uint64_t sequence; /* one more with each record of this machine */
    el_time at;        /* the kernel log's clock; it stays close to CLOCK_MONOTONIC */
    char text[EL_KMSG_TEXT];
};

/*
 * Reads the first line of a record as /dev/kmsg gives it, "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT",
 * and resolves the escapes \xHH of its text; a NUL among them ends it. 0, or -EBADMSG: not such a
 * line (a continuation line " KEY=VALUE", for one). Source: the kernel's Documentation/ABI/testing/
 * dev-kmsg.
 */
int el_kmsg_parse(const char *line, struct el_kmsg *record);

/*
 * Reads what a LOG rule with the prefix "[TAG HOST NAME] " wrote into `packet`: all but `number`, `at`
 * and the names of the two ends. What such a line does not say is named in `missing`. 0; -ENOENT:
 * some other line; -EBADMSG: a line of this tag that is cut off or damaged (the packet is undefined).
 */
int el_packet_parse_kernel(const char *text, const char *tag, struct el_packet *packet);

/* ---- the log --------------------------------------------------------------------------------- */

struct el_packets; /* an open log */

/* Opens the log of the world this process is in. NULL with errno: ENOENT = not in a lab network. */
struct el_packets *el_packets_open(const char *path); /* NULL = EL_PACKETS_PATH */
void el_packets_close(struct el_packets *packets);

/*
 * The name of the host (network namespace) this process is on; "" when not in a lab network. Owned
 * by packets.
 */
const char *el_packets_host(const struct el_packets *packets);

/*
 * The hosts that are logged: a name for each index from 0, NULL behind the last. Owned by packets.
 */
const char *el_packets_logged(const struct el_packets *packets, size_t index);

/* Where the log ends now: a mark to read from later. */
uint64_t el_packets_mark(struct el_packets *packets);

/*
 * How many packets the kernel could not report because the collector was too slow; 0 in any honest
 * run.
 */
uint64_t el_packets_lost(const struct el_packets *packets);

/* Is the process still there that writes this log? Without it the log is what it is, for good. */
bool el_packets_written(const struct el_packets *packets);

/*
 * Sends the fence on this host and waits until it is in the log: everything that this host sent or
 * received before is then in it too. Blocks, at most until `deadline`. 0; -ENOENT: this process is
 * on none of the logged hosts; -ESRCH: the log's writer has ended; -ETIMEDOUT: the log is not complete;
 * -errno.
 */
int el_packets_fence(struct el_packets *packets, el_time deadline);

/*
 * Reads the next record at or after *mark (advanced). 1 = got one, 0 = the end for now, -ENODATA =
 * records were overwritten (*mark moved to the oldest).
 */
int el_packets_next(struct el_packets *packets, uint64_t *mark, struct el_packet *packet);

/* For the one writer. */
struct el_packets_args {
    const char *path;         /* created; must not exist */
    const char *const *hosts; /* NULL-ended, at most EL_PACKET_HOSTS */
    uint64_t capacity;        /* records kept; the oldest are overwritten */
};
/* Makes an empty log, readable by all. NULL with errno. */
struct el_packets *el_packets_create(const struct el_packets_args *args);
/* Appends a copy; `number` is given here. */
void el_packets_append(struct el_packets *packets, const struct el_packet *packet);
void el_packets_count_lost(struct el_packets *packets, uint64_t more);

/* ---- the causal order ------------------------------------------------------------------------ */

struct el_packet_merge;

/*
 * A merge holds up to `capacity` records between the logs and the reader's eye, and gives them back
 * so that each host's own order is kept and no packet arrives before it has left. Fates are shown
 * behind the departure of their packet and before its arrival. NULL: no memory.
 */
struct el_packet_merge *el_packet_merge_new(size_t capacity);
void el_packet_merge_free(struct el_packet_merge *merge);

/*
 * Takes a copy of a record, in the order of its log. A fate must be added before an arrival with a
 * later `at`. 0, or -ENOBUFS: full (take one out first).
 */
int el_packet_merge_add(struct el_packet_merge *merge, const struct el_packet *packet);

/*
 * Gives the next record, 1, or 0 when none may be given yet. An arrival whose departure is not
 * known holds back its host until the arrival is as old as `settled` (`at` <= settled); EL_NEVER:
 * nothing more will come, give everything. *again is set for a further sighting of a packet that was
 * given before, and for fates: packets are counted by those without it.
 */
int el_packet_merge_next(struct el_packet_merge *merge, el_time settled, struct el_packet *packet,
                         bool *again);

/* More about the record that was given last. */
struct el_packet_given {
    el_time time;   /* when it happened, as well as can be told; never runs backwards */
    bool duplicate; /* it left once and has arrived before */
    bool corrupted; /* it is a packet that was changed on its way */
};
struct el_packet_given el_packet_merge_given(const struct el_packet_merge *merge);

#endif
