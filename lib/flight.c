/*
 * flight.c - a queue with three marks: come back, given to the kernel, appended.
 *
 * Partner:  clients/tcp_echo.c [#in-flight]. Leaves out: a ring. A flat buffer gives the kernel one
 *           piece instead of two, and moving what is left to the front is rare, because the buffer
 *           is twice as large as what it holds.
 */
#include "flight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct el_flight {
    unsigned char *data; /* data[start..end): of it, data[start..sent) is with the kernel */
    size_t start, sent, end;
    size_t size, most;
    uint64_t position; /* of data[start] in the stream */
};

struct el_flight *el_flight_new(size_t most)
{
    struct el_flight *flight = calloc(1, sizeof *flight);
    if (flight != NULL)
        flight->most = most;
    return flight;
}

void el_flight_free(struct el_flight *flight)
{
    if (flight == NULL)
        return;
    free(flight->data);
    free(flight);
}

unsigned char *el_flight_room(struct el_flight *flight, size_t size)
{
    size_t held = flight->end - flight->start;
    if (size > flight->most || held > flight->most - size)
        return NULL;
    if (flight->size - flight->end >= size && flight->data != NULL)
        return flight->data + flight->end;

    if (flight->data == NULL || held + size > flight->size / 2) {
        unsigned char *bigger = realloc(flight->data, 2 * (held + size) + 1);
        if (bigger == NULL)
            return NULL;
        flight->data = bigger;
        flight->size = 2 * (held + size) + 1;
    }
    memmove(flight->data, flight->data + flight->start, held);
    flight->sent -= flight->start;
    flight->start = 0;
    flight->end = held;
    return flight->data + held;
}

void el_flight_append(struct el_flight *flight, size_t size)
{
    assert(flight->size - flight->end >= size);
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
