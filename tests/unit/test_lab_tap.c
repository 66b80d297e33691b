/* test_lab_tap.c - what a check may say, and what becomes of it: TAP, its story, words on a terminal. */
#include "../lib/unit.h"
#include "lab_explain.h"
#include "lab_paragraph.h"
#include "lab_records.h"
#include "lab_story.h"
#include "lab_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tap parse(const char *text)
{
    struct tap tap;
    ck_assert(tap_parse(&tap, paragraph_clean(text, strlen(text), ' ')));
    return tap;
}

/* The verdict of a text that came with an exit status, as the record keeps it. */
static const char *record_of(const char *text, int status)
{
    static char line[200];
    struct tap tap = parse(text);
    struct story story = {.lab = "04", .tap = &tap, .status = status, .width = 80};
    FILE *file = fmemopen(line, sizeof line, "w");
    story_record(&story, file);
    fclose(file);
    tap_free(&tap);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

START_TEST(points_have_a_name_and_a_result)
{
    struct tap tap = parse("TAP version 13\n# a comment\nok 1 - it is built\nok\nok 3\n"
                           "not ok 4 - it echoes # 5 bytes\nok 5 - over IPv6 # SKIP no IPv6 here\n"
                           "not ok 6 - some day # TODO later\n1..6\n");
    ck_assert_uint_eq(tap.count, 6);
    ck_assert_str_eq(tap.point[0].name, "it is built");
    ck_assert_str_eq(tap.point[1].name, "");
    ck_assert_str_eq(tap.point[3].name, "it echoes # 5 bytes");
    ck_assert_int_eq(tap.point[3].result, TAP_NOT_OK);
    ck_assert_int_eq(tap.point[4].result, TAP_SKIP);
    ck_assert_str_eq(tap.point[4].name, "over IPv6");
    ck_assert_str_eq(tap.point[4].reason, "no IPv6 here");
    ck_assert_int_eq(tap.point[5].result, TAP_SKIP);
    ck_assert_uint_eq(tap.plan, 6);
    ck_assert_uint_eq(tap.other_lines, 0);
    tap_free(&tap);
}
END_TEST

START_TEST(a_block_of_yaml_belongs_to_the_point_before_it)
{
    struct tap tap = parse("not ok 1 - a megabyte comes back\n  ---\n  misconception: short-write\n"
                           "  did: |\n    connected to 127.0.0.1:40123\n\n    sent: 5 bytes\n"
                           "      and more\n  empty:\n  expected: a: b # c\n  ...\n1..1\n");
    ck_assert_uint_eq(tap.count, 1);
    const struct tap_point *point = &tap.point[0];
    ck_assert_str_eq(tap_field(point, "misconception"), "short-write");
    ck_assert_str_eq(tap_field(point, "did"),
                     "connected to 127.0.0.1:40123\n\nsent: 5 bytes\n  and more");
    ck_assert_str_eq(tap_field(point, "empty"), "");
    ck_assert_str_eq(tap_field(point, "expected"), "a: b # c");
    ck_assert_ptr_null(tap_field(point, "observed"));
    ck_assert_uint_eq(tap.other_lines, 0);
    tap_free(&tap);
}
END_TEST

START_TEST(a_block_that_never_ends_is_ended_by_the_next_point)
{
    struct tap tap =
        parse("not ok 1 - a\n  ---\n  did: |\n    x\nok 2 - b\n  ...\n  lost: 1\n1..2");
    ck_assert_uint_eq(tap.count, 2);
    ck_assert_str_eq(tap_field(&tap.point[0], "did"), "x");
    ck_assert_uint_eq(tap.point[1].field_count, 0);
    ck_assert_uint_eq(tap.other_lines, 2);
    ck_assert(tap.has_plan);
    tap_free(&tap);
}
END_TEST

START_TEST(what_strays_into_a_block_does_not_end_it)
{
    struct tap tap = parse("not ok 1 - a\n  ---\n  observed: one\ntwo\n  cause: c\n  ...\n1..1\n");
    ck_assert_str_eq(tap_field(&tap.point[0], "observed"), "one");
    ck_assert_str_eq(tap_field(&tap.point[0], "cause"), "c");
    ck_assert_uint_eq(tap.other_lines, 1);
    tap_free(&tap);
}
END_TEST

START_TEST(lines_that_are_no_tap_are_counted_and_passed_over)
{
    struct tap tap =
        parse("  key: of nothing\nokay\nnot okay\nhello\n1..x\nok 1 - a\n1..1\n1..7\n");
    ck_assert_uint_eq(tap.count, 1);
    ck_assert_uint_eq(tap.plan, 1);
    ck_assert_uint_eq(tap.other_lines, 6);
    tap_free(&tap);
}
END_TEST

START_TEST(more_than_there_is_room_for_is_left_out)
{
    struct tap tap;
    size_t lines = TAP_POINTS_MAX + 10, size = lines * 80;
    char *text = calloc(1, size), *to = text;
    for (size_t i = 0; i < lines; i++)
        to += sprintf(to, "ok\n");
    ck_assert(tap_parse(&tap, text));
    ck_assert_uint_eq(tap.count, TAP_POINTS_MAX);
    ck_assert_uint_eq(tap.other_lines, 10);
    tap_free(&tap);

    text = calloc(1, size);
    to = text + sprintf(text, "not ok\n  ---\n");
    for (size_t i = 0; i < TAP_FIELDS_MAX + 5; i++)
        to += sprintf(to, "  key%zu: |\n    text\n", i);
    sprintf(to, "ok\n1..2\n");
    ck_assert(tap_parse(&tap, text));
    ck_assert_uint_eq(tap.count, 2);
    ck_assert_uint_eq(tap.point[0].field_count, TAP_FIELDS_MAX);
    tap_free(&tap);
}
END_TEST

START_TEST(the_verdict_needs_points_plan_and_status_to_agree)
{
    ck_assert_str_eq(record_of("ok 1 - a\n1..1\n", 0), "pass");
    ck_assert_str_eq(record_of("ok 1 - a\nok 2 - b # SKIP no\n1..2\n", 0), "pass");
    ck_assert_str_eq(record_of("ok 1 - b # SKIP no IPv6\n1..1\n", 0), "skip no IPv6");
    ck_assert_str_eq(record_of("1..0 # SKIP no network here\n", 4), "skip no network here");
    ck_assert_str_eq(record_of("not ok 1 - a\n  ---\n  misconception: no-htons\n  ...\n1..1\n", 1),
                     "fail no-htons");
    ck_assert_str_eq(record_of("not ok 1 - a\n1..1\n", 1), "fail unexplained");
    ck_assert_str_eq(record_of("not ok 1 - a\n1..1\n", 0), "fail unexplained");
    ck_assert_str_eq(record_of("", 0), "fail check-broke");
    ck_assert_str_eq(record_of("ok 1 - a\n", 0), "fail check-broke");
    ck_assert_str_eq(record_of("ok 1 - a\n1..2\n", 0), "fail check-broke");
    ck_assert_str_eq(record_of("ok 1 - a\n1..1\n", 1), "fail check-broke");
    ck_assert_str_eq(record_of("ok 1 - a\n1..1\n", 127), "fail check-broke");
    ck_assert_str_eq(record_of("ok 1 - a\n1..1\n", 124), "fail check-broke");
    ck_assert_str_eq(record_of("ok 1 - a\nBail out! no memory\n1..1\n", 0), "fail check-broke");
}
END_TEST

/* Of any bytes: what is told has no control character, no line is too wide, and the JSON and the TAP
 * say the same verdict. */
START_TEST(whatever_a_check_says_is_told_safely)
{
    static const char alphabet[] =
        "ok not1..#- SKIP\n\n\n  ---  key: |\n    \033\x9b\x01\x7f\xc3\xa9\xc2\x9b\xff";

    for (unsigned round = unit_rounds(3000); round > 0; round--) {
        char bytes[400], *told;
        size_t size;
        unit_random_text(bytes, 1 + unit_random(sizeof bytes), alphabet);
        struct tap tap = parse(bytes);
        struct story story = {
            .lab = "04", .tap = &tap, .status = (int)unit_random(6), .width = 40 + unit_random(80)};
        FILE *file = open_memstream(&told, &size);
        enum tap_verdict verdict = story_tell(&story, file);
        fclose(file);
        size_t column = 0;
        for (const char *c = told; *c != '\0'; c++) {
            unit_holds(((unsigned char)*c >= 0x20 && *c != 0x7f) || *c == '\n', bytes);
            unit_holds(strncmp(c, "\xc2\x9b", 2) != 0, bytes);
            column = *c == '\n' ? 0 : column + (((unsigned char)*c & 0xc0) != 0x80);
            unit_holds(column <= story.width, bytes);
        }
        free(told);
        file = open_memstream(&told, &size);
        struct el_json json = el_json_begin(file);
        unit_holds(story_json(&story, &json) == verdict, bytes);
        unit_holds(story_tap(&story, 1, file) == verdict, bytes);
        unit_holds(story_record(&story, file) == verdict, bytes);
        fclose(file);
        free(told);
        tap_free(&tap);
    }
}
END_TEST

static const char *wrapped(const char *text, size_t at, size_t indent, size_t width)
{
    static char out[1000];
    FILE *file = fmemopen(out, sizeof out, "w");
    paragraph_print(file, text, at, indent, width);
    fclose(file);
    return out;
}

START_TEST(a_paragraph_is_wrapped_between_words)
{
    ck_assert_str_eq(wrapped("one two three four", 0, 0, 13), "one two three\nfour\n");
    ck_assert_str_eq(wrapped("one two three four", 2, 2, 13), "one two\n  three four\n");
    ck_assert_str_eq(wrapped("a\nb", 2, 2, 20), "a\n  b\n");
    ck_assert_str_eq(wrapped("  deeper\nout \n", 0, 0, 20), "  deeper\nout\n");
    ck_assert_str_eq(wrapped("", 0, 0, 20), "\n");
    ck_assert_str_eq(wrapped("0123456789abcdef", 0, 0, 10), "0123456789\nabcdef\n");
    ck_assert_str_eq(wrapped("x 0123456789abcdef", 0, 2, 12), "x\n  0123456789\n  abcdef\n");
    ck_assert_str_eq(
        wrapped("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 0, 0,
                10),
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n");
}
END_TEST

START_TEST(what_could_steer_a_terminal_is_spelled_out)
{
    static const char bytes[] = "a\033[2J\tb\r\x00\xc2\x9b\xe2\x82\xac\xff\n";
    char *text = paragraph_clean(bytes, sizeof bytes - 1, ' ');
    ck_assert_str_eq(text, "a\\x1b[2J b\\x0d\\x00\\xc2\\x9b\xe2\x82\xac\\xff\n");
    free(text);
    text = paragraph_clean("a\tb", 3, '\t');
    ck_assert_str_eq(text, "a\tb");
    free(text);
}
END_TEST

START_TEST(the_word_that_was_meant_is_found)
{
    static const char *const verbs[] = {"check", "hint", "predict", "doctor", "report"};
    ck_assert_uint_eq(nearest_word("chekc", verbs, 5), 0);
    ck_assert_uint_eq(nearest_word("Predcit", verbs, 5), 2);
    ck_assert_uint_eq(nearest_word("doc", verbs, 5), 3);
    ck_assert_uint_eq(nearest_word("zzzzzz", verbs, 5), 5);
    ck_assert_uint_eq(nearest_word("", verbs, 5), 5);
    ck_assert_uint_eq(word_distance("ECONNREFUSED", "econrefused"), 1);
    ck_assert_uint_eq(word_distance("ab", "ba"), 1);
    ck_assert_uint_eq(word_distance("", "abc"), 3);
    char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert_uint_eq(nearest_word(longest, verbs, 5), 5);
}
END_TEST

START_TEST(a_broken_line_of_a_record_is_told_and_passed_over)
{
    char path[] = "/tmp/test-lab-table.XXXXXX", *said;
    size_t size;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    static const char bytes[] =
        "# a comment\n2026\tcheck\tpass\nhalf a li\n\ta\tb\n\n1\t2\t3\t4\t5\t6\t7\t8\n"
        "2027\tcheck\tfail \033[2J\nlast\tcut";
    ck_assert_int_eq(write(fd, bytes, sizeof bytes - 1), sizeof bytes - 1);
    close(fd);
    struct table table;
    FILE *complaints = open_memstream(&said, &size);
    ck_assert(table_read(&table, path, 2, 3, complaints));
    fclose(complaints);
    ck_assert_uint_eq(table.count, 3);
    ck_assert_uint_eq(table.broken, 3);
    ck_assert_str_eq(table.row[1].cell[2], "fail \\x1b[2J");
    ck_assert_str_eq(table.row[2].cell[2], "");
    ck_assert_ptr_nonnull(strstr(said, ": 3 broken lines, first 3;"));
    free(said);
    table_free(&table);
    unlink(path);
    ck_assert(table_read(&table, path, 2, 3, stderr)); /* none: empty */
    ck_assert_uint_eq(table.count, 0);
    table_free(&table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab_tap");
    TCase *all = tcase_create("all");
    tcase_add_test(all, points_have_a_name_and_a_result);
    tcase_add_test(all, a_block_of_yaml_belongs_to_the_point_before_it);
    tcase_add_test(all, a_block_that_never_ends_is_ended_by_the_next_point);
    tcase_add_test(all, what_strays_into_a_block_does_not_end_it);
    tcase_add_test(all, lines_that_are_no_tap_are_counted_and_passed_over);
    tcase_add_test(all, more_than_there_is_room_for_is_left_out);
    tcase_add_test(all, the_verdict_needs_points_plan_and_status_to_agree);
    tcase_add_test(all, whatever_a_check_says_is_told_safely);
    tcase_add_test(all, a_paragraph_is_wrapped_between_words);
    tcase_add_test(all, what_could_steer_a_terminal_is_spelled_out);
    tcase_add_test(all, the_word_that_was_meant_is_found);
    tcase_add_test(all, a_broken_line_of_a_record_is_told_and_passed_over);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
