/*
 * test_flight.c - the bytes under way: held against a plain copy of the stream, in random steps.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flight.h"

START_TEST(what_is_appended_is_unsent_until_the_kernel_took_it)
{
    struct el_flight *flight = el_flight_new(100);
    memcpy(el_flight_room(flight, 5), "hello", 5);
    el_flight_append(flight, 5);
    size_t left;
    ck_assert_mem_eq(el_flight_unsent(flight, &left), "hello", 5);
    ck_assert_uint_eq(left, 5);
    el_flight_took(flight, 2); /* a short write */
    ck_assert_mem_eq(el_flight_unsent(flight, &left), "llo", 3);
    ck_assert_uint_eq(left, 3);
    ck_assert_uint_eq(el_flight_owed(flight), 2);
    el_flight_free(flight);
}
END_TEST

START_TEST(an_echo_in_pieces_is_compared_in_its_place)
{
    struct el_flight *flight = el_flight_new(100);
    memcpy(el_flight_room(flight, 6), "abcabc", 6);
    el_flight_append(flight, 6);
    el_flight_took(flight, 6);
    ck_assert(el_flight_echoed(flight, (const unsigned char *)"ab", 2));
    ck_assert(el_flight_echoed(flight, (const unsigned char *)"ca", 2));
    ck_assert(!el_flight_empty(flight));
    ck_assert(!el_flight_echoed(flight, (const unsigned char *)"bX", 2));
    ck_assert(el_flight_empty(flight));
    ck_assert_uint_eq(el_flight_position(flight), 6);
    el_flight_free(flight);
}
END_TEST

START_TEST(it_never_holds_more_than_it_may)
{
    struct el_flight *flight = el_flight_new(10);
    ck_assert_ptr_null(el_flight_room(flight, 11));
    ck_assert_ptr_nonnull(el_flight_room(flight, 10));
    el_flight_append(flight, 6);
    ck_assert_ptr_null(el_flight_room(flight, 5));
    ck_assert_ptr_nonnull(el_flight_room(flight, 4));
    ck_assert_ptr_null(el_flight_room(flight, SIZE_MAX)); /* no wrap-around */
    el_flight_free(flight);
}
END_TEST

/* The model is the whole stream in one array with three indices. */
START_TEST(random_steps_agree_with_a_copy_of_the_stream)
{
    enum { STREAM = 200000, MOST = 3000 };
    unsigned char *stream = malloc(STREAM);
    size_t back = 0, sent = 0, end = 0;
    struct el_flight *flight = el_flight_new(MOST);
    srand((unsigned)_i + 1);
    for (size_t i = 0; i < STREAM; i++)
        stream[i] = (unsigned char)rand();
    while (back < STREAM) {
        size_t want = (size_t)rand() % 700, left;
        if (want > STREAM - end)
            want = STREAM - end;
        unsigned char *room = el_flight_room(flight, want);
        ck_assert((room != NULL) == (end - back + want <= MOST));
        if (room != NULL) {
            memcpy(room, stream + end, want);
            el_flight_append(flight, want);
            end += want;
        }
        const unsigned char *unsent = el_flight_unsent(flight, &left);
        ck_assert_uint_eq(left, end - sent);
        if (left > 0)
            ck_assert_mem_eq(unsent, stream + sent, left);
        size_t took = left == 0 ? 0 : (size_t)rand() % (left + 1);
        el_flight_took(flight, took);
        sent += took;
        ck_assert_uint_eq(el_flight_owed(flight), sent - back);
        size_t came = sent == back ? 0 : (size_t)rand() % (sent - back + 1);
        ck_assert(el_flight_echoed(flight, stream + back, came));
        back += came;
        ck_assert_uint_eq(el_flight_position(flight), back);
        ck_assert_uint_eq(el_flight_total(flight), end);
    }
    ck_assert(el_flight_empty(flight));
    el_flight_free(flight);
    free(stream);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *tcase = tcase_create("flight");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, what_is_appended_is_unsent_until_the_kernel_took_it);
    tcase_add_test(tcase, an_echo_in_pieces_is_compared_in_its_place);
    tcase_add_test(tcase, it_never_holds_more_than_it_may);
    tcase_add_loop_test(tcase, random_steps_agree_with_a_copy_of_the_stream, 0, 10);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
