/* The forms of two sides that measures are written in: p, q, t = log(q/p) and delta = p - q, class by class; and those
   of logits.

   Unlike a sum of divergence terms, t itself shows every error that its row shares: that of the normalisers' ratio is
   found as what sum (q - p) = 0 leaves over. Exchanging the sides changes signs only. */

#ifndef ROWS_FORMS_H
#define ROWS_FORMS_H

#include "rows_pair.h"

#define POSITIVE_ZERO(x) kept(x, masked((x) != 0.0))

/* q - p. */
INLINE double growth_of(double p, double q, double t) {
    double near = (p + q) * half_tanh(t);
    return fabs(t) <= NEAR ? near : q - p;
}

INLINE double delta_of(double p, double q, double t) { return POSITIVE_ZERO(-growth_of(p, q, t)); }

/* The second pass over logits: t with the shared error that is left, and that error. */
INLINE void unbalanced(Bundle *w, int wide, const double *by_x, const double *by_y, const double *norm, double *step) {
    double *RESTRICT x = w->x, *RESTRICT y = w->y, *RESTRICT u = w->u;
    const double *RESTRICT v = w->v;
    double overlap[LANES];
    Total in_excess, in_overlap;
    begin(&in_excess), begin(&in_overlap);
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES, v += LANES) {
        EACH_LANE {
            double p = x[l] * ROW(by_x), q = y[l] * ROW(by_y), t = (u[l] - ROW(norm)) + v[l], both = p + q;
            x[l] = p, y[l] = q, u[l] = t;
            in_excess.sum[l] += growth_of(p, q, t);
            in_overlap.sum[l] += kept(p * q / both, masked(both > 0.0));
        }
        carry(&in_excess, g, w->groups), carry(&in_overlap, g, w->groups);
    }
    total(&in_excess, wide, step), total(&in_overlap, wide, overlap);
    EACH_ROW {
        double s = step[l] / (2.0 * overlap[l]);
        /* rows far apart have no such error, and too little in common to tell */
        step[l] = overlap[l] > 0.25 && fabs(s) < 0x1p-30 ? s : 0.0;
    }
}

/* The last pass: p, q and t stand in x, y and u; or p - q in x. */
INLINE void forms_of_logits(Bundle *w, int only_delta, int wide, int tempered) {
    double top_x[LANES], top_y[LANES], by_x[LANES], by_y[LANES], norm[LANES], step[LANES], poison[LANES];
    uint64_t nan_x[LANES], nan_y[LANES], infinite[LANES];
    double *RESTRICT x = w->x, *RESTRICT u = w->u;
    const double *RESTRICT y = w->y;
    tops(w->x, w->groups, wide, top_x, nan_x), tops(w->y, w->groups, wide, top_y, nan_y);
    exponentials(w, 1, top_x, top_y, wide, tempered, by_x, by_y, norm, infinite);
    EACH_ROW {
        double least = by_x[l] < by_y[l] ? by_x[l] : by_y[l], d = log_1p(fabs(norm[l]) / least);
        nan_x[l] |= masked(top_x[l] == -INFINITY), nan_y[l] |= masked(top_y[l] == -INFINITY);
        poison[l] = nan_x[l] | nan_y[l] ? NAN : 0.0;
        norm[l] = (norm[l] < 0.0 ? -d : d) + poison[l];
        by_x[l] = nan_x[l] ? NAN : 1.0 / by_x[l], by_y[l] = nan_y[l] ? NAN : 1.0 / by_y[l];
        w->odd[l] = ~(nan_x[l] | nan_y[l]) & (masked(fabs(top_x[l]) >= 0x1p900) | masked(fabs(top_y[l]) >= 0x1p900));
    }
    unbalanced(w, wide, by_x, by_y, norm, step);
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES, y += LANES, u += LANES)
        EACH_LANE {
            double t = u[l] - ROW(step);
            t = t != t ? ROW(poison) : POSITIVE_ZERO(t); /* a class that no side has was marked as NaN */
            if (only_delta) x[l] = delta_of(x[l], y[l], t);
            else u[l] = t;
        }
}

/* p - q of forms that are at hand. */
CLONES static void delta_of_forms(const double *p, const double *q, const double *t, Py_ssize_t n, double *RESTRICT out) {
    for (Py_ssize_t i = 0; i < n; i++) out[i] = delta_of(p[i], q[i], t[i]);
}

#endif
