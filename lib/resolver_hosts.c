/*
 * resolver_hosts.c - /etc/hosts: names that need no server.
 *
 * Owns:     reading a hosts(5) file: an address, then its names, and comments from '#'.
 * Partner:  resolver.c asks here before it asks DNS, as nsswitch.conf(5)'s "files dns" does.
 * Leaves out: caching. The file is read for each lookup, so an edit counts at once; it is a small
 *           local file, and reading it is the one thing the resolver does that could block.
 * Next:     resolver_message.c.
 */
#include "resolver_private.h"

#include <stdio.h>
#include <string.h>

/* A longer line, and what follows so many lines, is not looked at: a hosts file by mistake as
 * big as a disk must not stop the loop for minutes. */
enum { LINE_MAX_BYTES = 1024, LINES_MAX = 20000 };

/* Reads one line without its newline. A line that is too long is emptied. False at the end of
 * the file. */
static bool read_line(FILE *file, char line[static LINE_MAX_BYTES])
{
    if (fgets(line, LINE_MAX_BYTES, file) == NULL)
        return false;
    size_t length = strcspn(line, "\n");
    if (line[length] == '\n' || feof(file)) {
        line[length] = '\0';
        return true;
    }
    int c;
    while ((c = getc(file)) != EOF && c != '\n')
        ;
    line[0] = '\0';
    return true;
}

/* "server.lab." is the same name as "server.lab", and DNS names know no case (RFC 4343). */
static bool same_name(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > 0 && a[a_length - 1] == '.')
        a_length--;
    if (b_length > 0 && b[b_length - 1] == '.')
        b_length--;
    return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

static void add_address(struct el_answer *answer, const struct el_address *address,
                        const char *canonical, const char *host)
{
    for (size_t i = 0; i < answer->count; i++)
        if (el_address_equal(&answer->address[i].destination, address))
            return;
    if (answer->count == EL_ADDRESSES_MAX)
        return;
    answer->address[answer->count++].destination = *address;
    if (answer->canonical[0] == '\0' && !same_name(canonical, host))
        snprintf(answer->canonical, sizeof answer->canonical, "%s", canonical);
}

bool el_hosts_find(const char *path, const char *host, uint16_t port, struct el_answer *v6,
                   struct el_answer *v4)
{
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(path, "re"); /* e: O_CLOEXEC */
    if (file == NULL)
        return false; /* no such file knows no names */
    for (unsigned n = 0; n < LINES_MAX && read_line(file, line); n++) {
        char *rest = line + strspn(line, " \t"), *canonical = NULL, *word;
        struct el_address address;
        line[strcspn(line, "#")] = '\0';
        word = strsep(&rest, " \t\r");
        if (el_address_from_literal(word, port, &address) != 0)
            continue;
        while ((word = strsep(&rest, " \t\r")) != NULL) {
            if (*word == '\0')
                continue; /* two blanks in a row */
            if (canonical == NULL)
                canonical = word;
            if (same_name(word, host))
                add_address(el_address_family(&address) == AF_INET ? v4 : v6, &address, canonical,
                            host);
        }
    }
    fclose(file);
    return v4->count + v6->count > 0;
}
