/*
 * dial.c - a connection of the load generator on its way.
 *
 * Teaches:  where local ports go. Who closes first keeps the pair of addresses and ports for a minute (TIME_WAIT, RFC 9293 3.6.1), and there are
 *           28,232 ports: a client that connects 20,000 times a second has used them all after 1.4 s. [#port-exhaustion]
 * Partner:  lib/socket.c has the errno policy of each call.
 * Leaves out: SO_LINGER with 0, which would leave no TIME_WAIT behind. It sends RST instead of FIN: the server would see an error where real
 *           clients end in order, and what we measured would be another thing.
 * Next:     connect.c, which uses up the ports.
 */
#include "dial.h"

#include "socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

enum { CONNECT_SECONDS = 3 };

el_duration bench_dial_limit(const struct bench_load *load)
{
    return load->connect_timeout > 0 ? load->connect_timeout : CONNECT_SECONDS * EL_S;
}

static int failed(struct bench_thread *thread, const char *call, int error)
{
    const char *hint = "";
    if (error == -EADDRNOTAVAIL && strcmp(call, "connect") == 0)
        hint = " (no local port is left: net.ipv4.tcp_tw_reuse=1, ip_local_port_range)";
    else if (error == -EADDRNOTAVAIL)
        hint = " (no interface has the source address)";
    else if (error == -EMFILE)
        hint = " (ulimit -n)";
    bench_thread_fail(thread, -error, "%s: %s%s", call, strerror(-error), hint);
    return error;
}

/*
 * The source address. On loopback a whole 127/8 is ours, and each address of it has ports of its own: with 64 of them there are more ports than the
 * kernel keeps connections in TIME_WAIT at all (net.ipv4.tcp_max_tw_buckets). Elsewhere there is the one address, and TIME_WAIT
 * is the user's to see: EADDRNOTAVAIL names the sysctl that lets a client take such a port again after a second (ip-sysctl.rst).
 */
static struct el_address source_of(const struct bench_load *load, unsigned number)
{
    number %= BENCH_SOURCES;
    if (load->source.length > 0 || number == 0 || el_address_family(&load->target) != AF_INET ||
        ntohl(load->target.in.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
        return load->source;
    struct el_address source = el_address_any(AF_INET, 0);
    source.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
    return source;
}

/*
 * [#bind-no-port] bind(2) with port 0 takes a port at once, and one that no other socket has, whatever its peer: 28,232 connections in all. With
 * IP_BIND_ADDRESS_NO_PORT the choice is left to connect(2), which needs only the four-tuple to be new (ip(7)).
 */
static int prepare(struct bench_thread *thread, int fd, unsigned number)
{
    const int on = 1;
    /* Each message goes when it is due, not when the last one is acknowledged (tcp(7), Nagle). */
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        return failed(thread, "TCP_NODELAY", -errno);
    struct el_address source = source_of(thread->load, number);
    if (source.length == 0)
        return 0;
    if (el_address_port(&source) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0)
        return failed(thread, "IP_BIND_ADDRESS_NO_PORT", -errno);
    return bind(fd, &source.sa, source.length) < 0 ? failed(thread, "bind", -errno) : 0;
}

int bench_dial(struct bench_thread *thread, unsigned number, bool *connected)
{
    const struct el_address *target = &thread->load->target;
    const struct el_socket_args args = {.type = SOCK_STREAM};
    int fd = el_socket_open(el_address_family(target), &args, NULL);
    if (fd < 0)
        return failed(thread, "socket", fd);
    int error = prepare(thread, fd, number);
    if (error == 0) {
        error = el_socket_connect(fd, target, NULL);
        *connected = error == 0;
        if (error == -EINPROGRESS)
            error = 0;
        else if (error < 0)
            failed(thread, "connect", error);
    }
    if (error == 0)
        return fd;
    el_socket_close(fd);
    return error;
}

int bench_dial_finish(struct bench_thread *thread, int fd)
{
    int error = el_socket_connect_finish(fd, NULL);
    return error == 0 || error == -EINPROGRESS ? error : failed(thread, "connect", error);
}
