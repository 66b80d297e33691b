/*
 * admission.h - how many clients there may be: in all, and of one source.
 *
 * One table is shared by all workers and locked for a moment when a client comes and when it goes, never for a message. A
 * source is an IPv4 address or an IPv6 /64, which is what one customer of a network gets (RFC 6177): counting single
 * IPv6 addresses would limit nobody. Fixed memory.
 */
#ifndef ECHOLAB_ADMISSION_H
#define ECHOLAB_ADMISSION_H

#include "address.h"

#include <stdint.h>

struct el_admission; /* opaque, thread-safe */

struct el_admission_args {
    uint64_t max_total;      /* 1..2^20 */
    uint64_t max_per_source; /* 0 = unlimited */
    bool loopback_is_free;   /* max_per_source does not count for 127.0.0.0/8 and ::1 */
};

enum el_admission_verdict { EL_ADMIT, EL_ADMIT_FULL, EL_ADMIT_SOURCE_FULL };

struct el_admission *el_admission_new(const struct el_admission_args *args); /* NULL: no memory */
void el_admission_free(struct el_admission *admission);

/* May this one come in? EL_ADMIT has counted it: give it back with _leave. */
enum el_admission_verdict el_admission_enter(struct el_admission *admission,
                                             const struct el_address *source);
void el_admission_leave(struct el_admission *admission, const struct el_address *source);

#endif
