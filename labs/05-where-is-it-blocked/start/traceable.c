/*
 * traceable.c - runs a program that others of the same user may look into.
 *
 * Run:      ./traceable tcp_iterative --listen 127.0.0.1:7007
 * Why:      /proc/PID/syscall is open to whoever may attach a debugger. Where the Yama module is on
 *           (Ubuntu: kernel.yama.ptrace_scope is 1) that is a process's ancestors alone, and a
 *           program started beside it is none. A process can lift that for itself (prctl(2),
 *           PR_SET_PTRACER), and keeps it through exec. Without Yama the call fails with EINVAL,
 *           and nothing needs lifting. A ptrace_scope of 2 (root alone) or 3 (nobody) stays.
 */
#include "lab.h"

#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: traceable PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    execvp(argv[1], argv + 1);
    lab_die(argv[1]);
}
