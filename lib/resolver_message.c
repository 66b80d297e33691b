/*
 * resolver_message.c - the bytes of a DNS message, as far as a resolver must read them.
 *
 * Owns:     header and question (whose answer is this, and what does it say?), the chain of CNAMEs,
 *           and the addresses at its end. Everything here comes from the network: nothing is
 *           believed before it is measured, and every loop ends.
 * Partner:  resolver_timeline.c looks at each message as it crosses, resolver_channel.c at the
 *           answer.
 * Leaves out: TTLs (nothing is cached), other record types, DNSSEC (the server's word is taken).
 * Next:     resolver_timeline.c.
 */
#include "resolver_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_HEADER = 10, CHAIN_MAX = 16, CLASS_IN = 1, NAME_MAX_LENGTH = 253, LABEL_MAX = 63 };

struct message {
    const uint8_t *bytes;
    size_t length;
};

/* One resource record (RFC 1035 4.1.3). */
struct record {
    char owner[EL_HOST_MAX];
    uint16_t type, class;
    size_t data, length; /* where its data lies in the message */
};

static uint16_t read_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Puts one label's bytes into text. A byte that no host name has becomes '?': it can then
 * neither look like a dot nor end the string, and it is never sent anywhere again. */
static void copy_label(char *text, const uint8_t *label, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = isalnum(label[i]) || label[i] == '-' || label[i] == '_' ? (char)label[i] : '?';
}

/*
 * Reads the name at *at and moves *at past it. False: malformed.
 *
 * [#dns-compression] A name may end in a pointer to an earlier one (RFC 1035 4.1.4). A pointer to
 * itself, or two that point at each other, would keep a trusting reader busy for ever: here each
 * must point further back than the one before, so that there are finitely many.
 */
static bool read_name(const struct message *m, size_t *at, char name[static EL_HOST_MAX])
{
    size_t here = *at, limit = *at, used = 0;
    bool jumped = false;
    for (;;) {
        if (here >= m->length)
            return false;
        uint8_t length = m->bytes[here];
        if ((length & 0xC0) == 0xC0) {
            if (here + 1 >= m->length)
                return false;
            if (!jumped)
                *at = here + 2;
            jumped = true;
            here = read_u16(m->bytes + here) & 0x3FFF;
            if (here >= limit)
                return false;
            limit = here;
            continue;
        }
        if (length > LABEL_MAX || here + 1 + length > m->length)
            return false;
        here += 1 + (size_t)length;
        if (length == 0)
            break;
        if (used + 1 + length >= EL_HOST_MAX)
            return false;
        if (used > 0)
            name[used++] = '.';
        copy_label(name + used, m->bytes + here - length, length);
        used += length;
    }
    name[used] = '\0';
    if (!jumped)
        *at = here;
    return true;
}

bool el_dns_head_parse(const uint8_t *bytes, size_t length, struct el_dns_head *head)
{
    const struct message m = {bytes, length};
    size_t at = EL_DNS_HEADER;
    if (length < EL_DNS_HEADER || read_u16(bytes + 4) != 1 || !read_name(&m, &at, head->name) ||
        at + 4 > length)
        return false;
    head->id = read_u16(bytes);
    head->response = bytes[2] & 0x80;
    head->truncated = bytes[2] & 0x02;
    head->rcode = bytes[3] & 0x0F;
    head->type = read_u16(bytes + at);
    return true;
}

/* Reads the record at *at and moves *at past it. False: malformed. */
static bool read_record(const struct message *m, size_t *at, struct record *record)
{
    if (!read_name(m, at, record->owner) || *at + RECORD_HEADER > m->length)
        return false;
    const uint8_t *fixed = m->bytes + *at;
    record->type = read_u16(fixed);
    record->class = read_u16(fixed + 2);
    record->length = read_u16(fixed + 8); /* four bytes of TTL lie between */
    record->data = *at + RECORD_HEADER;
    *at = record->data + record->length;
    return *at <= m->length;
}

enum search { FOUND, ABSENT, MALFORMED };

/* Looks for owner's next CNAME among the answers; their order is not relied upon (RFC 1034
 * 3.6.2). */
static enum search find_alias(const struct message *m, size_t answers, unsigned count,
                              char owner[static EL_HOST_MAX])
{
    struct record record;
    for (size_t at = answers; count > 0; count--) {
        if (!read_record(m, &at, &record))
            return MALFORMED;
        if (record.type != EL_DNS_TYPE_CNAME || record.class != CLASS_IN ||
            strcasecmp(record.owner, owner) != 0)
            continue;
        size_t target = record.data;
        return read_name(m, &target, owner) ? FOUND : MALFORMED;
    }
    return ABSENT;
}

