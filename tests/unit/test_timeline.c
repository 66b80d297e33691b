/*
 * test_timeline.c - recorded exchanges are told as they were; damaged and invented ones do no harm.
 *
 * tests/unit/recorded/NAME/ are recordings of real exchanges in a lab network, without the lines of
 * strace that are about no socket (dropped/ is resent/ with the loss written down as a fault, and with
 * states). expected is the text form at 100 columns: look at it, it is what this is all about.
 *     build/bin/timeline --width 100 tests/unit/recorded/NAME >tests/unit/recorded/NAME/expected
 */
#include "timeline_show.h"
#include "timeline_strip.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const recordings[] = {"tcp",    "udp",     "udp_connect", "blocking", "refused",
                                         "resent", "dropped", "big",         "socat",    "forked"};
enum { RECORDINGS = sizeof recordings / sizeof recordings[0] };

/* Tests run from the root of the tree, or from anywhere in it. */
static const char *recording(const char *name)
{
    static char path[512];
    char exe[400] = "";
    snprintf(path, sizeof path, "tests/unit/recorded/%s", name);
    if (access(path, R_OK) == 0 || readlink("/proc/self/exe", exe, sizeof exe - 1) < 0)
        return path;
    for (unsigned up = 0; up < 4 && strrchr(exe, '/') != NULL;
         up++) /* build/VARIANT/tests/test_x */
        *strrchr(exe, '/') = '\0';
    snprintf(path, sizeof path, "%s/tests/unit/recorded/%s", exe, name);
    return path;
}

static struct timeline *read_directory(const char *directory)
{
    const char *object = "";
    struct timeline *timeline = timeline_read(directory, false, &object);
    ck_assert_msg(timeline != NULL, "%s: %s", object, strerror(errno));
    return timeline;
}

static struct timeline *read_recording(const char *name)
{
    return read_directory(recording(name));
}

static char *as_text(const struct timeline *timeline, size_t width)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(timeline_text(timeline, &(struct timeline_look){.width = width}, out), 0);
    fclose(out);
    return text;
}

/* Where each event stands in the order. The caller frees. */
static uint32_t *places_of(const struct timeline *timeline)
{
    uint32_t *place = calloc(timeline->event_count + 1, sizeof *place);
    ck_assert_ptr_nonnull(place);
    for (uint32_t i = 0; i < timeline->event_count; i++)
        place[timeline->order[i]] = i;
    return place;
}

/* Everything that is certain, asked once more of what came out. */
static void check_order(const struct timeline *timeline, const char *name)
{
    uint32_t *place = places_of(timeline);
    for (size_t i = 0; i < timeline->edge_count; i++)
        unit_holds(timeline->edges[i].soft ||
                       place[timeline->edges[i].from] < place[timeline->edges[i].to],
                   name);
    for (size_t i = 1; i < timeline->event_count; i++)
        unit_holds(timeline->events[timeline->order[i - 1]].at <=
                       timeline->events[timeline->order[i]].at,
                   name);
    for (size_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *sighting = &timeline->sightings[i];
        if (!sighting->leaves && sighting->partner != TIMELINE_NONE)
            unit_holds(place[timeline->sightings[sighting->partner].event] < place[sighting->event],
                       name);
    }
    for (size_t i = 0; i < timeline->call_count; i++) {
        const struct timeline_call *call = &timeline->calls[i];
        if (call->entry != TIMELINE_NONE && call->exit != TIMELINE_NONE)
            unit_holds(place[call->entry] < place[call->exit], name);
    }
    free(place);
}

/* ---- recordings ------------------------------------------------------------------------------ */

START_TEST(nothing_recorded_stands_before_its_cause)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        struct timeline *timeline = read_recording(recordings[i]);
        ck_assert_int_eq(timeline->against, 0);
        ck_assert(!timeline->doubtful);
        ck_assert_uint_eq(timeline->unread, 0);
        ck_assert_uint_gt(timeline->event_count, 20);
        check_order(timeline, recordings[i]);
        timeline_free(timeline);
    }
}
END_TEST

