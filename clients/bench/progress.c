/*
 * progress.c - how far the benchmark is: a line that rewrites itself on a terminal, else a line now and then.
 *
 * Teaches:  a carriage return takes the cursor back, and what is written then must be as long as what stood there, and shorter than
 *           the terminal is wide: a line that wrapped cannot be taken back. In a file nothing rewrites itself, so there
 *           lines are sparse. [#line-that-rewrites-itself]
 * Partner:  session.c (whose it is), measure.c (who tells). Next: live.c.
 * Leaves out: waiting. A terminal that was stopped with Ctrl-S must not hold the measuring up: what has no room is not
 *           shown.
 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SOON          EL_S /* the first lines: it lives */
#define BETWEEN_LINES (3 * EL_S)

enum { LINE_MAX_SHOWN = 240, COLUMNS = 80, FIRST_LINES = 3 };

void bench_teller_open(struct bench_teller *teller, bool quiet, bool rewrite)
{
    *teller = (struct bench_teller){.output = el_line_output(STDERR_FILENO), .quiet = quiet};
    teller->terminal = isatty(STDERR_FILENO) && rewrite;
}

/* Asked each time: windows change their size. */
static size_t width(void)
{
    struct winsize size;
    size_t columns = COLUMNS;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        columns = size.ws_col;
    /* In the last column many terminals wrap already: one is left free. */
    return columns - 1 < LINE_MAX_SHOWN ? columns - 1 : LINE_MAX_SHOWN;
}

/* Writes `text` over what stands there, and spaces over what is left of it. */
static void rewrite_line(struct bench_teller *teller, const char *text)
{
    char line[2 * LINE_MAX_SHOWN + 3];
    size_t length = strlen(text), room = width();
    length = length < room ? length : room;
    size_t covered = teller->shown < room ? teller->shown : room; /* it may be narrower now */
    size_t padding = covered > length ? covered - length : 0;
    int size = snprintf(line, sizeof line, "\r%.*s%*s\r", (int)length, text, (int)padding, "");
    if (el_line_output_write(&teller->output, line, (size_t)size, 0) == 0)
        teller->shown = length;
}

void bench_teller_clear(struct bench_teller *teller)
{
    if (teller->shown > 0)
        rewrite_line(teller, "");
}

void bench_teller_doing(void *bench_teller, const char *text)
{
    struct bench_teller *teller = bench_teller;
    char line[LINE_MAX_SHOWN + 16];
    el_time now = el_now();
    if (teller->quiet)
        return;
    if (teller->terminal) {
        rewrite_line(teller, text);
        return;
    }
    if (teller->told > 0 && now < teller->next)
        return;
    teller->told++;
    teller->next = el_time_after(now, teller->told <= FIRST_LINES ? SOON : BETWEEN_LINES);
    int size = snprintf(line, sizeof line, "echo_bench: %.*s\n", LINE_MAX_SHOWN, text);
    (void)el_line_output_write(&teller->output, line, (size_t)size, 0); /* told later, or never */
}

void bench_teller_close(struct bench_teller *teller)
{
    bench_teller_clear(teller);
    el_line_output_close(&teller->output);
}
