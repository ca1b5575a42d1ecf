"""Distances between two distributions as points, and the chi-square sums, from the pair forms.

Every sum has terms of one sign made of delta = p - q, which has all its digits; squares are scaled so that none
underflows before its root is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.pairs import odds_of
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_NORMAL = 2.0**-1022


def total_variation_rows(delta: Doubles) -> Doubles:
    """Half the sum of |p - q| (n,), at most 1.

    >>> import numpy as np
    >>> total_variation_rows(np.array([[0.25, -0.25]]))
    array([0.25])
    """
    return np.asarray(np.minimum(row_sum(np.abs(delta)) / 2.0, 1.0))


def shared_rows(p: Doubles, q: Doubles, delta: Doubles) -> Doubles:
    """The sum of min(p, q) (n,): 1 less the total variation, without cancellation where little is shared.

    >>> import numpy as np
    >>> shared_rows(np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]]), np.array([[0.75, -0.75]]))
    array([0.25])
    """
    variation = total_variation_rows(delta)
    return np.where(variation < 0.5, 1.0 - variation, row_sum(np.minimum(p, q)))


def _root_exponent(x: Doubles) -> Doubles:
    """The exponent of each row's largest magnitude (n,); 0 for rows of zeros and rows that are not finite."""
    top = np.abs(x).max(axis=1, initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(top), top, 0.0))[1]
    return np.asarray(exponent, dtype=np.int64)


def sum_of_squares(x: Doubles) -> Doubles:
    """sum x^2 of each row (n,), rounded no lower than its own size demands.

    >>> import numpy as np
    >>> sum_of_squares(np.array([[3.0, 4.0]]))
    array([25.])
    """
    with np.errstate(**_QUIET):
        exponent = _root_exponent(x)
        scaled = np.ldexp(x, -exponent[:, None])
        return np.asarray(np.ldexp(row_sum(scaled * scaled), 2 * exponent))


def norm_rows(x: Doubles, power: float = 2.0) -> Doubles:
    """(sum |x|^power)^(1/power) of each row (n,), also where the powers would underflow.

    >>> import numpy as np
    >>> norm_rows(np.array([[3e-200, 4e-200]]))
    array([5.e-200])
    """
    with np.errstate(**_QUIET):
        exponent = _root_exponent(x)
        scaled = np.abs(np.ldexp(x, -exponent[:, None]))
        root = np.sqrt(row_sum(scaled * scaled)) if power == 2.0 else row_sum(scaled**power) ** (1.0 / power)
        return np.asarray(np.ldexp(root, exponent))


def squared_hellinger_rows(p: Doubles, q: Doubles, delta: Doubles) -> Doubles:
    """1/2 sum (sqrt p - sqrt q)^2 (n,), at most 1.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> squared_hellinger_rows(p, q, p - q)
    array([0.5])
    """
    with np.errstate(**_QUIET):
        gap = delta / (np.sqrt(p) + np.sqrt(q))
        gap = np.where(delta == 0.0, 0.0, gap)
        return np.asarray(np.minimum(row_sum(gap * gap) / 2.0, 1.0))


def pearson_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles) -> Doubles:
    """sum (p - q)^2 / q (n,); +inf where only q is impossible.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> pearson_rows(p, q, np.log(q / p), p - q) * 3
    array([1.])
    """
    return row_sum(pearson_terms(p, q, t, delta))


def pearson_terms(p: Doubles, q: Doubles, t: Doubles, delta: Doubles) -> Doubles:
    """(p - q)^2 / q of each class (n, C).

    >>> import numpy as np
    >>> p, q = np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])
    >>> pearson_terms(p, q, np.array([[np.inf, np.log(0.5)]]), p - q)
    array([[0.5, 0.5]])
    """
    with np.errstate(**_QUIET):
        root = np.where(delta == 0.0, 0.0, delta / np.sqrt(q))
        terms = root * root
        if (faint := (q < _NORMAL) & (t < 0.0)).any():
            # q has lost digits that t still has
            root = np.sqrt(p) * np.exp(np.where(faint, t, 0.0) / -2.0)
            terms = np.where(faint, np.where(p == 0.0, 0.0, root * root), terms)
            terms = np.where(t == -np.inf, np.inf + q, terms)
        return terms


def excess_odds(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """max(p, q) / min(p, q) - 1 of each class (n, C): +inf where one side is impossible, 0 where both are.

    >>> import numpy as np
    >>> excess_odds(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]]), np.log([[0.5, 1.5]]))
    array([[1. , 0.5]])
    """
    with np.errstate(**_QUIET):
        far = np.abs(t) > 4.0
        growth = np.expm1(np.abs(t))
        if far.any():
            odds = np.where(t < 0.0, odds_of(p, q, t), odds_of(q, p, -t))
            growth = np.where(far, odds - 1.0, growth)
        return np.asarray(growth)


def cosine_rows(p: Doubles, q: Doubles) -> Doubles:
    """sum p q / (|p| |q|) (n,): exactly 1 on identical rows, at most 1.

    >>> import numpy as np
    >>> cosine_rows(np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]]))
    array([0.6])
    """
    with np.errstate(**_QUIET):
        norms = np.sqrt(row_sum(p * p) * row_sum(q * q))
        return np.asarray(np.minimum(row_sum(p * q) / norms, 1.0))


def cosine_distance_rows(p: Doubles, q: Doubles, delta: Doubles) -> Doubles:
    """1 - cos (n,), as half the squared distance of p / |p| and q / |q|, at most 1.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]])
    >>> cosine_distance_rows(p, q, p - q)
    array([0.4])
    """
    with np.errstate(**_QUIET):
        of_p, of_q = (np.sqrt(row_sum(side * side))[:, None] for side in (p, q))
        longer = (row_sum(delta * (p + q)) / (of_p + of_q)[:, 0])[:, None]
        # p |q| - q |p| written with either side's lengths, and the mean of both: the same bits either way round
        across = ((delta * of_q - q * longer) + (delta * of_p - p * longer)) / (2.0 * of_p * of_q)
        return np.asarray(np.minimum(sum_of_squares(across) / 2.0, 1.0))
