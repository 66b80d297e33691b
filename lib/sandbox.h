/*
 * sandbox.h - give away what a server no longer needs, once it has its sockets.
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
 * namespace that does not map that user, every capability is dropped instead; *note then says so in a sentence.
 * 0, or -errno with *note = what failed. note points to `text`.
 */
int el_sandbox_enter(const struct el_sandbox_args *args, char *text, size_t size);

#endif
