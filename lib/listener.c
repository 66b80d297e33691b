/*
 * listener.c - opens the sockets of a server: names to addresses, one port for all, one socket per worker.
 *
 * Teaches:  what SO_REUSEPORT is and how it bites (it also lets a second server of the same user in,
 *           silently), what `*` means in two address families, and what a port of 0 asks for.
 * Partner:  listener.h; used by service.c.
 * Leaves out: DNS, on purpose (listener.h says why).
 */
#include "listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PORT_TRIES = 16 };

/* The addresses that one endpoint stands for. */
struct expansion {
    size_t count;
    struct el_address item[EL_LISTEN_MAX];
};

static void expand_to(struct expansion *to, const struct el_address *address)
{
    for (size_t i = 0; i < to->count; i++)
        if (el_address_equal(&to->item[i], address))
            return;
    if (to->count < EL_LISTEN_MAX)
        to->item[to->count++] = *address;
}

/* Adds the literals of every line of /etc/hosts that has `name` among its names (hosts(5)). */
static void expand_from_hosts(struct expansion *to, const char *name, uint16_t port)
{
    FILE *file = fopen("/etc/hosts", "re");
    if (file == NULL)
        return;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0) {
        line[strcspn(line, "#\n")] = '\0';
        char *rest = NULL;
        const char *literal = strtok_r(line, " \t", &rest);
        const char *alias = literal;
        while (alias != NULL && (alias = strtok_r(NULL, " \t", &rest)) != NULL) {
            struct el_address address;
            if (strcasecmp(alias, name) == 0 &&
                el_address_from_literal(literal, port, &address) == 0)
                expand_to(to, &address);
        }
    }
    free(line);
    fclose(file);
}

/* 0, or -ENOENT for a name that this machine does not know, -ENODEV for a zone that is no interface. */
static int expand(const struct el_endpoint *endpoint, struct expansion *to)
{
    struct el_address address;
    to->count = 0;
    if (endpoint->wildcard) {
        struct el_address v4 = el_address_any(AF_INET, endpoint->port);
        struct el_address v6 = el_address_any(AF_INET6, endpoint->port);
        expand_to(to, &v4);
        expand_to(to, &v6);
        return 0;
    }
    int error = el_address_from_literal(endpoint->host, endpoint->port, &address);
    if (error == 0)
        expand_to(to, &address);
    if (error != -EINVAL)
        return error;
    if (strcasecmp(endpoint->host, "localhost") == 0) {
        if (el_address_from_literal("127.0.0.1", endpoint->port, &address) == 0)
            expand_to(to, &address);
        if (el_address_from_literal("::1", endpoint->port, &address) == 0)
            expand_to(to, &address);
    }
    expand_from_hosts(to, endpoint->host, endpoint->port);
    return to->count > 0 ? 0 : -ENOENT;
}

static const char *bind_hint(int error, int type, const struct el_address *address)
{
    switch (error) {
    case EADDRINUSE:
        return type == SOCK_STREAM ? " (another server has this port: ss -ltnp)"
                                   : " (another server has this port: ss -lunp)";
    case EADDRNOTAVAIL:
        return " (this machine does not have that address: ip addr)";
    case EACCES:
        return " (a port below 1024 is for root; the default, 7007, is for everyone)";
    case EMFILE:
    case ENFILE:
        return " (it needs more descriptors: ulimit -n)";
    case EINVAL: /* ipv6(7): a link-local address means nothing without its link */
        return el_address_is_link_local(address)
                   ? " (a link-local address needs its interface, as in fe80::1%eth0: ip link)"
                   : "";
    default:
        return "";
    }
}

/* Where a diagnostic belongs: at the address that could not be had. */
static void say_failed(const struct el_listeners_args *args, const struct el_address *address,
                       const char *what, int error)
{
    char text[EL_ADDRESS_TEXT];
    el_log(args->trace, EL_ERROR, "%s: %s: %s%s", el_address_print(address, text), what,
           strerror(-error), bind_hint(-error, args->socket->type, address));
}

