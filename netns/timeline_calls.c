/*
 * timeline_calls.c - lines of strace become calls.
 *
 * Teaches:  when a call returned. strace stamps the entry and measures how long the call took, but
 *           between the two it decodes arguments: entry plus duration is a little early. An upper bound
 *           is what the same thread did next. [#when-it-returned]
 * Kept:     calls about TCP and UDP sockets, and waits that reported one of them. The loader's reads,
 *           pipes, files and UNIX sockets are left out at once, so that memory is for what is shown.
 * Partner:  timeline.h, strace_line.h; timeline_sockets.c finds their sockets.
 */
#include "timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1024 };

struct thread {
    int pid;
    char *unfinished; /* the first half of a call, or NULL */
    uint32_t last;    /* its latest call that was kept, when nothing came after it yet */
};

struct timeline_calls {
    struct timeline *timeline;
    uint32_t host;
    bool all;
    size_t count;
    struct thread threads[THREADS_MAX];
};

struct timeline_calls *timeline_calls_new(struct timeline *timeline, uint32_t host, bool all)
{
    struct timeline_calls *calls = calloc(1, sizeof *calls);
    if (calls != NULL) {
        calls->timeline = timeline;
        calls->host = host;
        calls->all = all;
    }
    return calls;
}

void timeline_calls_free(struct timeline_calls *calls)
{
    for (size_t i = 0; calls != NULL && i < calls->count; i++)
        free(calls->threads[i].unfinished);
    free(calls);
}

static enum timeline_role role_of(const char *name)
{
    static const struct {
        const char *name; /* as a prefix */
        enum timeline_role role;
    } table[] = {
        {"connect", TIMELINE_CONNECT}, {"accept", TIMELINE_ACCEPT},     {"send", TIMELINE_SEND},
        {"write", TIMELINE_SEND},      {"recv", TIMELINE_RECEIVE},      {"read", TIMELINE_RECEIVE},
        {"pwrite", TIMELINE_SEND},     {"shutdown", TIMELINE_SHUTDOWN}, {"close", TIMELINE_CLOSE},
        {"epoll_", TIMELINE_WAIT},     {"poll", TIMELINE_WAIT},         {"ppoll", TIMELINE_WAIT},
        {"select", TIMELINE_WAIT},     {"pselect", TIMELINE_WAIT},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strncmp(name, table[i].name, strlen(table[i].name)) == 0)
            return table[i].role;
    return TIMELINE_OTHER;
}

