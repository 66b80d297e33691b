/*
 * test_probe.c - probes are told apart by their bytes, and the ledger counts each of them once.
 *
 * The last test is a model: it does everything a network can do to probes, at random, and keeps its
 * own books in the simplest way. The ledger's must agree.
 */
#include "../lib/unit.h"
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NONCE = UINT64_C(0x0123456789abcdef);

/* ---- the wire -------------------------------------------------------------------------------- */

static enum el_probe_match check(const unsigned char *data, size_t length, size_t probe_length,
                                 uint64_t expected, uint64_t *seq)
{
    return el_probe_check(data, length, probe_length, NONCE, expected, seq);
}

START_TEST(the_header_is_nonce_and_sequence_number_in_network_order)
{
    static const unsigned char wanted[EL_PROBE_HEADER] = {
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 0, 0, 0, 0, 0, 0x02, 0x03};
    unsigned char data[64];
    el_probe_fill(data, sizeof data, NONCE, 0x0203);
    ck_assert_mem_eq(data, wanted, sizeof wanted);
}
END_TEST

static const size_t sizes[] = {0, 1, 2, 7, 8, 15, 16, 17, 23, 24, 64, 1400, 65507, 65527};

START_TEST(an_intact_echo_is_ours_at_every_size)
{
    size_t size = sizes[_i];
    unsigned char *data = malloc(size + 1);
    ck_assert_ptr_nonnull(data);
    data[size] = 0xa5;
    el_probe_fill(data, size, NONCE, 300);
    ck_assert_uint_eq(data[size], 0xa5); /* not a byte too many */
    uint64_t seq = 0;
    ck_assert_int_eq(check(data, size, size, 300, &seq), EL_PROBE_OURS);
    ck_assert_uint_eq(seq, 300);
    free(data);
}
END_TEST

/* (But for the sequence number where hardly any pattern follows to contradict it.) */
START_TEST(every_single_damaged_byte_is_seen)
{
    unsigned char data[200];
    for (size_t size = 17; size <= sizeof data; size += 61) {
        for (size_t at = 0; at < size; at++) {
            if (at >= 8 && at < EL_PROBE_HEADER && size < EL_PROBE_HEADER + 8)
                continue;
            el_probe_fill(data, size, NONCE, 5);
            data[at] ^= (unsigned char)(1 + unit_random(255));
            uint64_t seq = 99;
            enum el_probe_match match = check(data, size, size, 5, &seq);
            ck_assert_int_eq(match, at < 8 ? EL_PROBE_FOREIGN : EL_PROBE_CORRUPT);
            if (at < 8)
                ck_assert_uint_eq(seq, 0);
            else if (at >= EL_PROBE_HEADER)
                ck_assert_uint_eq(seq, 5);
        }
    }
}
END_TEST

START_TEST(a_cut_or_stretched_echo_is_corrupt)
{
    unsigned char data[100];
    el_probe_fill(data, sizeof data, NONCE, 5);
    uint64_t seq;
    ck_assert_int_eq(check(data, 63, 64, 5, &seq), EL_PROBE_CORRUPT);
    ck_assert_uint_eq(seq, 5);
    ck_assert_int_eq(check(data, 65, 64, 5, &seq), EL_PROBE_CORRUPT);
    ck_assert_uint_eq(seq, 5);
    ck_assert_int_eq(check(data, 12, 64, 5, &seq), EL_PROBE_CORRUPT);
    ck_assert_uint_eq(seq, 0);
    ck_assert_int_eq(check(data, 8, 64, 5, &seq), EL_PROBE_CORRUPT);
    ck_assert_uint_eq(seq, 0);
}
END_TEST

START_TEST(another_runs_probe_is_foreign)
{
    unsigned char data[64];
    uint64_t seq = 99;
    el_probe_fill(data, sizeof data, NONCE + 1, 5);
    ck_assert_int_eq(check(data, sizeof data, sizeof data, 5, &seq), EL_PROBE_FOREIGN);
    ck_assert_uint_eq(seq, 0);
    for (size_t length = 0; length < 8; length++)
        ck_assert_int_eq(check(data, length, sizeof data, 5, &seq), EL_PROBE_FOREIGN);
}
END_TEST

