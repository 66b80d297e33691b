/*
 * lab_tap.h - what a check has said, in TAP 13 with a block of YAML for each failure.
 *
 *     not ok 5 - a megabyte comes back
 *       ---
 *       misconception: short-write
 *       did: |
 *         connected to 127.0.0.1:40123
 *       expected: 1048576 bytes back, the same
 *       ...
 *     1..5
 *
 * The text may be cut short anywhere, or hold anything: a check may be killed, and a learner's
 * program has a say in it. What does not look like TAP is counted, never an error.
 */
#ifndef ECHOLAB_LAB_TAP_H
#define ECHOLAB_LAB_TAP_H

#include <stdbool.h>
#include <stddef.h>

enum { TAP_POINTS_MAX = 500, TAP_FIELDS_MAX = 24 }; /* more of them are counted as other lines */

enum tap_result { TAP_OK, TAP_NOT_OK, TAP_SKIP };

struct tap_field {
    const char *key;
    const char *value; /* of several lines, without a newline at its end */
};

struct tap_point {
    enum tap_result result; /* `not ok # TODO` is a TAP_SKIP: it was expected */
    const char *name;
    const char *reason; /* of a skip; "" otherwise */
    size_t field_count;
    struct tap_field field[TAP_FIELDS_MAX];
};

struct tap {
    bool has_plan;
    unsigned plan;
    const char *skip_all; /* of a plan 1..0; NULL if there is none */
    const char *bail_out; /* NULL if the check did not bail out */
    size_t other_lines;
    size_t count;
    struct tap_point *point;
    char *text; /* owns what the others point into */
};

/* Parses clean text (lab_paragraph.h), which it owns from then on, also when it fails. False: out
 * of memory. */
bool tap_parse(struct tap *tap, char *text);
void tap_free(struct tap *tap);

/* The value of a field, or NULL. */
const char *tap_field(const struct tap_point *point, const char *key);

enum tap_verdict { TAP_PASSED = 0, TAP_FAILED = 1, TAP_SKIPPED = 4 }; /* also lab's exit codes */

/*
 * What all of it means, together with the check's exit status (that of a shell: 128 + the signal).
 * *point is the first failure, or NULL. *trouble is NULL, or says in what the check itself went
 * wrong: it ended early, or its status is not what its lines say. Never passed then.
 */
enum tap_verdict tap_judge(const struct tap *tap, int status, const struct tap_point **point,
                           const char **trouble);

#endif
