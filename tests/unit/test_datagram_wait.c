/* test_datagram_wait.c - waiting inside recvmmsg(2), and doing without IP_PKTINFO where it tells nothing. */
#include "datagram.h"
#include "socket.h"
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

static int server, client;
static struct el_address server_at;
static struct el_datagram_batch *batch;

/* A socket as servers have it: with packet info, and blocking. */
static int open_on(const char *host, struct el_address *bound)
{
    struct el_socket_args args = {.type = SOCK_DGRAM, .tos = -1, .packet_info = true};
    ck_assert_int_eq(el_address_from_literal(host, 0, &args.local), 0);
    args.receive_buffer = 65536;
    int fd = el_socket_open(el_address_family(&args.local), &args, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
    ck_assert_int_eq(el_socket_local(fd, bound), 0);
    return fd;
}

static void start(const char *host)
{
    struct el_address client_at;
    server = open_on(host, &server_at);
    client = open_on(el_address_family(&server_at) == AF_INET ? "127.0.0.1" : "::1", &client_at);
    batch = el_datagram_batch_new(
        &(struct el_datagram_batch_args){.capacity = 4, .max_datagram = 100, .gso = true});
    ck_assert_ptr_nonnull(batch);
}

static void finish(void)
{
    el_datagram_batch_free(batch);
    el_socket_close(server);
    el_socket_close(client);
}

static void setup(void)
{
    start("127.0.0.1");
}

static void send_bytes(const void *bytes, size_t length)
{
    ck_assert_int_eq(el_datagram_send(client, bytes, length, &server_at), (ssize_t)length);
}

static void *wait_in_a_thread(void *result)
{
    *(int *)result = el_datagram_wait(batch, server);
    return NULL;
}

START_TEST(it_takes_what_is_there_and_waits_for_no_more)
{
    send_bytes("one", 3);
    send_bytes("", 0);
    send_bytes("three", 5);
    ck_assert_int_eq(el_datagram_wait(batch, server), 3);
    ck_assert_uint_eq(el_datagram_at(batch, 1)->length, 0);
    ck_assert_int_eq(memcmp(el_datagram_at(batch, 2)->data, "three", 5), 0);
    send_bytes("",
               0); /* alone: a datagram, though recvmmsg(2) says the same of a socket shut down */
    ck_assert_int_eq(el_datagram_wait(batch, server), 1);
    ck_assert_uint_ne(el_datagram_at(batch, 0)->peer.length, 0);
}
END_TEST

START_TEST(it_waits_for_the_first)
{
    pthread_t thread;
    int got = -1;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_a_thread, &got), 0);
    send_bytes("late", 4);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(got, 1);
}
END_TEST

START_TEST(a_shutdown_ends_the_wait_and_every_later_one)
{
    pthread_t thread;
    int got = -1;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_a_thread, &got), 0);
    shutdown(server, SHUT_RD); /* ENOTCONN, and done all the same */
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(got, 0);
    ck_assert_int_eq(el_datagram_wait(batch, server), 0);
}
END_TEST

START_TEST(what_came_before_a_shutdown_comes_first)
{
    send_bytes("before", 6);
    shutdown(server, SHUT_RD);
    ck_assert_int_eq(el_datagram_wait(batch, server), 1);
    ck_assert_uint_eq(el_datagram_at(batch, 0)->length, 6);
    ck_assert_int_eq(el_datagram_wait(batch, server), 0);
}
END_TEST

START_TEST(what_the_socket_had_no_room_for_can_be_asked)
{
    enum { MANY = 4000 };
    unsigned got = 0;
    ck_assert_uint_eq(el_datagram_drops(server), 0);
    for (unsigned i = 0; i < MANY; i++)
        send_bytes("x", 1);
    for (int n; (n = el_datagram_receive(batch, server)) > 0;)
        got += (unsigned)n;
    ck_assert_uint_lt(got, MANY);
    ck_assert_uint_eq(got + el_datagram_drops(server), MANY);
    ck_assert_uint_eq(el_datagram_drops(-1), 0);
}
END_TEST

