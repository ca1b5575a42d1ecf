"""Sums over classes of what depends on the ratio of two probabilities, from the pair forms.

Functions of (p - q)/(p + q) are functions of t = log(q/p) alone, which has every digit; an underflowed class counts as
what it is, one that neither side has counts nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.geometry import excess_odds, sum_of_squares
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_NORMAL = 2.0**-1022


def balance(t: Doubles) -> Doubles:
    """(p - q) / (p + q) of each class (n, C), within -1 and 1.

    >>> import numpy as np
    >>> balance(np.array([[-np.inf, 0.0]]))
    array([[1., 0.]])
    """
    return np.asarray(np.tanh(0.0 - t / 2.0))


def triangular_rows(t: Doubles, delta: Doubles) -> Doubles:
    """sum (p - q)^2 / (p + q) of each row (n,), at most 2.

    >>> import numpy as np
    >>> triangular_rows(np.array([[-np.inf, np.inf]]), np.array([[1.0, -1.0]]))
    array([2.])
    """
    with np.errstate(**_QUIET):
        return np.asarray(np.minimum(row_sum(delta * balance(t)), 2.0))


def squared_balance_rows(t: Doubles) -> Doubles:
    """sum ((p - q) / (p + q))^2 of each row (n,).

    >>> import numpy as np
    >>> squared_balance_rows(np.array([[-np.inf, 0.0, np.inf]]))
    array([2.])
    """
    return sum_of_squares(balance(t))


def kumar_johnson_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles) -> Doubles:
    """sum (p^2 - q^2)^2 / (2 (p q)^(3/2)) of each row (n,); +inf where only one side is impossible.

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> kumar_johnson_rows(p, q, np.log(q / p), p - q)
    array([5.625])
    """
    with np.errstate(**_QUIET):
        mean = np.sqrt(p) * np.sqrt(q)
        root = np.where(delta == 0.0, 0.0, (delta / np.sqrt(mean)) * ((p + q) / mean))
        faint = (p < _NORMAL) | (q < _NORMAL)
        if faint.any():
            larger, size = np.maximum(p, q), np.abs(np.where(faint, t, 0.0))
            odd = 0.0 - np.expm1(-2.0 * size)
            grown = np.sqrt(larger) * np.exp(0.375 * size) * odd * np.exp(0.375 * size)
            root = np.where(faint, np.where(larger == 0.0, 0.0, grown), root)
            root = np.where(np.isinf(t), np.inf + larger, root)
        return row_sum(root * root / 2.0)


def smaller_over_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles) -> Doubles:
    """sum (p - q)^2 / min(p, q) of each row (n,); +inf where one side is impossible.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> smaller_over_rows(p, q, np.log(q / p), p - q)
    array([0.375])
    """
    with np.errstate(**_QUIET):
        smaller = np.minimum(p, q)
        root = np.where(delta == 0.0, 0.0, delta / np.sqrt(smaller))
        terms = root * root
        if (faint := smaller < _NORMAL).any():
            # the smaller has lost digits that t still has
            root = np.sqrt(np.maximum(p, q)) * np.exp(np.where(faint, np.abs(t), 0.0) / 2.0)
            small = np.abs(delta) * excess_odds(p, q, t)
            terms = np.where(faint, np.where(np.abs(t) > 1.0, root * root, small), terms)
            terms = np.where(faint & ((delta == 0.0) | (np.maximum(p, q) == 0.0)), 0.0, terms)
            terms = np.where(np.isinf(t), np.inf + p, terms)
        return row_sum(terms)


def larger_over_rows(t: Doubles, delta: Doubles) -> Doubles:
    """sum (p - q)^2 / max(p, q) of each row (n,), at most 2.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> larger_over_rows(np.log(q / p), p - q) * 24
    array([5.])
    """
    with np.errstate(**_QUIET):
        return np.asarray(np.minimum(row_sum(np.abs(delta) * (0.0 - np.expm1(0.0 - np.abs(t)))), 2.0))
