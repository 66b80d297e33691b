/*
 * lookup_report.c - what became of a name, shown.
 *
 * Owns:     the words and columns of echo_resolve: who was asked, when, over what, and what came
 *           back.
 * Partner:  resolver.h, whose answers and timeline these are.
 * Leaves out: looking up. It touches no socket.
 * Next:     clients/echo_resolve.c.
 */
#include "lookup_report.h"

#include "options.h"

#include <string.h>

/* ---- small words ----------------------------------------------------------------------------- */

static const char *type_text(sa_family_t family)
{
    return family == AF_INET ? "A" : "AAAA";
}

static double ms(el_time from, el_time to)
{
    return (double)(to - from) / (double)EL_MS;
}

/* Of two answers, the one that says more about why there is no address. */
static const struct el_answer *telling(const struct el_outcome *o)
{
    static const enum el_lookup_status by_weight[] = {
        EL_LOOKUP_LOCAL,      EL_LOOKUP_BAD_NAME,    EL_LOOKUP_REFLECTED,
        EL_LOOKUP_NO_NAME,    EL_LOOKUP_REFUSED,     EL_LOOKUP_SERVFAIL,
        EL_LOOKUP_BAD_ANSWER, EL_LOOKUP_UNREACHABLE, EL_LOOKUP_TIMEOUT,
    };
    for (size_t i = 0; i < sizeof by_weight / sizeof *by_weight; i++) {
        if (o->asked_v6 && o->v6.status == by_weight[i])
            return &o->v6;
        if (o->asked_v4 && o->v4.status == by_weight[i])
            return &o->v4;
    }
    return o->asked_v6 ? &o->v6 : &o->v4;
}

static const char *canonical_of(const struct el_outcome *o)
{
    return o->v6.canonical[0] != '\0' ? o->v6.canonical : o->v4.canonical;
}

/* What a query got: "NOERROR", "NOERROR, truncated", "ECONNREFUSED", "no answer". */
static const char *reply_text(const struct el_query *query, char text[static 40])
{
    char rcode[16];
    if (query->error != 0)
        snprintf(text, 40, "%s", el_errno_name(-query->error));
    else if (query->rcode == -2)
        snprintf(text, 40, "our own query, reflected");
    else if (query->answered == EL_NEVER)
        snprintf(text, 40, "no answer");
    else
        snprintf(text, 40, "%s%s", el_query_rcode_text(query->rcode, rcode),
                 query->truncated ? ", truncated" : "");
    return text;
}

bool el_outcome_resolved(const struct el_outcome *outcome)
{
    return outcome->v6.count + outcome->v4.count > 0;
}

const char *el_outcome_why(const struct el_outcome *o, char text[static EL_OUTCOME_TEXT])
{
    const struct el_answer *answer = telling(o);
    const char *hint = el_lookup_status_hint(answer->status);
    if (answer->status == EL_LOOKUP_NO_DATA && o->asked_v6 && o->asked_v4)
        hint = "the name exists, but neither A nor AAAA: it is no host";
    char failure[EL_LOOKUP_FAILURE];
    snprintf(text, EL_OUTCOME_TEXT, "%s%s%s%s",
             el_lookup_failure_print(answer->status, answer->error, failure),
             hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
    return text;
}

/* ---- for people ------------------------------------------------------------------------------ */

/* Both families failed alike, or only one was asked: one sentence says it all. */
static bool one_failure(const struct el_outcome *o)
{
    return !el_outcome_resolved(o) &&
           (!o->asked_v6 || !o->asked_v4 || o->v6.status == o->v4.status);
}

static void print_headline(const struct el_outcome *o, FILE *file)
{
    static const char *const from[] = {
        [EL_FROM_LITERAL] = "as it was typed: nobody was asked",
        [EL_FROM_DEFINITION] = "this machine by definition (RFC 6761): nobody was asked",
        [EL_FROM_HOSTS] = "from the hosts file: nobody was asked",
        [EL_FROM_DNS] = "from DNS",
    };
    char name[4 * EL_HOST_MAX], took[24];
    size_t count = o->v6.count + o->v4.count;
    el_name_escape(o->name, name, sizeof name);
    el_print_duration(o->ended - o->started, took, sizeof took);
    if (one_failure(o))
        fprintf(file, "%s: %s, after %s\n", name, el_lookup_status_text(telling(o)->status), took);
    else if (count == 0)
        fprintf(file, "%s: not resolved, after %s\n", name, took);
    else
        fprintf(file, "%s: %zu address%s in %s, %s\n", name, count, count == 1 ? "" : "es", took,
                from[o->v6.count > 0 ? o->v6.source : o->v4.source]);
    if (count > 0 && canonical_of(o)[0] != '\0')
        fprintf(file, "  an alias of %s\n", el_name_escape(canonical_of(o), name, sizeof name));
}

/* How wide the longest address of this outcome is, for the column. */
static int address_width(const struct el_outcome *o)
{
    const struct el_answer *const answers[] = {&o->v6, &o->v4};
    char text[EL_ADDRESS_TEXT];
    int widest = 0;
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < answers[a]->count; i++) {
            el_address_print_host(&answers[a]->address[i].destination, text);
            int width = (int)strlen(text);
            widest = width > widest ? width : widest;
        }
    return widest;
}

