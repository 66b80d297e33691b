/* visit_host.h - into a host's network namespace: see visit_host.c. */
#ifndef ECHOLAB_VISIT_HOST_H
#define ECHOLAB_VISIT_HOST_H

/* Moves this thread into a host's network namespace (setns(2)). 0, or -errno. */
int visit_host(const char *host);

#endif
