/* test_peer_script.c - the language of lab_peer: each line means what it says, and each mistake is named. */
#include "../../labs/lib/peer_run.h"
#include "../lib/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct peer_script script;

static void teardown(void)
{
    peer_script_free(&script);
}

/* The one step of a script of one line. */
static const struct peer_step *step(const char *line)
{
    peer_script_free(&script);
    if (!peer_script_parse(line, strlen(line), &script))
        ck_abort_msg("%s: %s", line, script.why);
    ck_assert_uint_eq(script.count, 1);
    return script.steps;
}

static const char *address(const struct el_address *address)
{
    static char text[EL_ADDRESS_TEXT];
    return el_address_print(address, text);
}

START_TEST(an_address_has_three_forms)
{
    ck_assert_str_eq(address(&step("a connect 10.77.0.2:80")->address), "10.77.0.2:80");
    ck_assert_str_eq(address(&step("a connect [::1]:80")->address), "[::1]:80");
    ck_assert_str_eq(address(&step("a connect 80")->address), "127.0.0.1:80");
    ck_assert_str_eq(address(&step("a listen *:0")->address), "0.0.0.0:0");
    ck_assert_str_eq(address(&step("a connect 80 from 127.0.0.2")->from), "127.0.0.2:0");
    ck_assert_str_eq(address(&step("u udp [::]:9")->address), "[::]:9");
    ck_assert_uint_eq(step("u udp")->address.length, 0);
}
END_TEST

START_TEST(what_is_sent)
{
    const struct peer_step *s = step("a send text \"hi\\n\\0\\xff\\\"\\\\ #\"");
    ck_assert_int_eq(s->data, PEER_TEXT);
    ck_assert_uint_eq(s->length, 9);
    ck_assert_mem_eq(s->bytes, "hi\n\0\xff\"\\ #", 9);
    s = step("a send hex 00fFa0");
    ck_assert_mem_eq(s->bytes, "\x00\xff\xa0", 3);
    ck_assert_uint_eq(step("a send text \"\"")->length, 0);
    ck_assert_uint_eq(step("a send random 1000")->length, 1000);
    s = step("a send received chunk 1 every 50");
    ck_assert_int_eq(s->data, PEER_RECEIVED);
    ck_assert_str_eq(s->other, "");
    ck_assert_uint_eq(s->chunk, 1);
    ck_assert_int_eq(s->every, 50);
    ck_assert_str_eq(step("v send received u")->other, "u");
}
END_TEST

START_TEST(what_is_expected)
{
    ck_assert_int_eq(step("a expect echo")->wanted, PEER_WANT_ECHO);
    ck_assert_int_eq(step("a expect echo")->within, -1);
    ck_assert_int_eq(step("a expect echo within 0")->within, 0);
    ck_assert_int_eq(step("a expect silence 300")->within, 300);
    ck_assert_int_eq(step("a connect 80 expect refused")->wanted, PEER_WANT_REFUSED);
    ck_assert_int_eq(step("a connect 80 expect timeout within 9")->within, 9);
    ck_assert_int_eq(step("a expect text \"x\"")->wanted, PEER_WANT_TEXT);
    ck_assert_int_eq(step("a receive line")->wanted, PEER_WANT_LINE);
    ck_assert_uint_eq(step("a receive 12 within 5")->length, 12);
    ck_assert_int_eq(step("l listen 80 backlog 0")->backlog, 0);
}
END_TEST

START_TEST(lines_comments_and_ends)
{
    static const char text[] =
        "# a story\n\n  a\tconnect 80 # there\r\nwait 5\nsay \"go on\"\na close";
    ck_assert(peer_script_parse(text, sizeof text - 1, &script));
    ck_assert_uint_eq(script.count, 4);
    ck_assert_uint_eq(script.steps[0].line, 3);
    ck_assert_int_eq(script.steps[1].verb, PEER_WAIT);
    ck_assert_str_eq(script.steps[1].name, "");
    ck_assert_str_eq((const char *)script.steps[2].bytes, "go on");
    ck_assert_uint_eq(script.steps[3].line, 6);
}
END_TEST

