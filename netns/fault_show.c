/*
 * fault_show.c - `fault_queue show`: each rule and what it has done, and whether the engine is well.
 *
 * A rule of the engine's counts by itself; what iptables does for reject and its kin, iptables counts:
 * those lines of iptables-save -c come on standard input.
 * Partner:  fault_control.c makes the answer that is read here.
 */
#include "fault_client.h"

#include "fault_control.h"
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shown_rule {
    struct fault_rule rule;
    struct fault_counts counts;
};

struct shown_queue {
    char place[FAULT_PLACE_MAX];
    uint64_t waiting, dropped, user_dropped;
};

struct shown {
    bool alive;
    int pid;
    uint64_t held, held_bytes, overflowed, no_buffer, not_copied;
    size_t rules, queues;
    struct shown_rule rule[FAULT_RULES_MAX];
    struct shown_queue queue[FAULT_PLACES_MAX];
};

/* ---- gathering ------------------------------------------------------------------------------- */

static void read_rule(struct shown *shown, const char *line)
{
    struct shown_rule *to = &shown->rule[shown->rules];
    struct fault_counts *counts = &to->counts;
    int rest = 0;
    if (shown->rules == FAULT_RULES_MAX ||
        sscanf(line,
               "rule %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
               " %" SCNu64 " %" SCNu64 " %n",
               &counts->matched, &counts->dropped, &counts->corrupted, &counts->duplicated,
               &counts->delayed, &counts->shaped, &counts->full, &counts->reordered, &rest) != 8)
        return;
    if (fault_rule_read(line + rest, &to->rule) == 0)
        shown->rules++;
}

