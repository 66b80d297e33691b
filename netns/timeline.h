/*
 * timeline.h - what happened, from five kinds of records: calls, packets, fates, states, the ends of
 * processes.
 *
 * The parts, in the order in which they work on one `struct timeline`:
 *   timeline_read.c     a directory of records becomes arrays of calls, sightings, fates, states
 *   timeline_calls.c    lines of strace become calls
 *   timeline_sockets.c  calls find the socket that they are about
 *   timeline_packets.c  the sightings of one packet find each other; sequence numbers; fates
 *   timeline_states.c   TCP states, recorded or worked out
 *   timeline_cause.c    what caused what: the edges, and what each call did and got
 *                       (timeline_effect.c: by which bytes; timeline_wait.c: for waits)
 *   timeline_order.c    the order
 *   timeline_rows.c     what is shown, row by row (in the words of timeline_words.c)
 *   timeline_text.c, timeline_svg.c, timeline_html.c, timeline_json.c   four ways to show it
 * Everything belongs to the timeline and lives as long. Indices, not pointers: arrays move as they
 * grow. Times are nanoseconds on CLOCK_MONOTONIC.
 */
#ifndef ECHOLAB_TIMELINE_H
#define ECHOLAB_TIMELINE_H

#include "packets.h"
#include "strace_line.h"
#include "timeline_order.h"

#include <stdio.h>

#define TIMELINE_NONE UINT32_MAX

/* Times are from 0 to here: then differences fit, whatever a damaged record says. */
#define TIMELINE_LATEST (INT64_MAX / 2)

/* Bounds: what is beyond them is counted and told, never silently dropped. */
enum {
    TIMELINE_HOSTS = 32,
    TIMELINE_NAMES = 256,
    TIMELINE_NOTES = 32,
    TIMELINE_CALLS = 6000, /* two events each */
    TIMELINE_PACKETS = 6000,
    TIMELINE_STATES = 2000, /* together: 20,000 events */
    TIMELINE_WORDS = 192,   /* holds every label of timeline_words.c */
};

enum timeline_kind {
    TIMELINE_CALL,   /* a call begins */
    TIMELINE_RETURN, /* it returns */
    TIMELINE_LEAVE,  /* a packet leaves a host */
    TIMELINE_ARRIVE, /* a packet arrives */
    TIMELINE_FATE,   /* a fault is applied to it */
    TIMELINE_STATE,  /* a TCP endpoint changes its state */
    TIMELINE_SIGNAL,
    TIMELINE_EXIT,
};

struct timeline_event {
    enum timeline_kind kind;
    uint32_t host;
    uint32_t of; /* index in calls, sightings, fates, states or ends, by kind */
    el_time at;  /* the best guess; in order, once there is one */
    bool loose;  /* an upper bound */
};

enum timeline_role {
    TIMELINE_OTHER,
    TIMELINE_CONNECT,
    TIMELINE_ACCEPT,
    TIMELINE_SEND,
    TIMELINE_RECEIVE,
    TIMELINE_SHUTDOWN,
    TIMELINE_CLOSE,
    TIMELINE_WAIT, /* epoll_wait, poll, select */
};

struct timeline_ready {
    uint32_t socket;
    bool in, out, error;
};

enum { TIMELINE_READY = 4 };

struct timeline_call {
    uint32_t host;
    char *line; /* owned; `strace` points into it */
    struct strace_line strace;
    enum timeline_role role;
    uint32_t socket;      /* NONE: about none */
    int fd;               /* of that socket; -1 */
    el_time at;           /* entry; exact */
    el_time back;         /* return; a guess from below, 0 when it never came */
    el_time latest;       /* the return was no later than this */
    uint32_t entry, exit; /* events; NONE when not shown */
    uint32_t next;        /* the same thread's next call, or NONE */
    unsigned ready_count; /* of a wait */
    struct timeline_ready ready[TIMELINE_READY];
    uint32_t got_first, got_last; /* sightings whose arrival it needed, or NONE */
    char did[TIMELINE_WORDS / 2]; /* "→ SYN": what it made leave; "" */
    char got[TIMELINE_WORDS / 2]; /* "after SYN-ACK": what had to come first; "" */
};

