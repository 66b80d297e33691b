/*
 * narrator.h - the narration of a server under load: so many steps a second, and then how many were left out.
 */
#ifndef ECHOLAB_NARRATOR_H
#define ECHOLAB_NARRATOR_H

#include "trace.h"

/* One per thread; zeroed but for the first two. */
struct el_narrator {
    struct el_trace *trace;
    unsigned per_second;
    unsigned used;     /* in this second */
    unsigned left_out; /* since the last word about it */
    el_time second_ends;
};

/* The trace to narrate the next step to; NULL when nobody listens or this second's budget is spent. */
struct el_trace *el_narrator_step(struct el_narrator *narrator);

#endif
