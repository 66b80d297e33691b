/*
 * test_dialer.c - whole dials over real loopback sockets; names come from a hosts file of the
 * test's own.
 *
 * A peer that never answers needs no privilege here: a listener whose queue is full drops each
 * SYN. Times are asserted with an exact lower bound and a generous upper one.
 */
#include "dialer.h"

#include "../lib/mock_dns.h"
#include "../lib/unit.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WAIT_MS = 10000, STORY_MAX = 65536 };
#define SOON          (20 * EL_S) /* a deadline that must not be reached */
#define GENEROUS      (10 * EL_S) /* how late a busy machine may be */
#define ATTEMPT_DELAY (250 * EL_MS)

/* ---- fixture ------------------------------------------------------------------------------- */

static struct event_base *base;
static struct el_resolver *resolver;
static el_duration dns_timeout = 5 * EL_S; /* of one try */
static struct mock_dns *mock;              /* on the same loop; gone when the dial has ended */
static struct el_trace *trace;
static char story[STORY_MAX];
static int hosts_fd; /* a file without a name: it goes with the process, however the test ends */
static char hosts_path[40];
static int fds_before;

/* What `done` was told, kept. */
static struct {
    int calls;
    bool in_el_dial;
    struct el_dial_result result;
    struct el_attempt attempts[EL_ATTEMPTS_MAX];
} told;

static int count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void keep_line(void *arg, const struct el_event *event)
{
    (void)arg;
    size_t length = strlen(story);
    snprintf(story + length, sizeof story - length, "%s\n", event->text);
}

static void make_resolver(const struct el_address *servers, size_t count)
{
    resolver = el_resolver_new(&(struct el_resolver_args){
        .base = base,
        .trace = trace,
        .servers = servers,
        .server_count = count,
        .timeout = dns_timeout,
        .tries = 2,
        .hosts_path = hosts_path,
        .resolv_conf_path = "/dev/null",
    });
    ck_assert_ptr_nonnull(resolver);
}

static void setup(void)
{
    hosts_fd = memfd_create("hosts", MFD_CLOEXEC);
    ck_assert_int_ge(hosts_fd, 0);
    snprintf(hosts_path, sizeof hosts_path, "/proc/self/fd/%d", hosts_fd);
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    base = event_base_new_with_config(config);
    event_config_free(config);
    trace = el_trace_new(&(struct el_trace_args){.sink = keep_line, .explain = true});
    ck_assert_ptr_nonnull(base);
    ck_assert_ptr_nonnull(trace);
    fds_before = count_fds();
}

static void teardown(void)
{
    el_resolver_free(resolver);
    ck_assert_int_eq(count_fds(), fds_before);
    event_base_free(base);
    el_trace_free(trace);
    close(hosts_fd);
}

/* Writes the hosts file: each line "address name". */
static void hosts(const char *text)
{
    ck_assert_int_eq((int)write(hosts_fd, text, strlen(text)), (int)strlen(text));
    make_resolver(NULL, 0);
}

/* Names come from a mock DNS server that follows these rules. */
static void dns(const struct mock_rule *rules, size_t count)
{
    mock = mock_dns_new(base, "127.0.0.1", rules, count);
    struct el_address server = mock_dns_address(mock);
    make_resolver(&server, 1);
}

static struct el_address literal(const char *host, uint16_t port)
{
    struct el_address address;
    ck_assert_int_eq(el_address_from_literal(host, port, &address), 0);
    return address;
}

static int open_on(int type, const char *host, uint16_t port)
{
    struct el_socket_args args = {.type = type, .local = literal(host, port)};
    return el_socket_open(el_address_family(&args.local), &args, NULL);
}

static uint16_t port_of(int fd)
{
    struct el_address bound;
    ck_assert_int_eq(el_socket_local(fd, &bound), 0);
    return el_address_port(&bound);
}

/* A TCP port of one address. */
struct place {
    const char *host;
    enum { LISTENS, CLOSED, SILENT } kind; /* CLOSED: bound; SILENT: drops every SYN */
    int fd, filler;
};

/* A listener drops every SYN when its queue, here of one, is full. */
static void fill_queue(struct place *place)
{
    struct el_address peer;
    ck_assert_int_eq(el_socket_local(place->fd, &peer), 0);
    place->filler = el_socket_open(el_address_family(&peer),
                                   &(struct el_socket_args){.type = SOCK_STREAM}, NULL);
    ck_assert_int_ge(place->filler, 0);
    el_socket_connect(place->filler, &peer, NULL);
    struct pollfd both[] = {{.fd = place->filler, .events = POLLOUT},
                            {.fd = place->fd, .events = POLLIN}};
    ck_assert_int_eq(poll(&both[0], 1, WAIT_MS), 1);
    ck_assert_int_eq(poll(&both[1], 1, WAIT_MS), 1);
}

static void close_places(const struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        el_socket_close(places[i].fd);
        el_socket_close(places[i].filler);
    }
}

/* Binds all to one port number, which is returned. Another program may hold it on one of the
 * addresses: then the next number has its chance. */
