/*
 * echo_bench.c - loads echo servers, and says what came of it with its spread and its conditions.
 *
 * Teaches:  a benchmark is a claim. What makes it one that can be checked is around the figure: conditions, repetitions, the mode of
 *           the load, who was the limit, and every byte verified. [#a-figure-is-a-claim]
 * Run:      echo_bench tcp 127.0.0.1:7007
 *           echo_bench udp --rate 5000 --live 127.0.0.1:7007
 *           echo_bench tcp 127.0.0.1:7007 127.0.0.1:7008        (two servers, in turns, with a verdict)
 *           echo_bench models --quick                           (starts the servers itself)
 * Partner:  clients/bench/: session.c (results and how it ends), measure.c, models.c and compare.c (the commands), run.c (one run),
 *           tcp.c, udp.c and connect.c (the generators). This file is the command line and the signals only.
 * Next:     clients/bench/measure.c.
 */
#include "commands.h"
#include "load_options.h"
#include "setup.h"
#include "standard_io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { HOSTS_MAX = 64 };

static atomic_bool stop, interim;

/* SIGINT, SIGTERM: it ends here, with its summary. Only a flag is set: that is all a handler may safely do
 * (signal-safety(7)); lock-free atomics may be written. */
static void on_stop(int number)
{
    (void)number;
    stop = true;
}

/* SIGQUIT: how it stands. */
static void on_interim(int number)
{
    (void)number;
    interim = true;
}

/* Without SA_RESTART: the wait of bench_run shall end. */
static void hear_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = on_interim;
    sigaction(SIGQUIT, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* writing to a reader that left is EPIPE, an error like others */
}

static int run_tcp(struct bench_session *session, size_t targets, char **target)
{
    return bench_measure(session, BENCH_TCP, targets, target);
}

static int run_udp(struct bench_session *session, size_t targets, char **target)
{
    return bench_measure(session, BENCH_UDP, targets, target);
}

static int run_connect(struct bench_session *session, size_t targets, char **target)
{
    return bench_measure(session, BENCH_CONNECT, targets, target);
}

static int run_models(struct bench_session *session, size_t targets, char **target)
{
    (void)targets, (void)target;
    return bench_models(session);
}

static int run_compare(struct bench_session *session, size_t targets, char **target)
{
    (void)targets, (void)target;
    return bench_compare_protocols(session);
}

#define EXITS                                                                                      \
    "Exit: 0 every message was echoed intact; 1 some were lost, late or wrong; 2 usage or local "  \
    "error; 6 name not resolved; 7 not connected; 28 nothing was answered by its deadline.\n"
#define OWN_EXITS                                                                                  \
    "Exit: 0 all was measured; 1 some was not, or an echo was wrong; 2 usage or local error.\n"

