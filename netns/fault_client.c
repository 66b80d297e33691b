/*
 * fault_client.c - `fault_queue add` and `clear`: asks the engine, and starts it if there is none.
 *
 * Teaches:  how a process outlives the command that started it. It must leave its session (setsid(2)),
 *           so that no terminal's hang-up reaches it; keep no descriptor of its parent's, or whoever
 *           reads the command's output waits for ever; and say when it is ready on a pipe, so that
 *           "started" means "works". [#outlive-the-command]
 * Partner:  fault_control.c, the engine's side; fault_inside.sh runs what is printed here.
 */
#include "fault_client.h"

#include "fault_control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_SECONDS = 10 };

static int complain(const char *why)
{
    char shown[4 * FAULT_WHY_MAX]; /* it may quote what was typed */
    fprintf(stderr, "fault_queue: %s\n", el_name_escape(why, shown, sizeof shown));
    return 2;
}

int fault_client_ask(const char *request, char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = FAULT_SOCKET_PATH};
    struct timeval patience = {ANSWER_SECONDS, 0};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* An engine that is stopped (SIGSTOP) neither accepts nor answers. */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t got = -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, request, strlen(request), MSG_NOSIGNAL) >= 0)
        got = recv(fd, answer, FAULT_ANSWER_MAX - 1, 0);
    int error = got < 0 ? -errno : 0;
    close(fd);
    if (error == -ENOENT) /* there never was one */
        return -ECONNREFUSED;
    if (error < 0 || got == 0)
        return error < 0 ? error : -ECONNRESET;
    answer[got] = '\0';
    bool fine = strncmp(answer, "ok\n", 3) == 0;
    char *text = fine ? answer + 3 : answer + strcspn(answer, " ") + 1;
    memmove(answer, text, strlen(text) + 1);
    if (!fine)
        answer[strcspn(answer, "\n")] = '\0';
    return fine ? 0 : -EINVAL;
}

/* How a request ended, `error` as fault_client_ask gives it, as an exit code: what is to be obeyed goes to
 * stdout, what went wrong is said. */
static int pass_on(int error, const char *answer)
{
    if (error == -EINVAL)
        return complain(answer);
    if (error < 0) {
        fprintf(stderr, "fault_queue: %s: %s\n", FAULT_SOCKET_PATH, strerror(-error));
        return 1;
    }
    fputs(answer, stdout);
    return 0;
}

/* ---- an engine that is to be started --------------------------------------------------------- */

/* What the new process does; never returns. */
static _Noreturn void become_engine(int ready)
{
    int null = open("/dev/null", O_RDONLY);
    int log = open(FAULT_LOG_PATH, O_WRONLY | O_CREAT | O_APPEND, 0644);
    setsid();
    if (null < 0 || log < 0 || chdir("/") < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || dup2(ready, STDOUT_FILENO) < 0)
        _exit(1);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    /* By its real path, so that ps(1) shows a name and not "exe". */
    char self[4096] = {0};
    if (readlink("/proc/self/exe", self, sizeof self - 1) > 0)
        execl(self, "fault_queue", "engine", (char *)NULL);
    _exit(1);
}

/* Waits for the line "ready". False: the process has ended, or is silent. */
static bool wait_ready(int fd)
{
    char line[64];
    size_t used = 0;
    el_time deadline = el_time_after(el_now(), ANSWER_SECONDS * EL_S);
    while (used < sizeof line - 1) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (poll(&readable, 1, el_poll_ms(el_time_left(deadline, el_now()))) <= 0)
            return false;
        ssize_t got = read(fd, line + used, sizeof line - 1 - used);
        if (got <= 0)
            return false;
        used += (size_t)got;
        line[used] = '\0';
        if (strchr(line, '\n') != NULL)
            return strncmp(line, "ready", 5) == 0;
    }
    return false;
}

/* The last line that the engine wrote. */
static void last_words(char *text, size_t size)
{
    char line[256];
    FILE *log = fopen(FAULT_LOG_PATH, "re");
    snprintf(text, size, "it has left no word");
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
    if (log != NULL)
        fclose(log);
}

static int start_engine(void)
{
    int ends[2];
    char text[256];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fprintf(stderr, "fault_queue: pipe: %s\n", strerror(errno));
        return -EIO;
    }
    fflush(NULL); /* or the child would print it once more */
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        become_engine(ends[1]);
    close(ends[1]);
    bool ready = pid > 0 && wait_ready(ends[0]);
    close(ends[0]);
    if (ready)
        return 0;
    if (pid < 0) {
        fprintf(stderr, "fault_queue: fork: %s\n", strerror(error));
        return -error;
    }
    kill(pid, SIGKILL);
    last_words(text, sizeof text);
    fprintf(stderr, "fault_queue: the engine does not start: %s\n", text);
    return -EIO;
}

