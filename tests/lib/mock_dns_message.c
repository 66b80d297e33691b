/*
 * mock_dns_message.c - the messages of the mock DNS server.
 *
 * Teaches:  what a DNS answer is made of (RFC 1035 section 4), by making wrong ones.
 * Partner:  mock_dns.c sends them.
 * Leaves out: compression, and everything a test does not need. It aborts where a server would
 *             recover.
 */
#include "mock_dns_message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { UDP_MAX = 512, HEADER = 12, TYPE_CNAME = 5 };

static void put(struct mock_writer *w, const void *bytes, size_t length)
{
    mock_need(w->length + length <= sizeof w->bytes, "message too long");
    memcpy(w->bytes + w->length, bytes, length);
    w->length += length;
}

static void put_u16(struct mock_writer *w, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(w, bytes, 2);
}

static void put_name(struct mock_writer *w, const char *name)
{
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        uint8_t length = (uint8_t)label;
        put(w, &length, 1);
        put(w, name, label);
        name += label + (name[label] == '.');
    }
    put(w, "", 1);
}

static void put_record(struct mock_writer *w, const char *owner, unsigned type, const void *data,
                       size_t length)
{
    put_name(w, owner);
    put_u16(w, type);
    put_u16(w, 1);
    put_u16(w, 0);
    put_u16(w, 60); /* TTL */
    put_u16(w, (unsigned)length);
    put(w, data, length);
}

/* "OWNER TYPE DATA, …" → records; returns how many. */
static unsigned put_records(struct mock_writer *w, const char *records)
{
    unsigned count = 0;
    char owner[EL_HOST_MAX], type[8], data[EL_HOST_MAX];
    int used;
    for (const char *p = records;
         p != NULL && sscanf(p, " %253s %7s %253[^, ]%n", owner, type, data, &used) == 3;
         p = p[used] == ',' ? p + used + 1 : NULL, count++) {
        uint8_t address[16];
        struct mock_writer target = {.length = 0};
        if (strcmp(type, "A") == 0 && inet_pton(AF_INET, data, address) == 1) {
            put_record(w, owner, MOCK_A, address, 4);
        } else if (strcmp(type, "AAAA") == 0 && inet_pton(AF_INET6, data, address) == 1) {
            put_record(w, owner, MOCK_AAAA, address, 16);
        } else {
            mock_need(strcmp(type, "CNAME") == 0, "unknown record in script");
            put_name(&target, data);
            put_record(w, owner, TYPE_CNAME, target.bytes, target.length);
        }
    }
    return count;
}

static unsigned put_many(struct mock_writer *w, const struct mock_query *query, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t v4[4] = {10, 9, (uint8_t)(i / 250), (uint8_t)(1 + i % 250)};
        uint8_t v6[16] = {0xfd, 0x99, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i};
        if (query->type == MOCK_A)
            put_record(w, query->name, MOCK_A, v4, 4);
        else
            put_record(w, query->name, MOCK_AAAA, v6, 16);
    }
    return count;
}

/* QR set, recursion available; the question is repeated as it came. */
static void put_head(struct mock_writer *w, const struct mock_query *query, int rcode,
                     bool truncated)
{
    w->length = 0;
    put(w, query->bytes, query->question_end);
    w->bytes[2] = (uint8_t)((query->bytes[2] & 0x01) | 0x80 | (truncated ? 0x02 : 0));
    w->bytes[3] = (uint8_t)(0x80 | rcode);
    memset(w->bytes + 4, 0, 8);
    w->bytes[5] = 1; /* one question; what else the query carried (EDNS) is left out */
}

static void set_answers(struct mock_writer *w, unsigned count)
{
    w->bytes[6] = (uint8_t)(count >> 8);
    w->bytes[7] = (uint8_t)count;
}

void mock_put_answer(struct mock_writer *w, const struct mock_query *query,
                     const struct mock_rule *rule)
{
    put_head(w, query, rule->rcode, rule->action == MOCK_TRUNCATE);
    if (rule->action == MOCK_TRUNCATE)
        return;
    unsigned count = put_records(w, rule->records) + put_many(w, query, rule->addresses);
    if (rule->raw != NULL) {
        put(w, rule->raw, rule->raw_length);
        count = rule->raw_answers;
    }
    set_answers(w, count);
    if (!query->tcp && w->length > UDP_MAX)
        put_head(w, query, rule->rcode, true);
}

void mock_put_forged(struct mock_writer *w, const struct mock_query *query,
                     enum mock_forgery forgery)
{
    static const uint8_t v4[4] = {6, 6, 6, 6}, v6[16] = {0x66, 0x66};
    put_head(w, query, 0, false);
    if (query->type == MOCK_A)
        put_record(w, query->name, MOCK_A, v4, sizeof v4);
    else
        put_record(w, query->name, MOCK_AAAA, v6, sizeof v6);
    set_answers(w, 1);
    if (forgery == MOCK_WRONG_ID)
        w->bytes[0] ^= 0x55;
    if (forgery == MOCK_WRONG_QUESTION)
        w->bytes[HEADER + 1] = w->bytes[HEADER + 1] == 'q' ? 'z' : 'q'; /* the first letter */
}

bool mock_parse_query(const uint8_t *bytes, size_t length, struct mock_query *query)
{
    size_t at = HEADER, used = 0;
    if (length < HEADER + 5)
        return false;
    while (at < length && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (at + label >= length || used + label + 2 > sizeof query->name)
            return false;
        if (used > 0)
            query->name[used++] = '.';
        memcpy(query->name + used, bytes + at, label);
        used += label;
        at += label;
    }
    query->name[used] = '\0';
    if (at + 5 > length)
        return false;
    query->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
    query->bytes = bytes;
    query->length = length;
    query->question_end = at + 5;
    return true;
}
