/*
 * lab_transcript.c - runs what a Markdown file says was run, and holds the output against the text.
 *
 * Teaches:  a text that shows what a command prints is a claim, and a claim can be tested.
 * Run:      lab_transcript README.md         or --list, --only LINE; --show for authors
 * Partner:  transcript_text.c finds the commands, transcript_shell.c runs them, transcript_match.c
 *           compares. author.sh runs it on each lab, tests/labs/readme.t on README.md.
 *
 * Rules for authors.
 *   - ```console: `$ command`, then its output, stdout and stderr together. A command goes on after a
 *     trailing backslash; a here-document's lines begin with `> `. Blank lines at the end do not count.
 *   - All blocks of a file run in one bash, in order, in the directory where this program was started: a
 *     variable, a background job, a `cd` last until the end. Its stdin is /dev/null, there is no terminal.
 *     A command has --timeout; what it leaves running is killed at the end of the file, not before.
 *   - `...` alone is any number of lines, also none. What varies by nature (transcript_match.h) may differ.
 *     A line in which nothing varies must be the same, spaces included.
 *   - Show what differs by machine with a placeholder, or do not print it: awk '{print $1, $4}'.
 *   - What a background job prints belongs to the command during which it comes. So show its first line
 *     under the command that starts it: that is waited for (3 s), and what the job needs is then there.
 *     `server &` with only `...` below waits for one line. What it prints later comes with whatever
 *     command runs then: write it into a file (`server >log &`), or end it where the text shows its
 *     last words (`kill %1; wait`). Two programs that print at once have no order: do not show both.
 *   - bash's messages about jobs (`[1]+ Done`, `Killed`) are left out, and so are a server's lines
 *     `server: sandbox: …`, which differ by user. The exit code is not looked at: echo $?.
 *   - ```console world: in a lab network, root: as root, done: the solution is in place from there on. The
 *     commands of a block that is skipped are not there for later blocks either.
 *   - Another fence (```sh, ```text, ```c) is not run.
 *
 * Exit:     0 all agree (or were skipped, which is told), 1 one does not, 2 usage, or the file is broken.
 * Bounds:   a file of FILE_BYTES_MAX; a command's output as in transcript_shell.c.
 */
#include "options.h"
#include "transcript_match.h"
#include "transcript_report.h"
#include "transcript_shell.h"
#include "transcript_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20 };
#define LATE_LIMIT (3 * EL_S) /* for output of the background */

enum root { ROOT_AUTO, ROOT_YES, ROOT_NO };
static const char *const root_words[] = {"auto", "yes", "no", NULL};

struct options {
    const char *world, *done;
    unsigned root;
    uint64_t only;
    el_duration timeout;
    bool tap, list, show;
};

struct run {
    struct options options;
    struct transcript text;
    struct transcript_shell shell;
    char ***shown; /* with --show: for each step that differs what came, in its place */
    size_t *shown_count;
    bool done; /* --done has been run */
    struct transcript_report report;
};

/* ---- one command --------------------------------------------------------------------------- */

/* Some line has begun and not ended: the rest is on its way. */
static bool is_cut(const struct transcript_shell *shell)
{
    return shell->length > 0 && shell->text[shell->length - 1] != '\n';
}

/* `server &` with nothing but `...`: some word of it is to be seen first. */
static bool wants_first_word(const struct transcript_step *step)
{
    size_t length =
        strcspn(step->command, "#"); /* a # that is no comment: then it is not waited for */
    while (length > 0 && strchr(" \n", step->command[length - 1]) != NULL)
        length--;
    return length > 0 && step->command[length - 1] == '&' && step->expected_count == 1 &&
           transcript_is_gap(step->expected[0]);
}

static enum transcript_verdict judge(const struct run *run, const struct transcript_step *step,
                                     struct transcript_lines got)
{
    struct transcript_lines expected = {step->expected, step->expected_count};
    enum transcript_verdict verdict = transcript_compare(expected, got);
    if (verdict == TRANSCRIPT_DIFFERS && is_cut(&run->shell) && got.count > 0) {
        got.count--;
        if (transcript_compare(expected, got) != TRANSCRIPT_DIFFERS)
            return TRANSCRIPT_INCOMPLETE;
    }
    return verdict;
}

/* Reads on while more output could still make it agree. The caller frees *lines. */
static enum transcript_verdict wait_for_all(struct run *run, const struct transcript_step *step,
                                            char ***lines, size_t *count)
{
    el_time until = el_time_after(el_now(), LATE_LIMIT);
    for (;;) {
        *lines = transcript_shell_lines(&run->shell, count);
        if (*lines == NULL)
            return TRANSCRIPT_DIFFERS;
        enum transcript_verdict verdict =
            judge(run, step, (struct transcript_lines){(const char *const *)*lines, *count});
        bool silent = *count == 0 && wants_first_word(step);
        if (verdict == TRANSCRIPT_DIFFERS || (verdict == TRANSCRIPT_AGREES && !silent) ||
            transcript_shell_more(&run->shell, until) != SHELL_DONE)
            return verdict;
        free(*lines);
    }
}

