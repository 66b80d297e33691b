/*
 * fuzz_transcript_match.c - what a text shows, and what a command has printed: do they agree?
 *
 * Input:    lines that are expected, a line "==", lines that were printed.
 * Asserted: every line agrees with itself and with {ANY}; all lines agree with themselves; what differs is not mended by more output,
 *           and what agrees was complete or not yet; the difference has a line to take or to add exactly when the two do not
 *           agree; a token lies within its line, and there is one kind of it at a place.
 * Run:      make fuzz FUZZ=transcript_match
 */
#include "fuzz.h"
#include "transcript_match.h"
#include "transcript_token.h"

enum { LINES_MAX = 60 };

struct lines {
    char *line[LINES_MAX];
    size_t count;
};

/* Up to a line "==", or to the end. */
static struct lines read_lines(struct fuzz_input *input)
{
    struct lines lines = {.count = 0};
    while (input->left > 0 && lines.count < LINES_MAX) {
        char *line = fuzz_text(input, '\n');
        if (strcmp(line, "==") == 0) {
            free(line);
            break;
        }
        lines.line[lines.count++] = line;
    }
    return lines;
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
}

static struct transcript_lines view(const struct lines *lines, size_t count)
{
    return (struct transcript_lines){(const char *const *)lines->line, count};
}

static void check_tokens(const char *line)
{
    size_t length, all = strlen(line);
    for (size_t at = 0; at < all; at++) {
        enum transcript_token token = transcript_token_at(line, at, &length);
        fuzz_holds(token < TOKEN_FOUND_END);
        if (token != TOKEN_NONE) {
            fuzz_holds(length > 0 && at + length <= all);
            fuzz_holds(transcript_token_length(token, line, at) == length);
        }
        for (token = TOKEN_ANY_PORT; token <= TOKEN_ANY_HEX; token++)
            fuzz_holds(at + transcript_token_length(token, line, at) <= all);
        token = transcript_placeholder_at(line + at, &length);
        fuzz_holds(token == TOKEN_NONE || (token >= TOKEN_FOUND_END && at + length <= all));
    }
}

static void check_lines(const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        fuzz_holds(transcript_line_agrees(lines->line[i], lines->line[i]));
        fuzz_holds(strlen(lines->line[i]) > 4096 ||
                   transcript_line_agrees("{ANY}", lines->line[i]));
        check_tokens(lines->line[i]);
    }
    fuzz_holds(transcript_compare(view(lines, lines->count), view(lines, lines->count)) !=
               TRANSCRIPT_DIFFERS);
}

static void check_difference(const struct lines *expected, const struct lines *got, bool agrees)
{
    char *text = NULL;
    size_t length = 0, changes = 0;
    FILE *out = open_memstream(&text, &length);
    fuzz_holds(out != NULL);
    transcript_print_diff(out, view(expected, expected->count), view(got, got->count), 1);
    fuzz_holds(fclose(out) == 0);
    for (const char *line = text; *line != '\0'; line++) {
        if (strlen(line) > 7 && (line[7] == '-' || line[7] == '+') && line[8] == ' ')
            changes++;
        line = strchr(line, '\n');
        fuzz_holds(line != NULL);
    }
    fuzz_holds((changes == 0) == agrees);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct lines expected = read_lines(&input), got = read_lines(&input);
    check_lines(&expected);
    check_lines(&got);
    enum transcript_verdict verdict = TRANSCRIPT_INCOMPLETE;
    for (size_t count = 0; count <= got.count; count++) {
        bool hopeless = verdict == TRANSCRIPT_DIFFERS;
        verdict = transcript_compare(view(&expected, expected.count), view(&got, count));
        fuzz_holds(!hopeless || verdict == TRANSCRIPT_DIFFERS);
    }
    check_difference(&expected, &got, verdict == TRANSCRIPT_AGREES);
    free_lines(&expected);
    free_lines(&got);
    return 0;
}
