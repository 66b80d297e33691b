/* test_echo_stream.c - the echo of many connections, on socket pairs, with the loop turned by hand. */
#include "../lib/unit.h"
#include "echo_stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
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

/* ---- a client that reads late, or never ------------------------------------------------------- */

enum { MOST = 8 << 20 }; /* far more than two socket buffers and the server's own hold */

/* What is sent and what must come back: each byte tells where in the stream it is. */
static unsigned char byte_at(size_t offset)
{
    return (unsigned char)(offset * 31 + offset / 251);
}

/* Sends on until nothing more goes in, or MOST has; the server has its turns meanwhile. Returns how much went. */
static size_t send_until_full(struct server *server, int fd)
{
    unsigned char bytes[4096];
    size_t sent = 0;
    for (unsigned refused = 0; sent < MOST && refused < 100;) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = byte_at(sent + i);
        ssize_t n = send(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        refused = n < 0 ? refused + 1 : 0;
        sent += n < 0 ? 0 : (size_t)n;
        event_base_loop(server->base, EVLOOP_NONBLOCK);
    }
    return sent;
}

/* Reads until the end, or until a second has brought nothing. Returns how much came; the bytes must be right. */
static size_t read_to_the_end(struct server *server, int fd, bool *ended)
{
    unsigned char bytes[4096];
    size_t got = 0;
    el_time limit = el_time_after(el_now(), EL_S);
    *ended = false;
    while (!*ended && el_now() < limit) {
        event_base_loop(server->base, EVLOOP_NONBLOCK);
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        *ended = n == 0;
        for (ssize_t i = 0; i < n; i++)
            unit_holds(bytes[i] == byte_at(got + (size_t)i), "the echo");
        if (n > 0)
            limit = el_time_after(el_now(), EL_S);
        got += n > 0 ? (size_t)n : 0;
    }
    return got;
}

START_TEST(what_the_kernel_does_not_take_is_kept_and_sent_later)
{
    struct server server;
    bool ended;
    server_open(&server, (struct el_limits_args){0});
    size_t sent = send_until_full(&server, server.client[0]);
    ck_assert_uint_eq(shutdown(server.client[0], SHUT_WR), 0);
    ck_assert_uint_eq(read_to_the_end(&server, server.client[0], &ended), sent);
    ck_assert(ended); /* and then the end: a half-close is answered when all has been echoed */
    ck_assert_uint_eq(server.counters.bytes_in, sent);
    ck_assert_uint_eq(server.counters.bytes_out, sent);
    ck_assert_uint_eq(server.counters.resets + server.counters.errors, 0);
    ck_assert_uint_eq(server.counters.closed, 1);
    server_close(&server);
}
END_TEST

