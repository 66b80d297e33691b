/*
 * dialer_attempt.c - the socket of one attempt: opened, given its options, connecting.
 *
 * Partner:  dialer.c, which waits for it beside the others.
 */
#include "dialer_private.h"

#include <errno.h>

/*
 * An unconnected socket cannot fail to reach its peer before the first sendto(2), and then it is
 * too late to take the next address. So a second socket, alike and thrown away, asks the kernel for
 * a route: connect(2) on UDP sends nothing. It gets no fixed port, which the first one holds.
 */
static int check_route(const struct el_dial_args *dial, int fd, struct el_attempt *attempt)
{
    struct el_socket_args args = dial->socket;
    el_address_set_port(&args.local, 0);
    int probe = el_socket_open(el_address_family(&attempt->peer), &args, NULL);
    if (probe < 0)
        return probe;
    int result = el_socket_connect(probe, &attempt->peer, NULL);
    el_socket_close(probe);
    if (result < 0)
        return result;
    el_explain(dial->trace, EL_TOPIC_STATE,
               "there is a route; socket %d stays unconnected: each sendto names its peer", fd);
    if (el_socket_local(fd, &attempt->local) == 0 && el_address_port(&attempt->local) == 0)
        attempt->local.length = 0; /* not chosen before the first sendto(2) */
    return 0;
}

int el_dial_open(const struct el_dial_args *args, struct el_attempt *attempt, int *fd)
{
    int result = el_socket_open(el_address_family(&attempt->peer), &args->socket, args->trace);
    *fd = result < 0 ? -1 : result;
    if (result < 0)
        return result;
    if (args->unconnected)
        return check_route(args, *fd, attempt);

    result = el_socket_connect(*fd, &attempt->peer, args->trace);
    if (result != 0 && result != -EINPROGRESS)
        return result;
    (void)el_socket_local(*fd, &attempt->local);
    el_explain_local(args->trace, &attempt->local, args->socket.local.length != 0);
    if (result == -EINPROGRESS)
        el_explain_syn(args->trace, *fd);
    else
        el_explain_handshake(args->trace, *fd);
    return result;
}
