/*
 * packet_show.c - `packet_log show`: the log, one sighting a line, in an order that can have
 * happened.
 *
 * Teaches:  a log is only the truth when it is complete. Before it reads, this program sends a
 *           fence on every host (lib/packets.h) and waits for it, so that "nothing was sent" means
 *           that nothing was sent.
 * Run:      net log --follow client           (it runs this inside the world)
 * Partner:  packet_log.c, which writes what is read here.
 */
#include "packet_show.h"

#include "options.h"
#include "packets.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FLOWS_MAX = 256,
    FENCE_WAIT_MS = 2000,
    HOLD_BACK_MS = 50, /* how long --follow waits for the departure of an arrival */
    LOOK_AGAIN_MS = 20,
    IN_FLIGHT_MAX = 32768, /* sightings that are held to be put in order */
};

enum { FORMAT_LINE, FORMAT_KERNEL, FORMAT_RECORD };

struct options {
    const char *hosts, *path;
    unsigned format, protocols;
    bool follow, count, mark;
    uint64_t from;
};

/*
 * Where the sequence numbers of one direction of a connection begin, so that they are shown from 0.
 */
struct flow {
    struct el_address source, destination;
    uint32_t first;
    uint32_t end; /* behind the last byte that has left its host */
};

struct show {
    struct options options;
    struct el_packets *log;
    struct el_packet_merge *merge;
    uint64_t mark, end, packets;
    bool any;
    el_time first, last; /* of the sightings shown */
    struct flow flows[FLOWS_MAX];
    size_t flow_count;
};

/*
 * ---- which
 * ---------------------------------------------------------------------------------------
 */

static const char *const protocol_prefixes[] = {"[UDP] ", "[TCP] ", "[ICMP] ", "[DNS] "};

/* Is `name` a word of the list "client,server"? */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *word = list; word != NULL; word = strchr(word, ',')) {
        word += *word == ',';
        if (strncmp(word, name, length) == 0 && (word[length] == ',' || word[length] == '\0'))
            return true;
    }
    return false;
}

static bool wanted(const struct options *options, const struct el_packet *packet)
{
    if (strcmp(packet->prefix, EL_FENCE_PREFIX) == 0)
        return false;
    /*
     * Counting one host's packets, what another saw of them does not matter; for the order, it
     * does.
     */
    if (options->count && options->hosts != NULL && !listed(options->hosts, packet->host))
        return false;
    if (options->protocols == 0)
        return true;
    for (unsigned i = 0; i < sizeof protocol_prefixes / sizeof protocol_prefixes[0]; i++)
        if (strcmp(packet->prefix, protocol_prefixes[i]) == 0)
            return options->protocols & 1U << i;
    return false;
}

/*
 * ---- one sighting
 * --------------------------------------------------------------------------------
 */

static struct flow *find_flow(struct show *show, const struct el_address *source,
                              const struct el_address *destination)
{
    for (size_t i = 0; i < show->flow_count; i++)
        if (el_address_equal(&show->flows[i].source, source) &&
            el_address_equal(&show->flows[i].destination, destination))
            return &show->flows[i];
    return NULL;
}

/*
 * Has everything in this segment left its host before? Then TCP sends it again. Sequence numbers
 * wrap around: which one is later is told by the sign of their difference (RFC 9293 3.4).
 * [#sent-again]
 */
static bool sent_again(struct flow *flow, const struct el_packet *packet)
{
    uint32_t size =
        packet->payload + !!(packet->tcp_flags & TH_SYN) + !!(packet->tcp_flags & TH_FIN);
    if (!el_packet_leaves(packet) || size == 0)
        return false;
    if ((int32_t)(packet->seq + size - flow->end) <= 0)
        return true;
    flow->end = packet->seq + size;
    return false;
}

/*
 * Appends "  seq 0 ack 1", counted from the connection's start. A flow beyond the table is shown
 * without.
 */
