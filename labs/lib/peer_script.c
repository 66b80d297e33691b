/*
 * peer_script.c - reads a script: each line becomes one step, or the one complaint. See peer_script.h.
 *
 * A line is cut into words first (peer_words.c); then each verb has a function below that takes its own
 * words from the front. What is left over is a mistake, and is named.
 */
#include "peer_script.h"
#include "peer_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_within(struct peer_words *words, struct peer_step *step)
{
    return !peer_take(words, "within") || peer_take_ms(words, &step->within);
}

static bool parse_outcome(struct peer_words *words, struct peer_step *step)
{
    static const struct {
        const char *word;
        enum peer_wanted wanted;
    } outcomes[] = {{"echo", PEER_WANT_ECHO},       {"datagram", PEER_WANT_DATAGRAM},
                    {"eof", PEER_WANT_EOF},         {"reset", PEER_WANT_RESET},
                    {"end", PEER_WANT_END},         {"refused", PEER_WANT_REFUSED},
                    {"timeout", PEER_WANT_TIMEOUT}, {"unreachable", PEER_WANT_UNREACHABLE},
                    {"silence", PEER_WANT_SILENCE}};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (peer_take(words, outcomes[i].word)) {
            step->wanted = outcomes[i].wanted;
            return true;
        }
    return false;
}

static bool parse_connect(struct peer_words *words, struct peer_step *step)
{
    if (!peer_at_end(words) && !peer_take_address(words, &step->address))
        return false;
    if (peer_take(words, "from") && !peer_take_address(words, &step->from))
        return false;
    if (peer_take(words, "expect") &&
        (!parse_outcome(words, step) ||
         (step->wanted != PEER_WANT_REFUSED && step->wanted != PEER_WANT_TIMEOUT &&
          step->wanted != PEER_WANT_UNREACHABLE && step->wanted != PEER_WANT_RESET)))
        return peer_complain(words, "connect can expect refused, timeout, unreachable or reset");
    return take_within(words, step);
}

static bool parse_listen(struct peer_words *words, struct peer_step *step)
{
    size_t backlog = 128;
    if (!peer_take_address(words, &step->address))
        return false;
    if (peer_take(words, "backlog") && !peer_take_number(words, &backlog, 0, 65535))
        return false;
    step->backlog = (int)backlog;
    return true;
}

static bool parse_accept(struct peer_words *words, struct peer_step *step)
{
    return peer_take_name(words, step->other) && take_within(words, step);
}

static bool parse_address(struct peer_words *words, struct peer_step *step)
{
    return peer_take_address(words, &step->address);
}

static bool parse_udp(struct peer_words *words, struct peer_step *step)
{
    return peer_at_end(words) || peer_take_address(words, &step->address);
}

static bool parse_chunks(struct peer_words *words, struct peer_step *step)
{
    if (!peer_take(words, "chunk"))
        return true;
    if (!peer_take_number(words, &step->chunk, 1, PEER_BYTES_MAX))
        return false;
    if (!peer_take(words, "every"))
        return peer_complain(words, "chunk K is followed by every MS");
    return peer_take_ms(words, &step->every);
}

static bool parse_bytes(struct peer_words *words, struct peer_step *step)
{
    if (peer_take(words, "text")) {
        step->data = PEER_TEXT;
        return peer_take_text(words, &step->bytes, &step->length);
    }
    if (peer_take(words, "hex")) {
        step->data = PEER_HEX;
        return peer_take_hex(words, &step->bytes, &step->length);
    }
    return false;
}

static bool parse_send(struct peer_words *words, struct peer_step *step)
{
    if (peer_take(words, "random")) {
        if (!peer_take_number(words, &step->length, 0, PEER_BYTES_MAX))
            return false;
    } else if (peer_take(words, "received")) {
        step->data = PEER_RECEIVED;
        if (!peer_at_end(words) && !peer_next_is(words, "chunk") &&
            !peer_take_name(words, step->other))
            return false;
    } else if (!parse_bytes(words, step)) {
        return peer_complain(words, "what is sent? random N, text \"...\", hex 00ff, or received");
    }
    return parse_chunks(words, step);
}

static bool parse_random(struct peer_words *words, struct peer_step *step)
{
    if (!peer_take(words, "random"))
        return peer_complain(words, "random N, and no other bytes");
    return peer_take_number(words, &step->length, 1, PEER_BYTES_MAX) && take_within(words, step);
}

static bool parse_expect(struct peer_words *words, struct peer_step *step)
{
    if (parse_bytes(words, step)) {
        step->wanted = PEER_WANT_TEXT;
        return take_within(words, step);
    }
    if (!parse_outcome(words, step))
        return peer_complain(words,
                             "what is expected? echo, text \"...\", hex 00ff, datagram, eof, "
                             "reset, end, silence MS, refused, unreachable");
    if (step->wanted == PEER_WANT_SILENCE)
        return peer_take_ms(words, &step->within);
    return take_within(words, step);
}

