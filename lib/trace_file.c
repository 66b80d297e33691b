/*
 * trace_file.c - the sink that people read: diagnostics as they are, the narration as a story.
 *
 * Teaches:  how `--explain` looks. The time stands at the left, in milliseconds since the first
 *           event; a decision starts at the margin, and what it led to is indented below it with a
 *           label:
 *
 *               0.000 ms  server.lab is a name, not a literal: asking DNS
 *               0.214 ms    dns     A server.lab to 10.77.0.254:53
 *               1.020 ms  chosen 10.77.0.2: the only address
 *               1.101 ms    call    connect(5, 10.77.0.2:7007) = 0
 *               1.130 ms    state   local address now 10.77.0.1:40312
 *
 * On a terminal a long line is broken at a space and goes on under its own text. In a file it is
 * not: there one event is one line, for grep(1).
 * Partner:  trace.c, which lets one event at a time in here, so this file needs no lock.
 */
#include "trace.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    WIDE = 100,         /* lines longer than this are hard to read, however wide the terminal is */
    NARROW = 60,        /* below this, breaking lines does more harm than good */
    STEP_INDENT = 15,   /* where a step's text begins: "     0.000 ms  " */
    DETAIL_INDENT = 25, /* where the text of what it led to begins: a label later */
    LINES_MAX = 4 * 1024, /* one event, broken into lines */
    PATIENCE_MS = 100,    /* of each second, for a reader that stalls */
};

/* The label of what a step led to. A step itself has none: it stands out by standing
 * at the margin. */
static const char *topic_label(enum el_topic topic)
{
    switch (topic) {
    case EL_TOPIC_STEP:
        return NULL;
    case EL_TOPIC_CALL:
        return "call";
    case EL_TOPIC_STATE:
        return "state";
    case EL_TOPIC_DNS:
        return "dns";
    case EL_TOPIC_PACKET:
        return "packet";
    }
    return "";
}

/* How wide a line may be; 0 = as long as it likes, because this is not a terminal. */
static size_t line_width(const struct el_file_sink *sink)
{
    struct winsize window;
    size_t width = sink->columns;

    if (width == 0) {
        if (ioctl(fileno(sink->file), TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
            return 0; /* ENOTTY: a file or a pipe */
        width = window.ws_col;
    }
    return width > WIDE ? WIDE : width < NARROW ? 0 : width;
}

/* How much of `text` fits in `room` columns, broken at the last space; all of it
 * if nothing helps. */
static size_t fitting(const char *text, size_t room)
{
    size_t length = strlen(text);
    if (length <= room)
        return length;
    for (size_t cut = room; cut > 0; cut--)
        if (text[cut] == ' ')
            return cut;
    size_t next = strcspn(text + room, " "); /* a long word: let it stick out rather than cut it */
    return room + next;
}

/* ---- to the file, with an end to every wait ---- */

void el_file_sink_open(struct el_file_sink *sink)
{
    sink->opened = true;
    sink->output = el_line_output(fileno(sink->file)); /* -1 for a FILE in memory */
}

/* False: there was no room. Another error is nobody's to hear: this is where errors are told. */
static bool write_patiently(struct el_file_sink *sink, const char *text, size_t length)
{
    el_time before = el_now();
    if (before >= sink->second_ends) {
        sink->second_ends = el_time_after(before, EL_S);
        sink->waited = 0;
    }
    el_duration patience = PATIENCE_MS * EL_MS - sink->waited;
    int error = el_line_output_write(&sink->output, text, length, patience > 0 ? patience : 0);
    sink->waited += el_now() - before;
    return error != -EAGAIN;
}

static bool tell_left_out(struct el_file_sink *sink)
{
    char text[128];
    if (sink->left_out == 0)
        return true;
    int length = snprintf(text, sizeof text, "%s: %lu lines left out here: nobody read them\n",
                          sink->program, sink->left_out);
    if (!write_patiently(sink, text, (size_t)length))
        return false;
    sink->left_out = 0;
    return true;
}

static void put(struct el_file_sink *sink, const char *text, size_t length)
{
    if (!sink->opened)
        el_file_sink_open(sink);
    if (sink->output.fd < 0) {
        fwrite(text, 1, length, sink->file);
        fflush(sink->file);
        return;
    }
    fflush(sink->file); /* what others wrote to it comes first; nothing, for stderr */
    if (!tell_left_out(sink) || !write_patiently(sink, text, length))
        sink->left_out++;
}

void el_file_sink_close(struct el_file_sink *sink)
{
    if (!sink->opened)
        return;
    tell_left_out(sink);
    el_line_output_close(&sink->output);
    sink->opened = false;
}

/* ---- lines ---- */

static void write_narration(struct el_file_sink *sink, const struct el_event *event)
{
    const char *label = topic_label(event->topic);
    size_t indent = label == NULL ? STEP_INDENT : DETAIL_INDENT;
    size_t width = line_width(sink);
    const char *rest = event->text;
    char out[LINES_MAX]; /* written at once, so that other output does not land in the middle */
    int used;

    double ms = (double)(event->at - sink->start) / (double)EL_MS;
    if (label == NULL)
        used = snprintf(out, sizeof out, "%10.3f ms  ", ms);
    else
        used = snprintf(out, sizeof out, "%10.3f ms    %-8s", ms, label);

    for (;;) {
        size_t part = width == 0 ? strlen(rest) : fitting(rest, width - indent);
        used += snprintf(out + used, sizeof out - (size_t)used, "%.*s\n", (int)part, rest);
        rest += part;
        rest += strspn(rest, " ");
        if (*rest == '\0' || (size_t)used + indent + strlen(rest) + 2 > sizeof out)
            break;
        used += snprintf(out + used, sizeof out - (size_t)used, "%*s", (int)indent, "");
    }
    put(sink, out, (size_t)used);
}

static void write_diagnostic(struct el_file_sink *sink, const struct el_event *event)
{
    char out[LINES_MAX];
    int length = snprintf(out, sizeof out, "%s: %s\n", sink->program, event->text);
    if ((size_t)length >= sizeof out) { /* what snprintf(3) would have written */
        length = sizeof out - 1;
        out[length - 1] = '\n';
    }
    put(sink, out, (size_t)length);
}

void el_file_sink_write(void *el_file_sink, const struct el_event *event)
{
    struct el_file_sink *sink = el_file_sink;

    if (sink->start == 0)
        sink->start = event->at;
    if (event->narration)
        write_narration(sink, event);
    else
        write_diagnostic(sink, event);
}
