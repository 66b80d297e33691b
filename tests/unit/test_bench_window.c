/*
 * test_bench_window.c - the fate of datagrams in virtual time, and what stands in them.
 */
#include "pattern.h"
#include "udp_wire.h"
#include "unit.h"
#include "window.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT = 100, REMEMBERED = BENCH_LOST_KEPT * TIMEOUT };

static struct bench_window *window;
static struct bench_counts counts;
static struct bench_flight flight;

static void open_window(unsigned places)
{
    window = bench_window_new(places, TIMEOUT);
    ck_assert_ptr_nonnull(window);
    counts = (struct bench_counts){0};
}

static uint64_t send_at(el_time now)
{
    uint64_t number = bench_window_number(window, 0);
    bench_window_sent(window, now - 7, now, &counts);
    return number;
}

static bool echo_at(uint64_t number, el_time now)
{
    return bench_window_echoed(window, number, now, &counts, &flight);
}

START_TEST(an_echo_in_time_tells_when_its_datagram_was_due_and_sent)
{
    open_window(2);
    uint64_t number = send_at(1000);
    ck_assert_uint_eq(bench_window_room(window), 1);
    ck_assert(echo_at(number, 1000 + TIMEOUT - 1));
    ck_assert_int_eq(flight.sent, 1000);
    ck_assert_int_eq(flight.due, 993);
    ck_assert_uint_eq(bench_window_room(window), 2);
    ck_assert_uint_eq(counts.received, 1);
    bench_window_free(window);
}
END_TEST

START_TEST(numbers_ahead_are_those_that_are_sent)
{
    open_window(5);
    uint64_t ahead[5];
    send_at(0);
    for (unsigned i = 0; i < 4; i++)
        ahead[i] = bench_window_number(window, i);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(send_at(0), ahead[i]);
    ck_assert_uint_eq(bench_window_room(window), 0);
    ck_assert_uint_eq(bench_window_underway(window), 5);
    bench_window_free(window);
}
END_TEST

START_TEST(who_waits_for_the_timeout_is_lost_and_its_place_is_free)
{
    open_window(2);
    send_at(0);
    send_at(30);
    ck_assert_int_eq(bench_window_expire(window, TIMEOUT - 1, &counts), TIMEOUT);
    ck_assert_uint_eq(counts.lost, 0);
    ck_assert_int_eq(bench_window_expire(window, TIMEOUT, &counts), TIMEOUT + 30);
    ck_assert_uint_eq(counts.lost, 1);
    ck_assert_uint_eq(bench_window_room(window), 1);
    ck_assert_int_eq(bench_window_expire(window, TIMEOUT + 30, &counts), EL_NEVER);
    ck_assert_uint_eq(counts.lost, 2);
    bench_window_free(window);
}
END_TEST

START_TEST(a_lost_one_that_comes_is_late_and_no_longer_lost)
{
    open_window(1);
    uint64_t number = send_at(0);
    bench_window_expire(window, TIMEOUT, &counts);
    uint64_t next = send_at(TIMEOUT); /* in the same place */
    ck_assert(!echo_at(number, TIMEOUT + 1));
    ck_assert_uint_eq(counts.lost, 0);
    ck_assert_uint_eq(counts.late, 1);
    ck_assert(!echo_at(number, TIMEOUT + 2)); /* and again */
    ck_assert_uint_eq(counts.duplicates, 1);
    ck_assert(echo_at(next, TIMEOUT + 3)); /* was never taken for it */
    bench_window_free(window);
}
END_TEST

START_TEST(an_echo_at_the_deadline_is_late_though_nobody_had_called_it_lost)
{
    open_window(1);
    uint64_t number = send_at(0);
    ck_assert(!echo_at(number, TIMEOUT));
    ck_assert_uint_eq(counts.late, 1);
    ck_assert_uint_eq(counts.lost, 0);
    ck_assert_uint_eq(bench_window_room(window), 1);
    bench_window_free(window);
}
END_TEST

START_TEST(so_many_losses_of_a_place_are_remembered)
{
    open_window(1);
    uint64_t lost[BENCH_LOST_KEPT + 1];
    for (int i = 0; i <= BENCH_LOST_KEPT; i++) {
        lost[i] = send_at((el_time)i * TIMEOUT);
        bench_window_expire(window, (el_time)(i + 1) * TIMEOUT, &counts);
    }
    for (int i = 1; i <= BENCH_LOST_KEPT; i++)
        echo_at(lost[i], 1000);
    ck_assert_uint_eq(counts.late, BENCH_LOST_KEPT);
    ck_assert_uint_eq(counts.lost, 1);
    echo_at(lost[0], 1000); /* forgotten */
    ck_assert_uint_eq(counts.duplicates, 1);
    ck_assert_uint_eq(counts.lost, 1);
    bench_window_free(window);
}
END_TEST

