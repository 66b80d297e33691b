/*
 * endpoint.c - what a person types: `server.lab:7007`, `[fe80::1%eth0]:7007`, `*:7007`.
 *
 * Teaches:  why `host:port` is harder than it looks: the colon is also part of every IPv6 address,
 *           so an IPv6 address with a port needs brackets (RFC 3986 section 3.2.2).
 * Owns:     parsing, and saying what is wrong. Nothing here asks the network or the resolver.
 * Partner:  address.c, the kernel's form. Next: address_sort.c.
 */
#include "address.h"
#include "address_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

static int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return -EINVAL;
}

static int parse_port(const char *text, uint16_t min_port, uint16_t *port, const char **why)
{
    unsigned value = 0;

    if (*text == '\0')
        return refuse(why, "the port after ':' is missing: write HOST:PORT, or leave the ':' out");
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return refuse(why, "the port is not a number: write decimal digits only");
        value = value * 10 + (unsigned)(*text - '0');
        if (value > UINT16_MAX)
            return refuse(why, "the port is above 65535");
    }
    if (value < min_port)
        return refuse(why, value == 0
                               ? "port 0 means \"any free port\" to a server and nothing to a "
                                 "client: write the server's port"
                               : "the port is below the lowest one allowed here");
    *port = (uint16_t)value;
    return 0;
}

/* Whether every character after the last dot is a digit: no such name exists (RFC 1123 section
 * 2.1). */
static bool ends_in_number(const char *name, size_t length)
{
    size_t start = length;
    while (start > 0 && name[start - 1] != '.')
        start--;
    return start < length && strspn(name + start, "0123456789") >= length - start;
}

/* The shape of a host name: RFC 1035 section 2.3.4, with '_' because people and service names use
 * it. */
static int check_name(const char *name, size_t length, const char **why)
{
    size_t label = 0;

    if (length > 0 && name[length - 1] == '.')
        length--; /* "server.lab." is the same name, said to be complete */
    if (length > 253)
        return refuse(why, "the name is longer than 253 characters (RFC 1035)");
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_';
        if ((unsigned char)c >= 0x80)
            return refuse(why, "the name is not ASCII: write its xn-- form");
        if (c != '.' && !good)
            return refuse(why, "a host name has only letters, digits, '-', '_' and '.'");
        if (c == '.' && label == 0)
            return refuse(why, "the name has an empty part: a '.' at its start, or two in a row");
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return refuse(why, "a part of the name is longer than 63 characters (RFC 1035)");
    }
    if (label == 0)
        return refuse(why, "the host is empty: write HOST, HOST:PORT or [IPV6]:PORT");
    if (ends_in_number(name, length))
        return refuse(why, "not an IPv4 address: write four numbers 0-255 without leading zeros "
                           "(a lone port is written ':7007')");
    return 0;
}

/* Puts host[0..length) in place, after checking that it is an IPv4 literal or may be a name. */
static int set_host(struct el_endpoint *endpoint, const char *host, size_t length, const char **why)
{
    struct in_addr v4;

    endpoint->host[0] = '\0';
    if (length < sizeof endpoint->host) {
        memcpy(endpoint->host, host, length);
        endpoint->host[length] = '\0';
        if (inet_pton(AF_INET, endpoint->host, &v4) == 1)
            return 0;
    }
    return check_name(host, length, why);
}

/* `[v6]` or `[v6]:port`, from the bracket on. */
static int parse_bracketed(const char *text, uint16_t min_port, struct el_endpoint *endpoint,
                           const char **why)
{
    const char *close = strchr(text, ']');
    struct in6_addr ip;
    const char *zone;

    if (close == NULL)
        return refuse(why, "the ']' after the IPv6 address is missing: write [ADDRESS]:PORT");
    size_t length = (size_t)(close - text) - 1;
    if (length >= sizeof endpoint->host)
        return refuse(why, "what stands in the brackets is too long for an IPv6 address");
    memcpy(endpoint->host, text + 1, length);
    endpoint->host[length] = '\0';

    *why = "what stands in the brackets is not an IPv6 address";
    if (!el_literal_v6(endpoint->host, &ip, &zone, why))
        return -EINVAL;
    if (close[1] == '\0')
        return 0;
    if (close[1] != ':')
        return refuse(why, "after ']' comes ':' and a port, or nothing");
    endpoint->has_port = true;
    return parse_port(close + 2, min_port, &endpoint->port, why);
}

/*
 * What the colons mean decides everything [#which-colon]: none, a host; one, host:port; more, an
 * IPv6 address as a whole, because "2001:db8::1:7007" is an address whose last group is 7007, not a
 * port.
 */
static int parse_unbracketed(const char *text, uint16_t min_port, struct el_endpoint *endpoint,
                             const char **why)
{
    const char *colon = strchr(text, ':');
    struct in6_addr ip;
    const char *zone;

    if (colon != NULL && strchr(colon + 1, ':') != NULL) {
        *why = "more than one ':': write HOST:PORT, or an IPv6 address with a port as "
               "[ADDRESS]:PORT";
        if (!el_literal_v6(text, &ip, &zone, why))
            return -EINVAL;
        memcpy(endpoint->host, text, strlen(text) + 1); /* el_literal_v6 bounds it to 45 + 1 + 15 */
        return 0;
    }
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if ((length == 0 && colon != NULL) || (length == 1 && *text == '*')) {
        endpoint->wildcard = true;
        memcpy(endpoint->host, "*", 2);
    } else {
        int error = set_host(endpoint, text, length, why);
        if (error != 0)
            return error;
    }
    if (colon == NULL)
        return 0;
    endpoint->has_port = true;
    return parse_port(colon + 1, min_port, &endpoint->port, why);
}

int el_endpoint_parse(const char *text, uint16_t default_port, uint16_t min_port,
                      struct el_endpoint *endpoint, const char **why)
{
    *endpoint = (struct el_endpoint){.port = default_port};
    *why = "";
    if (*text == '[')
        return parse_bracketed(text, min_port, endpoint, why);
    return parse_unbracketed(text, min_port, endpoint, why);
}
