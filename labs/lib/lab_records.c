/*
 * lab_records.c - reads the records; see lab_records.h.
 *
 * Partner:  records.sh, which writes them: a line is appended with one write(2), a file is replaced
 *           by rename(2), so whoever reads meets whole lines.
 * Read next: lab_receipt.c, which tells them.
 */
#include "lab_records.h"

#include "lab_paragraph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MOST = 4 << 20, PATH_BYTES = 4096 };

/* Cuts the line into cells; returns how many there were, also those that had no place. */
static size_t cut_cells(char *line, struct row *row)
{
    size_t count = 0;
    for (size_t i = 0; i < CELLS_MAX; i++)
        row->cell[i] = "";
    for (char *cell; (cell = strsep(&line, "\t")) != NULL; count++)
        if (count < CELLS_MAX)
            row->cell[count] = cell;
    return count;
}

static void tell_broken(const struct table *table, const char *path, FILE *complaints)
{
    if (table->broken == 1)
        fprintf(complaints, "lab: %s: line %zu is broken; it is kept\n", path, table->first_broken);
    else if (table->broken > 1)
        fprintf(complaints, "lab: %s: %zu broken lines, first %zu; all are kept\n", path,
                table->broken, table->first_broken);
}

static bool table_parse(struct table *table, const char *path, size_t least, size_t most,
                        FILE *complaints)
{
    size_t lines = 1, number = 0;
    for (const char *c = table->text; *c != '\0'; c++)
        lines += *c == '\n';
    table->row = calloc(lines, sizeof *table->row);
    if (table->row == NULL)
        return false;
    char *rest = table->text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (*line == '\0' || *line == '#')
            continue;
        size_t cells = cut_cells(line, &table->row[table->count]);
        if (cells < least || cells > most || *table->row[table->count].cell[0] == '\0')
            table->first_broken = table->broken++ == 0 ? number : table->first_broken;
        else
            table->count++;
    }
    tell_broken(table, path, complaints);
    return true;
}

bool table_read(struct table *table, const char *path, size_t least, size_t most, FILE *complaints)
{
    *table = (struct table){0};
    FILE *file = fopen(path, "re");
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return true;
    table->text = file != NULL ? paragraph_read(file, FILE_MOST, '\t') : NULL;
    int saved = errno; /* fclose(3) may overwrite it */
    if (file != NULL)
        fclose(file);
    if (table->text == NULL || !table_parse(table, path, least, most, complaints)) {
        fprintf(complaints, "lab: %s: cannot be read: %s\n", path, strerror(saved));
        table_free(table);
        return false;
    }
    return true;
}

void table_free(struct table *table)
{
    free(table->row);
    free(table->text);
    *table = (struct table){0};
}

const struct row *table_find(const struct table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->row[i].cell[0], key) == 0)
            return &table->row[i];
    return NULL;
}

/* A record that cannot be opened is told, and then is as if it were empty: the others still count. */
static void read_record(struct table *table, const char *work, const char *id, const char *name,
                        size_t least, FILE *complaints)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/records/%s/%s", work, id, name);
    table_read(table, path, least, 3, complaints);
}

static void read_lab(struct lab_record *lab, const char *labs, const char *work,
                     const struct row *row, FILE *complaints)
{
    char path[PATH_BYTES];
    struct stat status;

    *lab = (struct lab_record){.id = row->cell[0],
                               .slug = row->cell[1],
                               .title = row->cell[2],
                               .after = row->cell[3],
                               .minutes = row->cell[4],
                               .needs = row->cell[5]};
    snprintf(path, sizeof path, "%s/%s", work, lab->id);
    lab->started = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    snprintf(path, sizeof path, "%s/%s-%s/predict.tsv", labs, lab->id, lab->slug);
    table_read(&lab->questions, path, 4, 5, complaints);
    read_record(&lab->predictions, work, lab->id, "predictions.tsv", 3, complaints);
    read_record(&lab->observed, work, lab->id, "observed.tsv", 2, complaints);
    read_record(&lab->history, work, lab->id, "history.tsv", 2, complaints);
}

static void read_current(struct records *records, const char *work)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/current", work);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    char word[sizeof records->current] = "";
    if (fgets(word, sizeof word, file) != NULL)
        word[strcspn(word, " \n")] = '\0';
    fclose(file);
    if (table_find(&records->index, word) != NULL) /* anything else was never written by us */
        memcpy(records->current, word, sizeof word);
}

bool records_read(struct records *records, const char *labs, const char *work, FILE *complaints)
{
    char path[PATH_BYTES];

    *records = (struct records){0};
    snprintf(path, sizeof path, "%s/index.tsv", labs);
    if (!table_read(&records->index, path, CELLS_MAX, CELLS_MAX, complaints))
        return false;
    if (records->index.count == 0) {
        fprintf(complaints, "lab: %s: names no lab\n", path);
        records_free(records);
        return false;
    }
    records->lab = calloc(records->index.count, sizeof *records->lab);
    if (records->lab == NULL) {
        fprintf(complaints, "lab: out of memory\n");
        records_free(records);
        return false;
    }
    for (; records->count < records->index.count; records->count++)
        read_lab(&records->lab[records->count], labs, work, &records->index.row[records->count],
                 complaints);
    read_current(records, work);
    return true;
}

void records_free(struct records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        table_free(&records->lab[i].questions);
        table_free(&records->lab[i].predictions);
        table_free(&records->lab[i].observed);
        table_free(&records->lab[i].history);
    }
    free(records->lab);
    table_free(&records->index);
    *records = (struct records){0};
}

const struct row *records_answer(const struct lab_record *lab, const char *question)
{
    for (size_t i = 0; i < lab->predictions.count; i++) {
        const struct row *row = &lab->predictions.row[i];
        if (strcmp(row->cell[0], question) == 0 && *row->cell[1] != '\0')
            return row;
    }
    return NULL;
}

size_t records_locked(const struct lab_record *lab)
{
    size_t locked = 0;
    for (size_t i = 0; i < lab->questions.count; i++)
        locked += records_answer(lab, lab->questions.row[i].cell[0]) != NULL;
    return locked;
}

size_t records_broken(const struct lab_record *lab)
{
    return lab->predictions.broken + lab->observed.broken + lab->history.broken;
}

const struct row *records_event(const struct lab_record *lab, const char *event, const char *detail)
{
    for (size_t i = lab->history.count; i > 0; i--) {
        const struct row *row = &lab->history.row[i - 1];
        if (strcmp(row->cell[1], event) == 0 &&
            (detail == NULL || strncmp(row->cell[2], detail, strlen(detail)) == 0))
            return row;
    }
    return NULL;
}

size_t records_events(const struct lab_record *lab, const char *event)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->history.count; i++)
        count += strcmp(lab->history.row[i].cell[1], event) == 0;
    return count;
}
