/* How often each combination of codes occurs: integers, the same by any instruction set.

   - the cells of some rows are worked out first, column by column, which vectorises; then they are counted.
   - a small table is counted in four copies: rows that follow each other often meet in one cell, and each would wait for
     the one before to be stored. */

#ifndef ROWS_COUNTS_H
#define ROWS_COUNTS_H

#include "rows_number.h"

enum { COUNTED = 2048, COPIES = 4, SMALL = 1024 };

/* Columns of codes of 1, 2 or 4 bytes; for each of m tables its k columns, their strides, and where in out it lies. */
typedef struct {
    const char *codes;
    const int64_t *columns, *strides, *offsets, *weights;
    int64_t *out, *most;
    Py_ssize_t n, width, m, k;
    int size;
} Counting;

#define DEFINE_CELLS(NAME, TYPE)                                                                                       \
    CLONES static void NAME##_cells(const TYPE *codes, Py_ssize_t n, uint32_t stride, int first,                       \
                                    uint32_t *RESTRICT cells) {                                                        \
        if (first)                                                                                                     \
            for (Py_ssize_t i = 0; i < n; i++) cells[i] = (uint32_t)codes[i] * stride;                                 \
        else                                                                                                           \
            for (Py_ssize_t i = 0; i < n; i++) cells[i] += (uint32_t)codes[i] * stride;                                \
    }                                                                                                                  \
    CLONES static int64_t NAME##_most(const TYPE *codes, Py_ssize_t n) {                                               \
        TYPE most = 0;                                                                                                 \
        for (Py_ssize_t i = 0; i < n; i++) most = codes[i] > most ? codes[i] : most;                                   \
        return (int64_t)most;                                                                                          \
    }
DEFINE_CELLS(byte, uint8_t)
DEFINE_CELLS(word, uint16_t)
DEFINE_CELLS(long, uint32_t)

/* The cells of the rows first, first + 1, ... in one table. */
static void cells_of(const Counting *c, Py_ssize_t table, Py_ssize_t first, Py_ssize_t rows, uint32_t *cells) {
    for (Py_ssize_t j = 0; j < c->k; j++) {
        const int64_t column = c->columns[table * c->k + j];
        const uint32_t stride = (uint32_t)c->strides[table * c->k + j];
        const char *codes = c->codes + (column * c->n + first) * c->size;
        if (j && !stride) continue;
        if (c->size == 1) byte_cells((const uint8_t *)codes, rows, stride, j == 0, cells);
        else if (c->size == 2) word_cells((const uint16_t *)codes, rows, stride, j == 0, cells);
        else long_cells((const uint32_t *)codes, rows, stride, j == 0, cells);
    }
}

static void count_table(const Counting *c, Py_ssize_t table) {
    int64_t *out = c->out + c->offsets[table];
    const int64_t size = c->offsets[table + 1] - c->offsets[table];
    const int small = size <= SMALL && !c->weights;
    uint32_t cells[COUNTED], counts[COPIES][SMALL];
    if (small)
        for (int l = 0; l < COPIES; l++) memset(counts[l], 0, (size_t)size * sizeof **counts);
    for (Py_ssize_t first = 0; first < c->n; first += COUNTED) {
        const Py_ssize_t rows = c->n - first < COUNTED ? c->n - first : COUNTED;
        Py_ssize_t i = 0;
        cells_of(c, table, first, rows, cells);
        if (small)
            for (; i + COPIES <= rows; i += COPIES)
                for (int l = 0; l < COPIES; l++) counts[l][cells[i + l]]++;
        if (c->weights)
            for (; i < rows; i++) out[cells[i]] += c->weights[first + i];
        for (; i < rows; i++) out[cells[i]]++;
    }
    if (small)
        for (int64_t cell = 0; cell < size; cell++)
            for (int l = 0; l < COPIES; l++) out[cell] += counts[l][cell];
}

/* What is wrong with the tables, or NULL: every cell that a row may have must lie in its table. */
static const char *wrong_tables(const Counting *c, Py_ssize_t room) {
    for (Py_ssize_t j = 0; j < c->width; j++) {
        const char *codes = c->codes + j * c->n * c->size;
        c->most[j] = c->size == 1   ? byte_most((const uint8_t *)codes, c->n)
                     : c->size == 2 ? word_most((const uint16_t *)codes, c->n)
                                    : long_most((const uint32_t *)codes, c->n);
    }
    for (Py_ssize_t table = 0; table < c->m; table++) {
        const int64_t size = c->offsets[table + 1] - c->offsets[table];
        int64_t last = 0;
        if (c->offsets[table] < 0 || c->offsets[table + 1] > room || size < 1 || size > UINT32_MAX)
            return "a table does not lie in out";
        for (Py_ssize_t j = 0; j < c->k; j++) {
            const int64_t column = c->columns[table * c->k + j], stride = c->strides[table * c->k + j];
            if (column < 0 || column >= c->width) return "there is no such column";
            if (stride < 0 || stride > size) return "a stride is larger than its table";
            last += c->most[column] * stride;
            if (last >= size) return "a code is too large for its table";
        }
    }
    return NULL;
}

static const char *count_tables(const Counting *c, Py_ssize_t room) {
    const char *wrong = c->n ? wrong_tables(c, room) : NULL;
    for (Py_ssize_t table = 0; table < c->m && c->n && !wrong; table++) count_table(c, table);
    return wrong;
}

#endif
