/*
 * load_options.c - the options of tcp, udp and connect, and whether they make sense together.
 *
 * Teaches:  what a load can be: how many sockets, how much under way on each, how fast, how large, for how long. Each table is the
 *           parser, the help text and the defaults of a command at once (lib/options.h).
 * Partner:  load_words.c (the same load in words), echo_bench.c (which command takes which table), bench.h (what a load is).
 * Next:     measure.c.
 */
#include "load_options.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field)    offsetof(struct bench_options, field)
#define LONGEST      (EL_S * 3600 * 24)
#define UNDER_WAY    ((uint64_t)1 << 30) /* bytes of payload in flight in all */
#define MESSAGES_MAX 1000000             /* messages under way in all */
#define RATE_MAX     1e9

enum {
    CONNECTIONS_MAX =
        50000, /* a source address has some 28,000 ports for one destination (ip(7)) */
    DNS_PORT = 53,
    WINDOW_MAX = 65536,
    THREADS_MAX = 256,
    BATCH_MAX = 1024, /* UIO_MAXIOV: messages of one sendmmsg(2) */
    BATCH_USUAL = 64,
    STREAM_SIZE_MAX = 64 << 20,
    DATAGRAM_V4 = 65507, /* 65535 - 20 (IPv4) - 8 (UDP) */
    DATAGRAM_V6 = 65527, /* 65535 - 8: the IPv6 header is not counted */
};

/* ---- the tables ------------------------------------------------------------------------------- */

#define CONNECTIONS(help)                                                                          \
    {                                                                                              \
        0, "connections", EL_OPT_NUMBER, "N", help, AT(connections), "1", 1, CONNECTIONS_MAX, NULL \
    }
#define WINDOW                                                                                     \
    {                                                                                              \
        0, "window", EL_OPT_NUMBER, "N", "messages under way on each", AT(window), "1", 1,         \
            WINDOW_MAX, NULL                                                                       \
    }
#define SIZE(largest)                                                                              \
    {                                                                                              \
        's', "size", EL_OPT_SIZE, "N", "bytes of payload of each message", AT(size), "64", 1,      \
            largest, NULL                                                                          \
    }
#define RATE(what)                                                                                 \
    {                                                                                              \
        0, "rate", EL_OPT_TEXT, "R", what " a second in all: open loop; 0 = closed loop",          \
            AT(rate), "0", 0, 0, NULL                                                              \
    }
#define THREADS                                                                                    \
    {                                                                                              \
        0, "threads", EL_OPT_NUMBER, "N", "threads of the generator", AT(threads), "1", 1,         \
            THREADS_MAX, NULL                                                                      \
    }

const struct el_option bench_tcp_options[] = {{.type = EL_OPT_HEADING, .help = "What to send"},
                                              CONNECTIONS("connections, open all the time"),
                                              {0, "idle", EL_OPT_NUMBER, "N",
                                               "connections more, which are held and say nothing",
                                               AT(idle), "0", 0, CONNECTIONS_MAX, NULL},
                                              WINDOW,
                                              SIZE(STREAM_SIZE_MAX),
                                              RATE("messages"),
                                              THREADS,
                                              {0}};

const struct el_option bench_udp_options[] = {
    {.type = EL_OPT_HEADING, .help = "What to send"},
    CONNECTIONS("sockets"),
    WINDOW,
    SIZE(DATAGRAM_V6),
    RATE("datagrams"),
    THREADS,
    {0, "batch", EL_OPT_NUMBER, "N", "datagrams of one system call; 0 = the window, at most 64",
     AT(batch), "0", 0, BATCH_MAX, NULL},
    {0, "gso", EL_OPT_FLAG, NULL, "send a batch as one (UDP_SEGMENT), receive with UDP_GRO",
     AT(gso), NULL, 0, 0, NULL},
    {0}};

const struct el_option bench_connect_options[] = {{.type = EL_OPT_HEADING, .help = "What to send"},
                                                  CONNECTIONS("connections under way at a time"),
                                                  SIZE(STREAM_SIZE_MAX),
                                                  RATE("connections"),
                                                  THREADS,
                                                  {0}};

static const char *const formats[] = {"text", "markdown", NULL};

