/* test_datagram_explain.c - what a UDP server tells of a wake-up: the calls as strace would show them, and what became of each datagram. */
#include "../lib/unit.h"
#include "datagram_explain.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static char told[1024];
static struct el_datagram_story story;
static struct el_trace *trace;

static void on_told(void *arg, const struct el_event *event)
{
    (void)arg;
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s\n", event->text);
}

static void set_up(void)
{
    trace = el_trace_new(&(struct el_trace_args){.sink = on_told, .explain = true});
    ck_assert(el_narrator_open(&story.narrator, NULL, trace, 100));
}

static void tear_down(void)
{
    el_narrator_close(&story.narrator);
    el_trace_free(trace);
}

static struct el_datagram datagram(void)
{
    struct el_datagram d = {.wire_length = 300, .length = 300, .interface = 1};
    d.peer = d.local = (struct el_address){.length = sizeof d.peer.in};
    d.peer.in = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(1000), .sin_addr.s_addr = htonl(0x0a4d0001)};
    d.local.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a4d0002)};
    return d;
}

START_TEST(a_wake_up_is_told_with_each_datagram_and_its_fate)
{
    struct el_datagram d = datagram();
    el_datagram_explain_receive(&story, 2);
    el_datagram_explain(&story, 5, &d, NULL);
    d.segment = 100;
    el_datagram_explain(&story, 5, &d, "it is too long");
    el_datagram_explain_reply(
        &story, 5, &(struct el_datagram_sent){.sent = 1, .messages = 1, .calls = 1, .bytes = 300});
    ck_assert_str_eq(told, "recvmmsg(5) = 2\n"
                           "300 bytes from 10.77.0.1:1000 to 10.77.0.2, interface 1: answering\n"
                           "300 bytes in datagrams of 100 (UDP_GRO) from 10.77.0.1:1000 to "
                           "10.77.0.2, interface 1: no answer: it is too long\n"
                           "sendmmsg(5) = 1: 1 sent, 300 bytes\n");
}
END_TEST

START_TEST(what_could_not_be_sent_is_told_with_the_reason)
{
    const struct el_datagram d = datagram();
    el_datagram_explain_receive(&story, 1);
    el_datagram_explain(&story, 5, &d, NULL);
    told[0] = '\0';
    el_datagram_explain_reply(
        &story, 5,
        &(struct el_datagram_sent){
            .sent = 3, .messages = 1, .calls = 2, .bytes = 30, .other = 2, .last_error = EPERM});
    ck_assert_str_eq(told, "sendmmsg(5) = 1: 3 sent, 30 bytes; UDP_SEGMENT: neighbours share a "
                           "message\nsendmmsg(5) = -1 EPERM: 2 not sent\n");
}
END_TEST

/* Nothing was received that was worth a word, or nothing was sent: then there is no word about sending. */
START_TEST(no_reply_is_told_of_what_was_not_told)
{
    const struct el_datagram d = datagram();
    el_datagram_explain_receive(&story, 1);
    el_datagram_explain_reply(&story, 5, &(struct el_datagram_sent){.sent = 1, .calls = 1});
    ck_assert_str_eq(told, "");
    el_datagram_explain(&story, 5, &d, "why not");
    told[0] = '\0';
    el_datagram_explain_reply(&story, 5, &(struct el_datagram_sent){0});
    ck_assert_str_eq(told, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_explain");
    TCase *tests = tcase_create("story");
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_wake_up_is_told_with_each_datagram_and_its_fate);
    tcase_add_test(tests, what_could_not_be_sent_is_told_with_the_reason);
    tcase_add_test(tests, no_reply_is_told_of_what_was_not_told);
    return unit_main(suite);
}
