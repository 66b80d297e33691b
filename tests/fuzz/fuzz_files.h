/*
 * fuzz_files.h - a directory for the harnesses of what reads or writes files.
 *
 * It lies in TMPDIR, which tests/fuzz/run puts into memory (/dev/shm), since it is filled and emptied some thousand times a second, and goes
 * with the process. What a crash leaves behind, tests/fuzz/run and replay.t take away with their TMPDIR.
 */
#ifndef ECHOLAB_FUZZ_FILES_H
#define ECHOLAB_FUZZ_FILES_H

#include <stddef.h>

/* The directory, made when it is first asked for. */
const char *fuzz_directory(void);

/* Writes a file there. */
void fuzz_write(const char *name, const void *bytes, size_t length);

/* All files below, in the order of their names, as one text: "PATH\nCONTENT". The caller frees it. */
char *fuzz_gather(const char *directory, size_t *length);

/* Removes what is in the directory, but not itself. */
void fuzz_empty(const char *directory);

#endif