/* Appends an A or AAAA record's address. True unless its length is wrong for its type. */
static bool append_address(const struct message *m, const struct record *record, uint16_t port,
                           struct el_answer *answer, size_t *left_out)
{
    struct el_address address;
    const uint8_t *data = m->bytes + record->data;
    if (record->length != (record->type == EL_DNS_TYPE_A ? 4 : 16))
        return false;
    address = el_address_any(answer->family, port);
    if (answer->family == AF_INET)
        memcpy(&address.in.sin_addr, data, 4);
    else
        memcpy(&address.in6.sin6_addr, data, 16);
    if (answer->count == EL_ADDRESSES_MAX) {
        ++*left_out;
        return true;
    }
    answer->address[answer->count++] = (struct el_route_pair){.destination = address};
    return true;
}

enum el_lookup_status el_dns_addresses_parse(const uint8_t *bytes, size_t length, uint16_t port,
                                             struct el_answer *answer, size_t *left_out)
{
    const struct message m = {bytes, length};
    const uint16_t wanted = answer->family == AF_INET ? EL_DNS_TYPE_A : EL_DNS_TYPE_AAAA;
    struct el_dns_head head;
    *left_out = answer->count = 0;
    if (!el_dns_head_parse(bytes, length, &head))
        return EL_LOOKUP_BAD_ANSWER;
    const unsigned count = read_u16(bytes + 6);
    char name[EL_HOST_MAX];
    size_t answers = EL_DNS_HEADER;
    if (!read_name(&m, &answers, name))
        return EL_LOOKUP_BAD_ANSWER;
    answers += 4; /* type and class of the question */

    /* [#dns-cname-loop] An alias may lead to an alias, and by malice or mistake back to the
     * first: the chain is followed for so many steps and no more. */
    enum search found = FOUND;
    unsigned steps = 0;
    while ((found = find_alias(&m, answers, count, name)) == FOUND)
        if (++steps > CHAIN_MAX)
            return EL_LOOKUP_BAD_ANSWER;
    if (found == MALFORMED)
        return EL_LOOKUP_BAD_ANSWER;

    struct record record;
    size_t at = answers;
    for (unsigned i = 0; i < count; i++) {
        if (!read_record(&m, &at, &record))
            return EL_LOOKUP_BAD_ANSWER;
        /* Only the end of the chain counts: an address of another name is nothing we asked for. */
        if (record.type != wanted || record.class != CLASS_IN ||
            strcasecmp(record.owner, name) != 0)
            continue;
        if (!append_address(&m, &record, port, answer, left_out))
            return EL_LOOKUP_BAD_ANSWER;
    }
    snprintf(answer->canonical, sizeof answer->canonical, "%s", steps > 0 ? name : "");
    return answer->count > 0 ? EL_LOOKUP_OK : EL_LOOKUP_NO_DATA;
}

const char *el_lookup_name_fault(const char *name)
{
    size_t length = strlen(name), label = 0;
    bool digits = true; /* the last label is a number */
    if (length > 0 && name[length - 1] == '.')
        length--; /* "server.lab." is complete: no search domain is added to it */
    if (length == 0)
        return "an empty name";
    if (length > NAME_MAX_LENGTH)
        return "longer than 253 characters (RFC 1035 2.3.4)";
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c == '.') {
            if (label == 0)
                return "two dots with nothing between them";
            label = 0;
            digits = true;
            continue;
        }
        if (!isalnum(c) && c != '-' && c != '_')
            return c >= 0x80 ? "not ASCII: write it in its xn-- form (RFC 5891)"
                             : "only letters, digits, '-', '_' and dots may be in a name";
        digits = digits && isdigit(c);
        if (++label > LABEL_MAX)
            return "a label of more than 63 characters (RFC 1035 2.3.4)";
    }
    if (label == 0)
        return "two dots with nothing between them";
    /* [#dns-mistyped-address] A mistyped address such as 10.77.0.256 is no name: nobody can own
     * it (RFC 3696 2), and it must not leave the machine. */
    return digits ? "it ends in a number, and is no address either" : NULL;
}

const char *el_query_rcode_text(int rcode, char text[static 16])
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    if (rcode >= 0 && rcode < (int)(sizeof names / sizeof *names))
        return names[rcode];
    snprintf(text, 16, "rcode %d", rcode);
    return text;
}

const char *el_dns_type_text(sa_family_t family)
{
    return family == AF_INET ? "A" : "AAAA";
}
