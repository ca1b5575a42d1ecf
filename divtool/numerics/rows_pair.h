/* Divergences of two sides, as sums of terms in p, q and t = log(q/p) that are at least 0.

   From logits t is a difference of differences, u = (max a - a) - (max b - b), less the logarithm of the normalisers'
   ratio, which comes from the sum of the exponentials' differences; from tables it is log(q P / (p Q)), with the sums
   P and Q and both products kept twofold. Everything that Jensen-Shannon uses is odd, even or symmetric to the bit. */

#ifndef ROWS_PAIR_H
#define ROWS_PAIR_H

#include "rows_bundle.h"

enum { KL, JS };

/* p (e^t - 1 - t); where q = 0 < p the row is infinite, and the caller knows. */
INLINE double kl_term(double p, double q, double t) {
    double near = p * kl_series(t), far = FMA(-p, 1.0 + t, q);
    far = far > 0.0 ? far : 0.0;
    far = fabs(t) <= NEAR ? near : far;
    return p == 0.0 ? q : far;
}

/* p log(2p/(p+q)) + q log(2q/(p+q)), over 2, written with the larger, the smaller and the logarithm of their ratio. */
INLINE double js_term(double p, double q, double t) {
    double high = q > p ? q : p, low = q > p ? p : q, s = fabs(t), both = high + low;
    double near = 0.5 * both * js_series(s), far = both * log_of_share(high, low), less = low * s;
    far = 0.5 * (low > 0.0 ? far - less : both * LN2);
    far = low > 0.0 && s <= NEAR ? near : far;
    return high > 0.0 ? far : 0.0;
}

INLINE double term(int which, double p, double q, double t) {
    return which == KL ? kl_term(p, q, t) : js_term(p, q, t);
}

/* What a row comes to, from the sum of its terms. */
INLINE double settled(int which, double sum, uint64_t infinite, uint64_t nan) {
    if (which == JS) sum = sum < LN2 ? sum : LN2;
    else sum = infinite ? INFINITY : sum;
    return nan ? NAN : sum;
}

/* Logits. First pass: both exponentials into x and y, u and what it lacks into u and v, and the three sums. If `marked`,
   u is finite but for impossible classes, where it is t if one side has them and NaN if none has. */
INLINE void exponentials(Bundle *w, int marked, const double *top_x, const double *top_y, int wide, int tempered,
                         double *sum_x, double *sum_y, double *growth, uint64_t *infinite) {
    double *RESTRICT x = w->x, *RESTRICT y = w->y, *RESTRICT u = w->u, *RESTRICT v = w->v;
    Temperature t = w->t;
    Total in_x, in_y, in_growth;
    begin(&in_x), begin(&in_y), begin(&in_growth);
    EACH_LANE infinite[l] = 0;
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES, v += LANES) {
        EACH_LANE {
            double a = x[l], b = y[l], err_a, err_b, low;
            uint64_t no_a = masked(a == -INFINITY), no_b = masked(b == -INFINITY);
            infinite[l] |= no_b & masked(a > -INFINITY);
            a = a > -LARGEST ? a : -LARGEST;
            b = b > -LARGEST ? b : -LARGEST;
            double gap_a = difference(ROW(top_x), a, &err_a), gap_b = difference(ROW(top_y), b, &err_b);
            double far = difference(gap_a, gap_b, &low), change;
            low += err_a - err_b;
            change = far + low;
            low -= change - far;
            gap_a = tempered_by(gap_a, t, tempered, &err_a);
            gap_b = tempered_by(gap_b, t, tempered, &err_b);
            change = tempered_by(change, t, tempered, &low);
            double p = kept(scaled_exp(gap_a, err_a), masked(gap_a < GONE));
            double q = kept(scaled_exp(gap_b, err_b), masked(gap_b < GONE));
            double near = (p + q) * half_tanh_of_little(change);
            x[l] = p, y[l] = q, u[l] = change, v[l] = low;
            if (marked) {
                double whole = change > LARGEST ? LARGEST : change < -LARGEST ? -LARGEST : change;
                whole = no_a ? INFINITY : whole;
                u[l] = no_b ? (no_a ? NAN : -INFINITY) : whole;
                v[l] = kept(low, ~(no_a | no_b));
            }
            in_x.sum[l] += p;
            in_y.sum[l] += q;
            in_growth.sum[l] += fabs(change) < 0.5 ? near : q - p;
        }
        carry(&in_x, g, w->groups), carry(&in_y, g, w->groups), carry(&in_growth, g, w->groups);
    }
    total(&in_x, wide, sum_x), total(&in_y, wide, sum_y), total(&in_growth, wide, growth);
    fold_any(infinite, wide);
}

/* Of a wide row whose sum overflowed: p times -t, without the power of two, where that is large; all else is little. */
INLINE double cost_of_giants(const Bundle *w, double by, double norm) {
    double sum = 0.0;
    for (Py_ssize_t i = 0; i < w->groups * LANES; i++)
        if (w->x[i] > 0.0 && w->u[i] < -1e100) sum += w->x[i] * by * UNSCALE * (norm - w->u[i]);
    return sum;
}

