/*
 * test_sandbox.c - what is gone after el_sandbox_enter is gone for good.
 *
 * Check runs each test in a process of its own, so each can give its privileges away. What only root can give
 * is skipped for an ordinary user (and said to be), where the user namespace cases still run.
 */
#include "sandbox.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static char said[256];

static int enter(const char *user)
{
    const struct el_sandbox_args args = {.user = user, .max_descriptors = ULONG_MAX};
    return el_sandbox_enter(&args, said, sizeof said);
}

static void assert_no_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    memset(sets, 0xff, sizeof sets); /* what the kernel does not write counts as held */
    ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        ck_assert_uint_eq(sets[i].effective | sets[i].permitted | sets[i].inheritable, 0);
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        ck_assert_int_le(prctl(PR_CAPBSET_READ, capability, 0, 0, 0), 0);
}

START_TEST(without_a_user_only_limits_and_no_new_privs)
{
    uid_t before = geteuid();
    ck_assert_int_eq(enter(NULL), 0);
    ck_assert_str_eq(said, "");
    ck_assert_uint_eq(geteuid(), before);
    ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_max, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

START_TEST(the_limit_of_descriptors_is_never_lowered)
{
    struct rlimit before, after;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(
        el_sandbox_enter(&(struct el_sandbox_args){.max_descriptors = 1}, said, sizeof said), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &after), 0);
    ck_assert_uint_eq(after.rlim_cur, before.rlim_cur);
}
END_TEST

START_TEST(root_becomes_another_user_and_there_is_no_way_back)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0 || nobody == NULL)
        unit_skip("needs root");
    uid_t uid = nobody->pw_uid, real, effective, saved;
    if (setgroups(1, (gid_t[]){0}) < 0)
        unit_skip("root of a user namespace: the next tests are for that");
    ck_assert_int_eq(enter("nobody"), 0);
    ck_assert_msg(strstr(said, "now uid ") == said, "said: %s", said);
    ck_assert_int_eq(getresuid(&real, &effective, &saved), 0);
    ck_assert(real == uid && effective == uid && saved == uid);
    ck_assert_int_eq(getgroups(0, NULL), 0);
    ck_assert_int_eq(setuid(0), -1);
    ck_assert_int_eq(setegid(0), -1);
    assert_no_capabilities();
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1); /* its owner may look: /proc/PID/fd */
    ck_assert_int_eq(access("/proc/self/fd/0", F_OK), 0);
}
END_TEST

START_TEST(a_number_needs_no_entry_in_the_password_file)
{
    if (geteuid() != 0 || setgroups(0, NULL) < 0)
        unit_skip("needs root");
    ck_assert_int_eq(enter("54321"), 0);
    ck_assert_uint_eq(geteuid(), 54321);
    ck_assert_uint_eq(getegid(), 54321);
}
END_TEST

static const char *const strangers[] = {"no-such-user-here", "", "-1", "4294967295", "12x"};

START_TEST(an_unknown_user_is_refused)
{
    uid_t before = geteuid();
    ck_assert_int_eq(enter(strangers[_i]), -ENOENT);
    ck_assert_str_eq(said, "no such user");
    ck_assert_uint_eq(geteuid(), before);
}
END_TEST

START_TEST(an_ordinary_user_cannot_become_another)
{
    if (geteuid() == 0 && setresuid(54321, 54321, 54321) < 0)
        unit_skip("this root cannot become an ordinary user");
    ck_assert_int_eq(enter("54322"), -EPERM);
    ck_assert_str_eq(said, "only root can become another user");
}
END_TEST

START_TEST(becoming_who_one_is_is_no_change)
{
    char self[16];
    if (geteuid() == 0 &&
        (setresgid(54321, 54321, 54321) < 0 || setresuid(54321, 54321, 54321) < 0))
        unit_skip("this root cannot become an ordinary user");
    if (getgid() != getuid())
        unit_skip("a number's group is the same number: here it would be a change");
    snprintf(self, sizeof self, "%u", geteuid());
    ck_assert_int_eq(enter(self), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

static bool write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return good;
}

/* A lab network's situation: root, but of a user namespace that knows nobody else. */
START_TEST(root_of_a_namespace_that_does_not_know_the_user_drops_capabilities)
{
    char uids[32], gids[32];
    snprintf(uids, sizeof uids, "0 %u 1", geteuid());
    snprintf(gids, sizeof gids, "0 %u 1", getegid());
    if (unshare(CLONE_NEWUSER) < 0 || !write_map("/proc/self/setgroups", "deny") ||
        !write_map("/proc/self/uid_map", uids) || !write_map("/proc/self/gid_map", gids))
        unit_skip("this machine forbids user namespaces");
    ck_assert_uint_eq(geteuid(), 0);
    ck_assert_int_eq(enter("54321"), 0);
    ck_assert_str_eq(
        said, "user 54321 is unknown to this user namespace: uid kept, all capabilities dropped");
    ck_assert_uint_eq(geteuid(), 0);
    assert_no_capabilities();
}
END_TEST

START_TEST(root_that_may_not_change_its_ids_drops_capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct few[_LINUX_CAPABILITY_U32S_3] = {{0}};
    few[0].effective = few[0].permitted = 1U << CAP_SETPCAP;
    if (geteuid() != 0)
        unit_skip("needs root");
    ck_assert_int_eq(syscall(SYS_capset, &header, few), 0);
    ck_assert_int_eq(enter("0"), 0); /* a user that every namespace knows */
    ck_assert_str_eq(said, "user 0 cannot be had without CAP_SETUID and CAP_SETGID: uid kept, all "
                           "capabilities dropped");
    assert_no_capabilities();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tests = tcase_create("enter");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, without_a_user_only_limits_and_no_new_privs);
    tcase_add_test(tests, the_limit_of_descriptors_is_never_lowered);
    tcase_add_test(tests, root_becomes_another_user_and_there_is_no_way_back);
    tcase_add_test(tests, a_number_needs_no_entry_in_the_password_file);
    tcase_add_loop_test(tests, an_unknown_user_is_refused, 0,
                        sizeof strangers / sizeof strangers[0]);
    tcase_add_test(tests, an_ordinary_user_cannot_become_another);
    tcase_add_test(tests, becoming_who_one_is_is_no_change);
    tcase_add_test(tests, root_of_a_namespace_that_does_not_know_the_user_drops_capabilities);
    tcase_add_test(tests, root_that_may_not_change_its_ids_drops_capabilities);
    return unit_main(suite);
}
