/*
 * flight.h - the bytes of a stream that were sent, or are to be sent, and have not come back.
 *
 * A stream has no messages: an echo is known by its place alone. So whatever goes out is kept until
 * the same number of bytes has come in, and the two are compared. It is pure memory: no socket, no
 * clock, and nothing that is allocated later: only el_flight_new can fail.
 */
#ifndef ECHOLAB_FLIGHT_H
#define ECHOLAB_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct el_flight; /* opaque */

struct el_flight *el_flight_new(size_t most); /* `most`: bytes it may hold. NULL: out of memory */
void el_flight_free(struct el_flight *flight);

/* Where `size` more bytes may be written, to be followed by el_flight_append; NULL: it would hold
 * more than `most`. */
unsigned char *el_flight_room(struct el_flight *flight, size_t size);
void el_flight_append(struct el_flight *flight, size_t size);

/* What the kernel has not got yet; *size 0: nothing. */
const unsigned char *el_flight_unsent(const struct el_flight *flight, size_t *size);
void el_flight_took(struct el_flight *flight, size_t size); /* the kernel took this much of it */

/* Bytes that came back are compared and forgotten. False: some differ. At most el_flight_owed may
 * come. */
bool el_flight_echoed(struct el_flight *flight, const unsigned char *data, size_t size);

size_t el_flight_owed(const struct el_flight *flight);       /* with the kernel, and not back */
bool el_flight_empty(const struct el_flight *flight);        /* nothing owed, nothing to send */
uint64_t el_flight_position(const struct el_flight *flight); /* bytes that have come back in all */
uint64_t el_flight_total(const struct el_flight *flight);    /* bytes that were appended in all */

#endif