static uint16_t open_places(struct place *places, size_t count)
{
    uint16_t port = 0;
    for (int tries = 0; tries < 1000; tries++) {
        size_t opened = 0;
        port = 0;
        for (; opened < count; opened++) {
            places[opened].filler = -1;
            places[opened].fd = open_on(SOCK_STREAM, places[opened].host, port);
            if (places[opened].fd < 0)
                break;
            port = port_of(places[opened].fd);
        }
        if (opened == count)
            break;
        close_places(places, opened);
        port = 0;
    }
    ck_assert_uint_ne(port, 0);
    for (size_t i = 0; i < count; i++) {
        if (places[i].kind != CLOSED)
            ck_assert_int_eq(el_socket_listen(places[i].fd, places[i].kind == SILENT ? 0 : 8, NULL),
                             0);
        if (places[i].kind == SILENT)
            fill_queue(&places[i]);
    }
    return port;
}

static void on_done(void *arg, const struct el_dial_result *result)
{
    (void)arg;
    ck_assert(!told.in_el_dial);
    told.calls++;
    told.result = *result;
    ck_assert_uint_le(result->attempt_count, EL_ATTEMPTS_MAX);
    memcpy(told.attempts, result->attempts, result->attempt_count * sizeof *result->attempts);
}

static struct el_dialer *start(struct el_dial_args args)
{
    args.resolver = resolver;
    args.base = base;
    args.trace = trace;
    if (args.done == NULL)
        args.done = on_done;
    told.calls = 0;
    told.in_el_dial = true;
    struct el_dialer *dialer = el_dial(&args);
    told.in_el_dial = false;
    ck_assert_ptr_nonnull(dialer);
    ck_assert_int_eq(told.calls, 0);
    return dialer;
}

/* Dials and runs the loop until nothing is left in it. `done` has then come exactly once. */
static const struct el_dial_result *dial(struct el_dial_args args)
{
    if (args.deadline == 0)
        args.deadline = el_time_after(el_now(), SOON);
    start(args);
    while (told.calls == 0)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    mock_dns_free(mock);
    mock = NULL;
    ck_assert_int_eq(event_base_dispatch(base), 1); /* 1: no events are left, so nothing leaks */
    ck_assert_int_eq(told.calls, 1);

    const struct el_dial_result *r = &told.result;
    ck_assert_int_ge(r->ended, r->started);
    ck_assert_int_eq(r->fd >= 0, r->status == EL_DIAL_OK);
    for (size_t i = 0; i < r->attempt_count; i++) {
        const struct el_attempt *a = &told.attempts[i];
        ck_assert_int_ge(a->started, r->resolved);
        ck_assert_int_ge(a->ended, a->started); /* none is left running */
        ck_assert_int_le(a->ended, r->ended);
        ck_assert_int_ne(a->error, -EINPROGRESS);
    }
    return r;
}

static struct el_dial_args tcp(const char *host, uint16_t port)
{
    return (struct el_dial_args){.host = host, .port = port, .socket = {.type = SOCK_STREAM}};
}

static struct el_dial_args udp(const char *host, uint16_t port)
{
    return (struct el_dial_args){.host = host, .port = port, .socket = {.type = SOCK_DGRAM}};
}

static bool is_peer(const struct el_address *address, const char *host, uint16_t port)
{
    struct el_address wanted = literal(host, port);
    return el_address_equal(address, &wanted);
}

/* ---- TCP: one address after the other ------------------------------------------------------ */

START_TEST(a_literal_is_connected_to)
{
    static const char *const literals[] = {"127.0.0.1", "::1"};
    struct place places[] = {{.host = literals[_i]}};
    uint16_t port = open_places(places, 1);
    hosts("");
    const struct el_dial_result *r = dial(tcp(literals[_i], port));
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_int_eq(r->error, 0);
    ck_assert_int_eq(r->source, EL_FROM_LITERAL);
    ck_assert(is_peer(&r->peer, literals[_i], port));
    ck_assert_uint_eq(r->query_count, 0);
    ck_assert_uint_eq(r->attempt_count, 1);

    struct el_address local;
    ck_assert_int_eq(el_socket_local(r->fd, &local), 0);
    ck_assert(el_address_equal(&local, &r->local));
    ck_assert(el_address_equal(&local, &told.attempts[0].local));
    struct el_tcp_info info;
    ck_assert_int_eq(el_socket_tcp_info(r->fd, &info), 0);
    ck_assert_uint_eq(info.state, TCP_ESTABLISHED);
    el_socket_close(r->fd);
    close_places(places, 1);
}
END_TEST

START_TEST(the_one_address_that_listens_is_found)
{
    struct place places[] = {{.host = "127.0.0.3"}};
    uint16_t port = open_places(places, 1);
    hosts("::1 many\n127.0.0.1 many\n127.0.0.2 many\n127.0.0.3 many\n");
    const struct el_dial_result *r = dial(tcp("many", port));
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_int_eq(r->source, EL_FROM_HOSTS);
    ck_assert_int_eq(r->v6_status, EL_LOOKUP_OK);
    ck_assert_int_eq(r->v4_status, EL_LOOKUP_OK);
    ck_assert(is_peer(&r->peer, "127.0.0.3", port));
    ck_assert_uint_eq(r->attempt_count, 4);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(told.attempts[i].error, -ECONNREFUSED);
    ck_assert_int_eq(told.attempts[3].error, 0);
    ck_assert(is_peer(&told.attempts[0].peer, "::1", port)); /* IPv6 first (RFC 8305 4) */
    el_socket_close(r->fd);
    close_places(places, 1);
}
END_TEST

