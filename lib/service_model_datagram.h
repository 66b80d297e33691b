/*
 * service_model_datagram.h - what the UDP models share: whom they may answer, and the counting.
 *
 * The system calls are in each model's own file, because they are its lesson. What is the same in all of them, and what
 * would be dangerous to get wrong in one of them, is here.
 */
#ifndef ECHOLAB_SERVICE_MODEL_DATAGRAM_H
#define ECHOLAB_SERVICE_MODEL_DATAGRAM_H

#include "service_model.h"

#include <sys/types.h>

/* The longest payload there is: 65535 - 8 (RFC 768; over IPv6, whose header is not part of its length field). */
enum { EL_MODEL_DATAGRAM_MAX = 65527 };

/*
 * May this datagram be answered? `wire_length` is what it had on the wire (MSG_TRUNC): one longer than --max-datagram was
 * cut, and is not. Nor is one from a sender that can only be an abuse: source_rules.h. Counts it as received, and as dropped
 * with its reason.
 */
bool el_model_may_answer(struct el_model_worker *worker, const struct el_address *peer,
                         size_t wire_length);

/* So many datagrams of so many bytes in all were sent back. */
void el_model_count_replies(struct el_model_worker *worker, unsigned datagrams, size_t bytes);

/*
 * So many were not, with that errno. A full queue (EAGAIN, ENOBUFS, ENOMEM) is dropped_would_block, anything else is errors.
 * Neither stops a server: UDP may lose datagrams anyway.
 */
void el_model_count_unsent(struct el_model_worker *worker, unsigned datagrams, int error);

/*
 * Receiving failed with that errno: may the server go on? False, after a diagnostic, when the next call would fail
 * alike (EBADF, ENOTSOCK, EFAULT, EINVAL): a fault of ours. Everything else passes:
 *  - EINTR: a signal came first. EAGAIN: nothing is there, whatever a loop was told (udp(7): a bad checksum is found late).
 *  - ECONNREFUSED and its like: an ICMP error that an *earlier* reply caused. An unconnected socket without IP_RECVERR is told
 *    of none (ip(7)), and if it were: telling clears it. Counted as errors.
 *  - ENOMEM, ENOBUFS: the kernel is short of memory; the datagram waits. Counted as errors.
 */
bool el_model_receive_again(struct el_model_worker *worker, const char *call, int error);

/* For a worker that cannot even begin: says which call failed, and why. */
void el_model_broken(struct el_model_worker *worker, const char *call, int error);

#endif
