/* Row kernels: -log softmax(x / T)[label] in nats, from the stored numbers, for float16, float32 and float64 rows.

   The NumPy twin (logspace.py) is the specification and states the edge rules. What is particular here:
   - exp and log1p are written out below, with coefficients fitted for this file at Chebyshev nodes, so that a result has
     the same bits on every instruction set. For the same reason the file is compiled with -ffp-contract=off, every fused
     multiply-add is explicit, and sums have a fixed order: 32 lanes, folded pairwise every 256 columns, tile totals
     added with their rounding errors.
   - exponentials are summed times 2^200, so that none of them is subnormal; the sum is rounded once, when scaled back.
   - the largest entry is left out by putting -inf in its place, as in the columns that fill up the last lanes; what lies
     below the largest by more than 800 is taken as 800, which adds nothing to a sum that is a double.
   - rows of fewer than 32 classes are transposed, 64 at a time, and the loops run across the rows. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define FMA __builtin_fma
#define PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define INLINE static __forceinline
#define FMA fma
#define PREFETCH(p) ((void)(p))
#endif

/* One copy for each instruction set, chosen when the module is loaded: needs ifunc, hence glibc, and arch= names. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && \
    !defined(NO_CLONES)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

enum { HALF = 2, SINGLE = 4, DOUBLE = 8 }; /* the kinds of input are named by their sizes */
enum { LANES = 32, TILE = 256, BATCH = 64 };
enum { ROW_AHEAD = 1 << 18 }; /* rows up to this size in bytes: the next is fetched meanwhile */

#define SCALE 200
#define UNSCALE 0x1p-200
#define GONE 800.0 /* 2^18 e^-800 is far below half of the smallest subnormal, and 2^SCALE e^-800 a normal number */
#define MAGIC 0x1.8p52 /* adding it rounds to an integer, which then stands in the low bits */
#define LOG2_E 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33

INLINE uint64_t bits_of(double x) { uint64_t b; memcpy(&b, &x, 8); return b; }
INLINE double double_of(uint64_t b) { double x; memcpy(&x, &b, 8); return x; }

/* 2^SCALE e^-(d + err) for 0 <= d < GONE and |err| below an ulp of d; anything for other d. */
INLINE double scaled_exp(double d, double err) {
    double t = FMA(-d, LOG2_E, MAGIC + SCALE), k = t - (MAGIC + SCALE);
    double r = FMA(-k, LN2_LOW, FMA(-k, LN2_HIGH, -d)) - err;
    /* e^r = 1 + r + r^2 q(r); by pairs, because a chain of ten would wait for itself */
    double r2 = r * r, r4 = r2 * r2;
    double q0 = FMA(0x1.5555555555556p-3, r, 0x1.0000000000001p-1);
    double q2 = FMA(0x1.11111111109b3p-7, r, 0x1.5555555553d63p-5);
    double q4 = FMA(0x1.a01a01a7c41d5p-13, r, 0x1.6c16c1788bd90p-10);
    double q6 = FMA(0x1.71de0dae63bb3p-19, r, 0x1.a019b90d2ae7ap-16);
    double q8 = FMA(0x1.af38a9b0ec855p-26, r, 0x1.289185613a3d6p-22);
    double q = FMA(FMA(q8, r4, FMA(q6, r2, q4)), r4, FMA(q2, r2, q0));
    double p = FMA(q, r2, r) + 1.0;
    return double_of(bits_of(p) + (bits_of(t) << 52));
}

INLINE uint64_t masked(int condition) { return 0u - (uint64_t)condition; }