START_TEST(family_leaves_only_that_family)
{
    static const sa_family_t families[] = {AF_INET, AF_INET6};
    struct place places[] = {{.host = "127.0.0.1"}, {.host = "::1"}};
    uint16_t port = open_places(places, 2);
    hosts("::1 both\n127.0.0.1 both\n");
    struct el_dial_args args = tcp("both", port);
    args.family = families[_i];
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_int_eq(el_address_family(&r->peer), families[_i]);
    ck_assert_int_eq(_i == 0 ? r->v6_status : r->v4_status, EL_LOOKUP_CANCELLED);
    el_socket_close(r->fd);
    close_places(places, 2);
}
END_TEST

START_TEST(refused_everywhere_is_told_at_once)
{
    struct place places[] = {{.host = "127.0.0.1", .kind = CLOSED}};
    uint16_t port = open_places(places, 1);
    hosts("::1 closed\n127.0.0.1 closed\n127.0.0.2 closed\n");
    const struct el_dial_result *r = dial(tcp("closed", port));
    ck_assert_int_eq(r->status, EL_DIAL_NOT_CONNECTED);
    ck_assert_int_eq(r->error, -ECONNREFUSED);
    ck_assert_uint_eq(r->attempt_count, 3);
    ck_assert_int_lt(r->ended - r->started, GENEROUS);
    close_places(places, 1);
}
END_TEST

/* ---- TCP: the race ------------------------------------------------------------------------- */

START_TEST(a_silent_ipv6_costs_one_attempt_delay)
{
    struct place places[] = {{.host = "::1", .kind = SILENT}, {.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 2);
    hosts("::1 dual\n127.0.0.1 dual\n");
    const struct el_dial_result *r = dial(tcp("dual", port));
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert(is_peer(&r->peer, "127.0.0.1", port));
    ck_assert_uint_eq(r->attempt_count, 2);
    ck_assert_int_eq(told.attempts[0].error, -ECANCELED);
    ck_assert_int_ge(told.attempts[1].started - told.attempts[0].started, ATTEMPT_DELAY);
    ck_assert_int_lt(r->ended - r->started, GENEROUS);
    el_socket_close(r->fd);
    close_places(places, 2);
}
END_TEST

START_TEST(the_attempt_delay_is_the_callers_choice)
{
    struct place places[] = {{.host = "::1", .kind = SILENT}, {.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 2);
    hosts("::1 dual\n127.0.0.1 dual\n");
    struct el_dial_args args = tcp("dual", port);
    args.attempt_delay = 700 * EL_MS;
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_int_ge(told.attempts[1].started - told.attempts[0].started, 700 * EL_MS);
    el_socket_close(r->fd);
    close_places(places, 2);
}
END_TEST

/* ---- the deadline -------------------------------------------------------------------------- */

static void assert_ended_at(el_time deadline)
{
    ck_assert_int_ge(told.result.ended, deadline);
    ck_assert_int_lt(told.result.ended, deadline + GENEROUS);
}

START_TEST(a_peer_that_never_answers_is_timed_out_and_not_before_the_deadline)
{
    struct place places[] = {{.host = "127.0.0.1", .kind = SILENT}};
    uint16_t port = open_places(places, 1);
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", port);
    args.deadline = el_time_after(el_now(), 500 * EL_MS);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_TIMEOUT);
    ck_assert_int_eq(r->error, -ETIMEDOUT);
    ck_assert_uint_eq(r->attempt_count, 1);
    ck_assert_int_eq(told.attempts[0].error, -ETIMEDOUT);
    assert_ended_at(args.deadline);
    close_places(places, 1);
}
END_TEST

START_TEST(one_silent_peer_beside_a_refusal_is_a_timeout)
{
    struct place places[] = {{.host = "127.0.0.1", .kind = SILENT}};
    uint16_t port = open_places(places, 1);
    hosts("::1 mixed\n127.0.0.1 mixed\n");
    struct el_dial_args args = tcp("mixed", port);
    args.deadline = el_time_after(el_now(), 500 * EL_MS);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_TIMEOUT);
    ck_assert_int_eq(told.attempts[0].error, -ECONNREFUSED);
    ck_assert_int_eq(told.attempts[1].error, -ETIMEDOUT);
    assert_ended_at(args.deadline);
    close_places(places, 1);
}
END_TEST

START_TEST(no_attempt_begins_after_the_deadline)
{
    struct place places[] = {{.host = "::1", .kind = SILENT}, {.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 2);
    hosts("::1 dual\n127.0.0.1 dual\n");
    struct el_dial_args args = tcp("dual", port);
    args.attempt_delay = 2 * EL_S;
    args.deadline = el_time_after(el_now(), 500 * EL_MS);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_TIMEOUT);
    ck_assert_uint_eq(r->attempt_count, 1);
    assert_ended_at(args.deadline);
    close_places(places, 2);
}
END_TEST

