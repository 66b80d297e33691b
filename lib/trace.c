/*
 * trace.c - what a module has to say, on its way to the sink that the program chose.
 *
 * Teaches:  a log line is an attack surface. Someone who can make a server fail a million times a
 *           second must not be able to make it write a million lines: each format string has a
 *           budget. [#log-budget] And a line is one line: control bytes are escaped, so nobody
 *           writes lines that look like ours.
 * Partner:  trace_file.c, the sink that `--explain` reads well in. Next: address.c.
 */
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 1024, /* longer text is cut: a log line is for people */
    KEPT_TEXT = 120,       /* of the last line left out, for the report at the end */
    BUDGETS = 64,          /* distinct format strings that are counted at a time */
};

/* What one format string has used of its second. */
struct budget {
    const char
        *format; /* NULL: free. Compared as a pointer: each el_log in the source has its own. */
    el_time since;
    unsigned said;
    unsigned long left_out;
    enum el_level level;
    char last[KEPT_TEXT];
};

struct el_trace {
    struct el_trace_args args; /* never changes: read without the lock */
    pthread_mutex_t lock;      /* guards the budgets, and lets one line at a time into the sink */
    struct budget budgets[BUDGETS];
};

struct el_trace *el_trace_new(const struct el_trace_args *args)
{
    struct el_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        return NULL;
    trace->args = *args;
    pthread_mutex_init(&trace->lock, NULL); /* cannot fail for a default mutex on Linux */
    return trace;
}

bool el_explaining(const struct el_trace *trace)
{
    return trace != NULL && trace->args.explain;
}

/* Copies `from` with control bytes as \xNN, cut to `size`. */
static void copy_escaped(char *to, size_t size, const char *from)
{
    size_t used = 0;
    for (; *from != '\0' && used + 5 <= size; from++) {
        unsigned char c = (unsigned char)*from;
        if (c < 0x20 || c == 0x7f)
            used += (size_t)snprintf(to + used, size - used, "\\x%02x", c);
        else
            to[used++] = (char)c;
    }
    to[used] = '\0';
}

/* The rendered, escaped text of one report. */
static void render(char text[static LINE_MAX_BYTES], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void render(char text[static LINE_MAX_BYTES], const char *format, va_list args)
{
    char raw[LINE_MAX_BYTES];
    vsnprintf(raw, sizeof raw, format, args);
    copy_escaped(text, LINE_MAX_BYTES, raw);
}

/* Hands a line to the sink; the lock is held, so a sink must not report to the same trace. */
static void emit(struct el_trace *trace, const struct el_event *event)
{
    trace->args.sink(trace->args.arg, event);
}

static void emit_diagnostic(struct el_trace *trace, enum el_level level, el_time at,
                            const char *text)
{
    emit(trace, &(struct el_event){.level = level, .at = at, .text = text});
}

/* Tells how many lines of this budget were left out, and forgets them. */
static void tell_left_out(struct el_trace *trace, struct budget *budget, el_time at)
{
    char text[KEPT_TEXT + 64];
    if (budget->left_out == 0)
        return;
    snprintf(text, sizeof text, "%s (and %lu more like this were left out)", budget->last,
             budget->left_out - 1);
    emit_diagnostic(trace, budget->level, at, budget->left_out > 1 ? text : budget->last);
    budget->left_out = 0;
}

/*
 * The budget of a format string. When all are taken, the one that began its second longest ago
 * makes room: the table is bounded whatever happens, and what it left out is told first.
 */
static struct budget *find_budget(struct el_trace *trace, const char *format, el_time now)
{
    struct budget *oldest = &trace->budgets[0];
    for (size_t i = 0; i < BUDGETS; i++) {
        struct budget *budget = &trace->budgets[i];
        if (budget->format == format)
            return budget;
        if (budget->format == NULL) {
            oldest = budget; /* they fill in order: no match can follow a free one */
            break;
        }
        if (budget->since < oldest->since)
            oldest = budget;
    }
    tell_left_out(trace, oldest, now);
    *oldest = (struct budget){.format = format, .since = now};
    return oldest;
}

/* Whether one more line of this format may be said now. */
static bool within_budget(struct el_trace *trace, const char *format, enum el_level level,
                          el_time now, const char *text)
{
    if (trace->args.per_second == 0)
        return true;
    struct budget *budget = find_budget(trace, format, now);
    if (now - budget->since >= EL_S) {
        tell_left_out(trace, budget, now);
        budget->since = now;
        budget->said = 0;
    }
    if (budget->said < trace->args.per_second) {
        budget->said++;
        return true;
    }
    budget->left_out++;
    budget->level = level;
    copy_escaped(budget->last, sizeof budget->last, text);
    return false;
}

void el_log(struct el_trace *trace, enum el_level level, const char *format, ...)
{
    if (trace == NULL || level > trace->args.level)
        return;

    int saved = errno; /* callers report first and return -errno afterwards */
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    render(text, format, args);
    va_end(args);

    pthread_mutex_lock(&trace->lock);
    el_time now = el_now(); /* under the lock, so that times never run backwards in the sink */
    if (within_budget(trace, format, level, now, text))
        emit_diagnostic(trace, level, now, text);
    pthread_mutex_unlock(&trace->lock);
    errno = saved;
}

void el_explain(struct el_trace *trace, enum el_topic topic, const char *format, ...)
{
    if (!el_explaining(trace))
        return;

    int saved = errno;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    render(text, format, args);
    va_end(args);

    pthread_mutex_lock(&trace->lock);
    emit(trace,
         &(struct el_event){.narration = true, .topic = topic, .at = el_now(), .text = text});
    pthread_mutex_unlock(&trace->lock);
    errno = saved;
}

void el_trace_free(struct el_trace *trace)
{
    if (trace == NULL)
        return;
    for (size_t i = 0; i < BUDGETS; i++)
        tell_left_out(trace, &trace->budgets[i], el_now());
    pthread_mutex_destroy(&trace->lock);
    free(trace);
}

int el_level_parse(const char *text, enum el_level *level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *level = (enum el_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *el_errno_name(int error)
{
    static _Thread_local char unknown[16];
    const char *name = strerrorname_np(error < 0 ? -error : error); /* glibc 2.32 */
    if (name != NULL)
        return name;
    snprintf(unknown, sizeof unknown, "E?%d", error);
    return unknown;
}