static void add_sequence(struct show *show, const struct el_packet *packet, char *text, size_t size)
{
    struct flow *flow = find_flow(show, &packet->source, &packet->destination);
    size_t used = strlen(text);
    if (flow == NULL) {
        if (show->flow_count == FLOWS_MAX)
            return;
        flow = &show->flows[show->flow_count++];
        *flow = (struct flow){packet->source, packet->destination, packet->seq, packet->seq};
    } else if ((packet->tcp_flags & TH_SYN) && packet->seq != flow->first) {
        flow->first = flow->end = packet->seq; /* the ports are used again */
    }
    snprintf(text + used, size - used, "  seq %u", packet->seq - flow->first);
    struct flow *other = find_flow(show, &packet->destination, &packet->source);
    used = strlen(text);
    if ((packet->tcp_flags & TH_ACK) && other != NULL)
        snprintf(text + used, size - used, " ack %u", packet->ack - other->first);
    used = strlen(text);
    if (sent_again(flow, packet))
        snprintf(text + used, size - used, "  resent");
}

static void print_packet(struct show *show, const struct el_packet *packet)
{
    char text[EL_PACKET_RECORD];
    if (show->options.format == FORMAT_KERNEL || show->options.format == FORMAT_RECORD) {
        puts(show->options.format == FORMAT_KERNEL
                 ? el_packet_print_kernel(packet, text, sizeof text)
                 : el_packet_print_record(packet, text, sizeof text));
        return;
    }
    el_packet_print(packet, text, sizeof text);
    if (packet->protocol == IPPROTO_TCP && packet->whole)
        add_sequence(show, packet, text, sizeof text);
    /* The collector may hear of an arrival before it hears of the departure. Then the arrival's
     * time is the departure's: a column of times that runs backwards would teach something
     * false. */
    if (!show->any)
        show->first = show->last = packet->at;
    show->any = true;
    if (packet->at > show->last)
        show->last = packet->at;
    printf("%9.3f ms  %s\n", (double)(show->last - show->first) / (double)EL_MS, text);
}

static void give_all(struct show *show, el_time settled)
{
    struct el_packet packet;
    bool again;
    while (el_packet_merge_next(show->merge, settled, &packet, &again) > 0) {
        if (show->options.hosts != NULL && !listed(show->options.hosts, packet.host))
            continue;
        show->packets += !again;
        if (!show->options.count)
            print_packet(show, &packet);
    }
}

/* Moves what the log has into the merge, up to `end`. */
static void take_all(struct show *show, uint64_t end)
{
    struct el_packet packet;
    while (show->mark < end) {
        int got = el_packets_next(show->log, &show->mark, &packet);
        if (got == -ENODATA)
            fprintf(stderr, "packet_log: the oldest packets are gone: the log keeps so many\n");
        if (got == 0)
            return;
        if (got < 0 || !wanted(&show->options, &packet))
            continue;
        if (el_packet_merge_add(show->merge, &packet) < 0) {
            give_all(show, EL_NEVER); /* full: what is there is shown as well as can be */
            el_packet_merge_add(show->merge, &packet);
        }
    }
}

/*
 * ---- all of them
 * ---------------------------------------------------------------------------------
 */

/*
 * Makes sure that everything which has happened is in the log. The log itself is mapped, so it does
 * not matter where we end.
 */
static void fence_all(const char *path, const struct el_packets *log)
{
    const char *host;
    for (size_t i = 0; (host = el_packets_logged(log, i)) != NULL; i++) {
        int result = visit_host(host);
        struct el_packets *there = result == 0 ? el_packets_open(path) : NULL;
        if (there != NULL)
            result = el_packets_fence(there, el_time_after(el_now(), FENCE_WAIT_MS * EL_MS));
        if (result < 0 || there == NULL)
            fprintf(stderr, "packet_log: %s: the log may not be complete: %s\n", host,
                    strerror(result < 0 ? -result : errno));
        el_packets_close(there);
    }
}

