/* -log softmax(x / T)[label] in nats, from the stored numbers.

   - the largest entry is left out by putting -inf in its place, as in the columns that fill up the last lanes; what lies
     below the largest by more than 800 is taken as 800, which adds nothing to a sum that is a double.
   - sums go into 32 lanes, folded pairwise every 256 columns; tile totals are added with their rounding errors.
   - rows of fewer than 32 classes are transposed, 64 at a time, and the loops run across the rows. */

#ifndef ROWS_LABEL_H
#define ROWS_LABEL_H

#include "rows_stored.h"

enum { TILE = 256, BATCH = 64 };

/* The distance of x below top, over T: the quotient, and in *err what it lacks. */
INLINE double gap(double top, double x, Temperature at_t, int tempered, int exact, double *err) {
    double d = top - x, b = d - top;
    *err = exact ? 0.0 : (top - (d - b)) - (x + b);
    if (!tempered) return d;
    double q = d * at_t.inverse;
    *err = (FMA(-q, at_t.t, d) + *err) * at_t.inverse;
    return q;
}

/* Entries below this are taken as this: they add nothing. An ordinary top is one from which GONE can be told apart. */
INLINE double floor_of(double top, Temperature t) { return top - GONE * t.t; }
INLINE int ordinary(double top, Temperature t) { return fabs(top) < 0x1p50 * t.t; }

/* The largest of a row in its own type, and whether it has NaN. */
#define DEFINE_TOP(NAME, TYPE, LOADED, MASK, LOAD)                                                                      \
    INLINE double NAME(const TYPE *x, Py_ssize_t c, int *nan) {                                                        \
        LOADED top[LANES], best;                                                                           \
        MASK bad[LANES] = {0}, any;                                                                                    \
        Py_ssize_t j = 0;                                                                                              \
        for (int l = 0; l < LANES; l++) top[l] = -INFINITY;                                                            \
        for (; j + LANES <= c; j += LANES)                                                                             \
            for (int l = 0; l < LANES; l++) {                                                                          \
                LOADED v = LOAD(x[j + l]);                                                                             \
                top[l] = v > top[l] ? v : top[l];                                                                      \
                bad[l] |= v != v;                                                                                      \
            }                                                                                                          \
        for (int w = LANES / 2; w; w /= 2)                                                                             \
            for (int l = 0; l < w; l++) {                                                                              \
                top[l] = top[l + w] > top[l] ? top[l + w] : top[l];                                                    \
                bad[l] |= bad[l + w];                                                                                  \
            }                                                                                                          \
        best = top[0], any = bad[0];                                                                                   \
        for (; j < c; j++) {                                                                                           \
            LOADED v = LOAD(x[j]);                                                                                     \
            best = v > best ? v : best;                                                                                \
            any |= v != v;                                                                                             \
        }                                                                                                              \
        *nan = any != 0;                                                                                               \
        return best;                                                                                                   \
    }
#define AS_IS(v) (v)
DEFINE_TOP(top_half, uint16_t, float, uint32_t, widened)
DEFINE_TOP(top_brain, uint16_t, float, uint32_t, widened_brain)
DEFINE_TOP(top_single, float, float, uint32_t, AS_IS)
DEFINE_TOP(top_double, double, double, uint64_t, AS_IS)

INLINE double top_of(const void *x, Py_ssize_t c, int kind, int *nan) {
    if (kind == HALF) return top_half(x, c, nan);
    if (kind == BRAIN) return top_brain(x, c, nan);
    if (kind == SINGLE) return top_single(x, c, nan);
    return top_double(x, c, nan);
}

INLINE void add_group(const void *x, int kind, double top, double least, Temperature t, int tempered, int exact,
                      double *sum) {
    for (int l = 0; l < LANES; l++) {
        double v = at(x, l, kind), err;
        v = v > least ? v : least;
        double d = gap(top, v, t, tempered, exact, &err);
        sum[l] += scaled_exp(d, err);
    }
}

