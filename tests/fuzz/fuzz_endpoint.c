/*
 * fuzz_endpoint.c - `host:port` as anybody may type it.
 *
 * Input:    the text.
 * Asserted: it is taken, or refused with a sentence; what is taken has a host of legal characters and a port within
 *           its bounds, and its normal form reads back as the same; a literal's address, printed, reads back as that address;
 *           an escaped name is printable, fits, and is the name itself if nothing had to be escaped.
 * Run:      make fuzz FUZZ=endpoint
 */
#include "address.h"
#include "fuzz.h"

#include <errno.h>

enum { DEFAULT_PORT = 7007, MIN_PORT = 1, NORMAL_MAX = EL_HOST_MAX + 16 };

/* `host:port`, with brackets where the host has colons. */
static void print_endpoint(const struct el_endpoint *endpoint, char text[static NORMAL_MAX])
{
    snprintf(text, NORMAL_MAX, strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
             endpoint->host, endpoint->port);
}

static void check_literal(const char *host, uint16_t port)
{
    struct el_address address, again;
    char text[EL_ADDRESS_TEXT];
    int error = el_address_from_literal(host, port, &address);
    fuzz_holds(error == 0 || error == -EINVAL || error == -ENODEV);
    if (error < 0)
        return;
    fuzz_holds(el_address_port(&address) == port);
    el_address_print_host(&address, text);
    fuzz_holds(fuzz_printable(text));
    fuzz_holds(el_address_from_literal(text, port, &again) == 0);
    fuzz_holds(el_address_equal(&address, &again));
}

static void check_endpoint(const char *text, uint16_t min_port)
{
    struct el_endpoint endpoint, again;
    const char *why = NULL;
    char normal[NORMAL_MAX];
    int error = el_endpoint_parse(text, DEFAULT_PORT, min_port, &endpoint, &why);
    if (error < 0) {
        fuzz_holds(error == -EINVAL && fuzz_sentence(why));
        return;
    }
    fuzz_holds(endpoint.has_port || endpoint.port == DEFAULT_PORT);
    fuzz_holds(endpoint.port >= min_port);
    fuzz_holds(endpoint.host[0] != '\0' && strlen(endpoint.host) < EL_HOST_MAX);
    fuzz_holds(fuzz_printable(endpoint.host));
    fuzz_holds(endpoint.wildcard == (strcmp(endpoint.host, "*") == 0));
    print_endpoint(&endpoint, normal);
    fuzz_holds(el_endpoint_parse(normal, 1, min_port, &again, &why) == 0);
    fuzz_holds(strcmp(again.host, endpoint.host) == 0 && again.port == endpoint.port);
    fuzz_holds(again.has_port && again.wildcard == endpoint.wildcard);
    check_literal(endpoint.host, endpoint.port);
}

static void check_escape(const char *text)
{
    char all[4 * 512 + 1], few[16];
    fuzz_holds(el_name_escape(text, few, sizeof few) == few);
    fuzz_holds(strlen(few) < sizeof few && fuzz_printable(few));
    if (strlen(text) > 512)
        return;
    el_name_escape(text, all, sizeof all);
    fuzz_holds(fuzz_printable(all));
    if (fuzz_printable(text) && strchr(text, '\\') == NULL)
        fuzz_holds(strcmp(all, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_whole(data, size);
    check_endpoint(text, MIN_PORT);
    check_endpoint(text, 0); /* a server may say "any port" */
    check_literal(text, DEFAULT_PORT);
    check_escape(text);
    free(text);
    return 0;
}
