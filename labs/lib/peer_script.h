/*
 * peer_script.h - the small language of lab_peer: one line, one step. (lab_peer.c lists its words.)
 *
 * The parser is pure: text in, steps or one complaint out; no socket, no clock, no name is looked up. So
 * it is tested, and can be fuzzed, without a network. What a step does is in peer_run.c.
 */
#ifndef ECHOLAB_PEER_SCRIPT_H
#define ECHOLAB_PEER_SCRIPT_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PEER_NAME_MAX = 16,                 /* of an end's name, with its NUL */
    PEER_BYTES_MAX = 256 * 1024 * 1024, /* the most that one step sends or waits for */
    PEER_MS_MAX = 600 * 1000,
    PEER_STEPS_MAX = 20000,
};

enum peer_verb {
    PEER_CONNECT, /* tcp; or connect(2) on an end that `udp` made */
    PEER_LISTEN,
    PEER_ACCEPT,
    PEER_UDP,
    PEER_TO,
    PEER_FORGET,
    PEER_ERRORS,
    PEER_SEND,
    PEER_EXCHANGE,
    PEER_PUSH,
    PEER_EXPECT,
    PEER_RECEIVE,
    PEER_SHUTDOWN,
    PEER_CLOSE,
    PEER_RESET,
    PEER_WAIT, /* the last two have no name before them */
    PEER_SAY,
};

/* What is sent: random bytes, bytes that the script gives, or what an end received last. */
enum peer_data { PEER_RANDOM, PEER_TEXT, PEER_HEX, PEER_RECEIVED };

enum peer_wanted {
    PEER_WANT_NOTHING, /* of connect: that it succeeds */
    PEER_WANT_ECHO,
    PEER_WANT_TEXT,  /* these bytes */
    PEER_WANT_COUNT, /* so many bytes, whatever they are */
    PEER_WANT_LINE,
    PEER_WANT_DATAGRAM,
    PEER_WANT_EOF,
    PEER_WANT_RESET,
    PEER_WANT_END, /* either of the two */
    PEER_WANT_SILENCE,
    PEER_WANT_REFUSED,
    PEER_WANT_UNREACHABLE,
    PEER_WANT_TIMEOUT,
};

struct peer_step {
    unsigned line; /* in the script, from 1 */
    enum peer_verb verb;
    char name[PEER_NAME_MAX];
    char other[PEER_NAME_MAX]; /* accept: the listener; send received: whose; "" = none */
    struct el_address address; /* length 0: none was given */
    struct el_address from;
    enum peer_data data;
    enum peer_wanted wanted;
    unsigned char *bytes; /* owned; what `text` or `hex` gave, a NUL after it */
    size_t length;        /* of bytes; or how many random ones, or how many are wanted */
    size_t chunk;         /* dribble: so many bytes ... */
    long every;           /* ... each so many ms; 0 = all at once */
    long within;          /* ms; -1 = the program's --deadline */
    int backlog;
};

struct peer_script {
    struct peer_step *steps;
    size_t count;
    unsigned bad_line; /* 0: the script is good */
    char why[160];     /* what is wrong with that line, and what would be right */
};

/* Reads `length` bytes of script. true: *script holds its steps; false: bad_line and why. Free either. */
bool peer_script_parse(const char *text, size_t length, struct peer_script *script);
void peer_script_free(struct peer_script *script);

const char *peer_verb_name(enum peer_verb verb);

#endif
