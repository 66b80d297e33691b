/*
 * test_service.c - the life of a server, seen from outside: what it prints, how it exits.
 *
 * Each test forks a process that runs el_service_run with a worker which serves nobody, reads its stdout
 * and stderr through pipes, sends it signals and waits for its exit code.
 */
#include "service.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a worker that does what the test tells it ------------------------------------------------- */

struct fake_program {
    bool idle_at_drain; /* it has nothing to finish */
    bool create_fails;
    bool sleeps_at_drain; /* it does not even stop */
    unsigned descriptors; /* besides 0-2 it may have so many; 0: as usual */
};

struct fake_worker {
    const struct el_worker_context *context;
    const struct fake_program *program;
    uint64_t counters[2];
};

static void *fake_create(const struct el_worker_context *context)
{
    const struct fake_program *program = context->program;
    if (program->create_fails)
        return NULL;
    struct fake_worker *worker = calloc(1, sizeof *worker);
    ck_assert_ptr_nonnull(worker);
    worker->context = context;
    worker->program = program;
    el_count(&worker->counters[0], 1);
    el_count(&worker->counters[1], context->index);
    return worker;
}

static void fake_drain(void *arg)
{
    struct fake_worker *worker = arg;
    if (worker->program->sleeps_at_drain)
        poll(NULL, 0, -1);
    if (worker->program->idle_at_drain)
        el_service_idle(worker->context);
}

static void fake_destroy(void *arg)
{
    free(arg);
}

static uint64_t *fake_counters(void *arg)
{
    return ((struct fake_worker *)arg)->counters;
}

/* ---- running it -------------------------------------------------------------------------------- */

struct run {
    pid_t pid;
    int out, err; /* read ends */
    char text[4096];
    size_t used;
};

static const struct el_program program = {.name = "fake_server",
                                          .usage = "[options]",
                                          .about = "A test.",
                                          .options = el_service_option_table};

