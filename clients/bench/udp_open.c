/*
 * udp_open.c - the sockets of a thread of datagram load, before the first datagram and after the last.
 *
 * Teaches:  that a UDP socket wants to be told three things before it serves for measuring: whom it speaks to (connect(2): the kernel then
 *           filters out everybody else, and ICMP errors find it), how much it must hold (SO_RCVBUF), and that errors
 *           are to be kept with the datagram that they are about (IP_RECVERR).
 * Partner:  udp.c
 * Leaves out: SO_RCVBUFFORCE. Who runs this as root shall see what a user sees.
 * Next:     window.c
 */
#include "datagram.h"
#include "pattern.h"
#include "socket.h"
#include "udp_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

enum {
    SKB = 1024, /* what the kernel keeps for a datagram beside its bytes, about */
};

static bool failed(struct udp_engine *engine, const char *call, int error)
{
    bench_thread_fail(engine->thread, -error, "%s: %s", call, strerror(-error));
    return false;
}

/* Room for all echoes at once. The kernel caps it at net.core.rmem_max; what does not fit is lost. [#room-for-echoes] */
static int buffer_for(const struct bench_load *load)
{
    uint64_t bytes = (uint64_t)load->window * (load->size + SKB);
    return bytes < (1 << 17) ? 0 : bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
}

static bool open_socket(struct udp_engine *engine, struct udp_socket *socket)
{
    const struct bench_load *load = engine->thread->load;
    const struct el_socket_args args = {.type = SOCK_DGRAM,
                                        .local = load->source,
                                        .error_queue = true,
                                        .send_buffer = buffer_for(load),
                                        .receive_buffer = buffer_for(load)};
    socket->window = bench_window_new(load->window, load->read_timeout);
    if (socket->window == NULL)
        return failed(engine, "window", -ENOMEM);
    socket->fd = el_socket_open(el_address_family(&load->target), &args, NULL);
    if (socket->fd < 0)
        return failed(engine, load->source.length > 0 ? "socket, bind" : "socket", socket->fd);
    int error = el_socket_connect(socket->fd, &load->target, NULL);
    if (error < 0)
        return failed(engine, "connect", error);
    if (load->gso && (error = el_datagram_enable_gro(socket->fd)) < 0)
        return failed(engine, "UDP_GRO", error);
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u32 = (uint32_t)(socket - engine->sockets)};
    return epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, socket->fd, &event) == 0 ||
           failed(engine, "epoll_ctl", -errno);
}

static bool makes_sense(struct udp_engine *engine)
{
    const struct bench_load *load = engine->thread->load;
    bool v4 = el_address_family(&load->target) == AF_INET;
    size_t largest = v4 ? EL_DATAGRAM_MAX_V4 : EL_DATAGRAM_MAX_V6;
    if (load->size > largest)
        bench_thread_fail(engine->thread, EMSGSIZE,
                          "send: %s (%zu bytes; a datagram carries at most %zu)",
                          strerror(EMSGSIZE), load->size, largest);
    else if (load->window > BENCH_WINDOW_MAX)
        bench_thread_fail(engine->thread, EINVAL, "a window of %u: at most %d datagrams",
                          load->window, (int)BENCH_WINDOW_MAX);
    else if (load->size > 0 && load->size < 8 && load->window > UINT64_C(1) << 8 * load->size)
        bench_thread_fail(engine->thread, EINVAL,
                          "a window of %u: datagrams of %zu bytes can not be told apart",
                          load->window, load->size);
    return engine->thread->error == 0;
}

bool bench_udp_open(struct udp_engine *engine)
{
    struct bench_thread *thread = engine->thread;
    struct epoll_event wake = {.events = EPOLLIN, .data.u32 = BENCH_UDP_WAKE};
    uint64_t nonce;
    if (!makes_sense(engine))
        return false;
    bench_pattern_make();
    engine->sockets = calloc(thread->connections, sizeof *engine->sockets);
    if (engine->sockets == NULL)
        return failed(engine, "sockets", -ENOMEM);
    if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return failed(engine, "getrandom", -errno);
    engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (engine->epoll_fd < 0 ||
        epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, thread->wake_fd, &wake) < 0)
        return failed(engine, "epoll", -errno);
    for (; engine->count < thread->connections; engine->count++) {
        struct udp_socket *socket = &engine->sockets[engine->count];
        *socket = (struct udp_socket){.fd = -1, .nonce = nonce + engine->count};
        if (!open_socket(engine, socket)) {
            engine->count++; /* it has to be closed, too */
            return false;
        }
    }
    engine->batch = bench_udp_batch_new(thread->load, bench_window_bits(engine->sockets[0].window));
    return engine->batch != NULL || failed(engine, "buffers", -ENOMEM);
}

void bench_udp_close(struct udp_engine *engine)
{
    for (unsigned i = 0; i < engine->count; i++) {
        el_socket_close(engine->sockets[i].fd);
        bench_window_free(engine->sockets[i].window);
    }
    free(engine->sockets);
    el_socket_close(engine->epoll_fd);
    bench_udp_batch_free(engine->batch);
}
