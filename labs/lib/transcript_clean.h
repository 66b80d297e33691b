/*
 * transcript_clean.h - what a shell that is no person's has printed, as a person's would have.
 *
 * Pure. Partner: transcript_shell.c, which runs the commands.
 */
#ifndef ECHOLAB_TRANSCRIPT_CLEAN_H
#define ECHOLAB_TRANSCRIPT_CLEAN_H

#include <stddef.h>

/*
 * A copy of `text` (ended by a NUL) as lines, without news of jobs (`[1]+ Done`, `SCRIPT: line 3: 12 Killed`)
 * and without what a server's sandbox says of itself (`server: sandbox: …`, which differs by user). An
 * error of bash's, `SCRIPT: line 3: …`, becomes `bash: …`, as an interactive one has it; `script` is longer than
 * "bash". One block, for the caller to free; NULL: out of memory.
 */
char **transcript_clean_lines(const char *text, size_t length, const char *script, size_t *count);

#endif
