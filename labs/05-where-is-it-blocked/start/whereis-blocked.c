/*
 * whereis-blocked.c - where does each thread of a process wait, and for what?
 *
 * Run:   ./whereis-blocked PID
 * Shows: a line a thread: its number, its state, the system call with its descriptor, what that
 *        descriptor is, and the kernel function it sleeps in:
 *            4711 S accept4(11) tcp LISTEN 127.0.0.1:7007 in inet_csk_accept
 *            4712 R running
 * Needs: the right to attach to the process (proc(5), ptrace(2)); not root, for one's own.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINE = 256 };

/*
 * The calls in which a network program sleeps. The numbers differ between processors, so they come
 * from <sys/syscall.h> and not from a table of x86. Some processors lack the older ones.
 */
static const struct call {
    long number;
    const char *name;
    bool has_fd; /* the first argument is a descriptor; of others it is an address or a count */
} calls[] = {
    {SYS_read, "read", true},
    {SYS_write, "write", true},
    {SYS_connect, "connect", true},
    {SYS_accept, "accept", true},
    {SYS_accept4, "accept4", true},
    {SYS_recvfrom, "recvfrom", true},
    {SYS_recvmsg, "recvmsg", true},
    {SYS_recvmmsg, "recvmmsg", true},
    {SYS_sendto, "sendto", true},
    {SYS_sendmsg, "sendmsg", true},
    {SYS_epoll_pwait, "epoll_pwait", true},
    {SYS_ppoll, "ppoll", false},
    {SYS_futex, "futex", false},
    {SYS_clock_nanosleep, "clock_nanosleep", false},
    {SYS_wait4, "wait4", false},
    {SYS_restart_syscall, "restart_syscall",
     false}, /* a sleep that SIGSTOP and SIGCONT came into */
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", false},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", true},
#endif
#ifdef SYS_poll
    {SYS_poll, "poll", false},
#endif
#ifdef SYS_pause
    {SYS_pause, "pause", false},
#endif
};

/* The first line of /proc/PID/task/TID/NAME, without its newline. False, and errno, on failure. */
static bool read_line(const char *pid, const char *tid, const char *name, char *line)
{
    char path[3 * LINE];
    snprintf(path, sizeof path, "/proc/%s/task/%s/%s", pid, tid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(line, LINE, file) != NULL || feof(file); /* an empty file is an empty line */
    int saved = errno;
    fclose(file);
    errno = saved;
    line[strcspn(line, "\n")] = '\0';
    return got;
}

/* The letter in `4711 (name) S ...`. A name may hold brackets: it ends at the last one. */
static char state_of(const char *pid, const char *tid)
{
    char line[LINE] = "";
    if (!read_line(pid, tid, "stat", line))
        return '?';
    const char *end = strrchr(line, ')');
    return end != NULL && end[1] == ' ' ? end[2] : '?';
}

static const char *tcp_state(unsigned state)
{
    static const char *names[] = {"?",          "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
                                  "FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
                                  "CLOSE_WAIT", "LAST_ACK",    "LISTEN",    "CLOSING"};
    return state < sizeof names / sizeof *names ? names[state] : "?";
}

/*
 * Finds the socket with this inode in /proc/PID/net/PROTOCOL and says what it is. The process's own
 * net directory, not /proc/net: it may live in another network namespace. An address is printed
 * there as the number that its four bytes make on this machine, the port as a number (lab 02).
 */
static bool describe_socket(const char *pid, const char *protocol, unsigned long inode, char *what)
{
    /* TODO(05-5): read /proc/PID/net/PROTOCOL line by line; the tenth column is the inode. Write
     * into `what`, for tcp its state too (tcp_state names it):  `tcp LISTEN 127.0.0.1:7007`, `tcp
     * ESTABLISHED 127.0.0.1:7007 -> 127.0.0.1:40123`, `udp 127.0.0.1:7007`. Return whether it was
     * there. */
    (void)pid;
    (void)protocol;
    (void)inode;
    what[0] = '\0';
    (void)tcp_state;
    return false;
}

/* What descriptor fd of the process is: a socket with its ends, pipe, eventpoll, or a path. */
static void describe_fd(const char *pid, long fd, char *what)
{
    /* TODO(05-4): readlink(2) of /proc/PID/fd/FD. `socket:[INODE]` goes to describe_socket, first
     * as tcp, then as udp; `pipe:[N]` becomes pipe, `anon_inode:[eventpoll]` becomes eventpoll,
     * anything else stays as it is. */
    (void)pid;
    (void)fd;
    (void)describe_socket;
    snprintf(what, LINE, "?");
}

/* Prints the line of one thread. Its files are read one by one: it may move on in between. */
static void show_thread(const char *pid, const char *tid)
{
    /* TODO(05-2): the file `syscall` is `running`, or `NUMBER ARGUMENTS... SP PC`, or begins with
     * -1. For the first print `TID R running`, for the last `TID S not in a call` (state_of has the
     * letter). read_line reads a file. */
    /* TODO(05-3): otherwise print `TID S NAME(FD) WHAT in FUNCTION`: the name from `calls`, the
     * descriptor from the first argument (in which base?), what describe_fd says of it, the
     * function from the file `wchan`. For a call whose first argument is no descriptor: `TID S NAME
     * in FUNCTION`. */
    (void)calls;
    (void)read_line;
    (void)describe_fd;
    printf("%s %c ?\n", tid, state_of(pid, tid));
}

int main(int argc, char **argv)
{
    if (argc != 2 || strspn(argv[1], "0123456789") != strlen(argv[1])) {
        fprintf(stderr, "usage: whereis-blocked PID\n");
        return 2;
    }
    /* TODO(05-1): this is one thread, the one that has the process's number. Every entry of
     * /proc/PID/task whose name does not begin with a dot is a thread (opendir(3), readdir(3)). */
    show_thread(argv[1], argv[1]);
    return 0;
}
