/*
 * timeline_words.c - calls and packets in words.
 *
 * Teaches:  what to leave out. strace prints every argument; a reader of a timeline wants the
 *           descriptor, the address by its name, the number of bytes, and what came of it. What the
 *           call did and got (timeline_cause.c) stands beside its result.
 * Partner:  timeline_rows.h; timeline_fields.c has the packets' headers in full.
 */
#include "timeline_rows.h"
#include "words.h"

#include <ctype.h>
#include <netinet/tcp.h>
#include <string.h>

/* A part of strace's line: printable as it is, everything else as '?'. */
static void say_text(struct el_words *words, struct strace_text text, size_t most)
{
    for (size_t i = 0; i < text.length; i++) {
        if (i == most) {
            el_say(words, "…");
            return;
        }
        el_say(words, "%c", isprint((unsigned char)text.at[i]) ? text.at[i] : '?');
    }
}

const char *timeline_end_words(const struct timeline *timeline, const struct el_address *address,
                               char *text, size_t size)
{
    char literal[EL_ADDRESS_TEXT];
    const char *place = address->length == 0 ? "" : timeline_place(timeline, address);
    if (place[0] == '\0')
        snprintf(text, size, "%s", el_address_print(address, literal));
    else
        snprintf(text, size, "%s:%u", place, el_address_port(address));
    return text;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void say_end(struct el_words *words, const struct timeline *timeline,
                    const struct el_address *address)
{
    char text[EL_ADDRESS_TEXT];
    el_say(words, "%s", timeline_end_words(timeline, address, text, sizeof text));
}

/* "AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP" without what says nothing here. */
static void say_socket(struct el_words *words, struct strace_text arguments)
{
    struct strace_text type = strace_argument(arguments, 1);
    el_say(words, "%s, ",
           strace_contains(strace_argument(arguments, 0), "INET6") ? "AF_INET6" : "AF_INET");
    el_say(words, "%s", strace_contains(type, "SOCK_STREAM") ? "SOCK_STREAM" : "SOCK_DGRAM");
    if (strace_contains(type, "SOCK_NONBLOCK"))
        el_say(words, "|SOCK_NONBLOCK");
}

/* How many bytes a call was asked to send: what it was given, not what it took. */
static int64_t asked(const struct strace_line *line)
{
    if (strncmp(line->name, "send", 4) != 0 && strncmp(line->name, "write", 5) != 0)
        return -1;
    if (strcmp(line->name, "sendto") == 0 || strcmp(line->name, "send") == 0 ||
        strcmp(line->name, "write") == 0)
        return strace_number(strace_argument(line->arguments, 2));
    return line->returned && line->result >= 0 && strstr(line->name, "mmsg") == NULL ? line->result
                                                                                     : -1;
}

static void say_ready(struct el_words *words, const struct timeline *timeline,
                      const struct timeline_call *call)
{
    for (unsigned i = 0; i < call->ready_count; i++) {
        const struct timeline_ready *ready = &call->ready[i];
        el_say(words, "%s%d %s", i == 0 ? "" : ", ", timeline->sockets[ready->socket].fd,
               ready->error              ? "has an error"
               : ready->in && ready->out ? "readable and writable"
               : ready->in               ? "readable"
                                         : "writable");
    }
}

static void say_arguments(struct el_words *words, const struct timeline *timeline,
                          const struct timeline_call *call)
{
    const struct strace_line *line = &call->strace;
    struct el_address address;
    int64_t bytes = asked(line);
    el_say(words, "%d", call->fd);
    switch (call->role) {
    case TIMELINE_CONNECT:
    case TIMELINE_OTHER:
        if (strcmp(line->name, "setsockopt") == 0 || strcmp(line->name, "getsockopt") == 0) {
            el_say(words, ", ");
            say_text(words, strace_argument(line->arguments, 2), 24);
        } else if (strncmp(line->name, "get", 3) != 0 &&
                   strace_sockaddr(line->arguments, &address)) {
            el_say(words, ", ");
            say_end(words, timeline, &address);
        } else if (strcmp(line->name, "listen") == 0) {
            el_say(words, ", ");
            say_text(words, strace_argument(line->arguments, 1), 12);
        }
        break;
    case TIMELINE_SEND:
        if (bytes >= 0)
            el_say(words, ", %lld byte%s", (long long)bytes, bytes == 1 ? "" : "s");
        if (strace_sockaddr(line->arguments, &address)) {
            el_say(words, ", ");
            say_end(words, timeline, &address);
        }
        break;
    case TIMELINE_SHUTDOWN:
        el_say(words, ", ");
        say_text(words, strace_argument(line->arguments, 1), 12);
        break;
    default:
        break;
    }
}

const char *timeline_call_words(const struct timeline *timeline, const struct timeline_call *call,
                                char *text, size_t size)
{
    struct el_words words = {.text = text, .size = size};
    text[0] = '\0';
    el_say(&words, "%s(", call->strace.name);
    if (strcmp(call->strace.name, "socket") == 0)
        say_socket(&words, call->strace.arguments);
    else if (call->socket != TIMELINE_NONE)
        say_arguments(&words, timeline, call);
    else if (call->ready_count == 0)
        say_text(&words, call->strace.arguments, 40);
    else if (strncmp(call->strace.name, "epoll_", 6) == 0)
        el_say(&words, "%lld", (long long)strace_number(call->strace.arguments));
    else
        el_say(&words, "…");
    el_say(&words, ")");
    return text;
}

/* What getsockname and the like answered; the value of an option. */
static void say_answer(struct el_words *words, const struct timeline *timeline,
                       const struct timeline_call *call)
{
    const struct strace_line *line = &call->strace;
    struct el_address address;
    if (strncmp(line->name, "getsockopt", 10) == 0) {
        el_say(words, " ");
        say_text(words, strace_argument(line->arguments, 3), 24);
    } else if (strncmp(line->name, "get", 3) == 0 && strace_sockaddr(line->arguments, &address)) {
        el_say(words, ": ");
        say_end(words, timeline, &address);
    } else if ((call->role == TIMELINE_ACCEPT ||
                (call->role == TIMELINE_RECEIVE &&
                 timeline->sockets[call->socket].remote.length == 0)) &&
               line->result >= 0 && strace_sockaddr(line->arguments, &address)) {
        el_say(words, " from ");
        say_end(words, timeline, &address);
    }
}

const char *timeline_result_words(const struct timeline *timeline, const struct timeline_call *call,
                                  char *text, size_t size)
{
    struct el_words words = {.text = text, .size = size};
    const struct strace_line *line = &call->strace;
    text[0] = '\0';
    if (!line->returned) {
        el_say(&words, "never returned");
    } else if (line->error[0] != '\0') {
        el_say(&words, "= %s", line->error);
    } else if (call->ready_count > 0) {
        el_say(&words, "= %lld: ", (long long)line->result);
        say_ready(&words, timeline, call);
    } else {
        el_say(&words, "= %lld", (long long)line->result);
        if (strstr(line->name, "mmsg") != NULL)
            el_say(&words, " message%s", line->result == 1 ? "" : "s");
        if (call->socket != TIMELINE_NONE)
            say_answer(&words, timeline, call);
    }
    return text;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void say_call(struct el_words *words, const struct timeline *timeline,
                     const struct timeline_row *row)
{
    const struct timeline_call *call = &timeline->calls[row->of];
    char part[TIMELINE_WORDS];
    if (row->kind == TIMELINE_ROW_RETURN)
        el_say(words, "%s", call->strace.name);
    else
        el_say(words, "%s", timeline_call_words(timeline, call, part, sizeof part));
    if (row->kind == TIMELINE_ROW_ENTRY && call->strace.returned) {
        if (strncmp(call->did, "→", strlen("→")) == 0)
            el_say(words, " %s", call->did);
        return;
    }
    el_say(words, " %s", timeline_result_words(timeline, call, part, sizeof part));
    bool told = row->kind == TIMELINE_ROW_RETURN && strncmp(call->did, "→", strlen("→")) == 0 &&
                call->entry != TIMELINE_NONE;
    const char *gap = ": ";
    if (call->did[0] != '\0' && !told) {
        el_say(words, "%s%s", gap, call->did);
        gap = ", ";
    }
    if (call->got[0] != '\0')
        el_say(words, "%s%s", gap, call->got);
}

static void say_state(struct el_words *words, const struct timeline *timeline,
                      const struct timeline_state *state)
{
    el_say(words, "%s → %s", state->before, state->after);
    if (timeline->connections > 1)
        el_say(words, " :%u", timeline_connection(timeline, &state->local, &state->remote));
}

static void say_end_of(struct el_words *words, const struct timeline_end *end)
{
    if (end->killed)
        el_say(words, "process %d killed by %s", end->pid, end->signal);
    else if (end->signal[0] != '\0')
        el_say(words, "%s", end->signal);
    else
        el_say(words, "process %d exits with %d", end->pid, end->status);
}

const char *timeline_row_words(const struct timeline *timeline, const struct timeline_row *row,
                               char *text, size_t size)
{
    struct el_words words = {.text = text, .size = size};
    text[0] = '\0';
    switch (row->kind) {
    case TIMELINE_ROW_CALL:
    case TIMELINE_ROW_ENTRY:
    case TIMELINE_ROW_RETURN:
        say_call(&words, timeline, row);
        break;
    case TIMELINE_ROW_STATE:
        say_state(&words, timeline, &timeline->states[row->of]);
        break;
    case TIMELINE_ROW_END:
        say_end_of(&words, &timeline->ends[row->of]);
        break;
    case TIMELINE_ROW_FATE:
        el_say(&words, "fault: %s", timeline->fates[row->of].packet.prefix);
        break;
    default:
        timeline_packet_words(timeline, row->of, 0, text, size);
        break;
    }
    return text;
}
