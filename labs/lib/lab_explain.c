/*
 * lab_explain.c - see lab_explain.h.
 *
 * The numbers are this machine's (errno(3)): they differ between architectures, so the table has
 * none, and strerrorname_np(3) tells which name a number has here.
 */
#include "lab_explain.h"

#include "lab_paragraph.h"
#include "lab_records.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MOST = 40, ERRNO_MOST = 4096, HEADING = 16 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The distance of Damerau and Levenshtein, with only two neighbours swapped: three rows of its table
 * are enough. Words are cut at WORD_MOST letters: what is longer is no word of ours. */
size_t word_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MOST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    size_t a_length = strnlen(a, WORD_MOST), b_length = strnlen(b, WORD_MOST);

    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            int x = toupper((unsigned char)a[i - 1]), y = toupper((unsigned char)b[j - 1]);
            now[j] = least(last[j - 1] + (x != y), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == toupper((unsigned char)b[j - 2]) &&
                y == toupper((unsigned char)a[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_length];
}

size_t nearest_word(const char *word, const char *const *candidates, size_t count)
{
    size_t found = count, best = strnlen(word, WORD_MOST) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t distance = word_distance(word, candidates[i]);
        if (*word != '\0' && strncasecmp(word, candidates[i], strlen(word)) == 0)
            distance = 1;
        if (distance <= best && (found == count || distance < best)) {
            best = distance;
            found = i;
        }
    }
    return found;
}

static int number_of(const char *name)
{
    for (int number = 1; number < ERRNO_MOST; number++) {
        const char *known = strerrorname_np(number);
        if (known != NULL && strcasecmp(known, name) == 0)
            return number;
    }
    return 0;
}

static void tell(FILE *out, const char *heading, const char *text, size_t width)
{
    if (*text == '\0' || strcmp(text, "-") == 0)
        return;
    fprintf(out, "%-*s", HEADING, heading);
    paragraph_print(out, text, HEADING, HEADING, width);
}

static void tell_errno(const struct row *row, size_t width, FILE *out)
{
    int number = number_of(row->cell[0]);
    if (number > 0)
        fprintf(out, "%s is %d here: %s\n\n", row->cell[0], number, strerror(number));
    else
        fprintf(out, "%s (this system has no such number)\n\n", row->cell[0]);
    tell(out, "To you", row->cell[1], width);
    tell(out, "On the wire", row->cell[2], width);
    tell(out, "Seen in lab", row->cell[3], width);
    tell(out, "Read", row->cell[4], width);
}

/* The three that are nearest, so that a typing error, or half a name, finds its way. */
static void tell_nearest(const struct table *table, const char *word)
{
    char *clean = paragraph_clean(word, strnlen(word, WORD_MOST), ' ');
    const char **name = calloc(table->count + 1, sizeof *name);
    size_t count = table->count;

    fprintf(stderr, "lab: explain: %s: no errno that is known here\n", clean != NULL ? clean : "?");
    for (size_t i = 0; name != NULL && i < count; i++)
        name[i] = table->row[i].cell[0];
    for (unsigned told = 0; name != NULL && told < 3; told++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++)
            if (best == count || word_distance(word, name[i]) < word_distance(word, name[best]))
                best = i;
        if (best == count)
            break;
        fprintf(stderr, "%s %s", told == 0 ? "Nearest:" : ",", name[best]);
        name[best] = name[--count];
    }
    fprintf(stderr, "\n");
    free(name);
    free(clean);
}

int explain_errno(const char *path, const char *word, size_t width, FILE *out)
{
    struct table table;
    char *end;
    long number = strtol(word, &end, 10);
    const char *name = *word != '\0' && *end == '\0' && number > 0 && number < ERRNO_MOST
                           ? strerrorname_np((int)number)
                           : NULL;
    int code = 2;

    if (!table_read(&table, path, 5, 5, stderr))
        return 1;
    for (size_t i = 0; i < table.count && code != 0; i++) {
        const char *known = table.row[i].cell[0];
        /* EAGAIN and EWOULDBLOCK are one number: a name is asked for as itself first. */
        if (strcasecmp(known, word) == 0 || (name != NULL && strcmp(known, name) == 0)) {
            tell_errno(&table.row[i], width, out);
            code = 0;
        }
    }
    if (code != 0)
        tell_nearest(&table, name != NULL ? name : word);
    table_free(&table);
    return code;
}
