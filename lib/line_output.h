/*
 * line_output.h - whole lines to a descriptor that is shared with others, and that perhaps nobody reads.
 *
 * A pipe whose reader has stopped takes 64 KiB, and then write(2) waits: for ever. A server must not wait with it.
 * Nor may it make stdout or stderr non-blocking, for they are the shell's too (standard_io.h). So a line is written when
 * there is room for it, after a wait that has an end, or not at all; then the caller counts it.
 */
#ifndef ECHOLAB_LINE_OUTPUT_H
#define ECHOLAB_LINE_OUTPUT_H

#include "deadline.h"

#include <stdbool.h>
#include <stddef.h>

struct el_line_output {
    int fd;      /* borrowed */
    int own;     /* the same pipe or terminal, opened again without waiting; -1: that cannot be */
    bool socket; /* fd is one: each call can say that it will not wait */
    bool torn;   /* the last line is there in part: a newline must end it */
};

/* Call it before privileges are dropped: the other user may not be allowed to open the pipe again. Cannot fail. */
struct el_line_output el_line_output(int fd);

/*
 * Writes `text`, which ends with a newline, waiting `patience` at most. 0; -EAGAIN: there was no room, and the line is not, or
 * not all, there; else -errno of write(2). SIGPIPE should be ignored.
 */
int el_line_output_write(struct el_line_output *output, const char *text, size_t length,
                         el_duration patience);

void el_line_output_close(struct el_line_output *output); /* leaves `fd` open */

#endif
