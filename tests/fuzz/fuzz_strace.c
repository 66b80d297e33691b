/*
 * fuzz_strace.c - a line of strace, and two halves of one.
 *
 * Input:    a line; after a newline perhaps the second half of a call that was interrupted.
 * Asserted: it is a line of strace, or refused; what was read of it lies within the line; each argument and each field lies within its
 *           text, and arguments come in their order; numbers are not negative but for -1; halves that were joined fit, and
 *           are a line or refused.
 * Run:      make fuzz FUZZ=strace
 */
#include "fuzz.h"
#include "strace_line.h"

#include <errno.h>
#include <netinet/in.h>

enum { ARGUMENTS = 8 };

static bool within(struct strace_text part, struct strace_text whole)
{
    return part.length == 0 ||
           (part.at >= whole.at && part.at + part.length <= whole.at + whole.length);
}

static void check_text(struct strace_text text)
{
    static const char *const names[] = {"sin_port=htons(", "events=", "u32=", "iov_len="};
    struct strace_socket socket;
    struct el_address address;
    const char *before = text.at;
    for (unsigned n = 0; n < ARGUMENTS; n++) {
        struct strace_text argument = strace_argument(text, n);
        fuzz_holds(within(argument, text));
        fuzz_holds(argument.length == 0 || argument.at >= before);
        before = argument.length > 0 ? argument.at : before;
        fuzz_holds(strace_number(argument) >= -1);
        if (strace_socket(argument, &socket)) {
            fuzz_holds(socket.fd >= 0);
            fuzz_holds(socket.protocol == 0 || socket.protocol == IPPROTO_TCP ||
                       socket.protocol == IPPROTO_UDP);
        }
        if (strace_sockaddr(argument, &address))
            fuzz_holds(el_address_family(&address) != AF_UNSPEC);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct strace_text field = strace_field(text, names[i]);
        fuzz_holds(within(field, text));
        fuzz_holds(field.length == 0 || strace_contains(text, names[i]));
    }
}

/* False: it is none. */
static bool check_line(const char *line)
{
    struct strace_line parsed;
    struct strace_text whole = {line, strlen(line)};
    int error = strace_parse(line, &parsed);
    fuzz_holds(error == 0 || error == -EBADMSG);
    if (error < 0)
        return false;
    fuzz_holds(parsed.kind <= STRACE_KILLED && parsed.pid >= 0 && parsed.at >= 0);
    fuzz_holds(memchr(parsed.name, '\0', sizeof parsed.name) != NULL &&
               fuzz_printable(parsed.name));
    fuzz_holds(memchr(parsed.error, '\0', sizeof parsed.error) != NULL);
    fuzz_holds(within(parsed.arguments, whole) && within(parsed.result_text, whole));
    fuzz_holds(parsed.took >= -1);
    check_text(parsed.arguments);
    check_text(parsed.result_text);
    return true;
}

static void check_join(const char *first, const char *second)
{
    char joined[600], small[24];
    int error = strace_join(first, second, joined, sizeof joined);
    fuzz_holds(error == 0 || error == -EBADMSG || error == -ENOBUFS);
    if (error == 0) {
        struct strace_line parsed, half;
        fuzz_holds(memchr(joined, '\0', sizeof joined) != NULL);
        fuzz_holds(strace_parse(first, &half) == 0 && half.kind == STRACE_UNFINISHED);
        if (check_line(joined) && strace_parse(joined, &parsed) == 0)
            fuzz_holds(parsed.pid == half.pid && parsed.at == half.at);
    }
    error = strace_join(first, second, small, sizeof small);
    fuzz_holds(error == 0 || error == -EBADMSG || error == -ENOBUFS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    char *first = fuzz_text(&input, '\n'), *second = fuzz_text(&input, '\n');
    check_line(first);
    check_line(second);
    check_join(first, second);
    check_text((struct strace_text){first, strlen(first)});
    free(first);
    free(second);
    return 0;
}
