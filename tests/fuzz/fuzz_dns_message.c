/*
 * fuzz_dns_message.c - a DNS answer, byte by byte, as the resolver reads it.
 *
 * Input:    the first byte chooses A or AAAA; the rest is the message.
 * Asserted: every message has a verdict, and soon; a name has only characters that host names have, and fits; addresses are
 *           of the family that was asked for, with our port, at most EL_ADDRESSES_MAX, and are bytes that stand in the message;
 *           the alias is not "" without a chain; a message that is cut anywhere is not taken for one with other addresses.
 * Run:      make fuzz FUZZ=dns_message
 * Partner:  fuzz_dns_answer.c, where c-ares reads it first.
 */
#include "fuzz.h"
#include "resolver_private.h"

#include <ctype.h>

enum { PORT = 7007 };

static void check_name(const char *name)
{
    fuzz_holds(strlen(name) < EL_HOST_MAX);
    for (; *name != '\0'; name++)
        fuzz_holds(isalnum((unsigned char)*name) || strchr("-_.?", *name) != NULL);
}

static void check_address(const struct el_answer *answer, size_t index, const uint8_t *bytes,
                          size_t length)
{
    const struct el_address *address = &answer->address[index].destination;
    bool v4 = answer->family == AF_INET;
    fuzz_holds(el_address_family(address) == answer->family && el_address_port(address) == PORT);
    const void *ip = v4 ? (const void *)&address->in.sin_addr : &address->in6.sin6_addr;
    fuzz_holds(memmem(bytes, length, ip, v4 ? 4 : 16) != NULL);
    fuzz_holds(answer->address[index].source.length == 0);
}

static enum el_lookup_status check_addresses(const uint8_t *bytes, size_t length,
                                             struct el_answer *answer)
{
    size_t left_out = SIZE_MAX;
    enum el_lookup_status status = el_dns_addresses_parse(bytes, length, PORT, answer, &left_out);
    fuzz_holds(status == EL_LOOKUP_OK || status == EL_LOOKUP_NO_DATA ||
               status == EL_LOOKUP_BAD_ANSWER);
    fuzz_holds(answer->count <= EL_ADDRESSES_MAX);
    fuzz_holds(left_out == 0 || answer->count == EL_ADDRESSES_MAX || status != EL_LOOKUP_OK);
    if (status == EL_LOOKUP_BAD_ANSWER)
        return status;
    fuzz_holds((status == EL_LOOKUP_OK) == (answer->count > 0));
    check_name(answer->canonical);
    for (size_t i = 0; i < answer->count; i++)
        check_address(answer, i, bytes, length);
    return status;
}

/* Cut off in its header or its question, it has no addresses; elsewhere they are not others than those of the whole. */
static void check_cut(const uint8_t *bytes, size_t length, const struct el_answer *whole)
{
    struct el_answer answer = {.family = whole->family};
    uint8_t *part = malloc(length);
    fuzz_holds(part != NULL);
    memcpy(part, bytes, length);
    if (check_addresses(part, length, &answer) == EL_LOOKUP_OK) {
        fuzz_holds(answer.count == whole->count);
        fuzz_holds(strcmp(answer.canonical, whole->canonical) == 0);
    }
    free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct el_answer answer = {.family = data[0] & 1 ? AF_INET : AF_INET6};
    struct el_dns_head head = {0};
    const uint8_t *bytes = data + 1;
    size_t length = size - 1;
    bool has_head = el_dns_head_parse(bytes, length, &head);
    if (has_head) {
        check_name(head.name);
        fuzz_holds(length >= EL_DNS_HEADER + 5 && head.rcode >= 0 && head.rcode <= 15);
        el_lookup_name_fault(head.name);
    }
    enum el_lookup_status status = check_addresses(bytes, length, &answer);
    fuzz_holds(has_head || status == EL_LOOKUP_BAD_ANSWER);
    if (status == EL_LOOKUP_OK && length < 600)
        for (size_t cut = 1; cut < length; cut += 1 + length / 64)
            check_cut(bytes, cut, &answer);
    return 0;
}