INLINE void pair_of_logits(Bundle *w, int which, int wide, int tempered) {
    double top_x[LANES], top_y[LANES], sum_x[LANES], sum_y[LANES], norm[LANES], by_x[LANES], by_y[LANES];
    uint64_t nan[LANES], nan_y[LANES], infinite[LANES];
    const double *RESTRICT x = w->x, *RESTRICT y = w->y, *RESTRICT u = w->u, *RESTRICT v = w->v;
    Total sum;
    tops(w->x, w->groups, wide, top_x, nan), tops(w->y, w->groups, wide, top_y, nan_y);
    exponentials(w, 0, top_x, top_y, wide, tempered, sum_x, sum_y, norm, infinite);
    EACH_ROW {
        double least = sum_x[l] < sum_y[l] ? sum_x[l] : sum_y[l], d = log_1p(fabs(norm[l]) / least);
        norm[l] = norm[l] < 0.0 ? -d : d;
        by_x[l] = SCALED_ONE / sum_x[l], by_y[l] = SCALED_ONE / sum_y[l];
        nan[l] |= nan_y[l] | masked(top_x[l] == -INFINITY) | masked(top_y[l] == -INFINITY);
        w->odd[l] = ~nan[l] & (masked(fabs(top_x[l]) >= 0x1p900) | masked(fabs(top_y[l]) >= 0x1p900));
    }
    begin(&sum);
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES, v += LANES) {
        EACH_LANE sum.sum[l] += term(which, x[l] * ROW(by_x), y[l] * ROW(by_y), (u[l] - ROW(norm)) + v[l]);
        carry(&sum, g, w->groups);
    }
    total(&sum, wide, w->result);
    EACH_ROW {
        if (!wide) w->odd[l] |= ~infinite[l] & ~nan[l] & masked(!(w->result[l] <= LARGEST));
        w->result[l] = settled(which, w->result[l] * UNSCALE, infinite[l], nan[l]);
    }
    if (wide && which == KL && !infinite[0] && !nan[0] && !(w->result[0] <= LARGEST))
        w->result[0] = cost_of_giants(w, by_x[0], norm[0]);
}

INLINE void fold_mass(double *high, double *low, int n) {
    FIRST_LANES(n) {
        double both = high[l] + high[l + n], shadow = both - high[l];
        low[l] += low[l + n] + ((high[l] - (both - shadow)) + (high[l + n] - shadow));
        high[l] = both;
    }
}

/* Tables. The sum of each row times 2^SCALE, twofold, and whether it has what no table has. */
INLINE void mass(double *p, Py_ssize_t groups, int wide, double *high, double *low, uint64_t *bad) {
    EACH_LANE high[l] = low[l] = 0.0, bad[l] = 0;
    for (Py_ssize_t g = 0; g < groups; g++, p += LANES)
        EACH_LANE {
            double a = p[l] * SCALED_ONE, both = high[l] + a, shadow = both - high[l];
            bad[l] |= masked(!(a >= 0.0));
            low[l] += (high[l] - (both - shadow)) + (a - shadow);
            high[l] = both;
            p[l] = a;
        }
    if (wide)
        fold_mass(high, low, 16), fold_mass(high, low, 8), fold_mass(high, low, 4), fold_mass(high, low, 2),
            fold_mass(high, low, 1);
    fold_any(bad, wide);
    EACH_ROW {
        double both = high[l] + low[l];
        low[l] -= both - high[l];
        high[l] = both;
    }
}

#define ORDINARY_MASS(p) ((p) >= 0x1p-100 && (p) <= 0x1p500)

INLINE void pair_of_tables(Bundle *w, int which, int wide) {
    double mass_x[LANES], mass_y[LANES], low_x[LANES], low_y[LANES];
    uint64_t bad[LANES], bad_y[LANES], infinite[LANES] = {0};
    const double *RESTRICT x = w->x, *RESTRICT y = w->y;
    Total sum;
    mass(w->x, w->groups, wide, mass_x, low_x, bad), mass(w->y, w->groups, wide, mass_y, low_y, bad_y);
    begin(&sum);
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES) {
        EACH_LANE {
            double p = x[l] * ROW(mass_y), p_low = FMA(x[l], ROW(low_y), FMA(x[l], ROW(mass_y), -p));
            double q = y[l] * ROW(mass_x), q_low = FMA(y[l], ROW(low_x), FMA(y[l], ROW(mass_x), -q));
            int more = q > p;
            double s = log_ratio(more ? q : p, more ? q_low : p_low, more ? p : q, more ? p_low : q_low);
            infinite[l] |= masked(q == 0.0) & masked(p > 0.0);
            sum.sum[l] += term(which, p, q, more ? s : -s);
        }
        carry(&sum, g, w->groups);
    }
    total(&sum, wide, w->result);
    fold_any(infinite, wide);
    EACH_ROW {
        bad[l] |= bad_y[l] | masked(mass_x[l] == 0.0) | masked(mass_y[l] == 0.0);
        w->odd[l] = ~bad[l] & masked(!(ORDINARY_MASS(mass_x[l]) && ORDINARY_MASS(mass_y[l])));
        w->result[l] = settled(which, w->result[l] / (mass_x[l] * mass_y[l]), infinite[l], bad[l]);
    }
}

#endif