static void read_answer(struct shown *shown, char *answer)
{
    char *rest = NULL;
    shown->alive = true;
    for (char *line = strtok_r(answer, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        struct shown_queue *queue = &shown->queue[shown->queues];
        if (strncmp(line, "rule ", 5) == 0)
            read_rule(shown, line);
        else if (shown->queues < FAULT_PLACES_MAX &&
                 sscanf(line, "queue %15s %" SCNu64 " %" SCNu64 " %" SCNu64, queue->place,
                        &queue->waiting, &queue->dropped, &queue->user_dropped) == 4)
            shown->queues++;
        else
            sscanf(line, "engine %d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                   &shown->pid, &shown->held, &shown->held_bytes, &shown->overflowed,
                   &shown->no_buffer, &shown->not_copied);
    }
}

static void read_file(struct shown *shown)
{
    static struct fault_rule rules[FAULT_RULES_MAX];
    shown->rules = fault_rules_load(FAULT_RULES_PATH, rules, FAULT_RULES_MAX);
    for (size_t i = 0; i < shown->rules; i++)
        shown->rule[i].rule = rules[i];
}

/* "[12:1008] -A INPUT ... --comment echolab-fault-3 -j REJECT": twelve packets more for rule 3. */
static void read_kernel_counts(struct shown *shown, FILE *in)
{
    static const char tag[] = "echolab-fault-";
    char line[1024];
    while (fgets(line, sizeof line, in) != NULL) {
        const char *at = strstr(line, tag);
        uint64_t packets;
        if (at == NULL || sscanf(line, "[%" SCNu64, &packets) != 1)
            continue;
        unsigned long number = strtoul(at + sizeof tag - 1, NULL, 10);
        for (size_t i = 0; i < shown->rules; i++)
            if (shown->rule[i].rule.number == number) {
                shown->rule[i].counts.matched += packets;
                shown->rule[i].counts.dropped += packets;
            }
    }
}

/* ---- for people ------------------------------------------------------------------------------ */

static bool engine_is_needed(const struct shown *shown)
{
    for (size_t i = 0; i < shown->rules; i++)
        if (shown->rule[i].rule.kernel == FAULT_QUEUED)
            return true;
    return false;
}

static void print_count(const char *name, uint64_t count)
{
    if (count > 0)
        printf(", %s %" PRIu64, name, count);
}

/* With a dead engine nothing of the rule happens; a link with one closed rule is closed. */
static bool link_closed(const struct shown *shown, const struct fault_rule *rule)
{
    for (size_t i = 0; i < shown->rules; i++) {
        const struct fault_rule *other = &shown->rule[i].rule;
        bool same = strcmp(other->from, rule->from) == 0 && strcmp(other->to, rule->to) == 0;
        bool back = strcmp(other->from, rule->to) == 0 && strcmp(other->to, rule->from) == 0;
        if (!other->closed || other->kernel != FAULT_QUEUED)
            continue;
        for (int reverse = 0; reverse <= 1; reverse++)
            if (fault_rule_goes(rule, reverse) && ((same && fault_rule_goes(other, reverse)) ||
                                                   (back && fault_rule_goes(other, !reverse))))
                return true;
    }
    return false;
}

static void print_rule(const struct shown *shown, const struct shown_rule *shown_rule)
{
    const struct fault_rule *rule = &shown_rule->rule;
    const struct fault_counts *counts = &shown_rule->counts;
    printf("%3u  %s:%s  %s\n", rule->number, rule->from, rule->to, rule->text);
    if (rule->kernel == FAULT_QUEUED && !shown->alive) {
        printf("     not in force: %s\n", link_closed(shown, rule)
                                              ? "the link is closed, nothing passes (fail=closed)"
                                              : "the link is open, everything passes (fail=open)");
        return;
    }
    printf("     matched %" PRIu64, counts->matched);
    print_count("dropped", counts->dropped);
    print_count("corrupted", counts->corrupted);
    print_count("duplicated", counts->duplicated);
    print_count("delayed", counts->delayed);
    print_count("held to the rate", counts->shaped);
    print_count("dropped since the rate's queue was full", counts->full);
    print_count("reordered", counts->reordered);
    putchar('\n');
}

static void print_health(const struct shown *shown)
{
    if (!shown->alive) {
        if (engine_is_needed(shown))
            puts("engine: dead (the next net fault A:B starts it anew; net fault clear takes the "
                 "rules away)");
        return;
    }
    printf("engine: pid %d, holds %" PRIu64 " packets, %" PRIu64 " bytes (at most %d, %d)\n",
           shown->pid, shown->held, shown->held_bytes, FAULT_HELD_PACKETS, FAULT_HELD_BYTES);
    if (shown->overflowed > 0)
        printf("overflow: %" PRIu64 " packets were dropped because too many were held\n",
               shown->overflowed);
    if (shown->not_copied > 0)
        printf("overflow: %" PRIu64 " duplicates could not be sent\n", shown->not_copied);
    for (size_t i = 0; i < shown->queues; i++)
        if (shown->queue[i].dropped + shown->queue[i].user_dropped > 0)
            printf("overflow: %s: the kernel has dropped %" PRIu64
                   " packets, its queue being full, "
                   "and %" PRIu64 " that the engine was too slow for\n",
                   shown->queue[i].place, shown->queue[i].dropped, shown->queue[i].user_dropped);
}

static void print_text(const struct shown *shown)
{
    if (shown->rules == 0)
        puts("no faults (net fault A:B WORD... adds one)");
    for (size_t i = 0; i < shown->rules; i++)
        print_rule(shown, &shown->rule[i]);
    print_health(shown);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static void json_rule(struct el_json *json, const struct shown *shown,
                      const struct shown_rule *shown_rule)
{
    const struct fault_rule *rule = &shown_rule->rule;
    const struct fault_counts *counts = &shown_rule->counts;
    bool queued = rule->kernel == FAULT_QUEUED;
    el_json_object(json, NULL);
    el_json_uint(json, "number", rule->number);
    el_json_text(json, "from", rule->from);
    el_json_text(json, "to", rule->to);
    el_json_text(json, "words", rule->text);
    if (queued)
        el_json_uint(json, "seed", rule->seed);
    else
        el_json_null(json, "seed");
    el_json_bool(json, "in_force", !queued || shown->alive);
    el_json_text(json, "fail", link_closed(shown, rule) ? "closed" : "open");
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"matched", counts->matched},     {"dropped", counts->dropped},
                   {"corrupted", counts->corrupted}, {"duplicated", counts->duplicated},
                   {"delayed", counts->delayed},     {"rate_held", counts->shaped},
                   {"rate_dropped", counts->full},   {"reordered", counts->reordered}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (queued && !shown->alive)
            el_json_null(json, numbers[i].name); /* died with the engine */
        else
            el_json_uint(json, numbers[i].name, numbers[i].value);
    el_json_close_object(json);
}

static void print_json(const struct shown *shown)
{
    struct el_json json = el_json_begin(stdout);
    el_json_object(&json, NULL);
    el_json_int(&json, "format_version", 1);
    if (shown->alive)
        el_json_int(&json, "pid", shown->pid);
    else
        el_json_null(&json, "pid");
    el_json_text(&json, "engine",
                 shown->alive              ? "alive"
                 : engine_is_needed(shown) ? "dead"
                                           : "none");
    el_json_uint(&json, "held_packets", shown->held);
    el_json_uint(&json, "held_bytes", shown->held_bytes);
    el_json_uint(&json, "overflowed", shown->overflowed);
    el_json_uint(&json, "no_buffer", shown->no_buffer);
    el_json_uint(&json, "not_copied", shown->not_copied);
    el_json_array(&json, "queues");
    for (size_t i = 0; i < shown->queues; i++) {
        el_json_object(&json, NULL);
        el_json_text(&json, "place", shown->queue[i].place);
        el_json_uint(&json, "waiting", shown->queue[i].waiting);
        el_json_uint(&json, "kernel_dropped", shown->queue[i].dropped);
        el_json_uint(&json, "user_dropped", shown->queue[i].user_dropped);
        el_json_close_object(&json);
    }
    el_json_close_array(&json);
    el_json_array(&json, "faults");
    for (size_t i = 0; i < shown->rules; i++)
        json_rule(&json, shown, &shown->rule[i]);
    el_json_close_array(&json);
    el_json_close_object(&json);
    el_json_end(&json);
}

int fault_client_show(bool json)
{
    static struct shown shown;
    static char answer[FAULT_ANSWER_MAX];
    int error = fault_client_ask("show", answer);
    if (error == 0) {
        read_answer(&shown, answer);
    } else if (error == -ECONNREFUSED) {
        read_file(&shown);
    } else {
        fprintf(stderr, "fault_queue: %s: %s\n", FAULT_SOCKET_PATH, strerror(-error));
        return 1;
    }
    read_kernel_counts(&shown, stdin);
    if (json)
        print_json(&shown);
    else
        print_text(&shown);
    return 0;
}
