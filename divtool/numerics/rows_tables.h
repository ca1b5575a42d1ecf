/* The forms of two tables, whose cells may have any size.

   t comes from differences of cells and of sums, since the sums may differ by far less than their last digits. */

#ifndef ROWS_TABLES_H
#define ROWS_TABLES_H

#include "rows_forms.h"

/* The largest cell of a table is taken to 2^LARGE: products with the sum neither overflow nor lose bits, down to LOST. */
#define LARGE 400
#define LOST 0x1p-800
#define CLOSE 0x1p-40

/* Powers of two that take a table to 2^LARGE and make the sides alike, each as two factors: one might overflow. */
typedef struct { double once[LANES], again[LANES]; int64_t exponent[LANES]; } Factor;

INLINE double power_of_two(int64_t k) { return double_of((uint64_t)(k + 1023) << 52); }

INLINE void set_factor(Factor *f, int l) {
    int64_t half = f->exponent[l] / 2;
    f->once[l] = power_of_two(half), f->again[l] = power_of_two(f->exponent[l] - half);
}

#define CELL(x, f) (x[l] * ROW(f->once) * ROW(f->again))

/* What a row of a table and its sum come to. */
typedef struct { Factor by; double high[LANES], low[LANES]; uint64_t bad[LANES]; } Side;

/* high + low += a, the sum of two as a double and what it lacks. */
INLINE void add_twofold(double *high, double *low, double a, double more) {
    double both = *high + a, shadow = both - *high;
    *low += ((*high - (both - shadow)) + (a - shadow)) + more;
    *high = both;
}

INLINE void sum_up(double *high, double *low, int wide) {
    if (wide)
        fold_mass(high, low, 16), fold_mass(high, low, 8), fold_mass(high, low, 4), fold_mass(high, low, 2),
            fold_mass(high, low, 1);
    EACH_ROW {
        double both = high[l] + low[l];
        low[l] -= both - high[l];
        high[l] = both;
    }
}

/* The sum of each row times its factor, and whether it has what no table has. */
INLINE void weigh(const double *x, Py_ssize_t groups, int wide, Side *side) {
    Factor *f = &side->by;
    EACH_LANE side->high[l] = side->low[l] = 0.0;
    for (Py_ssize_t g = 0; g < groups; g++, x += LANES)
        EACH_LANE {
            side->bad[l] |= masked(!(x[l] >= 0.0));
            add_twofold(&side->high[l], &side->low[l], CELL(x, f), 0.0);
        }
    sum_up(side->high, side->low, wide);
    fold_any(side->bad, wide);
}

/* Let the sum of the smaller side grow by a power of two until it is most like the larger: differences then tell most. */
INLINE void align(Side *a, Side *b, int wide) {
    EACH_ROW {
        uint64_t more = bits_of(a->high[l]), less = bits_of(b->high[l]);
        Side *small = more >= less ? b : a;
        uint64_t apart = ((more >= less ? more - less : less - more) + 0x8000000000000u) >> 52;
        int64_t k = a->bad[l] | b->bad[l] ? 0 : (int64_t)apart;
        small->high[l] *= power_of_two(k), small->low[l] *= power_of_two(k);
        small->by.exponent[l] += k;
        set_factor(&small->by, l);
    }
}

/* Half of the sum of both masses, and half of the second less the first, each twofold. */
typedef struct { double mean[LANES], mean_low[LANES], growth[LANES], growth_low[LANES]; } Masses;

INLINE void compare(const Bundle *w, const Side *a, const Side *b, int wide, Masses *m) {
    const double *RESTRICT x = w->x, *RESTRICT y = w->y;
    const Factor *in_x = &a->by, *in_y = &b->by;
    EACH_LANE m->growth[l] = m->growth_low[l] = 0.0;
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES)
        EACH_LANE {
            double err, d = difference(CELL(y, in_y), CELL(x, in_x), &err);
            add_twofold(&m->growth[l], &m->growth_low[l], d, err);
        }
    sum_up(m->growth, m->growth_low, wide);
    EACH_ROW {
        m->growth[l] *= 0.5, m->growth_low[l] *= 0.5;
        m->mean[l] = difference(0.5 * a->high[l], -0.5 * b->high[l], &m->mean_low[l]);
        m->mean_low[l] += 0.5 * (a->low[l] + b->low[l]);
    }
}

