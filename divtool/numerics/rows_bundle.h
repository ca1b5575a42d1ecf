/* 32 lanes at a time: either one row, whose columns are dealt to the lanes, or 32 rows of fewer than 64 classes,
   transposed. A kernel is written once for both; what belongs to a row stands in every lane that works for it.

   Sums go into the lanes, for eight groups (256 columns) at a time; these totals are added with their rounding errors,
   and the lanes of a wide row are folded pairwise. */

#ifndef ROWS_BUNDLE_H
#define ROWS_BUNDLE_H

#include "rows_stored.h"

#if defined(__GNUC__) && !defined(__clang__)
#define APART _Pragma("GCC ivdep") /* what is read and what is written do not overlap, or are the same place */
#else
#define APART
#endif
#define FIRST_LANES(n) APART for (int l = 0; l < (n); l++)
#define EACH_LANE FIRST_LANES(LANES)
/* What belongs to a row stands in the first lane alone if the bundle is one row. */
#define EACH_ROW for (int l = 0; l < (wide ? 1 : LANES); l++)
#define ROW(lanes) lanes[wide ? 0 : l]
enum { DEPTH = 8 }; /* groups a total */

/* The lanes at work: `groups` groups of 32 entries, of one side or of two, room for two columns more, and what comes
   of them. `odd` marks rows that are to be put another way first (see plain_row). */
typedef struct {
    double *x, *y, *u, *v, *flat, *memory;
    Py_ssize_t groups;
    Temperature t;
    int wide, tempered;
    double result[LANES];
    uint64_t odd[LANES];
} Bundle;

typedef struct { double sum[LANES], high[LANES], low[LANES]; } Total;

INLINE void begin(Total *s) { EACH_LANE s->sum[l] = s->high[l] = s->low[l] = 0.0; }

/* After a group has been added to the sums: carry them every DEPTH groups, and at the end. */
INLINE void carry(Total *s, Py_ssize_t group, Py_ssize_t groups) {
    if ((group + 1) % DEPTH && group + 1 < groups) return;
    EACH_LANE {
        double both = s->high[l] + s->sum[l], shadow = both - s->high[l];
        s->low[l] += (s->high[l] - (both - shadow)) + (s->sum[l] - shadow);
        s->high[l] = both;
        s->sum[l] = 0.0;
    }
}

#define DEFINE_FOLD(NAME, TYPE, JOINED)                                                                                \
    INLINE void NAME##_step(TYPE *lanes, int n) {                                                                      \
        FIRST_LANES(n) {                                                                                               \
            TYPE a = lanes[l], b = lanes[l + n];                                                                       \
            lanes[l] = JOINED;                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    INLINE void NAME(TYPE *lanes, int wide) {                                                                          \
        if (!wide) return;                                                                                             \
        NAME##_step(lanes, 16), NAME##_step(lanes, 8), NAME##_step(lanes, 4), NAME##_step(lanes, 2);                   \
        NAME##_step(lanes, 1);                                                                                         \
    }
DEFINE_FOLD(fold_sum, double, a + b)
DEFINE_FOLD(fold_top, double, b > a ? b : a)
DEFINE_FOLD(fold_any, uint64_t, a | b)

/* The sum of each row. */
INLINE void total(const Total *s, int wide, double *out) {
    EACH_LANE out[l] = s->high[l] + s->low[l];
    fold_sum(out, wide);
}

/* The largest entry of each row, and whether it has NaN. */
INLINE void tops(const double *x, Py_ssize_t groups, int wide, double *top, uint64_t *nan) {
    EACH_LANE top[l] = -INFINITY, nan[l] = 0;
    for (Py_ssize_t g = 0; g < groups; g++, x += LANES)
        EACH_LANE {
            top[l] = x[l] > top[l] ? x[l] : top[l];
            nan[l] |= masked(x[l] != x[l]);
        }
    fold_top(top, wide);
    fold_any(nan, wide);
}

/* d + err over T: the quotient, and in *err what it lacks. */
INLINE double tempered_by(double d, Temperature t, int tempered, double *err) {
    if (!tempered) return d;
    double q = d * t.inverse, lost = (FMA(-q, t.t, d) + *err) * t.inverse;
    *err = fabs(lost) < 1.0 ? lost : 0.0;
    return q;
}

/* n stored numbers as doubles. */
#define DEFINE_WIDEN(NAME, KIND)                                                                                       \
    CLONES static void NAME(const void *x, Py_ssize_t n, double *RESTRICT out) {                                       \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = at(x, i, KIND);                                                    \
    }
DEFINE_WIDEN(widen_half, HALF)
DEFINE_WIDEN(widen_brain, BRAIN)
DEFINE_WIDEN(widen_single, SINGLE)

static void widen(const void *x, int kind, Py_ssize_t n, double *out) {
    if (kind == HALF) widen_half(x, n, out);
    else if (kind == BRAIN) widen_brain(x, n, out);
    else if (kind == SINGLE) widen_single(x, n, out);
    else memcpy(out, x, (size_t)n * sizeof *out);
}

/* What fills up the lanes: entries of no weight, or whole rows of them. */
INLINE void load_wide(const char *x, int kind, Py_ssize_t c, double nothing, double *out) {
    widen(x, kind, c, out);
    for (Py_ssize_t j = c; j % LANES; j++) out[j] = nothing;
}

CLONES static void transpose(const double *from, int rows, Py_ssize_t c, double nothing, double *RESTRICT to) {
    for (Py_ssize_t j = 0; j < c; j++, to += LANES)
        EACH_LANE to[l] = l < rows ? from[l * c + j] : nothing;
}

/* One row of logits that +inf or size keep out of the kernels: +inf shares the mass, the rest is taken at T/4. */
static void plain_logits(double *x, Py_ssize_t c) {
    int infinite = 0;
    for (Py_ssize_t j = 0; j < c; j++) infinite |= x[j] == INFINITY;
    for (Py_ssize_t j = 0; j < c; j++)
        x[j] = !infinite ? 0.25 * x[j] : x[j] == INFINITY ? 0.0 : x[j] == x[j] ? -INFINITY : x[j];
}

/* One row of a table of extreme size, times a power of two; NaN if that is of no use. */
static void plain_table(double *p, Py_ssize_t c) {
    double top = 0.0;
    int exponent;
    for (Py_ssize_t j = 0; j < c; j++) top = p[j] > top ? p[j] : top;
    frexp(top, &exponent);
    for (Py_ssize_t j = 0; j < c; j++) p[j] = top < INFINITY ? ldexp(p[j], 280 - exponent) : NAN;
}

#endif
