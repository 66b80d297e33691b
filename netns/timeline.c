/*
 * timeline.c - one exchange at every level at once: calls, packets, TCP states, faults, in one order.
 *
 * Teaches:  what a program asked of the kernel and what went over the wire are two stories of one event;
 *           told side by side, each explains the other. This file only parses options and opens the
 *           output; the story is put together in timeline_*.c.
 * Run:      net why client -- tcp_echo -c1 server.lab     (it records a directory and runs this on it)
 *           timeline --width 120 tests/unit/recorded/tcp
 * Partner:  netns/why.sh, which records. Read next: timeline.h.
 */
#include "options.h"
#include "timeline_show.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FORMAT_TEXT, FORMAT_SVG, FORMAT_HTML, FORMAT_JSON };

struct options {
    const char *hosts, *output;
    uint64_t width;
    unsigned format;
    bool all, ascii, clock;
};

/*
 * How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, in nanoseconds: strace stamps with the one, all
 * else with the other. The monotonic clock is read before and after, and the middle is taken.
 */
static long long clock_distance(void)
{
    struct timespec wall;
    el_time before = el_now();
    clock_gettime(CLOCK_REALTIME, &wall);
    el_time after = el_now();
    return (long long)wall.tv_sec * EL_S + wall.tv_nsec - (before + (after - before) / 2);
}

/* The columns of the terminal we write to: --width, $COLUMNS, what the terminal says, or 80. */
static size_t columns(const struct options *options, FILE *out)
{
    struct winsize size;
    const char *variable = getenv("COLUMNS");
    uint64_t number;
    const char *why;
    if (options->width != 0)
        return options->width;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    if (variable != NULL && el_parse_number(variable, &number, &why) == 0 && number >= 40)
        return number;
    return 80;
}

static int show(const struct options *options, struct timeline *timeline, FILE *out)
{
    const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    struct timeline_look look = {
        .width = columns(options, out),
        .ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
        .colours = isatty(fileno(out)) && (no_colour == NULL || no_colour[0] == '\0'),
    };
    switch (options->format) {
    case FORMAT_SVG:
        return timeline_svg(timeline, out);
    case FORMAT_HTML:
        return timeline_html(timeline, out);
    case FORMAT_JSON:
        return timeline_json(timeline, out);
    default:
        timeline_fit(timeline, (look.width - TIMELINE_TEXT_TIME) / TIMELINE_TEXT_COLUMN);
        return timeline_text(timeline, &look, out);
    }
}

/* Writes the timeline to a file or stdout. The exit code. */
static int write_out(const struct options *options, struct timeline *timeline)
{
    char name[256];
    el_name_escape(options->output == NULL ? "stdout" : options->output, name, sizeof name);
    FILE *out = options->output == NULL ? stdout : fopen(options->output, "we");
    if (out == NULL) {
        fprintf(stderr, "timeline: %s: open: %s\n", name, strerror(errno));
        return 1;
    }
    int result = show(options, timeline, out);
    errno = 0;
    bool bad = fflush(out) != 0 || ferror(out);
    int saved = errno;
    bad |= options->output != NULL && fclose(out) != 0;
    if (result < 0) {
        fprintf(stderr, "timeline: %s\n", strerror(-result));
        return 1;
    }
    if (bad)
        fprintf(stderr, "timeline: %s: write: %s\n", name,
                saved != 0 ? strerror(saved) : "not everything was taken");
    return bad;
}

int main(int argc, char **argv)
{
#define AT(field) offsetof(struct options, field)
    static const char *const formats[] = {"text", "svg", "html", "json", NULL};
    static const struct el_option table[] = {
        {0, "format", EL_OPT_CHOICE, "FORM",
         "for the terminal, as a picture, a page, or for programs", AT(format), "text", 0, 0,
         formats},
        {'o', "output", EL_OPT_TEXT, "FILE", "write there instead of to stdout", AT(output), NULL,
         0, 0, NULL},
        {0, "width", EL_OPT_NUMBER, "N", "columns of the text form (those of the terminal, or 80)",
         AT(width), NULL, 40, 1000, NULL},
        {0, "host", EL_OPT_TEXT, "A,B", "only the columns of these hosts, in this order", AT(hosts),
         NULL, 0, 0, NULL},
        {0, "all", EL_OPT_FLAG, NULL, "show every recorded call, not only those about TCP and UDP",
         AT(all), NULL, 0, 0, NULL},
        {0, "ascii", EL_OPT_FLAG, NULL, "draw with ASCII characters only", AT(ascii), NULL, 0, 0,
         NULL},
        {0, "clock", EL_OPT_FLAG, NULL,
         "print only the wall clock minus the monotonic one, in ns, for the file meta", AT(clock),
         NULL, 0, 0, NULL},
        {0}};
#undef AT
    static const struct el_program program = {
        .name = "timeline",
        .usage = "[options] DIR",
        .about = "Puts the records in DIR (net why makes them) into one ordered timeline of system "
                 "calls, packets, faults and TCP states.",
        .options = table,
        .max_operands = 1};
    struct options options;
    int first, code = el_options_parse(&program, argc, argv, &options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    if (options.clock) {
        printf("%lld\n", clock_distance());
        if (fflush(stdout) == 0)
            return 0;
        fprintf(stderr, "timeline: stdout: write: %s\n", strerror(errno));
        return 1;
    }
    if (first == argc) {
        fprintf(stderr, "timeline: which recording? timeline DIR (net why makes them)\n");
        return 2;
    }
    setlocale(LC_CTYPE, "");
    const char *object = "";
    char shown[256];
    struct timeline *timeline = timeline_read(argv[first], options.all, &object);
    if (timeline == NULL) {
        int error = errno;
        fprintf(stderr, "timeline: %s: %s%s\n", el_name_escape(object, shown, sizeof shown),
                strerror(error), error == ENOENT ? " (not a recording; net why makes one)" : "");
        return 1;
    }
    if (options.hosts != NULL && timeline_choose(timeline, options.hosts) < 0) {
        fprintf(stderr, "timeline: --host: %s: one of these is no host of this recording\n",
                el_name_escape(options.hosts, shown, sizeof shown));
        timeline_free(timeline);
        return 2;
    }
    code = write_out(&options, timeline);
    timeline_free(timeline);
    return code;
}
