/*
 * options_help.c - lays out --help: what a person reads first, in 80 columns, grouped by heading.
 *
 * Partner:  options.c. The defaults shown are the very text that options.c parses.
 */
#include "options_internal.h"

#include <string.h>

enum {
    COLUMNS = 80,
    HELP_COLUMN = 28,  /* where explanations begin */
    NO_BREAK = '\x1f', /* printed as a space at which no line is broken */
};

/* Writes words from `column` on, breaking lines before COLUMNS; every new line
 * starts at `indent`. */
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    bool first = true;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (!first && column + 1 + length > COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        for (size_t i = 0; i < length; i++)
            fputc(text[i] == NO_BREAK ? ' ' : text[i], out);
        column += length;
        text += length;
        text += strspn(text, " ");
        first = false;
    }
    fputc('\n', out);
}

/* "  -c, --count N" */
static size_t print_names(FILE *out, const struct el_option *option)
{
    char names[80];
    size_t used = 0;

    if (option->letter != '\0')
        used += (size_t)snprintf(names, sizeof names, "  -%c", option->letter);
    else
        used += (size_t)snprintf(names, sizeof names, "    ");
    if (option->name != NULL)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s--%s",
                                 option->letter != '\0' ? ", " : "  ", option->name);
    if (option->value != NULL && used < sizeof names)
        snprintf(names + used, sizeof names - used, " %s", option->value);
    fputs(names, out);
    return strlen(names);
}

/* The explanation with what the table knows besides: the choices and the default. */
static void print_option(FILE *out, const struct el_option *option)
{
    char text[1024];
    size_t used =
        (size_t)snprintf(text, sizeof text, "%s", option->help != NULL ? option->help : "");
    bool has_choices = option->choices != NULL &&
                       (option->type == EL_OPT_CHOICE || option->type == EL_OPT_CHOICES);

    for (size_t i = 0; has_choices && option->choices[i] != NULL && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? ": " : ", ",
                                 option->choices[i]);
    if (option->preset != NULL && used < sizeof text)
        snprintf(text + used, sizeof text - used, " (default%c%s)", NO_BREAK, option->preset);

    size_t column = print_names(out, option);
    if (column + 2 > HELP_COLUMN) { /* no room beside the names: begin below them */
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", (int)(HELP_COLUMN - column), "");
    print_wrapped(out, text, HELP_COLUMN, HELP_COLUMN);
}

static void print_table(FILE *out, const struct el_option *table)
{
    for (; table != NULL && !el_option_is_end(table); table++) {
        if (table->type == EL_OPT_HEADING)
            fprintf(out, "\n%s:\n", table->help);
        else
            print_option(out, table);
    }
}

/* Each line is a paragraph; one that begins with a space stays as it is, for examples. */
static void print_epilog(FILE *out, const char *text)
{
    char line[512];

    fputc('\n', out);
    for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
        if (*line == ' ')
            fprintf(out, "%s\n", line);
        else
            print_wrapped(out, line, 0, 0);
    }
}

void el_options_print_help(const struct el_program *program, FILE *out)
{
    static const struct el_option common[] = {
        {.type = EL_OPT_FLAG, .name = "help", .help = "print this and exit"},
        {.type = EL_OPT_FLAG, .name = "version", .help = "print the version and exit"},
        {0},
    };

    fprintf(out, "usage: %s %s\n\n", program->name, program->usage);
    print_wrapped(out, program->about, 0, 0);
    if (program->options != NULL && program->options[0].type != EL_OPT_HEADING)
        fprintf(out, "\nOptions:\n");
    print_table(out, program->options);
    print_table(out, program->more);
    fprintf(out, "\nHelp:\n");
    print_table(out, common);
    if (program->epilog != NULL)
        print_epilog(out, program->epilog);
}
