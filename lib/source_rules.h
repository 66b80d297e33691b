/*
 * source_rules.h - whom a UDP server must not answer.
 *
 * UDP takes the sender's word for its address. Whoever answers everything can be made to answer
 * for others, to a group, or to a server that answers back. Pure: no socket, no clock.
 */
#ifndef ECHOLAB_SOURCE_RULES_H
#define ECHOLAB_SOURCE_RULES_H

#include "datagram.h"

/* The kinds of sender that are refused unless allowed; `1U << kind` is a bit of `allow`. */
enum el_source_kind {
    EL_SOURCE_LOW_PORT,
    EL_SOURCE_OWN_PORT,
    EL_SOURCE_MULTICAST,
    EL_SOURCE_BROADCAST
};
extern const char
    *const el_source_kind_names[]; /* "low-port" ..., NULL-ended, for EL_OPT_CHOICES */

/*
 * Why `datagram` must not be answered, as a static sentence; NULL when nothing speaks against it.
 * own[0..count-1] are the addresses that the server listens on; only their ports matter.
 */
const char *el_source_refused(const struct el_datagram *datagram, const struct el_address *own,
                              size_t count, unsigned allow);

#endif
