/*
 * strace_socket.c - which socket a call of strace is about, and which address.
 *
 * Teaches:  `strace -yy` names a descriptor by what it is at that moment: TCP:[130008] (an inode)
 *           while the socket has no addresses, TCP:[10.77.0.2:7007] while it listens, and
 *           TCP:[10.77.0.1:39782->10.77.0.2:7007] once it is connected. The same descriptor changes
 *           its name in the course of its life, and that is half of what a timeline wants to know.
 * Partner:  strace_line.h
 */
#include "strace_line.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ::ffff:10.77.0.1 is 10.77.0.1 on the wire, and the wire is what it is compared with. */
static void unmap(struct el_address *address)
{
    if (!el_address_is_v4_mapped(address))
        return;
    struct el_address plain = {.length = sizeof plain.in};
    plain.in.sin_family = AF_INET;
    plain.in.sin_port = address->in6.sin6_port;
    memcpy(&plain.in.sin_addr, address->in6.sin6_addr.s6_addr + 12, 4);
    *address = plain;
}

static bool address_of(const char *host, size_t length, int64_t port, struct el_address *address)
{
    char text[EL_ADDRESS_TEXT];
    if (length >= sizeof text || port < 0 || port > UINT16_MAX)
        return false;
    memcpy(text, host, length);
    text[length] = '\0';
    if (el_address_from_literal(text, (uint16_t)port, address) < 0)
        return false;
    unmap(address);
    return true;
}

/* "10.77.0.1:39782" or "[fd77::1]:58844" */
static bool parse_end(const char *at, size_t length, struct el_address *address)
{
    const char *colon = memrchr(at, ':', length);
    if (colon == NULL)
        return false;
    struct strace_text port = {colon + 1, (size_t)(at + length - colon - 1)};
    size_t host = (size_t)(colon - at);
    if (host >= 2 && at[0] == '[' && at[host - 1] == ']')
        return address_of(at + 1, host - 2, strace_number(port), address);
    return address_of(at, host, strace_number(port), address);
}

/* What stands in the brackets. */
static void parse_name(const char *at, size_t length, struct strace_socket *socket)
{
    const char *arrow = memmem(at, length, "->", 2);
    if (arrow != NULL) {
        parse_end(at, (size_t)(arrow - at), &socket->local);
        parse_end(arrow + 2, (size_t)(at + length - arrow - 2), &socket->remote);
    } else if (!parse_end(at, length, &socket->local)) {
        int64_t inode = strace_number((struct strace_text){at, length});
        socket->inode = inode > 0 ? (unsigned long)inode : 0;
    }
}

bool strace_socket(struct strace_text text, struct strace_socket *socket)
{
    static const struct {
        const char *name;
        int protocol;
    } names[] = {{"<TCP:[", IPPROTO_TCP},
                 {"<TCPv6:[", IPPROTO_TCP},
                 {"<UDP:[", IPPROTO_UDP},
                 {"<UDPv6:[", IPPROTO_UDP}};
    int64_t fd = strace_number(text);
    *socket = (struct strace_socket){.fd = fd > INT_MAX ? -1 : (int)fd};
    if (socket->fd < 0)
        return false;
    const char *angle = memchr(text.at, '<', text.length), *end = text.at + text.length;
    for (size_t i = 0; angle != NULL && i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i].name);
        if ((size_t)(end - angle) <= length || memcmp(angle, names[i].name, length) != 0)
            continue;
        const char *close = memmem(angle, (size_t)(end - angle), "]>", 2);
        if (close == NULL)
            break;
        socket->protocol = names[i].protocol;
        parse_name(angle + length, (size_t)(close - angle) - length, socket);
        break;
    }
    return true;
}

bool strace_sockaddr(struct strace_text text, struct el_address *address)
{
    const char *found = memmem(text.at, text.length, "{sa_family=AF_INET", 18);
    if (found == NULL)
        return false;
    text = (struct strace_text){found, (size_t)(text.at + text.length - found)};
    struct strace_text port = strace_field(text, "_port=htons(");
    if (port.length == 0)
        port = strace_field(text, "6_port=htons(");
    struct strace_text host = strace_field(text, "inet_addr(\"");
    if (strncmp(found, "{sa_family=AF_INET6", 19) == 0)
        host = strace_field(text, "inet_pton(AF_INET6, \"");
    const char *quote = memchr(host.at, '"', host.length);
    *address = (struct el_address){0};
    return quote != NULL &&
           address_of(host.at, (size_t)(quote - host.at), strace_number(port), address);
}
