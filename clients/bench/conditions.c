/*
 * conditions.c - under which conditions a figure was measured.
 *
 * Teaches:  where Linux tells what it runs on: uname(2), /proc/cpuinfo, /sys/devices/system/cpu, /proc/loadavg. A figure
 *           without this line cannot be compared with another one, not even with one's own of yesterday.
 * Partner:  conditions.h; the caller adds what only it knows: pinning and options.
 * Leaves out: temperature, memory, other guests of the same host: a virtual machine cannot see them, which is why it is
 *           said that it is one.
 */
#include "conditions.h"

#include "options.h"

#include <ctype.h>
#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define LOAD_OF_OTHERS 0.5 /* half a core */
enum { LINE = 8192 };      /* the flags of a CPU are a line of two thousand characters */

static FILE *open_below(const char *root, const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    return fopen(full, "re");
}

/* The first line of a small file, without its newline. False: there is none. */
static bool read_line(const char *root, const char *path, char *text, size_t size)
{
    FILE *file = open_below(root, path);
    bool got = file != NULL && fgets(text, (int)size, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (got)
        text[strcspn(text, "\n")] = '\0';
    return got && text[0] != '\0';
}

/* Is `word` one of the words of `text`? */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if ((at == text || isspace((unsigned char)at[-1])) &&
            (at[length] == '\0' || isspace((unsigned char)at[length])))
            return true;
    return false;
}

/* Model name and whether the flag `hypervisor` is set, which a virtual machine's CPU shows to its guest. */
static bool read_cpuinfo(const char *root, char *model, size_t size)
{
    static const char *const keys[] = {"model name", "Model", "uarch", "cpu model"};
    char line[LINE];
    bool guest = false;
    FILE *file = open_below(root, "/proc/cpuinfo");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *value = strchr(line, ':');
        if (value == NULL)
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        for (size_t i = 0; model[0] == '\0' && i < sizeof keys / sizeof keys[0]; i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0)
                snprintf(model, size, "%s", value);
        guest = guest || (strncmp(line, "flags", 5) == 0 && has_word(value, "hypervisor"));
    }
    if (file != NULL)
        fclose(file);
    return guest;
}

/* Which hypervisor: leaf 0x40000000 of CPUID is its signature, twelve characters. "" when the CPU cannot tell. */
static void name_hypervisor(char *name, size_t size)
{
    name[0] = '\0';
#if defined(__x86_64__) || defined(__i386__)
    static const struct {
        const char *signature, *name;
    } known[] = {{"KVMKVMKVM", "kvm"},
                 {"VMwareVMware", "vmware"},
                 {"Microsoft Hv", "hyper-v"},
                 {"XenVMMXenVMM", "xen"}};
    unsigned leaf, words[3];
    char signature[sizeof words + 1] = "";
    __cpuid(0x40000000, leaf, words[0], words[1], words[2]);
    memcpy(signature, words, sizeof words);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(signature, known[i].signature) == 0)
            snprintf(name, size, " (%s)", known[i].name);
#endif
    (void)size;
}

/* How the clock frequency is governed; a virtual machine mostly cannot know, and that is to be known too. */
static void read_governor(const char *root, bool guest, char *text, size_t size)
{
    char hypervisor[16];
    if (read_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, size))
        return;
    snprintf(text, size, "unknown");
    if (guest) {
        name_hypervisor(hypervisor, sizeof hypervisor);
        snprintf(text, size, "virtual machine%s", hypervisor);
    }
}

void bench_conditions_read_below(struct bench_conditions *conditions, const char *root)
{
    struct utsname system = {0};
    char load[64];
    time_t now = time(NULL);
    struct tm utc;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *libevent = event_get_version();

    *conditions = (struct bench_conditions){.cores = cores > 0 ? (unsigned)cores : 1, .load = NAN};
    uname(&system);
    snprintf(conditions->kernel, sizeof conditions->kernel, "%.20s %.70s", system.sysname,
             system.release);
    bool guest = read_cpuinfo(root, conditions->cpu, sizeof conditions->cpu);
    if (conditions->cpu[0] == '\0') /* many that are not x86 have no name there */
        snprintf(conditions->cpu, sizeof conditions->cpu, "%.60s", system.machine);
    read_governor(root, guest, conditions->governor, sizeof conditions->governor);
    snprintf(conditions->versions, sizeof conditions->versions, "echolab %s, libevent %.*s",
             EL_VERSION, (int)strcspn(libevent, "-"), libevent);
    snprintf(conditions->pinning, sizeof conditions->pinning, "not pinned");
    read_line(root, "/proc/sys/net/ipv4/tcp_congestion_control", conditions->congestion,
              sizeof conditions->congestion); /* of this network namespace */
    if (read_line(root, "/proc/loadavg", load, sizeof load))
        conditions->load = strtod(load, NULL);
    if (gmtime_r(&now, &utc) != NULL)
        strftime(conditions->date, sizeof conditions->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void bench_conditions_read(struct bench_conditions *conditions)
{
    bench_conditions_read_below(conditions, "");
}

/*
 * cubic and reno (CONFIG_DEFAULT_TCP_CONG) send at once what the window has room for. Others, bbr for one, pace what they send, over loopback too, and so
 * decide about a stream's rate.
 */
static bool is_unusual(const char *congestion)
{
    return congestion[0] != '\0' && strcmp(congestion, "cubic") != 0 &&
           strcmp(congestion, "reno") != 0;
}

void bench_conditions_print(const struct bench_conditions *conditions, FILE *to)
{
    fprintf(to, "conditions: %s, %s, %u core%s, %s%s, %s, %s", conditions->kernel, conditions->cpu,
            conditions->cores, conditions->cores == 1 ? "" : "s",
            strncmp(conditions->governor, "virtual", 7) == 0 ? "" : "governor ",
            conditions->governor, conditions->pinning, conditions->versions);
    if (is_unusual(conditions->congestion))
        fprintf(to, ", TCP congestion control %s", conditions->congestion);
    if (isfinite(conditions->load))
        fprintf(to, ", load average %.2f%s", conditions->load,
                conditions->load > LOAD_OF_OTHERS
                    ? " (doubtful: something else works here, or did just now)"
                    : "");
    fprintf(to, ", %s", conditions->date);
    if (conditions->options[0] != '\0')
        fprintf(to, "; %s", conditions->options);
}

void bench_conditions_json(const struct bench_conditions *conditions, struct el_json *json)
{
    el_json_object(json, "conditions");
    el_json_text(json, "kernel", conditions->kernel);
    el_json_text(json, "cpu", conditions->cpu);
    el_json_uint(json, "cores", conditions->cores);
    el_json_text(json, "governor", conditions->governor);
    el_json_text(json, "versions", conditions->versions);
    el_json_text(json, "pinning", conditions->pinning);
    el_json_text(json, "congestion_control",
                 conditions->congestion[0] == '\0' ? NULL : conditions->congestion);
    el_json_number(json, "load_average", conditions->load, 2);
    el_json_text(json, "date", conditions->date);
    el_json_text(json, "options", conditions->options[0] == '\0' ? NULL : conditions->options);
    el_json_close_object(json);
}
