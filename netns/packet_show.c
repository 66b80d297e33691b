/*
 * packet_show.c - `packet_log show`: the log, one sighting a line, in an order that is possible.
 *
 * Teaches:  a log is only the truth when it is complete. Before it reads, this program sends a
 *           fence on every host (lib/packets.h) and waits for it, so that "nothing was sent" means
 *           that nothing was sent.
 * Run:      net log --follow client           (it runs this inside the world)
 * Partner:  packet_log.c, which writes what is read here; packet_source.c reads it, packet_filter.c
 *           chooses, packet_format.c prints.
 */
#include "packet_show.h"

#include "options.h"
#include "packet_filter.h"
#include "packet_format.h"
#include "packet_source.h"
#include "visit_host.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FENCE_WAIT_MS = 2000,
    HOLD_BACK_MS = 50, /* how long --follow waits for the departure of an arrival */
    LOOK_AGAIN_MS = 20,
    IN_FLIGHT_MAX = 32768, /* sightings that are held to be put in order */
};

struct options {
    const char *path, *faults, *ports, *tag, *names, *kmsg;
    struct packet_filter filter;
    unsigned form, source;
    bool follow, count, mark, no_faults;
    uint64_t from, pid;
};

struct show {
    struct options options;
    struct packet_source source;
    struct packet_names names;
    struct packet_format format;
    struct el_packet_merge *merge;
    uint64_t packets, told_lost;
    int world; /* the world's first process, as a pidfd, or -1 */
};

static int complain(const char *object, const char *what, int error, const char *hint)
{
    char shown[256];
    fprintf(stderr, "packet_log: %s: %s: %s%s\n", el_name_escape(object, shown, sizeof shown), what,
            strerror(error), hint);
    return 1;
}

/* ---- from the log through the merge ---------------------------------------------------------- */

/*
 * For the order, all sightings of a packet matter; so they are chosen from when they come out. Only
 * counting it is the other way round: a packet counts if one of the wanted sightings is of it.
 */
static bool enters(const struct options *options, const struct el_packet *packet)
{
    if (strcmp(packet->prefix, EL_FENCE_PREFIX) == 0)
        return false;
    return !options->count || el_packet_is_fate(packet) ||
           packet_filter_wants(&options->filter, packet);
}

static bool shown(const struct options *options, const struct el_packet *packet)
{
    return (!options->no_faults || !el_packet_is_fate(packet)) &&
           packet_filter_wants(&options->filter, packet);
}

/* The next one that may be given. False: there is none. */
static bool give_one(struct show *show, el_time settled)
{
    struct el_packet packet;
    bool again;
    if (el_packet_merge_next(show->merge, settled, &packet, &again) <= 0)
        return false;
    const struct packet_filter *filter = &show->options.filter;
    bool asked = el_packet_is_fate(&packet) && filter->directions & DIRECTION_FAULT;
    show->packets += !again || (asked && packet_filter_wants(filter, &packet));
    if (!show->options.count && shown(&show->options, &packet)) {
        struct el_packet_given given = el_packet_merge_given(show->merge);
        packet_format_print(&show->format, &packet, &given, again);
    } else if (!el_packet_is_fate(&packet)) {
        packet_format_pass(&show->format, &packet, again);
    }
    return true;
}

static void give_all(struct show *show, el_time settled)
{
    while (give_one(show, settled))
        ;
}

/* Moves what the log has into the merge, up to `end`. 0, or -errno. */
static int take_all(struct show *show, uint64_t end)
{
    struct el_packet packet;
    for (;;) {
        int got = packet_source_next(&show->source, end, &packet);
        if (got == -ENODATA)
            fprintf(stderr, "packet_log: the oldest packets are gone: the log keeps so many\n");
        else if (got <= 0)
            return got;
        if (got < 0 || !enters(&show->options, &packet))
            continue;
        while (el_packet_merge_add(show->merge, &packet) == -ENOBUFS)
            if (!give_one(show, EL_NEVER)) /* full: what is there is shown as well as can be */
                return -ENOBUFS;
    }
}

