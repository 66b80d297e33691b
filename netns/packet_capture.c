/*
 * packet_capture.c - dumpcap on a host of a lab network, so that its end is always clean.
 *
 * Teaches:  how to look after one child process in one poll(2): its words come through a pipe, its
 *           end through a pidfd, our own signals through a signalfd, and that the reader of our output
 *           has gone shows as POLLERR there. No handler interrupts anything. [#one-poll-for-all]
 * Run:      net capture client - | wireshark -k -i -        (it runs this inside the world)
 * Partner:  log.sh, which opens the file: so it belongs to whoever typed the command.
 * Leaves out: reading packets. dumpcap(1) does that, and writes pcapng to our standard output by
 *           itself; we only listen to what it says.
 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    INTERFACES_MAX = 32,
    SAID_MAX = 1024, /* of what dumpcap says about its failure */
    DRAIN_MS = 300,  /* for packets that dumpcap has not been handed yet */
    GRACE_MS = 3000, /* for dumpcap to end after SIGINT */
    NOT_FOUND = 127,
    NOT_RUN = 126 /* exit codes of the child when exec has failed */
};

struct options {
    const char *host, *interfaces;
    uint64_t count;
    el_duration duration;
};

struct capture {
    struct options options;
    char *filter, *list; /* owned */
    char *interface[INTERFACES_MAX + 1];
    pid_t child;
    int pidfd, words, signals;
    el_time until; /* when it shall end, or be killed */
    enum { RUNNING, DRAINING, ENDING } stage;
    bool capturing, reader_gone;
    char line[512];
    size_t line_length;
    char said[SAID_MAX]; /* why it failed */
    unsigned long long packets, dropped;
};

static int complain(const struct capture *capture, const char *what, const char *why)
{
    const char *host = capture->options.host == NULL ? "here" : capture->options.host;
    char place[80], shown[256], words[1024]; /* dumpcap's words quote the filter, as it was typed */
    fprintf(stderr, "packet_capture: %s: %s%s%s\n", el_name_escape(host, place, sizeof place),
            el_name_escape(what, shown, sizeof shown), why[0] == '\0' ? "" : ": ",
            el_name_escape(why, words, sizeof words));
    return 1;
}

/* ---- what to capture -------------------------------------------------------------------------- */

/* All interfaces of this network namespace but the loopback. False: there is none, or no memory. */
static bool find_interfaces(struct capture *capture)
{
    struct if_nameindex *all = if_nameindex();
    size_t count = 0;
    for (const struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++)
        if (strcmp(i->if_name, "lo") != 0 && count < INTERFACES_MAX &&
            (capture->interface[count] = strdup(i->if_name)) != NULL)
            count++;
    if (all != NULL)
        if_freenameindex(all);
    return count > 0;
}

/* Those that were asked for: "eth0,eth1". The first that is not there, or NULL. */
static const char *take_interfaces(struct capture *capture)
{
    size_t count = 0;
    char *rest = NULL;
    capture->list = strdup(capture->options.interfaces);
    if (capture->list == NULL)
        return "no memory";
    for (char *name = strtok_r(capture->list, ",", &rest); name != NULL && count < INTERFACES_MAX;
         name = strtok_r(NULL, ",", &rest)) {
        if (if_nametoindex(name) == 0)
            return name;
        capture->interface[count] = strdup(name);
        if (capture->interface[count++] == NULL)
            return "no memory";
    }
    return count > 0 ? NULL : "none given";
}

/* The words of the filter, with blanks between them. NULL: no memory. */
static char *join(int count, char **words)
{
    size_t size = 1;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = malloc(size), *end = text;
    if (text == NULL)
        return NULL;
    *end = '\0';
    for (int i = 0; i < count; i++)
        end += snprintf(end, size - (size_t)(end - text), "%s%s", i == 0 ? "" : " ", words[i]);
    return text;
}

/* ---- the child -------------------------------------------------------------------------------- */

