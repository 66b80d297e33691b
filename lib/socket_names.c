/*
 * socket_names.c - the words for what a socket does: TCP states, and what a person may do about an
 * errno.
 *
 * Partner:  socket.c, which produces the states and the errors; socket.h declares these two
 *           functions. strerror(3) says what happened; a hint says what it most often means in
 *           practice and where to look. A hint that only repeats the error in other words would be
 *           noise, so most errnos have none.
 */
#include "socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>

const char *el_tcp_state_name(uint8_t state)
{
    /* As RFC 9293 3.3.2 names them, with the kernel's underscores. 12 is Linux's own: a SYN that
     * was answered and has no socket yet (include/net/tcp_states.h). */
    static const char *const names[] = {
        [TCP_ESTABLISHED] = "ESTABLISHED",
        [TCP_SYN_SENT] = "SYN_SENT",
        [TCP_SYN_RECV] = "SYN_RECV",
        [TCP_FIN_WAIT1] = "FIN_WAIT1",
        [TCP_FIN_WAIT2] = "FIN_WAIT2",
        [TCP_TIME_WAIT] = "TIME_WAIT",
        [TCP_CLOSE] = "CLOSE",
        [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
        [TCP_LAST_ACK] = "LAST_ACK",
        [TCP_LISTEN] = "LISTEN",
        [TCP_CLOSING] = "CLOSING",
        [12] = "NEW_SYN_RECV",
    };
    if (state >= sizeof names / sizeof names[0] || names[state] == NULL)
        return "?";
    return names[state];
}

static const struct {
    int error;
    const char *text;
} hints[] = {
    {ECONNREFUSED, "nobody listens on that port"},
    {ETIMEDOUT, "no answer at all: packets are lost or dropped on the way"},
    {EHOSTUNREACH, "a router or this host says: no way to that host"},
    {ENETUNREACH, "no route to that network: see ip route"},
    {ENETDOWN, "the interface is down: see ip link"},
    {ECONNRESET, "the peer answered with a reset: it crashed, closed early, or a firewall cut in"},
    {EPIPE, "the peer has already closed the connection"},
    {EADDRINUSE, "another socket has that port: see ss -lntup"},
    {EADDRNOTAVAIL, "no interface has that address, or every local port is in use"},
    {EACCES,
     "not allowed: ports below 1024 need privilege; a prohibit route or a broadcast address "
     "says this too"},
    {EPERM, "a local firewall rule or a missing privilege forbids it"},
    {EMSGSIZE, "too large for one datagram, or for the path if it must not be fragmented"},
    {EMFILE, "this process has no descriptor left: see ulimit -n"},
    {ENFILE, "the machine has no descriptor left: see fs.file-max"},
    {ENOBUFS, "the kernel has no buffer left for it, or a queue is full"},
    {ENOMEM, "out of memory"},
    {ENODEV, "no such interface: see ip link"},
    {EAFNOSUPPORT, "this machine or socket does not speak that address family"},
    {ELOOP, "connected to itself: nobody listens there, and the kernel gave us that very port"},
    {EINVAL, "an argument the kernel refuses; on connect also a blackhole route"},
    {ECONNABORTED, "the connection was cut on this machine"},
    {EHOSTDOWN, "that host does not answer on its own link"},
    {EPROTO, "the peer broke the protocol"},
    {ENOPROTOOPT, "the peer's host does not speak that protocol"},
};

const char *el_socket_hint(int error)
{
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (hints[i].error == error)
            return hints[i].text;
    return NULL;
}
