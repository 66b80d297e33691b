/*
 * lab_receipt.c - tells the records: a line a lab for the shell, a JSON document for everybody else.
 *
 * Partner:  lab_records.c.
 */
#include "lab_records.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

static const char *yes(bool is)
{
    return is ? "yes" : "no";
}

/* The shell takes two tabs for one (IFS), so no cell may be empty. */
static const char *cell(const char *text)
{
    return *text != '\0' ? text : "-";
}

/* The number of different hints that were given: one may be shown again. */
static unsigned hints_of(const struct lab_record *lab)
{
    unsigned most = 0;
    for (size_t i = 0; i < lab->history.count; i++) {
        const struct row *row = &lab->history.row[i];
        unsigned hint = strcmp(row->cell[1], "hint") == 0 ? (unsigned)atoi(row->cell[2]) : 0;
        if (hint > most && hint <= 9)
            most = hint;
    }
    return most;
}

static void print_lab(const struct records *records, const struct lab_record *lab, FILE *out)
{
    const struct row *check = records_event(lab, "check", NULL);
    const char *result = check != NULL ? check->cell[2] : "";
    size_t word = strcspn(result, " ");

    fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%zu\t%zu\t%s\t%u\t", cell(lab->id), cell(lab->slug),
            cell(lab->title), cell(lab->after), cell(lab->minutes), cell(lab->needs),
            yes(lab->started), lab->questions.count, records_locked(lab),
            yes(lab->observed.count > 0), hints_of(lab));
    fprintf(out, "%.*s\t%s\t", word > 0 ? (int)word : 1, word > 0 ? result : "-",
            cell(result[word] == ' ' ? result + word + 1 : ""));
    fprintf(out, "%s\t%s\t%s\t%s\n", yes(records_event(lab, "check", "pass") != NULL),
            yes(records_event(lab, "gave-up", NULL) != NULL),
            yes(records_event(lab, "no-predict", NULL) != NULL),
            yes(strcmp(records->current, lab->id) == 0));
}

void records_print(const struct records *records, FILE *out)
{
    for (size_t i = 0; i < records->count; i++)
        print_lab(records, &records->lab[i], out);
}

static void time_of(struct el_json *json, const char *key, const struct row *event)
{
    el_json_text(json, key, event != NULL ? event->cell[0] : NULL);
}

static const struct row *first_event(const struct lab_record *lab, const char *event,
                                     const char *detail)
{
    for (size_t i = 0; i < lab->history.count; i++) {
        const struct row *row = &lab->history.row[i];
        if (strcmp(row->cell[1], event) == 0 &&
            (detail == NULL || strcmp(row->cell[2], detail) == 0))
            return row;
    }
    return NULL;
}

static void json_predictions(struct el_json *json, const struct lab_record *lab)
{
    el_json_array(json, "predictions");
    for (size_t i = 0; i < lab->questions.count; i++) {
        const char *id = lab->questions.row[i].cell[0];
        const struct row *answer = records_answer(lab, id);
        const struct row *seen = table_find(&lab->observed, id);
        el_json_object(json, NULL);
        el_json_text(json, "id", id);
        el_json_text(json, "answer", answer != NULL ? answer->cell[1] : NULL);
        el_json_text(json, "locked", answer != NULL ? answer->cell[2] : NULL);
        /* Who has not answered yet shall not read the answer here. */
        el_json_text(json, "expected", answer != NULL ? lab->questions.row[i].cell[3] : NULL);
        el_json_text(json, "observed",
                     seen != NULL && strcmp(seen->cell[1], "-") != 0 ? seen->cell[1] : NULL);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

static void json_history(struct el_json *json, const struct lab_record *lab)
{
    el_json_array(json, "history");
    for (size_t i = 0; i < lab->history.count; i++) {
        const struct row *row = &lab->history.row[i];
        el_json_object(json, NULL);
        el_json_text(json, "time", row->cell[0]);
        el_json_text(json, "event", row->cell[1]);
        el_json_text(json, "detail", *row->cell[2] != '\0' ? row->cell[2] : NULL);
        el_json_close_object(json);
    }
    el_json_close_array(json);
}

static void json_lab(struct el_json *json, const struct lab_record *lab)
{
    const struct row *passed = first_event(lab, "check", "pass");
    const struct row *check = records_event(lab, "check", NULL);
    bool touched = lab->started || lab->history.count > 0;

    el_json_object(json, NULL);
    el_json_text(json, "id", lab->id);
    el_json_text(json, "title", lab->title);
    el_json_text(json, "state", passed != NULL ? "passed" : touched ? "started" : "not started");
    time_of(json, "started", first_event(lab, "started", NULL));
    time_of(json, "passed", passed);
    el_json_uint(json, "questions", lab->questions.count);
    el_json_uint(json, "locked", records_locked(lab));
    json_predictions(json, lab);
    el_json_bool(json, "without_predictions", records_event(lab, "no-predict", NULL) != NULL);
    el_json_uint(json, "hints", hints_of(lab));
    el_json_uint(json, "checks", records_events(lab, "check"));
    el_json_text(json, "last_check", check != NULL ? check->cell[2] : NULL);
    el_json_uint(json, "resets", records_events(lab, "reset"));
    time_of(json, "gave_up", first_event(lab, "gave-up", NULL));
    json_history(json, lab);
    el_json_uint(json, "broken_records", records_broken(lab));
    el_json_close_object(json);
}

void records_json(const struct records *records, const char *now, FILE *out)
{
    struct el_json json = el_json_begin(out);
    size_t passed = 0;

    for (size_t i = 0; i < records->count; i++)
        passed += records_event(&records->lab[i], "check", "pass") != NULL;
    el_json_object(&json, NULL);
    el_json_int(&json, "format_version", 1);
    el_json_text(&json, "made", now);
    el_json_uint(&json, "labs_passed", passed);
    el_json_uint(&json, "labs_in_all", records->count);
    el_json_text(&json, "current", *records->current != '\0' ? records->current : NULL);
    el_json_array(&json, "labs");
    for (size_t i = 0; i < records->count; i++)
        json_lab(&json, &records->lab[i]);
    el_json_close_array(&json);
    el_json_end(&json);
}
