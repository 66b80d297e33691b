/*
 * seccomp_filter_calls.c - the calls that a server may make, and those that are its end.
 *
 * Teaches:  what a server of this size really asks of the kernel. Found with strace(1) over every server in all its
 *           tests, and then by thought: what glibc does when memory is short, when it aborts, when the clock is not in
 *           the vDSO; and what the same code calls on arm64, which has no poll(2), only ppoll(2).
 * Partner:  seccomp_filter.c, which makes a filter of it. What only one kind of machine has stands apart, at the end.
 * Change:   a call that fails with ENOSYS in a new server: strace -f shows it. Add it here, with the arguments it needs
 *           and not more; if only one server needs it, with a bit of enum el_calls.
 */
#include "seccomp_filter_private.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define CALL(name)                                                                                 \
    {                                                                                              \
#name, SYS_##name                                                                          \
    }
/* The argument, seen through `mask`, is `value`. The kernel reads an int from a register's low half, and so do we. */
#define SEEN(argument, mask, value)                                                                \
    {                                                                                              \
        2 * (argument), (uint32_t)(mask), (uint32_t)(value)                                        \
    }
#define IS(argument, value) SEEN(argument, UINT32_MAX, value)
#define IS_HIGH(argument, value)                                                                   \
    {                                                                                              \
        2 * (argument) + 1, UINT32_MAX, (uint32_t)(value)                                          \
    }
#define NONE                                                                                       \
    {                                                                                              \
        {                                                                                          \
            0, 0, 0                                                                                \
        }                                                                                          \
    }

#define NAMESPACES                                                                                 \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |     \
     CLONE_NEWCGROUP)
#define TOLD_ITS_NUMBER (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

/* Names with words behind them: laid out by hand. */
/* clang-format off */
const struct el_seccomp_call el_seccomp_allowed[] = {
    /* [#hot-calls] What is called for each message has no arguments looked at: the kernel then knows the answer from
     * a bitmap (Linux 5.11) and does not run the filter at all. */
    CALL(recvmmsg), CALL(recvmsg), CALL(recvfrom), CALL(read), CALL(readv), CALL(sendmmsg), CALL(sendmsg), CALL(sendto), CALL(write), CALL(writev),
    CALL(epoll_pwait), CALL(epoll_pwait2), CALL(epoll_ctl), CALL(ppoll), CALL(futex),

    /* Clients come and go. Not among them: bind, listen, connect. All sockets are there before the filter is. */
    CALL(accept4), CALL(shutdown), CALL(close), CALL(getsockname), CALL(getpeername), CALL(getsockopt), CALL(fcntl), CALL(fstat), CALL(newfstatat), CALL(statx), CALL(lseek),
    /* What a worker that makes its own loop asks for: epoll(7), and for libevent's a pipe. */
    CALL(epoll_create1), CALL(eventfd2), CALL(pipe2), CALL(timerfd_create), CALL(timerfd_settime), CALL(timerfd_gettime),

    /* Memory, threads. clone3(2) is left out on purpose: it has its flags in memory, where no filter sees them. It
     * gets ENOSYS, and glibc takes clone(2) instead. */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise),
    CALL(set_robust_list), CALL(rseq), CALL(sched_yield), CALL(sched_getaffinity), CALL(sysinfo),

    /* Time, chance, names. The clock is a call where the vDSO cannot read it. */
    CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(nanosleep), CALL(clock_nanosleep),
    CALL(getrandom), CALL(getpid), CALL(gettid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),

    /* Signals, and every end there is. */
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(restart_syscall), CALL(exit), CALL(exit_group),

#ifdef __x86_64__ /* what arm64 has under a newer name alone: ppoll, epoll_pwait, clock_gettime, unlinkat */
    CALL(poll), CALL(epoll_wait), CALL(time),
#endif
    {NULL, -1},
};

