/*
 * mock_dns.c - a scripted DNS server on the test's own event loop.
 *
 * Teaches:  what a DNS answer is made of (RFC 1035 section 4), by making wrong ones.
 * Partner:  tests/unit/test_resolver*.c
 * Leaves out: everything a test does not need. It aborts where a server would recover: it only ever meets our tests.
 */
#include "mock_dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 65535, SEEN_MAX = 4096, UDP_MAX = 512, HEADER = 12 };

struct seen {
    uint16_t type, port;
    bool tcp;
    char name[EL_HOST_MAX];
};

struct client; /* one TCP connection */

struct mock_dns {
    struct event_base *base;
    struct el_address address;
    int udp, other, listener; /* other: a second UDP socket, for answers from the wrong source */
    struct event *udp_event, *listen_event;
    struct client *clients;
    struct reply *replies;
    const struct mock_rule *rules;
    size_t rule_count;
    unsigned *used;
    size_t seen_count;
    struct seen seen[SEEN_MAX];
};

struct client {
    struct mock_dns *mock;
    struct client *next;
    int fd;
    struct event *event;
    size_t have;
    uint8_t bytes[2 + MESSAGE_MAX];
};

/* An answer that waits for its time. */
struct reply {
    struct mock_dns *mock;
    struct reply *next;
    struct event *event;
    int fd; /* the UDP socket, or a client's */
    bool tcp;
    struct el_address to;
    size_t length;
    uint8_t bytes[];
};

struct writer {
    uint8_t bytes[MESSAGE_MAX];
    size_t length;
};

struct query {
    const uint8_t *bytes;
    size_t length, question_end;
    uint16_t type;
    bool tcp;
    char name[EL_HOST_MAX];
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "mock_dns: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- making messages -------------------------------------------------------------------------- */

static void put(struct writer *w, const void *bytes, size_t length)
{
    need(w->length + length <= sizeof w->bytes, "message too long");
    memcpy(w->bytes + w->length, bytes, length);
    w->length += length;
}

static void put_u16(struct writer *w, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(w, bytes, 2);
}

static void put_name(struct writer *w, const char *name)
{
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        uint8_t length = (uint8_t)label;
        put(w, &length, 1);
        put(w, name, label);
        name += label + (name[label] == '.');
    }
    put(w, "", 1);
}

static void put_record(struct writer *w, const char *owner, unsigned type, const void *data,
                       size_t length)
{
    put_name(w, owner);
    put_u16(w, type);
    put_u16(w, 1);
    put_u16(w, 0);
    put_u16(w, 60); /* TTL */
    put_u16(w, (unsigned)length);
    put(w, data, length);
}

/* "OWNER TYPE DATA, …" → records; returns how many. */
static unsigned put_records(struct writer *w, const char *records)
{
    unsigned count = 0;
    char owner[EL_HOST_MAX], type[8], data[EL_HOST_MAX];
    int used;
    for (const char *p = records;
         p != NULL && sscanf(p, " %253s %7s %253[^, ]%n", owner, type, data, &used) == 3;
         p = p[used] == ',' ? p + used + 1 : NULL, count++) {
        uint8_t address[16];
        struct writer target = {.length = 0};
        if (strcmp(type, "A") == 0 && inet_pton(AF_INET, data, address) == 1) {
            put_record(w, owner, MOCK_A, address, 4);
        } else if (strcmp(type, "AAAA") == 0 && inet_pton(AF_INET6, data, address) == 1) {
            put_record(w, owner, MOCK_AAAA, address, 16);
        } else {
            need(strcmp(type, "CNAME") == 0, "unknown record in script");
            put_name(&target, data);
            put_record(w, owner, 5, target.bytes, target.length);
        }
    }
    return count;
}

static unsigned put_many(struct writer *w, const struct query *query, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t v4[4] = {10, 9, (uint8_t)(i / 250), (uint8_t)(1 + i % 250)};
        uint8_t v6[16] = {0xfd, 0x99, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i};
        if (query->type == MOCK_A)
            put_record(w, query->name, MOCK_A, v4, 4);
        else
            put_record(w, query->name, MOCK_AAAA, v6, 16);
    }
    return count;
}

/* QR set, recursion available; the question is repeated as it came. */
static void put_head(struct writer *w, const struct query *query, int rcode, bool truncated)
{
    w->length = 0;
    put(w, query->bytes, query->question_end);
    w->bytes[2] = (uint8_t)((query->bytes[2] & 0x01) | 0x80 | (truncated ? 0x02 : 0));
    w->bytes[3] = (uint8_t)(0x80 | rcode);
    memset(w->bytes + 4, 0, 8);
    w->bytes[5] = 1; /* one question; what else the query carried (EDNS) is left out */
}

