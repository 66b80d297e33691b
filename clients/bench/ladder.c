/*
 * ladder.c - the servers that are measured: ours from the smallest to the ones to use, and what Debian has besides.
 *
 * Teaches:  a figure without a cause is gossip. Each server stands here with the reason for its place, and the reasons are few: how
 *           many system calls a message takes, how many address spaces and stacks a client takes, how often bytes are copied.
 * Partner:  servers/models/, models.c; servers/README.md climbs the same ladder.
 * Leaves out: servers that Debian does not package; UDP servers of others that start a process a datagram (socat, ncat).
 */
#include "ladder.h"

#include "words.h"

#include <math.h>
#include <string.h>
#include <sys/socket.h>

/* A model: limits other than its own are lifted, so that nothing but the way of waiting differs. */
#define MODEL(program)                                                                             \
    .source = "servers/models/" program ".c", .argv = {program, "--listen", "{address}"},          \
    .elsewhere = {"--anywhere"}

enum {
    MANY = 1000,
    FEW = 100
}; /* idle connections: where each is a process or a thread, a hundred */

const struct bench_rung bench_ladder[] = {
    {.name = "tcp_iterative",
     MODEL("tcp_iterative"),
     .type = SOCK_STREAM,
     .at_once = 1,
     .why = "One client at a time: it waits inside read(2) itself, so no call asks who is ready[ "
            "({calls} calls a message)]; a crowd has to queue, so it has no figures for one."},
    {.name = "tcp_fork",
     MODEL("tcp_fork"),
     .type = SOCK_STREAM,
     .idle = FEW,
     .why = "One process a client: with many clients each message is a switch between address "
            "spaces, each connection a fork(2)[, and an idle one {idle} bytes of pages that it "
            "does not share any more]."},
    {.name = "tcp_thread",
     MODEL("tcp_thread"),
     .type = SOCK_STREAM,
     .idle = FEW,
     .why =
         "One thread a client: a switch between threads for each message, but within one "
         "address space, which is cheaper than fork's[; {idle} bytes an idle client, the stack]."},
    {.name = "tcp_poll",
     MODEL("tcp_poll"),
     .type = SOCK_STREAM,
     .idle = MANY,
     .why = "poll(2) is handed every client each time, and looks at every one: the cost of a "
            "message grows with the clients that are silent[; {calls} calls a message]."},
    {.name = "tcp_epoll",
     MODEL("tcp_epoll"),
     .type = SOCK_STREAM,
     .idle = MANY,
     .why = "epoll(7) keeps the list in the kernel and returns only who is ready, many at a "
            "time[: {calls} calls a message], a read and a write and a share of one wait."},
    {.name = "tcp_epoll_edge",
     MODEL("tcp_epoll_edge"),
     .type = SOCK_STREAM,
     .idle = MANY,
     .why = "Told of each change only once, it keeps in its own memory who has more to read: fewer "
            "calls to change what is watched, and the rest is tcp_epoll's[: {calls} calls a "
            "message]."},
    {.name = "tcp_bufferevent",
     MODEL("tcp_bufferevent"),
     .type = SOCK_STREAM,
     .idle = MANY,
     .why = "libevent's bufferevent copies through its buffers in pieces of at most 16 KiB, and "
            "asks epoll "
            "anew for each write[: {calls} calls a message]."},
    {.name = "tcp_io_uring",
     MODEL("tcp_io_uring"),
     .type = SOCK_STREAM,
     .idle = MANY,
     .why = "Requests and results lie in memory shared with the kernel: one call carries many of "
            "them[, {calls} calls a message]; the work of TCP below is the same."},
    {.name = "tcp_echo_server",
     .source = "servers/tcp_echo_server.c",
     .argv = {"tcp_echo_server", "--listen", "{address}"},
     .elsewhere = {"--max-per-source", "0"},
     .type = SOCK_STREAM,
     .idle = MANY,
     .why = "The one to use: epoll through libevent, write at once, one read buffer for all; "
            "what limits, timers and statistics add is the difference to tcp_epoll[ ({cost} of its "
            "CPU)]."},
    {.name = "socat",
     .package = "socat",
     .only_v4 = true,
     .argv = {"socat", "TCP4-LISTEN:{port},bind={host},fork,reuseaddr,backlog=1024", "PIPE"},
     .type = SOCK_STREAM,
     .idle = FEW,
     .why = "A process a client, and in it each message goes through a pipe and back, 8 KiB at a "
            "time, with a select(2) before each step[: {calls} calls a message]."},
    {.name = "ncat",
     .package = "ncat",
     .argv = {"ncat", "-l", "-k", "-e", "/bin/cat", "{host}", "{port}"},
     .type = SOCK_STREAM,
     .idle = FEW / 2,
     .no_stream = true,
     .why =
         "Two processes a client, ncat's own and the cat that it started: two pipes and two "
         "switches for each message[, {calls} calls]; each connection is an execve(2). When more "
         "is under way than the pipes hold, both write and neither reads: no MB/s."},
    {.name = "inetd",
     .package = "inetutils-inetd",
     .only_v4 = true,
     .argv = {"inetutils-inetd", "-d", "-R", "100000000", "--pidfile=/dev/null", "{file}"},
     .file = "{host}:echo stream tcp4 nowait root internal\n",
     .port = 7,
     .type = SOCK_STREAM,
     .idle = FEW,
     .no_connect = true,
     .why = "Its built-in echo is a fork(2) a client and then a plain read and write: tcp_fork of "
            "forty years ago[, {calls} calls a message]. When a child ends while it waits, it "
            "sleeps for a second before it accepts again, so conn/s is not measured."},
    {.name = "udp_blocking",
     MODEL("udp_blocking"),
     .type = SOCK_DGRAM,
     .why = "It waits inside recvfrom(2): two calls a datagram and none to wait[ ({calls})], so it "
            "is hard "
            "to beat with one datagram under way, and pays both calls for each of many."},
    {.name = "udp_epoll",
     MODEL("udp_epoll"),
     .type = SOCK_DGRAM,
     .why = "It asks epoll(7) who is ready, though there is one socket: with a single datagram "
            "under way a call more for nothing[; {calls} calls a datagram]."},
    {.name = "udp_batch",
     MODEL("udp_batch"),
     .type = SOCK_DGRAM,
     .why = "recvmmsg(2) and sendmmsg(2) carry up to 64 datagrams a call[: {calls} calls a "
            "datagram]; the way "
            "through the kernel is still walked once for each."},
    {.name = "udp_coalesce",
     MODEL("udp_coalesce"),
     .type = SOCK_DGRAM,
     .why = "Replies to one peer leave as one message that the kernel cuts (UDP_SEGMENT): most of "
            "the way down is walked once for many[; {calls} calls a datagram]."},
    {.name = "udp_echo_server",
     .source = "servers/udp_echo_server.c",
     .argv = {"udp_echo_server", "--listen", "{address}"},
     .elsewhere = {"--rate", "0", "--rate-per-source", "0"},
     .type = SOCK_DGRAM,
     .why = "The one to use: as udp_coalesce, and each source is judged, counted and answered from "
            "the address it asked[: {cost} of udp_coalesce's CPU for that]."},
    {.name = "udp_echo_server --gro",
     .source = "servers/udp_echo_server.c",
     .argv = {"udp_echo_server", "--listen", "{address}", "--gro"},
     .elsewhere = {"--rate", "0", "--rate-per-source", "0"},
     .type = SOCK_DGRAM,
     .only_burst = true,
     .why = "Datagrams that were sent as one message stay one all the way (UDP_GRO), and so does "
            "the reply: a fixed price, shared by up to 64. Without such a sender it only costs."},
};
const size_t bench_ladder_size = sizeof bench_ladder / sizeof bench_ladder[0];