/* log(1 + s) for s >= 0: 1 + s = 2^k (1 + g) with its rounding kept; log(1 + g) = 2 atanh(w) with w = g/(2 + g). */
INLINE double log_1p(double s) {
    double y = 1.0 + s, b = y - 1.0, lost = (1.0 - (y - b)) + (s - b);
    uint64_t bits = bits_of(y), k = (bits - 0x3fe6a09e667f3bcdu) >> 52;
    double g = double_of(bits - (k << 52)) - 1.0;
    double whole = double_of(k | 0x4330000000000000u) - 0x1p52;
    double w = g / (2.0 + g), z = w * w;
    double r = 0x1.2b6688a387e03p-3;
    r = FMA(r, z, 0x1.39fd392179a95p-3);
    r = FMA(r, z, 0x1.7462bd8f7796ep-3);
    r = FMA(r, z, 0x1.c71c62c639fdep-3);
    r = FMA(r, z, 0x1.2492492e09d4dp-2);
    r = FMA(r, z, 0x1.9999999995204p-2);
    r = FMA(r, z, 0x1.5555555555558p-1);
    double low = FMA(whole, LN2_LOW, lost / y);
    return FMA(whole, LN2_HIGH, g - (w * FMA(-z, r, g) - low));
}

/* A float16 as a float, exactly: its bits moved into place are 2^-112 times it, but for infinities and NaN. */
INLINE float widened(uint16_t h) {
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16, b;
    float f, scale = 0x1p112f;
    memcpy(&f, &magnitude, 4);
    f *= scale;
    memcpy(&b, &f, 4);
    b = (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : b) | sign;
    memcpy(&f, &b, 4);
    return f;
}

INLINE double at(const void *x, Py_ssize_t i, int kind) {
    if (kind == HALF) return widened(((const uint16_t *)x)[i]);
    if (kind == SINGLE) return ((const float *)x)[i];
    return ((const double *)x)[i];
}

typedef struct { double t, inverse; } Temperature;

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
DEFINE_TOP(top_single, float, float, uint32_t, AS_IS)
DEFINE_TOP(top_double, double, double, uint64_t, AS_IS)

