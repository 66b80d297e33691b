/* test_trace.c - reports reach the sink once, in order, within their budget, and disturb nobody. */
#include "../lib/unit.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sink that keeps the last lines. Not locked: the trace promises one caller at a time. */
struct kept {
    unsigned count;
    bool inside;
    char text[16][1100];
    struct el_event event[16];
};

static void keep(void *arg, const struct el_event *event)
{
    struct kept *kept = arg;
    ck_assert(!kept->inside); /* two threads in here at a time would trip over this */
    kept->inside = true;
    unsigned slot = kept->count++ % 16;
    kept->event[slot] = *event;
    snprintf(kept->text[slot], sizeof kept->text[slot], "%s", event->text);
    kept->inside = false;
    errno = EIO; /* as a sink whose disk is full would leave it */
}

static struct kept kept;

static void forget(void)
{
    kept = (struct kept){0};
}

static struct el_trace *trace_for(enum el_level level, bool explain, unsigned per_second)
{
    struct el_trace *trace = el_trace_new(&(struct el_trace_args){
        .sink = keep, .arg = &kept, .level = level, .explain = explain, .per_second = per_second});
    ck_assert_ptr_nonnull(trace);
    return trace;
}

START_TEST(no_trace_is_silence)
{
    el_log(NULL, EL_ERROR, "%s", "text");
    el_explain(NULL, EL_TOPIC_STEP, "%s", "text");
    ck_assert(!el_explaining(NULL));
    el_trace_free(NULL);
}
END_TEST

START_TEST(a_diagnostic_arrives_with_its_level_and_time)
{
    struct el_trace *trace = trace_for(EL_INFO, false, 0);
    el_time before = el_now();
    el_log(trace, EL_WARN, "accept: %s", "Too many open files");
    ck_assert_uint_eq(kept.count, 1);
    ck_assert_str_eq(kept.text[0], "accept: Too many open files");
    ck_assert_int_eq(kept.event[0].level, EL_WARN);
    ck_assert(!kept.event[0].narration);
    ck_assert(kept.event[0].at >= before && kept.event[0].at <= el_now());
    el_trace_free(trace);
}
END_TEST

START_TEST(levels_above_the_wanted_one_are_dropped)
{
    struct el_trace *trace = trace_for(EL_WARN, false, 0);
    el_log(trace, EL_INFO, "info");
    el_log(trace, EL_DEBUG, "debug");
    ck_assert_uint_eq(kept.count, 0);
    el_log(trace, EL_ERROR, "error");
    ck_assert_uint_eq(kept.count, 1);
    el_trace_free(trace);
}
END_TEST

START_TEST(narration_is_heard_only_when_wanted)
{
    struct el_trace *quiet = trace_for(EL_DEBUG, false, 0);
    struct el_trace *talking = trace_for(EL_ERROR, true, 1);
    el_explain(quiet, EL_TOPIC_STEP, "unheard");
    ck_assert(!el_explaining(quiet));
    ck_assert_uint_eq(kept.count, 0);
    for (int i = 0; i < 5; i++) /* a story has no budget: nothing of it is left out */
        el_explain(talking, EL_TOPIC_DNS, "A server.lab, try %d", i);
    ck_assert(el_explaining(talking));
    ck_assert_uint_eq(kept.count, 5);
    ck_assert(kept.event[4].narration && kept.event[4].topic == EL_TOPIC_DNS);
    ck_assert_str_eq(kept.text[4], "A server.lab, try 4");
    el_trace_free(quiet);
    el_trace_free(talking);
}
END_TEST

START_TEST(errno_survives_a_report)
{
    struct el_trace *trace = trace_for(EL_DEBUG, true, 1);
    for (int i = 0; i < 3; i++) {
        errno = ECONNREFUSED;
        el_log(trace, EL_ERROR, "connect: %m");
        ck_assert_int_eq(errno, ECONNREFUSED);
        el_explain(trace, EL_TOPIC_CALL, "connect() = -1: %m");
        ck_assert_int_eq(errno, ECONNREFUSED);
    }
    ck_assert_str_eq(kept.text[0], "connect: Connection refused");
    el_trace_free(trace);
}
END_TEST

START_TEST(a_report_is_one_line_without_control_bytes)
{
    struct el_trace *trace = trace_for(EL_DEBUG, false, 0);
    el_log(trace, EL_ERROR, "a%sb", "\n\x1b[2J\x7f");
    ck_assert_str_eq(kept.text[0], "a\\x0a\\x1b[2J\\x7f"
                                   "b");
    el_trace_free(trace);
}
END_TEST

START_TEST(an_endless_text_is_cut)
{
    static char endless[5000];
    memset(endless, '\n', sizeof endless - 1);
    struct el_trace *trace = trace_for(EL_DEBUG, true, 1);
    el_explain(trace, EL_TOPIC_STEP, "%s", endless);
    el_log(trace, EL_ERROR, "%s", endless);
    el_log(trace, EL_ERROR, "%s", endless);
    ck_assert_uint_lt(strlen(kept.text[0]), 1024);
    ck_assert_uint_gt(strlen(kept.text[0]), 1000);
    el_trace_free(trace);
}
END_TEST

