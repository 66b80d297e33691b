/*
 * seccomp_filter_private.h - the lists of calls, for seccomp_filter.c and its test.
 */
#ifndef ECHOLAB_SECCOMP_FILTER_PRIVATE_H
#define ECHOLAB_SECCOMP_FILTER_PRIVATE_H

#include "seccomp_filter.h"

#include <stdint.h>

enum { EL_SECCOMP_COMPARES = 2 };

struct el_seccomp_call {
    const char *name; /* NULL ends a list */
    long number;
};

/* A half of an argument, seen through `mask`, is `value`. Both machines are little-endian: argument n has its low
 * half at word 2n. */
struct el_seccomp_compare {
    unsigned word;
    uint32_t mask, value;
};

/* A call that is allowed if its arguments compare so (all of them). Several rules for one call: any of them. */
struct el_seccomp_rule {
    struct el_seccomp_call call;
    unsigned calls; /* 0: for everybody; else only for whoever has this bit of enum el_calls */
    unsigned count; /* of `compare` */
    struct el_seccomp_compare compare[EL_SECCOMP_COMPARES];
};

extern const struct el_seccomp_call el_seccomp_allowed[]; /* always, whatever the arguments */
extern const struct el_seccomp_rule el_seccomp_rules[];
extern const struct el_seccomp_call el_seccomp_killed[];

/* clone(2) with one of these bits makes a namespace, and is killed too. 0 ends the list. */
extern const unsigned el_seccomp_killed_clone_flags[];

#endif
