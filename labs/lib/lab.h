/*
 * lab.h - the little that the labs' programs share, and none of it is about sockets.
 *
 * Reading a port and giving up with a reason would be the same in every lab, so they stand here once.
 * Everything that a lab teaches is written out in the lab's own file. Both functions end the process:
 * they are for a program's start-up, not for its life.
 */
#ifndef ECHOLAB_LAB_H
#define ECHOLAB_LAB_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says which call failed and why (errno), as `bind: Address already in use`, and exits with 1. */
__attribute__((noreturn)) static inline void lab_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/*
 * Reads a port in decimal, 1 to 65535, in host byte order: htons(3) is still to be called. Exits with 2
 * (usage) on anything else: no sign, no spaces, no tail.
 */
static inline in_port_t lab_port(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < 1 ||
        value > 65535) {
        fprintf(stderr, "%s: not a port (1 to 65535)\n", text);
        exit(2);
    }
    return (in_port_t)value;
}

#endif