_Noreturn static void run_child(struct fake_program *fake, int type, char **argv)
{
    static const char *const names[] = {"ones", "indices"};
    const struct el_service plug = {
        .proto = type == SOCK_STREAM ? "tcp" : "udp",
        .model = "fake",
        .socket = {.type = type, .tos = -1, .reuse_address = type == SOCK_STREAM},
        .backlog = 8,
        .create = fake_create,
        .drain = fake_drain,
        .destroy = fake_destroy,
        .counter_count = 2,
        .counter_names = names,
        .counters = fake_counters,
        .program = fake,
    };
    if (fake->descriptors > 0) {
        const struct rlimit limit = {3 + fake->descriptors, 3 + fake->descriptors};
        close_range(3, ~0U, 0);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct el_service_options options;
    int argc = 0, operands;
    while (argv[argc] != NULL)
        argc++;
    int code = el_options_parse(&program, argc, argv, &options, &operands, stdout, stderr);
    exit(code >= 0 ? code : el_service_run(&program, &plug, &options));
}

/* `out_fd` is what the child gets as stdout: -1 for a pipe. `arguments` are taken apart at spaces. */
static struct run start_on(int out_fd, struct fake_program *fake, int type, char *arguments)
{
    static char name[] = "fake_server";
    char *argv[16] = {name}, *rest = NULL;
    size_t argc = 1;
    for (char *word = strtok_r(arguments, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;

    struct run run = {0};
    int out[2], err[2];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
    run.pid = fork();
    ck_assert_int_ge(run.pid, 0);
    if (run.pid == 0) {
        close(out[0]); /* else it would be a reader of its own stdout, and never see EPIPE */
        close(err[0]);
        dup2(out_fd >= 0 ? out_fd : out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        run_child(fake, type, argv);
    }
    close(out[1]);
    close(err[1]);
    run.out = out[0];
    run.err = err[0];
    return run;
}

__attribute__((format(printf, 3, 4))) static struct run start(struct fake_program *fake, int type,
                                                              const char *format, ...)
{
    char arguments[256];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    return start_on(-1, fake, type, arguments);
}

/* The next line of the child's stdout, without its newline; fails after ten seconds. Valid until the next call. */
static const char *read_line(struct run *run)
{
    static char line[4096];
    for (;;) {
        char *end = memchr(run->text, '\n', run->used);
        if (end != NULL) {
            size_t length = (size_t)(end - run->text);
            memcpy(line, run->text, length);
            line[length] = '\0';
            run->used -= length + 1;
            memmove(run->text, end + 1, run->used);
            return line;
        }
        struct pollfd wait = {.fd = run->out, .events = POLLIN};
        ck_assert_int_eq(poll(&wait, 1, 10000), 1);
        ssize_t got = read(run->out, run->text + run->used, sizeof run->text - run->used);
        ck_assert_msg(got > 0, "stdout ended before a line was whole");
        run->used += (size_t)got;
    }
}

static int exit_code(struct run *run)
{
    int status;
    ck_assert_int_eq(waitpid(run->pid, &status, 0), run->pid);
    ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Everything on stderr, once the child has ended. */
static const char *errors(struct run *run)
{
    static char text[8192];
    size_t used = 0;
    ssize_t got;
    while ((got = read(run->err, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)got;
    text[used] = '\0';
    return text;
}

#define CONTAINS(text, part)                                                                       \
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in \"%s\"", part, text)

static struct fake_program quick = {.idle_at_drain = true};
static struct fake_program endless = {.idle_at_drain = false};
static struct fake_program stuck = {.sleeps_at_drain = true};
static struct fake_program broken = {.create_fails = true};

static uint16_t port_of(const char *ready)
{
    const char *colon = strrchr(strstr(ready, "listen="), ':');
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

/* ---- ready -------------------------------------------------------------------------------------- */

START_TEST(ready_line_names_the_port_that_the_kernel_chose)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen 127.0.0.1:0");
    const char *line = read_line(&run);
    char wanted[128];
    snprintf(wanted, sizeof wanted,
             "ready proto=tcp listen=127.0.0.1:%u model=fake workers=1 pid=%ld", port_of(line),
             (long)run.pid);
    ck_assert_str_eq(line, wanted);
    ck_assert_uint_gt(port_of(line), 0);
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

START_TEST(json_makes_every_line_json)
{
    struct run run = start(&quick, SOCK_STREAM, "-l127.0.0.1:0 --json");
    const char *line = read_line(&run);
    CONTAINS(line,
             "{\"format_version\":1,\"ready\":true,\"proto\":\"tcp\",\"listen\":\"127.0.0.1:");
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(line[strlen(line) - 1], '}');
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

START_TEST(workers_share_the_port_of_the_first)
{
    struct run run = start(&quick, types[_i], "--listen=127.0.0.1:0 --workers 3");
    CONTAINS(read_line(&run), " workers=3 ");
    kill(run.pid, SIGUSR1);
    const char *stats = read_line(&run);
    CONTAINS(stats, "\"ones\":3,\"indices\":3"); /* three workers, and 0 + 1 + 2 */
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

/* Bound with SO_REUSEPORT from the start, the second would have joined the first, silently. */
START_TEST(a_second_server_on_the_port_is_refused_also_with_workers)
{
    char where[32];
    struct run first = start(&quick, types[_i], "--listen=127.0.0.1:0 --workers=2");
    snprintf(where, sizeof where, "127.0.0.1:%u", port_of(read_line(&first)));
    struct run second = start(&quick, types[_i], "--listen %s --workers=2", where);
    ck_assert_int_eq(exit_code(&second), 1);
    char wanted[128];
    snprintf(wanted, sizeof wanted,
             "fake_server: %s: bind: Address already in use (another server has this port: %s)\n",
             where, types[_i] == SOCK_STREAM ? "ss -ltnp" : "ss -lunp");
    const char *said = errors(&second);
    CONTAINS(said, wanted);
    kill(first.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&first), 0);
}
END_TEST

START_TEST(a_wildcard_is_both_families_on_one_port_and_warns)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=*:0");
    const char *line = read_line(&run);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "listen=0.0.0.0:%u,[::]:%u ", port_of(line), port_of(line));
    CONTAINS(line, wanted);
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
    CONTAINS(errors(&run), "whoever can reach this machine");
}
END_TEST

START_TEST(localhost_needs_no_dns)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=localhost:0 --listen=localhost:0");
    CONTAINS(read_line(&run), "listen=127.0.0.1:");
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

START_TEST(an_address_named_twice_is_bound_once)
{
    struct run first = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0");
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%u", port_of(read_line(&first)));
    kill(first.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&first), 0); /* its port is very likely free now */
    struct run run = start(&quick, SOCK_STREAM, "-l %s -l %s", where, where);
    CONTAINS(read_line(&run), where);
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

/* The port must be the same, so it must be a number: one that was free a moment ago. */
START_TEST(listening_places_that_overlap_are_a_usage_error)
{
    struct run first = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0");
    unsigned port = port_of(read_line(&first));
    kill(first.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&first), 0);
    struct run run = _i == 0 ? start(&quick, SOCK_STREAM, "-l *:%u -l 127.0.0.1:%u", port, port)
                             : start(&quick, SOCK_STREAM, "-l 127.0.0.1:%u -l *:%u", port, port);
    ck_assert_int_eq(exit_code(&run), 2);
    CONTAINS(errors(&run), "overlaps with");
}
END_TEST

START_TEST(a_link_local_address_without_its_interface_gets_a_hint)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=[fe80::1]:0");
    ck_assert_int_eq(exit_code(&run), 1);
    const char *said = errors(&run);
    if (strstr(said, "bind: Invalid argument") == NULL)
        unit_skip("no IPv6 here");
    CONTAINS(said, "(a link-local address needs its interface, as in fe80::1%eth0: ip link)");
}
END_TEST

START_TEST(a_name_outside_etc_hosts_is_a_usage_error)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=no-such-host.invalid:0");
    ck_assert_int_eq(exit_code(&run), 2);
    CONTAINS(errors(&run), "--listen no-such-host.invalid: not an address, and not in /etc/hosts");
}
END_TEST

START_TEST(an_address_of_another_machine_is_a_failure)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=192.0.2.1:0"); /* RFC 5737 */
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "192.0.2.1:0: bind: Cannot assign requested address (this machine");
}
END_TEST

START_TEST(a_worker_that_cannot_be_made_ends_it)
{
    struct run run = start(&broken, SOCK_STREAM, "--listen=127.0.0.1:0");
    ck_assert_int_eq(exit_code(&run), 1);
    ck_assert_int_eq(read(run.out, run.text, 1), 0); /* and it never said "ready" */
}
END_TEST

/* ---- stdout ------------------------------------------------------------------------------------- */

START_TEST(a_full_disk_at_the_ready_line_is_a_failure)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char arguments[] = "--listen=127.0.0.1:0";
    struct run run = start_on(full, &quick, SOCK_STREAM, arguments);
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "stdout: write: No space left on device");
}
END_TEST

