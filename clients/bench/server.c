/*
 * server.c - a server of the ladder while it is measured: started on its path, watched, stopped.
 *
 * Teaches:  when is a server ready? Ours say so, with the address that they have (port 0 was asked for). A stranger says nothing:
 *           it is ready when the kernel says that this very process listens there. Neither is a matter of waiting long enough.
 * Partner:  ladder.c (which servers), spawn.c, watch.h
 * Leaves out: a stranger's port is looked for and let go before it starts: on loopback somebody else may take it in between. Then
 *           its owner is not our child, and the server counts as one that does not listen.
 */
#include "server.h"

#include "spawn.h"
#include "watch.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WORD = 160,       /* bytes of a word of a command line */
    READY_LINE = 512, /* bytes of a ready line */
    LOOK_MS = 5,      /* between two looks whether a stranger listens */
};
static const el_duration start_patience = 10 * EL_S, stop_patience = 2 * EL_S;

/* The command line, with its words' texts. */
struct command {
    char word[2 * BENCH_RUNG_WORDS][WORD], path[4096];
    const char *argv[2 * BENCH_RUNG_WORDS + 1];
};

/* ---- namespaces ------------------------------------------------------------------------------------------ */

/*
 * Into the namespace of a path, for a moment. Only the calling thread moves (setns(2)). Returns the way back, for leave(); -1: it
 * was no move, or not possible.
 */
static int visit(enum bench_path path)
{
    const char *netns = bench_path_netns(path);
    int there = netns == NULL ? -1 : open(netns, O_RDONLY | O_CLOEXEC);
    int back = there < 0 ? -1 : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (back >= 0 && setns(there, CLONE_NEWNET) < 0) {
        close(back);
        back = -1;
    }
    if (there >= 0)
        close(there);
    return back;
}

static void leave(int back)
{
    if (back < 0)
        return;
    if (setns(back, CLONE_NEWNET) < 0)
        abort(); /* in the wrong network nothing would be true any more; it cannot fail: we came from there */
    close(back);
}

/* A port that is free there now; 0 and errno. */
static uint16_t free_port(const struct bench_server *server)
{
    struct el_address address = server->address;
    socklen_t length = sizeof address.in6;
    int back = visit(server->path);
    int fd = socket(address.sa.sa_family, server->rung->type | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, &address.sa, address.length) == 0 &&
                 getsockname(fd, &address.sa, &length) == 0;
    if (fd >= 0)
        close(fd);
    leave(back);
    return found ? el_address_port(&address) : 0;
}

static bool listens(const struct bench_server *server)
{
    int back = visit(server->path);
    pid_t owner = bench_watch_owner(&server->address, server->rung->type);
    leave(back);
    return owner > 0 && owner == server->pid;
}

/* ---- the command line ------------------------------------------------------------------------------------ */

/* What stands in braces at `text`. */
static void say_part(const struct bench_server *server, const char *text, struct el_words *words)
{
    char address[EL_ADDRESS_TEXT];
    if (strncmp(text, "{address}", 9) == 0)
        el_say(words, "%s", el_address_print(&server->address, address));
    else if (strncmp(text, "{host}", 6) == 0)
        el_say(words, "%s", el_address_print_host(&server->address, address));
    else if (strncmp(text, "{port}", 6) == 0)
        el_say(words, "%u", el_address_port(&server->address));
    else
        el_say(words, "/proc/%d/fd/%d", (int)getpid(), server->file);
}

/* Copies `text`, with what stands in braces replaced. The ladder's texts close each brace. */
static void fill_in(const struct bench_server *server, const char *text, char *word, size_t size)
{
    struct el_words words = {.text = word, .size = size};
    word[0] = '\0';
    while (*text != '\0') {
        int plain = (int)strcspn(text, "{");
        el_say(&words, "%.*s", plain, text);
        text += plain;
        if (*text == '\0')
            break;
        say_part(server, text, &words);
        text += strcspn(text, "}") + 1;
    }
}

