/*
 * table.h - a small table of text: aligned for a terminal, or in Markdown.
 */
#ifndef ECHOLAB_BENCH_TABLE_H
#define ECHOLAB_BENCH_TABLE_H

#include "stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 12, TABLE_ROWS = 64, TABLE_CELL = 160 };

/* A zeroed one is empty. Row 0 is the headline. What does not fit is left out. */
struct bench_table {
    size_t columns, rows;
    bool left[TABLE_COLUMNS]; /* aligned to the left; numbers stand to the right */
    char cell[TABLE_ROWS][TABLE_COLUMNS][TABLE_CELL];
};

/* Begins a row, its cells are empty. */
void bench_table_row(struct bench_table *table);
/* The next cell of the last row. `column` 0.. ; as printf(3) would print it. */
__attribute__((format(printf, 3, 4))) void bench_table_put(struct bench_table *table, size_t column,
                                                           const char *format, ...);
/* Text is indented by two blanks; Markdown has a blank line before and behind. */
void bench_table_print(const struct bench_table *table, bool markdown, FILE *to);

#endif
