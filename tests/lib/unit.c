/*
 * unit.c - see unit.h. The generator is splitmix64: three lines, and good enough to find bugs with.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed, state;

uint64_t unit_seed(void)
{
    return seed;
}

/*
 * Tests run in forked children, so their skips come back through a file that parent and child share:
 * lines of "test<TAB>reason".
 */
static int skips = -1;

void unit_note_skip(const char *function, const char *reason)
{
    /* START_TEST(name) defines name_fn() */
    int length = (int)strlen(function) - (int)strlen("_fn");
    dprintf(skips, "%.*s\t%s\n", length, function, reason);
}

/* Why the test on this line of TAP was skipped; NULL if it was not. Cuts `all` up. */
static const char *skip_reason(const char *line, char *all)
{
    char *rest = all;
    for (char *skip; (skip = strsep(&rest, "\n")) != NULL;) {
        char *reason = strchr(skip, '\t');
        if (reason == NULL)
            continue;
        *reason++ = '\0';
        char *at = strstr(line, skip);
        if (at != NULL && at[-1] == ':' && at[strlen(skip)] == ':')
            return reason;
    }
    return NULL;
}

/* Copies Check's TAP to stdout, with the skips marked as such. */
static void copy_tap(FILE *tap)
{
    static char line[4096], all[16384];
    rewind(tap);
    while (fgets(line, sizeof line, tap) != NULL) {
        ssize_t got = pread(skips, all, sizeof all - 1, 0);
        all[got > 0 ? got : 0] = '\0'; /* read anew: skip_reason cuts it up */
        const char *reason = strncmp(line, "ok ", 3) == 0 ? skip_reason(line, all) : NULL;
        char *verdict = strstr(line, ": Passed");
        if (reason != NULL && verdict != NULL)
            snprintf(verdict, (size_t)(line + sizeof line - verdict), " # SKIP %s\n", reason);
        fputs(line, stdout);
    }
}

int unit_main(Suite *suite)
{
    const char *wanted = getenv("ECHOLAB_SEED"), *log = getenv("CK_TAP_LOG_FILE_NAME");
    char name[40]; /* of the file in memory that Check opens as its log */
    SRunner *runner = srunner_create(suite);
    FILE *tap = NULL;

    seed = wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);
    state = seed; /* each test forks off and so begins with the same state, whichever ran before */
    skips = memfd_create("skips", MFD_CLOEXEC);
    if (log != NULL && strcmp(log, "-") == 0) {
        int fd = memfd_create("tap", MFD_CLOEXEC);
        tap = fd >= 0 ? fdopen(fd, "r") : NULL;
        if (tap == NULL)
            return EXIT_FAILURE;
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        srunner_set_tap(runner, name);
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner); /* Check closes its log here */
    if (tap != NULL) {
        copy_tap(tap);
        fclose(tap);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

uint64_t unit_random(uint64_t below)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

unsigned unit_rounds(unsigned rounds)
{
    return getenv("ECHOLAB_SLOW") != NULL ? rounds / 10 : rounds;
}

void unit_random_text(char *text, size_t size, const char *alphabet)
{
    size_t length = unit_random(size);
    for (size_t i = 0; i < length; i++)
        text[i] = alphabet[unit_random(strlen(alphabet))];
    text[length] = '\0';
}