/* Where a row first equals its largest entry. */
INLINE Py_ssize_t place_of(const void *x, Py_ssize_t c, int kind, double top) {
    Py_ssize_t j = 0;
    for (; j + LANES <= c; j += LANES) {
        uint32_t found = 0;
        if (kind == SINGLE)
            for (int l = 0; l < LANES; l++) found |= ((const float *)x)[j + l] == (float)top;
        else
            for (int l = 0; l < LANES; l++) found |= at(x, j + l, kind) == top;
        if (found) break;
    }
    while (at(x, j, kind) != top) j++;
    return j;
}

/* A group of n <= 32 entries, filled up with -inf; also in place k, if that is one of them. */
INLINE void patched(void *group, const char *x, int kind, Py_ssize_t n, Py_ssize_t k) {
    static const uint16_t half = 0xfc00, brain = 0xff80;
    static const float single = -INFINITY;
    static const double full = -INFINITY;
    const void *nothing = &full;
    if (kind == HALF) nothing = &half;
    if (kind == BRAIN) nothing = &brain;
    if (kind == SINGLE) nothing = &single;
    if (n >= LANES)
        memcpy(group, x, (size_t)LANES * size_of(kind));
    else {
        for (int l = 0; l < LANES; l++) memcpy((char *)group + l * size_of(kind), nothing, (size_t)size_of(kind));
        memcpy(group, x, (size_t)n * size_of(kind));
    }
    if ((size_t)k < LANES) memcpy((char *)group + k * size_of(kind), nothing, (size_t)size_of(kind));
}

INLINE double folded(double *lanes) {
    for (int w = LANES / 2; w; w /= 2)
        for (int l = 0; l < w; l++) lanes[l] += lanes[l + w];
    return lanes[0];
}

/* The sum of e^-gap over the classes start..end-1, but for place k, times 2^SCALE. */
INLINE double tile_of(const char *x, Py_ssize_t start, Py_ssize_t end, int kind, Py_ssize_t k, double top, Temperature t,
                      int tempered, int exact) {
    double sum[LANES] = {0}, group[LANES], least = floor_of(top, t);
    for (Py_ssize_t j = start; j < end; j += LANES) {
        const void *from = x + j * size_of(kind);
        if (j + LANES > end || (size_t)(k - j) < LANES) {
            patched(group, from, kind, end - j, k - j);
            from = group;
        }
        add_group(from, kind, top, least, t, tempered, exact, sum);
    }
    return folded(sum);
}

/* Whether top - x is exact for each x of a tile that is within GONE of top: when all are 0 or multiples of 2^-43. */
INLINE int exact_tile(const char *x, Py_ssize_t n, int kind) {
    if (kind == HALF) return 1;
    if (kind != SINGLE || n < TILE) return 0;
    uint32_t least[LANES], any = 0;
    for (int l = 0; l < LANES; l++) least[l] = 0x7fffffff;
    for (Py_ssize_t j = 0; j < TILE; j += LANES)
        for (int l = 0; l < LANES; l++) {
            uint32_t b;
            memcpy(&b, x + (j + l) * SINGLE, 4);
            b = (b & 0x7fffffff) - 1u; /* 0 becomes the largest */
            least[l] = b < least[l] ? b : least[l];
        }
    for (int l = 0; l < LANES; l++) any |= least[l] < 0x35800000u; /* 2^-20 */
    return !any;
}

/* The sum of e^-gap over all classes but one of the largest. */
INLINE double rest_of(const char *x, Py_ssize_t c, int kind, double top, Temperature t, int tempered) {
    double high = 0.0, low = 0.0;
    Py_ssize_t row = c * size_of(kind) < ROW_AHEAD ? c * size_of(kind) : 0;
    Py_ssize_t k = place_of(x, c, kind, top);
    int smooth = !tempered && fabs(top) > 0x1p-20;
    for (Py_ssize_t start = 0; start < c; start += TILE) {
        Py_ssize_t end = start + TILE < c ? start + TILE : c;
        /* the processor does not foresee the next row while this one is gone through again */
        for (Py_ssize_t line = start * size_of(kind); row && line < end * size_of(kind); line += 64) PREFETCH(x + row + line);
        double tile = smooth && exact_tile(x + start * size_of(kind), end - start, kind)
                          ? tile_of(x, start, end, kind, k, top, t, tempered, 1)
                          : tile_of(x, start, end, kind, k, top, t, tempered, 0);
        double both = high + tile, shadow = both - high;
        low += (high - (both - shadow)) + (tile - shadow);
        high = both;
    }
    return (high + low) * UNSCALE;
}

