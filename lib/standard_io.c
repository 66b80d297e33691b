/*
 * standard_io.c - reading stdin and writing stdout beside sockets.
 *
 * Teaches:  two things that surprise on an event loop. A regular file cannot be watched:
 *           epoll_ctl(2) answers EPERM, because a file is always "ready" (and may still make
 *           read(2) wait for the disk). And readiness is about the *next* call only.
 * Partner:  lib/client.c. Leaves out: another process that reads the same pipe may take what we
 *           were told of, and our read then waits; nobody but us reads the stdin of a client that
 *           was asked for --stdin.
 */
#include "standard_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "socket.h"

enum {
    OUTPUT_HIGH = 256 * 1024,      /* queued bytes at which el_output is full */
    OUTPUT_MAX = 16 * 1024 * 1024, /* and at which it takes no more, whoever writes on */
};

/*
 * A program may be started with 0, 1 or 2 closed, and the next socket then gets that number: what
 * is printed would go to the server. Another descriptor must not be put there either: a diagnostic
 * would be written into the user's input. [#missing-descriptors]
 */
int el_standard_fill(void)
{
    /* stdin write-only and stdout read-only, so that using them is still the error it should be */
    static const int modes[] = {
        [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
    bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", modes[fd]) < 0) /* the lowest that is free */
            return -errno;
    return closed ? -EBADF : 0;
}

/* Can the loop wait for this descriptor? Asked of a scratch epoll, since libevent would warn on
 * stderr. */
static bool can_wait(int fd)
{
    int probe = epoll_create1(EPOLL_CLOEXEC);
    if (probe < 0)
        return false;
    struct epoll_event event = {.events = EPOLLIN};
    bool yes = epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) == 0;
    el_socket_close(probe);
    return yes;
}

struct el_input {
    int fd;
    const char *text; /* instead of fd: what is left of it */
    struct event *event;
    bool waits; /* the loop can wait for fd */
    void (*ready)(void *arg);
    void *arg;
};

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_input *input = arg;
    input->ready(input->arg); /* may free input */
}

struct el_input *el_input_new(struct event_base *base, int fd, const char *text,
                              void (*ready)(void *arg), void *arg)
{
    struct el_input *input = calloc(1, sizeof *input);
    if (input == NULL)
        return NULL;
    *input = (struct el_input){.fd = fd, .text = text, .ready = ready, .arg = arg};
    input->waits = text == NULL && can_wait(fd);
    input->event = event_new(base, input->waits ? fd : -1, input->waits ? EV_READ : 0, on_input,
                             input); /* fd -1: only event_active runs it */
    if (input->event == NULL) {
        free(input);
        return NULL;
    }
    return input;
}

void el_input_free(struct el_input *input)
{
    if (input == NULL)
        return;
    event_free(input->event);
    free(input);
}

ssize_t el_input_read(struct el_input *input, void *data, size_t size)
{
    if (input->text != NULL) {
        size_t length = strnlen(input->text, size);
        memcpy(data, input->text, length);
        input->text += length;
        return (ssize_t)length;
    }
    /* Never read without asking: the descriptor blocks. POLLHUP without POLLIN is the end of a
     * pipe: read says 0. EINTR, ENOMEM: nobody knows, so that is no yes either. */
    struct pollfd asked = {.fd = input->fd, .events = POLLIN};
    if (input->waits && poll(&asked, 1, 0) <= 0)
        return -EAGAIN;
    ssize_t got = read(input->fd, data, size);
    if (got < 0 && errno == EINTR)
        return -EAGAIN;
    return got < 0 ? -errno : got;
}

int el_input_want(struct el_input *input)
{
    if (input->waits)
        return event_add(input->event, NULL) < 0 ? -ENOMEM : 0;
    event_active(input->event, EV_READ,
                 0); /* at the next turn of the loop, after other events had theirs */
    return 0;
}

