/*
 * me.c - finds its own socket in /proc, and outlives a write that fails.
 *
 * Run:      echo hello | ./me 2            COPIES = 2: two more descriptors for the same socket
 *           echo hello | ./me 0 7007       the same, connected to 127.0.0.1:7007 first
 * Says:     fd 3 inode 71729215            the descriptor, and the inode behind it
 *           names 3 4 5                    every descriptor of ours that leads to that inode
 *           said 6 bytes                   or: not said: EPIPE      (then the exit status is 1)
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab.h"

/* The number of the inode that descriptor fd leads to. */
static unsigned long inode_of(int fd)
{
    (void)fd; /* goes with the first line you write */
    /* TODO(01-2): ask the kernel. fstat(2) does; or read the link /proc/self/fd/N. */
    return 0;
}

/* Prints "names", then each descriptor of this process whose file is the socket `inode`. */
static void print_names(unsigned long inode)
{
    (void)inode;
    printf("names");
    /* TODO(01-3): go through /proc/self/fd: each entry is a descriptor, and a link to
     * "socket:[INODE]" or to something else. Do not guess the numbers: whoever started us
     * may have left some open. */
    printf("\n");
}

/* Sends length bytes of text. Returns how many the kernel took, or -1 with errno set; never
 * kills us. */
static ssize_t say(int fd, const char *text, size_t length)
{
    /* TODO(01-4): this dies when nobody can ever hear it. */
    return write(fd, text, length);
}

/* Connects fd to 127.0.0.1:port. Lab 02 looks into this; here it only has to happen. */
static void connect_to(int fd, in_port_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        lab_die("connect");
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: me COPIES [PORT]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line goes out at once, to a pipe too */

    int fd = -1; /* TODO(01-1): a TCP socket over IPv4: socket(2) */
    if (argc == 3)
        connect_to(fd, lab_port(argv[2]));
    for (int copies = atoi(argv[1]); copies > 0; copies--)
        if (dup(fd) < 0)
            break; /* one name less than asked for: print_names tells the truth */

    unsigned long inode = inode_of(fd);
    printf("fd %d inode %lu\n", fd, inode);
    print_names(inode);

    /* Waits here for its line: time to look at this process from outside, in /proc/PID/fd. */
    char line[1024];
    ssize_t length = read(STDIN_FILENO, line, sizeof line);
    if (length < 0)
        lab_die("read");

    ssize_t said = say(fd, line, (size_t)length);
    if (said < 0) {
        printf("not said: %s\n", strerrorname_np(errno));
        return 1;
    }
    printf("said %zd bytes\n", said);
    return 0;
}