/*
 * What an engine that died has left: its rules are told, so that they can be given again with the same
 * seeds, and what the kernel still sends to its queues is called back.
 */
static void tell_of_the_dead(void)
{
    static struct fault_rule rules[FAULT_RULES_MAX];
    static struct fault_plugs none;
    char line[FAULT_TEXT_MAX + 64];
    size_t count = fault_rules_load(FAULT_RULES_PATH, rules, FAULT_RULES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].kernel != FAULT_QUEUED)
            continue;
        fault_plan_queue(stdout, &none, NULL, 0, rules[i].from);
        fault_plan_queue(stdout, &none, NULL, 0, rules[i].to);
        printf("say gone with the engine that died: %s\n",
               fault_rule_write(&rules[i], line, sizeof line));
    }
}

/* ---- add ------------------------------------------------------------------------------------- */

static int check_plugs(const struct fault_rule *rule, char *why)
{
    static struct fault_plugs plugs;
    FILE *file = fopen(FAULT_PLUGS_PATH, "re");
    if (file == NULL) {
        snprintf(why, FAULT_WHY_MAX,
                 "%s: open: %s (not in a lab network; net fault looks into one)", FAULT_PLUGS_PATH,
                 strerror(errno));
        return -errno;
    }
    int error = fault_plugs_read(&plugs, file);
    fclose(file);
    return error == 0 ? fault_plugs_check(&plugs, rule->from, rule->to, why) : error;
}

int fault_client_add(const char *link, const char *const *words, size_t count)
{
    static char answer[FAULT_ANSWER_MAX];
    char request[FAULT_REQUEST_MAX], why[FAULT_WHY_MAX];
    struct fault_rule rule;
    if (fault_rule_parse(link, words, count, &rule, why) < 0 || check_plugs(&rule, why) < 0)
        return complain(why);
    snprintf(request, sizeof request, "add %s %s", link, rule.text);
    int error = fault_client_ask(request, answer);
    if (error == -ECONNREFUSED) {
        tell_of_the_dead();
        if (start_engine() < 0)
            return 1;
        error = fault_client_ask(request, answer);
    }
    return pass_on(error, answer);
}

/* ---- clear ----------------------------------------------------------------------------------- */

/*
 * Without an engine: what it has left in the file and in the kernel is taken away. The chain of a place
 * is filled again with what other links have there.
 */
static int clear_without(const struct fault_which *which, const char *word)
{
    static struct fault_rule rules[FAULT_RULES_MAX];
    static struct fault_plugs plugs;
    const struct fault_rule *kept[FAULT_RULES_MAX], *gone[FAULT_RULES_MAX];
    size_t count = fault_rules_load(FAULT_RULES_PATH, rules, FAULT_RULES_MAX), keep = 0, go = 0;
    char line[FAULT_TEXT_MAX + 64];
    FILE *file = fopen(FAULT_PLUGS_PATH, "re");
    if (file != NULL) {
        fault_plugs_read(&plugs, file);
        fclose(file);
    }
    for (size_t i = 0; i < count; i++)
        if (fault_which_means(which, &rules[i]))
            gone[go++] = &rules[i];
        else
            kept[keep++] = &rules[i];
    if (go == 0 && which->number != 0) {
        fprintf(stderr, "fault_queue: clear: %.64s: no such fault (net fault show)\n", word);
        return 2;
    }
    for (size_t i = 0; i < go; i++) {
        const char *ends[] = {gone[i]->from, gone[i]->to};
        for (size_t end = 0; end < 2; end++)
            if (gone[i]->kernel == FAULT_QUEUED)
                fault_plan_queue(stdout, &plugs, kept, keep, ends[end]);
            else
                printf("untag %s %u\n", ends[end], gone[i]->number);
        printf("say cleared %s\n", fault_rule_write(gone[i], line, sizeof line));
    }
    return go == 0 || fault_rules_save(FAULT_RULES_PATH, kept, keep) == 0 ? 0 : 1;
}

int fault_client_clear(const char *word)
{
    static char answer[FAULT_ANSWER_MAX];
    char request[FAULT_REQUEST_MAX], why[FAULT_WHY_MAX];
    struct fault_which which;
    if (fault_which_parse(word, &which, why) < 0)
        return complain(why);
    snprintf(request, sizeof request, "clear%s%s", word == NULL ? "" : " ",
             word == NULL ? "" : word);
    int error = fault_client_ask(request, answer);
    if (error == -ECONNREFUSED)
        return clear_without(&which, word);
    return pass_on(error, answer);
}