/* ---- the two sources ------------------------------------------------------------------------- */

/* Makes sure that everything which has happened is in the log. The log itself is mapped, so it does
 * not matter where we end. */
static void fence_all(const char *path, const struct el_packets *log)
{
    const char *host;
    el_duration patience = FENCE_WAIT_MS * EL_MS;
    for (size_t i = 0; (host = el_packets_logged(log, i)) != NULL; i++) {
        int result = visit_host(host);
        struct el_packets *there = result == 0 ? el_packets_open(path) : NULL;
        if (there != NULL)
            result = el_packets_fence(there, el_time_after(el_now(), patience));
        if (there != NULL && result == -ESRCH) {
            el_packets_close(there);
            return; /* nobody hears any fence; run() says so */
        }
        if (result == -ETIMEDOUT) /* one collector hears all hosts: it is stopped, or far behind */
            patience = FENCE_WAIT_MS * EL_MS / 20;
        if (result < 0 || there == NULL)
            fprintf(stderr, "packet_log: %s: the log may not be complete: %s\n", host,
                    strerror(result < 0 ? -result : errno));
        el_packets_close(there);
    }
}

/* Tells of records that are not there, once for each. */
static void tell_lost(struct show *show)
{
    const struct packet_source *source = &show->source;
    uint64_t lost = source->kernel != NULL ? kernel_log_lost(source->kernel) + source->missed
                                           : el_packets_lost(source->log);
    if (lost == show->told_lost)
        return;
    fprintf(stderr,
            source->kernel != NULL
                ? "packet_log: %llu records of the kernel's log were overwritten before they were "
                  "read; packets of this world may be among them\n"
                : "packet_log: %llu packets came too fast and are not in the log\n",
            (unsigned long long)(lost - show->told_lost));
    show->told_lost = lost;
}

/*
 * What is so old that nothing before it can still come. The kernel's log has a clock of its own, so
 * there the newest record tells the time, and when nothing comes any more, all is settled.
 */
static el_time settled_by_now(const struct show *show, bool quiet)
{
    if (show->source.kernel == NULL)
        return el_now() - HOLD_BACK_MS * EL_MS;
    return quiet ? EL_NEVER : show->source.newest - HOLD_BACK_MS * EL_MS;
}

/* Has the world's own log a writer still? (One that somebody has kept never has.) */
static bool is_written(const struct show *show)
{
    return show->source.log == NULL || strcmp(show->options.path, EL_PACKETS_PATH) != 0 ||
           el_packets_written(show->source.log);
}

/*
 * Until whoever reads our output goes away, or nobody writes the log any more. Shared memory wakes
 * nobody, so the log is looked at now and then. Outside the world, where its end does not end us, its
 * first process is watched.
 */
static int follow(struct show *show)
{
    /* No events are asked of stdout: only an error, the reader gone, ends the wait early. */
    struct pollfd wait[] = {
        {.fd = STDOUT_FILENO}, {.fd = -1, .events = POLLIN}, {.fd = show->world, .events = POLLIN}};
    bool kernel = show->source.kernel != NULL, quiet = false;
    if (kernel)
        wait[1].fd = kernel_log_fd(show->source.kernel);
    do {
        int error = take_all(show, UINT64_MAX);
        if (error < 0)
            return error;
        give_all(show, settled_by_now(show, quiet));
        tell_lost(show);
        quiet = poll(wait, 3, kernel ? HOLD_BACK_MS : LOOK_AGAIN_MS) == 0;
    } while (!ferror(stdout) && wait[0].revents == 0 && wait[2].revents == 0 && is_written(show));
    return take_all(show, UINT64_MAX);
}

/* ---- all of it ------------------------------------------------------------------------------- */

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

static void tell_damaged(const struct packet_source *source)
{
    if (source->damaged > 0)
        fprintf(stderr, "packet_log: %llu line%s of this world w%s cut off or damaged\n",
                (unsigned long long)source->damaged, source->damaged == 1 ? "" : "s",
                source->damaged == 1 ? "as" : "ere");
}

