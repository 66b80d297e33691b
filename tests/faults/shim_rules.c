/*
 * shim_rules.c - the rule language of the fault shim, and the fate of each call: pure, no system call.
 *
 * Teaches:  faults that repeat. A fate depends on the seed, the rule and how often the rule was asked, on nothing else:
 *           so the same program with the same input fails in the same place, and a failure that was found can be looked
 *           at.
 * Partner:  shim.c is the manual of the language, and does what is decided here; tests/unit/test_shim_rules.c.
 * Leaves out: memory of one's own: no allocation, no lock, no stdio but snprintf before the first fate. A call may come
 *             from a signal handler.
 */
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(call) (UINT64_C(1) << (call))
#define INPUT                                                                                      \
    (BIT(SHIM_READ) | BIT(SHIM_READV) | BIT(SHIM_RECV) | BIT(SHIM_RECVFROM) | BIT(SHIM_RECVMSG) |  \
     BIT(SHIM_RECVMMSG))
#define OUTPUT                                                                                     \
    (BIT(SHIM_WRITE) | BIT(SHIM_WRITEV) | BIT(SHIM_SEND) | BIT(SHIM_SENDTO) | BIT(SHIM_SENDMSG) |  \
     BIT(SHIM_SENDMMSG))
#define WAITS (BIT(SHIM_POLL) | BIT(SHIM_SELECT) | BIT(SHIM_EPOLL_WAIT))

#define IN_ERRORS                                                                                  \
    {                                                                                              \
        EINTR, EAGAIN, ENOMEM, ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH                   \
    }
#define OUT_ERRORS                                                                                 \
    {                                                                                              \
        EINTR, EAGAIN, ENOBUFS, ENOMEM, EPERM, ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH,  \
            ENETUNREACH                                                                            \
    }
#define MAKE_ERRORS                                                                                \
    {                                                                                              \
        EMFILE, ENFILE, ENOMEM                                                                     \
    }

/* What each manual page lets its call say. */
static const struct {
    const char *name;
    int errors[12];
} calls[SHIM_CALLS] = {
    [SHIM_READ] = {"read", IN_ERRORS},
    [SHIM_READV] = {"readv", IN_ERRORS},
    [SHIM_RECV] = {"recv", IN_ERRORS},
    [SHIM_RECVFROM] = {"recvfrom", IN_ERRORS},
    [SHIM_RECVMSG] = {"recvmsg", IN_ERRORS},
    [SHIM_RECVMMSG] = {"recvmmsg", IN_ERRORS},
    [SHIM_WRITE] = {"write", OUT_ERRORS},
    [SHIM_WRITEV] = {"writev", OUT_ERRORS},
    [SHIM_SEND] = {"send", OUT_ERRORS},
    [SHIM_SENDTO] = {"sendto", OUT_ERRORS},
    [SHIM_SENDMSG] = {"sendmsg", OUT_ERRORS},
    [SHIM_SENDMMSG] = {"sendmmsg", OUT_ERRORS},
    [SHIM_POLL] = {"poll", {EINTR, ENOMEM}},
    [SHIM_SELECT] = {"select", {EINTR, ENOMEM}},
    [SHIM_EPOLL_WAIT] = {"epoll_wait", {EINTR}},
    [SHIM_SOCKET] = {"socket", {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT}},
    [SHIM_ACCEPT] = {"accept",
                     {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, ECONNABORTED, EAGAIN, EINTR}},
    [SHIM_CONNECT] = {"connect",
                      {EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, EPERM, EACCES, ENOBUFS, ENOMEM,
                       EINTR}},
    [SHIM_BIND] = {"bind", {EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOMEM}},
    [SHIM_LISTEN] = {"listen", {EADDRINUSE}},
    [SHIM_SHUTDOWN] = {"shutdown", {ENOTCONN}},
    [SHIM_GETSOCKNAME] = {"getsockname", {ENOBUFS}},
    [SHIM_GETPEERNAME] = {"getpeername", {ENOBUFS}},
    [SHIM_GETSOCKOPT] = {"getsockopt", {ENOMEM}},
    [SHIM_SETSOCKOPT] = {"setsockopt", {ENOMEM, ENOBUFS}},
    [SHIM_OPEN] = {"open", {EMFILE, ENFILE, ENOMEM, EACCES}},
    [SHIM_FOPEN] = {"fopen", {EMFILE, ENFILE, ENOMEM, EACCES}},
    [SHIM_EVENTFD] = {"eventfd", MAKE_ERRORS},
    [SHIM_SIGNALFD] = {"signalfd", MAKE_ERRORS},
    [SHIM_TIMERFD] = {"timerfd_create", MAKE_ERRORS},
    [SHIM_EPOLL_CREATE] = {"epoll_create", MAKE_ERRORS},
    [SHIM_EPOLL_CTL] = {"epoll_ctl", {ENOMEM, ENOSPC}},
    [SHIM_PIPE] = {"pipe", MAKE_ERRORS},
    [SHIM_PTHREAD_CREATE] = {"pthread_create", {EAGAIN}},
    [SHIM_ALLOC] = {"alloc", {ENOMEM}},
    [SHIM_REALTIME] = {"realtime", {0}},
};

