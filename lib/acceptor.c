/*
 * acceptor.c - the accept loop, with the two limits that every naive one lacks.
 *
 * Teaches:  1. a listener that stays readable because nobody can accept makes the loop spin at 100 % CPU; so
 *           with no descriptor left, one kept in reserve lets us answer those who wait with a reset, and then
 *           the listener is silenced for a moment. 2. accepting is bounded per wake-up, or a flood of new clients
 *           starves those who are in.
 * Partner:  acceptor.h; el_socket_accept in socket.c has the errno policy; admission.c the limits.
 */
#include "acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_WAKE_UP = 64,
    LAST_ACCEPTS = 4096, /* at the drain: as many as a full queue holds (net.core.somaxconn) */
};
static const struct timeval PAUSE = {.tv_usec = 100000};

struct el_acceptor {
    struct el_acceptor_args args;
    struct event *resume_timer;
    int reserve; /* an open /dev/null: a descriptor to fall back on; -1 if even that is gone */
    struct event *listener[]; /* context->socket_count of them */
};

static int open_reserve(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd; /* -1 is fine: there is nothing to shed with then, only the pause */
}

/*
 * Closes with RST, not FIN. "You were connected, and I said goodbye at once" would read like an empty echo; a
 * reset cannot be misunderstood, and leaves no TIME_WAIT here.
 */
static void turn_away(int fd, uint64_t *counter)
{
    el_socket_reset_on_close(fd);
    el_socket_close(fd);
    el_count(counter, 1);
}

static void take_in(struct el_acceptor *acceptor, int fd, const struct el_address *peer)
{
    char text[EL_ADDRESS_TEXT];
    const struct el_acceptor_args *args = &acceptor->args;
    switch (el_admission_enter(args->admission, peer)) {
    case EL_ADMIT:
        args->accepted(args->arg, fd, peer);
        return;
    case EL_ADMIT_FULL:
        el_log(args->context->trace, EL_WARN,
               "%s: turned away: the server is full (--max-connections)",
               el_address_print(peer, text));
        turn_away(fd, &args->counters->rejected_full);
        return;
    case EL_ADMIT_SOURCE_FULL:
        el_log(args->context->trace, EL_WARN,
               "%s: turned away: too many from that source (--max-per-source)",
               el_address_print(peer, text));
        turn_away(fd, &args->counters->rejected_source);
        return;
    }
}

/* [#reserve-descriptor] Gives up the reserve, so that accept4(2) has one to return, and tells those who wait. */
static unsigned shed(struct el_acceptor *acceptor, int listener)
{
    unsigned shed = 0;
    while (acceptor->reserve >= 0 && shed < ACCEPTS_PER_WAKE_UP) {
        struct el_address peer;
        el_socket_close(acceptor->reserve);
        int fd = el_socket_accept(listener, &peer, NULL);
        if (fd >= 0) {
            turn_away(fd, &acceptor->args.counters->rejected_descriptors);
            shed++;
        }
        acceptor->reserve = open_reserve(); /* another thread may have been faster: then it is -1 */
        if (fd < 0)
            break;
    }
    return shed;
}

/*
 * EMFILE, ENFILE, ENOBUFS, ENOMEM: nothing is wrong with the client, we have no room. The connection stays in the
 * kernel's queue, so a level-triggered loop would call us again at once, for ever. [#emfile]
 */
static void pause_accepting(struct el_acceptor *acceptor, int listener, int error)
{
    const struct el_acceptor_args *args = &acceptor->args;
    unsigned turned_away = error == -EMFILE || error == -ENFILE ? shed(acceptor, listener) : 0;
    el_log(args->context->trace, EL_WARN,
           "accept: %s: %u turned away, accepting again in 100 ms (see ulimit -n)",
           strerror(-error), turned_away);
    el_count(&args->counters->accept_paused, 1);
    for (size_t i = 0; i < args->context->socket_count; i++)
        event_del(acceptor->listener[i]);
    event_add(acceptor->resume_timer, &PAUSE);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    struct el_acceptor *acceptor = arg;
    (void)fd, (void)what;
    if (acceptor->reserve < 0)
        acceptor->reserve = open_reserve();
    bool all = true;
    for (size_t i = 0; i < acceptor->args.context->socket_count; i++)
        all = event_add(acceptor->listener[i], NULL) == 0 && all;
    /* [#listen-again] epoll_ctl(2): ENOMEM, ENOSPC. Who is forgotten here is never heard again. */
    if (!all)
        event_add(acceptor->resume_timer, &PAUSE); /* cannot fail, see [reserve-timers] */
}

static void accept_some(struct el_acceptor *acceptor, int listener, unsigned most)
{
    char text[EL_ADDRESS_TEXT];
    for (unsigned n = 0; n < most; n++) {
        struct el_address peer;
        int fd = el_socket_accept(listener, &peer, NULL);
        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            pause_accepting(acceptor, listener, fd);
            return;
        }
        el_narrate(acceptor->args.narrator, EL_TOPIC_CALL,
                   "accept4(%d, SOCK_NONBLOCK|SOCK_CLOEXEC) = %d from %s", listener, fd,
                   el_address_print(&peer, text));
        take_in(acceptor, fd, &peer);
    }
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    accept_some(arg, fd, ACCEPTS_PER_WAKE_UP);
}

struct el_acceptor *el_acceptor_new(const struct el_acceptor_args *args)
{
    const struct el_worker_context *context = args->context;
    struct el_acceptor *acceptor =
        calloc(1, sizeof *acceptor + context->socket_count * sizeof(struct event *));
    if (acceptor == NULL)
        return NULL;
    acceptor->args = *args;
    acceptor->reserve = open_reserve();
    acceptor->resume_timer = event_new(context->base, -1, 0, on_resume, acceptor);
    bool good = acceptor->resume_timer != NULL;
    for (size_t i = 0; i < context->socket_count && good; i++) {
        acceptor->listener[i] = event_new(context->base, context->sockets[i], EV_READ | EV_PERSIST,
                                          on_acceptable, acceptor);
        good = acceptor->listener[i] != NULL && event_add(acceptor->listener[i], NULL) == 0;
    }
    if (good)
        return acceptor;
    el_acceptor_free(acceptor);
    return NULL;
}

void el_acceptor_drain(struct el_acceptor *acceptor)
{
    const struct el_worker_context *context = acceptor->args.context;
    for (size_t i = 0; i < context->socket_count; i++)
        accept_some(acceptor, context->sockets[i], LAST_ACCEPTS);
    for (size_t i = 0; i < context->socket_count; i++)
        event_del(acceptor->listener[i]);
    event_del(acceptor->resume_timer);
}

void el_acceptor_free(struct el_acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    for (size_t i = 0; i < acceptor->args.context->socket_count; i++)
        if (acceptor->listener[i] != NULL)
            event_free(acceptor->listener[i]);
    if (acceptor->resume_timer != NULL)
        event_free(acceptor->resume_timer);
    el_socket_close(acceptor->reserve);
    free(acceptor);
}
