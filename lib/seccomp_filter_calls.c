/*
 * seccomp_filter_calls.c - the calls that a server may make, and those that are its end.
 *
 * Teaches:  what a server of this size really asks of the kernel. Found with strace(1) over every server in all its tests, and then by thought:
 *           what glibc does when memory is short, when it aborts, when the clock is not in the vDSO; and what the same code
 *           calls on arm64, which has no poll(2), only ppoll(2).
 * Partner:  seccomp_filter.c, which makes a filter of it. A name that this machine does not have is passed over there.
 * Change:   a call that fails with ENOSYS in a new server: strace -f shows it. Add it here, with the arguments it needs and not more;
 *           if only one server needs it, with a bit of enum el_calls.
 */
#ifdef EL_HAVE_SECCOMP
#include "seccomp_filter_private.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* The argument, seen through `mask`, is `value`. The kernel reads an int from the low half of a register: so the mask is 32 bits wide. */
#define SEEN(argument, mask, value)                                                                \
    {                                                                                              \
        (argument), SCMP_CMP_MASKED_EQ, (uint32_t)(mask), (uint32_t)(value)                        \
    }
#define IS(argument, value) SEEN(argument, UINT32_MAX, value)
#define NONE                                                                                       \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

#define NAMESPACES                                                                                 \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |     \
     CLONE_NEWCGROUP)
#define TOLD_ITS_NUMBER (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

/* Names with words behind them: laid out by hand. */
/* clang-format off */
const char *const el_seccomp_allowed[] = {
    /* [#hot-calls] What is called for each message has no arguments looked at: the kernel then knows the answer from a bitmap (Linux 5.11)
     * and does not run the filter at all. */
    "recvmmsg", "recvmsg", "recvfrom", "read", "readv", "sendmmsg", "sendmsg", "sendto", "write", "writev",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "poll", "ppoll", "futex",

    /* Clients come and go. Not among them: bind, listen, connect. All sockets are there before the filter is. */
    "accept4", "shutdown", "close", "getsockname", "getpeername", "getsockopt", "fcntl", "fstat", "newfstatat", "statx", "lseek",
    /* What a worker that makes its own loop asks for: epoll(7), and for libevent's a pipe. */
    "epoll_create1", "eventfd2", "pipe2", "timerfd_create", "timerfd_settime", "timerfd_gettime",

    /* Memory, threads. clone3(2) is left out on purpose: it has its flags in memory, where no filter sees them. It gets ENOSYS, and glibc takes
     * clone(2) instead. */
    "brk", "munmap", "mremap", "madvise",
    "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sysinfo",

    /* Time, chance, names. The clock is a call where the vDSO cannot read it. */
    "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep",
    "getrandom", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid",

    /* Signals, and every end there is. */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "restart_syscall", "exit", "exit_group",
    NULL,
};