START_TEST(a_loss_of_another_stretch_is_not_taken_back_from_this_one)
{
    struct bench_counts warm = {0};
    open_window(2);
    uint64_t number = send_at(0);
    bench_window_expire(window, TIMEOUT, &warm);
    ck_assert(!echo_at(number, TIMEOUT + 1));
    ck_assert_uint_eq(warm.lost, 1);
    ck_assert_uint_eq(counts.lost, 0);
    ck_assert_uint_eq(counts.late, 0);
    bench_window_free(window);
}
END_TEST

START_TEST(an_echo_that_was_overtaken_is_reordered)
{
    open_window(3);
    uint64_t a = send_at(0), b = send_at(1), c = send_at(2);
    ck_assert(echo_at(b, 3));
    ck_assert(echo_at(a, 4));
    ck_assert(echo_at(c, 5));
    ck_assert(!echo_at(a, 6)); /* a duplicate is not reordered as well */
    ck_assert_uint_eq(counts.reordered, 1);
    ck_assert_uint_eq(counts.duplicates, 1);
    bench_window_free(window);
}
END_TEST

START_TEST(the_first_answer_decides_and_a_damaged_one_is_an_answer)
{
    open_window(2);
    uint64_t a = send_at(0), b = send_at(0);
    bench_window_corrupt(window, a, &counts);
    ck_assert_uint_eq(bench_window_room(window), 1);
    ck_assert(!echo_at(a, 1));
    ck_assert_uint_eq(counts.duplicates, 1);
    ck_assert(echo_at(b, 1));
    bench_window_corrupt(window, b, &counts);
    bench_window_corrupt(window, 0, &counts);
    ck_assert_uint_eq(counts.corrupt, 3);
    ck_assert_uint_eq(counts.received, 1);
    ck_assert_uint_eq(bench_window_room(window), 2);
    bench_window_free(window);
}
END_TEST

START_TEST(a_number_that_was_never_sent_is_corrupt)
{
    open_window(3);
    uint64_t number = send_at(0);
    ck_assert(!echo_at(0, 1));
    ck_assert(!echo_at(number + 4, 1)); /* the next order: not sent yet */
    ck_assert(!echo_at(UINT64_MAX, 1));
    ck_assert(!echo_at(number | 3, 1)); /* there are places 0..2 */
    ck_assert_uint_eq(counts.corrupt, 4);
    ck_assert_uint_eq(bench_window_underway(window), 1);
    bench_window_free(window);
}
END_TEST

START_TEST(an_error_loses_only_what_is_under_way)
{
    open_window(1);
    uint64_t number = send_at(0);
    ck_assert(bench_window_failed(window, number, &counts));
    ck_assert(!bench_window_failed(window, number, &counts));
    ck_assert(!bench_window_failed(window, 0, &counts));
    ck_assert_uint_eq(counts.lost, 1);
    ck_assert_uint_eq(bench_window_room(window), 1);
    bench_window_free(window);
}
END_TEST

/* ---- against a plain model ------------------------------------------------------------------ */

enum { MODEL = 4000 };
enum fate { UNSENT, UNDERWAY, ECHOED, LATE, LOST, DAMAGED };

struct model {
    uint64_t number;
    el_time sent;
    enum fate fate;
};

static uint64_t pile(const struct model *model, unsigned sent, enum fate fate)
{
    uint64_t height = 0;
    for (unsigned i = 0; i < sent; i++)
        height += model[i].fate == fate;
    return height;
}

static void echo_one(struct model *one, el_time now)
{
    bool in_time = echo_at(one->number, now);
    if (one->fate == UNDERWAY) {
        one->fate = now - one->sent < TIMEOUT ? ECHOED : LATE;
        unit_holds(in_time == (one->fate == ECHOED), "in time");
        unit_holds(flight.sent == one->sent, "sent");
    } else if (one->fate == LOST) {
        one->fate = LATE;
        unit_holds(!in_time, "late");
    } else {
        unit_holds(!in_time, "duplicate");
    }
}

