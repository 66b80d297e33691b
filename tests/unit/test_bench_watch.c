/*
 * test_bench_watch.c - a server seen from outside: its owner, its CPU, its memory, its system calls.
 *
 * The servers are children of the test that do one thing when a byte comes through a pipe, so nothing here
 * depends on how fast this machine is.
 */
#include "socket.h"
#include "unit.h"
#include "watch.h"
#include "watch_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a process that obeys ------------------------------------------------------------------- */

struct servant {
    pid_t pid;
    int order, answer; /* our ends */
};

enum { BURN = 30 }; /* ms of CPU: three ticks */

static void burn(long ms)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    long long end = now.tv_sec * EL_S + now.tv_nsec + ms * EL_MS;
    while (now.tv_sec * EL_S + now.tv_nsec < end)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
}

static void *burn_in_thread(void *arg)
{
    (void)arg;
    burn(BURN);
    return NULL;
}

/* 'b' burn, 't' burn in a thread, 'f' a child that burns and stays, 'w' end that child and wait for it, 'm' 8 MiB of memory,
 * 'g' 1000 system calls, 'G' the same in a new child. Each is answered with a byte. */
static void obey(char order, pid_t *child)
{
    pthread_t thread;
    int ready[2];
    char byte = '.';
    switch (order) {
    case 'b':
        burn(BURN);
        break;
    case 't':
        pthread_create(&thread, NULL, burn_in_thread, NULL);
        pthread_join(thread, NULL);
        break;
    case 'f':
        if (pipe(ready) < 0)
            _exit(1);
        *child = fork();
        if (*child == 0) {
            burn(BURN);
            if (write(ready[1], &byte, 1) == 1)
                for (;;)
                    pause();
            _exit(1);
        }
        if (read(ready[0], &byte, 1) != 1)
            _exit(1);
        break;
    case 'w':
        kill(*child, SIGKILL);
        waitpid(*child, NULL, 0);
        break;
    case 'm':
        if (mmap(NULL, (size_t)8 << 20, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
            _exit(1);
        break;
    case 'G':
        if (fork() != 0) {
            wait(NULL);
            break;
        } /* fall through */
    case 'g':
        for (int i = 0; i < 1000; i++)
            syscall(SYS_getppid);
        if (order == 'G')
            _exit(0);
        break;
    default:
        _exit(1);
    }
}

static struct servant servant_start(void)
{
    int order[2], answer[2];
    ck_assert_int_eq(pipe(order), 0);
    ck_assert_int_eq(pipe(answer), 0);
    struct servant servant = {fork(), order[1], answer[0]};
    ck_assert_int_ge(servant.pid, 0);
    if (servant.pid == 0) {
        pid_t child = 0;
        char byte;
        close(order[1]);
        while (read(order[0], &byte, 1) == 1) {
            obey(byte, &child);
            if (write(answer[1], &byte, 1) != 1)
                break;
        }
        if (child > 0)
            kill(child, SIGKILL);
        _exit(0);
    }
    close(order[0]);
    close(answer[1]);
    return servant;
}

static void tell(const struct servant *servant, char order)
{
    char byte;
    ck_assert_int_eq(write(servant->order, &order, 1), 1);
    ck_assert_int_eq(read(servant->answer, &byte, 1), 1);
}

static void servant_end(struct servant *servant)
{
    close(servant->order);
    ck_assert_int_eq(waitpid(servant->pid, NULL, 0), servant->pid);
    close(servant->answer);
}

/* ---- CPU ------------------------------------------------------------------------------------ */

START_TEST(the_cpu_of_a_process_and_its_threads_is_exact)
{
    struct servant servant = servant_start();
    el_duration before = bench_watch_cpu(servant.pid);
    ck_assert_int_ge(before, 0);
    tell(&servant, _i == 0 ? 'b' : 't');
    el_duration used = bench_watch_cpu(servant.pid) - before;
    ck_assert_int_ge(used, BURN * EL_MS);
    servant_end(&servant);
}
END_TEST

START_TEST(a_living_child_counts_and_an_ended_one_goes_on_counting)
{
    struct servant servant = servant_start();
    el_duration before = bench_watch_cpu(servant.pid);
    tell(&servant, 'f');
    el_duration living = bench_watch_cpu(servant.pid);
    ck_assert_int_ge(living - before, BURN * EL_MS);
    tell(&servant, 'w');
    el_duration ended = bench_watch_cpu(servant.pid);
    ck_assert_int_ge(ended, living - 20 * EL_MS); /* two ticks, as documented */
    ck_assert_int_ge(bench_watch_cpu_after(servant.pid, living), living);
    servant_end(&servant);
}
END_TEST

/* Were the remainders of ticks lost with each child, ten would lose half of their time. */
START_TEST(the_error_of_ended_children_does_not_add_up)
{
    struct servant servant = servant_start();
    el_duration highest = bench_watch_cpu(servant.pid), before = highest;
    for (int i = 0; i < 10; i++) {
        tell(&servant, 'f');
        highest = bench_watch_cpu_after(servant.pid, highest);
        tell(&servant, 'w');
        el_duration look = bench_watch_cpu_after(servant.pid, highest);
        ck_assert_int_ge(look, highest);
        highest = look;
    }
    ck_assert_int_ge(bench_watch_cpu(servant.pid) - before, (10 * BURN - 20) * EL_MS);
    servant_end(&servant);
}
END_TEST

START_TEST(who_is_gone_is_told_as_such)
{
    struct servant servant = servant_start();
    servant_end(&servant);
    ck_assert_int_eq(bench_watch_cpu(servant.pid), -ESRCH);
    ck_assert_int_eq(bench_watch_cpu_after(servant.pid, EL_S), -ESRCH);
    ck_assert_int_eq(bench_watch_memory(servant.pid), -ESRCH);
    ck_assert_ptr_null(bench_syscalls_open(servant.pid));
}
END_TEST

/* ---- the tree ------------------------------------------------------------------------------- */

START_TEST(both_ways_find_the_same_descendants)
{
    struct servant servant = servant_start();
    tell(&servant, 'f');
    struct process_list down = {0}, up = {0};
    int result = process_list_tree(&down, servant.pid, PROCESS_CHILDREN);
    ck_assert_int_eq(process_list_tree(&up, servant.pid, PROCESS_PARENTS), 0);
    ck_assert_uint_eq(up.count, 2);
    ck_assert_int_eq(up.pid[0], servant.pid);
    if (result != -ENOENT) { /* a kernel without CONFIG_PROC_CHILDREN */
        ck_assert_int_eq(result, 0);
        ck_assert_uint_eq(down.count, 2);
        ck_assert_int_eq(down.pid[1], up.pid[1]);
    }
    process_list_free(&down);
    process_list_free(&up);
    tell(&servant, 'w');
    servant_end(&servant);
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(memory_that_a_process_takes_is_seen)
{
    struct servant servant = servant_start();
    int64_t before = bench_watch_memory(servant.pid);
    ck_assert_int_gt(before, 0);
    tell(&servant, 'm');
    ck_assert_int_ge(bench_watch_memory(servant.pid) - before, (8 << 20) - (1 << 16));
    servant_end(&servant);
}
END_TEST

/* What a child shares with its parent is counted once: PSS, not RSS. */
START_TEST(memory_that_processes_share_is_counted_once)
{
    if (getenv("ECHOLAB_SLOW") != NULL)
        unit_skip("valgrind has memory of its own in each process");
    struct servant servant = servant_start();
    tell(&servant, 'm');
    int64_t alone = bench_watch_memory(servant.pid);
    tell(&servant, 'f');
    ck_assert_int_lt(bench_watch_memory(servant.pid), alone + (4 << 20));
    tell(&servant, 'w');
    servant_end(&servant);
}
END_TEST

/* ---- owner ---------------------------------------------------------------------------------- */

static int open_at(const char *host, int type, struct el_address *address)
{
    struct el_socket_args args = {.type = type};
    ck_assert_int_eq(el_address_from_literal(host, 0, &args.local), 0);
    int fd = el_socket_open(el_address_family(&args.local), &args, NULL);
    if (fd < 0)
        return fd; /* no IPv6 here */
    if (type == SOCK_STREAM)
        ck_assert_int_eq(el_socket_listen(fd, 4, NULL), 0);
    ck_assert_int_eq(el_socket_local(fd, address), 0);
    return fd;
}

static const struct {
    const char *bound, *asked;
} places[] = {
    {"127.0.0.1", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"},          {"::1", "::1"}, {"::", "::1"},
    {"0.0.0.0", "0.0.0.0"},     {"127.0.0.1", "::ffff:127.0.0.1"},
};

START_TEST(the_owner_of_a_socket_is_found)
{
    int type = _i % 2 == 0 ? SOCK_STREAM : SOCK_DGRAM;
    struct el_address bound, asked;
    int fd = open_at(places[_i / 2].bound, type, &bound);
    if (fd < 0)
        unit_skip("no such address family here");
    ck_assert_int_eq(el_address_from_literal(places[_i / 2].asked, el_address_port(&bound), &asked),
                     0);
    ck_assert_int_eq(bench_watch_owner(&asked, type), getpid());
    el_socket_close(fd);
    ck_assert_int_eq(bench_watch_owner(&asked, type), 0);
}
END_TEST

/* A child binds the wildcard, we the very address, on the same port. */
START_TEST(the_very_address_beats_a_wildcard)
{
    int told[2], stay[2];
    struct el_address any;
    struct el_socket_args args = {.type = SOCK_DGRAM, .reuse_address = true};
    ck_assert_int_eq(pipe(told), 0);
    ck_assert_int_eq(pipe(stay), 0);
    pid_t child = fork();
    if (child == 0) {
        close(stay[1]);
        args.local = el_address_any(AF_INET, 0);
        int fd = el_socket_open(AF_INET, &args, NULL);
        bool ready = el_socket_local(fd, &any) == 0 &&
                     write(told[1], &any, sizeof any) == (ssize_t)sizeof any;
        _exit(!ready || read(stay[0], &any, 1) != 0);
    }
    ck_assert_int_eq(read(told[0], &any, sizeof any), sizeof any);
    ck_assert_int_eq(el_address_from_literal("127.0.0.1", el_address_port(&any), &args.local), 0);
    int fd = el_socket_open(AF_INET, &args, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bench_watch_owner(&args.local, SOCK_DGRAM), getpid());
    el_socket_close(fd);
    ck_assert_int_eq(bench_watch_owner(&args.local, SOCK_DGRAM), child);
    close(stay[1]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* A forking server: the children have the socket, too. */
START_TEST(of_those_who_share_it_the_eldest_is_the_owner)
{
    struct el_address address;
    int fd = open_at("127.0.0.1", SOCK_STREAM, &address);
    struct servant servant = servant_start(); /* has a copy of fd */
    tell(&servant, 'f');                      /* and so has its child */
    ck_assert_int_eq(bench_watch_owner(&address, SOCK_STREAM), getpid());
    el_socket_close(fd);
    ck_assert_int_eq(bench_watch_owner(&address, SOCK_STREAM), servant.pid);
    tell(&servant, 'w');
    servant_end(&servant);
}
END_TEST

START_TEST(a_connected_client_is_no_owner)
{
    struct el_address address, local;
    int fd = open_at("127.0.0.1", SOCK_DGRAM, &address);
    struct el_socket_args args = {.type = SOCK_DGRAM};
    int client = el_socket_open(AF_INET, &args, NULL);
    ck_assert_int_eq(el_socket_connect(client, &address, NULL), 0);
    ck_assert_int_eq(el_socket_local(client, &local), 0);
    ck_assert_int_eq(bench_watch_owner(&local, SOCK_DGRAM), 0);
    el_socket_close(client);
    el_socket_close(fd);
}
END_TEST

/* ---- system calls --------------------------------------------------------------------------- */

START_TEST(the_kernel_counts_system_calls_of_a_process_and_its_new_children)
{
    if (getenv("ECHOLAB_SLOW") != NULL)
        unit_skip("valgrind makes system calls of its own");
    struct servant servant = servant_start();
    struct bench_syscalls *syscalls = bench_syscalls_open(servant.pid);
    if (syscalls == NULL) {
        int error = errno;
        servant_end(&servant);
        ck_assert(error == EACCES || error == EPERM || error == ENOENT);
        unit_skip("this user may not use perf_event_open(2) on tracepoints");
    }
    uint64_t before = bench_syscalls_read(syscalls);
    tell(&servant, _i == 0 ? 'g' : 'G');
    uint64_t calls = bench_syscalls_read(syscalls) - before;
    ck_assert_uint_ge(calls, 1000 + 1); /* and the write of the answer */
    ck_assert_uint_le(calls, 1000 + 50);
    bench_syscalls_close(syscalls);
    servant_end(&servant);
}
END_TEST

/* Recorded from strace 6.1, cut short. */
static const char table[] = "% time     seconds  usecs/call     calls    errors syscall\n"
                            "------ ----------- ----------- --------- --------- ----------------\n"
                            " 61.54    0.000008           1         8           read\n"
                            " 38.46    0.000005           0        43        19 openat\n"
                            "  0.00    0.000000           0         1           rt_sigreturn\n"
                            "------ ----------- ----------- --------- --------- ----------------\n"
                            "100.00    0.000013           0        52        19 total\n";
/* Of strace 4.26: no usecs/call in the last row. */
static const char older[] = "% time     seconds  usecs/call     calls    errors syscall\n"
                            "------ ----------- ----------- --------- --------- ----------------\n"
                            "  0.00    0.000000           0      1007           recvmmsg\n"
                            "------ ----------- ----------- --------- --------- ----------------\n"
                            "100.00    0.000000                  1007           total\n";

START_TEST(the_table_of_strace_is_added_up)
{
    ck_assert_int_eq(bench_strace_total(table), 52);
    ck_assert_int_eq(bench_strace_total(older), 1007);
}
END_TEST

START_TEST(what_is_no_whole_table_of_strace_is_refused)
{
    char cut[sizeof table];
    ck_assert_int_eq(bench_strace_total(""), -EINVAL);
    ck_assert_int_eq(bench_strace_total("strace: No such file\n"), -EINVAL);
    ck_assert_int_eq(
        bench_strace_total("100.00    0.000013           0        52        19 total\n"), -EINVAL);
    for (size_t i = 0; i < sizeof table - strlen("total\n"); i++) {
        snprintf(cut, sizeof cut, "%.*s", (int)i, table);
        unit_holds(bench_strace_total(cut) == -EINVAL, cut);
    }
    snprintf(cut, sizeof cut, "%s", table);
    *strstr(cut, "43") = '5'; /* the rows do not add up to the total */
    ck_assert_int_eq(bench_strace_total(cut), -EINVAL);
    ck_assert_int_eq(bench_strace_calls("/nonexistent/table"), -ENOENT);
}
END_TEST

START_TEST(strace_counts_a_program_that_it_runs)
{
    char file[] = "/tmp/test_bench_watch.XXXXXX", name[] = "true";
    char *const program[] = {name, NULL};
    int fd = mkstemp(file), status;
    ck_assert_int_ge(fd, 0);
    close(fd);
    char **argv = bench_strace_argv(program, file);
    ck_assert_ptr_nonnull(argv);
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    int64_t calls = bench_strace_calls(file);
    unlink(file);
    free(argv);
    if (WEXITSTATUS(status) != 0)
        unit_skip("strace is not there, or ptrace(2) is not permitted");
    ck_assert_int_gt(calls, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_watch");
    TCase *tests = tcase_create("watch");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, the_cpu_of_a_process_and_its_threads_is_exact, 0, 2);
    tcase_add_test(tests, a_living_child_counts_and_an_ended_one_goes_on_counting);
    tcase_add_test(tests, the_error_of_ended_children_does_not_add_up);
    tcase_add_test(tests, who_is_gone_is_told_as_such);
    tcase_add_test(tests, both_ways_find_the_same_descendants);
    tcase_add_test(tests, memory_that_a_process_takes_is_seen);
    tcase_add_test(tests, memory_that_processes_share_is_counted_once);
    tcase_add_loop_test(tests, the_owner_of_a_socket_is_found, 0,
                        2 * (int)(sizeof places / sizeof places[0]));
    tcase_add_test(tests, the_very_address_beats_a_wildcard);
    tcase_add_test(tests, of_those_who_share_it_the_eldest_is_the_owner);
    tcase_add_test(tests, a_connected_client_is_no_owner);
    tcase_add_loop_test(tests, the_kernel_counts_system_calls_of_a_process_and_its_new_children, 0,
                        2);
    tcase_add_test(tests, the_table_of_strace_is_added_up);
    tcase_add_test(tests, what_is_no_whole_table_of_strace_is_refused);
    tcase_add_test(tests, strace_counts_a_program_that_it_runs);
    return unit_main(suite);
}
