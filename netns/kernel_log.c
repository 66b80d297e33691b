/*
 * kernel_log.c - the kernel's ring buffer of messages, read without missing that one was missed.
 *
 * Teaches:  /dev/kmsg is a file of records: each open descriptor has its own place in the ring, and
 *           each read(2) gives one record (a buffer that is too small is EINVAL). A reader that the
 *           writers have overtaken gets EPIPE once and goes on with the oldest record there is; how
 *           many it has lost is told by the sequence numbers. [#one-read-one-record]
 * Source:   the kernel's Documentation/ABI/testing/dev-kmsg.
 * Partner:  lib/packet_kmsg.c takes a record apart; packet_show.c picks the lines of a world.
 */
#include "kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 16384 }; /* a record of the kernel's has less than 9000 bytes, its lines included */

struct kernel_log {
    int fd;
    bool any;
    uint64_t next, lost; /* the number that the next record should have */
    size_t used;         /* bytes in the buffer that are still to be given */
    char buffer[BUFFER];
};

struct kernel_log *kernel_log_open(const char *path, bool from_end)
{
    struct kernel_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    /* SEEK_END: behind the last record there is now. */
    if (log->fd < 0 || (from_end && lseek(log->fd, 0, SEEK_END) < 0)) {
        int saved = errno;
        kernel_log_close(log);
        errno = saved;
        return NULL;
    }
    return log;
}

void kernel_log_close(struct kernel_log *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log);
}

int kernel_log_fd(const struct kernel_log *log)
{
    return log->fd;
}

uint64_t kernel_log_lost(const struct kernel_log *log)
{
    return log->lost;
}

/* More into the buffer. 1, 0 = nothing now, or -errno. */
static int fill(struct kernel_log *log)
{
    for (;;) {
        ssize_t got = read(log->fd, log->buffer + log->used, sizeof log->buffer - 1 - log->used);
        if (got >= 0) {
            log->used += (size_t)got;
            return got > 0;
        }
        if (errno == EAGAIN)
            return 0;
        /* EPIPE: overtaken; the next read has the oldest record, and its number tells the rest. */
        if (errno != EINTR && errno != EPIPE)
            return -errno;
    }
}

/* One line out of the buffer into `line` (of BUFFER bytes). As fill. */
static int take_line(struct kernel_log *log, char *line)
{
    char *end;
    while ((end = memchr(log->buffer, '\n', log->used)) == NULL) {
        if (log->used == sizeof log->buffer - 1) {
            log->used = 0; /* no record is that long: this is no kernel log */
            return -EBADMSG;
        }
        int got = fill(log);
        if (got <= 0)
            return got;
    }
    size_t length = (size_t)(end - log->buffer);
    memcpy(line, log->buffer, length);
    line[length] = '\0';
    log->used -= length + 1;
    memmove(log->buffer, end + 1, log->used);
    return 1;
}

int kernel_log_next(struct kernel_log *log, struct el_kmsg *record)
{
    char line[BUFFER];
    int got;
    do {
        got = take_line(log, line);
        if (got <= 0)
            return got;
    } while (el_kmsg_parse(line, record) < 0); /* " KEY=VALUE", which belongs to the one before */
    if (log->any && record->sequence > log->next)
        log->lost += record->sequence - log->next;
    log->any = true;
    log->next = record->sequence + 1;
    return 1;
}
