/* test_transcript_match.c - what may differ between a text and a run, and what must not. */
#include "../lib/unit.h"
#include "transcript_match.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *expected, *got;
} same[] = {
    {"", ""},
    {"hello", "hello  "},
    /* times */
    {"seq=1 time=0.249 ms", "seq=1 time=100.433 ms"},
    {"connected in 685us", "connected in 1.25ms"},
    {"after 1.5 s", "after 2 s"},
    {"12:30:05 up", "09:01:59 up"},
    {"12:30:05.123456 read(3)", "23:59:59.000001 read(3)"},
    {"read(3, \"\", 1) = 0 <0.000012>", "read(3, \"\", 1) = 0 <1.000345>"},
    {"    0.171 ms  client >  TCP", "12345.100 ms  client >  TCP"},
    {"    0.879 | connect", "   12.001 | connect"},
    /* ports that the kernel picked */
    {"10.77.0.1:40123 > server:7007", "10.77.0.1:32768 > server:7007"},
    {"sin_port=htons(45000)", "sin_port=htons(60999)"},
    {"l port 40123", "l port 50001"},
    {"0100007F:9C40 00000000:0000", "0100007F:FFFE 00000000:0000"},
    /* processes, inodes, worlds */
    {"users:((\"cat\",pid=12,fd=3))", "users:((\"cat\",pid=4711,fd=3))"},
    {"[pid    12] read(0", "[pid 12345] read(0"},
    {"Pid:\t12", "Pid:\t4711"},
    {"/proc/12/fd", "/proc/4711/fd"},
    {"3 -> socket:[12]", "3 -> socket:[987654]"},
    {"uid:1 ino:55 sk:1", "uid:1 ino:98765 sk:1"},
    {"world w69d9 is up (rootless): client", "world wbeef is up (root): client"},
    {"world lab08-11 is up (root): client", "world lab08-1a2b3c4d is up (rootless): client"},
    {"    1.069 │◀── SYN-ACK ──┤", "  101.477 ┃◀── SYN-ACK ──┤"},
    /* columns move with what stands in them */
    {"12:30:05    x   y", "12:30:05 x y"},
    /* placeholders */
    {"port {PORT}.", "port 7007."},
    {"{PID} {N} left", "4711 -1,234.5 left"},
    {"took {TIME}", "took 12"},
    {"took {TIME}", "took 3.25ms"},
    {"state {HEX} at 0x{HEX}", "state 0A at 0xffff8880"},
    {"state {HEX}", "state 0x1f"},
    {"user {WORD} has", "user a.b-c has"},
    {"a {ANY} z{ANY}", "a b c z"},
    {"{ANY}{ANY}{ANY}{ANY}x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax"},
    {"{ANY}", ""},
};

START_TEST(what_varies_may_differ)
{
    ck_assert_msg(transcript_line_agrees(same[_i].expected, same[_i].got), "%s | %s",
                  same[_i].expected, same[_i].got);
}
END_TEST

static const struct {
    const char *expected, *got;
} different[] = {
    {"hello", "hullo"},
    {"hello", "hello there"},
    {"hello there", "hello"},
    {"a b", "a  b"}, /* nothing varies in it: spaces count */
    {" a", "a"},
    {"12 datagrams", "13 datagrams"},
    {"sent 40123 bytes", "sent 40124 bytes"}, /* a number that somebody meant */
    {"size=65507", "size=65508"},
    {"127.0.0.1:7007", "127.0.0.1:40123"}, /* nor is a fixed port one that was picked */
    {"127.0.0.1:40123", "127.0.0.1:7007"},
    {"0100007F:1B5F", "0100007F:9C40"},
    {"time=0.249 ms", "time=- ms"},
    {"time=0.2 ms ok", "time=0.2 ms lost"},
    {"10.77.0.1", "10.77.0.2"},
    {"│ eth0  1.2", "┃ eth0  1.2"},
    {"    1.069 │◀── SYN-ACK ──┤", "    1.069 ◆◀── SYN-ACK ──┤"},
    {"exit 3", "exit 4"},
    {"socket:[12]", "pipe:[12]"},
    {"waded", "wabcd"},
    {"port {PORT}", "port 70000"},
    {"port {PORT}", "port x"},
    {"pid {PID}", "pid "},
    {"{N} left", "x1 left"},
    {"{WORD}", ""},
    {"{WORD}!", "a b!"},
    {"{HEX}", "xyz"},
    {"{port}", "7007"}, /* no placeholder */
};

START_TEST(everything_else_must_not)
{
    ck_assert_msg(!transcript_line_agrees(different[_i].expected, different[_i].got), "%s | %s",
                  different[_i].expected, different[_i].got);
}
END_TEST

/* A line agrees with itself, whatever it is; and whatever is compared, it ends. */
START_TEST(any_line_agrees_with_itself)
{
    char line[200], other[200];
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        unit_random_text(line, sizeof line, "{}ANYPORTDW 0123456789.:mspid=[]()<>wlab-");
        unit_random_text(other, sizeof other, "{}ANYPORTDW 0123456789.:mspid=[]()<>wlab-");
        unit_holds(transcript_line_agrees(line, line), line);
        transcript_line_agrees(line, other);
        transcript_line_agrees("{ANY}{WORD}{ANY}{N}{ANY}", other);
    }
}
END_TEST

