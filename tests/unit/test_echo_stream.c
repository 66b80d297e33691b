/* test_echo_stream.c - the echo of many connections, on socket pairs, with the loop turned by hand. */
#include "../lib/unit.h"
#include "echo_stream.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than libevent asks epoll_wait(2) for in its first wait (32). */
enum { CLIENTS = 100 };

struct server {
    struct event_base *base;
    struct el_echo *echo;
    struct el_echo_counters counters;
    struct el_narrator narrator; /* zeroed: silent */
    unsigned ended;
    int client[CLIENTS];
};

static void on_ended(void *arg, const struct el_address *peer)
{
    struct server *server = arg;
    (void)peer;
    server->ended++;
}

static void server_open(struct server *server, struct el_limits_args limits)
{
    *server = (struct server){.base = event_base_new()};
    server->echo = el_echo_new(&(struct el_echo_args){
        .base = server->base,
        .narrator = &server->narrator,
        .counters = &server->counters,
        .limits = limits,
        .buffer = 4096,
        .ended = on_ended,
        .arg = server,
    });
    ck_assert_ptr_nonnull(server->echo);
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct el_address peer = {.length = 0};
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        server->client[i] = pair[0];
        el_echo_add(server->echo, pair[1], &peer);
    }
}

static void server_close(struct server *server)
{
    el_echo_free(server->echo);
    ck_assert_uint_eq(server->ended, CLIENTS);
    ck_assert_uint_eq(server->counters.active, 0);
    ck_assert_uint_eq(server->counters.closed, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++)
        close(server->client[i]);
    event_base_free(server->base);
}

static void all_send(const struct server *server)
{
    for (size_t i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(send(server->client[i], "x", 1, 0), 1);
}

/* How many have their byte back. */
static unsigned echoed(const struct server *server)
{
    unsigned count = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        char byte = 0;
        if (recv(server->client[i], &byte, 1, 0) == 1 && byte == 'x')
            count++;
    }
    return count;
}

START_TEST(each_of_many_gets_its_byte_back)
{
    struct server server;
    server_open(&server, (struct el_limits_args){.idle = EL_S});
    unsigned answered = 0;
    all_send(&server);
    while (answered < CLIENTS && event_base_loop(server.base, EVLOOP_ONCE) == 0)
        answered += echoed(&server);
    ck_assert_uint_eq(server.counters.bytes_in, CLIENTS);
    ck_assert_uint_eq(server.counters.bytes_out, CLIENTS);
    server_close(&server);
}
END_TEST

/* Two looks of the drain with bytes in between that one turn of the loop does not come to. */
START_TEST(a_drain_closes_nobody_whose_bytes_are_unread)
{
    struct server server;
    server_open(&server, (struct el_limits_args){0});
    el_echo_drain(server.echo);
    event_base_loop(server.base, EVLOOP_ONCE); /* until the first look: nothing else can happen */
    all_send(&server);
    poll(NULL, 0, 300); /* the second is due */
    unsigned answered = 0;
    while (answered < CLIENTS && server.ended == 0 &&
           event_base_loop(server.base, EVLOOP_ONCE) == 0)
        answered += echoed(&server);
    ck_assert_uint_eq(answered, CLIENTS);
    while (server.counters.active > 0 && event_base_loop(server.base, EVLOOP_ONCE) == 0)
        ; /* and then, as they say no more, it lets them go */
    ck_assert_uint_eq(server.counters.resets + server.counters.errors, 0);
    server_close(&server);
}
END_TEST

START_TEST(whoever_is_idle_too_long_is_closed)
{
    struct server server;
    server_open(&server, (struct el_limits_args){.idle = 50 * EL_MS});
    while (server.counters.active > 0 && event_base_loop(server.base, EVLOOP_ONCE) == 0)
        ;
    ck_assert_uint_eq(server.counters.timed_out_idle, CLIENTS);
    server_close(&server);
}
END_TEST

static void on_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    *(bool *)arg = true;
}

/* In a tenth of a second the loop wakes up for the last tick and for our timer, and not twenty times. */
START_TEST(a_server_without_clients_sleeps)
{
    struct server server;
    server_open(&server, (struct el_limits_args){.idle = 50 * EL_MS});
    while (server.counters.active > 0 && event_base_loop(server.base, EVLOOP_ONCE) == 0)
        ;
    const struct timeval tenth = {.tv_usec = 100000};
    unsigned wake_ups = 0;
    bool over = false;
    event_base_once(server.base, -1, EV_TIMEOUT, on_over, &over, &tenth);
    for (; !over && event_base_loop(server.base, EVLOOP_ONCE) == 0; wake_ups++)
        ;
    ck_assert_uint_le(wake_ups, 2);
    server_close(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("echo_stream");
    TCase *tests = tcase_create("echo_stream");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, each_of_many_gets_its_byte_back);
    tcase_add_test(tests, a_drain_closes_nobody_whose_bytes_are_unread);
    tcase_add_test(tests, whoever_is_idle_too_long_is_closed);
    tcase_add_test(tests, a_server_without_clients_sleeps);
    return unit_main(suite);
}
