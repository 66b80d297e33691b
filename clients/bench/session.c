/*
 * session.c - what every command of echo_bench needs: where results go, what went wrong, and how it ends.
 *
 * Owns:     the documents. Whatever happens on the way, a JSON document is whole, says why in "error", and a result that
 *           could not be written is an error of the run: exit 2. [#whole-on-every-path]
 * Partner:  commands.h, load_options.c (what was asked for), progress.c. Next: measure.c.
 */
#include "commands.h"
#include "load_options.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

int bench_worse(int a, int b)
{
    static const int order[] = {BENCH_EXIT_LOCAL, BENCH_EXIT_NAME, BENCH_EXIT_CONNECT,
                                BENCH_EXIT_DEADLINE, BENCH_EXIT_LOST};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return BENCH_EXIT_OK;
}

int bench_session_fail(struct bench_session *session, int code, const char *format, ...)
{
    char text[sizeof session->error];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (session->error[0] == '\0')
        memcpy(session->error, text, sizeof text);
    bench_teller_clear(&session->teller);
    fflush(session->out); /* in the order of events, when both are one terminal */
    fprintf(stderr, "echo_bench: %s\n", text);
    return code;
}

int bench_session_flush(struct bench_session *session)
{
    if (fflush(session->out) == 0)
        return 0;
    int error = errno;
    clearerr(session->out); /* it has been said: not once more at the end */
    return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s: write: %s",
                              session->out == stdout ? "stdout" : "stderr", strerror(error));
}

/* A file of the user's, or stdout. NULL after a message. */
static FILE *open_document(struct bench_session *session, const char *option, const char *name)
{
    char shown[256];
    if (strcmp(name, "-") == 0) {
        session->out = stderr;
        return stdout;
    }
    FILE *file = fopen(name, "we");
    if (file == NULL)
        bench_session_fail(session, 0, "%s: %s: open: %s", option,
                           el_name_escape(name, shown, sizeof shown), strerror(errno));
    return file;
}

static const char one_place[] =
    "--json and --csv name the same place: give one of them a file of its own";

/* One stream carries one document. NULL: they go to different places. */
static const char *same_place(const struct bench_options *options)
{
    if (options->json == NULL || options->csv == NULL || strcmp(options->json, options->csv) != 0)
        return NULL;
    return one_place;
}

/* The same file under two names: one would overwrite the other. */
static bool is_same_file(FILE *a, FILE *b)
{
    struct stat of_a, of_b;
    return fstat(fileno(a), &of_a) == 0 && fstat(fileno(b), &of_b) == 0 && S_ISREG(of_a.st_mode) &&
           of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

int bench_session_open(struct bench_session *session)
{
    const struct bench_options *options = session->options;
    const char *why = same_place(options);
    session->out = stdout;
    session->opened = el_now();
    bench_teller_open(&session->teller, options->quiet, !options->live);
    session->doing = bench_teller_doing;
    session->arg = &session->teller;
    if (why != NULL)
        return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", why);
    bench_conditions_read(&session->conditions);
    if (options->json != NULL) {
        session->json_file = open_document(session, "--json", options->json);
        if (session->json_file == NULL)
            return BENCH_EXIT_LOCAL;
        session->document = el_json_begin(session->json_file);
        session->json = &session->document;
        el_json_object(session->json, NULL);
        el_json_int(session->json, "format_version", 1);
        el_json_text(session->json, "program", "echo_bench");
        el_json_text(session->json, "command", session->command);
        el_json_array(session->json, "results");
    }
    if (options->csv != NULL) {
        session->csv = open_document(session, "--csv", options->csv);
        if (session->csv == NULL)
            return BENCH_EXIT_LOCAL;
        if (session->json != NULL && is_same_file(session->json_file, session->csv)) {
            fclose(session->csv);
            session->csv = NULL;
            return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s", one_place);
        }
        bench_csv_header(session->csv);
    }
    return 0;
}

/* Flushes, and closes what is ours. `name` is how messages call it. 0, or 2 after a message. */
static int close_output(struct bench_session *session, FILE *file, const char *name)
{
    bool failed = ferror(file) != 0;
    errno = 0;
    failed = fflush(file) != 0 || failed;
    int error = errno;
    if (file != stdout && file != stderr && fclose(file) != 0) {
        error = error != 0 ? error : errno;
        failed = true;
    }
    if (!failed)
        return 0;
    return bench_session_fail(session, BENCH_EXIT_LOCAL, "%s: write: %s", name,
                              error != 0 ? strerror(error) : "failed earlier");
}

/* "--json: results.json", or the stream that it is. Returns text. */
static const char *output_name(const char *option, const char *file, char text[static 300])
{
    char shown[256];
    if (strcmp(file, "-") == 0)
        return "stdout";
    snprintf(text, 300, "%s: %s", option, el_name_escape(file, shown, sizeof shown));
    return text;
}

static void end_document(struct bench_session *session, int code)
{
    struct el_json *json = session->json;
    el_json_close_array(json);
    bench_conditions_json(&session->conditions, json);
    bench_options_json(session->options, json);
    el_json_bool(json, "interrupted", *session->stop);
    el_json_text(json, "error", session->error[0] == '\0' ? NULL : session->error);
    el_json_int(json, "exit_code", code);
    el_json_end(json);
}

/* The document comes last: then it can say what happened to the others. */
int bench_session_finish(struct bench_session *session, int code)
{
    const struct bench_options *options = session->options;
    char name[300];
    bench_teller_close(&session->teller);
    code = bench_worse(
        code, close_output(session, session->out, session->out == stdout ? "stdout" : "stderr"));
    if (session->csv != NULL)
        code = bench_worse(
            code, close_output(session, session->csv, output_name("--csv", options->csv, name)));
    if (session->json != NULL) {
        end_document(session, code);
        code = bench_worse(code, close_output(session, session->json_file,
                                              output_name("--json", options->json, name)));
    }
    return code;
}