/* p Q - q P = (p - q) (P + Q)/2 + (p + q) (Q - P)/2. */
INLINE double crossed(double p, double q, double mean, double mean_low, double growth, double growth_low) {
    double less_low, both_low, less = difference(p, q, &less_low), both = difference(p, -q, &both_low);
    double first = less * mean, second = both * growth;
    double first_low = FMA(less, mean, -first) + FMA(less, mean_low, less_low * mean);
    double second_low = FMA(both, growth, -second) + FMA(both, growth_low, both_low * growth);
    return (first + second) + (first_low + second_low);
}

/* t of cells that fit into no common scale: of the fractions, and of the exponents apart. */
static double log_of_far_cells(double p, double q, const Side *a, const Side *b, int row) {
    int of_p, of_q;
    double x = frexp(p, &of_p), y = frexp(q, &of_q);
    double high = y * a->high[row], high_low = FMA(y, a->high[row], -high) + y * a->low[row];
    double low = x * b->high[row], low_low = FMA(x, b->high[row], -low) + x * b->low[row];
    int64_t k = of_q + b->by.exponent[row] - of_p - a->by.exponent[row], near = k > 500 ? 500 : k < -500 ? -500 : k;
    high *= power_of_two(near), high_low *= power_of_two(near);
    double rest = (double)(k - near) * LN2;
    return high >= low ? log_ratio(high, high_low, low, low_low) + rest : rest - log_ratio(low, low_low, high, high_low);
}

/* One group of t into u, p and q of it in place of the cells. */
INLINE void forms_of_cells(double *RESTRICT x, double *RESTRICT y, double *RESTRICT u, const Side *a, const Side *b,
                           const Masses *m, const double *poison, int wide) {
    double p_out[LANES], q_out[LANES];
    uint64_t lost[LANES];
    const Factor *in_x = &a->by, *in_y = &b->by;
    EACH_LANE {
        double p = CELL(x, in_x), q = CELL(y, in_y);
        double of_p = p * ROW(b->high), of_p_low = FMA(p, ROW(b->high), -of_p) + p * ROW(b->low);
        double of_q = q * ROW(a->high), of_q_low = FMA(q, ROW(a->high), -of_q) + q * ROW(a->low);
        double tau = crossed(p, q, ROW(m->mean), ROW(m->mean_low), ROW(m->growth), ROW(m->growth_low));
        int more = of_q > of_p;
        double t = log_quotient(more ? of_q : of_p, more ? of_q_low : of_p_low, more ? of_p : of_q,
                                more ? of_p_low : of_q_low, 1, fabs(tau));
        uint64_t no_p = masked(x[l] == 0.0), no_q = masked(y[l] == 0.0);
        t = tau > 0.0 ? -t : t;
        t = no_p ? INFINITY : t;
        t = no_q ? (no_p ? 0.0 : -INFINITY) : t;
        lost[l] = ~no_p & ~no_q & (masked(p < LOST) | masked(q < LOST));
        p_out[l] = p / ROW(a->high), q_out[l] = q / ROW(b->high);
        u[l] = POSITIVE_ZERO(t) + ROW(poison);
    }
    uint64_t any = 0;
    EACH_LANE any |= lost[l];
    if (any)
        EACH_LANE if (lost[l]) u[l] = log_of_far_cells(x[l], y[l], a, b, wide ? 0 : l) + ROW(poison);
    EACH_LANE x[l] = p_out[l], y[l] = q_out[l];
}

/* The top of each row decides its factor; what has no proper top is bad. */
INLINE void scale(const double *x, Py_ssize_t groups, int wide, Side *side) {
    double top[LANES];
    tops(x, groups, wide, top, side->bad);
    EACH_ROW {
        side->bad[l] |= masked(!(top[l] > 0.0 && top[l] <= LARGEST));
        side->by.exponent[l] = side->bad[l] ? 0 : LARGE + 1023 - (int64_t)(bits_of(top[l]) >> 52);
        set_factor(&side->by, l);
    }
}