START_TEST(a_headerless_echo_of_an_older_probe_is_known_as_that_one)
{
    size_t size = 1 + (size_t)_i % 15;
    unsigned char data[16];
    for (uint64_t back = 0; back <= 255; back++) {
        uint64_t seq = 0;
        el_probe_fill(data, size, NONCE, 1000 - back);
        ck_assert_int_eq(check(data, size, size, 1000, &seq), EL_PROBE_OURS);
        ck_assert_uint_eq(seq, 1000 - back);
    }
}
END_TEST

START_TEST(a_headerless_echo_is_never_of_a_probe_that_was_not_sent)
{
    unsigned char data[1];
    uint64_t seq = 0;
    el_probe_fill(data, 1, NONCE, 4);
    ck_assert_int_eq(check(data, 1, 1, 3, &seq), EL_PROBE_CORRUPT);
    ck_assert_uint_eq(seq, 3);
}
END_TEST

START_TEST(a_headerless_datagram_of_another_length_is_corrupt)
{
    unsigned char data[16];
    uint64_t seq = 99;
    el_probe_fill(data, 8, NONCE, 3);
    ck_assert_int_eq(check(data, 7, 8, 3, &seq), EL_PROBE_CORRUPT);
    ck_assert_int_eq(check(data, 9, 8, 3, &seq), EL_PROBE_CORRUPT);
    ck_assert_uint_eq(seq, 3);
}
END_TEST

START_TEST(any_bytes_can_be_checked)
{
    unsigned char data[80];
    uint64_t seq;
    for (int round = 0; round < 20000; round++) {
        size_t length = unit_random(sizeof data + 1), probe_length = unit_random(sizeof data + 1);
        for (size_t i = 0; i < length; i++)
            data[i] = (unsigned char)unit_random(256);
        if (unit_random(2) && length >= 8)
            el_probe_fill(data, 16, NONCE, unit_random(5));
        enum el_probe_match match = check(data, length, probe_length, unit_random(10), &seq);
        if (match == EL_PROBE_OURS)
            ck_assert_uint_eq(length, probe_length);
        if (match == EL_PROBE_FOREIGN)
            ck_assert_uint_eq(seq, 0);
    }
}
END_TEST

/* ---- the ledger ------------------------------------------------------------------------------ */

static struct el_ledger *ledger; /* each test runs in a process of its own */
static bool duplicate, reordered;

static void setup(void)
{
    ledger = el_ledger_new(EL_S);
    ck_assert_ptr_nonnull(ledger);
}

static void teardown(void)
{
    el_ledger_free(ledger);
}

static void send_at(uint64_t seq, el_time now)
{
    el_ledger_sent(ledger, seq, 64, now);
}

static enum el_probe_fate echo_at(uint64_t seq, el_time now)
{
    return el_ledger_echoed(ledger, seq, now, &duplicate, &reordered);
}

static el_time expire_at(el_time now)
{
    return el_ledger_expire(ledger, now, NULL, NULL);
}

static void expect_fate(uint64_t seq, enum el_probe_fate fate)
{
    const struct el_probe_record *record = el_ledger_record(ledger, seq);
    ck_assert_ptr_nonnull(record);
    ck_assert_str_eq(el_probe_fate_name(record->fate), el_probe_fate_name(fate));
}

#define expect_count(field, wanted) ck_assert_uint_eq(el_ledger_counts(ledger).field, wanted)

START_TEST(an_echo_in_time_is_received_and_its_round_trip_recorded)
{
    send_at(1, 5 * EL_S);
    ck_assert_int_eq(echo_at(1, 5 * EL_S + 3 * EL_MS), EL_FATE_ECHOED);
    ck_assert(!duplicate && !reordered);
    expect_count(sent, 1);
    expect_count(received, 1);
    ck_assert_int_eq(el_histogram_max(el_ledger_rtt(ledger)), 3 * EL_MS);
    const struct el_probe_record *record = el_ledger_record(ledger, 1);
    ck_assert_int_eq(record->received - record->sent, 3 * EL_MS);
    ck_assert_uint_eq(record->bytes, 64);
    ck_assert_uint_eq(el_ledger_outstanding(ledger), 0);
}
END_TEST