static const struct {
    const char *name;
    uint64_t calls;
} groups[] = {{"input", INPUT}, {"output", OUTPUT}, {"wait", WAITS}};

const char *shim_call_name(enum shim_call call)
{
    return calls[call].name;
}

/* ---- the language --------------------------------------------------------------------------------- */

static bool refuse(char *why, size_t size, const char *word, const char *what)
{
    snprintf(why, size, "%s: %s", word, what);
    return false;
}

/* All of the text is one number, from 1 on. */
static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 15)
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number > 0;
}

static bool parse_when(char *text, struct shim_rule *rule)
{
    static const struct {
        const char *prefix;
        enum shim_when when;
    } kinds[] = {{"nth:", SHIM_NTH}, {"every:", SHIM_EVERY}, {"from:", SHIM_FROM}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, length) == 0) {
            rule->when = kinds[i].when;
            return parse_number(text + length, &rule->number);
        }
    }
    size_t length = strlen(text);
    if (length < 2 || text[length - 1] != '%')
        return false;
    text[length - 1] = '\0';
    rule->when = SHIM_PERCENT;
    return parse_number(text, &rule->number) && rule->number <= 100;
}

/* +1h, -90s, +-1h@every:5 (there and back): how far, and at which of the calls. */
static bool parse_jump(char *text, struct shim_rule *rule)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {{'s', 1000000000}, {'m', 60000000000}, {'h', 3600000000000}};
    char *at = strchr(text, '@');
    if (at == NULL)
        return false;
    *at = '\0';
    rule->back = strncmp(text, "+-", 2) == 0;
    int64_t sign = text[0] == '-' ? -1 : 1;
    if (text[0] != '+' && text[0] != '-')
        return false;
    text += rule->back ? 2 : 1;
    size_t length = strlen(text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (length < 2 || text[length - 1] != units[i].unit)
            continue;
        uint64_t number;
        text[length - 1] = '\0';
        if (!parse_number(text, &number) || number > 1000000)
            return false;
        rule->jump = sign * (int64_t)number * units[i].ns;
        return parse_when(at + 1, rule);
    }
    return false;
}

static uint64_t find_calls(const char *name)
{
    for (int call = 0; call < SHIM_CALLS; call++)
        if (strcmp(calls[call].name, name) == 0)
            return BIT(call);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i].name, name) == 0)
            return groups[i].calls;
    return 0;
}

/* The errno of that name, if each of the calls may fail with it; 0 if not. */
static int find_error(uint64_t which, const char *name)
{
    int first = __builtin_ctzll(which);
    int error = 0;
    if (which == BIT(SHIM_ALLOC))
        return strcmp(name, "fail") == 0 ? ENOMEM : 0;
    for (const int *e = calls[first].errors; *e != 0 && error == 0; e++)
        if (strcmp(strerrorname_np(*e), name) == 0)
            error = *e;
    for (int call = first; call < SHIM_CALLS && error != 0; call++) {
        bool may = (which & BIT(call)) == 0;
        for (const int *e = calls[call].errors; *e != 0; e++)
            may = may || *e == error;
        if (!may)
            return 0;
    }
    return error;
}

/* CALL:FATE=WHEN. The word is written on. */
static bool parse_rule(char *word, struct shim_rule *rule, const char **what)
{
    char *fate = strchr(word, ':');
    *what = "a rule is CALL:FATE=WHEN";
    if (fate == NULL)
        return false;
    *fate++ = '\0';
    char *when = strchr(fate, '=');
    if (when == NULL)
        return false;
    *when++ = '\0';
    rule->calls = find_calls(word);
    *what = "no such call";
    if (rule->calls == 0)
        return false;
    *what = "a jump is jump=+1h@WHEN, -1h or +-1h, in s, m or h";
    if (rule->calls == BIT(SHIM_REALTIME))
        return strcmp(fate, "jump") == 0 && parse_jump(when, rule);
    *what = "the call cannot fail like that";
    bool may_be_short = (rule->calls & ~(INPUT | OUTPUT)) == 0 && strcmp(fate, "short") == 0;
    rule->error = find_error(rule->calls, fate);
    if (rule->error == 0 && !may_be_short)
        return false;
    *what = "WHEN is nth:N, every:N, from:N or N% (1 to 100)";
    return parse_when(when, rule);
}

