/*
 * service_sandbox.c - from a process that may do much to one that may do what it needs.
 *
 * Teaches:  the moments. Privileges go when the sockets are bound; system calls go when the workers are made and before
 *           their threads are, so that every thread inherits the filter and no byte of a client is looked at without
 *           it.
 * Partner:  service_sandbox.h; sandbox.c and seccomp_filter.c do it, service.c calls.
 */
#include "service_sandbox.h"

#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/*
 * [#drop-after-bind] Root was needed for the sockets and the pid file at most. Root without --user becomes
 * nobody: who starts a demo with sudo should not thereby serve the network as root.
 */
int el_service_drop_privileges(const struct el_service_options *options, struct el_trace *trace)
{
    char text[160];
    const char *fallback = geteuid() == 0 ? "nobody" : NULL;
    const struct el_sandbox_args args = {
        .user = options->user != NULL ? options->user : fallback,
        .max_descriptors = ULONG_MAX, /* all that the hard limit allows: a client is a descriptor */
    };
    if (options->no_sandbox)
        return 0;
    int error = el_sandbox_enter(&args, text, sizeof text);
    if (error < 0) {
        char name[64];
        el_log(trace, EL_ERROR, "%s%s: %s%s%s%s", options->user != NULL ? "--user " : "",
               args.user != NULL ? el_name_escape(args.user, name, sizeof name) : "sandbox", text,
               error == -ENOENT ? "" : ": ", error == -ENOENT ? "" : strerror(-error),
               options->user != NULL ? "" : " (--no-sandbox keeps user and privileges)");
        return 1;
    }
    if (text[0] != '\0')
        el_log(trace, EL_INFO, "sandbox: %s", text);
    return 0;
}

/*
 * [#no-filter-here] Old kernels and some containers refuse. Without a filter a server is as safe as it was before there
 * were any, and a lesson that does not begin helps nobody; but whoever runs it should know. Any other error (ENOMEM;
 * EBUSY: a thread with a filter that is not ours) is no such machine, and a reason not to serve.
 */
static bool is_refusal(int error)
{
    return error == -ENOTSUP || error == -EINVAL || error == -ENOSYS || error == -EPERM ||
           error == -EACCES;
}

int el_service_filter_calls(const struct el_service_options *options, const struct el_service *plug,
                            struct el_trace *trace)
{
    char text[80];
    unsigned calls = plug->calls | (options->pidfile != NULL ? EL_CALLS_UNLINK : 0) |
                     (plug->blocks ? EL_CALLS_HANG_UP : 0);
    int error = options->no_sandbox ? 0 : el_seccomp_filter_install(calls, text, sizeof text);
    bool refused = is_refusal(error);
    if (error == -ENOTSUP)
        el_log(trace, EL_WARN, "sandbox: no filter of system calls: %s", text);
    else if (error < 0)
        el_log(trace, refused ? EL_WARN : EL_ERROR, "sandbox: no filter of system calls: %s: %s%s",
               text, strerror(-error), refused ? "" : " (--no-sandbox serves without one)");
    return error == 0 || refused ? 0 : 1;
}
