/*
 * with_socket.c - makes one socket, then becomes another program.
 *
 * Teaches:  execve(2) keeps open descriptors open. So any tool of the shell can be handed a socket,
 *           and asked what it makes of it: a socket is a file.
 * Run:      ./with_socket tcp readlink /proc/self/fd/3
 * Partner:  last_words.c
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

int main(int argc, char **argv)
{
    if (argc < 3 || (strcmp(argv[1], "tcp") != 0 && strcmp(argv[1], "udp") != 0)) {
        fprintf(stderr, "usage: with_socket tcp|udp COMMAND…\n");
        return 2;
    }
    int type = strcmp(argv[1], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;

    /* No SOCK_CLOEXEC, and that is the point: the next program is to find it open. A server
     * sets it. */
    if (socket(AF_INET, type, 0) < 0)
        lab_die("socket");

    execvp(argv[2], argv + 2);
    lab_die(argv[2]); /* execvp(3) comes back only when it failed */
}