/* Line by line: a whole timeline is too long for a message. */
static void is_expected(char *text, FILE *expected, const char *path)
{
    char wanted[1024];
    char *line, *rest = text;
    for (unsigned number = 1; fgets(wanted, sizeof wanted, expected) != NULL; number++) {
        wanted[strcspn(wanted, "\n")] = '\0';
        line = strsep(&rest, "\n");
        ck_assert_msg(line != NULL && strcmp(line, wanted) == 0, "%s:%u: expected: %s\ngot: %s",
                      path, number, wanted, line == NULL ? "the end" : line);
    }
    ck_assert_msg(rest != NULL && rest[0] == '\0', "%s: more than expected: %s", path, rest);
}

START_TEST(every_recording_is_told_as_expected)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/expected", recording(recordings[i]));
        FILE *expected = fopen(path, "re");
        ck_assert_msg(expected != NULL, "%s", path);
        struct timeline *timeline = read_recording(recordings[i]);
        char *text = as_text(timeline, 100);
        is_expected(text, expected, path);
        fclose(expected);
        free(text);
        timeline_free(timeline);
    }
}
END_TEST

/* The n-th call (from 0) of that name on a host. */
static const struct timeline_call *call_of(const struct timeline *timeline, const char *host,
                                           const char *name, unsigned n)
{
    for (size_t i = 0; i < timeline->call_count; i++)
        if (strcmp(timeline->hosts[timeline->calls[i].host], host) == 0 &&
            strcmp(timeline->calls[i].strace.name, name) == 0 && n-- == 0)
            return &timeline->calls[i];
    ck_abort_msg("no such call: %s on %s", name, host);
}

/* The first sighting with these TCP flags, or (payload) with data. */
static const struct timeline_sighting *segment_of(const struct timeline *timeline, const char *host,
                                                  bool leaves, uint8_t flags, bool payload)
{
    for (size_t i = 0; i < timeline->sighting_count; i++) {
        const struct timeline_sighting *one = &timeline->sightings[i];
        if (strcmp(timeline->hosts[one->host], host) == 0 && one->leaves == leaves &&
            one->packet.protocol == IPPROTO_TCP &&
            (payload ? one->packet.payload > 0 : one->packet.tcp_flags == flags))
            return one;
    }
    ck_abort_msg("no such segment on %s", host);
}

/* Is it certain, not only likely from the stamps? */
static bool is_certain(const struct timeline *timeline, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < timeline->edge_count; i++)
        if (timeline->edges[i].from == from && timeline->edges[i].to == to)
            return !timeline->edges[i].soft;
    return false;
}

#define before(a, b) ck_assert_msg(place[a] < place[b], #a " before " #b)

START_TEST(connect_blocks_until_the_syn_ack_is_there)
{
    struct timeline *timeline = read_recording("blocking");
    uint32_t *place = places_of(timeline);
    const struct timeline_call *connect = call_of(timeline, "client", "connect", 0);
    const struct timeline_call *send = call_of(timeline, "client", "sendto", 0);
    const struct timeline_sighting *syn = segment_of(timeline, "client", true, TH_SYN, false);
    before(connect->entry, syn->event);
    ck_assert(is_certain(timeline, connect->entry, syn->event));
    ck_assert(
        is_certain(timeline, send->entry, segment_of(timeline, "client", true, 0, true)->event));
    ck_assert(is_certain(timeline, call_of(timeline, "client", "close", 0)->entry,
                         segment_of(timeline, "client", true, TH_FIN | TH_ACK, false)->event));
    before(segment_of(timeline, "client", false, TH_SYN | TH_ACK, false)->event, connect->exit);
    before(syn->event, connect->exit);
    ck_assert_str_eq(connect->did, "→ SYN");
    ck_assert_str_eq(connect->got, "after SYN-ACK");
    ck_assert_str_eq(send->did, "→ segments 1-3 (seq 1-3000)");
    ck_assert_str_eq(call_of(timeline, "server", "read", 0)->got, "got segments 1-3 (seq 1-3000)");
    ck_assert_str_eq(call_of(timeline, "client", "recvfrom", 1)->got,
                     "got segment 3 (seq 2897-3000)");
    ck_assert_str_eq(call_of(timeline, "client", "close", 0)->did, "→ FIN");
    free(place);
    timeline_free(timeline);
}
END_TEST

