/*
 * lab_tap.c - reads TAP 13, line by line; see lab_tap.h.
 *
 * Teaches:  a parser that is fed by strangers: every line has a place or is passed over, no line can
 *           end the reading, and memory is bounded before the first byte is looked at.
 * Leaves out: TAP's `pragma` and nested tests; of YAML all but `key: value` and `key: |`.
 * Read next: lab_story.c, which tells it to a person.
 */
#include "lab_tap.h"

#include <stdlib.h>
#include <string.h>

enum block { NO_BLOCK, IN_BLOCK, IN_TEXT }; /* IN_TEXT: the indented lines behind `key: |` */

struct reader {
    struct tap *tap;
    enum block block;
    char *end; /* IN_TEXT: where the next line of the value goes */
};

/* Cuts the line at `text` off and returns it; *next is where the following one begins, or NULL. */
static char *cut_line(char *text, char **next)
{
    char *end = strchr(text, '\n');
    if (end != NULL)
        *end++ = '\0';
    *next = end != NULL && *end != '\0' ? end : NULL;
    return text;
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " ");
}

/* " # SKIP reason" behind a name: cuts it off, returns the reason, or NULL if it is not there. A
 * "#" that is part of the name has no such word behind it. */
static char *cut_directive(char *text, const char *word)
{
    for (char *hash = text; (hash = strchr(hash, '#')) != NULL; hash++) {
        char *after = skip_blanks(hash + 1);
        if (strncasecmp(after, word, strlen(word)) != 0)
            continue;
        *hash = '\0';
        for (char *c = hash; c > text && c[-1] == ' ';)
            *--c = '\0';
        return skip_blanks(after + strcspn(after, " "));
    }
    return NULL;
}

/* `ok`, or `not ok`: " 5 - name # SKIP reason" is what follows. */
static bool take_point(struct tap *tap, bool good, char *rest)
{
    if ((*rest != ' ' && *rest != '\0') || tap->count == TAP_POINTS_MAX)
        return false;
    rest = skip_blanks(rest);
    rest = skip_blanks(rest + strspn(rest, "0123456789"));
    if (*rest == '-')
        rest = skip_blanks(rest + 1);

    char *skip = cut_directive(rest, "SKIP"), *todo = cut_directive(rest, "TODO");
    struct tap_point *point = &tap->point[tap->count++];
    point->name = rest;
    point->reason = skip != NULL && good ? skip : todo != NULL ? todo : "";
    point->result = (skip != NULL && good) || todo != NULL ? TAP_SKIP : good ? TAP_OK : TAP_NOT_OK;
    return true;
}

static bool take_plan(struct tap *tap, char *rest)
{
    char *end;
    unsigned long plan = strtoul(rest, &end, 10);
    if (end == rest || tap->has_plan)
        return false;
    tap->has_plan = true;
    tap->plan = plan > TAP_POINTS_MAX ? TAP_POINTS_MAX + 1 : (unsigned)plan;
    if (plan == 0) {
        tap->skip_all = cut_directive(end, "SKIP");
        if (tap->skip_all == NULL)
            tap->skip_all = "";
    }
    return true;
}

/* A line that begins in the first column. */
static bool take_line(struct reader *reader, char *line)
{
    struct tap *tap = reader->tap;
    bool taken;
    if (strncmp(line, "ok", 2) == 0)
        taken = take_point(tap, true, line + 2);
    else if (strncmp(line, "not ok", 6) == 0)
        taken = take_point(tap, false, line + 6);
    else if (strncmp(line, "1..", 3) == 0)
        taken = take_plan(tap, line + 3);
    else if ((taken = strncmp(line, "Bail out!", 9) == 0))
        tap->bail_out = skip_blanks(line + 9);
    else
        taken = strncmp(line, "TAP version", 11) == 0;
    /* A block that was never closed is closed by the next line of TAP; but what only strayed into it,
     * as a second line of what a learner's program has sent, does not cost the rest of the story. */
    if (taken)
        reader->block = NO_BLOCK;
    return taken;
}

