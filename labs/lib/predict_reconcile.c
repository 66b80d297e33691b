/*
 * predict_reconcile.c - holds what was predicted against what this machine did.
 *
 * The machine decides, not the text: kernels differ, and a learner who has seen 5 must not be told 4. Where
 * the two differ it is said; whoever predicted as the text has it was right about the text's kernel.
 */
#include "predict_commands.h"

#include "lab_paragraph.h"
#include "predict_answer.h"

#include <string.h>

struct page {
    FILE *out;
    size_t width;
    bool color;
};

enum { LABEL_COLUMNS = 7, WORDS_BYTES = 1024 };

struct seen {
    const char *value;  /* or NULL */
    const char *reason; /* why there is none */
};

static struct seen look_up(const struct predict_table *observed, const char *id)
{
    const struct predict_row *row = predict_table_find(observed, id);
    if (row == NULL)
        return (struct seen){.reason = "it was not observed"};
    if (strcmp(row->cell[1], "-") == 0 || row->cell[1][0] == '\0')
        return (struct seen){.reason =
                                 row->cell[2][0] != '\0' ? row->cell[2] : "no reason was given"};
    return (struct seen){.value = row->cell[1]};
}

/* `c) nothing` for c; any other answer as it is. */
static const char *in_words(const struct predict_question *question, const char *answer,
                            char *words)
{
    struct predict_part part[PREDICT_CHOICES_MAX + 1];
    size_t count = question->kind == PREDICT_CHOICE ? predict_choices(question->question, part) : 0;
    snprintf(words, WORDS_BYTES, "%s", answer);
    for (size_t i = 1; i <= count; i++)
        if (answer[0] == part[i].text[0] && answer[1] == '\0')
            snprintf(words, WORDS_BYTES, "%.*s", (int)part[i].length, part[i].text);
    return words;
}

static void print_label(const struct page *page, bool right, const char *label, const char *id)
{
    fprintf(page->out, "%s%-*s%s%s\n", page->color ? right ? "\033[32m" : "\033[31m" : "",
            LABEL_COLUMNS, label, page->color ? "\033[0m" : "", id);
}

static void print_words(const struct page *page, const char *text)
{
    fprintf(page->out, "%*s", LABEL_COLUMNS, "");
    paragraph_print(page->out, text, LABEL_COLUMNS, LABEL_COLUMNS, page->width);
}

/* What was said, what was seen, and what the text has where that is another thing. */
static void print_facts(const struct page *page, const struct predict_question *question,
                        const char *given, struct seen seen, bool differs)
{
    char said[WORDS_BYTES], here[WORDS_BYTES], text[WORDS_BYTES], words[4 * WORDS_BYTES];
    in_words(question, given, said);
    in_words(question, question->answer, text);
    if (seen.value != NULL)
        snprintf(words, sizeof words, "You said: %s. Seen here: %s.", said,
                 in_words(question, seen.value, here));
    else if (predict_answer_agrees(question, question->answer, given))
        snprintf(words, sizeof words, "You said: %s. So does the text. Not seen here: %s.", said,
                 seen.reason);
    else
        snprintf(words, sizeof words, "You said: %s. The text: %s. Not seen here: %s.", said, text,
                 seen.reason);
    print_words(page, words);
    if (!differs)
        return;
    snprintf(words, sizeof words,
             "This machine differs from the text. here: %s; the text's kernel: %s.", here, text);
    print_words(page, words);
}

/* Returns whether it was right. */
static bool reconcile_one(const struct page *page, const struct predict_question *question,
                          const char *given, struct seen seen)
{
    bool by_text = predict_answer_agrees(question, question->answer, given);
    bool differs =
        seen.value != NULL && !predict_answer_agrees(question, question->answer, seen.value);
    bool right = by_text || (differs && predict_answer_seen(question, seen.value, given));
    print_label(page, right, right ? "right" : "wrong", question->id);
    print_facts(page, question, given, seen, differs);
    if (right && by_text && differs) {
        print_words(page, "You said what the text's kernel does.");
    } else if (!right) {
        struct predict_part thought = predict_misconception(question, given);
        char words[PREDICT_LINE_BYTES + 1];
        snprintf(words, sizeof words, "%.*s", (int)thought.length,
                 thought.length > 0 ? thought.text : "");
        if (thought.length > 0)
            print_words(page, words);
    }
    return right;
}

static void print_unsaid(const struct page *page, const struct predict_question *question,
                         struct seen seen)
{
    char answer[WORDS_BYTES], words[2 * WORDS_BYTES];
    fprintf(page->out, "%-*s%s\n", LABEL_COLUMNS, "-", question->id);
    snprintf(words, sizeof words, "You made no prediction. %s: %s.",
             seen.value != NULL ? "Seen here" : "The text's answer",
             in_words(question, seen.value != NULL ? seen.value : question->answer, answer));
    print_words(page, words);
}

int predict_reconcile(const struct predict_questions *questions, const char *predictions,
                      const char *observed, size_t width, bool color, FILE *out)
{
    const struct page page = {.out = out, .width = width, .color = color};
    struct predict_table said = {0}, seen = {0};
    size_t right = 0, answered = 0;
    bool read = predict_table_read(&said, predictions, 3, 3, true, stderr) &&
                predict_table_read(&seen, observed, 2, 3, true, stderr);
    for (size_t i = 0; read && i < questions->count; i++) {
        const struct predict_question *question = &questions->item[i];
        const char *given = predict_table_locked(&said, question->id);
        struct seen value = look_up(&seen, question->id);
        if (given == NULL) {
            print_unsaid(&page, question, value);
            continue;
        }
        answered++;
        right += reconcile_one(&page, question, given, value);
    }
    if (read)
        fprintf(out, "\n%zu of %zu right.\n", right, answered);
    predict_table_free(&said);
    predict_table_free(&seen);
    return read ? 0 : 2;
}

/* ---- for authors --------------------------------------------------------------------------- */

int predict_agree(const struct predict_questions *questions, const char *observed, FILE *out)
{
    struct predict_table table;
    size_t measured = 0, faults = 0;
    if (!predict_table_read(&table, observed, 2, 3, false, stderr)) {
        predict_table_free(&table);
        return 2;
    }
    for (size_t i = 0; i < questions->count; i++) {
        const struct predict_question *question = &questions->item[i];
        bool told = predict_table_find(&table, question->id) != NULL;
        struct seen seen = look_up(&table, question->id);
        bool reason = seen.value == NULL && told && strcmp(seen.reason, "no reason was given") != 0;
        bool agrees =
            seen.value != NULL && predict_answer_agrees(question, question->answer, seen.value);
        measured += seen.value != NULL;
        faults += !reason && !agrees;
        if (seen.value == NULL)
            fprintf(out, "%s: not measured: %s\n", question->id, seen.reason);
        else if (!agrees)
            fprintf(out, "%s: measured %s, predict.tsv has %s\n", question->id, seen.value,
                    question->answer);
    }
    for (size_t i = 0; i < table.count; i++) {
        const char *id = table.row[i].cell[0];
        if (predict_question_find(questions, id, strlen(id)) != NULL)
            continue;
        fprintf(out, "%s: measured, and predict.tsv does not ask for it\n", id);
        faults++;
    }
    faults += table.broken;
    predict_table_free(&table);
    return faults > 0 ? 1 : measured == 0 ? 4 : 0;
}