static void tell_difference(struct run *run, const struct transcript_step *step, char **lines,
                            size_t count)
{
    char *text = NULL, failure[96];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    snprintf(failure, sizeof failure,
             "differs (- the text, + what came; exit code %d):", run->shell.status);
    transcript_print_diff(out, (struct transcript_lines){step->expected, step->expected_count},
                          (struct transcript_lines){(const char *const *)lines, count},
                          step->expected_line);
    fclose(out);
    transcript_tell(&run->report, step, failure, text);
    free(text);
}

static const char *end_words(struct run *run, enum transcript_end end, char *words, size_t size)
{
    char limit[24];
    switch (end) {
    case SHELL_TIME_UP:
        snprintf(words, size, "has not ended after %s; the rest of the file is not run",
                 el_print_duration(run->options.timeout, limit, sizeof limit));
        return words;
    case SHELL_GONE:
        return "has ended the shell; the rest of the file is not run";
    case SHELL_FLOOD:
        return "prints without end; the rest of the file is not run";
    case SHELL_INTERRUPTED:
        return "was interrupted";
    case SHELL_ERROR:
    case SHELL_DONE:
        break;
    }
    snprintf(words, size, "could not be run: %s", strerror(errno));
    return words;
}

/* False: the file cannot go on. */
static bool run_step(struct run *run, const struct transcript_step *step)
{
    enum transcript_end end =
        transcript_shell_run(&run->shell, step->command, run->options.timeout);
    size_t count = 0;
    char **lines = NULL, words[160];
    if (end != SHELL_DONE) {
        lines = transcript_shell_lines(&run->shell, &count);
        transcript_tell(&run->report, step, end_words(run, end, words, sizeof words),
                        count > 0 ? lines[count - 1] : "");
        free(lines);
        return false;
    }
    if (wait_for_all(run, step, &lines, &count) == TRANSCRIPT_AGREES) {
        transcript_tell(&run->report, step, NULL, "");
    } else {
        tell_difference(run, step, lines, count);
        if (run->options.show) {
            run->shown[step - run->text.steps] = lines;
            run->shown_count[step - run->text.steps] = count;
            return true;
        }
    }
    free(lines);
    return run->shell.signal == 0;
}

/* ---- the file ------------------------------------------------------------------------------ */

/* Why it is not run here, or NULL. */
static const char *skip_reason(const struct run *run, const struct transcript_step *step)
{
    if ((step->needs & TRANSCRIPT_WORLD) != 0 && strcmp(run->options.world, "yes") != 0)
        return run->options.world;
    if ((step->needs & TRANSCRIPT_ROOT) != 0 &&
        (run->options.root == ROOT_NO || (run->options.root == ROOT_AUTO && geteuid() != 0)))
        return "needs root";
    if ((step->needs & TRANSCRIPT_DONE) != 0 && run->options.done == NULL)
        return "needs the solution in place (--done)";
    return NULL;
}

/* Puts the solution in place, once. */
static bool make_done(struct run *run, const struct transcript_step *step)
{
    if ((step->needs & TRANSCRIPT_DONE) == 0 || run->done)
        return true;
    run->done = true;
    enum transcript_end end =
        transcript_shell_run(&run->shell, run->options.done, run->options.timeout);
    if (end == SHELL_DONE && run->shell.status == 0)
        return true;
    transcript_tell(&run->report, step,
                    "the solution could not be put in place before it:", run->shell.text);
    return false;
}

static void run_steps(struct run *run)
{
    bool going = true;
    for (size_t i = 0; i < run->text.step_count && going; i++) {
        const struct transcript_step *step = &run->text.steps[i];
        if (run->options.only != 0 &&
            (run->options.only < step->block || run->options.only > step->block_end))
            continue;
        const char *reason = skip_reason(run, step);
        if (reason != NULL)
            transcript_tell_skip(&run->report, step, reason);
        else
            going = make_done(run, step) && run_step(run, step);
    }
}

static void list_steps(const struct run *run)
{
    for (size_t i = 0; i < run->text.step_count; i++) {
        const struct transcript_step *step = &run->text.steps[i];
        printf("%u\t%s%s%s\t%.*s\n", step->line, step->needs & TRANSCRIPT_WORLD ? "world " : "",
               step->needs & TRANSCRIPT_ROOT ? "root " : "",
               step->needs & TRANSCRIPT_DONE ? "done " : "", (int)strcspn(step->command, "\n"),
               step->command);
    }
}

