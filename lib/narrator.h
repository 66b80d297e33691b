/*
 * narrator.h - the narration of a server under load: so many steps a second, and then how many were left out.
 */
#ifndef ECHOLAB_NARRATOR_H
#define ECHOLAB_NARRATOR_H

#include "trace.h"

#include <event2/event.h>

/* One per thread. It must stay where it is between _open and _close; a zeroed one is silent. */
struct el_narrator {
    struct el_trace *trace; /* NULL: nobody listens */
    unsigned per_second;
    unsigned used;     /* in this second */
    unsigned left_out; /* since the last word about it */
    el_time second_ends;
    struct event
        *timer; /* pending while something was left out: perhaps no further step comes to tell it */
};

/*
 * Narrates to `trace`, if that is wanted at all, so many steps a second at most. `base` NULL: the owner has no event loop, and
 * calls el_narrator_tend instead. False: out of memory.
 */
bool el_narrator_open(struct el_narrator *narrator, struct event_base *base, struct el_trace *trace,
                      unsigned per_second);

/* Tells what was left out. After the loop of `base` has ended, or in its thread; a zeroed one is fine. */
void el_narrator_close(struct el_narrator *narrator);

/* Without a base, before each wait: tells what was left out, if it is time. Returns how long the wait may be, for poll(2). */
int el_narrator_tend(struct el_narrator *narrator);

/* The trace to narrate the next step to, if somebody listens; NULL when this second's budget is spent. */
struct el_trace *el_narrator_take(struct el_narrator *narrator);

/* As el_narrator_take; it is asked several times a message, so the answer "nobody listens" costs one comparison. */
static inline struct el_trace *el_narrator_step(struct el_narrator *narrator)
{
    return narrator->trace == NULL ? NULL : el_narrator_take(narrator);
}

/* One step. A macro, so that with nobody listening not even the arguments are worked out. */
#define el_narrate(narrator, topic, ...)                                                           \
    do {                                                                                           \
        struct el_trace *el_narrate_to = el_narrator_step(narrator);                               \
        if (el_narrate_to != NULL)                                                                 \
            el_explain(el_narrate_to, topic, __VA_ARGS__);                                         \
    } while (0)

#endif
