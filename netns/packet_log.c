/*
 * packet_log.c - reads what iptables' NFLOG rules report, on all hosts of a world, and shows it.
 *
 * Teaches:  a netlink socket belongs to the network namespace it was made in, for good. So one
 *           process visits each host (setns(2)), opens a socket there, and from then on hears all
 *           of them in one event loop. [#one-socket-a-host]
 * Run:      net up starts `packet_log collect` inside the world; net log runs `packet_log show`.
 * Partner:  packet_show.c (`packet_log show`), lib/packets.h (the log itself), topology_rules.c (the rules).
 * Leaves out: nothing is captured that no rule reports; `net capture` is for that.
 * Read next: packet_show.c, then lib/packet_merge.c.
 */
#include "options.h"
#include "packet_counters.h"
#include "packet_names.h"
#include "packet_show.h"
#include "packets.h"
#include "sandbox.h"
#include "visit_host.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH_MAX = 64,           /* messages read from one host before the others have their turn */
    MESSAGE_MAX = 64 * 1024,  /* a netlink message: a copied packet and its attributes */
    RECEIVE_BUFFER = 8 << 20, /* asked of the kernel; it may give less */
    INTERFACES_MAX = 16,
};

struct collector;

/* One host, as heard through a socket of its own. */
struct listener {
    struct collector *collector;
    const char *name;
    struct nflog_handle *nflog;
    struct event *event;
    struct if_nameindex *interfaces; /* NULL-named end; read while we were there */
    uint32_t next_sequence;
    bool has_sequence;
};

struct collector {
    struct event_base *base;
    struct event *signal[2];
    struct el_packets *log;
    size_t hosts;
    struct listener listener[EL_PACKET_HOSTS];
    struct packet_names names;
};

struct collect_options {
    const char *hosts, *names, *path;
    uint64_t group, capacity;
};

static void copy_name(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from == NULL ? "" : from);
}

static const char *interface_name(const struct listener *listener, unsigned index)
{
    for (const struct if_nameindex *i = listener->interfaces; i->if_index != 0; i++)
        if (i->if_index == index)
            return i->if_name;
    return index == 0 ? "" : "?"; /* made after the world was built */
}

/* The kernel numbers its messages; a gap is what it could not queue for us (ENOBUFS). */
static void count_gap(struct listener *listener, struct nflog_data *data)
{
    uint32_t sequence;
    if (nflog_get_seq(data, &sequence) < 0)
        return;
    if (listener->has_sequence && sequence != listener->next_sequence)
        el_packets_count_lost(listener->collector->log, sequence - listener->next_sequence);
    listener->has_sequence = true;
    listener->next_sequence = sequence + 1;
}

/*
 * When the kernel saw an arrival, on CLOCK_MONOTONIC; 0 if it does not say, as for all that leaves.
 * Its stamp is of the wall clock: the distance of the clocks is taken now, and a stamp that would lie
 * in the future or seconds back was made by another clock (somebody set it), so it is none.
 */
static el_time kernel_stamp(struct nflog_data *data, el_time now)
{
    struct timeval stamp;
    struct timespec wall;
    if (nflog_get_timestamp(data, &stamp) < 0 || clock_gettime(CLOCK_REALTIME, &wall) < 0)
        return 0;
    el_duration age = (el_duration)(wall.tv_sec - stamp.tv_sec) * EL_S + wall.tv_nsec -
                      (el_duration)stamp.tv_usec * EL_US;
    return age >= 0 && age < 2 * EL_S ? now - age : 0;
}

/* One packet that a rule reported. Called by nflog_handle_packet; frees nothing. */
static int on_packet(struct nflog_g_handle *group, struct nfgenmsg *message,
                     struct nflog_data *data, void *arg)
{
    (void)group, (void)message;
    struct listener *listener = arg;
    struct collector *collector = listener->collector;
    struct nfulnl_msg_packet_hdr *header = nflog_get_msg_packet_hdr(data);
    struct el_packet packet = {.at = el_now(), .mark = nflog_get_nfmark(data)};
    char *bytes;
    int length = nflog_get_payload(data, &bytes);

    count_gap(listener, data);
    if (header == NULL || length <= 0 ||
        el_packet_decode((const uint8_t *)bytes, (size_t)length, &packet) < 0)
        return 0; /* no IP packet: there is nothing to say about it */