static void print_answer(const struct el_answer *answer, int width, FILE *file)
{
    char destination[EL_ADDRESS_TEXT], source[EL_ADDRESS_TEXT];
    const char *type = type_text(answer->family);
    if (answer->count == 0 && answer->source != EL_FROM_LITERAL)
        fprintf(file, "  %-4s  %s\n", type, el_lookup_status_text(answer->status));
    for (size_t i = 0; i < answer->count; i++) {
        const struct el_route_pair *pair = &answer->address[i];
        el_address_print_host(&pair->destination, destination);
        if (pair->source.length == 0)
            fprintf(file, "  %-4s  %-*s  no route from here\n", type, width, destination);
        else
            fprintf(file, "  %-4s  %-*s  we would send from %s\n", type, width, destination,
                    el_address_print_host(&pair->source, source));
    }
}

struct widths {
    int server, name;
};

static struct widths measure_queries(const struct el_outcome *o)
{
    struct widths widths = {.server = 6, .name = 4}; /* of the headings */
    char server[EL_ADDRESS_TEXT];
    for (size_t i = 0; i < o->query_count; i++) {
        int server_length = (int)strlen(el_address_print(&o->queries[i].server, server));
        int name_length = (int)strlen(o->queries[i].name);
        widths.server = server_length > widths.server ? server_length : widths.server;
        widths.name = name_length > widths.name ? name_length : widths.name;
    }
    return widths;
}

/* The timeline: one line a query, in the order they were sent. */
static void print_queries(const struct el_outcome *o, FILE *file)
{
    const struct widths widths = measure_queries(o);
    char server[EL_ADDRESS_TEXT], reply[40];
    fprintf(file, "\n  %9s  %9s  %-*s  %-3s  %5s  %-4s  %-*s  %s\n", "sent ms", "took ms",
            widths.server, "server", "by", "id", "type", widths.name, "name", "answer");
    for (size_t i = 0; i < o->query_count; i++) {
        const struct el_query *query = &o->queries[i];
        char took[24] = "-";
        if (query->answered != EL_NEVER)
            snprintf(took, sizeof took, "%.3f", ms(query->sent, query->answered));
        fprintf(file, "  %9.3f  %9s  %-*s  %-3s  %5u  %-4s  %-*s  %s\n",
                ms(o->started, query->sent), took, widths.server,
                el_address_print(&query->server, server), query->tcp ? "TCP" : "UDP", query->id,
                type_text(query->family), widths.name, query->name, reply_text(query, reply));
    }
}

void el_outcome_print(const struct el_outcome *outcome, FILE *file)
{
    int width = address_width(outcome);
    print_headline(outcome, file);
    if (outcome->asked_v6 && !one_failure(outcome))
        print_answer(&outcome->v6, width, file);
    if (outcome->asked_v4 && !one_failure(outcome))
        print_answer(&outcome->v4, width, file);
    if (outcome->query_count > 0)
        print_queries(outcome, file);
}

