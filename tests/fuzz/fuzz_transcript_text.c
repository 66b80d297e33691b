/*
 * fuzz_transcript_text.c - a Markdown file, and the commands that are found in it.
 *
 * Input:    the text of the file.
 * Asserted: it is read, or refused with a line that it has and a sentence; the lines are the file's, each once; commands come in their
 *           order, within their fences, and the first line of each stands where it is said to; what is expected lies
 *           within the fence, does not end in a blank line, and is followed by the next command or the fence's end.
 * Run:      make fuzz FUZZ=transcript_text
 */
#include "fuzz.h"
#include "transcript_text.h"

#include <errno.h>

/* The lines, put together again, are the file (whose last newline may be missing). */
static void check_lines(const struct transcript *transcript, const uint8_t *data, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < transcript->line_count; i++) {
        size_t length = strlen(transcript->lines[i]);
        fuzz_holds(at + length <= size && memcmp(data + at, transcript->lines[i], length) == 0);
        at += length;
        fuzz_holds(at == size || data[at] == '\n');
        at++;
    }
    fuzz_holds(at == size || at == size + 1);
    fuzz_holds(transcript->lines[transcript->line_count] == NULL);
}

static void check_step(const struct transcript *transcript, const struct transcript_step *step)
{
    const char *line = transcript->lines[step->line - 1];
    size_t first = strcspn(step->command, "\n");
    fuzz_holds(step->block < step->line && step->line < step->expected_line);
    fuzz_holds(step->expected_line + step->expected_count <= step->block_end);
    fuzz_holds(step->block_end <= transcript->line_count);
    fuzz_holds(strncmp(transcript->lines[step->block - 1], "```", 3) == 0);
    fuzz_holds(strncmp(transcript->lines[step->block_end - 1], "```", 3) == 0);
    fuzz_holds(strncmp(line, "$ ", 2) == 0 && strncmp(line + 2, step->command, first) == 0 &&
               strlen(line + 2) == first);
    fuzz_holds(step->needs <= (TRANSCRIPT_WORLD | TRANSCRIPT_ROOT | TRANSCRIPT_DONE));
    fuzz_holds(step->expected == (const char *const *)transcript->lines + step->expected_line - 1);
    if (step->expected_count > 0) {
        const char *last = step->expected[step->expected_count - 1];
        fuzz_holds(last[strspn(last, " \t\r")] != '\0');
    }
}

static void check_order(const struct transcript_step *before, const struct transcript_step *step)
{
    if (before->block == step->block)
        fuzz_holds(before->block_end == step->block_end && before->needs == step->needs &&
                   before->expected_line + before->expected_count <= step->line);
    else
        fuzz_holds(before->block_end < step->block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transcript transcript;
    struct transcript_fault fault;
    char *text = malloc(size); /* it ends where it ends: there is no NUL to lean on */
    fuzz_holds(text != NULL || size == 0);
    if (size > 0)
        memcpy(text, data, size);
    int result = transcript_parse(&transcript, text, size, &fault);
    free(text);
    fuzz_holds(result == 0 || result == -EINVAL);
    if (result == -EINVAL) {
        fuzz_holds(fuzz_sentence(fault.why) && fault.line >= 1);
        fuzz_holds(fault.line <= transcript.line_count || transcript.lines == NULL);
    } else {
        check_lines(&transcript, data, size);
        for (size_t i = 0; i < transcript.step_count; i++) {
            check_step(&transcript, &transcript.steps[i]);
            if (i > 0)
                check_order(&transcript.steps[i - 1], &transcript.steps[i]);
        }
    }
    transcript_free(&transcript);
    return 0;
}
