/*
 * shim.c - stands between a program and libc, and lets chosen calls fail as the kernel might.
 *
 * Teaches:  interposition. The dynamic linker takes the first definition of a name that it finds, and a library in
 *           LD_PRELOAD comes before libc: so the program's call of recv arrives here. dlsym(RTLD_NEXT, "recv") finds the
 *           definition after ours, and that is called when the fault, if any, has been done. What to know about it:
 *           - Only calls by name are seen. libc calls itself by local names: the write(2) inside fprintf, the open(2)
 *             inside fopen and the raw system calls of io_uring pass by unseen. But its malloc(3) is called by name, also
 *             from inside.
 *           - With _FORTIFY_SOURCE a recv into a buffer of known size is compiled as __recv_chk: such names are stood in
 *             front of too.
 *           - dlsym may allocate, so that our calloc, on its first call, would wait for itself: shim_alloc.c has a few
 *             pages for that.
 *           - A sanitizer stands there too. We come first (ASAN_OPTIONS=verify_asan_link_order=0), and our next is its malloc.
 *           - A program that is statically linked, or gains privileges by its file, is not reached at all.
 * Run:      LD_PRELOAD=$PWD/build/plain/shim.so ECHOLAB_SHIM="program=tcp_echo seed=7 recv:short=30% send:EINTR=every:3" \
 *               build/bin/tcp_echo 127.0.0.1
 * The language of ECHOLAB_SHIM, words with blanks between them; a bad one ends the process with exit code 125:
 *           seed=N             of everything that is drawn by lot (default 1)
 *           program=NAME       only the program of that name; its parents and children are let be
 *           count=FILE         how often each call was made and failed, and how many descriptors and blocks of memory are
 *                              left; tests/faults/counts prints it. The file is mapped, so it is right at every moment,
 *                              whatever way the process ends. A child by fork(2) counts there too, an exec(3) begins anew.
 *           CALL:FATE=WHEN     CALL is a name of shim_rules.c's table or one of the groups input, output and wait; FATE an
 *                              errno that the manual page of the call has, or `short`; WHEN is nth:N, every:N, from:N or N%
 *           alloc:fail=WHEN    malloc, calloc, realloc and their kin, counted together
 *           realtime:jump=+1h@WHEN   the wall clock jumps, -1h backwards, +-1h there and back; the monotonic one never does
 * The rule of the house: never what the kernel could not do. [#legal] So datagrams are not shortened; EAGAIN comes only
 *           where the descriptor does not block; regular files never fail; no write of PIPE_BUF bytes or less to a pipe
 *           is torn; a broken connection is broken indeed (the peer gets its reset); a refused allocation of the kernel
 *           (ENOMEM) leaves all as it was. After a fault on a descriptor that is watched by edges (EPOLLET) the edge is
 *           given again, as the kernel would when "more" comes. EINTR comes to no call with MSG_DONTWAIT; on a descriptor
 *           with O_NONBLOCK the manual pages allow it, though Linux says it only where a call sleeps.
 * Same seed and same calls: same fates. With several threads the calls of all are counted together, in the order in which
 * they happen.
 * Leaves out: io_uring, mmap(2), getrandom(2), and faults of files and of DNS that the tests make by real means.
 * Next:     shim_rules.c decides, shim_calls.c has the calls that make descriptors and the clocks, shim_alloc.c memory.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct shim_plan plan;
static struct shim_count in_memory[SHIM_COUNTS];
struct shim_count *shim_counts = in_memory;
static bool active; /* the rules have been read, and they are for this program */

/* ---- the beginning -------------------------------------------------------------------------------- */

__attribute__((noreturn)) static void refuse(const char *object, const char *why)
{
    char line[600];
    int length = snprintf(line, sizeof line, "shim: %s: %s\n", object, why);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        _exit(125);
    _exit(125);
}

static void map_counts(void)
{
    int fd = open(plan.count_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof in_memory) < 0)
        refuse(plan.count_file, strerror(errno));
    void *map = mmap(NULL, sizeof in_memory, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        refuse(plan.count_file, strerror(errno));
    close(fd);
    shim_counts = map;
    for (int call = 0; call < SHIM_CALLS; call++)
        memcpy(shim_counts[call].name, shim_call_name(call), strlen(shim_call_name(call)));
    memcpy(shim_counts[SHIM_OPEN_NOW].name, "open_now", 8);
    memcpy(shim_counts[SHIM_BLOCKS_NOW].name, "blocks_now", 10);
}

