/*
 * timeline_sockets.c - each call finds the socket that it is about.
 *
 * Teaches:  a file descriptor is a number that is used again and again: 7 is a DNS socket, then a
 *           probe, then the connection. What a call was about is told by what the descriptor was *then*:
 *           the addresses or the inode that strace -yy wrote beside it, and which socket(2) or accept(2)
 *           had made that number last. [#which-socket]
 * Leaves out: descriptors that are passed to another process (SCM_RIGHTS) or duplicated are found by
 *           their addresses only; an unconnected one would be taken for a new socket (safe: only its
 *           history is lost).
 * Partner:  timeline.h, strace_socket.c; timeline_cause.c asks what the calls did.
 */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

/* May two addresses be one? One may be unknown, or a wildcard that the kernel filled in later. */
static bool may_be(const struct el_address *known, const struct el_address *said)
{
    if (known->length == 0 || said->length == 0 || el_address_equal(known, said))
        return true;
    return (el_address_is_any(known) || el_address_is_any(said)) &&
           el_address_port(known) == el_address_port(said);
}

static uint32_t new_socket(struct timeline *timeline, uint32_t host, int pid,
                           const struct strace_socket *said)
{
    for (size_t i = 0; i < timeline->socket_count; i++)
        if (timeline->sockets[i].host == host && timeline->sockets[i].pid == pid &&
            timeline->sockets[i].fd == said->fd)
            timeline->sockets[i].closed = true; /* the number is another's now */
    uint32_t number = timeline_add(timeline, socket);
    if (number != TIMELINE_NONE)
        timeline->sockets[number] = (struct timeline_socket){.host = host,
                                                             .pid = pid,
                                                             .fd = said->fd,
                                                             .protocol = said->protocol,
                                                             .inode = said->inode,
                                                             .local = said->local,
                                                             .remote = said->remote,
                                                             .connect = TIMELINE_NONE};
    return number;
}

/* How well a known socket fits what strace said: 0 not at all. */
static unsigned fits(const struct timeline_socket *socket, int pid,
                     const struct strace_socket *said)
{
    bool same_number = socket->pid == pid && socket->fd == said->fd && !socket->closed;
    if (socket->protocol != said->protocol || !may_be(&socket->local, &said->local) ||
        !may_be(&socket->remote, &said->remote))
        return 0;
    if (said->inode != 0)
        return socket->inode == said->inode ? 3 : 0;
    if (said->remote.length != 0 && socket->remote.length != 0 && socket->local.length != 0)
        return 3;
    if (same_number)
        return 2;
    return said->remote.length == 0 && socket->remote.length == 0 && socket->local.length != 0;
}

static uint32_t find_socket(struct timeline *timeline, uint32_t host, int pid,
                            const struct strace_socket *said)
{
    unsigned best = 0;
    uint32_t found = TIMELINE_NONE;
    for (uint32_t i = (uint32_t)timeline->socket_count; i-- > 0;) {
        unsigned fit =
            timeline->sockets[i].host == host ? fits(&timeline->sockets[i], pid, said) : 0;
        if (fit > best) {
            best = fit;
            found = i;
        }
    }
    if (found == TIMELINE_NONE)
        return new_socket(timeline, host, pid, said);
    struct timeline_socket *socket = &timeline->sockets[found];
    if (socket->local.length == 0 || (said->local.length != 0 && el_address_is_any(&socket->local)))
        socket->local = said->local;
    if (socket->remote.length == 0)
        socket->remote = said->remote;
    return found;
}

/* What a call's arguments and result tell about its socket, beyond its name. */
static void learn(struct timeline *timeline, const struct timeline_call *call)
{
    struct timeline_socket *socket = &timeline->sockets[call->socket];
    struct el_address address;
    bool given = strace_sockaddr(call->strace.arguments, &address);
    if (call->role == TIMELINE_CONNECT && given)
        socket->remote = address;
    /* An unbound socket answers with port 0: that is no address. */
    if (strcmp(call->strace.name, "getsockname") == 0 && given && socket->local.length == 0 &&
        el_address_port(&address) != 0)
        socket->local = address;
    if (call->role == TIMELINE_CLOSE)
        socket->closed = true;
}

static void give_socket(struct timeline *timeline, struct timeline_call *call)
{
    struct strace_socket said, made;
    int pid = call->strace.pid;
    if (call->role == TIMELINE_WAIT)
        return;
    if (strcmp(call->strace.name, "socket") == 0) {
        if (strace_socket(call->strace.result_text, &made) && made.protocol != 0) {
            call->socket = new_socket(timeline, call->host, pid, &made);
            call->fd = made.fd;
        }
        return;
    }
    if (!strace_socket(strace_argument(call->strace.arguments, 0), &said) || said.protocol == 0)
        return;
    call->fd = said.fd;
    call->socket = find_socket(timeline, call->host, pid, &said);
    if (call->socket == TIMELINE_NONE)
        return;
    learn(timeline, call);
    if (call->role == TIMELINE_ACCEPT && strace_socket(call->strace.result_text, &made) &&
        made.protocol != 0)
        new_socket(timeline, call->host, pid, &made);
}

/* ---- waits ----------------------------------------------------------------------------------- */

/*
 * The socket behind a number in the answer of epoll_wait or poll: what the thread's own calls use it
 * for, afterwards or else before.
 */
