/*
 * fuzz_options.c - a whole command line, against the tables that our programs have.
 *
 * Input:    the first byte chooses the program; the rest are the arguments, each ended by a newline.
 * Asserted: el_options_parse returns and never exits: -1 to go on, or a code with a message (2, on err) or with help (0, on
 *           out); to go on, the operands are as many as the program takes, and every value is within the bounds of its
 *           table; argv holds the same words as before, in whatever order.
 * Run:      make fuzz FUZZ=options
 */
#include "client.h"
#include "fuzz.h"
#include "load_options.h"
#include "options_internal.h"
#include "service.h"
#include "setup.h"

enum { ARGUMENTS_MAX = 40, VALUES = 8192 };

static const struct el_program programs[] = {
    {.name = "client", .options = el_client_option_table, .min_operands = 1, .max_operands = 1},
    {.name = "server", .options = el_service_option_table},
    {.name = "tcp",
     .options = bench_tcp_options,
     .more = bench_measure_options,
     .min_operands = 1,
     .max_operands = 8},
    {.name = "udp",
     .options = bench_udp_options,
     .more = bench_measure_options,
     .min_operands = 1,
     .max_operands = 8},
    {.name = "connect",
     .options = bench_connect_options,
     .more = bench_measure_options,
     .min_operands = 1,
     .max_operands = 8},
    {.name = "models", .options = bench_models_options, .more = bench_setup_options},
    {.name = "compare", .options = bench_compare_options, .more = bench_setup_options},
};

_Static_assert(sizeof(struct el_client_options) <= VALUES, "the client's options fit");
_Static_assert(sizeof(struct el_service_options) <= VALUES, "the server's options fit");
_Static_assert(sizeof(struct bench_options) <= VALUES, "the load generator's options fit");

/* Is the field within the bounds of its line? Values of 0 may be presets that mean "not given". */
static void check_value(const struct el_option *option, const unsigned char *values)
{
    const void *field = values + option->offset;
    unsigned choices = 0, chosen;
    uint64_t number;
    bool flag;
    switch (option->type) {
    case EL_OPT_FLAG:
        memcpy(&flag, field, 1);
        fuzz_holds(flag == 0 || flag == 1);
        break;
    case EL_OPT_NUMBER:
    case EL_OPT_SIZE:
    case EL_OPT_DURATION:
        memcpy(&number, field, sizeof number);
        if (number != 0 && (option->min != 0 || option->max != 0))
            fuzz_holds(number >= option->min && number <= option->max);
        break;
    case EL_OPT_CHOICE:
    case EL_OPT_CHOICES:
        while (option->choices[choices] != NULL)
            choices++;
        memcpy(&chosen, field, sizeof chosen);
        fuzz_holds(option->type == EL_OPT_CHOICE ? chosen < choices : chosen >> choices == 0);
        break;
    case EL_OPT_ENDPOINTS:
        fuzz_holds(((const struct el_endpoint_list *)field)->count <= EL_ENDPOINTS_MAX);
        break;
    default:
        break;
    }
}

static void check_table(const struct el_option *table, const unsigned char *values)
{
    for (; table != NULL && !el_option_is_end(table); table++)
        if (table->type != EL_OPT_HEADING)
            check_value(table, values);
}

/* Each word's pointer is still there, and argv ends as it did. */
static void check_words(char *const *argv, char *const *before, int argc)
{
    fuzz_holds(argv[argc] == NULL);
    for (int i = 0; i < argc; i++) {
        int at = 0;
        while (at < argc && argv[at] != before[i])
            at++;
        fuzz_holds(at < argc);
    }
}

static void check_parse(const struct el_program *program, int argc, char **argv)
{
    static _Alignas(16) unsigned char values[VALUES];
    char *said = NULL, *shown = NULL, *before[ARGUMENTS_MAX + 2];
    size_t said_size = 0, shown_size = 0;
    FILE *err = open_memstream(&said, &said_size), *out = open_memstream(&shown, &shown_size);
    int operands = 0;
    fuzz_holds(err != NULL && out != NULL);
    memset(values, 0, sizeof values);
    memcpy(before, argv, ((size_t)argc + 1) * sizeof *argv);
    int code = el_options_parse(program, argc, argv, values, &operands, out, err);
    fclose(err);
    fclose(out);
    fuzz_holds(code == -1 || code == 0 || code == 2);
    fuzz_holds((said_size > 0) == (code == 2) && (shown_size > 0) == (code == 0));
    check_words(argv, before, argc);
    if (code == 2)
        fuzz_holds(strncmp(said, program->name, strlen(program->name)) == 0);
    if (code == -1) {
        fuzz_holds(operands >= 1 && operands <= argc);
        unsigned count = (unsigned)(argc - operands);
        fuzz_holds(count >= program->min_operands && count <= program->max_operands);
        check_table(program->options, values);
        check_table(program->more, values);
    }
    free(said);
    free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    char *argv[ARGUMENTS_MAX + 2] = {NULL};
    const struct el_program *chosen =
        &programs[fuzz_byte(&input) % (sizeof programs / sizeof *programs)];
    struct el_program program = *chosen;
    int argc = 0;
    program.usage = "[options]";
    program.about = "A program.";
    argv[argc++] = strdup(chosen->name);
    while (input.left > 0 && argc <= ARGUMENTS_MAX)
        argv[argc++] = fuzz_text(&input, '\n');
    check_parse(&program, argc, argv);
    while (argc > 0)
        free(argv[--argc]);
    return 0;
}