const struct el_option bench_measure_options[] = {
    {.type = EL_OPT_HEADING, .help = "How long"},
    {0, "repeat", EL_OPT_NUMBER, "N", "repetitions for each HOST, in turns", AT(repeat), "5", 1,
     BENCH_ROUNDS_MAX, NULL},
    {0, "duration", EL_OPT_DURATION, "D", "of each repetition", AT(duration), "1s", 10 * EL_MS,
     LONGEST, NULL},
    {0, "warmup", EL_OPT_DURATION, "D", "before each, not measured", AT(warmup), "300ms", 0,
     LONGEST, NULL},
    {'W', "read-timeout", EL_OPT_DURATION, "D",
     "for each echo; then a datagram is lost, a connection given up", AT(read_timeout), "1s", EL_MS,
     LONGEST, NULL},
    {0, "connect-timeout", EL_OPT_DURATION, "D", "for lookup and first connection together",
     AT(connect_timeout), "3s", EL_MS, LONGEST, NULL},
    {.type = EL_OPT_HEADING, .help = "Which way to go"},
    {'4', NULL, EL_OPT_FLAG, NULL, "IPv4 only", AT(only_v4), NULL, 0, 0, NULL},
    {'6', NULL, EL_OPT_FLAG, NULL, "IPv6 only", AT(only_v6), NULL, 0, 0, NULL},
    {0, "source", EL_OPT_LITERAL, "ADDR", "send from this address", AT(source), NULL, 0, 0, NULL},
    {0, "dns-server", EL_OPT_ENDPOINTS, "ADDR[:PORT]", "ask this server instead of resolv.conf's",
     AT(dns_server), NULL, 1, DNS_PORT, NULL},
    {0, "cpu", EL_OPT_TEXT, "N", "pin the generator to core N, its threads to the next", AT(cpu),
     NULL, 0, 0, NULL},
    {0, "nice", EL_OPT_NUMBER, "N",
     "let others go first: with --cpu and the server's core, latency has one mode", AT(nice), "0",
     0, 19, NULL},
    {0, "server-pid", EL_OPT_NUMBER, "PID", "whose CPU to watch; a server on this machine is found",
     AT(server_pid), NULL, 1, 4194304, NULL},
    {.type = EL_OPT_HEADING, .help = "What to show"},
    {0, "live", EL_OPT_FLAG, NULL, "a line each second", AT(live), NULL, 0, 0, NULL},
    {0, "json", EL_OPT_TEXT, "F", "write one JSON document to F; - is stdout", AT(json), NULL, 0, 0,
     NULL},
    {0, "csv", EL_OPT_TEXT, "F", "write a row for each repetition to F; - is stdout", AT(csv), NULL,
     0, 0, NULL},
    {0, "format", EL_OPT_CHOICE, "FORM", "of the tables", AT(format), "text", 0, 0, formats},
    {'q', "quiet", EL_OPT_FLAG, NULL, "no progress on stderr", AT(quiet), NULL, 0, 0, NULL},
    {0}};

/* ---- do they make sense together? ------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int refuse(char why[static BENCH_WHY],
                                                        const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(why, BENCH_WHY, format, list);
    va_end(list);
    return -EINVAL;
}

/* A plain decimal number: strtod(3) alone would take "inf", "nan", "0x1p3" and " 7", too. */
static int parse_rate(const char *text, double *rate, char why[static BENCH_WHY])
{
    char shown[64], *end;
    *rate = 0;
    if (text == NULL)
        return 0;
    *rate = strtod(text, &end);
    bool plain = text[0] != '\0' && strspn(text, "0123456789.e+") == strlen(text) && *end == '\0';
    if (!plain || !isfinite(*rate) || *rate < 0)
        return refuse(why, "--rate: '%s' is not a number of messages a second (try --rate 5000)",
                      el_name_escape(text, shown, sizeof shown));
    if (*rate > 0 && *rate < BENCH_RATE_LEAST)
        return refuse(why, "--rate: '%s' is less than one in a thousand seconds (try --rate 0.5)",
                      el_name_escape(text, shown, sizeof shown));
    if (*rate > RATE_MAX)
        return refuse(why, "--rate: '%s' is more than %.0e a second (try --rate 5000)",
                      el_name_escape(text, shown, sizeof shown), RATE_MAX);
    return 0;
}

/* May each thread have its core? The first gets `cpu`, the next ones those behind it, round the machine. */
static int parse_cpu(const struct bench_options *options, int *cpu, char why[static BENCH_WHY])
{
    const char *fault;
    char shown[64];
    uint64_t number;
    cpu_set_t allowed;
    *cpu = -1;
    if (options->cpu == NULL)
        return 0;
    if (el_parse_number(options->cpu, &number, &fault) < 0)
        return refuse(why, "--cpu: '%s' %s (try --cpu 0)",
                      el_name_escape(options->cpu, shown, sizeof shown), fault);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (number >= CPU_SETSIZE || (long)number >= cores)
        return refuse(why, "--cpu: %s: there is no such core (this machine has 0 to %ld)",
                      el_name_escape(options->cpu, shown, sizeof shown), cores - 1);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && !CPU_ISSET((int)number, &allowed))
        return refuse(why, "--cpu: %ju: this process may not run there (see taskset -p %ld)",
                      (uintmax_t)number, (long)getpid());
    *cpu = (int)number;
    return 0;
}