START_TEST(a_connect_that_does_not_block_is_told_by_epoll_wait)
{
    struct timeline *timeline = read_recording("tcp");
    uint32_t *place = places_of(timeline);
    const struct timeline_call *connect = call_of(timeline, "client", "connect", 3);
    const struct timeline_call *wait = call_of(timeline, "client", "epoll_wait", 1);
    uint32_t answer = segment_of(timeline, "client", false, TH_SYN | TH_ACK, false)->event;
    ck_assert_str_eq(connect->strace.error, "EINPROGRESS");
    before(connect->exit, answer);
    before(answer, wait->exit);
    ck_assert_str_eq(connect->got, "not connected yet; epoll_wait tells");
    ck_assert_str_eq(wait->got, "connected after SYN-ACK");
    ck_assert_str_eq(call_of(timeline, "client", "shutdown", 0)->did, "→ FIN");
    ck_assert_str_eq(call_of(timeline, "client", "close", 3)->did,
                     "sent nothing: FIN went with shutdown");
    ck_assert_str_eq(call_of(timeline, "server", "read", 1)->got, "got FIN: no more will come");
    before(segment_of(timeline, "server", false, 0, true)->event,
           call_of(timeline, "server", "read", 0)->exit);
    free(place);
    timeline_free(timeline);
}
END_TEST

START_TEST(connecting_a_udp_socket_sends_nothing)
{
    struct timeline *timeline = read_recording("udp");
    uint32_t *place = places_of(timeline);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_str_eq(call_of(timeline, "client", "connect", n)->did, "sent nothing");
    const struct timeline_call *received = call_of(timeline, "server", "recvmmsg", 0);
    ck_assert_str_eq(call_of(timeline, "client", "sendto", 0)->did, "→ datagram");
    ck_assert_str_eq(received->got, "got datagram");
    ck_assert_str_eq(call_of(timeline, "server", "sendmmsg", 0)->did, "→ datagram");
    before(timeline->sightings[received->got_first].event,
           call_of(timeline, "server", "epoll_wait", 0)->exit);
    free(place);
    timeline_free(timeline);
}
END_TEST

START_TEST(a_refusal_is_told_after_the_reset)
{
    struct timeline *timeline = read_recording("refused");
    uint32_t *place = places_of(timeline);
    const struct timeline_call *wait = call_of(timeline, "client", "epoll_wait", 1);
    ck_assert_str_eq(wait->got, "refused after RST");
    before(segment_of(timeline, "client", false, TH_RST | TH_ACK, false)->event, wait->exit);
    /* IPv4 and then IPv6: two connections, told apart by their ports. */
    ck_assert_uint_eq(timeline->connections, 2);
    ck_assert_str_eq(call_of(timeline, "client", "connect", 3)->did, "→ SYN :60606");
    free(place);
    timeline_free(timeline);
}
END_TEST

START_TEST(a_lost_segment_is_told_with_its_fate_and_sent_again)
{
    struct timeline *timeline = read_recording("dropped");
    const struct timeline_sighting *lost = segment_of(timeline, "server", true, 0, true);
    char text[TIMELINE_WORDS];
    uint32_t number = (uint32_t)(lost - timeline->sightings);
    ck_assert(timeline_is_lost(timeline, number));
    ck_assert_str_eq(timeline_packet_fate(timeline, number, text, sizeof text), "drop");
    const struct timeline_sighting *arrived = segment_of(timeline, "client", false, 0, true);
    ck_assert(arrived->resent);
    ck_assert_uint_eq(arrived->segment, 1);
    ck_assert(timeline->states_traced);
    ck_assert_uint_eq(timeline->states[0].sighting, TIMELINE_NONE);
    unsigned shown = 0; /* one of the ten that were recorded is of another world */
    for (size_t i = 0; i < timeline->event_count; i++)
        shown += timeline->events[i].kind == TIMELINE_STATE;
    ck_assert_uint_eq(shown, 9);
    timeline_free(timeline);
}
END_TEST

START_TEST(a_close_that_is_not_the_last_sends_nothing)
{
    struct timeline *timeline = read_recording("forked");
    ck_assert_str_eq(call_of(timeline, "server", "close", 0)->did,
                     "sent nothing: another process has it");
    ck_assert_str_eq(call_of(timeline, "server", "shutdown", 0)->did, "→ FIN");
    timeline_free(timeline);
}
END_TEST

