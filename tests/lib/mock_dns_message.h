/*
 * mock_dns_message.h - what mock_dns.c shares with the file that makes its messages.
 */
#ifndef ECHOLAB_MOCK_DNS_MESSAGE_H
#define ECHOLAB_MOCK_DNS_MESSAGE_H

#include "mock_dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOCK_MESSAGE_MAX = 65535 };

struct mock_writer {
    uint8_t bytes[MOCK_MESSAGE_MAX];
    size_t length;
};

struct mock_query {
    const uint8_t *bytes; /* borrowed */
    size_t length, question_end;
    uint16_t type;
    bool tcp;
    char name[EL_HOST_MAX];
};

/* Ends the test with `what` and errno unless `ok`. Here, so that a static analyzer sees that it
 * does. */
static inline void mock_need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "mock_dns: %s: %s\n", what, strerror(errno));
    abort();
}

bool mock_parse_query(const uint8_t *bytes, size_t length, struct mock_query *query);
void mock_put_answer(struct mock_writer *w, const struct mock_query *query,
                     const struct mock_rule *rule);
/* An answer with the address 6.6.6.6 or 6666::, right but for what `forgery` says. */
void mock_put_forged(struct mock_writer *w, const struct mock_query *query,
                     enum mock_forgery forgery);

#endif
