/*
 * service_model.h - what every program of servers/models/ has in common, so that each file shows its one idea.
 *
 * A model is a way to wait for many clients at once. It gives its name and a function that serves; what does not differ between
 * models is here: the options, the ready line, signals and drain (service.h), the limits that keep a teaching program safe, the
 * statistics, and the errno policy of accept(2).
 *
 * Safe means: loopback only, unless --anywhere; never more clients than --max-connections; no client waits for ever where
 * a wait would stop the others; no answer to a datagram that can only be abuse.
 */
#ifndef ECHOLAB_SERVICE_MODEL_H
#define ECHOLAB_SERVICE_MODEL_H

#include "service.h"

struct el_model_options {
    struct el_service_options service; /* first: el_service_option_table counts from there */
    bool anywhere;                     /* also where others than this machine can reach it */
    /* SOCK_STREAM */
    uint64_t backlog;
    uint64_t max_connections;
    el_duration idle_timeout; /* 0: never */
    uint64_t buffer;          /* bytes read at a time, and the most kept for one client */
    /* SOCK_DGRAM */
    uint64_t max_datagram; /* bytes; longer ones are dropped and counted */
    uint64_t batch;        /* datagrams a call, where the model takes several */
};

/* Statistics, as in counter.h: nothing but uint64_t, in the order of the names in service_model.c. */
struct el_model_counters {
    uint64_t accepted, active, closed, bytes_in, bytes_out;
    uint64_t timed_out, resets, errors, rejected_full, rejected_descriptors;
    uint64_t received, replied; /* datagrams */
    uint64_t dropped_truncated, dropped_unsafe_source, dropped_would_block;
};

struct el_model_stream; /* service_model_stream.c's own */

/* One thread that serves; with --workers N there are N, each with sockets of its own. */
struct el_model_worker {
    const struct el_worker_context
        *context; /* sockets, socket_count, wake_fd; its `base` is NULL */
    const struct el_model_options *options;
    struct el_model_counters *counters; /* shared with the children of a fork(2) (MAP_SHARED) */
    const struct el_model *model;
    /* SOCK_STREAM, see service_model_stream.h */
    unsigned char *
        buffer; /* options->buffer bytes, one for all clients: between two of them nobody's bytes are in it */
    int attention_fd; /* readable: call el_model_attend */
    struct el_model_stream *stream;
};

struct el_model {
    const char *program; /* "tcp_epoll" */
    const char *name;    /* "epoll": in the ready line */
    const char *about;   /* one or two sentences, for --help */
    int type;            /* SOCK_STREAM, SOCK_DGRAM */
    bool blocks;         /* see struct el_service */
    unsigned calls;      /* see struct el_service */
    bool one_socket;     /* it waits on one socket: several addresses are refused */
    /* What this machine has not that the model needs, as a sentence; NULL: it has all. May be NULL. Asked before the ready line. */
    const char *(*missing)(void);
    /* Serves until el_service_order(worker->context) says otherwise: see `run` in struct el_service. */
    void (*serve)(struct el_model_worker *worker);
};

/* The whole of main(). */
int el_model_main(const struct el_model *model, int argc, char **argv);

#endif
