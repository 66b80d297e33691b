/*
 * narrator.c - keeps `--explain` readable, and the server alive, when ten thousand clients arrive.
 * Partner: narrator.h.
 */
#include "narrator.h"

static void tell_left_out(struct el_narrator *narrator)
{
    if (narrator->left_out > 0)
        el_explain(narrator->trace, EL_TOPIC_STEP, "... %u steps not told: too many a second",
                   narrator->left_out);
    narrator->left_out = 0;
}

static void on_second_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    tell_left_out(arg);
}

bool el_narrator_open(struct el_narrator *narrator, struct event_base *base, struct el_trace *trace,
                      unsigned per_second)
{
    *narrator = (struct el_narrator){.per_second = per_second};
    if (!el_explaining(trace))
        return true;
    if (base != NULL &&
        (narrator->timer = event_new(base, -1, 0, on_second_over, narrator)) == NULL)
        return false;
    narrator->trace = trace;
    return true;
}

void el_narrator_close(struct el_narrator *narrator)
{
    tell_left_out(narrator);
    if (narrator->timer != NULL)
        event_free(narrator->timer);
    *narrator = (struct el_narrator){0};
}

struct el_trace *el_narrator_take(struct el_narrator *narrator)
{
    el_time now = el_now();
    if (now >= narrator->second_ends) {
        tell_left_out(narrator);
        narrator->second_ends = el_time_after(now, EL_S);
        narrator->used = 0;
    }
    if (narrator->used < narrator->per_second) {
        narrator->used++;
        return narrator->trace;
    }
    if (narrator->left_out++ == 0 && narrator->timer != NULL) {
        const struct timeval rest = el_timeval(el_time_left(narrator->second_ends, now));
        event_add(narrator->timer, &rest);
    }
    return NULL;
}

int el_narrator_tend(struct el_narrator *narrator)
{
    if (narrator->left_out == 0)
        return -1;
    el_duration left = el_time_left(narrator->second_ends, el_now());
    if (left > 0)
        return el_poll_ms(left);
    tell_left_out(narrator);
    return -1;
}
