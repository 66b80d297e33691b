/*
 * socket.h - each socket system call once, with its errno policy said out loud.
 *
 * Every descriptor is made non-blocking and close-on-exec *at creation* (a later fcntl(2) would
 * leave a moment in which another thread's fork and exec could inherit it). Functions return a
 * descriptor or 0, or a negative errno; they narrate to `trace` (may be NULL).
 */
#ifndef ECHOLAB_SOCKET_H
#define ECHOLAB_SOCKET_H

#include "address.h"
#include "trace.h"

#include <stdint.h>

struct el_socket_args {
    int type;                /* SOCK_STREAM or SOCK_DGRAM */
    struct el_address local; /* bind here; length 0 = let the kernel choose at connect */
    const char *interface;   /* SO_BINDTODEVICE; NULL = any */
    int ttl;                 /* IP_TTL / IPV6_UNICAST_HOPS; 0 = the kernel's default */
    int tos;                 /* IP_TOS / IPV6_TCLASS; -1 or 0 = the default, best effort */
    bool dont_fragment;      /* IP_PMTUDISC_DO: EMSGSIZE instead of fragments */
    bool reuse_address;      /* servers: bind over TIME_WAIT (socket(7), SO_REUSEADDR) */
    bool reuse_port;         /* workers share the port */
    bool packet_info; /* UDP: IP_PKTINFO, so that a reply can leave from the probed address */
    bool error_queue; /* UDP: IP_RECVERR, so that ICMP errors are told with their sender */
    int send_buffer, receive_buffer; /* SO_SNDBUF, SO_RCVBUF bytes; 0 = default */
};

/* socket(2) with NONBLOCK and CLOEXEC, options (IPV6_V6ONLY always on), then bind(2) if asked. */
int el_socket_open(sa_family_t family, const struct el_socket_args *args, struct el_trace *trace);

/* listen(2). `backlog` as given; the kernel caps it at net.core.somaxconn (listen(2)). */
int el_socket_listen(int fd, int backlog, struct el_trace *trace);

/*
 * accept4(2). Returns the descriptor, or -EAGAIN when the queue is empty (also for what concerns
 * only the one connection that died in the queue: ECONNABORTED, EPROTO, and the network errors
 * accept(2) lists, are skipped here, bounded), or -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM: stop
 * accepting for a moment.
 */
int el_socket_accept(int fd, struct el_address *peer, struct el_trace *trace);

/* connect(2), not waiting. 0 = connected now (UDP always; TCP on loopback sometimes), -EINPROGRESS
 * = wait for writability and call _finish; else it failed. EINTR counts as in progress
 * (connect(2)). */
int el_socket_connect(int fd, const struct el_address *peer, struct el_trace *trace);

/* After writability: SO_ERROR. 0, -EINPROGRESS (a spurious wake-up), or why the connection failed.
 * -ELOOP: connected to itself (simultaneous open on a local port; getsockname == getpeername). */
int el_socket_connect_finish(int fd, struct el_trace *trace);

int el_socket_local(int fd, struct el_address *address); /* getsockname(2) */
int el_socket_peer(int fd, struct el_address *address);  /* getpeername(2) */

/* close(2), never retried on EINTR: on Linux the descriptor is gone in any case. fd < 0 is fine.
 * Keeps errno. */
void el_socket_close(int fd);

/* Makes close(2) send RST instead of FIN (SO_LINGER with 0). */
void el_socket_reset_on_close(int fd);

/* What TCP_INFO says (tcp(7), linux/tcp.h). -errno on failure. */
struct el_tcp_info {
    uint8_t state; /* TCP_ESTABLISHED ... */
    uint32_t rtt_us, rttvar_us, send_mss, receive_mss, path_mtu, retransmits_total, unacked;
};
int el_socket_tcp_info(int fd, struct el_tcp_info *info);

/* The words are in socket_names.c. */
const char *el_tcp_state_name(uint8_t state); /* "ESTABLISHED"; "?" when unknown */

/* What a person may do about an errno of a socket call: "nobody listens there" for ECONNREFUSED.
 * NULL = nothing to add. `error` is positive. */
const char *el_socket_hint(int error);

#endif