/* Enough lines of one kind, from one place in the source, as an attacker would cause them. */
static void complain(struct el_trace *trace, int times)
{
    for (int i = 0; i < times; i++)
        el_log(trace, EL_WARN, "accept: client %d", i);
}

START_TEST(a_flood_of_one_kind_is_cut_to_its_budget_and_its_size_is_told)
{
    struct el_trace *trace = trace_for(EL_WARN, false, 3);
    complain(trace, 1000);
    ck_assert_uint_le(kept.count, 9); /* 3 a second; a very slow machine may need several seconds */
    bool in_one_second = kept.count == 3;
    el_log(trace, EL_WARN, "another kind");
    ck_assert_str_eq(kept.text[(kept.count - 1) % 16], "another kind");
    el_trace_free(trace);
    if (in_one_second)
        ck_assert_str_eq(kept.text[4], "accept: client 999 (and 996 more like this were left out)");
}
END_TEST

START_TEST(a_new_second_brings_a_new_budget)
{
    struct el_trace *trace = trace_for(EL_WARN, false, 1);
    complain(trace, 2);
    ck_assert_uint_eq(kept.count, 1);
    el_time start = kept.event[0].at;
    while (el_now() - start < EL_S + EL_MS)
        poll(NULL, 0, 20);
    complain(trace, 1);
    ck_assert_uint_eq(kept.count, 3);
    ck_assert_str_eq(kept.text[1], "accept: client 1"); /* the one that was left out */
    ck_assert_str_eq(kept.text[2], "accept: client 0");
    el_trace_free(trace);
    ck_assert_uint_eq(kept.count, 3);
}
END_TEST

START_TEST(more_kinds_than_the_table_holds_lose_no_line_untold)
{
    struct el_trace *trace = trace_for(EL_WARN, false, 1);
    static char formats[200][16]; /* as if the program had 200 places that report */
    for (int i = 0; i < 200; i++) {
        snprintf(formats[i], sizeof formats[i], "f%d", i);
        for (int times = 0; times < 2; times++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
            el_log(trace, EL_WARN, formats[i]);
#pragma GCC diagnostic pop
        }
    }
    el_trace_free(trace);
    ck_assert_uint_eq(kept.count, 400); /* each said once, and once told when its place was taken */
}
END_TEST

static void *report_often(void *trace)
{
    for (int i = 0; i < 2000; i++) {
        el_log(trace, EL_WARN, "from a thread");
        el_explain(trace, EL_TOPIC_STATE, "from a thread");
    }
    return NULL;
}

START_TEST(threads_share_a_trace)
{
    struct el_trace *trace = trace_for(EL_WARN, true, 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, report_often, trace), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(kept.count, 16000); /* 4 threads, 2000 rounds, twice each */
    el_trace_free(trace);
}
END_TEST

/* ---- the file sink --------------------------------------------------------------------------- */

