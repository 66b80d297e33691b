/*
 * test_happy_eyeballs.c - whole connection races in virtual time, each beside the words of RFC 8305
 * that it holds.
 *
 * Time is a number here: `0` and `250 * EL_MS` are instants that this file chose. So the exact
 * instant of each attempt is asserted, and the tests take no time.
 */
#include "../lib/unit.h"
#include "happy_eyeballs.h"

#include <errno.h>
#include <stdio.h>

enum { V6, V4 };

/* [2001:db8::n]:7007 or 192.0.2.n:7007 (the documentation ranges of RFC 3849 and RFC 5737). */
static struct el_address address_number(int family, unsigned n)
{
    char text[64];
    struct el_address address;
    snprintf(text, sizeof text, family == V6 ? "2001:db8::%u" : "192.0.2.%u", n);
    ck_assert_int_eq(el_address_from_literal(text, 7007, &address), 0);
    return address;
}

static struct el_happy *happy; /* each test runs in a process of its own */

static void start_with(struct el_happy_args args)
{
    happy = el_happy_new(&args);
    ck_assert_ptr_nonnull(happy);
}

static void start(void)
{
    start_with((struct el_happy_args){.want_v6 = true, .want_v4 = true});
}

static void finish(void)
{
    el_happy_free(happy);
}

/* What the resolver hands over: a destination and the source the kernel would use for it. */
static struct el_route_pair route_to(int family, unsigned n)
{
    return (struct el_route_pair){address_number(family, n), address_number(family, 99), false};
}

/* An answer of `count` addresses numbered 1, 2, ... */
static void answer(int family, unsigned count, el_time now)
{
    struct el_route_pair routes[8];
    for (unsigned i = 0; i < count; i++)
        routes[i] = route_to(family, i + 1);
    ck_assert_int_eq(el_happy_answer(happy, family == V6 ? AF_INET6 : AF_INET, routes, count, now),
                     0);
}

static void expect_connect(el_time now, int family, unsigned number, unsigned attempt)
{
    struct el_happy_output output = el_happy_next(happy, now);
    struct el_address wanted = address_number(family, number);
    char got_text[EL_ADDRESS_TEXT], wanted_text[EL_ADDRESS_TEXT];
    ck_assert_int_eq(output.action, EL_HAPPY_CONNECT);
    ck_assert_str_eq(el_address_print(&output.address, got_text),
                     el_address_print(&wanted, wanted_text));
    ck_assert_uint_eq(output.attempt, attempt);
    ck_assert_ptr_nonnull(output.reason);
}

static void expect_wait(el_time now, el_time until)
{
    struct el_happy_output output = el_happy_next(happy, now);
    ck_assert_int_eq(output.action, EL_HAPPY_WAIT);
    ck_assert_int_eq(output.until, until);
    ck_assert_ptr_nonnull(output.reason);
}

static void expect_attempt(el_time now, enum el_happy_action action, unsigned attempt)
{
    struct el_happy_output output = el_happy_next(happy, now);
    ck_assert_int_eq(output.action, action);
    ck_assert_uint_eq(output.attempt, attempt);
}

static void expect_failed(el_time now)
{
    ck_assert_int_eq(el_happy_next(happy, now).action, EL_HAPPY_FAILED);
}

static void expect_reason(el_time now, const char *reason)
{
    struct el_happy_output output = el_happy_next(happy, now);
    ck_assert_int_eq(output.action, EL_HAPPY_CONNECT);
    ck_assert_msg(strstr(output.reason, reason) != NULL, "'%s' is not in '%s'", reason,
                  output.reason);
}

/* ---- section 3: hostname resolution ---------------------------------------------------------- */

/* 3: "Implementations SHOULD NOT wait for both families of answers to return before attempting
 * connection establishment." A positive AAAA that is first starts the first IPv6 attempt at once.
 */
START_TEST(aaaa_first_starts_at_once_without_waiting_for_a)
{
    start();
    expect_wait(0, EL_NEVER);
    answer(V6, 1, 20 * EL_MS);
    expect_connect(20 * EL_MS, V6, 1, 0);
}
END_TEST

/* 3: "If a positive A response is received first due to reordering, the client SHOULD wait a short
 * time for the AAAA response to ensure that preference is given to IPv6"; "The recommended value
 * for the Resolution Delay is 50 milliseconds." */
START_TEST(a_first_waits_fifty_milliseconds_for_aaaa)
{
    start();
    answer(V4, 1, 7 * EL_MS);
    expect_wait(7 * EL_MS, 57 * EL_MS);
    expect_wait(57 * EL_MS - 1, 57 * EL_MS);
    expect_connect(57 * EL_MS, V4, 1, 0);
}
END_TEST

