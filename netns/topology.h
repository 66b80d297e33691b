/*
 * topology.h - a lab network as a text says it, and what can be known about it before it is built.
 *
 * The text has one fact a line (netns/topologies/pair explains the words). The parts, in reading
 * order:
 *   - topology_words.c     a word: a name, an address with its prefix length, a rate
 *   - topology_facts.c     a line: one function a kind of fact
 *   - topology_more.c      the kinds of fact that change packets or the log: route, nat, log
 *   - topology_parse.c     a text: lines and words; nothing in it is ever seen by a shell
 *   - topology_check.c     what only the whole can tell: is that gateway on a network of this place?
 *   - topology_wires.c     who shares frames with whom, who is reached from where
 *   - topology_print.c     a topology in normal form, which reads back as the same
 *   - topology_plan.c ...  the files that init.sh runs (topology_place.c, topology_rules.c)
 *   - topology_draw.c ...  the picture
 * topology.c is the program. All of this is pure but for the plan, which writes files: no socket, no
 * clock, no namespace, so that unit tests reach everything.
 */
#ifndef ECHOLAB_TOPOLOGY_H
#define ECHOLAB_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/* The bounds; whoever passes one is told so. packet_log knows 32 hosts and 256 addresses. */
enum {
    TOPOLOGY_TEXT = 64 * 1024, /* bytes of a file */
    TOPOLOGY_LINE = 256,       /* bytes of a line */
    TOPOLOGY_WORDS = 16,       /* words of a line */
    TOPOLOGY_NAME = 16, /* a place or an interface, at most 15 characters (IFNAMSIZ), and a NUL */
    TOPOLOGY_DNS_NAME = 64,
    TOPOLOGY_HOSTS = 32,
    TOPOLOGY_SWITCHES = 32,
    TOPOLOGY_PLACES = TOPOLOGY_HOSTS + TOPOLOGY_SWITCHES,
    TOPOLOGY_LINKS = 96,
    TOPOLOGY_PLUGS = 2 * TOPOLOGY_LINKS + TOPOLOGY_SWITCHES, /* numbered in one byte of a MAC */
    TOPOLOGY_ADDRESSES = 128,
    TOPOLOGY_ROUTES = 128,
    TOPOLOGY_NATS = 16,
    TOPOLOGY_SERVERS = 8, /* behind one balanced address */
    TOPOLOGY_NAMES = 128,
    TOPOLOGY_LOGS = 16,
    TOPOLOGY_PORTS = 15,      /* of one log rule: what iptables' multiport takes */
    TOPOLOGY_PREFIX = 13,     /* of a log rule, 12 characters and a NUL */
    TOPOLOGY_IP_TEXT = 64,    /* an address, its length or port, a NUL */
    TOPOLOGY_NONE = UINT8_MAX /* no place, no plug */
};

enum topology_kind { TOPOLOGY_HOST, TOPOLOGY_ROUTER, TOPOLOGY_SWITCH };

struct topology_place {
    char name[TOPOLOGY_NAME];
    enum topology_kind kind;
};

/*
 * An end of a cable, or (peer == TOPOLOGY_NONE) a switch's plug into itself, br0. The number of a
 * plug is its index plus one; it makes the hardware address.
 */
struct topology_plug {
    char interface[TOPOLOGY_NAME];
    uint8_t place, peer; /* indexes of places and plugs */
    uint8_t segment;     /* set by topology_wire: plugs with the same number share frames */
    unsigned mtu;        /* bytes; 0: the default, 1500 */
    uint64_t rate;       /* bits a second; 0: as fast as the machine can */
    bool offload;        /* what a wire never carries may cross it whole: see topology_place.c */
    unsigned line;       /* in the text, for messages; so everywhere below */
};

/* An address, and how much of it is the network's. IPv4 uses the first four bytes. */
struct topology_ip {
    sa_family_t family; /* AF_UNSPEC: none */
    uint8_t bytes[16];  /* network order */
    uint8_t length;     /* bits of prefix */
};

struct topology_address {
    uint8_t plug;
    struct topology_ip ip;
    unsigned line;
};

enum topology_route_kind {
    TOPOLOGY_VIA,
    TOPOLOGY_UNREACHABLE,
    TOPOLOGY_BLACKHOLE,
    TOPOLOGY_PROHIBIT
};

struct topology_route {
    uint8_t place, plug; /* plug: where it leaves, given by `dev` or found by topology_wire */
    enum topology_route_kind kind;
    struct topology_ip to, via; /* to.length 0: the default route */
    bool has_dev;               /* `dev` was written */
    unsigned line;
};

/* Either `masquerade`, out of `plug`; or a balanced address. Ports are in host order. */
struct topology_nat {
    uint8_t place, plug;
    bool masquerade, random, tcp;
    struct topology_ip address;
    uint16_t port;
    uint8_t servers;
    struct {
        struct topology_ip address;
        uint16_t port;
    } server[TOPOLOGY_SERVERS];
    unsigned line;
};

struct topology_dns_name {
    char name[TOPOLOGY_DNS_NAME];
    uint8_t place; /* all its addresses; TOPOLOGY_NONE: `address` */
    struct topology_ip address;
    unsigned line;
};

struct topology_log {
    bool tcp;
    uint8_t ports;
    uint16_t port[TOPOLOGY_PORTS];
    char prefix[TOPOLOGY_PREFIX]; /* "TCP"; "" is that of the protocol */
    uint8_t place;                /* TOPOLOGY_NONE: every host and router */
    unsigned line;
};

