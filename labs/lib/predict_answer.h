/*
 * predict_answer.h - is it an answer to this question, is it the right one, and which thought leads to
 * a wrong one? Pure: text in, verdict out.
 *
 * The right answer, as predict.tsv has it:
 *   number   5      3..7 (any of them)      250+-20% (within a fifth)
 *   choice   c
 *   word     ECONNREFUSED|ConnectionRefused (either, in any case)
 */
#ifndef ECHOLAB_PREDICT_ANSWER_H
#define ECHOLAB_PREDICT_ANSWER_H

#include "predict_file.h"

enum { PREDICT_ANSWER_BYTES = 80 };

/*
 * Takes what a person typed, without spaces around it and with a choice's letter small, into `answer`
 * (PREDICT_ANSWER_BYTES). NULL, or why it is none, as a sentence that says what would be (static text).
 */
const char *predict_answer_read(const struct predict_question *question, const char *typed,
                                char *answer);

/* NULL, or what is wrong with the right answer as it is written (static text). */
const char *predict_answer_fault(const struct predict_question *question);

/* Does `value` (a person's, or observe's) agree with the right answer as `written`? */
bool predict_answer_agrees(const struct predict_question *question, const char *written,
                           const char *value);

/* As predict_answer_agrees(…, observed, given), within the tolerance that the text's answer has. */
bool predict_answer_seen(const struct predict_question *question, const char *observed,
                         const char *given);

/* One that is right, as a person would type it: 3 for 3..7. */
void predict_answer_right(const struct predict_question *question, char *answer);

/* A choice question's parts: `a) …`. Returns how many (0: none); part[0] is what stands before them. */
enum { PREDICT_CHOICES_MAX = 8 };
struct predict_part {
    const char *text;
    size_t length;
};
size_t predict_choices(const char *question, struct predict_part part[PREDICT_CHOICES_MAX + 1]);

/*
 * The entries of if-wrong, `ANSWER[, ANSWER] → text; …`, one at a time: *rest points to the first and
 * moves on. False: there is no more, with *rest NULL, or (it is broken) where it could not be read.
 */
struct predict_entry {
    struct predict_part answers, text;
};
bool predict_entry_next(const char **rest, struct predict_entry *entry);
/* Calls for each answer of an entry: moves answers on; false at the end. */
bool predict_entry_answer(struct predict_part *answers, struct predict_part *answer);

/* The thought behind a wrong answer: the entry that names it, else `*`. length 0: there is none. */
struct predict_part predict_misconception(const struct predict_question *question,
                                          const char *given);

#endif
