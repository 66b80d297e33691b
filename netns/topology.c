/*
 * topology.c - reads the description of a lab network: checks it, plans it, draws it.
 *
 * Run:      topology check netns/topologies/pair
 *           topology draw netns/topologies/routed
 *           mkdir /tmp/plan && topology plan netns/topologies/pair /tmp/plan && ls /tmp/plan
 * Partner:  init.sh, which runs a plan; topology.h, which lists the parts in reading order. This file
 *           is the command line only.
 */
#include "topology.h"

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *name, *tag;
    unsigned format;
};

enum { FORMAT_TEXT, FORMAT_DOT };

static int fail(const char *object, const char *what, int error)
{
    char name[256];
    el_name_escape(object, name, sizeof name);
    fprintf(stderr, "topology: %s: %s: %s\n", name, what, strerror(error));
    return 1;
}

/* The whole file, at most a byte more than is taken. How much it was, or -errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
    size_t used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = 0;
    while (used < size && (got = read(fd, text + used, size - used)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            got = -errno;
            close(fd);
            return got;
        }
        used += (size_t)got;
    }
    close(fd);
    return (ssize_t)used;
}

/* Says what is wrong as "topology: FILE:LINE: ...", with no control character in the file's name. */
static int complain(const char *shown, const struct topology_error *error)
{
    char name[256];
    el_name_escape(shown, name, sizeof name);
    if (error->line == 0)
        fprintf(stderr, "topology: %s: %s\n", name, error->text);
    else
        fprintf(stderr, "topology: %s:%u: %s\n", name, error->line, error->text);
    return 1;
}

/* Reads and parses FILE; messages name it as `shown`. 0, or an exit code after a message. */
static int load(struct topology *topology, const char *path, const char *shown)
{
    static char text[TOPOLOGY_TEXT + 1];
    struct topology_error error;
    ssize_t length = read_file(path, text, sizeof text);
    if (length < 0)
        return fail(shown, "read", (int)-length);
    if (topology_parse(topology, text, (size_t)length, &error) < 0)
        return complain(shown, &error);
    return 0;
}

/* The places of a kind in a line: "hosts client server". Routers are among the hosts that log. */
static void print_places(const struct topology *topology, const char *title, bool hosts,
                         bool routers, bool switches)
{
    fputs(title, stdout);
    for (uint8_t i = 0; i < topology->places; i++) {
        enum topology_kind kind = topology->place[i].kind;
        if ((kind == TOPOLOGY_HOST && hosts) || (kind == TOPOLOGY_ROUTER && routers) ||
            (kind == TOPOLOGY_SWITCH && switches))
            printf(" %s", topology->place[i].name);
    }
    putchar('\n');
}

static void print_summary(const struct topology *topology)
{
    print_places(topology, "hosts", true, true, false);
    print_places(topology, "routers", false, true, false);
    print_places(topology, "switches", false, false, true);
}

static int check(struct topology *topology, const struct options *options, char **operands)
{
    int code = load(topology, operands[0], options->name == NULL ? operands[0] : options->name);
    if (code == 0)
        print_summary(topology);
    return code;
}

static int plan(struct topology *topology, const struct options *options, char **operands)
{
    struct topology_error error;
    const char *shown = options->name == NULL ? operands[0] : options->name;
    size_t tag = options->tag == NULL ? 1 : strlen(options->tag);
    if (tag < 1 || tag > 8 ||
        (options->tag != NULL && strspn(options->tag, "0123456789abcdef") != tag)) {
        fprintf(stderr, "topology: --kernel-log: not 1 to 8 hexadecimal digits: 4f3a\n");
        return 2;
    }
    int code = load(topology, operands[0], shown);
    if (code != 0)
        return code;
    int result = topology_plan(topology, operands[1], options->tag, &error);
    if (result == -EINVAL)
        return complain(shown, &error);
    if (result < 0) {
        fprintf(stderr, "topology: %s\n", error.text);
        return 1;
    }
    print_summary(topology);
    return 0;
}

static int draw(struct topology *topology, const struct options *options, char **operands)
{
    int code = load(topology, operands[0], options->name == NULL ? operands[0] : options->name);
    if (code != 0)
        return code;
    setlocale(LC_CTYPE, "");
    int result = 0;
    if (options->format == FORMAT_DOT)
        topology_draw_dot(topology, stdout);
    else
        result = topology_draw(topology, strcmp(nl_langinfo(CODESET), "UTF-8") == 0, stdout);
    return result < 0 ? fail(operands[0], "draw", -result) : 0;
}

#define AT(field) offsetof(struct options, field)
#define NAME_OPTION                                                                                \
    {                                                                                              \
        0, "name", EL_OPT_TEXT, "SHOWN", "what messages call the file", AT(name), NULL, 0, 0, NULL \
    }

static const char *const formats[] = {"text", "dot", NULL};
static const struct el_option check_options[] = {NAME_OPTION, {0}};
static const struct el_option plan_options[] = {NAME_OPTION,
                                                {0, "kernel-log", EL_OPT_TEXT, "TAG",
                                                 "rules for the kernel's log too, marked so",
                                                 AT(tag), NULL, 0, 0, NULL},
                                                {0}};
static const struct el_option draw_options[] = {NAME_OPTION,
                                                {0, "format", EL_OPT_CHOICE, "FORM",
                                                 "text, or dot for Graphviz", AT(format), "text", 0,
                                                 0, formats},
                                                {0}};
#undef AT

static const struct command {
    const char *word;
    int (*run)(struct topology *, const struct options *, char **);
    struct el_program program;
} commands[] = {
    {"check",
     check,
     {.name = "topology",
      .usage = "check [options] FILE",
      .about = "Reads a topology and says which places it has, or what is wrong with it.",
      .options = check_options,
      .min_operands = 1,
      .max_operands = 1}},
    {"plan",
     plan,
     {.name = "topology",
      .usage = "plan [options] FILE DIR",
      .about = "Writes the commands that build the network into files in an empty directory.",
      .options = plan_options,
      .min_operands = 2,
      .max_operands = 2}},
    {"draw",
     draw,
     {.name = "topology",
      .usage = "draw [options] FILE",
      .about = "Draws the network for a terminal, or as a graph for Graphviz.",
      .options = draw_options,
      .min_operands = 1,
      .max_operands = 1}},
};

static int run(const struct command *command, int argc, char **argv)
{
    static struct topology topology;
    struct options options;
    int first,
        code = el_options_parse(&command->program, argc, argv, &options, &first, stdout, stderr);
    if (code < 0)
        code = command->run(&topology, &options, argv + first);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0)
        code = fail("stdout", "write", errno);
    return code;
}

int main(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "topology",
        .usage = "check|plan|draw [options] FILE",
        .about = "Reads the description of a lab network: checks it, plans it, draws it.",
        .epilog = "Each command has --help. The words of a topology are in topology(1).",
        .min_operands = 1,
        .max_operands = 1};
    int first;

    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].word) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    int code = el_options_parse(&program, argc, argv, NULL, &first, stdout, stderr);
    if (code >= 0)
        return code;
    char shown[80];
    fprintf(stderr, "topology: %s: unknown command (check, plan or draw)\n",
            el_name_escape(argv[first], shown, sizeof shown));
    return 2;
}
