/*
 * predict_file.h - the questions of a lab, what the learner answered, what was observed: three tables.
 *
 *     predict.tsv       id, kind, question, answer, if-wrong     an author wrote it
 *     predictions.tsv   id, answer, time                         one line is appended for each answer
 *     observed.tsv      id, value  or  id, -, why there is none  `observe` wrote it
 *
 * Cells by tabs, `#` begins a comment. Any bytes may stand there; each line that cannot be read is told
 * with its number and passed over, or, in predict.tsv, makes the whole file unusable. [#broken-lines]
 */
#ifndef ECHOLAB_PREDICT_FILE_H
#define ECHOLAB_PREDICT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { PREDICT_CELLS = 5, PREDICT_LINE_BYTES = 4096, PREDICT_LINES_MAX = 200 };

struct predict_row {
    unsigned line;
    const char *cell[PREDICT_CELLS]; /* "" where the line has no more */
};

struct predict_table {
    const char *path; /* borrowed */
    char *text;
    struct predict_row *row;
    size_t count;
    unsigned broken;
};

enum predict_kind { PREDICT_NUMBER, PREDICT_CHOICE, PREDICT_WORD };

struct predict_question {
    unsigned line;
    enum predict_kind kind;
    const char *id, *question, *answer, *if_wrong;
};

struct predict_questions {
    struct predict_table table;
    struct predict_question *item;
    size_t count;
};

/*
 * Reads a table whose lines have `least` to `most` cells. One that is not there is empty if `may_lack`.
 * False after a message on `err`: it cannot be read. Broken lines are told there too and counted. Free
 * it in either case.
 */
bool predict_table_read(struct predict_table *table, const char *path, size_t least, size_t most,
                        bool may_lack, FILE *err);
void predict_table_free(struct predict_table *table);
/* The first row with this id, or NULL. */
const struct predict_row *predict_table_find(const struct predict_table *table, const char *id);
/* The answer that is locked: the first that was given. A cell that is empty, as a full disk or an editor
 * leaves it, is no answer. NULL: there is none. */
const char *predict_table_locked(const struct predict_table *predictions, const char *id);

/* False after messages with line numbers: something in the file is no question. */
bool predict_questions_read(struct predict_questions *questions, const char *path, FILE *err);
void predict_questions_free(struct predict_questions *questions);
const struct predict_question *predict_question_find(const struct predict_questions *questions,
                                                     const char *id, size_t id_length);

/* Appends a line with one write(2): two that answer at once do not mix, and a killed one leaves no
 * half. A line that was cut short before, by a full disk or an editor, is ended first, and does not take
 * this one with it. The path's folder is there already. 0, or -errno. [#one-write] */
int predict_append(const char *path, const char *id, const char *answer);

#endif