START_TEST(a_reader_that_has_gone_is_a_failure_and_no_sigpipe)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0");
    read_line(&run);
    close(run.out);
    kill(run.pid, SIGTERM); /* statistics at exit have nowhere to go */
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "stdout: write: Broken pipe");
}
END_TEST

/* A pipe that takes nothing more, and whose reader will not read. */
static int stalled_pipe(int ends[2])
{
    char block[4096] = {0};
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], block, sizeof block) > 0)
        ;
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0); /* as a shell hands it over */
    return ends[1];
}

START_TEST(a_ready_line_that_nobody_reads_is_a_failure_not_a_wait)
{
    int ends[2];
    char arguments[] = "--listen=127.0.0.1:0";
    struct run run = start_on(stalled_pipe(ends), &quick, SOCK_STREAM, arguments);
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "stdout: nobody reads it");
}
END_TEST

START_TEST(a_reader_of_stdout_that_stalls_cannot_keep_it_from_stopping)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0 --stats-interval=1ms");
    int size = fcntl(run.out, F_SETPIPE_SZ, 4096);
    ck_assert_int_ge(size, 0);
    char said[512] = "";
    struct pollfd wait = {.fd = run.err, .events = POLLIN};
    while (strstr(said, "stdout: nobody reads it") == NULL) { /* after some twenty lines */
        ck_assert_int_eq(poll(&wait, 1, 10000), 1);
        size_t used = strlen(said);
        ssize_t got = read(run.err, said + used, sizeof said - 1 - used);
        ck_assert_int_gt(got, 0);
        said[used + (size_t)got] = '\0';
    }
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 1); /* the last line is lost */
    CONTAINS(errors(&run), "stdout: lines left out, because nobody read it: ");
}
END_TEST

