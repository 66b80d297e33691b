/* transcript_token.c - see transcript_token.h. Each recogniser says how long its token is at a place of a line, or 0. */
#include "transcript_token.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    FIRST_PICKED_PORT = 32768,
    LAST_PORT = 65535
}; /* net.ipv4.ip_local_port_range begins there */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Does line[0..at) end with this word, as a word of its own? */
static bool after(const char *line, size_t at, const char *word)
{
    size_t length = strlen(word);
    return at >= length && strncasecmp(line + at - length, word, length) == 0 &&
           (at == length || !is_word(word[0]) || !is_word(line[at - length - 1]));
}

/* No letter or digit before, none after, and no fraction: the number is whole. */
static bool stands_alone(const char *line, size_t at, size_t length)
{
    const char *end = line + at + length;
    return length > 0 && (at == 0 || !(is_word(line[at - 1]) || line[at - 1] == '.')) &&
           !is_word(*end) && !(*end == '.' && isdigit((unsigned char)end[1]));
}

/* 12 or 12.345; *decimals: how many. */
static size_t number(const char *text, size_t *decimals)
{
    size_t length = digits(text);
    *decimals = 0;
    if (length > 0 && text[length] == '.' && (*decimals = digits(text + length + 1)) > 0)
        length += 1 + *decimals;
    return length;
}

/* 11:59, 11:59:03, 11:59:03.123456 */
static size_t clock_length(const char *text)
{
    if (digits(text) != 2 || text[2] != ':' || digits(text + 3) != 2 || atoi(text) > 23 ||
        atoi(text + 3) > 59)
        return 0;
    if (text[5] != ':' || digits(text + 6) != 2)
        return 5;
    size_t fraction = text[8] == '.' ? digits(text + 9) : 0;
    return fraction > 0 ? 9 + fraction : 8;
}

/* ms in `0.249 ms`, with the space. */
static size_t unit_length(const char *text)
{
    static const char *const units[] = {"ns", "us", "µs", "ms", "s", "min", NULL};
    size_t space = *text == ' ';
    for (const char *const *unit = units; *unit != NULL; unit++) {
        size_t length = strlen(*unit);
        if (strncmp(text + space, *unit, length) == 0 && !is_word(text[space + length]))
            return space + length;
    }
    return 0;
}

static bool begins_line(const char *line, size_t at)
{
    while (at > 0 && line[at - 1] == ' ')
        at--;
    return at == 0;
}

static size_t time_length(const char *line, size_t at)
{
    size_t decimals, length = clock_length(line + at);
    if (length > 0 && line[at + length] != ':' && (at == 0 || line[at - 1] != ':') &&
        stands_alone(line, at, length))
        return length;
    if (at > 0 && (is_word(line[at - 1]) || line[at - 1] == '.'))
        return 0;
    length = number(line + at, &decimals);
    if (length == 0)
        return 0;
    size_t unit = unit_length(line + at + length);
    if (unit > 0)
        return length + unit;
    if (!stands_alone(line, at, length))
        return 0;
    bool of_strace = decimals == 6 && at > 0 && line[at - 1] == '<' && line[at + length] == '>';
    bool clock =
        (decimals == 3 || decimals == 6) && line[at + length] == ' ' && begins_line(line, at);
    return of_strace || clock ? length : 0;
}

static size_t port_length(const char *line, size_t at)
{
    size_t length = digits(line + at);
    if (length != 5 || !stands_alone(line, at, length))
        return 0;
    int port = atoi(line + at);
    if (port < FIRST_PICKED_PORT || port > LAST_PORT)
        return 0;
    return after(line, at, ":") || after(line, at, "port ") || after(line, at, "port=") ||
                   after(line, at, "htons(")
               ? length
               : 0;
}

static size_t hex_port_length(const char *line, size_t at)
{
    static const char hex[] = "0123456789ABCDEF";
    if (at < 9 || line[at - 1] != ':' || strspn(line + at, hex) != 4 || is_word(line[at + 4]))
        return 0;
    for (size_t i = at - 9; i < at - 1; i++)
        if (strchr(hex, line[i]) == NULL)
            return 0;
    return strtoul(line + at, NULL, 16) >= FIRST_PICKED_PORT ? 4 : 0;
}

static size_t pid_length(const char *line, size_t at)
{
    size_t length = digits(line + at);
    if (!stands_alone(line, at, length))
        return 0;
    if (after(line, at, "/proc/"))
        return length;
    while (at > 0 && (line[at - 1] == ' ' || line[at - 1] == '\t'))
        at--;
    return after(line, at, "pid") || after(line, at, "pid=") || after(line, at, "pid:") ? length
                                                                                        : 0;
}

static size_t inode_length(const char *line, size_t at)
{
    static const char *const before[] = {
        "socket:[", "pipe:[", "ino:", "ino=", "inode=", "inode ", NULL};
    size_t length = digits(line + at);
    for (const char *const *word = before; length > 0 && *word != NULL; word++)
        if (after(line, at, *word) && !is_word(line[at + length]))
            return length;
    return 0;
}