START_TEST(echoes_of_empty_probes_are_those_of_all_that_are_open)
{
    el_ledger_sent(ledger, 1, 0, 0);
    el_ledger_sent(ledger, 2, 0, EL_MS);
    ck_assert_uint_eq(el_ledger_whose(ledger, 2), 2); /* the newest's, as long as it is open */
    ck_assert_int_eq(echo_at(2, 2 * EL_MS), EL_FATE_ECHOED);
    ck_assert_uint_eq(el_ledger_whose(ledger, 2), 1);
    ck_assert_int_eq(echo_at(1, 3 * EL_MS), EL_FATE_ECHOED);
    ck_assert(!reordered);                            /* nobody knows */
    ck_assert_uint_eq(el_ledger_whose(ledger, 2), 2); /* one more can only be a duplicate */
    expect_count(received, 2);
    send_at(3, 4 * EL_MS);
    send_at(4, 4 * EL_MS);
    echo_at(4, 5 * EL_MS);
    ck_assert_uint_eq(el_ledger_whose(ledger, 4), 4); /* 64 bytes bear their number */
    ck_assert_uint_eq(el_ledger_whose(ledger, 99), 99);
}
END_TEST

START_TEST(the_deadline_is_the_first_instant_that_is_too_late)
{
    send_at(1, 0);
    send_at(2, 0);
    ck_assert_int_eq(echo_at(1, EL_S - 1), EL_FATE_ECHOED);
    ck_assert_int_eq(echo_at(2, EL_S), EL_FATE_LATE);
    ck_assert_uint_eq(el_histogram_count(el_ledger_rtt(ledger)), 1);
}
END_TEST

START_TEST(expire_tells_the_next_deadline_and_settles_at_it)
{
    ck_assert_int_eq(expire_at(0), EL_NEVER);
    send_at(1, 10);
    send_at(2, 500);
    ck_assert_int_eq(expire_at(10), 10 + EL_S);
    ck_assert_int_eq(expire_at(10 + EL_S - 1), 10 + EL_S);
    expect_count(lost, 0);
    ck_assert_int_eq(expire_at(10 + EL_S), 500 + EL_S); /* at it, or a caller's loop would spin */
    expect_count(lost, 1);
    expect_fate(1, EL_FATE_DEADLINE);
    ck_assert_int_eq(expire_at(EL_NEVER - 1), EL_NEVER);
    expect_count(lost, 2);
}
END_TEST

static void note_lost(void *arg, const struct el_probe_record *record)
{
    char *text = arg;
    sprintf(text + strlen(text), "%d ", (int)record->seq);
}

START_TEST(the_lost_are_told_oldest_first_and_once)
{
    char text[64] = "";
    for (uint64_t seq = 1; seq <= 6; seq++)
        send_at(seq, (el_time)seq);
    echo_at(3, 100);
    el_ledger_failed(ledger, 5, EL_FATE_ERROR, ENOBUFS, 100);
    el_ledger_expire(ledger, EL_S + 5, note_lost, text);
    ck_assert_str_eq(text, "1 2 4 ");
    el_ledger_expire(ledger, EL_S + 50, note_lost, text);
    ck_assert_str_eq(text, "1 2 4 6 ");
    el_ledger_expire(ledger, EL_NEVER - 1, note_lost, text);
    ck_assert_str_eq(text, "1 2 4 6 ");
}
END_TEST

START_TEST(a_late_echo_moves_its_probe_from_lost_to_late)
{
    send_at(1, 0);
    expire_at(EL_S);
    expect_count(lost, 1);
    ck_assert_int_eq(echo_at(1, 2 * EL_S), EL_FATE_LATE);
    expect_count(lost, 0);
    expect_count(late, 1);
    expect_count(received, 0);
    ck_assert_uint_eq(el_histogram_count(el_ledger_rtt(ledger)), 0);
}
END_TEST

START_TEST(a_late_echo_is_not_credited_to_the_next_probe)
{
    send_at(1, 0);
    expire_at(EL_S);
    send_at(2, EL_S);
    ck_assert_int_eq(echo_at(1, EL_S + 1), EL_FATE_LATE);
    expect_fate(2, EL_FATE_OUTSTANDING);
    expire_at(2 * EL_S);
    expect_fate(2, EL_FATE_DEADLINE);
    expect_count(late, 1);
    expect_count(lost, 1);
    expect_count(received, 0);
}
END_TEST

