/*
 * seccomp_filter.c - makes a filter of the lists, and gives it to the kernel.
 *
 * Teaches:  the order of a filter's questions. First whose numbers these are: the same number is another call for a 32-bit program, so a call
 *           that is not made in our own way (int 0x80, x32) ends the process. Then the number, then the arguments; and no
 *           argument that is a pointer, as what it points at can be changed after the look.
 * Partner:  seccomp_filter.h; seccomp_filter_calls.c has the lists; service_sandbox.c calls it.
 * Leaves out: writing the filter by hand. It would be a page of BPF(7) for each architecture, which libseccomp(3) does well.
 */
#include "seccomp_filter.h"

#include <errno.h>
#include <stdio.h>

#if defined EL_INSTRUMENTED

int el_seccomp_filter_install(unsigned calls, char *text, size_t size)
{
    (void)calls;
    snprintf(text, size, "%s", "");
    return 0;
}

#elif !defined EL_HAVE_SECCOMP

int el_seccomp_filter_install(unsigned calls, char *text, size_t size)
{
    (void)calls;
    snprintf(text, size, "built without libseccomp");
    return -ENOTSUP;
}

#else
#include "seccomp_filter_private.h"

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

/* The lists are right for these. A 32-bit machine has other calls for time and files, which nobody has tried. */
static bool is_known_machine(void)
{
    return seccomp_arch_native() == SCMP_ARCH_X86_64 || seccomp_arch_native() == SCMP_ARCH_AARCH64;
}

/*
 * How the filter itself behaves, where kernel and library can: none of these is needed for what it promises. Speculation: before Linux
 * 5.16 a filter switched a protection on that slows all memory down, meant for code that one does not trust; ours is our own. The tree: a search
 * instead of a walk through the list, for kernels before 5.11 and for calls whose arguments are looked at.
 */
static void wish(scmp_filter_ctx filter)
{
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's own errno */
}

/* Negative: a call of other machines, or of a newer libseccomp. Nobody here can make it, so it needs no rule: ENOSYS. */
static int number_of(const char *name)
{
    return seccomp_syscall_resolve_name(name);
}

static int kill_dangerous(scmp_filter_ctx filter)
{
    int error = 0;
    for (const char *const *name = el_seccomp_killed; *name != NULL && error == 0; name++)
        if (number_of(*name) >= 0)
            error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, number_of(*name), 0);
    for (const unsigned *flag = el_seccomp_killed_clone_flags; *flag != 0 && error == 0; flag++)
        error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, *flag, *flag));
    return error;
}

/* [#abort] abort(3), an assertion, a smashed stack: all end in tgkill(2) of ourselves. A forked child has a number that we cannot know yet. */
static int allow_abort(scmp_filter_ctx filter, unsigned calls)
{
    const struct scmp_arg_cmp arguments[] = {
        SCMP_A2(SCMP_CMP_EQ, SIGABRT),
        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()),
    };
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
                                  (calls & EL_CALLS_PROCESSES) != 0 ? 1 : 2, arguments);
}

static int allow_needed(scmp_filter_ctx filter, unsigned calls)
{
    int error = allow_abort(filter, calls);
    for (const char *const *name = el_seccomp_allowed; *name != NULL && error == 0; name++)
        if (number_of(*name) >= 0)
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number_of(*name), 0);
    for (const struct el_seccomp_rule *rule = el_seccomp_rules; rule->name != NULL && error == 0;
         rule++)
        if (number_of(rule->name) >= 0 && (rule->calls & ~calls) == 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number_of(rule->name),
                                           rule->count, rule->arguments);
    return error;
}

int el_seccomp_filter_install(unsigned calls, char *text, size_t size)
{
    if (!is_known_machine()) {
        snprintf(text, size, "no list of calls for this kind of machine");
        return -ENOTSUP;
    }
    snprintf(text, size, "not with this kernel");
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return -ENOMEM;
    wish(filter);
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0)
        error = kill_dangerous(filter);
    if (error == 0)
        error = allow_needed(filter, calls);
    if (error == 0) {
        snprintf(text, size, "the kernel refuses it");
        error = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (error == 0)
        snprintf(text, size, "%s", "");
    return error;
}
#endif
