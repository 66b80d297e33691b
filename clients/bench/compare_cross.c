/*
 * compare_cross.c - where two curves cross, as a sentence; and the lists of numbers that `compare` is given. Pure.
 *
 * Teaches:  "UDP is faster" is no answer; up to which size is. A size where the two cannot be told apart belongs to neither, and
 *           a crossing lies somewhere between the last size of one and the first of the other.
 * Partner:  compare.h; tests/unit/test_bench_compare.c
 */
#include "compare.h"

#include "figures.h"
#include "words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(enum bench_ahead side)
{
    return side == BENCH_UDP_AHEAD ? "UDP" : "TCP";
}

static void say_size(struct el_words *words, size_t size)
{
    char text[BENCH_FIGURE];
    el_say(words, "%s", bench_count_print((double)size, text));
}

/* Sizes that follow each other with the same side ahead; undecided ones in between do not break it. */
struct stretch {
    enum bench_ahead side;
    size_t first, last; /* indexes */
};

static size_t find_stretches(const enum bench_ahead *ahead, size_t count,
                             struct stretch stretch[static BENCH_SIZES])
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (ahead[i] == BENCH_NOBODY)
            continue;
        if (found == 0 || stretch[found - 1].side != ahead[i])
            stretch[found++] = (struct stretch){.side = ahead[i], .first = i};
        stretch[found - 1].last = i;
    }
    return found;
}

static size_t count_undecided(const enum bench_ahead *ahead, size_t count)
{
    size_t undecided = 0;
    for (size_t i = 0; i < count; i++)
        undecided += ahead[i] == BENCH_NOBODY;
    return undecided;
}

static void say_stretch(struct el_words *words, const size_t *size, const struct stretch *stretch,
                        bool first, bool last)
{
    if (first) {
        el_say(words, "up to ");
        say_size(words, size[stretch->last]);
        el_say(words, size[stretch->last] == 1 ? " byte" : " bytes");
    } else if (last) {
        el_say(words, "from ");
        say_size(words, size[stretch->first]);
    } else if (stretch->first == stretch->last) {
        el_say(words, "at ");
        say_size(words, size[stretch->first]);
    } else {
        el_say(words, "from ");
        say_size(words, size[stretch->first]);
        el_say(words, " to ");
        say_size(words, size[stretch->last]);
    }
}

const char *bench_crossing(const size_t *size, const enum bench_ahead *ahead, size_t count,
                           const char *better, char *text, size_t room)
{
    struct el_words words = {.text = text, .size = room};
    struct stretch stretch[BENCH_SIZES];
    size_t undecided = count_undecided(ahead, count), found = find_stretches(ahead, count, stretch);
    text[0] = '\0';
    if (found == 0)
        el_say(&words, "no verdict at any size");
    else if (found == 1)
        el_say(&words, "%s %s %s", name_of(stretch[0].side), better,
               undecided > 0 ? "wherever there is a verdict; no crossing was seen"
                             : "at every size: they do not cross");
    for (size_t i = 0; found > 1 && i < found; i++) {
        el_say(&words, "%s%s %s", i > 0 ? ", " : "", name_of(stretch[i].side), i > 0 ? "" : better);
        el_say(&words, "%s", i > 0 ? "" : " ");
        say_stretch(&words, size, &stretch[i], i == 0, i + 1 == found);
    }
    for (size_t i = 0, told = 0; found > 0 && undecided > 0 && i < count; i++) {
        if (ahead[i] != BENCH_NOBODY)
            continue;
        el_say(&words, "%s", told == 0 ? " (no verdict at " : ", ");
        say_size(&words, size[i]);
        if (++told == undecided)
            el_say(&words, ")");
    }
    return text;
}

/* ---- what is asked for --------------------------------------------------------------------------------- */

/* The next number of a list; *at goes behind it and its comma. False: there is none. */
static bool next_number(const char **at, double *value)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *value = strtod(*at, &end); /* NOLINT: the first character is a digit, so no nan and no inf */
    if (*end != '\0' && *end != ',')
        return false;
    if (*end == ',' && end[1] == '\0')
        return false;
    *at = end + (*end == ',');
    return true;
}

int bench_parse_sizes(const char *text, size_t sizes[static BENCH_SIZES], const char **wrong)
{
    int count = 0;
    for (const char *at = text; count == 0 || *at != '\0';) {
        double value = 0;
        *wrong = at;
        if (count == BENCH_SIZES || !next_number(&at, &value) || value < 1 ||
            value > BENCH_DATAGRAM_MAX || value != floor(value))
            return -EINVAL;
        if (count > 0 && (size_t)value <= sizes[count - 1])
            return -EINVAL;
        sizes[count++] = (size_t)value;
    }
    return count;
}

int bench_parse_losses(const char *text, double losses[static BENCH_LOSSES], const char **wrong)
{
    int count = 0;
    for (const char *at = text; count == 0 || *at != '\0';) {
        double value = 0;
        *wrong = at;
        if (count == BENCH_LOSSES || !next_number(&at, &value) || value > 100 ||
            (count > 0 && value <= losses[count - 1]))
            return -EINVAL;
        losses[count++] = value;
    }
    return count;
}

unsigned bench_window_of(size_t size, bool windowed)
{
    size_t fitting = BENCH_WINDOW_BYTES / size;
    if (!windowed || fitting < 2)
        return 1 + (unsigned)windowed; /* two at least: one would be the other table */
    return fitting < BENCH_WINDOW ? (unsigned)fitting : BENCH_WINDOW;
}