    packet.hook = header->hook;
    packet.stamp = kernel_stamp(data, packet.at);
    copy_name(packet.host, sizeof packet.host, listener->name);
    copy_name(packet.prefix, sizeof packet.prefix, nflog_get_prefix(data));
    copy_name(packet.in, sizeof packet.in, interface_name(listener, nflog_get_indev(data)));
    copy_name(packet.out, sizeof packet.out, interface_name(listener, nflog_get_outdev(data)));
    copy_name(packet.source_name, sizeof packet.source_name,
              packet_names_of(&collector->names, &packet.source));
    copy_name(packet.destination_name, sizeof packet.destination_name,
              packet_names_of(&collector->names, &packet.destination));
    size_t hardware = nflog_get_msg_packet_hwhdrlen(data);
    if (hardware == sizeof packet.hardware && nflog_get_msg_packet_hwhdr(data) != NULL) {
        memcpy(packet.hardware, nflog_get_msg_packet_hwhdr(data), hardware);
        packet.hardware_length = (uint8_t)hardware;
    }
    el_packets_append(collector->log, &packet);
    return 0;
}

/*
 * A host has something to tell. At most BATCH_MAX messages a turn: level-triggered, so the rest
 * comes next.
 */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    static _Alignas(8) char buffer[MESSAGE_MAX]; /* netlink messages are looked at in place */
    struct listener *listener = arg;
    for (int i = 0; i < BATCH_MAX; i++) {
        ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        /*
         * ENOBUFS: packets were lost; how many, the next sequence number tells (netlink(7)).
         *          EAGAIN: that was all.
         */
        if (got < 0)
            return;
        nflog_handle_packet(listener->nflog, buffer, (int)got);
    }
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    (void)signal, (void)what;
    event_base_loopbreak(arg);
}

/*
 * Opens the listener on its host. Each message holds one packet at once (qthresh 1): the lesson is
 * now. 0, or -errno.
 */
static int listen_on(struct listener *listener, const struct collect_options *options)
{
    enum { COPY = 256 };
    int result = visit_host(listener->name);
    if (result < 0)
        return result;
    errno = EIO; /* for the calls of the library that do not set it */
    listener->interfaces = if_nameindex();
    listener->nflog = nflog_open();
    if (listener->interfaces == NULL || listener->nflog == NULL)
        return -errno;
    struct nflog_g_handle *group = nflog_bind_group(listener->nflog, (uint16_t)options->group);
    if (group == NULL || nflog_set_mode(group, NFULNL_COPY_PACKET, COPY) < 0 ||
        nflog_set_qthresh(group, 1) < 0 || nflog_set_flags(group, NFULNL_CFG_F_SEQ) < 0)
        return -errno;
    nflog_callback_register(group, on_packet, listener);
    int fd = nflog_fd(listener->nflog), size = RECEIVE_BUFFER;
    /*
     * FORCE passes the machine's limit and is for real root; the other is cut to the limit
     * (socket(7)).
     */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    listener->event =
        event_new(listener->collector->base, fd, EV_READ | EV_PERSIST, on_readable, listener);
    return listener->event == NULL || event_add(listener->event, NULL) < 0 ? -ENOMEM : 0;
}

static int fail(const char *object, const char *what, int error)
{
    char shown[256];
    fprintf(stderr, "packet_log: %s: %s: %s\n", el_name_escape(object, shown, sizeof shown), what,
            strerror(error));
    return 1;
}

/*
 * Splits "a,b" in place into a NULL-ended list. Returns how many, or 0 when there are too many or
 * none.
 */
static size_t split(char *text, const char **list, size_t max)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (count == max)
            return 0;
        list[count++] = word;
    }
    list[count] = NULL;
    return count;
}

/*
 * Opens everything, then gives up what it took to do so. The log has its name only when every host
 * is heard. 0, or an exit code.
 */
static int start(struct collector *collector, const struct collect_options *options,
                 const char *const *hosts)
{
    char unfinished[256];
    snprintf(unfinished, sizeof unfinished, "%s.new", options->path);
    collector->log = el_packets_create(&(struct el_packets_args){
        .path = unfinished, .hosts = hosts, .capacity = options->capacity});
    if (collector->log == NULL)
        return fail(unfinished, "create", errno);
    if (options->names != NULL) {
        int error = packet_names_read(&collector->names, options->names);
        if (error < 0)
            return fail(options->names, "read", -error);
    }
    for (size_t i = 0; i < collector->hosts; i++) {
        struct listener *listener = &collector->listener[i];
        *listener = (struct listener){.collector = collector, .name = hosts[i]};
        int error = listen_on(listener, options);
        if (error < 0)
            return fail(hosts[i], "NFLOG (does this kernel have nfnetlink_log?)", -error);
    }
    if (rename(unfinished, options->path) < 0)
        return fail(options->path, "rename", errno);
    char note[160];
    int error = el_sandbox_enter(&(struct el_sandbox_args){.user = "nobody"}, note, sizeof note);
    if (error < 0)
        return fail(note, "give up privileges", -error);
    return 0;
}

