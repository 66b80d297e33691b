/*
 * narrator.c - keeps `--explain` readable, and the server alive, when ten thousand clients arrive.
 * Partner: narrator.h.
 */
#include "narrator.h"

struct el_narrator el_narrator(struct el_trace *trace, unsigned per_second)
{
    return (struct el_narrator){
        .trace = el_explaining(trace) ? trace : NULL,
        .per_second = per_second,
    };
}

struct el_trace *el_narrator_take(struct el_narrator *narrator)
{
    el_time now = el_now();
    if (now >= narrator->second_ends) {
        if (narrator->left_out > 0)
            el_explain(narrator->trace, EL_TOPIC_STEP, "... %u steps not told: too many a second",
                       narrator->left_out);
        narrator->second_ends = el_time_after(now, EL_S);
        narrator->used = narrator->left_out = 0;
    }
    if (narrator->used < narrator->per_second) {
        narrator->used++;
        return narrator->trace;
    }
    narrator->left_out++;
    return NULL;
}
