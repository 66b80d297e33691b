/*
 * mock_dns.h - a DNS server that misbehaves on demand, for tests of the resolver.
 *
 * It lives on the test's own event loop, on UDP and TCP of one loopback port that the kernel chose.
 * A script of rules says what happens to each query; the first rule that matches and is not used up
 * counts. Without a matching rule the answer is NXDOMAIN.
 */
#ifndef ECHOLAB_MOCK_DNS_H
#define ECHOLAB_MOCK_DNS_H

#include "address.h"
#include "deadline.h"

#include <event2/event.h>

struct mock_dns;

enum { MOCK_ANY = 0, MOCK_A = 1, MOCK_AAAA = 28 };
enum mock_transport { MOCK_BOTH, MOCK_UDP, MOCK_TCP };

enum mock_action {
    MOCK_ANSWER,   /* `rcode` and `records`; on UDP cut and marked truncated above 512 bytes */
    MOCK_DROP,     /* silence */
    MOCK_REFLECT,  /* the query itself comes back, as from an echo server */
    MOCK_TRUNCATE, /* no records, TC set */
    MOCK_CLOSE,    /* TCP: closed without an answer */
};

/* Sent before the action, as by an attacker or a broken network; each with the address 6.6.6.6
 * or 6666::. */
enum mock_forgery {
    MOCK_EMPTY = 1,          /* a datagram of 0 bytes */
    MOCK_RUNT = 2,           /* of 3 bytes */
    MOCK_WRONG_ID = 4,       /* right but for the id */
    MOCK_WRONG_QUESTION = 8, /* right but for the name in question */
    MOCK_WRONG_SOURCE = 16,  /* right, but from another port */
};

struct mock_rule {
    const char *name;              /* as asked; NULL: any */
    uint16_t type;                 /* MOCK_A, MOCK_AAAA or MOCK_ANY */
    enum mock_transport transport; /* MOCK_BOTH: either */
    unsigned times;                /* how often it applies; 0: always */
    enum mock_action action;
    unsigned forgeries; /* bits of enum mock_forgery */
    unsigned flood;     /* so many datagrams with a wrong id, before everything */
    el_duration delay;
    int rcode;
    const char *records;  /* "OWNER A 10.0.0.1, OWNER AAAA ::1, OWNER CNAME TARGET" */
    unsigned addresses;   /* adds so many A (10.9.x.y) or AAAA (fd99::x) of the name in question */
    const uint8_t *raw;   /* the answer section as bytes, instead of records */
    size_t raw_length;    /* in bytes */
    uint16_t raw_answers; /* ANCOUNT for it */
};

/* `rules` is borrowed and must outlive the server; it ends with `count`. Aborts the test when it
 * cannot start. */
struct mock_dns *mock_dns_new(struct event_base *base, const char *ip,
                              const struct mock_rule *rules, size_t count);
void mock_dns_free(struct mock_dns *mock); /* NULL is fine; the port is refused from now on */
struct el_address mock_dns_address(const struct mock_dns *mock);
void mock_dns_refuse_tcp(struct mock_dns *mock); /* UDP goes on */

/* Queries that came: of a type (or MOCK_ANY) and transport (or MOCK_BOTH). */
unsigned mock_dns_count(const struct mock_dns *mock, uint16_t type, enum mock_transport transport);
/* The nth query's source port and name; n < mock_dns_count(mock, MOCK_ANY, MOCK_BOTH) */
uint16_t mock_dns_source_port(const struct mock_dns *mock, size_t n);
const char *mock_dns_name(const struct mock_dns *mock, size_t n);

#endif
