/* test_bench_conditions.c - what a machine says of itself, in the words of a result. */
#include "../lib/unit.h"
#include "conditions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

/* A file below the root, and the directories that it needs. */
static void put(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    const char *where = getenv("TMPDIR");
    snprintf(root, sizeof root, "%.40s/echolab-XXXXXX", where != NULL ? where : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
    static const char *const made[] = {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                                       "/sys/devices/system/cpu/cpu0/cpufreq",
                                       "/sys/devices/system/cpu/cpu0",
                                       "/sys/devices/system/cpu",
                                       "/sys/devices/system",
                                       "/sys/devices",
                                       "/sys",
                                       "/proc/cpuinfo",
                                       "/proc/loadavg",
                                       "/proc/sys/net/ipv4/tcp_congestion_control",
                                       "/proc/sys/net/ipv4",
                                       "/proc/sys/net",
                                       "/proc/sys",
                                       "/proc",
                                       ""};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        char full[256];
        snprintf(full, sizeof full, "%s%s", root, made[i]);
        remove(full);
    }
}

START_TEST(a_machine_of_metal_has_a_governor)
{
    struct bench_conditions c;
    put("/proc/cpuinfo",
        "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t\t: fpu hypervisors\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    put("/proc/loadavg", "0.61 0.36 0.96 1/123 4567\n");
    put("/proc/sys/net/ipv4/tcp_congestion_control", "bbr\n");
    bench_conditions_read_below(&c, root);
    ck_assert_str_eq(c.cpu, "AMD EPYC 9R14");
    ck_assert_str_eq(c.governor, "performance");
    ck_assert_double_eq_tol(c.load, 0.61, 1e-9);
    ck_assert_str_eq(c.pinning, "not pinned");
    ck_assert_str_eq(c.congestion, "bbr");
    ck_assert_uint_ge(c.cores, 1);
}
END_TEST

START_TEST(a_guest_is_said_to_be_one)
{
    struct bench_conditions c;
    put("/proc/cpuinfo", "model name : Xeon\nflags : fpu hypervisor sse\n");
    bench_conditions_read_below(&c, root);
    ck_assert_int_eq(strncmp(c.governor, "virtual machine", 15), 0);
    ck_assert(isnan(c.load));
}
END_TEST

START_TEST(what_nobody_tells_is_unknown_and_not_made_up)
{
    struct bench_conditions c;
    bench_conditions_read_below(&c, root);
    ck_assert_str_eq(c.governor, "unknown");
    ck_assert_str_eq(c.congestion, "");
    ck_assert_int_ne(c.cpu[0], '\0'); /* at least the kind of machine */
    ck_assert_int_eq(strncmp(c.kernel, "Linux ", 6), 0);
}
END_TEST

/* To be freed. */
static char *line_of(const struct bench_conditions *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    bench_conditions_print(c, file);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

START_TEST(the_line_has_it_all_and_no_newline)
{
    struct bench_conditions c = {.kernel = "Linux 6.18.0",
                                 .cpu = "AMD EPYC",
                                 .cores = 2,
                                 .governor = "performance",
                                 .versions = "echolab 0.1, libevent 2.1.12",
                                 .pinning = "generator on core 0",
                                 .load = 0.5,
                                 .date = "2026-11-28T05:00:00Z",
                                 .options = "closed loop, 64 bytes"};
    char *text = line_of(&c);
    ck_assert_str_eq(text, "conditions: Linux 6.18.0, AMD EPYC, 2 cores, governor performance, "
                           "generator on core 0, echolab 0.1, libevent 2.1.12, load average 0.50, "
                           "2026-11-28T05:00:00Z; closed loop, 64 bytes");
    free(text);
}
END_TEST

/* What is as everywhere needs no word. */
START_TEST(what_decides_about_rates_is_said_when_it_is_unusual)
{
    struct bench_conditions c = {.kernel = "Linux", .load = 0.5, .congestion = "cubic"};
    char *text = line_of(&c);
    ck_assert_ptr_null(strstr(text, "congestion"));
    ck_assert_ptr_null(strstr(text, "doubtful"));
    free(text);
    c.load = 0.51;
    strcpy(c.congestion, "bbr");
    text = line_of(&c);
    ck_assert_ptr_nonnull(
        strstr(text, ", TCP congestion control bbr, load average 0.51 (doubtful: "));
    ck_assert_ptr_nonnull(strstr(text, "did just now)"));
    free(text);
}
END_TEST

START_TEST(an_unknown_load_is_null)
{
    struct bench_conditions c = {.kernel = "Linux", .load = NAN};
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    struct el_json json = el_json_begin(file);
    el_json_object(&json, NULL);
    bench_conditions_json(&c, &json);
    el_json_end(&json);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_ptr_nonnull(strstr(text, "{\"conditions\":{\"kernel\":\"Linux\""));
    ck_assert_ptr_nonnull(strstr(text, "\"load_average\":null"));
    ck_assert_ptr_nonnull(strstr(text, "\"options\":null}"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_conditions");
    TCase *t = tcase_create("conditions");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_machine_of_metal_has_a_governor);
    tcase_add_test(t, a_guest_is_said_to_be_one);
    tcase_add_test(t, what_nobody_tells_is_unknown_and_not_made_up);
    tcase_add_test(t, the_line_has_it_all_and_no_newline);
    tcase_add_test(t, what_decides_about_rates_is_said_when_it_is_unusual);
    tcase_add_test(t, an_unknown_load_is_null);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