/* A TCP or UDP socket, as its calls tell of it. */
struct timeline_socket {
    uint32_t host;
    int pid, fd, protocol;
    unsigned long inode;
    struct el_address local, remote; /* length 0: not known (yet) */
    bool closed;                     /* by the thread it was found with */
    bool fin_claimed;                /* some call is known to have sent the FIN */
    bool connecting;                 /* connect said EINPROGRESS, and nobody has said more */
    uint32_t connect;                /* that call */
    uint64_t written, read;          /* bytes, by calls that have been looked at */
};

/* One direction of a connection, or of a pair of UDP endpoints, as seen on one host. */
struct timeline_stream {
    uint32_t host;
    int protocol;
    struct el_address source, destination;
    bool leaves;
    bool initiates; /* it began with the connection's first SYN, from the host with that address */
    bool has_first; /* `first` is known, from a SYN */
    uint32_t first; /* sequence number of the SYN */
    uint32_t end;   /* behind the last byte seen, relative */
    uint32_t segments;
};

/* A packet, seen on a host. */
struct timeline_sighting {
    struct el_packet packet;
    uint32_t host;
    uint32_t event;
    uint32_t partner; /* of a departure its (first) arrival; of an arrival its departure; or NONE */
    uint32_t fate;    /* of a departure: its first fate, or NONE */
    uint32_t stream;
    uint32_t seq, ack; /* TCP, relative to the SYNs; as they are when there was none */
    uint32_t segment;  /* TCP with payload: counted from 1 in its direction; else 0 */
    uint32_t claimed;  /* the call that sent or read it, or NONE */
    el_time latest;    /* it was no later than this */
    bool resent;       /* all its bytes had left before */
    bool again;        /* a second arrival of one departure */
    bool overtaken;    /* a later departure of this stream arrived first */
    bool leaves;
};

struct timeline_fate {
    struct el_packet packet; /* hook == EL_HOOK_FAULT */
    uint32_t host, event;
    uint32_t departure; /* sighting, or NONE */
    uint32_t next;      /* a further fate of the same packet, or NONE */
};

struct timeline_state {
    uint32_t host, event;
    struct el_address local, remote;
    const char *before, *after; /* static: "ESTABLISHED" */
    el_time at;
    uint32_t sighting; /* the packet it was worked out from, or NONE: recorded */
};

struct timeline_end {
    uint32_t host, event;
    int pid, status;
    char signal[STRACE_NAME]; /* "" for an exit */
    bool killed;
    el_time at;
    uint32_t after; /* the thread's last call, or NONE */
};

struct timeline {
    char command[256];
    int status; /* exit code of the command, or -1 */
    bool states_traced;
    el_duration clock; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
    uint64_t lost;     /* records lost before we saw them */
    char *notes[TIMELINE_NOTES];
    size_t note_count;
    char hosts[TIMELINE_HOSTS][EL_HOST_NAME_MAX];
    size_t host_count;
    size_t name_count;
    struct {
        struct el_address address;
        char place[EL_HOST_NAME_MAX];
    } names[TIMELINE_NAMES];

    struct timeline_event *events;
    struct timeline_call *calls;
    struct timeline_socket *sockets;
    struct timeline_stream *streams;
    struct timeline_sighting *sightings;
    struct timeline_fate *fates;
    struct timeline_state *states;
    struct timeline_end *ends;
    struct timeline_edge *edges;
    size_t event_count, call_count, socket_count, stream_count, sighting_count, fate_count,
        state_count, end_count, edge_count;
    size_t event_room, call_room, socket_room, stream_room, sighting_room, fate_room, state_room,
        end_room, edge_room;

    uint32_t *order; /* the events, in their order */
    int against;     /* events placed against a certain edge: 0 in any true history */
    bool doubtful;   /* what was inferred contradicted the rest, and counts as likely only */
    el_time zero;    /* what times are shown relative to */

