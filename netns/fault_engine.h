/*
 * fault_engine.h - carries fates out: one queue for each place, one heap of waiting packets, one ring.
 *
 * Read next: fault_engine.c (packets), fault_control.c (requests).
 */
#ifndef ECHOLAB_FAULT_ENGINE_H
#define ECHOLAB_FAULT_ENGINE_H

#include "fault_copies.h"
#include "fault_fate.h"
#include "fault_hold.h"
#include "fault_links.h"
#include "fault_netlink.h"
#include "packet_names.h"
#include "packets.h"

#include <event2/event.h>

#define FAULT_RING_PATH   "/run/echolab/faults"
#define FAULT_SOCKET_PATH "/run/echolab/fault.sock"
#define FAULT_RULES_PATH  "/run/echolab/fault.rules"
#define FAULT_LOG_PATH    "/run/echolab/fault_queue.log"

enum {
    FAULT_RULES_MAX = 64,
    FAULT_PLACES_MAX = 64,
    FAULT_LINKS_MAX = 512,
    FAULT_HELD_PACKETS =
        61440, /* that wait, in the whole world; a queue must have room beside them */
    FAULT_HELD_BYTES = 64 << 20,
    /* Undecided in one place's queue, what waits and what is new. Linux 6.18 allows no more. */
    FAULT_QUEUE_PACKETS = 65536,
    FAULT_INTERFACES_MAX = 32,
};

/* A host, switch or router, and its queue. */
struct fault_place {
    struct fault_engine *engine;
    uint32_t index;
    char name[FAULT_PLACE_MAX];
    bool forwards;
    struct fault_netlink *netlink;
    struct event *event;
    int statistics; /* /proc/net/netfilter/nfnetlink_queue of this place */
    int cable;      /* a packet socket: what is sent on it goes out on the place's interfaces */
    uint64_t said;  /* drops that were told in the log */
    bool dirty;     /* has verdicts that were not sent yet */
};

/* One direction of a link. It stays when its rules are gone: packets that wait know its number. */
struct fault_link {
    uint32_t from, to; /* places */
    uint8_t from_mac[6], to_mac[6];
    char interface[FAULT_PLACE_MAX]; /* at `to` */
    uint32_t cable;                  /* the place from which a copy is sent ... */
    unsigned cable_interface;        /* ... and the interface there */
    el_time last;                    /* when a packet came by it */
    struct fault_state *rules[FAULT_RULES_MAX];
    size_t count;
};

struct fault_engine {
    struct event_base *base;
    struct event *timer, *watch;
    el_time armed; /* when the timer fires */
    struct el_packets *ring;
    struct fault_plugs plugs;
    struct packet_names names;
    size_t places, links, rules;
    struct fault_place place[FAULT_PLACES_MAX];
    struct fault_link link[FAULT_LINKS_MAX];
    struct fault_state *rule[FAULT_RULES_MAX]; /* in the order in which they were added */
    unsigned last_number;
    struct fault_hold *hold;
    struct fault_copies copies;
    struct fault_fate fate; /* of the packet at hand */
    uint64_t next_id;
    uint64_t overflowed; /* packets dropped because too many were waiting */
    uint64_t no_buffer;  /* times the kernel said that it had dropped some (ENOBUFS) */
    uint64_t not_copied; /* duplicates that could not be sent */
    el_time now;         /* of the batch at hand */
};

/*
 * Reads plugs and names, opens the queues of all places and the ring. 0, or -errno with what failed
 * in `text` (FAULT_WHY_MAX).
 */
int fault_engine_open(struct fault_engine *engine, char *text);
void fault_engine_close(struct fault_engine *engine); /* lets go of everything that waits */

/* After a rule was added or taken away: which links have which rules, how much is copied. */
void fault_engine_wire(struct fault_engine *engine);

/* Lets go of what waits on these links (NULL: all), in order. */
void fault_engine_release(struct fault_engine *engine, const struct fault_rule *rule);

/* What one place's queue says of itself: how many wait, and were dropped by the kernel. */
struct fault_queue_health {
    uint64_t waiting, dropped, user_dropped;
};
bool fault_engine_health(const struct fault_place *place, struct fault_queue_health *health);

#endif
