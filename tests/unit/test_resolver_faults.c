/*
 * test_resolver_faults.c - socket calls of a lookup that fail in ways that no server can bring about.
 *
 * sendmsg(2) and connect(2) are ours here: one of them fails towards the server at `faulty_port`, as with a local firewall's
 * EPERM, or without a route.
 */
#include "../lib/lookup_run.h"
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct lookup_run run;
static int send_fault, connect_fault; /* an errno each, or 0 */
static uint16_t faulty_port;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct el_address peer = {.length = sizeof peer.in6};
    if (send_fault != 0 && getpeername(fd, &peer.sa, &peer.length) == 0 &&
        el_address_port(&peer) == faulty_port) {
        errno = send_fault;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those of glibc's header are reserved ones */
int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    const struct sockaddr_in *server = (const struct sockaddr_in *)(const void *)to;
    if (connect_fault != 0 && to->sa_family == AF_INET && ntohs(server->sin_port) == faulty_port) {
        errno = connect_fault;
        return -1;
    }
    return (int)syscall(SYS_connect, fd, to, length);
}

static const struct mock_rule both[] = {
    {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
    {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
};

static const struct {
    int send, connect;
} faults[] = {{.send = EPERM}, {.connect = ENETUNREACH}};

static void run_with_fault(size_t servers)
{
    run.resolver_args.server_count = servers;
    run.resolver_args.timeout = 10 * EL_S;
    faulty_port = el_address_port(&run.servers[0]);
    run_lookup(&run, "www.lab.");
    /* c-ares goes on at once when it is told, and waits for an answer when it is not. */
    ck_assert_int_lt(run.done_at - run.started, 5 * EL_S);
}

START_TEST(when_one_server_cannot_be_asked_the_next_is_at_once)
{
    run_begin(&run, both, 2);
    struct mock_dns *second = mock_dns_new(run.base, "127.0.0.1", both, 2);
    run.servers[1] = mock_dns_address(second);
    send_fault = faults[_i].send;
    connect_fault = faults[_i].connect;
    run_with_fault(2);
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    ck_assert_uint_eq(mock_dns_count(second, MOCK_ANY, MOCK_BOTH), 2);
    mock_dns_free(second);
    run_end(&run);
}
END_TEST

START_TEST(when_nobody_can_be_asked_that_is_said_with_the_reason)
{
    run_begin(&run, both, 2);
    send_fault = faults[_i].send;
    connect_fault = faults[_i].connect;
    run_with_fault(1);
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_UNREACHABLE);
    ck_assert_int_eq(run.v4.error, -(send_fault + connect_fault));
    run_end(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver faults");
    TCase *t = tcase_create("faults");
    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, when_one_server_cannot_be_asked_the_next_is_at_once, 0, 2);
    tcase_add_loop_test(t, when_nobody_can_be_asked_that_is_said_with_the_reason, 0, 2);
    return unit_main(suite);
}
