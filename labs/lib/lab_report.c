/*
 * lab_report.c - everything of `lab` that parses, wraps or writes JSON: the shell only orchestrates.
 *
 *     lab_report story 04:1:FILE        a check's TAP (with its exit status) as a story
 *     lab_report json 04:1:FILE ...     ... of one lab or more as one JSON document; tap: as TAP
 *     lab_report record 04:1:FILE       ... as the line that the record keeps
 *     lab_report state LABS WORK        what is known of each lab, a line each, for the shell
 *     lab_report receipt LABS WORK NOW  the same and more as JSON
 *     lab_report explain TABLE ERRNO    what an errno means
 *     lab_report nearest WORD WORD...   the one that was probably meant
 *     lab_report fold < TEXT            wraps verdicts (OK, FIX, SKIP) at the width
 *     lab_report clean < TEXT           spells out what could steer a terminal
 *
 * Exit:     of story, json, tap, record: 0 passed, 1 failed, 4 nothing could be checked; else 0.
 *           1 also when something cannot be read or written, 2 wrong usage.
 * Read next: lab_tap.c, lab_story.c, lab_records.c, lab_receipt.c, lab_explain.c.
 */
#include "lab_explain.h"
#include "lab_paragraph.h"
#include "lab_records.h"
#include "lab_story.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TAP_MOST = 1 << 20, COMPLAINT_MOST = 4000, FOLD_MOST = 1 << 20, VERDICT_TEXT = 24 };

struct options {
    uint64_t width;
    bool color;
    const char *complaint; /* a file: what the check said on stderr */
};

static int fail(const char *object, const char *what)
{
    fprintf(stderr, "lab_report: %s: %s: %s\n", object, what, strerror(errno));
    return 1;
}

/* NULL with a message when it cannot be read. */
static char *read_clean(const char *path, size_t most)
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? paragraph_read(file, most, ' ') : NULL;
    if (text == NULL)
        fail(path, "read");
    if (file != NULL)
        fclose(file);
    return text;
}

/* ---- checks: an operand is LAB:STATUS:FILE ---- */

struct check {
    struct story story;
    struct tap tap;
    char lab[16];
};

/* 0, or an exit code, having said why. */
static int check_open(struct check *check, const char *operand, const struct options *options,
                      const char *complaint)
{
    int used = 0;
    *check = (struct check){0};
    if (sscanf(operand, "%15[0-9A-Za-z-]:%d:%n", check->lab, &check->story.status, &used) != 2 ||
        used == 0) {
        fprintf(stderr, "lab_report: %s: not LAB:STATUS:FILE\n", operand);
        return 2;
    }
    char *text = read_clean(operand + used, TAP_MOST);
    if (text == NULL)
        return 1;
    if (!tap_parse(&check->tap, text))
        return fail("memory", "calloc");
    check->story.lab = check->lab;
    check->story.tap = &check->tap;
    check->story.complaint = complaint;
    check->story.color = options->color;
    check->story.width = options->width;
    return 0;
}

/* Of several labs one that failed decides, then one that passed. */
static int worse(int a, int b)
{
    return a == 1 || b == 1 ? 1 : a == 0 || b == 0 ? 0 : 4;
}

static int run_checks(const char *form, int count, char **operand, const struct options *options)
{
    struct el_json json = el_json_begin(stdout);
    char *complaint =
        options->complaint != NULL ? read_clean(options->complaint, COMPLAINT_MOST) : NULL;
    int result = 4, code = 0;

    if (strcmp(form, "json") == 0) {
        el_json_object(&json, NULL);
        el_json_int(&json, "format_version", 1);
        el_json_array(&json, "labs");
    } else if (strcmp(form, "tap") == 0) {
        puts("TAP version 13");
    }
    for (int i = 0; i < count && code == 0; i++) {
        struct check check;
        code = check_open(&check, operand[i], options, complaint);
        if (code != 0)
            break;
        result =
            worse(result, strcmp(form, "json") == 0 ? (int)story_json(&check.story, &json)
                          : strcmp(form, "tap") == 0
                              ? (int)story_tap(&check.story, (unsigned)i + 1, stdout)
                          : strcmp(form, "record") == 0 ? (int)story_record(&check.story, stdout)
                                                        : (int)story_tell(&check.story, stdout));
        tap_free(&check.tap);
    }
    if (strcmp(form, "json") == 0)
        el_json_end(&json);
    else if (strcmp(form, "tap") == 0)
        printf("1..%d\n", count);
    free(complaint);
    return code != 0 ? code : result;
}

