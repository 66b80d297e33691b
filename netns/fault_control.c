/*
 * fault_control.c - requests to the engine: add a rule, clear some, show all.
 *
 * Teaches:  a socket of packets (SOCK_SEQPACKET) keeps messages whole as UDP does and tells both sides
 *           when the other is gone as TCP does: with it a protocol of one line and one answer needs no
 *           framing and no buffer. The answer is made and sent within the callback; whoever does not
 *           take it loses it, the engine never waits. [#never-wait-for-a-client]
 * Partner:  fault_client.c, the other side.
 */
#include "fault_control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 8, CLIENT_SECONDS = 5 };

struct client {
    struct fault_control *control;
    struct event *event; /* NULL: this place is free */
};

struct fault_control {
    struct fault_engine *engine;
    struct event *event;
    int fd;
    struct client client[CLIENTS];
};

/* ---- the list of rules ----------------------------------------------------------------------- */

static void save(struct fault_engine *engine)
{
    const struct fault_rule *rules[FAULT_RULES_MAX];
    for (size_t i = 0; i < engine->rules; i++)
        rules[i] = &engine->rule[i]->rule;
    int error = fault_rules_save(FAULT_RULES_PATH, rules, engine->rules);
    if (error < 0)
        fprintf(stderr, "fault_queue: %s: write: %s\n", FAULT_RULES_PATH, strerror(-error));
}

static struct fault_state *append(struct fault_engine *engine, const struct fault_rule *rule)
{
    struct fault_state *state = malloc(sizeof *state);
    if (state == NULL)
        return NULL;
    fault_state_init(state, rule);
    engine->rule[engine->rules++] = state;
    if (rule->number > engine->last_number)
        engine->last_number = rule->number;
    return state;
}

void fault_control_inherit(struct fault_engine *engine, const char *path)
{
    static struct fault_rule rules[FAULT_RULES_MAX];
    size_t count = fault_rules_load(path, rules, FAULT_RULES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].number > engine->last_number)
            engine->last_number = rules[i].number;
        if (rules[i].kernel != FAULT_QUEUED)
            append(engine, &rules[i]);
    }
    save(engine);
}

/* ---- add ------------------------------------------------------------------------------------- */

/* The queue's rules at every place that one of these links ends at. */
static void plan_places(struct fault_engine *engine, FILE *out, const bool concerned[])
{
    const struct fault_rule *rules[FAULT_RULES_MAX];
    for (size_t i = 0; i < engine->rules; i++)
        rules[i] = &engine->rule[i]->rule;
    for (size_t i = 0; i < engine->places; i++)
        if (concerned[i])
            fault_plan_queue(out, &engine->plugs, rules, engine->rules, engine->place[i].name);
}

static void mark_concerned(const struct fault_engine *engine, const struct fault_rule *rule,
                           bool concerned[])
{
    for (size_t i = 0; i < engine->places; i++)
        concerned[i] |=
            (fault_rule_goes(rule, false) && strcmp(engine->place[i].name, rule->to) == 0) ||
            (fault_rule_goes(rule, true) && strcmp(engine->place[i].name, rule->from) == 0);
}

static void refuse(FILE *out, const char *why)
{
    fprintf(out, "error %s\n", why);
}

static void add(struct fault_engine *engine, const char *words, FILE *out)
{
    char line[FAULT_REQUEST_MAX + 8], why[FAULT_WHY_MAX];
    bool concerned[FAULT_PLACES_MAX] = {false};
    struct fault_rule rule;
    uint32_t seed = 0;
    snprintf(line, sizeof line, "0 %s", words);
    if (fault_rule_read(line, &rule) < 0)
        return refuse(out, "not a rule"); /* the client has checked it: this one is not ours */
    if (fault_plugs_check(&engine->plugs, rule.from, rule.to, why) < 0)
        return refuse(out, why);
    if (engine->rules == FAULT_RULES_MAX)
        return refuse(out, "there are 64 faults already (net fault clear)");
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return refuse(out, "no random numbers (give a seed=)");
    fault_rule_seed(&rule, seed);
    rule.number = engine->last_number + 1;
    if (append(engine, &rule) == NULL)
        return refuse(out, "no memory");
    fault_engine_wire(engine);
    save(engine);

    fputs("ok\n", out);
    mark_concerned(engine, &rule, concerned);
    if (rule.kernel == FAULT_QUEUED)
        plan_places(engine, out, concerned);
    for (size_t i = 0; rule.kernel != FAULT_QUEUED && i < engine->places; i++)
        fault_plan_kernel(out, &engine->plugs, &rule, engine->place[i].name,
                          engine->place[i].forwards);
    fprintf(out, "say fault %s\n", fault_rule_write(&rule, line, sizeof line));
}

/* ---- clear ----------------------------------------------------------------------------------- */