static void set_answers(struct writer *w, unsigned count)
{
    w->bytes[6] = (uint8_t)(count >> 8);
    w->bytes[7] = (uint8_t)count;
}

static void make_answer(struct writer *w, const struct query *query, const struct mock_rule *rule)
{
    put_head(w, query, rule->rcode, rule->action == MOCK_TRUNCATE);
    if (rule->action == MOCK_TRUNCATE)
        return;
    unsigned count = put_records(w, rule->records) + put_many(w, query, rule->addresses);
    if (rule->raw != NULL) {
        put(w, rule->raw, rule->raw_length);
        count = rule->raw_answers;
    }
    set_answers(w, count);
    if (!query->tcp && w->length > UDP_MAX)
        put_head(w, query, rule->rcode, true);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void send_now(int fd, bool tcp, const struct el_address *to, const uint8_t *bytes,
                     size_t length)
{
    uint8_t prefix[2] = {(uint8_t)(length >> 8), (uint8_t)length};
    if (!tcp) {
        (void)sendto(fd, bytes, length, MSG_NOSIGNAL, &to->sa, to->length);
        return;
    }
    /* In three pieces, so that the reader meets messages that are not whole. */
    (void)send(fd, prefix, 1, MSG_NOSIGNAL | MSG_MORE);
    (void)send(fd, prefix + 1, 1, MSG_NOSIGNAL | MSG_MORE);
    (void)send(fd, bytes, length, MSG_NOSIGNAL);
}

static void unlink_reply(const struct reply *reply)
{
    struct reply **p = &reply->mock->replies;
    while (*p != reply)
        p = &(*p)->next;
    *p = reply->next;
}

/* It must have been unlinked. */
static void free_reply(struct reply *reply)
{
    event_free(reply->event);
    free(reply);
}

static void on_reply_due(evutil_socket_t fd, short what, void *arg)
{
    struct reply *reply = arg;
    (void)fd, (void)what;
    send_now(reply->fd, reply->tcp, &reply->to, reply->bytes, reply->length);
    unlink_reply(reply);
    free_reply(reply);
}

static void send_after(struct mock_dns *mock, int fd, bool tcp, const struct el_address *to,
                       const struct writer *w, el_duration delay)
{
    if (delay == 0) {
        send_now(fd, tcp, to, w->bytes, w->length);
        return;
    }
    struct reply *reply = calloc(1, sizeof *reply + w->length);
    struct timeval wait = el_timeval(delay);
    need(reply != NULL, "calloc");
    *reply = (struct reply){
        .mock = mock, .fd = fd, .tcp = tcp, .to = *to, .length = w->length, .next = mock->replies};
    memcpy(reply->bytes, w->bytes, w->length);
    reply->event = event_new(mock->base, -1, 0, on_reply_due, reply);
    need(reply->event != NULL && event_add(reply->event, &wait) == 0, "event_add");
    mock->replies = reply;
}

static void send_forgeries(struct mock_dns *mock, const struct query *query,
                           const struct el_address *to, unsigned forgeries)
{
    static const uint8_t runt[3] = {1, 2, 3};
    struct writer w;
    uint8_t v4[4] = {6, 6, 6, 6}, v6[16] = {0x66, 0x66};
    put_head(&w, query, 0, false);
    if (query->type == MOCK_A)
        put_record(&w, query->name, MOCK_A, v4, 4);
    else
        put_record(&w, query->name, MOCK_AAAA, v6, 16);
    set_answers(&w, 1);
    if (forgeries & MOCK_EMPTY)
        send_now(mock->udp, false, to, runt, 0);
    if (forgeries & MOCK_RUNT)
        send_now(mock->udp, false, to, runt, sizeof runt);
    if (forgeries & MOCK_WRONG_SOURCE)
        send_now(mock->other, false, to, w.bytes, w.length);
    if (forgeries & MOCK_WRONG_ID) {
        w.bytes[0] ^= 0x55;
        send_now(mock->udp, false, to, w.bytes, w.length);
        w.bytes[0] ^= 0x55;
    }
    if (forgeries & MOCK_WRONG_QUESTION) {
        w.bytes[HEADER + 1] = w.bytes[HEADER + 1] == 'q' ? 'z' : 'q'; /* the first letter */
        send_now(mock->udp, false, to, w.bytes, w.length);
    }
}

/* ---- receiving -------------------------------------------------------------------------------- */

static bool parse_query(const uint8_t *bytes, size_t length, struct query *query)
{
    size_t at = HEADER, used = 0;
    if (length < HEADER + 5)
        return false;
    while (at < length && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (at + label >= length || used + label + 2 > sizeof query->name)
            return false;
        if (used > 0)
            query->name[used++] = '.';
        memcpy(query->name + used, bytes + at, label);
        used += label;
        at += label;
    }
    query->name[used] = '\0';
    if (at + 5 > length)
        return false;
    query->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
    query->bytes = bytes;
    query->length = length;
    query->question_end = at + 5;
    return true;
}

static const struct mock_rule *find_rule(struct mock_dns *mock, const struct query *query)
{
    static const struct mock_rule nxdomain = {.rcode = 3};
    for (size_t i = 0; i < mock->rule_count; i++) {
        const struct mock_rule *rule = &mock->rules[i];
        if ((rule->name != NULL && strcasecmp(rule->name, query->name) != 0) ||
            (rule->type != MOCK_ANY && rule->type != query->type) ||
            (rule->transport != MOCK_BOTH && (rule->transport == MOCK_TCP) != query->tcp) ||
            (rule->times > 0 && mock->used[i] >= rule->times))
            continue;
        mock->used[i]++;
        return rule;
    }
    return &nxdomain;
}

/* Obeys the script. False: close the TCP connection. */
static bool handle(struct mock_dns *mock, int fd, bool tcp, const struct el_address *from,
                   const uint8_t *bytes, size_t length)
{
    struct query query = {.tcp = tcp};
    struct writer w;
    if (!parse_query(bytes, length, &query))
        return true;
    need(mock->seen_count < SEEN_MAX, "too many queries");
    struct seen *seen = &mock->seen[mock->seen_count++];
    *seen = (struct seen){.type = query.type, .tcp = tcp, .port = el_address_port(from)};
    memcpy(seen->name, query.name, sizeof seen->name);
    const struct mock_rule *rule = find_rule(mock, &query);
    if (!tcp)
        send_forgeries(mock, &query, from, rule->forgeries);
    switch (rule->action) {
    case MOCK_DROP:
        return true;
    case MOCK_CLOSE:
        return false;
    case MOCK_REFLECT:
        w.length = 0;
        put(&w, bytes, length);
        break;
    case MOCK_ANSWER:
    case MOCK_TRUNCATE:
        make_answer(&w, &query, rule);
        break;
    }
    send_after(mock, fd, tcp, from, &w, rule->delay);
    return true;
}

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
    struct mock_dns *mock = arg;
    uint8_t bytes[MESSAGE_MAX];
    struct sockaddr_storage sa;
    socklen_t sa_length = sizeof sa;
    struct el_address from;
    (void)what;
    ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&sa, &sa_length);
    if (got < 0)
        return; /* a refused answer of ours: the resolver has gone */
    need(el_address_from_sockaddr((struct sockaddr *)&sa, sa_length, &from) == 0, "source");
    handle(mock, fd, false, &from, bytes, (size_t)got);
}

