/*
 * test_sandbox.c - what is gone after el_sandbox_enter is gone for good.
 *
 * Check runs each test in a process of its own, so each can give its privileges away. What only root can give
 * is skipped for an ordinary user (and said to be), where the user namespace cases still run.
 */
#include "sandbox.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
        ck_assert_int_le(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0), 0);
}

/* Who had CAP_SETPCAP: nothing can come from the file of a program either. */
static void assert_empty_bounding_set(void)
{
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        ck_assert_int_le(prctl(PR_CAPBSET_READ, capability, 0, 0, 0), 0);
}

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        ck_assert_int_eq(call, -1);                                                                \
        ck_assert_int_eq(errno, EPERM);                                                            \
    } while (0)

/* Every way back that there is, each refused. */
static void assert_no_way_back(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct one[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const gid_t root = 0;
    one[0].permitted = one[0].effective = 1U << CAP_SETUID;
    REFUSED(setuid(0));
    REFUSED(seteuid(0));
    REFUSED(setresuid((uid_t)-1, (uid_t)-1, 0));
    REFUSED(setgid(0));
    REFUSED(setegid(0));
    REFUSED(setgroups(1, &root));
    REFUSED(setgroups(0, NULL));
    REFUSED(syscall(SYS_capset, &header, one));
    one[0].permitted = one[0].effective = 0;
    one[0].inheritable = 1U << CAP_SETUID;
    REFUSED(syscall(SYS_capset, &header, one));
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
    ck_assert_uint_le(limit.rlim_max, 1); /* see #no-core */
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

START_TEST(privileges_are_dropped_and_cannot_be_regained)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0 || nobody == NULL)
        unit_skip("needs root");
    uid_t uid = nobody->pw_uid, real, effective, saved;
    gid_t gid = nobody->pw_gid, real_gid, effective_gid, saved_gid;
    if (setgroups(1, (gid_t[]){0}) < 0)
        unit_skip("root of a user namespace: the next tests are for that");
    ck_assert_int_eq(enter("nobody"), 0);
    ck_assert_msg(strstr(said, "now uid ") == said, "said: %s", said);
    ck_assert_int_eq(getresuid(&real, &effective, &saved), 0);
    ck_assert(real == uid && effective == uid && saved == uid);
    ck_assert_int_eq(getresgid(&real_gid, &effective_gid, &saved_gid), 0);
    ck_assert(real_gid == gid && effective_gid == gid && saved_gid == gid);
    ck_assert_int_eq(getgroups(0, NULL), 0);
    assert_no_capabilities();
    assert_empty_bounding_set();
    assert_no_way_back();
    assert_no_capabilities();
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1); /* its owner may look: /proc/PID/fd */
    ck_assert_int_eq(access("/proc/self/fd/0", F_OK), 0);
}
END_TEST

/* A set-user-ID program may have become somebody with its effective id alone, and left root as the way back. */
START_TEST(a_saved_id_of_root_is_no_way_back)
{
    if (geteuid() != 0 || setgroups(0, NULL) < 0)
        unit_skip("needs root");
    ck_assert_int_eq(setresgid(54321, 54321, 0), 0);
    ck_assert_int_eq(setresuid(_i == 0 ? 54321 : 0, 54321, 0), 0);
    ck_assert_int_eq(enter(_i == 2 ? "54321" : NULL), 0);
    ck_assert_str_eq(said, "");
    ck_assert_uint_eq(getuid(), 54321);
    assert_no_capabilities();
    assert_no_way_back();
}
END_TEST

/* As a program with cap_net_bind_service in its file has it, started by an ordinary user (setcap(8)). */
START_TEST(an_ordinary_user_keeps_no_capability_of_the_programs_file)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct one[_LINUX_CAPABILITY_U32S_3] = {{0}}, now[2];
    const unsigned wanted = 1U << CAP_NET_BIND_SERVICE;
    one[0].effective = one[0].permitted = one[0].inheritable = wanted;
    if (geteuid() != 0 || setgroups(0, NULL) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
        setresgid(54321, 54321, 54321) < 0 || setresuid(54321, 54321, 54321) < 0)
        unit_skip("needs root");
    ck_assert_int_eq(syscall(SYS_capset, &header, one), 0);
    ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0), 0);

    const struct el_sandbox_args keep = {.keep_capabilities = true};
    ck_assert_int_eq(el_sandbox_enter(&keep, said, sizeof said), 0);
    ck_assert_int_eq(syscall(SYS_capget, &header, now), 0);
    ck_assert_uint_eq(now[0].effective, wanted); /* who needs it can say so */

    ck_assert_int_eq(enter(NULL), 0);
    assert_no_capabilities();
    assert_no_way_back();
}
END_TEST

/* Aborts in an empty directory; is there a core dump? `sandboxed` false shows that this machine writes some. */
static bool leaves_core(const char *directory, bool sandboxed)
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct rlimit limit;
        getrlimit(RLIMIT_CORE, &limit);
        limit.rlim_cur = limit.rlim_max;
        if (chdir(directory) < 0 || setrlimit(RLIMIT_CORE, &limit) < 0 ||
            (sandboxed && enter(NULL) != 0))
            _exit(1);
        abort();
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    bool dumped = WCOREDUMP(status), file = false;
    DIR *list = opendir(directory);
    ck_assert_ptr_nonnull(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (entry->d_name[0] != '.') {
            file = file || strncmp(entry->d_name, "vgcore.", 7) != 0; /* valgrind's own */
            unlinkat(dirfd(list), entry->d_name, 0);
        }
    closedir(list);
    return dumped || file;
}

START_TEST(no_core_dump)
{
    char directory[] = "/tmp/echolab-unit.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    bool without = leaves_core(directory, false), with = leaves_core(directory, true);
    rmdir(directory);
    ck_assert(!with);
    if (!without)
        unit_skip("this machine, or this build, writes no core dumps anyway");
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
START_TEST(capabilities_are_dropped_where_no_other_user_is_mapped)
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
    assert_empty_bounding_set();
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
    assert_empty_bounding_set();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tests = tcase_create("enter");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, without_a_user_only_limits_and_no_new_privs);
    tcase_add_test(tests, the_limit_of_descriptors_is_never_lowered);
    tcase_add_test(tests, privileges_are_dropped_and_cannot_be_regained);
    tcase_add_loop_test(tests, a_saved_id_of_root_is_no_way_back, 0, 3);
    tcase_add_test(tests, an_ordinary_user_keeps_no_capability_of_the_programs_file);
    tcase_add_test(tests, no_core_dump);
    tcase_add_test(tests, a_number_needs_no_entry_in_the_password_file);
    tcase_add_loop_test(tests, an_unknown_user_is_refused, 0,
                        sizeof strangers / sizeof strangers[0]);
    tcase_add_test(tests, an_ordinary_user_cannot_become_another);
    tcase_add_test(tests, becoming_who_one_is_is_no_change);
    tcase_add_test(tests, capabilities_are_dropped_where_no_other_user_is_mapped);
    tcase_add_test(tests, root_that_may_not_change_its_ids_drops_capabilities);
    return unit_main(suite);
}
