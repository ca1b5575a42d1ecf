"""Rows of logits or probabilities, as distances below the largest entry: softmax, surprisal, entropy, log-sum-exp.

Everything is written in the gap (max - x)/T >= 0 and in e = exp(-gap). The largest entry is left out of the sum of the
others, never subtracted from it, so log1p of that sum keeps all digits however certain the row is.
Source: Blanchard, Higham & Higham, Accurately computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41
(2021); the terms that carry the rounding of the differences are added here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.numerics.errorfree import Doubles, two_product, two_sum
from divtool.numerics.rowsum import row_sum

Numbers = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
# below it a double has fewer digits
_NORMAL = 2.0**-1022


class Spread(NamedTuple):
    """A block of distributions, each as its distances from its largest entry.

    ``gap`` (n, C): log(p_max / p_j) in nats, at least 0, +inf for an impossible class; ``e`` (n, C): exp(-gap);
    ``rest`` (n,): the sum of ``e`` over every class but one, the first at which the row is largest.
    A row with NaN, or with nothing in it (all -inf, all 0), is NaN throughout.
    """

    gap: Doubles
    e: Doubles
    rest: Doubles


def logits_of(x: Numbers) -> Doubles:
    """``x`` (n, C) widened to float64, exactly, in C order; a row with +inf becomes 0 there and -inf elsewhere.

    >>> import numpy as np
    >>> logits_of(np.array([[1, 2]], dtype=np.float16)), logits_of(np.array([[1.0, np.inf]]))
    (array([[1., 2.]]), array([[-inf,   0.]]))
    """
    wide = np.ascontiguousarray(x, dtype=np.float64)
    infinite = wide == np.inf
    if not infinite.any():
        return wide
    rows = infinite.any(axis=1, keepdims=True)
    return np.where(rows & ~np.isnan(wide), np.where(infinite, 0.0, -np.inf), wide)


def divided(value: Doubles, error: Doubles, temperature: float) -> tuple[Doubles, Doubles]:
    """(value + error) / temperature as a quotient and its error, 0 where that is no small number."""
    if temperature != 1.0:
        quotient = value / temperature
        product, lost = two_product(quotient, np.asarray(temperature))
        value, error = quotient, ((value - product) - lost + error) / temperature
    return value, np.where(np.abs(error) < 1.0, error, 0.0)


def _spread(gap: Doubles, e: Doubles, largest: npt.NDArray[np.intp]) -> Spread:
    rows = np.arange(len(e))
    top = e[rows, largest]
    e[rows, largest] = 0.0
    rest = row_sum(e)
    e[rows, largest] = top
    return Spread(gap, e, np.where(np.isnan(top), np.nan, rest))


def spread_of_logits(x: Numbers, temperature: float = 1.0) -> Spread:
    """The spread of softmax(x / temperature), for logits ``x`` (n, C) of any real type.

    The differences are taken before anything is rounded, and ``e`` carries the rounding of the difference and of the
    division. -inf is an impossible class; +inf logits share all the mass equally.

    >>> import numpy as np
    >>> spread_of_logits(np.array([[3.0, 3.0, -np.inf]]))
    Spread(gap=array([[ 0.,  0., inf]]), e=array([[1., 1., 0.]]), rest=array([1.]))
    """
    x = logits_of(x)
    largest = x.argmax(axis=1)
    top = x[np.arange(len(x)), largest][:, None]
    with np.errstate(**_QUIET):
        top = np.where(top == -np.inf, np.nan, top)
        gap, error = divided(*two_sum(top, -x), temperature)
        e = np.exp(-gap)
        e -= e * error
        return _spread(gap, e, largest)


def spread_of_table(p: Numbers) -> Spread:
    """The spread of p / sum(p), for rows ``p`` (n, C) that are not negative; they need not sum to 1.

    >>> import numpy as np
    >>> spread_of_table(np.array([[2, 0, 2]]))
    Spread(gap=array([[ 0., inf,  0.]]), e=array([[1., 0., 1.]]), rest=array([1.]))
    """
    p = np.ascontiguousarray(p, dtype=np.float64)
    largest = p.argmax(axis=1)
    top = p[np.arange(len(p)), largest][:, None]
    with np.errstate(**_QUIET):
        top = np.where((top > 0.0) & (top < np.inf), top, np.nan)
        gap = np.log1p((top - p) / p)
        if (overflown := (gap == np.inf) & (p > 0.0)).any():
            gap = np.where(overflown, np.log(top) - np.log(p), gap)
        return _spread(gap, p / top, largest)


def spread_tempered(spread: Spread, temperature: float) -> Spread:
    """The spread of p^(1 / temperature), made to sum to 1 again.

    What the rounding of the gap left out is had back from ``e``, so that far classes keep their digits; below
    temperature 1 the power of ``e`` does without it.

    >>> import numpy as np
    >>> softmax(spread_tempered(spread_of_table(np.array([[0.8, 0.2]])), 0.5)) * 17
    array([[16.,  1.]])
    """
    gap, e, _ = spread
    with np.errstate(**_QUIET):
        half = np.exp(gap / 2.0)
        lost = np.where(e >= _NORMAL, 0.0 - np.log(e * half * half), 0.0)
        colder, error = divided(gap, lost, temperature)
        power = 1.0 / temperature
        product, rounding = two_product(np.asarray(power), np.asarray(temperature))
        off = ((1.0 - product) - rounding) / temperature
        warm = np.exp(-colder) * (1.0 - error)
        cold = np.power(e, power) * (1.0 - np.where(np.isinf(gap), 0.0, gap) * off)
        tempered = np.where(np.isinf(gap), 0.0, warm if temperature >= 1.0 else cold)
        return _spread(colder, tempered, gap.argmin(axis=1))


def softmax(spread: Spread) -> Doubles:
    """The probabilities (n, C); each row sums to 1 up to rounding.

    >>> import numpy as np
    >>> softmax(spread_of_logits(np.array([[0.0, 0.0, -np.inf]])))
    array([[0.5, 0.5, 0. ]])
    """
    with np.errstate(**_QUIET):
        return np.asarray(spread.e / (1.0 + spread.rest)[:, None])


def surprisal(spread: Spread) -> Doubles:
    """-log of the probabilities, in nats (n, C); +inf for an impossible class.

    >>> import numpy as np
    >>> surprisal(spread_of_logits(np.array([[40.0, 0.0]])))
    array([[4.24835426e-18, 4.00000000e+01]])
    """
    with np.errstate(**_QUIET):
        return np.asarray(spread.gap + np.log1p(spread.rest)[:, None])


def complement(spread: Spread) -> Doubles:
    """1 - p (n, C): what is left for the other classes, with every digit where p is nearly 1; 0 where p is 1.

    >>> import numpy as np
    >>> complement(spread_of_logits(np.array([[40.0, 0.0]]))).tolist()
    [[4.248354255291589e-18, 1.0]]
    """
    with np.errstate(**_QUIET):
        return 0.0 - np.expm1(-surprisal(spread))


def uniform_ratio(spread: Spread) -> Doubles:
    """log(1 / (C p)) (n, C), in nats: how far each class is below its share; +inf for an impossible class.

    Near-uniform rows keep their digits, for the normaliser is had from expm1 of the gaps. Exactly 0 on a uniform row.

    >>> import numpy as np
    >>> uniform_ratio(spread_of_logits(np.array([[1e-9, 0.0]])))
    array([[-5.e-10,  5.e-10]])
    """
    classes = spread.gap.shape[1]
    with np.errstate(**_QUIET):
        below = row_sum(np.expm1(-spread.gap)) / max(classes, 1)
        # where most classes are far below the largest, 1 + below has lost its digits
        far = np.log((1.0 + spread.rest) / max(classes, 1))
        return np.asarray(spread.gap + np.where(below < -0.5, far, np.log1p(below))[:, None])


def error_of(prediction: Doubles, truth: Doubles, cost: Doubles) -> Doubles:
    """prediction - truth (n, C), where ``cost`` is -log of the prediction.

    Where most of the mass is, the difference is taken between what both leave over: (1 - truth) is exact there, and a
    prediction near 1 keeps its digits. The relative error grows only where a soft truth is met almost exactly.

    >>> import numpy as np
    >>> error_of(np.array([[1.0]]), np.array([[1.0]]), np.array([[1e-20]]))
    array([[-1.e-20]])
    """
    with np.errstate(**_QUIET):
        return np.where(truth >= 0.5, (1.0 - truth) + np.expm1(-cost), prediction - truth)


def log_softmax(spread: Spread) -> Doubles:
    """The logarithms of the probabilities (n, C), in nats: 0 or less, -inf for an impossible class.

    >>> import numpy as np
    >>> log_softmax(spread_of_logits(np.array([[2.0, 1.0, 0.0]])))
    array([[-0.40760596, -1.40760596, -2.40760596]])
    """
    return 0.0 - surprisal(spread)


def weighted_cost(weight: Doubles, cost: Doubles) -> Doubles:
    """sum_j weight_j cost_j for each row of (n, C), where 0 * inf is 0: what has no weight costs nothing.

    >>> import numpy as np
    >>> weighted_cost(np.array([[0.5, 0.0]]), np.array([[3.0, np.inf]]))
    array([1.5])
    """
    with np.errstate(**_QUIET):
        product = np.asarray(weight * cost)
        if (nothing := (weight == 0.0) & np.isinf(cost)).any():
            product = np.where(nothing, 0.0, product)
    return row_sum(product)


def entropy(spread: Spread) -> Doubles:
    """Shannon entropy of each row in nats (n,); impossible classes count nothing, a one-hot row has exactly 0.

    >>> import numpy as np
    >>> entropy(spread_of_table(np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])))
    array([1.02965301, 0.        ])
    """
    return weighted_cost(softmax(spread), surprisal(spread))


def surprisal_target(spread: Spread, target: Doubles) -> Doubles:
    """sum_j target_j (-log p_j) of each row in nats (n,), for targets (n, C); a class with target 0 counts nothing.

    >>> import numpy as np
    >>> surprisal_target(spread_of_logits(np.array([[0.0, 0.0, -np.inf]])), np.array([[0.5, 0.5, 0.0]]))
    array([0.69314718])
    """
    return weighted_cost(np.asarray(target, dtype=np.float64), surprisal(spread))


def surprisal_label(x: Numbers, y: Labels, temperature: float = 1.0) -> Doubles:
    """-log softmax(x / temperature) at the label, in nats (n,): the specification of the compiled kernel.

    ``x`` (n, C) logits of any real type, ``y`` (n,) labels in 0..C-1. +inf where the label's logit is -inf; NaN for a
    row with NaN and for one that is all -inf.

    >>> import numpy as np
    >>> surprisal_label(np.array([[40.0, 0.0, -40.0]]), np.array([0])).item()
    4.248354255291589e-18
    """
    spread = spread_of_logits(x, temperature)
    with np.errstate(**_QUIET):
        return np.asarray(spread.gap[np.arange(len(y)), y] + np.log1p(spread.rest))


def log_sum_exp(x: Numbers, temperature: float = 1.0) -> Doubles:
    """log sum_j exp(x_j / temperature) of each row (n,), to 4u(1 + |max/T|); near 0 its relative error has no bound.

    +inf for a row with +inf; NaN for a row with NaN and for one that is all -inf.

    >>> import numpy as np
    >>> log_sum_exp(np.array([[1000.0, 1000.0]]))
    array([1000.69314718])
    """
    x = np.ascontiguousarray(x, dtype=np.float64)
    with np.errstate(**_QUIET):
        return np.asarray(x.max(axis=1) / temperature + np.log1p(spread_of_logits(x, temperature).rest))
