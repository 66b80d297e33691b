/*
 * test_seccomp_filter.c - under the filter: what is the end of a process, and what just fails.
 *
 * Each look is a child that puts itself under the filter and makes a call; how it ended is the answer. The lists are
 * taken from the filter itself, so that no name in them goes untried; what must be in them is said here a second time.
 */
#include "seccomp_filter_private.h"
#include "under_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 600, ALIVE = 42 };

static bool is_in(const struct el_seccomp_call *list, long number)
{
    while (list->name != NULL && list->number != number)
        list++;
    return list->name != NULL;
}

static bool has_rule(long number)
{
    const struct el_seccomp_rule *rule = el_seccomp_rules;
    while (rule->call.name != NULL && rule->call.number != number)
        rule++;
    return rule->call.name != NULL || number == SYS_tgkill;
}

/* ---- killed --------------------------------------------------------------------------------------- */

/* Arguments that are good for nothing, in case it is not the filter that answers. */
static int call_by_number(const void *number)
{
    syscall(*(const long *)number, -1L, -1L, -1L, -1L, -1L, -1L);
    return 0;
}

static void assert_killed(long number, const char *name)
{
    int status = under_filter(~0U, call_by_number, &number); /* whatever a server asks for */
    ck_assert_msg(killed_by(status, SIGSYS), "%s: wait status %#x", name, (unsigned)status);
}

static int make_namespace(const void *flag)
{
    return syscall(SYS_clone, *(const unsigned *)flag | SIGCHLD, 0L, 0L, 0L, 0L) == 0 ? 1 : 0;
}

/* What the list may never lose. */
static const long must_kill[] = {
    SYS_execve,          SYS_execveat,    SYS_ptrace,        SYS_process_vm_readv,
    SYS_kexec_load,      SYS_init_module, SYS_finit_module,  SYS_process_vm_writev,
    SYS_mount,           SYS_umount2,     SYS_delete_module, SYS_unshare,
    SYS_setns,           SYS_bpf,         SYS_keyctl,        SYS_perf_event_open,
    SYS_add_key,         SYS_request_key, SYS_userfaultfd,   SYS_open_by_handle_at,
    SYS_pivot_root,      SYS_chroot,      SYS_personality,   SYS_setuid,
    SYS_setresuid,       SYS_setgroups,   SYS_capset,        SYS_reboot,
    SYS_kexec_file_load, SYS_move_mount,  SYS_fsmount,       SYS_open_tree,
};

START_TEST(a_call_of_the_dangerous_set_kills)
{
    NEEDS_FILTER();
    for (const struct el_seccomp_call *call = el_seccomp_killed; call->name != NULL; call++)
        assert_killed(call->number, call->name);
    for (size_t i = 0; i < sizeof must_kill / sizeof must_kill[0]; i++)
        ck_assert_msg(is_in(el_seccomp_killed, must_kill[i]), "number %ld", must_kill[i]);
    for (const unsigned *flag = el_seccomp_killed_clone_flags; *flag != 0; flag++) {
        ck_assert_msg(killed_by(under_filter(0, make_namespace, flag), SIGSYS), "clone %#x", *flag);
        ck_assert_msg(killed_by(under_filter(~0U, make_namespace, flag), SIGSYS), "clone %#x",
                      *flag);
        const unsigned thread = *flag | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
        ck_assert_msg(killed_by(under_filter(0, make_namespace, &thread), SIGSYS), "clone %#x",
                      thread);
    }
}
END_TEST

static void *be_shot(void *arg)
{
    syscall(SYS_ptrace, -1L, 0L, 0L, 0L);
    return arg;
}

static int be_shot_in_a_thread(const void *arg)
{
    pthread_t thread;
    (void)arg;
    if (pthread_create(&thread, NULL, be_shot, NULL) == 0)
        pthread_join(thread, NULL);
    return 0;
}

