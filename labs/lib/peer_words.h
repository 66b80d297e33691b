/*
 * peer_words.h - one line of a script, cut into words; and the words taken from it one by one.
 *
 * Each peer_take_... takes the next word when it is what was asked for, and moves on. When it is not, it
 * stays, returns false, and has said why (the first complaint stands: it is the one nearest the mistake).
 */
#ifndef ECHOLAB_PEER_WORDS_H
#define ECHOLAB_PEER_WORDS_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>

enum { PEER_LINE_MAX = 4096, PEER_WORDS_MAX = 16 };

struct peer_words {
    struct {
        size_t start, length; /* in `line` */
        bool quoted;
    } word[PEER_WORDS_MAX];
    size_t count, next;
    char line[PEER_LINE_MAX]; /* the words, escapes undone, a NUL after each */
    char why[160];
};

/* Spaces and tabs separate; `#` begins a comment; "..." is one word, with \n \r \t \0 \xHH \" \\ in it. */
bool peer_words_cut(struct peer_words *words, const char *line, size_t length);

bool peer_at_end(const struct peer_words *words);
bool peer_next_is(const struct peer_words *words, const char *word);
bool peer_next_is_number(const struct peer_words *words);
bool peer_take(struct peer_words *words, const char *word); /* complains not: it is a question */
bool peer_take_name(struct peer_words *words, char *name);  /* into PEER_NAME_MAX bytes */
bool peer_take_number(struct peer_words *words, size_t *number, size_t min, size_t max);
bool peer_take_ms(struct peer_words *words, long *ms);
bool peer_take_address(struct peer_words *words,
                       struct el_address *address); /* PORT alone: 127.0.0.1 */
bool peer_take_text(struct peer_words *words, unsigned char **bytes, size_t *length);
bool peer_take_hex(struct peer_words *words, unsigned char **bytes, size_t *length);

/* Notes the complaint, with the word it is about; returns false. An earlier one stands. */
bool peer_complain(struct peer_words *words, const char *why);

#endif