START_TEST(a_line_beyond_the_bound_must_be_the_same)
{
    char *line = malloc(10001), *other = malloc(10001);
    memset(line, 'a', 10000);
    line[10000] = '\0';
    memcpy(other, line, 10001);
    ck_assert(transcript_line_agrees(line, other));
    other[9999] = 'b';
    ck_assert(!transcript_line_agrees(line, other));
    memcpy(line, "{ANY}", 5);
    ck_assert(!transcript_line_agrees(line, other));
    free(line);
    free(other);
}
END_TEST

#define LINES(...)                                                                                 \
    ((struct transcript_lines){(const char *const[]){__VA_ARGS__, NULL},                           \
                               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})
static const struct transcript_lines none;

START_TEST(lines_agree_in_their_order)
{
    ck_assert_int_eq(transcript_compare(none, none), TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("a", "b"), LINES("a", "b")), TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("a", "b"), LINES("a", "b", "", " ")),
                     TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("a", "b"), LINES("b", "a")), TRANSCRIPT_DIFFERS);
    ck_assert_int_eq(transcript_compare(LINES("a"), LINES("a", "b")), TRANSCRIPT_DIFFERS);
    ck_assert_int_eq(transcript_compare(none, LINES("a")), TRANSCRIPT_DIFFERS);
}
END_TEST

START_TEST(what_is_not_all_there_is_incomplete)
{
    ck_assert_int_eq(transcript_compare(LINES("a"), none), TRANSCRIPT_INCOMPLETE);
    ck_assert_int_eq(transcript_compare(LINES("a", "b"), LINES("a")), TRANSCRIPT_INCOMPLETE);
    ck_assert_int_eq(transcript_compare(LINES("a", "...", "b"), LINES("a", "x")),
                     TRANSCRIPT_INCOMPLETE);
    ck_assert_int_eq(transcript_compare(LINES("a", "b"), LINES("x")), TRANSCRIPT_DIFFERS);
}
END_TEST

START_TEST(three_dots_are_any_lines)
{
    ck_assert_int_eq(transcript_compare(LINES("..."), none), TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("..."), LINES("a", "b")), TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("a", "..."), LINES("a")), TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("...", "b"), LINES("b", "x", "b")),
                     TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("...", "b", "...", "b"), LINES("b", "b")),
                     TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("a", "...", "..."), LINES("a", "b")),
                     TRANSCRIPT_AGREES);
    ck_assert_int_eq(transcript_compare(LINES("a", "...", "c", "d"), LINES("a", "b", "d")),
                     TRANSCRIPT_INCOMPLETE);
    ck_assert_int_eq(transcript_compare(LINES("a", "..."), LINES("b")), TRANSCRIPT_DIFFERS);
}
END_TEST

static char *diff(struct transcript_lines expected, struct transcript_lines got)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    transcript_print_diff(out, expected, got, 10);
    fclose(out);
    return text;
}

START_TEST(a_difference_is_small_and_has_the_texts_lines)
{
    char *text = diff(LINES("a", "b", "c"), LINES("a", "x", "c", "d"));
    ck_assert_str_eq(text, "    10   a\n    11 - b\n       + x\n    12   c\n       + d\n");
    free(text);
    text = diff(LINES("0", "2", "..."), LINES("1", "2", "3"));
    ck_assert_str_eq(text, "    10 - 0\n       + 1\n    11   2\n         3\n    12   ...\n");
    free(text);
    text = diff(LINES("a"), none);
    ck_assert_str_eq(text, "    10 - a\n");
    free(text);
}
END_TEST

START_TEST(the_middle_of_a_long_one_is_left_out)
{
    const char *many[1000];
    for (size_t i = 0; i < 1000; i++)
        many[i] = "x";
    char *text = diff(LINES("a"), (struct transcript_lines){many, 1000});
    ck_assert_ptr_nonnull(strstr(text, "more)"));
    ck_assert_uint_lt(strlen(text), 400);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transcript_match");
    TCase *lines = tcase_create("a line"), *all = tcase_create("all lines");
    tcase_add_loop_test(lines, what_varies_may_differ, 0, (int)(sizeof same / sizeof same[0]));
    tcase_add_loop_test(lines, everything_else_must_not, 0,
                        (int)(sizeof different / sizeof different[0]));
    tcase_add_test(lines, any_line_agrees_with_itself);
    tcase_add_test(lines, a_line_beyond_the_bound_must_be_the_same);
    tcase_add_test(all, lines_agree_in_their_order);
    tcase_add_test(all, what_is_not_all_there_is_incomplete);
    tcase_add_test(all, three_dots_are_any_lines);
    tcase_add_test(all, a_difference_is_small_and_has_the_texts_lines);
    tcase_add_test(all, the_middle_of_a_long_one_is_left_out);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