/* ---- stopping ----------------------------------------------------------------------------------- */

static const int stop_signals[] = {SIGTERM, SIGINT};

START_TEST(a_drained_server_exits_0_with_its_statistics)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0");
    read_line(&run);
    kill(run.pid, stop_signals[_i]);
    const char *stats = read_line(&run);
    CONTAINS(stats, "\"stats\":\"exit\"");
    CONTAINS(stats, "\"ones\":1");
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

START_TEST(drain_timeout_is_kept_and_warns)
{
    struct run run = start(&endless, SOCK_STREAM, "--listen=127.0.0.1:0 --drain-timeout=300ms");
    read_line(&run);
    el_time before = el_now();
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
    ck_assert_int_ge(el_now() - before, 295 * EL_MS); /* libevent's clock is coarse: 4 ms */
    CONTAINS(errors(&run), "drain: not finished in time");
}
END_TEST

START_TEST(a_second_signal_forces_exit_3)
{
    struct run run = start(&endless, SOCK_STREAM, "--listen=127.0.0.1:0 --drain-timeout=60s");
    read_line(&run);
    kill(run.pid, SIGTERM);
    kill(run.pid,
         SIGINT); /* another number: two of one kind may be merged while they are pending */
    ck_assert_int_eq(exit_code(&run), 3);
}
END_TEST

START_TEST(a_second_signal_ends_it_even_if_a_worker_hangs)
{
    struct run run = start(&stuck, SOCK_STREAM, "--listen=127.0.0.1:0");
    read_line(&run);
    kill(run.pid, SIGTERM);
    kill(run.pid, SIGINT);
    ck_assert_int_eq(exit_code(&run), 3);
}
END_TEST

/* ---- the rest ----------------------------------------------------------------------------------- */

START_TEST(statistics_come_at_their_interval)
{
    struct run run = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0 --stats-interval=20ms");
    read_line(&run);
    CONTAINS(read_line(&run), "\"stats\":\"interval\"");
    CONTAINS(read_line(&run), "\"stats\":\"interval\"");
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
}
END_TEST

static void read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ssize_t got = read(fd, text, size - 1);
    ck_assert_int_ge(got, 0);
    text[got] = '\0';
    close(fd);
}

START_TEST(the_pid_file_is_there_while_it_serves_and_gone_after)
{
    char directory[] = "/tmp/echolab-test.XXXXXX", path[64], text[32], wanted[32];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/pid", directory);
    struct run run =
        start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0 --no-sandbox --pidfile %s", path);
    read_line(&run);
    read_file(path, text, sizeof text);
    snprintf(wanted, sizeof wanted, "%ld\n", (long)run.pid);
    ck_assert_str_eq(text, wanted);
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_pid_file_that_cannot_be_written_is_a_failure)
{
    struct run run =
        start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0 --pidfile=/no/such/directory/pid");
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "/no/such/directory/pid: write: No such file or directory");
}
END_TEST

/* A symbolic link stands for all that is no regular file; a device would take root to make. */
START_TEST(a_pid_file_never_replaces_what_is_not_one)
{
    char directory[] = "/tmp/echolab-test.XXXXXX", path[64];
    struct stat there;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/pid", directory);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    struct run run = start(&quick, SOCK_STREAM, "-l127.0.0.1:0 --no-sandbox --pidfile %s", path);
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "pid: not a regular file, so it is not replaced");
    ck_assert_int_eq(lstat(path, &there), 0);
    ck_assert(S_ISLNK(there.st_mode));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

static const struct {
    const char *arguments, *said;
} usage_errors[] = {
    {"--no-sandbox --user nobody", "--no-sandbox keeps the user, and --user changes it"},
    {"--stats-interval 1ns", "--stats-interval is too short"},
};

START_TEST(options_that_make_no_sense_are_usage_errors)
{
    struct run run = start(&quick, SOCK_STREAM, "-l127.0.0.1:0 %s", usage_errors[_i].arguments);
    ck_assert_int_eq(exit_code(&run), 2);
    CONTAINS(errors(&run), usage_errors[_i].said);
}
END_TEST

