/*
 * trace.h - what a module has to say, handed to a sink that the program chose.
 *
 * A library must not print: it cannot know whether stderr is a terminal, a log or closed. So every
 * module takes a `struct el_trace *` (NULL is fine: silence) and reports to it. Two kinds of
 * report:
 *  - diagnostics, with a level, for whoever runs the program: `prog: object: what failed: strerror
 *    (hint)`;
 *  - the narration of `--explain`, for whoever wants to know what happens inside.
 * Thread-safe: one trace may be shared by all workers of a server.
 */
#ifndef ECHOLAB_TRACE_H
#define ECHOLAB_TRACE_H

#include "deadline.h"
#include "line_output.h"

#include <stdbool.h>
#include <stdio.h>

enum el_level { EL_ERROR, EL_WARN, EL_INFO, EL_DEBUG };

/* What a line of narration is about; the file sink indents and labels by it. */
enum el_topic {
    EL_TOPIC_STEP,   /* a decision and its reason: "server.lab is a name: asking DNS" */
    EL_TOPIC_CALL,   /* a system call: "connect(5, 10.77.0.2:7007) = 0" */
    EL_TOPIC_STATE,  /* what changed: "local address now 10.77.0.1:40312" */
    EL_TOPIC_DNS,    /* a query or an answer */
    EL_TOPIC_PACKET, /* a packet that crossed */
};

struct el_event {
    bool narration; /* `topic` counts if true, `level` if false */
    enum el_level level;
    enum el_topic topic;
    el_time at;
    const char *text; /* one line, no newline, escaped; valid during the call only */
};

/* Called by one thread at a time, with the trace locked: it must not report to the same trace. */
typedef void (*el_sink)(void *arg, const struct el_event *event);

struct el_trace_args {
    el_sink sink;
    void *arg;           /* passed to sink; borrowed */
    enum el_level level; /* diagnostics above it are dropped */
    bool explain;        /* narration wanted */
    unsigned per_second; /* diagnostics of one format string a second, 0 = unlimited; the rest
                          * are counted, and the count is told */
};

struct el_trace; /* opaque */

struct el_trace *el_trace_new(const struct el_trace_args *args); /* NULL: out of memory */
void el_trace_free(struct el_trace *trace);

/*
 * A sink that writes to a FILE: diagnostics as "prog: text", narration indented by topic, with the
 * time since the first event. `columns` is the width to break narration at; 0 = the terminal's, and
 * in a file lines are not broken.
 *
 * When the reader of a pipe or terminal stalls, the sink waits a tenth of a second in each second at most;
 * lines without room are left out, and their number is told as soon as there is room again. [#stalled-reader]
 */
struct el_file_sink {
    FILE *file;
    const char *program;
    el_time start; /* 0: set at the first event */
    unsigned columns;
    bool opened; /* the rest is the sink's own */
    struct el_line_output output;
    unsigned long left_out;
    el_time second_ends;
    el_duration waited; /* in this second */
};
void el_file_sink_write(void *el_file_sink, const struct el_event *event);

/* Not needed, but for who will change user before the first event: see el_line_output. */
void el_file_sink_open(struct el_file_sink *sink);
/* Tells what is untold, and closes what _open opened, not the FILE. */
void el_file_sink_close(struct el_file_sink *sink);

/* One diagnostic. NULL trace: nothing happens. Keeps errno. */
void el_log(struct el_trace *trace, enum el_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One line of narration. Costs one comparison when nobody listens. Keeps errno. */
void el_explain(struct el_trace *trace, enum el_topic topic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool el_explaining(const struct el_trace *trace); /* to skip work that only narration needs */

/* Parses "error", "warn", "info", "debug". -EINVAL otherwise. */
int el_level_parse(const char *text, enum el_level *level);

/* The name of an errno, "ECONNREFUSED"; "E?123" when unknown (strerrorname_np(3) with a floor). */
const char *el_errno_name(int error);

#endif