/* "  key: value" or "  key: |". */
static bool take_field(struct reader *reader, char *line)
{
    struct tap_point *point = &reader->tap->point[reader->tap->count - 1];
    size_t length = strcspn(line, ": ");
    if (length == 0 || line[length] != ':' || point->field_count == TAP_FIELDS_MAX)
        return false;

    char *value = skip_blanks(line + length + 1);
    line[length] = '\0';
    reader->block = IN_BLOCK;
    if (strcmp(value, "|") == 0) {
        *value = '\0';
        reader->block = IN_TEXT;
        reader->end = value;
    }
    point->field[point->field_count++] = (struct tap_field){line, value};
    return true;
}

/* A further line of a value goes right behind the one before it: the text only becomes shorter, so
 * it is moved down in place. */
static void take_text(struct reader *reader, char *line)
{
    struct tap_point *point = &reader->tap->point[reader->tap->count - 1];
    size_t length = strlen(line);
    if (reader->end != point->field[point->field_count - 1].value || length == 0)
        *reader->end++ = '\n';
    memmove(reader->end, line, length + 1);
    reader->end += length;
}

/* A line that begins with blanks: of a block, or of nothing. */
static bool take_indented(struct reader *reader, char *line)
{
    if (reader->tap->count == 0)
        return false;
    if (reader->block == NO_BLOCK) {
        if (strcmp(line, "  ---") != 0)
            return false;
        reader->block = IN_BLOCK;
        return true;
    }
    if (reader->block == IN_TEXT && strncmp(line, "    ", 4) == 0) {
        take_text(reader, line + 4);
        return true;
    }
    if (strcmp(line, "  ...") == 0) {
        reader->block = NO_BLOCK;
        return true;
    }
    return take_field(reader, line + 2);
}

bool tap_parse(struct tap *tap, char *text)
{
    *tap = (struct tap){.text = text, .point = calloc(TAP_POINTS_MAX, sizeof *tap->point)};
    if (text == NULL || tap->point == NULL) {
        tap_free(tap);
        return false;
    }
    struct reader reader = {.tap = tap};
    for (char *line, *next = *text != '\0' ? text : NULL; next != NULL;) {
        line = cut_line(next, &next);
        bool taken = strncmp(line, "  ", 2) == 0 ? take_indented(&reader, line)
                     : *line == '#'              ? true
                     : *line == '\0' && reader.block == IN_TEXT
                         ? (take_text(&reader, line), true) /* who indents leaves empty lines so */
                         : take_line(&reader, line);
        tap->other_lines += !taken;
    }
    return true;
}

void tap_free(struct tap *tap)
{
    free(tap->point);
    free(tap->text);
    *tap = (struct tap){0};
}

const char *tap_field(const struct tap_point *point, const char *key)
{
    for (size_t i = 0; i < point->field_count; i++)
        if (strcmp(point->field[i].key, key) == 0)
            return point->field[i].value;
    return NULL;
}

enum tap_verdict tap_judge(const struct tap *tap, int status, const struct tap_point **point,
                           const char **trouble)
{
    size_t skipped = 0;

    *point = NULL;
    *trouble = NULL;
    for (size_t i = 0; i < tap->count; i++) {
        if (tap->point[i].result == TAP_NOT_OK && *point == NULL)
            *point = &tap->point[i];
        skipped += tap->point[i].result == TAP_SKIP;
    }
    if (status == 124 || status == 128 + 9)
        *trouble = "the check took too long, and was ended";
    else if (status > 128)
        *trouble = "the check was ended by a signal";
    else if (tap->bail_out != NULL)
        *trouble = "the check gave up";
    else if (status != 0 && status != 1 && status != 4)
        *trouble = "the check itself failed";
    else if (!tap->has_plan)
        *trouble = "the check ended before it was done";
    else if (tap->plan != tap->count)
        *trouble = "the check did not run as many steps as it had planned";
    else if (status == 1 && *point == NULL)
        *trouble = "the check failed, and no step of it did";
    else if (status != 1 && *point != NULL)
        *trouble = "a step failed, and the check's status does not say so";
    if (*point != NULL || *trouble != NULL)
        return TAP_FAILED;
    return status == 4 || skipped == tap->count ? TAP_SKIPPED : TAP_PASSED;
}
