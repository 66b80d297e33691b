/*
 * test_line_output.c - lines into pipes and sockets that are full, shared, or have no reader.
 */
#include "line_output.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE = 4096 }; /* what the pipes here hold */

static char big[3 * PIPE];

/* ends[0] reads, ends[1] writes, as a shell makes them: blocking. */
static void make_ends(bool socket, int ends[2])
{
    if (socket) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        return;
    }
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, PIPE), PIPE);
}

static int put(struct el_line_output *output, const char *text)
{
    return el_line_output_write(output, text, strlen(text), 0);
}

START_TEST(a_full_pipe_or_socket_takes_no_more_lines_and_does_not_wait)
{
    int ends[2];
    make_ends(_i == 1, ends);
    struct el_line_output output = el_line_output(ends[1]);
    int error = 0;
    for (int i = 0; i < 100000 && error == 0; i++)
        error = put(&output, "one more line of some length\n");
    ck_assert_int_eq(error, -EAGAIN);
    el_line_output_close(&output);
}
END_TEST

START_TEST(the_open_file_that_is_shared_still_waits)
{
    int ends[2];
    make_ends(false, ends);
    struct el_line_output output = el_line_output(ends[1]);
    ck_assert_int_eq(put(&output, "a line\n"), 0);
    ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    el_line_output_close(&output);
    ck_assert_int_ge(fcntl(ends[1], F_GETFD), 0); /* and it is left open */
}
END_TEST

START_TEST(without_an_open_file_of_its_own_it_does_not_wait_either)
{
    int ends[2], error = 0;
    make_ends(false, ends);
    struct el_line_output output = {.fd = ends[1], .own = -1}; /* as when it is another user's */
    for (int i = 0; i < PIPE && error == 0; i++)
        error = put(&output, "line\n");
    ck_assert_int_eq(error, -EAGAIN);
}
END_TEST

START_TEST(a_pipe_that_another_made_non_blocking_is_waited_for)
{
    char all[PIPE];
    int ends[2];
    make_ends(false, ends);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    struct el_line_output output = {.fd = ends[1], .own = -1};
    ck_assert_int_eq(el_line_output_write(&output, big, PIPE, 0), 0);
    el_time before = el_now();
    ck_assert_int_eq(el_line_output_write(&output, "a line\n", 7, 50 * EL_MS), -EAGAIN);
    ck_assert_int_ge(el_now() - before, 50 * EL_MS);
    ck_assert_int_eq(read(ends[0], all, sizeof all), PIPE);
    ck_assert_int_eq(put(&output, "a line\n"), 0);
}
END_TEST

START_TEST(a_line_that_went_in_part_is_ended_before_the_next)
{
    char got[2 * PIPE] = "";
    int ends[2];
    make_ends(false, ends);
    struct el_line_output output = el_line_output(ends[1]);
    ck_assert_int_eq(el_line_output_write(&output, big, sizeof big, 0), -EAGAIN);
    ck_assert_int_eq(put(&output, "lost\n"), -EAGAIN);
    ck_assert_int_eq(read(ends[0], got, sizeof got), PIPE);
    ck_assert_int_eq(put(&output, "next\n"), 0);
    ck_assert_int_eq(read(ends[0], got, sizeof got), 6);
    ck_assert_int_eq(memcmp(got, "\nnext\n", 6), 0);
    el_line_output_close(&output);
}
END_TEST

START_TEST(a_reader_that_has_gone_is_an_error_of_its_own)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    make_ends(_i == 1, ends);
    struct el_line_output output = el_line_output(ends[1]);
    close(ends[0]);
    ck_assert_int_eq(put(&output, "a line\n"), -EPIPE);
    el_line_output_close(&output);
}
END_TEST

START_TEST(a_full_disk_and_a_closed_descriptor_are_told)
{
    struct el_line_output full = el_line_output(open("/dev/full", O_WRONLY | O_CLOEXEC));
    ck_assert_int_eq(put(&full, "a line\n"), -ENOSPC);
    close(full.fd);
    struct el_line_output closed = el_line_output(full.fd);
    ck_assert_int_eq(put(&closed, "a line\n"), -EBADF);
}
END_TEST

START_TEST(closing_gives_back_the_open_file_of_its_own_and_may_be_done_twice)
{
    int ends[2];
    make_ends(false, ends);
    int before = dup(ends[0]);
    close(before);
    struct el_line_output output = el_line_output(ends[1]);
    ck_assert_int_eq(output.own, before); /* it took the lowest free descriptor */
    el_line_output_close(&output);
    el_line_output_close(&output);
    ck_assert_int_eq(dup(ends[0]), before);
}
END_TEST

int main(void)
{
    memset(big, 'x', sizeof big);
    Suite *suite = suite_create("line_output");
    TCase *tests = tcase_create("lines");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_full_pipe_or_socket_takes_no_more_lines_and_does_not_wait, 0, 2);
    tcase_add_test(tests, the_open_file_that_is_shared_still_waits);
    tcase_add_test(tests, without_an_open_file_of_its_own_it_does_not_wait_either);
    tcase_add_test(tests, a_pipe_that_another_made_non_blocking_is_waited_for);
    tcase_add_test(tests, a_line_that_went_in_part_is_ended_before_the_next);
    tcase_add_loop_test(tests, a_reader_that_has_gone_is_an_error_of_its_own, 0, 2);
    tcase_add_test(tests, a_full_disk_and_a_closed_descriptor_are_told);
    tcase_add_test(tests, closing_gives_back_the_open_file_of_its_own_and_may_be_done_twice);
    return unit_main(suite);
}
