/*
 * fuzz_peer_script.c - a script of lab_peer as an author mistypes it.
 *
 * Input:    the text of a script.
 * Asserted: it is taken, or refused with a line that it has and a sentence; what a step holds is within the bounds of peer_script.h;
 *           each line of a script that is taken is taken alone too, as the same step, and the line that is refused
 *           is refused alone, for the same reason.
 * Run:      make fuzz FUZZ=peer_script
 */
#include "fuzz.h"
#include "peer_script.h"

/* A copy that ends where it ends: there is no NUL to lean on. */
static bool parse_copy(const void *data, size_t size, struct peer_script *script)
{
    char *text = malloc(size);
    fuzz_holds(text != NULL || size == 0);
    if (size > 0)
        memcpy(text, data, size);
    bool taken = peer_script_parse(text, size, script);
    free(text); /* a step borrows nothing of it */
    return taken;
}

static void check_step(const struct peer_step *step)
{
    bool alone = step->verb == PEER_WAIT || step->verb == PEER_SAY;
    fuzz_holds(step->verb <= PEER_SAY && peer_verb_name(step->verb) != NULL);
    fuzz_holds(memchr(step->name, '\0', sizeof step->name) != NULL &&
               memchr(step->other, '\0', sizeof step->other) != NULL);
    fuzz_holds(fuzz_printable(step->name) && fuzz_printable(step->other));
    fuzz_holds((step->name[0] == '\0') == alone);
    fuzz_holds(step->data <= PEER_RECEIVED && step->wanted <= PEER_WANT_TIMEOUT);
    fuzz_holds(step->length <= PEER_BYTES_MAX && step->chunk <= PEER_BYTES_MAX);
    fuzz_holds(step->every >= 0 && step->every <= PEER_MS_MAX);
    fuzz_holds(step->within >= -1 && step->within <= PEER_MS_MAX);
    fuzz_holds(step->backlog >= 0 && step->backlog <= 65535);
    if (step->bytes != NULL)
        fuzz_holds(step->bytes[step->length] == '\0');
    else
        fuzz_holds(step->verb != PEER_SAY);
}

static void check_same(const struct peer_step *one, const struct peer_step *other)
{
    fuzz_holds(one->verb == other->verb && one->data == other->data &&
               one->wanted == other->wanted && one->length == other->length);
    fuzz_holds(strcmp(one->name, other->name) == 0 && strcmp(one->other, other->other) == 0);
    fuzz_holds((one->bytes == NULL) == (other->bytes == NULL));
    if (one->bytes != NULL)
        fuzz_holds(memcmp(one->bytes, other->bytes, one->length) == 0);
}

/* The script once more, a line at a time. */
static void check_lines(const struct peer_script *script, struct fuzz_input input)
{
    size_t step = 0;
    for (unsigned line = 1; input.left > 0; line++) {
        const uint8_t *end = memchr(input.at, '\n', input.left);
        size_t length = end != NULL ? (size_t)(end - input.at) : input.left;
        struct peer_script alone;
        bool taken = parse_copy(input.at, length, &alone);
        fuzz_holds(taken == (line != script->bad_line));
        if (!taken)
            fuzz_holds(strcmp(alone.why, script->why) == 0);
        else if (alone.count > 0)
            check_same(&alone.steps[0], &script->steps[step++]);
        peer_script_free(&alone);
        if (!taken)
            return;
        input.at += length + (end != NULL);
        input.left -= length + (end != NULL);
    }
    fuzz_holds(script->bad_line == 0 && step == script->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer_script script;
    bool taken = parse_copy(data, size, &script);
    fuzz_holds(taken == (script.bad_line == 0));
    fuzz_holds(taken || fuzz_sentence(script.why));
    fuzz_holds(strlen(script.why) < sizeof script.why - 1);
    for (size_t i = 0; taken && i < script.count; i++) {
        fuzz_holds(script.steps[i].line > (i > 0 ? script.steps[i - 1].line : 0));
        check_step(&script.steps[i]);
    }
    check_lines(&script, (struct fuzz_input){data, size});
    peer_script_free(&script);
    return 0;
}
