/*
 * unit.c - see unit.h. The generator is splitmix64: three lines, and good enough to find bugs with.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t seed, state;

uint64_t unit_seed(void)
{
    return seed;
}

int unit_main(Suite *suite)
{
    const char *wanted = getenv("ECHOLAB_SEED");
    SRunner *runner = srunner_create(suite);

    seed = wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);
    state = seed; /* each test forks off and so begins with the same state, whichever ran before */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

uint64_t unit_random(uint64_t below)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

void unit_random_text(char *text, size_t size, const char *alphabet)
{
    size_t length = unit_random(size);
    for (size_t i = 0; i < length; i++)
        text[i] = alphabet[unit_random(strlen(alphabet))];
    text[length] = '\0';
}
