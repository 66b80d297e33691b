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
    char path[LINE], line[LINE];
    snprintf(path, sizeof path, "/proc/%s/net/%s", pid, protocol);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool found = false, tcp = strcmp(protocol, "tcp") == 0;
    while (!found && fgets(line, sizeof line, file)) {
        struct in_addr local, peer;
        unsigned local_port, peer_port, state;
        unsigned long this_inode;
        if (sscanf(line, " %*d: %x:%x %x:%x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", &local.s_addr,
                   &local_port, &peer.s_addr, &peer_port, &state, &this_inode) != 6 ||
            this_inode != inode)
            continue;
        found = true;
        int n = snprintf(what, LINE, "%s %s%s%s:%u", protocol, tcp ? tcp_state(state) : "",
                         tcp ? " " : "", inet_ntoa(local), local_port);
        if (peer_port != 0)
            snprintf(what + n, LINE - (size_t)n, " -> %s:%u", inet_ntoa(peer), peer_port);
    }
    fclose(file);
    return found;
}

/* What descriptor fd of the process is: a socket with its ends, pipe, eventpoll, or a path. */
static void describe_fd(const char *pid, long fd, char *what)
{
    char path[LINE], link[LINE];
    snprintf(path, sizeof path, "/proc/%s/fd/%ld", pid, fd);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n < 0) {
        snprintf(what, LINE, "? (%s)", strerror(errno));
        return;
    }
    link[n] = '\0';
    unsigned long inode;
    char name[LINE];
    if (sscanf(link, "socket:[%lu]", &inode) == 1) {
        if (!describe_socket(pid, "tcp", inode, what) && !describe_socket(pid, "udp", inode, what))
            snprintf(what, LINE, "socket %lu", inode); /* not IPv4, or not bound anywhere yet */
    } else if (sscanf(link, "anon_inode:[%255[^]]", name) == 1 ||
               sscanf(link, "%255[^:]:[", name) == 1)
        snprintf(what, LINE, "%.200s", name);
    else
        snprintf(what, LINE, "%.200s", link);
}

/* Prints the line of one thread. Its files are read one by one: it may move on in between. */
static void show_thread(const char *pid, const char *tid)
{
    char text[LINE] = "", kernel[LINE] = "", what[LINE] = "";
    printf("%s %c ", tid, state_of(pid, tid));
    if (!read_line(pid, tid, "syscall", text)) {
        printf("? (syscall: %s)\n", strerror(errno));
        return;
    }
    /* `running`, or `NUMBER ARGUMENTS... SP PC`; the number is -1 outside a call. */
    char *rest;
    long number = strtol(text, &rest, 10);
    if (rest == text || number < 0) {
        printf("%s\n", rest == text ? text : "not in a call");
        return;
    }
    read_line(pid, tid, "wchan", kernel);
    long fd = strtol(rest, NULL, 16); /* the number is decimal, its arguments are hexadecimal */

    const struct call *call = NULL;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            call = &calls[i];
    if (call == NULL)
        printf("syscall %ld in %s\n", number, kernel);
    else if (!call->has_fd)
        printf("%s in %s\n", call->name, kernel);
    else {
        describe_fd(pid, (int)fd, what);
        printf("%s(%d) %s in %s\n", call->name, (int)fd, what, kernel);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 || strspn(argv[1], "0123456789") != strlen(argv[1])) {
        fprintf(stderr, "usage: whereis-blocked PID\n");
        return 2;
    }
    char path[LINE];
    snprintf(path, sizeof path, "/proc/%s/task", argv[1]);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        lab_die(path);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        if (entry->d_name[0] != '.')
            show_thread(argv[1], entry->d_name);
    closedir(tasks);
    return 0;
}
