/* test_transcript_clean.c - what is left out of a shell's output, and what looks like it and stays. */
#include "../lib/unit.h"
#include "transcript_clean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *said, *kept; /* kept: lines joined by newlines */
} cases[] = {
    {"", ""},
    {"one\ntwo\n", "one\ntwo"},
    {"one\ntw", "one\ntw"},
    {"\n\n", "\n"},
    {"[1]+  Terminated              sleep 30\n", ""},
    {"[12]-  Exit 3   x\n[2]   Done  y\n", ""},
    {"[1]+  Running                 sleep 50 &\n", "[1]+  Running                 sleep 50 &"},
    {"[1] packets\n[2] Done\n[x] Done\n", "[1] packets\n[x] Done"},
    {"/t/bash: line 20:  6242 Killed                  sleep 50\n", ""},
    {"/t/bash: line 22:  6261 Segmentation fault      ./x\n", ""},
    {"/t/bash: line 4: nosuch: command not found\n", "bash: nosuch: command not found"},
    {"/t/bash: eval: line 10: syntax error\n", "bash: syntax error"},
    {"/t/bash: warning: x\n", "bash: warning: x"},
    {"/t/bash is a file\n", "/t/bash is a file"},
    {"tcp_echo_server: sandbox: now uid 65534\nready\n", "ready"},
    {"a sandbox: b\n", "a sandbox: b"},
    {"12 Killed in all\n", "12 Killed in all"}, /* a program's own words */
};

START_TEST(a_persons_shell_would_have_said_so)
{
    size_t count, used = 0;
    char kept[200] = "";
    char **lines =
        transcript_clean_lines(cases[_i].said, strlen(cases[_i].said), "/t/bash", &count);
    ck_assert_ptr_nonnull(lines);
    for (size_t i = 0; i < count; i++)
        used +=
            (size_t)snprintf(kept + used, sizeof kept - used, "%s%s", i > 0 ? "\n" : "", lines[i]);
    ck_assert_str_eq(kept, cases[_i].kept);
    free(lines);
}
END_TEST

START_TEST(any_output_is_lines)
{
    char text[200];
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        size_t count;
        unit_random_text(text, sizeof text,
                         "\n\n/t/bash: line 12 [1]+ Done Killed eval: sandbox: ");
        char **lines = transcript_clean_lines(text, strlen(text), "/t/bash", &count);
        for (size_t i = 0; i < count; i++)
            unit_holds(strchr(lines[i], '\n') == NULL, text);
        free(lines);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transcript_clean");
    TCase *tests = tcase_create("clean");
    tcase_add_loop_test(tests, a_persons_shell_would_have_said_so, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tests, any_output_is_lines);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