START_TEST(a_mistake_is_named_with_its_line)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"a", "no such verb"},
        {"a jump", "at jump: no such verb"},
        {"a wait 5", "at wait: no such verb"},
        {"7 connect 80", "a name is expected"},
        {"abcdefghijklmnop close", "a name is expected"},
        {"a connect", ""}, /* of a UDP socket: to where `to` says */
        {"a connect somewhere:80", "at somewhere:80: an address is expected in figures"},
        {"a connect 80 90", "at 90: too many words"},
        {"a connect 65536", "port"},
        {"a connect 80 expect echo", "connect can expect"},
        {"a send", "what is sent?"},
        {"a send random", "a number from 0"},
        {"a send random -1", "a number from 0"},
        {"a send random 99999999999999999999", "a number from 0"},
        {"a send hex 0", "pairs of hexadecimal"},
        {"a send text \"x", "a quote is not closed"},
        {"a send text \"\\q\"", "no such escape"},
        {"a send text \"\\x0\"", "no such escape"},
        {"a send random 5 chunk 1", "chunk K is followed by every MS"},
        {"a expect", "what is expected?"},
        {"a expect silence", "a number from 0"},
        {"a accept", "a name is expected"},
        {"a receive", "what is received?"},
        {"wait", "a number from 0"},
        {"a b c d e f g h i j k l m n o p q", "too many words"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, "a close\n%s\n", bad[i].line);
        bool good = peer_script_parse(text, strlen(text), &script);
        if (good != (bad[i].why[0] == '\0') || (!good && strstr(script.why, bad[i].why) == NULL))
            ck_abort_msg("%s: %s", bad[i].line, good ? "was taken" : script.why);
        ck_assert_uint_eq(script.bad_line, good ? 0 : 2);
        peer_script_free(&script);
    }
}
END_TEST

START_TEST(a_line_has_a_longest_length)
{
    static char text[8192];
    memset(text, 'x', sizeof text);
    ck_assert(!peer_script_parse(text, sizeof text, &script));
    ck_assert_str_eq(script.why, "the line is too long");
}
END_TEST

/* Any bytes are a script or are refused with a line and a reason; nothing is read beyond their end. */
START_TEST(any_text_is_survived)
{
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        char text[120];
        unit_random_text(text, sizeof text, "ab connect send expect \"\\x0 #80:.random\n\n\t[]");
        bool good = peer_script_parse(text, strlen(text), &script);
        if (!good && (script.bad_line == 0 || script.why[0] == '\0'))
            ck_abort_msg("seed %llu: refused without a reason: %s", (unsigned long long)unit_seed(),
                         text);
        peer_script_free(&script);
    }
}
END_TEST

START_TEST(random_bytes_can_be_had_again_and_are_no_text)
{
    struct peer_run run = {.random = 7}, again = {.random = 7};
    unsigned char a[64], b[64];
    for (size_t size = 4; size < sizeof a; size++) {
        peer_random_fill(&run, a, size);
        peer_random_fill(&again, b, size);
        ck_assert_mem_eq(a, b, size);
        const unsigned char *nul = memchr(a, '\0', size / 2);
        ck_assert_ptr_nonnull(nul);
        ck_assert_ptr_nonnull(memchr(a, '\n', size));
        ck_assert_uint_ge(a[size - 1], 0x80);
    }
}
END_TEST

START_TEST(bytes_queue_up)
{
    struct peer_bytes bytes = {0};
    size_t in = 0, out = 0;
    for (unsigned round = 0; round < 5000; round++) {
        unsigned char piece[50];
        size_t size = unit_random(sizeof piece);
        for (size_t i = 0; i < size; i++)
            piece[i] = (unsigned char)in++;
        ck_assert(peer_bytes_add(&bytes, piece, size));
        size_t length = peer_bytes_length(&bytes), drop = unit_random(length + 1);
        ck_assert_uint_eq(length, in - out);
        for (size_t i = 0; i < drop; i++)
            ck_assert_uint_eq(bytes.data[bytes.start + i], (unsigned char)out++);
        peer_bytes_drop(&bytes, drop);
    }
    ck_assert_uint_lt(bytes.room, 100000); /* what was dropped is used again */
    free(bytes.data);
}
END_TEST

START_TEST(bytes_are_shown_as_c_would_write_them)
{
    char text[40];
    peer_show_bytes(text, sizeof text, (const unsigned char *)"a\n\0\"\xff", 5);
    ck_assert_str_eq(text, "\"a\\n\\x00\\x22\\xff\"");
    peer_show_bytes(text, sizeof text,
                    (const unsigned char *)"0123456789012345678901234567890123456789", 40);
    ck_assert_str_eq(text + strlen(text) - 4, "\"...");
    ck_assert_uint_lt(strlen(text), sizeof text);
    peer_show_bytes(text, sizeof text, NULL, 0);
    ck_assert_str_eq(text, "\"\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer_script");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, an_address_has_three_forms);
    tcase_add_test(tests, what_is_sent);
    tcase_add_test(tests, what_is_expected);
    tcase_add_test(tests, lines_comments_and_ends);
    tcase_add_test(tests, a_mistake_is_named_with_its_line);
    tcase_add_test(tests, a_line_has_a_longest_length);
    tcase_add_test(tests, any_text_is_survived);
    tcase_add_test(tests, random_bytes_can_be_had_again_and_are_no_text);
    tcase_add_test(tests, bytes_queue_up);
    tcase_add_test(tests, bytes_are_shown_as_c_would_write_them);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
