/*
 * setup.c - what `models` and `compare` do alike: the paths, the cores, paragraphs of text.
 *
 * Partner: models.c, compare.c; place.c
 */
#include "setup.h"

#include <sched.h>
#include <string.h>

enum { WIDTH = 100 };

int bench_setup_place(struct bench_session *session, struct bench_place *place)
{
    const struct bench_options *options = session->options;
    const char *wrong = "";
    char asked[64], shown[64];
    if (bench_place_open(place, options->paths, options->only_v6, &wrong) == 0)
        return 0;
    snprintf(asked, sizeof asked, "%.*s", (int)strcspn(wrong, ","), wrong);
    return bench_session_fail(session, BENCH_EXIT_LOCAL,
                              "--paths: \"%s\": no such path (loopback, veth)",
                              el_name_escape(asked, shown, sizeof shown));
}

/* The first two cores that we may use; with one alone pinning would say nothing. */
void bench_setup_cores(struct bench_session *session, int *server, int *load, const char *also)
{
    struct bench_conditions *conditions = &session->conditions;
    int core[2] = {-1, -1}, found = 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
            if (CPU_ISSET(cpu, &set))
                core[found++] = cpu;
    *server = found == 2 ? core[0] : -1;
    *load = found == 2 ? core[1] : -1;
    if (found == 2)
        snprintf(conditions->pinning, sizeof conditions->pinning,
                 "servers on core %d, generator on core %d%s", core[0], core[1], also);
    else
        snprintf(conditions->pinning, sizeof conditions->pinning,
                 "not pinned: servers and generator share a single core");
}

bool bench_setup_has_time(const struct bench_session *session, el_time round, double share)
{
    el_duration limit = session->options->deadline;
    el_time now = el_now();
    if (*session->stop)
        return false;
    return limit == 0 ||
           now + (now - round) <= session->opened + (el_duration)(share * (double)limit);
}

/*
 * [#starved] Messages that are under way when the measuring begins or ends are counted on one side of a border, and the CPU that they took may
 * lie on the other. With so few messages in all, on a machine that has other things to do, CPU a message means nothing.
 */
static bool is_starved(const struct bench_load *load, const struct bench_sample *sample)
{
    return sample->counts.received < (uint64_t)4 * load->connections * load->window;
}

bool bench_setup_run(const struct bench_load *load, struct bench_result *result, char *trouble,
                     size_t size)
{
    struct bench_sample sample;
    int error = bench_run(load, &sample);
    trouble[0] = '\0';
    if (!sample.interrupted && (error < 0 || sample.error != 0))
        snprintf(trouble, size, "%s",
                 sample.failure[0] != '\0' ? sample.failure : strerror(sample.error));
    else if (sample.counts.corrupt + sample.counts.wrong_source > 0)
        snprintf(trouble, size, "it sent back what was never sent");
    if (is_starved(load, &sample))
        sample.server_cpu = -1;
    if (!sample.interrupted && sample.latency != NULL && bench_result_add(result, &sample) == 0)
        return true;
    bench_sample_free(&sample);
    return false;
}

void bench_print_paragraph(const char *text, bool markdown, FILE *to)
{
    size_t column = strspn(text, " "), indent = column + 4;
    fprintf(to, "%.*s", (int)column, text);
    text += column;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > indent && !markdown && column + word > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(to, "%.*s", (int)word, text);
        text += word;
        column += word + 1;
        if (*text == ' ' && (markdown || column + strcspn(text + 1, " ") <= WIDTH))
            fputc(' ', to);
        text += *text == ' ';
    }
    fputc('\n', to);
}
