/* peer_words.c - cuts a line of a script into words, and takes them. See peer_words.h. */
#include "peer_words.h"
#include "peer_script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One character after a backslash. Returns how many of `in` it took, 0 when there is no such escape. */
static size_t undo_escape(const char *in, size_t left, char *out)
{
    static const char letters[] = "nrt0\"\\", meant[] = "\n\r\t\0\"\\";
    if (left == 0)
        return 0;
    if (in[0] == 'x') {
        if (left < 3 || hex_digit(in[1]) < 0 || hex_digit(in[2]) < 0)
            return 0;
        *out = (char)(hex_digit(in[1]) * 16 + hex_digit(in[2]));
        return 3;
    }
    const char *found = memchr(letters, in[0], sizeof letters - 1);
    if (found == NULL)
        return 0;
    *out = meant[found - letters];
    return 1;
}

/* Copies a quoted word, from after its quote. Returns what it took with the closing quote, 0 = a mistake. */
static size_t cut_quoted(struct peer_words *words, const char *in, size_t left, size_t *used)
{
    size_t i = 0;
    while (i < left && in[i] != '"') {
        char c = in[i++];
        if (c == '\\') {
            size_t took = undo_escape(in + i, left - i, &c);
            if (took == 0) {
                peer_complain(words, "no such escape: \\n \\r \\t \\0 \\xHH \\\" \\\\ are there");
                return 0;
            }
            i += took;
        }
        words->line[(*used)++] = c;
    }
    if (i == left) {
        peer_complain(words, "a quote is not closed");
        return 0;
    }
    return i + 1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool peer_words_cut(struct peer_words *words, const char *line, size_t length)
{
    words->count = words->next = 0;
    words->why[0] = '\0';
    if (length >= PEER_LINE_MAX / 2) /* each word may add a NUL, so half is always enough */
        return peer_complain(words, "the line is too long");
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        if (is_space(line[i])) {
            i++;
            continue;
        }
        if (line[i] == '#')
            break;
        if (words->count == PEER_WORDS_MAX)
            return peer_complain(words, "too many words");
        size_t start = used;
        bool quoted = line[i] == '"';
        if (quoted) {
            size_t took = cut_quoted(words, line + i + 1, length - i - 1, &used);
            if (took == 0)
                return false;
            i += 1 + took;
        } else {
            while (i < length && !is_space(line[i]))
                words->line[used++] = line[i++];
        }
        words->word[words->count].start = start;
        words->word[words->count].length = used - start;
        words->word[words->count++].quoted = quoted;
        words->line[used++] = '\0';
    }
    return true;
}

bool peer_at_end(const struct peer_words *words)
{
    return words->next == words->count;
}

static const char *next_word(const struct peer_words *words)
{
    return peer_at_end(words) ? "" : words->line + words->word[words->next].start;
}

bool peer_complain(struct peer_words *words, const char *why)
{
    char shown[40];
    if (words->why[0] != '\0')
        return false;
    if (words->count == 0 || peer_at_end(words))
        snprintf(words->why, sizeof words->why, "%s", why);
    else
        snprintf(words->why, sizeof words->why, "at %s: %s",
                 el_name_escape(next_word(words), shown, sizeof shown), why);
    return false;
}

bool peer_next_is(const struct peer_words *words, const char *word)
{
    return !peer_at_end(words) && !words->word[words->next].quoted &&
           strcmp(next_word(words), word) == 0;
}

bool peer_next_is_number(const struct peer_words *words)
{
    return isdigit((unsigned char)next_word(words)[0]);
}

bool peer_take(struct peer_words *words, const char *word)
{
    if (!peer_next_is(words, word))
        return false;
    words->next++;
    return true;
}

bool peer_take_name(struct peer_words *words, char *name)
{
    const char *word = next_word(words);
    size_t length =
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (length == 0 || word[length] != '\0' || length >= PEER_NAME_MAX ||
        !isalpha((unsigned char)word[0]))
        return peer_complain(words,
                             "a name is expected: a letter, then letters and digits, 15 at most");
    memcpy(name, word, length + 1);
    words->next++;
    return true;
}

bool peer_take_number(struct peer_words *words, size_t *number, size_t min, size_t max)
{
    const char *word = next_word(words);
    size_t value = 0, i = 0;
    for (; word[i] >= '0' && word[i] <= '9' && value <= max; i++)
        value = value * 10 + (size_t)(word[i] - '0');
    if (i == 0 || word[i] != '\0' || value < min || value > max) {
        char why[80];
        snprintf(why, sizeof why, "a number from %zu to %zu is expected", min, max);
        return peer_complain(words, why);
    }
    *number = value;
    words->next++;
    return true;
}

bool peer_take_ms(struct peer_words *words, long *ms)
{
    size_t value;
    if (!peer_take_number(words, &value, 0, PEER_MS_MAX))
        return false;
    *ms = (long)value;
    return true;
}

bool peer_take_address(struct peer_words *words, struct el_address *address)
{
    const char *word = next_word(words), *why = NULL;
    struct el_endpoint endpoint;
    char local[32];
    size_t digits = strspn(word, "0123456789");
    if (digits > 0 && digits < 6 && word[digits] == '\0') {
        snprintf(local, sizeof local, "127.0.0.1:%s", word);
        word = local;
    }
    if (peer_at_end(words) || el_endpoint_parse(word, 0, 0, &endpoint, &why) < 0)
        return peer_complain(words,
                             why != NULL ? why : "an address is expected: ADDR:PORT or PORT");
    if (endpoint.wildcard)
        *address = el_address_any(AF_INET, endpoint.port);
    else if (el_address_from_literal(endpoint.host, endpoint.port, address) < 0)
        return peer_complain(words,
                             "an address is expected in figures: 127.0.0.1:80, [::1]:80, 80");
    words->next++;
    return true;
}

static bool give(unsigned char **bytes, size_t *length, const void *data, size_t size)
{
    *bytes = malloc(size + 1);
    if (*bytes == NULL)
        return false;
    memcpy(*bytes, data, size);
    (*bytes)[size] = '\0';
    *length = size;
    return true;
}

bool peer_take_text(struct peer_words *words, unsigned char **bytes, size_t *length)
{
    if (peer_at_end(words))
        return peer_complain(words, "a text is expected: \"...\"");
    size_t size = words->word[words->next].length;
    if (!give(bytes, length, next_word(words), size))
        return peer_complain(words, "out of memory");
    words->next++;
    return true;
}

bool peer_take_hex(struct peer_words *words, unsigned char **bytes, size_t *length)
{
    const char *word = next_word(words);
    unsigned char raw[PEER_LINE_MAX / 2];
    size_t size = 0;
    while (hex_digit(word[0]) >= 0 && hex_digit(word[1]) >= 0) {
        raw[size++] = (unsigned char)(hex_digit(word[0]) * 16 + hex_digit(word[1]));
        word += 2;
    }
    if (*word != '\0' || size == 0)
        return peer_complain(words, "pairs of hexadecimal digits are expected: 00ff");
    if (!give(bytes, length, raw, size))
        return peer_complain(words, "out of memory");
    words->next++;
    return true;
}
