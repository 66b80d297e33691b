/*
 * fuzz_dns_answer.c - a lookup on the loop, answered by a server that sends anything.
 *
 * Input:    the first byte says how: bit 0: A or AAAA; bit 1: id and question are made right, so that the answer is taken for one; bit 2:
 *           the same answer comes twice; bit 3: it comes from another port. The rest is the datagram.
 * Asserted: the lookup ends, answers once and then is done, once; what it says is one of the verdicts; addresses only from
 *           an answer with our id and question, from the right port, and then with our port; no descriptor and no event is left.
 * Run:      make fuzz FUZZ=dns_answer
 * Partner:  fuzz_dns_message.c, a hundred times faster, where no socket is. The deadline of a lookup is short here, and real: an
 *           answer that is not one ends it by the deadline.
 */
#include "fuzz.h"
#include "resolver_private.h"

#include <dirent.h>
#include <unistd.h>

enum { PORT = 7007, HEAD = 12, SENT_MAX = 1024 };
enum { FAMILY_BIT = 1, RIGHT_BIT = 2, TWICE_BIT = 4, ELSEWHERE_BIT = 8 };

struct server {
    int fd, other; /* `other` is bound to another port of the same address */
    uint8_t how;
    const uint8_t *bytes;
    size_t length;
    unsigned queries;
};

struct outcome {
    unsigned answers, dones;
    struct el_answer answer;
};

static void on_answer(void *arg, const struct el_answer *answer)
{
    struct outcome *outcome = arg;
    outcome->answers++;
    fuzz_holds(outcome->dones == 0);
    outcome->answer = *answer;
}

static void on_done(void *arg, struct el_lookup *lookup)
{
    const struct el_query *queries;
    for (size_t i = 0, count = el_lookup_queries(lookup, &queries); i < count; i++)
        fuzz_holds(fuzz_printable(queries[i].name) && queries[i].rcode >= -2);
    ((struct outcome *)arg)->dones++;
}

/* The answer: with the query's id and question before what we were given from there on, or as it is. */
static size_t compose(const struct server *server, const uint8_t *query, size_t query_length,
                      uint8_t *answer)
{
    size_t length = server->length < SENT_MAX ? server->length : SENT_MAX;
    if (length > 0)
        memcpy(answer, server->bytes, length);
    if (!(server->how & RIGHT_BIT) || length < HEAD)
        return length;
    size_t rest = length - HEAD;
    rest = rest < SENT_MAX - query_length ? rest : SENT_MAX - query_length;
    memmove(answer + query_length, answer + HEAD, rest);
    memcpy(answer, query, 2);
    memcpy(answer + 4, query + 4, 2); /* one question */
    memcpy(answer + HEAD, query + HEAD, query_length - HEAD);
    return query_length + rest;
}

static void on_query(evutil_socket_t fd, short what, void *arg)
{
    struct server *server = arg;
    uint8_t query[512], answer[SENT_MAX];
    struct sockaddr_storage from;
    socklen_t from_length = sizeof from;
    (void)what;
    ssize_t got =
        recvfrom(fd, query, sizeof query, MSG_DONTWAIT, (struct sockaddr *)&from, &from_length);
    if (got < HEAD)
        return;
    server->queries++;
    size_t length = compose(server, query, (size_t)got, answer);
    for (int i = 0; i < (server->how & TWICE_BIT ? 2 : 1); i++)
        sendto(server->how & ELSEWHERE_BIT ? server->other : fd, answer, length, MSG_DONTWAIT,
               (struct sockaddr *)&from, from_length);
}

static int bound(struct el_address *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t length = sizeof address->in;
    *address = el_address_any(AF_INET, 0);
    address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fuzz_holds(fd >= 0 && bind(fd, &address->sa, address->length) == 0);
    fuzz_holds(getsockname(fd, &address->sa, &length) == 0);
    return fd;
}

static int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    fuzz_holds(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void check(const struct server *server, const struct outcome *outcome)
{
    const struct el_answer *answer = &outcome->answer;
    fuzz_holds(outcome->answers == 1 && outcome->dones == 1);
    fuzz_holds(answer->status < EL_LOOKUP_CANCELLED && answer->count <= EL_ADDRESSES_MAX);
    fuzz_holds((answer->status == EL_LOOKUP_OK) == (answer->count > 0));
    fuzz_holds(fuzz_printable(answer->canonical));
    for (size_t i = 0; i < answer->count; i++) {
        fuzz_holds(el_address_family(&answer->address[i].destination) == answer->family);
        fuzz_holds(el_address_port(&answer->address[i].destination) == PORT);
    }
    /* Nobody guesses 16 bits of id and the question of a lookup that was never seen. */
    if (!(server->how & RIGHT_BIT) || server->how & ELSEWHERE_BIT)
        fuzz_holds(answer->count == 0);
}

static struct event_base *loop(void)
{
    struct event_config *config = event_config_new();
    fuzz_holds(config != NULL);
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    fuzz_holds(base != NULL);
    return base;
}

static void look_up(struct event_base *base, struct server *server, const struct el_address *at)
{
    struct el_resolver_args settings = {.base = base,
                                        .servers = at,
                                        .server_count = 1,
                                        .timeout = 3 * EL_MS,
                                        .tries = 1,
                                        .hosts_path = "/dev/null",
                                        .resolv_conf_path = "/dev/null"};
    struct outcome outcome = {0};
    struct el_resolver *resolver = el_resolver_new(&settings);
    struct el_lookup_args args = {.host = "www.lab",
                                  .port = PORT,
                                  .family = server->how & FAMILY_BIT ? AF_INET : AF_INET6,
                                  .deadline = el_time_after(el_now(), 6 * EL_MS),
                                  .answer = on_answer,
                                  .done = on_done,
                                  .arg = &outcome};
    fuzz_holds(resolver != NULL && el_lookup_new(resolver, &args) != NULL);
    for (unsigned turns = 0; outcome.dones == 0; turns++) {
        fuzz_holds(turns < 1000);
        event_base_loop(base, EVLOOP_ONCE);
    }
    el_resolver_free(resolver);
    check(server, &outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_base *base;
    static struct el_address at, elsewhere;
    static struct server server;
    if (base == NULL) { /* once: it is the lookup that is new each time */
        base = loop();
        server.fd = bound(&at);
        server.other = bound(&elsewhere);
    }
    server.how = size > 0 ? data[0] : 0;
    server.bytes = data + (size > 0);
    server.length = size - (size > 0);
    int descriptors = open_descriptors();
    struct event *readable = event_new(base, server.fd, EV_READ | EV_PERSIST, on_query, &server);
    fuzz_holds(readable != NULL && event_add(readable, NULL) == 0);
    look_up(base, &server, &at);
    event_free(readable);
    fuzz_holds(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) == 0);
    fuzz_holds(open_descriptors() == descriptors);
    return 0;
}
