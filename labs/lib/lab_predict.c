/*
 * lab_predict.c - `lab predict`: asks before the run, locks the answers, and holds them against it.
 *
 * Teaches:  why to predict: what one only reads about, one believes to have known.
 * Run:      lab_predict ask labs/08-…/predict.tsv predictions.tsv
 * Partner:  labs/lab, which calls it with the paths of a lab; author.sh for lint, agree and key.
 *           The tables: predict_file.h; answers and misconceptions: predict_answer.h.
 * Exit:     0; ask: 1 some questions have no answer yet; lint, agree: 1 there are faults; agree: 4 nothing
 *           was observed; 2 usage, a file that cannot be read, an answer that is refused.
 * Next:     predict_ask.c.
 */
#include "options.h"
#include "predict_answer.h"
#include "predict_commands.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct options {
    bool color;
    uint64_t width;
};

static void note_interrupt(int signal)
{
    (void)signal; /* read(2) returns EINTR, and that ends the questions */
}

/* Ctrl-C keeps what was answered, and says so: without SA_RESTART the read ends. */
static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = note_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

/* id=answer for each question, as `ask` takes them. */
static int print_key(const struct predict_questions *questions)
{
    char answer[PREDICT_ANSWER_BYTES];
    for (size_t i = 0; i < questions->count; i++) {
        predict_answer_right(&questions->item[i], answer);
        printf("%s=%s\n", questions->item[i].id, answer);
    }
    return 0;
}

static int run(const struct options *options, char **words, int count,
               const struct predict_questions *questions)
{
    const char *verb = words[0];
    if (strcmp(verb, "ask") == 0) {
        catch_interrupt();
        return predict_ask(questions, words[2], words + 3, count - 3, options->width, stdin,
                           stdout);
    }
    if (strcmp(verb, "reconcile") == 0)
        return predict_reconcile(questions, words[2], words[3], options->width, options->color,
                                 stdout);
    if (strcmp(verb, "agree") == 0)
        return predict_agree(questions, words[2], stdout);
    if (strcmp(verb, "lint") == 0)
        return predict_lint(questions, words[2], stdout);
    return print_key(questions);
}

/* Is it a verb, with as many words as it takes? */
static bool is_known(char **words, int count)
{
    static const struct {
        const char *verb;
        int least, most;
    } verbs[] = {
        {"ask", 3, 200}, {"reconcile", 4, 4}, {"agree", 3, 3}, {"lint", 3, 3}, {"key", 2, 2}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(words[0], verbs[i].verb) == 0)
            return count >= verbs[i].least && count <= verbs[i].most;
    return false;
}

int main(int argc, char **argv)
{
    static const struct el_option table[] = {
        {0, "color", EL_OPT_FLAG, NULL, "mark right and wrong (reconcile)",
         offsetof(struct options, color), NULL, 0, 0, NULL},
        {0, "width", EL_OPT_NUMBER, "N", "columns of a line", offsetof(struct options, width), "80",
         20, 1000, NULL},
        {0}};
    static const struct el_program program = {
        .name = "lab_predict",
        .usage = "[options] ask PREDICT PREDICTIONS [id=answer…] | reconcile PREDICT PREDICTIONS "
                 "OBSERVED | "
                 "lint PREDICT README | agree PREDICT OBSERVED | key PREDICT",
        .about =
            "Asks a lab's questions, locks the answers, and holds them against what was observed.",
        .epilog = "Exit: 0; 1 some are not answered (ask), or there are faults (lint, agree); 2 "
                  "usage, or a "
                  "broken file; 4 nothing was observed (agree).",
        .options = table,
        .min_operands = 2,
        .max_operands = 200};
    struct options options;
    int first, code = el_options_parse(&program, argc, argv, &options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    if (!is_known(argv + first, argc - first)) {
        fprintf(stderr, "lab_predict: %s: unknown, or another number of files (--help)\n",
                argv[first]);
        return 2;
    }
    struct predict_questions questions;
    code = predict_questions_read(&questions, argv[first + 1], stderr)
               ? run(&options, argv + first, argc - first, &questions)
               : 2;
    predict_questions_free(&questions);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code != 2) {
        fprintf(stderr, "lab_predict: stdout: %s\n", strerror(errno));
        code = 2;
    }
    return code;
}
