/*
 * dialer_private.h - what the files of the dialer share with each other and nobody else.
 */
#ifndef ECHOLAB_DIALER_PRIVATE_H
#define ECHOLAB_DIALER_PRIVATE_H

#include "dialer.h"

/*
 * Opens a socket for attempt->peer and connects it (or not, if `args` says so); fills in
 * attempt->local. 0: connected; -EINPROGRESS: wait until *fd is writable; else the attempt failed.
 * *fd is the caller's to close in every case, -1 if there is none.
 */
int el_dial_open(const struct el_dial_args *args, struct el_attempt *attempt, int *fd);

/* ---- narration: a trace may be NULL; nothing is changed ---- */

void el_explain_dial_start(struct el_trace *trace, const struct el_dial_args *args, el_time now);
void el_explain_attempt_end(struct el_trace *trace, const struct el_attempt *attempt,
                            unsigned number);
/* The TCP state after connect(2) returned EINPROGRESS. */
void el_explain_syn(struct el_trace *trace, int fd);
/* The state once connected, the handshake's RTT and the MSS. Silent for UDP. */
void el_explain_handshake(struct el_trace *trace, int fd);
/* `bound`: the caller had asked for (part of) this address. */
void el_explain_local(struct el_trace *trace, const struct el_address *local, bool bound);
void el_explain_dial_end(struct el_trace *trace, const struct el_dial_result *result,
                         bool unconnected);

#endif