static void unlink_client(const struct client *client)
{
    struct client **p = &client->mock->clients;
    while (*p != client)
        p = &(*p)->next;
    *p = client->next;
}

/* It must have been unlinked. Answers that wait for it are dropped: its descriptor may soon be another's. */
static void free_client(struct client *client)
{
    for (struct reply **p = &client->mock->replies; *p != NULL;) {
        struct reply *reply = *p;
        if (reply->fd != client->fd) {
            p = &reply->next;
            continue;
        }
        *p = reply->next;
        free_reply(reply);
    }
    event_free(client->event);
    close(client->fd);
    free(client);
}

static void drop_client(struct client *client)
{
    unlink_client(client);
    free_client(client);
}

static void on_stream(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    struct sockaddr_storage sa;
    socklen_t sa_length = sizeof sa;
    struct el_address from;
    (void)what;
    ssize_t got = recv(fd, client->bytes + client->have, sizeof client->bytes - client->have, 0);
    if (got <= 0 || getpeername(fd, (struct sockaddr *)&sa, &sa_length) < 0 ||
        el_address_from_sockaddr((struct sockaddr *)&sa, sa_length, &from) != 0) {
        drop_client(client);
        return;
    }
    client->have += (size_t)got;
    while (client->have >= 2) {
        size_t length = (size_t)client->bytes[0] << 8 | client->bytes[1];
        if (client->have < 2 + length)
            return;
        if (!handle(client->mock, fd, true, &from, client->bytes + 2, length)) {
            drop_client(client);
            return;
        }
        client->have -= 2 + length;
        memmove(client->bytes, client->bytes + 2 + length, client->have);
    }
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
    struct mock_dns *mock = arg;
    (void)what;
    int stream = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (stream < 0)
        return;
    struct client *client = calloc(1, sizeof *client);
    need(client != NULL, "calloc");
    client->mock = mock;
    client->fd = stream;
    client->next = mock->clients;
    mock->clients = client;
    client->event = event_new(mock->base, stream, EV_READ | EV_PERSIST, on_stream, client);
    need(client->event != NULL && event_add(client->event, NULL) == 0, "event_add");
}