/* Before main, and after libc has found out the program's name. */
__attribute__((constructor)) static void read_rules(void)
{
    char why[400];
    const char *rules = getenv("ECHOLAB_SHIM");
    if (rules == NULL)
        return;
    if (!shim_parse(rules, &plan, why, sizeof why))
        refuse("ECHOLAB_SHIM", why);
    if (plan.program[0] != '\0' && strcmp(plan.program, program_invocation_short_name) != 0)
        return;
    if (plan.count_file[0] != '\0')
        map_counts();
    active = true;
}

void *shim_next(const char *name)
{
    void *next = dlsym(RTLD_NEXT, name);
    if (next == NULL)
        refuse(name, "not found behind the shim");
    return next;
}

struct shim_fate shim_begin(enum shim_call call)
{
    if (!active)
        return (struct shim_fate){0};
    shim_counts[call].calls++;
    return shim_decide(&plan, call);
}

void shim_hit(enum shim_call call)
{
    shim_counts[call].failed++;
}

int shim_fail(enum shim_call call, int error)
{
    shim_hit(call);
    errno = error;
    return -1;
}

int64_t shim_wall_clock(void)
{
    if (!active)
        return 0;
    shim_counts[SHIM_REALTIME].calls++;
    int64_t jumped = shim_jumped(&plan);
    if (jumped != 0)
        shim_hit(SHIM_REALTIME);
    return jumped;
}

/* ---- input and output ----------------------------------------------------------------------------- */

/* A call that is to fail does so, if it may. With `short` the caller goes on. */
static bool fails(enum shim_call call, struct shim_fate fate, int fd, int flags)
{
    if (!fate.faulty || fate.error == 0 || !shim_legal(fd, fate.error, flags, call >= SHIM_WRITE))
        return false;
    shim_fail(call, fate.error);
    shim_edge_again(fd);
    return true;
}

/* The number of bytes that a call asks for: fewer, if it is to be short and may be. */
static size_t bytes(enum shim_call call, struct shim_fate fate, int fd, size_t length, int flags)
{
    bool output = call >= SHIM_WRITE;
    if (!fate.faulty || fate.error != 0 || length < 2 || (flags & (MSG_WAITALL | MSG_ERRQUEUE)) ||
        !shim_may_be_short(fd, output, length))
        return length;
    shim_hit(call);
    return shim_shorten(fate, length);
}

/* The end of a call that was to be short. What it returned goes through. */
static ssize_t done(struct shim_fate fate, int fd, ssize_t result)
{
    int saved = errno;
    if (fate.faulty)
        shim_edge_again(fd);
    errno = saved;
    return result;
}

enum { VECTOR_MAX = 64 };
struct vector {
    struct iovec part[VECTOR_MAX];
    int count;
};

