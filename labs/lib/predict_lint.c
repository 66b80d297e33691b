/*
 * predict_lint.c - the rules of form for a lab's questions, and for the README that reconciles them.
 *
 * A wrong answer is where a lab teaches, so each that can be foreseen has its misconception; and a
 * question that is never taken up again has taught nothing.
 */
#include "predict_commands.h"

#include "lab_paragraph.h"
#include "predict_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 3, MOST = 6, README_BYTES_MAX = 1 << 20 };

struct lint {
    const struct predict_questions *questions;
    FILE *out;
    size_t faults;
};

static void fault(struct lint *lint, const struct predict_question *question, const char *why,
                  const char *object)
{
    fprintf(lint->out, "%s:%u: %s: %s%s\n", lint->questions->table.path, question->line,
            question->id, why, object);
    lint->faults++;
}

/* One answer of an if-wrong: of the question's kind, and not the right one. `named` collects letters. */
static void lint_wrong(struct lint *lint, const struct predict_question *question,
                       const char *answer, unsigned *named)
{
    struct predict_question one = *question;
    char typed[PREDICT_ANSWER_BYTES];
    one.answer = answer;
    if (predict_answer_fault(&one) != NULL) {
        fault(lint, question, "if-wrong has an answer that nobody can give: ", answer);
        return;
    }
    predict_answer_right(&one, typed);
    if (predict_answer_agrees(question, question->answer, typed))
        fault(lint, question, "if-wrong names the right answer: ", answer);
    if (question->kind == PREDICT_CHOICE)
        *named |= 1U << (answer[0] - 'a');
}

static void lint_coverage(struct lint *lint, const struct predict_question *question,
                          unsigned named, size_t count, bool otherwise)
{
    struct predict_part part[PREDICT_CHOICES_MAX + 1];
    size_t choices = predict_choices(question->question, part);
    if (question->kind != PREDICT_CHOICE) {
        if (!otherwise && count < 2)
            fault(lint, question, "if-wrong needs `*`, or at least two answers", "");
        return;
    }
    for (size_t i = 0; i < choices; i++) {
        const char letter[] = {(char)('a' + i), '\0'};
        if (letter[0] != question->answer[0] && (named & 1U << i) == 0)
            fault(lint, question, "if-wrong does not tell which thought leads to ", letter);
    }
}

static void lint_if_wrong(struct lint *lint, const struct predict_question *question)
{
    struct predict_entry entry;
    struct predict_part answer;
    const char *rest = question->if_wrong;
    unsigned named = 0;
    size_t count = 0;
    bool otherwise = false;
    while (predict_entry_next(&rest, &entry)) {
        while (predict_entry_answer(&entry.answers, &answer)) {
            char one[PREDICT_ANSWER_BYTES];
            snprintf(one, sizeof one, "%.*s", (int)answer.length, answer.text);
            count++;
            if (strcmp(one, "*") == 0)
                otherwise = true;
            else
                lint_wrong(lint, question, one, &named);
        }
    }
    if (rest != NULL)
        fault(lint, question, "if-wrong is not `ANSWER[, ANSWER] → text; …` here: ", rest);
    lint_coverage(lint, question, named, count, otherwise);
}

static void lint_questions(struct lint *lint)
{
    static const char header[] = "# id\tkind\tquestion\tanswer\tif-wrong";
    const struct predict_questions *questions = lint->questions;
    if (strncmp(questions->table.text, header, strlen(header)) != 0) {
        fprintf(
            lint->out,
            "%s:1: the first line is not `# id<TAB>kind<TAB>question<TAB>answer<TAB>if-wrong`\n",
            questions->table.path);
        lint->faults++;
    }
    if (questions->count < LEAST || questions->count > MOST) {
        fprintf(lint->out, "%s: %zu questions; a lab has %d to %d\n", questions->table.path,
                questions->count, LEAST, MOST);
        lint->faults++;
    }
    for (size_t i = 0; i < questions->count; i++) {
        const char *why = predict_answer_fault(&questions->item[i]);
        if (why != NULL)
            fault(lint, &questions->item[i], why, "");
        else
            lint_if_wrong(lint, &questions->item[i]);
    }
}

/* The ids after **Reconcile:**, `one`, `two` and `three`, up to other words. */
static void lint_reconcile(struct lint *lint, const char *readme, const char *text, bool *found)
{
    const struct predict_questions *questions = lint->questions;
    for (;;) {
        text += strspn(text, " \n,");
        if (strncmp(text, "and ", 4) == 0)
            text += 4;
        if (*text != '`')
            return;
        size_t length = strcspn(++text, "`\n");
        const struct predict_question *question = predict_question_find(questions, text, length);
        if (question != NULL) {
            found[question - questions->item] = true;
        } else {
            fprintf(lint->out, "%s: reconciles `%.*s`, which is not in predict.tsv\n", readme,
                    (int)length, text);
            lint->faults++;
        }
        text += length + (text[length] == '`');
    }
}

static void lint_readme(struct lint *lint, const char *readme, const char *text)
{
    static const char mark[] = "**Reconcile:**";
    const struct predict_questions *questions = lint->questions;
    bool found[PREDICT_LINES_MAX] = {false};
    for (const char *at = text; (at = strstr(at, mark)) != NULL; at += strlen(mark))
        lint_reconcile(lint, readme, at + strlen(mark), found);
    for (size_t i = 0; i < questions->count; i++) {
        if (found[i])
            continue;
        fprintf(lint->out, "%s: no line `**Reconcile:** `%s`` takes this question up again\n",
                readme, questions->item[i].id);
        lint->faults++;
    }
}

int predict_lint(const struct predict_questions *questions, const char *readme, FILE *out)
{
    struct lint lint = {.questions = questions, .out = out};
    FILE *file = fopen(readme, "re");
    char *text = file != NULL ? paragraph_read(file, README_BYTES_MAX, ' ') : NULL;
    int saved = errno;
    if (file != NULL)
        fclose(file);
    if (text == NULL) {
        fprintf(stderr, "lab_predict: %s: cannot be read: %s\n", readme, strerror(saved));
        return 2;
    }
    lint_questions(&lint);
    lint_readme(&lint, readme, text);
    free(text);
    return lint.faults > 0 ? 1 : 0;
}