/* A program of ours lies beside our own. */
static const char *find_program(const struct bench_rung *rung, struct command *command)
{
    ssize_t length = readlink("/proc/self/exe", command->path, sizeof command->path - 1);
    command->path[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(command->path, '/');
    if (rung->source == NULL || slash == NULL)
        return rung->argv[0];
    size_t used = (size_t)(slash + 1 - command->path);
    snprintf(slash + 1, sizeof command->path - used, "%s", rung->argv[0]);
    return command->path;
}

static void make_command(const struct bench_server *server, struct command *command)
{
    const struct bench_rung *rung = server->rung;
    const char *const *parts[] = {rung->argv,
                                  server->path == BENCH_LOOPBACK ? NULL : rung->elsewhere};
    size_t count = 0;
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; parts[part] != NULL && i < BENCH_RUNG_WORDS && parts[part][i] != NULL;
             i++) {
            fill_in(server, parts[part][i], command->word[count], WORD);
            command->argv[count] = command->word[count];
            count++;
        }
    command->argv[0] = find_program(rung, command);
    command->argv[count] = NULL;
}

/* A configuration is a file without a name: it goes with us. It is read through /proc (memfd_create(2)). */
static bool write_file(struct bench_server *server)
{
    char text[WORD];
    if (server->rung->file == NULL)
        return true;
    server->file = memfd_create("echo_bench", MFD_CLOEXEC);
    fill_in(server, server->rung->file, text, sizeof text);
    return server->file >= 0 && write(server->file, text, strlen(text)) == (ssize_t)strlen(text);
}

/* ---- ready ------------------------------------------------------------------------------------------------ */

/* "ready proto=tcp listen=127.0.0.1:7007 model=epoll workers=1 pid=4242" */
static bool read_ready(struct bench_server *server, const char *line)
{
    const char *listen = strstr(line, " listen="), *pid = strstr(line, " pid="), *why;
    struct el_endpoint endpoint;
    char address[EL_ADDRESS_TEXT] = "";
    if (strncmp(line, "ready ", 6) != 0 || listen == NULL || pid == NULL)
        return false;
    listen += strlen(" listen=");
    snprintf(address, sizeof address, "%.*s", (int)strcspn(listen, " ,"), listen);
    server->pid = (pid_t)strtol(pid + strlen(" pid="), NULL, 10);
    return server->pid > 0 && el_endpoint_parse(address, 0, 1, &endpoint, &why) == 0 &&
           el_address_from_literal(endpoint.host, endpoint.port, &server->address) == 0;
}

/* The first line of its output, or what came of it before it ended. */
static bool await_ready_line(struct bench_server *server)
{
    char line[READY_LINE] = "";
    size_t used = 0;
    el_time deadline = el_time_after(el_now(), start_patience);
    struct pollfd output = {.fd = server->output, .events = POLLIN};
    while (used < sizeof line - 1 && memchr(line, '\n', used) == NULL) {
        int ready = poll(&output, 1, el_poll_ms(el_time_left(deadline, el_now())));
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready <= 0 ? 0 : read(server->output, line + used, sizeof line - 1 - used);
        if (got <= 0)
            return false;
        used += (size_t)got;
    }
    line[used] = '\0';
    return read_ready(server, line);
}