/* In the child: becomes dumpcap. A filter that stands before the interfaces is that of all of them. */
static void become_dumpcap(const struct capture *capture, int words, pid_t parent)
{
    char *arguments[2 * INTERFACES_MAX + 12], count[32];
    size_t used = 0;
    static char dumpcap[] = "dumpcap", quiet[] = "-q", filter[] = "-f", interface[] = "-i",
                limit[] = "-c", write[] = "-w", stdout_name[] = "-";
    arguments[used++] = dumpcap;
    arguments[used++] = quiet;
    if (capture->filter[0] != '\0') {
        arguments[used++] = filter;
        arguments[used++] = capture->filter;
    }
    for (size_t i = 0; capture->interface[i] != NULL; i++) {
        arguments[used++] = interface;
        arguments[used++] = capture->interface[i];
    }
    if (capture->options.count > 0) {
        snprintf(count, sizeof count, "%ju", (uintmax_t)capture->options.count);
        arguments[used++] = limit;
        arguments[used++] = count;
    }
    arguments[used++] = write;
    arguments[used++] = stdout_name;
    arguments[used] = NULL;

    /* A group of its own: Ctrl-C reaches us, and we tell it. Killed with us, whatever kills us. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (getppid() != parent || dup2(words, STDERR_FILENO) < 0)
        _exit(NOT_RUN);
    execvp(dumpcap, arguments);
    _exit(errno == ENOENT ? NOT_FOUND : NOT_RUN);
}

/* 0, or -errno. */
static int start(struct capture *capture)
{
    int ends[2];
    pid_t parent = getpid();
    sigset_t set;
    sigemptyset(&set);
    for (const int *s = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0}; *s != 0; s++)
        sigaddset(&set, *s);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    capture->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (capture->signals < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    capture->child = fork();
    if (capture->child == 0)
        become_dumpcap(capture, ends[1], parent);
    close(ends[1]);
    capture->words = ends[0];
    if (capture->child < 0)
        return -errno;
    capture->pidfd = (int)syscall(SYS_pidfd_open, capture->child, 0);
    return capture->pidfd < 0 ? -errno : 0;
}

/*
 * One step nearer to the end. The kernel hands packets over in blocks, up to a quarter of a second
 * late, and dumpcap does not ask for the last block when it is told to stop. So what has happened
 * gets that time first; then it is told, so that the file is whole; and when that was not heard, it is
 * killed. A second Ctrl-C is one step more. [#what-was-before-the-end]
 */
static void end_it(struct capture *capture)
{
    if (capture->stage == RUNNING && !capture->reader_gone && capture->capturing) {
        capture->stage = DRAINING;
        capture->until = el_time_after(el_now(), DRAIN_MS * EL_MS);
        return;
    }
    kill(capture->child, capture->stage == ENDING ? SIGKILL : SIGINT);
    capture->stage = ENDING;
    capture->until = el_time_after(el_now(), GRACE_MS * EL_MS);
}

/* ---- what it says ----------------------------------------------------------------------------- */

static void say_capturing(struct capture *capture)
{
    capture->capturing = true;
    if (capture->options.duration > 0)
        capture->until = el_time_after(el_now(), capture->options.duration);
    fprintf(stderr, "capturing on ");
    for (size_t i = 0; capture->interface[i] != NULL; i++)
        fprintf(stderr, "%s%s", i == 0 ? "" : ", ", capture->interface[i]);
    fprintf(stderr, capture->options.host == NULL ? "\n" : " of %s\n", capture->options.host);
}

/* Keeps a line of its complaint, but for advice that is about another program. */
static void keep_complaint(struct capture *capture, const char *line)
{
    size_t used = strlen(capture->said);
    if (line[0] == '\0' || strncmp(line, "See the User's Guide", 20) == 0 ||
        strncmp(line, "Please report this", 18) == 0 || strncmp(line, "https:", 6) == 0 ||
        strncmp(line, "(This is not a crash", 20) == 0)
        return;
    line += strncmp(line, "dumpcap: ", 9) == 0 ? 9 : 0;
    snprintf(capture->said + used, sizeof capture->said - used, "%s%s", used == 0 ? "" : " ", line);
}

/*
 * One line from dumpcap. "Capturing on" comes before it has looked at the filter; "File:" comes when
 * it is ready for the first packet.
 */
static void hear(struct capture *capture, char *line)
{
    unsigned long long received, dropped;
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    if (strncmp(line, "File: ", 6) == 0) {
        say_capturing(capture);
        return;
    }
    if (sscanf(line, "Packets captured: %llu", &capture->packets) == 1 ||
        strncmp(line, "Capturing on ", 13) == 0)
        return;
    const char *counts = strstr(line, "': ");
    if (strncmp(line, "Packets received/dropped", 24) == 0 && counts != NULL &&
        sscanf(counts, "': %llu/%llu", &received, &dropped) == 2) {
        capture->dropped += dropped;
        return;
    }
    keep_complaint(capture, line);
}

/* What came through the pipe, in lines. False: its end. */
static bool hear_all(struct capture *capture)
{
    char text[512];
    ssize_t got = read(capture->words, text, sizeof text);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t i = 0; i < got; i++) {
        if (text[i] == '\r') { /* it would write over a count that it had shown */
            capture->line_length = 0;
            continue;
        }
        if (text[i] != '\n') {
            if (capture->line_length + 1 < sizeof capture->line)
                capture->line[capture->line_length++] = text[i];
            continue;
        }
        capture->line[capture->line_length] = '\0';
        capture->line_length = 0;
        hear(capture, capture->line);
    }
    return got > 0;
}

