/*
 * options.c - getopt_long(3), driven by a typed table.
 *
 * Teaches:  an error message names four things: the option, what was written, what is wrong with
 *           it, and what to write instead. [#four-parts-of-an-error]
 * Owns:     reading argv. options_value.c parses one value, options_help.c prints --help.
 * Leaves out: being called from two threads: getopt_long keeps its state in globals. Programs call
 *             this
 *           once, at the start of main.
 */
#include "options.h"
#include "options_internal.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    TABLE_MAX = 96,     /* options of a program, its `more` included */
    LONG_BASE = 0x100,  /* getopt's number of a long option: its index above every character */
    LONG_HELP = 0x1000, /* and those that every program has */
    LONG_VERSION,
    USAGE_ERROR = 2,
};

/* Everything about one run of the parser. */
struct parse {
    const struct el_program *program;
    const struct el_option *options[TABLE_MAX]; /* both tables, headings left out */
    bool given[TABLE_MAX]; /* a repeatable option's first use replaces its preset */
    size_t count;
    struct option longs[TABLE_MAX + 3]; /* for getopt_long: + help, version, the end */
    char shorts[2 * TABLE_MAX + 2];     /* ":c:i:q" */
    void *values;
    FILE *err;
};

bool el_option_is_end(const struct el_option *option)
{
    return option->name == NULL && option->letter == '\0' && option->help == NULL;
}

/* Takes one table in. The tables are written by programmers, so a fault in them is an assertion. */
static void add_table(struct parse *parse, const struct el_option *table)
{
    for (; table != NULL && !el_option_is_end(table); table++) {
        if (table->type == EL_OPT_HEADING)
            continue;
        assert(parse->count < TABLE_MAX);
        parse->options[parse->count++] = table;
    }
}

/* Makes getopt's two descriptions from ours. */
static void describe(struct parse *parse)
{
    char *letter = parse->shorts;
    size_t longs = 0;

    *letter++ =
        ':'; /* getopt shall tell a missing value from an unknown option, and print nothing */
    for (size_t i = 0; i < parse->count; i++) {
        const struct el_option *option = parse->options[i];
        int argument = option->type == EL_OPT_FLAG ? no_argument : required_argument;
        if (option->letter != '\0') {
            *letter++ = option->letter;
            if (argument == required_argument)
                *letter++ = ':';
        }
        if (option->name != NULL)
            parse->longs[longs++] =
                (struct option){option->name, argument, NULL, LONG_BASE + (int)i};
    }
    parse->longs[longs++] = (struct option){"help", no_argument, NULL, LONG_HELP};
    parse->longs[longs] = (struct option){"version", no_argument, NULL, LONG_VERSION};
}

/* The index of the option that getopt means by `number`, or -1. */
static int find_option(const struct parse *parse, int number)
{
    if (number >= LONG_BASE)
        return number < LONG_BASE + (int)parse->count ? number - LONG_BASE : -1;
    for (size_t i = 0; i < parse->count; i++)
        if (parse->options[i]->letter == number)
            return (int)i;
    return -1;
}

/* ---- what to say when it is wrong ------------------------------------------------------------ */

/* The least number of letters to add, take away or change to get from a to b (Levenshtein). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64], length = strlen(b);

    if (length >= sizeof row / sizeof *row)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t corner = row[0]; /* the distance one up and one to the left */
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < best ? change : best;
        }
    }
    return row[length];
}

/* The nearest long name, or NULL when none is near enough to be meant. */
static const char *nearest(const struct parse *parse, const char *typed)
{
    size_t best = strlen(typed) / 3 + 2;
    const char *name = NULL;
    for (const struct option *option = parse->longs; option->name != NULL; option++) {
        size_t distance = edit_distance(typed, option->name);
        if (distance < best) {
            best = distance;
            name = option->name;
        }
    }
    return name;
}