static bool parse_receive(struct peer_words *words, struct peer_step *step)
{
    if (peer_take(words, "line"))
        step->wanted = PEER_WANT_LINE;
    else if (peer_take(words, "datagram"))
        step->wanted = PEER_WANT_DATAGRAM;
    else if (!peer_next_is_number(words))
        return peer_complain(words, "what is received? N bytes, a line, or a datagram");
    else if (!peer_take_number(words, &step->length, 1, PEER_BYTES_MAX))
        return false;
    else
        step->wanted = PEER_WANT_COUNT;
    return take_within(words, step);
}

static bool parse_wait(struct peer_words *words, struct peer_step *step)
{
    return peer_take_ms(words, &step->within);
}

static bool parse_say(struct peer_words *words, struct peer_step *step)
{
    return peer_take_text(words, &step->bytes, &step->length);
}

static bool parse_nothing(struct peer_words *words, struct peer_step *step)
{
    (void)words, (void)step;
    return true;
}

static const struct verb {
    const char *word;
    bool (*parse)(struct peer_words *words, struct peer_step *step);
} verbs[] = {
    [PEER_CONNECT] = {"connect", parse_connect},
    [PEER_LISTEN] = {"listen", parse_listen},
    [PEER_ACCEPT] = {"accept", parse_accept},
    [PEER_UDP] = {"udp", parse_udp},
    [PEER_TO] = {"to", parse_address},
    [PEER_FORGET] = {"forget", parse_nothing},
    [PEER_ERRORS] = {"errors", parse_nothing},
    [PEER_SEND] = {"send", parse_send},
    [PEER_EXCHANGE] = {"exchange", parse_random},
    [PEER_PUSH] = {"push", parse_random},
    [PEER_EXPECT] = {"expect", parse_expect},
    [PEER_RECEIVE] = {"receive", parse_receive},
    [PEER_SHUTDOWN] = {"shutdown", parse_nothing},
    [PEER_CLOSE] = {"close", parse_nothing},
    [PEER_RESET] = {"reset", parse_nothing},
    [PEER_WAIT] = {"wait", parse_wait},
    [PEER_SAY] = {"say", parse_say},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

const char *peer_verb_name(enum peer_verb verb)
{
    return verbs[verb].word;
}

/* `wait 100` and `say "..."` stand alone; before every other verb stands the end that does it. */
static bool parse_line(struct peer_words *words, struct peer_step *step)
{
    *step = (struct peer_step){.line = step->line, .within = -1};
    bool alone = peer_next_is(words, "wait") || peer_next_is(words, "say");
    if (!alone && !peer_take_name(words, step->name))
        return false;
    for (int i = 0; i < VERBS; i++) {
        if (alone != (i == PEER_WAIT || i == PEER_SAY) || !peer_take(words, verbs[i].word))
            continue;
        step->verb = (enum peer_verb)i;
        if (!verbs[i].parse(words, step))
            return peer_complain(words, "this verb wants other words after it");
        return peer_at_end(words) || peer_complain(words, "too many words");
    }
    return peer_complain(words, "no such verb (lab_peer --help lists them)");
}

/* Steps are many in a script that a loop made, so the array doubles. */
static struct peer_step *next_step(struct peer_script *script)
{
    if (script->count == PEER_STEPS_MAX)
        return NULL;
    if ((script->count & (script->count - 1)) == 0) {
        size_t room = script->count == 0 ? 1 : script->count * 2;
        struct peer_step *grown = realloc(script->steps, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        script->steps = grown;
    }
    return &script->steps[script->count];
}

static bool fail(struct peer_script *script, unsigned line, const char *why)
{
    script->bad_line = line;
    snprintf(script->why, sizeof script->why, "%s", why);
    return false;
}

bool peer_script_parse(const char *text, size_t length, struct peer_script *script)
{
    *script = (struct peer_script){0};
    const char *end = text + length;
    for (unsigned line = 1; text < end; line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (stop == NULL)
            stop = end;
        struct peer_words words;
        if (!peer_words_cut(&words, text, (size_t)(stop - text)))
            return fail(script, line, words.why);
        text = stop + 1;
        if (peer_at_end(&words))
            continue;
        struct peer_step *step = next_step(script);
        if (step == NULL)
            return fail(script, line, "too many steps");
        step->line = line;
        bool good = parse_line(&words, step);
        script->count++; /* also a bad one, whose bytes are to be freed */
        if (!good)
            return fail(script, line, words.why);
    }
    return true;
}

void peer_script_free(struct peer_script *script)
{
    for (size_t i = 0; i < script->count; i++)
        free(script->steps[i].bytes);
    free(script->steps);
    *script = (struct peer_script){0};
}