START_TEST(states_are_worked_out_from_the_packets)
{
    static const char *const expected[] = {"SYN_SENT",    "SYN_RECV",  "ESTABLISHED",
                                           "ESTABLISHED", "FIN_WAIT1", "CLOSE_WAIT",
                                           "LAST_ACK",    "TIME_WAIT", "CLOSED"};
    struct timeline *timeline = read_recording("tcp");
    size_t count = 0;
    ck_assert(!timeline->states_traced);
    for (size_t i = 0; i < timeline->event_count; i++) {
        const struct timeline_event *event = &timeline->events[timeline->order[i]];
        if (event->kind != TIMELINE_STATE)
            continue;
        ck_assert_uint_lt(count, sizeof expected / sizeof expected[0]);
        ck_assert_str_eq(timeline->states[event->of].after, expected[count++]);
    }
    ck_assert_uint_eq(count, sizeof expected / sizeof expected[0]);
    timeline_free(timeline);
}
END_TEST

/* ---- the text form --------------------------------------------------------------------------- */

START_TEST(no_line_is_wider_than_asked)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        struct timeline *timeline = read_recording(recordings[i]);
        for (size_t width = 40; width <= 200; width += 7) {
            char *text = as_text(timeline, width), *rest = text, *line;
            while ((line = strsep(&rest, "\n")) != NULL)
                unit_holds(strip_columns(line) <= width, line);
            free(text);
        }
        timeline_free(timeline);
    }
}
END_TEST

