/*
 * transcript_match.c - see transcript_match.h.
 *
 * Both comparisons, of bytes within a line and of lines, are the same small machine: a set of the
 * places that can have been reached so far, moved on by one element at a time. Nothing is tried twice,
 * so no text with many placeholders takes long.
 */
#include "transcript_match.h"

#include "transcript_token.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES_MAX = 4096, /* a longer line must be the same, byte for byte */
    DIFF_LINES_MAX = 400,  /* of each side; the rest is cut */
    TAKE_COST = 3, /* more than to add one: else a gap further down swallows a line that agrees */
    ADD_COST = 2,
    RUN_MAX = 12, /* so many lines of a kind are shown in one piece */
};

/* ---- one line ------------------------------------------------------------------------------ */

enum element_kind { BYTES, SPACES, TOKEN };

struct element {
    enum element_kind kind;
    enum transcript_token token;
    const char *text;
    size_t length;
};

static size_t trimmed(const char *line)
{
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
        length--;
    return length;
}

/* The next element of the text's line at *at. */
static struct element next_element(const char *line, size_t length, size_t *at)
{
    struct element element = {.kind = BYTES, .text = line + *at, .length = 1};
    size_t token_length;
    if (*element.text == ' ' || *element.text == '\t') {
        element.kind = SPACES;
        element.length = strspn(element.text, " \t");
    } else {
        element.token = transcript_placeholder_at(element.text, &token_length);
        if (element.token == TOKEN_NONE)
            element.token = transcript_token_at(line, *at, &token_length);
        if (element.token != TOKEN_NONE && *at + token_length <= length) {
            element.kind = TOKEN;
            element.length = token_length;
        }
    }
    *at += element.length;
    return element;
}

/* Marks in `to` where `element` can end when it begins at got[at]. */
static void step(const struct element *element, const char *got, size_t length, size_t at, bool *to)
{
    size_t run;
    if (element->kind == BYTES) {
        if (at < length && got[at] == *element->text)
            to[at + 1] = true;
    } else if (element->kind == SPACES) {
        run = strspn(got + at, " \t");
        if (run > 0 || at == 0) /* a line may lose its indent to a wider token */
            to[at + run] = true;
    } else if (element->token == TOKEN_ANY_TEXT || element->token == TOKEN_ANY_WORD) {
        size_t least = element->token == TOKEN_ANY_WORD;
        run = least == 0 ? length - at : strcspn(got + at, " \t\r");
        for (size_t i = least; i <= run && at + i <= length; i++)
            to[at + i] = true;
    } else {
        run = transcript_token_length(element->token, got, at);
        if (run > 0 && at + run <= length)
            to[at + run] = true;
    }
}

static bool has_token(const char *line, size_t length)
{
    for (size_t at = 0; at < length;)
        if (next_element(line, length, &at).kind == TOKEN)
            return true;
    return false;
}

bool transcript_line_agrees(const char *expected, const char *got)
{
    size_t expected_length = trimmed(expected), length = trimmed(got);
    if (expected_length == length && memcmp(expected, got, length) == 0)
        return true;
    if (expected_length > LINE_BYTES_MAX || length > LINE_BYTES_MAX ||
        !has_token(expected, expected_length))
        return false;
    bool sets[2][LINE_BYTES_MAX + 1] = {{false}}, *now = sets[0], *then = sets[1];
    now[expected_length > 0 && strchr(" \t", expected[0]) == NULL ? strspn(got, " \t") : 0] = true;
    now[0] = true;
    for (size_t at = 0; at < expected_length;) {
        struct element element = next_element(expected, expected_length, &at);
        memset(then, 0, length + 1);
        for (size_t i = 0; i <= length; i++)
            if (now[i])
                step(&element, got, length, i, then);
        bool *swap = now;
        now = then;
        then = swap;
    }
    return now[length];
}

bool transcript_is_gap(const char *expected)
{
    return trimmed(expected) == 3 && strncmp(expected, "...", 3) == 0;
}

/* ---- all lines ----------------------------------------------------------------------------- */

static size_t without_blank_end(struct transcript_lines lines)
{
    while (lines.count > 0 && trimmed(lines.line[lines.count - 1]) == 0)
        lines.count--;
    return lines.count;
}

/* A gap may also be of no lines: whoever stands before it stands behind it too. */
static void skip_gaps(struct transcript_lines expected, bool *reached)
{
    for (size_t i = 0; i < expected.count; i++)
        if (reached[i] && transcript_is_gap(expected.line[i]))
            reached[i + 1] = true;
}

