/*
 * table.c - see table.h. Columns are as wide as their widest cell; cells are ASCII, or a sign that is one column wide.
 */
#include "table.h"

#include <stdarg.h>
#include <string.h>

void bench_table_row(struct bench_table *table)
{
    if (table->rows < TABLE_ROWS)
        table->rows++;
}

void bench_table_put(struct bench_table *table, size_t column, const char *format, ...)
{
    va_list list;
    if (column >= TABLE_COLUMNS || table->rows == 0)
        return;
    if (column >= table->columns)
        table->columns = column + 1;
    va_start(list, format);
    vsnprintf(table->cell[table->rows - 1][column], TABLE_CELL, format, list);
    va_end(list);
}

/* Columns on a terminal: bytes of UTF-8 that continue a character take none. */
static size_t columns_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static size_t width_of(const struct bench_table *table, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < table->rows; row++) {
        size_t needed = columns_of(table->cell[row][column]);
        width = needed > width ? needed : width;
    }
    return width;
}

static void print_text(const struct bench_table *table, FILE *to)
{
    for (size_t row = 0; row < table->rows; row++) {
        size_t behind = 2; /* blanks that are due: never printed at the end of a line */
        for (size_t column = 0; column < table->columns; column++) {
            const char *cell = table->cell[row][column];
            size_t padding = width_of(table, column) - columns_of(cell);
            size_t before = behind + (table->left[column] ? 0 : padding);
            if (cell[0] != '\0')
                fprintf(to, "%*s%s", (int)before, "", cell);
            behind = (cell[0] == '\0' ? before : 0) + 2 + (table->left[column] ? padding : 0);
        }
        fputc('\n', to);
    }
}

/* A bar inside a cell would end it. */
static void print_cell(const char *cell, FILE *to)
{
    fputc(' ', to);
    for (; *cell != '\0'; cell++) {
        if (*cell == '|')
            fputc('\\', to);
        fputc(*cell, to);
    }
    fputs(" |", to);
}

static void print_markdown(const struct bench_table *table, FILE *to)
{
    fputc('\n', to);
    for (size_t row = 0; row < table->rows; row++) {
        fputc('|', to);
        for (size_t column = 0; column < table->columns; column++)
            print_cell(table->cell[row][column], to);
        fputc('\n', to);
        if (row > 0)
            continue;
        fputc('|', to);
        for (size_t column = 0; column < table->columns; column++)
            fputs(table->left[column] ? "---|" : "---:|", to);
        fputc('\n', to);
    }
    fputc('\n', to);
}

void bench_table_print(const struct bench_table *table, bool markdown, FILE *to)
{
    if (markdown)
        print_markdown(table, to);
    else
        print_text(table, to);
}