/* May a call be about a socket? */
static bool interesting(const struct strace_line *line)
{
    struct strace_socket socket;
    if (role_of(line->name) == TIMELINE_WAIT)
        return line->returned && line->result > 0;
    if (strace_socket(strace_argument(line->arguments, 0), &socket) && socket.protocol != 0)
        return true;
    return strcmp(line->name, "socket") == 0 && strace_socket(line->result_text, &socket) &&
           socket.protocol != 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static struct thread *thread_of(struct timeline_calls *calls, int pid)
{
    for (size_t i = 0; i < calls->count; i++)
        if (calls->threads[i].pid == pid)
            return &calls->threads[i];
    if (calls->count == THREADS_MAX)
        return NULL;
    struct thread *thread = &calls->threads[calls->count++];
    *thread = (struct thread){.pid = pid, .last = TIMELINE_NONE};
    return thread;
}

/* Is a stamp of the wall clock one that can be meant? */
static bool in_range(const struct timeline *timeline, el_time at)
{
    return at - timeline->clock >= 0 && at - timeline->clock <= TIMELINE_LATEST;
}

/* `until`: when the return was seen, at the latest; EL_NEVER when not yet known. */
static void add_call(struct timeline_calls *calls, struct thread *thread, const char *text,
                     el_time until)
{
    struct timeline *timeline = calls->timeline;
    struct strace_line line;
    if (strace_parse(text, &line) < 0 || (!calls->all && !interesting(&line)))
        return;
    if (!in_range(timeline, line.at) || line.took > TIMELINE_LATEST / 2) {
        timeline->unread++;
        return;
    }
    if (timeline->call_count == TIMELINE_CALLS) {
        timeline->beyond += 2;
        return;
    }
    uint32_t number = timeline_add(timeline, call);
    char *copy = number == TIMELINE_NONE ? NULL : strdup(text);
    if (copy == NULL) {
        timeline->failed = true;
        return;
    }
    struct timeline_call *call = &timeline->calls[number];
    *call = (struct timeline_call){.host = calls->host,
                                   .line = copy,
                                   .role = role_of(line.name),
                                   .socket = TIMELINE_NONE,
                                   .fd = -1,
                                   .entry = TIMELINE_NONE,
                                   .exit = TIMELINE_NONE,
                                   .next = TIMELINE_NONE,
                                   .got_first = TIMELINE_NONE,
                                   .got_last = TIMELINE_NONE};
    strace_parse(copy, &call->strace);
    call->at = line.at - timeline->clock;
    if (call->strace.returned) {
        call->back = call->at + (call->strace.took > 0 ? call->strace.took : 0);
        call->latest = until == EL_NEVER ? EL_NEVER : until - timeline->clock;
    }
    thread->last = number;
}

static void add_end(struct timeline_calls *calls, const struct strace_line *line)
{
    struct timeline *timeline = calls->timeline;
    if (line->kind == STRACE_SIGNAL && strcmp(line->name, "SIGCHLD") == 0)
        return; /* a child that ended says so itself */
    if (!in_range(timeline, line->at)) {
        timeline->unread++;
        return;
    }
    uint32_t number =
        timeline->end_count == TIMELINE_STATES ? TIMELINE_NONE : timeline_add(timeline, end);
    if (number == TIMELINE_NONE) {
        timeline->beyond++;
        return;
    }
    struct timeline_end *end = &timeline->ends[number];
    *end = (struct timeline_end){.host = calls->host,
                                 .pid = line->pid,
                                 .status = line->status,
                                 .killed = line->kind == STRACE_KILLED,
                                 .at = line->at - timeline->clock,
                                 .event = TIMELINE_NONE,
                                 .after = TIMELINE_NONE};
    memcpy(end->signal, line->name, sizeof end->signal);
}

/* The two halves, as soon as the second is there. */
static int add_joined(struct timeline_calls *calls, struct thread *thread, const char *line,
                      el_time at)
{
    char whole[STRACE_LINE];
    int result = thread->unfinished == NULL
                     ? -EBADMSG
                     : strace_join(thread->unfinished, line, whole, sizeof whole);
    free(thread->unfinished);
    thread->unfinished = NULL;
    if (result == 0)
        add_call(calls, thread, whole, at);
    return result < 0 ? -EBADMSG : 0;
}

int timeline_calls_line(struct timeline_calls *calls, const char *text)
{
    struct strace_line line;
    int result = strace_parse(text, &line);
    if (result < 0)
        return strstr(text, " --- stopped by ") != NULL || strstr(text, " +++ superseded ") != NULL
                   ? 0
                   : result;
    struct thread *thread = thread_of(calls, line.pid);
    if (thread == NULL) {
        calls->timeline->beyond++;
        return 0;
    }
    /* Whatever a thread does next, its last call had returned by then. */
    if (line.kind != STRACE_RESUMED && thread->last != TIMELINE_NONE) {
        struct timeline_call *last = &calls->timeline->calls[thread->last];
        if (last->latest == EL_NEVER)
            last->latest = line.at - calls->timeline->clock;
        thread->last = TIMELINE_NONE;
    }
    switch (line.kind) {
    case STRACE_CALL:
        add_call(calls, thread, text, EL_NEVER);
        return 0;
    case STRACE_UNFINISHED:
        free(thread->unfinished);
        thread->unfinished = strdup(text);
        calls->timeline->failed |= thread->unfinished == NULL;
        return 0;
    case STRACE_RESUMED:
        return add_joined(calls, thread, text, line.at);
    default:
        add_end(calls, &line);
        return 0;
    }
}