/* `--typed` is no option, or the beginning of several. */
static int refuse_long(const struct parse *parse, const char *word)
{
    const char *program = parse->program->name;
    char typed[64], shown[80];

    snprintf(typed, sizeof typed, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    el_name_escape(typed, shown, sizeof shown);
    unsigned matches = 0;
    for (const struct option *option = parse->longs; option->name != NULL; option++)
        matches += strncmp(option->name, typed, strlen(typed)) == 0;
    if (matches > 1 && *typed != '\0') {
        fprintf(parse->err, "%s: --%s: ambiguous option: it could be", program, shown);
        unsigned left = matches;
        for (const struct option *option = parse->longs; option->name != NULL; option++)
            if (strncmp(option->name, typed, strlen(typed)) == 0)
                fprintf(parse->err, "%s --%s",
                        left == matches ? ""
                        : left == 1     ? " or"
                                        : ",",
                        option->name),
                    left--;
        fprintf(parse->err, " (write the whole name)\n");
        return USAGE_ERROR;
    }
    const char *name = nearest(parse, typed);
    if (name != NULL)
        fprintf(parse->err, "%s: --%s: unknown option (did you mean --%s?)\n", program, shown,
                name);
    else
        fprintf(parse->err, "%s: --%s: unknown option (try %s --help)\n", program, shown, program);
    return USAGE_ERROR;
}

/* What getopt_long could not read: `number` is '?' or ':', and `optopt` says about what. */
static int refuse_word(const struct parse *parse, int number, const char *word)
{
    const char *program = parse->program->name;
    char shown[32];

    if (optopt == 0)
        return refuse_long(parse, word);
    int index = find_option(parse, optopt);
    if (index >= 0 && number == ':') {
        const struct el_option *option = parse->options[index];
        char label[64], example[64];
        fprintf(parse->err, "%s: %s: its value is missing (try %s %s)\n", program,
                el_option_label(option, label, sizeof label), label,
                el_option_example(option, example, sizeof example));
        return USAGE_ERROR;
    }
    if (optopt >= LONG_BASE) {
        int name = (int)strcspn(word, "=");
        fprintf(parse->err, "%s: %.*s: takes no value (write %.*s alone)\n", program, name, word,
                name, word);
        return USAGE_ERROR;
    }
    char letter[2] = {(char)optopt, '\0'};
    fprintf(parse->err, "%s: -%s: unknown option (try %s --help)\n", program,
            el_name_escape(letter, shown, sizeof shown), program);
    return USAGE_ERROR;
}

static int refuse_value(const struct parse *parse, const struct el_option *option,
                        const char *value, const struct el_value_error *error)
{
    char label[64], shown[80], example[64];
    const char *name = parse->program->name;

    el_option_label(option, label, sizeof label);
    el_name_escape(value, shown, sizeof shown);
    if (error->is_sentence) /* it says already what to write instead */
        fprintf(parse->err, "%s: %s: '%s': %s\n", name, label, shown, error->text);
    else if (error->fix[0] != '\0')
        fprintf(parse->err, "%s: %s: '%s' %s (%s)\n", name, label, shown, error->text, error->fix);
    else
        fprintf(parse->err, "%s: %s: '%s' %s (try %s %s)\n", name, label, shown, error->text, label,
                el_option_example(option, example, sizeof example));
    return USAGE_ERROR;
}

static int check_operands(const struct parse *parse, int argc, char **argv)
{
    const struct el_program *program = parse->program;
    unsigned given = (unsigned)(argc - optind);
    char shown[80];

    if (given < program->min_operands) {
        const char *operands = strstr(program->usage, "] "); /* behind "[options]" */
        fprintf(parse->err, "%s: %s is missing (usage: %s %s)\n", program->name,
                operands != NULL ? operands + 2 : "an operand", program->name, program->usage);
        return USAGE_ERROR;
    }
    if (given > program->max_operands) {
        const char *extra = argv[optind + (int)program->max_operands];
        fprintf(parse->err, "%s: '%s' is one operand too many (usage: %s %s)\n", program->name,
                el_name_escape(extra, shown, sizeof shown), program->name, program->usage);
        return USAGE_ERROR;
    }
    return -1;
}

/* ---- the parser ------------------------------------------------------------------------------ */

static int set_value(struct parse *parse, size_t index, const char *value)
{
    const struct el_option *option = parse->options[index];
    void *field = (char *)parse->values + option->offset;
    struct el_value_error error = {0};

    if (!parse->given[index]) {
        el_value_clear(option, field);
        parse->given[index] = true;
    }
    if (el_value_set(option, field, value, &error) == 0)
        return 0;
    return refuse_value(parse, option, value, &error);
}

static int set_presets(struct parse *parse)
{
    for (size_t i = 0; i < parse->count; i++) {
        const struct el_option *option = parse->options[i];
        int code = 0;
        el_value_clear(option, (char *)parse->values + option->offset);
        if (option->preset != NULL)
            code = set_value(parse, i, option->preset);
        if (code != 0)
            return code; /* a fault in the table, which every test of the program sees at once */
        parse->given[i] = false;
    }
    return 0;
}

/* Results that could not be written are no results: --help into a full disk is an error. */
static int finish_output(const struct el_program *program, FILE *out, FILE *err)
{
    errno = 0;
    if (fflush(out) == 0 && !ferror(out))
        return 0;
    fprintf(err, "%s: stdout: write: %s\n", program->name,
            errno != 0 ? strerror(errno) : "failed earlier");
    return program->not_written != 0 ? program->not_written : 1;
}

static int parse_words(struct parse *parse, int argc, char **argv, FILE *out)
{
    optind = 0; /* 0, not 1: glibc then forgets what an earlier call left (getopt(3), NOTES) */
    opterr = 0; /* the messages are ours */
    for (;;) {
        optopt = 0;
        int number = getopt_long(argc, argv, parse->shorts, parse->longs, NULL);
        if (number == -1)
            return check_operands(parse, argc, argv);
        if (number == '?' || number == ':')
            return refuse_word(parse, number, argv[optind - 1]);
        if (number == LONG_HELP) {
            el_options_print_help(parse->program, out);
            return finish_output(parse->program, out, parse->err);
        }
        if (number == LONG_VERSION) {
            fprintf(out, "%s (echolab) %s\n", parse->program->name, EL_VERSION);
            return finish_output(parse->program, out, parse->err);
        }
        int index = find_option(parse, number);
        assert(index >= 0);
        int code = set_value(parse, (size_t)index, optarg);
        if (code != 0)
            return code;
    }
}

int el_options_parse(const struct el_program *program, int argc, char **argv, void *values,
                     int *operands, FILE *out, FILE *err)
{
    struct parse parse = {.program = program, .values = values, .err = err};

    add_table(&parse, program->options);
    add_table(&parse, program->more);
    describe(&parse);
    int code = set_presets(&parse);
    if (code != 0)
        return code;
    code = parse_words(&parse, argc, argv, out);
    *operands = optind;
    return code;
}
