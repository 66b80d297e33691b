/*
 * json.h - a JSON writer: one document on one line, valid on every path, in constant memory.
 *
 * It knows where a comma belongs, escapes strings (bytes that are not UTF-8 become \ufffd), and
 * writes a number that does not exist as null. It writes to a FILE and remembers nothing but the
 * nesting.
 */
#ifndef ECHOLAB_JSON_H
#define ECHOLAB_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct el_json {
    FILE *file;
    unsigned depth;
    uint64_t first;  /* bit d: nothing written yet at depth d */
    uint64_t arrays; /* bit d: depth d is an array */
};

struct el_json el_json_begin(FILE *file); /* borrowed */

/* `key` is NULL inside an array and at the top. At most 63 levels. The document ends with a
 * newline. */
void el_json_object(struct el_json *json, const char *key);
void el_json_array(struct el_json *json, const char *key);
void el_json_close_object(struct el_json *json);
void el_json_close_array(struct el_json *json);
void el_json_text(struct el_json *json, const char *key, const char *value); /* NULL → null */
void el_json_int(struct el_json *json, const char *key, int64_t value);
void el_json_uint(struct el_json *json, const char *key, uint64_t value);
void el_json_number(struct el_json *json, const char *key, double value,
                    int decimals); /* nan, inf → null */
void el_json_bool(struct el_json *json, const char *key, bool value);
void el_json_null(struct el_json *json, const char *key);

/* Closes whatever is open, so that a program which must end early still leaves a valid document. */
void el_json_end(struct el_json *json);

#endif