static void clear(struct fault_engine *engine, const char *word, FILE *out)
{
    char line[FAULT_TEXT_MAX + 64], why[FAULT_WHY_MAX];
    bool concerned[FAULT_PLACES_MAX] = {false};
    struct fault_state *gone[FAULT_RULES_MAX];
    struct fault_which which;
    size_t kept = 0, count = 0;
    if (fault_which_parse(word, &which, why) < 0)
        return refuse(out, why);
    for (size_t i = 0; i < engine->rules; i++)
        if (fault_which_means(&which, &engine->rule[i]->rule))
            gone[count++] = engine->rule[i];
        else
            engine->rule[kept++] = engine->rule[i];
    engine->rules = kept;
    if (count == 0 && which.number != 0) {
        snprintf(why, sizeof why, "clear: %.64s: no such fault (net fault show)", word);
        return refuse(out, why);
    }
    fault_engine_wire(engine);
    save(engine);
    fputs("ok\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct fault_rule *rule = &gone[i]->rule;
        fault_engine_release(engine, rule);
        if (rule->kernel == FAULT_QUEUED)
            mark_concerned(engine, rule, concerned);
        else
            fprintf(out, "untag %s %u\nuntag %s %u\n", rule->from, rule->number, rule->to,
                    rule->number);
        fprintf(out, "say cleared %s\n", fault_rule_write(rule, line, sizeof line));
        free(gone[i]);
    }
    plan_places(engine, out, concerned);
}

/* ---- show ------------------------------------------------------------------------------------ */

static void show(struct fault_engine *engine, FILE *out)
{
    char line[FAULT_TEXT_MAX + 64];
    fprintf(out, "ok\nengine %d %zu %llu %llu %llu %llu\n", getpid(),
            fault_hold_packets(engine->hold), (unsigned long long)fault_hold_bytes(engine->hold),
            (unsigned long long)engine->overflowed, (unsigned long long)engine->no_buffer,
            (unsigned long long)engine->not_copied);
    for (size_t i = 0; i < engine->places; i++) {
        struct fault_queue_health health;
        if (fault_engine_health(&engine->place[i], &health))
            fprintf(out, "queue %s %llu %llu %llu\n", engine->place[i].name,
                    (unsigned long long)health.waiting, (unsigned long long)health.dropped,
                    (unsigned long long)health.user_dropped);
    }
    for (size_t i = 0; i < engine->rules; i++) {
        const struct fault_counts *counts = &engine->rule[i]->counts;
        fprintf(out, "rule %llu %llu %llu %llu %llu %llu %llu %llu %s\n",
                (unsigned long long)counts->matched, (unsigned long long)counts->dropped,
                (unsigned long long)counts->corrupted, (unsigned long long)counts->duplicated,
                (unsigned long long)counts->delayed, (unsigned long long)counts->shaped,
                (unsigned long long)counts->full, (unsigned long long)counts->reordered,
                fault_rule_write(&engine->rule[i]->rule, line, sizeof line));
    }
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void drop_client(struct client *client)
{
    if (client->event == NULL)
        return;
    close(event_get_fd(client->event));
    event_free(client->event);
    client->event = NULL;
}

static void answer(struct fault_engine *engine, char *request, FILE *out)
{
    char *words = strchr(request, ' ');
    if (words != NULL)
        *words++ = '\0';
    if (strcmp(request, "add") == 0 && words != NULL)
        add(engine, words, out);
    else if (strcmp(request, "clear") == 0)
        clear(engine, words, out);
    else if (strcmp(request, "show") == 0)
        show(engine, out);
    else
        refuse(out, "unknown request");
}

/* One request, one answer, and that was all. Also called when the time for it is up. */
static void on_request(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    char request[FAULT_REQUEST_MAX], *text = NULL;
    size_t size = 0;
    ssize_t got = what & EV_READ ? recv(fd, request, sizeof request - 1, MSG_DONTWAIT) : -1;
    FILE *out = got > 0 ? open_memstream(&text, &size) : NULL;
    if (out != NULL) {
        request[got] = '\0';
        answer(client->control->engine, request, out);
        fclose(out);
        if (send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            fprintf(stderr, "fault_queue: answer: %s\n", strerror(errno));
        free(text);
    }
    drop_client(client);
}

static void on_client(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct fault_control *control = arg;
    struct timeval patience = {CLIENT_SECONDS, 0};
    struct client *client = NULL;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0)
        return; /* the client has gone, or there is no descriptor: either way nobody is served */
    for (int i = 0; i < CLIENTS && client == NULL; i++)
        if (control->client[i].event == NULL)
            client = &control->client[i];
    if (client == NULL) {
        close(accepted);
        return;
    }
    client->control = control;
    client->event = event_new(control->engine->base, accepted, EV_READ, on_request, client);
    if (client->event == NULL)
        close(accepted);
    else if (event_add(client->event, &patience) < 0)
        drop_client(client);
}

struct fault_control *fault_control_open(struct fault_engine *engine, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct fault_control *control = calloc(1, sizeof *control);
    if (control == NULL)
        return NULL;
    control->engine = engine;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path); /* of an engine that died: two at once are kept apart by the queue, EBUSY */
    control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(077);
    int bound = bind(control->fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound == 0 && chmod(path, 0600) == 0 && listen(control->fd, CLIENTS) == 0)
        control->event =
            event_new(engine->base, control->fd, EV_READ | EV_PERSIST, on_client, control);
    if (control->event == NULL || event_add(control->event, NULL) < 0) {
        int saved = errno;
        fault_control_close(control);
        errno = saved;
        return NULL;
    }
    return control;
}

void fault_control_close(struct fault_control *control)
{
    if (control == NULL)
        return;
    for (int i = 0; i < CLIENTS; i++)
        drop_client(&control->client[i]);
    if (control->event != NULL)
        event_free(control->event);
    if (control->fd >= 0)
        close(control->fd);
    free(control);
}
