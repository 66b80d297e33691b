/*
 * options_internal.h - what the three files behind options.h share; not installed, not for
 * programs.
 *
 *   options.c       reads argv
 *   options_value.c parses, prints and explains one value
 *   options_help.c  lays out --help
 */
#ifndef ECHOLAB_OPTIONS_INTERNAL_H
#define ECHOLAB_OPTIONS_INTERNAL_H

#include "options.h"

/* Why a value was refused. The message reads `'value' text (fix)`, or `'value': text` for a
 * sentence. */
struct el_value_error {
    const char *text; /* "is not a number" */
    bool is_sentence; /* names its fix itself */
    char fix[160];    /* "" = an example is given */
};

bool el_option_is_end(const struct el_option *option);

/* Zero, false, NULL: what a field is before any value. */
void el_value_clear(const struct el_option *option, void *field);

/* Parses `text` (NULL for a flag) into the field of the option's type. 0, or -EINVAL / -ERANGE with
 * *error filled. */
int el_value_set(const struct el_option *option, void *field, const char *text,
                 struct el_value_error *error);

/* "--count", or "-4" when there is no long name. */
const char *el_option_label(const struct el_option *option, char *text, size_t size);

/* A value that would be accepted. */
const char *el_option_example(const struct el_option *option, char *text, size_t size);

/* A number of the option's kind as a user would type it: "65507", "64k", "250ms". */
const char *el_option_print_bound(const struct el_option *option, uint64_t bound, char *text,
                                  size_t size);

void el_options_print_help(const struct el_program *program, FILE *out);

#endif