/* The file, with what came in place of what does not agree. */
static void show_text(const struct run *run)
{
    size_t line = 0;
    for (size_t i = 0; i < run->text.step_count; i++) {
        const struct transcript_step *step = &run->text.steps[i];
        if (run->shown[i] == NULL)
            continue;
        for (; line + 1 < step->expected_line; line++)
            puts(run->text.lines[line]);
        for (size_t j = 0; j < run->shown_count[i]; j++)
            puts(run->shown[i][j]);
        line += step->expected_count;
        free(run->shown[i]);
    }
    for (; line < run->text.line_count; line++)
        puts(run->text.lines[line]);
}

static int run_file(struct run *run)
{
    run->shown = calloc(run->text.step_count + 1, sizeof *run->shown);
    run->shown_count = calloc(run->text.step_count + 1, sizeof *run->shown_count);
    int result = run->shown == NULL || run->shown_count == NULL
                     ? -ENOMEM
                     : transcript_shell_start(&run->shell);
    if (result == 0)
        run_steps(run);
    int signal = run->shell.signal;
    transcript_shell_stop(&run->shell);
    if (result < 0) {
        fprintf(stderr, "lab_transcript: bash: cannot be started: %s\n", strerror(-result));
    } else {
        transcript_tell_sum(&run->report);
        if (run->options.show)
            show_text(run);
    }
    free(run->shown);
    free(run->shown_count);
    return result < 0 ? 2 : signal != 0 ? 128 + signal : run->report.failed > 0 ? 1 : 0;
}

/* NULL after a message. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    char *bytes = file != NULL ? malloc(FILE_BYTES_MAX + 1) : NULL;
    *length = bytes != NULL ? fread(bytes, 1, FILE_BYTES_MAX + 1, file) : 0;
    const char *why = bytes == NULL || ferror(file) ? strerror(errno)
                      : *length > FILE_BYTES_MAX    ? "longer than a mebibyte"
                                                    : NULL;
    if (file != NULL)
        fclose(file);
    if (why == NULL)
        return bytes;
    fprintf(stderr, "lab_transcript: %s: cannot be read: %s\n", path, why);
    free(bytes);
    return NULL;
}

static int run_text(struct run *run)
{
    size_t length;
    char *bytes = read_file(run->report.path, &length);
    if (bytes == NULL)
        return 2;
    struct transcript_fault fault;
    int result = transcript_parse(&run->text, bytes, length, &fault);
    free(bytes);
    if (result < 0)
        fprintf(stderr, "lab_transcript: %s:%u: %s\n", run->report.path, fault.line,
                fault.why != NULL ? fault.why : strerror(-result));
    int code = 2;
    if (result == 0 && run->options.list) {
        list_steps(run);
        code = 0;
    } else if (result == 0) {
        code = run_file(run);
    }
    transcript_free(&run->text);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "lab_transcript: stdout: %s\n", strerror(errno));
        return 2;
    }
    return code;
}

int main(int argc, char **argv)
{
#define AT(field) offsetof(struct options, field)
    static const struct el_option table[] = {
        {0, "tap", EL_OPT_FLAG, NULL, "one line of TAP a command", AT(tap), NULL, 0, 0, NULL},
        {0, "list", EL_OPT_FLAG, NULL, "print the commands with their lines; run nothing", AT(list),
         NULL, 0, 0, NULL},
        {0, "show", EL_OPT_FLAG, NULL, "print the file with what came in place of what differs",
         AT(show), NULL, 0, 0, NULL},
        {0, "only", EL_OPT_NUMBER, "LINE", "run only the block that holds this line", AT(only), "0",
         0, 1000000, NULL},
        {0, "world", EL_OPT_TEXT, "yes|REASON", "can a lab network be made here? If not, why not",
         AT(world), "yes", 0, 0, NULL},
        {0, "root", EL_OPT_CHOICE, "auto|yes|no", "run the blocks for root; auto: if we are",
         AT(root), "auto", 0, 0, root_words},
        {0, "done", EL_OPT_TEXT, "CMD",
         "puts the solution in place, before the first block that needs it", AT(done), NULL, 0, 0,
         NULL},
        {0, "timeout", EL_OPT_DURATION, "D", "for each command", AT(timeout), "20s", 1,
         (uint64_t)(3600 * EL_S), NULL},
        {0}};
    static const struct el_program program = {
        .name = "lab_transcript",
        .usage = "[options] FILE.md",
        .about = "Runs the console blocks of a Markdown file and compares what they print with the "
                 "text.",
        .epilog = "Exit: 0 all agree, 1 one does not, 2 usage or a broken file.",
        .options = table,
        .min_operands = 1,
        .max_operands = 1};
    struct run run = {.shell = {.commands = -1, .output = -1, .signals = -1}};
    int first, code = el_options_parse(&program, argc, argv, &run.options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    run.report = (struct transcript_report){
        .path = argv[first], .tap = run.options.tap, .silent = run.options.show};
    return run_text(&run);
}