static uint32_t socket_behind(const struct timeline *timeline, uint32_t wait, int fd)
{
    const struct timeline_call *calls = timeline->calls;
    for (uint32_t i = calls[wait].next; i != TIMELINE_NONE; i = calls[i].next)
        if (calls[i].fd == fd && strcmp(calls[i].strace.name, "socket") != 0)
            return calls[i].socket;
    for (uint32_t i = wait; i-- > 0;)
        if (calls[i].fd == fd && calls[i].host == calls[wait].host &&
            calls[i].strace.pid == calls[wait].strace.pid)
            return calls[i].socket;
    return TIMELINE_NONE;
}

static void add_ready(struct timeline *timeline, uint32_t number, int64_t fd, bool in, bool out,
                      bool error)
{
    struct timeline_call *call = &timeline->calls[number];
    uint32_t socket = fd < 0 ? TIMELINE_NONE : socket_behind(timeline, number, (int)fd);
    if (socket == TIMELINE_NONE)
        return;
    for (unsigned i = 0; i < call->ready_count; i++)
        if (call->ready[i].socket == socket) { /* select names it once a set */
            call->ready[i].in |= in;
            call->ready[i].out |= out;
            return;
        }
    if (call->ready_count < TIMELINE_READY)
        call->ready[call->ready_count++] = (struct timeline_ready){socket, in, out, error};
}

/* "[{events=EPOLLIN, data={u32=7, u64=7}}]", "[{fd=7, revents=POLLIN}]" */
static void read_events(struct timeline *timeline, uint32_t number, struct strace_text text,
                        const char *events_key, const char *fd_key)
{
    const char *end = text.at + text.length;
    for (const char *at = text.at; (at = memchr(at, '{', (size_t)(end - at))) != NULL; at++) {
        struct strace_text item = {at, (size_t)(end - at)};
        const char *close = memchr(at, '}', item.length);
        item.length = close == NULL ? item.length : (size_t)(close - at) + 1;
        struct strace_text events = strace_field(item, events_key);
        if (events.length > 0)
            add_ready(timeline, number, strace_number(strace_field(item, fd_key)),
                      strace_contains(events, "POLLIN"), strace_contains(events, "POLLOUT"),
                      strace_contains(events, "POLLERR"));
    }
}

/* "(in [0 5], out [5])" */
static void read_set(struct timeline *timeline, uint32_t number, struct strace_text text,
                     const char *set, bool in)
{
    const char *end = text.at + text.length;
    const char *at = memmem(text.at, text.length, set, strlen(set));
    for (at = at == NULL ? end : at + strlen(set); at < end && *at != ']'; at++)
        if (at[-1] == ' ' || at[-1] == '[')
            add_ready(timeline, number, strace_number((struct strace_text){at, (size_t)(end - at)}),
                      in, !in, false);
}

static void read_wait(struct timeline *timeline, uint32_t number)
{
    const struct timeline_call *call = &timeline->calls[number];
    if (!call->strace.returned || call->strace.result <= 0)
        return;
    if (strncmp(call->strace.name, "epoll_", 6) == 0) {
        read_events(timeline, number, strace_argument(call->strace.arguments, 1),
                    "{events=", "u64=");
    } else if (strstr(call->strace.name, "poll") != NULL) {
        read_events(timeline, number, call->strace.result_text, "revents=", "{fd=");
    } else {
        read_set(timeline, number, call->strace.result_text, "in [", true);
        read_set(timeline, number, call->strace.result_text, "out [", false);
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int by_entry(const void *a, const void *b)
{
    const struct timeline_call *first = a, *second = b;
    return (first->at > second->at) - (first->at < second->at);
}

/* A thread's calls in a row, by `next`; and each process's end behind its last. */
static void chain_threads(struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->call_count; i++) {
        timeline->calls[i].next = TIMELINE_NONE;
        for (uint32_t j = i; j-- > 0;)
            if (timeline->calls[j].host == timeline->calls[i].host &&
                timeline->calls[j].strace.pid == timeline->calls[i].strace.pid) {
                timeline->calls[j].next = i;
                break;
            }
    }
    for (size_t e = 0; e < timeline->end_count; e++) {
        timeline->ends[e].after = TIMELINE_NONE;
        for (uint32_t i = 0; i < timeline->call_count; i++)
            if (timeline->calls[i].host == timeline->ends[e].host &&
                timeline->calls[i].strace.pid == timeline->ends[e].pid &&
                timeline->calls[i].at <= timeline->ends[e].at)
                timeline->ends[e].after = i;
    }
}

void timeline_sockets_link(struct timeline *timeline, bool all)
{
    if (timeline->call_count == 0)
        return;
    qsort(timeline->calls, timeline->call_count, sizeof *timeline->calls, by_entry);
    for (size_t i = 0; i < timeline->call_count; i++)
        give_socket(timeline, &timeline->calls[i]);
    chain_threads(timeline);
    for (uint32_t i = 0; i < timeline->call_count; i++)
        if (timeline->calls[i].role == TIMELINE_WAIT)
            read_wait(timeline, i);
    size_t kept = 0;
    for (size_t i = 0; i < timeline->call_count; i++) {
        struct timeline_call *call = &timeline->calls[i];
        if (all || call->socket != TIMELINE_NONE || call->ready_count > 0)
            timeline->calls[kept++] = *call;
        else
            free(call->line);
    }
    timeline->call_count = kept;
    chain_threads(timeline);
}