static bool copy_value(char *to, size_t size, const char *value)
{
    size_t length = strlen(value);
    if (length == 0 || length >= size)
        return false;
    memcpy(to, value, length + 1);
    return true;
}

static bool parse_word(const char *given, struct shim_plan *plan, char *why, size_t size)
{
    char word[300];
    const char *what;
    if (!copy_value(word, sizeof word, given))
        return refuse(why, size, "rules", "a word is too long");
    if (strncmp(word, "seed=", 5) == 0)
        return parse_number(word + 5, &plan->seed) ||
               refuse(why, size, given, "a seed is a number from 1 on");
    if (strncmp(word, "program=", 8) == 0) /* the kernel's name of it has no more than 15 */
        return copy_value(plan->program, sizeof plan->program, word + 8) ||
               refuse(why, size, given, "a program's name has 1 to 15 characters");
    if (strncmp(word, "count=", 6) == 0)
        return copy_value(plan->count_file, sizeof plan->count_file, word + 6) ||
               refuse(why, size, given, "a file's name has 1 to 255 characters");
    if (plan->rule_count == SHIM_RULES_MAX)
        return refuse(why, size, given, "more than 32 rules");
    if (!parse_rule(word, &plan->rules[plan->rule_count], &what))
        return refuse(why, size, given, what);
    plan->rule_count++;
    return true;
}

bool shim_parse(const char *text, struct shim_plan *plan, char *why, size_t size)
{
    memset(plan, 0, sizeof *plan);
    plan->seed = 1;
    while (*text != '\0') {
        char word[300];
        size_t length = strcspn(text, " \t\n");
        if (length >= sizeof word)
            return refuse(why, size, "rules", "a word is too long");
        memcpy(word, text, length);
        word[length] = '\0';
        if (length > 0 && !parse_word(word, plan, why, size))
            return false;
        text += length + (text[length] != '\0');
    }
    return true;
}

/* ---- fates ---------------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014) of the three numbers: a random number that needs no state. */
static uint64_t mix(uint64_t seed, uint64_t rule, uint64_t n)
{
    uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + (rule << 48) + n;
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool is_now(const struct shim_rule *rule, uint64_t n, uint64_t random)
{
    switch (rule->when) {
    case SHIM_NTH:
        return n == rule->number;
    case SHIM_EVERY:
        return n % rule->number == 0;
    case SHIM_FROM:
        return n >= rule->number;
    case SHIM_PERCENT:
        return random % 100 < rule->number;
    }
    return false;
}

/* Each rule counts the calls that it is asked about, hit by another rule or not: one rule more must not move the
 * faults of the rest. */
struct shim_fate shim_decide(struct shim_plan *plan, enum shim_call call)
{
    struct shim_fate fate = {0};
    for (size_t i = 0; i < plan->rule_count; i++) {
        struct shim_rule *rule = &plan->rules[i];
        if ((rule->calls & BIT(call)) == 0)
            continue;
        uint64_t n = ++rule->count;
        uint64_t random = mix(plan->seed, i, n);
        if (!fate.faulty && is_now(rule, n, random))
            fate = (struct shim_fate){true, rule->error, random >> 8};
    }
    return fate;
}

/* With n calls behind it, the clock has jumped as often as the rule came true among them. Summed up anew each time
 * would be slow for N%, so those keep to `every`, `nth` and `from`'s arithmetic; a percentage jumps for one reading
 * and is back at the next. */
int64_t shim_jumped(struct shim_plan *plan)
{
    int64_t sum = 0;
    for (size_t i = 0; i < plan->rule_count; i++) {
        struct shim_rule *rule = &plan->rules[i];
        if (rule->calls != BIT(SHIM_REALTIME))
            continue;
        uint64_t n = ++rule->count, times = 0;
        if (rule->when == SHIM_EVERY)
            times = n / rule->number;
        else if (rule->when == SHIM_NTH)
            times = n >= rule->number;
        else if (rule->when == SHIM_FROM)
            times = n >= rule->number ? n - rule->number + 1 : 0;
        else
            times = mix(plan->seed, i, n) % 100 < rule->number;
        sum += rule->jump * (int64_t)(rule->back ? times % 2 : times);
    }
    return sum;
}

size_t shim_shorten(struct shim_fate fate, size_t length)
{
    return length < 2 ? length : 1 + fate.random % (length - 1);
}