/* Here the loop itself comes late: what was due is not done any more. */
START_TEST(a_deadline_that_passes_during_the_lookup_lets_nothing_begin)
{
    struct place places[] = {{.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 1);
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", port);
    args.deadline = el_time_after(el_now(), 20 * EL_MS);
    start(args);
    while (el_now() < args.deadline)
        poll(NULL, 0, 5);
    event_base_dispatch(base);
    ck_assert_int_eq(told.calls, 1);
    ck_assert_int_eq(told.result.status, EL_DIAL_TIMEOUT);
    ck_assert_uint_eq(told.result.attempt_count, 0);
    close_places(places, 1);
}
END_TEST

START_TEST(a_deadline_that_is_past_lets_nothing_begin)
{
    struct place places[] = {{.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 1);
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", port);
    args.deadline = el_now();
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_TIMEOUT);
    ck_assert_uint_eq(r->attempt_count, 0);
    ck_assert_int_eq(r->resolved, EL_NEVER);
    close_places(places, 1);
}
END_TEST

/* ---- answers that come one after the other ------------------------------------------------- */

START_TEST(aaaa_dropped)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_AAAA, .action = MOCK_DROP},
        {.type = MOCK_A, .records = "server.lab A 127.0.0.1"},
    };
    struct place places[] = {{.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 1);
    dns(rules, 2);
    const struct el_dial_result *r = dial(tcp("server.lab", port));
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_int_eq(r->source, EL_FROM_DNS);
    ck_assert_int_eq(r->v4_status, EL_LOOKUP_OK);
    ck_assert_int_eq(r->v6_status, EL_LOOKUP_CANCELLED); /* not waited for */
    ck_assert_uint_eq(r->query_count, 2);
    ck_assert_int_ge(told.attempts[0].started - r->resolved, 50 * EL_MS); /* RFC 8305 3 */
    ck_assert_int_lt(r->ended - r->started, 5 * EL_S); /* less than one DNS timeout */
    el_socket_close(r->fd);
    close_places(places, 1);
}
END_TEST

START_TEST(a_late_aaaa_joins_the_race)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_AAAA, .delay = 800 * EL_MS, .records = "server.lab AAAA ::1"},
        {.type = MOCK_A, .records = "server.lab A 127.0.0.1"},
    };
    struct place places[] = {{.host = "127.0.0.1", .kind = SILENT}, {.host = "::1"}};
    uint16_t port = open_places(places, 2);
    dns(rules, 2);
    const struct el_dial_result *r = dial(tcp("server.lab", port));
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert(is_peer(&r->peer, "::1", port));
    ck_assert_int_eq(told.attempts[0].error, -ECANCELED);
    el_socket_close(r->fd);
    close_places(places, 2);
}
END_TEST

START_TEST(a_refusal_is_the_news_when_only_dns_is_awaited_at_the_deadline)
{
    static const struct mock_rule rules[] = {
        {.type = MOCK_AAAA, .action = MOCK_DROP},
        {.type = MOCK_A, .records = "server.lab A 127.0.0.1"},
    };
    struct place places[] = {{.host = "127.0.0.1", .kind = CLOSED}};
    uint16_t port = open_places(places, 1);
    dns(rules, 2);
    struct el_dial_args args = tcp("server.lab", port);
    args.deadline = el_time_after(el_now(), 500 * EL_MS);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_NOT_CONNECTED);
    ck_assert_int_eq(r->error, -ECONNREFUSED);
    assert_ended_at(args.deadline); /* until then AAAA might have had a better address */
    close_places(places, 1);
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_not_resolved_at_once)
{
    dns(NULL, 0);
    const struct el_dial_result *r = dial(tcp("nowhere.lab", 7007));
    ck_assert_int_eq(r->status, EL_DIAL_NOT_RESOLVED);
    ck_assert_int_eq(r->error, 0);
    ck_assert_int_eq(r->v6_status, EL_LOOKUP_NO_NAME);
    ck_assert_int_eq(r->v4_status, EL_LOOKUP_NO_NAME);
    ck_assert_uint_eq(r->query_count, 2);
}
END_TEST

/* ---- names that give no address ------------------------------------------------------------ */

START_TEST(a_silent_dns_server_ends_as_not_resolved_at_the_deadline)
{
    int silent = open_on(SOCK_DGRAM, "127.0.0.1", 0);
    uint16_t port = port_of(silent);
    struct el_address server = literal("127.0.0.1", port);
    make_resolver(&server, 1);
    struct el_dial_args args = tcp("server.lab", 7007);
    args.deadline = el_time_after(el_now(), 500 * EL_MS);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_NOT_RESOLVED);
    ck_assert_int_eq(r->error, -ETIMEDOUT);
    ck_assert_int_eq(r->v6_status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_eq(r->v4_status, EL_LOOKUP_TIMEOUT);
    ck_assert_int_eq(r->resolved, EL_NEVER);
    ck_assert_uint_eq(r->attempt_count, 0);
    ck_assert_uint_ge(r->query_count, 2);
    assert_ended_at(args.deadline);
    el_socket_close(silent);
}
END_TEST

START_TEST(a_dns_server_silent_in_every_try_ends_as_not_resolved_before_the_deadline)
{
    int silent = open_on(SOCK_DGRAM, "127.0.0.1", 0);
    struct el_address server = literal("127.0.0.1", port_of(silent));
    dns_timeout = 100 * EL_MS;
    make_resolver(&server, 1);
    const struct el_dial_result *r = dial(tcp("server.lab", 7007));
    ck_assert_int_eq(r->status, EL_DIAL_NOT_RESOLVED);
    ck_assert_int_eq(r->error, -ETIMEDOUT);
    ck_assert_int_ge(r->ended - r->started, 100 * EL_MS);
    ck_assert_int_lt(r->ended - r->started, GENEROUS);
    el_socket_close(silent);
}
END_TEST

