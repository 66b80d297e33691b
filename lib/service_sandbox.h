/*
 * service_sandbox.h - what a server gives away, and when. Only service.c uses it.
 *
 * In two steps, because a worker is made in between: it still opens descriptors and sets options of sockets, and a
 * moment later it never will.
 */
#ifndef ECHOLAB_SERVICE_SANDBOX_H
#define ECHOLAB_SERVICE_SANDBOX_H

#include "service.h"

/* Both do nothing with --no-sandbox, and return an exit code after saying why: 0, or 1. */

/* After bind(2), with one thread. Root without --user becomes nobody. */
int el_service_drop_privileges(const struct el_service_options *options, struct el_trace *trace);

/* When the workers are made, and none of their threads yet. A machine without filters is warned of, and served from
 * all the same. */
int el_service_filter_calls(const struct el_service_options *options, const struct el_service *plug,
                            struct el_trace *trace);

#endif