START_TEST(ascii_is_ascii)
{
    struct timeline *timeline = read_recording("dropped");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    timeline_text(timeline, &(struct timeline_look){.width = 80, .ascii = true}, out);
    fclose(out);
    for (size_t i = 0; i < size; i++)
        ck_assert_msg((unsigned char)text[i] < 0x80, "%s", text + i);
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(only_the_hosts_that_were_asked_for_have_columns)
{
    struct timeline *timeline = read_recording("tcp");
    ck_assert_int_eq(timeline_choose(timeline, "client,nobody"), -ENOENT);
    ck_assert_int_eq(timeline_choose(timeline, ""), -ENOENT);
    ck_assert_int_eq(timeline_choose(timeline, "server"), 0);
    char *text = as_text(timeline, 80);
    ck_assert_ptr_nonnull(strstr(text, "◁─ client: SYN"));
    ck_assert_ptr_null(strstr(text, "connect("));
    free(text);
    ck_assert_int_eq(timeline_choose(timeline, "server,client,server"), 0);
    ck_assert_uint_eq(timeline->column_count, 2);
    text = as_text(timeline, 80);
    ck_assert_ptr_nonnull(strstr(text, "ms server"));
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(words_are_broken_between_words)
{
    ck_assert_uint_eq(strip_break("one two three", 8), 7);
    ck_assert_uint_eq(strip_break("one two", 7), 7);
    ck_assert_uint_eq(strip_break("one two", 5), 3);
    ck_assert_uint_eq(strip_break("SOCK_STREAM|SOCK_NONBLOCK", 15), 12);
    ck_assert_uint_eq(strip_break("→→→", 2), 6);
    ck_assert_uint_eq(strip_break("→", 1), 3);
    ck_assert_uint_eq(strip_break("ab", 0), 1); /* never nothing: a loop over it must end */
    ck_assert_uint_eq(strip_break("", 5), 0);
}
END_TEST

/* ---- invented recordings --------------------------------------------------------------------- */

static char directory[64];

static FILE *open_in(const char *file)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    FILE *out = fopen(path, "we");
    ck_assert_msg(out != NULL, "%s", path);
    return out;
}

static void remove_directory(void)
{
    static const char *const files[] = {"meta",   "packets",         "faults",
                                        "states", "client.1.strace", "server.1.strace"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        unlink(path);
    }
    rmdir(directory);
}

static void make_directory(const char *meta)
{
    snprintf(directory, sizeof directory, "/tmp/echolab-test-timeline.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    FILE *out = open_in("meta");
    fputs(meta, out);
    fclose(out);
}

/* A datagram of four bytes from 10.0.0.1:1000 to 10.0.9.9:7, as seen on a host. */
struct seen {
    const char *host;
    uint8_t hook;
    uint8_t ttl;
    uint16_t id;
    el_time at, stamp;
    const char *fate; /* with EL_HOOK_FAULT */
    uint8_t last;     /* byte of the payload */
};

static void write_seen(FILE *out, const struct seen *seen)
{
    uint8_t bytes[] = {0x45,
                       0,
                       0,
                       32,
                       (uint8_t)(seen->id >> 8),
                       (uint8_t)seen->id,
                       0,
                       0,
                       seen->ttl,
                       17,
                       0,
                       0,
                       10,
                       0,
                       0,
                       1,
                       10,
                       0,
                       9,
                       9,
                       0x03,
                       0xe8,
                       0,
                       7,
                       0,
                       12,
                       0,
                       0,
                       'a',
                       'b',
                       'c',
                       seen->last};
    struct el_packet packet = {.at = seen->at, .stamp = seen->stamp, .hook = seen->hook, .mark = 1};
    char text[EL_PACKET_RECORD];
    ck_assert_int_eq(el_packet_decode(bytes, sizeof bytes, &packet), 0);
    snprintf(packet.host, sizeof packet.host, "%s", seen->host);
    snprintf(packet.prefix, sizeof packet.prefix, "%s", seen->fate == NULL ? "[UDP] " : seen->fate);
    fprintf(out, "%s\n", el_packet_print_record(&packet, text, sizeof text));
}

static struct timeline *invent(const struct seen *seen, size_t count)
{
    make_directory("command test\nhost client\nhost router\nhost server\naddress 10.0.0.1 client\n"
                   "address 10.0.9.9 server\nclock 0\n");
    FILE *packets = open_in("packets"), *faults = open_in("faults");
    for (size_t i = 0; i < count; i++)
        write_seen(seen[i].hook == EL_HOOK_FAULT ? faults : packets, &seen[i]);
    fclose(packets);
    fclose(faults);
    struct timeline *timeline = read_directory(directory);
    remove_directory();
    ck_assert_int_eq(timeline->against, 0);
    check_order(timeline, "invented");
    return timeline;
}

enum { OUT = NF_INET_POST_ROUTING, IN = NF_INET_LOCAL_IN, PRE = NF_INET_PRE_ROUTING };

START_TEST(a_packet_that_is_forwarded_is_a_chain)
{
    static const struct seen seen[] = {{"server", IN, 63, 1, 1030, 1025, NULL, 'd'},
                                       {"client", OUT, 64, 1, 1060, 0, NULL, 'd'},
                                       {"router", PRE, 64, 1, 1070, 1010, NULL, 'd'},
                                       {"router", OUT, 63, 1, 1080, 0, NULL, 'd'}};
    struct timeline *timeline = invent(seen, 4);
    const char *const hosts[] = {"client", "router", "router", "server"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(timeline->hosts[timeline->events[timeline->order[i]].host], hosts[i]);
    ck_assert_uint_eq(timeline->sightings[2].partner, 1);
    ck_assert_uint_eq(timeline->sightings[0].partner, 3);
    char *text = as_text(timeline, 100);
    ck_assert_ptr_nonnull(strstr(text, "datagram: 4 bytes"));
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(delays_copies_overtaking_and_corruption_are_told)
{
    static const struct seen seen[] = {{"client", OUT, 64, 1, 1000, 0, NULL, 'd'},
                                       {"client", OUT, 64, 2, 2000, 0, NULL, 'd'},
                                       {"client", OUT, 64, 3, 3000, 0, NULL, 'd'},
                                       {"server", EL_HOOK_FAULT, 64, 1, 1500, 0, "delay 20ms", 'd'},
                                       {"server", EL_HOOK_FAULT, 64, 2, 2500, 0, "duplicate", 'd'},
                                       {"server", EL_HOOK_FAULT, 64, 3, 3500, 0, "corrupt", 'd'},
                                       {"server", IN, 64, 2, 2600, 2550, NULL, 'd'},
                                       {"server", IN, 64, 2, 2700, 2650, NULL, 'd'},
                                       {"server", IN, 64, 3, 3600, 3550, NULL, 'x'},
                                       {"server", IN, 64, 1, 20001600, 20001500, NULL, 'd'}};
    struct timeline *timeline = invent(seen, sizeof seen / sizeof seen[0]);
    char text[TIMELINE_WORDS];
    ck_assert_str_eq(timeline_packet_fate(timeline, 0, text, sizeof text), "delay 20ms");
    ck_assert_str_eq(timeline_packet_fate(timeline, 1, text, sizeof text), "duplicate");
    ck_assert_str_eq(timeline_packet_fate(timeline, 4, text, sizeof text), "once more");
    ck_assert_str_eq(timeline_packet_fate(timeline, 2, text, sizeof text), "corrupt");
    ck_assert_uint_eq(timeline->sightings[5].partner, 2);
    ck_assert_str_eq(timeline_packet_fate(timeline, 6, text, sizeof text), "overtaken");
    ck_assert(!timeline_is_lost(timeline, 0));
    char *picture = as_text(timeline, 120);
    ck_assert_ptr_nonnull(strstr(picture, "datagram: 4 bytes, delay 20ms"));
    free(picture);
    timeline_free(timeline);
}
END_TEST

START_TEST(what_left_and_was_not_seen_again_is_told)
{
    static const struct seen seen[] = {{"client", OUT, 64, 1, 1000, 0, NULL, 'd'}};
    struct timeline *timeline = invent(seen, 1);
    char *text = as_text(timeline, 120);
    ck_assert_ptr_nonnull(strstr(text, "✕ not seen to arrive"));
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(a_dropped_packet_is_not_taken_for_its_equal_that_arrived)
{
    static const struct seen seen[] = {{"client", OUT, 64, 1, 1000, 0, NULL, 'd'},
                                       {"router", EL_HOOK_FAULT, 64, 1, 1500, 0, "drop", 'd'},
                                       {"client", OUT, 64, 1, 5000, 0, NULL, 'd'},
                                       {"router", PRE, 64, 1, 5600, 5500, NULL, 'd'}};
    struct timeline *timeline = invent(seen, sizeof seen / sizeof seen[0]);
    ck_assert_uint_eq(timeline->sightings[2].partner, 1);
    ck_assert(timeline_is_lost(timeline, 0));
    ck_assert(!timeline_is_lost(timeline, 1));
    /* It was on its way to the router, wherever it would have gone from there. */
    ck_assert_str_eq(timeline->hosts[timeline_other_end(timeline, 0)], "router");
    timeline_free(timeline);
}
END_TEST

START_TEST(a_fate_that_does_not_fit_on_its_arrow_is_told_below)
{
    static const struct seen seen[] = {{"client", OUT, 64, 1, 1000, 0, NULL, 'd'},
                                       {"server", EL_HOOK_FAULT, 64, 1, 1500, 0, "delay 20ms", 'd'},
                                       {"server", IN, 64, 1, 20001600, 20001500, NULL, 'd'}};
    struct timeline *timeline = invent(seen, sizeof seen / sizeof seen[0]);
    char *text = as_text(timeline, 50);
    ck_assert_ptr_nonnull(strstr(text, "│ delay 20ms"));
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(a_silent_host_among_many_has_no_column)
{
    static const struct seen one = {"client", OUT, 64, 1, 1000, 0, NULL, 'd'};
    make_directory("host client\nhost a\nhost b\nhost c\nhost d\nhost server\n"
                   "address 10.0.0.1 client\naddress 10.0.9.9 server\n");
    FILE *packets = open_in("packets");
    write_seen(packets, &one);
    fclose(packets);
    struct timeline *timeline = read_directory(directory);
    remove_directory();
    char *text = as_text(timeline, 80);
    ck_assert_ptr_nonnull(strstr(text, "ms client                             server"));
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(columns_stand_along_the_path_of_the_packets)
{
    static const struct seen seen[] = {{"client", OUT, 64, 1, 1000, 0, NULL, 'd'},
                                       {"router", PRE, 64, 1, 1100, 1050, NULL, 'd'},
                                       {"router", OUT, 63, 1, 1200, 0, NULL, 'd'},
                                       {"server", IN, 63, 1, 1300, 1250, NULL, 'd'}};
    make_directory("host client\nhost server\nhost idle\nhost router\n"
                   "address 10.0.0.1 client\naddress 10.0.9.9 server\n");
    FILE *packets = open_in("packets");
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        write_seen(packets, &seen[i]);
    fclose(packets);
    struct timeline *timeline = read_directory(directory);
    remove_directory();
    ck_assert_uint_eq(timeline->column_count, 3); /* not the one where nothing happened */
    ck_assert_str_eq(timeline->hosts[timeline->columns[0]], "client");
    ck_assert_str_eq(timeline->hosts[timeline->columns[1]], "router");
    ck_assert_str_eq(timeline->hosts[timeline->columns[2]], "server");
    timeline_free(timeline);
}
END_TEST

START_TEST(hosts_that_do_not_fit_are_named)
{
    static const struct seen seen[] = {{"client", OUT, 64, 1, 1000, 0, NULL, 'd'},
                                       {"router", PRE, 64, 1, 1100, 1050, NULL, 'd'},
                                       {"router", OUT, 63, 1, 1200, 0, NULL, 'd'},
                                       {"server", IN, 63, 1, 1300, 1250, NULL, 'd'}};
    struct timeline *timeline = invent(seen, sizeof seen / sizeof seen[0]);
    timeline_fit(timeline, 3);
    ck_assert_uint_eq(timeline->note_count, 0);
    timeline_fit(timeline, 2);
    char *text = as_text(timeline, 60);
    ck_assert_ptr_nonnull(strstr(text, "(--width, --host): server"));
    ck_assert_ptr_nonnull(strstr(text, "─▷ server"));
    free(text);
    free(as_text(timeline, 11)); /* too narrow for anything, and still no harm */
    timeline_free(timeline);
}
END_TEST

START_TEST(more_than_the_bounds_is_counted_and_told)
{
    make_directory("host client\nhost server\n");
    FILE *packets = open_in("packets");
    for (unsigned i = 0; i < TIMELINE_PACKETS + 5; i++)
        write_seen(packets,
                   &(struct seen){"client", OUT, 64, (uint16_t)i, 1000 + (el_time)i, 0, NULL, 'd'});
    fclose(packets);
    struct timeline *timeline = read_directory(directory);
    remove_directory();
    ck_assert_uint_eq(timeline->sighting_count, TIMELINE_PACKETS);
    ck_assert_uint_eq(timeline->beyond, 5);
    char *text = as_text(timeline, 200);
    ck_assert_ptr_nonnull(strstr(text, "note: 5 more events are left out"));
    free(text);
    timeline_free(timeline);
}
END_TEST

START_TEST(what_is_no_recording_is_refused_with_its_name)
{
    const char *object = "";
    ck_assert_ptr_null(timeline_read("/nonexistent", false, &object));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(object, "/nonexistent/meta");
    make_directory("");
    struct timeline *timeline = read_directory(directory); /* empty, but a recording */
    remove_directory();
    free(as_text(timeline, 80));
    timeline_free(timeline);
}
END_TEST

static char *written(int (*show)(const struct timeline *, FILE *), const struct timeline *timeline)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert_int_eq(show(timeline, out), 0);
    fclose(out);
    return text;
}

START_TEST(foreign_text_is_escaped_everywhere)
{
    make_directory("command <script>\033[31m&\"'\xff\nnote </text><b>\nhost client\nhost a<b\n");
    struct timeline *timeline = read_directory(directory);
    remove_directory();
    char *svg = written(timeline_svg, timeline), *page = written(timeline_html, timeline);
    ck_assert_ptr_null(strstr(svg, "<script>"));
    ck_assert_ptr_null(strstr(svg, "</text><b>"));
    ck_assert_ptr_null(strchr(svg, '\033'));
    ck_assert_ptr_null(strstr(svg, "\xff"));
    ck_assert_ptr_null(strstr(page, "<script>\033"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;script&gt;"));
    char *text = as_text(timeline, 80);
    ck_assert_ptr_null(strchr(text, '\033'));
    free(text);
    free(svg);
    free(page);
    timeline_free(timeline);
}
END_TEST

/* ---- damaged recordings ---------------------------------------------------------------------- */

/* Copies a file of a recording; of a hundred lines, `lost` are left out and `hurt` are changed. */
static void copy_damaged(const char *name, const char *file, unsigned lost, unsigned hurt)
{
    char path[600], line[STRACE_LINE];
    snprintf(path, sizeof path, "%s/%s", recording(name), file);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return;
    FILE *out = open_in(file);
    while (fgets(line, sizeof line, in) != NULL) {
        if (unit_random(100) < lost)
            continue;
        size_t length = strlen(line);
        if (unit_random(100) < hurt && length > 1)
            line[unit_random(length - 1)] = "0919<>()\"=, \xfe"[unit_random(13)];
        if (unit_random(100) < hurt)
            line[unit_random(length)] = '\0';
        fputs(line, out);
    }
    fclose(in);
    fclose(out);
}

START_TEST(without_packets_nothing_is_said_about_them)
{
    make_directory("");
    copy_damaged("tcp", "meta", 0, 0);
    copy_damaged("tcp", "client.1.strace", 0, 0);
    struct timeline *timeline = read_directory(directory);
    remove_directory();
    ck_assert_str_eq(call_of(timeline, "client", "connect", 2)->did, "sent nothing"); /* UDP */
    ck_assert_str_eq(call_of(timeline, "client", "connect", 3)->did, "");
    ck_assert_str_eq(call_of(timeline, "client", "sendto", 0)->did, "");
    ck_assert_str_eq(call_of(timeline, "client", "shutdown", 0)->did, "");
    ck_assert_str_eq(call_of(timeline, "client", "close", 3)->did, "");
    timeline_free(timeline);
}
END_TEST

START_TEST(property_a_damaged_recording_is_still_put_in_order)
{
    static const char *const files[] = {"packets", "faults", "states", "client.1.strace",
                                        "server.1.strace"};
    unsigned doubted = 0, rounds = unit_rounds(300);
    for (unsigned round = 0; round < rounds; round++) {
        const char *name = recordings[unit_random(RECORDINGS)];
        unsigned lost = (unsigned)unit_random(30), hurt = (unsigned)unit_random(10);
        make_directory("");
        copy_damaged(name, "meta", 0, hurt / 4);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
            copy_damaged(name, files[i], lost, hurt);
        struct timeline *timeline = read_directory(directory);
        remove_directory();
        if (timeline->against == 0)
            check_order(timeline, name);
        /* Records that are missing may mislead the counting of bytes, but not the order of what is there. */
        unit_holds(hurt > 0 || timeline->against == 0, name);
        doubted += timeline->doubtful;
        free(as_text(timeline, 40 + unit_random(100)));
        free(written(timeline_svg, timeline));
        free(written(timeline_html, timeline));
        free(written(timeline_json, timeline));
        timeline_free(timeline);
    }
    unit_holds(doubted <= rounds / 4, "most damage does not mislead");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeline");
    TCase *tcase = tcase_create("timeline");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, nothing_recorded_stands_before_its_cause);
    tcase_add_test(tcase, every_recording_is_told_as_expected);
    tcase_add_test(tcase, connect_blocks_until_the_syn_ack_is_there);
    tcase_add_test(tcase, a_connect_that_does_not_block_is_told_by_epoll_wait);
    tcase_add_test(tcase, connecting_a_udp_socket_sends_nothing);
    tcase_add_test(tcase, a_refusal_is_told_after_the_reset);
    tcase_add_test(tcase, a_lost_segment_is_told_with_its_fate_and_sent_again);
    tcase_add_test(tcase, a_close_that_is_not_the_last_sends_nothing);
    tcase_add_test(tcase, states_are_worked_out_from_the_packets);
    tcase_add_test(tcase, no_line_is_wider_than_asked);
    tcase_add_test(tcase, ascii_is_ascii);
    tcase_add_test(tcase, only_the_hosts_that_were_asked_for_have_columns);
    tcase_add_test(tcase, words_are_broken_between_words);
    tcase_add_test(tcase, a_packet_that_is_forwarded_is_a_chain);
    tcase_add_test(tcase, delays_copies_overtaking_and_corruption_are_told);
    tcase_add_test(tcase, what_left_and_was_not_seen_again_is_told);
    tcase_add_test(tcase, a_dropped_packet_is_not_taken_for_its_equal_that_arrived);
    tcase_add_test(tcase, a_fate_that_does_not_fit_on_its_arrow_is_told_below);
    tcase_add_test(tcase, a_silent_host_among_many_has_no_column);
    tcase_add_test(tcase, columns_stand_along_the_path_of_the_packets);
    tcase_add_test(tcase, hosts_that_do_not_fit_are_named);
    tcase_add_test(tcase, more_than_the_bounds_is_counted_and_told);
    tcase_add_test(tcase, what_is_no_recording_is_refused_with_its_name);
    tcase_add_test(tcase, foreign_text_is_escaped_everywhere);
    tcase_add_test(tcase, without_packets_nothing_is_said_about_them);
    tcase_add_test(tcase, property_a_damaged_recording_is_still_put_in_order);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
