/*
 * resolver_text.c - what became of a lookup, in words, and what to do about it.
 *
 * Owns:     one sentence for each status, and one hint. Programs print them; `--explain` too.
 * Partner:  resolver.h
 * Next:     resolver.c.
 */
#include "resolver_private.h"

#include <stdio.h>
#include <string.h>

const char *el_lookup_status_text(enum el_lookup_status status)
{
    switch (status) {
    case EL_LOOKUP_OK:
        return "resolved";
    case EL_LOOKUP_NO_NAME:
        return "NXDOMAIN: no such name";
    case EL_LOOKUP_NO_DATA:
        return "NODATA: no address of this family";
    case EL_LOOKUP_SERVFAIL:
        return "SERVFAIL: the server could not find out";
    case EL_LOOKUP_REFUSED:
        return "REFUSED: the server will not answer us";
    case EL_LOOKUP_TIMEOUT:
        return "timeout: no server answered in time";
    case EL_LOOKUP_UNREACHABLE:
        return "unreachable: no server can be reached";
    case EL_LOOKUP_REFLECTED:
        return "reflected: our own query came back";
    case EL_LOOKUP_BAD_NAME:
        return "not a legal name";
    case EL_LOOKUP_BAD_ANSWER:
        return "malformed: the answer cannot be read";
    case EL_LOOKUP_LOCAL:
        return "local failure";
    case EL_LOOKUP_CANCELLED:
        return "cancelled";
    }
    return "unknown status";
}

const char *el_lookup_failure_print(enum el_lookup_status status, int error,
                                    char text[static EL_LOOKUP_FAILURE])
{
    bool reason = error != 0 && (status == EL_LOOKUP_UNREACHABLE || status == EL_LOOKUP_LOCAL);
    snprintf(text, EL_LOOKUP_FAILURE, "%s%s%s", el_lookup_status_text(status), reason ? ": " : "",
             reason ? strerror(-error) : "");
    return text;
}

const char *el_lookup_status_hint(enum el_lookup_status status)
{
    switch (status) {
    case EL_LOOKUP_OK:
    case EL_LOOKUP_LOCAL:
    case EL_LOOKUP_CANCELLED:
        break;
    case EL_LOOKUP_NO_NAME:
        return "check the spelling, or ask a server that knows it: --dns-server";
    case EL_LOOKUP_NO_DATA:
        return "the name exists; without -4 or -6 both families are asked for";
    case EL_LOOKUP_SERVFAIL:
        return "the servers behind it may be out of reach; try again, or another: --dns-server";
    case EL_LOOKUP_REFUSED:
        return "it serves other names, or other clients; try another: --dns-server";
    case EL_LOOKUP_TIMEOUT:
        return "the server is silent or packets are lost; --explain shows each query";
    case EL_LOOKUP_UNREACHABLE:
        return "nobody listens there, or no route leads there; see resolv.conf(5) or --dns-server";
    case EL_LOOKUP_REFLECTED:
        return "that is an echo server, not a DNS server; see the port of --dns-server";
    case EL_LOOKUP_BAD_NAME:
        return "a name has letters, digits, '-', '_' and dots, and does not end in a number";
    case EL_LOOKUP_BAD_ANSWER:
        return "that server speaks another language or lies; try another: --dns-server";
    }
    return NULL;
}

const char *el_lookup_source_word(enum el_lookup_source source)
{
    static const char *const words[] = {
        [EL_FROM_NOWHERE] = NULL,
        [EL_FROM_LITERAL] = "literal",
        [EL_FROM_DEFINITION] = "definition",
        [EL_FROM_HOSTS] = "hosts",
        [EL_FROM_DNS] = "dns",
    };
    return words[source];
}