/* The pause is no synchronisation: only that it listens, or has ended, ends the wait. */
static bool await_listening(struct bench_server *server)
{
    el_time deadline = el_time_after(el_now(), start_patience);
    server->pid = server->child;
    while (el_now() < deadline) {
        if (listens(server))
            return true;
        if (!bench_server_lives(server))
            return false;
        poll(NULL, 0, LOOK_MS);
    }
    return false;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

/* The last line that it wrote on stderr, or "". */
static void last_words(const struct bench_server *server, char *text, size_t size)
{
    off_t end = lseek(server->errors, 0, SEEK_END);
    off_t from = end < (off_t)size ? 0 : end - (off_t)(size - 1);
    ssize_t got = end < 0 ? 0 : pread(server->errors, text, size - 1, from);
    text[got < 0 ? 0 : got] = '\0';
    bench_keep_last_line(text);
}

static void say_end(struct bench_server *server, int status)
{
    struct el_words words = {.text = server->failure, .size = sizeof server->failure};
    char said[160], safe[200];
    server->failure[0] = '\0';
    if (WIFSIGNALED(status))
        el_say(&words, "ended by signal %d (%s)", WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
    else
        el_say(&words, "ended with exit code %d", WEXITSTATUS(status));
    last_words(server, said, sizeof said);
    if (said[0] != '\0')
        el_say(&words, ": %s", el_name_escape(said, safe, sizeof safe));
}

static void close_all(struct bench_server *server)
{
    int *const fds[] = {&server->output, &server->errors, &server->file, &server->lifeline};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

bool bench_server_lives(struct bench_server *server)
{
    int status;
    if (server->child <= 0)
        return false;
    if (waitpid(server->child, &status, WNOHANG) == 0)
        return true;
    say_end(server, status);
    server->child = server->pid = 0;
    close_all(server);
    return false;
}

void bench_server_stop(struct bench_server *server)
{
    if (server->child <= 0)
        return;
    if (server->pid > 0 &&
        server->pid != server->child) /* strace blocks signals; it ends with the server */
        kill(server->pid, SIGTERM);
    if (server->pid > 0 && server->pid != server->child &&
        bench_await_end(server->child, stop_patience, NULL))
        server->child = 0;
    if (server->child > 0)
        bench_end(server->child, stop_patience);
    server->child = server->pid = 0;
    close_all(server);
}

/* ---- start -------------------------------------------------------------------------------------------------- */

static bool fail(struct bench_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool fail(struct bench_server *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(server->failure, sizeof server->failure, format, args);
    va_end(args);
    bench_server_stop(server);
    close_all(server);
    return false;
}

static bool is_missing(struct bench_server *server)
{
    const struct bench_rung *rung = server->rung;
    server->missing = true;
    if (rung->source == NULL)
        return fail(server, "not installed (apt-get install %s)", rung->package);
    return fail(server, "not built (make says what it lacks)");
}

/* Finds out where it shall listen. False: it cannot. */
static bool choose_address(struct bench_server *server)
{
    const struct bench_rung *rung = server->rung;
    server->address = bench_path_address(server->place, server->path);
    if (rung->port != 0 && !server->place->inside) {
        server->missing = true;
        return fail(server, "needs port %d, which is everyone's only in a lab network", rung->port);
    }
    if (rung->only_v4 && server->place->ipv6) {
        server->missing = true;
        return fail(server, "speaks IPv4 alone, as it is started here");
    }
    uint16_t port = rung->source != NULL ? 0
                    : rung->port != 0    ? (uint16_t)rung->port
                                         : free_port(server);
    if (rung->source == NULL && port == 0)
        return fail(server, "no free port: %s", strerror(errno));
    el_address_set_port(&server->address, port);
    return true;
}

static pid_t spawn(struct bench_server *server, const struct command *command, int output,
                   int lifeline)
{
    char step[64];
    struct bench_spawn spawn = {.argv = command->argv,
                                .netns = bench_path_netns(server->path),
                                .cpu = server->cpu,
                                .out = output,
                                .err = server->errors,
                                .own_group = true,
                                .lifeline = lifeline};
    char **traced =
        server->strace == NULL
            ? NULL
            : bench_strace_argv((char *const *)(uintptr_t)command->argv, server->strace);
    if (traced != NULL)
        spawn.argv = (const char *const *)traced;
    pid_t pid = bench_spawn(&spawn, step, sizeof step);
    free(traced);
    if (pid < 0 && pid != -ENOENT)
        fail(server, "%s: %s", step, strerror(-pid));
    return pid;
}

bool bench_server_start(struct bench_server *server)
{
    struct command command;
    int output[2], life[2];
    server->output = server->errors = server->file = server->lifeline = -1;
    if (!choose_address(server))
        return false;
    server->errors = memfd_create("echo_bench", MFD_CLOEXEC); /* unlike a pipe it is never full */
    if (server->errors < 0 || !write_file(server) || pipe2(output, O_CLOEXEC) < 0)
        return fail(server, "no descriptor for it: %s", strerror(errno));
    server->output = output[0];
    if (pipe2(life, O_CLOEXEC) < 0) {
        close(output[1]);
        return fail(server, "no descriptor for it: %s", strerror(errno));
    }
    server->lifeline = life[1];
    make_command(server, &command);
    server->child = spawn(server, &command, output[1], life[0]);
    close(output[1]);
    close(life[0]);
    if (server->child == -ENOENT)
        return is_missing(server);
    if (server->child < 0)
        return false;
    if (server->rung->source != NULL ? await_ready_line(server) : await_listening(server))
        return true;
    /* It may be ending just now, and then that is the reason. */
    if (server->child > 0 && (!bench_has_ended(server->child, EL_S) || bench_server_lives(server)))
        return fail(server, "does not listen after %d s", (int)(start_patience / EL_S));
    return false;
}
