/*
 * lab_story.h - a check's result, told to a person; and as JSON, to a program.
 */
#ifndef ECHOLAB_LAB_STORY_H
#define ECHOLAB_LAB_STORY_H

#include "lab_tap.h"

#include "json.h"

#include <stdio.h>

struct story {
    const char *lab; /* "04" */
    const struct tap *tap;
    int status;            /* the check's exit status */
    const char *complaint; /* clean text: what the check said on stderr; told when it went wrong */
    bool color;
    size_t width;
};

enum tap_verdict story_tell(const struct story *story, FILE *out);

/* An object with lab, result, misconception, steps: into an array. */
enum tap_verdict story_json(const struct story *story, struct el_json *json);

/* As TAP, one indented subtest and its verdict: `ok NUMBER - lab 04`. */
enum tap_verdict story_tap(const struct story *story, unsigned number, FILE *out);

/* What the record keeps: "pass", "fail MISCONCEPTION", "skip REASON"; one line. */
enum tap_verdict story_record(const struct story *story, FILE *out);

#endif
