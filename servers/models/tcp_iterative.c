/*
 * tcp_iterative.c - a TCP echo server that serves one client, and then the next: the smallest one that is not wrong.
 *
 * Teaches:  read(2) waits until there are bytes, write(2) until there is room, accept(2) until there is a client. So the whole server
 *           stands in one place at any time, and whoever else connects is already connected, but nobody talks to it: the kernel has
 *           done the handshake and keeps what it sends.
 * Run:      build/bin/tcp_iterative              (then, in two terminals: nc 127.0.0.1 7007)
 * Partner:  clients/tcp_echo.c; lib/service_model_stream.c has what surrounds the echo in every model.
 * Leaves out, and what that costs:
 *           - a second client at a time: a silent one keeps all others waiting until --idle-timeout, so does one that does not
 *             read its echo, and one that talks as long as it likes. Safe (only clients wait), and no use for strangers: an attack is a telnet.
 *           - a second --listen address: it can only wait in one accept(2)
 * Next:     tcp_fork.c, where each client gets a process of its own to wait in.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <unistd.h>

/* [#look-up] No call waits longer than this for its client, since nobody can wake us: the order to stop comes from another thread. */
static const el_duration LOOK = 250 * EL_MS;

/* A call has waited LOOK in vain. Whether to wait on: until the idle limit, or, when the server drains, only for one who is owed bytes. */
static bool waits_on(struct el_model_worker *worker, bool owed, el_duration silent)
{
    el_duration limit = worker->options->idle_timeout;
    enum el_order order = el_service_order(worker->context);
    if (order != EL_ORDER_SERVE)
        return owed && order == EL_ORDER_DRAIN;
    return limit == 0 || silent < limit;
}

/*
 * Hands all of it to the kernel. [#write-all] A write may be short even on a blocking socket: when its limit of time comes (then EAGAIN, if
 * not one byte went) or a signal. EPIPE and ECONNRESET: the client has gone; SIGPIPE is ignored (service.c), or it would end us.
 */
static bool write_all(struct el_model_worker *worker, struct el_model_client *client, size_t length)
{
    el_duration silent = 0;
    for (size_t done = 0; done < length;) {
        ssize_t sent = write(client->fd, worker->buffer + done, length - done);
        if (sent < 0 && errno == EAGAIN && waits_on(worker, true, silent += LOOK))
            continue;
        if (sent < 0 && el_model_failed(worker, client, errno))
            return false;
        if (sent > 0) {
            el_model_moved(worker, client, 0, (size_t)sent);
            done += (size_t)sent;
            silent = 0;
        }
    }
    return true;
}

/*
 * Serves one client to its end. While we are in write(2) we do not read: so a client that does not take its echo cannot send for long
 * either, and one buffer is enough [#backpressure-by-blocking].
 */
static void serve_client(struct el_model_worker *worker, struct el_model_client *client)
{
    el_duration silent = 0;
    for (;;) {
        ssize_t got = read(client->fd, worker->buffer, worker->options->buffer);
        if (got < 0 && errno == EAGAIN && waits_on(worker, false, silent += LOOK))
            continue;
        if (got < 0 && el_model_failed(worker, client, errno))
            return;
        if (got == 0)
            return; /* its FIN: it may still be reading, and every byte is on its way; ours follows */
        if (got > 0) {
            el_model_moved(worker, client, (size_t)got, 0);
            if (!write_all(worker, client, (size_t)got))
                return;
            silent = 0;
        }
    }
}

static void serve(struct el_model_worker *worker)
{
    el_duration idle = worker->options->idle_timeout;
    while (el_service_order(worker->context) == EL_ORDER_SERVE) {
        int fd = el_model_accept(worker, worker->context->sockets[0]);
        if (fd < 0)
            continue;
        struct el_model_client client;
        el_model_take_in(worker, &client, fd);
        el_model_set_patience(fd, idle != 0 && idle < LOOK ? idle : LOOK);
        serve_client(worker, &client);
        el_model_close(worker, &client);
    }
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_iterative",
        .name = "iterative",
        .about = "Echoes what a TCP client sends, one client at a time: the others wait until it "
                 "leaves.",
        .type = SOCK_STREAM,
        .blocks = true,
        .one_socket = true,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
