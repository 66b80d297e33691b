/*
 * lookup_report.h - what became of a name, shown: as text for people, as JSON for programs.
 */
#ifndef ECHOLAB_LOOKUP_REPORT_H
#define ECHOLAB_LOOKUP_REPORT_H

#include "json.h"
#include "resolver.h"

#include <stdio.h>

enum { EL_OUTCOME_TEXT = 320 };

/* One name and everything that was found out about it. The caller fills it from the callbacks of
 * a lookup. */
struct el_outcome {
    const char *name; /* as typed; borrowed */
    bool asked_v6, asked_v4;
    struct el_answer v6, v4; /* set family and EL_LOOKUP_CANCELLED before the lookup */
    el_time started, ended;
    size_t query_count;
    struct el_query queries[EL_QUERIES_MAX];
};

bool el_outcome_resolved(const struct el_outcome *outcome); /* at least one address */

/* Why there is no address, as a diagnostic goes on after the name: "NXDOMAIN: no such name
 * (hint)". Returns text. */
const char *el_outcome_why(const struct el_outcome *outcome, char text[static EL_OUTCOME_TEXT]);

/* A headline, the addresses with the source of each, and the timeline of the queries. */
void el_outcome_print(const struct el_outcome *outcome, FILE *file);
void el_outcome_print_addresses(const struct el_outcome *outcome,
                                FILE *file); /* alone, one a line */

/* One object in the array that is open. */
void el_outcome_json(const struct el_outcome *outcome, struct el_json *json);

#endif
