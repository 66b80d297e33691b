/*
 * strace_line.c - splits a line of strace into what it says.
 *
 * Teaches:  how to find the end of something that nests. An argument may hold strings with escaped
 *           quotes, structures in braces, lists in brackets, and a descriptor's name in angles, which
 *           may itself have "->" in it. One scanner (`skip_nested`) knows all that, and everything
 *           else asks it. A line may be cut anywhere: strace was killed, the disk was full.
 * Partner:  strace_line.h; timeline_calls.c makes calls of the lines.
 * Leaves out: -r, -t, -ttt, -i and other layouts; they are refused, not guessed at.
 * Source:   strace(1), and strace 6.1's own output.
 */
#include "strace_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char unfinished_mark[] = " <unfinished ...>";
static const char resumed_mark[] = " resumed>";

/* ---- nesting --------------------------------------------------------------------------------- */

/* Behind the string that begins at `at`, or `end` when it does not end. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : end;
}

/*
 * Behind the "<...>" that begins at `at`: 7</dev/urandom<char 1:9>> nests, and the arrow of
 * <TCP:[a->b]> is no end.
 */
static const char *skip_angles(const char *at, const char *end)
{
    unsigned depth = 0;
    for (; at < end; at++) {
        depth += *at == '<';
        if (*at == '>' && at[-1] != '-' && --depth == 0)
            return at + 1;
    }
    return end;
}

/*
 * Goes on from `at` to the first character of `stop` that is on the same level, and returns where it
 * is; `end` when there is none. [#nesting]
 */
static const char *skip_nested(const char *at, const char *end, const char *stop)
{
    const char *begin = at;
    unsigned depth = 0;
    while (at < end) {
        if (depth == 0 && strchr(stop, *at) != NULL)
            return at;
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        /* Only behind a number or a name ("AT_FDCWD<...>") is it a descriptor's name. */
        if (*at == '<' && at > begin && isalnum((unsigned char)at[-1]) && at + 1 < end &&
            at[1] != '<') {
            at = skip_angles(at, end);
            continue;
        }
        if (strchr("([{", *at) != NULL)
            depth++;
        else if (strchr(")]}", *at) != NULL && depth > 0)
            depth--;
        at++;
    }
    return end;
}

static struct strace_text trimmed(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    while (end > at && end[-1] == ' ')
        end--;
    return (struct strace_text){at, (size_t)(end - at)};
}

struct strace_text strace_argument(struct strace_text arguments, unsigned n)
{
    const char *at = arguments.at, *end = at + arguments.length;
    while (at < end) {
        const char *stop = skip_nested(at, end, ",");
        if (n-- == 0)
            return trimmed(at, stop);
        at = stop < end ? stop + 1 : end;
    }
    return (struct strace_text){end, 0};
}

struct strace_text strace_field(struct strace_text text, const char *name)
{
    const char *found = memmem(text.at, text.length, name, strlen(name));
    const char *end = text.at + text.length;
    if (found == NULL)
        return (struct strace_text){end, 0};
    found += strlen(name);
    return trimmed(found, skip_nested(found, end, ",)]}"));
}

bool strace_contains(struct strace_text text, const char *part)
{
    return memmem(text.at, text.length, part, strlen(part)) != NULL;
}

int64_t strace_number(struct strace_text text)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < text.length && isdigit((unsigned char)text.at[i]); i++) {
        if (value > (INT64_MAX - 9) / 10)
            return -1;
        value = value * 10 + (text.at[i] - '0');
    }
    return i > 0 ? value : -1;
}

/* ---- the parts of a line --------------------------------------------------------------------- */

/* Reads digits up to `max`; -1 when there are none. */
static int64_t take_number(const char **at, const char *end, int64_t max)
{
    struct strace_text text = {*at, (size_t)(end - *at)};
    int64_t value = strace_number(text);
    while (*at < end && isdigit((unsigned char)**at))
        (*at)++;
    return value <= max ? value : -1;
}