INLINE double top_of(const void *x, Py_ssize_t c, int kind, int *nan) {
    if (kind == HALF) return top_half(x, c, nan);
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
    static const uint16_t half = 0xfc00;
    static const float single = -INFINITY;
    static const double full = -INFINITY;
    const void *nothing = &full;
    if (kind == HALF) nothing = &half;
    if (kind == SINGLE) nothing = &single;
    if (n >= LANES)
        memcpy(group, x, (size_t)LANES * kind);
    else {
        for (int l = 0; l < LANES; l++) memcpy((char *)group + l * kind, nothing, (size_t)kind);
        memcpy(group, x, (size_t)n * kind);
    }
    if ((size_t)k < LANES) memcpy((char *)group + k * kind, nothing, (size_t)kind);
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
        const void *from = x + j * kind;
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
    if (kind == DOUBLE || n < TILE) return 0;
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
    Py_ssize_t row = c * kind < ROW_AHEAD ? c * kind : 0;
    Py_ssize_t k = place_of(x, c, kind, top);
    int smooth = !tempered && fabs(top) > 0x1p-20;
    for (Py_ssize_t start = 0; start < c; start += TILE) {
        Py_ssize_t end = start + TILE < c ? start + TILE : c;
        /* the processor does not foresee the next row while this one is gone through again */
        for (Py_ssize_t line = start * kind; row && line < end * kind; line += 64) PREFETCH(x + row + line);
        double tile = smooth && exact_tile(x + start * kind, end - start, kind)
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
        for (int i = 0; i < rows; i++, x += c * kind) {
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
    for (Py_ssize_t start = 0; start < n; start += BATCH, x += (Py_ssize_t)BATCH * c * kind) {
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
                cost[i] = unusual(x + (Py_ssize_t)i * c * kind, c, kind, (Py_ssize_t)y[start + i], top[i], odd[i] & 1, t);
        memcpy(out + start, cost, (size_t)rows * sizeof *out);
    }
}

#define ROWS_ARGUMENTS const char *x, Py_ssize_t n, Py_ssize_t c, const int64_t *y, Temperature t, double *out
#define DEFINE_ROWS(NAME, KIND, TEMPERED)                                                                              \
    CLONES static void NAME##_wide(ROWS_ARGUMENTS) { wide(x, KIND, n, c, y, t, TEMPERED, out); }                       \
    CLONES static void NAME##_narrow(ROWS_ARGUMENTS) { narrow(x, KIND, n, (int)c, y, t, TEMPERED, out); }              \
    static void NAME(ROWS_ARGUMENTS) { (c < LANES ? NAME##_narrow : NAME##_wide)(x, n, c, y, t, out); }
DEFINE_ROWS(half_rows, HALF, 0)
DEFINE_ROWS(single_rows, SINGLE, 0)
DEFINE_ROWS(double_rows, DOUBLE, 0)
DEFINE_ROWS(half_rows_tempered, HALF, 1)
DEFINE_ROWS(single_rows_tempered, SINGLE, 1)
DEFINE_ROWS(double_rows_tempered, DOUBLE, 1)

static void run(int kind, ROWS_ARGUMENTS) {
    int tempered = t.t != 1.0;
    if (kind == HALF) (tempered ? half_rows_tempered : half_rows)(x, n, c, y, t, out);
    else if (kind == SINGLE) (tempered ? single_rows_tempered : single_rows)(x, n, c, y, t, out);
    else (tempered ? double_rows_tempered : double_rows)(x, n, c, y, t, out);
}

/* What is wrong with the arguments, or NULL. */
static const char *fault(const Py_buffer *x, int kind, Py_ssize_t n, Py_ssize_t c, const Py_buffer *y, double t,
                         const Py_buffer *out) {
    if (kind != HALF && kind != SINGLE && kind != DOUBLE) return "dtype_code must be 2, 4 or 8 (bytes of a float)";
    if (n < 0 || c < 1 || (n && c > PY_SSIZE_T_MAX / 8 / n)) return "n and c do not describe a block of rows";
    if (x->len != n * c * kind) return "x has not n * c entries";
    if (y->len != n * 8 || out->len != n * 8) return "y and out must have n entries of 8 bytes";
    if ((uintptr_t)x->buf % (uintptr_t)kind || (uintptr_t)y->buf % 8 || (uintptr_t)out->buf % 8) return "unaligned buffer";
    if (!(t >= 1e-100 && t <= 1e100)) return "temperature must lie in 1e-100..1e100";
    for (Py_ssize_t i = 0; i < n; i++)
        if (((const int64_t *)y->buf)[i] < 0 || ((const int64_t *)y->buf)[i] >= c) return "a label is not in 0..c-1";
    return NULL;
}

PyDoc_STRVAR(surprisal_label_doc,
             "surprisal_label(x_buffer, dtype_code, n, c, y_buffer, temperature, out_buffer)\n--\n\n"
             "Write -log softmax(x / temperature)[label], in nats, of n rows of c floats of dtype_code bytes into\n"
             "out_buffer (float64); y_buffer has int64 labels. The GIL is released.");

static PyObject *surprisal_label(PyObject *module, PyObject *args) {
    Py_buffer x, y, out;
    Py_ssize_t n, c;
    Temperature t;
    int kind;
    const char *wrong;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*inny*dw*:surprisal_label", &x, &kind, &n, &c, &y, &t.t, &out)) return NULL;
    wrong = fault(&x, kind, n, c, &y, t.t, &out);
    if (!wrong) {
        t.inverse = 1.0 / t.t;
        Py_BEGIN_ALLOW_THREADS
        run(kind, x.buf, n, c, y.buf, t, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&x);
    PyBuffer_Release(&y);
    PyBuffer_Release(&out);
    if (wrong) {
        PyErr_SetString(PyExc_ValueError, wrong);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"surprisal_label", surprisal_label, METH_VARARGS, surprisal_label_doc}, {0}};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_rows", "Compiled row kernels.", 0, methods, slots, 0, 0, 0};

PyMODINIT_FUNC PyInit__rows(void) { return PyModuleDef_Init(&definition); }