/* What is in the log is shown all the same, but it is no answer to what has happened since. */
static int complain_of_dead_log(const char *path)
{
    fprintf(stderr,
            "packet_log: %s: nothing is logged any more: the collector of this world has "
            "ended (net down, then net up)\n",
            path);
    return 1;
}

static int run(struct show *show)
{
    const struct options *options = &show->options;
    struct packet_source *source = &show->source;
    bool kernel = source->kernel != NULL;
    if (!options->follow && !kernel)
        fence_all(options->path, source->log);
    uint64_t end = kernel ? UINT64_MAX : el_packets_mark(source->log);
    if (!options->follow)
        source->until = el_now(); /* or fates that never cease would be read for ever */
    int error = 0;
    if (options->mark && !kernel)
        source->mark = end;
    else
        error = options->follow ? follow(show) : take_all(show, end);
    if (options->mark) {
        printf("%llu\n", (unsigned long long)source->mark);
    } else {
        give_all(show, EL_NEVER);
        if (options->count)
            printf("%llu\n", (unsigned long long)show->packets);
    }
    tell_lost(show);
    tell_damaged(source);
    if (error < 0)
        return complain(kernel ? options->kmsg : options->path, "read", -error, "");
    int code = finish_output();
    return code != 0 || is_written(show) ? code : complain_of_dead_log(options->path);
}

static int open_kernel(struct show *show)
{
    const struct options *options = &show->options;
    struct packet_source *source = &show->source;
    if (options->tag == NULL || options->tag[0] == '\0') {
        fprintf(stderr, "packet_log: --tag: needed with --source=kernel: the world's tag in the "
                        "prefixes of its LOG rules\n");
        return 2;
    }
    int error = options->names == NULL ? 0 : packet_names_read(&show->names, options->names);
    if (error < 0)
        return complain(options->names, "read", -error, "");
    if (options->pid != 0) {
        show->world = (int)syscall(SYS_pidfd_open, (pid_t)options->pid, 0);
        if (show->world < 0)
            return complain("--pid", "pidfd_open", errno, " (has the world ended?)");
    }
    source->kernel = kernel_log_open(options->kmsg, options->follow && options->from == 0);
    source->tag = options->tag;
    source->names = &show->names;
    if (source->kernel == NULL)
        return complain(options->kmsg, "open", errno,
                        errno == EPERM || errno == EACCES ? " (only root may read it)" : "");
    return 0;
}

static int open_rings(struct show *show)
{
    const struct options *options = &show->options;
    /* Whole records are of one log; whoever wants both puts them together with `number`s and all. */
    if (options->faults != NULL)
        show->source.faults_path = options->faults;
    else if (strcmp(options->path, EL_PACKETS_PATH) == 0 && options->form != FORM_RECORD)
        show->source.faults_path = EL_FAULTS_PATH;
    show->source.log = el_packets_open(options->path);
    if (show->source.log == NULL)
        return complain(options->path, "open", errno,
                        errno == ENOENT ? " (not in a lab network; net log looks into one)" : "");
    return 0;
}

/* 0, or the exit code. */
static int prepare(struct show *show)
{
    struct options *options = &show->options;
    const char *why;
    if (options->ports != NULL && packet_filter_ports(&options->filter, options->ports, &why) < 0) {
        char shown[80];
        fprintf(stderr, "packet_log: --port: '%s' %s\n",
                el_name_escape(options->ports, shown, sizeof shown), why);
        return 2;
    }
    show->format.form = options->form;
    show->format.out = stdout;
    int code = options->source == SOURCE_KERNEL ? open_kernel(show) : open_rings(show);
    if (code != 0)
        return code;
    packet_source_from(&show->source, options->from);
    show->source.until = EL_NEVER;
    show->merge = el_packet_merge_new(IN_FLIGHT_MAX);
    return show->merge == NULL ? complain("memory", "el_packet_merge_new", ENOMEM, "") : 0;
}

