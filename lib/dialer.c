/*
 * dialer.c - from a name to a connected socket, under one deadline.
 *
 * Teaches:  connecting is not one call but a small race: names have several addresses, some of
 *           them dead, and the one deadline that the user feels covers everything together.
 * Owns:     the sockets of all attempts, until one wins; the running lookup; one timer.
 * Partner:  happy_eyeballs.c decides what to try and when; this file only does what it says and
 *           reports what happened. resolver.c finds the addresses; dialer_attempt.c opens the
 *           socket of one attempt, dialer_verdict.c weighs the failures.
 * Leaves out: remembering which address worked last time, so a dead IPv6 costs its delay on each
 *           dial. Safe, only slower.
 * Next:     clients/tcp_echo.c, which has a connected socket and wants to use it.
 *
 * [#one-way-out] Every path ends in conclude(): it lets go of everything first, then calls `done`
 * once, then frees the dialer. So whoever called a function here that may conclude must return at
 * once and not touch the dialer again; such functions say "may free d".
 */
#include "dialer.h"

#include "dialer_private.h"
#include "happy_eyeballs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What an attempt needs only while it runs; what is told about it later is in struct el_attempt. */
struct running {
    struct el_dialer *dialer;
    unsigned number; /* index in attempts and running */
    int fd;          /* -1: not running */
    struct event *writable;
};

struct el_dialer {
    struct el_dial_args args;
    char *host, *interface; /* our copies; args points to them */
    struct el_happy *happy;
    struct el_lookup *lookup;     /* NULL when it has ended */
    struct event *timer;          /* the machine's next wish, or the deadline */
    bool late;                    /* the timer saw the deadline pass */
    bool stillborn;               /* nothing to try: the timer only delivers result.status */
    int lookup_error;             /* -errno when the lookup itself has one, else 0 */
    struct el_dial_result result; /* filled as things happen */
    struct el_attempt attempts[EL_ATTEMPTS_MAX];
    struct running running[EL_ATTEMPTS_MAX];
    struct el_query queries[EL_QUERIES_MAX];
};

/* ---- the end ------------------------------------------------------------------------------- */

static void stop_running(struct running *r)
{
    if (r->writable != NULL)
        event_free(r->writable); /* before close(2): epoll must forget the descriptor first */
    r->writable = NULL;
    el_socket_close(r->fd);
    r->fd = -1;
}

/* Lets go of everything that lives outside this struct. What was running is closed, unsaid. */
static void release(struct el_dialer *d)
{
    el_lookup_cancel(d->lookup);
    d->lookup = NULL;
    for (size_t i = 0; i < d->result.attempt_count; i++)
        stop_running(&d->running[i]);
    if (d->timer != NULL)
        event_free(d->timer);
    d->timer = NULL;
    el_happy_free(d->happy);
    d->happy = NULL;
}

static void free_dialer(struct el_dialer *d)
{
    free(d->host);
    free(d->interface);
    free(d);
}

void el_dial_cancel(struct el_dialer *d)
{
    if (d == NULL)
        return;
    release(d);
    free_dialer(d);
}

bool el_dial_resolved(const struct el_dialer *d)
{
    return d->result.resolved != EL_NEVER;
}

/* The timeline lives in the lookup, and the lookup may go before the dialer does. */
static void keep_queries(struct el_dialer *d)
{
    const struct el_query *queries;
    if (d->lookup == NULL)
        return;
    size_t count = el_lookup_queries(d->lookup, &queries);
    d->result.query_count = count < EL_QUERIES_MAX ? count : EL_QUERIES_MAX;
    if (count > 0)
        memcpy(d->queries, queries, d->result.query_count * sizeof *queries);
}

/* Frees d, after `done`, which may free the resolver and the base: both are let go before. */
static void conclude(struct el_dialer *d, enum el_dial_status status, int error)
{
    d->result.status = status;
    d->result.error = error;
    d->result.ended = el_now();
    keep_queries(d);
    el_explain_dial_end(d->args.trace, &d->result, d->args.unconnected);
    release(d);
    d->args.done(d->args.arg, &d->result);
    free_dialer(d);
}

/* Nothing is left to try. May free d. */
static void conclude_failed(struct el_dialer *d)
{
    if (d->result.resolved == EL_NEVER) {
        conclude(d, EL_DIAL_NOT_RESOLVED, d->lookup_error);
        return;
    }
    int error;
    enum el_dial_status status = el_dial_verdict(d->attempts, d->result.attempt_count, &error);
    conclude(d, status, error);
}

/* ---- one attempt --------------------------------------------------------------------------- */

/* The end of an attempt that did not become the connection. */
static void end_attempt(struct el_dialer *d, unsigned number, int error)
{
    struct el_attempt *attempt = &d->attempts[number];
    stop_running(&d->running[number]);
    attempt->error = error;
    attempt->ended = el_now();
    el_explain_attempt_end(d->args.trace, attempt, number);
}

