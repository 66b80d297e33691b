/*
 * socket.c - each socket system call once, with its errno policy said out loud.
 *
 * Owns:     the life of a descriptor: made, given its options, bound, listening or connecting,
 *           closed.
 * Partner:  datagram.c moves the datagrams; dialer.c strings these calls together into "connect to
 *           that name"; socket_names.c has the words for states and errors.
 * Leaves out: reading and writing a stream. A server and a client have different policies for a
 *           short write, and that difference is their lesson, so it is told there.
 * Next:     dialer.c.
 *
 * One convention everywhere [#minus-errno]: errno is copied into the result at once, as -errno. It
 * is a variable that any later call may overwrite (errno(3)), also close(2) and printf(3); a
 * return value is not.
 */
#include "socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Connections that died in the queue and are passed over in one el_socket_accept(). The bound
     * is there because a peer that opens and resets fast enough could otherwise keep us in that
     * loop for ever. */
    ACCEPT_SKIP_MAX = 16,
    OUTCOME_TEXT = 40,
};

/* The result of a call as strace(1) shows it: "= 5", "= -1 ECONNREFUSED". */
static const char *outcome(int result, char text[static OUTCOME_TEXT])
{
    if (result < 0)
        snprintf(text, OUTCOME_TEXT, "= -1 %s", el_errno_name(-result));
    else
        snprintf(text, OUTCOME_TEXT, "= %d", result);
    return text;
}

/* ---- socket(2), its options, bind(2) ------------------------------------------------------- */

struct option {
    const char *text; /* for the narration */
    int level, name, value;
    bool wanted;
};

/*
 * An option that was asked for and refused is an error, never a warning: whoever asked for "don't
 * fragment" and got fragments would draw a wrong conclusion from a right measurement. What
 * setsockopt(2) may say: EPERM (SO_BINDTODEVICE of a socket already bound to another device,
 * without CAP_NET_RAW), ENODEV (no such interface), EINVAL (a TTL above 255). SO_SNDBUF and
 * SO_RCVBUF never fail: the kernel silently caps them at net.core.wmem_max and rmem_max, and
 * doubles what is left for its own book-keeping (socket(7)).
 */
static int set_options(int fd, const struct option *options, size_t count, struct el_trace *trace)
{
    char text[OUTCOME_TEXT];
    for (size_t i = 0; i < count; i++) {
        const struct option *o = &options[i];
        if (!o->wanted)
            continue;
        int result = setsockopt(fd, o->level, o->name, &o->value, sizeof o->value) < 0 ? -errno : 0;
        el_explain(trace, EL_TOPIC_CALL, "setsockopt(%d, %s, %d) %s", fd, o->text, o->value,
                   outcome(result, text));
        if (result < 0)
            return result;
    }
    return 0;
}

static int set_common_options(int fd, const struct el_socket_args *args, struct el_trace *trace)
{
    const struct option options[] = {
        /* Bind although connections of the last run sit in TIME_WAIT. It does not allow two live
         * listeners on Linux, as it does elsewhere (socket(7)). */
        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1, args->reuse_address},
        {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1, args->reuse_port},
        {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, args->send_buffer, args->send_buffer > 0},
        {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, args->receive_buffer, args->receive_buffer > 0},
        {"SO_RXQ_OVFL", SOL_SOCKET, SO_RXQ_OVFL, 1, args->drop_counter},
    };
    int result = set_options(fd, options, sizeof options / sizeof options[0], trace);
    if (result < 0 || args->interface == NULL)
        return result;

    /* The only option whose value is text. The length counts no NUL and must fit an interface
     * name: the kernel would silently cut a longer one, and bind to whatever bears the rest
     * (socket(7)). */
    size_t length = strlen(args->interface);
    if (length == 0 || length >= IFNAMSIZ)
        return -ENODEV;
    char text[OUTCOME_TEXT];
    result = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, args->interface, (socklen_t)length) < 0
                 ? -errno
                 : 0;
    char name[4 * IFNAMSIZ + 1];
    el_explain(trace, EL_TOPIC_CALL, "setsockopt(%d, SO_BINDTODEVICE, \"%s\") %s", fd,
               el_name_escape(args->interface, name, sizeof name), outcome(result, text));
    return result;
}