START_TEST(duplicates_change_nothing_but_their_own_counter)
{
    send_at(1, 0);
    send_at(2, 0);
    echo_at(1, 1);
    expire_at(EL_S);
    echo_at(2, EL_S);
    struct el_probe_counts before = el_ledger_counts(ledger);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        enum el_probe_fate fate = echo_at(seq, EL_S + 5);
        ck_assert(duplicate && !reordered);
        ck_assert_int_eq(fate, seq == 1 ? EL_FATE_ECHOED : EL_FATE_LATE);
    }
    before.duplicates += 2;
    struct el_probe_counts after = el_ledger_counts(ledger);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_uint_eq(el_histogram_count(el_ledger_rtt(ledger)), 1);
}
END_TEST

START_TEST(reordered_is_an_echo_that_a_later_probes_echo_overtook)
{
    for (uint64_t seq = 1; seq <= 4; seq++)
        send_at(seq, 0);
    echo_at(1, 1);
    ck_assert(!reordered);
    echo_at(3, 2);
    ck_assert(!reordered); /* a gap is not a reordering */
    echo_at(2, 3);
    ck_assert(reordered);
    echo_at(4, 4);
    ck_assert(!reordered);
    echo_at(2, 5);
    ck_assert(duplicate && !reordered);
    expect_count(reordered, 1);
    expect_count(received, 4);
}
END_TEST

START_TEST(a_late_echo_can_be_reordered_too)
{
    send_at(1, 0);
    send_at(2, EL_S / 2);
    expire_at(EL_S);
    echo_at(2, EL_S + 1);
    ck_assert_int_eq(echo_at(1, EL_S + 2), EL_FATE_LATE);
    ck_assert(reordered);
}
END_TEST

START_TEST(a_corrupt_echo_settles_its_probe_and_is_not_lost)
{
    send_at(1, 0);
    el_ledger_corrupt(ledger, 1, 5);
    expect_fate(1, EL_FATE_CORRUPT);
    expire_at(EL_S);
    expect_count(corrupt, 1);
    expect_count(lost, 0);
    ck_assert_int_eq(echo_at(1, 6), EL_FATE_CORRUPT); /* an intact copy after it */
    ck_assert(duplicate);
    expect_count(received, 0);
}
END_TEST

START_TEST(a_corrupt_echo_of_an_unknown_probe_settles_none)
{
    send_at(1, 0);
    el_ledger_corrupt(ledger, 0, 5);
    el_ledger_corrupt(ledger, 77, 5);
    expect_fate(1, EL_FATE_OUTSTANDING);
    expect_count(corrupt, 2);
    echo_at(1, 6);
    el_ledger_corrupt(ledger, 1, 7); /* a damaged copy after the echo */
    expect_fate(1, EL_FATE_ECHOED);
    expect_count(corrupt, 3);
    expect_count(received, 1);
}
END_TEST

START_TEST(a_probe_never_sent_cannot_be_echoed)
{
    send_at(1, 0);
    ck_assert_int_eq(echo_at(2, 1), EL_FATE_CORRUPT);
    ck_assert_int_eq(echo_at(0, 1), EL_FATE_CORRUPT);
    ck_assert_int_eq(echo_at(UINT64_MAX, 1), EL_FATE_CORRUPT);
    expect_count(corrupt, 3);
    expect_count(received, 0);
    expect_count(sent, 1);
}
END_TEST

START_TEST(a_known_reason_settles_at_once_and_only_once)
{
    send_at(1, 0);
    send_at(2, 0);
    send_at(3, 0);
    echo_at(3, 1);
    el_ledger_failed(ledger, 1, EL_FATE_REFUSED, ECONNREFUSED, 5);
    el_ledger_failed(ledger, 1, EL_FATE_ERROR, EPERM, 6);
    el_ledger_failed(ledger, 2, EL_FATE_ECHOED, 0, 6); /* not a failure: nothing happens */
    el_ledger_failed(ledger, 3, EL_FATE_ERROR, EPERM, 6);
    el_ledger_failed(ledger, 9, EL_FATE_ERROR, EPERM, 6);
    expect_fate(1, EL_FATE_REFUSED);
    ck_assert_int_eq(el_ledger_record(ledger, 1)->error, ECONNREFUSED);
    expect_fate(2, EL_FATE_OUTSTANDING);
    expect_fate(3, EL_FATE_ECHOED);
    expect_count(lost, 1);
    expect_count(errors, 1);
    expect_count(sent, 3);
}
END_TEST

