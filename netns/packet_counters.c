/*
 * packet_counters.c - `packet_log counters`: how much each log rule has seen, and what the kernel counts.
 *
 * Teaches:  every iptables rule counts, whether somebody reads the log or not, so the counters are
 *           right even when the log had to drop. And the kernel counts what no rule can see: a queue
 *           that overflowed, a segment sent again, a datagram for a port where nobody listens.
 * Run:      net counters --kernel server          (it runs this inside the world)
 * Partner:  packet_counters_read.c, which takes the texts apart; topology_rules.c, which makes the rules.
 * Leaves out: zeroing. Whoever wants a difference takes two readings.
 */
#include "packet_counters.h"

#include "json.h"
#include "options.h"
#include "visit_host.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT, JSON };

struct options {
    const char *hosts;
    unsigned format;
    bool kernel;
};

struct report {
    struct options options;
    struct rule_counters rules;
    struct kernel_counters kernel;
    bool any; /* a host was printed */
};

static int complain(const char *host, const char *what, int error)
{
    char shown[256];
    fprintf(stderr, "packet_log: %s: %s: %s\n", el_name_escape(host, shown, sizeof shown), what,
            strerror(error));
    return 1;
}

/* Starts PROGRAM -c -t mangle in this network namespace. Its output, or NULL with errno. */
static FILE *start_save(const char *program, pid_t *child)
{
    extern char **environ; // NOLINT(readability-redundant-declaration): environ(7) asks for it
    char name[32], counts[] = "-c", table[] = "-t", mangle[] = "mangle";
    char *arguments[] = {name, counts, table, mangle, NULL};
    int ends[2];
    posix_spawn_file_actions_t actions;
    snprintf(name, sizeof name, "%s", program);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int error = posix_spawnp(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *output = error == 0 ? fdopen(ends[0], "r") : NULL;
    if (output == NULL)
        close(ends[0]);
    errno = error;
    return output;
}

/* Adds what the rules of one family say. 0, or -errno. */
static int read_rules(const char *program, struct rule_counters *counters)
{
    char *line = NULL;
    size_t size = 0;
    pid_t child;
    int status, result = 0;
    FILE *output = start_save(program, &child);
    if (output == NULL)
        return errno == 0 ? -ENOMEM : -errno;
    while (getline(&line, &size, output) >= 0)
        if (rule_counters_add(counters, line) == -ENOBUFS)
            result = -ENOBUFS;
    free(line);
    fclose(output);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? result : -EIO;
}

/* /proc/net is that of the network namespace we are in. What a kernel lacks is left out. */
static void read_kernel(struct kernel_counters *counters)
{
    static const char *const pairs[] = {"/proc/net/snmp", "/proc/net/netstat"};
    FILE *file;
    for (size_t i = 0; i < 2; i++) {
        file = fopen(pairs[i], "re");
        if (file == NULL)
            continue;
        kernel_counters_add_pairs(counters, file);
        fclose(file);
    }
    file = fopen("/proc/net/snmp6", "re");
    if (file == NULL)
        return;
    kernel_counters_add_lines(counters, file);
    fclose(file);
}

static void print_json(const struct report *report, const char *host)
{
    struct el_json json = el_json_begin(stdout);
    el_json_object(&json, NULL);
    el_json_uint(&json, "format_version", 1);
    el_json_text(&json, "host", host);
    el_json_array(&json, "rules");
    for (size_t i = 0; i < report->rules.count; i++) {
        const struct rule_counter *rule = &report->rules.rule[i];
        el_json_object(&json, NULL);
        el_json_text(&json, "direction", rule->direction == DIRECTION_IN ? "in" : "out");
        el_json_text(&json, "prefix", rule->prefix);
        el_json_uint(&json, "packets", rule->packets);
        el_json_uint(&json, "bytes", rule->bytes);
        el_json_close_object(&json);
    }
    el_json_close_array(&json);
    if (report->options.kernel) {
        el_json_object(&json, "kernel");
        for (size_t i = 0; i < report->kernel.count; i++)
            el_json_uint(&json, report->kernel.counter[i].name, report->kernel.counter[i].value);
        el_json_close_object(&json);
    } else {
        el_json_null(&json, "kernel");
    }
    el_json_end(&json);
}

/* The rule with that prefix in one direction; zeros if there is none. */
static struct rule_counter find_rule(const struct rule_counters *rules, const char *prefix,
                                     enum packet_direction direction)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->rule[i].direction == direction && strcmp(rules->rule[i].prefix, prefix) == 0)
            return rules->rule[i];
    return (struct rule_counter){.direction = direction};
}