/* The same wishes have other names in each family: ip(7), ipv6(7). */
static int set_ip_options(int fd, sa_family_t family, const struct el_socket_args *args,
                          struct el_trace *trace)
{
    const struct option v4[] = {
        {"IP_TTL", IPPROTO_IP, IP_TTL, args->ttl, args->ttl > 0},
        {"IP_TOS", IPPROTO_IP, IP_TOS, args->tos, args->tos > 0},
        {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, args->dont_fragment},
        {"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO, 1, args->packet_info},
        {"IP_RECVERR", IPPROTO_IP, IP_RECVERR, 1, args->error_queue},
    };
    const struct option v6[] = {
        /* Always said, because the default is a sysctl (net.ipv6.bindv6only) and so another
         * machine's choice. An IPv6 socket speaks IPv6; whoever wants both families opens two
         * sockets (RFC 3493 5.3). [#v6only] */
        {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, 1, true},
        {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, args->ttl, args->ttl > 0},
        {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, args->tos, args->tos > 0},
        {"IPV6_MTU_DISCOVER", IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO,
         args->dont_fragment},
        {"IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, args->packet_info},
        {"IPV6_RECVERR", IPPROTO_IPV6, IPV6_RECVERR, 1, args->error_queue},
    };
    if (family == AF_INET)
        return set_options(fd, v4, sizeof v4 / sizeof v4[0], trace);
    return set_options(fd, v6, sizeof v6 / sizeof v6[0], trace);
}

/*
 * bind(2): EADDRINUSE (someone has that port), EADDRNOTAVAIL (no interface has that address),
 * EACCES (a port below net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE), EINVAL
 * (a link-local address without its zone). All are final: the same call would fail again.
 */
static int bind_local(int fd, const struct el_address *local, struct el_trace *trace)
{
    char where[EL_ADDRESS_TEXT], text[OUTCOME_TEXT];
    int result = bind(fd, &local->sa, local->length) < 0 ? -errno : 0;
    el_explain(trace, EL_TOPIC_CALL, "bind(%d, %s) %s", fd, el_address_print(local, where),
               outcome(result, text));
    return result;
}

/*
 * socket(2): EMFILE and ENFILE (the process's or the machine's table of descriptors is full) and
 * ENOBUFS or ENOMEM pass when something is closed: the caller may try again later. EAFNOSUPPORT is
 * a kernel without IPv6: try the other family. EPERM or EACCES: a sandbox forbids it.
 */
int el_socket_open(sa_family_t family, const struct el_socket_args *args, struct el_trace *trace)
{
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (args->local.length != 0 && el_address_family(&args->local) != family)
        return -EAFNOSUPPORT; /* bind(2) would say so for IPv4, but a vague EINVAL for IPv6 */

    char text[OUTCOME_TEXT];
    int fd = socket(family, args->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fd = -errno;
    if (el_explaining(trace))
        el_explain(trace, EL_TOPIC_CALL, "socket(%s, %s|SOCK_NONBLOCK|SOCK_CLOEXEC) %s",
                   family == AF_INET ? "AF_INET" : "AF_INET6",
                   args->type == SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM", outcome(fd, text));
    if (fd < 0)
        return fd;

    /* Options first: V6ONLY and the reuse flags only count before bind(2), buffer sizes before
     * listen(2) or connect(2) (tcp(7): the window scale is fixed by the handshake). */
    int result = set_common_options(fd, args, trace);
    if (result == 0)
        result = set_ip_options(fd, family, args, trace);
    if (result == 0 && args->local.length != 0)
        result = bind_local(fd, &args->local, trace);
    if (result < 0) {
        el_socket_close(fd);
        return result;
    }
    return fd;
}

/* ---- the passive side ------------------------------------------------------------------------ */

/* listen(2): EADDRINUSE also here, when the socket was not bound and no free port is left, or when
 * someone else began to listen between our bind(2) with SO_REUSEADDR and now. Final. */
int el_socket_listen(int fd, int backlog, struct el_trace *trace)
{
    char text[OUTCOME_TEXT];
    int result = listen(fd, backlog) < 0 ? -errno : 0;
    el_explain(trace, EL_TOPIC_CALL, "listen(%d, %d) %s", fd, backlog, outcome(result, text));
    return result;
}

/*
 * Does this errno of accept4(2) concern only the connection at the head of the queue? Linux hands
 * over errors that were already pending on the new connection, and asks to treat them like EAGAIN
 * by trying again (accept(2), "Error handling"). EPERM is a firewall's word about that one
 * connection. EINTR concerns nothing at all. The page lists EOPNOTSUPP too, but that is also what
 * a socket that is no stream says: our own mistake is not to be hidden.
 */
static bool only_that_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

/* EAGAIN is what a drained queue says, so it is not narrated: every wake-up ends with one. EMFILE,
 * ENFILE, ENOBUFS and ENOMEM leave the connection *in* the queue, so the listener stays readable
 * and a loop that only tries again burns a whole CPU: the caller must stop listening for a moment
 * [#emfile-spin]. */
int el_socket_accept(int fd, struct el_address *peer, struct el_trace *trace)
{
    for (int skipped = 0; skipped < ACCEPT_SKIP_MAX; skipped++) {
        struct el_address from = {.length = sizeof from.in6};
        char where[EL_ADDRESS_TEXT], text[OUTCOME_TEXT];
        int result = accept4(fd, &from.sa, &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (result < 0)
            result = -errno;
        else if (peer != NULL)
            *peer = from;
        if (result == -EAGAIN)
            return result;
        if (el_explaining(trace)) /* printing an address takes as long as a system call */
            el_explain(trace, EL_TOPIC_CALL, "accept4(%d, SOCK_NONBLOCK|SOCK_CLOEXEC) %s%s%s", fd,
                       outcome(result, text), result < 0 ? "" : " from ",
                       result < 0 ? "" : el_address_print(&from, where));
        if (result >= 0 || !only_that_connection(-result))
            return result;
    }
    return -EAGAIN; /* perhaps more wait: a level-triggered loop will tell the caller again */
}

/* ---- the active side ------------------------------------------------------------------------- */

/*
 * [#self-connect] A client that calls a local port where nobody listens may be given that very
 * port as its own, if it lies in net.ipv4.ip_local_port_range. Its SYN then meets itself: a
 * simultaneous open (RFC 9293 3.5), and the socket is connected to itself and echoes all it is
 * sent. UDP needs not even luck with timing. Both ends equal is the one sign.
 */
static bool is_connected_to_itself(int fd)
{
    struct el_address local, peer;
    return el_socket_local(fd, &local) == 0 && el_socket_peer(fd, &peer) == 0 &&
           el_address_equal(&local, &peer);
}

/*
 * connect(2): EINPROGRESS is the normal answer of a non-blocking stream socket. EINTR means the
 * same: the handshake goes on by itself, and calling again would give EALREADY. At once and final
 * for this address: ECONNREFUSED, ENETUNREACH and EHOSTUNREACH (no route, an `unreachable` route),
 * EACCES (a `prohibit` route, or a broadcast address), EINVAL (a `blackhole` route), EPERM (local
 * firewall), EADDRNOTAVAIL (no local port is left; or no source address), EAFNOSUPPORT. A failed
 * stream socket is not to be used again (connect(2), NOTES): close it.
 */
int el_socket_connect(int fd, const struct el_address *peer, struct el_trace *trace)
{
    char where[EL_ADDRESS_TEXT], text[OUTCOME_TEXT];
    int result = connect(fd, &peer->sa, peer->length) < 0 ? -errno : 0;
    if (el_explaining(trace)) /* a load generator connects 20,000 times a second */
        el_explain(trace, EL_TOPIC_CALL, "connect(%d, %s) %s", fd, el_address_print(peer, where),
                   outcome(result, text));
    if (result == -EINTR)
        return -EINPROGRESS;
    if (result == 0 && is_connected_to_itself(fd))
        return -ELOOP;
    return result;
}

/*
 * "Writable" only says that the attempt is over; how it ended is in SO_ERROR, and reading it
 * clears it (socket(7)). 0 there is no proof of success either: a wake-up may be spurious.
 * getpeername(2) knows: ENOTCONN while SYN_SENT, and for good in CLOSE, when someone else already
 * fetched the error.
 */
int el_socket_connect_finish(int fd, struct el_trace *trace)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno; /* EBADF or ENOTSOCK: a fault of ours */
    el_explain(trace, EL_TOPIC_CALL, "getsockopt(%d, SO_ERROR) = %s", fd,
               error == 0 ? "0" : el_errno_name(error));
    if (error != 0)
        return -error;

    struct el_address peer;
    int result = el_socket_peer(fd, &peer);
    if (result == -ENOTCONN) {
        struct el_tcp_info info;
        bool waiting = el_socket_tcp_info(fd, &info) == 0 && info.state == TCP_SYN_SENT;
        return waiting ? -EINPROGRESS : -ENOTCONN;
    }
    if (result == 0 && is_connected_to_itself(fd))
        return -ELOOP;
    return result;
}

/* ---- what a descriptor knows, and its end ---------------------------------------------------- */

/* Before connect(2) or bind(2) it is the wildcard with port 0: the kernel has not chosen yet. */
int el_socket_local(int fd, struct el_address *address)
{
    *address = (struct el_address){.length = sizeof address->in6};
    if (getsockname(fd, &address->sa, &address->length) == 0)
        return 0;
    address->length = 0;
    return -errno;
}

int el_socket_peer(int fd, struct el_address *address)
{
    *address = (struct el_address){.length = sizeof address->in6};
    if (getpeername(fd, &address->sa, &address->length) == 0)
        return 0;
    address->length = 0;
    return -errno;
}

/* [#close-once] Linux frees the descriptor before anything that could be interrupted, so EINTR
 * must not be answered by a second close(2): the number may by then be another thread's new file
 * (close(2), NOTES). EIO cannot come from a socket. So there is nothing to do about any error. */
void el_socket_close(int fd)
{
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
}

/* RST instead of FIN, and unsent bytes are thrown away (socket(7), SO_LINGER). Cannot fail on a
 * TCP socket; on anything else it does not matter. */
void el_socket_reset_on_close(int fd)
{
    int saved = errno;
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    errno = saved;
}

int el_socket_tcp_info(int fd, struct el_tcp_info *info)
{
    /* An older kernel fills less than we ask for: what it does not know stays 0. */
    struct tcp_info raw = {0};
    socklen_t length = sizeof raw;
    *info = (struct el_tcp_info){0};
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &raw, &length) < 0)
        return -errno; /* EOPNOTSUPP or ENOPROTOOPT: not TCP */
    *info = (struct el_tcp_info){
        .state = raw.tcpi_state,
        .rtt_us = raw.tcpi_rtt,
        .rttvar_us = raw.tcpi_rttvar,
        .send_mss = raw.tcpi_snd_mss,
        .receive_mss = raw.tcpi_rcv_mss,
        .path_mtu = raw.tcpi_pmtu,
        .retransmits_total = raw.tcpi_total_retrans,
        .unacked = raw.tcpi_unacked,
    };
    return 0;
}
