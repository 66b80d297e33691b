/*
 * sandbox.h - give away what a server no longer needs, once it has its sockets.
 *
 * A port below 1024 or a device to bind to takes privilege for a moment; serving strangers for a year
 * does not. What is given away: the way to gain privileges by exec (no_new_privs), core dumps, the user, the
 * supplementary groups and every capability.
 * Partner: seccomp_filter.h, which then takes most system calls away as well; service_sandbox.c calls both.
 * Leaves out: the clients. They are their user's, for a moment, with his data: who traces one or wants
 *             its core dump has a right to it.
 */
#ifndef ECHOLAB_SANDBOX_H
#define ECHOLAB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct el_sandbox_args {
    const char *user; /* become this user (name or number); NULL: keep ours */
    unsigned long
        max_descriptors; /* RLIMIT_NOFILE soft limit to raise to (never above the hard one); 0 = leave */
    bool keep_capabilities; /* only without `user`: the caller needs one, and drops the others */
};

/*
 * no_new_privs, no core dump, then the user: setgroups, setgid, setuid, every capability, and a check
 * that there is no way back. In a user namespace that does not map that user, and for a root without
 * CAP_SETUID and CAP_SETGID, only the capabilities are dropped; `text` then says so in a sentence.
 * Without `user` they are dropped too: an ordinary user's program can have some from its file
 * (capabilities(7)).
 *
 * The process stays dumpable, so that its owner can still read /proc/PID (prctl(2), PR_SET_DUMPABLE).
 *
 * Call it before the first thread is made: no_new_privs and capabilities belong to a thread, not to the process.
 * 0 with `text` = what was done ("" if nothing worth saying), or -errno with `text` = what failed.
 * -ENOENT: no such user.
 */
int el_sandbox_enter(const struct el_sandbox_args *args, char *text, size_t size);

#endif
