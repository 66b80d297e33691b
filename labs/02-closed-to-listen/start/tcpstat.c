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
    (void)state; /* goes with the first line you write */
    /* TODO(02-2): 1 ESTAB, 2 SYN-SENT, 3 SYN-RECV, 4 FIN-WAIT-1, 5 FIN-WAIT-2, 6 TIME-WAIT,
     * 7 UNCONN, 8 CLOSE-WAIT, 9 LAST-ACK, 10 LISTEN, 11 CLOSING. */
    return "UNKNOWN";
}

/* Prints " ADDRESS:PORT". Both are as they were read from the file; a port of 0 is printed
 * as `*`. */
static void print_endpoint(unsigned address, unsigned port)
{
    (void)address;
    (void)port;
    /* TODO(02-3): 0100007F is 127.0.0.1. Who turned it around? inet_ntop(3) wants it as a
     * sockaddr_in has it. */
    /* TODO(02-4): 1B5A is 7002. Is anything left to turn around? */
    printf(" ?:?");
}

/* Prints one line of the file as one line of ours. */
static void print_socket(const char *line)
{
    unsigned local = 0, local_port = 0, peer = 0, peer_port = 0, state = 0;
    unsigned long inode = 0;
    (void)line; /* goes with the first line you write */
    /* TODO(02-1): take the fields out of the line: sscanf(3), %x for what is hexadecimal,
     * %*x for what is to be passed over. The heading is no socket: return. */

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
