/*
 * transcript_token.h - what varies from run to run, recognised in a line of output.
 *
 * A token is known by its shape and by what stands before it: `:40123` is a port that the kernel
 * picked, 40123 alone is a number that somebody meant. When in doubt it is no token: then a text that
 * drifts is told, rather than a lie passed. Partner: transcript_match.c.
 */
#ifndef ECHOLAB_TRANSCRIPT_TOKEN_H
#define ECHOLAB_TRANSCRIPT_TOKEN_H

#include <stddef.h>

enum transcript_token {
    TOKEN_NONE,
    /* recognised by themselves */
    TOKEN_TIME, /* 0.249 ms, 685us, 1.5 s, 12:30:05, strace's <0.000012>, a clock at a line's begin */
    TOKEN_PORT,     /* after `:`, `port `, `htons(`: 32768 to 65535 */
    TOKEN_HEX_PORT, /* 0100007F:9C40 in /proc/net */
    TOKEN_PID,      /* after `pid`, `pid=`, /proc/ */
    TOKEN_INODE,    /* socket:[1234], ino:1234 */
    TOKEN_WORLD,    /* w69d9, lab08-1a2b */
    TOKEN_MODE,     /* (rootless), (root) */
    TOKEN_BAR,      /* in a row of `net why`: thick while a call is in the kernel */
    TOKEN_FOUND_END,
    /* only where the text has the placeholder */
    TOKEN_ANY_PORT = TOKEN_FOUND_END,
    TOKEN_ANY_PID,
    TOKEN_ANY_NUMBER,
    TOKEN_ANY_TIME,
    TOKEN_ANY_HEX,
    TOKEN_ANY_WORD, /* as many characters as you like, at least one */
    TOKEN_ANY_TEXT, /* as many as you like */
};

/* How many bytes at line[at] are a token of this kind: 0 if none are. Not for the last two. */
size_t transcript_token_length(enum transcript_token token, const char *line, size_t at);

/* The token that begins at line[at], with its length; TOKEN_NONE if none does. */
enum transcript_token transcript_token_at(const char *line, size_t at, size_t *length);

/* The placeholder that begins there ({PORT}), with its length; TOKEN_NONE if none does. */
enum transcript_token transcript_placeholder_at(const char *text, size_t *length);

#endif