/* The peer's FIN is there while its echo still waits here: it may be reading, and is owed every byte. */
START_TEST(a_half_close_while_bytes_are_owed_loses_none)
{
    struct server server;
    unsigned char bytes[4096];
    size_t sent = 0;
    bool ended;
    server_open(&server, (struct el_limits_args){0});
    while (server.counters.bytes_in == server.counters.bytes_out && sent < MOST) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = byte_at(sent + i);
        ssize_t n = send(server.client[0], bytes, sizeof bytes, MSG_DONTWAIT);
        sent += n < 0 ? 0 : (size_t)n;
        event_base_loop(server.base, EVLOOP_NONBLOCK);
    }
    ck_assert_uint_gt(server.counters.bytes_in, server.counters.bytes_out);
    ck_assert_int_eq(shutdown(server.client[0], SHUT_WR), 0);
    event_base_loop(server.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(read_to_the_end(&server, server.client[0], &ended), sent);
    ck_assert(ended);
    server_close(&server);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_from)
{
    struct server server;
    server_open(&server, (struct el_limits_args){0});
    size_t sent = send_until_full(&server, server.client[0]);
    ck_assert_uint_lt(sent, MOST / 2);
    /* One buffer of ours is all that is held for it; and the others are served. */
    ck_assert_uint_le(server.counters.bytes_in - server.counters.bytes_out, 4096);
    ck_assert_uint_eq(send(server.client[1], "x", 1, 0), 1);
    for (int turn = 0; turn < 10; turn++)
        event_base_loop(server.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(echoed(&server), 1); /* what the first has waiting begins with a NUL */
    server_close(&server);
}
END_TEST

/* It waits without a wake-up, and starts to read again after the rest has gone, not before. */
START_TEST(a_server_that_waits_for_a_reader_sleeps)
{
    struct server server;
    unsigned turns = 0;
    server_open(&server, (struct el_limits_args){0});
    send_until_full(&server, server.client[0]);
    const struct timeval tenth = {.tv_usec = 100000};
    bool over = false;
    event_base_once(server.base, -1, EV_TIMEOUT, on_over, &over, &tenth);
    for (; !over && event_base_loop(server.base, EVLOOP_ONCE) == 0; turns++)
        ;
    ck_assert_uint_le(turns, 2);
    server_close(&server);
}
END_TEST

START_TEST(whoever_does_not_read_its_echo_is_cut_off_at_the_write_limit)
{
    struct server server;
    server_open(&server, (struct el_limits_args){.write = 80 * EL_MS});
    send_until_full(&server, server.client[0]);
    while (server.counters.closed == 0 && event_base_loop(server.base, EVLOOP_ONCE) == 0)
        ;
    ck_assert_uint_eq(server.counters.timed_out_write, 1);
    ck_assert_uint_eq(server.counters.active, CLIENTS - 1);
    server_close(&server);
}
END_TEST

/* A connection over TCP with small buffers: pair[1] is the server's end. */
static void tcp_pair(int pair[2])
{
    const int small = 4096;
    struct el_address at = {
        .length = sizeof at.in,
        .in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ck_assert_int_eq(bind(listener, &at.sa, at.length), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(el_socket_local(listener, &at), 0);
    ck_assert_int_eq(connect(pair[0], &at.sa, at.length), 0);
    pair[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(pair[1], 0);
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    close(listener);
}

/* Not a FIN behind what it does not read, which the kernel would have to keep for it: a reset, though all it sent was read. */
START_TEST(whoever_is_cut_off_at_the_write_limit_is_reset)
{
    struct server server;
    const struct el_address peer = {.length = 0};
    unsigned char bytes[4096] = {0};
    int pair[2];
    ssize_t got;
    server_open(&server, (struct el_limits_args){.write = 80 * EL_MS});
    tcp_pair(pair);
    el_echo_add(server.echo, pair[1], &peer);
    size_t sent =
        0; /* no more before the last was read: what close(2) finds unread resets by itself */
    while (server.counters.bytes_in == server.counters.bytes_out) {
        if (server.counters.bytes_in == sent)
            sent += (size_t)send(pair[0], bytes, sizeof bytes, 0);
        event_base_loop(server.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    }
    ck_assert_uint_eq(server.counters.bytes_in, sent);
    while (server.counters.closed == 0 && event_base_loop(server.base, EVLOOP_ONCE) == 0)
        ;
    ck_assert_uint_eq(server.counters.timed_out_write, 1);
    while ((got = recv(pair[0], bytes, sizeof bytes, 0)) > 0)
        ;
    ck_assert_int_eq(got, -1);
    ck_assert_int_eq(errno, ECONNRESET);
    close(pair[0]);
    el_echo_free(server.echo);
    event_base_free(server.base);
}
END_TEST

START_TEST(a_lifetime_ends_for_whoever_is_busy_too)
{
    struct server server;
    server_open(&server, (struct el_limits_args){.lifetime = 100 * EL_MS});
    while (server.counters.active > 0 && event_base_loop(server.base, EVLOOP_ONCE) == 0) {
        for (size_t i = 0; i < CLIENTS; i++)
            send(server.client[i], "x", 1, MSG_NOSIGNAL);
        echoed(&server);
    }
    ck_assert_uint_eq(server.counters.timed_out_lifetime, CLIENTS);
    server_close(&server);
}
END_TEST

/* The peer dies while its echo waits here: one reset is counted, one connection freed, and the others live. */
START_TEST(a_client_that_goes_while_it_is_owed_bytes_costs_only_itself)
{
    struct server server;
    signal(SIGPIPE, SIG_IGN); /* as service.c does */
    server_open(&server, (struct el_limits_args){0});
    send_until_full(&server, server.client[0]);
    close(server.client[0]);
    for (int turn = 0; turn < 10; turn++)
        event_base_loop(server.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(server.counters.resets, 1);
    ck_assert_uint_eq(server.counters.errors, 0);
    ck_assert_uint_eq(server.counters.closed, 1);
    ck_assert_uint_eq(server.counters.active, CLIENTS - 1);
    ck_assert_uint_eq(server.ended, 1);
    server.client[0] = -1;
    ck_assert_uint_eq(send(server.client[1], "x", 1, 0), 1);
    for (int turn = 0; turn < 10; turn++)
        event_base_loop(server.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(echoed(&server), 1);
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
    tcase_add_test(tests, what_the_kernel_does_not_take_is_kept_and_sent_later);
    tcase_add_test(tests, a_half_close_while_bytes_are_owed_loses_none);
    tcase_add_test(tests, a_client_that_does_not_read_is_not_read_from);
    tcase_add_test(tests, a_server_that_waits_for_a_reader_sleeps);
    tcase_add_test(tests, whoever_does_not_read_its_echo_is_cut_off_at_the_write_limit);
    tcase_add_test(tests, whoever_is_cut_off_at_the_write_limit_is_reset);
    tcase_add_test(tests, a_lifetime_ends_for_whoever_is_busy_too);
    tcase_add_test(tests, a_client_that_goes_while_it_is_owed_bytes_costs_only_itself);
    return unit_main(suite);
}
