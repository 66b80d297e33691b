/*
 * test_seccomp_lists.c - the lists of the filter: names that exist, on both kinds of machine, and what must be in them.
 *
 * No process is put under anything here; test_seccomp_filter.c does that.
 */
#include "under_filter.h"

#ifndef EL_HAVE_SECCOMP

int main(void)
{
    return under_filter_skip("seccomp_lists");
}

#else
#include "seccomp_filter_private.h"

#include <string.h>

static bool is_in(const char *const *list, const char *name)
{
    while (*list != NULL && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static bool has_rule(const char *name)
{
    const struct el_seccomp_rule *rule = el_seccomp_rules;
    while (rule->name != NULL && strcmp(rule->name, name) != 0)
        rule++;
    return rule->name != NULL;
}

static bool is_named(const char *name)
{
    return is_in(el_seccomp_allowed, name) || has_rule(name);
}

/* Does that kind of machine have such a call? A name that no machine knows is a slip of the pen, which would have no effect at all. */
static bool is_on(uint32_t machine, const char *name)
{
    int number = seccomp_syscall_resolve_name_arch(machine, name);
    ck_assert_msg(number != __NR_SCMP_ERROR, "no such call: %s", name);
    return number >= 0;
}

static void assert_known(const char *name)
{
    ck_assert_msg(is_on(SCMP_ARCH_X86_64, name) || is_on(SCMP_ARCH_AARCH64, name),
                  "on neither machine: %s", name);
}

START_TEST(every_name_is_one_that_x86_64_or_arm64_has)
{
    for (const char *const *name = el_seccomp_allowed; *name != NULL; name++)
        assert_known(*name);
    for (const char *const *name = el_seccomp_killed; *name != NULL; name++) {
        assert_known(*name);
        ck_assert_msg(!is_named(*name), "both allowed and killed: %s", *name);
    }
    for (const struct el_seccomp_rule *rule = el_seccomp_rules; rule->name != NULL; rule++) {
        assert_known(rule->name);
        ck_assert_msg(!is_in(el_seccomp_allowed, rule->name), "allowed anyhow: %s", rule->name);
    }
}
END_TEST

/* What arm64 has instead of a call that x86-64 keeps for old programs; the C library takes the one that is there. */
static const char *const partners[][2] = {
    {"poll", "ppoll"},
    {"epoll_wait", "epoll_pwait"},
    {"time", "clock_gettime"},
    {"unlink", "unlinkat"},
};

START_TEST(what_arm64_lacks_has_its_partner_in_the_list)
{
    for (const char *const *name = el_seccomp_allowed; *name != NULL; name++) {
        const char *partner = is_on(SCMP_ARCH_AARCH64, *name) ? *name : "";
        for (size_t i = 0; i < sizeof partners / sizeof partners[0]; i++)
            if (strcmp(partners[i][0], *name) == 0)
                partner = partners[i][1];
        ck_assert_msg(is_named(partner), "%s: what does arm64 call?", *name);
    }
    for (size_t i = 0; i < sizeof partners / sizeof partners[0]; i++)
        ck_assert_msg(is_named(partners[i][0]) && is_named(partners[i][1]), "%s", partners[i][0]);
}
END_TEST

/* [#hot-calls] With a look at an argument the kernel would run the filter for each message. */
static const char *const hot[] = {
    "recvmmsg",   "recvfrom",    "recvmsg",   "sendmmsg", "sendto",     "sendmsg", "read",
    "write",      "readv",       "writev",    "poll",     "ppoll",      "futex",   "close",
    "epoll_wait", "epoll_pwait", "epoll_ctl", "accept4",  "getsockopt",
};

START_TEST(the_calls_of_each_message_are_allowed_without_a_look)
{
    for (size_t i = 0; i < sizeof hot / sizeof hot[0]; i++)
        ck_assert_msg(is_in(el_seccomp_allowed, hot[i]) && !has_rule(hot[i]), "%s", hot[i]);
    for (const struct el_seccomp_rule *rule = el_seccomp_rules; rule->name != NULL; rule++)
        if (strcmp(rule->name, "io_uring_enter") == 0)
            ck_assert_uint_eq(rule->count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seccomp_lists");
    TCase *tests = tcase_create("lists");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, every_name_is_one_that_x86_64_or_arm64_has);
    tcase_add_test(tests, what_arm64_lacks_has_its_partner_in_the_list);
    tcase_add_test(tests, the_calls_of_each_message_are_allowed_without_a_look);
    return unit_main(suite);
}
#endif