static void print_plain(const char *text, int width)
{
    for (; *text != '\0'; text++, width--)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    for (; width > 0; width--)
        putchar(' ');
}

static void print_table(struct report *report, const char *host)
{
    const struct rule_counters *rules = &report->rules;
    if (!report->any)
        printf("%-15s %-9s %11s %12s %11s %12s\n", "host", "prefix", "packets in", "bytes in",
               "packets out", "bytes out");
    report->any = true;
    for (size_t i = 0; i < rules->count; i++) {
        const char *prefix = rules->rule[i].prefix;
        struct rule_counter in = find_rule(rules, prefix, DIRECTION_IN);
        struct rule_counter out = find_rule(rules, prefix, DIRECTION_OUT);
        /* One row a prefix: where its first rule stands. */
        if (rules->rule[i].direction == DIRECTION_OUT && in.prefix[0] != '\0')
            continue;
        printf("%-15s ", host);
        print_plain(prefix, 9);
        printf(" %11ju %12ju %11ju %12ju\n", (uintmax_t)in.packets, (uintmax_t)in.bytes,
               (uintmax_t)out.packets, (uintmax_t)out.bytes);
    }
    for (size_t i = 0; i < report->kernel.count; i++)
        printf("%-15s %-32s %16ju\n", host, report->kernel.counter[i].name,
               (uintmax_t)report->kernel.counter[i].value);
}

static int report_host(struct report *report, const char *host)
{
    int error = visit_host(host);
    if (error < 0)
        return complain(host, "enter", -error);
    report->rules.count = report->kernel.count = 0;
    error = read_rules("iptables-save", &report->rules);
    if (error < 0)
        return complain(host, "iptables-save", -error);
    error = read_rules("ip6tables-save", &report->rules);
    if (error < 0)
        return complain(host, "ip6tables-save", -error);
    if (report->options.kernel)
        read_kernel(&report->kernel);
    if (report->options.format == JSON)
        print_json(report, host);
    else
        print_table(report, host);
    return 0;
}

/* Each host of the list, which is cut up. The exit code. */
static int report_all(struct report *report, char *list)
{
    char *rest = NULL;
    int code = 0;
    for (char *host = strtok_r(list, ",", &rest); host != NULL && code == 0;
         host = strtok_r(NULL, ",", &rest))
        code = report_host(report, host);
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return complain("stdout", "write", errno != 0 ? errno : EIO);
}

int packet_counters(int argc, char **argv)
{
#define AT(field) offsetof(struct options, field)
    static const char *const formats[] = {"text", "json", NULL};
    static const struct el_option table[] = {
        {0, "hosts", EL_OPT_TEXT, "A,B", "of these hosts: names in /run/netns", AT(hosts), NULL, 0,
         0, NULL},
        {0, "kernel", EL_OPT_FLAG, NULL, "also what the kernel counts there and is not 0",
         AT(kernel), NULL, 0, 0, NULL},
        {0, "format", EL_OPT_CHOICE, "FORM", "a table, or a JSON object for each host", AT(format),
         "text", 0, 0, formats},
        {0}};
#undef AT
    static const struct el_program program = {
        .name = "packet_log",
        .usage = "counters --hosts A,B [options]",
        .about = "Shows how many packets the log rules of these hosts have seen.",
        .options = table};
    static struct report report;
    int first,
        code = el_options_parse(&program, argc, argv, &report.options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    char *list = strdup(report.options.hosts == NULL ? "" : report.options.hosts);
    if (list == NULL)
        return complain("memory", "strdup", ENOMEM);
    if (list[strspn(list, ",")] == '\0') {
        fprintf(stderr,
                "packet_log: --hosts: at least one name is needed: --hosts client,server\n");
        code = 2;
    } else {
        code = report_all(&report, list);
    }
    free(list);
    return code;
}
