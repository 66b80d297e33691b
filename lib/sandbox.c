/*
 * sandbox.c - drops privileges in the one order that works, and checks that they are gone.
 *
 * Teaches:  why the order is limits, bounding set, groups, gid, uid, capabilities: each step needs a
 *           privilege that a later one gives away. And that a drop which is not checked is a hope.
 * Partner:  sandbox.h; service_sandbox.c calls it after bind(2) and before the threads start.
 * Leaves out: system calls (seccomp_filter.c), and chroot: an empty root directory takes nothing
 *           more from a process that has no privileges and opens no files.
 */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

struct identity {
    uid_t uid;
    gid_t gid;
};

/* Writes "what" as the reason of a failure and returns it as -errno. */
static int failed(int error, const char *what, char *text, size_t size)
{
    snprintf(text, size, "%s", what);
    return -error;
}

/*
 * Name or number to ids. A number needs no entry in the password file; its group is then the same number.
 * getpwnam(3) may ask the network (NSS) and block: that is fine here, nothing is being served yet.
 */
static int look_up(const char *user, struct identity *who)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(user, &end, 10);
    bool numeric = user[0] >= '0' && user[0] <= '9' && *end == '\0' && errno == 0;
    if (numeric && number >= UINT_MAX) /* (uid_t)-1 means "leave it" to setresuid(2) */
        return -ENOENT;

    char buffer[4096];
    struct passwd entry, *found = NULL;
    int error = 0;
    if (numeric)
        error = getpwuid_r((uid_t)number, &entry, buffer, sizeof buffer, &found);
    else
        error = getpwnam_r(user, &entry, buffer, sizeof buffer, &found);
    if (found == NULL && (error == EMFILE || error == ENFILE))
        return -error;
    if (found == NULL && !numeric)
        return -ENOENT; /* also when the password file could not be read: either way nobody to become */
    *who = found != NULL ? (struct identity){found->pw_uid, found->pw_gid}
                         : (struct identity){(uid_t)number, (gid_t)number};
    return 0;
}

/*
 * Does this user namespace know the id? The map's lines are "first-inside first-outside count"
 * (user_namespaces(7)). An unreadable map counts as "yes": setuid(2) will then have the last word.
 */
static bool is_mapped(const char *map, unsigned long id)
{
    FILE *file = fopen(map, "re");
    if (file == NULL)
        return true;
    bool mapped = false;
    char line[128];
    while (!mapped && fgets(line, sizeof line, file) != NULL) {
        char *next;
        unsigned long inside = strtoul(line, &next, 10);
        strtoul(next, &next, 10);
        unsigned long count = strtoul(next, NULL, 10);
        mapped = id >= inside && id - inside < count;
    }
    fclose(file);
    return mapped;
}

/* Nothing may ever be gained again by exec of a program that has file capabilities. Needs CAP_SETPCAP;
 * without it (EPERM) no_new_privs alone has to hold that door, and it does. EINVAL ends the list. */
static void empty_bounding_set(void)
{
    for (unsigned long capability = 0; capability <= 63; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return;
}

/* The three sets of this thread, by the raw call: glibc has no wrapper, and libcap is not worth one call. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/*
 * Becomes `who` for good. [#no-way-back] setresuid(2) sets the saved id too: with setuid(2) by someone who is
 * not root the saved id would stay, and be the way back. Groups go first, while we may still change them.
 */
static int become(const struct identity *who, char *text, size_t size)
{
    if (setgroups(0, NULL) < 0)
        return failed(errno, "setgroups", text, size);
    if (setresgid(who->gid, who->gid, who->gid) < 0)
        return failed(errno, "setresgid", text, size);
    if (setresuid(who->uid, who->uid, who->uid) < 0)
        return failed(errno, "setresuid", text, size);
    return 0;
}

/*
 * Stays who we are, for good. Started through a set-user-ID program we may have another real or saved id,
 * root's maybe, and that is a way back too. Nobody needs a privilege to become who he is.
 */
static int stay(char *text, size_t size)
{
    if (setresgid(getegid(), getegid(), getegid()) < 0)
        return failed(errno, "setresgid", text, size);
    if (setresuid(geteuid(), geteuid(), geteuid()) < 0)
        return failed(errno, "setresuid", text, size);
    return 0;
}

/* Tries each of the ways back, once everything is given away. One that works is a reason not to serve. */
static bool is_there_a_way_back(void)
{
    return (geteuid() != 0 && (setuid(0) == 0 || seteuid(0) == 0)) ||
           (getegid() != 0 && setegid(0) == 0) || setgroups(0, NULL) == 0;
}

/* A container's root may lack the two capabilities that changing user and groups takes. */
static bool may_change_ids(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const uint32_t both = 1U << CAP_SETUID | 1U << CAP_SETGID;
    return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & both) == both;
}