const struct bench_rung *bench_rung_find(const char *name, size_t length)
{
    for (size_t i = 0; i < bench_ladder_size; i++)
        if (strlen(bench_ladder[i].name) == length &&
            strncmp(bench_ladder[i].name, name, length) == 0)
            return &bench_ladder[i];
    return NULL;
}

/* ---- the sentence ------------------------------------------------------------------------------------ */

/* Says the figure of that name ("calls}..."). False: unknown. */
static bool say_figure(struct el_words *words, const char *name,
                       const struct bench_rung_figures *figures)
{
    switch (name[0]) {
    case 'c':
        if (name[1] == 'a') {
            el_say(words, "%.*f", figures->calls < 0.1 ? 3 : 2, figures->calls);
            return isfinite(figures->calls);
        }
        el_say(words, "%.2f", figures->cost);
        return isfinite(figures->cost);
    default:
        el_say(words, "%.0f", figures->idle);
        return isfinite(figures->idle);
    }
}

const char *bench_rung_explain(const char *why, const struct bench_rung_figures *figures,
                               char *text, size_t size)
{
    struct el_words words = {.text = text, .size = size};
    size_t part = 0; /* where the text was when the bracket opened */
    bool known = true;
    text[0] = '\0';
    for (const char *at = why; *at != '\0'; at++) {
        if (*at == '[') {
            part = words.used;
            known = true;
        } else if (*at == ']') {
            words.used = known ? words.used : part;
            text[words.used] = '\0';
        } else if (*at == '{') {
            known = say_figure(&words, at + 1, figures) && known;
            at += strcspn(at, "}");
        } else {
            el_say(&words, "%c", *at);
        }
    }
    return text;
}
