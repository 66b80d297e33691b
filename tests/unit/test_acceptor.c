/* test_acceptor.c - the accept loop: its limits, and what it does when no descriptor is left. On loopback, the loop turned by hand. */
#include "../lib/unit.h"
#include "acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 100, DESCRIPTORS = 64 };

struct server {
    struct el_worker_context context;
    struct el_admission *admission;
    struct el_acceptor *acceptor;
    struct el_acceptor_counters counters;
    struct el_narrator narrator; /* zeroed: silent */
    char said[256];              /* the last warning */
    struct el_address address;
    int listener, client[CLIENTS], taken[CLIENTS];
    unsigned count;
};

static void on_accepted(void *arg, int fd, const struct el_address *peer)
{
    struct server *server = arg;
    ck_assert(el_address_is_loopback(peer));
    server->taken[server->count++] = fd;
}

static void on_said(void *arg, const struct el_event *event)
{
    struct server *server = arg;
    if (!event->narration && event->level == EL_WARN)
        snprintf(server->said, sizeof server->said, "%s", event->text);
}

static void server_listen(struct server *server, uint64_t max_total, uint64_t max_per_source)
{
    const struct el_address any = {
        .length = sizeof any.in,
        .in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    *server = (struct server){.address = any};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server->listener, &any.sa, any.length), 0);
    ck_assert_int_eq(listen(server->listener, CLIENTS), 0);
    ck_assert_int_eq(el_socket_local(server->listener, &server->address), 0);
    server->admission = el_admission_new(
        &(struct el_admission_args){.max_total = max_total, .max_per_source = max_per_source});
    struct el_trace_args said = {.sink = on_said, .arg = server, .level = EL_WARN};
    server->context = (struct el_worker_context){.base = event_base_new(),
                                                 .trace = el_trace_new(&said),
                                                 .sockets = &server->listener,
                                                 .addresses = &server->address,
                                                 .socket_count = 1,
                                                 .workers = 1};
}

static void server_accept(struct server *server)
{
    server->acceptor = el_acceptor_new(&(struct el_acceptor_args){.context = &server->context,
                                                                  .admission = server->admission,
                                                                  .narrator = &server->narrator,
                                                                  .counters = &server->counters,
                                                                  .accepted = on_accepted,
                                                                  .arg = server});
    ck_assert_ptr_nonnull(server->acceptor);
}

static void server_open(struct server *server, uint64_t max_total, uint64_t max_per_source)
{
    server_listen(server, max_total, max_per_source);
    server_accept(server);
}

static void server_close(struct server *server)
{
    el_acceptor_free(server->acceptor);
    el_admission_free(server->admission);
    for (unsigned i = 0; i < server->count; i++)
        close(server->taken[i]);
    close(server->listener);
    event_base_free(server->context.base);
    el_trace_free(server->context.trace);
}

/* Connects so many; on loopback the handshake is over when connect(2) returns. */
static void connect_clients(struct server *server, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        server->client[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(server->client[i], 0);
        ck_assert_int_eq(connect(server->client[i], &server->address.sa, server->address.length),
                         0);
    }
}

