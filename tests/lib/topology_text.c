/* topology_text.c - see topology_text.h. */
#include "topology_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

const char *const shipped_topologies[] = {"pair",     "routed", "dual",  "multihomed",
                                          "balanced", "ten",    "bench", NULL};

/* Tests run in the tree, or are started by hand from anywhere: BUILD/VARIANT/tests/test_x. */
static FILE *open_shipped(const char *name)
{
    char path[4096], program[2048] = "";
    snprintf(path, sizeof path, "netns/topologies/%s", name);
    FILE *file = fopen(path, "re");
    ssize_t length = file == NULL ? readlink("/proc/self/exe", program, sizeof program - 1) : 0;
    for (int up = 0; up < 4 && length > 0; up++) {
        char *slash = strrchr(program, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    if (length > 0) {
        snprintf(path, sizeof path, "%s/netns/topologies/%s", program, name);
        file = fopen(path, "re");
    }
    return file;
}

const char *shipped_text(const char *name, size_t *length)
{
    static char text[TOPOLOGY_TEXT + 1];
    FILE *file = open_shipped(name);
    ck_assert_msg(file != NULL, "netns/topologies/%s cannot be read", name);
    *length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[*length] = '\0';
    return text;
}

struct topology *topology_of(const char *text)
{
    static struct topology topology;
    struct topology_error error = {0};
    int result = topology_parse(&topology, text, strlen(text), &error);
    ck_assert_msg(result == 0, "line %u: %s", error.line, error.text);
    return &topology;
}

char *topology_normal(const struct topology *topology)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    topology_print(topology, file);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}
