/*
 * json_check.c - a strict reader of JSON that keeps nothing: it only says whether a text is a document.
 *
 * Source:   RFC 8259, section by section; UTF-8 as RFC 3629 has it: no surrogates, no detours, nothing above U+10FFFF.
 */
#include "json_check.h"

#include <stdint.h>
#include <string.h>

enum { DEEPEST = 80 };

struct scan {
    const unsigned char *at, *end;
    unsigned depth;
};

static bool value(struct scan *scan);

static bool peek(const struct scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == (unsigned char)c;
}

static bool eat(struct scan *scan, char c)
{
    bool there = peek(scan, c);
    scan->at += there;
    return there;
}

/* A NUL is none of them. */
static bool one_of(const char *set, unsigned char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static void blanks(struct scan *scan)
{
    while (scan->at < scan->end && one_of(" \t\n\r", *scan->at))
        scan->at++;
}

static bool word(struct scan *scan, const char *text)
{
    size_t length = strlen(text);
    bool there = (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, text, length) == 0;
    scan->at += there ? length : 0;
    return there;
}

static size_t digits(struct scan *scan)
{
    size_t count = 0;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
        count++;
    return count;
}

/* Section 6: no plus, no leading zero, no bare point. */
static bool number(struct scan *scan)
{
    eat(scan, '-');
    bool zero = peek(scan, '0');
    size_t whole = digits(scan);
    if (whole == 0 || (zero && whole > 1))
        return false;
    if (eat(scan, '.') && digits(scan) == 0)
        return false;
    if (eat(scan, 'e') || eat(scan, 'E')) {
        if (!eat(scan, '+'))
            eat(scan, '-');
        return digits(scan) > 0;
    }
    return true;
}

/* One character of more than one byte. */
static bool utf8(struct scan *scan)
{
    unsigned char first = *scan->at++;
    unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t code = first & (0x3fU >> more);
    if (first < 0xc2 || first > 0xf4)
        return false;
    for (unsigned i = 0; i < more; i++) {
        if (scan->at == scan->end || (*scan->at & 0xc0) != 0x80)
            return false;
        code = code << 6 | (*scan->at++ & 0x3f);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    return code >= least[more] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

static bool escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return false;
    unsigned char c = *scan->at++;
    if (c != 'u')
        return one_of("\"\\/bfnrt", c);
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at == scan->end || !one_of("0123456789abcdefABCDEF", *scan->at))
            return false;
    return true;
}

/* Section 7 */
static bool string(struct scan *scan)
{
    if (!eat(scan, '"'))
        return false;
    while (scan->at < scan->end) {
        if (eat(scan, '"'))
            return true;
        if (eat(scan, '\\')) {
            if (!escape(scan))
                return false;
        } else if (*scan->at < 0x20) {
            return false;
        } else if (*scan->at < 0x80) {
            scan->at++;
        } else if (!utf8(scan)) {
            return false;
        }
    }
    return false;
}

/* Sections 4 and 5: the members of an object, or the elements of an array. */
static bool members(struct scan *scan, bool object)
{
    const char close = object ? '}' : ']';
    blanks(scan);
    if (eat(scan, close))
        return true;
    do {
        blanks(scan);
        if (object) {
            if (!string(scan))
                return false;
            blanks(scan);
            if (!eat(scan, ':'))
                return false;
        }
        if (!value(scan))
            return false;
        blanks(scan);
    } while (eat(scan, ','));
    return eat(scan, close);
}

static bool value(struct scan *scan)
{
    bool valid;
    blanks(scan);
    if (peek(scan, '{') || peek(scan, '[')) {
        bool object = *scan->at++ == '{';
        valid = ++scan->depth <= DEEPEST && members(scan, object);
        scan->depth--;
    } else if (peek(scan, '"')) {
        valid = string(scan);
    } else {
        valid = word(scan, "true") || word(scan, "false") || word(scan, "null") || number(scan);
    }
    return valid;
}

bool json_is_valid(const char *text, size_t length)
{
    struct scan scan = {(const unsigned char *)text, (const unsigned char *)text + length, 0};
    if (!value(&scan))
        return false;
    blanks(&scan);
    return scan.at == scan.end;
}
