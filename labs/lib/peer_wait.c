/*
 * peer_wait.c - when is a wait over? When what was waited for is there; or its time is up; or nothing can
 * come any more, because the program that should send it sleeps and nothing will wake it.
 *
 * The last is only for speed: a failed check would else cost its whole deadline. So it must never be
 * wrong. It takes two looks, 100 ms apart, between which the program did not run at all; and four when
 * something lies unread, which should have woken it. A program that works instead, and uses half a second
 * of a processor while nothing comes of it, is turning in a circle; that time is its own, however busy the
 * machine is.
 */
#include "peer_run.h"

#include <poll.h>

enum { LOOK_MS = 100, LOOKS = 2, LOOKS_UNREAD = 4, SPINS_MS = 500 };

volatile sig_atomic_t peer_stopped;

struct peer_limit peer_limit(const struct peer_run *run)
{
    el_time now = el_now();
    if (run->step->within >= 0)
        return (struct peer_limit){el_time_after(now, run->step->within * EL_MS), EL_NEVER};
    return (struct peer_limit){el_time_after(now, 5 * run->deadline), run->deadline};
}

static bool poll_once(int fd, short events, el_duration time)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    return poll(&pollfd, 1, el_poll_ms(time)) > 0;
}

bool peer_wait(struct peer_run *run, const struct peer_end *end, short events,
               const struct peer_limit *limit)
{
    el_time deadline = el_earliest(limit->total, el_time_after(el_now(), limit->pause));
    bool watch = run->watched > 0 && run->step->wanted != PEER_WANT_SILENCE;
    struct peer_watched seen = {0};
    unsigned looks = 0;
    el_duration worked = watch ? peer_processor_time(run->watched) : 0;
    for (;;) {
        el_duration left = el_time_left(deadline, el_now());
        if (watch && left > LOOK_MS * EL_MS)
            left = LOOK_MS * EL_MS;
        if (poll_once(end->fd, events, left))
            return true;
        if (peer_stopped || el_time_left(deadline, el_now()) == 0)
            return poll_once(end->fd, events,
                             0); /* a busy machine: it came while we slept too long */
        if (!watch)
            continue; /* a signal, or poll(2) woke a little early */
        uint64_t before = seen.switches;
        const char *sleeps = peer_watch(run->watched, end, &seen);
        looks = sleeps != NULL && (looks == 0 || seen.switches == before) ? looks + 1 : 0;
        if (peer_processor_time(run->watched) - worked >= SPINS_MS * EL_MS) {
            run->spins = !poll_once(end->fd, events, 0);
            return !run->spins;
        }
        if (looks < (seen.unread ? LOOKS_UNREAD : LOOKS))
            continue;
        if (poll_once(end->fd, events, 0)) /* its last words came before it slept */
            return true;
        run->quiet = sleeps;
        run->unread = seen.unread;
        run->asked = end->sent > 0;
        return false;
    }
}