START_TEST(a_probe_sent_once_more_counts_once_and_its_time_starts_anew)
{
    send_at(1, 0);
    send_at(1, 300);
    expect_count(sent, 1);
    ck_assert_int_eq(expire_at(300), EL_S + 300);
    echo_at(1, 310);
    ck_assert_int_eq(el_histogram_max(el_ledger_rtt(ledger)), 10);
    send_at(1, 400); /* it is settled: its number cannot be used again */
    expect_count(sent, 1);
    expect_fate(1, EL_FATE_ECHOED);
}
END_TEST

START_TEST(what_is_outstanding_at_the_end_is_interrupted_not_lost)
{
    send_at(1, 0);
    send_at(2, 0);
    echo_at(1, 1);
    el_ledger_finish(ledger);
    expect_fate(2, EL_FATE_INTERRUPTED);
    expect_count(lost, 0);
    ck_assert_uint_eq(el_ledger_outstanding(ledger), 0);
    ck_assert_int_eq(expire_at(10 * EL_S), EL_NEVER);
    ck_assert_int_eq(echo_at(2, 5), EL_FATE_INTERRUPTED); /* the run is over */
    ck_assert(!duplicate);
    expect_count(received, 1);
    expect_count(duplicates, 0);
}
END_TEST

START_TEST(without_a_limit_a_probe_waits_for_ever)
{
    struct el_ledger *patient = el_ledger_new(EL_NEVER);
    el_ledger_sent(patient, 1, 8, 5);
    ck_assert_int_eq(el_ledger_expire(patient, EL_NEVER, NULL, NULL), EL_NEVER);
    ck_assert_uint_eq(el_ledger_outstanding(patient), 1);
    ck_assert_int_eq(el_ledger_echoed(patient, 1, (el_time)1 << 60, &duplicate, &reordered),
                     EL_FATE_ECHOED);
    el_ledger_free(patient);
}
END_TEST

START_TEST(memory_is_a_window_and_what_left_it_stays_counted)
{
    const uint64_t total = EL_LEDGER_WINDOW + 10;
    for (uint64_t seq = 1; seq <= total; seq++) {
        send_at(seq, (el_time)seq);
        if (seq <= 5)
            echo_at(seq, (el_time)seq);
    }
    ck_assert_ptr_null(el_ledger_record(ledger, 10)); /* 1..10 were pushed out, 6..10 unanswered */
    ck_assert_ptr_nonnull(el_ledger_record(ledger, 11));
    expect_count(sent, total);
    expect_count(received, 5);
    expect_count(lost, 5);
    ck_assert_uint_eq(el_ledger_outstanding(ledger), EL_LEDGER_WINDOW);
    ck_assert_int_eq(expire_at(11), 11 + EL_S);

    echo_at(7, 12); /* whatever it was, it has been counted */
    ck_assert(duplicate);
    expect_count(lost, 5);
    expect_count(received, 5);
    expire_at(EL_NEVER - 1);
    expect_count(lost, total - 5);
}
END_TEST

START_TEST(numbers_may_leave_gaps_of_any_size)
{
    send_at(1, 0);
    send_at(UINT64_C(1) << 40, 10);
    expect_count(lost, 1); /* the first: it has left the window */
    ck_assert_int_eq(echo_at(UINT64_C(1) << 40, 30), EL_FATE_ECHOED);
    send_at(UINT64_MAX, 40);
    expect_count(sent, 3);
    ck_assert_int_eq(expire_at(EL_NEVER - 1), EL_NEVER);
    expect_count(lost, 2);
    ck_assert_uint_eq(el_ledger_outstanding(ledger), 0);
}
END_TEST

START_TEST(every_fate_has_a_name_of_its_own)
{
    for (unsigned a = 0; a < EL_FATES; a++)
        for (unsigned b = 0; b < a; b++)
            ck_assert_str_ne(el_probe_fate_name(a), el_probe_fate_name(b));
    ck_assert_str_eq(el_probe_fate_name(EL_FATE_DEADLINE), "deadline");
    ck_assert_str_eq(el_probe_fate_name(EL_FATES), "unknown");
}
END_TEST

