/*
 * resolver_timeline.c - what really crosses between c-ares and the DNS servers.
 *
 * Owns:     the sockets that c-ares uses (it lets us supply the system calls) and, through them,
 *           the note of each query and answer: server, id, type, transport, times, response code.
 * Partner:  resolver_channel.c watches the same sockets and drives c-ares.
 * Leaves out: judging answers. c-ares decides which answer counts; what is refused here is only
 *           what it would mistake for an answer or for the end of the server.
 * Next:     resolver_channel.c.
 */
#include "resolver_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CARRIED_MAX = 3, CARRIED_TEXT = CARRIED_MAX * (EL_ADDRESS_TEXT + 2) + 32 };

/* Narration shows times as a person compares them: milliseconds. */
static double ms_between(el_time from, el_time to)
{
    return (double)(to - from) / (double)EL_MS;
}

struct el_dns_socket *el_timeline_socket(struct el_lookup *lookup, int fd)
{
    for (size_t i = 0; i < EL_DNS_SOCKETS_MAX; i++)
        if (lookup->sockets[i].lookup != NULL && lookup->sockets[i].fd == fd)
            return &lookup->sockets[i];
    return NULL;
}

static struct el_part *part_of(struct el_lookup *lookup, sa_family_t family)
{
    return &lookup->parts[family == AF_INET6 ? 0 : 1];
}

/* ---- what was sent --------------------------------------------------------------------------- */

static void note_query(struct el_dns_socket *s, const uint8_t *bytes, size_t length)
{
    struct el_lookup *lookup = s->lookup;
    struct el_dns_head head;
    char server[EL_ADDRESS_TEXT];
    if (!el_dns_head_parse(bytes, length, &head))
        return;
    if (lookup->query_count == EL_QUERIES_MAX)
        /* Many search domains, servers or tries: the oldest is forgotten, not the one we wait for. */
        memmove(lookup->queries, lookup->queries + 1,
                --lookup->query_count * sizeof *lookup->queries);
    bool again = false;
    for (size_t i = 0; i < lookup->query_count; i++)
        again = again || lookup->queries[i].id == head.id;
    struct el_query *query = &lookup->queries[lookup->query_count++];
    *query = (struct el_query){
        .server = s->server,
        .family = head.type == EL_DNS_TYPE_A ? AF_INET : AF_INET6,
        .id = head.id,
        .tcp = s->tcp,
        .sent = s->sending,
        .answered = EL_NEVER,
        .rcode = -1,
    };
    snprintf(query->name, sizeof query->name, "%s", head.name);
    el_explain(lookup->resolver->trace, EL_TOPIC_DNS, "%s %s? to %s over %s, id %u%s",
               el_dns_type_text(query->family), query->name, el_address_print(&s->server, server),
               s->tcp ? "TCP" : "UDP", head.id,
               again ? s->tcp ? " (the whole answer this time)" : " (asked again)" : "");
}

/* ---- what came back -------------------------------------------------------------------------- */

/*
 * The newest unanswered query that this message may answer. Newest: when a query was repeated,
 * nobody can tell which of the two an answer is for (Karn's problem, RFC 6298 section 3); the time
 * shown is then the shorter one.
 */
static struct el_query *find_query(struct el_dns_socket *s, const struct el_dns_head *head)
{
    struct el_lookup *lookup = s->lookup;
    for (size_t i = lookup->query_count; i-- > 0;) {
        struct el_query *query = &lookup->queries[i];
        uint16_t type = query->family == AF_INET ? EL_DNS_TYPE_A : EL_DNS_TYPE_AAAA;
        if (query->id == head->id && query->tcp == s->tcp && query->answered == EL_NEVER &&
            query->error == 0 && el_address_equal(&query->server, &s->server) &&
            type == head->type && strcasecmp(query->name, head->name) == 0)
            return query;
    }
    return NULL;
}

/* Keeps what a server said that ends nothing by itself: c-ares reports only "could not contact
 * DNS servers". */