/* ---- records ---- */

static int run_state(char **operand)
{
    struct records records;
    if (!records_read(&records, operand[0], operand[1], stderr))
        return 1;
    records_print(&records, stdout);
    records_free(&records);
    return 0;
}

static int run_receipt(char **operand)
{
    struct records records;
    if (!records_read(&records, operand[0], operand[1], stderr))
        return 1;
    records_json(&records, operand[2], stdout);
    records_free(&records);
    return 0;
}

/* ---- words ---- */

static int run_nearest(int count, char **operand)
{
    size_t candidates = (size_t)count - 1;
    size_t found = nearest_word(operand[0], (const char *const *)operand + 1, candidates);
    if (found < candidates)
        puts(operand[1 + found]);
    return 0;
}

/* A verdict goes on under its own text. A command stays on one line, to be copied, and nearer to the
 * margin, to have room. */
static int run_fold(size_t width)
{
    char *text = paragraph_read(stdin, FOLD_MOST, ' '), *rest = text;
    if (text == NULL)
        return fail("stdin", "read");
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '\n')
        text[length - 1] = '\0';
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        size_t blanks = strspn(line, " ");
        bool verdict = strncmp(line, "OK ", 3) == 0 || strncmp(line, "FIX ", 4) == 0 ||
                       strncmp(line, "SKIP ", 5) == 0;
        if (strncmp(line + blanks, "$ ", 2) == 0)
            printf("      %s\n", line + blanks);
        else
            paragraph_print(stdout, line, 0, verdict ? VERDICT_TEXT : blanks, width);
    }
    free(text);
    return 0;
}

static int run_clean(void)
{
    char *text = paragraph_read(stdin, FOLD_MOST, '\t');
    if (text == NULL)
        return fail("stdin", "read");
    fputs(text, stdout);
    free(text);
    return 0;
}

/* ---- the command line ---- */

static int run(int count, char **operand, const struct options *options)
{
    const char *verb = operand[0];
    operand++;
    count--;
    if ((strcmp(verb, "story") == 0 || strcmp(verb, "record") == 0 || strcmp(verb, "json") == 0 ||
         strcmp(verb, "tap") == 0) &&
        count > 0)
        return run_checks(verb, count, operand, options);
    if (strcmp(verb, "state") == 0 && count == 2)
        return run_state(operand);
    if (strcmp(verb, "receipt") == 0 && count == 3)
        return run_receipt(operand);
    if (strcmp(verb, "explain") == 0 && count == 2)
        return explain_errno(operand[0], operand[1], options->width, stdout);
    if (strcmp(verb, "nearest") == 0 && count > 0)
        return run_nearest(count, operand);
    if (strcmp(verb, "fold") == 0 && count == 0)
        return run_fold(options->width);
    if (strcmp(verb, "clean") == 0 && count == 0)
        return run_clean();
    fprintf(stderr, "lab_report: %s: no such verb, or not its operands (lab_report --help)\n",
            verb);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct el_option table[] = {
        {0, "width", EL_OPT_NUMBER, "N", "wrap text at so many columns",
         offsetof(struct options, width), "80", 40, 500, NULL},
        {0, "color", EL_OPT_FLAG, NULL, "colour the results", offsetof(struct options, color), NULL,
         0, 0, NULL},
        {0, "stderr", EL_OPT_TEXT, "FILE", "what the check said on stderr; told when it went wrong",
         offsetof(struct options, complaint), NULL, 0, 0, NULL},
        {0}};
    static const struct el_program program = {
        .name = "lab_report",
        .usage = "[options] VERB OPERAND...",
        .about = "Parses, wraps and writes JSON for `lab`: story, json, tap and record of "
                 "LAB:STATUS:FILE; state LABS WORK; receipt LABS WORK NOW; explain TABLE ERRNO; "
                 "nearest WORD WORD...; fold; clean.",
        .options = table,
        .min_operands = 1,
        .max_operands = 1000};
    struct options options;
    int first, code = el_options_parse(&program, argc, argv, &options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    code = run(argc - first, argv + first, &options);
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail("stdout", "write");
    return code;
}
