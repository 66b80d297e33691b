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
