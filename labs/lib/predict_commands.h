/*
 * predict_commands.h - what `lab predict` is made of. Each returns lab_predict's exit code; what it
 * finds goes to `out`, in lines of `width` columns; what keeps it from finding to stderr.
 */
#ifndef ECHOLAB_PREDICT_COMMANDS_H
#define ECHOLAB_PREDICT_COMMANDS_H

#include "predict_file.h"

/*
 * Asks what has no answer yet: the `count` texts `id=answer`, or, with none, whoever is at `in`. Every
 * answer is appended to the file at `predictions` before the next is asked for. 0: all questions have
 * one; 1: some have none; 2: an answer was refused, or could not be written.
 */
int predict_ask(const struct predict_questions *questions, const char *predictions, char **answers,
                int count, size_t width, FILE *in, FILE *out);

/* Said, seen, right or wrong, and the thought behind it. 0, or 2. */
int predict_reconcile(const struct predict_questions *questions, const char *predictions,
                      const char *observed, size_t width, bool color, FILE *out);

/* Does what was observed agree with what the text says? 0 yes, 1 no, 2 unreadable, 4 nothing could be
 * observed. */
int predict_agree(const struct predict_questions *questions, const char *observed, FILE *out);

/* The rules of form for authors. 0, or 1 with each fault on a line, or 2. */
int predict_lint(const struct predict_questions *questions, const char *readme, FILE *out);

#endif