const struct el_seccomp_rule el_seccomp_rules[] = {
    /* setsockopt(2) reaches far into the kernel, down to programs for it (SO_ATTACH_FILTER). A client's limit and its reset are all we need. */
    {"setsockopt", 0, 2, {IS(1, SOL_SOCKET), IS(2, SO_LINGER)}},
    {"setsockopt", 0, 2, {IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO)}},
    {"setsockopt", 0, 2, {IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO)}},
    /* How wide the terminal is, for --explain; is it one, for stdio; how much there is to read, for libevent. Not TIOCSTI: it types into the
     * terminal that we were started from, and whoever sits there may be root. */
    {"ioctl", 0, 1, {IS(1, TIOCGWINSZ)}},
    {"ioctl", 0, 1, {IS(1, TCGETS)}},
    {"ioctl", 0, 1, {IS(1, FIONREAD)}},
    /* if_indextoname(3): which interface a link-local address is on. It asks any socket, and makes this one for it. */
    {"socket", 0, 2, {IS(0, AF_UNIX), IS(1, SOCK_DGRAM | SOCK_CLOEXEC)}},
    {"ioctl", 0, 1, {IS(1, SIOCGIFNAME)}},
    /* The descriptor in reserve, /dev/null; what a library reads late. Nothing is made, written or emptied. */
    {"openat", 0, 1, {SEEN(2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY)}},
    /* No memory that could be run. So a library that would be loaded late cannot be; ours are all loaded before. */
    {"mmap", 0, 1, {SEEN(2, PROT_EXEC, 0)}},
    {"mprotect", 0, 1, {SEEN(2, PROT_EXEC, 0)}},
    /* A thread: the workers start under the filter. */
    {"clone", 0, 1, {SEEN(0, CLONE_THREAD | NAMESPACES, CLONE_THREAD)}},
    /* To ask for a limit; the new one to set is a null pointer. */
    {"prlimit64", 0, 1, {{2, SCMP_CMP_EQ, 0, 0}}},

    /* A plain fork(2), and a family's calls. The signals are "drain" and "at once"; the prctl(2) is "no parent, no child". */
    {"clone", EL_CALLS_PROCESSES, 1, {SEEN(0, ~TOLD_ITS_NUMBER, SIGCHLD)}},
    {"kill", EL_CALLS_PROCESSES, 1, {IS(1, SIGUSR2)}},
    {"kill", EL_CALLS_PROCESSES, 1, {IS(1, SIGKILL)}},
    {"prctl", EL_CALLS_PROCESSES, 1, {IS(0, PR_SET_PDEATHSIG)}},
    {"wait4", EL_CALLS_PROCESSES, 0, NONE},
    {"getppid", EL_CALLS_PROCESSES, 0, NONE},
    {"close_range", EL_CALLS_PROCESSES, 0, NONE},

    {"io_uring_setup", EL_CALLS_IO_URING, 0, NONE},
    {"io_uring_register", EL_CALLS_IO_URING, 0, NONE},
    {"io_uring_enter", EL_CALLS_IO_URING, 0, NONE},

    {"unlink", EL_CALLS_UNLINK, 0, NONE},
    {"unlinkat", EL_CALLS_UNLINK, 0, NONE},
    {"ftruncate", EL_CALLS_UNLINK, 0, NONE},
    {NULL, 0, 0, NONE},
};

/* No library tries these to see whether they are there, and no server of ours has a use for one. So who calls them is not us any more, and a
 * process that is not ours should get no second try. What a library might try in good faith is not here, and gets ENOSYS. */
const char *const el_seccomp_killed[] = {
    /* another program in our place */
    "execve", "execveat", "uselib",
    /* other processes: their memory, registers, descriptors */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "move_pages", "migrate_pages",
    /* code in the kernel, another kernel, the kernel's own events */
    "init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "bpf", "perf_event_open",
    /* makes page faults wait: what many an attack on the kernel wins its race with */
    "userfaultfd",
    /* another view of files, users, network: the way to capabilities, and to code that takes them for granted */
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr",
    /* files without their path, and so without the directories that would have been asked */
    "open_by_handle_at", "name_to_handle_at",
    /* keys of whoever started us: the session's keyring outlives setuid(2) */
    "keyctl", "add_key", "request_key",
    /* back to being somebody: we have become who we are before the filter came */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset",
    /* how memory and registers are laid out: undoes the protections that other processes rely on (READ_IMPLIES_EXEC) */
    "personality", "modify_ldt", "iopl", "ioperm",
    /* the machine itself */
    "reboot", "swapon", "swapoff", "sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "syslog",
    "acct", "quotactl", "vhangup", "nfsservctl", "_sysctl", "lookup_dcookie",
    NULL,
};
/* clang-format on */

const unsigned el_seccomp_killed_clone_flags[] = {
    CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,    CLONE_NEWPID,
    CLONE_NEWUTS,  CLONE_NEWIPC, CLONE_NEWCGROUP, 0,
};
#endif
