/*
 * test_resolver_faults.c - socket calls of a lookup that fail in ways that no server can bring about.
 *
 * sendmsg(2) is ours here: it fails with `fault` towards the server at `faulty_port`, as a local firewall's EPERM would.
 */
#include "../lib/lookup_run.h"
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct lookup_run run;
static int fault;
static uint16_t faulty_port;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct el_address peer = {.length = sizeof peer.in6};
    if (fault != 0 && getpeername(fd, &peer.sa, &peer.length) == 0 &&
        el_address_port(&peer) == faulty_port) {
        errno = fault;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

static const struct mock_rule both[] = {
    {.type = MOCK_A, .records = "www.lab A 10.77.0.2"},
    {.type = MOCK_AAAA, .records = "www.lab AAAA fd77::2"},
};

/* resolver_timeline.c: c-ares goes to the next server at once when it is told, and waits for an answer when it is not. */
START_TEST(when_sending_to_one_server_fails_the_next_is_asked_at_once)
{
    run_begin(&run, both, 2);
    struct mock_dns *second = mock_dns_new(run.base, "127.0.0.1", both, 2);
    run.servers[1] = mock_dns_address(second);
    run.resolver_args.server_count = 2;
    run.resolver_args.timeout = 10 * EL_S;
    fault = EPERM;
    faulty_port = el_address_port(&run.servers[0]);
    run_lookup(&run, "www.lab.");
    ck_assert_str_eq(addresses_of(&run.v4), "10.77.0.2");
    ck_assert_str_eq(addresses_of(&run.v6), "fd77::2");
    ck_assert_int_lt(run.done_at - run.started, 5 * EL_S);
    ck_assert_uint_eq(mock_dns_count(run.mock, MOCK_ANY, MOCK_BOTH), 0);
    ck_assert_uint_eq(mock_dns_count(second, MOCK_ANY, MOCK_BOTH), 2);
    ck_assert_int_eq(run.queries[0].error, -EPERM);
    mock_dns_free(second);
    run_end(&run);
}
END_TEST

START_TEST(when_nothing_can_be_sent_that_is_said_with_the_reason)
{
    run_begin(&run, both, 2);
    run.resolver_args.timeout = 10 * EL_S;
    fault = EPERM;
    faulty_port = el_address_port(&run.servers[0]);
    run_lookup(&run, "www.lab.");
    ck_assert_int_eq(run.v4.status, EL_LOOKUP_UNREACHABLE);
    ck_assert_int_eq(run.v4.error, -EPERM);
    ck_assert_int_lt(run.done_at - run.started, 5 * EL_S);
    run_end(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver faults");
    TCase *t = tcase_create("send");
    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, when_sending_to_one_server_fails_the_next_is_asked_at_once);
    tcase_add_test(t, when_nothing_can_be_sent_that_is_said_with_the_reason);
    return unit_main(suite);
}