struct topology {
    uint8_t places, plugs, addresses, routes, nats, names, logs;
    struct topology_place place[TOPOLOGY_PLACES];
    struct topology_plug plug[TOPOLOGY_PLUGS];
    struct topology_address address[TOPOLOGY_ADDRESSES];
    struct topology_route route[TOPOLOGY_ROUTES];
    struct topology_nat nat[TOPOLOGY_NATS];
    struct topology_dns_name name[TOPOLOGY_NAMES];
    struct topology_log log[TOPOLOGY_LOGS];
    uint8_t dns; /* the place that answers names, or TOPOLOGY_NONE */
    unsigned dns_line;
    unsigned silent_line; /* `log nothing` stands there; 0: DNS and ICMP are logged at least */
};

/* What is wrong, where: a sentence that names the cause and the fix, free of control characters. */
struct topology_error {
    unsigned line;  /* 0: the whole text */
    char text[512]; /* a whole line may be quoted in it, and the fix must still be there */
};

/*
 * Reads a whole text into *topology. 0; or -EINVAL with *error filled and *topology undefined. The
 * text may hold anything. It is parsed, wired and checked: what comes out can be planned.
 */
int topology_parse(struct topology *topology, const char *text, size_t length,
                   struct topology_error *error);

/* The same topology in normal form: a fact a line, in a fixed order, single blanks. */
void topology_print(const struct topology *topology, FILE *out);

/* Numbers the segments. A switch, and all switches joined to it, are one. */
void topology_wire(struct topology *topology);

/* What only the whole can tell. 0 or -EINVAL, as topology_parse. */
int topology_check(struct topology *topology, struct topology_error *error);

/* ---- questions about a wired topology --------------------------------------------------------- */

/* The place of this name, the plug of this place and interface, or TOPOLOGY_NONE. */
uint8_t topology_find_place(const struct topology *topology, const char *name);
uint8_t topology_find_plug(const struct topology *topology, uint8_t place, const char *interface);

/* The place's index of its first plug on a network that holds `ip`, or TOPOLOGY_NONE. */
uint8_t topology_plug_towards(const struct topology *topology, uint8_t place,
                              const struct topology_ip *ip);

/* Does a route of `place` lead to `ip`, or is it on a network of its own? */
bool topology_reaches(const struct topology *topology, uint8_t place, const struct topology_ip *ip);

/*
 * The address of the DNS place that `from` should ask, of one family: the nearest, which is on a
 * segment and a network that both share, else the first that a route leads to. NULL: none.
 */
const struct topology_ip *topology_dns_for(const struct topology *topology, uint8_t from,
                                           sa_family_t family);

/* The name of a plug's segment: its switch's name (of several joined, the first), or "A:eth0" for a
 * cable between two hosts. text has TOPOLOGY_IP_TEXT bytes; returns it. */
const char *topology_segment_name(const struct topology *topology, uint8_t plug, char *text);

/* Does this place have a rule that translates addresses? */
bool topology_has_nat(const struct topology *topology, uint8_t place);

/* Do hosts and routers log on this place? Switches see frames only. */
bool topology_is_switch(const struct topology *topology, uint8_t place);

/* ---- words (topology_words.c) ----------------------------------------------------------------- */

/* Does `address` lie in the network of `network`? */
bool topology_ip_in(const struct topology_ip *address, const struct topology_ip *network);
bool topology_ip_same(const struct topology_ip *a, const struct topology_ip *b); /* length aside */
/* "10.77.0.1"; with _prefix "10.77.0.1/24"; with _port "10.77.0.1:7" or "[fd77::1]:7". Each returns
 * text. */
const char *topology_ip_print(const struct topology_ip *ip, char text[static TOPOLOGY_IP_TEXT]);
const char *topology_ip_print_prefix(const struct topology_ip *ip,
                                     char text[static TOPOLOGY_IP_TEXT]);
const char *topology_ip_print_port(const struct topology_ip *ip, uint16_t port,
                                   char text[static TOPOLOGY_IP_TEXT]);
/* "10mbit". text has TOPOLOGY_IP_TEXT bytes; returns it. */
const char *topology_rate_print(uint64_t rate, char *text);
/* "02:00:00:00:77:01", the hardware address of a plug. text has TOPOLOGY_IP_TEXT bytes. */
const char *topology_mac_print(uint8_t plug, char *text);
/* "host", "router", "switch"; "via", "unreachable", ... */
const char *topology_kind_name(enum topology_kind kind);
const char *topology_route_kind_name(enum topology_route_kind kind);

/* ---- plan (topology_plan.c) and picture (topology_draw.c, topology_dot.c) --------------------- */

/*
 * Writes the files that init.sh runs into `dir`, an empty directory. `tag`, if not NULL, asks for the
 * kernel's own log too, with this word in each prefix. 0, or -errno (-EINVAL: *error says it) with
 * the path that failed in *error.
 */
int topology_plan(const struct topology *topology, const char *dir, const char *tag,
                  struct topology_error *error);

/* The picture for a terminal; `utf8`: with box-drawing characters, else with + - and |. 0 or
 * -ENOMEM. */
int topology_draw(const struct topology *topology, bool utf8, FILE *out);
/* The picture as a graph for Graphviz' dot. */
void topology_draw_dot(const struct topology *topology, FILE *out);

#endif
