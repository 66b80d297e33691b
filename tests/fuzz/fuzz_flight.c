/*
 * fuzz_flight.c - the bytes of a stream that are under way, against a model that keeps them all.
 *
 * Input:    the first byte: how much may be under way; then steps: append, the kernel takes, bytes come back, some of them wrong.
 * Asserted: what is unsent, owed and in all is what the model says, and unsent bytes are those that were appended, in their order; an
 *           echo is right exactly when its bytes are those of its place in the stream; no more than `most` is held.
 * Run:      make fuzz FUZZ=flight
 */
#include "flight.h"
#include "fuzz.h"

enum { MODEL_MAX = 1 << 16, STEP_MAX = 300 };

struct model {
    unsigned char bytes[MODEL_MAX];
    size_t appended, taken, echoed;
};

static void append(struct el_flight *flight, struct model *model, size_t most, size_t size,
                   uint8_t seed)
{
    unsigned char *room = el_flight_room(flight, size);
    bool fits = model->appended - model->echoed + size <= most;
    fuzz_holds((room != NULL) == fits);
    if (room == NULL)
        return;
    for (size_t i = 0; i < size; i++)
        room[i] = model->bytes[model->appended + i] = (unsigned char)(seed + i * 7);
    el_flight_append(flight, size);
    model->appended += size;
}

static void take(struct el_flight *flight, struct model *model, size_t size)
{
    size_t unsent;
    const unsigned char *bytes = el_flight_unsent(flight, &unsent);
    fuzz_holds(unsent == model->appended - model->taken);
    fuzz_holds(unsent == 0 || memcmp(bytes, model->bytes + model->taken, unsent) == 0);
    size = size < unsent ? size : unsent;
    el_flight_took(flight, size);
    model->taken += size;
}

/* False: the connection is over, as a client's is when a byte is wrong. */
static bool come_back(struct el_flight *flight, struct model *model, size_t size, uint8_t flip)
{
    unsigned char echo[STEP_MAX];
    size_t owed = model->taken - model->echoed;
    size = size < owed ? size : owed;
    memcpy(echo, model->bytes + model->echoed, size);
    if (size > 0)
        echo[flip % size] ^= flip;
    bool right = el_flight_echoed(flight, echo, size);
    fuzz_holds(right == (size == 0 || flip == 0));
    model->echoed += size;
    return right;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    struct fuzz_input input = {data, size};
    size_t most = 1 + (size_t)fuzz_byte(&input) * 16;
    struct el_flight *flight = el_flight_new(most);
    bool going = true;
    fuzz_holds(flight != NULL);
    model.appended = model.taken = model.echoed = 0;
    while (going && input.left > 0 && model.appended + STEP_MAX < MODEL_MAX) {
        uint8_t what = fuzz_byte(&input);
        size_t amount = fuzz_byte(&input);
        if (what % 4 == 0)
            append(flight, &model, most, amount, what);
        else if (what % 4 == 1)
            take(flight, &model, amount);
        else
            going = come_back(flight, &model, amount, what % 4 == 3 ? what / 4 : 0);
        if (!going)
            break;
        fuzz_holds(el_flight_owed(flight) == model.taken - model.echoed);
        fuzz_holds(el_flight_empty(flight) == (model.appended == model.echoed));
        fuzz_holds(el_flight_position(flight) == model.echoed);
        fuzz_holds(el_flight_total(flight) == model.appended);
    }
    el_flight_free(flight);
    return 0;
}
