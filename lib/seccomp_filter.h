/*
 * seccomp_filter.h - which system calls a server may still make, once it serves strangers.
 *
 * sandbox.h gives privileges away; what is left is every call that an unprivileged user may make, some four hundred of
 * them, and a server needs sixty. Whoever finds a hole in it would use the others: to run a program, to look into other
 * processes, to find a hole in the kernel. So each call has one of three ends (seccomp(2)):
 *
 *   the calls we use        are made
 *   what only an attack is  ends the process with SIGSYS, all of its threads: run a program, trace, mount …
 *   all others              fail with ENOSYS, as on a kernel that does not have them; libraries know what to do then
 *
 * For a few of the calls we use it depends on the arguments: files are opened to be read only, no memory is made
 * executable, no socket is made (but the one that if_indextoname(3) asks with).
 *
 * [#filter-and-io-uring] What a server asks of an io_uring(7) is carried out by the kernel itself, past every filter.
 * So only a program whose one idea it is gets these calls, and for that program the filter promises less: a ring can
 * open and connect too.
 *
 * Leaves out: the clients. They serve nobody, speak with the one peer that their user named, and end soon. And a build
 * with sanitizers or for coverage has no filter (EL_INSTRUMENTED): these make calls of their own.
 */
#ifndef ECHOLAB_SECCOMP_FILTER_H
#define ECHOLAB_SECCOMP_FILTER_H

#include <stddef.h>

/* What some servers need and others do not: bits. */
enum el_calls {
    EL_CALLS_PROCESSES = 1 << 0, /* fork(2), and what parent and child say to each other */
    EL_CALLS_IO_URING = 1 << 1,
    EL_CALLS_UNLINK = 1 << 2, /* take a pid file away at the end */
};

/*
 * From now on, for good, and for every thread and child to come. Call it while there is one thread, before the first
 * byte of a client is looked at. (A thread that is there already, made by a library behind our back, is put under the
 * filter too: SECCOMP_FILTER_FLAG_TSYNC.) It sets no_new_privs, without which the kernel takes no filter from an
 * ordinary user.
 *
 * `calls`: enum el_calls, ored. 0, also in an instrumented build, where it does nothing; or -errno with `text` = what
 * failed, and nothing has changed. -ENOTSUP: neither x86-64 nor arm64. EINVAL, ENOSYS, EPERM, EACCES: this kernel or
 * this container allows no filter.
 */
int el_seccomp_filter_install(unsigned calls, char *text, size_t size);

#endif