/* Rows with NaN, with nothing but -inf, with +inf (which share the mass), or with a top that swallows GONE. */
static double unusual(const char *x, Py_ssize_t c, int kind, Py_ssize_t y, double top, int nan, Temperature t) {
    double high = -0x1p200, low = 0.0;
    if (nan || top == -INFINITY) return NAN;
    for (Py_ssize_t j = 0; j < c; j++) {
        double v = at(x, j, kind), err, d = gap(top, v, t, 1, 0, &err);
        double e = v == top ? 0x1p200 : d < GONE ? scaled_exp(d, err) : 0.0;
        double both = high + e, shadow = both - high;
        low += (high - (both - shadow)) + (e - shadow);
        high = both;
    }
    return (at(x, y, kind) == top ? 0.0 : (top - at(x, y, kind)) / t.t) + log_1p((high + low) * UNSCALE);
}

INLINE double label_gap(double top, double x, Temperature t, int tempered) {
    return tempered ? (top - x) / t.t : top - x;
}

INLINE void wide(const char *x, int kind, Py_ssize_t n, Py_ssize_t c, const int64_t *y, Temperature t, int tempered,
                 double *out) {
    double rest[BATCH], cost[BATCH] = {0};
    for (Py_ssize_t start = 0; start < n; start += BATCH) {
        int rows = n - start < BATCH ? (int)(n - start) : BATCH;
        for (int i = 0; i < BATCH; i++) rest[i] = 0.0;
        for (int i = 0; i < rows; i++, x += c * size_of(kind)) {
            int nan;
            double top = top_of(x, c, kind, &nan);
            Py_ssize_t label = (Py_ssize_t)y[start + i];
            if (nan || !ordinary(top, t))
                cost[i] = unusual(x, c, kind, label, top, nan, t);
            else {
                cost[i] = label_gap(top, at(x, label, kind), t, tempered);
                rest[i] = rest_of(x, c, kind, top, t, tempered);
            }
        }
        for (int i = 0; i < BATCH; i++) cost[i] += log_1p(rest[i]);
        memcpy(out + start, cost, (size_t)rows * sizeof *out);
    }
}

/* Replace the columns of a batch by their scaled exponentials and fold them: the rest of each of its rows. */
INLINE void rest_of_batch(double (*e)[BATCH], int c, const double *top, Temperature t, int tempered, int exact,
                          double *rest) {
    for (int i = 0; i < BATCH; i++) rest[i] = -1.0;
    for (int j = 0; j < c; j++)
        for (int i = 0; i < BATCH; i++) {
            double v = e[j][i], least = floor_of(top[i], t), err;
            uint64_t largest = masked(v == top[i]);
            v = v > least ? v : least;
            double d = gap(top[i], v, t, tempered, exact, &err);
            e[j][i] = double_of(bits_of(scaled_exp(d, err)) & ~largest);
            rest[i] += double_of(bits_of(1.0) & largest);
        }
    for (int w = LANES / 2; w; w /= 2)
        for (int j = 0; j < w && j + w < c; j++)
            for (int i = 0; i < BATCH; i++) e[j][i] += e[j + w][i];
    for (int i = 0; i < BATCH; i++) rest[i] = FMA(e[0][i], UNSCALE, rest[i]);
}

