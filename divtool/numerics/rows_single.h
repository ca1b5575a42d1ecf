/* Of one side: entropy, softmax and log-softmax of logits, entropy of tables. */

#ifndef ROWS_SINGLE_H
#define ROWS_SINGLE_H

#include "rows_pair.h"

/* What cannot be computed as it stands: rows with NaN or nothing are NaN, and large or infinite ones are odd. */
INLINE void judge(Bundle *w, int wide, const double *top, uint64_t *nan) {
    EACH_ROW {
        nan[l] |= masked(top[l] == -INFINITY);
        w->odd[l] = ~nan[l] & masked(fabs(top[l]) >= 0x1p900);
    }
}

/* log sum e^-gap = log(1 + rest), plus the mean gap. The tops are counted, not added to the rest. */
INLINE void entropy_of_logits(Bundle *w, int wide, int tempered) {
    double top[LANES], ties[LANES], rest[LANES], cost[LANES];
    uint64_t nan[LANES];
    const double *RESTRICT x = w->x;
    Temperature t = w->t;
    Total in_ties, in_rest, in_cost;
    tops(x, w->groups, wide, top, nan);
    judge(w, wide, top, nan);
    begin(&in_ties), begin(&in_rest), begin(&in_cost);
    for (Py_ssize_t g = 0; g < w->groups; g++, x += LANES) {
        EACH_LANE {
            double err, gap = difference(ROW(top), x[l], &err);
            uint64_t tied = masked(x[l] == ROW(top));
            gap = tempered_by(gap, t, tempered, &err);
            double e = scaled_exp(gap, err);
            uint64_t counts = masked(gap < GONE) & ~tied;
            in_ties.sum[l] += kept(1.0, tied);
            in_rest.sum[l] += kept(e, counts);
            in_cost.sum[l] += kept(e * gap, counts);
        }
        carry(&in_ties, g, w->groups), carry(&in_rest, g, w->groups), carry(&in_cost, g, w->groups);
    }
    total(&in_ties, wide, ties), total(&in_rest, wide, rest), total(&in_cost, wide, cost);
    EACH_ROW {
        double others = FMA(rest[l], UNSCALE, ties[l] - 1.0);
        /* of a certain row log(1 + rest) is rest, and the small number is rounded once */
        double sure = (rest[l] + cost[l]) * UNSCALE, sum = log_1p(others) + cost[l] * UNSCALE / (1.0 + others);
        w->result[l] = nan[l] ? NAN : others < 0x1p-60 ? sure : sum;
    }
}

/* The exponentials, then each over their sum. */
INLINE void softmax_of_logits(Bundle *w, int wide, int tempered) {
    double top[LANES], sum[LANES];
    uint64_t nan[LANES];
    double *RESTRICT x = w->x;
    Temperature t = w->t;
    Total in_sum;
    tops(x, w->groups, wide, top, nan);
    judge(w, wide, top, nan);
    begin(&in_sum);
    for (Py_ssize_t g = 0; g < w->groups; g++) {
        EACH_LANE {
            double err, gap = difference(ROW(top), x[g * LANES + l], &err);
            gap = tempered_by(gap, t, tempered, &err);
            double e = kept(scaled_exp(gap, err), masked(gap < GONE));
            x[g * LANES + l] = e;
            in_sum.sum[l] += e;
        }
        carry(&in_sum, g, w->groups);
    }
    total(&in_sum, wide, sum);
    EACH_ROW sum[l] = nan[l] ? NAN : 1.0 / sum[l];
    for (Py_ssize_t g = 0; g < w->groups; g++) EACH_LANE x[g * LANES + l] *= ROW(sum);
}

/* -(gap + log(1 + rest)), which is 0 and not -0 for a certain class. */
INLINE void log_softmax_of_logits(Bundle *w, int wide, int tempered) {
    double top[LANES], ties[LANES], norm[LANES];
    uint64_t nan[LANES];
    double *RESTRICT x = w->x, *RESTRICT low = w->y;
    Temperature t = w->t;
    Total in_ties, in_rest;
    tops(x, w->groups, wide, top, nan);
    judge(w, wide, top, nan);
    begin(&in_ties), begin(&in_rest);
    for (Py_ssize_t g = 0; g < w->groups; g++) {
        EACH_LANE {
            double v = x[g * LANES + l], err, gap = difference(ROW(top), v, &err);
            uint64_t tied = masked(v == ROW(top));
            gap = tempered_by(gap, t, tempered, &err);
            uint64_t there = masked(gap < GONE);
            in_ties.sum[l] += kept(1.0, tied);
            in_rest.sum[l] += kept(scaled_exp(gap, err), there & ~tied);
            x[g * LANES + l] = gap;
            low[g * LANES + l] = kept(err, there);
        }
        carry(&in_ties, g, w->groups), carry(&in_rest, g, w->groups);
    }
    total(&in_ties, wide, ties), total(&in_rest, wide, norm);
    EACH_ROW norm[l] = nan[l] ? NAN : log_1p(FMA(norm[l], UNSCALE, ties[l] - 1.0));
    for (Py_ssize_t g = 0; g < w->groups; g++)
        EACH_LANE {
            double cost = x[g * LANES + l] + (ROW(norm) + low[g * LANES + l]);
            x[g * LANES + l] = double_of(bits_of(cost) | (masked(cost != 0.0) & (uint64_t)1 << 63));
        }
}

/* The sum of p log(P/p), over P. */
INLINE void entropy_of_table(Bundle *w, int wide) {
    double all[LANES], low[LANES];
    uint64_t bad[LANES];
    const double *RESTRICT p = w->x;
    Total sum;
    mass(w->x, w->groups, wide, all, low, bad);
    begin(&sum);
    for (Py_ssize_t g = 0; g < w->groups; g++, p += LANES) {
        EACH_LANE sum.sum[l] += kept(p[l] * log_ratio(ROW(all), ROW(low), p[l], 0.0), masked(p[l] > 0.0));
        carry(&sum, g, w->groups);
    }
    total(&sum, wide, w->result);
    EACH_ROW {
        bad[l] |= masked(all[l] == 0.0);
        w->odd[l] = ~bad[l] & masked(!ORDINARY_MASS(all[l]));
        w->result[l] = bad[l] ? NAN : w->result[l] / all[l];
    }
}

#endif