enum transcript_verdict transcript_compare(struct transcript_lines expected,
                                           struct transcript_lines got)
{
    bool *reached = calloc(expected.count + 2, sizeof *reached), any = true;
    if (reached == NULL)
        return TRANSCRIPT_DIFFERS;
    got.count = without_blank_end(got);
    reached[0] = true;
    skip_gaps(expected, reached);
    for (size_t line = 0; any && line < got.count; line++) {
        any = false;
        for (size_t i = expected.count + 1; i-- > 0;) { /* backwards: each place moves once */
            bool here = reached[i];
            reached[i] = here && i < expected.count && transcript_is_gap(expected.line[i]);
            if (here && i < expected.count && !reached[i] &&
                transcript_line_agrees(expected.line[i], got.line[line]))
                reached[i + 1] = true;
        }
        skip_gaps(expected, reached);
        for (size_t i = 0; i <= expected.count && !any; i++)
            any = reached[i];
    }
    bool whole = any && reached[expected.count];
    free(reached);
    return whole ? TRANSCRIPT_AGREES : any ? TRANSCRIPT_INCOMPLETE : TRANSCRIPT_DIFFERS;
}

/* ---- the difference ------------------------------------------------------------------------ */

/*
 * The fewest lines to take away and to add (the table of an edit distance, filled from the end, so
 * that it is read forwards). A gap takes lines for nothing.
 */
struct table {
    unsigned short *cost;
    size_t width;
};

enum move { BOTH, GAP, TAKEN, ADDED, END };

static unsigned short *cell(const struct table *table, size_t e, size_t g)
{
    return &table->cost[e * table->width + g];
}

static enum move best(const struct table *table, struct transcript_lines expected,
                      struct transcript_lines got, size_t e, size_t g)
{
    if (e == expected.count)
        return g == got.count ? END : ADDED;
    if (transcript_is_gap(expected.line[e])) /* it ends where that costs least */
        return g < got.count && *cell(table, e, g + 1) < *cell(table, e + 1, g) ? GAP : TAKEN;
    if (g == got.count)
        return TAKEN;
    if (transcript_line_agrees(expected.line[e], got.line[g]))
        return BOTH;
    return *cell(table, e + 1, g) + TAKE_COST <= *cell(table, e, g + 1) + ADD_COST ? TAKEN : ADDED;
}

static unsigned short cost_of(const struct table *table, struct transcript_lines expected,
                              struct transcript_lines got, size_t e, size_t g)
{
    switch (best(table, expected, got, e, g)) {
    case BOTH:
        return *cell(table, e + 1, g + 1);
    case GAP:
        return *cell(table, e, g + 1);
    case TAKEN:
        return (unsigned short)(*cell(table, e + 1, g) +
                                (transcript_is_gap(expected.line[e]) ? 0 : TAKE_COST));
    case ADDED:
        return (unsigned short)(*cell(table, e, g + 1) + ADD_COST);
    case END:
        break;
    }
    return 0;
}

/* A run of lines of one kind: the middle of a long one is left out. */
struct run {
    enum move move;
    size_t length, left_out;
};

static void end_run(FILE *out, struct run *run, enum move next)
{
    if (run->left_out > 0)
        fprintf(out, "          (%zu more)\n", run->left_out);
    *run = (struct run){.move = next};
}

static void print_line(FILE *out, struct run *run, enum move move, unsigned number,
                       const char *line)
{
    if (run->move != move)
        end_run(out, run, move);
    if (++run->length > RUN_MAX) {
        run->left_out++;
        return;
    }
    if (number > 0)
        fprintf(out, "%6u %c %s\n", number, move == TAKEN ? '-' : ' ', line);
    else
        fprintf(out, "       %c %s\n", move == ADDED ? '+' : ' ', line);
}

void transcript_print_diff(FILE *out, struct transcript_lines expected, struct transcript_lines got,
                           unsigned line)
{
    got.count = without_blank_end(got);
    if (expected.count > DIFF_LINES_MAX)
        expected.count = DIFF_LINES_MAX;
    if (got.count > DIFF_LINES_MAX)
        got.count = DIFF_LINES_MAX;
    struct table table = {.width = got.count + 1};
    table.cost = calloc((expected.count + 1) * table.width, sizeof *table.cost);
    if (table.cost == NULL)
        return;
    for (size_t e = expected.count + 1; e-- > 0;)
        for (size_t g = got.count + 1; g-- > 0;)
            *cell(&table, e, g) = cost_of(&table, expected, got, e, g);
    struct run run = {.move = END};
    enum move move;
    for (size_t e = 0, g = 0; (move = best(&table, expected, got, e, g)) != END;) {
        unsigned number = move == BOTH || move == TAKEN ? line + (unsigned)e : 0;
        bool gap = move == TAKEN && transcript_is_gap(expected.line[e]);
        print_line(out, &run, gap ? BOTH : move, number,
                   move == BOTH || move == TAKEN ? expected.line[e] : got.line[g]);
        e += move == BOTH || move == TAKEN;
        g += move != TAKEN;
    }
    end_run(out, &run, END);
    free(table.cost);
}
