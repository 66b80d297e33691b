/*
 * fuzz_bench_files.c - the table that strace -c wrote for the load generator, and the row that it writes itself.
 *
 * Input:    the table; the same text is also the target that somebody typed, and so a field of CSV.
 * Asserted: the table is added up, or refused; a field of CSV stays one field of its row (RFC 4180), whatever is in it, and says
 *           what was typed; every row has as many fields as the header.
 * Run:      make fuzz FUZZ=bench_files
 */
#include "fuzz.h"
#include "result.h"
#include "watch.h"

#include <errno.h>

enum { TARGET_FIELD = 4, FIELDS_MAX = 64 };

/* Takes one row apart as RFC 4180 says. How many fields; 0: it is none. *field (of `wanted`) is the caller's to free. */
static size_t take_row(const char **at, size_t wanted, char **field)
{
    char *text = malloc(strlen(*at) + 1);
    size_t count = 1, used = 0;
    bool quoted = false;
    *field = NULL;
    for (const char *c = *at; *c != '\0'; c++) {
        if (*c == '"' && !(quoted && c[1] == '"')) {
            quoted = !quoted;
            continue;
        }
        c += *c == '"'; /* a doubled one is one */
        if (!quoted && (*c == ',' || *c == '\n')) {
            text[used] = '\0';
            if (count - 1 == wanted)
                *field = strdup(text);
            used = 0;
            if (*c == '\n') {
                *at = c + 1;
                free(text);
                return count;
            }
            count++;
            continue;
        }
        text[used++] = *c;
    }
    free(text);
    return 0;
}

static void check_csv(const char *target)
{
    struct bench_sample samples[2] = {{.elapsed = EL_S, .server_cpu = -1}, {.elapsed = EL_S}};
    struct bench_result result = {.command = "tcp",
                                  .path = "loopback",
                                  .target = target,
                                  .workload = "",
                                  .samples = samples,
                                  .count = 2};
    char *text = NULL, *field;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    fuzz_holds(to != NULL);
    samples[0].latency = samples[1].latency = el_histogram_new();
    bench_csv_header(to);
    bench_csv_rows(&result, to);
    fclose(to);
    el_histogram_free(samples[0].latency);
    const char *at = text;
    size_t columns = take_row(&at, TARGET_FIELD, &field);
    fuzz_holds(columns > TARGET_FIELD && strcmp(field, "target") == 0);
    free(field);
    for (size_t row = 0; row < result.count; row++) {
        fuzz_holds(take_row(&at, TARGET_FIELD, &field) == columns);
        fuzz_holds(strcmp(field, target) == 0);
        free(field);
    }
    fuzz_holds(*at == '\0');
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_whole(data, size);
    int64_t calls = bench_strace_total(text);
    fuzz_holds(calls >= 0 || calls == -EINVAL);
    check_csv(text);
    free(text);
    return 0;
}
