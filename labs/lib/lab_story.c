/*
 * lab_story.c - a failure is a story: what was done, expected, observed, why, and where to look.
 *
 * Teaches:  the reader is told the root cause alone. A check stops at its first failure, so what
 *           follows from it never hides it.
 * Partner:  lab_tap.h. Everything in a struct tap is clean (lab_paragraph.h) and may be printed.
 */
#include "lab_story.h"

#include "lab_paragraph.h"

#include <string.h>

enum {
    MARGIN = 16,         /* the column in which the story's text stands */
    RECORD_COLUMNS = 200 /* of a misconception or a reason that is kept */
};

/* The colours say again what the words say: nothing is told by colour alone. */
static const char *const GREEN = "\033[32m", *const RED = "\033[31m", *const YELLOW = "\033[33m",
                         *const BOLD = "\033[1m", *const PLAIN = "\033[0m";

static void paint(const struct story *story, FILE *out, const char *color)
{
    if (story->color)
        fputs(color, out);
}

static void tell_step(const struct story *story, FILE *out, size_t number,
                      const struct tap_point *point)
{
    static const char *const word[] = {[TAP_OK] = "ok", [TAP_NOT_OK] = "FAIL", [TAP_SKIP] = "skip"};
    const char *const color[] = {[TAP_OK] = GREEN, [TAP_NOT_OK] = RED, [TAP_SKIP] = YELLOW};

    fputs("  ", out);
    paint(story, out, color[point->result]);
    fprintf(out, "%-4s", word[point->result]);
    paint(story, out, PLAIN);
    fprintf(out, " %2zu  ", number);
    paragraph_print(out, point->name, number < 100 ? 11 : 12, 11, story->width);
    if (*point->reason != '\0') {
        fprintf(out, "%11s", "");
        paragraph_print(out, point->reason, 11, 11, story->width);
    }
}

static void tell_fact(const struct story *story, FILE *out, const char *heading, const char *text)
{
    if (text == NULL || *text == '\0')
        return;
    paint(story, out, BOLD);
    if (paragraph_columns(heading) < MARGIN) {
        fprintf(out, "%-*s", MARGIN, heading);
        paint(story, out, PLAIN);
    } else { /* a check's own word, as long as it likes */
        paragraph_print(out, heading, 0, 0, story->width);
        paint(story, out, PLAIN);
        fprintf(out, "%*s", MARGIN, "");
    }
    paragraph_print(out, text, MARGIN, MARGIN, story->width);
}

/* In the order in which a person asks. What else a check says comes behind, under its own name. */
static const struct {
    const char *key, *heading;
} FACTS[] = {{"did", "What was done"},
             {"expected", "Expected"},
             {"observed", "Observed"},
             {"want", "Bytes wanted"},
             {"got", "Bytes got"},
             {"cause", "Likely cause"},
             {"look", "Where to look"},
             {"todo", "TODO marks left"},
             {"output", "It printed"},
             {"misconception", NULL},
             {NULL, NULL}};

static bool has_place(const char *key)
{
    for (size_t i = 0; FACTS[i].key != NULL; i++)
        if (strcmp(FACTS[i].key, key) == 0)
            return true;
    return false;
}

static void tell_failure(const struct story *story, FILE *out, const struct tap_point *point)
{
    fputc('\n', out);
    for (size_t i = 0; FACTS[i].heading != NULL; i++)
        tell_fact(story, out, FACTS[i].heading, tap_field(point, FACTS[i].key));
    for (size_t i = 0; i < point->field_count; i++)
        if (!has_place(point->field[i].key))
            tell_fact(story, out, point->field[i].key, point->field[i].value);
    tell_fact(story, out, "It is called", tap_field(point, "misconception"));
}

static void tell_trouble(const struct story *story, FILE *out, const char *trouble)
{
    char said[160];
    snprintf(said, sizeof said, "%s (exit status %d). %s", trouble, story->status,
             "That may be the lab's own fault, not yours.");
    fputc('\n', out);
    tell_fact(story, out, "Trouble", said);
    tell_fact(story, out, "It said", story->tap->bail_out);
    tell_fact(story, out, "It said", story->complaint);
}

static const char *skip_reason(const struct story *story)
{
    const struct tap *tap = story->tap;
    if (tap->skip_all != NULL && *tap->skip_all != '\0')
        return tap->skip_all;
    for (size_t i = 0; i < tap->count; i++)
        if (tap->point[i].result == TAP_SKIP && *tap->point[i].reason != '\0')
            return tap->point[i].reason;
    return "no reason was given";
}

static size_t count_of(const struct tap *tap, enum tap_result result)
{
    size_t count = 0;
    for (size_t i = 0; i < tap->count; i++)
        count += tap->point[i].result == result;
    return count;
}

/* The last line. Only the reason of a skip may be long. */
static void tell_verdict(const struct story *story, FILE *out, enum tap_verdict verdict)
{
    const char *const color[] = {[TAP_PASSED] = GREEN, [TAP_FAILED] = RED, [TAP_SKIPPED] = YELLOW};
    char said[120];
    size_t skipped = count_of(story->tap, TAP_SKIP);
    if (verdict == TAP_SKIPPED)
        snprintf(said, sizeof said, "Lab %s: nothing could be checked: ", story->lab);
    else if (verdict == TAP_PASSED && skipped > 0)
        snprintf(said, sizeof said, "Lab %s passed, with %zu of %zu steps skipped.", story->lab,
                 skipped, story->tap->count);
    else
        snprintf(said, sizeof said, "Lab %s %s.", story->lab,
                 verdict == TAP_PASSED ? "passed" : "has not passed");
    fputc('\n', out);
    paint(story, out, color[verdict]);
    if (verdict == TAP_SKIPPED) {
        fputs(said, out);
        paragraph_print(out, skip_reason(story), paragraph_columns(said), 8, story->width);
    } else {
        paragraph_print(out, said, 0, 8, story->width);
    }
    paint(story, out, PLAIN);
}

