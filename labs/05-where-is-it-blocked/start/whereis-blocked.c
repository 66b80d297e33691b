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
    {SYS_restart_syscall, "restart_syscall", false}, /* a sleep, stopped and continued */
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

/* The entry of that number, or NULL: a call that is not in the table. */
static const struct call *find_call(long number)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

/*
 * The first line of /proc/PID/task/TID/NAME, without its newline. Where it cannot be read, `line` says
 * so in words: `? (NAME: Operation not permitted)`.
 */
static void read_line(const char *pid, const char *tid, const char *name, char *line)
{
    char path[3 * LINE];
    snprintf(path, sizeof path, "/proc/%s/task/%s/%s", pid, tid, name);
    FILE *file = fopen(path, "re");
    line[0] = '\0'; /* an empty file is an empty line */
    if (file == NULL || (fgets(line, LINE, file) == NULL && !feof(file)))
        snprintf(line, LINE, "? (%s: %s)", name, strerror(errno));
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

/* The letter in `4711 (name) S ...`. A name may hold brackets: it ends at the last one. */
static char state_of(const char *pid, const char *tid)
{
    char line[LINE];
    read_line(pid, tid, "stat", line);
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

/* What a line of /proc/PID/net/tcp or udp says (lab 02). */
struct row {
    struct in_addr local, peer;
    unsigned local_port, peer_port; /* without another end its address and port are 0 */
    unsigned state;                 /* tcp_state() has the word */
    unsigned long inode;
};

/* The row of the socket with this inode, in the table at `path`. False if it is not there. */
static bool find_row(const char *path, unsigned long inode, struct row *row)
{
    char line[LINE];
    bool found = false;
    FILE *table = fopen(path, "re");
    while (table != NULL && !found && fgets(line, sizeof line, table) != NULL)
        found = sscanf(line, " %*d: %x:%x %x:%x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                       &row->local.s_addr, &row->local_port, &row->peer.s_addr, &row->peer_port,
                       &row->state, &row->inode) == 6 &&
                row->inode == inode; /* the heading is no row */
    if (table != NULL)
        fclose(table);
    return found;
}

/* Tells in `what` which socket of this protocol, "tcp" or "udp", has the inode. False: none has. */
static bool describe_socket(const char *pid, const char *protocol, unsigned long inode, char *what)
{
    /* TODO(05-4): find_row, in which table? Then into `what` (LINE bytes): `tcp LISTEN
     * 127.0.0.1:7007`, `tcp ESTABLISHED 127.0.0.1:7007 -> 127.0.0.1:40123`, `udp 127.0.0.1:7007`.
     * inet_ntoa(3) prints an address, in a buffer that its next call overwrites. */
    (void)pid, (void)protocol, (void)inode;
    (void)find_row, (void)tcp_state;
    what[0] = '\0';
    return false;
}

/* What descriptor fd of the process is: a socket with its ends, else what its link says. */
static void describe_fd(const char *pid, int fd, char *what)
{
    char path[LINE], link[LINE] = "";
    unsigned long inode;
    snprintf(path, sizeof path, "/proc/%s/fd/%d", pid, fd);
    if (readlink(path, link, sizeof link - 1) < 0) /* it adds no NUL: link[] is full of them */
        snprintf(link, sizeof link, "? (fd: %s)", strerror(errno));
    /* TODO(05-3): a link to `socket:[INODE]` goes to describe_socket, first as "tcp", then as "udp".
     * Any other stays as it is, and so does a socket that is in neither table. */
    (void)inode, (void)describe_socket;
    snprintf(what, LINE, "?");
}

/* Prints the line of one thread. Its files are read one by one: it may move on in between. */
static void show_thread(const char *pid, const char *tid)
{
    printf("%s %c ", tid, state_of(pid, tid));
    /* TODO(05-1): read_line this thread's file `syscall`. If it begins with a word (`running`), print
     * that and a newline. If it begins with -1, print `not in a call`. */
    /* TODO(05-2): otherwise it is `NUMBER ARGUMENTS...`. Print `NAME(FD) WHAT in FUNCTION`: the name
     * from find_call, the descriptor from the first argument (in which base?), what describe_fd says
     * of it, the function from the thread's file `wchan`. Where the first argument is no descriptor,
     * `NAME in FUNCTION`; where find_call knows no name, `syscall NUMBER in FUNCTION`. */
    (void)find_call, (void)describe_fd;
    printf("?\n");
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
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) /* every entry but . and .. */
        if (entry->d_name[0] != '.')
            show_thread(argv[1], entry->d_name);
    closedir(tasks);
    return 0;
}
