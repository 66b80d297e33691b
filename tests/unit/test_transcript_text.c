/* test_transcript_text.c - which lines of a Markdown file are commands, which are output, and which bytes are no transcript. */
#include "../lib/unit.h"
#include "transcript_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct transcript text;
static struct transcript_fault fault;

static int parse(const char *bytes)
{
    return transcript_parse(&text, bytes, strlen(bytes), &fault);
}

static void tear_down(void)
{
    transcript_free(&text);
}

START_TEST(a_command_has_the_lines_below_it)
{
    ck_assert_int_eq(parse("# title\n\n```console\n$ one\nout 1\nout 2\n$ two\n```\nprose\n"), 0);
    ck_assert_uint_eq(text.step_count, 2);
    ck_assert_str_eq(text.steps[0].command, "one");
    ck_assert_uint_eq(text.steps[0].line, 4);
    ck_assert_uint_eq(text.steps[0].expected_line, 5);
    ck_assert_uint_eq(text.steps[0].expected_count, 2);
    ck_assert_str_eq(text.steps[0].expected[1], "out 2");
    ck_assert_str_eq(text.steps[1].command, "two");
    ck_assert_uint_eq(text.steps[1].expected_count, 0);
    ck_assert_uint_eq(text.steps[1].block, 3);
    ck_assert_uint_eq(text.steps[1].block_end, 8);
}
END_TEST

START_TEST(only_console_runs)
{
    ck_assert_int_eq(
        parse("```\n$ a\n```\n```sh\n$ b\n```\n```c what ever\n$ c\n```\n    ```console\n"), 0);
    ck_assert_uint_eq(text.step_count, 0);
}
END_TEST

START_TEST(words_after_console_tell_what_it_needs)
{
    ck_assert_int_eq(parse("```console world done\n$ a\n```\n``` console  root\n$ b\n```\n"), 0);
    ck_assert_uint_eq(text.steps[0].needs, TRANSCRIPT_WORLD | TRANSCRIPT_DONE);
    ck_assert_uint_eq(text.steps[1].needs, TRANSCRIPT_ROOT);
}
END_TEST

START_TEST(another_word_is_refused_with_its_line)
{
    ck_assert_int_eq(parse("\n```console wrld\n$ a\n```\n"), -EINVAL);
    ck_assert_uint_eq(fault.line, 2);
}
END_TEST

START_TEST(a_backslash_goes_on)
{
    ck_assert_int_eq(parse("```console\n$ one \\\n  two\\\n> three\nout\n$ echo \\\\\nout\n```\n"),
                     0);
    ck_assert_str_eq(text.steps[0].command, "one \\\n  two\\\nthree");
    ck_assert_uint_eq(text.steps[0].expected_count, 1);
    ck_assert_str_eq(text.steps[1].command, "echo \\\\");
    ck_assert_uint_eq(text.steps[1].expected_count, 1);
}
END_TEST

START_TEST(a_here_document_goes_on_as_bash_shows_it)
{
    ck_assert_int_eq(parse("```console\n$ cat <<E\n> a\n> E\na\n$ cat x\n> b\n```\n"), 0);
    ck_assert_str_eq(text.steps[0].command, "cat <<E\na\nE");
    ck_assert_uint_eq(text.steps[0].expected_count, 1);
    ck_assert_str_eq(text.steps[1].expected[0], "> b");
}
END_TEST

START_TEST(blank_lines_count_only_between_others)
{
    ck_assert_int_eq(parse("```console\n\n$ one\n\nout\n\n \n$ two\n\n```\n"), 0);
    ck_assert_uint_eq(text.steps[0].expected_count, 2);
    ck_assert_uint_eq(text.steps[1].expected_count, 0);
}
END_TEST

START_TEST(a_longer_fence_holds_a_shorter_one)
{
    ck_assert_int_eq(
        parse("````console\n$ cat x.md\n```console\n$ not a command's line\n```\n````\n"), 0);
    ck_assert_uint_eq(
        text.step_count,
        2); /* `$ ` begins one wherever it stands: a text shows such a file otherwise */
    ck_assert_uint_eq(text.steps[0].expected_count, 1);
}
END_TEST

static const struct {
    const char *bytes;
    unsigned line;
} broken[] = {
    {"```console\n$ a\n", 1},
    {"x\n```text\n", 2},
    {"```console\noutput before\n$ a\n```\n", 2},
    {"```console\n$ a\n``` x\n", 1},
};

START_TEST(what_is_broken_is_told_with_its_line)
{
    ck_assert_int_eq(parse(broken[_i].bytes), -EINVAL);
    ck_assert_uint_eq(fault.line, broken[_i].line);
    ck_assert_ptr_nonnull(fault.why);
}
END_TEST

START_TEST(a_nul_is_refused)
{
    ck_assert_int_eq(transcript_parse(&text, "a\0b", 3, &fault), -EINVAL);
}
END_TEST

START_TEST(no_newline_at_the_end_is_no_matter)
{
    ck_assert_int_eq(parse("```console\n$ a\nb\n```"), 0);
    ck_assert_uint_eq(text.step_count, 1);
    ck_assert_uint_eq(text.steps[0].block_end, 4);
}
END_TEST

/* Any text is taken or refused; every step has a command, and what it expects is within the file. */
START_TEST(any_text_is_taken_or_refused)
{
    char bytes[200];
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        unit_random_text(bytes, sizeof bytes, "```\n\n$ <> \\consle");
        int result = parse(bytes);
        unit_holds(result == 0 || (result == -EINVAL && fault.line > 0), bytes);
        for (size_t i = 0; i < text.step_count && result == 0; i++) {
            const struct transcript_step *step = &text.steps[i];
            unit_holds(step->command != NULL && step->block < step->line, bytes);
            unit_holds(step->line < step->block_end, bytes);
            unit_holds(step->expected_line - 1 + step->expected_count < text.line_count, bytes);
        }
        transcript_free(&text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transcript_text");
    TCase *tests = tcase_create("text");
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, a_command_has_the_lines_below_it);
    tcase_add_test(tests, only_console_runs);
    tcase_add_test(tests, words_after_console_tell_what_it_needs);
    tcase_add_test(tests, another_word_is_refused_with_its_line);
    tcase_add_test(tests, a_backslash_goes_on);
    tcase_add_test(tests, a_here_document_goes_on_as_bash_shows_it);
    tcase_add_test(tests, blank_lines_count_only_between_others);
    tcase_add_test(tests, a_longer_fence_holds_a_shorter_one);
    tcase_add_loop_test(tests, what_is_broken_is_told_with_its_line, 0,
                        (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(tests, a_nul_is_refused);
    tcase_add_test(tests, no_newline_at_the_end_is_no_matter);
    tcase_add_test(tests, any_text_is_taken_or_refused);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
