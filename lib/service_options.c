/*
 * service_options.c - the options that all servers take, and which of them contradict each other.
 *
 * Partner:  service.h; service.c does what they say.
 */
#include "service.h"

static const char *const level_names[] = {"error", "warn", "info", "debug", NULL};

#define FIELD(name) offsetof(struct el_service_options, name)
const struct el_option el_service_option_table[] = {
    {.type = EL_OPT_HEADING, .help = "Serving"},
    {'l', "listen", EL_OPT_ENDPOINTS, "HOST[:PORT]",
     "serve there; can be repeated; * is everywhere", FIELD(listen), "127.0.0.1:7007", 0, 7007,
     NULL},
    {0, "workers", EL_OPT_NUMBER, "N", "threads, each with its own event loop and sockets",
     FIELD(workers), "1", 1, 256, NULL},
    {0, "user", EL_OPT_TEXT, "NAME", "become this user (started by root: nobody)", FIELD(user),
     NULL, 0, 0, NULL},
    {0, "no-sandbox", EL_OPT_FLAG, NULL,
     "keep user, privileges, system calls and limits as they are", FIELD(no_sandbox), NULL, 0, 0,
     NULL},
    {0, "drain-timeout", EL_OPT_DURATION, "D", "after SIGTERM, let clients finish for that long",
     FIELD(drain_timeout), "5s", 0, 0, NULL},
    {.type = EL_OPT_HEADING, .help = "Reporting"},
    {0, "stats-interval", EL_OPT_DURATION, "D",
     "print statistics that often (0: at exit and on SIGUSR1)", FIELD(stats_interval), "0", 0, 0,
     NULL},
    {0, "json", EL_OPT_FLAG, NULL, "print the ready line as JSON too", FIELD(json), NULL, 0, 0,
     NULL},
    {0, "explain", EL_OPT_FLAG, NULL, "narrate each step on stderr", FIELD(explain), NULL, 0, 0,
     NULL},
    {0, "pidfile", EL_OPT_TEXT, "FILE", "write the process id there, remove it at the end",
     FIELD(pidfile), NULL, 0, 0, NULL},
    {0, "log-level", EL_OPT_CHOICE, "L", "how much to say on stderr", FIELD(log_level), "info", 0,
     0, level_names},
    {0},
};

const char *el_service_conflict(const struct el_service_options *options)
{
    if (options->no_sandbox && options->user != NULL)
        return "--no-sandbox keeps the user, and --user changes it: choose one";
    if (options->stats_interval > 0 && options->stats_interval < EL_MS)
        return "--stats-interval is too short (1ms is the least; 0 is never)";
    return NULL;
}