/* The wait counts from the answer, not from whenever the machine is asked. */
START_TEST(the_resolution_delay_counts_from_the_a_answer)
{
    start();
    answer(V4, 1, 0);
    expect_wait(40 * EL_MS, 50 * EL_MS);
    expect_connect(61 * EL_MS, V4, 1, 0);
}
END_TEST

/* 3: a positive AAAA within the Resolution Delay starts the IPv6 attempt immediately. */
START_TEST(aaaa_within_the_resolution_delay_goes_first_and_at_once)
{
    start();
    answer(V4, 1, 0);
    expect_wait(0, 50 * EL_MS);
    answer(V6, 1, 10 * EL_MS);
    expect_connect(10 * EL_MS, V6, 1, 0);
    expect_wait(10 * EL_MS, 260 * EL_MS);
    expect_connect(260 * EL_MS, V4, 1, 1);
}
END_TEST

/* An answer of one address, typed as text, from the given source ("" = no route). */
static void answer_with(int family, const char *destination, const char *source, el_time now)
{
    struct el_route_pair route = {0};
    ck_assert_int_eq(el_address_from_literal(destination, 7007, &route.destination), 0);
    if (*source != '\0')
        ck_assert_int_eq(el_address_from_literal(source, 0, &route.source), 0);
    ck_assert_int_eq(el_happy_answer(happy, family == V6 ? AF_INET6 : AF_INET, &route, 1, now), 0);
}

static void expect_family(el_time now, sa_family_t family)
{
    struct el_happy_output output = el_happy_next(happy, now);
    ck_assert_int_eq(output.action, EL_HAPPY_CONNECT);
    ck_assert_int_eq(el_address_family(&output.address), family);
}

/* 4: "Destination Address Selection [RFC6724]" decides, and its policy table puts a unique local
 * IPv6 address behind IPv4. So an AAAA that holds only such addresses waits as an A would. */
START_TEST(a_unique_local_aaaa_waits_for_a_and_goes_second)
{
    start();
    answer_with(V6, "fd77::2", "fd77::1", 0);
    expect_wait(0, 50 * EL_MS);
    answer_with(V4, "10.77.0.2", "10.77.0.1", 1 * EL_MS);
    expect_family(1 * EL_MS, AF_INET);
    expect_family(251 * EL_MS, AF_INET6);
}
END_TEST

START_TEST(a_unique_local_aaaa_goes_first_when_no_a_comes_in_the_resolution_delay)
{
    start();
    answer_with(V6, "fd77::2", "fd77::1", 0);
    expect_wait(50 * EL_MS - 1, 50 * EL_MS);
    expect_family(50 * EL_MS, AF_INET6);
}
END_TEST

START_TEST(a_unique_local_aaaa_goes_at_once_when_there_is_no_a)
{
    start();
    answer_with(V6, "fd77::2", "fd77::1", 0);
    answer(V4, 0, 1 * EL_MS);
    expect_family(1 * EL_MS, AF_INET6);
}
END_TEST

/* What --explain says: while one family is all there is, there is nothing to have chosen from. */
START_TEST(each_attempt_has_its_reason)
{
    start();
    answer(V6, 1, 0);
    expect_reason(0, "the best address there is so far");
    finish();
    start();
    answer(V4, 1, 0);
    expect_reason(50 * EL_MS, "the best address there is so far");
    finish();
    start();
    answer(V4, 2, 0);
    answer(V6, 1, 1 * EL_MS);
    expect_reason(1 * EL_MS, "IPv6 goes before IPv4 (RFC 6724 rule 6");
    expect_reason(251 * EL_MS, "no answer in the attempt delay");
    el_happy_attempt_failed(happy, 0, 260 * EL_MS);
    expect_reason(260 * EL_MS, "an attempt failed");
    finish();
    start();
    answer_with(V6, "fd77::2", "fd77::1", 0);
    answer_with(V4, "10.77.0.2", "10.77.0.1", 0);
    expect_reason(0, "IPv4 goes before unique local IPv6");
    finish();
    start();
    answer_with(V6, "2001:db8::2", "", 0);
    answer_with(V4, "192.0.2.2", "192.0.2.1", 0);
    expect_reason(0, "the other family has no route");
}
END_TEST

