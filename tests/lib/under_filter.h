/*
 * under_filter.h - a child that puts itself under the servers' filter of system calls and tries something.
 */
#ifndef ECHOLAB_UNDER_FILTER_H
#define ECHOLAB_UNDER_FILTER_H

#include "unit.h"

#include <stdbool.h>

/* Runs `body` under the filter, in a child. Its end, as of waitpid(2): what `body` returned is the exit code. */
int under_filter(unsigned calls, int (*body)(const void *arg), const void *arg);

bool killed_by(int status, int signal_number);

/* Why there is no filter in this build or on this machine; NULL: there is. */
const char *under_filter_missing(void);

#define NEEDS_FILTER()                                                                             \
    do {                                                                                           \
        if (under_filter_missing() != NULL)                                                        \
            unit_skip(under_filter_missing());                                                     \
    } while (0)

#endif