START_TEST(a_dns_server_that_is_not_there_ends_as_not_resolved_before_it)
{
    int holder = open_on(SOCK_DGRAM, "127.0.0.1", 0);
    uint16_t port = port_of(holder);
    struct el_address server = literal("127.0.0.1", port);
    el_socket_close(holder);
    make_resolver(&server, 1);
    const struct el_dial_result *r = dial(tcp("server.lab", 7007));
    ck_assert_int_eq(r->status, EL_DIAL_NOT_RESOLVED);
    ck_assert_int_eq(r->v4_status, EL_LOOKUP_UNREACHABLE);
    ck_assert_int_lt(r->ended - r->started, GENEROUS);
}
END_TEST

START_TEST(a_literal_of_the_other_family_is_not_resolved)
{
    hosts("");
    struct el_dial_args args = tcp("::1", 7007);
    args.family = AF_INET;
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_NOT_RESOLVED);
    ck_assert_int_eq(r->v4_status, EL_LOOKUP_NO_DATA);
}
END_TEST

/* ---- source, interface, and what this machine lacks ---------------------------------------- */

START_TEST(the_source_address_settles_the_family)
{
    struct place places[] = {{.host = "::1"}, {.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 2);
    hosts("::1 both\n127.0.0.1 both\n");
    struct el_dial_args args = tcp("both", port);
    args.socket.local = literal("127.0.0.9", 0);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_uint_eq(r->attempt_count, 1);
    ck_assert(is_peer(&r->peer, "127.0.0.1", port));
    ck_assert(el_address_same_host(&r->local, &args.socket.local));
    el_socket_close(r->fd);
    close_places(places, 2);
}
END_TEST

START_TEST(a_source_of_the_other_family_is_a_local_error)
{
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", 7007);
    args.family = AF_INET;
    args.socket.local = literal("::1", 0);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_LOCAL);
    ck_assert_int_eq(r->error, -EAFNOSUPPORT);
    ck_assert_uint_eq(r->attempt_count, 0);
}
END_TEST

START_TEST(an_interface_that_is_not_there_is_a_local_error)
{
    hosts("");
    char name[] = "no-such-if";
    struct el_dial_args args = tcp("127.0.0.1", 7007);
    args.socket.interface = name;
    args.deadline = el_time_after(el_now(), SOON);
    start(args);
    memset(name, 'x', sizeof name - 1); /* the dialer has its own copy */
    event_base_dispatch(base);
    ck_assert_int_eq(told.result.status, EL_DIAL_LOCAL);
    ck_assert_int_eq(told.result.error, -ENODEV);
    ck_assert_ptr_nonnull(strstr(story, "SO_BINDTODEVICE, \"no-such-if\") = -1 ENODEV"));
}
END_TEST

START_TEST(a_source_that_no_interface_has_is_a_local_error)
{
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", 7007);
    args.socket.local = literal("198.51.100.77", 0);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_LOCAL);
    ck_assert_int_eq(r->error, -EADDRNOTAVAIL);
}
END_TEST

START_TEST(without_a_free_descriptor_it_is_a_local_error)
{
    hosts("");
    struct rlimit old, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    const struct el_dial_result *r = dial(tcp("127.0.0.1", 7007));
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_int_eq(r->status, EL_DIAL_LOCAL);
    ck_assert_int_eq(r->error, -EMFILE);
}
END_TEST

/* ---- connected to itself ------------------------------------------------------------------- */

/* Its own port is asked for, so that what is chance in the field happens each time here. */
START_TEST(a_connection_to_itself_fails_and_the_next_address_is_tried)
{
    struct place places[] = {{.host = "127.0.0.2"}, {.host = "127.0.0.1", .kind = CLOSED}};
    uint16_t port = open_places(places, 2); /* a port that is free on both */
    close_places(&places[1], 1);
    hosts("127.0.0.1 twins\n127.0.0.2 twins\n");
    struct el_dial_args args = tcp("twins", port);
    args.socket.local = literal("127.0.0.1", port);
    args.socket.reuse_address = true; /* the first attempt's end may sit in TIME_WAIT */
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(told.attempts[0].error, -ELOOP);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert(is_peer(&r->peer, "127.0.0.2", port));
    el_socket_close(r->fd);
    close_places(places, 1);
}
END_TEST

START_TEST(a_connection_to_itself_alone_is_not_connected)
{
    struct place places[] = {{.host = "127.0.0.1", .kind = CLOSED}};
    uint16_t port = open_places(places, 1);
    close_places(places, 1); /* only its number was wanted */
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", port);
    args.socket.local = literal("127.0.0.1", port);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_NOT_CONNECTED);
    ck_assert_int_eq(r->error, -ELOOP);
}
END_TEST

/* ---- UDP ----------------------------------------------------------------------------------- */

START_TEST(udp_is_connected_to_the_first_address_and_nothing_is_sent)
{
    int server = open_on(SOCK_DGRAM, "::1", 0);
    uint16_t port = port_of(server);
    hosts("127.0.0.1 both\n::1 both\n");
    const struct el_dial_result *r = dial(udp("both", port));
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert_uint_eq(r->attempt_count, 1);
    ck_assert(is_peer(&r->peer, "::1", port));
    struct el_address peer;
    ck_assert_int_eq(el_socket_peer(r->fd, &peer), 0);
    ck_assert(el_address_equal(&peer, &r->peer));
    ck_assert_uint_ne(el_address_port(&r->local), 0);
    char byte;
    ck_assert_int_eq((int)recv(server, &byte, 1, MSG_DONTWAIT), -1);
    el_socket_close(r->fd);
    el_socket_close(server);
}
END_TEST

