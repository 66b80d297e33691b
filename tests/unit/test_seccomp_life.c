/*
 * test_seccomp_life.c - under the filter the C library lives as before: threads, memory, time, and a proper end; and no
 * thread is left out.
 */
#include "seccomp_filter.h"
#include "under_filter.h"

#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ALIVE = 42 };

/* ---- what must go on working ---------------------------------------------------------------------- */

static void *use_memory(void *arg)
{
    char *text = malloc(100); /* the thread's own arena */
    char *large = malloc(8 << 20);
    char *larger = realloc(large, 32 << 20); /* mmap(2), mremap(2) */
    bool good = text != NULL && larger != NULL;
    if (larger == NULL)
        free(large);
    free(larger);
    free(text);
    return good ? arg : NULL;
}

/* How the C library asks where vDSO, caches and newer calls are missing. */
static int live(const void *arg)
{
    char name[IF_NAMESIZE], random[8];
    struct timespec now;
    pthread_t threads[4];
    void *result;
    (void)arg;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, use_memory, threads) != 0)
            return 1;
    for (int i = 0; i < 4; i++)
        if (pthread_join(threads[i], &result) != 0 || result == NULL)
            return 2;
    if (if_indextoname(1, name) == NULL || strcmp(name, "lo") != 0)
        return 3;
    if (eventfd(0, EFD_CLOEXEC) < 0 || fcntl(0, F_SETFL, fcntl(0, F_GETFL)) < 0)
        return 4;
    if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) < 0 ||
        syscall(SYS_getrandom, random, sizeof random, 0) < 0)
        return 5;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 1 || sysconf(_SC_PHYS_PAGES) < 1 ||
        sysconf(_SC_OPEN_MAX) < 1)
        return 6;
    usleep(1);
    return ALIVE;
}

START_TEST(threads_memory_and_time_are_as_without)
{
    NEEDS_FILTER();
    ck_assert_int_eq(under_filter(0, live, NULL), ALIVE << 8);
}
END_TEST

static int abort_here(const void *arg)
{
    (void)arg;
    abort();
}

static void *abort_there(void *arg)
{
    (void)arg;
    abort();
}

static int abort_in_a_thread(const void *arg)
{
    pthread_t thread;
    (void)arg;
    if (pthread_create(&thread, NULL, abort_there, NULL) == 0)
        pthread_join(thread, NULL);
    return 0;
}

extern _Noreturn void __stack_chk_fail(void); /* what -fstack-protector calls */
static int smash(const void *arg)
{
    (void)arg;
    __stack_chk_fail();
}

START_TEST(an_abort_is_sigabrt_and_says_why)
{
    NEEDS_FILTER();
    char text[256];
    int err[2], saved = dup(STDERR_FILENO);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(WTERMSIG(under_filter(0, abort_here, NULL)), SIGABRT);
    ck_assert_int_eq(WTERMSIG(under_filter(0, abort_in_a_thread, NULL)), SIGABRT);
    dup2(err[1], STDERR_FILENO);
    int status = under_filter(0, smash, NULL);
    dup2(saved, STDERR_FILENO);
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ssize_t got = read(err[0], text, sizeof text - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_msg(strstr(text, "stack smashing detected") != NULL, "said: %s", text);
}
END_TEST

/* ---- every thread ---------------------------------------------------------------------------------- */

/* Asked by the thread itself: nobody opens /proc under the filter. */
static bool is_under_filter(void)
{
    return syscall(SYS_getppid) < 0;
}

static pthread_barrier_t beginning, end;
static bool under_at_first;
static void *stand_by(void *under)
{
    under_at_first = is_under_filter();
    pthread_barrier_wait(&beginning);
    pthread_barrier_wait(&end);
    *(bool *)under = is_under_filter();
    return NULL;
}

START_TEST(every_thread_is_under_the_filter)
{
    NEEDS_FILTER();
    pthread_t before, after;
    bool under[2] = {false, false};
    char text[80];
    pthread_barrier_init(&beginning, NULL, 2);
    pthread_barrier_init(&end, NULL, 3);
    ck_assert_int_eq(pthread_create(&before, NULL, stand_by, &under[0]), 0);
    pthread_barrier_wait(&beginning);
    ck_assert(!under_at_first);
    ck_assert_int_eq(el_seccomp_filter_install(0, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(pthread_create(&after, NULL, stand_by, &under[1]), 0);
    pthread_barrier_wait(&beginning);
    pthread_barrier_wait(&end);
    pthread_join(before, NULL);
    pthread_join(after, NULL);
    ck_assert(is_under_filter());
    ck_assert(under[0]); /* it was there before */
    ck_assert(under[1] && under_at_first);
    _exit(0); /* Check would make calls that are forbidden now */
}
END_TEST

/* ---- a kernel that does not want ------------------------------------------------------------------- */

static int install_again(const void *arg)
{
    char text[80];
    (void)arg;
    int error = el_seccomp_filter_install(0, text, sizeof text);
    return error < 0 && text[0] != '\0' ? ALIVE : 1;
}

/* Under a filter seccomp(2) and prctl(2) get ENOSYS: such a machine. */
START_TEST(a_machine_that_refuses_is_an_error_and_no_more)
{
    NEEDS_FILTER();
    ck_assert_int_eq(under_filter(0, install_again, NULL), ALIVE << 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seccomp_life");
    TCase *tests = tcase_create("life");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, threads_memory_and_time_are_as_without);
    tcase_add_test(tests, an_abort_is_sigabrt_and_says_why);
    tcase_add_test(tests, every_thread_is_under_the_filter);
    tcase_add_test(tests, a_machine_that_refuses_is_an_error_and_no_more);
    return unit_main(suite);
}
