/*
 * test_bench_ladder.c - the table of servers is whole, and says of each why it is where it is.
 */
#include "ladder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

/* Tests run in the tree, or are started by hand from anywhere: BUILD/VARIANT/tests/test_x. */
static bool is_in_tree(const char *file)
{
    char path[4096], program[2048] = "";
    if (access(file, R_OK) == 0)
        return true;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    for (int up = 0; up < 4 && length > 0; up++) {
        char *slash = strrchr(program, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    snprintf(path, sizeof path, "%s/%s", program, file);
    return access(path, R_OK) == 0;
}

START_TEST(each_rung_has_its_source_or_its_package)
{
    const struct bench_rung *rung = &bench_ladder[_i];
    ck_assert_msg((rung->source == NULL) != (rung->package == NULL), "%s", rung->name);
    ck_assert_msg(rung->source == NULL || is_in_tree(rung->source), "%s: %s is not there",
                  rung->name, rung->source);
    ck_assert_msg(rung->type == SOCK_STREAM || rung->type == SOCK_DGRAM, "%s", rung->name);
    ck_assert_ptr_nonnull(rung->argv[0]);
    ck_assert_ptr_null(rung->argv[BENCH_RUNG_WORDS - 1]);
}
END_TEST

START_TEST(each_rung_is_found_by_its_name_alone)
{
    const struct bench_rung *rung = &bench_ladder[_i];
    ck_assert_ptr_eq(bench_rung_find(rung->name, strlen(rung->name)), rung);
    ck_assert_ptr_ne(bench_rung_find(rung->name, strlen(rung->name) - 1), rung);
}
END_TEST

START_TEST(each_sentence_is_one_whatever_is_known)
{
    static const double known[] = {NAN, 2.04};
    for (size_t i = 0; i < 8; i++) {
        struct bench_rung_figures figures = {
            .calls = known[i & 1], .cost = known[i >> 1 & 1], .idle = known[i >> 2 & 1]};
        char text[640];
        bench_rung_explain(bench_ladder[_i].why, &figures, text, sizeof text);
        size_t length = strlen(text);
        ck_assert_msg(length > 40 && length < sizeof text - 1, "%s", text);
        ck_assert_msg(text[length - 1] == '.' && strpbrk(text, "[]{}") == NULL, "%s", text);
        ck_assert_msg(strstr(text, "nan") == NULL && strstr(text, "  ") == NULL, "%s", text);
    }
}
END_TEST

START_TEST(the_references_are_rungs)
{
    ck_assert_ptr_nonnull(bench_rung_find("tcp_epoll", 9));
    ck_assert_ptr_nonnull(bench_rung_find("udp_coalesce", 12));
    ck_assert_ptr_null(bench_rung_find("", 0));
    ck_assert_ptr_null(bench_rung_find("tcp_epol", 8));
}
END_TEST

START_TEST(what_is_not_known_is_left_out_with_its_words)
{
    static const char *const why = "It waits[ in {calls} calls][, {cost} of it][; {idle} bytes].";
    struct bench_rung_figures all = {.calls = 2.041, .cost = 1.5, .idle = 270.4};
    struct bench_rung_figures none = {.calls = NAN, .cost = NAN, .idle = NAN};
    struct bench_rung_figures some = {.calls = NAN, .cost = 1.5, .idle = NAN};
    struct bench_rung_figures few = {.calls = 0.0312, .cost = NAN, .idle = NAN};
    char text[128];
    ck_assert_str_eq(bench_rung_explain(why, &all, text, sizeof text),
                     "It waits in 2.04 calls, 1.50 of it; 270 bytes.");
    ck_assert_str_eq(bench_rung_explain(why, &none, text, sizeof text), "It waits.");
    ck_assert_str_eq(bench_rung_explain(why, &some, text, sizeof text), "It waits, 1.50 of it.");
    ck_assert_str_eq(bench_rung_explain(why, &few, text, sizeof text), "It waits in 0.031 calls.");
    ck_assert_str_eq(bench_rung_explain(why, &all, text, 12), "It waits in"); /* cut, and ended */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_ladder");
    TCase *tcase = tcase_create("ladder");
    tcase_add_loop_test(tcase, each_rung_has_its_source_or_its_package, 0, (int)bench_ladder_size);
    tcase_add_loop_test(tcase, each_rung_is_found_by_its_name_alone, 0, (int)bench_ladder_size);
    tcase_add_loop_test(tcase, each_sentence_is_one_whatever_is_known, 0, (int)bench_ladder_size);
    tcase_add_test(tcase, the_references_are_rungs);
    tcase_add_test(tcase, what_is_not_known_is_left_out_with_its_words);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
