/*
 * transcript_shell.h - one bash that is given a command at a time, and everything that it starts.
 *
 * Its commands come by a named pipe, not by stdin, so that they read nothing of it: their stdin is
 * /dev/null. What they write, to stdout or stderr, comes by one pipe in the order of writing. After
 * each command bash itself writes a mark there, with a nonce that no program can guess and the exit
 * code. [#mark-with-nonce] No terminal anywhere. One shell at a time per process.
 */
#ifndef ECHOLAB_TRANSCRIPT_SHELL_H
#define ECHOLAB_TRANSCRIPT_SHELL_H

#include "deadline.h"

#include <stddef.h>
#include <sys/types.h>

enum transcript_end {
    SHELL_DONE,        /* the command has ended */
    SHELL_TIME_UP,     /* it has not */
    SHELL_GONE,        /* bash itself has ended (`exit`) */
    SHELL_FLOOD,       /* OUTPUT_BYTES_MAX of output */
    SHELL_INTERRUPTED, /* we were sent SIGINT, SIGTERM or SIGHUP: see `signal` */
    SHELL_ERROR,       /* errno */
};

struct transcript_shell {
    pid_t pid;
    int commands, output, signals; /* -1 where there is none */
    char nonce[40], script[256];   /* the mark; the path of the named pipe */
    char *text;                    /* what the last command has written so far, ended by a NUL */
    size_t length, size;
    int status; /* the last command's exit code */
    int signal;
};

/* 0, or -errno; transcript_shell_stop() either way. Makes this process a subreaper and takes its
 * SIGCHLD, SIGINT, SIGTERM and SIGHUP. */
int transcript_shell_start(struct transcript_shell *shell);

/* Forgets the text so far, runs `command` until it ends. */
enum transcript_end transcript_shell_run(struct transcript_shell *shell, const char *command,
                                         el_duration limit);

/* Waits until `until` for one more piece of output from what runs in the background. SHELL_DONE: some
 * came. */
enum transcript_end transcript_shell_more(struct transcript_shell *shell, el_time until);

/* The text as transcript_clean_lines() has it: the caller frees it. */
char **transcript_shell_lines(const struct transcript_shell *shell, size_t *count);

/* Ends everything that was started and waits for it. */
void transcript_shell_stop(struct transcript_shell *shell);

#endif
