/*
 * datagram_explain.h - the narration of a UDP server: what came, and what was not answered and why.
 *
 * Bounded: whoever can send fast must not be able to fill a disk. Addresses and lengths are told,
 * payload never.
 */
#ifndef ECHOLAB_DATAGRAM_EXPLAIN_H
#define ECHOLAB_DATAGRAM_EXPLAIN_H

#include "datagram.h"
#include "narrator.h"

enum { EL_DATAGRAMS_TOLD = 200 }; /* a second */

/* One a worker. Only `narrator` is to be opened and closed. */
struct el_datagram_story {
    struct el_narrator narrator; /* a step is a datagram */
    int got;                     /* how many came in the present batch */
    bool told;                   /* one of them was told of, and so the calls are */
};

/* A batch of `got` came. Call it before the two below. */
void el_datagram_explain_receive(struct el_datagram_story *story, int got);
/* What becomes of one datagram from socket `fd`: `why` it is not answered, NULL = it is. */
void el_datagram_explain(struct el_datagram_story *story, int fd,
                         const struct el_datagram *datagram, const char *why);
void el_datagram_explain_reply(struct el_datagram_story *story, int fd,
                               const struct el_datagram_sent *sent);

#endif