static void note_heard(struct el_part *part, int rcode)
{
    if (rcode == 2)
        part->heard = EL_LOOKUP_SERVFAIL;
    else if (rcode == 4 || rcode == 5)
        part->heard = EL_LOOKUP_REFUSED;
}

/* What an answer carried, for narration: ", 10.77.0.2, 10.77.0.3 and 4 more". */
static const char *carried(const uint8_t *bytes, size_t length, sa_family_t family,
                           char text[static CARRIED_TEXT])
{
    struct el_answer answer = {.family = family};
    size_t left_out, used = 0, shown = 0;
    enum el_lookup_status status = el_dns_addresses_parse(bytes, length, 0, &answer, &left_out);
    text[0] = '\0';
    if (status == EL_LOOKUP_NO_DATA)
        snprintf(text, CARRIED_TEXT, ", no address");
    if (status != EL_LOOKUP_OK)
        return text;
    for (; shown < answer.count && shown < CARRIED_MAX; shown++) {
        char one[EL_ADDRESS_TEXT];
        el_address_print_host(&answer.address[shown].destination, one);
        used += (size_t)snprintf(text + used, CARRIED_TEXT - used, ", %s", one);
    }
    if (answer.count > shown)
        snprintf(text + used, CARRIED_TEXT - used, " and %zu more",
                 answer.count - shown + left_out);
    return text;
}

/* The server of `s` is an echo server: whatever was asked there will never be answered. */
static void note_reflected(const struct el_dns_socket *s)
{
    struct el_lookup *lookup = s->lookup;
    for (size_t i = 0; i < lookup->query_count; i++) {
        const struct el_query *query = &lookup->queries[i];
        if (el_address_equal(&query->server, &s->server) &&
            (query->answered == EL_NEVER || query->rcode == -2))
            part_of(lookup, query->family)->heard = EL_LOOKUP_REFLECTED;
    }
}

/*
 * Looks at one message. Returns 0 when c-ares may see it, EAGAIN to hide it, or the errno that the
 * socket shall seem to have.
 *
 * [#ares-reflected] An echo server on port 53 sends our own query back. It has our id and our
 * question, only its QR bit says "query"; c-ares 1.18 does not look at that bit and takes it for an
 * answer without addresses. Said to c-ares as a refused connection, it means: not a DNS server, try
 * the next.
 */
static int note_message(struct el_dns_socket *s, const uint8_t *bytes, size_t length)
{
    struct el_lookup *lookup = s->lookup;
    struct el_trace *trace = lookup->resolver->trace;
    char server[EL_ADDRESS_TEXT], rcode[16], addresses[CARRIED_TEXT] = "";
    struct el_dns_head head;
    el_address_print(&s->server, server);
    if (!el_dns_head_parse(bytes, length, &head)) {
        el_explain(trace, EL_TOPIC_DNS, "%s: %zu bytes that are no DNS message, ignored", server,
                   length);
        return EAGAIN;
    }
    struct el_query *query = find_query(s, &head);
    if (query == NULL) {
        /* A wrong id or question: late, lost, or someone guessing (RFC 5452 section 9.1). */
        el_explain(trace, EL_TOPIC_DNS, "%s: an answer to nothing we asked (id %u), ignored",
                   server, head.id);
        return EAGAIN;
    }
    query->answered = el_now();
    if (!head.response) {
        query->rcode = -2;
        note_reflected(s);
        el_explain(trace, EL_TOPIC_DNS, "%s: our own query came back: this is an echo server",
                   server);
        return ECONNREFUSED;
    }
    query->rcode = head.rcode;
    query->truncated = head.truncated;
    note_heard(part_of(lookup, query->family), head.rcode);
    if (head.truncated)
        snprintf(addresses, sizeof addresses, ", truncated: ask again over TCP");
    else if (head.rcode == 0 && !s->tcp) /* of a stream only the head of the message is kept */
        carried(bytes, length, query->family, addresses);
    el_explain(trace, EL_TOPIC_DNS, "%s answers %s %s after %.1f ms: %s%s", server,
               el_dns_type_text(query->family), query->name,
               ms_between(query->sent, query->answered), el_query_rcode_text(head.rcode, rcode),
               addresses);
    return 0;
}

