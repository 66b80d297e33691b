/* fault_client.h - the commands of fault_queue that talk to the engine: see fault_client.c. */
#ifndef ECHOLAB_FAULT_CLIENT_H
#define ECHOLAB_FAULT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Each prints to stdout what fault_inside.sh is to obey, or a complaint to stderr. The exit code: 0, 1
 * runtime failure, 2 usage.
 */
int fault_client_add(const char *link, const char *const *words, size_t count);
int fault_client_clear(const char *word); /* NULL: all */

/* Prints all faults and the engine's health; packet counts of iptables' rules come on stdin. */
int fault_client_show(bool json);

/*
 * Sends a request to the engine. 0 and the answer behind "ok\n" in `answer` (FAULT_ANSWER_MAX
 * bytes); -ECONNREFUSED: there is no engine; -EINVAL: it said no, and why is in `answer`; -errno.
 */
int fault_client_ask(const char *request, char *answer);

#endif
