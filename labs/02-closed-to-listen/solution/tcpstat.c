/*
 * tcpstat.c - lists the TCP sockets over IPv4 of this network namespace, as `ss -4tan` does.
 *
 * Run:      ./tcpstat                 reads /proc/net/tcp
 *           ./tcpstat FILE            reads FILE instead, which has the same form
 * Says:     one line a socket: STATE LOCAL:PORT PEER:PORT INODE
 *           LISTEN 127.0.0.1:7002 0.0.0.0:* 71978546
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

/* The word that ss has for a state, by the kernel's number for it; "UNKNOWN" for any other. */
static const char *state_name(unsigned state)
{
    static const char *const names[] = {
        NULL,        "ESTAB",  "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
        "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN",     "CLOSING",
    };
    if (state < 1 || state >= sizeof names / sizeof names[0])
        return "UNKNOWN"; /* a kernel newer than this table */
    return names[state];
}

/* Prints " ADDRESS:PORT". Both are as they were read from the file; a port of 0 is printed
 * as `*`. */
static void print_endpoint(unsigned address, unsigned port)
{
    /* The kernel printed the four bytes of the address as one number of this machine. %x
     * made that number again, so in memory the bytes lie as they did in the kernel: in
     * network order, on any machine. */
    struct in_addr in = {.s_addr = address};
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &in, text, sizeof text);

    /* The port went through ntohs(3) in the kernel before it was printed. It is a number
     * already. */
    if (port == 0)
        printf(" %s:*", text);
    else
        printf(" %s:%u", text, port);
}

/* Prints one line of the file as one line of ours. */
static void print_socket(const char *line)
{
    unsigned local, local_port, peer, peer_port, state;
    unsigned long inode;
    /* sl: local:port peer:port st tx:rx tr:when retrnsmt uid timeout inode   (the kernel's
     * proc_net_tcp.rst) */
    if (sscanf(line, " %*d: %x:%x %x:%x %x %*x:%*x %*x:%*x %*x %*u %*d %lu", &local, &local_port,
               &peer, &peer_port, &state, &inode) != 6)
        return; /* the heading, which is no socket */

    printf("%s", state_name(state));
    print_endpoint(local, local_port);
    print_endpoint(peer, peer_port);
    printf(" %lu\n", inode);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "/proc/net/tcp";
    FILE *file = fopen(name, "r");
    if (file == NULL)
        lab_die(name);

    char *line = NULL; /* getline(3) makes it as long as the line is */
    size_t size = 0;
    while (getline(&line, &size, file) >= 0)
        print_socket(line);
    free(line);
    fclose(file);
    return 0;
}
