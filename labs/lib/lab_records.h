/*
 * lab_records.h - what is known of each lab and of the learner's way through it.
 *
 * The records are plain text that a person may edit, a full disk may cut short and two commands may
 * append to at once. So each line stands for itself: one that cannot be read is told, passed over,
 * and left as it is. Nothing here writes. [#records-are-only-read]
 *
 *     index.tsv                         id, slug, title, after, minutes, needs
 *     ID-SLUG/predict.tsv               id, kind, question, answer, if-wrong
 *     WORK/records/ID/predictions.tsv   id, answer, time
 *     WORK/records/ID/observed.tsv      id, value, why there is none
 *     WORK/records/ID/history.tsv       time, event, detail
 */
#ifndef ECHOLAB_LAB_RECORDS_H
#define ECHOLAB_LAB_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CELLS_MAX = 6 };

struct row {
    const char *cell[CELLS_MAX]; /* "" where the line has no more */
};

/* Lines of cells with tabs between; comments (#) and empty lines are left out. */
struct table {
    char *text;
    struct row *row;
    size_t count, broken;
    size_t first_broken; /* the number of its line */
};

/*
 * Reads a table; one that is not there is empty. A line with fewer than `least` or more than `most`
 * cells, or an empty first one, is broken: how many there are is told on `complaints`, in one line. False: out of memory,
 * or the file cannot be read (told, too).
 */
bool table_read(struct table *table, const char *path, size_t least, size_t most, FILE *complaints);
void table_free(struct table *table);
/* The first row whose first cell is `key`, or NULL. */
const struct row *table_find(const struct table *table, const char *key);

struct lab_record {
    const char *id, *slug, *title, *after, *minutes, *needs; /* of the index */
    bool started;                                            /* there is a folder of answers */
    struct table questions, predictions, observed, history;
};

struct records {
    struct table index;
    struct lab_record *lab;
    size_t count;
    char current[16]; /* id, or "" */
};

/* Reads all of it from the folder of the labs and that of the learner. False: it could not, and that
 * is told on `complaints`. */
bool records_read(struct records *records, const char *labs, const char *work, FILE *complaints);
void records_free(struct records *records);

/* The row of the answer that is locked, by the rule of predict_file.h: the first that is not empty. Or NULL. */
const struct row *records_answer(const struct lab_record *lab, const char *question);
/* How many of the questions have one. */
size_t records_locked(const struct lab_record *lab);
size_t records_broken(const struct lab_record *lab);
/* The last event of that name whose detail begins with `detail` (NULL: any), or NULL. Its cells are
 * time, event, detail. */
const struct row *records_event(const struct lab_record *lab, const char *event,
                                const char *detail);
size_t records_events(const struct lab_record *lab, const char *event);

/* One line for each lab, cells by tabs and none of them empty, for the shell: id, slug, title, after,
 * minutes, needs, started (yes or no), questions, locked, observed (yes or no), hints, last result
 * (pass, fail, skip or -), its detail, ever passed, gave up, without predictions (yes or no each),
 * current (yes or no). */
void records_print(const struct records *records, FILE *out);

/* The receipt: one JSON document. */
void records_json(const struct records *records, const char *now, FILE *out);

#endif