START_TEST(it_kills_the_process_and_not_only_the_thread)
{
    NEEDS_FILTER();
    ck_assert(killed_by(under_filter(0, be_shot_in_a_thread, NULL), SIGSYS));
}
END_TEST

#ifdef __x86_64__
/* getpid(2) of i386 has number 20. A kernel without 32-bit programs answers with SIGSEGV, and makes no call either. */
static int call_as_i386(const void *arg)
{
    long result = 20;
    (void)arg;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return 0;
}

START_TEST(calls_in_another_machines_way_kill)
{
    NEEDS_FILTER();
    const long x32 = 0x40000000 | SYS_getpid;
    assert_killed(x32, "x32 getpid");
    int status = under_filter(0, call_as_i386, NULL);
    ck_assert_msg(killed_by(status, SIGSYS) || killed_by(status, SIGSEGV), "i386 getpid: %#x",
                  (unsigned)status);
}
END_TEST
#endif

/* ---- ENOSYS --------------------------------------------------------------------------------------- */

static bool fails(long result)
{
    return result == -1 && errno == ENOSYS;
}

/* uretprobe(2) and uprobe(2) are the kernel's own: a breakpoint that it has set itself. They pass every filter (Linux 6.14). */
static bool is_the_kernels_own(long number)
{
#ifdef __x86_64__
    return number == 335 || number == 336;
#else
    (void)number;
    return false;
#endif
}

/* The first number that has no name in any list and yet does not fail with ENOSYS, in a file that both share; 0: none. */
static int call_all_others(const void *shared)
{
    long *wrong = *(long *const *)shared;
    for (long number = 0; number < NUMBERS && *wrong == 0; number++) {
        bool listed = is_in(el_seccomp_allowed, number) || has_rule(number) ||
                      is_in(el_seccomp_killed, number);
        if (!listed && !is_the_kernels_own(number) &&
            !fails(syscall(number, -1L, -1L, -1L, -1L, -1L, -1L)))
            *wrong = number;
    }
    return ALIVE; /* it lives */
}