/* RFC 6724 rule 1: "Avoid unusable destinations." */
START_TEST(an_aaaa_without_a_route_waits_for_a_and_goes_second)
{
    start();
    answer_with(V6, "2001:db8::2", "", 0);
    expect_wait(0, 50 * EL_MS);
    answer_with(V4, "192.0.2.2", "192.0.2.1", 2 * EL_MS);
    expect_family(2 * EL_MS, AF_INET);
}
END_TEST

/* The A came first, and IPv6 is not preferred when it comes: the order is RFC 6724's all the same. */
START_TEST(the_order_does_not_depend_on_which_answer_came_first)
{
    start();
    answer_with(V4, "10.77.0.2", "10.77.0.1", 0);
    expect_wait(0, 50 * EL_MS);
    answer_with(V6, "fd77::2", "fd77::1", 1 * EL_MS);
    expect_family(1 * EL_MS, AF_INET);
    finish();
    start();
    answer_with(V4, "192.0.2.2", "192.0.2.1", 0);
    answer_with(V6, "2001:db8::2", "2001:db8::1", 1 * EL_MS);
    expect_family(1 * EL_MS, AF_INET6);
}
END_TEST

/* 3: a negative AAAA within the Resolution Delay ends the wait: the client proceeds "using any IPv4
 * addresses received so far". */
START_TEST(negative_aaaa_ends_the_wait)
{
    start();
    answer(V4, 1, 0);
    expect_wait(0, 50 * EL_MS);
    answer(V6, 0, 5 * EL_MS);
    expect_connect(5 * EL_MS, V4, 1, 0);
}
END_TEST

START_TEST(a_after_a_negative_aaaa_starts_at_once)
{
    start();
    answer(V6, 0, 5 * EL_MS);
    expect_wait(5 * EL_MS, EL_NEVER);
    answer(V4, 1, 30 * EL_MS);
    expect_connect(30 * EL_MS, V4, 1, 0);
}
END_TEST

START_TEST(a_negative_a_does_not_start_the_resolution_delay)
{
    start();
    answer(V4, 0, 0);
    expect_wait(0, EL_NEVER);
    answer(V6, 1, 900 * EL_MS);
    expect_connect(900 * EL_MS, V6, 1, 0);
}
END_TEST

/* Section 8: the Resolution Delay is a configurable value. */
START_TEST(the_resolution_delay_can_be_set)
{
    start_with(
        (struct el_happy_args){.want_v6 = true, .want_v4 = true, .resolution_delay = 120 * EL_MS});
    answer(V4, 1, 0);
    expect_wait(0, 120 * EL_MS);
    expect_connect(120 * EL_MS, V4, 1, 0);
}
END_TEST

/* 3: when AAAA comes while attempts are in progress, its addresses "are incorporated into the list
 * of available candidate addresses" and the attempts go on with them; it does not cut the running
 * attempt's delay short. */
START_TEST(aaaa_after_the_resolution_delay_joins_the_race_and_is_next)
{
    start();
    answer(V4, 3, 0);
    expect_connect(50 * EL_MS, V4, 1, 0);
    answer(V6, 2, 100 * EL_MS);
    expect_wait(100 * EL_MS, 300 * EL_MS);
    expect_connect(300 * EL_MS, V6, 1, 1);
    expect_connect(550 * EL_MS, V4, 2, 2);
    expect_connect(800 * EL_MS, V6, 2, 3);
    expect_connect(1050 * EL_MS, V4, 3, 4);
}
END_TEST

/* 6: an added address goes into the list of those not yet attempted; what was started stays as it
 * is. */
START_TEST(a_late_a_does_not_disturb_the_attempts_that_run)
{
    start();
    answer(V6, 3, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V6, 2, 1);
    answer(V4, 2, 300 * EL_MS);
    expect_wait(300 * EL_MS, 500 * EL_MS);
    expect_connect(500 * EL_MS, V4, 1, 2);
    expect_connect(750 * EL_MS, V6, 3, 3);
    expect_connect(1000 * EL_MS, V4, 2, 4);
    expect_wait(1250 * EL_MS, EL_NEVER);
}
END_TEST

START_TEST(a_late_answer_after_a_long_attempt_starts_at_once)
{
    start();
    answer(V6, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_wait(0, EL_NEVER);
    answer(V4, 1, 700 * EL_MS);
    expect_connect(700 * EL_MS, V4, 1, 1);
}
END_TEST

/* ---- section 4: sorting addresses ------------------------------------------------------------ */

/* 4: "Whichever address family is first in the list should be followed by an address of the other
 * address family". */
START_TEST(families_alternate)
{
    start();
    answer(V6, 3, 0);
    answer(V4, 3, 0);
    for (unsigned i = 0; i < 6; i++)
        expect_connect((el_time)i * 250 * EL_MS, i % 2 == 0 ? V6 : V4, i / 2 + 1, i);
}
END_TEST

START_TEST(when_a_family_is_used_up_the_other_goes_on)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 3, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    expect_connect(500 * EL_MS, V4, 2, 2);
    expect_connect(750 * EL_MS, V4, 3, 3);
    expect_wait(1000 * EL_MS, EL_NEVER);
}
END_TEST

