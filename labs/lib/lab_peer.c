/*
 * lab_peer.c - the other end: a peer for TCP and UDP that does what a script says, and tells what it saw.
 *
 * The checks of the labs speak to the learner's programs with it, and so can you: it is a netcat that also
 * knows what should come back. Try it against a server of ours:
 *
 *   build/bin/tcp_echo_server --listen 127.0.0.1:7007 &
 *   build/bin/lab_peer <<'EOF'
 *   a connect 127.0.0.1:7007
 *   a send random 1000
 *   a expect echo
 *   EOF
 *
 * The words of a script stand in `usage` below, and lab_peer --help prints them. Parts: peer_script.c and
 * peer_words.c read it, peer_run.c runs it, peer_stream.c, peer_read.c and peer_datagram.c do the steps.
 * Leaves out: TLS, names (an address is written in figures), a terminal. It never waits without an end.
 */
#include "options.h"
#include "peer_run.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char usage[] =
    "usage: lab_peer [--deadline 2s] [--seed N] [--watch PID] [-e LINE]... [< script]\n"
    "       lab_peer --free-port [tcp|udp]\n"
    "       lab_peer --owner PID tcp|udp PORT [--deadline 2s]\n"
    "       lab_peer --settled PID [--deadline 2s]\n"
    "A script has one step a line: NAME VERB ..., # begins a comment. ADDR is 127.0.0.1:80, "
    "[::1]:80, or a\n"
    "port alone, which is one of 127.0.0.1. MS are milliseconds. BYTES are: random N, text "
    "\"hi\\n\", hex 00ff.\n"
    "  a connect ADDR [from ADDR] [expect refused|timeout|reset|unreachable] [within MS]\n"
    "  l listen ADDR [backlog N]        (port 0: any; prints `l port N`)\n"
    "  a accept l [within MS]           the next client of l; prints its address\n"
    "  a send BYTES [chunk K every MS]  in pieces of K, a pause after each\n"
    "  a send received [NAME]           what it, or NAME, received last\n"
    "  a exchange random N              sends and reads at once, until all has come back\n"
    "  a push random N                  sends and does not read; prints how much went (`a pushed "
    "N`)\n"
    "  a expect echo [within MS]        all that was sent comes back, the same, and no more\n"
    "  a expect text \"...\" | hex 00ff   these bytes; others may follow\n"
    "  a expect eof | reset | end       FIN; RST; either. And nothing before it\n"
    "  a expect silence MS              nothing comes; of a listening end: nobody connects\n"
    "  a receive N | line [within MS]   as a server; prints `a received \"...\"`\n"
    "  a shutdown | close | reset       FIN and go on reading; close(2); RST\n"
    "  u udp [ADDR]                     a UDP socket; prints `u port N`\n"
    "  u to ADDR                        where its datagrams go, and whence the answers must come\n"
    "  u connect [ADDR] | forget        connect(2); connect(2) with AF_UNSPEC\n"
    "  u errors                         IP_RECVERR: hear of ICMP errors also when not connected\n"
    "  u send BYTES                     one datagram; `text \"\"` is an empty one\n"
    "  u receive datagram [within MS]   prints `u source ADDR`; then `u send received` answers "
    "it,\n"
    "  v send received u                and this answers it from another socket\n"
    "  u expect echo | text | hex | datagram | silence MS | refused | unreachable\n"
    "  wait MS                          where time itself is the subject\n"
    "  say TEXT                         a line on stdout\n"
    "Exit 0: all went as the script says; stdout has facts, `NAME KEY VALUE`. 1: it did not; "
    "stdout ends with\n"
    "failed, result, expected, observed, (got, want, sleeps, unread,) did, seed, each `KEY: "
    "VALUE`. The "
    "result is one of\n"
    "silence, eof, reset, refused, unreachable, differs, extra, short, wrong-source, truncated, "
    "timeout, error.\n"
    "2: the script or an option is wrong. --watch PID: a silence ends as soon as PID and its "
    "children sleep and\n"
    "have taken all that was sent.\n";

struct settings {
    el_duration deadline;
    uint64_t seed;
    pid_t watched, owner, settled;
    struct peer_bytes lines; /* of -e */
};

__attribute__((noreturn)) static void bad_usage(const char *what, const char *why)
{
    fprintf(stderr, "lab_peer: %s: %s (lab_peer --help)\n", what, why);
    exit(2);
}

/* A pipe whose reader has seen enough: `lab_peer ... | head -1`. */
static bool nobody_reads(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/* The exit code, unless what was printed did not get to where it should: 1 then. */
static int written(int code)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || nobody_reads())
        return code;
    perror("lab_peer: stdout");
    return code == 0 ? 1 : code;
}