/* Rows that are in proportion but for a rounding: the sums are not known well enough for cells so much alike, but
   sum (q - p) = 0 tells. */
INLINE void rebalance(Bundle *w, int wide, const double *distance) {
    double step[LANES], overlap[LANES];
    const double *RESTRICT x = w->x, *RESTRICT y = w->y;
    double *RESTRICT u = w->u;
    Total in_excess, in_overlap;
    begin(&in_excess), begin(&in_overlap);
    for (Py_ssize_t g = 0; g < w->groups; g++) {
        EACH_LANE {
            double p = x[g * LANES + l], q = y[g * LANES + l], both = p + q;
            in_excess.sum[l] += growth_of(p, q, u[g * LANES + l]);
            in_overlap.sum[l] += kept(p * q / both, masked(both > 0.0));
        }
        carry(&in_excess, g, w->groups), carry(&in_overlap, g, w->groups);
    }
    total(&in_excess, wide, step), total(&in_overlap, wide, overlap);
    EACH_ROW step[l] = distance[l] < CLOSE ? step[l] / (2.0 * overlap[l]) : 0.0;
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES)
        EACH_LANE u[l] = x[l] + y[l] > 0.0 ? POSITIVE_ZERO(u[l] - ROW(step)) : u[l];
}

/* p, q and t in x, y and u; or p - q in x. */
INLINE void forms_of_tables(Bundle *w, int only_delta, int wide) {
    Side a, b;
    Masses m;
    Total in_distance;
    double poison[LANES], distance[LANES], *RESTRICT x = w->x, *RESTRICT y = w->y, *RESTRICT u = w->u;
    int close = 0;
    scale(x, w->groups, wide, &a), scale(y, w->groups, wide, &b);
    weigh(x, w->groups, wide, &a), weigh(y, w->groups, wide, &b);
    align(&a, &b, wide);
    compare(w, &a, &b, wide, &m);
    EACH_ROW {
        a.high[l] = a.bad[l] ? NAN : a.high[l], b.high[l] = b.bad[l] ? NAN : b.high[l];
        poison[l] = a.bad[l] | b.bad[l] ? NAN : 0.0;
        w->odd[l] = 0;
    }
    begin(&in_distance);
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES) {
        forms_of_cells(x, y, u, &a, &b, &m, poison, wide);
        EACH_LANE in_distance.sum[l] += (x[l] + y[l]) * (fabs(u[l]) < 1.0 ? fabs(u[l]) : 1.0);
        carry(&in_distance, g, w->groups);
    }
    total(&in_distance, wide, distance);
    EACH_ROW close |= distance[l] < CLOSE && distance[l] > 0.0;
    if (close) rebalance(w, wide, distance);
    x = w->x, y = w->y, u = w->u;
    if (only_delta)
        for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES)
            EACH_LANE x[l] = delta_of(x[l], y[l], u[l]);
}

/* A divergence of tables from the forms, for rows of a size that the direct way does not take. */
INLINE void pair_of_any_tables(Bundle *w, int which, int wide) {
    uint64_t infinite[LANES] = {0}, nan[LANES] = {0};
    const double *RESTRICT p = w->x, *RESTRICT q = w->y, *RESTRICT t = w->u;
    Total sum;
    forms_of_tables(w, 0, wide);
    begin(&sum);
    for (Py_ssize_t g = 0; g < w->groups; g++, p += LANES, q += LANES, t += LANES) {
        EACH_LANE {
            infinite[l] |= masked(t[l] == -INFINITY), nan[l] |= masked(p[l] != p[l]) | masked(q[l] != q[l]);
            sum.sum[l] += term(which, p[l], q[l], t[l]);
        }
        carry(&sum, g, w->groups);
    }
    total(&sum, wide, w->result);
    fold_any(infinite, wide), fold_any(nan, wide);
    EACH_ROW w->result[l] = settled(which, w->result[l], infinite[l], nan[l]);
}

#endif
