/*
 * service_model_datagram.c - whom a UDP model answers, and how it counts.
 *
 * Partner:  service_model_datagram.h; source_rules.c, whose rules these are.
 * Leaves out: whether a datagram was *sent to* a broadcast address or a group. Only IP_PKTINFO tells, which models do not ask
 *           for: a socket that is bound to one unicast address gets none of those, and on loopback there are none.
 */
#include "service_model_datagram.h"

#include "source_rules.h"

#include <errno.h>
#include <string.h>

/*
 * The interface matters for one rule: a sender that says it is this machine. A socket on a loopback address hears this machine
 * alone: what comes from elsewhere with such an address is dropped (RFC 1122 section 3.2.1.3), unless someone set
 * net.ipv4.conf.*.route_localnet. Another socket may hear anybody.
 */
static unsigned interface_of(const struct el_worker_context *context)
{
    for (size_t i = 0; i < context->socket_count; i++)
        if (!el_address_is_loopback(&context->addresses[i]))
            return 0; /* unknown: such a sender is refused */
    return EL_LOOPBACK_INDEX;
}

bool el_model_may_answer(struct el_model_worker *worker, const struct el_address *peer,
                         size_t wire_length)
{
    const struct el_worker_context *context = worker->context;
    el_count(&worker->counters->received, 1);
    el_count(&worker->counters->bytes_in, wire_length);
    if (wire_length > worker->options->max_datagram) {
        el_count(&worker->counters->dropped_truncated, 1);
        return false; /* half an echo would be a lie, and nobody could tell */
    }
    const struct el_datagram datagram = {.peer = *peer, .interface = interface_of(context)};
    if (el_source_refused(&datagram, context->addresses, context->socket_count, 0) == NULL)
        return true;
    el_count(&worker->counters->dropped_unsafe_source, 1);
    return false;
}

void el_model_count_replies(struct el_model_worker *worker, unsigned datagrams, size_t bytes)
{
    el_count(&worker->counters->replied, datagrams);
    el_count(&worker->counters->bytes_out, bytes);
}

void el_model_count_unsent(struct el_model_worker *worker, unsigned datagrams, int error)
{
    bool full = error == EAGAIN || error == ENOBUFS || error == ENOMEM;
    el_count(full ? &worker->counters->dropped_would_block : &worker->counters->errors, datagrams);
}

bool el_model_receive_again(struct el_model_worker *worker, const char *call, int error)
{
    switch (error) {
    case EINTR:
    case EAGAIN:
        return true;
    case EBADF:
    case ENOTSOCK:
    case EFAULT:
    case EINVAL:
        el_model_broken(worker, call, error);
        return false;
    default:
        el_count(&worker->counters->errors, 1);
        return true;
    }
}

void el_model_broken(struct el_model_worker *worker, const char *call, int error)
{
    el_log(worker->context->trace, EL_ERROR, "worker %u: %s: %s%s", worker->context->index, call,
           strerror(error), error == ENOMEM ? " (a smaller --batch needs less)" : "");
}
