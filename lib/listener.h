/*
 * listener.h - from what a person typed after --listen to sockets that are bound, for every worker.
 */
#ifndef ECHOLAB_LISTENER_H
#define ECHOLAB_LISTENER_H

#include "options.h"
#include "socket.h"

enum { EL_LISTEN_MAX = 2 * EL_ENDPOINTS_MAX }; /* `*` and `localhost` are two addresses each */

/* The addresses that were bound, and worker by worker the sockets: sockets[worker * count + address]. */
struct el_listeners {
    size_t count;
    struct el_address address[EL_LISTEN_MAX]; /* with the real port where 0 was asked for */
    unsigned workers;
    int *sockets; /* -1 once closed */
};

struct el_listeners_args {
    const struct el_endpoint_list *endpoints;
    const struct el_socket_args *socket; /* local and reuse_port are filled in per socket */
    int backlog;                         /* for SOCK_STREAM */
    unsigned workers;
    struct el_trace *trace; /* diagnostics and narration */
};

/*
 * Opens, binds and (SOCK_STREAM) listens. A literal is itself, `*` is 0.0.0.0 and [::], `localhost` is
 * 127.0.0.1 and [::1] (RFC 6761 section 6.3), another name is looked up in /etc/hosts alone: a server that must ask the DNS
 * where to listen starts on the day when the DNS does not. Several addresses of one endpoint get one port.
 * 0; or the exit code to end with (1, or 2 when an endpoint was at fault) after a diagnostic.
 */
int el_listeners_open(struct el_listeners *listeners, const struct el_listeners_args *args);

void el_listeners_close_worker(struct el_listeners *listeners, unsigned worker);
void el_listeners_close(struct el_listeners *listeners); /* all, and frees; a zeroed one is fine */

/* "127.0.0.1:7007,[::1]:7007" to text, cut to fit. Returns text. */
const char *el_listeners_print(const struct el_listeners *listeners, char *text, size_t size);

#endif