/* The same for a vector of buffers. True: `cut` is to be used in its place. */
static bool cut_vector(enum shim_call call, struct shim_fate fate, int fd, const struct iovec *from,
                       size_t count, int flags, struct vector *cut)
{
    size_t length = 0;
    if (!fate.faulty || count > VECTOR_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        length += from[i].iov_len;
    size_t left = bytes(call, fate, fd, length, flags);
    if (left == length)
        return false;
    for (cut->count = 0; left > 0; cut->count++) {
        struct iovec *part = &cut->part[cut->count];
        *part = from[cut->count];
        if (part->iov_len > left)
            part->iov_len = left;
        left -= part->iov_len;
    }
    return true;
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's headers call all of them __fd, __buf ...
#define BUFFER_CALL(call, name, buffer, parameters, flags, ...)                                    \
    ssize_t name parameters                                                                        \
    {                                                                                              \
        struct shim_fate fate = shim_begin(call);                                                  \
        if (fails(call, fate, fd, flags))                                                          \
            return -1;                                                                             \
        length = bytes(call, fate, fd, length, flags);                                             \
        return done(fate, fd, NEXT(name)(fd, buffer, length, ##__VA_ARGS__));                      \
    }

BUFFER_CALL(SHIM_READ, read, buffer, (int fd, void *buffer, size_t length), 0)
BUFFER_CALL(SHIM_WRITE, write, buffer, (int fd, const void *buffer, size_t length), 0)
BUFFER_CALL(SHIM_RECV, recv, buffer, (int fd, void *buffer, size_t length, int flags), flags, flags)
BUFFER_CALL(SHIM_SEND, send, buffer, (int fd, const void *buffer, size_t length, int flags), flags,
            flags)
BUFFER_CALL(SHIM_RECVFROM, recvfrom, buffer,
            (int fd, void *restrict buffer, size_t length, int flags, __SOCKADDR_ARG from,
             socklen_t *restrict size),
            flags, flags, from, size)
BUFFER_CALL(SHIM_SENDTO, sendto, buffer,
            (int fd, const void *buffer, size_t length, int flags, __CONST_SOCKADDR_ARG to,
             socklen_t size),
            flags, flags, to, size)

/* What the fortified names do besides, checking the buffer's size, is left to those who compiled it. */
ssize_t __read_chk(int fd, void *buffer, size_t length, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t length, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t length, size_t room, int flags,
                       __SOCKADDR_ARG from, socklen_t *size);
ssize_t __read_chk(int fd, void *buffer, size_t length, size_t room)
{
    return length > room ? NEXT(__read_chk)(fd, buffer, length, room) : read(fd, buffer, length);
}
ssize_t __recv_chk(int fd, void *buffer, size_t length, size_t room, int flags)
{
    return length > room ? NEXT(__recv_chk)(fd, buffer, length, room, flags)
                         : recv(fd, buffer, length, flags);
}
ssize_t __recvfrom_chk(int fd, void *buffer, size_t length, size_t room, int flags,
                       __SOCKADDR_ARG from, socklen_t *size)
{
    return length > room ? NEXT(__recvfrom_chk)(fd, buffer, length, room, flags, from, size)
                         : recvfrom(fd, buffer, length, flags, from, size);
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    struct vector cut;
    struct shim_fate fate = shim_begin(SHIM_READV);
    if (fails(SHIM_READV, fate, fd, 0))
        return -1;
    if (cut_vector(SHIM_READV, fate, fd, parts, (size_t)count, 0, &cut))
        return done(fate, fd, NEXT(readv)(fd, cut.part, cut.count));
    return NEXT(readv)(fd, parts, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    struct vector cut;
    struct shim_fate fate = shim_begin(SHIM_WRITEV);
    if (fails(SHIM_WRITEV, fate, fd, 0))
        return -1;
    if (cut_vector(SHIM_WRITEV, fate, fd, parts, (size_t)count, 0, &cut))
        return done(fate, fd, NEXT(writev)(fd, cut.part, cut.count));
    return NEXT(writev)(fd, parts, count);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct vector cut;
    struct shim_fate fate = shim_begin(SHIM_RECVMSG);
    if (fails(SHIM_RECVMSG, fate, fd, flags))
        return -1;
    struct iovec *parts = message->msg_iov;
    size_t count = message->msg_iovlen;
    if (cut_vector(SHIM_RECVMSG, fate, fd, parts, count, flags, &cut)) {
        message->msg_iov = cut.part;
        message->msg_iovlen = (size_t)cut.count;
    }
    ssize_t got = NEXT(recvmsg)(fd, message, flags);
    message->msg_iov = parts;
    message->msg_iovlen = count;
    return done(fate, fd, got);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct vector cut;
    struct msghdr copy = *message;
    struct shim_fate fate = shim_begin(SHIM_SENDMSG);
    if (fails(SHIM_SENDMSG, fate, fd, flags))
        return -1;
    if (cut_vector(SHIM_SENDMSG, fate, fd, copy.msg_iov, copy.msg_iovlen, flags, &cut)) {
        copy.msg_iov = cut.part;
        copy.msg_iovlen = (size_t)cut.count;
    }
    return done(fate, fd, NEXT(sendmsg)(fd, &copy, flags));
}

/* Several messages: short is fewer of them, and each one whole. */
static unsigned messages(enum shim_call call, struct shim_fate fate, unsigned count)
{
    if (!fate.faulty || fate.error != 0 || count < 2)
        return count;
    shim_hit(call);
    return (unsigned)shim_shorten(fate, count);
}

int recvmmsg(int fd, struct mmsghdr *vector, unsigned count, int flags, struct timespec *limit)
{
    struct shim_fate fate = shim_begin(SHIM_RECVMMSG);
    if (fails(SHIM_RECVMMSG, fate, fd, flags))
        return -1;
    count = messages(SHIM_RECVMMSG, fate, count);
    return (int)done(fate, fd, NEXT(recvmmsg)(fd, vector, count, flags, limit));
}

int sendmmsg(int fd, struct mmsghdr *vector, unsigned count, int flags)
{
    struct shim_fate fate = shim_begin(SHIM_SENDMMSG);
    if (fails(SHIM_SENDMMSG, fate, fd, flags))
        return -1;
    count = messages(SHIM_SENDMMSG, fate, count);
    return (int)done(fate, fd, NEXT(sendmmsg)(fd, vector, count, flags));
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