/* `2s`, `1.5s`, `300ms`; a bare number is seconds. */
static el_duration parse_duration(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    double unit = strcmp(end, "ms") == 0 ? 1e6 : *end == '\0' || strcmp(end, "s") == 0 ? 1e9 : 0;
    if (end == text || unit == 0 || !(value > 0) || value * unit > 600e9)
        bad_usage(text, "not a duration, as 2s or 300ms (600s at most)");
    return (el_duration)(value * unit);
}

static uint64_t parse_number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0')
        bad_usage(text, "not a number");
    return value;
}

static bool is_udp(const char *kind)
{
    if (kind != NULL && strcmp(kind, "udp") != 0 && strcmp(kind, "tcp") != 0)
        bad_usage(kind, "tcp or udp");
    return kind != NULL && strcmp(kind, "udp") == 0;
}

static int print_free_port(const char *kind)
{
    unsigned port = peer_free_port(is_udp(kind));
    if (port == 0) {
        fputs("lab_peer: no free port was found\n", stderr);
        return 2;
    }
    printf("%u\n", port);
    return written(0);
}

static const struct option long_options[] = {
    {"deadline", required_argument, NULL, 'd'}, {"seed", required_argument, NULL, 's'},
    {"watch", required_argument, NULL, 'w'},    {"step", required_argument, NULL, 'e'},
    {"free-port", no_argument, NULL, 'f'},      {"owner", required_argument, NULL, 'o'},
    {"settled", required_argument, NULL, 'S'},  {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},        {NULL, 0, NULL, 0},
};

static void read_options(int argc, char **argv, struct settings *settings)
{
    for (int c; (c = getopt_long(argc, argv, "e:h", long_options, NULL)) != -1;)
        switch (c) {
        case 'd':
            settings->deadline = parse_duration(optarg);
            break;
        case 's':
            settings->seed = parse_number(optarg);
            break;
        case 'w':
            settings->watched = (pid_t)parse_number(optarg);
            break;
        case 'e':
            peer_bytes_add(&settings->lines, optarg, strlen(optarg));
            peer_bytes_add(&settings->lines, "\n", 1);
            break;
        case 'o':
            settings->owner = (pid_t)parse_number(optarg);
            break;
        case 'S':
            settings->settled = (pid_t)parse_number(optarg);
            break;
        case 'f':
            exit(print_free_port(argv[optind]));
        case 'h':
            fputs(usage, stdout);
            exit(written(0));
        case 'V':
            puts("lab_peer (echolab) " EL_VERSION);
            exit(written(0));
        default:
            exit(2); /* getopt_long has said what is wrong */
        }
    if (settings->settled != 0)
        exit(!peer_is_settled(settings->settled, settings->deadline));
    if (settings->owner != 0 && argc - optind == 2)
        exit(!peer_owns_port(settings->owner, is_udp(argv[optind]),
                             (unsigned)parse_number(argv[optind + 1]), settings->deadline));
    if (optind < argc)
        bad_usage(argv[optind], "no arguments: the script is read from standard input");
}

/* All of standard input, when no step was given by -e. */
static bool read_script(struct peer_bytes *script)
{
    char piece[4096];
    size_t n;
    if (peer_bytes_length(script) > 0)
        return true;
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        if (!peer_bytes_add(script, piece, n))
            return false;
    return !ferror(stdin);
}

/* SIGTERM: whoever waits for this peer has seen enough. Its present wait ends, as if its time were up. */
static void stop(int signal_number)
{
    (void)signal_number;
    peer_stopped = 1;
}

int main(int argc, char **argv)
{
    struct settings settings = {.deadline = 2 * EL_S};
    if (getrandom(&settings.seed, sizeof settings.seed, 0) < 0)
        settings.seed = (uint64_t)el_now();
    settings.seed %= 100000; /* short enough to be typed again */
    read_options(argc, argv, &settings);
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);

    struct peer_script script;
    if (!read_script(&settings.lines)) {
        perror("lab_peer: standard input");
        return 2;
    }
    bool good =
        peer_script_parse((char *)settings.lines.data, peer_bytes_length(&settings.lines), &script);
    struct peer_run run = {
        .deadline = settings.deadline, .seed = settings.seed, .watched = settings.watched};
    int status = 0;
    if (!good) {
        fprintf(stderr, "lab_peer: line %u: %s\n", script.bad_line, script.why);
        status = 2;
    } else if (!peer_run(&run, &script)) {
        peer_print_failure(&run);
        status = 1;
    }
    peer_run_free(&run);
    peer_script_free(&script);
    free(settings.lines.data);
    return written(status);
}