/* Nothing older than what a place remembers is echoed: REMEMBERED is that at least. */
START_TEST(random_fates_agree_with_a_plain_list_and_each_is_counted_once)
{
    static struct model model[MODEL];
    unsigned places = 1 + (unsigned)unit_random(40), sent = 0;
    el_time now = 0;
    open_window(places);
    while (sent < MODEL) {
        now += (el_time)unit_random(6);
        struct model *one = &model[sent == 0 ? 0 : sent - 1 - unit_random(sent < 90 ? sent : 90)];
        uint64_t what = unit_random(10);
        if (what < 5 && bench_window_room(window) > 0) {
            model[sent].number = send_at(now);
            model[sent].sent = now;
            model[sent++].fate = UNDERWAY;
        } else if (what < 8 && sent > 0 && now - one->sent < REMEMBERED) {
            echo_one(one, now);
        } else if (what == 8 && sent > 0 && now - one->sent < REMEMBERED) {
            bench_window_corrupt(window, one->number, &counts);
            if (one->fate == UNDERWAY || one->fate == LOST)
                one->fate = DAMAGED;
        } else {
            bench_window_expire(window, now, &counts);
            for (unsigned i = 0; i < sent; i++)
                if (model[i].fate == UNDERWAY && now - model[i].sent >= TIMEOUT)
                    model[i].fate = LOST;
        }
        unit_holds(counts.sent == counts.received + counts.lost + counts.late +
                                      pile(model, sent, DAMAGED) + bench_window_underway(window),
                   "each in one count");
    }
    ck_assert_uint_eq(counts.sent, sent);
    ck_assert_uint_eq(counts.received, pile(model, sent, ECHOED));
    ck_assert_uint_eq(counts.lost, pile(model, sent, LOST));
    ck_assert_uint_eq(counts.late, pile(model, sent, LATE));
    ck_assert_uint_eq(bench_window_underway(window), pile(model, sent, UNDERWAY));
    bench_window_free(window);
}
END_TEST

/* ---- numbers in few bits -------------------------------------------------------------------- */

START_TEST(a_number_is_completed_from_its_lowest_bits)
{
    unsigned bits = (unsigned)_i;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    open_window(8);
    for (int i = 0; i < 1000; i++) {
        uint64_t number = send_at(i);
        ck_assert_uint_eq(bench_window_complete(window, number & mask, bits), number);
        if (i % 100 != 0) { /* a few stay under way, or are lost */
            ck_assert(echo_at(number, i));
            ck_assert_uint_eq(bench_window_complete(window, number & mask, bits), number);
        }
        bench_window_expire(window, i, &counts);
    }
    bench_window_free(window);
}
END_TEST

START_TEST(without_bits_the_oldest_is_meant)
{
    open_window(2);
    ck_assert_uint_eq(bench_window_complete(window, 0, 0), 0);
    uint64_t a = send_at(0), b = send_at(1);
    ck_assert_uint_eq(bench_window_complete(window, 0, 0), a);
    echo_at(a, 2);
    ck_assert_uint_eq(bench_window_complete(window, 0, 0), b);
    echo_at(b, 2);
    ck_assert_uint_eq(bench_window_complete(window, 0, 0), b); /* one more is a duplicate */
    bench_window_free(window);
}
END_TEST

/* ---- on the wire ---------------------------------------------------------------------------- */

#define NONCE UINT64_C(0x0123456789abcdef)
static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 64, 1472, 65507};

/* A datagram of that size with that number, and one byte of room behind it. */
static unsigned char *make_datagram(const struct bench_wire *wire, uint64_t number)
{
    unsigned char *datagram = calloc(1, wire->size + 1);
    bench_pattern_make();
    bench_wire_body(wire, datagram, bench_wire_kind(wire, number));
    bench_wire_stamp(wire, datagram, NONCE, number);
    return datagram;
}

static enum bench_wire_match check(const struct bench_wire *wire, const unsigned char *datagram,
                                   size_t length, uint64_t *number)
{
    return bench_wire_check(wire, datagram, length, NONCE, number);
}

START_TEST(a_datagram_tells_its_number)
{
    struct bench_wire wire = {.size = sizes[_i], .bits = 3, .kinds = 16};
    uint64_t sent = UINT64_C(0x7766554433221105), number;
    unsigned char *datagram = make_datagram(&wire, sent);
    unsigned carries = bench_wire_carries(&wire);
    uint64_t mask = carries == 64 ? UINT64_MAX : (UINT64_C(1) << carries) - 1;
    ck_assert_int_eq(check(&wire, datagram, wire.size, &number), BENCH_OURS);
    ck_assert_uint_eq(number, sent & mask);
    free(datagram);
}
END_TEST

