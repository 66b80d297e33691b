/* test_pidfile.c - the file is whole or not there, ours or left alone. Whether a server has one at the right time: test_service.c. */
#include "../lib/unit.h"
#include "pidfile.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/echolab-test.XXXXXX", path[64];
static int next_descriptor; /* the lowest free one, before the test */

static int lowest_free(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/pid", directory);
    next_descriptor = lowest_free();
}

/* Nothing is left: no descriptor, no temporary file. */
static void tear_down(void)
{
    ck_assert_int_eq(lowest_free(), next_descriptor);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(it_holds_our_number_and_everybody_may_read_it)
{
    struct el_pidfile pidfile;
    struct stat there;
    char text[32] = "", wanted[32];
    umask(077);
    ck_assert_int_eq(el_pidfile_write(&pidfile, path), 0);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    ck_assert_ptr_null(fgets(wanted, sizeof wanted, file)); /* one line */
    fclose(file);
    snprintf(wanted, sizeof wanted, "%ld\n", (long)getpid());
    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(stat(path, &there), 0);
    ck_assert_uint_eq(there.st_mode & 07777, 0644);
    ck_assert_int_eq(el_pidfile_remove(&pidfile), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_ptr_null(pidfile.path);
}
END_TEST

START_TEST(an_old_one_is_replaced)
{
    struct el_pidfile pidfile;
    write_file("1\n");
    ck_assert_int_eq(el_pidfile_write(&pidfile, path), 0);
    ck_assert_int_eq(el_pidfile_remove(&pidfile), 0);
}
END_TEST

/* The disk is full: the old one stays as it was. */
START_TEST(one_that_cannot_be_written_leaves_nothing_and_harms_nothing)
{
    struct el_pidfile pidfile;
    struct stat before, after;
    struct rlimit all, none;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
    none = (struct rlimit){0, all.rlim_max};
    write_file("1\n");
    ck_assert_int_eq(stat(path, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    int error = el_pidfile_write(&pidfile, path);
    setrlimit(RLIMIT_FSIZE, &all);
    ck_assert_int_eq(error, -EFBIG);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(one_that_fits_nowhere_is_said_so)
{
    struct el_pidfile pidfile;
    char name[PATH_MAX + 1];
    memset(name, 'x', PATH_MAX);
    name[PATH_MAX] = '\0';
    ck_assert_int_eq(el_pidfile_write(&pidfile, name), -ENAMETOOLONG);
    ck_assert_int_eq(el_pidfile_write(&pidfile, "/no/such/directory/pid"), -ENOENT);
    ck_assert_int_eq(el_pidfile_write(&pidfile, directory), -EEXIST);
    ck_assert_int_eq(el_pidfile_write(&pidfile, "/dev/null"), -EEXIST);
    ck_assert_int_eq(el_pidfile_write(&pidfile, "/dev/null/pid"), -ENOTDIR);
}
END_TEST

START_TEST(a_successors_is_left_alone)
{
    struct el_pidfile pidfile;
    ck_assert_int_eq(el_pidfile_write(&pidfile, path), 0);
    ck_assert_int_eq(unlink(path), 0);
    write_file("1\n");
    ck_assert_int_eq(el_pidfile_remove(&pidfile), 0);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(one_that_has_gone_is_no_error_and_neither_is_none)
{
    struct el_pidfile pidfile, none = {0};
    ck_assert_int_eq(el_pidfile_write(&pidfile, path), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(el_pidfile_remove(&pidfile), 0);
    ck_assert_int_eq(el_pidfile_remove(&pidfile), 0);
    ck_assert_int_eq(el_pidfile_remove(&none), 0); /* and descriptor 0 stays open */
    ck_assert_int_ne(lowest_free(), STDIN_FILENO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pidfile");
    TCase *tests = tcase_create("pidfile");
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, it_holds_our_number_and_everybody_may_read_it);
    tcase_add_test(tests, an_old_one_is_replaced);
    tcase_add_test(tests, one_that_cannot_be_written_leaves_nothing_and_harms_nothing);
    tcase_add_test(tests, one_that_fits_nowhere_is_said_so);
    tcase_add_test(tests, a_successors_is_left_alone);
    tcase_add_test(tests, one_that_has_gone_is_no_error_and_neither_is_none);
    return unit_main(suite);
}
