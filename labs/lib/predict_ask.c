/*
 * predict_ask.c - asks the questions of a lab and locks each answer as it is given.
 *
 * Teaches:  a record that is appended to, and never rewritten, cannot be lost half-way: whoever is
 *           interrupted after the second question has two answers. [#locked-as-given]
 * Partner:  predict_reconcile.c, which holds them against what was seen.
 */
#include "predict_commands.h"

#include "lab_paragraph.h"
#include "predict_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TYPED_BYTES = 256, INDENT = 2, CHOICE_INDENT = 5 };

struct ask {
    const struct predict_questions *questions;
    struct predict_table locked;
    const char *path;
    size_t width;
    FILE *in, *out;
};

static void print_part(struct ask *ask, struct predict_part part, size_t indent)
{
    char *text = strndup(part.text, part.length);
    if (text == NULL)
        return;
    fprintf(ask->out, "%*s", INDENT, "");
    paragraph_print(ask->out, text, INDENT, indent, ask->width);
    free(text);
}

static void print_question(struct ask *ask, const struct predict_question *question)
{
    struct predict_part part[PREDICT_CHOICES_MAX + 1] = {
        {question->question, strlen(question->question)}};
    size_t count = question->kind == PREDICT_CHOICE ? predict_choices(question->question, part) : 0;
    fprintf(ask->out, "\n%zu of %zu · %s\n", (size_t)(question - ask->questions->item) + 1,
            ask->questions->count, question->id);
    print_part(ask, part[0], INDENT);
    for (size_t i = 1; i <= count; i++)
        print_part(ask, part[i], CHOICE_INDENT);
}

static void print_prompt(struct ask *ask, const struct predict_question *question)
{
    struct predict_part part[PREDICT_CHOICES_MAX + 1];
    switch (question->kind) {
    case PREDICT_NUMBER:
        fputs("  A number: ", ask->out);
        break;
    case PREDICT_CHOICE:
        fprintf(ask->out, "  A letter, a to %c: ",
                (char)('a' + predict_choices(question->question, part) - 1));
        break;
    case PREDICT_WORD:
        fputs("  One word: ", ask->out);
        break;
    }
    fflush(ask->out);
}

/* False: there is no more, or a signal came. A line that is too long is read to its end, and no answer. */
static bool read_line(FILE *in, char *line)
{
    if (fgets(line, TYPED_BYTES, in) == NULL)
        return false;
    int c = '\n';
    if (strchr(line, '\n') == NULL)
        while ((c = getc(in)) != '\n' && c != EOF)
            ;
    return true;
}

static int lock(struct ask *ask, const struct predict_question *question, const char *answer)
{
    int result = predict_append(ask->path, question->id, answer);
    if (result < 0)
        fprintf(stderr, "lab_predict: %s: the answer could not be written: %s\n", ask->path,
                strerror(-result));
    return result;
}

/* 0: locked; 1: no more input; 2: it could not be written. */
static int ask_one(struct ask *ask, const struct predict_question *question)
{
    char line[TYPED_BYTES], answer[PREDICT_ANSWER_BYTES];
    print_question(ask, question);
    for (;;) {
        print_prompt(ask, question);
        if (!read_line(ask->in, line))
            return 1;
        const char *why = predict_answer_read(question, line, answer);
        if (why == NULL)
            break;
        fprintf(ask->out, "  %s\n", why);
    }
    if (lock(ask, question, answer) < 0)
        return 2;
    fprintf(ask->out, "  Locked: %s\n", answer);
    return 0;
}

static size_t count_open(const struct ask *ask)
{
    size_t count = 0;
    for (size_t i = 0; i < ask->questions->count; i++)
        count += predict_table_locked(&ask->locked, ask->questions->item[i].id) == NULL;
    return count;
}

static int ask_all(struct ask *ask)
{
    size_t open = count_open(ask), all = ask->questions->count;
    if (open > 0 && open < all)
        fprintf(ask->out, "%zu of %zu are locked already.\n", all - open, all);
    for (size_t i = 0; i < all; i++) {
        if (predict_table_locked(&ask->locked, ask->questions->item[i].id) != NULL)
            continue;
        int result = ask_one(ask, &ask->questions->item[i]);
        if (result == 1)
            fprintf(ask->out, "\n\n%zu of %zu are locked. The others will be asked next time.\n",
                    all - open, all);
        if (result != 0)
            return result;
        open--;
    }
    fprintf(ask->out, "\nAll %zu are locked.\n", all);
    return 0;
}

/* One text `id=answer`. 0, or 2 after a message. */
static int take(struct ask *ask, const char *text)
{
    char answer[PREDICT_ANSWER_BYTES];
    size_t length = strcspn(text, "=");
    const struct predict_question *question =
        text[length] == '=' ? predict_question_find(ask->questions, text, length) : NULL;
    if (question == NULL) {
        fprintf(stderr,
                "lab_predict: %s: there is no such question. They are asked as id=answer:\n", text);
        for (size_t i = 0; i < ask->questions->count; i++)
            fprintf(stderr, "  %s\n", ask->questions->item[i].id);
        return 2;
    }
    const char *why = predict_answer_read(question, text + length + 1, answer);
    if (why != NULL) {
        fprintf(stderr, "lab_predict: %s: %s\n", text, why);
        return 2;
    }
    const char *locked = predict_table_locked(&ask->locked, question->id);
    if (locked != NULL && strcmp(locked, answer) == 0)
        return 0;
    if (locked != NULL) {
        fprintf(stderr, "lab_predict: %s is locked: you said %s\n", question->id, locked);
        return 2;
    }
    if (lock(ask, question, answer) < 0)
        return 2;
    fprintf(ask->out, "%s: locked: %s\n", question->id, answer);
    return 0;
}

int predict_ask(const struct predict_questions *questions, const char *predictions, char **answers,
                int count, size_t width, FILE *in, FILE *out)
{
    struct ask ask = {
        .questions = questions, .path = predictions, .width = width, .in = in, .out = out};
    int result = predict_table_read(&ask.locked, predictions, 3, 3, true, stderr) ? 0 : 2;
    for (int i = 0; i < count && result == 0; i++) {
        result = take(&ask, answers[i]);
        predict_table_free(&ask.locked); /* it may name the same question again */
        if (!predict_table_read(&ask.locked, predictions, 3, 3, true, stderr))
            result = 2;
    }
    if (result == 0)
        result = count == 0 ? ask_all(&ask) : count_open(&ask) > 0;
    predict_table_free(&ask.locked);
    return result;
}
