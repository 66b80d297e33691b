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
 * For a few of the calls we use it depends on the arguments: no memory is made executable, no socket of a network is
 * made. No file is opened.
 *
 * [#filter-and-io-uring] What a server asks of an io_uring(7) is carried out by the kernel itself, past every filter.
 * So only a program whose one idea it is gets these calls, and for that program the filter promises less: a ring can
 * open and connect too.
 *
 * [#what-is-left] A filter keeps the rest of the machine from a server that was taken over; it does not make such a
 * server harmless. It can still
 *   - do all that its descriptors allow: read what clients send, lie to them, write into the log; from a UDP socket
 *     send to anybody, at any rate
 *   - send a datagram to a local socket by its path, such as /dev/log (unix(7)), for the sake of if_indextoname(3)
 *   - ask what stat(2) tells of any path, take memory, and spin; limits are the business of whoever starts it
 *     (systemd.exec(5), ulimit)
 *   - with EL_CALLS_PROCESSES: fork, and end any process of the same user
 *   - with EL_CALLS_HANG_UP and a TCP listener: connect to anybody (see #way-to-connect)
 *   - with EL_CALLS_UNLINK: remove any file that its user may, and empty those that are open to be written
 * So a user that owns nothing else is worth having: --user, or root, who becomes nobody.
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
    EL_CALLS_HANG_UP =
        1 << 3, /* shutdown(2): end the wait of a thread that is inside a call on the socket */
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
