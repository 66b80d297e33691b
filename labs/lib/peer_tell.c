/* peer_tell.c - the story of a run: what was done, what was expected, what came instead. */
#include "peer_run.h"

#include "words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void peer_did(struct peer_run *run, const char *format, ...)
{
    char text[400];
    struct el_words words = {.text = text, .size = sizeof text};
    text[0] = '\0';
    if (!run->one_name && run->step->name[0] != '\0')
        el_say(&words, "%s: ", run->step->name);
    va_list args;
    va_start(args, format);
    vsnprintf(text + words.used, sizeof text - words.used, format, args);
    va_end(args);

    char **grown = realloc(run->did, (run->did_count + 1) * sizeof *grown);
    if (grown == NULL)
        return;
    run->did = grown;
    run->did[run->did_count] = strdup(text);
    if (run->did[run->did_count] != NULL)
        run->did_count++;
}

void peer_expected(struct peer_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->expected, sizeof run->expected, format, args);
    va_end(args);
}

bool peer_fail(struct peer_run *run, enum peer_result result, const char *observed, ...)
{
    va_list args;
    va_start(args, observed);
    run->result = result;
    vsnprintf(run->observed, sizeof run->observed, observed, args);
    va_end(args);
    return false;
}

bool peer_fail_errno(struct peer_run *run, int error, const char *what)
{
    enum peer_result result = error == ECONNREFUSED                   ? PEER_CONN_REFUSED
                              : error == ECONNRESET || error == EPIPE ? PEER_RST
                              : error == EHOSTUNREACH || error == ENETUNREACH
                                  ? PEER_HOST_UNREACHABLE
                              : error == ETIMEDOUT ? PEER_TIMED_OUT
                                                   : PEER_ERROR;
    return peer_fail(run, result, "%s: %s (%s)", what, strerrorname_np(error), strerror(error));
}

void peer_fact(const struct peer_end *end, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s ", end->name);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout); /* somebody may wait for a port */
    va_end(args);
}

/* As a C string would be written: what is no printable ASCII becomes \xHH; cut with ... to fit. */
void peer_show_bytes(char *text, size_t size, const unsigned char *data, size_t length)
{
    struct el_words words = {.text = text, .size = size};
    text[0] = '\0';
    el_say(&words, "\"");
    size_t i = 0;
    for (; i < length && words.used + 9 < size; i++)
        if (data[i] == '\n')
            el_say(&words, "\\n");
        else if (data[i] < ' ' || data[i] > '~' || data[i] == '"' || data[i] == '\\')
            el_say(&words, "\\x%02x", data[i]);
        else
            el_say(&words, "%c", data[i]);
    el_say(&words, i < length ? "\"..." : "\"");
}

const char *peer_nothing(const struct peer_run *run, el_time since)
{
    static char text[160];
    el_duration passed = el_now() - since;
    if (run->quiet != NULL && strcmp(run->quiet, "gone") == 0)
        snprintf(text, sizeof text, "nothing: the program is gone");
    else if (run->quiet != NULL)
        snprintf(text, sizeof text, "nothing: the program %swaits in %s(2)",
                 run->unread  ? "has not read what was sent, and "
                 : run->asked ? "has taken all that was sent, and "
                              : "",
                 run->quiet);
    else if (run->spins)
        snprintf(text, sizeof text,
                 "nothing, while the program used a processor for half a second");
    else if (passed < EL_S)
        snprintf(text, sizeof text, "nothing for %lld ms", (long long)(passed / EL_MS));
    else
        snprintf(text, sizeof text, "nothing for %.3g s", (double)passed / (double)EL_S);
    return text;
}

static const char *result_name(enum peer_result result)
{
    static const char *const names[] = {
        [PEER_SILENCE] = "silence",
        [PEER_EOF] = "eof",
        [PEER_RST] = "reset",
        [PEER_CONN_REFUSED] = "refused",
        [PEER_HOST_UNREACHABLE] = "unreachable",
        [PEER_DIFFERS] = "differs",
        [PEER_EXTRA] = "extra",
        [PEER_SHORT] = "short",
        [PEER_WRONG_SOURCE] = "wrong-source",
        [PEER_TRUNCATED] = "truncated",
        [PEER_TIMED_OUT] = "timeout",
        [PEER_ERROR] = "error",
    };
    return names[result];
}

/* The whole of a long story is no story: its beginning and its end are told. */
static void print_did(const struct peer_run *run)
{
    enum { FIRST = 4, LAST = 8 };
    for (size_t i = 0; i < run->did_count; i++) {
        if (i == FIRST && run->did_count > FIRST + LAST + 1) {
            size_t left_out = run->did_count - FIRST - LAST;
            printf("did: ... (%zu more steps)\n", left_out);
            i += left_out;
        }
        printf("did: %s\n", run->did[i]);
    }
}

void peer_print_failure(const struct peer_run *run)
{
    const struct peer_step *step = run->step;
    printf("failed: line %u: %s%s%s\n", step->line, step->name, step->name[0] ? " " : "",
           peer_verb_name(step->verb));
    printf("result: %s\n", result_name(run->result));
    printf("expected: %s\nobserved: %s\n", run->expected, run->observed);
    if (run->want[0] != '\0')
        printf("got: %s\nwant: %s\n", run->got, run->want);
    if (run->quiet != NULL)
        printf("sleeps: %s\nunread: %s\n", run->quiet, run->unread ? "yes" : "no");
    print_did(run);
    printf("seed: %llu\n", (unsigned long long)run->seed);
}
