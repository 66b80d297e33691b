/*
 * mock_dns.c - a scripted DNS server on the test's own event loop.
 *
 * Owns:     the sockets, the script, and what was asked.
 * Partner:  mock_dns_message.c makes the messages; tests/unit/test_resolver*.c write the scripts.
 * Leaves out: everything a test does not need. It aborts where a server would recover: it only ever
 *             meets our tests.
 */
#include "mock_dns_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEN_MAX = 4096 };

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
    uint8_t bytes[2 + MOCK_MESSAGE_MAX];
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

/* ---- sending --------------------------------------------------------------------------------- */

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
                       const struct mock_writer *w, el_duration delay)
{
    if (delay == 0) {
        send_now(fd, tcp, to, w->bytes, w->length);
        return;
    }
    struct reply *reply = calloc(1, sizeof *reply + w->length);
    struct timeval wait = el_timeval(delay);
    mock_need(reply != NULL, "calloc");
    *reply = (struct reply){
        .mock = mock, .fd = fd, .tcp = tcp, .to = *to, .length = w->length, .next = mock->replies};
    memcpy(reply->bytes, w->bytes, w->length);
    reply->event = event_new(mock->base, -1, 0, on_reply_due, reply);
    mock_need(reply->event != NULL && event_add(reply->event, &wait) == 0, "event_add");
    mock->replies = reply;
}

static void send_forgeries(struct mock_dns *mock, const struct mock_query *query,
                           const struct el_address *to, const struct mock_rule *rule)
{
    static const uint8_t runt[3] = {1, 2, 3};
    struct mock_writer w;
    mock_put_forged(&w, query, MOCK_WRONG_ID);
    for (unsigned i = 0; i < rule->flood; i++)
        send_now(mock->udp, false, to, w.bytes, w.length);
    if (rule->forgeries & MOCK_EMPTY)
        send_now(mock->udp, false, to, runt, 0);
    if (rule->forgeries & MOCK_RUNT)
        send_now(mock->udp, false, to, runt, sizeof runt);
    if (rule->forgeries & MOCK_WRONG_ID)
        send_now(mock->udp, false, to, w.bytes, w.length);
    if (rule->forgeries & MOCK_WRONG_SOURCE) {
        mock_put_forged(&w, query, MOCK_WRONG_SOURCE);
        send_now(mock->other, false, to, w.bytes, w.length);
    }
    if (rule->forgeries & MOCK_WRONG_QUESTION) {
        mock_put_forged(&w, query, MOCK_WRONG_QUESTION);
        send_now(mock->udp, false, to, w.bytes, w.length);
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

static const struct mock_rule *find_rule(struct mock_dns *mock, const struct mock_query *query)
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
    struct mock_query query = {.tcp = tcp};
    struct mock_writer w;
    if (!mock_parse_query(bytes, length, &query))
        return true;
    mock_need(mock->seen_count < SEEN_MAX, "too many queries");
    struct seen *seen = &mock->seen[mock->seen_count++];
    *seen = (struct seen){.type = query.type, .tcp = tcp, .port = el_address_port(from)};
    memcpy(seen->name, query.name, sizeof seen->name);
    const struct mock_rule *rule = find_rule(mock, &query);
    if (!tcp)
        send_forgeries(mock, &query, from, rule);
    switch (rule->action) {
    case MOCK_DROP:
        return true;
    case MOCK_CLOSE:
        return false;
    case MOCK_REFLECT:
        w.length = length;
        memcpy(w.bytes, bytes, length);
        break;
    case MOCK_ANSWER:
    case MOCK_TRUNCATE:
        mock_put_answer(&w, &query, rule);
        break;
    }
    send_after(mock, fd, tcp, from, &w, rule->delay);
    return true;
}

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
    struct mock_dns *mock = arg;
    uint8_t bytes[MOCK_MESSAGE_MAX];
    struct sockaddr_storage sa;
    socklen_t sa_length = sizeof sa;
    struct el_address from;
    (void)what;
    /* Until empty: the resolver, on this loop too, adds none meanwhile. And so each query is heard
     * before a timer that is due already, however slow the machine. An error is a refused answer
     * of ours: the resolver has gone. */
    for (;; sa_length = sizeof sa) {
        ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&sa, &sa_length);
        if (got < 0)
            return;
        mock_need(el_address_from_sockaddr((struct sockaddr *)&sa, sa_length, &from) == 0,
                  "source");
        handle(mock, fd, false, &from, bytes, (size_t)got);
    }
}

static void unlink_client(const struct client *client)
{
    struct client **p = &client->mock->clients;
    while (*p != client)
        p = &(*p)->next;
    *p = client->next;
}

/* It must have been unlinked. Answers that wait for it are dropped: its descriptor may soon be
 * another's. */
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
    mock_need(client != NULL, "calloc");
    client->mock = mock;
    client->fd = stream;
    client->next = mock->clients;
    mock->clients = client;
    client->event = event_new(mock->base, stream, EV_READ | EV_PERSIST, on_stream, client);
    mock_need(client->event != NULL && event_add(client->event, NULL) == 0, "event_add");
}

/* ---- life ------------------------------------------------------------------------------------ */

static int bind_socket(int type, struct el_address *address)
{
    socklen_t length = sizeof address->in6;
    int fd = socket(address->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mock_need(fd >= 0, "socket");
    if (bind(fd, &address->sa, address->length) < 0) {
        close(fd);
        return -1;
    }
    mock_need(getsockname(fd, &address->sa, &length) == 0, "getsockname");
    return fd;
}

struct mock_dns *mock_dns_new(struct event_base *base, const char *ip,
                              const struct mock_rule *rules, size_t count)
{
    struct mock_dns *mock = calloc(1, sizeof *mock);
    struct el_address any;
    mock_need(mock != NULL, "calloc");
    mock_need(el_address_from_literal(ip, 0, &any) == 0, ip);
    mock->base = base;
    mock->rules = rules;
    mock->rule_count = count;
    mock->used = calloc(count + 1, sizeof *mock->used);
    mock_need(mock->used != NULL, "calloc");
    mock->listener = -1;
    /* UDP picks the port; if TCP has it taken by someone else, both try again. */
    for (int i = 0; i < 50 && mock->listener < 0; i++) {
        mock->address = any;
        mock->udp = bind_socket(SOCK_DGRAM, &mock->address);
        mock_need(mock->udp >= 0, "bind");
        mock->listener = bind_socket(SOCK_STREAM, &mock->address);
        if (mock->listener < 0)
            close(mock->udp);
    }
    mock_need(mock->listener >= 0 && listen(mock->listener, 16) == 0, "listen");
    mock->other = bind_socket(SOCK_DGRAM, &any);
    mock_need(mock->other >= 0, "bind");
    mock->udp_event = event_new(base, mock->udp, EV_READ | EV_PERSIST, on_datagram, mock);
    mock->listen_event = event_new(base, mock->listener, EV_READ | EV_PERSIST, on_connection, mock);
    mock_need(mock->udp_event && mock->listen_event && event_add(mock->udp_event, NULL) == 0 &&
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
