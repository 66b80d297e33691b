/*
 * fuzz_json.c - whatever is written, in whatever nesting, is a JSON document.
 *
 * Input:    steps: open, close, a text, a number ...; texts are ended by a 0.
 * Asserted: what comes out is one line and valid to the letter (json_check.c is the judge), wherever el_json_end ended it.
 * Run:      make fuzz FUZZ=json
 */
#include "fuzz.h"
#include "json.h"
#include "json_check.h"

enum { DEEPEST = 60 };

struct run {
    struct el_json json;
    bool array[DEEPEST + 1];
    unsigned depth;
};

static void open_one(struct run *run, const char *key, bool array)
{
    if (run->depth == DEEPEST)
        return;
    if (array)
        el_json_array(&run->json, key);
    else
        el_json_object(&run->json, key);
    run->array[++run->depth] = array;
}

static void close_one(struct run *run)
{
    if (run->depth <= 1) /* the document itself is ended by el_json_end */
        return;
    if (run->array[run->depth--])
        el_json_close_array(&run->json);
    else
        el_json_close_object(&run->json);
}

static double any_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void write_value(struct run *run, struct fuzz_input *input, uint8_t what, const char *key)
{
    char *text;
    switch (what % 6) {
    case 0:
        text = fuzz_text(input, 0);
        el_json_text(&run->json, key, text);
        free(text);
        break;
    case 1:
        el_json_int(&run->json, key, (int64_t)fuzz_number(input, 8));
        break;
    case 2:
        el_json_uint(&run->json, key, fuzz_number(input, 8));
        break;
    case 3:
        el_json_number(&run->json, key, any_double(fuzz_number(input, 8)), what / 6 % 10);
        break;
    case 4:
        el_json_bool(&run->json, key, what & 128);
        break;
    default:
        el_json_text(&run->json, key, NULL);
        break;
    }
}

static void one_step(struct run *run, struct fuzz_input *input)
{
    uint8_t what = fuzz_byte(input);
    char *key = run->array[run->depth] ? NULL : fuzz_text(input, 0);
    if (what % 5 == 0)
        open_one(run, key, what & 128);
    else if (what % 5 == 1)
        close_one(run);
    else
        write_value(run, input, what / 5, key);
    free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    fuzz_holds(file != NULL);
    struct run run = {.json = el_json_begin(file)};
    open_one(&run, NULL, fuzz_byte(&input) & 1);
    while (input.left > 0)
        one_step(&run, &input);
    el_json_end(&run.json);
    fuzz_holds(fclose(file) == 0 && length > 0);
    fuzz_holds(text[length - 1] == '\n' && memchr(text, '\n', length) == text + length - 1);
    fuzz_holds(json_is_valid(text, length));
    free(text);
    return 0;
}