/* 4: "An implementation MAY choose to favor one address family more by allowing multiple addresses
 * of that family to be attempted before trying the other family": the First Address Family Count.
 */
START_TEST(first_family_count_addresses_of_the_first_family_come_first)
{
    start_with((struct el_happy_args){.want_v6 = true, .want_v4 = true, .first_family_count = 2});
    answer(V6, 4, 0);
    answer(V4, 2, 0);
    static const struct {
        int family;
        unsigned number;
    } order[] = {{V6, 1}, {V6, 2}, {V4, 1}, {V6, 3}, {V4, 2}, {V6, 4}};
    for (unsigned i = 0; i < 6; i++)
        expect_connect((el_time)i * 250 * EL_MS, order[i].family, order[i].number, i);
}
END_TEST

START_TEST(a_first_family_shorter_than_its_count_gives_way)
{
    start_with((struct el_happy_args){.want_v6 = true, .want_v4 = true, .first_family_count = 3});
    answer(V6, 1, 0);
    answer(V4, 2, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    expect_connect(500 * EL_MS, V4, 2, 2);
}
END_TEST

START_TEST(a_duplicate_address_is_tried_once)
{
    start();
    struct el_route_pair twice[] = {route_to(V6, 1), route_to(V6, 1), route_to(V6, 2),
                                    route_to(V6, 1)};
    ck_assert_int_eq(el_happy_answer(happy, AF_INET6, twice, 4, 0), 0);
    answer(V4, 0, 0);
    expect_connect(0, V6, 1, 0);
    ck_assert_int_eq(el_happy_answer(happy, AF_INET6, twice, 1, 0),
                     0); /* told again while it runs */
    expect_connect(250 * EL_MS, V6, 2, 1);
    expect_wait(250 * EL_MS, EL_NEVER);
}
END_TEST

START_TEST(the_same_host_on_another_port_is_another_address)
{
    start_with((struct el_happy_args){.want_v4 = true});
    struct el_route_pair ports[] = {route_to(V4, 1), route_to(V4, 1)};
    el_address_set_port(&ports[1].destination, 7008);
    ck_assert_int_eq(el_happy_answer(happy, AF_INET, ports, 2, 0), 0);
    expect_connect(0, V4, 1, 0);
    struct el_happy_output output = el_happy_next(happy, 250 * EL_MS);
    ck_assert_int_eq(output.action, EL_HAPPY_CONNECT);
    ck_assert_uint_eq(el_address_port(&output.address), 7008);
}
END_TEST

/* ---- section 5: connection attempts ---------------------------------------------------------- */

/* 5: "connection attempts SHOULD NOT be made simultaneously. Instead, one connection attempt to a
 * single address is started first, followed by the others in the list, one at a time"; "One
 * recommended value for a default delay is 250 milliseconds." */
START_TEST(the_next_attempt_comes_after_250_ms_and_not_before)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_wait(0, 250 * EL_MS);
    expect_wait(250 * EL_MS - 1, 250 * EL_MS);
    expect_connect(250 * EL_MS, V4, 1, 1);
}
END_TEST

/* The delay counts from the start of the attempt before, also if that came late. */
START_TEST(a_late_caller_delays_the_rest_but_never_crowds_it)
{
    start();
    answer(V6, 2, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(400 * EL_MS, V4, 1, 1);
    expect_wait(400 * EL_MS, 650 * EL_MS);
}
END_TEST

/* 5: "a subsequent connection MUST NOT be started within 10 milliseconds of the previous attempt";
 * "The Connection Attempt Delay SHOULD have an upper bound [...] The current recommended value is 2
 * seconds." */
START_TEST(the_attempt_delay_is_held_between_10_ms_and_2_s)
{
    static const struct {
        el_duration asked, got;
    } delays[] = {
        {1, 10 * EL_MS},          {-5 * EL_S, 10 * EL_MS},
        {10 * EL_MS, 10 * EL_MS}, {100 * EL_MS, 100 * EL_MS},
        {2 * EL_S, 2 * EL_S},     {2 * EL_S + 1, 2 * EL_S},
        {EL_NEVER, 2 * EL_S},     {0 /* default */, 250 * EL_MS},
    };
    start_with((struct el_happy_args){
        .want_v6 = true, .want_v4 = true, .attempt_delay = delays[_i].asked});
    answer(V6, 2, 0);
    expect_connect(EL_S, V6, 1, 0);
    expect_wait(EL_S, EL_S + delays[_i].got);
    expect_connect(EL_S + delays[_i].got, V6, 2, 1);
}
END_TEST

/* The delay gives a running attempt its chance; when that has failed there is nothing to wait for.
 */
START_TEST(a_failure_starts_the_next_attempt_at_once)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    el_happy_attempt_failed(happy, 0, 3 * EL_MS);
    expect_connect(3 * EL_MS, V4, 1, 1);
}
END_TEST