/* ---- exit codes ------------------------------------------------------------------------------ */

/*
 * A run as text, one letter a probe in the order they were sent: e echoed, d deadline, r refused, u
 * unreachable, p EPERM, m EMSGSIZE, b broken connection, l late, c corrupt, o outstanding until the
 * end of the run. And events: + a duplicate of probe 1, ? a corrupt datagram of nobody knows which,
 * w a wrong source.
 */
static void play(const char *run)
{
    uint64_t seq = 0;
    for (const char *step = run; *step != '\0'; step++) {
        if (strchr("+?w", *step) == NULL)
            send_at(++seq, 0);
        switch (*step) {
        case 'e':
            echo_at(seq, 1);
            break;
        case 'l':
            echo_at(seq, EL_S);
            break;
        case 'c':
            el_ledger_corrupt(ledger, seq, 1);
            break;
        case 'r':
            el_ledger_failed(ledger, seq, EL_FATE_REFUSED, ECONNREFUSED, 1);
            break;
        case 'u':
            el_ledger_failed(ledger, seq, EL_FATE_UNREACHABLE, EHOSTUNREACH, 1);
            break;
        case 'p':
            el_ledger_failed(ledger, seq, EL_FATE_ERROR, EPERM, 1);
            break;
        case 'm':
            el_ledger_failed(ledger, seq, EL_FATE_ERROR, EMSGSIZE, 1);
            break;
        case 'b':
            el_ledger_failed(ledger, seq, EL_FATE_ERROR, ECONNRESET, 1);
            break;
        case 'd':
            expire_at(EL_S);
            break;
        case '+':
            echo_at(1, 2);
            break;
        case '?':
            el_ledger_corrupt(ledger, 0, 2);
            break;
        case 'w':
            el_ledger_wrong_source(ledger);
            break;
        default:
            ck_assert_int_eq(*step, 'o');
        }
    }
    el_ledger_finish(ledger);
}

static const struct {
    const char *run;
    int code;
    const char *why;
} exits[] = {
    {"eeee", 0, "every probe was echoed"},
    {"", 0, "nothing was sent, so nothing is missing"},
    {"e+", 0, "a duplicate is not a loss"},
    {"eew", 0, "a stranger's datagram takes nothing away"},
    {"eeo", 0, "interrupted with one on its way: it is not lost"},
    {"eeed", 1, "one lost"},
    {"eel", 1, "one late"},
    {"ee?", 1, "one corrupt datagram, whosever it was"},
    {"c", 1, "answered, but wrong"},
    {"cd", 1, "answered, but wrong, and then nothing"},
    {"er", 1, "refused once, echoed once"},
    {"ep", 1, "a local error, and the run went on"},
    {"b", 1, "the connection broke: that is no silence"},
    {"eb", 1, "the connection broke in the middle"},
    {"rrrr", 7, "every probe was refused"},
    {"rru", 7, "refused or unreachable: nobody there"},
    {"rro", 7, "every probe that had its answer was refused"},
    {"dddd", 28, "nothing was answered"},
    {"l", 28, "nothing was answered by its deadline"},
    {"rd", 28, "not every probe was refused, and none was answered"},
    {"pd", 28, "one never left; the other was not answered"},
    {"o", 28, "the run ended before any answer"},
    {"ddw", 28, "a stranger's answer is none"},
    {"mmm", 2, "too long for the protocol: a local error"},
    {"ppo", 2, "whatever could fail has failed here"},
    {"pr", 1, "neither all local nor all refused, and nothing was waited for"},
};
enum { EXITS = sizeof exits / sizeof exits[0] };

START_TEST(the_exit_code_follows_the_precedence)
{
    play(exits[_i].run);
    int code = el_ledger_exit_code(ledger);
    ck_assert_msg(code == exits[_i].code, "'%s' (%s): %d, wanted %d", exits[_i].run, exits[_i].why,
                  code, exits[_i].code);
}
END_TEST

/* ---- the model ------------------------------------------------------------------------------- */

enum { PROBES = 300, STEPS = 3000, ROUNDS = 40 };

