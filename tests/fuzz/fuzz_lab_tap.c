/*
 * fuzz_lab_tap.c - what a check has said, with whatever a learner's program has had it say, and the story that becomes of it.
 *
 * Input:    the check's exit status (a byte), the width of the terminal (a byte), then its output.
 * Asserted: clean text holds nothing that steers a terminal, and is clean already when it is cleaned again; the parser stays
 *           within its bounds; a check passes only when its status is 0 and each step that it planned went well; of
 *           the verdict the story, the record, TAP and JSON all say the same; the record is one line; JSON is valid to the letter; no line
 *           of the story is wider than the terminal.
 * Run:      make fuzz FUZZ=lab_tap
 */
#include "fuzz.h"
#include "json_check.h"
#include "lab_paragraph.h"
#include "lab_story.h"

enum { NARROWEST = 40 }; /* lab_report takes no smaller --width */

static void check_clean(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        fuzz_holds(*c == '\n' || ((unsigned char)*c >= ' ' && *c != 0x7f));
    fuzz_holds(strstr(text, "\xc2\x9b") == NULL); /* CSI of eight bits */
    char *again = paragraph_clean(text, strlen(text), ' ');
    fuzz_holds(again != NULL && strcmp(again, text) == 0);
    free(again);
}

static void check_points(const struct tap *tap)
{
    fuzz_holds(tap->count <= TAP_POINTS_MAX);
    fuzz_holds(!tap->has_plan || tap->plan <= TAP_POINTS_MAX + 1);
    for (size_t i = 0; i < tap->count; i++) {
        const struct tap_point *point = &tap->point[i];
        fuzz_holds(point->result <= TAP_SKIP && point->field_count <= TAP_FIELDS_MAX);
        fuzz_holds(strchr(point->name, '\n') == NULL && strchr(point->reason, '\n') == NULL);
        fuzz_holds(point->result == TAP_SKIP || *point->reason == '\0');
        for (size_t k = 0; k < point->field_count; k++) {
            const char *key = point->field[k].key, *value = point->field[k].value;
            size_t length = strlen(value);
            fuzz_holds(*key != '\0' && strpbrk(key, ": \n") == NULL);
            fuzz_holds(length == 0 || value[length - 1] != '\n' || strchr(value, '\n') != NULL);
            fuzz_holds(tap_field(point, key) != NULL);
        }
    }
}

static enum tap_verdict check_verdict(const struct tap *tap, int status)
{
    const struct tap_point *point;
    const char *trouble;
    enum tap_verdict verdict = tap_judge(tap, status, &point, &trouble);
    size_t bad = 0, good = 0;
    for (size_t i = 0; i < tap->count; i++) {
        bad += tap->point[i].result == TAP_NOT_OK;
        good += tap->point[i].result == TAP_OK;
    }
    fuzz_holds((point != NULL) == (bad > 0));
    fuzz_holds((verdict == TAP_FAILED) == (point != NULL || trouble != NULL));
    if (verdict == TAP_PASSED)
        fuzz_holds(status == 0 && tap->has_plan && tap->plan == tap->count && good > 0 &&
                   tap->bail_out == NULL);
    return verdict;
}

/* What `tell` prints, as a text; the caller frees it. */
static char *told(enum tap_verdict (*tell)(const struct story *, FILE *), const struct story *story,
                  enum tap_verdict verdict)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fuzz_holds(out != NULL && tell(story, out) == verdict);
    fuzz_holds(fclose(out) == 0 && length > 0 && strlen(text) == length);
    check_clean(text);
    return text;
}

static void check_width(char *text, size_t width)
{
    for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL;)
        fuzz_holds(paragraph_columns(line) <= width);
}

static enum tap_verdict tell_tap(const struct story *story, FILE *out)
{
    return story_tap(story, 1, out);
}

static enum tap_verdict tell_json(const struct story *story, FILE *out)
{
    struct el_json json = el_json_begin(out);
    el_json_object(&json, NULL);
    el_json_array(&json, "labs");
    enum tap_verdict verdict = story_json(story, &json);
    el_json_end(&json);
    return verdict;
}

static void check_stories(const struct story *story, enum tap_verdict verdict)
{
    char *text = told(story_tell, story, verdict);
    check_width(text, story->width);
    free(text);

    text = told(story_record, story, verdict);
    fuzz_holds(strchr(text, '\n') == text + strlen(text) - 1);
    fuzz_holds((strncmp(text, "pass", 4) == 0) == (verdict == TAP_PASSED));
    free(text);

    text = told(tell_tap, story, verdict);
    free(text);

    text = told(tell_json, story, verdict);
    fuzz_holds(json_is_valid(text, strlen(text)));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    int status = fuzz_byte(&input);
    size_t width = NARROWEST + fuzz_byte(&input) % 100;
    char *text = paragraph_clean((const char *)input.at, input.left, ' ');
    fuzz_holds(text != NULL);
    check_clean(text);
    struct tap tap;
    fuzz_holds(tap_parse(&tap, text));
    check_points(&tap);
    enum tap_verdict verdict = check_verdict(&tap, status);
    struct story story = {
        .lab = "04", .tap = &tap, .status = status, .complaint = "", .width = width};
    check_stories(&story, verdict);
    tap_free(&tap);
    return 0;
}
