/*
 * narrator.h - the narration of a server under load: so many steps a second, and then how many were left out.
 */
#ifndef ECHOLAB_NARRATOR_H
#define ECHOLAB_NARRATOR_H

#include "trace.h"

/* One per thread; see el_narrator. */
struct el_narrator {
    struct el_trace *trace; /* NULL: nobody listens */
    unsigned per_second;
    unsigned used;     /* in this second */
    unsigned left_out; /* since the last word about it */
    el_time second_ends;
};

/* Narrates to `trace`, if that is wanted at all, so many steps a second at most. */
struct el_narrator el_narrator(struct el_trace *trace, unsigned per_second);

/* The trace to narrate the next step to, if somebody listens; NULL when this second's budget is spent. */
struct el_trace *el_narrator_take(struct el_narrator *narrator);

/* As el_narrator_take; it is asked several times a message, so the answer "nobody listens" costs one comparison. */
static inline struct el_trace *el_narrator_step(struct el_narrator *narrator)
{
    return narrator->trace == NULL ? NULL : el_narrator_take(narrator);
}

#endif