/* What the sink writes for one story, `columns` wide. The caller frees. */
static char *told(unsigned columns)
{
    char *text = NULL;
    size_t size = 0;
    struct el_file_sink sink = {
        .file = open_memstream(&text, &size), .program = "udp_echo", .columns = columns};
    const struct el_event events[] = {
        {.narration = true,
         .topic = EL_TOPIC_STEP,
         .at = 5 * EL_S,
         .text = "server.lab is a name, not a literal: asking DNS"},
        {.narration = true,
         .topic = EL_TOPIC_DNS,
         .at = 5 * EL_S + 214 * EL_US,
         .text = "A server.lab to 10.77.0.254:53"},
        {.narration = true,
         .topic = EL_TOPIC_CALL,
         .at = 5 * EL_S + 1101 * EL_US,
         .text = "socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = 5"},
        {.narration = true,
         .topic = EL_TOPIC_STATE,
         .at = 6 * EL_S,
         .text = "local address now 10.77.0.1:40312"},
        {.narration = true, .topic = EL_TOPIC_PACKET, .at = 6 * EL_S, .text = "none"},
        {.level = EL_WARN, .at = 6 * EL_S, .text = "10.77.0.2:7007: recv: Connection refused"},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        el_file_sink_write(&sink, &events[i]);
    fclose(sink.file);
    return text;
}

START_TEST(narration_reads_as_a_story_with_times_since_its_start)
{
    char *text = told(0);
    ck_assert_str_eq(text, "     0.000 ms  server.lab is a name, not a literal: asking DNS\n"
                           "     0.214 ms    dns     A server.lab to 10.77.0.254:53\n"
                           "     1.101 ms    call    socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|"
                           "SOCK_CLOEXEC, 0) = 5\n"
                           "  1000.000 ms    state   local address now 10.77.0.1:40312\n"
                           "  1000.000 ms    packet  none\n"
                           "udp_echo: 10.77.0.2:7007: recv: Connection refused\n");
    free(text);
}
END_TEST

START_TEST(on_a_narrow_terminal_long_lines_go_on_under_their_own_text)
{
    char *text = told(64);
    ck_assert_str_eq(text, "     0.000 ms  server.lab is a name, not a literal: asking DNS\n"
                           "     0.214 ms    dns     A server.lab to 10.77.0.254:53\n"
                           "     1.101 ms    call    socket(AF_INET,\n"
                           "                         SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC,\n"
                           "                         0) = 5\n"
                           "  1000.000 ms    state   local address now 10.77.0.1:40312\n"
                           "  1000.000 ms    packet  none\n"
                           "udp_echo: 10.77.0.2:7007: recv: Connection refused\n");
    free(text);
}
END_TEST

START_TEST(a_reader_that_stalls_costs_lines_but_not_time_and_is_told_how_many)
{
    char text[8192];
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    struct el_file_sink sink = {.file = fdopen(ends[1], "w"), .program = "prog"};
    const struct el_event event = {.level = EL_WARN, .at = EL_S, .text = "a line"};
    for (int i = 0; i < 1000; i++) /* 13 bytes each: 315 fit */
        el_file_sink_write(&sink, &event);
    ck_assert_uint_gt(sink.left_out, 500);
    ck_assert_int_gt(read(ends[0], text, sizeof text), 0);
    el_file_sink_write(&sink, &event);
    el_file_sink_close(&sink);
    fclose(sink.file);
    ssize_t got = read(ends[0], text, sizeof text - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_str_eq(text, "prog: 685 lines left out here: nobody read them\nprog: a line\n");
    close(ends[0]);
}
END_TEST

START_TEST(property_breaking_lines_loses_no_word_and_keeps_to_the_width)
{
    for (int i = 0; i < 2000; i++) {
        char words[900], *text = NULL, joined[1024] = "";
        size_t size = 0;
        unsigned columns = 60 + (unsigned)unit_random(50);
        unit_random_text(words, sizeof words, "abc    ");
        struct el_file_sink sink = {.file = open_memstream(&text, &size), .columns = columns};
        el_file_sink_write(&sink, &(struct el_event){.narration = true, .text = words});
        fclose(sink.file);

        size_t used = 0;
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            unit_holds(strlen(line) <= columns && strlen(line) <= 100, words);
            used += (size_t)snprintf(joined + used, sizeof joined - used, "%s", line + 15);
        }
        for (const char *a = words, *b = joined; *a != '\0' || *b != '\0'; a++, b++) {
            a += strspn(a, " ");
            b += strspn(b, " ");
            unit_holds(*a == *b, words);
            if (*a == '\0')
                break;
        }
        free(text);
    }
}
END_TEST

START_TEST(levels_are_parsed_by_name)
{
    enum el_level level;
    ck_assert(el_level_parse("error", &level) == 0 && level == EL_ERROR);
    ck_assert(el_level_parse("warn", &level) == 0 && level == EL_WARN);
    ck_assert(el_level_parse("info", &level) == 0 && level == EL_INFO);
    ck_assert(el_level_parse("debug", &level) == 0 && level == EL_DEBUG);
    ck_assert_int_eq(el_level_parse("Debug", &level), -EINVAL);
    ck_assert_int_eq(el_level_parse("", &level), -EINVAL);
}
END_TEST

START_TEST(an_errno_has_a_name_even_when_it_has_none)
{
    ck_assert_str_eq(el_errno_name(ECONNREFUSED), "ECONNREFUSED");
    ck_assert_str_eq(el_errno_name(-ECONNREFUSED), "ECONNREFUSED");
    ck_assert_str_eq(el_errno_name(EAGAIN), "EAGAIN");
    ck_assert_str_eq(el_errno_name(12345), "E?12345");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tcase = tcase_create("trace"), *sink = tcase_create("file sink");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, forget, NULL);
    tcase_add_test(tcase, no_trace_is_silence);
    tcase_add_test(tcase, a_diagnostic_arrives_with_its_level_and_time);
    tcase_add_test(tcase, levels_above_the_wanted_one_are_dropped);
    tcase_add_test(tcase, narration_is_heard_only_when_wanted);
    tcase_add_test(tcase, errno_survives_a_report);
    tcase_add_test(tcase, a_report_is_one_line_without_control_bytes);
    tcase_add_test(tcase, an_endless_text_is_cut);
    tcase_add_test(tcase, a_flood_of_one_kind_is_cut_to_its_budget_and_its_size_is_told);
    tcase_add_test(tcase, a_new_second_brings_a_new_budget);
    tcase_add_test(tcase, more_kinds_than_the_table_holds_lose_no_line_untold);
    tcase_add_test(tcase, threads_share_a_trace);
    tcase_add_test(tcase, levels_are_parsed_by_name);
    tcase_add_test(tcase, an_errno_has_a_name_even_when_it_has_none);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(sink, 30);
    tcase_add_test(sink, narration_reads_as_a_story_with_times_since_its_start);
    tcase_add_test(sink, on_a_narrow_terminal_long_lines_go_on_under_their_own_text);
    tcase_add_test(sink, a_reader_that_stalls_costs_lines_but_not_time_and_is_told_how_many);
    tcase_add_test(sink, property_breaking_lines_loses_no_word_and_keeps_to_the_width);
    suite_add_tcase(suite, sink);
    return unit_main(suite);
}
