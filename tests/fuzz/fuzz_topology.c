/*
 * fuzz_topology.c - a lab network as anybody may write it down.
 *
 * Input:    the text of a topology file.
 * Asserted: it is taken, or refused with its line and a sentence; what is taken reads back from its normal form as
 *           the same, can be drawn in both ways, and can be planned, or is refused by the planner in words; the plan of the normal form
 *           is the plan of the text, to the byte.
 * Run:      make fuzz FUZZ=topology
 * Leaves out: whether init.sh can run the plan. The tests in tests/netns build the topologies that are shipped.
 */
#include "fuzz.h"
#include "fuzz_files.h"
#include "topology.h"

enum { LARGEST_PLAN = 6 /* places: each costs a directory and six files */ };

static size_t lines_of(const char *text, size_t length)
{
    size_t lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

static char *normal_of(const struct topology *topology, size_t *length)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, length);
    fuzz_holds(file != NULL);
    topology_print(topology, file);
    fuzz_holds(fclose(file) == 0);
    return text;
}

static void check_pictures(const struct topology *topology)
{
    char *drawn = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&drawn, &size);
    fuzz_holds(file != NULL);
    fuzz_holds(topology_draw(topology, true, file) == 0);
    fuzz_holds(topology_draw(topology, false, file) == 0);
    topology_draw_dot(topology, file);
    fuzz_holds(fclose(file) == 0 && size > 0);
    free(drawn);
}

/* The files of a plan in one text; NULL: it was refused. The caller frees it. */
static char *plan_of(const struct topology *topology, size_t *length)
{
    struct topology_error error = {0};
    const char *directory = fuzz_directory();
    char *all = NULL;
    int result = topology_plan(topology, directory, "4f3a", &error);
    if (result == 0)
        all = fuzz_gather(directory, length);
    else
        fuzz_holds(fuzz_sentence(error.text));
    fuzz_empty(directory);
    return all;
}

static void check_plan(const struct topology *one, const struct topology *other)
{
    size_t length = 0, other_length = 0;
    char *plan = plan_of(one, &length), *again = plan_of(other, &other_length);
    fuzz_holds((plan == NULL) == (again == NULL));
    if (plan != NULL)
        fuzz_holds(length == other_length && memcmp(plan, again, length) == 0);
    free(plan);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct topology topology, again;
    struct topology_error error = {0};
    size_t length = 0, second_length = 0;
    char *text = malloc(size + 1); /* it ends where it ends: there is no NUL to lean on */
    fuzz_holds(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    if (topology_parse(&topology, text, size, &error) < 0) {
        fuzz_holds(fuzz_sentence(error.text));
        fuzz_holds(strlen(error.text) < sizeof error.text - 1);
        fuzz_holds(error.line <= lines_of(text, size));
        free(text);
        return 0;
    }
    char *normal = normal_of(&topology, &length);
    fuzz_holds(topology_parse(&again, normal, length, &error) == 0);
    char *second = normal_of(&again, &second_length);
    fuzz_holds(length == second_length && memcmp(normal, second, length) == 0);
    check_pictures(&topology);
    if (topology.places <= LARGEST_PLAN)
        check_plan(&topology, &again);
    free(second);
    free(normal);
    free(text);
    return 0;
}