/* `error` is how connect(2) ended. The machine is told; what follows from it is advance()'s. */
static void attempt_over(struct el_dialer *d, unsigned number, int error)
{
    if (error != 0) {
        end_attempt(d, number, error);
        el_happy_attempt_failed(d->happy, number, el_now());
        return;
    }
    d->attempts[number].error = 0;
    d->attempts[number].ended = el_now();
    el_happy_connected(d->happy, number, d->attempts[number].ended);
}

static void advance(struct el_dialer *d);

static void on_writable(evutil_socket_t fd, short events, void *arg)
{
    (void)events;
    struct running *r = arg;
    struct el_dialer *d = r->dialer;
    int result = el_socket_connect_finish(fd, d->args.trace);
    if (result == -EINPROGRESS)
        return; /* the event is persistent: it waits on */
    event_del(r->writable);
    if (result == 0)
        el_explain_handshake(d->args.trace, fd);
    attempt_over(d, r->number, result);
    advance(d); /* may free d */
}

/* -EINPROGRESS: on_writable will know. */
static int begin_attempt(struct el_dialer *d, struct running *r)
{
    int result = el_dial_open(&d->args, &d->attempts[r->number], &r->fd);
    if (result != -EINPROGRESS)
        return result;
    r->writable = event_new(d->args.base, r->fd, EV_WRITE | EV_PERSIST, on_writable, r);
    if (r->writable == NULL || event_add(r->writable, NULL) < 0)
        return -ENOMEM;
    d->attempts[r->number].under_way = true;
    return -EINPROGRESS;
}

/* `now` is the machine's instant, so that the delays it keeps are the ones the result shows. */
static void start_attempt(struct el_dialer *d, const struct el_happy_output *output, el_time now)
{
    unsigned number = output->attempt;
    struct el_attempt *attempt = &d->attempts[number];
    *attempt = (struct el_attempt){
        .peer = output->address, .started = now, .ended = EL_NEVER, .error = -EINPROGRESS};
    d->running[number] = (struct running){.dialer = d, .number = number, .fd = -1};
    d->result.attempt_count = number + 1;

    char where[EL_ADDRESS_TEXT];
    el_explain(d->args.trace, EL_TOPIC_STEP, "attempt %u: %s: %s", number + 1,
               el_address_print(&attempt->peer, where), output->reason);
    int result = begin_attempt(d, &d->running[number]);
    if (result != -EINPROGRESS)
        attempt_over(d, number, result);
}

/* ---- driving the machine ------------------------------------------------------------------- */

/* May free d. */
static void conclude_won(struct el_dialer *d, unsigned number)
{
    struct running *r = &d->running[number];
    if (r->writable != NULL)
        event_free(r->writable);
    r->writable = NULL;
    d->result.fd = r->fd; /* the caller's from here on */
    r->fd = -1;
    d->result.peer = d->attempts[number].peer;
    d->result.local = d->attempts[number].local;
    conclude(d, EL_DIAL_OK, 0);
}

/*
 * The deadline has come. Who still waited for a peer was timed out; if only DNS was still awaited
 * and every address known so far had failed, their failure is the news, not the clock. May free d.
 */
static void conclude_late(struct el_dialer *d)
{
    struct el_dial_result *r = &d->result;
    if (r->resolved == EL_NEVER) {
        if (d->args.family != AF_INET && r->v6_status == EL_LOOKUP_CANCELLED)
            r->v6_status = EL_LOOKUP_TIMEOUT;
        if (d->args.family != AF_INET6 && r->v4_status == EL_LOOKUP_CANCELLED)
            r->v4_status = EL_LOOKUP_TIMEOUT;
        conclude(d, EL_DIAL_NOT_RESOLVED, -ETIMEDOUT);
        return;
    }
    bool waited = r->attempt_count == 0;
    for (unsigned i = 0; i < r->attempt_count; i++) {
        if (d->attempts[i].ended != EL_NEVER)
            continue;
        end_attempt(d, i, -ETIMEDOUT);
        waited = true;
    }
    if (waited)
        conclude(d, EL_DIAL_TIMEOUT, -ETIMEDOUT);
    else
        conclude_failed(d);
}

/* False: the timer could not be set, and a wait that may never end must not begin. */
static bool wait_until(struct el_dialer *d, el_time until)
{
    until = el_earliest(until, d->args.deadline);
    if (until == EL_NEVER)
        return event_del(d->timer) == 0;
    struct timeval left = el_timeval(el_time_left(until, el_now()));
    return event_add(d->timer, &left) == 0; /* replaces the earlier time */
}

/*
 * Does what the machine says until it says wait. The loop is bounded: each turn starts or ends one
 * of at most EL_ATTEMPTS_MAX attempts. A victory counts even when the deadline passed in the same
 * turn of the event loop; a new attempt after it does not. A wait is only ended by the timer, so
 * that answers which are here already are heard before the clock. May free d.
 */