/* Transpose rows of c < 32 entries into columns of doubles; what is missing of a batch is 0. */
INLINE void columns_of(const char *x, int kind, int rows, int c, double (*e)[BATCH]) {
    for (int j = 0; j < c; j++) {
        if (rows == BATCH)
            for (int i = 0; i < BATCH; i++) e[j][i] = at(x, (Py_ssize_t)i * c + j, kind);
        else
            for (int i = 0; i < BATCH; i++) e[j][i] = i < rows ? at(x, (Py_ssize_t)i * c + j, kind) : 0.0;
    }
}

INLINE void narrow(const char *x, int kind, Py_ssize_t n, int c, const int64_t *y, Temperature t, int tempered,
                   double *out) {
    double e[LANES][BATCH], top[BATCH], rest[BATCH], cost[BATCH] = {0};
    uint64_t odd[BATCH];
    for (Py_ssize_t start = 0; start < n; start += BATCH, x += (Py_ssize_t)BATCH * c * size_of(kind)) {
        int rows = n - start < BATCH ? (int)(n - start) : BATCH;
        uint64_t any = 0;
        columns_of(x, kind, rows, c, e);
        for (int i = 0; i < rows; i++) cost[i] = e[y[start + i]][i];
        for (int i = 0; i < BATCH; i++) top[i] = -INFINITY, odd[i] = 0;
        for (int j = 0; j < c; j++)
            for (int i = 0; i < BATCH; i++) {
                top[i] = e[j][i] > top[i] ? e[j][i] : top[i];
                odd[i] |= e[j][i] != e[j][i];
            }
        for (int i = 0; i < BATCH; i++) {
            cost[i] = label_gap(top[i], cost[i], t, tempered);
            odd[i] |= (uint64_t)!ordinary(top[i], t) << 1;
            any |= odd[i];
        }
        rest_of_batch(e, c, top, t, tempered, kind == HALF && !tempered, rest);
        for (int i = 0; i < BATCH; i++) cost[i] += log_1p(rest[i]);
        for (int i = 0; any && i < rows; i++)
            if (odd[i])
                cost[i] = unusual(x + (Py_ssize_t)i * c * size_of(kind), c, kind, (Py_ssize_t)y[start + i], top[i], odd[i] & 1, t);
        memcpy(out + start, cost, (size_t)rows * sizeof *out);
    }
}

#define ROWS_ARGUMENTS const char *x, Py_ssize_t n, Py_ssize_t c, const int64_t *y, Temperature t, double *out
#define DEFINE_ROWS(NAME, KIND, TEMPERED)                                                                              \
    CLONES static void NAME##_wide(ROWS_ARGUMENTS) { wide(x, KIND, n, c, y, t, TEMPERED, out); }                       \
    CLONES static void NAME##_narrow(ROWS_ARGUMENTS) { narrow(x, KIND, n, (int)c, y, t, TEMPERED, out); }              \
    static void NAME(ROWS_ARGUMENTS) { (c < LANES ? NAME##_narrow : NAME##_wide)(x, n, c, y, t, out); }
DEFINE_ROWS(half_rows, HALF, 0)
DEFINE_ROWS(brain_rows, BRAIN, 0)
DEFINE_ROWS(single_rows, SINGLE, 0)
DEFINE_ROWS(double_rows, DOUBLE, 0)
DEFINE_ROWS(half_rows_tempered, HALF, 1)
DEFINE_ROWS(brain_rows_tempered, BRAIN, 1)
DEFINE_ROWS(single_rows_tempered, SINGLE, 1)
DEFINE_ROWS(double_rows_tempered, DOUBLE, 1)

static void surprisal_rows(int kind, ROWS_ARGUMENTS) {
    int tempered = t.t != 1.0;
    if (kind == HALF) (tempered ? half_rows_tempered : half_rows)(x, n, c, y, t, out);
    else if (kind == BRAIN) (tempered ? brain_rows_tempered : brain_rows)(x, n, c, y, t, out);
    else if (kind == SINGLE) (tempered ? single_rows_tempered : single_rows)(x, n, c, y, t, out);
    else (tempered ? double_rows_tempered : double_rows)(x, n, c, y, t, out);
}

#endif