struct el_output {
    int fd;
    unsigned char *data; /* queued: data[start..end) */
    size_t start, end, room;
    bool waits, was_full;
    int error; /* -errno; sticky */
    struct event *event;
    void (*drained)(void *arg);
    void *arg;
};

/*
 * Writes until the queue is empty or the descriptor would make us wait. A pipe that poll(2) calls
 * writable takes PIPE_BUF bytes whole (pipe(7)); more might block. A regular file takes anything.
 */
static void flush(struct el_output *output)
{
    while (output->error == 0 && output->start < output->end) {
        size_t piece = output->end - output->start;
        if (output->waits) {
            struct pollfd asked = {.fd = output->fd, .events = POLLOUT};
            if (poll(&asked, 1, 0) <= 0) /* as in el_input_read */
                break;
            piece = piece < PIPE_BUF ? piece : PIPE_BUF;
        }
        ssize_t wrote = write(output->fd, output->data + output->start, piece);
        if (wrote > 0)
            output->start += (size_t)wrote;
        else if (wrote < 0 &&
                 (errno == EAGAIN || errno == EINTR)) /* EAGAIN: someone else unblocked it */
            break;
        else
            output->error = wrote < 0 ? -errno : -EIO;
    }
    if (output->start == output->end)
        output->start = output->end = 0;
    else if (output->error == 0 && output->waits)
        output->error = event_add(output->event, NULL) < 0 ? -ENOMEM : 0;
    else if (output->error == 0)
        event_active(output->event, EV_WRITE, 0);
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct el_output *output = arg;
    flush(output);
    if (output->error != 0 || output->start == output->end) {
        output->was_full = false;
        output->drained(output->arg); /* may free output */
    }
}

struct el_output *el_output_new(struct event_base *base, int fd, void (*drained)(void *arg),
                                void *arg)
{
    struct el_output *output = calloc(1, sizeof *output);
    if (output == NULL)
        return NULL;
    *output = (struct el_output){.fd = fd, .drained = drained, .arg = arg};
    output->waits = can_wait(fd);
    output->event =
        event_new(base, output->waits ? fd : -1, output->waits ? EV_WRITE : 0, on_output, output);
    if (output->event == NULL) {
        free(output);
        return NULL;
    }
    return output;
}

void el_output_free(struct el_output *output)
{
    if (output == NULL)
        return;
    event_free(output->event);
    free(output->data);
    free(output);
}

/* Room for `size` more bytes behind the queued ones. */
static int make_room(struct el_output *output, size_t size)
{
    size_t queued = output->end - output->start;
    if (size > OUTPUT_MAX - queued)
        return -ENOBUFS;
    if (output->start > 0)
        memmove(output->data, output->data + output->start, queued);
    output->start = 0;
    output->end = queued;
    if (output->room - queued >= size)
        return 0;
    unsigned char *bigger = realloc(output->data, queued + size);
    if (bigger == NULL)
        return -ENOMEM;
    output->data = bigger;
    output->room = queued + size;
    return 0;
}

int el_output_write(struct el_output *output, const void *data, size_t size)
{
    if (output->error != 0 || size == 0)
        return output->error;
    output->error = make_room(output, size);
    if (output->error != 0)
        return output->error;
    memcpy(output->data + output->end, data, size);
    output->end += size;
    flush(output);
    output->was_full = output->end - output->start >= OUTPUT_HIGH;
    return output->error;
}

bool el_output_full(const struct el_output *output)
{
    return output->was_full;
}

bool el_output_empty(const struct el_output *output)
{
    return output->start == output->end;
}

int el_output_error(const struct el_output *output)
{
    return output->error;
}

/* As fopencookie(3) wants it: how many bytes were taken, 0 with errno for an error. */
static ssize_t write_cookie(void *cookie, const char *data, size_t size)
{
    int error = el_output_write(cookie, data, size);
    errno = -error;
    return error == 0 ? (ssize_t)size : 0;
}

FILE *el_output_file(struct el_output *output)
{
    return fopencookie(output, "w", (cookie_io_functions_t){.write = write_cookie});
}