/* Was this client turned away by a reset, and not by something that looks like an end? */
static bool is_reset(int client)
{
    char byte;
    return recv(client, &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNRESET;
}

static void turn(struct server *server)
{
    event_base_loop(server->context.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void on_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    *(bool *)arg = true;
}

/* Turns the loop for so long; returns how often it woke up. */
static unsigned wake_ups_in(struct server *server, suseconds_t microseconds)
{
    const struct timeval length = {.tv_usec = microseconds};
    unsigned wake_ups = 0;
    bool over = false;
    event_base_once(server->context.base, -1, EV_TIMEOUT, on_over, &over, &length);
    for (; !over && event_base_loop(server->context.base, EVLOOP_ONCE) == 0; wake_ups++)
        ;
    return wake_ups;
}

START_TEST(a_wake_up_takes_in_64_and_the_next_the_others)
{
    struct server server;
    server_open(&server, CLIENTS, 0);
    connect_clients(&server, 0, CLIENTS);
    turn(&server);
    ck_assert_uint_eq(server.count, 64);
    turn(&server);
    ck_assert_uint_eq(server.count, CLIENTS);
    ck_assert_uint_eq(server.counters.accept_paused, 0);
    server_close(&server);
}
END_TEST

START_TEST(whoever_is_too_many_is_reset_and_counted)
{
    struct server server;
    server_open(&server, 3, 0);
    connect_clients(&server, 0, 5);
    turn(&server);
    ck_assert_uint_eq(server.count, 3);
    ck_assert_uint_eq(server.counters.rejected_full, 2);
    ck_assert_uint_eq(server.counters.rejected_source, 0);
    ck_assert(!is_reset(server.client[2]));
    ck_assert(is_reset(server.client[3]));
    ck_assert(is_reset(server.client[4]));
    ck_assert_ptr_nonnull(
        strstr(server.said, "turned away: the server is full (--max-connections)"));
    server_close(&server);
}
END_TEST

START_TEST(whoever_comes_too_often_from_one_source_is_reset_and_counted)
{
    struct server server;
    server_open(&server, CLIENTS, 2);
    connect_clients(&server, 0, 3);
    turn(&server);
    ck_assert_uint_eq(server.count, 2);
    ck_assert_uint_eq(server.counters.rejected_full, 0);
    ck_assert_uint_eq(server.counters.rejected_source, 1);
    ck_assert(is_reset(server.client[2]));
    ck_assert_ptr_nonnull(strstr(server.said, "turned away: too many from that source"));
    el_admission_leave(server.admission, &server.address); /* one goes, so one may come */
    connect_clients(&server, 3, 4);
    turn(&server);
    ck_assert_uint_eq(server.count, 3);
    server_close(&server);
}
END_TEST

/* Leaves room for one descriptor more, or for none. */
static int fill_descriptors(bool leave_one)
{
    const struct rlimit few = {DESCRIPTORS, DESCRIPTORS};
    int last = -1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        last = fd;
    ck_assert_int_eq(errno, EMFILE);
    if (leave_one)
        close(last);
    return last;
}

/* Those who wait are reset with the descriptor in reserve, the listener is silent for a moment, and then all is as before. */
START_TEST(without_a_descriptor_the_loop_sleeps)
{
    struct server server;
    server_open(&server, CLIENTS, 0);
    connect_clients(&server, 0, 5);
    int last = fill_descriptors(true);
    ck_assert_uint_le(wake_ups_in(&server, 250000), 6);
    ck_assert_uint_eq(server.count, 1);
    ck_assert_uint_eq(server.counters.rejected_descriptors, 4);
    ck_assert_uint_eq(server.counters.accept_paused, 1);
    ck_assert_str_eq(server.said, "accept: Too many open files: 4 turned away, accepting again in "
                                  "100 ms (see ulimit -n)");
    ck_assert(!is_reset(server.client[0]));
    for (size_t i = 1; i < 5; i++)
        ck_assert(is_reset(server.client[i]));

    close(last - 1);
    close(last - 2); /* one for the client that comes, one for the server */
    connect_clients(&server, 5, 6);
    wake_ups_in(&server, 250000);
    ck_assert_uint_eq(server.count, 2);
    server_close(&server);
}
END_TEST

/* Nobody can be told, they wait in the kernel's queue: the listener stays readable, and still the loop sleeps. */
START_TEST(where_even_the_reserve_is_gone_the_loop_sleeps)
{
    struct server server;
    server_listen(&server, CLIENTS, 0);
    connect_clients(&server, 0, 3);
    int last = fill_descriptors(false);
    server_accept(&server); /* it finds no descriptor to keep in reserve */
    ck_assert_uint_le(wake_ups_in(&server, 250000), 10);
    ck_assert_uint_eq(server.count, 0);
    ck_assert_uint_eq(server.counters.rejected_descriptors, 0);
    ck_assert_uint_le(server.counters.accept_paused, 3);
    for (int i = 0; i < 4; i++)
        close(last - i); /* a reserve, and one for each */
    wake_ups_in(&server, 250000);
    ck_assert_uint_eq(server.count, 3);
    server_close(&server);
}
END_TEST

/* Paused, nothing is looked at before the pause of a tenth of a second is over. */
START_TEST(a_pause_is_a_tenth_of_a_second_long)
{
    struct server server;
    server_open(&server, CLIENTS, 0);
    connect_clients(&server, 0, 2);
    int last = fill_descriptors(true);
    turn(&server);
    ck_assert_uint_eq(server.counters.accept_paused, 1);
    el_time before = el_now();
    close(last - 1);
    close(last - 2);
    connect_clients(&server, 2, 3);
    while (server.count < 2 && event_base_loop(server.context.base, EVLOOP_ONCE) == 0)
        ;
    ck_assert_int_ge(el_now() - before, 90 * EL_MS); /* libevent's clock is coarse: 4 ms */
    ck_assert_uint_eq(server.counters.rejected_descriptors, 1);
    server_close(&server);
}
END_TEST

START_TEST(a_drain_takes_in_who_is_waiting_and_nobody_after)
{
    struct server server;
    server_open(&server, CLIENTS, 0);
    connect_clients(&server, 0, CLIENTS - 1);
    el_acceptor_drain(server.acceptor);
    ck_assert_uint_eq(server.count, CLIENTS - 1);
    connect_clients(&server, CLIENTS - 1, CLIENTS);
    turn(&server);
    ck_assert_uint_eq(server.count, CLIENTS - 1);
    server_close(&server);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    el_acceptor_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acceptor");
    TCase *tests = tcase_create("acceptor");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_wake_up_takes_in_64_and_the_next_the_others);
    tcase_add_test(tests, whoever_is_too_many_is_reset_and_counted);
    tcase_add_test(tests, whoever_comes_too_often_from_one_source_is_reset_and_counted);
    tcase_add_test(tests, without_a_descriptor_the_loop_sleeps);
    tcase_add_test(tests, where_even_the_reserve_is_gone_the_loop_sleeps);
    tcase_add_test(tests, a_pause_is_a_tenth_of_a_second_long);
    tcase_add_test(tests, a_drain_takes_in_who_is_waiting_and_nobody_after);
    tcase_add_test(tests, freeing_nothing_is_fine);
    return unit_main(suite);
}