/*
 * Until whoever reads our output goes away. Shared memory wakes nobody, so the log is looked at now
 * and then.
 */
static void follow(struct show *show)
{
    /* No events are asked for: only an error, the reader gone, ends the wait early. */
    struct pollfd out = {.fd = STDOUT_FILENO};
    do {
        take_all(show, UINT64_MAX);
        give_all(show, el_now() - HOLD_BACK_MS * EL_MS);
    } while (!ferror(stdout) && poll(&out, 1, LOOK_AGAIN_MS) <= 0);
}

/* The exit code. A log that was cut short by a full disk must not pass for a complete one. */
static int finish_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    /* Errors that came up earlier have been forgotten but for the stream's flag. */
    fprintf(stderr, "packet_log: stdout: write: %s\n",
            errno != 0 ? strerror(errno) : "not everything was taken");
    return 1;
}

static int run(struct show *show)
{
    const struct options *options = &show->options;
    if (!options->follow)
        fence_all(options->path, show->log);
    uint64_t end = el_packets_mark(show->log);
    if (options->mark) {
        printf("%llu\n", (unsigned long long)end);
    } else if (options->follow) {
        follow(show);
    } else {
        take_all(show, end);
        give_all(show, EL_NEVER);
        if (options->count)
            printf("%llu\n", (unsigned long long)show->packets);
    }
    if (el_packets_lost(show->log) > 0)
        fprintf(stderr, "packet_log: %llu packets came too fast and are not in the log\n",
                (unsigned long long)el_packets_lost(show->log));
    return finish_output();
}

int packet_show(int argc, char **argv)
{
#define AT(field) offsetof(struct options, field)
    static const char *const formats[] = {"line", "kernel", "record", NULL};
    static const char *const protocols[] = {"udp", "tcp", "icmp", "dns", NULL};
    static const struct el_option table[] = {
        {'f', "follow", EL_OPT_FLAG, NULL, "go on with what is still to come", AT(follow), NULL, 0,
         0, NULL},
        {0, "format", EL_OPT_CHOICE, "FORM",
         "for people, in the words of iptables' LOG target, or whole", AT(format), "line", 0, 0,
         formats},
        {0, "hosts", EL_OPT_TEXT, "A,B", "only what these hosts saw", AT(hosts), NULL, 0, 0, NULL},
        {0, "protocol", EL_OPT_CHOICES, "P", "only these", AT(protocols), NULL, 0, 0, protocols},
        {0, "count", EL_OPT_FLAG, NULL, "print only how many packets (not sightings) there were",
         AT(count), NULL, 0, 0, NULL},
        {0, "from", EL_OPT_NUMBER, "MARK", "from this mark on", AT(from), "0", 0, 0, NULL},
        {0, "mark", EL_OPT_FLAG, NULL, "print only a mark, for --from: where the log ends now",
         AT(mark), NULL, 0, 0, NULL},
        {0, "log", EL_OPT_TEXT, "FILE", "the log", AT(path), EL_PACKETS_PATH, 0, 0, NULL},
        {0}};
#undef AT
    static const struct el_program program = {
        .name = "packet_log",
        .usage = "show [options]",
        .about = "Shows the packets that the rules of this lab network logged: > left, < arrived.",
        .options = table};
    static struct show show;
    int first, code = el_options_parse(&program, argc, argv, &show.options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    show.mark = show.options.from;
    show.log = el_packets_open(show.options.path);
    if (show.log == NULL) {
        fprintf(stderr, "packet_log: %s: open: %s%s\n", show.options.path, strerror(errno),
                errno == ENOENT ? " (not in a lab network; net log looks into one)" : "");
        return 1;
    }
    show.merge = el_packet_merge_new(IN_FLIGHT_MAX);
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = show.merge == NULL ? 1 : run(&show);
    el_packet_merge_free(show.merge);
    el_packets_close(show.log);
    return code;
}
