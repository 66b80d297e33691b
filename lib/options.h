/*
 * options.h - one typed table that is the parser, the help text and the defaults at once.
 *
 * A program describes its options in an array of `struct el_option`; values land at `offset` in the
 * program's own struct. Defaults are written as a user would type them and parsed by the same code,
 * so that --help cannot lie about them.
 */
#ifndef ECHOLAB_OPTIONS_H
#define ECHOLAB_OPTIONS_H

#include "address.h"
#include "deadline.h"

#include <stdio.h>

enum el_option_type {
    EL_OPT_HEADING,   /* only a line in --help: `help` */
    EL_OPT_FLAG,      /* bool */
    EL_OPT_NUMBER,    /* uint64_t, min..max */
    EL_OPT_SIZE,      /* uint64_t bytes: 64, 4k, 1M (powers of 1024), min..max */
    EL_OPT_DURATION,  /* el_duration: 250ms, 1.5s, 2m; a bare number is seconds; min..max in ns */
    EL_OPT_TEXT,      /* const char *: points into argv */
    EL_OPT_CHOICE,    /* unsigned: index in `choices` */
    EL_OPT_CHOICES,   /* unsigned: bit set, comma-separated and repeatable */
    EL_OPT_LITERAL,   /* struct el_address: an IP literal without a port */
    EL_OPT_ENDPOINTS, /* struct el_endpoint_list: repeatable; min = lowest port, max = default */
};

enum { EL_ENDPOINTS_MAX = 16 };

struct el_endpoint_list {
    size_t count;
    struct el_endpoint item[EL_ENDPOINTS_MAX];
};

struct el_option {
    char letter;      /* 0: long form only */
    const char *name; /* NULL: short form only */
    enum el_option_type type;
    const char *value; /* "D", "N", "ADDR" in --help; NULL for a flag */
    const char *help;
    size_t offset;              /* offsetof(struct, field) */
    const char *preset;         /* default, as typed; NULL = zero / false / NULL */
    uint64_t min, max;          /* inclusive; both 0 = no check */
    const char *const *choices; /* NULL-ended, for CHOICE and CHOICES */
};

struct el_program {
    const char *name;                /* also the prefix of diagnostics */
    const char *usage;               /* "[options] HOST[:PORT]" */
    const char *about;               /* one or two sentences */
    const char *epilog;              /* exit codes, an example; each line is wrapped; may be NULL */
    const struct el_option *options; /* ended by an all-zero entry; may be NULL */
    const struct el_option *more;    /* a second table, what all clients or servers share, or NULL;
                                      * its offsets too count from the start of `values` */
    unsigned min_operands, max_operands;
    int not_written; /* exit code when --help could not be written; 0 = 1 */
};

/*
 * Parses argv into `values` (defaults first). --help and --version are handled here.
 * Returns -1 to go on, with *operands = index in argv of the first operand (argv is permuted as by
 * getopt_long(3)); otherwise the exit code to end with: 0 after --help/--version on `out`, 2 after
 * a message on `err` that names option, value, cause and fix; program->not_written, or 1, when
 * `out` could not be written.
 */
int el_options_parse(const struct el_program *program, int argc, char **argv, void *values,
                     int *operands, FILE *out, FILE *err);

/* The parsers by themselves. 0, or -EINVAL / -ERANGE with *why set to static text that follows the
 * value: "is not a size". */
int el_parse_duration(const char *text, el_duration *length, const char **why);
int el_parse_size(const char *text, uint64_t *bytes, const char **why);
int el_parse_number(const char *text, uint64_t *number, const char **why);

/* 3.25ms, 1.50s, 250us as people read it. size ≥ 24. Returns text. */
const char *el_print_duration(el_duration length, char *text, size_t size);

#define EL_VERSION "0.1"

#endif
