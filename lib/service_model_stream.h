/*
 * service_model_stream.h - what the TCP servers of servers/models/ have in common.
 *
 * How to wait, read and write is what the models teach, and stands in their files. Here is what surrounds it and is alike in all:
 * the errno policy of accept(2) and the limits at the door, counting, the idle limit, and the drain.
 *
 * [#hang-up] The model alone ends its clients. When this part wants one gone (it was idle, or the server stops) it only
 * calls shutdown(2): then read(2) returns 0, or write(2) EPIPE, whoever waits is woken, and the model sees an end like
 * any other. So there is one path on which a client ends, no callback, and nothing is freed behind a model's back.
 *
 * Leaves out what a server for strangers needs, and tcp_echo_server.c has: a limit for one source, for a lifetime, for a
 * client who takes a byte now and then of what it is owed, and for what the kernel keeps for a client, while it is here
 * (tens of megabytes, if it first reads and then stops) and when it has gone. Safe because models bind loopback only
 * (lib/service_model.c, [#loopback-only]).
 */
#ifndef ECHOLAB_SERVICE_MODEL_STREAM_H
#define ECHOLAB_SERVICE_MODEL_STREAM_H

#include "service_model.h"
#include "time_limits.h"

/* A connection. The model allocates it, as a part of a struct of its own if it needs more. */
struct el_model_client {
    int fd;
    bool accounted;        /* why it ends is counted already (atomic) */
    bool quiet;            /* draining: no byte since the last look (atomic) */
    size_t owed;           /* bytes read and not yet written (atomic) */
    struct el_timed timed; /* idle limit; and the list of all clients */
    unsigned char *rest;   /* what a short write left over, see el_model_keep; NULL: nothing */
    uint32_t rest_from, rest_to;
};

/*
 * Accepts one client of worker->context->sockets[i]. Returns its descriptor, non-blocking unless the model `blocks`, with
 * TCP_NODELAY; or -1: nobody to take in at the moment. Who finds the server full (--max-connections, or no descriptor
 * left) is told so by RST, so that a listener does not stay readable for ever and the loop does not spin. Blocking
 * models: -1 also after an order.
 */
int el_model_accept(struct el_model_worker *worker, int listener);

/* The last half of it, for a descriptor that came in another way: false when it was turned away and closed. */
bool el_model_admit(struct el_model_worker *worker, int fd);

/* For a client that there was no memory for: `call` failed with errno. Says so, and closes `fd` with RST. */
void el_model_refuse(struct el_model_worker *worker, int fd, const char *call);

/* Counts a client in, and begins to time it. It stays put until el_model_close. */
void el_model_take_in(struct el_model_worker *worker, struct el_model_client *client, int fd);

/* Closes and counts it out, and frees `rest` but not the client. Bytes that the kernel still holds are sent, then FIN. */
void el_model_close(struct el_model_worker *worker, struct el_model_client *client);

/* The counting alone, for a client that lives in another process. Async-signal-safe. */
void el_model_entered(struct el_model_worker *worker);
void el_model_left(struct el_model_worker *worker);

/* Bytes were read or written. Async-signal-safe; from any thread. */
void el_model_moved(struct el_model_worker *worker, struct el_model_client *client, size_t in,
                    size_t out);

/*
 * read(2) or write(2) returned -1, with `error`. False: that is no end (EINTR; EAGAIN: the loop comes back when it can go
 * on). True: close the client; it is counted, and RST will be sent, as there are bytes that nobody will get. In a
 * blocking model EAGAIN is the end of el_model_set_patience, the idle limit: then RST only if it is owed bytes.
 * Async-signal-safe; from any thread.
 */
bool el_model_failed(struct el_model_worker *worker, struct el_model_client *client, int error);

/* Keeps a copy of what a short write left, at most --buffer bytes as no more were read. False: no memory; it is
 * counted, close the client. */
bool el_model_keep(struct el_model_worker *worker, struct el_model_client *client,
                   const unsigned char *rest, size_t length);
/* `sent` more bytes of it are gone. True: that was the last, and the memory is free. */
bool el_model_gone(struct el_model_client *client, size_t sent);

/* For blocking models: read(2) and write(2) of this socket fail with EAGAIN after `limit` (SO_RCVTIMEO, SO_SNDTIMEO); 0: never. */
void el_model_set_patience(int fd, el_duration limit);

/*
 * worker->attention_fd is readable: an order has come, or it is time to look at the limits. Hangs up on clients, and
 * frees none. Call it between two rounds of events.
 */
void el_model_attend(struct el_model_worker *worker);

/* Whether the loop goes round once more: until there is an order, and then until the last client has left. */
bool el_model_goes_on(const struct el_model_worker *worker);

/* service_model.c's: `worker` with everything but these is there. 0 or -errno. */
int el_model_stream_open(struct el_model_worker *worker);
void el_model_stream_close(struct el_model_worker *worker);

#endif