START_TEST(an_unknown_user_is_named_without_misleading_hints)
{
    struct run run = start(&quick, SOCK_STREAM, "-l127.0.0.1:0 --user no-such-user");
    ck_assert_int_eq(exit_code(&run), 1);
    CONTAINS(errors(&run), "fake_server: --user no-such-user: no such user\n");
}
END_TEST

/* Whichever call is the one that cannot be made: the server says so in its own words. */
START_TEST(too_few_descriptors_are_said_to_be_so)
{
    struct fake_program poor = {.idle_at_drain = true, .descriptors = 1 + (unsigned)_i};
    struct run run = start(&poor, SOCK_STREAM, "-l127.0.0.1:0");
    ck_assert_int_eq(exit_code(&run), 1);
    const char *said = errors(&run);
    CONTAINS(said, "fake_server: ");
    CONTAINS(said, "Too many open files");
    ck_assert_msg(strstr(said, "[err]") == NULL, "libevent speaks: %s", said);
}
END_TEST

START_TEST(root_becomes_nobody_and_says_so)
{
    if (geteuid() != 0)
        unit_skip("needs root");
    struct run run = start(&quick, SOCK_STREAM, "--listen=127.0.0.1:0");
    read_line(&run);
    char path[64], status[4096];
    snprintf(path, sizeof path, "/proc/%ld/status", (long)run.pid);
    read_file(path, status, sizeof status);
    CONTAINS(status,
             "CapEff:\t0000000000000000"); /* in a user namespace too, where the uid stays */
    CONTAINS(status, "NoNewPrivs:\t1");
    kill(run.pid, SIGTERM);
    ck_assert_int_eq(exit_code(&run), 0);
    CONTAINS(errors(&run), "fake_server: sandbox: ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *tests = tcase_create("life");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, ready_line_names_the_port_that_the_kernel_chose);
    tcase_add_test(tests, json_makes_every_line_json);
    tcase_add_loop_test(tests, workers_share_the_port_of_the_first, 0, 2);
    tcase_add_loop_test(tests, a_second_server_on_the_port_is_refused_also_with_workers, 0, 2);
    tcase_add_test(tests, a_wildcard_is_both_families_on_one_port_and_warns);
    tcase_add_test(tests, localhost_needs_no_dns);
    tcase_add_test(tests, an_address_named_twice_is_bound_once);
    tcase_add_loop_test(tests, listening_places_that_overlap_are_a_usage_error, 0, 2);
    tcase_add_test(tests, a_link_local_address_without_its_interface_gets_a_hint);
    tcase_add_test(tests, a_name_outside_etc_hosts_is_a_usage_error);
    tcase_add_test(tests, an_address_of_another_machine_is_a_failure);
    tcase_add_test(tests, a_worker_that_cannot_be_made_ends_it);
    tcase_add_test(tests, a_full_disk_at_the_ready_line_is_a_failure);
    tcase_add_test(tests, a_reader_that_has_gone_is_a_failure_and_no_sigpipe);
    tcase_add_test(tests, a_ready_line_that_nobody_reads_is_a_failure_not_a_wait);
    tcase_add_test(tests, a_reader_of_stdout_that_stalls_cannot_keep_it_from_stopping);
    tcase_add_loop_test(tests, a_drained_server_exits_0_with_its_statistics, 0, 2);
    tcase_add_test(tests, drain_timeout_is_kept_and_warns);
    tcase_add_test(tests, a_second_signal_forces_exit_3);
    tcase_add_test(tests, a_second_signal_ends_it_even_if_a_worker_hangs);
    tcase_add_test(tests, statistics_come_at_their_interval);
    tcase_add_test(tests, the_pid_file_is_there_while_it_serves_and_gone_after);
    tcase_add_test(tests, a_pid_file_that_cannot_be_written_is_a_failure);
    tcase_add_test(tests, a_pid_file_never_replaces_what_is_not_one);
    tcase_add_loop_test(tests, options_that_make_no_sense_are_usage_errors, 0,
                        sizeof usage_errors / sizeof usage_errors[0]);
    tcase_add_test(tests, an_unknown_user_is_named_without_misleading_hints);
    tcase_add_loop_test(tests, too_few_descriptors_are_said_to_be_so, 0, 9);
    tcase_add_test(tests, root_becomes_nobody_and_says_so);

    return unit_main(suite);
}