    bool hidden[TIMELINE_HOSTS];      /* hosts that nothing happened on, or that the reader did not
                                       * ask for */
    uint32_t columns[TIMELINE_HOSTS]; /* the others, from left to right */
    size_t column_count;

    bool forwards[TIMELINE_HOSTS]; /* routers: they log arrivals before they are routed */
    size_t connections;            /* that were begun: with more than one, packets are told apart */
    size_t beyond;                 /* events left out: more than the bounds */
    size_t unread;                 /* lines that could not be read */
    bool failed;                   /* out of memory */
};

/*
 * Reads a directory. `all`: calls that are about no socket, too. NULL with errno set and *object the
 * file or line it is about (in a static buffer); a directory without packets or calls is not an error.
 */
struct timeline *timeline_read(const char *directory, bool all, const char **object);
void timeline_free(struct timeline *timeline);

/*
 * Chooses the columns and their order; timeline_read calls it once there is an order of events. With
 * more than two hosts, those where nothing happened have no column.
 */
void timeline_line_up(struct timeline *timeline);

/* Only these hosts ("client,server") are to be shown, in this order. -ENOENT: no such host. */
int timeline_choose(struct timeline *timeline, const char *hosts);

/*
 * Hides hosts until at most `most` (> 0) have a column: first those where nothing happened, then the
 * last ones, and those are named in a note.
 */
void timeline_fit(struct timeline *timeline, size_t most);

/* From the records to the order: 0 or -ENOMEM. timeline_read has done it. */
int timeline_arrange(struct timeline *timeline);

/* ---- for the parts --------------------------------------------------------------------------- */

/*
 * Room for one more at the end of an array, cleared; its number, or TIMELINE_NONE (and
 * timeline->failed).
 */
#define timeline_add(timeline, name)                                                               \
    timeline_grow(timeline, (void **)&(timeline)->name##s, sizeof *(timeline)->name##s,            \
                  &(timeline)->name##_count, &(timeline)->name##_room)
uint32_t timeline_grow(struct timeline *timeline, void **array, size_t size, size_t *count,
                       size_t *room);

void timeline_edge_add(struct timeline *timeline, uint32_t from, uint32_t to, bool soft);
/* A certain edge, if no record is missing: which call did what is found by counting. */
void timeline_edge_infer(struct timeline *timeline, uint32_t from, uint32_t to);
uint32_t timeline_event_add(struct timeline *timeline, enum timeline_kind kind, uint32_t host,
                            uint32_t of, el_time at, bool loose);

/* The number of a host, or TIMELINE_NONE; and of the host with an address. */
uint32_t timeline_host(const struct timeline *timeline, const char *name);
uint32_t timeline_host_at(const struct timeline *timeline, const struct el_address *address);
/* The place with an address, "" when not known. */
const char *timeline_place(const struct timeline *timeline, const struct el_address *address);

/* timeline_calls.c: takes one line of a host's strace. -EBADMSG: not a line. */
struct timeline_calls; /* halves of interrupted calls, between lines */
struct timeline_calls *timeline_calls_new(struct timeline *timeline, uint32_t host, bool all);
int timeline_calls_line(struct timeline_calls *calls, const char *text);
void timeline_calls_free(struct timeline_calls *calls);

/* timeline_sockets.c: sorts the calls, gives them their sockets. `all`: keeps those without. */
void timeline_sockets_link(struct timeline *timeline, bool all);

/* timeline_packets.c: partners, streams, sequence numbers, fates; events and their edges. */
void timeline_packets_link(struct timeline *timeline);
/* The stream of that description, or NONE. */
uint32_t timeline_stream(const struct timeline *timeline, const struct timeline_stream *like);
/* The packet that an ICMP error quotes. False when it is none. */
bool timeline_quoted(const struct el_packet *packet, struct el_packet *original);

/* timeline_states.c: a line of the tracepoint; -EBADMSG. Or all states, from the packets. */
int timeline_states_line(struct timeline *timeline, const char *line);
void timeline_states_link(struct timeline *timeline);

/* timeline_cause.c: events and edges of the calls, and their words. */
void timeline_cause_link(struct timeline *timeline);

#endif
