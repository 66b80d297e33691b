/*
 * seccomp_filter_private.h - the lists of calls, for seccomp_filter.c and its test.
 */
#ifndef ECHOLAB_SECCOMP_FILTER_PRIVATE_H
#define ECHOLAB_SECCOMP_FILTER_PRIVATE_H

#include "seccomp_filter.h"

#include <seccomp.h>

enum { EL_SECCOMP_ARGUMENTS = 2 };

/* A call that is allowed if its arguments compare so (all of them). Several rules for one call: any of them. */
struct el_seccomp_rule {
    const char *name; /* as libseccomp knows it; NULL ends a list */
    unsigned calls;   /* 0: for everybody; else only for whoever has this bit of enum el_calls */
    unsigned count;   /* of `arguments` */
    struct scmp_arg_cmp arguments[EL_SECCOMP_ARGUMENTS];
};

extern const char *const el_seccomp_allowed[]; /* always, whatever the arguments; NULL ends it */
extern const struct el_seccomp_rule el_seccomp_rules[];
extern const char *const el_seccomp_killed[];

/* clone(2) with one of these bits makes a namespace, and is killed too. 0 ends the list. */
extern const unsigned el_seccomp_killed_clone_flags[];

#endif