static bool take_word(const char **at, const char *end, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(end - *at) < length || memcmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

/* A name of letters, digits and '_' into `name`. False when there is none, or it is too long. */
static bool take_name(const char **at, const char *end, char name[static STRACE_NAME])
{
    size_t length = 0;
    while (*at < end && (isalnum((unsigned char)**at) || **at == '_') && length < STRACE_NAME - 1)
        name[length++] = *(*at)++;
    name[length] = '\0';
    return length > 0 && length < STRACE_NAME - 1;
}

/* "0.000267" or "1795831960.059635951" as nanoseconds; -1: no such number, or beyond 2116. */
static el_time take_seconds(const char **at, const char *end)
{
    int64_t seconds = take_number(at, end, INT64_MAX / 2 / EL_S - 1);
    if (seconds < 0 || !take_word(at, end, "."))
        return -1;
    el_time value = seconds * EL_S, unit = EL_S;
    for (; *at < end && isdigit((unsigned char)**at); (*at)++) {
        unit /= 10;
        value += (**at - '0') * unit;
    }
    return unit == EL_S ? -1 : value;
}

/* " = RESULT <0.000123>", behind the arguments. */
static int parse_result(const char *at, const char *end, struct strace_line *parsed)
{
    while (at < end && *at == ' ')
        at++;
    if (!take_word(&at, end, "="))
        return -EBADMSG;
    const char *stop = end;
    if (stop > at && stop[-1] == '>') { /* the last "<" opens the time it took: it has no name */
        const char *took = memrchr(at, '<', (size_t)(stop - at));
        const char *digits = took == NULL ? stop : took + 1;
        el_time length = take_seconds(&digits, stop);
        if (length >= 0 && digits == stop - 1) {
            parsed->took = length;
            stop = took;
        }
    }
    parsed->result_text = trimmed(at, stop);
    at = parsed->result_text.at;
    stop = at + parsed->result_text.length;
    if (at == stop)
        return -EBADMSG;
    if (take_word(&at, stop, "?"))
        return 0; /* it never came back: exit, a signal, a restart */
    if (take_word(&at, stop, "-1 ")) {
        if (!take_name(&at, stop, parsed->error))
            return -EBADMSG;
        parsed->result = -1;
    } else {
        parsed->result = take_number(&at, stop, INT64_MAX);
        if (parsed->result < 0)
            return -EBADMSG;
    }
    parsed->returned = true;
    return 0;
}

/* From the arguments on: "7, ...) = 0 <0.1>", "7, ... <unfinished ...>", "7,  <detached ...>". */
static int parse_rest(const char *at, const char *end, struct strace_line *parsed)
{
    static const char detached[] = " <detached ...>";
    size_t mark = sizeof unfinished_mark - 1;
    if ((size_t)(end - at) >= mark && memcmp(end - mark, unfinished_mark, mark) == 0) {
        parsed->kind = STRACE_UNFINISHED;
        parsed->arguments = trimmed(at, end - mark);
        return 0;
    }
    mark = sizeof detached - 1;
    if ((size_t)(end - at) >= mark && memcmp(end - mark, detached, mark) == 0) {
        parsed->arguments = trimmed(at, end - mark);
        return 0;
    }
    const char *close = skip_nested(at, end, ")");
    if (close == end)
        return -EBADMSG;
    parsed->arguments = trimmed(at, close);
    return parse_result(close + 1, end, parsed);
}

/* "--- SIGCHLD {...} ---"; a stop is none: it changes nothing that we show. */
static int parse_signal(const char *at, const char *end, struct strace_line *parsed)
{
    parsed->kind = STRACE_SIGNAL;
    return take_name(&at, end, parsed->name) && strncmp(parsed->name, "SIG", 3) == 0 ? 0 : -EBADMSG;
}

/* "+++ exited with 0 +++", "+++ killed by SIGKILL (core dumped) +++" */
static int parse_end(const char *at, const char *end, struct strace_line *parsed)
{
    if (take_word(&at, end, "exited with ")) {
        int64_t status = take_number(&at, end, INT_MAX);
        parsed->kind = STRACE_EXITED;
        parsed->status = (int)status;
        return status < 0 ? -EBADMSG : 0;
    }
    parsed->kind = STRACE_KILLED;
    return take_word(&at, end, "killed by ") && take_name(&at, end, parsed->name) ? 0 : -EBADMSG;
}

int strace_parse(const char *line, struct strace_line *parsed)
{
    const char *at = line, *end = line + strcspn(line, "\n");
    *parsed = (struct strace_line){.kind = STRACE_CALL, .took = -1};
    parsed->arguments = parsed->result_text = (struct strace_text){end, 0}; /* a signal has none */
    int64_t pid = take_number(&at, end, INT_MAX);
    if (pid < 0 || !take_word(&at, end, " "))
        return -EBADMSG;
    parsed->pid = (int)pid;
    while (at < end && *at == ' ')
        at++;
    parsed->at = take_seconds(&at, end);
    if (parsed->at < 0 || !take_word(&at, end, " "))
        return -EBADMSG;
    if (take_word(&at, end, "--- "))
        return parse_signal(at, end, parsed);
    if (take_word(&at, end, "+++ "))
        return parse_end(at, end, parsed);
    bool resumed = take_word(&at, end, "<... ");
    if (!take_name(&at, end, parsed->name))
        return -EBADMSG;
    if (!take_word(&at, end, resumed ? resumed_mark : "("))
        return -EBADMSG;
    int result = parse_rest(at, end, parsed);
    if (resumed && result == 0)
        parsed->kind = STRACE_RESUMED;
    return result;
}

int strace_join(const char *unfinished, const char *resumed, char *line, size_t size)
{
    struct strace_line first, second;
    if (strace_parse(unfinished, &first) < 0 || strace_parse(resumed, &second) < 0 ||
        first.kind != STRACE_UNFINISHED || second.kind != STRACE_RESUMED ||
        first.pid != second.pid || strcmp(first.name, second.name) != 0)
        return -EBADMSG;
    const char *rest = strstr(resumed, resumed_mark) + sizeof resumed_mark - 1;
    int head = (int)(first.arguments.at + first.arguments.length - unfinished);
    int length = snprintf(line, size, "%.*s%s%.*s", head, unfinished,
                          head > 0 && unfinished[head - 1] == ',' ? " " : "",
                          (int)strcspn(rest, "\n"), rest);
    return length < 0 || (size_t)length >= size ? -ENOBUFS : 0;
}