/* fe80::1 without a zone leads nowhere: connect(2) refuses it on every machine. So it has no source,
 * and RFC 6724 rule 1 puts it behind the address that works, though it is IPv6. */
START_TEST(udp_goes_to_the_address_that_has_a_route)
{
    hosts("fe80::1 stray\n127.0.0.1 stray\n");
    struct el_dial_args args = udp("stray", 7007);
    args.unconnected = _i == 1;
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert(is_peer(&r->peer, "127.0.0.1", 7007));
    ck_assert_uint_eq(r->attempt_count, 1);
    el_socket_close(r->fd);
}
END_TEST

START_TEST(unconnected_udp_has_a_peer_but_the_socket_does_not)
{
    hosts("");
    struct el_dial_args args = udp("127.0.0.1", 7007);
    args.unconnected = true;
    if (_i == 1)
        args.socket.local = literal("127.0.0.5", 0);
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    ck_assert(is_peer(&r->peer, "127.0.0.1", 7007));
    struct el_address peer;
    ck_assert_int_eq(el_socket_peer(r->fd, &peer), -ENOTCONN);
    if (_i == 1) {
        ck_assert(el_address_same_host(&r->local, &args.socket.local));
        ck_assert_uint_ne(el_address_port(&r->local), 0);
    } else {
        ck_assert_uint_eq(r->local.length, 0); /* chosen by the first sendto(2) */
    }
    el_socket_close(r->fd);
}
END_TEST

/* ---- life and death ------------------------------------------------------------------------ */

/* Cancelled after _i turns of the loop: before the lookup, between, in the middle of two attempts.
 * */
