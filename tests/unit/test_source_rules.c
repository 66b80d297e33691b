/* test_source_rules.c - each rule by itself, beside the nearest sender that is answered. */
#include "source_rules.h"

#include <check.h>
#include <string.h>

enum { LO = 1, ETH = 2 };

static const struct {
    const char *host;
    uint16_t port;
    unsigned interface;
    enum el_datagram_cast cast;
    unsigned allow;
    const char *reason; /* a part of it; NULL = answered */
} cases[] = {
    {"10.0.0.1", 40000, ETH, EL_UNICAST, 0, NULL},
    {"fd77::1", 40000, ETH, EL_UNICAST, 0, NULL},
    {"10.0.0.1", 0, ETH, EL_UNICAST, 15, "port 0"},
    {"10.0.0.1", 1023, ETH, EL_UNICAST, 0, "below 1024"},
    {"10.0.0.1", 1024, ETH, EL_UNICAST, 0, NULL},
    {"10.0.0.1", 19, ETH, EL_UNICAST, 1U << EL_SOURCE_LOW_PORT, NULL},
    {"10.0.0.1", 7007, ETH, EL_UNICAST, 0, "one we listen on"},
    {"fd77::1", 7008, ETH, EL_UNICAST, 0, "one we listen on"},
    {"10.0.0.1", 7009, ETH, EL_UNICAST, 0, NULL},
    {"10.0.0.1", 7007, ETH, EL_UNICAST, 1U << EL_SOURCE_OWN_PORT, NULL},
    {"224.0.0.1", 40000, ETH, EL_UNICAST, 0, "multicast"},
    {"ff02::1", 40000, ETH, EL_UNICAST, 0, "multicast"},
    {"10.0.0.1", 40000, ETH, EL_MULTICAST, 0, "multicast"},
    {"10.0.0.1", 40000, ETH, EL_MULTICAST, 1U << EL_SOURCE_MULTICAST, NULL},
    {"255.255.255.255", 40000, ETH, EL_UNICAST, 0, "broadcast"},
    {"10.0.0.1", 40000, ETH, EL_BROADCAST, 0, "broadcast"},
    {"10.0.0.1", 40000, ETH, EL_BROADCAST, 1U << EL_SOURCE_MULTICAST, "broadcast"},
    {"10.0.0.1", 40000, ETH, EL_BROADCAST, 1U << EL_SOURCE_BROADCAST, NULL},
    {"0.0.0.0", 40000, ETH, EL_UNICAST, 15, "0.0.0.0/8"},
    {"0.255.0.1", 40000, ETH, EL_UNICAST, 15, "0.0.0.0/8"},
    {"1.0.0.0", 40000, ETH, EL_UNICAST, 0, NULL},
    {"::", 40000, ETH, EL_UNICAST, 15, "unspecified"},
    {"::ffff:10.0.0.1", 40000, ETH, EL_UNICAST, 15, "IPv4-mapped"},
    {"127.0.0.1", 40000, LO, EL_UNICAST, 0, NULL},
    {"127.0.0.1", 40000, ETH, EL_UNICAST, 15, "from this machine"},
    {"127.200.1.1", 40000, ETH, EL_UNICAST, 0, "from this machine"},
    {"::1", 40000, LO, EL_UNICAST, 0, NULL},
    {"::1", 40000, ETH, EL_UNICAST, 15, "from this machine"},
    {"10.0.0.1", 40000, LO, EL_UNICAST, 0, NULL}, /* our own address, probed from our own machine */
};

START_TEST(each_sender_is_answered_or_refused_with_its_reason)
{
    struct el_address own[2] = {el_address_any(AF_INET, 7007), el_address_any(AF_INET6, 7008)};
    struct el_datagram d = {.interface = cases[_i].interface, .cast = cases[_i].cast};
    ck_assert_int_eq(el_address_from_literal(cases[_i].host, cases[_i].port, &d.peer), 0);
    const char *why = el_source_refused(&d, own, 2, cases[_i].allow);
    if (cases[_i].reason == NULL)
        ck_assert_msg(why == NULL, "%s refused: %s", cases[_i].host, why);
    else
        ck_assert_msg(why != NULL && strstr(why, cases[_i].reason) != NULL,
                      "%s port %u: wanted '%s', got '%s'", cases[_i].host, cases[_i].port,
                      cases[_i].reason, why);
}
END_TEST

START_TEST(each_kind_has_the_name_that_the_option_takes)
{
    ck_assert_str_eq(el_source_kind_names[EL_SOURCE_LOW_PORT], "low-port");
    ck_assert_str_eq(el_source_kind_names[EL_SOURCE_OWN_PORT], "own-port");
    ck_assert_str_eq(el_source_kind_names[EL_SOURCE_MULTICAST], "multicast");
    ck_assert_str_eq(el_source_kind_names[EL_SOURCE_BROADCAST], "broadcast");
    ck_assert_ptr_null(el_source_kind_names[EL_SOURCE_BROADCAST + 1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source_rules");
    TCase *t = tcase_create("rules");
    tcase_add_loop_test(t, each_sender_is_answered_or_refused_with_its_reason, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, each_kind_has_the_name_that_the_option_takes);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