enum tap_verdict story_tell(const struct story *story, FILE *out)
{
    const struct tap_point *point;
    const char *trouble;
    enum tap_verdict verdict = tap_judge(story->tap, story->status, &point, &trouble);

    for (size_t i = 0; i < story->tap->count; i++)
        tell_step(story, out, i + 1, &story->tap->point[i]);
    if (point != NULL)
        tell_failure(story, out, point);
    if (trouble != NULL)
        tell_trouble(story, out, trouble);
    tell_verdict(story, out, verdict);
    return verdict;
}

static const char *misconception_of(const struct tap_point *point)
{
    const char *name = point != NULL ? tap_field(point, "misconception") : NULL;
    return name != NULL && *name != '\0' ? name : "unexplained";
}

/* The first line of the text, and not more of it than a record needs: both are a stranger's. */
static void print_line(FILE *out, const char *word, const char *text)
{
    size_t length = 0;
    for (size_t columns = 0; text[length] != '\0' && text[length] != '\n'; length++)
        if (((unsigned char)text[length] & 0xc0) != 0x80 && columns++ == RECORD_COLUMNS)
            break;
    fprintf(out, "%s%.*s\n", word, (int)length, text);
}

enum tap_verdict story_record(const struct story *story, FILE *out)
{
    const struct tap_point *point;
    const char *trouble;
    enum tap_verdict verdict = tap_judge(story->tap, story->status, &point, &trouble);

    if (verdict == TAP_PASSED)
        fputs("pass\n", out);
    else if (verdict == TAP_SKIPPED)
        print_line(out, "skip ", skip_reason(story));
    else
        print_line(out, "fail ", point != NULL ? misconception_of(point) : "check-broke");
    return verdict;
}

static void json_step(struct el_json *json, const struct tap_point *point)
{
    static const char *const word[] = {
        [TAP_OK] = "ok", [TAP_NOT_OK] = "not ok", [TAP_SKIP] = "skip"};

    el_json_object(json, NULL);
    el_json_text(json, "result", word[point->result]);
    el_json_text(json, "name", point->name);
    if (*point->reason != '\0')
        el_json_text(json, "reason", point->reason);
    if (point->field_count > 0) {
        el_json_object(json, "story");
        for (size_t i = 0; i < point->field_count; i++)
            if (tap_field(point, point->field[i].key) == point->field[i].value)
                el_json_text(json, point->field[i].key, point->field[i].value);
        el_json_close_object(json);
    }
    el_json_close_object(json);
}

enum tap_verdict story_json(const struct story *story, struct el_json *json)
{
    static const char *const word[] = {
        [TAP_PASSED] = "pass", [TAP_FAILED] = "fail", [TAP_SKIPPED] = "skip"};
    const struct tap_point *point;
    const char *trouble;
    enum tap_verdict verdict = tap_judge(story->tap, story->status, &point, &trouble);

    el_json_object(json, NULL);
    el_json_text(json, "lab", story->lab);
    el_json_text(json, "result", word[verdict]);
    el_json_text(json, "misconception", point != NULL ? misconception_of(point) : NULL);
    el_json_text(json, "reason", verdict == TAP_SKIPPED ? skip_reason(story) : NULL);
    el_json_text(json, "trouble", trouble);
    el_json_array(json, "steps");
    for (size_t i = 0; i < story->tap->count; i++)
        json_step(json, &story->tap->point[i]);
    el_json_close_array(json);
    el_json_close_object(json);
    return verdict;
}

static void tap_value(FILE *out, const struct tap_field *field)
{
    const char *value = field->value;
    if (strchr(value, '\n') == NULL && strcmp(value, "|") != 0) {
        fprintf(out, "      %s: %s\n", field->key, value);
        return;
    }
    fprintf(out, "      %s: |\n", field->key);
    for (size_t length; *value != '\0'; value += length + (value[length] == '\n')) {
        length = strcspn(value, "\n");
        fprintf(out, "        %.*s\n", (int)length, value);
    }
}

enum tap_verdict story_tap(const struct story *story, unsigned number, FILE *out)
{
    static const char *const word[] = {[TAP_OK] = "ok", [TAP_NOT_OK] = "not ok", [TAP_SKIP] = "ok"};
    const struct tap_point *point;
    const char *trouble;
    enum tap_verdict verdict = tap_judge(story->tap, story->status, &point, &trouble);

    for (size_t i = 0; i < story->tap->count; i++) {
        const struct tap_point *step = &story->tap->point[i];
        fprintf(out, "    %s %zu - %s%s%s\n", word[step->result], i + 1, step->name,
                step->result == TAP_SKIP ? " # SKIP " : "", step->reason);
        if (step->field_count > 0)
            fputs("      ---\n", out);
        for (size_t f = 0; f < step->field_count; f++)
            tap_value(out, &step->field[f]);
        if (step->field_count > 0)
            fputs("      ...\n", out);
    }
    fprintf(out, "    1..%zu\n", story->tap->count);
    fprintf(out, "%s %u - lab %s", verdict == TAP_FAILED ? "not ok" : "ok", number, story->lab);
    if (verdict == TAP_SKIPPED)
        fprintf(out, " # SKIP %s", skip_reason(story));
    fprintf(out, "\n");
    if (trouble != NULL)
        fprintf(out, "# %s (exit status %d)\n", trouble, story->status);
    return verdict;
}
