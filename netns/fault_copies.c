/*
 * fault_copies.c - which packets are our own duplicates: a short list of hashes.
 *
 * Two honest packets can have the same bytes (UDP sent twice, with identification 0). Then it does not
 * matter which of them is taken for the copy: nobody could tell them apart.
 * Partner:  fault_copies.h says why.
 */
#include "fault_copies.h"

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const uint8_t *bytes, size_t length)
{
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211U;
    return hash;
}

static void drop_late(struct fault_copies *copies, el_time now)
{
    size_t kept = 0;
    for (size_t i = 0; i < copies->count; i++)
        if (copies->out[i].until > now)
            copies->out[kept++] = copies->out[i];
    copies->count = kept;
}

bool fault_copies_expect(struct fault_copies *copies, uint32_t place, const uint8_t *bytes,
                         size_t length, el_time now)
{
    drop_late(copies, now);
    if (copies->count == FAULT_COPIES_OUT)
        return false;
    copies->out[copies->count].place = place;
    copies->out[copies->count].length = (uint32_t)length;
    copies->out[copies->count].hash = hash_of(bytes, length);
    copies->out[copies->count++].until = el_time_after(now, FAULT_COPIES_WAIT_MS * EL_MS);
    return true;
}

bool fault_copies_arrived(struct fault_copies *copies, uint32_t place, const uint8_t *bytes,
                          size_t length, el_time now)
{
    if (copies->count == 0) /* nearly always: no byte need be looked at */
        return false;
    drop_late(copies, now);
    uint64_t hash = hash_of(bytes, length);
    for (size_t i = 0; i < copies->count; i++)
        if (copies->out[i].hash == hash && copies->out[i].length == length &&
            copies->out[i].place == place) {
            /* Those behind move up: of equal ones the oldest is met first. */
            for (copies->count--; i < copies->count; i++)
                copies->out[i] = copies->out[i + 1];
            return true;
        }
    return false;
}