static int change_user(const char *user, char *text, size_t size)
{
    struct identity who;
    int error = look_up(user, &who);
    if (error != 0)
        return failed(-error, error == -ENOENT ? "no such user" : "the password file", text, size);

    if (geteuid() == who.uid && getegid() == who.gid && who.uid != 0)
        return stay(text, size); /* only root has groups to give away */

    const char *why_not = NULL;
    if (!is_mapped("/proc/self/uid_map", who.uid) || !is_mapped("/proc/self/gid_map", who.gid))
        why_not = "is unknown to this user namespace";
    else if (!may_change_ids())
        why_not = "cannot be had without CAP_SETUID and CAP_SETGID";
    if (geteuid() == 0 && why_not != NULL) {
        error = stay(text, size);
        if (error == 0)
            snprintf(text, size, "user %s %s: uid kept, all capabilities dropped", user, why_not);
        return error;
    }
    if (!may_change_ids())
        return failed(EPERM, "only root can become another user", text, size);
    error = become(&who, text, size);
    if (error == 0)
        snprintf(text, size, "now uid %u, gid %u, no capabilities", who.uid, who.gid);
    return error;
}

/*
 * [#no-core] Memory holds what clients sent: not for the disk. A limit of 0 is not enough: a core dump
 * that goes to a program (core(5), "Piping core dumps") has no limit, unless that is 1: this the kernel
 * takes as "none at all", and no file is so small.
 */
static int forbid_core_dumps(void)
{
    const struct rlimit none = {1, 1}, less = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) == 0)
        return 0;
    return setrlimit(RLIMIT_CORE, &less) < 0 ? -errno : 0; /* EPERM: it was 0, and cannot go up */
}

static int set_limits(unsigned long max_descriptors, char *text, size_t size)
{
    int error = forbid_core_dumps();
    if (error < 0)
        return failed(-error, "setrlimit RLIMIT_CORE", text, size);

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return failed(errno, "getrlimit RLIMIT_NOFILE", text, size);
    if (max_descriptors > files.rlim_cur) {
        files.rlim_cur = max_descriptors < files.rlim_max ? max_descriptors : files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0)
            return failed(errno, "setrlimit RLIMIT_NOFILE", text, size);
    }
    return 0;
}

int el_sandbox_enter(const struct el_sandbox_args *args, char *text, size_t size)
{
    snprintf(text, size, "%s", "");
    int error = set_limits(args->max_descriptors, text, size);
    if (error < 0)
        return error;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(errno, "prctl PR_SET_NO_NEW_PRIVS", text, size);
    if (!args->keep_capabilities)
        empty_bounding_set(); /* while we may */
    error = args->user != NULL ? change_user(args->user, text, size) : stay(text, size);
    if (error < 0)
        return error;
    if (!args->keep_capabilities) {
        /* setresuid(2) may have cleared the effective set; the inheritable one is still there. */
        error = drop_capabilities();
        if (error < 0)
            return failed(-error, "capset", text, size);
        if (is_there_a_way_back())
            return failed(EPERM, "privileges dropped, and yet there is a way back", text, size);
    }
    /* The kernel made us undumpable when the uid changed, and /proc/PID went to root. With core dumps limited
     * to nothing, being dumpable only lets the owner look (proc(5)). */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
        return failed(errno, "prctl PR_SET_DUMPABLE", text, size);
    return 0;
}
