/*
 * timeline_wait.c - what a wait was woken by, and how a connect that did not block ended.
 *
 * Teaches:  epoll_wait(2) says only "7 is readable". What made it so is told by what the thread did next:
 *           the bytes that it then read had arrived when the wait ended. And a connect(2) that said
 *           EINPROGRESS is answered here, by "7 is writable". [#told-by-the-wait]
 * Partner:  timeline_cause.c
 */
#include "timeline_cause.h"

#include <netinet/tcp.h>
#include <string.h>

/* The arrival that the next call of this thread on the socket took: it was there when the wait ended. */
static uint32_t taken_next(const struct timeline *timeline, uint32_t wait, uint32_t socket)
{
    for (uint32_t i = timeline->calls[wait].next; i != TIMELINE_NONE; i = timeline->calls[i].next) {
        const struct timeline_call *call = &timeline->calls[i];
        if (call->role == TIMELINE_WAIT)
            return TIMELINE_NONE;
        if (call->socket == socket &&
            (call->role == TIMELINE_RECEIVE || call->role == TIMELINE_ACCEPT))
            return call->got_first;
    }
    return TIMELINE_NONE;
}

/* A wait that reports a connecting socket as writable tells how connect(2) ended. */
static void tell_connect(struct timeline *timeline, uint32_t wait, uint32_t number)
{
    struct timeline_socket *socket = &timeline->sockets[number];
    struct timeline_call *call = &timeline->calls[wait];
    struct timeline_call *asked = &timeline->calls[socket->connect];
    char name[TIMELINE_WORDS / 4];
    if (call->at < asked->at)
        return;
    uint32_t reset = timeline_bad_news(timeline, wait, socket, name, sizeof name);
    uint32_t answer = timeline_find(timeline, socket, false, TH_SYN | TH_ACK, 0, 0);
    if (answer != TIMELINE_NONE)
        timeline_say(call->got, "connected after SYN-ACK");
    else if (reset != TIMELINE_NONE)
        timeline_say(call->got, "refused after %s", name);
    timeline_came(timeline, wait, answer != TIMELINE_NONE ? answer : reset);
    timeline_say(asked->got, "not connected yet; %s tells", call->strace.name);
    socket->connecting = false;
}

void timeline_explain_wait(struct timeline *timeline, uint32_t number)
{
    for (unsigned i = 0; i < timeline->calls[number].ready_count; i++) {
        const struct timeline_ready *ready = &timeline->calls[number].ready[i];
        if (ready->out && timeline->sockets[ready->socket].connecting)
            tell_connect(timeline, number, ready->socket);
        else if (ready->in || ready->error)
            timeline_came(timeline, number, taken_next(timeline, number, ready->socket));
    }
}

/* "[ECONNREFUSED]" from SO_ERROR: after whatever brought the news. */
void timeline_explain_option(struct timeline *timeline, uint32_t number)
{
    struct timeline_call *call = &timeline->calls[number];
    char name[TIMELINE_WORDS / 4];
    if (strcmp(call->strace.name, "getsockopt") != 0 ||
        !strace_contains(call->strace.arguments, "SO_ERROR, [E"))
        return;
    uint32_t found =
        timeline_bad_news(timeline, number, &timeline->sockets[call->socket], name, sizeof name);
    timeline_came(timeline, number, found);
    if (found != TIMELINE_NONE)
        timeline_say(call->got, "after %s", name);
}