/* ---- doing without packet info ----------------------------------------------------------------- */

static const struct {
    const char *host;
    unsigned interface; /* known beforehand */
    bool forgone;
} addresses[] = {
    {"127.0.0.1", EL_LOOPBACK_INDEX, true},
    {"127.0.0.9", EL_LOOPBACK_INDEX, true},
    {"::1", EL_LOOPBACK_INDEX, true},
    {"0.0.0.0", 0, false},
    {"::", 0, false},
    {"127.255.255.255", 0, false}, /* the broadcast address of lo */
    {"224.0.0.7", 0, false},
};

START_TEST(packet_info_stays_where_one_socket_has_several_addresses)
{
    start(addresses[_i].host);
    ck_assert_uint_eq(el_datagram_forgo_packet_info(server, &server_at), addresses[_i].interface);
    int v4 = el_address_family(&server_at) == AF_INET, on = -1;
    socklen_t length = sizeof on;
    ck_assert_int_eq(getsockopt(server, v4 ? IPPROTO_IP : IPPROTO_IPV6,
                                v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, &length),
                     0);
    ck_assert_int_eq(on, !addresses[_i].forgone);
    finish();
}
END_TEST

/* The reply of a socket on 127.0.0.9 to one on 127.0.0.1: left to itself, the kernel answers from where it is bound. */
START_TEST(without_packet_info_the_reply_still_leaves_from_the_address_that_was_probed)
{
    struct el_datagram_sent sent = {0};
    struct el_address from = {.length = sizeof from.in6};
    char byte;
    start(addresses[_i].host);
    el_datagram_forgo_packet_info(server, &server_at);
    send_bytes("x", 1);
    ck_assert_int_eq(el_datagram_wait(batch, server), 1);
    ck_assert_uint_eq(el_datagram_at(batch, 0)->local.length, 0);
    ck_assert_int_eq(el_datagram_reply(batch, server, 1, &(bool){true}, &sent), 0);
    ck_assert_uint_eq(sent.sent, 1);
    ck_assert_int_eq(recvfrom(client, &byte, 1, 0, &from.sa, &from.length), 1);
    ck_assert(el_address_equal(&from, &server_at));
    finish();
}
END_TEST

/* To bind it to "lo" now would take it out of the group of sockets that share its port, and leave them without work. */
START_TEST(a_shared_port_keeps_packet_info)
{
    int on = 1;
    ck_assert_int_eq(setsockopt(server, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    ck_assert_uint_eq(el_datagram_forgo_packet_info(server, &server_at), 0);
    send_bytes("x", 1);
    ck_assert_int_eq(el_datagram_wait(batch, server), 1);
    ck_assert_uint_eq(el_datagram_at(batch, 0)->interface, EL_LOOPBACK_INDEX);
}
END_TEST

static Suite *datagram_wait_suite(void)
{
    Suite *suite = suite_create("datagram_wait");
    TCase *t = tcase_create("wait");
    tcase_add_checked_fixture(t, setup, finish);
    tcase_add_test(t, it_takes_what_is_there_and_waits_for_no_more);
    tcase_add_test(t, it_waits_for_the_first);
    tcase_add_test(t, a_shutdown_ends_the_wait_and_every_later_one);
    tcase_add_test(t, what_came_before_a_shutdown_comes_first);
    tcase_add_test(t, what_the_socket_had_no_room_for_can_be_asked);
    tcase_add_test(t, a_shared_port_keeps_packet_info);
    suite_add_tcase(suite, t);

    t = tcase_create("packet info");
    tcase_add_loop_test(t, packet_info_stays_where_one_socket_has_several_addresses, 0,
                        sizeof addresses / sizeof *addresses);
    tcase_add_loop_test(
        t, without_packet_info_the_reply_still_leaves_from_the_address_that_was_probed, 0, 3);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return unit_main(datagram_wait_suite());
}
