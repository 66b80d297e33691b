/*
 * address.h - endpoints: what a person types, and what the kernel wants.
 *
 * An *endpoint* is text (`server.lab:7007`, `[fe80::1%eth0]:7007`, `*:7007`): its host may still be
 * a name. An *address* is the kernel's form, a sockaddr with a port. The resolver turns one into
 * the other. Ports are in host byte order in every function of this header.
 */
#ifndef ECHOLAB_ADDRESS_H
#define ECHOLAB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
    EL_HOST_MAX = 255,    /* a DNS name has at most 253 characters (RFC 1035 2.3.4), a dot, a NUL */
    EL_ADDRESS_TEXT = 80, /* "[v6%zone]:port" and a NUL */
};

/* A socket address of either family. `length` is 0 when there is none. */
struct el_address {
    socklen_t length;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

/* `host:port` as text. `host` is a name, a literal without brackets, or "*" (wildcard
 * is then set). */
struct el_endpoint {
    char host[EL_HOST_MAX];
    uint16_t port;
    bool has_port; /* false: `port` is the default that was passed */
    bool wildcard; /* "*": every address of this machine */
};

/*
 * Parses `host`, `host:port`, `v4:port`, `v6`, `[v6]:port`, `[v6%zone]:port`, `*:port` or `:port`
 * (= `*:port`). Ports are min_port..65535 in decimal, no sign, no spaces. Returns 0, or -EINVAL
 * with *why set to a static sentence that names the fault and the fix. A program that cannot use a
 * wildcard checks for it. Never touches the network; a zone is looked up later, by
 * el_address_from_literal.
 */
int el_endpoint_parse(const char *text, uint16_t default_port, uint16_t min_port,
                      struct el_endpoint *endpoint, const char **why);

/* The address of a literal (with %zone for link-local, by if_nametoindex(3)). -EINVAL: not a
 * literal. -ENODEV: no such zone. */
int el_address_from_literal(const char *host, uint16_t port, struct el_address *address);

/* The wildcard address of a family (AF_INET or AF_INET6). */
struct el_address el_address_any(sa_family_t family, uint16_t port);

/* Copies a kernel sockaddr. -EAFNOSUPPORT unless AF_INET or AF_INET6; -EINVAL when it
 * is too short. */
int el_address_from_sockaddr(const struct sockaddr *sa, socklen_t length,
                             struct el_address *address);

sa_family_t el_address_family(const struct el_address *address); /* AF_UNSPEC when length is 0 */
uint16_t el_address_port(const struct el_address *address);
void el_address_set_port(struct el_address *address, uint16_t port);

/* Writes `10.77.0.2:7007` or `[fd77::2]:7007` to text (EL_ADDRESS_TEXT bytes) and returns it; "-"
 * when there is none. */
const char *el_address_print(const struct el_address *address, char text[static EL_ADDRESS_TEXT]);
/* The same without brackets and port. */
const char *el_address_print_host(const struct el_address *address,
                                  char text[static EL_ADDRESS_TEXT]);

bool el_address_equal(const struct el_address *a,
                      const struct el_address *b); /* port and zone included */
bool el_address_same_host(const struct el_address *a,
                          const struct el_address *b); /* port left out */
bool el_address_is_any(const struct el_address *address);
bool el_address_is_loopback(const struct el_address *address);
bool el_address_is_multicast(const struct el_address *address);
bool el_address_is_link_local(const struct el_address *address);
bool el_address_is_v4_mapped(const struct el_address *address);

/* A destination and the source the kernel would use for it (length 0: no route). */
struct el_route_pair {
    struct el_address destination;
    struct el_address source;
    bool deprecated; /* the source is (IFA_F_DEPRECATED, RFC 4862); false when unknown */
};

/*
 * Orders the pairs best first by the destination rules of RFC 6724 section 6 (4 and 7 need
 * interface knowledge that we do not have and are skipped; 9 is applied to IPv6 only). Stable.
 */
void el_address_sort(struct el_route_pair *pairs, size_t count);

/*
 * What the policy table of RFC 6724 section 2.1 thinks of a destination: 50 loopback, 40 IPv6,
 * 35 IPv4, 3 unique local IPv6 (fc00::/7), ... Higher goes first, other rules permitting.
 */
int el_address_precedence(const struct el_address *destination);

/* The RFC 6724 rule (1-10) that put `a` before `b`, for `--explain`; 10 = the order
 * they came in. */
int el_address_sort_rule(const struct el_route_pair *a, const struct el_route_pair *b);

/* Writes `name` with every byte that is not printable ASCII as \xNN, cut with "..." to fit. Returns
 * text. Never log a foreign name raw. */
const char *el_name_escape(const char *name, char *text, size_t size);

#endif