START_TEST(cancel_at_any_moment_is_silent_and_leaves_nothing)
{
    struct place places[] = {{.host = "::1", .kind = SILENT},
                             {.host = "127.0.0.1", .kind = SILENT}};
    uint16_t port = open_places(places, 2);
    hosts("::1 holes\n127.0.0.1 holes\n");
    struct el_dial_args args = tcp("holes", port);
    args.deadline = el_time_after(el_now(), SOON);
    args.attempt_delay = 10 * EL_MS;
    struct el_dialer *dialer = start(args);
    for (int turn = 0; turn < _i; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    if (_i == 8) /* both attempts are surely running by the second one's start */
        while (strstr(story, "attempt 2") == NULL)
            event_base_loop(base, EVLOOP_ONCE);
    el_dial_cancel(dialer);
    ck_assert_int_eq(event_base_dispatch(base), 1);
    ck_assert_int_eq(told.calls, 0);
    close_places(places, 2);
}
END_TEST

START_TEST(cancel_while_dns_is_asked_is_silent)
{
    int silent = open_on(SOCK_DGRAM, "127.0.0.1", 0);
    uint16_t port = port_of(silent);
    struct el_address server = literal("127.0.0.1", port);
    make_resolver(&server, 1);
    struct el_dial_args args = tcp("server.lab", 7007);
    args.deadline = el_time_after(el_now(), SOON);
    struct el_dialer *dialer = start(args);
    for (int turn = 0; turn < _i; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    el_dial_cancel(dialer);
    ck_assert_int_eq(event_base_dispatch(base), 1);
    ck_assert_int_eq(told.calls, 0);
    el_socket_close(silent);
}
END_TEST

START_TEST(cancelling_nothing_is_fine)
{
    hosts("");
    el_dial_cancel(NULL);
}
END_TEST

static void free_resolver(void *arg, const struct el_dial_result *result)
{
    on_done(arg, result);
    el_socket_close(result->fd);
    el_resolver_free(resolver);
    resolver = NULL;
}

START_TEST(done_may_free_the_resolver)
{
    struct place places[] = {{.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 1);
    hosts("::1 both\n127.0.0.1 both\n");
    struct el_dial_args args = tcp("both", port);
    args.done = free_resolver;
    dial(args);
    close_places(places, 1);
}
END_TEST

static void dial_again(void *arg, const struct el_dial_result *result)
{
    struct el_dial_args *args = arg;
    el_socket_close(result->fd);
    args->done = on_done;
    start(*args);
}

START_TEST(done_may_dial_again)
{
    struct place places[] = {{.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 1);
    hosts("");
    struct el_dial_args args = tcp("127.0.0.1", port);
    args.done = dial_again;
    args.deadline = el_time_after(el_now(), SOON);
    args.arg = &args;
    const struct el_dial_result *r = dial(args);
    ck_assert_int_eq(r->status, EL_DIAL_OK);
    el_socket_close(r->fd);
    close_places(places, 1);
}
END_TEST

/* ---- narration ----------------------------------------------------------------------------- */

/* The fragments must be in the story, in this order. */
static void assert_story(size_t count, const char *const fragments[])
{
    const char *at = story;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, fragments[i]);
        ck_assert_msg(found != NULL, "'%s' is not told, or too early, in:\n%s", fragments[i],
                      story);
        at = found + strlen(fragments[i]);
    }
}

START_TEST(explain_tells_the_states_of_a_tcp_connection)
{
    struct place places[] = {{.host = "127.0.0.1"}};
    uint16_t port = open_places(places, 1);
    hosts("::1 both\n127.0.0.1 both\n");
    el_socket_close(dial(tcp("both", port))->fd);
    static const char *const fragments[] = {
        "dialing both, TCP port",
        "attempt 1: [::1]:",
        "socket(AF_INET6, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = ",
        "local address now [::1]:",
        "TCP state SYN_SENT",
        "SO_ERROR) = ECONNREFUSED",
        "attempt 1 failed after ",
        "ECONNREFUSED: nobody listens",
        "attempt 2: 127.0.0.1:",
        " = -1 EINPROGRESS",
        "local address now 127.0.0.1:",
        "the kernel picked it",
        "TCP state SYN_SENT",
        "SO_ERROR) = 0",
        "TCP state ESTABLISHED",
        "RTT of ",
        "MSS ",
        "path MTU ",
        "connected after ",
    };
    assert_story(sizeof fragments / sizeof fragments[0], fragments);
    close_places(places, 1);
}
END_TEST

START_TEST(explain_tells_how_udp_differs)
{
    hosts("");
    el_socket_close(dial(udp("127.0.0.1", 7007))->fd);
    static const char *const fragments[] = {
        "dialing 127.0.0.1, UDP port 7007",
        "socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = ",
        ", 127.0.0.1:7007) = 0",
        "local address now 127.0.0.1:",
        "connected after ",
    };
    assert_story(sizeof fragments / sizeof fragments[0], fragments);
    ck_assert_ptr_null(strstr(story, "TCP state"));
}
END_TEST

START_TEST(explain_tells_how_it_ended_without_a_socket)
{
    struct place places[] = {{.host = "127.0.0.1", .kind = CLOSED}};
    uint16_t port = open_places(places, 1);
    hosts("127.0.0.1 closed\n");
    dial(tcp("closed", port));
    static const char *const refused[] = {"gave up after ", ": no connection: ECONNREFUSED"};
    assert_story(sizeof refused / sizeof refused[0], refused);
    close_places(places, 1);

    struct el_dial_args args = tcp("::1", port);
    args.family = AF_INET;
    dial(args);
    static const char *const nothing[] = {"gave up after ", ": no address\n"};
    assert_story(sizeof nothing / sizeof nothing[0], nothing);
}
END_TEST

/* ---- the verdict --------------------------------------------------------------------------- */

static const struct {
    int first, second; /* of an IPv6 attempt and an IPv4 attempt */
    int error;
    enum el_dial_status status;
} verdicts[] = {
    {ECONNREFUSED, ETIMEDOUT, ECONNREFUSED, EL_DIAL_NOT_CONNECTED},
    {ETIMEDOUT, ECONNREFUSED, ECONNREFUSED, EL_DIAL_NOT_CONNECTED},
    {EHOSTUNREACH, ECONNREFUSED, ECONNREFUSED, EL_DIAL_NOT_CONNECTED},
    {EHOSTUNREACH, ELOOP, ELOOP, EL_DIAL_NOT_CONNECTED},
    {EHOSTUNREACH, ECONNRESET, ECONNRESET, EL_DIAL_NOT_CONNECTED},
    {EMFILE, ECONNREFUSED, ECONNREFUSED, EL_DIAL_NOT_CONNECTED},
    {EHOSTUNREACH, ETIMEDOUT, EHOSTUNREACH, EL_DIAL_NOT_CONNECTED},
    {ENETUNREACH, ETIMEDOUT, ENETUNREACH, EL_DIAL_NOT_CONNECTED},
    {ENETUNREACH, EHOSTUNREACH, EHOSTUNREACH, EL_DIAL_NOT_CONNECTED},
    {ENETUNREACH, EINVAL, EINVAL, EL_DIAL_NOT_CONNECTED}, /* a blackhole route */
    {ETIMEDOUT, ETIMEDOUT, ETIMEDOUT, EL_DIAL_TIMEOUT},
    {EHOSTUNREACH, EMFILE, EMFILE, EL_DIAL_LOCAL},
    {ENETUNREACH, EACCES, EACCES, EL_DIAL_LOCAL},
    {ENETUNREACH, EADDRNOTAVAIL, EADDRNOTAVAIL, EL_DIAL_LOCAL}, /* no local port left */
    {EADDRNOTAVAIL, ETIMEDOUT, ETIMEDOUT, EL_DIAL_TIMEOUT},     /* IPv6 is switched off */
    {EADDRNOTAVAIL, EHOSTUNREACH, EHOSTUNREACH, EL_DIAL_NOT_CONNECTED},
    {EAFNOSUPPORT, ENETUNREACH, ENETUNREACH, EL_DIAL_NOT_CONNECTED},
    {EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, EL_DIAL_LOCAL},
};

START_TEST(the_most_telling_error_is_told)
{
    const struct el_attempt attempts[] = {
        {.peer = literal("::1", 7007), .error = -verdicts[_i].first},
        {.peer = literal("127.0.0.1", 7007), .error = -verdicts[_i].second},
    };
    int error = 0;
    ck_assert_int_eq(el_dial_verdict(attempts, 2, &error), verdicts[_i].status);
    ck_assert_int_eq(error, -verdicts[_i].error);
}
END_TEST

/* ICMPv6 "administratively prohibited" comes back as EACCES; connect(2) of a `prohibit` route says so too. */
static const struct {
    int error;
    bool under_way;
    enum el_dial_status status;
    const char *hint;
} prohibitions[] = {
    {EACCES, true, EL_DIAL_NOT_CONNECTED, "a router"},
    {EPERM, true, EL_DIAL_NOT_CONNECTED, "a router"},
    {EACCES, false, EL_DIAL_LOCAL, "a prohibit route"},
    {EPERM, false, EL_DIAL_LOCAL, "a local firewall rule"},
};

START_TEST(a_prohibition_is_local_only_if_connect_said_it_at_once)
{
    const struct el_attempt attempts[] = {
        {.peer = literal("::1", 7007),
         .error = -prohibitions[_i].error,
         .under_way = prohibitions[_i].under_way},
        {.peer = literal("127.0.0.1", 7007), .error = -ETIMEDOUT, .under_way = true},
    };
    int error = 0;
    enum el_dial_status status = el_dial_verdict(attempts, 2, &error);
    ck_assert_int_eq(status, prohibitions[_i].status);
    ck_assert_int_eq(error, -prohibitions[_i].error);
    ck_assert_ptr_nonnull(strstr(el_dial_hint(status, error), prohibitions[_i].hint));
}
END_TEST

START_TEST(a_refusal_tells_more_than_a_routers_prohibition)
{
    const struct el_attempt attempts[] = {
        {.peer = literal("::1", 7007), .error = -EACCES, .under_way = true},
        {.peer = literal("127.0.0.1", 7007), .error = -ECONNREFUSED, .under_way = true},
    };
    int error = 0;
    ck_assert_int_eq(el_dial_verdict(attempts, 2, &error), EL_DIAL_NOT_CONNECTED);
    ck_assert_int_eq(error, -ECONNREFUSED);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 40);
    suite_add_tcase(suite, t);
    return t;
}

static Suite *dialer_suite(void)
{
    Suite *suite = suite_create("dialer");
    TCase *t = add_case(suite, "TCP");
    tcase_add_loop_test(t, a_literal_is_connected_to, 0, 2);
    tcase_add_test(t, the_one_address_that_listens_is_found);
    tcase_add_loop_test(t, family_leaves_only_that_family, 0, 2);
    tcase_add_test(t, refused_everywhere_is_told_at_once);
    tcase_add_test(t, a_silent_ipv6_costs_one_attempt_delay);
    tcase_add_test(t, the_attempt_delay_is_the_callers_choice);

    t = add_case(suite, "deadline");
    tcase_add_test(t, a_peer_that_never_answers_is_timed_out_and_not_before_the_deadline);
    tcase_add_test(t, one_silent_peer_beside_a_refusal_is_a_timeout);
    tcase_add_test(t, no_attempt_begins_after_the_deadline);
    tcase_add_test(t, a_deadline_that_is_past_lets_nothing_begin);
    tcase_add_test(t, a_deadline_that_passes_during_the_lookup_lets_nothing_begin);

    t = add_case(suite, "two answers");
    tcase_add_test(t, aaaa_dropped);
    tcase_add_test(t, a_late_aaaa_joins_the_race);
    tcase_add_test(t, a_refusal_is_the_news_when_only_dns_is_awaited_at_the_deadline);

    t = add_case(suite, "no address");
    tcase_add_test(t, a_name_that_does_not_exist_is_not_resolved_at_once);
    tcase_add_test(t, a_silent_dns_server_ends_as_not_resolved_at_the_deadline);
    tcase_add_test(t, a_dns_server_silent_in_every_try_ends_as_not_resolved_before_the_deadline);
    tcase_add_test(t, a_dns_server_that_is_not_there_ends_as_not_resolved_before_it);
    tcase_add_test(t, a_literal_of_the_other_family_is_not_resolved);

    t = add_case(suite, "this machine");
    tcase_add_test(t, the_source_address_settles_the_family);
    tcase_add_test(t, a_source_of_the_other_family_is_a_local_error);
    tcase_add_test(t, an_interface_that_is_not_there_is_a_local_error);
    tcase_add_test(t, a_source_that_no_interface_has_is_a_local_error);
    tcase_add_test(t, without_a_free_descriptor_it_is_a_local_error);
    tcase_add_test(t, a_connection_to_itself_fails_and_the_next_address_is_tried);
    tcase_add_test(t, a_connection_to_itself_alone_is_not_connected);

    t = add_case(suite, "UDP");
    tcase_add_test(t, udp_is_connected_to_the_first_address_and_nothing_is_sent);
    tcase_add_loop_test(t, udp_goes_to_the_address_that_has_a_route, 0, 2);
    tcase_add_loop_test(t, unconnected_udp_has_a_peer_but_the_socket_does_not, 0, 2);

    t = add_case(suite, "life");
    tcase_add_loop_test(t, cancel_at_any_moment_is_silent_and_leaves_nothing, 0, 9);
    tcase_add_loop_test(t, cancel_while_dns_is_asked_is_silent, 0, 4);
    tcase_add_test(t, cancelling_nothing_is_fine);
    tcase_add_test(t, done_may_free_the_resolver);
    tcase_add_test(t, done_may_dial_again);

    t = add_case(suite, "explain");
    tcase_add_test(t, explain_tells_the_states_of_a_tcp_connection);
    tcase_add_test(t, explain_tells_how_udp_differs);
    tcase_add_test(t, explain_tells_how_it_ended_without_a_socket);

    t = add_case(suite, "verdict");
    tcase_add_loop_test(t, the_most_telling_error_is_told, 0,
                        (int)(sizeof verdicts / sizeof *verdicts));
    tcase_add_loop_test(t, a_prohibition_is_local_only_if_connect_said_it_at_once, 0,
                        sizeof prohibitions / sizeof prohibitions[0]);
    tcase_add_test(t, a_refusal_tells_more_than_a_routers_prohibition);
    return suite;
}

int main(void)
{
    return unit_main(dialer_suite());
}
