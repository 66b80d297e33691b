/*
 * peer_run.h - what the parts of lab_peer share while a script runs: the ends, the time, the story.
 *
 * peer_run.c goes from step to step; peer_stream.c and peer_datagram.c do them; peer_wait.c knows when a
 * wait is over; peer_tell.c keeps the story. A function that returns bool returns false when the step went
 * otherwise than the script says, and has told that with peer_fail().
 */
#ifndef ECHOLAB_PEER_RUN_H
#define ECHOLAB_PEER_RUN_H

#include "deadline.h"
#include "peer_script.h"

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* A queue of bytes that grows. */
struct peer_bytes {
    unsigned char *data;
    size_t start, end, room; /* data[start] to data[end - 1] are in it */
};
bool peer_bytes_add(struct peer_bytes *bytes, const void *data, size_t size);
void peer_bytes_drop(struct peer_bytes *bytes, size_t size); /* from the front */
void peer_bytes_clear(struct peer_bytes *bytes);
static inline size_t peer_bytes_length(const struct peer_bytes *bytes)
{
    return bytes->end - bytes->start;
}

enum peer_kind { PEER_NO_SOCKET, PEER_STREAM, PEER_LISTENER, PEER_DATAGRAMS };

/* An end: what a name of the script stands for. */
struct peer_end {
    char name[PEER_NAME_MAX];
    enum peer_kind kind;
    int fd;
    struct el_address local, peer; /* of a stream */
    struct el_address to;          /* datagrams go there and answers are to come from there */
    struct el_address source;      /* whence the last one came */
    bool connected;                /* a UDP socket on which connect(2) was called */
    bool errors;                   /* IP_RECVERR is on */
    struct peer_bytes unechoed;    /* sent, and not yet come back */
    struct peer_bytes lengths;     /* of the datagrams in it, each a size_t */
    struct peer_bytes received;    /* by the last `receive`, `expect datagram` */
    size_t sent, got;              /* bytes in all */
};

enum peer_result {
    PEER_SILENCE,
    PEER_EOF,
    PEER_RST,
    PEER_CONN_REFUSED,
    PEER_HOST_UNREACHABLE,
    PEER_DIFFERS,
    PEER_EXTRA,
    PEER_SHORT,
    PEER_WRONG_SOURCE,
    PEER_TRUNCATED,
    PEER_TIMED_OUT,
    PEER_ERROR,
};

struct peer_run {
    struct peer_end **ends; /* owned */
    size_t end_count;
    const struct peer_step *step; /* the present one */
    el_duration deadline;         /* for whatever says no `within` */
    uint64_t seed, random;
    pid_t watched;     /* 0: nobody */
    bool spins;        /* the watched program only used a processor, and that ended the wait */
    const char *quiet; /* where the watched program sleeps, if that ended the wait; else NULL */
    bool unread;       /* ... although something of ours lies there, unread */
    bool asked;        /* ... and something had been sent to it */
    bool one_name;     /* the script knows one end only: the story need not say which */
    char **did;        /* owned; the story so far */
    size_t did_count;
    enum peer_result result; /* these are of a step that failed */
    char expected[256], observed[320];
    char got[128], want[128]; /* the first bytes that differ */
};

/* Runs the steps in order. true: all went as the script says. */
bool peer_run(struct peer_run *run, const struct peer_script *script);
void peer_run_free(struct peer_run *run);
struct peer_end *peer_end_find(struct peer_run *run,
                               const char *name); /* NULL: it fails the step */
void peer_end_close(struct peer_end *end);
void peer_random_fill(struct peer_run *run, unsigned char *data, size_t size);
/* What the step sends: its text, random bytes, or what was received. Owned by the caller; NULL = failed. */
unsigned char *peer_payload(struct peer_run *run, struct peer_end *end, size_t *size);

/* peer_tell.c: the story */
__attribute__((format(printf, 2, 3))) void peer_did(struct peer_run *run, const char *format, ...);
__attribute__((format(printf, 3, 4))) bool peer_fail(struct peer_run *run, enum peer_result result,
                                                     const char *observed, ...);
__attribute__((format(printf, 2, 3))) void peer_expected(struct peer_run *run, const char *format,
                                                         ...);
bool peer_fail_errno(struct peer_run *run, int error,
                     const char *what); /* the result that fits it */
__attribute__((format(printf, 2, 3))) void peer_fact(const struct peer_end *end, const char *format,
                                                     ...);
void peer_show_bytes(char *text, size_t size, const unsigned char *data, size_t length);
void peer_print_failure(const struct peer_run *run);
/* "nothing for 2 s", or where the watched program sleeps instead. Valid until the next call. */
const char *peer_nothing(const struct peer_run *run, el_time since);

/* peer_wait.c: the end of a wait */
struct peer_limit {
    el_time total;     /* nothing waits longer */
    el_duration pause; /* without any progress */
};
extern volatile sig_atomic_t peer_stopped; /* no wait goes on: set by a signal */
struct peer_limit peer_limit(const struct peer_run *run);
/* Until `events` (poll(2)) or an error is there: true. false: the time is up, or the watched sleeps. */
bool peer_wait(struct peer_run *run, const struct peer_end *end, short events,
               const struct peer_limit *limit);
/* peer_watch.c: the name of the system call in which PID sleeps; NULL when it works, or may still wake by
 * itself, or something of what `end` (may be NULL) sent is on its way; "gone". */
struct peer_watched {
    uint64_t switches; /* changes when it has run since the last look */
    bool unread;       /* it sleeps although something of ours lies in its receive queue */
};
const char *peer_watch(pid_t pid, const struct peer_end *end, struct peer_watched *seen);
/* What the process has used of processors, all threads together; 0 when it is gone. */
el_duration peer_processor_time(pid_t pid);
/* peer_ports.c: waits until PID itself listens on the port (UDP: is bound to it). false: it is gone, or
 * sleeps without it, or the time is up; the ports that it has are printed. */
bool peer_owns_port(pid_t pid, bool udp, unsigned port, el_duration limit);

/* A port that nobody has at this moment; 0 = none was found. */
unsigned peer_free_port(bool udp);
/* Waits until PID sleeps, with all that it has to do done; prints where. false: it is gone, or works on. */
bool peer_is_settled(pid_t pid, el_duration limit);

/* peer_stream.c, peer_datagram.c: the steps. `end` is of the right kind. */
bool peer_stream_connect(struct peer_run *run, struct peer_end *end);
bool peer_stream_listen(struct peer_run *run, struct peer_end *end);
bool peer_stream_accept(struct peer_run *run, struct peer_end *end, struct peer_end *listener);
bool peer_stream_send(struct peer_run *run, struct peer_end *end);
bool peer_stream_exchange(struct peer_run *run, struct peer_end *end);
bool peer_stream_push(struct peer_run *run, struct peer_end *end);
bool peer_stream_expect(struct peer_run *run, struct peer_end *end);
bool peer_stream_receive(struct peer_run *run, struct peer_end *end);
bool peer_datagram_open(struct peer_run *run, struct peer_end *end);
bool peer_datagram_connect(struct peer_run *run, struct peer_end *end);
bool peer_datagram_forget(struct peer_run *run, struct peer_end *end);
bool peer_datagram_errors(struct peer_run *run, struct peer_end *end);
bool peer_datagram_send(struct peer_run *run, struct peer_end *end);
bool peer_datagram_expect(struct peer_run *run, struct peer_end *end);
bool peer_datagram_receive(struct peer_run *run, struct peer_end *end);

#endif
