/*
 * unit.h - what the unit tests share: a main, and random input that can be had again.
 *
 * A property test says what holds for *every* input and tries many. Its input comes from a seed,
 * printed when the test fails: ECHOLAB_SEED=N build/plain/tests/test_X repeats the run.
 */
#ifndef ECHOLAB_UNIT_H
#define ECHOLAB_UNIT_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

/* Runs the suite, each test in a process of its own. Returns main's exit code. */
int unit_main(Suite *suite);

uint64_t unit_seed(void);
uint64_t unit_random(uint64_t below); /* 0..below-1; below > 0 */

/* So many rounds of a long test; a tenth of them where all is slow (ECHOLAB_SLOW: valgrind). */
unsigned unit_rounds(unsigned rounds);

/* Fills `text` with up to size-1 characters drawn from `alphabet` and ends it with a NUL. */
void unit_random_text(char *text, size_t size, const char *alphabet);

/*
 * Ends the test as skipped: it cannot be run here, for that reason. Check knows only passed and
 * failed; unit_main() turns the test's line of TAP into a skip, so that it is never shown as a pass.
 */
#define unit_skip(reason)                                                                          \
    do {                                                                                           \
        unit_note_skip(__func__, reason);                                                          \
        return;                                                                                    \
    } while (0)
void unit_note_skip(const char *function, const char *reason);

/*
 * As ck_assert, and tells the seed and the input that broke the property. An assertion of Check
 * writes a note each time, in case the test dies; in a loop of many thousands that is most of the
 * work, so this one does not.
 */
#define unit_holds(property, input)                                                                \
    do {                                                                                           \
        if (!(property))                                                                           \
            ck_abort_msg("'%s' breaks: %s (ECHOLAB_SEED=%ju)", (input), #property,                 \
                         (uintmax_t)unit_seed());                                                  \
    } while (0)

#endif