/* A socket is of no more use: every query on it that waits for an answer gets the reason, once. */
static void note_failure(struct el_dns_socket *s, const char *call, int error)
{
    struct el_lookup *lookup = s->lookup;
    char server[EL_ADDRESS_TEXT];
    if (s->failed)
        return;
    s->failed = true;
    lookup->socket_error = error;
    for (size_t i = 0; i < lookup->query_count; i++) {
        struct el_query *query = &lookup->queries[i];
        if (query->tcp != s->tcp || query->answered != EL_NEVER || query->error != 0 ||
            !el_address_equal(&query->server, &s->server))
            continue;
        query->error = -error;
        part_of(lookup, query->family)->heard = EL_LOOKUP_UNREACHABLE;
    }
    el_explain(lookup->resolver->trace, EL_TOPIC_DNS, "%s: %s: %s (%s)",
               el_address_print(&s->server, server), call, el_errno_name(error),
               error == ECONNREFUSED ? "nobody listens there" : strerror(error));
}

/* Feeds stream bytes to a frame; calls `note` for each whole message. Returns the last non-zero
 * note. */
static int feed_frame(struct el_dns_socket *s, struct el_dns_frame *frame, const uint8_t *bytes,
                      size_t count, int (*note)(struct el_dns_socket *, const uint8_t *, size_t))
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        if (frame->at < sizeof frame->head)
            frame->head[frame->at] = bytes[i];
        if (++frame->at == 2)
            frame->length = (size_t)frame->head[0] << 8 | frame->head[1];
        if (frame->at < 2 || frame->at < 2 + frame->length)
            continue;
        size_t kept = frame->length < EL_DNS_HEAD_MAX ? frame->length : EL_DNS_HEAD_MAX;
        int verdict = note(s, frame->head + 2, kept);
        if (verdict != 0)
            result = verdict;
        frame->at = 0;
    }
    return result;
}

static int note_query_message(struct el_dns_socket *s, const uint8_t *bytes, size_t length)
{
    note_query(s, bytes, length);
    return 0;
}

/* ---- the system calls, as c-ares wants to make them (ares_set_socket_functions(3)) ----------- */

static ares_socket_t tap_socket(int family, int type, int protocol, void *arg)
{
    struct el_lookup *lookup = arg;
    for (size_t i = 0; i < EL_DNS_SOCKETS_MAX; i++) {
        struct el_dns_socket *s = &lookup->sockets[i];
        if (s->lookup != NULL)
            continue;
        int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
        if (fd < 0) {
            lookup->socket_error = errno;
            lookup->socket_missing = true;
            return ARES_SOCKET_BAD;
        }
        *s = (struct el_dns_socket){.lookup = lookup, .fd = fd, .tcp = type == SOCK_STREAM};
        return fd;
    }
    errno = lookup->socket_error = EMFILE; /* more servers than anyone has */
    return ARES_SOCKET_BAD;
}

static int tap_close(ares_socket_t fd, void *arg)
{
    struct el_dns_socket *s = el_timeline_socket(arg, fd);
    if (s != NULL) {
        if (s->event != NULL)
            event_free(s->event); /* before close(2): the next socket may get the same number */
        memset(s, 0, sizeof *s);
    }
    return close(fd);
}

/* UDP is connected too: the kernel then drops datagrams from any other address, and ICMP errors
 * are heard (udp(7)). */
static int tap_connect(ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t length,
                       void *arg)
{
    struct el_lookup *lookup = arg;
    struct el_dns_socket *s = el_timeline_socket(lookup, fd);
    if (s == NULL || el_address_from_sockaddr(sa, length, &s->server) != 0) {
        errno = EINVAL;
        return -1;
    }
    /* c-ares 1.18 knows no zones: put back the one of a link-local server that we were given. */
    for (size_t i = 0; i < lookup->resolver->server_count; i++) {
        struct el_address known = lookup->resolver->servers[i];
        if (el_address_family(&known) != AF_INET6 || el_address_family(&s->server) != AF_INET6)
            continue;
        uint32_t zone = known.in6.sin6_scope_id;
        known.in6.sin6_scope_id = s->server.in6.sin6_scope_id;
        if (el_address_equal(&known, &s->server))
            s->server.in6.sin6_scope_id = zone;
    }
    if (connect(fd, &s->server.sa, s->server.length) == 0)
        return 0;
    int error = errno;
    if (error != EINPROGRESS)
        note_failure(s, "connect", error);
    errno = error;
    return -1;
}