/* ---- life ------------------------------------------------------------------------------------- */

static int bind_socket(int type, struct el_address *address)
{
    socklen_t length = sizeof address->in6;
    int fd = socket(address->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    need(fd >= 0, "socket");
    if (bind(fd, &address->sa, address->length) < 0) {
        close(fd);
        return -1;
    }
    need(getsockname(fd, &address->sa, &length) == 0, "getsockname");
    return fd;
}

struct mock_dns *mock_dns_new(struct event_base *base, const char *ip,
                              const struct mock_rule *rules, size_t count)
{
    struct mock_dns *mock = calloc(1, sizeof *mock);
    struct el_address any;
    need(mock != NULL, "calloc");
    need(el_address_from_literal(ip, 0, &any) == 0, ip);
    mock->base = base;
    mock->rules = rules;
    mock->rule_count = count;
    mock->used = calloc(count + 1, sizeof *mock->used);
    need(mock->used != NULL, "calloc");
    mock->listener = -1;
    /* UDP picks the port; if TCP has it taken by someone else, both try again. */
    for (int i = 0; i < 50 && mock->listener < 0; i++) {
        mock->address = any;
        mock->udp = bind_socket(SOCK_DGRAM, &mock->address);
        need(mock->udp >= 0, "bind");
        mock->listener = bind_socket(SOCK_STREAM, &mock->address);
        if (mock->listener < 0)
            close(mock->udp);
    }
    need(mock->listener >= 0 && listen(mock->listener, 16) == 0, "listen");
    mock->other = bind_socket(SOCK_DGRAM, &any);
    need(mock->other >= 0, "bind");
    mock->udp_event = event_new(base, mock->udp, EV_READ | EV_PERSIST, on_datagram, mock);
    mock->listen_event = event_new(base, mock->listener, EV_READ | EV_PERSIST, on_connection, mock);
    need(mock->udp_event && mock->listen_event && event_add(mock->udp_event, NULL) == 0 &&
             event_add(mock->listen_event, NULL) == 0,
         "event_add");
    return mock;
}

void mock_dns_refuse_tcp(struct mock_dns *mock)
{
    if (mock->listener < 0)
        return;
    event_free(mock->listen_event);
    close(mock->listener);
    mock->listener = -1;
}

void mock_dns_free(struct mock_dns *mock)
{
    if (mock == NULL)
        return;
    for (struct client *client = mock->clients, *next; client != NULL; client = next) {
        next = client->next;
        free_client(client);
    }
    for (struct reply *reply = mock->replies, *next; reply != NULL; reply = next) {
        next = reply->next;
        free_reply(reply);
    }
    mock_dns_refuse_tcp(mock);
    event_free(mock->udp_event);
    close(mock->udp);
    close(mock->other);
    free(mock->used);
    free(mock);
}

struct el_address mock_dns_address(const struct mock_dns *mock)
{
    return mock->address;
}

unsigned mock_dns_count(const struct mock_dns *mock, uint16_t type, enum mock_transport transport)
{
    unsigned count = 0;
    for (size_t i = 0; i < mock->seen_count; i++)
        count += (type == MOCK_ANY || mock->seen[i].type == type) &&
                 (transport == MOCK_BOTH || mock->seen[i].tcp == (transport == MOCK_TCP));
    return count;
}

uint16_t mock_dns_source_port(const struct mock_dns *mock, size_t n)
{
    return mock->seen[n].port;
}

const char *mock_dns_name(const struct mock_dns *mock, size_t n)
{
    return mock->seen[n].name;
}
