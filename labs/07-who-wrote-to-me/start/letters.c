/*
 * letters.c - short plays with two UDP sockets of one process: a client writes, a server reads.
 *
 * Teaches:  what one datagram is to recvfrom(2): its sender, its length, its edges.
 * Run:      letters edges       (the plays: read who edges cut empty asked full big)
 * Partner:  README.md, which goes through them; echo.c, where you write the server.
 * Leaves out: everything that may fail without being the subject ends the play (lab_die).
 */
#include "lab.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static int client, server;
static struct sockaddr_in server_address; /* where the client writes to: 127.0.0.1 and a port */

/* A line of the play: who called what, and what the kernel returned. Call it before errno is lost. */
static ssize_t show(const char *call, ssize_t result)
{
    if (result < 0)
        printf("%-44s = -1 %s\n", call, strerrorname_np(errno));
    else
        printf("%-44s = %zd\n", call, result);
    return result;
}

/* A UDP socket on ADDRESS, port 0: the kernel chooses one that is free. */
static int bound(in_addr_t address, struct sockaddr_in *name)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    socklen_t length = sizeof local;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) < 0 ||
        getsockname(fd, (struct sockaddr *)&local, &length) < 0)
        lab_die("a bound socket");
    *name = local;
    return fd;
}

static void send_text(const char *text)
{
    char call[64];
    snprintf(call, sizeof call, "client: sendto(\"%s\", to the server)", text);
    show(call, sendto(client, text, strlen(text), 0, (struct sockaddr *)&server_address,
                      sizeof server_address));
}

/* Receives into SIZE bytes, never waits, and says who wrote. The kernel fills in the address. */
static ssize_t receive(const char *who, int fd, size_t size, int flags)
{
    char buffer[128], call[64], from[INET_ADDRSTRLEN];
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    snprintf(call, sizeof call, "%s: recvfrom(buffer of %zu%s)", who, size,
             flags & MSG_TRUNC ? ", MSG_TRUNC" : "");
    ssize_t got =
        recvfrom(fd, buffer, size, flags | MSG_DONTWAIT, (struct sockaddr *)&peer, &length);
    if (show(call, got) >= 0)
        printf("%14s \"%.*s\" from %s:%d\n", "", (int)((size_t)got < size ? (size_t)got : size),
               buffer, inet_ntop(AF_INET, &peer.sin_addr, from, sizeof from), ntohs(peer.sin_port));
    return got;
}

static void play_read(void) /* the calls of lab 04, on a datagram */
{
    char buffer[128];
    send_text("hello");
    ssize_t got = show("server: read(buffer of 128)", read(server, buffer, sizeof buffer));
    show("server: write(the same 5 bytes)", write(server, buffer, (size_t)got));
}

static void play_who(void)
{
    send_text("hello");
    receive("server", server, 128, 0);
}

static void play_edges(void)
{
    send_text("one");
    send_text("two");
    receive("server", server, 128, 0);
    receive("server", server, 128, 0);
}

static void play_cut(void)
{
    send_text("0123456789");
    send_text("next");
    receive("server", server, 4, 0);
    receive("server", server, 4, 0);
    send_text("0123456789");
    receive("server", server, 4, MSG_TRUNC);
}

static void play_empty(void)
{
    send_text("");
    receive("server", server, 128, 0);
    receive("server", server, 128, 0);
    send_text("still here");
    receive("server", server, 128, 0);
}

static void play_asked(void) /* the server listens everywhere, and is asked at 127.0.0.2 */
{
    struct sockaddr_in everywhere, peer;
    socklen_t length = sizeof peer;
    char buffer[128];
    close(server);
    server = bound(INADDR_ANY, &everywhere);
    everywhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    server_address = everywhere;
    puts("server: bound to 0.0.0.0; the client asks 127.0.0.2");
    send_text("hello");
    recvfrom(server, buffer, sizeof buffer, 0, (struct sockaddr *)&peer, &length);
    show("server: sendto(\"hello\", to who wrote)",
         sendto(server, buffer, 5, 0, (struct sockaddr *)&peer, length));
    receive("client", client, 128, 0);
}

static void play_full(void) /* nobody reads */
{
    int failed = 0, sent = 5000, room, arrived = 0;
    socklen_t length = sizeof room;
    char byte = 'x';
    getsockopt(server, SOL_SOCKET, SO_RCVBUF, &room, &length);
    for (int i = 0; i < sent; i++)
        failed += sendto(client, &byte, 1, 0, (struct sockaddr *)&server_address,
                         sizeof server_address) < 0;
    printf("client: %d datagrams sent, %d sends failed\n", sent, failed);
    printf("server: room for %d bytes (SO_RCVBUF); its line in /proc/net/udp:\n", room);
    fflush(stdout);
    char command[128]; /* awk, so that the line fits: local address, queue in hex, drops */
    snprintf(command, sizeof command, "awk '$2 ~ /:%04X$/ {print $2, $5, $13}' /proc/net/udp",
             ntohs(server_address.sin_port));
    if (system(command) != 0) /* NOLINT(cert-env33-c): the command is our own */
        lab_die("awk");
    while (recv(server, &byte, 1, MSG_DONTWAIT) == 1)
        arrived++;
    printf("server: %d were waiting for it\n", arrived);
}

static void play_big(void)
{
    static char bytes[65508];
    show(
        "client: sendto(65507 bytes)",
        sendto(client, bytes, 65507, 0, (struct sockaddr *)&server_address, sizeof server_address));
    show(
        "client: sendto(65508 bytes)",
        sendto(client, bytes, 65508, 0, (struct sockaddr *)&server_address, sizeof server_address));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*play)(void);
    } plays[] = {{"read", play_read}, {"who", play_who},     {"edges", play_edges},
                 {"cut", play_cut},   {"empty", play_empty}, {"asked", play_asked},
                 {"full", play_full}, {"big", play_big}};
    struct sockaddr_in unused;

    server = bound(INADDR_LOOPBACK, &server_address);
    client = bound(INADDR_LOOPBACK, &unused);
    for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++)
        if (argc == 2 && strcmp(argv[1], plays[i].name) == 0) {
            plays[i].play();
            return 0;
        }
    fprintf(stderr, "usage: letters read|who|edges|cut|empty|asked|full|big\n");
    return 2;
}