START_TEST(any_other_call_gets_enosys)
{
    NEEDS_FILTER();
    long *wrong =
        mmap(NULL, sizeof *wrong, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(wrong, MAP_FAILED);
    int status = under_filter(~0U, call_all_others, &wrong);
    ck_assert_int_eq(*wrong, 0);
    ck_assert_int_eq(status, ALIVE << 8);
    munmap(wrong, sizeof *wrong);
}
END_TEST

/* Calls that are allowed, with what they are not allowed for. A number for each, so that the exit code tells which went through. */
static int ask_too_much(const void *arg)
{
    const int one = 1;
    const struct sock_fprog program = {0};
    const struct rlimit limit = {8, 8};
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)arg;
#define FAILS(number, call)                                                                        \
    if (!fails((long)(call)))                                                                      \
    return number
    FAILS(1, socket(AF_INET, SOCK_STREAM, 0));
    FAILS(2, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    FAILS(3, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    FAILS(4, socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    FAILS(5, open("/dev/null", O_WRONLY));
    FAILS(6, open("/dev/null", O_RDWR));
    FAILS(7, open("/dev/null", O_RDONLY | O_TRUNC));
    FAILS(8, open("/tmp", O_TMPFILE | O_RDWR, 0600));
    FAILS(9, open("/proc/self/echolab", O_RDONLY | O_CREAT, 0600));
    FAILS(10, mprotect(page, 4096, PROT_READ | PROT_EXEC));
    FAILS(11, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    FAILS(12, ioctl(0, TIOCSTI, "x"));
    FAILS(13, ioctl(0, TIOCLINUX, "x"));
    FAILS(14, setsockopt(-1, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
    FAILS(15, setsockopt(-1, IPPROTO_IP, SO_LINGER, &one, sizeof one));
    FAILS(16, setsockopt(-1, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    FAILS(17, fork());
    FAILS(18, syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0L, 0L, 0L, 0L));
    FAILS(19, syscall(SYS_clone3, NULL, 0L));
    FAILS(20, prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L));
    FAILS(21, prctl(PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L));
    FAILS(22, setrlimit(RLIMIT_NOFILE, &limit));
    FAILS(23, kill(getpid(), SIGKILL));
    FAILS(24, syscall(SYS_tgkill, getpid(), gettid(), SIGTERM));
    FAILS(25, syscall(SYS_tgkill, 1, 1, SIGABRT));
    FAILS(26, unlink("/proc/self/echolab"));
    FAILS(27, ftruncate(-1, 0));
    FAILS(28, syscall(SYS_io_uring_setup, 1L, NULL));
    FAILS(29, syscall(SYS_io_uring_enter, -1L, 0L, 0L, 0L, NULL, 0L));
    FAILS(30, syscall(SYS_seccomp, 1L, 0L, NULL));
    FAILS(31, syscall(SYS_close_range, 100L, 200L, 0L));
    FAILS(32, memfd_create("x", 0));
    FAILS(33, connect(-1, NULL, 0));
    FAILS(34, bind(-1, NULL, 0));
    return ALIVE;
}

START_TEST(what_depends_on_arguments_gets_enosys_for_others)
{
    NEEDS_FILTER();
    int status = under_filter(0, ask_too_much, NULL);
    ck_assert_msg(status == ALIVE << 8, "went through: number %d of ask_too_much (status %#x)",
                  status >> 8, (unsigned)status);
}
END_TEST

static int ask_as_parent(const void *arg)
{
    int status;
    (void)arg;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L);
        for (;;)
            poll(NULL, 0, -1);
    }
    if (child < 0 || !fails(kill(child, SIGTERM)) || !fails(prctl(PR_SET_DUMPABLE, 0L)) ||
        !fails(syscall(SYS_io_uring_setup, 1L, NULL)) ||
        !fails(syscall(SYS_clone, CLONE_VM | SIGCHLD, 0L, 0L, 0L, 0L)))
        return 1;
    if (kill(child, SIGKILL) < 0 || waitpid(-1, &status, __WNOTHREAD) != child)
        return 2;
    child = fork();
    if (child == 0)
        abort();
    if (waitpid(child, &status, 0) != child || WTERMSIG(status) != SIGABRT)
        return 3;
    return ALIVE;
}

static int ask_for_rings(const void *arg)
{
    (void)arg;
    return fails(syscall(SYS_io_uring_setup, 1L, NULL)) || !fails(fork()) ? 1 : ALIVE;
}

static int ask_for_removal(const void *path)
{
    return unlink(path) == 0 && fails(fork()) && fails(syscall(SYS_io_uring_setup, 1L, NULL)) ? 42
                                                                                              : 1;
}

START_TEST(each_bit_of_calls_gives_its_own_calls_and_no_others)
{
    NEEDS_FILTER();
    char path[] = "/tmp/echolab-unit.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(under_filter(EL_CALLS_PROCESSES, ask_as_parent, NULL), ALIVE << 8);
    ck_assert_int_eq(under_filter(EL_CALLS_UNLINK, ask_for_removal, path), ALIVE << 8);
    ck_assert_int_lt(access(path, F_OK), 0);
    if (syscall(SYS_io_uring_setup, 1L, NULL) < 0 && errno != ENOSYS)
        ck_assert_int_eq(under_filter(EL_CALLS_IO_URING, ask_for_rings, NULL), ALIVE << 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seccomp_filter");
    TCase *tests = tcase_create("ends");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, a_call_of_the_dangerous_set_kills);
    tcase_add_test(tests, it_kills_the_process_and_not_only_the_thread);
#ifdef __x86_64__
    tcase_add_test(tests, calls_in_another_machines_way_kill);
#endif
    tcase_add_test(tests, any_other_call_gets_enosys);
    tcase_add_test(tests, what_depends_on_arguments_gets_enosys_for_others);
    tcase_add_test(tests, each_bit_of_calls_gives_its_own_calls_and_no_others);
    return unit_main(suite);
}
