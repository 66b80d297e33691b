/* transcript_text.c - see transcript_text.h. A line is looked at once, by what stands before it. */
#include "transcript_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct fence {
    size_t ticks; /* ``` or more; a fence ends with at least as many */
    bool runs;    /* it is a transcript */
    unsigned line, needs;
};

static int split(struct transcript *transcript, const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += bytes[i] == '\n';
    transcript->lines = calloc(count + 2, sizeof *transcript->lines);
    if (transcript->lines == NULL)
        return -ENOMEM;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(bytes + at, '\n', length - at);
        size_t part = end != NULL ? (size_t)(end - bytes) - at : length - at;
        char *line = strndup(bytes + at, part);
        if (line == NULL)
            return -ENOMEM;
        transcript->lines[transcript->line_count++] = line;
        at += part + 1;
    }
    return 0;
}

static size_t count_ticks(const char *line)
{
    size_t ticks = strspn(line, "`");
    return ticks >= 3 ? ticks : 0;
}

/* The words after the backticks. NULL, or what is wrong with them. */
static const char *read_info(const char *info, struct fence *fence)
{
    static const struct {
        const char *word;
        unsigned need;
    } known[] = {{"world", TRANSCRIPT_WORLD}, {"root", TRANSCRIPT_ROOT}, {"done", TRANSCRIPT_DONE}};
    bool first = true;
    for (;; first = false) {
        info += strspn(info, " \t\r");
        size_t length = strcspn(info, " \t\r");
        if (length == 0)
            return NULL;
        if (first) {
            fence->runs = length == 7 && memcmp(info, "console", 7) == 0;
            if (!fence->runs)
                return NULL; /* another language's info may say what it likes */
        } else {
            size_t i = 0;
            while (i < 3 &&
                   (strlen(known[i].word) != length || memcmp(known[i].word, info, length) != 0))
                i++;
            if (i == 3)
                return "after `console` only world, root and done may stand";
            fence->needs |= known[i].need;
        }
        info += length;
    }
}

static bool continues(const char *line)
{
    size_t length = strlen(line), slashes = 0;
    while (slashes < length && line[length - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1;
}

/* Whether `line` belongs to the command: after a backslash, or (a here-document) shown as bash asks
 * for it, with `> `. */
static bool goes_on(const char *command, const char *before, const char *line)
{
    return continues(before) || (strstr(command, "<<") != NULL && strncmp(line, "> ", 2) == 0);
}

/* Appends a line to the command. */
static int add_line(char **command, const char *line)
{
    size_t had = *command != NULL ? strlen(*command) : 0, more = strlen(line);
    char *longer = realloc(*command, had + more + 2);
    if (longer == NULL)
        return -ENOMEM;
    if (*command != NULL)
        longer[had++] = '\n';
    memcpy(longer + had, line, more + 1);
    *command = longer;
    return 0;
}

/* A command at lines[at], with all of its lines: sets *at to the first that is not. */
static int add_step(struct transcript *transcript, const struct fence *fence, size_t *at)
{
    struct transcript_step *step = &transcript->steps[transcript->step_count++];
    *step = (struct transcript_step){
        .line = (unsigned)*at + 1, .block = fence->line, .needs = fence->needs};
    const char *line = transcript->lines[*at] + 2;
    int result = add_line(&step->command, line);
    for (*at += 1; result == 0 && *at < transcript->line_count; *at += 1) {
        const char *next = transcript->lines[*at];
        if (count_ticks(next) >= fence->ticks || !goes_on(step->command, line, next))
            break;
        line = strncmp(next, "> ", 2) == 0 ? next + 2 : next;
        result = add_line(&step->command, line);
    }
    step->expected = (const char *const *)transcript->lines + *at;
    step->expected_line = (unsigned)*at + 1;
    return result;
}

static void add_expected(struct transcript_step *step, const char *line, size_t at)
{
    if (line[strspn(line, " \t\r")] != '\0') /* a blank one counts once another follows */
        step->expected_count = at + 2 - step->expected_line;
}

static int refuse(struct transcript_fault *fault, size_t at, const char *why)
{
    *fault = (struct transcript_fault){.line = (unsigned)at + 1, .why = why};
    return -EINVAL;
}

/* What stands inside of a fence, to its end. */
static int read_block(struct transcript *transcript, const struct fence *fence, size_t *at,
                      struct transcript_fault *fault)
{
    struct transcript_step *first = transcript->steps + transcript->step_count, *step = NULL;
    const char *line;
    while ((line = transcript->lines[*at]) != NULL) {
        size_t ticks = count_ticks(line);
        if (ticks >= fence->ticks && line[ticks + strspn(line + ticks, " \t\r")] == '\0') {
            *at += 1;
            for (struct transcript_step *each = first; step != NULL && each <= step; each++)
                each->block_end = (unsigned)*at;
            return 0;
        }
        if (fence->runs && strncmp(line, "$ ", 2) == 0) {
            int result = add_step(transcript, fence, at);
            if (result < 0)
                return result;
            step = &transcript->steps[transcript->step_count - 1];
            continue;
        }
        if (fence->runs && step != NULL)
            add_expected(step, line, *at);
        else if (fence->runs && line[strspn(line, " \t\r")] != '\0')
            return refuse(fault, *at, "a transcript begins with a command: `$ …`");
        *at += 1;
    }
    return refuse(fault, fence->line - 1, "this block does not end");
}

int transcript_parse(struct transcript *transcript, const char *bytes, size_t length,
                     struct transcript_fault *fault)
{
    *transcript = (struct transcript){0};
    *fault = (struct transcript_fault){0};
    if (memchr(bytes, '\0', length) != NULL)
        return refuse(fault, 0, "this is no text: it holds a NUL");
    int result = split(transcript, bytes, length);
    if (result < 0)
        return result;
    transcript->steps = calloc(transcript->line_count + 1, sizeof *transcript->steps);
    if (transcript->steps == NULL)
        return -ENOMEM;
    const char *line;
    for (size_t at = 0; result == 0 && (line = transcript->lines[at]) != NULL;) {
        struct fence fence = {.ticks = count_ticks(line), .line = (unsigned)++at};
        if (fence.ticks == 0)
            continue;
        const char *why = read_info(line + fence.ticks, &fence);
        if (why != NULL)
            return refuse(fault, at - 1, why);
        result = read_block(transcript, &fence, &at, fault);
    }
    return result;
}

void transcript_free(struct transcript *transcript)
{
    for (size_t i = 0; i < transcript->step_count; i++)
        free(transcript->steps[i].command);
    for (size_t i = 0; i < transcript->line_count; i++)
        free(transcript->lines[i]);
    free(transcript->steps);
    free(transcript->lines);
    *transcript = (struct transcript){0};
}