const struct el_seccomp_rule el_seccomp_rules[] = {
    /* setsockopt(2) reaches far into the kernel, down to programs for it (SO_ATTACH_FILTER). A client's limit and
     * its reset are all we need. */
    {CALL(setsockopt), 0, 2, {IS(1, SOL_SOCKET), IS(2, SO_LINGER)}},
    {CALL(setsockopt), 0, 2, {IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO)}},
    {CALL(setsockopt), 0, 2, {IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO)}},
    /* How wide the terminal is, for --explain; is it one, for stdio; how much there is to read, for libevent. Not
     * TIOCSTI: it types into the terminal that we were started from, and whoever sits there may be root. */
    {CALL(ioctl), 0, 1, {IS(1, TIOCGWINSZ)}},
    {CALL(ioctl), 0, 1, {IS(1, TCGETS)}},
    {CALL(ioctl), 0, 1, {IS(1, FIONREAD)}},
    /* if_indextoname(3): which interface a link-local address is on. It asks any socket, and makes this one for it. */
    {CALL(socket), 0, 2, {IS(0, AF_UNIX), IS(1, SOCK_DGRAM | SOCK_CLOEXEC)}},
    {CALL(ioctl), 0, 1, {IS(1, SIOCGIFNAME)}},
    /* The descriptor in reserve, /dev/null; what a library reads late. Nothing is made, written or emptied. */
    {CALL(openat), 0, 1, {SEEN(2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY)}},
    /* No memory that could be run. So a library that would be loaded late cannot be; ours are all loaded before. */
    {CALL(mmap), 0, 1, {SEEN(2, PROT_EXEC, 0)}},
    {CALL(mprotect), 0, 1, {SEEN(2, PROT_EXEC, 0)}},
    /* A thread: the workers start under the filter. */
    {CALL(clone), 0, 1, {SEEN(0, CLONE_THREAD | NAMESPACES, CLONE_THREAD)}},
    /* To ask for a limit; the new one to set is a null pointer. */
    {CALL(prlimit64), 0, 2, {IS(2, 0), IS_HIGH(2, 0)}},

    /* A plain fork(2), and a family's calls. The signals are "drain" and "at once"; the prctl(2) is "no parent, no
     * child". */
    {CALL(clone), EL_CALLS_PROCESSES, 1, {SEEN(0, ~TOLD_ITS_NUMBER, SIGCHLD)}},
    {CALL(kill), EL_CALLS_PROCESSES, 1, {IS(1, SIGUSR2)}},
    {CALL(kill), EL_CALLS_PROCESSES, 1, {IS(1, SIGKILL)}},
    {CALL(prctl), EL_CALLS_PROCESSES, 1, {IS(0, PR_SET_PDEATHSIG)}},
    {CALL(wait4), EL_CALLS_PROCESSES, 0, NONE},
    {CALL(getppid), EL_CALLS_PROCESSES, 0, NONE},
    {CALL(close_range), EL_CALLS_PROCESSES, 0, NONE},

    {CALL(io_uring_setup), EL_CALLS_IO_URING, 0, NONE},
    {CALL(io_uring_register), EL_CALLS_IO_URING, 0, NONE},
    {CALL(io_uring_enter), EL_CALLS_IO_URING, 0, NONE},

    {CALL(unlinkat), EL_CALLS_UNLINK, 0, NONE},
    {CALL(ftruncate), EL_CALLS_UNLINK, 0, NONE},
#ifdef __x86_64__
    {CALL(unlink), EL_CALLS_UNLINK, 0, NONE},
#endif
    {{NULL, -1}, 0, 0, NONE},
};

/* No library tries these to see whether they are there, and no server of ours has a use for one. So who calls them
 * is not us any more, and a process that is not ours should get no second try. What a library might try in good
 * faith is not here, and gets ENOSYS. */
const struct el_seccomp_call el_seccomp_killed[] = {
    /* another program in our place */
    CALL(execve), CALL(execveat),
    /* other processes: their memory, registers, descriptors */
    CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(kcmp), CALL(move_pages), CALL(migrate_pages),
    /* code in the kernel, another kernel, the kernel's own events */
    CALL(init_module), CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(bpf), CALL(perf_event_open),
    /* makes page faults wait: what many an attack on the kernel wins its race with */
    CALL(userfaultfd),
    /* another view of files, users, network: the way to capabilities, and to code that takes them for granted */
    CALL(unshare), CALL(setns), CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(open_tree), CALL(move_mount), CALL(fsopen), CALL(fsconfig), CALL(fsmount), CALL(fspick),
    /* files without their path, and so without the directories that would have been asked */
    CALL(open_by_handle_at), CALL(name_to_handle_at),
    /* keys of whoever started us: the session's keyring outlives setuid(2) */
    CALL(keyctl), CALL(add_key), CALL(request_key),
    /* back to being somebody: we have become who we are before the filter came */
    CALL(setuid), CALL(setgid), CALL(setreuid), CALL(setregid), CALL(setresuid), CALL(setresgid), CALL(setfsuid), CALL(setfsgid), CALL(setgroups), CALL(capset),
    /* how memory and registers are laid out: undoes the protections that other processes rely on (READ_IMPLIES_EXEC) */
    CALL(personality),
    /* the machine itself */
    CALL(reboot), CALL(swapon), CALL(swapoff), CALL(sethostname), CALL(setdomainname), CALL(settimeofday), CALL(clock_settime), CALL(adjtimex), CALL(clock_adjtime), CALL(syslog),
    CALL(acct), CALL(quotactl), CALL(vhangup), CALL(nfsservctl), CALL(lookup_dcookie),
#ifdef __x86_64__
    CALL(uselib), CALL(create_module), CALL(modify_ldt), CALL(iopl), CALL(ioperm), CALL(_sysctl),
#endif
    /* younger than some headers: Linux 5.6, 5.10, 5.12 */
#ifdef SYS_pidfd_getfd
    CALL(pidfd_getfd),
#endif
#ifdef SYS_process_madvise
    CALL(process_madvise),
#endif
#ifdef SYS_mount_setattr
    CALL(mount_setattr),
#endif
    {NULL, -1},
};
/* clang-format on */

const unsigned el_seccomp_killed_clone_flags[] = {
    CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,    CLONE_NEWPID,
    CLONE_NEWUTS,  CLONE_NEWIPC, CLONE_NEWCGROUP, 0,
};
