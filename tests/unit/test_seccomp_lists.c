/*
 * test_seccomp_lists.c - the lists of the filter: no call in two of them, and what is called for each message is allowed
 * without a look.
 *
 * No process is put under anything here; test_seccomp_filter.c does that.
 */
#include "seccomp_filter_private.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>

static bool is_in(const struct el_seccomp_call *list, const char *name)
{
    while (list->name != NULL && strcmp(list->name, name) != 0)
        list++;
    return list->name != NULL;
}

static bool has_rule(const char *name)
{
    const struct el_seccomp_rule *rule = el_seccomp_rules;
    while (rule->call.name != NULL && strcmp(rule->call.name, name) != 0)
        rule++;
    return rule->call.name != NULL;
}

static unsigned times_in(const struct el_seccomp_call *list, long number)
{
    unsigned times = 0;
    for (; list->name != NULL; list++)
        times += list->number == number;
    return times;
}

START_TEST(no_call_is_named_twice)
{
    for (const struct el_seccomp_call *call = el_seccomp_allowed; call->name != NULL; call++) {
        ck_assert_msg(times_in(el_seccomp_allowed, call->number) == 1, "%s", call->name);
        ck_assert_msg(!is_in(el_seccomp_killed, call->name), "also killed: %s", call->name);
        ck_assert_msg(!has_rule(call->name), "allowed anyhow: %s", call->name);
    }
    for (const struct el_seccomp_call *call = el_seccomp_killed; call->name != NULL; call++) {
        ck_assert_msg(times_in(el_seccomp_killed, call->number) == 1, "%s", call->name);
        ck_assert_msg(!has_rule(call->name), "also allowed: %s", call->name);
    }
}
END_TEST

/* See #hot-calls. With a look at an argument the kernel would run the filter for each message. */
static const char hot[] = "recvmmsg recvfrom recvmsg sendmmsg sendto sendmsg read write readv "
                          "writev ppoll futex close epoll_pwait epoll_ctl accept4 getsockopt "
#ifdef __x86_64__
                          "poll epoll_wait "
#endif
                          "clock_gettime";

START_TEST(the_calls_of_each_message_are_allowed_without_a_look)
{
    char names[sizeof hot], *rest = names;
    memcpy(names, hot, sizeof hot);
    for (char *name; (name = strsep(&rest, " ")) != NULL;)
        ck_assert_msg(is_in(el_seccomp_allowed, name), "%s", name);
    for (const struct el_seccomp_rule *rule = el_seccomp_rules; rule->call.name != NULL; rule++)
        if (strcmp(rule->call.name, "io_uring_enter") == 0)
            ck_assert_uint_eq(rule->count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seccomp_lists");
    TCase *tests = tcase_create("lists");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, no_call_is_named_twice);
    tcase_add_test(tests, the_calls_of_each_message_are_allowed_without_a_look);
    return unit_main(suite);
}
