/*
 * fault_queue.c - faults on the links of a lab network, that repeat exactly.
 *
 * Teaches:  a packet filter that asks. An iptables rule decides alone; with NFQUEUE the kernel hands the
 *           packet to a program and waits for its verdict, so whatever can be programmed can happen to
 *           a packet: the second data segment is lost, every third one is late. And since a program can have
 *           a seed, it happens again the same way.
 * Run:      net fault client:server drop=nth:2 protocol=tcp payload=1-      (it runs this inside the world)
 * Partner:  fault.sh and fault_inside.sh, which put the rules into the kernel.
 * Leaves out: packets between two programs of one host, which no link carries.
 * Read next: fault_fate.c (what becomes of a packet), fault_engine.c (carrying it out).
 */
#include "fault_client.h"
#include "fault_control.h"
#include "options.h"
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the engine ------------------------------------------------------------------------------ */

static int fail(const char *what, int error)
{
    fprintf(stderr, "fault_queue: %s: %s\n", what, strerror(error));
    return 1;
}

/*
 * Everything is open; what is still needed is CAP_NET_ADMIN, since the kernel asks for it at each
 * verdict. The rest goes, and nothing can be gained again. 0, or -errno.
 */
static int drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    char note[160];
    for (unsigned long capability = 0; capability <= 63; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            break; /* EINVAL: that was the last one */
    int error =
        el_sandbox_enter(&(struct el_sandbox_args){.keep_capabilities = true}, note, sizeof note);
    sets[0].effective = sets[0].permitted = 1U << CAP_NET_ADMIN;
    if (error == 0 && syscall(SYS_capset, &header, sets) < 0)
        error = -errno;
    return error;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number, (void)what;
    event_base_loopbreak(arg);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    /* A delay is only as exact as the timer; without the flag it is off by a millisecond. */
    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    return base;
}

static int serve(struct fault_engine *engine)
{
    char text[FAULT_WHY_MAX];
    int error = fault_engine_open(engine, text);
    if (error < 0)
        return fail(text, -error);
    struct fault_control *control = fault_control_open(engine, FAULT_SOCKET_PATH);
    if (control == NULL)
        return fail(FAULT_SOCKET_PATH, errno);
    fault_control_inherit(engine, FAULT_RULES_PATH);
    error = drop_privileges();
    if (error < 0) {
        fault_control_close(control);
        return fail("give up privileges", -error);
    }
    struct event *terminate = evsignal_new(engine->base, SIGTERM, on_signal, engine->base);
    struct event *interrupt = evsignal_new(engine->base, SIGINT, on_signal, engine->base);
    if (terminate == NULL || interrupt == NULL || event_add(terminate, NULL) < 0 ||
        event_add(interrupt, NULL) < 0)
        error = -ENOMEM;
    if (error == 0) {
        printf("ready pid=%d\n", getpid());
        fflush(stdout);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* the pipe's other end has heard enough */
        event_base_dispatch(engine->base);
    }
    if (terminate != NULL)
        event_free(terminate);
    if (interrupt != NULL)
        event_free(interrupt);
    fault_control_close(control);
    return error < 0 ? fail("signals", -error) : 0;
}

static int run_engine(void)
{
    static struct fault_engine engine;
    signal(SIGPIPE, SIG_IGN);
    engine.base = new_base();
    if (engine.base == NULL)
        return fail("event loop", ENOMEM);
    int code = serve(&engine);
    fault_engine_close(&engine);
    event_base_free(engine.base);
    return code;
}

/* ---- the commands ---------------------------------------------------------------------------- */

struct show_options {
    bool json;
};

static int command(const struct el_program *program, int argc, char **argv, void *values,
                   int *first)
{
    return el_options_parse(program, argc, argv, values, first, stdout, stderr);
}

static int add(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "fault_queue",
        .usage = "add A:B WORD...",
        .about = "Adds a fault to the link from A to B. Prints what must be told to the kernel.",
        .min_operands = 2,
        .max_operands = 64};
    int first, code = command(&program, argc, argv, NULL, &first);
    if (code >= 0)
        return code;
    const char *words[64];
    size_t count = 0;
    for (int i = first + 1; i < argc && count < 64; i++)
        words[count++] = argv[i];
    return fault_client_add(argv[first], words, count);
}

static int clear(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "fault_queue",
        .usage = "clear [A:B|NUMBER]",
        .about = "Takes faults away. Prints what must be told to the kernel.",
        .min_operands = 0,
        .max_operands = 1};
    int first, code = command(&program, argc, argv, NULL, &first);
    return code >= 0 ? code : fault_client_clear(first < argc ? argv[first] : NULL);
}

static int show(int argc, char **argv)
{
    static const struct el_option table[] = {{0, "json", EL_OPT_FLAG, NULL, "one JSON document",
                                              offsetof(struct show_options, json), NULL, 0, 0,
                                              NULL},
                                             {0}};
    static const struct el_program program = {
        .name = "fault_queue",
        .usage = "show [options]",
        .about = "Shows all faults. Takes the output of iptables-save -c on standard input.",
        .options = table};
    struct show_options options;
    int first, code = command(&program, argc, argv, &options, &first);
    if (code >= 0)
        return code;
    code = fault_client_show(options.json);
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "fault_queue: stdout: write: %s\n",
                errno != 0 ? strerror(errno) : "not everything was taken");
        return 1;
    }
    return code;
}

static int engine(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "fault_queue",
        .usage = "engine",
        .about = "Carries faults out, until it is ended. `add` starts it where there is none."};
    int first, code = command(&program, argc, argv, NULL, &first);
    return code >= 0 ? code : run_engine();
}

int main(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "fault_queue",
        .usage = "add|clear|show|engine [options]",
        .about = "Faults on the links of a lab network: dropped, late, doubled, damaged packets.",
        .epilog = "Each command has --help. In a lab network, `net fault` runs this.",
        .min_operands = 1,
        .max_operands = 64};
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"add", add}, {"clear", clear}, {"show", show}, {"engine", engine}};

    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    int first, code = el_options_parse(&program, argc, argv, NULL, &first, stdout, stderr);
    if (code < 0) {
        char shown[80];
        fprintf(stderr, "fault_queue: %s: unknown command (add, clear, show or engine)\n",
                el_name_escape(argv[first], shown, sizeof shown));
        code = 2;
    }
    return code;
}
