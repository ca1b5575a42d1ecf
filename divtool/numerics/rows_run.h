/* From stored rows to results: fill the lanes, call the kernel, put odd rows another way and call it again. */

#ifndef ROWS_RUN_H
#define ROWS_RUN_H

#include "rows_single.h"
#include "rows_tables.h"

enum { NARROW = 2 * LANES }; /* rows of fewer classes are transposed */

typedef void Kernel(Bundle *);

/* `run` by wide and by tempered, or for tables by odd; of how many sides, of tables or logits, and how many of x, y and
   u are handed out as matrices, if it is not a number a row. */
typedef struct {
    Kernel *run[2][2];
    int sides, table, matrices;
} Measure;

typedef struct { const char *x; int kind; } Stored;

#define DEFINE_MEASURE(NAME, BODY, WIDE_CALL, SIDES, MATRICES)                                                         \
    CLONES static void NAME##_narrow(Bundle *w) { BODY(w, WIDE_CALL 0, 0); }                                           \
    CLONES static void NAME##_narrow_tempered(Bundle *w) { BODY(w, WIDE_CALL 0, 1); }                                  \
    CLONES static void NAME##_wide(Bundle *w) { BODY(w, WIDE_CALL 1, 0); }                                             \
    CLONES static void NAME##_wide_tempered(Bundle *w) { BODY(w, WIDE_CALL 1, 1); }                                    \
    static const Measure NAME = {                                                                                      \
        {{NAME##_narrow, NAME##_narrow_tempered}, {NAME##_wide, NAME##_wide_tempered}}, SIDES, 0, MATRICES};
#define DEFINE_TABLE_MEASURE(NAME, BODY, ODD_BODY, WIDE_CALL, SIDES, MATRICES)                                          \
    CLONES static void NAME##_narrow(Bundle *w) { BODY(w, WIDE_CALL 0); }                                              \
    CLONES static void NAME##_narrow_odd(Bundle *w) { ODD_BODY(w, WIDE_CALL 0); }                                      \
    CLONES static void NAME##_wide(Bundle *w) { BODY(w, WIDE_CALL 1); }                                                \
    CLONES static void NAME##_wide_odd(Bundle *w) { ODD_BODY(w, WIDE_CALL 1); }                                        \
    static const Measure NAME = {                                                                                      \
        {{NAME##_narrow, NAME##_narrow_odd}, {NAME##_wide, NAME##_wide_odd}}, SIDES, 1, MATRICES};
#define NOTHING_MORE
#define OF_KL KL,
#define OF_JS JS,
#define ALL_FORMS 0,
#define ONLY_DELTA 1,
DEFINE_MEASURE(entropy_logits, entropy_of_logits, NOTHING_MORE, 1, 0)
DEFINE_MEASURE(softmax_logits, softmax_of_logits, NOTHING_MORE, 1, 1)
DEFINE_MEASURE(log_softmax_logits, log_softmax_of_logits, NOTHING_MORE, 1, 1)
DEFINE_MEASURE(kl_logits, pair_of_logits, OF_KL, 2, 0)
DEFINE_MEASURE(js_logits, pair_of_logits, OF_JS, 2, 0)
DEFINE_MEASURE(pair_logits, forms_of_logits, ALL_FORMS, 2, 3)
DEFINE_MEASURE(delta_logits, forms_of_logits, ONLY_DELTA, 2, 1)
DEFINE_TABLE_MEASURE(entropy_table, entropy_of_table, entropy_of_table, NOTHING_MORE, 1, 0)
DEFINE_TABLE_MEASURE(kl_tables, pair_of_tables, pair_of_any_tables, OF_KL, 2, 0)
DEFINE_TABLE_MEASURE(js_tables, pair_of_tables, pair_of_any_tables, OF_JS, 2, 0)
DEFINE_TABLE_MEASURE(pair_tables, forms_of_tables, forms_of_tables, ALL_FORMS, 2, 3)
DEFINE_TABLE_MEASURE(delta_tables, forms_of_tables, forms_of_tables, ONLY_DELTA, 2, 1)

/* Room for the columns of a bundle and for the rows that are still to be transposed; the caller frees `memory`. */
static int make_room(Bundle *w, Py_ssize_t c, int sides) {
    size_t groups = (size_t)(c < NARROW ? c : (c + LANES - 1) / LANES), column = groups * LANES;
    w->memory = PyMem_Malloc((column * 2 * (size_t)sides + (c < NARROW ? column : 0) + 8) * sizeof(double));
    if (!w->memory) return 0;
    w->x = (double *)(((uintptr_t)w->memory + 63) & ~(uintptr_t)63);
    w->y = w->x + column, w->u = w->y + column, w->v = w->u + column;
    w->flat = w->x + 2 * column * (size_t)sides;
    w->groups = (Py_ssize_t)groups;
    return 1;
}

/* One row, or up to 32 short ones, of one side. */
static void load(Bundle *w, Stored from, Py_ssize_t row, int rows, Py_ssize_t c, double nothing, double *to) {
    const char *x = from.x + row * c * size_of(from.kind);
    if (w->wide) {
        load_wide(x, from.kind, c, nothing, to);
        return;
    }
    widen(x, from.kind, rows * c, w->flat);
    transpose(w->flat, rows, c, nothing, to);
}

CLONES static void transpose_back(const double *RESTRICT from, int rows, Py_ssize_t c, double *to) {
    for (Py_ssize_t j = 0; j < c; j++, from += LANES)
        for (int l = 0; l < rows; l++) to[l * c + j] = from[l];
}

/* Matrices stand one after the other in `out`, each of `cells` numbers. */
static void store(const Bundle *w, const Measure *m, Py_ssize_t row, int rows, Py_ssize_t c, Py_ssize_t cells,
                  double *out) {
    const double *columns[] = {w->x, w->y, w->u};
    if (!m->matrices) memcpy(out + row, w->result, (size_t)rows * sizeof *out);
    for (int i = 0; i < m->matrices; i++, out += cells)
        if (w->wide) memcpy(out + row * c, columns[i], (size_t)c * sizeof *out);
        else transpose_back(columns[i], rows, c, out + row * c);
}

/* One row that the kernel found odd, put another way. */
static void run_odd(const Bundle *from, const Measure *m, const Stored *sides, Py_ssize_t row, Py_ssize_t c,
                    Py_ssize_t cells, double *out) {
    Bundle w = *from;
    double *columns[2] = {w.x, w.y}, nothing = m->table ? 0.0 : -INFINITY;
    /* logits go wide, whatever their number, where a sum that overflows is seen to */
    w.wide = w.wide || !m->table;
    w.groups = w.wide ? (c + LANES - 1) / LANES : c;
    for (int i = 0; i < m->sides; i++) {
        double *to = w.wide ? columns[i] : w.flat;
        load_wide(sides[i].x + row * c * size_of(sides[i].kind), sides[i].kind, c, nothing, to);
        if (!m->table) plain_logits(to, c);
        else if (m->sides == 1) plain_table(to, c);
        if (!w.wide) transpose(to, 1, c, nothing, columns[i]);
    }
    w.t.t *= 0.25, w.t.inverse *= 4.0;
    m->run[w.wide][1](&w);
    store(&w, m, row, 1, c, cells, out);
}

static void run_rows(Bundle *w, const Measure *m, const Stored *sides, Py_ssize_t n, Py_ssize_t c, double *out) {
    double nothing = m->table ? 0.0 : -INFINITY;
    int tempered = w->t.t != 1.0, at_once = c < NARROW ? LANES : 1;
    w->wide = c >= NARROW;
    for (Py_ssize_t row = 0; row < n; row += at_once) {
        int rows = n - row < at_once ? (int)(n - row) : at_once;
        load(w, sides[0], row, rows, c, nothing, w->x);
        if (m->sides > 1) load(w, sides[1], row, rows, c, nothing, w->y);
        m->run[w->wide][tempered](w);
        store(w, m, row, rows, c, n * c, out);
        for (int l = 0; l < rows; l++)
            if (w->odd[l]) run_odd(w, m, sides, row + l, c, n * c, out);
    }
}

#endif
