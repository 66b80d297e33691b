/*
 * standard_io.h - standard input and output on the event loop, without ever blocking it.
 *
 * They are shared with other processes (the shell, the rest of the pipe), so they must not be made
 * non-blocking: O_NONBLOCK belongs to the open file, not to our descriptor, and the shell would
 * find its terminal changed. Instead: read once, and only when the kernel says readable; write at
 * most what a pipe takes without waiting. [#not-ours-to-unblock]
 */
#ifndef ECHOLAB_STANDARD_IO_H
#define ECHOLAB_STANDARD_IO_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* Call it before anything is created: fills what is closed of the descriptors 0 to 2 with
 * /dev/null, so that no socket gets their number. -EBADF: stdout was closed, so nobody can be told
 * anything; else 0, or -errno of open(2). */
int el_standard_fill(void);

struct el_input; /* opaque */

/* Reads `fd`, or, if `text` is not NULL, gives that text instead. `ready` is called from the loop
 * after el_input_want. NULL: out of memory. */
struct el_input *el_input_new(struct event_base *base, int fd, const char *text,
                              void (*ready)(void *arg), void *arg);
void el_input_free(struct el_input *input);

/* Up to `size` bytes: > 0 that many, 0 the end, -EAGAIN nothing now (ready will be called), else
 * -errno. */
ssize_t el_input_read(struct el_input *input, void *data, size_t size);
/* Have `ready` called once, when there may be something to read: soon for a file, which is always
 * ready. 0, or -ENOMEM: it will not be called. */
int el_input_want(struct el_input *input);

struct el_output; /* opaque */

/* Writes to `fd`. `drained` is called from the loop when an output that was full has room again, or
 * failed. NULL: out of memory. */
struct el_output *el_output_new(struct event_base *base, int fd, void (*drained)(void *arg),
                                void *arg);
void el_output_free(struct el_output *output); /* what is still queued is lost */

/* Queues and writes what goes at once. 0, or -errno of a write that failed, now or earlier. Takes
 * all of it: ask _full before. -ENOBUFS: nobody asked, and megabytes are queued. */
int el_output_write(struct el_output *output, const void *data, size_t size);
bool el_output_full(const struct el_output *output);  /* stop feeding it until `drained` */
bool el_output_empty(const struct el_output *output); /* everything reached the kernel */
int el_output_error(const struct el_output *output);

/* A stdio stream into the output, for text: what is flushed is queued, and never waits for the
 * reader. Close it (fclose) before the output is freed. NULL: out of memory. */
FILE *el_output_file(struct el_output *output);

#endif