void el_outcome_print_addresses(const struct el_outcome *outcome, FILE *file)
{
    const struct el_answer *const answers[] = {&outcome->v6, &outcome->v4};
    char text[EL_ADDRESS_TEXT];
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < answers[a]->count; i++)
            fprintf(file, "%s\n", el_address_print_host(&answers[a]->address[i].destination, text));
}

/* ---- for programs ---------------------------------------------------------------------------- */

static const char *status_word(enum el_lookup_status status)
{
    static const char *const words[] = {
        [EL_LOOKUP_OK] = "ok",
        [EL_LOOKUP_NO_NAME] = "nxdomain",
        [EL_LOOKUP_NO_DATA] = "nodata",
        [EL_LOOKUP_SERVFAIL] = "servfail",
        [EL_LOOKUP_REFUSED] = "refused",
        [EL_LOOKUP_TIMEOUT] = "timeout",
        [EL_LOOKUP_UNREACHABLE] = "unreachable",
        [EL_LOOKUP_REFLECTED] = "reflected",
        [EL_LOOKUP_BAD_NAME] = "bad_name",
        [EL_LOOKUP_BAD_ANSWER] = "bad_answer",
        [EL_LOOKUP_LOCAL] = "local",
        [EL_LOOKUP_CANCELLED] = "cancelled",
    };
    return words[status];
}

static void write_answer(struct el_json *json, const struct el_answer *answer, bool asked)
{
    char text[EL_ADDRESS_TEXT];
    if (!asked) {
        el_json_null(json, answer->family == AF_INET ? "a" : "aaaa");
        return;
    }
    el_json_object(json, answer->family == AF_INET ? "a" : "aaaa");
    el_json_text(json, "status", status_word(answer->status));
    el_json_text(json, "source", el_lookup_source_word(answer->source));
    el_json_array(json, "addresses");
    for (size_t i = 0; i < answer->count; i++) {
        const struct el_route_pair *pair = &answer->address[i];
        el_json_object(json, NULL);
        el_json_text(json, "address", el_address_print_host(&pair->destination, text));
        el_json_text(json, "local",
                     pair->source.length > 0 ? el_address_print_host(&pair->source, text) : NULL);
        el_json_close_object(json);
    }
    el_json_close_array(json);
    el_json_close_object(json);
}

static void write_query(struct el_json *json, const struct el_query *query, el_time started)
{
    char text[EL_ADDRESS_TEXT], rcode[16];
    el_json_object(json, NULL);
    el_json_text(json, "server", el_address_print(&query->server, text));
    el_json_text(json, "transport", query->tcp ? "tcp" : "udp");
    el_json_uint(json, "id", query->id);
    el_json_text(json, "type", type_text(query->family));
    el_json_text(json, "name", query->name);
    el_json_number(json, "sent_ms", ms(started, query->sent), 3);
    if (query->answered == EL_NEVER)
        el_json_null(json, "took_ms");
    else
        el_json_number(json, "took_ms", ms(query->sent, query->answered), 3);
    el_json_text(json, "rcode",
                 query->rcode >= 0 ? el_query_rcode_text(query->rcode, rcode) : NULL);
    el_json_bool(json, "reflected", query->rcode == -2);
    el_json_bool(json, "truncated", query->truncated);
    el_json_text(json, "error", query->error != 0 ? el_errno_name(-query->error) : NULL);
    el_json_close_object(json);
}

void el_outcome_json(const struct el_outcome *o, struct el_json *json)
{
    el_json_object(json, NULL);
    el_json_text(json, "name", o->name);
    el_json_bool(json, "resolved", el_outcome_resolved(o));
    el_json_text(json, "canonical", canonical_of(o)[0] != '\0' ? canonical_of(o) : NULL);
    el_json_number(json, "elapsed_ms", ms(o->started, o->ended), 3);
    write_answer(json, &o->v6, o->asked_v6);
    write_answer(json, &o->v4, o->asked_v4);
    el_json_array(json, "queries");
    for (size_t i = 0; i < o->query_count; i++)
        write_query(json, &o->queries[i], o->started);
    el_json_close_array(json);
    el_json_close_object(json);
}
