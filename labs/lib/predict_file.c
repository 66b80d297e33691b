/* predict_file.c - see predict_file.h. A file is read whole, cleaned for the terminal, then cut in place. */
#include "predict_file.h"

#include "lab_paragraph.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 18, ID_BYTES_MAX = 40 };

/* ---- tables -------------------------------------------------------------------------------- */

static void tell(FILE *err, const struct predict_table *table, unsigned line, const char *why)
{
    fprintf(err, "lab_predict: %s:%u: %s\n", table->path, line, why);
}

/* NULL, or what is wrong with the line; cuts it into cells. */
static const char *cut_row(struct predict_row *row, char *line, size_t least, size_t most)
{
    if (strlen(line) > PREDICT_LINE_BYTES)
        return "longer than 4096 bytes; it is passed over";
    size_t count = 0;
    for (char *cell; (cell = strsep(&line, "\t")) != NULL; count++)
        if (count < PREDICT_CELLS)
            row->cell[count] = cell;
    for (size_t i = count; i < PREDICT_CELLS; i++)
        row->cell[i] = "";
    if (count < least)
        return "has too few cells (they stand between tabs); it is passed over";
    if (count > most)
        return "has too many cells (they stand between tabs); it is passed over";
    return row->cell[0][0] == '\0' ? "has no id; it is passed over" : NULL;
}

static bool cut_table(struct predict_table *table, size_t least, size_t most, FILE *err)
{
    table->row = calloc(PREDICT_LINES_MAX, sizeof *table->row);
    if (table->row == NULL)
        return false;
    unsigned number = 0;
    char *rest = table->text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (*line == '\0' || *line == '#')
            continue;
        const char *why = table->count == PREDICT_LINES_MAX
                              ? "is one too many; the rest is passed over"
                              : cut_row(&table->row[table->count], line, least, most);
        if (why != NULL) {
            tell(err, table, number, why);
            table->broken++;
            if (table->count == PREDICT_LINES_MAX || table->broken == PREDICT_LINES_MAX)
                break;
        } else {
            table->row[table->count++].line = number;
        }
    }
    return true;
}

bool predict_table_read(struct predict_table *table, const char *path, size_t least, size_t most,
                        bool may_lack, FILE *err)
{
    *table = (struct predict_table){.path = path};
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT && may_lack)
        return true;
    if (file != NULL)
        table->text = paragraph_read(file, FILE_BYTES_MAX, '\t');
    int saved = errno; /* fclose(3) may overwrite it */
    if (file != NULL)
        fclose(file);
    if (table->text != NULL && cut_table(table, least, most, err))
        return true;
    fprintf(err, "lab_predict: %s: cannot be read: %s\n", path, strerror(saved));
    return false;
}

void predict_table_free(struct predict_table *table)
{
    free(table->row);
    free(table->text);
    *table = (struct predict_table){0};
}

const struct predict_row *predict_table_find(const struct predict_table *table, const char *id)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->row[i].cell[0], id) == 0)
            return &table->row[i];
    return NULL;
}

const char *predict_table_locked(const struct predict_table *predictions, const char *id)
{
    for (size_t i = 0; i < predictions->count; i++)
        if (strcmp(predictions->row[i].cell[0], id) == 0 && *predictions->row[i].cell[1] != '\0')
            return predictions->row[i].cell[1];
    return NULL;
}

/* ---- questions ----------------------------------------------------------------------------- */

static const char *read_question(struct predict_questions *questions, const struct predict_row *row)
{
    static const char *const kinds[] = {"number", "choice", "word"};
    struct predict_question *item = &questions->item[questions->count];
    *item = (struct predict_question){.line = row->line,
                                      .id = row->cell[0],
                                      .question = row->cell[2],
                                      .answer = row->cell[3],
                                      .if_wrong = row->cell[4]};
    size_t length = strspn(item->id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (item->id[length] != '\0' || length > ID_BYTES_MAX)
        return "the id is not of a-z, 0-9 and -, 40 at most";
    if (predict_question_find(questions, item->id, length) != NULL)
        return "this id was there before";
    while (item->kind <= PREDICT_WORD && strcmp(row->cell[1], kinds[item->kind]) != 0)
        item->kind++;
    if (item->kind > PREDICT_WORD)
        return "the kind is not number, choice or word";
    if (*item->question == '\0' || *item->answer == '\0')
        return "the question or its answer is empty";
    questions->count++;
    return NULL;
}

bool predict_questions_read(struct predict_questions *questions, const char *path, FILE *err)
{
    *questions = (struct predict_questions){0};
    if (!predict_table_read(&questions->table, path, PREDICT_CELLS, PREDICT_CELLS, false, err))
        return false;
    questions->item = calloc(questions->table.count + 1, sizeof *questions->item);
    if (questions->item == NULL)
        return false;
    bool good = questions->table.broken == 0;
    for (size_t i = 0; i < questions->table.count; i++) {
        const char *why = read_question(questions, &questions->table.row[i]);
        if (why != NULL) {
            tell(err, &questions->table, questions->table.row[i].line, why);
            good = false;
        }
    }
    if (questions->count == 0) {
        fprintf(err, "lab_predict: %s: has no questions\n", path);
        good = false;
    }
    return good;
}

void predict_questions_free(struct predict_questions *questions)
{
    free(questions->item);
    predict_table_free(&questions->table);
    *questions = (struct predict_questions){0};
}

const struct predict_question *predict_question_find(const struct predict_questions *questions,
                                                     const char *id, size_t id_length)
{
    for (size_t i = 0; i < questions->count; i++)
        if (strncmp(questions->item[i].id, id, id_length) == 0 &&
            questions->item[i].id[id_length] == '\0')
            return &questions->item[i];
    return NULL;
}

/* ---- what is written ----------------------------------------------------------------------- */

/* Does the file end in the middle of a line? What cannot be told (/dev/full) does not. */
static bool ends_within_line(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int predict_append(const char *path, const char *id, const char *answer)
{
    char line[512], when[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc); /* as in history.tsv */
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    int length = snprintf(line, sizeof line, "%s%s\t%s\t%s\n", ends_within_line(fd) ? "\n" : "", id,
                          answer, when);
    if (length < 0 || (size_t)length >= sizeof line) {
        close(fd);
        return -EINVAL;
    }
    ssize_t done = write(fd, line, (size_t)length); /* a file takes it whole, or the disk is full */
    int result = done == length ? 0 : done < 0 ? -errno : -ENOSPC;
    if (close(fd) < 0 && result == 0)
        result = -errno; /* NFS tells of a full disk only now */
    return result;
}
