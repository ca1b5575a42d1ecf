"""How undecided a row of probabilities is: the entropies of an order, and what else is said of one distribution.

Inputs are the forms of a row: ``p`` (n, C), its ``surprisal`` -log p, its ``gap`` log(max p / p). Every sum has terms
of one sign, so near-certain rows keep their digits; a power of a small probability is taken of the probability where it
is a normal number, for the rounding of its logarithm would be multiplied by hundreds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.logspace import weighted_cost
from divtool.numerics.ordered import running_sum
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_NORMAL = 2.0**-1022


def _power(x: Doubles, minus_log: Doubles, order: float) -> Doubles:
    """x^order of numbers from 0 to 1, also of those that are below the smallest double; 0 stays 0."""
    return np.where(x >= _NORMAL, x**order, np.exp(np.where(minus_log < np.inf, -order * minus_log, -np.inf)))


def support_size(gap: Doubles) -> Doubles:
    """How many classes are possible (n,).

    >>> import numpy as np
    >>> support_size(np.array([[0.0, 800.0, np.inf]]))
    array([2.])
    """
    return np.where(np.isnan(gap).any(axis=1), np.nan, (gap < np.inf).sum(axis=1))


def renyi_rows(p: Doubles, surprisal: Doubles, gap: Doubles, order: float) -> Doubles:
    """Renyi entropy of an order from 0 to +inf, in nats (n,).

    The surprisal of the largest class and the logarithm of what the others add to its power: both at least 0.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> np.exp(renyi_rows(p, -np.log(p), np.log(0.5 / p), 2.0))
    array([2.66666667])
    """
    if order == 0.0:
        return np.asarray(np.log(support_size(gap)))
    if order == 1.0:
        return weighted_cost(p, surprisal)
    least = surprisal.min(axis=1)
    if order == math.inf:
        return np.asarray(least)
    with np.errstate(**_QUIET):
        if order > 1.0:
            off = np.where(p == 0.0, 0.0, gap)
            lost = row_sum(p * _expm1_over(off, 1.0 - order))
            far = np.log(row_sum(p * np.exp((1.0 - order) * off))) / (1.0 - order)
            return np.asarray(least + np.where((order - 1.0) * lost > 0.5, far, _log1p_over(lost, 1.0 - order)))
        top = p.max(axis=1)
        others = _power(p / top[:, None], gap, order) * _expm1_over(gap, order - 1.0)
        return np.asarray(least + _log1p_over(top * row_sum(others), 1.0 - order))


def _log1p_over(x: Doubles, factor: float) -> Doubles:
    """log(1 + factor x) / factor, also where factor x would underflow."""
    product = factor * x
    return np.where(np.abs(product) < 2.0**-60, x, np.log1p(product) / factor)


def _expm1_over(x: Doubles, factor: float) -> Doubles:
    """(e^(factor x) - 1) / factor, also where factor x would underflow."""
    product = factor * x
    return np.where(np.abs(product) < 2.0**-60, x, np.expm1(product) / factor)


def tsallis_rows(p: Doubles, surprisal: Doubles, gap: Doubles, order: float) -> Doubles:
    """Tsallis entropy of an order from 0 to +inf (n,).

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> tsallis_rows(p, -np.log(p), np.log(0.5 / p), 2.0)
    array([0.625])
    """
    if order == 0.0:
        return support_size(gap) - 1.0
    if order == 1.0:
        return weighted_cost(p, surprisal)
    with np.errstate(**_QUIET):
        if order == math.inf:
            return row_sum(p) * 0.0
        if order > 1.0:
            return row_sum(p * np.where(p == 0.0, 0.0, _expm1_over(surprisal, 1.0 - order)))
        return row_sum(_power(p, surprisal, order) * _expm1_over(surprisal, order - 1.0))


def hill_rows(p: Doubles, surprisal: Doubles, gap: Doubles, uniform: Doubles, order: float) -> Doubles:
    """The Hill number e^H of an order: how many equally likely classes would be as undecided (n,).

    Where the row is nearer to uniform than to one-hot, C times the exponential of what it lacks.

    >>> import numpy as np
    >>> p = np.array([[0.25, 0.25, 0.25, 0.25]])
    >>> hill_rows(p, -np.log(p), 0 * p, 0 * p, 3.0)
    array([4.])
    """
    if order == 0.0:
        return support_size(gap)
    if order == math.inf:
        return np.asarray(1.0 / p.max(axis=1))
    entropy = renyi_rows(p, surprisal, gap, order)
    return effective_classes(entropy, _lack(p, surprisal, uniform, order), p.shape[1])


def _lack(p: Doubles, surprisal: Doubles, uniform: Doubles, order: float) -> Doubles:
    """log C less the Renyi entropy (n,), where that is small; +inf elsewhere."""
    with np.errstate(**_QUIET):
        if order == 1.0:
            return 0.0 - weighted_cost(p, uniform)
        excess = np.where(p == 0.0, 0.0, p * np.expm1((1.0 - order) * uniform))
        if order < 1.0:
            scale = float(p.shape[1]) ** (order - 1.0)
            rare = _power(p, surprisal, order) * scale * -np.expm1((order - 1.0) * uniform)
            excess = np.where(uniform > 0.0, rare, excess)
        excess = row_sum(excess)
        return np.where(np.abs(excess) < 0.5, np.log1p(excess) / (order - 1.0), np.inf)


def effective_classes(entropy: Doubles, lack: Doubles, classes: int) -> Doubles:
    """e^entropy (n,), from the entropy or from what it lacks of log C, whichever is smaller.

    >>> import numpy as np
    >>> effective_classes(np.array([np.log(3.0)]), np.array([0.0]), 3)
    array([3.])
    """
    with np.errstate(**_QUIET):
        return np.where(np.abs(lack) < entropy, classes * np.exp(-lack), np.exp(entropy))


def extropy_rows(p: Doubles, complement: Doubles) -> Doubles:
    """-sum (1 - p) log(1 - p), in nats (n,).

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5]])
    >>> extropy_rows(p, 1.0 - p)
    array([0.69314718])
    """
    with np.errstate(**_QUIET):
        return weighted_cost(complement, 0.0 - np.where(p < 0.5, np.log1p(-p), np.log(complement)))


def varentropy_rows(p: Doubles, gap: Doubles) -> Doubles:
    """The variance of the surprisal, in nats squared (n,).

    >>> import numpy as np
    >>> varentropy_rows(np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 0.0, np.inf]]))
    array([0.])
    """
    with np.errstate(**_QUIET):
        held = np.where(p == 0.0, 0.0, gap)
        off = np.where(p == 0.0, 0.0, held - row_sum(p * held)[:, None])
        return row_sum(p * off * off)


def residual_entropy_rows(p: Doubles) -> Doubles:
    """-sum over k of P(X > k) log P(X > k), for classes one unit apart, in nats (n,).

    >>> import numpy as np
    >>> residual_entropy_rows(np.array([[0.5, 0.0, 0.5]]))
    array([0.69314718])
    """
    with np.errstate(**_QUIET):
        below = running_sum(p)[:, :-1]
        above = np.ascontiguousarray(running_sum(np.ascontiguousarray(p[:, :0:-1]))[:, ::-1])
        # by the smaller side, in which alone the logarithm has its digits
        log = np.where(below < above, np.log1p(-below), np.log(above))
        return weighted_cost(above, np.maximum(0.0 - log, 0.0))
