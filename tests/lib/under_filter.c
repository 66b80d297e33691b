/*
 * under_filter.c - see under_filter.h.
 */
#include "under_filter.h"

#include "seccomp_filter.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_FILTER_HERE = 77 };

int under_filter(unsigned calls, int (*body)(const void *arg), const void *arg)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        char text[80];
        setrlimit(RLIMIT_CORE, &none);
        setsid(); /* vhangup(2), should it be made, hangs up nobody's terminal */
        alarm(20);
        if (el_seccomp_filter_install(calls, text, sizeof text) != 0)
            _exit(NO_FILTER_HERE);
        _exit(body(arg));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

bool killed_by(int status, int signal_number)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == signal_number;
}

#ifndef EL_INSTRUMENTED
static int nothing(const void *arg)
{
    (void)arg;
    return 0;
}
#endif

const char *under_filter_missing(void)
{
#ifdef EL_INSTRUMENTED
    return "an instrumented build has no filter";
#else
    bool missing = under_filter(0, nothing, NULL) == NO_FILTER_HERE << 8;
    return missing ? "this machine allows no filter" : NULL;
#endif
}
