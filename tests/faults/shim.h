/* shim.h - what the parts of the fault shim share. The manual is the head of shim.c. */
#ifndef ECHOLAB_SHIM_H
#define ECHOLAB_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Every call that the shim stands in front of; their names and legal errors are in shim_rules.c, in this order. */
/* clang-format off */
enum shim_call {
    SHIM_READ, SHIM_READV, SHIM_RECV, SHIM_RECVFROM, SHIM_RECVMSG, SHIM_RECVMMSG,
    SHIM_WRITE, SHIM_WRITEV, SHIM_SEND, SHIM_SENDTO, SHIM_SENDMSG, SHIM_SENDMMSG,
    SHIM_POLL, SHIM_SELECT, SHIM_EPOLL_WAIT,
    SHIM_SOCKET, SHIM_ACCEPT, SHIM_CONNECT, SHIM_BIND, SHIM_LISTEN, SHIM_SHUTDOWN,
    SHIM_GETSOCKNAME, SHIM_GETPEERNAME, SHIM_GETSOCKOPT, SHIM_SETSOCKOPT,
    SHIM_OPEN, SHIM_FOPEN, SHIM_EVENTFD, SHIM_SIGNALFD, SHIM_TIMERFD, SHIM_EPOLL_CREATE, SHIM_EPOLL_CTL, SHIM_PIPE,
    SHIM_PTHREAD_CREATE, SHIM_ALLOC, SHIM_REALTIME,
    SHIM_CALLS,
};
/* clang-format on */

enum { SHIM_RULES_MAX = 32, SHIM_NAME_MAX = 16 };

/* When a rule comes true: at the `number`th call, at every so many, from one on, or in so many of a hundred. */
enum shim_when { SHIM_NTH, SHIM_EVERY, SHIM_FROM, SHIM_PERCENT };

struct shim_rule {
    uint64_t calls; /* mask of 1 << enum shim_call */
    int error;      /* errno; 0: a short read or write */
    enum shim_when when;
    uint64_t number;
    int64_t jump; /* ns, of `realtime` */
    bool back;    /* the jump goes there and back */
    _Atomic uint64_t count;
};

struct shim_plan {
    uint64_t seed;
    char program[SHIM_NAME_MAX]; /* "": any */
    char count_file[256];        /* "": nobody wants to know */
    size_t rule_count;
    struct shim_rule rules[SHIM_RULES_MAX];
};

/* What is to happen to one call. */
struct shim_fate {
    bool faulty;
    int error; /* errno; 0: short */
    uint64_t random;
};

/* Reads the rules. False: `why` (of `size` bytes) says which word is wrong and how. */
bool shim_parse(const char *text, struct shim_plan *plan, char *why, size_t size);
/* Counts one call, and says what the rules want of it. Safe in any thread and in a signal handler. */
struct shim_fate shim_decide(struct shim_plan *plan, enum shim_call call);
/* As shim_decide for the wall clock: ns to add to what it says, and what was added before. */
int64_t shim_jumped(struct shim_plan *plan);
/* 1 to length - 1, for a length above 1. */
size_t shim_shorten(struct shim_fate fate, size_t length);
const char *shim_call_name(enum shim_call call);

/* ---- between the parts that stand in front of the calls ------------------------------------------- */

/* One record of the count file, in the machine's byte order. After one for each call come two balances: "open"
 * (descriptors that were made and not closed) and "blocks" (of memory, allocated and not freed), each in `calls`. */
struct shim_count {
    char name[SHIM_NAME_MAX];
    _Atomic uint64_t calls;
    _Atomic uint64_t failed;
};
enum { SHIM_OPEN_NOW = SHIM_CALLS, SHIM_BLOCKS_NOW, SHIM_COUNTS };

extern struct shim_count *shim_counts;

/* A call begins: counted, and judged. No fault until the rules have been read, or in another program. */
struct shim_fate shim_begin(enum shim_call call);
/* The fault has been done to the call. */
void shim_hit(enum shim_call call);
/* Sets errno, counts the hit, returns -1. */
int shim_fail(enum shim_call call, int error);
/* The next definition of a function after ours: libc's, or a sanitizer's. */
void *shim_next(const char *name);
/* Descriptors that were made, and that are about to be closed. */
void shim_opened(int fd);
void shim_closing(int fd);
/* After a fault on a descriptor that is watched by edges: gives the edge that the kernel would. */
void shim_edge_again(int fd);
/* epoll_ctl(2) is about to be told this. */
struct epoll_event;
void shim_watched(int epoll, int operation, int fd, const struct epoll_event *event);
/* May this fault happen to this descriptor now, by the manual? Makes it true where that takes a deed (a reset). */
bool shim_legal(int fd, int error, int flags, bool output);
bool shim_may_be_short(int fd, bool output, size_t length);
/* Is it one whose calls wait (no O_NONBLOCK)? */
bool shim_waits(int fd);
/* ns that the wall clock is to be ahead at this reading. */
int64_t shim_wall_clock(void);

/* NEXT(recv)(…) calls it. */
#define NEXT(name)                                                                                 \
    __extension__({                                                                                \
        static _Atomic(void *) found_;                                                             \
        void *next_ = found_;                                                                      \
        if (next_ == NULL)                                                                         \
            found_ = next_ = shim_next(#name);                                                     \
        (__typeof__(&(name)))next_;                                                                \
    })

#endif
