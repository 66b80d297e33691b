/*
 * seccomp_filter.c - writes the lists as a program for the kernel, and hands it over.
 *
 * Teaches:  what a filter is: a few hundred instructions of the old BPF, run at each system call, that see its number,
 *           its arguments and the machine it is meant for, and return what to do. The order of the questions is what
 *           matters. First whose numbers these are: the same number is another call for a 32-bit program, so a call
 *           that is not made in our own way (int 0x80, x32) ends the process. Then the number, then the arguments; and
 *           no argument that is a pointer, as what it points at can be changed after the look.
 * Partner:  seccomp_filter.h; seccomp_filter_calls.c has the lists; service_sandbox.c calls it.
 * Leaves out: libseccomp, and its search tree. Nothing is allocated here, which cannot fail; and a list that is walked
 *           through is fast enough: see #hot-calls.
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

#elif (!defined __x86_64__ || defined __ILP32__) && !defined __aarch64__

int el_seccomp_filter_install(unsigned calls, char *text, size_t size)
{
    (void)calls;
    snprintf(text, size, "no list of calls for this kind of machine");
    return -ENOTSUP;
}

#else
#include "seccomp_filter_private.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define OUR_MACHINE AUDIT_ARCH_X86_64
#else
#define OUR_MACHINE AUDIT_ARCH_AARCH64
#endif

enum {
    CODE_MAX = 1024,        /* the kernel takes 4096 */
    X32_CALLS = 0x40000000, /* x86-64: numbers from here on are those of x32 */
    ALLOW = SECCOMP_RET_ALLOW,
};
static const uint32_t KILL = SECCOMP_RET_KILL_PROCESS, /* not the thread alone */
    LACKING = SECCOMP_RET_ERRNO | ENOSYS;

struct code {
    struct sock_filter at[CODE_MAX];
    unsigned length; /* may exceed CODE_MAX: then it does not fit */
};

static void put(struct code *code, uint16_t what, uint32_t k, unsigned if_true, unsigned if_false)
{
    if (code->length < CODE_MAX)
        code->at[code->length] = (struct sock_filter){what, (uint8_t)if_true, (uint8_t)if_false, k};
    code->length++;
}

static void load(struct code *code, size_t offset)
{
    put(code, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct code *code, uint32_t action)
{
    put(code, BPF_RET | BPF_K, action, 0, 0);
}

/* The number is loaded, and is again afterwards. */
static void put_call(struct code *code, long number, uint32_t action)
{
    put(code, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    answer(code, action);
}

/* Each comparison that fails jumps over the others and the answer, to where the number is loaded for those who come
 * next. */
static void put_rule(struct code *code, const struct el_seccomp_rule *rule, uint32_t action)
{
    enum { LOAD_AND_COMPARE = 3 };
    unsigned left = LOAD_AND_COMPARE * rule->count + 1;
    put(code, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->call.number, 0, left + 1);
    for (unsigned i = 0; i < rule->count; i++) {
        const struct el_seccomp_compare *compare = &rule->compare[i];
        left -= LOAD_AND_COMPARE;
        load(code, offsetof(struct seccomp_data, args) + sizeof(uint32_t) * compare->word);
        put(code, BPF_ALU | BPF_AND | BPF_K, compare->mask, 0, 0);
        put(code, BPF_JMP | BPF_JEQ | BPF_K, compare->value, 0, left);
    }
    answer(code, action);
    load(code, offsetof(struct seccomp_data, nr));
}

/* Number -1 is a call that a tracer has taken away, to put a result of its own in its place: strace(1) does so. */
static void put_machine(struct code *code)
{
    load(code, offsetof(struct seccomp_data, arch));
    put(code, BPF_JMP | BPF_JEQ | BPF_K, OUR_MACHINE, 1, 0);
    answer(code, KILL);
    load(code, offsetof(struct seccomp_data, nr));
    put(code, BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 2);
    put(code, BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 1, 0);
    answer(code, KILL);
}

/* [#abort] abort(3), an assertion, a smashed stack: all end in tgkill(2) of ourselves. A forked child has a number
 * that we cannot know yet. */
static void put_abort(struct code *code, unsigned calls)
{
    const struct el_seccomp_rule rule = {
        .call = {"tgkill", SYS_tgkill},
        .count = (calls & EL_CALLS_PROCESSES) != 0 ? 1 : 2,
        .compare = {{2 * 2, UINT32_MAX, SIGABRT}, {2 * 0, UINT32_MAX, (uint32_t)getpid()}},
    };
    put_rule(code, &rule, ALLOW);
}

static void put_namespaces(struct code *code)
{
    for (const unsigned *flag = el_seccomp_killed_clone_flags; *flag != 0; flag++) {
        const struct el_seccomp_rule rule = {
            .call = {"clone", SYS_clone}, .count = 1, .compare = {{2 * 0, *flag, *flag}}};
        put_rule(code, &rule, KILL);
    }
}

static void write_code(struct code *code, unsigned calls)
{
    put_machine(code);
    for (const struct el_seccomp_call *call = el_seccomp_allowed; call->name != NULL; call++)
        put_call(code, call->number, ALLOW);
    put_namespaces(code);
    put_abort(code, calls);
    for (const struct el_seccomp_rule *rule = el_seccomp_rules; rule->call.name != NULL; rule++)
        if ((rule->calls & ~calls) == 0)
            put_rule(code, rule, ALLOW);
    for (const struct el_seccomp_call *call = el_seccomp_killed; call->name != NULL; call++)
        put_call(code, call->number, KILL);
    answer(code, LACKING);
}

/*
 * SPEC_ALLOW: before Linux 5.16 a filter switched a protection on that slows all memory down, meant for code that one
 * does not trust; ours is our own. EINVAL: a kernel older than that flag (4.17). A result above 0 is the number of a
 * thread that has another filter.
 */
static int hand_over(const struct sock_fprog *program)
{
    const unsigned long every_thread = SECCOMP_FILTER_FLAG_TSYNC;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          every_thread | SECCOMP_FILTER_FLAG_SPEC_ALLOW, program);
    if (result < 0 && errno == EINVAL)
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, every_thread, program);
    return result < 0 ? -errno : result > 0 ? -EBUSY : 0;
}

int el_seccomp_filter_install(unsigned calls, char *text, size_t size)
{
    struct code code = {.length = 0};
    const uint32_t action = KILL;
    write_code(&code, calls);
    if (code.length > CODE_MAX) {
        snprintf(text, size, "too many calls in the lists");
        return -E2BIG;
    }
    snprintf(text, size, "the kernel refuses it");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0) /* Linux 4.14 */
        return -errno;
    int error =
        hand_over(&(struct sock_fprog){.len = (unsigned short)code.length, .filter = code.at});
    if (error == 0)
        snprintf(text, size, "%s", "");
    return error;
}
#endif