static void advance(struct el_dialer *d)
{
    for (;;) {
        el_time now = el_now();
        struct el_happy_output output = el_happy_next(d->happy, now);
        switch (output.action) {
        case EL_HAPPY_CONNECT:
            if (now >= d->args.deadline) {
                conclude_late(d);
                return;
            }
            start_attempt(d, &output, now);
            break;
        case EL_HAPPY_CANCEL:
            end_attempt(d, output.attempt, -ECANCELED);
            break;
        case EL_HAPPY_WON:
            conclude_won(d, output.attempt);
            return;
        case EL_HAPPY_FAILED:
            conclude_failed(d);
            return;
        case EL_HAPPY_WAIT:
            if (d->late)
                conclude_late(d);
            else if (!wait_until(d, output.until))
                conclude(d, EL_DIAL_LOCAL, -ENOMEM);
            return;
        }
    }
}

/* libevent may call a little early (its clock is cached and may be coarse): advance() looks at the
 * time itself and waits again for what is left. */
static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct el_dialer *d = arg;
    if (d->stillborn) {
        conclude(d, d->result.status, d->result.error);
        return;
    }
    d->late = el_now() >= d->args.deadline;
    advance(d);
}

/* One family's answer. advance() may free d, and so cancel the lookup from inside its own callback:
 * resolver.h allows that. */
static void on_answer(void *arg, const struct el_answer *answer)
{
    struct el_dialer *d = arg;
    el_time now = el_now();
    size_t count = answer->status == EL_LOOKUP_OK ? answer->count : 0;

    *(answer->family == AF_INET6 ? &d->result.v6_status : &d->result.v4_status) = answer->status;
    if (answer->status == EL_LOOKUP_TIMEOUT)
        d->lookup_error = -ETIMEDOUT; /* as conclude_late() says it, whichever comes first */
    else if (answer->error != 0)
        d->lookup_error = answer->error;
    if (count > 0 && d->result.resolved == EL_NEVER) {
        d->result.resolved = now;
        d->result.source = answer->source;
    }
    int result = el_happy_answer(d->happy, answer->family, answer->address, count, now);
    if (result < 0)
        conclude(d, EL_DIAL_LOCAL, result);
    else
        advance(d);
}

static void on_lookup_done(void *arg, struct el_lookup *lookup)
{
    (void)lookup;
    struct el_dialer *d = arg;
    keep_queries(d);
    d->lookup = NULL; /* it frees itself after this */
}

/* ---- the start ----------------------------------------------------------------------------- */

/* A source address settles the family: no socket can leave from 10.0.0.1 to reach fd77::2. */
static int settle_family(struct el_dial_args *args)
{
    sa_family_t source = el_address_family(&args->socket.local);
    if (source == AF_UNSPEC || source == args->family)
        return 0;
    if (args->family != AF_UNSPEC)
        return -EAFNOSUPPORT;
    args->family = source;
    return 0;
}

static bool begin_lookup(struct el_dialer *d)
{
    const struct el_happy_args happy = {
        .attempt_delay = d->args.attempt_delay, /* 0 in these: as RFC 8305 recommends */
        .want_v6 = d->args.family != AF_INET,
        .want_v4 = d->args.family != AF_INET6,
    };
    const struct el_lookup_args lookup = {
        .host = d->args.host,
        .port = d->args.port,
        .family = d->args.family,
        .deadline = d->args.deadline,
        .answer = on_answer,
        .done = on_lookup_done,
        .arg = d,
    };
    d->happy = el_happy_new(&happy);
    if (d->happy == NULL)
        return false;
    d->lookup = el_lookup_new(d->args.resolver, &lookup);
    return d->lookup != NULL;
}

/* What needs no network is settled here, but told later by the timer, as everything is. */
static bool begin(struct el_dialer *d)
{
    int error = settle_family(&d->args);
    if (error < 0) {
        d->result.status = EL_DIAL_LOCAL;
    } else if (d->args.deadline <= d->result.started) {
        error = -ETIMEDOUT;
        d->result.status = EL_DIAL_TIMEOUT;
    }
    d->result.error = error;
    d->stillborn = error < 0;
    el_explain_dial_start(d->args.trace, &d->args, d->result.started);
    if (!d->stillborn && !begin_lookup(d))
        return false;
    return wait_until(d, d->stillborn ? d->result.started : EL_NEVER);
}

struct el_dialer *el_dial(const struct el_dial_args *args)
{
    struct el_dialer *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->args = *args;
    d->args.host = d->host = strdup(args->host);
    if (args->socket.interface != NULL)
        d->args.socket.interface = d->interface = strdup(args->socket.interface);
    d->result = (struct el_dial_result){
        .fd = -1,
        .started = el_now(),
        .resolved = EL_NEVER,
        .ended = EL_NEVER,
        .v6_status = EL_LOOKUP_CANCELLED,
        .v4_status = EL_LOOKUP_CANCELLED,
        .attempts = d->attempts,
        .queries = d->queries,
    };
    d->timer = evtimer_new(args->base, on_timer, d);
    bool copied = d->host != NULL && (args->socket.interface == NULL || d->interface != NULL);
    if (!copied || d->timer == NULL || !begin(d)) {
        el_dial_cancel(d);
        return NULL;
    }
    return d;
}
