/*
 * test_standard_io.c - what a program finds when it was started with some of its standard
 * descriptors closed.
 */
#include "standard_io.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, since Check itself writes to them: closes the descriptors of `mask` and fills them.
 * Returns the child's exit code, 0 if all was as it should be. */
static int fill_without(unsigned mask)
{
    int input[2]; /* a stdin that is certainly not /dev/null */
    if (pipe(input) != 0 || dup2(input[0], 0) != 0)
        return 9;
    for (int fd = 0; fd <= 2; fd++)
        if (mask & 1U << fd)
            close(fd);
    if (el_standard_fill() != (mask & 2 ? -EBADF : 0))
        return 10;
    for (int fd = 0; fd <= 2; fd++) {
        struct stat now, null;
        bool filled = mask & 1U << fd;
        if (fstat(fd, &now) != 0)
            return 20 + fd;
        if (filled && (stat("/dev/null", &null) != 0 || now.st_rdev != null.st_rdev))
            return 30 + fd;
    }
    char byte = 0;
    if (mask & 1 && (read(0, &byte, 1) != -1 || errno != EBADF))
        return 40; /* no stdin is not an empty one */
    if (mask & 2 && (write(1, &byte, 1) != -1 || errno != EBADF))
        return 41; /* nothing can be printed */
    if (mask & 4 && write(2, &byte, 1) != 1)
        return 42; /* a diagnostic may be lost */
    return 0;
}

START_TEST(closed_standard_descriptors_are_filled_with_nothing)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(fill_without((unsigned)_i));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("standard_io");
    TCase *t = tcase_create("start");
    tcase_add_loop_test(t, closed_standard_descriptors_are_filled_with_nothing, 0, 8);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