static const struct command {
    const char *word;
    int (*run)(struct bench_session *session, size_t targets, char **target);
    struct el_program program;
} commands[] = {
    {"tcp",
     run_tcp,
     {.name = "echo_bench",
      .usage = "tcp [options] HOST[:PORT]...",
      .about = "Sends messages over connections that stay, and times each echo. Several HOSTs take "
               "turns and are compared.",
      .epilog = EXITS,
      .options = bench_tcp_options,
      .more = bench_measure_options,
      .min_operands = 1,
      .max_operands = HOSTS_MAX,
      .not_written = BENCH_EXIT_LOCAL}},
    {"udp",
     run_udp,
     {.name = "echo_bench",
      .usage = "udp [options] HOST[:PORT]...",
      .about = "Sends datagrams, times each echo, and says what became of those that did not come "
               "back. Several HOSTs take turns and are compared.",
      .epilog = EXITS,
      .options = bench_udp_options,
      .more = bench_measure_options,
      .min_operands = 1,
      .max_operands = HOSTS_MAX,
      .not_written = BENCH_EXIT_LOCAL}},
    {"connect",
     run_connect,
     {.name = "echo_bench",
      .usage = "connect [options] HOST[:PORT]...",
      .about = "Connects, sends one message, waits for its echo and closes, again and again. "
               "Several HOSTs take turns and are compared.",
      .epilog = EXITS,
      .options = bench_connect_options,
      .more = bench_measure_options,
      .min_operands = 1,
      .max_operands = HOSTS_MAX,
      .not_written = BENCH_EXIT_LOCAL}},
    {"models",
     run_models,
     {.name = "echo_bench",
      .usage = "models [options]",
      .about = "Starts every echo server of the ladder, and those of others that are installed, "
               "loads them in turns, and tells what each costs and why.",
      .epilog = OWN_EXITS,
      .options = bench_models_options,
      .more = bench_setup_options,
      .not_written = BENCH_EXIT_LOCAL}},
    {"compare",
     run_compare,
     {.name = "echo_bench",
      .usage = "compare [options]",
      .about = "UDP against TCP over the same path, size by size, quiet and with packets lost, "
               "and where the two curves cross.",
      .epilog = OWN_EXITS,
      .options = bench_compare_options,
      .more = bench_setup_options,
      .not_written = BENCH_EXIT_LOCAL}},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* ---- the command line ------------------------------------------------------------------------- */

/* Does the command have the option that `word` is, "--gso" or "--batch=16"? */
static bool has_option(const struct command *command, const char *word)
{
    const struct el_option *tables[] = {command->program.options, command->program.more};
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < 2; i++)
        for (const struct el_option *o = tables[i]; o->help != NULL; o++)
            if (o->name != NULL && strlen(o->name) == length - 2 &&
                strncmp(o->name, word + 2, length - 2) == 0)
                return true;
    return false;
}

/* An option of another command is no spelling mistake: say whose it is. True after a message. */
static bool refuse_foreign(const struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || has_option(command, argv[i]))
            continue;
        for (size_t other = 0; other < COMMANDS; other++)
            if (has_option(&commands[other], argv[i])) {
                fprintf(stderr, "echo_bench: %.*s: %s has no such option (echo_bench %s has)\n",
                        (int)strcspn(argv[i], "="), argv[i], command->word, commands[other].word);
                return true;
            }
    }
    return false;
}

static int run(const struct command *command, int argc, char **argv)
{
    static struct bench_options options; /* zero where the command has no such option */
    struct bench_session session = {
        .command = command->word, .options = &options, .stop = &stop, .interim = &interim};
    int first;
    if (refuse_foreign(command, argc, argv))
        return BENCH_EXIT_LOCAL;
    int code = el_options_parse(&command->program, argc, argv, &options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    /* Those that start servers want a lab network: outside of one it is made, and we run again inside, as we were asked. */
    if (command->program.max_operands == 0 && bench_place_elsewhere(options.paths, argv, &code))
        return code;
    hear_signals();
    code = bench_session_open(&session);
    if (code == 0)
        code = command->run(&session, (size_t)(argc - first), argv + first);
    return bench_session_finish(&session, code);
}

int main(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "echo_bench",
        .usage = "tcp|udp|connect|models|compare [options] HOST[:PORT]...",
        .about = "Loads echo servers and says how fast they answered, with spread and conditions.",
        .epilog =
            "tcp: messages over connections that stay open.\n"
            "udp: datagrams, and what became of those that did not come back.\n"
            "connect: connect, one echo, close; again and again.\n"
            "models: starts every echo server that there is here (no HOST), and compares them.\n"
            "compare: UDP against TCP, size by size (no HOST).\n"
            "Each has --help. To begin with: tcp_echo_server & echo_bench tcp 127.0.0.1\n" EXITS,
        .min_operands = 1,
        .max_operands = 1,
        .not_written = BENCH_EXIT_LOCAL};
    int first, error = el_standard_fill();

    if (error != 0) {
        fprintf(stderr, "echo_bench: stdout: write: %s (it was closed before we started)\n",
                strerror(-error));
        return BENCH_EXIT_LOCAL;
    }
    for (size_t i = 0; argc >= 2 && i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].word) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    int code = el_options_parse(&program, argc, argv, NULL, &first, stdout, stderr);
    if (code >= 0)
        return code;
    char shown[64];
    fprintf(stderr, "echo_bench: %s: unknown command (tcp, udp, connect, models or compare)\n",
            el_name_escape(argv[first], shown, sizeof shown));
    return BENCH_EXIT_LOCAL;
}
