/*
 * json.c - writes RFC 8259 JSON that is valid whatever it is given.
 *
 * Teaches:  where output goes wrong: commas, bytes that are not UTF-8, nan, and a locale whose
 *           decimal point is a comma. Each is handled at one place here.
 * Partner:  json.h. Leaves out: reading JSON, and telling write errors: the caller asks ferror(3)
 *           once, at the end, when it flushes.
 */
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 63 }; /* one bit a level in `first` and `arrays` */

static uint64_t bit(unsigned depth)
{
    return (uint64_t)1 << depth;
}

struct el_json el_json_begin(FILE *file)
{
    return (struct el_json){.file = file, .first = bit(0)};
}

/*
 * How many bytes the well-formed UTF-8 sequence at `s` has, 0 if it is none (RFC 3629 section 4: no
 * overlong form, no surrogate, nothing above U+10FFFF). The NUL at the end stops it like any other
 * bad byte.
 */
static unsigned utf8_length(const unsigned char *s)
{
    unsigned length;
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        length = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        length = 3;
        if (s[0] == 0xe0)
            low = 0xa0; /* below would be overlong */
        if (s[0] == 0xed)
            high = 0x9f; /* above would be a surrogate */
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        length = 4;
        if (s[0] == 0xf0)
            low = 0x90;
        if (s[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (s[1] < low || s[1] > high)
        return 0;
    for (unsigned i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return length;
}

static void write_string(FILE *file, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    fputc('"', file);
    while (*s != '\0') {
        unsigned length = utf8_length(s);
        if (length == 0) {
            fputs("\\ufffd", file); /* U+FFFD, the sign for a byte that was not text */
            s++;
        } else if (*s == '"' || *s == '\\') {
            fprintf(file, "\\%c", *s++);
        } else if (*s < 0x20 || *s == 0x7f) {
            fprintf(file, "\\u%04x", *s++);
        } else {
            fwrite(s, 1, length, file);
            s += length;
        }
    }
    fputc('"', file);
}

/* The comma, if one belongs here, and the key. */
static void before_value(struct el_json *json, const char *key)
{
    if (json->first & bit(json->depth))
        json->first &= ~bit(json->depth);
    else
        fputc(',', json->file);
    if (key != NULL) {
        write_string(json->file, key);
        fputc(':', json->file);
    }
}

/* A whole document is one line, so that a reader can take lines from a stream (a server's
 * statistics). */
static void after_value(struct el_json *json)
{
    if (json->depth > 0)
        return;
    fputc('\n', json->file);
    json->first |= bit(0); /* what may follow is a document of its own */
}

static void open_level(struct el_json *json, const char *key, bool array)
{
    assert(json->depth < DEPTH_MAX); /* nesting is the program's own, never the input's */
    before_value(json, key);
    fputc(array ? '[' : '{', json->file);
    json->depth++;
    json->first |= bit(json->depth);
    json->arrays &= ~bit(json->depth);
    if (array)
        json->arrays |= bit(json->depth);
}

static void close_level(struct el_json *json)
{
    assert(json->depth > 0);
    fputc(json->arrays & bit(json->depth) ? ']' : '}', json->file);
    json->depth--;
    after_value(json);
}

void el_json_object(struct el_json *json, const char *key)
{
    open_level(json, key, false);
}

void el_json_array(struct el_json *json, const char *key)
{
    open_level(json, key, true);
}

void el_json_close_object(struct el_json *json)
{
    assert(!(json->arrays & bit(json->depth)));
    close_level(json);
}

void el_json_close_array(struct el_json *json)
{
    assert(json->arrays & bit(json->depth));
    close_level(json);
}

void el_json_end(struct el_json *json)
{
    while (json->depth > 0)
        close_level(json);
}

void el_json_text(struct el_json *json, const char *key, const char *value)
{
    if (value == NULL) {
        el_json_null(json, key);
        return;
    }
    before_value(json, key);
    write_string(json->file, value);
    after_value(json);
}

void el_json_int(struct el_json *json, const char *key, int64_t value)
{
    before_value(json, key);
    fprintf(json->file, "%" PRId64, value);
    after_value(json);
}

void el_json_uint(struct el_json *json, const char *key, uint64_t value)
{
    before_value(json, key);
    fprintf(json->file, "%" PRIu64, value);
    after_value(json);
}

void el_json_number(struct el_json *json, const char *key, double value, int decimals)
{
    char digits[400]; /* the largest double has 309 digits before the point */

    if (!isfinite(value)) {
        el_json_null(json, key);
        return;
    }
    if (decimals < 0 || decimals > 17)
        decimals = 17; /* more says nothing about a double */
    snprintf(digits, sizeof digits, "%.*f", decimals, value);

    /* A library cannot know the locale of its program: whatever stands between the digits is the
     * point. */
    size_t whole = strspn(digits, "-0123456789");
    size_t point = strcspn(digits + whole, "0123456789");
    before_value(json, key);
    fprintf(json->file, "%.*s%s%s", (int)whole, digits, point > 0 ? "." : "",
            digits + whole + point);
    after_value(json);
}

void el_json_bool(struct el_json *json, const char *key, bool value)
{
    before_value(json, key);
    fputs(value ? "true" : "false", json->file);
    after_value(json);
}

void el_json_null(struct el_json *json, const char *key)
{
    before_value(json, key);
    fputs("null", json->file);
    after_value(json);
}
