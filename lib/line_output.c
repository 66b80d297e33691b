/*
 * line_output.c - writes without waiting to what others made to wait.
 *
 * Teaches:  O_NONBLOCK belongs to the open file, not to the descriptor, and the open file is shared with whoever
 *           started us. Opening /proc/self/fd/N makes a new open file of the same pipe or terminal, which is ours alone.
 * Partner:  line_output.h; trace_file.c writes stderr with it, service_report.c a server's stdout.
 * Leaves out: a disk that hangs. A regular file is always "writable", and no flag changes that (open(2)).
 */
#include "line_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct el_line_output el_line_output(int fd)
{
    struct el_line_output output = {.fd = fd, .own = -1};
    struct stat what;
    char path[40];
    if (fstat(fd, &what) < 0)
        return output; /* each write will say why */
    output.socket = S_ISSOCK(what.st_mode);
    /* Files are left alone: opened again they would have an offset of their own and overwrite what others write. */
    if (S_ISFIFO(what.st_mode) || isatty(fd)) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        output.own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    return output;
}

/* False when the deadline comes first. An error counts as room: write(2) will tell which it is. */
static bool wait_for_room(const struct el_line_output *output, el_time deadline)
{
    struct pollfd asked = {.fd = output->fd, .events = POLLOUT};
    el_duration left = el_time_left(deadline, el_now());
    return left > 0 && poll(&asked, 1, el_poll_ms(left)) != 0;
}

/*
 * One write(2) that does not wait. Without an open file of our own (EACCES: another user's pipe; no /proc) poll(2) is
 * asked first: then a pipe takes PIPE_BUF bytes at once (pipe(7)), unless another writer is faster.
 */
static ssize_t write_some(const struct el_line_output *output, const char *text, size_t length)
{
    if (output->socket)
        return send(output->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (output->own >= 0)
        return write(output->own, text, length);
    struct pollfd asked = {.fd = output->fd, .events = POLLOUT};
    if (poll(&asked, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(output->fd, text, length < PIPE_BUF ? length : PIPE_BUF);
}

/* How much was written, in *done; 0 or -errno. */
static int write_until(const struct el_line_output *output, const char *text, size_t length,
                       el_time deadline, size_t *done)
{
    *done = 0;
    while (*done < length) {
        ssize_t wrote = write_some(output, text + *done, length - *done);
        if (wrote > 0)
            *done += (size_t)wrote;
        else if (wrote == 0)
            return -EIO;
        else if (errno == EAGAIN && !wait_for_room(output, deadline))
            return -EAGAIN;
        else if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return 0;
}

int el_line_output_write(struct el_line_output *output, const char *text, size_t length,
                         el_duration patience)
{
    el_time deadline = el_time_after(el_now(), patience);
    size_t done;
    int error = output->torn ? write_until(output, "\n", 1, deadline, &done) : 0;
    if (error < 0)
        return error;
    error = write_until(output, text, length, deadline, &done);
    output->torn = error < 0 && done > 0;
    return error;
}

void el_line_output_close(struct el_line_output *output)
{
    if (output->own >= 0)
        close(output->own);
    output->own = -1;
}
