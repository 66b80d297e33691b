/*
 * resolver_private.h - what the files of the resolver share; not installed, not for programs.
 *
 *   resolver.c           the life of a lookup: literal, hosts or DNS; delivery; cancel
 *   resolver_channel.c   c-ares driven by libevent: descriptors, timers, callbacks, their pitfalls
 *   resolver_timeline.c  the sockets that c-ares uses, with a note of each query and answer
 *   resolver_message.c   the bytes of a DNS message: header, question, CNAMEs, addresses
 *   resolver_hosts.c     /etc/hosts
 *   resolver_text.c      each status in words
 *   resolver_order.c     the source of each address, and RFC 6724 order
 */
#ifndef ECHOLAB_RESOLVER_PRIVATE_H
#define ECHOLAB_RESOLVER_PRIVATE_H

#define CARES_NO_DEPRECATED /* newer c-ares calls ares_search(3) old; 1.18 has nothing newer */
#include "resolver.h"

#include <ares.h>

enum {
    EL_DNS_HEADER = 12, /* RFC 1035 4.1.1 */
    EL_DNS_PORT = 53,
    EL_DNS_HEAD_MAX = EL_DNS_HEADER + 255 + 4, /* header, longest name, type and class */
    EL_DNS_SOCKETS_MAX = 32,
    EL_DNS_TYPE_A = 1,
    EL_DNS_TYPE_CNAME = 5,
    EL_DNS_TYPE_AAAA = 28,
};

/* A DNS message on TCP is preceded by its length in two bytes (RFC 1035 4.2.2); this finds the
 * messages in a stream that comes in pieces, and keeps the head of the one that is arriving. */
struct el_dns_frame {
    size_t at;     /* bytes of this frame seen so far, the two of the length included */
    size_t length; /* of the message, known once `at` is 2 */
    uint8_t head[2 + EL_DNS_HEAD_MAX];
};

/* One socket that c-ares asked us for. */
struct el_dns_socket {
    struct el_lookup *lookup; /* NULL: this slot is free */
    int fd;
    bool tcp;
    bool failed;     /* its error was noted already */
    el_time sending; /* when the last send began */
    struct el_address server;
    struct event *event; /* NULL while c-ares does not want to hear of it */
    struct el_dns_frame in, out;
};

/* One family's half of a lookup. */
struct el_part {
    struct el_lookup *lookup;
    bool asked, ready, delivered;
    enum el_lookup_status heard; /* the worst a server said or did; EL_LOOKUP_OK: nothing bad */
    struct el_answer answer;
};

struct el_lookup {
    struct el_resolver *resolver;
    struct el_lookup_args args; /* args.host is `host` */
    char host[EL_HOST_MAX];
    char shown[4 * EL_HOST_MAX]; /* host, escaped for narration */
    bool host_too_long;
    bool started;
    bool delivering; /* a callback of the caller's is running: do not free under it */
    bool cancelled;
    bool closing;           /* c-ares is being shut down: what it still says is not an answer */
    struct event *step;     /* begins the lookup and delivers answers, always from the loop */
    struct event *deadline; /* the caller's limit */
    struct event *timer;    /* c-ares' next retry or give-up */
    ares_channel channel;   /* NULL: DNS is not, or no longer, asked */
    int socket_error;       /* errno of the last socket that failed, 0 none */
    bool socket_missing;    /* socket(2) itself failed */
    struct el_dns_socket sockets[EL_DNS_SOCKETS_MAX];
    struct el_part parts[2]; /* AAAA, A */
    size_t ready_count;
    struct el_part *ready[2]; /* in order of arrival */
    size_t query_count;
    struct el_query queries[EL_QUERIES_MAX];
};

struct el_resolver {
    struct event_base *base;
    struct el_trace *trace;
    char *hosts_path, *resolv_conf_path;
    el_duration timeout;
    unsigned tries;
    size_t server_count;
    struct el_address *servers;
};

/* resolver.c: a part is known; it is delivered from the loop. Keeps the first answer, ignores
 * later ones. */
void el_part_finish(struct el_part *part, enum el_lookup_status status, int error);

/* resolver_channel.c: 0, or -errno. After it the parts are finished as answers come. */
int el_channel_open(struct el_lookup *lookup);
void el_channel_close(struct el_lookup *lookup); /* no callback comes any more; idempotent */
enum el_lookup_status el_channel_verdict(const struct el_part *part, int ares_status);

/* resolver_timeline.c */
void el_timeline_attach(struct el_lookup *lookup); /* gives the channel our socket functions */
struct el_dns_socket *el_timeline_socket(struct el_lookup *lookup, int fd); /* NULL: none */

/* resolver_message.c */
struct el_dns_head {
    uint16_t id;
    bool response; /* QR: 0 is a query, 1 an answer */
    bool truncated;
    int rcode;
    uint16_t type; /* of the question */
    char name[EL_HOST_MAX];
};
bool el_dns_head_parse(const uint8_t *bytes, size_t length, struct el_dns_head *head);
/* Fills count, address and canonical of `answer`; *left_out counts what did not fit. */
enum el_lookup_status el_dns_addresses_parse(const uint8_t *bytes, size_t length, uint16_t port,
                                             struct el_answer *answer, size_t *left_out);
const char *el_dns_type_text(sa_family_t family); /* "A" or "AAAA" */

/* resolver_hosts.c: adds the addresses of `host` to the two answers; true when the file knows
 * it. */
bool el_hosts_find(const char *path, const char *host, uint16_t port, struct el_answer *v6,
                   struct el_answer *v4);

/* resolver_order.c */
void el_order_answer(struct el_answer *answer, struct el_trace *trace);

#endif