/* What only shows when several options are looked at together. */
static int check(const struct bench_options *o, const struct bench_load *load,
                 char why[static BENCH_WHY])
{
    uint64_t messages = (uint64_t)load->connections * load->window;
    sa_family_t family = el_address_family(&o->source);
    if (o->only_v4 && o->only_v6)
        return refuse(why, "-4 and -6 exclude each other: leave both out to allow both");
    if ((o->only_v4 && family == AF_INET6) || (o->only_v6 && family == AF_INET))
        return refuse(why, "--source is of the other family than -4 or -6 asks for");
    if (load->threads > load->connections)
        return refuse(why,
                      "--threads: %u share %u connection%s, and each needs one at least "
                      "(try --connections %u)",
                      load->threads, load->connections, load->connections == 1 ? "" : "s",
                      load->threads);
    if (load->rate > 0 && load->rate * (double)load->duration < (double)EL_S)
        return refuse(
            why,
            "--rate: %.10g a second is less than one in the whole duration: nothing may be "
            "due (try --duration %.0f)",
            load->rate, ceil(10 / load->rate));
    if (messages > MESSAGES_MAX)
        return refuse(why,
                      "--window: %u on each of %u connections are %ju messages under way "
                      "(at most %d: take a smaller window)",
                      load->window, load->connections, (uintmax_t)messages, MESSAGES_MAX);
    if (messages * load->size > UNDER_WAY)
        return refuse(why,
                      "--size: %ju messages of %zu bytes under way are more than 1 GiB (take "
                      "fewer, or smaller ones)",
                      (uintmax_t)messages, load->size);
    if (load->kind == BENCH_UDP && o->only_v4 && load->size > DATAGRAM_V4)
        return refuse(why, "--size: %zu: a datagram over IPv4 carries %d bytes at most", load->size,
                      DATAGRAM_V4);
    if (load->gso && load->batch < 2)
        return refuse(why, "--gso sends a batch as one, and a batch is one datagram here (try "
                           "--window 64)");
    if (load->batch > load->window)
        return refuse(why,
                      "--batch: %u is more than the %u that may be under way on a socket (try "
                      "--window %u)",
                      load->batch, load->window, load->batch);
    return 0;
}

/* As many as there can be, up to where more gain nothing (PERF.md: most of it by 16). */
static unsigned batch_of(const struct bench_options *options)
{
    if (options->batch > 0)
        return (unsigned)options->batch;
    return options->window < BATCH_USUAL ? (unsigned)options->window : BATCH_USUAL;
}

int bench_load_of(const struct bench_options *options, enum bench_kind kind,
                  struct bench_load *load, char why[static BENCH_WHY])
{
    *load = (struct bench_load){
        .kind = kind,
        .source = options->source,
        .connections = (unsigned)options->connections,
        .idle = kind == BENCH_TCP ? (unsigned)options->idle : 0,
        .window = kind == BENCH_CONNECT ? 1 : (unsigned)options->window,
        .size = options->size,
        .warmup = options->warmup,
        .nice = (int)options->nice,
        .duration = options->duration,
        .read_timeout = options->read_timeout,
        .connect_timeout = options->connect_timeout,
        .threads = (unsigned)options->threads,
        .batch = kind == BENCH_UDP ? batch_of(options) : 1,
        .gso = kind == BENCH_UDP && options->gso,
    };
    int error = parse_rate(options->rate, &load->rate, why);
    if (error == 0)
        error = parse_cpu(options, &load->cpu, why);
    return error == 0 ? check(options, load, why) : error;
}

int bench_load_fits(const struct bench_load *load, const struct el_address *target,
                    char why[static BENCH_WHY])
{
    bool v4 = el_address_family(target) == AF_INET;
    if (load->kind != BENCH_UDP || load->size <= (v4 ? DATAGRAM_V4 : DATAGRAM_V6))
        return 0;
    return refuse(why, "--size: %zu: a datagram over IPv%c carries %d bytes at most", load->size,
                  v4 ? '4' : '6', v4 ? DATAGRAM_V4 : DATAGRAM_V6);
}