static ares_ssize_t tap_receive(ares_socket_t fd, void *buffer, size_t size, int flags,
                                struct sockaddr *from, ares_socklen_t *from_length, void *arg)
{
    struct el_dns_socket *s = el_timeline_socket(arg, fd);
    if (s == NULL) {
        errno = EBADF;
        return -1;
    }
    ssize_t got = recvfrom(fd, buffer, size, flags, from, from_length);
    if (got < 0) {
        int error = errno;
        if (error != EAGAIN && error != EINTR)
            note_failure(s, "recvfrom", error);
        errno = error;
        return got;
    }
    if (s->tcp && got == 0)
        note_failure(s, "recvfrom", ECONNRESET); /* closed before it had answered */
    /* [#ares-runt] A datagram of no bytes is a datagram. c-ares before 1.19.1 took it for the end
     * of a stream and gave the server up: one spoofed datagram would do (CVE-2023-32067; Debian's
     * 1.18 is mended). note_message turns it, and any other runt, into "nothing yet".
     *
     * [#dns-bounded-drain] c-ares reads until there is nothing. "Nothing yet" ends that, whatever
     * was hidden behind it: a flood of strangers' datagrams gets one read a turn, and the loop's
     * other events their turns. The loop watches the level and comes back to the rest. */
    int verdict = s->tcp ? feed_frame(s, &s->in, buffer, (size_t)got, note_message)
                         : note_message(s, buffer, (size_t)got);
    if (verdict == 0 || (s->tcp && verdict == EAGAIN)) /* a stream has no message to hide */
        return got;
    errno = verdict;
    return -1;
}

/* sendmsg(2) and not writev(2), for MSG_NOSIGNAL: a server that closes its TCP side must not
 * kill us by SIGPIPE. */
static ares_ssize_t tap_send(ares_socket_t fd, const struct iovec *vectors, int count, void *arg)
{
    struct el_dns_socket *s = el_timeline_socket(arg, fd);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)vectors,
                             .msg_iovlen = (size_t)count};
    if (s == NULL) {
        errno = EBADF;
        return -1;
    }
    s->sending = el_now(); /* before: on loopback the answer may be there when the call returns */
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    /* [#dns-pending-refusal] On UDP a refusal is news of an *earlier* query; this one has not left
     * (udp(7)). c-ares would take this one to the next server, and the earlier would wait out its
     * time with a server that is dead. Sent all the same, it is refused in turn; that is heard by
     * reading, and then c-ares moves every query of the socket. */
    if (sent < 0 && errno == ECONNREFUSED && !s->tcp)
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    int error = sent < 0 ? errno : 0;
    if (error == EAGAIN || error == EINTR) {
        errno = error;
        return -1;
    }
    size_t left = error == 0 ? (size_t)sent : SIZE_MAX; /* to note: what went, or the whole try */
    for (int i = 0; i < count; i++) {
        size_t length = vectors[i].iov_len < left ? vectors[i].iov_len : left;
        if (s->tcp)
            feed_frame(s, &s->out, vectors[i].iov_base, length, note_query_message);
        else
            note_query(s, vectors[i].iov_base, length);
        left -= length;
    }
    if (error == 0) {
        s->failed = false; /* it may fail anew, and for this query */
        return sent;
    }
    note_failure(s, "sendmsg", error);
    errno = error;
    return -1;
}

void el_timeline_attach(struct el_lookup *lookup)
{
    static const struct ares_socket_functions taps = {
        .asocket = tap_socket,
        .aclose = tap_close,
        .aconnect = tap_connect,
        .arecvfrom = tap_receive,
        .asendv = tap_send,
    };
    ares_set_socket_functions(lookup->channel, &taps, lookup);
}
