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


def log_softmax(spread: Spread) -> Doubles:
    """The logarithms of the probabilities (n, C), in nats: 0 or less, -inf for an impossible class.

    >>> import numpy as np
    >>> log_softmax(spread_of_logits(np.array([[2.0, 1.0, 0.0]])))
    array([[-0.40760596, -1.40760596, -2.40760596]])
    """
    return -surprisal(spread)


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
