/*
 * reach.h - from what was typed to an address that answers: lookup and a first connection.
 */
#ifndef ECHOLAB_BENCH_REACH_H
#define ECHOLAB_BENCH_REACH_H

#include "commands.h"

/*
 * Resolves `text` ("host[:port]") and connects once (TCP; the connection is closed again) under --connect-timeout. 0 with
 * *address; else the exit code (2, 6, 7, 28) after a message. SIGINT ends it, with the code of the step that did not end.
 */
int bench_reach(struct bench_session *session, const char *text, int type,
                struct el_address *address);

/* Is that address one of this machine's (of this network namespace)? */
bool bench_reach_is_local(const struct el_address *address);

#endif
