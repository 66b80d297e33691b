/*
 * resolver.h - names to addresses on the event loop: c-ares driven by libevent.
 *
 * getaddrinfo(3) blocks the whole loop; this does not. A lookup is answered in two parts, AAAA and
 * A, each as it comes, so that Happy Eyeballs can start on the first. Literals and /etc/hosts never
 * touch the network. What c-ares gets wrong with an external loop, and what we do about it, is told
 * at the anchors `#ares-...` of resolver_channel.c and its neighbours; start with
 * resolver_private.h.
 */
#ifndef ECHOLAB_RESOLVER_H
#define ECHOLAB_RESOLVER_H

#include "address.h"
#include "deadline.h"
#include "trace.h"

#include <event2/event.h>

enum {
    EL_ADDRESSES_MAX = 32, /* per family; more are left out, and said */
    EL_QUERIES_MAX = 64,   /* timeline entries kept per lookup: the newest */
};

struct el_resolver; /* settings; one channel is made per lookup */
struct el_lookup;

struct el_resolver_args {
    struct event_base *base;          /* borrowed; should have EVENT_BASE_FLAG_PRECISE_TIMER */
    struct el_trace *trace;           /* borrowed, may be NULL */
    const struct el_address *servers; /* DNS servers with their ports; count 0 = /etc/resolv.conf */
    size_t server_count;
    el_duration timeout;          /* per try and server; 0 = 2 s */
    unsigned tries;               /* 0 = 2 */
    const char *hosts_path;       /* NULL = /etc/hosts */
    const char *resolv_conf_path; /* NULL = /etc/resolv.conf */
};

/* NULL: out of memory. */
struct el_resolver *el_resolver_new(const struct el_resolver_args *args);
/* Every lookup must have ended or been cancelled. */
void el_resolver_free(struct el_resolver *resolver);

enum el_lookup_status {
    EL_LOOKUP_OK,
    EL_LOOKUP_NO_NAME, /* NXDOMAIN: the name does not exist */
    EL_LOOKUP_NO_DATA, /* the name exists, but has no address of this family */
    EL_LOOKUP_SERVFAIL,
    EL_LOOKUP_REFUSED,
    EL_LOOKUP_TIMEOUT,     /* no server answered in time */
    EL_LOOKUP_UNREACHABLE, /* no server could be reached (ICMP refused, no route) */
    EL_LOOKUP_REFLECTED,   /* our own query came back: that is an echo server, not a DNS server */
    EL_LOOKUP_BAD_NAME,    /* not a legal name */
    EL_LOOKUP_BAD_ANSWER,  /* malformed */
    EL_LOOKUP_LOCAL,       /* out of memory or descriptors; see error */
    EL_LOOKUP_CANCELLED,   /* never delivered: a cancelled lookup is silent */
};
const char *el_lookup_status_text(enum el_lookup_status status); /* "NXDOMAIN: no such name" */
enum { EL_LOOKUP_FAILURE = 160 };
/* The same with the -errno of an answer, where it says more: "unreachable: no server can be reached:
 * Connection refused". Returns text. */
const char *el_lookup_failure_print(enum el_lookup_status status, int error,
                                    char text[static EL_LOOKUP_FAILURE]);
/* What to do about it, as it stands between parentheses; NULL when there is nothing to say. */
const char *el_lookup_status_hint(enum el_lookup_status status);
/* NULL when DNS may be asked for this name, else what is wrong with it. */
const char *el_lookup_name_fault(const char *name);
/* "NXDOMAIN" for the rcode of an el_query; an unknown one is written into `text`. */
const char *el_query_rcode_text(int rcode, char text[static 16]);

enum el_lookup_source {
    EL_FROM_NOWHERE = 0, /* not known yet, or nobody could be asked */
    EL_FROM_LITERAL,     /* it was an address */
    EL_FROM_DEFINITION,  /* localhost is this machine (RFC 6761 6.3) */
    EL_FROM_HOSTS,       /* the hosts file */
    EL_FROM_DNS,
};
/* "dns", for programs; NULL for EL_FROM_NOWHERE. */
const char *el_lookup_source_word(enum el_lookup_source source);

/* One query as it crossed the network. */
struct el_query {
    struct el_address server;
    char name[EL_HOST_MAX]; /* as asked, a search domain of resolv.conf(5) included */
    sa_family_t family;     /* AF_INET: A, AF_INET6: AAAA */
    uint16_t id;            /* DNS message id */
    bool tcp;               /* asked again over TCP after a truncated answer */
    el_time sent;
    el_time answered; /* EL_NEVER: no answer came */
    int rcode; /* RFC 1035 4.1.1; -1 none, -2 the answer was not one (reflected, malformed) */
    bool truncated;
    int error; /* -errno of the socket instead of an answer, 0 none */
};

/* One family's answer. `address` is in RFC 6724 order within the family, ports set. */
struct el_answer {
    sa_family_t family;
    enum el_lookup_status status;
    enum el_lookup_source source;
    int error; /* -errno behind EL_LOOKUP_LOCAL and EL_LOOKUP_UNREACHABLE; else 0 */
    size_t count;
    struct el_route_pair
        address[EL_ADDRESSES_MAX]; /* destination, and the source the kernel would use */
    char canonical[EL_HOST_MAX];   /* end of the CNAME chain; "" when it is the name itself */
};

struct el_lookup_args {
    const char *host;   /* name or literal; copied */
    uint16_t port;      /* host order; put into each address */
    sa_family_t family; /* AF_INET or AF_INET6 to ask for that alone; AF_UNSPEC: both, AAAA first */
    el_time deadline;   /* past it what is open ends with EL_LOOKUP_TIMEOUT; EL_NEVER: only
                         timeout × tries limits it */
    /* Called from the loop, never from inside el_lookup_new: once per family asked for, in order
     * of arrival; then done, once. Either may call el_lookup_cancel; the lookup is gone after
     * that, and in any case after done returns. */
    void (*answer)(void *arg, const struct el_answer *answer);
    void (*done)(void *arg, struct el_lookup *lookup);
    void *arg;
};

/* Starts a lookup. NULL: out of memory; anything else is told through `answer`. */
struct el_lookup *el_lookup_new(struct el_resolver *resolver, const struct el_lookup_args *args);
/* Ends it: no callback comes any more. At any moment, from inside its own callbacks too. NULL is
 * fine. */
void el_lookup_cancel(struct el_lookup *lookup);
/* The timeline so far; valid until the next call into the loop. */
size_t el_lookup_queries(const struct el_lookup *lookup, const struct el_query **queries);

#endif
