/*
 * tcp_bufferevent.c - a TCP echo server as the tutorials of libevent write it, with the bound that they leave out.
 *
 * Teaches:  a library that reads, writes, keeps what was short and comes back, so that the echo is one line: move the input to the output.
 *           And what a tutorial does not say: that output grows without end when the client does not read, unless we stop reading;
 *           and that EOF is not the end while there is still something to write.
 * Run:      tcp_bufferevent --listen 127.0.0.1:7007        (then: nc 127.0.0.1 7007, and strace -p it: five calls a message)
 * Partner:  tcp_epoll.c, which does by hand what happens in here; servers/tcp_echo_server.c uses libevent's events without the buffers.
 * Leaves out, and what that costs:
 *           - evconnlistener, which tutorials use too: without a descriptor left it calls its error callback for ever, at 100 % CPU.
 *             Accepting is el_model_accept's here, as in the other models.
 *           - speed: a message is copied into a chain of buffers and out of it, and what is waited for changes twice
 * Next:     tcp_io_uring.c, where the kernel does the calls.
 */
#include "service_model_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

enum { ACCEPTS = 64 };

struct loop {
    struct el_model_worker *worker;
    struct event_base *base;
    struct event *attention, *listeners[EL_ENDPOINTS_MAX * 2];
};

struct client {
    struct el_model_client base;
    struct loop *loop;
    struct bufferevent *events;
    bool ended; /* its FIN was read: what is left to do is to write */
};

static void end_client(struct client *client)
{
    bufferevent_free(client->events); /* without BEV_OPT_CLOSE_ON_FREE: closing is counted */
    el_model_close(client->loop->worker, &client->base);
    free(client);
}

static size_t output_length(const struct client *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->events));
}

/*
 * [#watermark] The echo is the first line. The other is what keeps memory bounded: with more than --buffer bytes on their way, no more is
 * read until they are gone. (The input has its own bound, the high watermark; so a client holds twice --buffer at most.)
 */
static void on_read(struct bufferevent *events, void *arg)
{
    struct client *client = arg;
    struct evbuffer *input = bufferevent_get_input(events);
    el_model_moved(client->loop->worker, &client->base, evbuffer_get_length(input), 0);
    evbuffer_add_buffer(bufferevent_get_output(events), input); /* moves chains, copies nothing */
    if (output_length(client) > client->loop->worker->options->buffer)
        bufferevent_disable(events, EV_READ);
}

/* The output is empty (its low watermark, 0). May free the client. */
static void on_drained(struct bufferevent *events, void *arg)
{
    struct client *client = arg;
    if (client->ended)
        end_client(client);
    else if ((bufferevent_get_enabled(events) & EV_READ) == 0)
        bufferevent_enable(events, EV_READ);
}

/*
 * An end of some kind. [#eof-is-half] EOF: the client has sent all, and may still read: it ends when the output is empty. An error: errno has
 * it. Frees the client.
 */
static void on_event(struct bufferevent *events, short what, void *arg)
{
    struct client *client = arg;
    int error = EVUTIL_SOCKET_ERROR();
    (void)events;
    if ((what & BEV_EVENT_EOF) != 0 && output_length(client) > 0) {
        client->ended = true;
        return;
    }
    if ((what & BEV_EVENT_EOF) == 0)
        el_model_failed(client->loop->worker, &client->base, error != 0 ? error : ECONNRESET);
    end_client(client);
}

/* The library writes when it likes; so this is how to know what it wrote. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    struct client *client = arg;
    (void)output;
    if (info->n_deleted > 0)
        el_model_moved(client->loop->worker, &client->base, 0, info->n_deleted);
}

static void add_client(struct loop *loop, int fd)
{
    const struct el_model_options *options = loop->worker->options;
    struct client *client = calloc(1, sizeof *client);
    if (client != NULL)
        client->events = bufferevent_socket_new(loop->base, fd, 0);
    if (client == NULL || client->events == NULL) {
        el_model_refuse(loop->worker, fd, "calloc");
        free(client);
        return;
    }
    client->loop = loop;
    el_model_take_in(loop->worker, &client->base, fd);
    evbuffer_add_cb(bufferevent_get_output(client->events), on_output, client);
    bufferevent_setcb(client->events, on_read, on_drained, on_event, client);
    bufferevent_setwatermark(client->events, EV_READ, 0, options->buffer);
    bufferevent_enable(client->events, EV_READ | EV_WRITE);
}

static void on_acceptable(evutil_socket_t listener, short what, void *arg)
{
    struct loop *loop = arg;
    (void)what;
    int fd = 0;
    for (int n = 0; n < ACCEPTS && (fd = el_model_accept(loop->worker, listener)) >= 0; n++)
        add_client(loop, fd);
}

/* el_model_attend closes the listeners when the server drains: libevent must not learn of that by surprise. */
static void on_attention(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    const struct el_worker_context *context = loop->worker->context;
    (void)fd, (void)what;
    if (el_service_order(context) != EL_ORDER_SERVE)
        for (size_t i = 0; i < context->socket_count; i++)
            event_del(loop->listeners[i]);
    el_model_attend(loop->worker);
}

static struct event *watch(struct loop *loop, int fd, event_callback_fn callback)
{
    struct event *event = event_new(loop->base, fd, EV_READ | EV_PERSIST, callback, loop);
    if (event != NULL && event_add(event, NULL) == 0)
        return event;
    if (event != NULL)
        event_free(event);
    return NULL;
}

static void serve(struct el_model_worker *worker)
{
    const struct el_worker_context *context = worker->context;
    struct loop loop = {.worker = worker, .base = event_base_new()};
    bool good = loop.base != NULL;
    if (good)
        loop.attention = watch(&loop, worker->attention_fd, on_attention);
    good = good && loop.attention != NULL;
    for (size_t i = 0; i < context->socket_count && good; i++) {
        loop.listeners[i] = watch(&loop, context->sockets[i], on_acceptable);
        good = loop.listeners[i] != NULL;
    }
    if (!good)
        el_log(context->trace, EL_ERROR, "event_base_new, event_new: %m");
    while (good && el_model_goes_on(worker))
        good = event_base_loop(loop.base, EVLOOP_ONCE) == 0;
    for (size_t i = 0; i < context->socket_count; i++)
        if (loop.listeners[i] != NULL)
            event_free(loop.listeners[i]);
    if (loop.attention != NULL)
        event_free(loop.attention);
    if (loop.base != NULL)
        event_base_free(loop.base); /* also of the bufferevents that wait to be freed */
}

int main(int argc, char **argv)
{
    const struct el_model model = {
        .program = "tcp_bufferevent",
        .name = "bufferevent",
        .about = "Echoes what each TCP client sends; libevent's bufferevents do the work, as in "
                 "its tutorials.",
        .type = SOCK_STREAM,
        .serve = serve,
    };
    return el_model_main(&model, argc, argv);
}