/* The books, kept by hand: each probe's fate, and plain counters. */
static struct {
    enum el_probe_fate fate[PROBES + 1];
    el_time sent_at[PROBES + 1];
    uint64_t sent, answered_newest;
    uint64_t duplicates, reordered, corrupt, wrong_source;
} model;

static bool model_open(uint64_t seq)
{
    enum el_probe_fate fate = model.fate[seq];
    return fate == EL_FATE_OUTSTANDING || fate == EL_FATE_DEADLINE || fate == EL_FATE_REFUSED ||
           fate == EL_FATE_UNREACHABLE || fate == EL_FATE_ERROR;
}

static uint64_t model_pile(enum el_probe_fate fate)
{
    uint64_t count = 0;
    for (uint64_t seq = 1; seq <= model.sent; seq++)
        count += model.fate[seq] == fate;
    return count;
}

static void do_echo(uint64_t seq, el_time now)
{
    bool in_time = model.fate[seq] == EL_FATE_OUTSTANDING && now < model.sent_at[seq] + EL_S;
    bool first = model_open(seq);
    bool overtaken = first && seq < model.answered_newest;
    if (first) {
        model.fate[seq] = in_time ? EL_FATE_ECHOED : EL_FATE_LATE;
        if (seq > model.answered_newest)
            model.answered_newest = seq;
    }
    model.duplicates += !first;
    model.reordered += overtaken;
    ck_assert_int_eq(echo_at(seq, now), model.fate[seq]);
    ck_assert(duplicate == !first && reordered == overtaken);
}

static void do_step(el_time now)
{
    uint64_t seq = model.sent > 0 ? 1 + unit_random(model.sent) : 0;
    switch (unit_random(10)) {
    case 0:
    case 1:
    case 2:
        if (model.sent < PROBES) {
            send_at(++model.sent, now);
            model.fate[model.sent] = EL_FATE_OUTSTANDING;
            model.sent_at[model.sent] = now;
        }
        break;
    case 3:
    case 4:
    case 5:
        if (seq > 0)
            do_echo(seq, now);
        break;
    case 6:
        el_ledger_corrupt(ledger, seq, now);
        model.corrupt++;
        if (seq > 0 && model_open(seq))
            model.fate[seq] = EL_FATE_CORRUPT;
        break;
    case 7: {
        enum el_probe_fate fate = EL_FATE_DEADLINE + (unsigned)unit_random(4);
        if (seq > 0)
            el_ledger_failed(ledger, seq, fate, EPERM, now);
        if (seq > 0 && model.fate[seq] == EL_FATE_OUTSTANDING)
            model.fate[seq] = fate;
        break;
    }
    case 8:
        el_ledger_wrong_source(ledger);
        model.wrong_source++;
        break;
    default: {
        el_time next = EL_NEVER;
        for (uint64_t i = 1; i <= model.sent; i++) {
            if (model.fate[i] != EL_FATE_OUTSTANDING)
                continue;
            if (model.sent_at[i] + EL_S <= now)
                model.fate[i] = EL_FATE_DEADLINE;
            else
                next = el_earliest(next, model.sent_at[i] + EL_S);
        }
        ck_assert_int_eq(expire_at(now), next);
    }
    }
}

static void compare(void)
{
    struct el_probe_counts counts = el_ledger_counts(ledger);
    uint64_t failed =
        model_pile(EL_FATE_REFUSED) + model_pile(EL_FATE_UNREACHABLE) + model_pile(EL_FATE_ERROR);
    ck_assert_uint_eq(counts.sent, model.sent);
    ck_assert_uint_eq(counts.received, model_pile(EL_FATE_ECHOED));
    ck_assert_uint_eq(counts.late, model_pile(EL_FATE_LATE));
    ck_assert_uint_eq(counts.lost, model_pile(EL_FATE_DEADLINE) + failed);
    ck_assert_uint_eq(counts.errors, failed);
    ck_assert_uint_eq(counts.duplicates, model.duplicates);
    ck_assert_uint_eq(counts.reordered, model.reordered);
    ck_assert_uint_eq(counts.corrupt, model.corrupt);
    ck_assert_uint_eq(counts.wrong_source, model.wrong_source);
    ck_assert_uint_eq(el_ledger_outstanding(ledger), model_pile(EL_FATE_OUTSTANDING));
    ck_assert_uint_eq(el_histogram_count(el_ledger_rtt(ledger)), counts.received);

    /* Each probe once, and no loss below zero: */
    ck_assert_uint_eq(counts.sent,
                      counts.received + counts.lost + counts.late + model_pile(EL_FATE_CORRUPT) +
                          model_pile(EL_FATE_INTERRUPTED) + el_ledger_outstanding(ledger));
    ck_assert_uint_le(counts.lost, counts.sent);
}

