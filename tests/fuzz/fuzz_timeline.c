/*
 * fuzz_timeline.c - a directory of records of which nothing is certain, and the four ways to show it.
 *
 * Input:    the files, each behind a line "== NAME".
 * Asserted: it is read, or refused with an errno; the order has every event once, and keeps every certain edge unless it says that
 *           it could not; the text has no control characters; JSON is valid to the letter; what foreign programs wrote does not
 *           become markup: in SVG and HTML every "<" begins an element of ours.
 * Run:      make fuzz FUZZ=timeline
 */
#include "fuzz.h"
#include "fuzz_files.h"
#include "json_check.h"
#include "timeline_show.h"

#include <ctype.h>
#include <errno.h>

static const char *const files[] = {"meta",    "client.1.strace", "server.1.strace",
                                    "packets", "faults",          "states"};

/* The next section is written to a file, if it is one that timeline_read looks for. */
static void write_section(struct fuzz_input *input)
{
    char *name = fuzz_text(input, '\n');
    const uint8_t *end = input->left > 0 ? memmem(input->at, input->left, "\n== ", 4) : NULL;
    size_t length = end == NULL ? input->left : (size_t)(end - input->at) + 1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(name, files[i]) == 0)
            fuzz_write(name, input->at, length);
    input->at += length;
    input->left -= length;
    if (input->left >= 3) {
        input->at += 3;
        input->left -= 3;
    }
    free(name);
}

/* ---- the order ------------------------------------------------------------------------------- */

static void check_order(const struct timeline *timeline)
{
    uint32_t *place = calloc(timeline->event_count + 1, sizeof *place);
    fuzz_holds(place != NULL);
    for (size_t i = 0; i < timeline->event_count; i++) {
        uint32_t event = timeline->order[i];
        fuzz_holds(event < timeline->event_count && place[event] == 0);
        place[event] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < timeline->edge_count && timeline->against == 0; i++) {
        const struct timeline_edge *edge = &timeline->edges[i];
        fuzz_holds(edge->from < timeline->event_count && edge->to < timeline->event_count);
        if (!edge->soft)
            fuzz_holds(place[edge->from] < place[edge->to]);
    }
    free(place);
}

/* ---- the four ways --------------------------------------------------------------------------- */

static FILE *begin(char **text, size_t *length)
{
    FILE *out = open_memstream(text, length);
    fuzz_holds(out != NULL);
    return out;
}

static void check_text(const struct timeline *timeline, bool ascii)
{
    struct timeline_look look = {.width = 100, .ascii = ascii};
    char *text = NULL;
    size_t length = 0;
    FILE *out = begin(&text, &length);
    int error = timeline_text(timeline, &look, out);
    fclose(out);
    fuzz_holds(error == 0 && text != NULL);
    for (size_t i = 0; i < length; i++)
        fuzz_holds(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
    free(text);
}

static void check_json(const struct timeline *timeline)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = begin(&text, &length);
    int error = timeline_json(timeline, out);
    fclose(out);
    fuzz_holds(error == 0 && json_is_valid(text, length));
    free(text);
}

/* A "<" of a record would begin no name of an element. */
static void check_markup(const struct timeline *timeline,
                         int (*show)(const struct timeline *, FILE *))
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = begin(&text, &length);
    int error = show(timeline, out);
    fclose(out);
    fuzz_holds(error == 0 && text != NULL && length > 0);
    for (const char *at = text; (at = strchr(at, '<')) != NULL; at++)
        fuzz_holds(islower((unsigned char)at[1]) || at[1] == '/' || at[1] == '!' || at[1] == '?');
    fuzz_holds(strstr(text, "<b33f") == NULL); /* the seeds try to smuggle this in */
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const char *object = NULL;
    fuzz_empty(fuzz_directory());
    fuzz_write("meta", "", 0);
    if (input.left >= 3) { /* "== " */
        input.at += 3;
        input.left -= 3;
    }
    while (input.left > 0)
        write_section(&input);
    struct timeline *timeline = timeline_read(fuzz_directory(), size % 2 == 0, &object);
    if (timeline == NULL) {
        fuzz_holds(errno != 0 && object != NULL);
        return 0;
    }
    check_order(timeline);
    check_json(timeline);
    check_markup(timeline, timeline_svg);
    check_markup(timeline, timeline_html);
    timeline_fit(timeline, 4);
    check_text(timeline, size % 3 == 0);
    timeline_free(timeline);
    return 0;
}