/* Until SIGTERM. Returns the exit code. */
static int run(struct collector *collector, const struct collect_options *options,
               const char *const *hosts)
{
    collector->base = event_base_new();
    if (collector->base == NULL)
        return fail("event loop", "event_base_new", errno);
    int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        collector->signal[i] =
            evsignal_new(collector->base, signals[i], on_signal, collector->base);
        if (collector->signal[i] == NULL || event_add(collector->signal[i], NULL) < 0)
            return fail("signals", "event_add", ENOMEM);
    }
    int code = start(collector, options, hosts);
    if (code != 0)
        return code;
    printf("ready log=%s hosts=%s pid=%d\n", options->path, options->hosts, getpid());
    fflush(stdout);
    return event_base_dispatch(collector->base) < 0 ? 1 : 0;
}

/* Frees whatever `run` got as far as making. */
static void stop(struct collector *collector)
{
    for (size_t i = 0; i < collector->hosts; i++) {
        struct listener *listener = &collector->listener[i];
        if (listener->event != NULL)
            event_free(listener->event);
        if (listener->nflog != NULL)
            nflog_close(listener->nflog);
        if (listener->interfaces != NULL)
            if_freenameindex(listener->interfaces);
    }
    for (size_t i = 0; i < 2; i++)
        if (collector->signal[i] != NULL)
            event_free(collector->signal[i]);
    if (collector->base != NULL)
        event_base_free(collector->base);
    el_packets_close(collector->log);
    free(collector);
}

static int collect(int argc, char **argv)
{
#define AT(field) offsetof(struct collect_options, field)
    static const struct el_option table[] = {
        {0, "hosts", EL_OPT_TEXT, "A,B", "hosts to listen on: names in /run/netns", AT(hosts), NULL,
         0, 0, NULL},
        {0, "names", EL_OPT_TEXT, "FILE", "lines of ADDRESS NAME, to show names", AT(names), NULL,
         0, 0, NULL},
        {0, "group", EL_OPT_NUMBER, "N", "group of the NFLOG rules", AT(group), "7007", 0, 65535,
         NULL},
        {0, "capacity", EL_OPT_NUMBER, "N", "packets kept; then the oldest go", AT(capacity),
         "32768", 16, 1 << 20, NULL},
        {0, "log", EL_OPT_TEXT, "FILE", "where the log is written", AT(path), EL_PACKETS_PATH, 0, 0,
         NULL},
        {0}};
#undef AT
    static const struct el_program program = {
        .name = "packet_log",
        .usage = "collect --hosts A,B [options]",
        .about = "Writes down what the NFLOG rules of these hosts report, until it is ended.",
        .options = table};
    struct collect_options options;
    const char *hosts[EL_PACKET_HOSTS + 1] = {0};
    struct collector *collector = calloc(1, sizeof *collector);
    int first, code = el_options_parse(&program, argc, argv, &options, &first, stdout, stderr);
    if (collector == NULL || code >= 0) {
        free(collector);
        return collector == NULL ? 1 : code;
    }
    char *list = strdup(options.hosts == NULL ? "" : options.hosts);
    collector->hosts = list == NULL ? 0 : split(list, hosts, EL_PACKET_HOSTS);
    if (collector->hosts == 0) {
        fprintf(stderr, "packet_log: --hosts: 1 to %d names are needed: --hosts client,server\n",
                EL_PACKET_HOSTS);
        code = 2;
    } else {
        code = run(collector, &options, hosts);
    }
    stop(collector);
    free(list);
    return code;
}

int main(int argc, char **argv)
{
    static const struct el_program program = {
        .name = "packet_log",
        .usage = "collect|show|counters [options]",
        .about = "Writes down the packets that NFLOG rules report, and shows them.",
        .epilog = "Each command has --help. In a lab network, `net log` shows the packets.",
        .min_operands = 1,
        .max_operands = 1};

    if (argc >= 2 && strcmp(argv[1], "collect") == 0)
        return collect(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "show") == 0)
        return packet_show(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "counters") == 0)
        return packet_counters(argc - 1, argv + 1);
    int first, code = el_options_parse(&program, argc, argv, NULL, &first, stdout, stderr);
    if (code < 0) {
        char shown[80];
        fprintf(stderr, "packet_log: %s: unknown command (collect, show or counters)\n",
                el_name_escape(argv[first], shown, sizeof shown));
        code = 2;
    }
    return code;
}