/* A family or address that this machine has not got costs an endpoint of several addresses only that one. */
static bool is_absent(int error)
{
    return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

/*
 * Binds the first worker's socket to *address and reads back the port.
 *
 * [#reuse-port-late] It is bound *without* SO_REUSEPORT, which is switched on afterwards for the workers to
 * come. Bound with it, a second server of the same user would quietly join and take half of the clients; so the
 * port is ours alone or bind(2) says EADDRINUSE (socket(7)).
 */
static int bind_first(const struct el_listeners_args *args, struct el_address *address, int *out)
{
    struct el_socket_args open = *args->socket;
    open.local = *address;
    open.reuse_port = false;
    int fd = el_socket_open(el_address_family(address), &open, args->trace);
    if (fd < 0)
        return fd;
    int on = 1;
    int error = 0;
    if (args->workers > 1 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        error = -errno;
    if (error == 0)
        error = el_socket_local(fd, address);
    if (error < 0) {
        el_socket_close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

/*
 * Binds the addresses of one endpoint, all on one port. With port 0 the kernel picks a number for the first
 * address that may be taken on the next: then all are tried again with another pick.
 */
static int bind_endpoint(struct el_listeners *listeners, const struct el_listeners_args *args,
                         const struct expansion *wanted, int fds[])
{
    const size_t base = listeners->count;
    for (int attempt = 0;; attempt++) {
        int error = 0;
        uint16_t port = el_address_port(&wanted->item[0]);
        size_t failed = 0;
        for (size_t i = 0; i < wanted->count && listeners->count < EL_LISTEN_MAX; i++) {
            struct el_address *address = &listeners->address[listeners->count];
            *address = wanted->item[i];
            el_address_set_port(address, port);
            failed = i;
            error = bind_first(args, address, &fds[listeners->count]);
            if (error == 0) {
                port = el_address_port(address);
                listeners->count++;
            } else if (!is_absent(error) || wanted->count == 1) {
                break;
            }
        }
        if (listeners->count > base && (error == 0 || is_absent(error)))
            return 0;
        bool again = error == -EADDRINUSE && el_address_port(&wanted->item[0]) == 0;
        while (listeners->count > base)
            el_socket_close(fds[--listeners->count]);
        if (!again || attempt == PORT_TRIES) {
            say_failed(args, &wanted->item[failed], "bind", error);
            return error;
        }
    }
}

static bool have_already(const struct el_listeners *listeners, const struct el_address *address)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (el_address_equal(&listeners->address[i], address))
            return true;
    return false;
}

/*
 * Does an address of ours take in this one, or the other way round? With one port in use they cannot both be bound, and
 * bind(2) would only say that somebody has it.
 */
static const struct el_address *overlapping(const struct el_listeners *listeners,
                                            const struct el_address *address)
{
    for (size_t i = 0; i < listeners->count; i++) {
        const struct el_address *ours = &listeners->address[i];
        if (el_address_family(ours) == el_address_family(address) &&
            el_address_port(ours) == el_address_port(address) &&
            el_address_is_any(ours) != el_address_is_any(address))
            return ours;
    }
    return NULL;
}

/* False, after a diagnostic, if two of --listen overlap. */
static bool check_overlap(const struct el_listeners *listeners,
                          const struct el_listeners_args *args, const struct expansion *wanted)
{
    char text[EL_ADDRESS_TEXT], text_ours[EL_ADDRESS_TEXT];
    for (size_t i = 0; i < wanted->count; i++) {
        const struct el_address *ours = overlapping(listeners, &wanted->item[i]);
        if (ours == NULL)
            continue;
        el_log(args->trace, EL_ERROR, "--listen %s: overlaps with %s, from another --listen (%s)",
               el_address_print(&wanted->item[i], text), el_address_print(ours, text_ours),
               "* alone is enough, or name the addresses");
        return false;
    }
    return true;
}

/* An address may be named twice (`--listen localhost --listen 127.0.0.1`): the second time adds nothing. */
static int open_endpoint(struct el_listeners *listeners, const struct el_listeners_args *args,
                         const struct el_endpoint *endpoint, int fds[])
{
    char name[EL_HOST_MAX];
    struct expansion all, wanted = {0};
    int error = expand(endpoint, &all);
    if (error < 0) {
        el_log(args->trace, EL_ERROR, "--listen %s: %s",
               el_name_escape(endpoint->host, name, sizeof name),
               error == -ENODEV ? "no such interface (after the %: ip link)"
                                : "not an address, and not in /etc/hosts (the DNS is not asked: "
                                  "give an address, * or localhost)");
        return 2;
    }
    if (endpoint->wildcard)
        el_log(args->trace, EL_WARN,
               "--listen *:%u: whoever can reach this machine can use this server "
               "(give an address to limit that)",
               endpoint->port);
    for (size_t i = 0; i < all.count; i++)
        if (!have_already(listeners, &all.item[i]))
            expand_to(&wanted, &all.item[i]);
    if (!check_overlap(listeners, args, &wanted))
        return 2;
    return wanted.count == 0 || bind_endpoint(listeners, args, &wanted, fds) == 0 ? 0 : 1;
}

/* The other workers' sockets: same addresses, the port now known. */
static int open_others(struct el_listeners *listeners, const struct el_listeners_args *args)
{
    for (unsigned worker = 1; worker < args->workers; worker++)
        for (size_t i = 0; i < listeners->count; i++) {
            struct el_socket_args open = *args->socket;
            open.local = listeners->address[i];
            open.reuse_port = true;
            int fd = el_socket_open(el_address_family(&open.local), &open, args->trace);
            if (fd < 0) {
                say_failed(args, &open.local, "bind", fd);
                return 1;
            }
            listeners->sockets[worker * listeners->count + i] = fd;
        }
    return 0;
}

static int start_listening(const struct el_listeners *listeners,
                           const struct el_listeners_args *args)
{
    for (size_t i = 0; i < listeners->workers * listeners->count; i++) {
        int error = el_socket_listen(listeners->sockets[i], args->backlog, args->trace);
        if (error < 0) {
            say_failed(args, &listeners->address[i % listeners->count], "listen", error);
            return 1;
        }
    }
    return 0;
}

int el_listeners_open(struct el_listeners *listeners, const struct el_listeners_args *args)
{
    int first[EL_LISTEN_MAX]; /* the first worker's; as many are valid as `count` says */
    int code = 0;

    memset(first, -1, sizeof first);
    *listeners = (struct el_listeners){.workers = args->workers};
    for (size_t i = 0; i < args->endpoints->count && code == 0; i++)
        code = open_endpoint(listeners, args, &args->endpoints->item[i], first);

    size_t total = args->workers * listeners->count;
    listeners->sockets = calloc(total > 0 ? total : 1, sizeof *listeners->sockets);
    if (listeners->sockets == NULL) {
        for (size_t i = 0; i < listeners->count; i++)
            el_socket_close(first[i]);
        el_log(args->trace, EL_ERROR, "sockets: calloc: %s", strerror(ENOMEM));
        return 1;
    }
    for (size_t i = 0; i < total; i++)
        listeners->sockets[i] = i < listeners->count ? first[i] : -1;
    if (code == 0)
        code = open_others(listeners, args);
    if (code == 0 && args->socket->type == SOCK_STREAM)
        code = start_listening(listeners, args);
    if (code != 0)
        el_listeners_close(listeners);
    return code;
}

void el_listeners_close_worker(struct el_listeners *listeners, unsigned worker)
{
    for (size_t i = 0; i < listeners->count; i++) {
        int *fd = &listeners->sockets[worker * listeners->count + i];
        el_socket_close(*fd);
        *fd = -1;
    }
}

void el_listeners_close(struct el_listeners *listeners)
{
    for (unsigned worker = 0; listeners->sockets != NULL && worker < listeners->workers; worker++)
        el_listeners_close_worker(listeners, worker);
    free(listeners->sockets);
    *listeners = (struct el_listeners){0};
}

const char *el_listeners_print(const struct el_listeners *listeners, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < listeners->count && used < size; i++) {
        char one[EL_ADDRESS_TEXT];
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ",",
                                 el_address_print(&listeners->address[i], one));
    }
    return text;
}
