/*
 * client.h - the life of a client: options, signals, deadlines, dial, pace, report, exit code.
 *
 * The twin of service.h. A client program says how one probe is sent and how an echo is recognised:
 * the lesson. What every client must do alike is here: when to send, what each probe's fate does to
 * the run, when the run ends and with which exit code.
 *
 * The run in one picture: dial → probes (send … settle, again and again) → close → summary → exit
 * Read next: clients/udp_echo.c, then clients/tcp_echo.c.
 */
#ifndef ECHOLAB_CLIENT_H
#define ECHOLAB_CLIENT_H

#include "datagram.h"
#include "dialer.h"
#include "options.h"
#include "probe.h"
#include "standard_io.h"
#include "witness.h"

#include <event2/event.h>

/* What all clients take; programs embed it first in their own options struct. Of durations, 0 means
 * none only where it is said. */
struct el_client_options {
    uint64_t count; /* 0 = until `total` */
    el_duration interval;
    uint64_t size;
    const char *message;
    bool use_stdin;
    el_duration read_timeout, write_timeout, connect_timeout;
    el_duration total; /* 0 = no limit */
    bool only_v4, only_v6;
    const char *interface;
    struct el_address source;
    uint64_t ttl, tos;
    bool dont_fragment;
    struct el_endpoint_list dns_servers;
    el_duration dns_timeout;
    uint64_t dns_tries;
    el_duration attempt_delay;
    bool connect_only;
    bool explain, json, csv, quiet;
};
extern const struct el_option el_client_option_table[]; /* chain it as `more` */

/* Of what several apply, the first: 2, 6, 7, 28, 1, 0. */
enum {
    EL_EXIT_OK,
    EL_EXIT_LOST,
    EL_EXIT_LOCAL,
    EL_EXIT_NAME = 6,
    EL_EXIT_CONNECT = 7,
    EL_EXIT_DEADLINE = 28
};
#define EL_CLIENT_EXITS                                                                            \
    "Exit: 0 every probe was echoed intact; 1 some were lost, late or wrong; 2 usage or local "    \
    "error; 6 name not resolved; 7 not connected; 28 nothing was answered by its deadline.\n"

struct el_client; /* opaque */

/* How a client program is plugged in. Each call comes from the loop; none may free the client. */
struct el_client_plan {
    const struct el_program *program;
    struct el_client_options *options; /* the table fills them; the program's own begin so */
    const char *proto;                 /* "tcp" or "udp" */
    int type;                          /* SOCK_STREAM or SOCK_DGRAM */
    /* UDP: if set, no connect(2), and no IP_RECVERR: ICMP errors stay unheard. NULL: connect. */
    const bool *unconnected;
    bool stream; /* with --message or --stdin all of the input is one probe */
    void *arg;   /* passed to each of these: */

    /* What is wrong with the options together, as a sentence; NULL: nothing. May be NULL itself. */
    const char *(*check)(void *arg);

    /* Connected (or, unconnected, ready to send): `fd` is the program's from now on. 0, or -errno:
     * `close` is called, with what could be made, and the run ends. */
    int (*open)(void *arg, struct el_client *client, int fd, const struct el_dial_result *dial);
    /* Send probe `seq`. Then, sooner or later: el_client_sent, and el_client_written when the
     * kernel has all of it. */
    void (*send)(void *arg, uint64_t seq);
    /* --stdin: there may be input now; stdout has room again. */
    void (*resume)(void *arg);
    /* EL_WRITE: --write-timeout passed since el_client_write_blocked. EL_READ: of a stream nothing
     * came back for --read-timeout. */
    void (*late)(void *arg, enum el_operation operation);
    /* A probe was lost to its deadline: say, with --explain, why nothing else ended the wait. May
     * be NULL. */
    void (*lost)(void *arg, uint64_t seq);
    /* Close the connection, in the protocol's good manners if `politely`; then el_client_closed.
     * Called again, with false, when politeness takes too long. */
    void (*close)(void *arg, bool politely);
};

/* The whole of main(): options, run, exit code. */
int el_client_main(const struct el_client_plan *plan, int argc, char **argv);

struct event_base *el_client_base(struct el_client *client);
void el_client_event_free(struct event *event); /* NULL is fine, as with free(3) */
struct el_trace *el_client_trace(struct el_client *client);
uint64_t el_client_nonce(const struct el_client *client); /* 64 random bits of this run */
bool el_client_streaming(const struct el_client *client); /* --message or --stdin */

/* ---- what the program tells, while probes are under way ---- */

/* The first byte of `seq` was given to the kernel at `when`; or it could not be given, and
 * el_client_failed follows. */
void el_client_sent(struct el_client *client, uint64_t seq, size_t bytes, el_time when);
/* The kernel would make us wait: --write-timeout runs from here until el_client_written. */
void el_client_write_blocked(struct el_client *client);
/* It took what it had refused, and a stream has more to come: the write deadline is over, the probe
 * is not. */
void el_client_write_went_on(struct el_client *client);
/* All of the current probe is with the kernel, or it was given up: the next may go. */
void el_client_written(struct el_client *client);
/* --message, --stdin: there will be no further probe. */
void el_client_input_ended(struct el_client *client);

/* An intact echo. False: it was a duplicate (whose bytes must not be written out again). */
bool el_client_echoed(struct el_client *client, uint64_t seq);
/* `seq` 0: nobody can tell of which probe, and each goes on waiting for its own. */
void el_client_corrupt(struct el_client *client, uint64_t seq, const char *detail);
void el_client_wrong_source(struct el_client *client, const struct el_address *from,
                            const char *why);
/* Lost for a known reason. `reason` is for rows ("host-unreachable"), `detail` for people; both may
 * be NULL. */
void el_client_failed(struct el_client *client, uint64_t seq, enum el_probe_fate fate, int error,
                      const char *reason, const char *detail);
/* Payload bytes that the kernel took and gave since the last call. */
void el_client_bytes(struct el_client *client, uint64_t sent, uint64_t received);

/* Every probe that was asked for was sent and settled: the run is about to end. Whether the peer
 * closes before we do is then a matter of microseconds, and must not be one of the exit code.
 * [#who-closes-first] */
bool el_client_all_back(const struct el_client *client);
/* The connection cannot be used any more: what is outstanding fails with `error` (0: the peer
 * closed), and the run ends. */
void el_client_broken(struct el_client *client, const char *call, int error);
/* The same for our own deadline, which the kernel knows nothing of: --read-timeout (EL_READ) or
 * --write-timeout (EL_WRITE) has passed, and no further probe can follow on this connection. */
void el_client_timed_out(struct el_client *client, enum el_operation operation);
/* A diagnostic: `prog: target: what failed: strerror (hint)`. The first one goes into the
 * document. */
void el_client_complain(struct el_client *client, const char *call, int error);

/* Of --stdin. As el_input_read: -EAGAIN, and `resume` is called when there may be more. */
ssize_t el_client_read_input(struct el_client *client, void *data, size_t size);
/* Of --message, --stdin: writes echoed bytes out. False: stop reading the socket until `resume`. */
bool el_client_write_output(struct el_client *client, const void *data, size_t size);

/* The program's close is through. */
void el_client_closed(struct el_client *client);

#endif