START_TEST(the_ledger_agrees_with_a_model_whatever_the_network_does)
{
    fprintf(stderr, "ECHOLAB_SEED=%ju\n", (uintmax_t)unit_seed());
    for (int round = 0; round < ROUNDS; round++) {
        memset(&model, 0, sizeof model);
        el_ledger_free(ledger);
        setup();
        el_time now = 0;
        for (int step = 0; step < STEPS; step++) {
            now += (el_time)unit_random(40) * EL_MS;
            do_step(now);
            if (step % 16 == 0)
                compare();
        }
        el_ledger_finish(ledger);
        for (uint64_t seq = 1; seq <= model.sent; seq++) {
            if (model.fate[seq] == EL_FATE_OUTSTANDING)
                model.fate[seq] = EL_FATE_INTERRUPTED;
            expect_fate(seq, model.fate[seq]);
        }
        compare();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe");
    TCase *t = tcase_create("wire");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, the_header_is_nonce_and_sequence_number_in_network_order);
    tcase_add_loop_test(t, an_intact_echo_is_ours_at_every_size, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(t, every_single_damaged_byte_is_seen);
    tcase_add_test(t, a_cut_or_stretched_echo_is_corrupt);
    tcase_add_test(t, another_runs_probe_is_foreign);
    tcase_add_loop_test(t, a_headerless_echo_of_an_older_probe_is_known_as_that_one, 0, 15);
    tcase_add_test(t, a_headerless_echo_is_never_of_a_probe_that_was_not_sent);
    tcase_add_test(t, a_headerless_datagram_of_another_length_is_corrupt);
    tcase_add_test(t, any_bytes_can_be_checked);
    suite_add_tcase(suite, t);

    t = tcase_create("ledger");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_echo_in_time_is_received_and_its_round_trip_recorded);
    tcase_add_test(t, echoes_of_empty_probes_are_those_of_all_that_are_open);
    tcase_add_test(t, the_deadline_is_the_first_instant_that_is_too_late);
    tcase_add_test(t, expire_tells_the_next_deadline_and_settles_at_it);
    tcase_add_test(t, the_lost_are_told_oldest_first_and_once);
    tcase_add_test(t, a_late_echo_moves_its_probe_from_lost_to_late);
    tcase_add_test(t, a_late_echo_is_not_credited_to_the_next_probe);
    tcase_add_test(t, duplicates_change_nothing_but_their_own_counter);
    tcase_add_test(t, reordered_is_an_echo_that_a_later_probes_echo_overtook);
    tcase_add_test(t, a_late_echo_can_be_reordered_too);
    tcase_add_test(t, a_corrupt_echo_settles_its_probe_and_is_not_lost);
    tcase_add_test(t, a_corrupt_echo_of_an_unknown_probe_settles_none);
    tcase_add_test(t, a_probe_never_sent_cannot_be_echoed);
    tcase_add_test(t, a_known_reason_settles_at_once_and_only_once);
    tcase_add_test(t, a_probe_sent_once_more_counts_once_and_its_time_starts_anew);
    tcase_add_test(t, what_is_outstanding_at_the_end_is_interrupted_not_lost);
    tcase_add_test(t, without_a_limit_a_probe_waits_for_ever);
    tcase_add_test(t, memory_is_a_window_and_what_left_it_stays_counted);
    tcase_add_test(t, numbers_may_leave_gaps_of_any_size);
    tcase_add_test(t, every_fate_has_a_name_of_its_own);
    suite_add_tcase(suite, t);

    t = tcase_create("exit code");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, the_exit_code_follows_the_precedence, 0, EXITS);
    suite_add_tcase(suite, t);

    t = tcase_create("model");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_ledger_agrees_with_a_model_whatever_the_network_does);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