START_TEST(every_damaged_byte_is_noticed)
{
    struct bench_wire wire = {.size = sizes[_i], .bits = 3, .kinds = 16};
    uint64_t sent = 4711, number;
    unsigned char *datagram = make_datagram(&wire, sent);
    const size_t step = wire.size > 2000 ? 89 : 1;
    for (size_t i = 0; i < wire.size; i += i < 100 ? 1 : step) {
        datagram[i] ^= 1U << unit_random(8);
        enum bench_wire_match match = check(&wire, datagram, wire.size, &number);
        if (wire.size >= BENCH_WIRE_HEADER && i < 8)
            ck_assert_int_eq(match, BENCH_FOREIGN);
        else if (wire.size >= BENCH_WIRE_HEAD)
            ck_assert_int_eq(match, BENCH_CORRUPT);
        else /* else it is another's number: the window knows whether that is under way */
            ck_assert(match == BENCH_CORRUPT || number != sent);
        free(datagram);
        datagram = make_datagram(&wire, sent);
    }
    free(datagram);
}
END_TEST

START_TEST(a_datagram_of_another_length_is_corrupt)
{
    struct bench_wire wire = {.size = sizes[_i], .bits = 3, .kinds = 16};
    uint64_t number;
    unsigned char *datagram = make_datagram(&wire, 4711);
    ck_assert_int_eq(check(&wire, datagram, wire.size + 1, &number), BENCH_CORRUPT);
    if (wire.size > 0) {
        enum bench_wire_match cut = check(&wire, datagram, wire.size - 1, &number);
        ck_assert_int_eq(cut, BENCH_CORRUPT);
    }
    if (wire.size >= 64) {
        ck_assert_int_eq(check(&wire, datagram, 16, &number), BENCH_CORRUPT);
        ck_assert_uint_eq(number, 4711);
        ck_assert_int_eq(check(&wire, datagram, 15, &number), BENCH_CORRUPT);
        ck_assert_uint_eq(number, 0);
        ck_assert_int_eq(check(&wire, datagram, 7, &number), BENCH_FOREIGN);
    }
    free(datagram);
}
END_TEST

START_TEST(neighbours_have_different_bodies)
{
    struct bench_wire wire = {.size = 28, .bits = 0, .kinds = 64};
    for (uint64_t n = 0; n < 63; n++) {
        unsigned char *a = make_datagram(&wire, n), *b = make_datagram(&wire, n + 1);
        unit_holds(memcmp(a + 24, b + 24, 4) != 0, "bodies");
        free(a);
        free(b);
    }
}
END_TEST

int main(void)
{
    const int count = (int)(sizeof sizes / sizeof sizes[0]);
    Suite *suite = suite_create("bench_window");
    TCase *tests = tcase_create("window");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, an_echo_in_time_tells_when_its_datagram_was_due_and_sent);
    tcase_add_test(tests, numbers_ahead_are_those_that_are_sent);
    tcase_add_test(tests, who_waits_for_the_timeout_is_lost_and_its_place_is_free);
    tcase_add_test(tests, a_lost_one_that_comes_is_late_and_no_longer_lost);
    tcase_add_test(tests, an_echo_at_the_deadline_is_late_though_nobody_had_called_it_lost);
    tcase_add_test(tests, so_many_losses_of_a_place_are_remembered);
    tcase_add_test(tests, a_loss_of_another_stretch_is_not_taken_back_from_this_one);
    tcase_add_test(tests, an_echo_that_was_overtaken_is_reordered);
    tcase_add_test(tests, the_first_answer_decides_and_a_damaged_one_is_an_answer);
    tcase_add_test(tests, a_number_that_was_never_sent_is_corrupt);
    tcase_add_test(tests, an_error_loses_only_what_is_under_way);
    tcase_add_loop_test(tests, random_fates_agree_with_a_plain_list_and_each_is_counted_once, 0, 5);
    tcase_add_loop_test(tests, a_number_is_completed_from_its_lowest_bits, 13, 65);
    tcase_add_test(tests, without_bits_the_oldest_is_meant);
    tcase_add_loop_test(tests, a_datagram_tells_its_number, 0, count);
    tcase_add_loop_test(tests, every_damaged_byte_is_noticed, 0, count);
    tcase_add_loop_test(tests, a_datagram_of_another_length_is_corrupt, 0, count);
    tcase_add_test(tests, neighbours_have_different_bodies);
    return unit_main(suite);
}
