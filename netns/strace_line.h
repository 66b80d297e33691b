/*
 * strace_line.h - one line of strace(1) output, read without trusting it.
 *
 * Understood is what `strace -f -q -yy -T --absolute-timestamps=format:unix,precision:ns` writes: the
 * thread, the wall clock at entry, the call, its arguments, its result, how long it took. A call that
 * another thread's line interrupted comes as two lines, which strace_join puts together again.
 * Texts point into the line that was parsed: nothing is copied, nothing is owned.
 * Read next: strace_line.c, then strace_socket.c.
 */
#ifndef ECHOLAB_STRACE_LINE_H
#define ECHOLAB_STRACE_LINE_H

#include "address.h"
#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    STRACE_NAME = 24,   /* holds the longest name of a call that we trace, and ERRNO names */
    STRACE_LINE = 8192, /* longer lines are not ours: -s 24 keeps strings short */
};

/* A part of a line; not ended by a NUL. */
struct strace_text {
    const char *at;
    size_t length;
};

enum strace_kind {
    STRACE_CALL,       /* whole: entered and returned, or detached from before it did */
    STRACE_UNFINISHED, /* entered; its end comes in a line of its own */
    STRACE_RESUMED,    /* that line */
    STRACE_SIGNAL,     /* --- SIGCHLD {...} --- */
    STRACE_EXITED,     /* +++ exited with 0 +++ */
    STRACE_KILLED,     /* +++ killed by SIGKILL +++ */
};

struct strace_line {
    enum strace_kind kind;
    int pid;    /* of the thread */
    el_time at; /* nanoseconds of wall clock at which the line was begun: the entry of a call */
    char name[STRACE_NAME]; /* of the call, or of the signal */
    struct strace_text arguments;
    bool returned; /* `result` is there; false for "= ?" and for a call that strace detached from */
    int64_t result;          /* -1 with `error` set */
    char error[STRACE_NAME]; /* "EINPROGRESS", "" */
    struct strace_text
        result_text;  /* with its decoding: "16<TCP:[...]>", "3 (in [0 5], out [5])" */
    el_duration took; /* between entry and return as strace saw them; -1 = unknown */
    int status;       /* of an exit */
};

/*
 * Parses one line (with or without its newline). 0; -EBADMSG: not a line of strace, or cut short.
 * `*parsed` points into `line`.
 */
int strace_parse(const char *line, struct strace_line *parsed);

/*
 * The two halves of an interrupted call as the one line that strace would have written. 0; -EBADMSG:
 * these are not two halves of one call; -ENOBUFS: `size` is too small.
 */
int strace_join(const char *unfinished, const char *resumed, char *line, size_t size);

/* The n-th argument, from 0, without blanks around it; length 0 when there is none. */
struct strace_text strace_argument(struct strace_text arguments, unsigned n);

/* What stands behind `name` up to the next comma or bracket of that level: "events=EPOLLIN" has
 * "EPOLLIN" behind "events=". Length 0: not there. */
struct strace_text strace_field(struct strace_text text, const char *name);

/* The number at the beginning of a text ("7<TCP:...>" is 7), or -1. */
int64_t strace_number(struct strace_text text);

bool strace_contains(struct strace_text text, const char *part);

/* A descriptor as -yy writes it. */
struct strace_socket {
    int fd;
    int protocol;                    /* IPPROTO_TCP, IPPROTO_UDP; 0: not such a socket */
    unsigned long inode;             /* of a socket without addresses, else 0 */
    struct el_address local, remote; /* length 0 where unknown; v4-mapped ones as IPv4 */
};

/* True when the text is a descriptor; `protocol` tells whether it is a TCP or UDP socket. */
bool strace_socket(struct strace_text text, struct strace_socket *socket);

/* The first {sa_family=AF_INET...} in a text. False when there is none. */
bool strace_sockaddr(struct strace_text text, struct el_address *address);

#endif
