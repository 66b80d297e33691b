/*
 * sandbox.h - give away what a server no longer needs, once it has its sockets.
 *
 * A port below 1024 or a device to bind to takes privilege for a moment; serving strangers for a year
 * does not. What is given away: the way to gain privileges by exec (no_new_privs), core dumps, the user, the
 * supplementary groups and every capability.
 * Leaves out: a seccomp filter. Until there is one, whoever takes over the process may still make any system
 * call that an unprivileged user may.
 */
#ifndef ECHOLAB_SANDBOX_H
#define ECHOLAB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct el_sandbox_args {
    const char *user; /* become this user (name or number); NULL: keep ours */
    unsigned long
        max_descriptors; /* RLIMIT_NOFILE soft limit to raise to (never above the hard one); 0 = leave */
};

/*
 * no_new_privs, RLIMIT_CORE 0, then the user: setgroups, setgid, setuid, and a check that there is no way back. In a user
 * namespace that does not map that user, and for a root without CAP_SETUID and CAP_SETGID, every capability is dropped instead; `text`
 * then says so in a sentence.
 * The process stays dumpable, so that its owner can still read /proc/PID (prctl(2), PR_SET_DUMPABLE).
 *
 * Call it before the first thread is made: no_new_privs and capabilities belong to a thread, not to the process.
 * 0 with `text` = what was done ("" if nothing worth saying), or -errno with `text` = what failed.
 * -ENOENT: no such user.
 */
int el_sandbox_enter(const struct el_sandbox_args *args, char *text, size_t size);

#endif