START_TEST(the_delay_after_a_failure_counts_from_the_new_attempt)
{
    start();
    answer(V6, 2, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    el_happy_attempt_failed(happy, 0, 100 * EL_MS);
    expect_connect(100 * EL_MS, V4, 1, 1);
    expect_wait(100 * EL_MS, 350 * EL_MS);
    expect_connect(350 * EL_MS, V6, 2, 2);
}
END_TEST

START_TEST(one_failure_starts_one_attempt_not_two)
{
    start();
    answer(V6, 2, 0);
    answer(V4, 2, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    el_happy_attempt_failed(happy, 0, 260 * EL_MS);
    el_happy_attempt_failed(happy, 0, 260 * EL_MS); /* told twice */
    expect_connect(260 * EL_MS, V6, 2, 2);
    expect_wait(260 * EL_MS, 510 * EL_MS);
}
END_TEST

/* 5: "Starting a new connection attempt does not affect previous attempts, as multiple connection
 * attempts may occur in parallel." */
START_TEST(an_earlier_attempt_may_still_win)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    el_happy_connected(happy, 0, 260 * EL_MS);
    expect_attempt(260 * EL_MS, EL_HAPPY_CANCEL, 1);
    expect_attempt(260 * EL_MS, EL_HAPPY_WON, 0);
}
END_TEST

/* 5: "Once one of the connection attempts succeeds [...], all other connections attempts that have
 * not yet succeeded SHOULD be canceled." */
START_TEST(the_winner_cancels_every_loser_once)
{
    start();
    answer(V6, 2, 0);
    answer(V4, 2, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    expect_connect(500 * EL_MS, V6, 2, 2);
    el_happy_attempt_failed(happy, 1, 510 * EL_MS); /* nothing to cancel there any more */
    expect_connect(510 * EL_MS, V4, 2, 3);
    el_happy_connected(happy, 2, 520 * EL_MS);
    expect_attempt(520 * EL_MS, EL_HAPPY_CANCEL, 0);
    expect_attempt(520 * EL_MS, EL_HAPPY_CANCEL, 3);
    expect_attempt(520 * EL_MS, EL_HAPPY_WON, 2);
    expect_attempt(521 * EL_MS, EL_HAPPY_WON, 2);
}
END_TEST

START_TEST(of_two_that_connect_together_the_first_told_wins_and_the_other_is_cancelled)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    el_happy_connected(happy, 1, 300 * EL_MS);
    el_happy_connected(happy, 0, 300 * EL_MS);
    expect_attempt(300 * EL_MS, EL_HAPPY_CANCEL, 0);
    expect_attempt(300 * EL_MS, EL_HAPPY_WON, 1);
}
END_TEST

/* 5: "Any address that was not yet attempted as a connection SHOULD be ignored." */
START_TEST(no_attempt_starts_after_a_win)
{
    start();
    answer(V6, 2, 0);
    expect_connect(0, V6, 1, 0);
    el_happy_connected(happy, 0, EL_MS);
    expect_attempt(EL_MS, EL_HAPPY_WON, 0);
    answer(V4, 2, 2 * EL_MS);
    expect_attempt(10 * EL_S, EL_HAPPY_WON, 0);
}
END_TEST

START_TEST(a_win_holds_whatever_is_told_afterwards)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    el_happy_connected(happy, 1, 300 * EL_MS);
    el_happy_attempt_failed(happy, 1, 301 * EL_MS); /* the caller's connection now, not ours */
    el_happy_attempt_failed(happy, 0, 301 * EL_MS); /* the loser failed before it was cancelled */
    expect_attempt(301 * EL_MS, EL_HAPPY_WON, 1);
}
END_TEST

/* ---- one family alone, failure, misuse ------------------------------------------------------- */

