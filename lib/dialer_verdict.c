/*
 * dialer_verdict.c - one verdict, when several attempts failed, each in its own way.
 *
 * Owns:     which of the errors is told to the user, and so the exit code of every client.
 * Partner:  dialer.c, which asks when nothing is left to try.
 */
#include "dialer.h"

#include <errno.h>

/*
 * [#whose-prohibition] EACCES and EPERM have two senders. connect(2) that returns them at once says
 * what this machine forbids: a `prohibit` route, a rule, a missing privilege. Once the handshake is
 * under way they are the kernel's translation of an ICMPv6 error, "administratively prohibited" and
 * its kin (RFC 4443 3.1; icmp(7) has EHOSTUNREACH for IPv4's): a router's word, or the peer's.
 */
static bool is_prohibition(int error)
{
    return error == -EACCES || error == -EPERM;
}

static bool is_local(const struct el_attempt *attempt)
{
    if (is_prohibition(attempt->error))
        return !attempt->under_way;
    switch (-attempt->error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENODEV:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return true;
    default:
        return false;
    }
}

/*
 * [#most-telling] How much an error tells about why there is no connection. A refusal came from
 * the host itself and beats everything; then what this machine lacks; then a router's word; a
 * timeout only says that nobody said anything. EADDRNOTAVAIL for IPv6 mostly means that IPv6 is
 * switched off here, which is no news when IPv4 was tried too; for IPv4 it means that the local
 * ports ran out.
 */
static int telling(const struct el_attempt *attempt)
{
    switch (-attempt->error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ELOOP: /* nobody listens there: we met ourselves */
        return 5;
    case EADDRNOTAVAIL:
        return el_address_family(&attempt->peer) == AF_INET6 ? 0 : 4;
    case EAFNOSUPPORT:
        return 0;
    case ETIMEDOUT:
        return 1;
    case ENETUNREACH: /* mostly our own routing table: said of IPv6 by every IPv4-only host */
        return 2;
    default:
        return is_local(attempt) ? 4 : 3;
    }
}

enum el_dial_status el_dial_verdict(const struct el_attempt *attempts, size_t count, int *error)
{
    const struct el_attempt *chosen = &attempts[0];
    for (size_t i = 1; i < count; i++)
        if (telling(&attempts[i]) > telling(chosen))
            chosen = &attempts[i];
    *error = chosen->error;
    if (is_local(chosen))
        return EL_DIAL_LOCAL;
    /* The kernel's patience ended before our deadline (tcp(7), tcp_syn_retries): nobody answered.
     * */
    return chosen->error == -ETIMEDOUT ? EL_DIAL_TIMEOUT : EL_DIAL_NOT_CONNECTED;
}

const char *el_dial_hint(enum el_dial_status status, int error)
{
    if (status == EL_DIAL_NOT_CONNECTED && is_prohibition(error))
        return "a router or the peer's host says: administratively prohibited";
    return el_socket_hint(-error);
}
