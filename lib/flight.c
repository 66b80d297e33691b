/*
 * flight.c - a queue with three marks: come back, given to the kernel, appended.
 *
 * Partner:  clients/tcp_echo.c [#in-flight]. Leaves out: a ring. A flat buffer gives the kernel one
 *           piece instead of two, and moving what is left to the front is rare, because the buffer
 *           is twice as large as the most that it holds. Pages that were never used cost nothing.
 */
#include "flight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct el_flight {
    size_t most;
    size_t start, sent, end; /* data[start..end): of it, data[start..sent) is with the kernel */
    uint64_t position;       /* of data[start] in the stream */
    unsigned char data[];    /* twice `most` */
};

struct el_flight *el_flight_new(size_t most)
{
    struct el_flight *flight = malloc(sizeof *flight + 2 * most);
    if (flight != NULL)
        *flight = (struct el_flight){.most = most};
    return flight;
}

void el_flight_free(struct el_flight *flight)
{
    free(flight);
}

unsigned char *el_flight_room(struct el_flight *flight, size_t size)
{
    size_t held = flight->end - flight->start;
    if (size > flight->most || held > flight->most - size)
        return NULL;
    if (2 * flight->most - flight->end < size) {
        memmove(flight->data, flight->data + flight->start, held);
        flight->sent -= flight->start;
        flight->start = 0;
        flight->end = held;
    }
    return flight->data + flight->end;
}

void el_flight_append(struct el_flight *flight, size_t size)
{
    assert(2 * flight->most - flight->end >= size);
    flight->end += size;
}

const unsigned char *el_flight_unsent(const struct el_flight *flight, size_t *size)
{
    *size = flight->end - flight->sent;
    return *size == 0 ? NULL : flight->data + flight->sent;
}

void el_flight_took(struct el_flight *flight, size_t size)
{
    assert(size <= flight->end - flight->sent);
    flight->sent += size;
}

bool el_flight_echoed(struct el_flight *flight, const unsigned char *data, size_t size)
{
    assert(size <= el_flight_owed(flight));
    bool same = size == 0 || memcmp(flight->data + flight->start, data, size) == 0;
    flight->start += size;
    flight->position += size;
    return same;
}

size_t el_flight_owed(const struct el_flight *flight)
{
    return flight->sent - flight->start;
}

bool el_flight_empty(const struct el_flight *flight)
{
    return flight->start == flight->end;
}

uint64_t el_flight_position(const struct el_flight *flight)
{
    return flight->position;
}

uint64_t el_flight_total(const struct el_flight *flight)
{
    return flight->position + (flight->end - flight->start);
}