/* A lab's world, as `lab up` names it: lab08-1a2b. */
static size_t lab_world_length(const char *name)
{
    if (strncmp(name, "lab", 3) != 0 || digits(name + 3) != 2 || name[5] != '-')
        return 0;
    size_t suffix = strspn(name + 6, "0123456789abcdefghijklmnopqrstuvwxyz");
    return suffix > 0 && !is_word(name[6 + suffix]) ? 6 + suffix : 0;
}

/* A world that nobody named: `w` and four hexadecimal digits. One of them at least is a digit, or it may be a word. */
static size_t world_length(const char *line, size_t at)
{
    const char *name = line + at;
    if (lab_world_length(name) > 0 && (at == 0 || !is_word(line[at - 1])))
        return lab_world_length(name);
    if (name[0] != 'w' || strspn(name + 1, "0123456789abcdef") != 4 || is_word(name[5]) ||
        (at > 0 && is_word(line[at - 1])))
        return 0;
    return strcspn(name + 1, "0123456789") < 4 || after(line, at, "world ") ? 5 : 0;
}

static size_t mode_length(const char *text)
{
    return strncmp(text, "(rootless)", 10) == 0 ? 10 : strncmp(text, "(root)", 6) == 0 ? 6 : 0;
}

/*
 * The lines down a timeline are thick while a call is in the kernel. Whether the SYN-ACK still finds connect(2)
 * there is a matter of microseconds. Elsewhere (a diagram's frame) each is only itself.
 */
static size_t bar_length(const char *line, size_t at)
{
    static const char thin[] = "│", thick[] = "┃";
    size_t decimals, indent = strspn(line, " "), clock = number(line + indent, &decimals);
    if (decimals != 3 || indent + clock >= at || line[indent + clock] != ' ')
        return 0;
    return strncmp(line + at, thin, strlen(thin)) == 0 ||
                   strncmp(line + at, thick, strlen(thick)) == 0
               ? strlen(thin)
               : 0;
}

/* -1,234.5 */
static size_t any_number(const char *line, size_t at)
{
    size_t sign = line[at] == '-', length = strspn(line + at + sign, "0123456789,.");
    while (length > 0 && !isdigit((unsigned char)line[at + sign + length - 1]))
        length--; /* a comma or a point at the end is the sentence's */
    if (length == 0 || !isdigit((unsigned char)line[at + sign]))
        return 0;
    return !is_word(line[at + sign + length]) && (at == 0 || !is_word(line[at - 1])) ? sign + length
                                                                                     : 0;
}

static size_t any_hex(const char *line, size_t at)
{
    size_t prefix = strncmp(line + at, "0x", 2) == 0 ? 2 : 0;
    size_t length = strspn(line + at + prefix, "0123456789abcdefABCDEF");
    return length > 0 && !is_word(line[at + prefix + length]) ? prefix + length : 0;
}

static size_t any_time(const char *line, size_t at)
{
    size_t decimals, length = time_length(line, at);
    return length > 0 ? length : number(line + at, &decimals);
}

size_t transcript_token_length(enum transcript_token token, const char *line, size_t at)
{
    size_t length;
    switch (token) {
    case TOKEN_TIME:
        return time_length(line, at);
    case TOKEN_PORT:
        return port_length(line, at);
    case TOKEN_HEX_PORT:
        return hex_port_length(line, at);
    case TOKEN_PID:
        return pid_length(line, at);
    case TOKEN_INODE:
        return inode_length(line, at);
    case TOKEN_WORLD:
        return world_length(line, at);
    case TOKEN_MODE:
        return mode_length(line + at);
    case TOKEN_BAR:
        return bar_length(line, at);
    case TOKEN_ANY_PORT:
        length = digits(line + at);
        return length > 0 && length <= 5 && atoi(line + at) <= LAST_PORT ? length : 0;
    case TOKEN_ANY_PID:
        return digits(line + at);
    case TOKEN_ANY_NUMBER:
        return any_number(line, at);
    case TOKEN_ANY_TIME:
        return any_time(line, at);
    case TOKEN_ANY_HEX:
        return any_hex(line, at);
    case TOKEN_NONE:
    case TOKEN_ANY_WORD:
    case TOKEN_ANY_TEXT:
        break;
    }
    return 0;
}

enum transcript_token transcript_token_at(const char *line, size_t at, size_t *length)
{
    for (enum transcript_token token = TOKEN_TIME; token < TOKEN_FOUND_END; token++)
        if ((*length = transcript_token_length(token, line, at)) > 0)
            return token;
    return TOKEN_NONE;
}

enum transcript_token transcript_placeholder_at(const char *text, size_t *length)
{
    static const struct {
        const char *name;
        enum transcript_token token;
    } known[] = {{"{PORT}", TOKEN_ANY_PORT}, {"{PID}", TOKEN_ANY_PID}, {"{N}", TOKEN_ANY_NUMBER},
                 {"{TIME}", TOKEN_ANY_TIME}, {"{HEX}", TOKEN_ANY_HEX}, {"{WORD}", TOKEN_ANY_WORD},
                 {"{ANY}", TOKEN_ANY_TEXT}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        *length = strlen(known[i].name);
        if (strncmp(text, known[i].name, *length) == 0)
            return known[i].token;
    }
    return TOKEN_NONE;
}