int packet_show(int argc, char **argv)
{
#define AT(field) offsetof(struct options, field)
    static const char *const forms[] = {"line", "kernel", "json", "record", NULL};
    static const char *const protocols[] = {"udp", "tcp", "icmp", "dns", NULL}; /* EL_KIND_* */
    static const char *const directions[] = {"in", "out", "fault", NULL};       /* DIRECTION_* */
    static const char *const sources[] = {"nflog", "kernel", NULL};
    static const struct el_option table[] = {
        {'f', "follow", EL_OPT_FLAG, NULL, "go on with what is still to come", AT(follow), NULL, 0,
         0, NULL},
        {0, "format", EL_OPT_CHOICE, "FORM",
         "for people, in the words of iptables' LOG target, as JSON lines, or whole", AT(form),
         "line", 0, 0, forms},
        {0, "hosts", EL_OPT_TEXT, "A,B", "only what these hosts saw", AT(filter.hosts), NULL, 0, 0,
         NULL},
        {0, "protocol", EL_OPT_CHOICES, "P", "only these", AT(filter.protocols), NULL, 0, 0,
         protocols},
        {0, "port", EL_OPT_TEXT, "N,N", "only from or to these ports, or about them", AT(ports),
         NULL, 0, 0, NULL},
        {0, "direction", EL_OPT_CHOICES, "D", "only what arrived, what left, or fates",
         AT(filter.directions), NULL, 0, 0, directions},
        {0, "prefix", EL_OPT_TEXT, "TEXT", "only what a rule with this prefix logged",
         AT(filter.prefix), NULL, 0, 0, NULL},
        {0, "no-faults", EL_OPT_FLAG, NULL, "leave out what net fault did to packets",
         AT(no_faults), NULL, 0, 0, NULL},
        {0, "count", EL_OPT_FLAG, NULL, "print only how many packets (not sightings) there were",
         AT(count), NULL, 0, 0, NULL},
        {0, "from", EL_OPT_NUMBER, "MARK", "from this mark on", AT(from), "0", 0, 0, NULL},
        {0, "mark", EL_OPT_FLAG, NULL, "print only a mark, for --from: where the log ends now",
         AT(mark), NULL, 0, 0, NULL},
        {0, "source", EL_OPT_CHOICE, "S", "what NFLOG rules reported, or what LOG rules wrote",
         AT(source), "nflog", 0, 0, sources},
        {0, "tag", EL_OPT_TEXT, "TAG", "(kernel) the world's word in the prefixes of LOG rules",
         AT(tag), NULL, 0, 0, NULL},
        {0, "names", EL_OPT_TEXT, "FILE", "(kernel) lines of ADDRESS NAME, to show names",
         AT(names), NULL, 0, 0, NULL},
        {0, "pid", EL_OPT_NUMBER, "PID", "(kernel) end --follow with this process", AT(pid), NULL,
         0, 1U << 22, NULL},
        {0, "kmsg", EL_OPT_TEXT, "FILE", "(kernel) the kernel's log", AT(kmsg), "/dev/kmsg", 0, 0,
         NULL},
        {0, "log", EL_OPT_TEXT, "FILE", "the log", AT(path), EL_PACKETS_PATH, 0, 0, NULL},
        {0, "faults", EL_OPT_TEXT, "FILE",
         "the fates (default /run/echolab/faults, with the default log and not for whole records)",
         AT(faults), NULL, 0, 0, NULL},
        {0}};
#undef AT
    static const struct el_program program = {
        .name = "packet_log",
        .usage = "show [options]",
        .about = "Shows the packets that the rules of this lab network logged: > left, < arrived, "
                 "x was dropped on the way, ~ was changed or held up on the way.",
        .options = table};
    static struct show show; /* large: not for the stack */
    memset(&show, 0, sizeof show);
    show.world = -1;
    int first, code = el_options_parse(&program, argc, argv, &show.options, &first, stdout, stderr);
    if (code >= 0)
        return code;
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = prepare(&show);
    if (code == 0)
        code = run(&show);
    el_packet_merge_free(show.merge);
    packet_source_close(&show.source);
    if (show.world >= 0)
        close(show.world);
    return code;
}
