/*
 * client_internal.h - what the parts of `client` share: client.c (its life), client_pace.c (its
 * probes), client_end.c (how it ends), client_setup.c (its options, and the words for a dial that failed).
 */
#ifndef ECHOLAB_CLIENT_INTERNAL_H
#define ECHOLAB_CLIENT_INTERNAL_H

#include "client.h"
#include "report.h"

enum client_state {
    CLIENT_DIALING,
    CLIENT_RUNNING,  /* probes */
    CLIENT_CLOSING,  /* the program is closing */
    CLIENT_FLUSHING, /* stdout, or stderr, has not taken everything yet */
};

struct el_client {
    const struct el_client_plan *plan;
    const struct el_client_options *options;
    struct el_endpoint endpoint;
    char target[EL_HOST_MAX + 8]; /* "server.lab:7007", as diagnostics name it */

    struct event_base *base;
    struct el_file_sink sink;
    struct el_trace *trace;
    struct event *interrupt, *terminate, *quit; /* SIGINT, SIGTERM, SIGQUIT */
    struct event *turn; /* "look what is to do next": never from inside a program's call */
    struct event *tick, *expire, *write_by, *total, *close_by;

    struct el_resolver *resolver;
    struct el_dialer *dialer;
    struct el_dial_result dial;
    struct el_report *report;
    struct el_ledger *ledger;
    struct el_witness *witness;
    struct el_flow flow;
    struct el_input *input;
    struct el_output *output;
    struct el_output *lines; /* what is shown, on stdout, or on stderr beside a stream */
    FILE *results;           /* the way into `lines` */

    enum client_state state;
    bool opened;         /* the program has a connection to close */
    uint64_t nonce, seq; /* seq: last probe handed to the program */
    el_time next_at, total_at, write_at, close_at;
    el_time heard; /* of a stream: when its echo last went on */
    bool sending;  /* the program has a probe that is not written yet */
    bool due;      /* the next one's time has come */
    bool input_ended;
    bool broken;  /* el_client_broken */
    bool overdue; /* --deadline cut off a probe that should have been answered by then */
    bool failing; /* the last probe failed here: do not spin */
    bool untold;  /* probes settled since packets were last told */
    uint64_t bytes_sent, bytes_received;
    int code;            /* exit code that does not depend on the ledger; 0 = ask the ledger */
    const char *outcome; /* for the document */
    char message[512];   /* the first diagnostic */
};

/* client.c */
void client_say(struct el_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void client_fail(struct el_client *client, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void client_arm(struct event *timer, el_time at);

/* client_end.c */
void client_stop(struct el_client *client);
void client_end(struct el_client *client, const char *outcome);
int client_results_error(const struct el_client *client);
int client_finish(struct el_client *client);
void client_interrupt(evutil_socket_t fd, short what, void *arg);
void client_deadline(evutil_socket_t fd, short what, void *arg);
void client_close_late(evutil_socket_t fd, short what, void *arg);

/* client_pace.c */
void client_turn(evutil_socket_t fd, short what, void *arg);
void client_tick(evutil_socket_t fd, short what, void *arg);
void client_expire(evutil_socket_t fd, short what, void *arg);
void client_write_late(evutil_socket_t fd, short what, void *arg);
bool client_whole_stream(const struct el_client *client);
void client_heard(struct el_client *client);
void client_tell_packets(struct el_client *client, const char *title);

/* client_setup.c */
int client_check_descriptors(const char *name);
int client_check(const struct el_client_plan *plan, const char *target, struct el_client *client);
struct el_resolver *client_resolver(struct el_client *client);
struct el_dialer *client_dial(struct el_client *client,
                              void (*done)(void *arg, const struct el_dial_result *result));
void client_dial_failed(struct el_client *client, const struct el_dial_result *result);
void client_tell_dial_packets(struct el_client *client, const struct el_dial_result *result);

#endif
