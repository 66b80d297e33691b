/*
 * datagram_explain.h - the narration of a UDP server: what came, and what was not answered and why.
 *
 * Bounded: whoever can send fast must not be able to fill a disk. Addresses and lengths are told,
 * payload never.
 */
#ifndef ECHOLAB_DATAGRAM_EXPLAIN_H
#define ECHOLAB_DATAGRAM_EXPLAIN_H

#include "datagram.h"
#include "trace.h"

/* One a worker; zero but for `trace`. */
struct el_datagram_story {
    struct el_trace *trace; /* borrowed; NULL = silence */
    el_time second;         /* when the present second of narration began */
    unsigned told;          /* datagrams in it, told or not */
};

/* A batch of `got` came. Call it before the two below. */
void el_datagram_explain_receive(struct el_datagram_story *story, int fd, int got, el_time now);
/* What becomes of one datagram: `why` it is not answered, NULL = it is. */
void el_datagram_explain(struct el_datagram_story *story, const struct el_datagram *datagram,
                         const char *why);
void el_datagram_explain_reply(struct el_datagram_story *story, int fd,
                               const struct el_datagram_sent *sent);

#endif