/* ---- until it ends ---------------------------------------------------------------------------- */

/* Is nobody there any more to read our output? */
static bool output_abandoned(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

static void take_signals(struct capture *capture)
{
    struct signalfd_siginfo info;
    while (read(capture->signals, &info, sizeof info) == (ssize_t)sizeof info)
        end_it(capture);
}

/* Returns the status of the child. */
static int look_after(struct capture *capture)
{
    int status = 0;
    struct pollfd wait[] = {{.fd = capture->words, .events = POLLIN},
                            {.fd = capture->signals, .events = POLLIN},
                            {.fd = capture->pidfd, .events = POLLIN},
                            {.fd = STDOUT_FILENO}}; /* no events: only its errors */
    do {
        int ready = poll(wait, 4, el_poll_ms(el_time_left(capture->until, el_now())));
        if (ready == 0 && el_now() >= capture->until)
            end_it(capture);
        if (wait[0].revents != 0 && !hear_all(capture))
            wait[0].fd = -1;
        if (wait[1].revents != 0)
            take_signals(capture);
        if (wait[3].revents & POLLERR) {
            wait[3].fd = -1;
            capture->reader_gone = true;
            end_it(capture);
        }
    } while (wait[2].revents == 0);
    while (wait[0].fd >= 0 && hear_all(capture)) /* its last words; nobody else holds the pipe */
        ;
    while (waitpid(capture->child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* The exit code, and what is to be said at the end. */
static int conclude(const struct capture *capture, int status)
{
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (capture->reader_gone || output_abandoned())
        return 0; /* Wireshark was closed: that is an end like any other */
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
        return complain(capture, "dumpcap: not found", "it is in the package wireshark-common");
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_RUN)
        return complain(capture, "dumpcap: may not be run by this user",
                        "it is installed for a group (sudo usermod -a -G wireshark \"$USER\", then "
                        "log in again)");
    if (!well)
        return complain(capture, "dumpcap",
                        capture->said[0] != '\0' ? capture->said : "ended without a word");
    fprintf(stderr, "%llu packet%s captured", capture->packets, capture->packets == 1 ? "" : "s");
    if (capture->dropped > 0)
        fprintf(stderr, ", %llu dropped: they came too fast", capture->dropped);
    fprintf(stderr, "\n");
    return 0;
}

static int run(struct capture *capture)
{
    if (capture->options.interfaces != NULL) {
        const char *wrong = take_interfaces(capture);
        if (wrong != NULL)
            return complain(capture, wrong, "no such interface (ip link shows them)");
    } else if (!find_interfaces(capture)) {
        return complain(capture, "no interface but lo", "-i lo captures that");
    }
    if (isatty(STDOUT_FILENO))
        return complain(capture, "stdout",
                        "is a terminal, and pcapng is not for eyes (| wireshark -k -i -)");
    int error = start(capture);
    if (error < 0)
        return complain(capture, "start", strerror(-error));
    return conclude(capture, look_after(capture));
}

int main(int argc, char **argv)
{
#define AT(field) offsetof(struct options, field)
    static const struct el_option table[] = {
        {'i', "interface", EL_OPT_TEXT, "A,B", "only these (default: all but lo)", AT(interfaces),
         NULL, 0, 0, NULL},
        {0, "count", EL_OPT_NUMBER, "N", "end after so many packets (0: never)", AT(count), "0", 0,
         1U << 31, NULL},
        {0, "duration", EL_OPT_DURATION, "D", "end after this time (0: never)", AT(duration), "0",
         0, 1000000 * (uint64_t)EL_S, NULL},
        {0, "host", EL_OPT_TEXT, "NAME", "what to call this host in messages", AT(host), NULL, 0, 0,
         NULL},
        {0}};
#undef AT
    static const struct el_program program = {
        .name = "packet_capture",
        .usage = "[options] [FILTER...]",
        .about = "Captures this host's packets with dumpcap and writes pcapng to stdout. FILTER is "
                 "libpcap's: `tcp port 7007`.",
        .options = table,
        .max_operands = 256};
    static struct capture capture = {.until = EL_NEVER, .pidfd = -1, .words = -1, .signals = -1};
    int first,
        code = el_options_parse(&program, argc, argv, &capture.options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    capture.filter = join(argc - first, argv + first);
    code = capture.filter == NULL ? complain(&capture, "memory", strerror(ENOMEM)) : run(&capture);
    for (size_t i = 0; capture.interface[i] != NULL; i++)
        free(capture.interface[i]);
    free(capture.filter);
    free(capture.list);
    return code;
}