START_TEST(an_ipv4_only_client_waits_for_no_aaaa)
{
    start_with((struct el_happy_args){.want_v4 = true});
    answer(V4, 2, 0);
    expect_connect(0, V4, 1, 0);
    expect_connect(250 * EL_MS, V4, 2, 1);
    el_happy_attempt_failed(happy, 0, 260 * EL_MS);
    el_happy_attempt_failed(happy, 1, 260 * EL_MS);
    expect_failed(260 * EL_MS);
}
END_TEST

START_TEST(an_ipv6_only_client_waits_for_no_a)
{
    start_with((struct el_happy_args){.want_v6 = true});
    answer(V6, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_wait(0, EL_NEVER);
    el_happy_attempt_failed(happy, 0, EL_MS);
    expect_failed(EL_MS);
}
END_TEST

START_TEST(all_failed_only_when_all_answers_are_in)
{
    start();
    answer(V6, 1, 0);
    expect_connect(0, V6, 1, 0);
    el_happy_attempt_failed(happy, 0, EL_MS);
    expect_wait(EL_MS, EL_NEVER); /* A may still come */
    answer(V4, 1, 80 * EL_MS);
    expect_connect(80 * EL_MS, V4, 1, 1);
    el_happy_attempt_failed(happy, 1, 81 * EL_MS);
    expect_failed(81 * EL_MS);
    expect_failed(90 * EL_MS);
}
END_TEST

START_TEST(no_failure_while_an_attempt_still_runs)
{
    start();
    answer(V6, 1, 0);
    answer(V4, 1, 0);
    expect_connect(0, V6, 1, 0);
    expect_connect(250 * EL_MS, V4, 1, 1);
    el_happy_attempt_failed(happy, 1, 300 * EL_MS);
    expect_wait(300 * EL_MS, EL_NEVER);
    el_happy_connected(happy, 0, 5 * EL_S);
    expect_attempt(5 * EL_S, EL_HAPPY_WON, 0);
}
END_TEST

START_TEST(two_negative_answers_are_a_failure)
{
    start();
    answer(V4, 0, 0);
    expect_wait(0, EL_NEVER);
    answer(V6, 0, EL_MS);
    expect_failed(EL_MS);
}
END_TEST

START_TEST(wanting_no_family_is_a_failure_and_not_a_hang)
{
    start_with((struct el_happy_args){0});
    expect_failed(0);
}
END_TEST

START_TEST(an_answer_of_the_wrong_family_is_refused)
{
    struct el_route_pair v4 = route_to(V4, 1), none = {0};
    start_with((struct el_happy_args){.want_v6 = true});
    ck_assert_int_eq(el_happy_answer(happy, AF_INET, &v4, 1, 0), -EINVAL);
    ck_assert_int_eq(el_happy_answer(happy, AF_UNIX, &v4, 1, 0), -EINVAL);
    ck_assert_int_eq(el_happy_answer(happy, AF_INET6, &v4, 1, 0), -EINVAL);
    ck_assert_int_eq(el_happy_answer(happy, AF_INET6, &none, 1, 0), -EINVAL);
    expect_wait(0, EL_NEVER); /* a refused answer is no answer */
}
END_TEST

START_TEST(attempts_that_never_were_change_nothing)
{
    start();
    el_happy_connected(happy, 0, 0);
    el_happy_attempt_failed(happy, 5, 0);
    el_happy_connected(happy, UINT32_MAX, 0);
    expect_wait(0, EL_NEVER);
}
END_TEST

START_TEST(more_addresses_than_there_is_room_for_are_left_out_and_said)
{
    struct el_route_pair many[EL_HAPPY_ADDRESSES_MAX + 1];
    for (unsigned i = 0; i < EL_HAPPY_ADDRESSES_MAX + 1; i++)
        many[i] = route_to(V4, i);
    start_with((struct el_happy_args){.want_v4 = true});
    ck_assert_int_eq(el_happy_answer(happy, AF_INET, many, EL_HAPPY_ADDRESSES_MAX + 1, 0),
                     -ENOBUFS);
    for (unsigned i = 0; i < EL_HAPPY_ADDRESSES_MAX; i++) {
        expect_connect(0, V4, i, i);
        el_happy_attempt_failed(happy, i, 0);
    }
    expect_failed(0);
}
END_TEST

/* The clock's origin means nothing: a race at negative times, or far away, is the same race. */
START_TEST(the_race_does_not_depend_on_where_the_clock_starts)
{
    static const el_time origins[] = {0, 1, -EL_S, -1000 * EL_S, (el_time)1 << 62};
    el_time t = origins[_i];
    start();
    answer(V4, 1, t);
    expect_wait(t, t + 50 * EL_MS);
    answer(V6, 1, t + EL_MS);
    expect_connect(t + EL_MS, V6, 1, 0);
    expect_wait(t + EL_MS, t + 251 * EL_MS);
    expect_connect(t + 251 * EL_MS, V4, 1, 1);
}
END_TEST

/* ---- property: any race ---------------------------------------------------------------------- */

enum { ROUNDS = 3000, IS_RUNNING = 1, HAS_FAILED, WAS_CANCELLED };

/* What a random race has done so far; `state` is by attempt. */
struct race {
    int state[2 * EL_HAPPY_ADDRESSES_MAX];
    unsigned attempts;
    bool won, ended;
    unsigned winner;
    el_time last_start;
    bool failed_since; /* an attempt failed after the last start */
};

static bool any_running(const struct race *race)
{
    for (unsigned i = 0; i < race->attempts; i++)
        if (race->state[i] == IS_RUNNING)
            return true;
    return false;
}

/* Asks until the machine waits or ends, checking each output against what must always hold. */
static void drain(struct race *race, el_time now)
{
    for (unsigned bound = 0; bound < 1000; bound++) {
        struct el_happy_output output = el_happy_next(happy, now);
        switch (output.action) {
        case EL_HAPPY_CONNECT:
            ck_assert_uint_eq(output.attempt, race->attempts); /* dense numbers */
            ck_assert(!race->won && !race->ended);
            ck_assert_msg(!any_running(race) || race->failed_since ||
                              now - race->last_start >= 250 * EL_MS,
                          "started beside a running attempt before its delay");
            race->state[race->attempts++] = IS_RUNNING;
            race->last_start = now;
            race->failed_since = false;
            break;
        case EL_HAPPY_CANCEL:
            ck_assert(race->won && output.attempt != race->winner);
            ck_assert_int_eq(race->state[output.attempt], IS_RUNNING);
            race->state[output.attempt] = WAS_CANCELLED;
            break;
        case EL_HAPPY_WON:
            ck_assert(race->won);
            ck_assert_uint_eq(output.attempt, race->winner);
            for (unsigned i = 0; i < race->attempts; i++)
                ck_assert(i == race->winner || race->state[i] != IS_RUNNING);
            race->ended = true;
            return;
        case EL_HAPPY_FAILED:
            ck_assert(!race->won && !any_running(race));
            race->ended = true;
            return;
        case EL_HAPPY_WAIT:
            ck_assert_int_gt(output.until, now); /* or the caller would spin */
            return;
        }
    }
    ck_abort_msg("the machine does not come to rest");
}

static void tell_something(struct race *race, el_time now, unsigned pick)
{
    unsigned attempt = race->attempts > 0 ? (unsigned)unit_random(race->attempts) : 0;
    if (pick < 3) {
        answer(pick % 2 ? V4 : V6, (unsigned)unit_random(5), now);
    } else if (pick < 6 && race->attempts > 0) {
        if (race->state[attempt] == IS_RUNNING && !(race->won && attempt == race->winner)) {
            race->state[attempt] = HAS_FAILED;
            race->failed_since = true;
        }
        el_happy_attempt_failed(happy, attempt, now);
    } else if (pick == 6 && race->attempts > 0) {
        if (race->state[attempt] == IS_RUNNING && !race->won) {
            race->won = true;
            race->winner = attempt;
        }
        el_happy_connected(happy, attempt, now);
    }
}

START_TEST(any_race_keeps_the_rules_and_ends)
{
    fprintf(stderr, "ECHOLAB_SEED=%ju\n", (uintmax_t)unit_seed());
    for (unsigned round = 0; round < ROUNDS; round++) {
        start();
        struct race race = {0};
        el_time now = 0;
        for (unsigned step = 0; step < 40 && (race.won || !race.ended); step++) {
            now += (el_time)unit_random(100) * EL_MS;
            tell_something(&race, now, (unsigned)unit_random(12));
            drain(&race, now);
        }
        /* Everything is told at last: both answers, and the failure of whatever runs. */
        answer(V6, 0, now);
        answer(V4, 0, now);
        for (unsigned bound = 0; !race.ended && bound < 300; bound++) {
            for (unsigned i = 0; i < race.attempts; i++)
                if (race.state[i] == IS_RUNNING && !race.won) {
                    race.state[i] = HAS_FAILED;
                    race.failed_since = true;
                    el_happy_attempt_failed(happy, i, now);
                }
            drain(&race, now);
        }
        ck_assert(race.ended);
        finish();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("happy_eyeballs");
    TCase *t = tcase_create("RFC 8305 section 3: resolution");
    tcase_add_checked_fixture(t, NULL, finish);
    tcase_add_test(t, aaaa_first_starts_at_once_without_waiting_for_a);
    tcase_add_test(t, a_first_waits_fifty_milliseconds_for_aaaa);
    tcase_add_test(t, the_resolution_delay_counts_from_the_a_answer);
    tcase_add_test(t, aaaa_within_the_resolution_delay_goes_first_and_at_once);
    tcase_add_test(t, a_unique_local_aaaa_waits_for_a_and_goes_second);
    tcase_add_test(t, a_unique_local_aaaa_goes_first_when_no_a_comes_in_the_resolution_delay);
    tcase_add_test(t, a_unique_local_aaaa_goes_at_once_when_there_is_no_a);
    tcase_add_test(t, an_aaaa_without_a_route_waits_for_a_and_goes_second);
    tcase_add_test(t, each_attempt_has_its_reason);
    tcase_add_test(t, the_order_does_not_depend_on_which_answer_came_first);
    tcase_add_test(t, negative_aaaa_ends_the_wait);
    tcase_add_test(t, a_after_a_negative_aaaa_starts_at_once);
    tcase_add_test(t, a_negative_a_does_not_start_the_resolution_delay);
    tcase_add_test(t, the_resolution_delay_can_be_set);
    tcase_add_test(t, aaaa_after_the_resolution_delay_joins_the_race_and_is_next);
    tcase_add_test(t, a_late_a_does_not_disturb_the_attempts_that_run);
    tcase_add_test(t, a_late_answer_after_a_long_attempt_starts_at_once);
    suite_add_tcase(suite, t);

    t = tcase_create("RFC 8305 section 4: order");
    tcase_add_checked_fixture(t, NULL, finish);
    tcase_add_test(t, families_alternate);
    tcase_add_test(t, when_a_family_is_used_up_the_other_goes_on);
    tcase_add_test(t, first_family_count_addresses_of_the_first_family_come_first);
    tcase_add_test(t, a_first_family_shorter_than_its_count_gives_way);
    tcase_add_test(t, a_duplicate_address_is_tried_once);
    tcase_add_test(t, the_same_host_on_another_port_is_another_address);
    suite_add_tcase(suite, t);

    t = tcase_create("RFC 8305 section 5: attempts");
    tcase_add_checked_fixture(t, NULL, finish);
    tcase_add_test(t, the_next_attempt_comes_after_250_ms_and_not_before);
    tcase_add_test(t, a_late_caller_delays_the_rest_but_never_crowds_it);
    tcase_add_loop_test(t, the_attempt_delay_is_held_between_10_ms_and_2_s, 0, 8);
    tcase_add_test(t, a_failure_starts_the_next_attempt_at_once);
    tcase_add_test(t, the_delay_after_a_failure_counts_from_the_new_attempt);
    tcase_add_test(t, one_failure_starts_one_attempt_not_two);
    tcase_add_test(t, an_earlier_attempt_may_still_win);
    tcase_add_test(t, the_winner_cancels_every_loser_once);
    tcase_add_test(t, of_two_that_connect_together_the_first_told_wins_and_the_other_is_cancelled);
    tcase_add_test(t, no_attempt_starts_after_a_win);
    tcase_add_test(t, a_win_holds_whatever_is_told_afterwards);
    suite_add_tcase(suite, t);

    t = tcase_create("one family, failure, misuse");
    tcase_add_checked_fixture(t, NULL, finish);
    tcase_add_test(t, an_ipv4_only_client_waits_for_no_aaaa);
    tcase_add_test(t, an_ipv6_only_client_waits_for_no_a);
    tcase_add_test(t, all_failed_only_when_all_answers_are_in);
    tcase_add_test(t, no_failure_while_an_attempt_still_runs);
    tcase_add_test(t, two_negative_answers_are_a_failure);
    tcase_add_test(t, wanting_no_family_is_a_failure_and_not_a_hang);
    tcase_add_test(t, an_answer_of_the_wrong_family_is_refused);
    tcase_add_test(t, attempts_that_never_were_change_nothing);
    tcase_add_test(t, more_addresses_than_there_is_room_for_are_left_out_and_said);
    tcase_add_loop_test(t, the_race_does_not_depend_on_where_the_clock_starts, 0, 5);
    suite_add_tcase(suite, t);

    t = tcase_create("property");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, any_race_keeps_the_rules_and_ends);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
